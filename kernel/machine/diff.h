/* SPDX-License-Identifier: GPL-2.0 */
/* Compare two snapshots. Pure: no kernel call, also built in user space. */
#ifndef _PMIG_DIFF_H
#define _PMIG_DIFF_H

#include <linux/types.h>

#include "../../include/linux/pmig_change.h"

/* What a message carries at most; the rest is counted and logged. */
#define PMIG_CHANGES_MAX  64
#define PMIG_SNAPSHOT_MAX 64

/**
 * struct pmig_item - one value of a snapshot
 * @name: as PMIG_A_CHANGE_NAME, zero-terminated
 * @value: printable, zero-terminated, never empty
 * @flags: PMIG_CHANGE_F_* that a change of this value gets
 */
struct pmig_item {
	char name[PMIG_NAME_LEN];
	char value[PMIG_VALUE_LEN];
	__u32 flags;
};

/**
 * struct pmig_snapshot - all of them, in the order they were added; a name is there once
 * @nr: how many
 * @item: the values
 */
struct pmig_snapshot {
	unsigned int nr;
	struct pmig_item item[PMIG_SNAPSHOT_MAX];
};

unsigned int pmig_diff(const struct pmig_snapshot *old, const struct pmig_snapshot *now,
		       struct pmig_change *change, unsigned int max);

#endif /* _PMIG_DIFF_H */
