// SPDX-License-Identifier: GPL-2.0
/*
 * How long the partition stood still: from ibm,suspend-me's call to its return, with all processors
 * stopped. The tracepoints of RTAS calls tell it (rtas.c); on kernels without them a return probe,
 * where that is safe. Without either nothing but this number is missing.
 */
#include <asm/time.h>
#include <linux/kprobes.h>

#include "blackout.h"

static u64 began;	   /* timebase; one suspension at a time */
static u64 blackout_ticks; /* of the last suspension that worked */
static bool probing;

void pmig_blackout_begins(void)
{
	began = get_tb();
}

void pmig_blackout_ends(int status)
{
	if (!status)
		WRITE_ONCE(blackout_ticks, get_tb() - began);
}

static int enter_suspend(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	pmig_blackout_begins();
	return 0;
}

NOKPROBE_SYMBOL(enter_suspend);

static int leave_suspend(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	pmig_blackout_ends(regs_return_value(regs));
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

/* For kernels without tracepoints of RTAS calls. */
void pmig_blackout_probe(void)
{
	probing = !register_kretprobe(&suspend_probe);
}

void pmig_blackout_exit(void)
{
	if (probing)
		unregister_kretprobe(&suspend_probe);
	probing = false;
}
