// SPDX-License-Identifier: GPL-2.0
/*
 * Sees others begin and end a migration by a return probe: on kernels without tracepoints of RTAS
 * calls, and only where a probe does no harm (may_probe() in watch.c).
 *
 * pseries_migrate_partition() is behind every way to start one, so a return probe there tells the
 * stream at its entry and the result at its end. It is static: where it has been inlined, the probe
 * is on migration_store(), which sees what comes through sysfs.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "blackout.h"
#include "own-write.h"
#include "watch-probe.h"

#define MAX_EVENTS 64

struct event {
	u64 stream;
	u64 blackout_ns;
	int err;
	bool end;
};

/* From the probes, which may not sleep, to the work item. */
static DEFINE_RAW_SPINLOCK(events_lock);
static struct event events[MAX_EVENTS]; /* under events_lock, a ring */
static unsigned int head, tail;		/* under events_lock */
static unsigned int owed;		/* ends still to come, under events_lock */

static struct pmig_engine *engine;	   /* set once before the probe */
static struct workqueue_struct *report_wq; /* set once before the probe */
static struct kretprobe *seeing;	   /* migrate_probe, store_probe or none */

static void deliver_events(struct work_struct *work);
static DECLARE_WORK(deliver_work, deliver_events);

static bool next_event(struct event *e)
{
	unsigned long flags;
	bool there;

	raw_spin_lock_irqsave(&events_lock, flags);
	there = tail != head;
	if (there)
		*e = events[tail++ % MAX_EVENTS];
	raw_spin_unlock_irqrestore(&events_lock, flags);
	return there;
}

static void deliver_events(struct work_struct *work)
{
	unsigned int noio = memalloc_noio_save();
	struct event e;

	while (next_event(&e)) {
		if (e.end)
			engine->events->ended(engine, e.stream, e.err, e.blackout_ns);
		else
			engine->events->begun(engine, e.stream);
	}
	memalloc_noio_restore(noio);
}

/*
 * A begin is queued only if there is room for its end, too: a session without an end would stay
 * for ever.
 */
static bool add_event(struct event e)
{
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&events_lock, flags);
	taken = e.end || head - tail + owed + 2 <= MAX_EVENTS;
	if (taken) {
		events[head++ % MAX_EVENTS] = e;
		owed += e.end ? -1 : 1;
	}
	raw_spin_unlock_irqrestore(&events_lock, flags);
	queue_work(report_wq, &deliver_work);
	return taken;
}

struct migrate_call {
	u64 stream;
};

/* Returns 0 where the end is to be seen, too. */
static nokprobe_inline int see_begin(struct migrate_call *call, u64 stream)
{
	call->stream = stream;
	pmig_blackout_clear();
	return add_event((struct event){ .stream = stream }) ? 0 : 1;
}

static int enter_migrate(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (pmig_own_write_is_current())
		return 1;
	return see_begin((void *)ri->data, regs->gpr[3]);
}

NOKPROBE_SYMBOL(enter_migrate);

/* Its third argument is the text that was written. What is no number is refused there, too. */
static int enter_store(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	u64 stream;

	if (pmig_own_write_is_current() || kstrtou64((const char *)regs->gpr[5], 0, &stream))
		return 1;
	return see_begin((void *)ri->data, stream);
}

NOKPROBE_SYMBOL(enter_store);

static int leave_migrate(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct migrate_call *call = (void *)ri->data;

	struct event e = {
		.stream = call->stream,
		.err = min((int)regs->gpr[3], 0),
		.blackout_ns = pmig_blackout(),
		.end = true,
	};

	add_event(e);
	return 0;
}

NOKPROBE_SYMBOL(leave_migrate);

static struct kretprobe migrate_probe = {
	.kp.symbol_name = "pseries_migrate_partition",
	.entry_handler = enter_migrate,
	.handler = leave_migrate,
	.data_size = sizeof(struct migrate_call),
	.maxactive = 16,
};

static struct kretprobe store_probe = {
	.kp.symbol_name = "migration_store",
	.entry_handler = enter_store,
	.handler = leave_migrate,
	.data_size = sizeof(struct migrate_call),
	.maxactive = 16,
};

/**
 * pmig_watch_probe_init() - from now on whoever migrates is seen at once
 * @e: the engine on whose behalf
 * @wq: where it is told
 *
 * Return: false where there is nothing to put a probe on.
 */
bool pmig_watch_probe_init(struct pmig_engine *e, struct workqueue_struct *wq)
{
	engine = e;
	report_wq = wq;
	seeing = NULL;
	if (!register_kretprobe(&migrate_probe))
		seeing = &migrate_probe;
	else if (!register_kretprobe(&store_probe))
		seeing = &store_probe;
	else
		pr_notice("no probe on %s: migrations that others start are seen afterwards\n",
			  migrate_probe.kp.symbol_name);
	return seeing;
}

void pmig_watch_probe_exit(void)
{
	if (seeing)
		unregister_kretprobe(seeing);
	cancel_work_sync(&deliver_work);
}
