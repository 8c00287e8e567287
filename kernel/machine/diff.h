/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between two snapshots, one row after the other. Pure, also built in user space. */
#ifndef _PMIG_DIFF_H
#define _PMIG_DIFF_H

#include "snapshot.h"

/**
 * struct pmig_diff - how far a comparison is
 * @old: before
 * @new: after
 * @i: how many facts of @old are done
 * @j: how many facts of @new are done
 */
struct pmig_diff {
	const struct pmig_snapshot *old;
	const struct pmig_snapshot *new;
	unsigned int i;
	unsigned int j;
};

/**
 * struct pmig_row - one fact that differs
 * @old: before, NULL where it was not there
 * @new: after, NULL where it is gone
 */
struct pmig_row {
	const struct pmig_fact *old;
	const struct pmig_fact *new;
};

bool pmig_diff_next(struct pmig_diff *diff, struct pmig_row *row);

#endif /* _PMIG_DIFF_H */
