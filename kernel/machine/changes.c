// SPDX-License-Identifier: GPL-2.0
/* Comparisons: how long each lives, and how it is found. */
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "changes.h"
#include "diff.h"

/* Guards the two that follow. Taken in any context, as the last user may be pmig_complete(). */
static DEFINE_SPINLOCK(alive_lock);
static LIST_HEAD(alive);
static u32 generation;

static void count_rows(struct pmig_changes *changes)
{
	struct pmig_diff diff = { .old = changes->old, .new = changes->new };
	struct pmig_row row;

	while (pmig_diff_next(&diff, &row))
		changes->nr[pmig_fields[(row.new ?: row.old)->field].section]++;
}

/**
 * pmig_changes_make() - compare two snapshots
 * @old: before; the caller keeps its references to both
 * @new: after
 *
 * Return: the comparison with one reference, or NULL. May sleep.
 */
struct pmig_changes *pmig_changes_make(const struct pmig_snapshot *old,
				       const struct pmig_snapshot *new)
{
	struct pmig_changes *changes = kzalloc(sizeof(*changes), GFP_KERNEL);

	if (!changes)
		return NULL;
	kref_init(&changes->ref);
	changes->old = pmig_snapshot_get(old);
	changes->new = pmig_snapshot_get(new);
	count_rows(changes);
	spin_lock_irq(&alive_lock);
	changes->generation = ++generation;
	list_add_tail(&changes->node, &alive);
	spin_unlock_irq(&alive_lock);
	return changes;
}

/**
 * pmig_changes_find() - a comparison that somebody still uses
 * @wanted: its generation
 *
 * Return: the comparison with a reference, or NULL.
 */
struct pmig_changes *pmig_changes_find(u32 wanted)
{
	struct pmig_changes *pos, *found = NULL;

	spin_lock_irq(&alive_lock);
	list_for_each_entry(pos, &alive, node) {
		if (pos->generation != wanted)
			continue;
		if (kref_get_unless_zero(&pos->ref))
			found = pos;
		break;
	}
	spin_unlock_irq(&alive_lock);
	return found;
}

struct pmig_changes *pmig_changes_get(struct pmig_changes *changes)
{
	kref_get(&changes->ref);
	return changes;
}

static void release_changes(struct kref *ref)
{
	struct pmig_changes *changes = container_of(ref, struct pmig_changes, ref);
	unsigned long flags;

	spin_lock_irqsave(&alive_lock, flags);
	list_del(&changes->node);
	spin_unlock_irqrestore(&alive_lock, flags);
	pmig_snapshot_put(changes->old);
	pmig_snapshot_put(changes->new);
	kfree(changes);
}

/* From any context that may take a spinlock. */
void pmig_changes_put(struct pmig_changes *changes)
{
	if (changes)
		kref_put(&changes->ref, release_changes);
}
