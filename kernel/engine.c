// SPDX-License-Identifier: GPL-2.0
/*
 * The engines that are there, and for each the machine it saw last (the baseline): taken when the
 * engine arrives, before each suspension, after each migration, and when the machine changes
 * without one. It is what a migration that nobody announced is compared with.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>

#include "engine.h"
#include "machine/changes.h"
#include "machine/diff.h"
#include "trace.h"

/*
 * Held while the machine is described and compared, so that comparisons follow each other, and
 * while an engine's baseline and last change. Outside engines_lock and pmig_session_lock. The
 * worker needs it while storage may be quiet, so what is allocated under it does not wait for I/O.
 */
static DEFINE_MUTEX(machine_lock);

/*
 * Guards engines, and whoever reads an engine's baseline, outdated and last. Never held while an
 * engine is called.
 */
static DEFINE_MUTEX(engines_lock);
static LIST_HEAD(engines);
static const struct pmig_engine_events *events; /* set once before the first engine */

static u64 ns_since(ktime_t begin)
{
	return ktime_to_ns(ktime_sub(ktime_get(), begin));
}

static unsigned int lock_machine(void)
{
	mutex_lock(&machine_lock);
	return memalloc_noio_save();
}

static void unlock_machine(unsigned int noio)
{
	memalloc_noio_restore(noio);
	mutex_unlock(&machine_lock);
}

static const struct pmig_snapshot *take_snapshot(struct pmig_engine *engine)
{
	struct pmig_snapshot *snap = pmig_snapshot_alloc(engine->name, engine->baseline);
	ktime_t begin;
	int err;

	lockdep_assert_held(&machine_lock);
	if (!snap)
		return NULL;
	trace_pmig_snapshot_begin(engine->name);
	begin = ktime_get();
	err = engine->snapshot(snap);
	trace_pmig_snapshot_end(engine->name, snap->nr, pmig_snapshot_bytes(snap), ns_since(begin),
				err);
	if (!err)
		return snap;
	pr_warn("%s: no snapshot of the machine: error %d\n", engine->name, err);
	pmig_snapshot_put(snap);
	return NULL;
}

/*
 * The machine is @now from here on, whose reference becomes the engine's, and @changes, which may
 * be NULL, is the last change. Whoever reads both finds those that belong together.
 */
static void set_machine(struct pmig_engine *engine, const struct pmig_snapshot *now,
			struct pmig_changes *changes)
{
	struct pmig_changes *oldest = NULL;

	lockdep_assert_held(&machine_lock);
	if (changes)
		pmig_changes_get(changes);
	mutex_lock(&engines_lock);
	swap(engine->baseline, now);
	engine->outdated = false;
	if (changes) {
		oldest = engine->last[1];
		engine->last[1] = engine->last[0];
		engine->last[0] = changes;
	}
	mutex_unlock(&engines_lock);
	pmig_changes_put(oldest);
	if (now)
		pmig_snapshot_put(now);
}

static void outdate_baseline(struct pmig_engine *engine)
{
	lockdep_assert_held(&machine_lock);
	mutex_lock(&engines_lock);
	engine->outdated = true;
	mutex_unlock(&engines_lock);
}

static struct pmig_changes *compare_snapshots(const struct pmig_snapshot *old,
					      const struct pmig_snapshot *new)
{
	ktime_t begin = ktime_get();
	struct pmig_changes *changes = pmig_changes_make(old, new);
	unsigned int i, rows = 0;

	if (!changes)
		return NULL;
	for (i = 0; i < PMIG_NR_SECTIONS; i++)
		rows += changes->nr[i];
	trace_pmig_diff(changes->generation, rows, ns_since(begin));
	return changes;
}

/*
 * The reference to @now becomes the engine's. A comparison in which nothing differs counts only if
 * the partition has @moved.
 */
