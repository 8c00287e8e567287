/* SPDX-License-Identifier: GPL-2.0 */
/* Where the memory is. */
#ifndef _PMIG_PSERIES_MEMORY_H
#define _PMIG_PSERIES_MEMORY_H

#include "../machine/snapshot.h"

#define PMIG_MEMORY_NODE "ibm,dynamic-reconfiguration-memory"

int pmig_memory_snapshot(struct pmig_snapshot *snap);

#endif /* _PMIG_PSERIES_MEMORY_H */
