// SPDX-License-Identifier: GPL-2.0
/*
 * What differs between two snapshots: a merge of two arrays that are in the same order, so that its
 * time grows with their length and it needs no memory. A fact that only one of them has differs
 * from nothing. What the kernel believes is no part of it.
 */
#ifdef __KERNEL__
#include <linux/sched.h>
#include <linux/string.h>
#else
#include <string.h>
#define cond_resched()
#endif
#include "diff.h"

static bool is_same(const struct pmig_diff *diff, const struct pmig_fact *old,
		    const struct pmig_fact *new)
{
	if (pmig_field_is_text(old->field))
		return !strcmp(pmig_fact_text(diff->old, old), pmig_fact_text(diff->new, new));
	return old->value == new->value;
}

/**
 * pmig_diff_next() - the next fact that differs
 * @diff: where the last call has stopped; @i and @j are 0 at the beginning
 * @row: receives it
 *
 * May sleep.
 *
 * Return: false when there is none any more.
 */
bool pmig_diff_next(struct pmig_diff *diff, struct pmig_row *row)
{
	const struct pmig_fact *old, *new;
	int order;

	while (diff->i < diff->old->nr || diff->j < diff->new->nr) {
		cond_resched(); /* of half a million facts not one may differ */
		old = diff->i < diff->old->nr ? &diff->old->fact[diff->i] : NULL;
		new = diff->j < diff->new->nr ? &diff->new->fact[diff->j] : NULL;
		order = !new ? -1 : !old ? 1 : pmig_fact_order(old, new);
		diff->i += order <= 0;
		diff->j += order >= 0;
		if (!order && is_same(diff, old, new))
			continue;
		row->old = order <= 0 ? old : NULL;
		row->new = order >= 0 ? new : NULL;
		return true;
	}
	return false;
}
