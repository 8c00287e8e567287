/* SPDX-License-Identifier: GPL-2.0 */
/* The machine as the partition sees it at one moment: a flat list of names and printable values. */
#ifndef _PMIG_SNAPSHOT_H
#define _PMIG_SNAPSHOT_H

#include <linux/types.h>

#include "diff.h"

int pmig_snapshot_add_text(struct pmig_snapshot *snap, const char *name, const void *text,
			   size_t len, __u32 flags);
int pmig_snapshot_add_u64(struct pmig_snapshot *snap, const char *name, __u64 value, __u32 flags);

#endif /* _PMIG_SNAPSHOT_H */
