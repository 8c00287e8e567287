/* SPDX-License-Identifier: GPL-2.0 */
/* What differs after the move, shared by the session and by notices that outlive it. */
#ifndef _PMIG_CHANGES_H
#define _PMIG_CHANGES_H

#include <linux/kref.h>
#include <linux/pmig_change.h>

/**
 * struct pmig_changes - what differs after the move
 * @ref: who uses it; freed with kfree(), as pmig_complete() may be the last and may not sleep
 * @nr: how many
 * @change: the changes
 */
struct pmig_changes {
	struct kref ref;
	unsigned int nr;
	struct pmig_change change[];
};

struct pmig_changes *pmig_changes_alloc(unsigned int nr);
struct pmig_changes *pmig_changes_get(struct pmig_changes *changes);
void pmig_changes_put(struct pmig_changes *changes);

#endif /* _PMIG_CHANGES_H */
