/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of facts_read(), one file each. They add rows in any order, and return 0 or -ENOMEM. */
#ifndef DRMGRD_FACTS_PARTS_H
#define DRMGRD_FACTS_PARTS_H

#include "shared/rows.h"

int facts_platform(struct rows *ret);
int facts_lparcfg(struct rows *ret);
int facts_adapters(struct rows *ret);
int facts_mounts(struct rows *ret);

#endif /* DRMGRD_FACTS_PARTS_H */
