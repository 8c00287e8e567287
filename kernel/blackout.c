// SPDX-License-Identifier: GPL-2.0
/*
 * How long the partition stood still: from ibm,suspend-me's call to its return, with all processors
 * stopped. The kernel's tracepoints around RTAS calls tell it (6.3 and later); before them a return
 * probe, where that is safe. Without either nothing but this number is missing.
 */
#include <asm/rtas.h>
#include <asm/time.h>
#include <linux/kprobes.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "pseries.h"

static u64 began;			  /* timebase; one suspension at a time */
static u64 blackout_ticks;		  /* of the last suspension that worked */
static struct tracepoint *input, *output; /* set once, both or none */
static bool probing;

static void ends(int status)
{
	if (!status)
		WRITE_ONCE(blackout_ticks, get_tb() - began);
}

/* ---- the tracepoints rtas_input and rtas_output; modules have to look for them */

static bool is_suspend(const char *name)
{
	return name && !strcmp(name, "ibm,suspend-me");
}

static void on_input(void *data, struct rtas_args *args, const char *name)
{
	if (is_suspend(name))
		began = get_tb();
}

static void on_output(void *data, struct rtas_args *args, const char *name)
{
	if (is_suspend(name))
		ends(be32_to_cpu(args->rets[0]));
}

static void look_at(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "rtas_input"))
		input = tp;
	else if (!strcmp(tp->name, "rtas_output"))
		output = tp;
}

static bool trace(void)
{
	for_each_kernel_tracepoint(look_at, NULL);
	if (!input || !output)
		return false;
	if (tracepoint_probe_register(input, on_input, NULL))
		return false;
	if (!tracepoint_probe_register(output, on_output, NULL))
		return true;
	tracepoint_probe_unregister(input, on_input, NULL);
	tracepoint_synchronize_unregister();
	return false;
}

static void untrace(void)
{
	tracepoint_probe_unregister(output, on_output, NULL);
	tracepoint_probe_unregister(input, on_input, NULL);
	tracepoint_synchronize_unregister();
}

/* ---- the return probe */

static int enter_suspend(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	began = get_tb();
	return 0;
}

NOKPROBE_SYMBOL(enter_suspend);

static int leave_suspend(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	ends(regs_return_value(regs));
	return 0;
}

NOKPROBE_SYMBOL(leave_suspend);

static struct kretprobe suspend_probe = {
	.kp.symbol_name = "rtas_ibm_suspend_me",
	.entry_handler = enter_suspend,
	.handler = leave_suspend,
	.maxactive = 4,
};

/* Before a suspension, so that what is read afterwards is its own. */
void pmig_blackout_clear(void)
{
	WRITE_ONCE(blackout_ticks, 0);
}

/* Nanoseconds that the last suspension took, 0 where that is not known. */
u64 pmig_blackout(void)
{
	return tb_to_ns(READ_ONCE(blackout_ticks));
}

/**
 * pmig_blackout_init() - from now on it is measured
 * @may_probe: a return probe may serve where there are no tracepoints
 */
void pmig_blackout_init(bool may_probe)
{
	if (!trace()) {
		input = NULL;
		output = NULL;
		probing = may_probe && !register_kretprobe(&suspend_probe);
	}
}

void pmig_blackout_exit(void)
{
	if (output)
		untrace();
	if (probing)
		unregister_kretprobe(&suspend_probe);
}
