/* SPDX-License-Identifier: GPL-2.0 */
/* What the processors are, and where. */
#ifndef _PMIG_PSERIES_CPUS_H
#define _PMIG_PSERIES_CPUS_H

#include "../machine/snapshot.h"
#include "processors.h"

int pmig_cpus_snapshot(struct pmig_snapshot *snap, const struct pmig_processors *all);

#endif /* _PMIG_PSERIES_CPUS_H */
