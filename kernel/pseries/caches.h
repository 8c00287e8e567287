/* SPDX-License-Identifier: GPL-2.0 */
/* The caches of all processors. */
#ifndef _PMIG_PSERIES_CACHES_H
#define _PMIG_PSERIES_CACHES_H

#include "../machine/snapshot.h"
#include "processors.h"

int pmig_caches_snapshot(struct pmig_snapshot *snap, const struct pmig_processors *all);

#endif /* _PMIG_PSERIES_CACHES_H */
