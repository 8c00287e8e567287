/* SPDX-License-Identifier: GPL-2.0 */
/* What the device tree says of the machine. */
#ifndef _PMIG_DEVTREE_H
#define _PMIG_DEVTREE_H

#include "../machine/snapshot.h"

int pmig_devtree_snapshot(struct pmig_snapshot *snap);
bool pmig_devtree_is_identity(const char *property);

#endif /* _PMIG_DEVTREE_H */
