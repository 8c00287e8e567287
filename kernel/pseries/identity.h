/* SPDX-License-Identifier: GPL-2.0 */
/* Who the machine is. */
#ifndef _PMIG_PSERIES_IDENTITY_H
#define _PMIG_PSERIES_IDENTITY_H

#include "../machine/snapshot.h"

int pmig_identity_snapshot(struct pmig_snapshot *snap);
bool pmig_is_identity(const char *property);

#endif /* _PMIG_PSERIES_IDENTITY_H */
