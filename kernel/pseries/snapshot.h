/* SPDX-License-Identifier: GPL-2.0 */
/* The machine as PowerVM shows it. */
#ifndef _PMIG_PSERIES_SNAPSHOT_H
#define _PMIG_PSERIES_SNAPSHOT_H

#include "../machine/snapshot.h"

int pmig_pseries_snapshot(struct pmig_snapshot *snap);

#endif /* _PMIG_PSERIES_SNAPSHOT_H */
