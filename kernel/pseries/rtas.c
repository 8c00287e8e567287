// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tracepoints around RTAS calls (6.8 and later), and what they tell of a migration:
 * ibm,suspend-me, in the thread that stops the machine, and the calls by which the writer then
 * brings the kernel up to date. They need no probe in the text of the kernel.
 *
 * All here runs with interrupts off and possibly with rtas_lock held; during ibm,suspend-me it is
 * the only code that runs in the whole partition. So nothing here sleeps, allocates or takes a
 * lock that others hold for long.
 */
#include <asm/rtas.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "blackout.h"
#include "rtas.h"

static struct tracepoint *input, *output;	/* set once, both or none */
static const struct pmig_rtas_watcher *watcher; /* set once before the first call */

static bool is_call(const char *name, const char *call)
{
	return name && !strcmp(name, call);
}

static bool is_fixup(const char *name)
{
	return is_call(name, "ibm,activate-firmware") || is_call(name, "ibm,update-nodes") ||
	       is_call(name, "ibm,update-properties") || is_call(name, "ibm,configure-connector");
}

static void on_input(void *data, struct rtas_args *args, const char *name)
{
	if (is_call(name, "ibm,suspend-me"))
		pmig_blackout_begins();
}

static int status_of(const struct rtas_args *args)
{
	return be32_to_cpu(args->rets[0]);
}

/* The call was busy, or gave a part of the answer: it will be repeated. */
static bool unfinished(int status)
{
	return status > 0 || status == RTAS_BUSY;
}

static void on_output(void *data, struct rtas_args *args, const char *name)
{
	if (is_call(name, "ibm,suspend-me")) {
		pmig_blackout_ends(status_of(args));
		if (!status_of(args))
			watcher->suspended();
	} else if (is_fixup(name)) {
		watcher->fixup(unfinished(status_of(args)));
	}
}

/* A module cannot refer to the kernel's tracepoints by name and has to look for them. */
static void find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "rtas_input"))
		input = tp;
	else if (!strcmp(tp->name, "rtas_output"))
		output = tp;
}

static bool register_probes(void)
{
	if (!PMIG_RTAS_TRACE || !input || !output)
		return false;
	if (tracepoint_probe_register(input, on_input, NULL))
		return false;
	if (!tracepoint_probe_register(output, on_output, NULL))
		return true;
	tracepoint_probe_unregister(input, on_input, NULL);
	tracepoint_synchronize_unregister();
	return false;
}

/**
 * pmig_rtas_init() - from now on RTAS calls are seen
 * @w: is told of them
 *
 * Return: false where the kernel has no such tracepoints.
 */
bool pmig_rtas_init(const struct pmig_rtas_watcher *w)
{
	watcher = w;
	input = NULL;
	output = NULL;
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (register_probes())
		return true;
	output = NULL;
	return false;
}

/* When it returns nothing here is called any more. */
void pmig_rtas_exit(void)
{
	if (!output)
		return;
	tracepoint_probe_unregister(output, on_output, NULL);
	tracepoint_probe_unregister(input, on_input, NULL);
	tracepoint_synchronize_unregister();
}
