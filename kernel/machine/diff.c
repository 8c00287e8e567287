// SPDX-License-Identifier: GPL-2.0
/*
 * What differs between two snapshots. A snapshot has some dozens of values, so each is looked for
 * one by one. Both lists are taken as they are: a name that only one of them has is a change from
 * or to nothing.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif
#include "diff.h"

static const struct pmig_item *find_item(const struct pmig_snapshot *snap, const char *name)
{
	unsigned int i;

	for (i = 0; i < snap->nr && i < PMIG_SNAPSHOT_MAX; i++)
		if (!strncmp(snap->item[i].name, name, PMIG_NAME_LEN))
			return &snap->item[i];
	return NULL;
}

static void fill_change(struct pmig_change *change, const struct pmig_item *old,
			const struct pmig_item *now)
{
	const struct pmig_item *any = now ? now : old;

	memset(change, 0, sizeof(*change));
	memcpy(change->name, any->name, PMIG_NAME_LEN - 1);
	if (old)
		memcpy(change->old, old->value, PMIG_VALUE_LEN - 1);
	if (now)
		memcpy(change->new, now->value, PMIG_VALUE_LEN - 1);
	change->flags = any->flags;
}

/**
 * pmig_diff() - compare two snapshots
 * @old: before
 * @now: after
 * @change: receives what differs: first in the order of @now, then what is gone, in the order
 *	of @old
 * @max: room in @change
 *
 * Return: how many differ, which may be more than @max.
 */
unsigned int pmig_diff(const struct pmig_snapshot *old, const struct pmig_snapshot *now,
		       struct pmig_change *change, unsigned int max)
{
	const struct pmig_item *was;
	unsigned int i, n = 0;

	for (i = 0; i < now->nr && i < PMIG_SNAPSHOT_MAX; i++) {
		was = find_item(old, now->item[i].name);
		if (was && !strncmp(was->value, now->item[i].value, PMIG_VALUE_LEN))
			continue;
		if (n < max)
			fill_change(&change[n], was, &now->item[i]);
		n++;
	}
	for (i = 0; i < old->nr && i < PMIG_SNAPSHOT_MAX; i++) {
		if (find_item(now, old->item[i].name))
			continue;
		if (n < max)
			fill_change(&change[n], &old->item[i], NULL);
		n++;
	}
	return n;
}