static struct pmig_changes *replace_baseline(struct pmig_engine *engine,
					     const struct pmig_snapshot *now, bool moved)
{
	struct pmig_changes *changes = NULL;

	lockdep_assert_held(&machine_lock);
	if (engine->baseline)
		changes = compare_snapshots(engine->baseline, now);
	if (changes && !moved && !pmig_changes_any(changes)) {
		pmig_changes_put(changes);
		changes = NULL;
	}
	set_machine(engine, now, changes);
	return changes;
}

/**
 * pmig_engine_compare() - the partition has moved: what differs from the baseline, which becomes
 * the machine of now
 * @engine: the engine
 *
 * Return: the comparison, or NULL where there is none. If that is because the machine could not be
 * described, the baseline is kept to be compared with later, but is nothing that anybody is told.
 */
struct pmig_changes *pmig_engine_compare(struct pmig_engine *engine)
{
	struct pmig_changes *changes = NULL;
	unsigned int noio = lock_machine();
	const struct pmig_snapshot *now;

	now = take_snapshot(engine);
	if (now)
		changes = replace_baseline(engine, now, true);
	else
		outdate_baseline(engine);
	unlock_machine(noio);
	return changes;
}

/* Is it another server than at the baseline? Nobody knows where that is one left already. */
static bool is_elsewhere(const struct pmig_engine *engine, const struct pmig_snapshot *now)
{
	struct pmig_diff diff = { .old = engine->baseline, .new = now };
	struct pmig_row row;

	lockdep_assert_held(&machine_lock);
	if (!diff.old || engine->outdated)
		return false;
	while (pmig_diff_next(&diff, &row))
		if (pmig_fields[(row.new ?: row.old)->field].server)
			return true;
	return false;
}

/**
 * pmig_engine_compare_idle() - the same, while nothing moves the partition
 * @engine: the engine
 * @busy: does something? Asked when the machine has been described. Then the baseline stays: a
 *	session takes its own when it begins to move the partition, and compares when it has. NULL
 *	for that session
 * @here: the partition is where it was; if not, it has moved, and the baseline stays, too
 *
 * Return: the comparison if at least one row differs, else NULL; ERR_PTR(-EBUSY) where something
 * moves the partition, ERR_PTR(-EXDEV) where it is not @here.
 */
struct pmig_changes *pmig_engine_compare_idle(struct pmig_engine *engine, bool (*busy)(void),
					      bool here)
{
	struct pmig_changes *changes = NULL;
	unsigned int noio = lock_machine();
	const struct pmig_snapshot *now;

	now = take_snapshot(engine);
	if (now && busy && busy()) {
		pmig_snapshot_put(now);
		changes = ERR_PTR(-EBUSY);
	} else if (now && here && is_elsewhere(engine, now)) {
		pmig_snapshot_put(now);
		changes = ERR_PTR(-EXDEV);
	} else if (now) {
		changes = replace_baseline(engine, now, false);
	}
	unlock_machine(noio);
	return changes;
}

/**
 * pmig_engine_baseline() - the machine as it was seen last
 * @engine: the engine
 * @generation: of the last change that is known, 0 for none
 *
 * Return: a snapshot with a reference, or NULL where the partition has moved since, too.
 */
const struct pmig_snapshot *pmig_engine_baseline(struct pmig_engine *engine, u32 *generation)
{
	const struct pmig_snapshot *snap = NULL;

	mutex_lock(&engines_lock);
	if (engine->baseline && !engine->outdated)
		snap = pmig_snapshot_get(engine->baseline);
	*generation = engine->last[0] ? engine->last[0]->generation : 0;
	mutex_unlock(&engines_lock);
	return snap;
}

/**
 * pmig_engine_last() - the last comparison in which something could have changed
 * @engine: the engine
 *
 * Return: it with a reference, or NULL.
 */
struct pmig_changes *pmig_engine_last(struct pmig_engine *engine)
{
	struct pmig_changes *changes;

