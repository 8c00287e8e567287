/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc and /sys tell anyone about the machine, beyond what pmig.ko knows; Documentation/what-changes.md has the list. */
#ifndef DRMGRD_FACTS_H
#define DRMGRD_FACTS_H

#include "shared/rows.h"

/*
 * The facts as they are now, in the order of section, key and field. ROW_F_STAYS is on those that a migration should not
 * change. Returns 0 or -ENOMEM.
 */
int facts_read(struct rows *ret);

#endif /* DRMGRD_FACTS_H */
