// SPDX-License-Identifier: GPL-2.0
/*
 * The engines that are there, and for each the machine it saw last (the baseline): taken when the
 * engine arrives, before each suspension and after each migration. It is what a migration that
 * nobody announced is compared with.
 */
#include <linux/ktime.h>
#include <linux/mutex.h>

#include "engine.h"
#include "machine/changes.h"
#include "machine/diff.h"
#include "trace.h"

/*
 * Held while the machine is described and compared, so that comparisons follow each other. Outside
 * engines_lock and pmig_session_lock.
 */
static DEFINE_MUTEX(machine_lock);

/* Guards engines, and each engine's baseline and last. Never held while an engine is called. */
static DEFINE_MUTEX(engines_lock);
static LIST_HEAD(engines);
static const struct pmig_engine_events *events; /* set once before the first engine */

static u64 ns_since(ktime_t begin)
{
	return ktime_to_ns(ktime_sub(ktime_get(), begin));
}

static const struct pmig_snapshot *take_snapshot(struct pmig_engine *engine)
{
	struct pmig_snapshot *snap = pmig_snapshot_alloc(engine->name);
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

/* Both references change hands. */
static const struct pmig_snapshot *swap_baseline(struct pmig_engine *engine,
						 const struct pmig_snapshot *snap)
{
	mutex_lock(&engines_lock);
	swap(engine->baseline, snap);
	mutex_unlock(&engines_lock);
	return snap;
}

static void keep_last(struct pmig_engine *engine, struct pmig_changes *changes)
{
	if (changes)
		pmig_changes_get(changes);
	mutex_lock(&engines_lock);
	swap(engine->last, changes);
	mutex_unlock(&engines_lock);
	pmig_changes_put(changes);
}

static void set_baseline(struct pmig_engine *engine, const struct pmig_snapshot *snap)
{
	const struct pmig_snapshot *old = swap_baseline(engine, snap);

	if (old)
		pmig_snapshot_put(old);
}

/**
 * pmig_engine_refresh() - take the baseline anew; an older one stays where that fails
 * @engine: the engine
 */
void pmig_engine_refresh(struct pmig_engine *engine)
{
	const struct pmig_snapshot *snap;

	mutex_lock(&machine_lock);
	snap = take_snapshot(engine);
	if (snap)
		set_baseline(engine, snap);
	mutex_unlock(&machine_lock);
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

/* The reference to @now becomes the engine's. */
static struct pmig_changes *replace_baseline(struct pmig_engine *engine,
					     const struct pmig_snapshot *now)
{
	struct pmig_changes *changes = NULL;
	const struct pmig_snapshot *old;

	lockdep_assert_held(&machine_lock);
	pmig_snapshot_get(now);
	old = swap_baseline(engine, now);
	if (old) {
		changes = compare_snapshots(old, now);
		pmig_snapshot_put(old);
	}
	pmig_snapshot_put(now);
	return changes;
}

/**
 * pmig_engine_compare() - what differs from the baseline, which becomes the machine of now
 * @engine: the engine
 *
 * Return: the comparison, or NULL where a snapshot is missing; then the baseline is as it was.
 */
struct pmig_changes *pmig_engine_compare(struct pmig_engine *engine)
{
	struct pmig_changes *changes = NULL;
	const struct pmig_snapshot *now;

	mutex_lock(&machine_lock);
	now = take_snapshot(engine);
	if (now)
		changes = replace_baseline(engine, now);
	if (changes)
		keep_last(engine, changes);
	mutex_unlock(&machine_lock);
	return changes;
}

/**
 * pmig_engine_compare_idle() - the same, while nothing moves the partition
 * @engine: the engine
 * @busy: does something? Asked when the machine has been described. Then the baseline stays: a
 *	session takes its own when it begins to move the partition, and compares when it has
 *
 * Return: the comparison if at least one row differs, else NULL.
 */
struct pmig_changes *pmig_engine_compare_idle(struct pmig_engine *engine, bool (*busy)(void))
{
	struct pmig_changes *changes = NULL;
	const struct pmig_snapshot *now;

	mutex_lock(&machine_lock);
	now = take_snapshot(engine);
	if (now && !busy())
		changes = replace_baseline(engine, now);
	else if (now)
		pmig_snapshot_put(now);
	if (changes && pmig_changes_any(changes)) {
		keep_last(engine, changes);
	} else {
		pmig_changes_put(changes);
		changes = NULL;
	}
	mutex_unlock(&machine_lock);
	return changes;
}

static bool names_server(const struct pmig_row *row)
{
	return pmig_fields[(row->new ?: row->old)->field].server;
}

/**
 * pmig_engine_elsewhere() - does the partition run on another server than at the baseline?
 * @engine: the engine; its baseline stays
 *
 * Return: true if a field differs that says which server it is.
 */
bool pmig_engine_elsewhere(struct pmig_engine *engine)
{
	struct pmig_diff diff = {};
	bool elsewhere = false;
	struct pmig_row row;

	mutex_lock(&machine_lock);
	diff.new = take_snapshot(engine);
	diff.old = pmig_engine_baseline(engine);
	if (diff.old && diff.new)
		while (!elsewhere && pmig_diff_next(&diff, &row))
			elsewhere = names_server(&row);
	mutex_unlock(&machine_lock);
	if (diff.new)
		pmig_snapshot_put(diff.new);
	if (diff.old)
		pmig_snapshot_put(diff.old);
	return elsewhere;
}

/**
 * pmig_engine_baseline() - the machine as it was seen last
 * @engine: the engine
 *
 * Return: a snapshot with a reference, or NULL.
 */
const struct pmig_snapshot *pmig_engine_baseline(struct pmig_engine *engine)
{
	const struct pmig_snapshot *snap;

	mutex_lock(&engines_lock);
	snap = engine->baseline ? pmig_snapshot_get(engine->baseline) : NULL;
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
	changes = engine->last ? pmig_changes_get(engine->last) : NULL;
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
	engine->last = NULL;
	engine->events = events;
	pmig_engine_refresh(engine);
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
		set_baseline(engine, NULL);
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
	set_baseline(engine, NULL);
	keep_last(engine, NULL);
}
EXPORT_SYMBOL_NS_GPL(pmig_unregister_engine, PMIG);
