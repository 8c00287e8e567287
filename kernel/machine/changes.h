/* SPDX-License-Identifier: GPL-2.0 */
/* One comparison of the machine: what it was, what it is, and how many rows differ. */
#ifndef _PMIG_CHANGES_H
#define _PMIG_CHANGES_H

#include <linux/kref.h>
#include <linux/list.h>

#include "snapshot.h"

/**
 * struct pmig_changes - one comparison
 * @ref: whoever uses it
 * @node: in the list of all that are alive, so that a generation can be asked for
 * @generation: counts all comparisons, from 1
 * @old: before
 * @new: after
 * @nr: how many rows differ, by section
 */
struct pmig_changes {
	struct kref ref;
	struct list_head node;
	u32 generation;
	const struct pmig_snapshot *old;
	const struct pmig_snapshot *new;
	unsigned int nr[PMIG_NR_SECTIONS];
};

static inline bool pmig_changes_any(const struct pmig_changes *changes)
{
	unsigned int i;

	for (i = 0; i < PMIG_NR_SECTIONS; i++)
		if (changes->nr[i])
			return true;
	return false;
}

struct pmig_changes *pmig_changes_make(const struct pmig_snapshot *old,
				       const struct pmig_snapshot *new);
struct pmig_changes *pmig_changes_find(u32 generation);
struct pmig_changes *pmig_changes_get(struct pmig_changes *changes);
void pmig_changes_put(struct pmig_changes *changes);

#endif /* _PMIG_CHANGES_H */