	mutex_lock(&engines_lock);
	changes = engine->last[0] ? pmig_changes_get(engine->last[0]) : NULL;
	mutex_unlock(&engines_lock);
	return changes;
}

/**
 * pmig_engine_get() - find an engine and keep its module
 * @name: which, or NULL for the first one
 *
 * Return: the engine, or NULL.
 */
struct pmig_engine *pmig_engine_get(const char *name)
{
	struct pmig_engine *pos, *found = NULL;

	mutex_lock(&engines_lock);
	list_for_each_entry(pos, &engines, node) {
		if (name && strcmp(pos->name, name))
			continue;
		if (try_module_get(pos->owner)) {
			found = pos;
			break;
		}
	}
	mutex_unlock(&engines_lock);
	return found;
}

/* For an engine that calls us itself: fails while its module is being unloaded. */
struct pmig_engine *pmig_engine_ref(struct pmig_engine *engine)
{
	return try_module_get(engine->owner) ? engine : NULL;
}

void pmig_engine_put(struct pmig_engine *engine)
{
	module_put(engine->owner);
}

/* How migrations that others start are noticed, for whoever asks in user space. */
const char *pmig_engine_others_seen_by(void)
{
	struct pmig_engine *pos;
	const char *by = NULL;

	mutex_lock(&engines_lock);
	list_for_each_entry(pos, &engines, node)
		by = by ?: READ_ONCE(pos->others_seen_by);
	mutex_unlock(&engines_lock);
	return by ?: "none";
}

/* Before the first engine: whom all of them tell of others' migrations. */
void pmig_engine_listen(const struct pmig_engine_events *to)
{
	events = to;
}

static void forget_change(struct pmig_changes **last)
{
	struct pmig_changes *changes = NULL;

	mutex_lock(&engines_lock);
	swap(*last, changes);
	mutex_unlock(&engines_lock);
	pmig_changes_put(changes);
}

static void forget_machine(struct pmig_engine *engine)
{
	unsigned int i, noio = lock_machine();

	set_machine(engine, NULL, NULL);
	for (i = 0; i < ARRAY_SIZE(engine->last); i++)
		forget_change(&engine->last[i]);
	unlock_machine(noio);
}

static void take_first_baseline(struct pmig_engine *engine)
{
	unsigned int noio = lock_machine();

	set_machine(engine, take_snapshot(engine), NULL);
	unlock_machine(noio);
}

/**
 * pmig_register_engine() - a hypervisor is there
 * @engine: filled in by the caller
 *
 * Return: 0, or -EEXIST for a name that is taken.
 */
int pmig_register_engine(struct pmig_engine *engine)
{
	struct pmig_engine *pos;
	int err = 0;

	engine->baseline = NULL;
	memset(engine->last, 0, sizeof(engine->last));
	engine->events = events;
	take_first_baseline(engine);
	mutex_lock(&engines_lock);
	list_for_each_entry(pos, &engines, node)
		if (!strcmp(pos->name, engine->name))
			err = -EEXIST;
	if (!err) {
		list_for_each_entry(pos, &engines, node)
			if (pos->rank > engine->rank)
				break;
		list_add_tail(&engine->node, &pos->node);
	}
	mutex_unlock(&engines_lock);
	if (err)
		forget_machine(engine);
	return err;
}
EXPORT_SYMBOL_NS_GPL(pmig_register_engine, PMIG);

/**
 * pmig_unregister_engine() - the hypervisor goes; no session uses it, as that pins the caller's
 * module
 * @engine: the engine
 */
void pmig_unregister_engine(struct pmig_engine *engine)
{
	mutex_lock(&engines_lock);
	list_del(&engine->node);
	mutex_unlock(&engines_lock);
	engine->events->gone(engine);
	forget_machine(engine);
}
EXPORT_SYMBOL_NS_GPL(pmig_unregister_engine, PMIG);
