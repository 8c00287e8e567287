// SPDX-License-Identifier: GPL-2.0
/*
 * Sees migrations that others start, by the best means that the kernel offers.
 *
 *  - The tracepoints of RTAS calls (rtas.c). Once the partition has stood still, the writer brings
 *    the kernel up to date by RTAS calls in its own task: the first of them tells whose migration
 *    it is. It is over when there has been none for a while. The stream is not in them, nor is a
 *    write that never came to a suspension.
 *  - A return probe (watch-probe.c), where there are no tracepoints and it does no harm.
 *  - A change of the machine's identity in the device tree, always: what the others miss. It comes
 *    piecemeal and in the middle, so the snapshots are compared once the tree has been quiet for a
 *    while.
 *
 * What else changes without a migration (triggers.c) is compared in the same way. In the minute
 * after any of these the machine is looked at a few times more, as the hypervisor may go on moving
 * processors and says nothing when it does; then nothing runs here any more.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "blackout.h"
#include "own-write.h"
#include "rtas.h"
#include "triggers.h"
#include "watch-probe.h"
#include "watch.h"

/* A migration is over when there has been no fix-up for so long. */
#define SETTLE_MS 2000

/* How long to wait for a call that has to be repeated. RTAS asks for pauses of at most 100 s. */
#define PROMISED_MS 120000

/* Seconds after all has settled when the machine is looked at again. */
static const unsigned int again_s[] = { 5, 15, 30, 60 };

static bool probe = true;
module_param(probe, bool, 0444);
MODULE_PARM_DESC(probe, "use return probes where the kernel has no tracepoints of RTAS calls (Y)");

static struct pmig_engine *engine; /* set once before the first event */
/* Drivers may wait for a report to hear POST, when memory is short, so it has a rescuer. */
static struct workqueue_struct *watch_wq;

/*
 * Flags that xchg() takes down are no bools: on powerpc kernels for processors that may lack lbarx
 * (Debian's 6.1), xchg() of a byte returns its neighbours, too.
 */

/*
 * The system sleeps, or has slept: what has changed since is no migration. Resuming moves a
 * partition, too, but that is not what the handlers have been told.
 */
static bool asleep;
static unsigned int slept;

static const char *resized;    /* what came or went, to be told */
static unsigned int disturbed; /* since the machine was last looked at */
static unsigned long settled;  /* when, in jiffies; the work's, which is ordered */

/* Between the tracepoints, which can't take a lock, and the work. */
static unsigned int unclaimed; /* the partition has stood still, and the writer is not known yet */
static unsigned int claimed;   /* by somebody else: to be told */
static bool promised;	       /* the fix-up seen last comes again */
static unsigned long last_fixup; /* jiffies */

/* Somebody else's migration that the tracepoints have shown, under following_lock. */
static DEFINE_MUTEX(following_lock);
static bool following;
static u64 followed_stream;

static void see_claim(struct work_struct *work);
static DECLARE_WORK(see_work, see_claim);
static void settle_tree(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle_work, settle_tree);
static void tell_resized(struct work_struct *work);
static DECLARE_WORK(resized_work, tell_resized);

static void put_off_settling(void)
{
	WRITE_ONCE(disturbed, true);
	mod_delayed_work(watch_wq, &settle_work, msecs_to_jiffies(SETTLE_MS));
}

/*
 * Somebody else's migration that is followed is over when its fix-ups are. What else changes
 * meanwhile, and be it all the time, does not put off its end, for which drivers may be waiting.
 */
static void look_soon(void)
{
	if (!READ_ONCE(following)) {
		put_off_settling();
		return;
	}
	WRITE_ONCE(disturbed, true);
	queue_delayed_work(watch_wq, &settle_work, msecs_to_jiffies(SETTLE_MS));
}

/* ---- what the tracepoints tell, with interrupts off */

/* Everything else stands still, so nothing runs before this is set. */
static void partition_suspended(void)
{
	WRITE_ONCE(promised, false);
	WRITE_ONCE(unclaimed, !READ_ONCE(asleep));
}

/* A task brings the kernel up to date, as the writer does after a suspension. */
static void kernel_fixed_up(bool again)
{
	if (pmig_own_write_is_current()) {
		WRITE_ONCE(unclaimed, false);
		return;
	}
	WRITE_ONCE(promised, again);
	WRITE_ONCE(last_fixup, jiffies);
	if (xchg(&unclaimed, false))
		WRITE_ONCE(claimed, true);
	if (READ_ONCE(claimed) || READ_ONCE(following))
		queue_work(watch_wq, &see_work);
}

static const struct pmig_rtas_watcher watcher = {
	.suspended = partition_suspended,
	.fixup = kernel_fixed_up,
};

/* ---- and what becomes of it */

static void begin_followed(void)
{
	lockdep_assert_held(&following_lock);
	followed_stream = engine->events->which_stream(engine);
	WRITE_ONCE(following, true);
	engine->events->begun(engine, followed_stream);
}

static void finish_followed(void)
{
	lockdep_assert_held(&following_lock);
	WRITE_ONCE(following, false);
	engine->events->ended(engine, followed_stream, 0, pmig_blackout());
}

/* Makes a migration of a claim, unless somebody else has just done so; returns whether it did. */
static bool take_claim(void)
{
	bool there;

	mutex_lock(&following_lock);
	there = xchg(&claimed, false);
	if (there && following)
		finish_followed();
	if (there)
		begin_followed();
	mutex_unlock(&following_lock);
	return there;
}

