// SPDX-License-Identifier: GPL-2.0
/*
 * The engines that are there, and for each the machine it saw last (the baseline): taken when the
 * engine arrives, before each suspension and after each migration. It is what a migration that
 * nobody announced is compared with.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "engine.h"
#include "machine/changes.h"
#include "machine/diff.h"

/* Guards engines and each engine's baseline. Never held while an engine is called. */
static DEFINE_MUTEX(engines_lock);
static LIST_HEAD(engines);
static const struct pmig_engine_events *events; /* set once before the first engine */

static struct pmig_snapshot *take_snapshot(struct pmig_engine *engine)
{
	struct pmig_snapshot *snap = kzalloc(sizeof(*snap), GFP_KERNEL);
	int err;

	if (!snap)
		return NULL;
	err = engine->snapshot(snap);
	if (!err)
		return snap;
	pr_warn("%s: no snapshot of the machine: error %d\n", engine->name, err);
	kfree(snap);
	return NULL;
}

static struct pmig_snapshot *swap_baseline(struct pmig_engine *engine, struct pmig_snapshot *snap)
{
	struct pmig_snapshot *old;

	mutex_lock(&engines_lock);
	old = engine->baseline;
	engine->baseline = snap;
	mutex_unlock(&engines_lock);
	return old;
}

/**
 * pmig_engine_refresh() - take the baseline anew; an older one stays where that fails
 * @engine: the engine
 */
void pmig_engine_refresh(struct pmig_engine *engine)
{
	struct pmig_snapshot *snap = take_snapshot(engine);

	if (snap)
		kfree(swap_baseline(engine, snap));
}

static struct pmig_changes *compare_snapshots(const struct pmig_snapshot *old,
					      const struct pmig_snapshot *new)
{
	struct pmig_changes *changes = pmig_changes_alloc(PMIG_CHANGES_MAX);
	unsigned int n;

	if (!changes)
		return NULL;
	n = pmig_diff(old, new, changes->change, PMIG_CHANGES_MAX);
	if (n > PMIG_CHANGES_MAX)
		pr_warn("%u changes, only the first %u are told\n", n, PMIG_CHANGES_MAX);
	changes->nr = min_t(unsigned int, n, PMIG_CHANGES_MAX);
	return changes;
}

/**
 * pmig_engine_compare() - what differs from the baseline, which becomes the machine of now
 * @engine: the engine
 *
 * Only one caller at a time, the session's worker: the old baseline is used outside the lock.
 *
 * Return: the changes, or NULL where a snapshot is missing; then the baseline is as it was.
 */
struct pmig_changes *pmig_engine_compare(struct pmig_engine *engine)
{
	struct pmig_snapshot *now = take_snapshot(engine), *old;
	struct pmig_changes *changes;

	if (!now)
		return NULL;
	old = swap_baseline(engine, now);
	changes = old ? compare_snapshots(old, now) : NULL;
	kfree(old);
	return changes;
}

/**
 * pmig_engine_differs() - has the machine changed since the baseline?
 * @engine: the engine; its baseline stays
 *
 * Return: true if there is at least one change.
 */
bool pmig_engine_differs(struct pmig_engine *engine)
{
	struct pmig_snapshot *now = take_snapshot(engine);
	bool differs;

	if (!now)
		return false;
	mutex_lock(&engines_lock);
	differs = engine->baseline && pmig_diff(engine->baseline, now, NULL, 0);
	mutex_unlock(&engines_lock);
	kfree(now);
	return differs;
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
		kfree(swap_baseline(engine, NULL));
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
	kfree(swap_baseline(engine, NULL));
}
EXPORT_SYMBOL_NS_GPL(pmig_unregister_engine, PMIG);
