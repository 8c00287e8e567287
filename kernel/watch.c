// SPDX-License-Identifier: GPL-2.0
/*
 * Sees migrations that others start.
 *
 * pseries_migrate_partition() is behind every way to start one, so a return probe there tells the
 * stream at its entry and the result at its end. It is static: where it has been inlined, the probe
 * is on migration_store(), which sees what comes through sysfs. For the rest, a change of the
 * machine's identity in the device tree is the second-best sign, and the only one where a probe is
 * not safe (may_probe()). It comes piecemeal and in the middle, so the snapshots are compared once
 * the tree has been quiet for a while.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "pseries.h"
#include "session.h"

/* How long the device tree has to be quiet. */
#define SETTLE_MS  2000
#define MAX_EVENTS 64

static bool probe = true;
module_param(probe, bool, 0444);
MODULE_PARM_DESC(probe, "use return probes to see migrations that others start (Y)");

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

static struct pmig_engine *engine; /* set once before the probes */
static struct task_struct *own;	   /* our worker while it writes; compared, never followed */
static struct kretprobe *seeing;   /* migrate_probe, store_probe or none */
static bool noticing;

static void deliver(struct work_struct *work);
static DECLARE_WORK(deliver_work, deliver);
static void settle(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle_work, settle);

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

static void deliver(struct work_struct *work)
{
	struct event e;

	while (next_event(&e)) {
		if (e.end)
			pmig_foreign_end(engine, e.stream, e.err, e.blackout_ns);
		else
			pmig_foreign_begin(engine, e.stream);
	}
}

/* Whose beginning is taken has room for his end: a session that nobody ends would stay for good. */
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
	schedule_work(&deliver_work);
	return taken;
}

struct migrate_call {
	u64 stream;
};

/* Returns 0 where the end is to be seen, too. */
static nokprobe_inline int begins(struct migrate_call *call, u64 stream)
{
	call->stream = stream;
	pmig_blackout_clear();
	return add_event((struct event){ .stream = stream }) ? 0 : 1;
}

static int enter_migrate(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (current == READ_ONCE(own))
		return 1;
	return begins((void *)ri->data, regs->gpr[3]);
}

NOKPROBE_SYMBOL(enter_migrate);

/* Its third argument is the text that was written. What is no number is refused there, too. */
static int enter_store(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	u64 stream;

	if (current == READ_ONCE(own) || kstrtou64((const char *)regs->gpr[5], 0, &stream))
		return 1;
	return begins((void *)ri->data, stream);
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

/* mod_delayed_work() would have to name a workqueue, and no name serves all kernels. */
static void put_off(void)
{
	cancel_delayed_work(&settle_work);
	schedule_delayed_work(&settle_work, msecs_to_jiffies(SETTLE_MS));
}

/* The tree is quiet. While a session moves the partition, its own comparison comes first. */
static void settle(struct work_struct *work)
{
	if (pmig_foreign_explained()) {
		put_off();
	} else if (pmig_engine_differs(engine)) {
		pmig_foreign_begin(engine, 0);
		pmig_foreign_end(engine, 0, 0, pmig_blackout());
	}
}

static int tree_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	struct of_reconfig_data *change = data;

	switch (action) {
	case OF_RECONFIG_ADD_PROPERTY:
	case OF_RECONFIG_REMOVE_PROPERTY:
	case OF_RECONFIG_UPDATE_PROPERTY:
		if (change->dn && of_node_is_root(change->dn) && change->prop &&
		    pmig_devtree_is_identity(change->prop->name))
			put_off();
	}
	return NOTIFY_OK;
}

static struct notifier_block tree_notifier = { .notifier_call = tree_changed };

/**
 * pmig_watch_own() - the caller's own migration is not to be seen
 * @begin: begins, or has ended
 */
void pmig_watch_own(bool begin)
{
	pmig_blackout_clear();
	WRITE_ONCE(own, begin ? current : NULL);
}

/*
 * An optimised probe of powerpc puts back r13, the pointer to the processor's own data, as it was
 * before it: on a preemptible kernel the task may be on another processor by then.
 */
static bool may_probe(void)
{
	return probe && !IS_ENABLED(CONFIG_PREEMPTION);
}

static struct kretprobe *see_others(void)
{
	if (!register_kretprobe(&migrate_probe))
		return &migrate_probe;
	if (!register_kretprobe(&store_probe))
		return &store_probe;
	pr_notice("no probe on %s: migrations that others start are seen afterwards\n",
		  migrate_probe.kp.symbol_name);
	return NULL;
}

/* How, for whoever asks in user space. */
const char *pmig_watch_by(void)
{
	if (seeing)
		return "probe";
	return noticing ? "device-tree" : "none";
}

void pmig_watch_init(struct pmig_engine *e)
{
	engine = e;
	pmig_blackout_init(may_probe());
	seeing = may_probe() ? see_others() : NULL;
	/* Even with a probe: it may be disarmed, and misses what comes too fast. */
	noticing = !of_reconfig_notifier_register(&tree_notifier);
}

void pmig_watch_exit(void)
{
	if (seeing)
		unregister_kretprobe(seeing);
	if (noticing)
		of_reconfig_notifier_unregister(&tree_notifier);
	cancel_delayed_work_sync(&settle_work);
	cancel_work_sync(&deliver_work);
	pmig_blackout_exit();
}