static void see_claim(struct work_struct *work)
{
	unsigned int noio = memalloc_noio_save();

	take_claim();
	put_off_settling();
	memalloc_noio_restore(noio);
}

static bool is_promised(void)
{
	return READ_ONCE(promised) &&
	       time_before(jiffies, READ_ONCE(last_fixup) + msecs_to_jiffies(PROMISED_MS));
}

/* Returns whether there was a migration to end, or to wait for. */
static bool end_followed(void)
{
	bool was;

	mutex_lock(&following_lock);
	was = following;
	if (was && !is_promised()) {
		finish_followed();
		pmig_blackout_clear();
	}
	mutex_unlock(&following_lock);
	return was;
}

/*
 * The tree has been quiet for a while. If a session moves the partition, it compares the machine
 * itself. A partition that has only got another name has not moved.
 *
 * Returns whether nothing is left to wait for.
 */
static bool compare_tree(void)
{
	bool rested;
	int err;

	if (READ_ONCE(asleep))
		return false;
	rested = xchg(&slept, false);
	err = engine->events->changed(engine, !rested);
	if (err && rested)
		WRITE_ONCE(slept, true);
	/* What the tracepoints have just shown is told by see_claim(). */
	if (err == -EXDEV && !READ_ONCE(unclaimed) && !READ_ONCE(claimed)) {
		engine->events->begun(engine, 0);
		engine->events->ended(engine, 0, 0, pmig_blackout());
		pmig_blackout_clear();
	}
	return !err;
}

/* If the work is pending again already, that counts. */
static void plan_look(void)
{
	unsigned long since = jiffies - settled;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(again_s); i++)
		if (again_s[i] * HZ > since) {
			queue_delayed_work(watch_wq, &settle_work, again_s[i] * HZ - since);
			return;
		}
}

static void settle_tree(struct work_struct *work)
{
	unsigned int noio = memalloc_noio_save();

	if (end_followed() || !compare_tree()) {
		put_off_settling();
	} else {
		if (xchg(&disturbed, false))
			settled = jiffies;
		plan_look();
	}
	memalloc_noio_restore(noio);
}

static void tell_resized(struct work_struct *work)
{
	const char *what = xchg(&resized, NULL);

	if (what)
		engine->events->resized(engine, what);
}

/* ---- triggers, under locks of the kernel's */

static void machine_resized(const char *what)
{
	WRITE_ONCE(resized, what);
	queue_work(watch_wq, &resized_work);
	look_soon();
}

static void system_sleeps(bool yes)
{
	WRITE_ONCE(slept, true); /* again at the end, as a comparison may have used it up */
	WRITE_ONCE(asleep, yes);
	if (!yes)
		put_off_settling();
}

static const struct pmig_trigger_watcher trigger_watcher = {
	.changed = look_soon,
	.resized = machine_resized,
	.sleeps = system_sleeps,
};

/* ---- our own */

/* From here on the caller's own migration is not to be seen. */
void pmig_watch_own_begins(void)
{
	pmig_blackout_clear();
	WRITE_ONCE(unclaimed, false);
	pmig_own_write_begins();
}

/**
 * pmig_watch_own_ends() - the caller's write has returned
 * @err: with this
 *
 * Where it has failed and the partition has stood still all the same, somebody else wrote the same
 * stream and was first: the session hears of that before it hears of our failure.
 */
void pmig_watch_own_ends(int err)
{
	pmig_own_write_ends();
	if (!err)
		pmig_blackout_clear();
	if (xchg(&unclaimed, false) && err)
		WRITE_ONCE(claimed, true);
	if (take_claim() || !err)
		put_off_settling();
}

/*
 * An optimised probe of powerpc puts back r13, the pointer to the processor's own data, as it was
 * before it: on a preemptible kernel the task may be on another processor by then.
 */
static bool may_probe(void)
{
	return probe && !IS_ENABLED(CONFIG_PREEMPTION);
}

/* What can fail comes before the engine is registered, as a session may use that at once. */
int pmig_watch_init(void)
{
	watch_wq = alloc_ordered_workqueue("pmig_watch", WQ_MEM_RECLAIM);
	return watch_wq ? 0 : -ENOMEM;
}

/**
 * pmig_watch_begin() - from now on others' migrations are noticed
 * @e: the engine on whose behalf, registered
 */
void pmig_watch_begin(struct pmig_engine *e)
{
	bool tracing, noticing, probing = false;

	engine = e;
	tracing = pmig_rtas_init(&watcher);
	if (!tracing && may_probe()) {
		pmig_blackout_probe();
		probing = pmig_watch_probe_init(e, watch_wq);
	}
	/* In any case: a probe may be disarmed, and misses what comes too fast. */
	noticing = pmig_triggers_init(&trigger_watcher);
	WRITE_ONCE(e->others_seen_by, tracing  ? "tracepoints" :
				      probing  ? "probe" :
				      noticing ? "device-tree" :
						 NULL);
}

/* Also where pmig_watch_begin() has not been called. */
void pmig_watch_exit(void)
{
	pmig_rtas_exit();
	pmig_watch_probe_exit();
	pmig_blackout_exit();
	pmig_triggers_exit();
	cancel_work_sync(&see_work);
	cancel_work_sync(&resized_work);
	cancel_delayed_work_sync(&settle_work);
	destroy_workqueue(watch_wq);
}
