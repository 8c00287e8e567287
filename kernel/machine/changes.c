// SPDX-License-Identifier: GPL-2.0
/* The list of what differs after the move: how long it lives. */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "changes.h"

struct pmig_changes *pmig_changes_alloc(unsigned int nr)
{
	struct pmig_changes *changes = kzalloc(struct_size(changes, change, nr), GFP_KERNEL);

	if (changes) {
		kref_init(&changes->ref);
		changes->nr = nr;
	}
	return changes;
}

struct pmig_changes *pmig_changes_get(struct pmig_changes *changes)
{
	kref_get(&changes->ref);
	return changes;
}

static void release_changes(struct kref *ref)
{
	kfree(container_of(ref, struct pmig_changes, ref));
}

void pmig_changes_put(struct pmig_changes *changes)
{
	kref_put(&changes->ref, release_changes);
}
