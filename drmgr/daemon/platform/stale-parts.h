/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of stale_measure(), one file each, with its arguments. */
#ifndef DRMGRD_STALE_PARTS_H
#define DRMGRD_STALE_PARTS_H

#include "shared/rows.h"

int stale_caches(const struct rows *now, struct rows *ret);
int stale_cpus(const struct rows *now, struct rows *ret);
int stale_nodes(const struct rows *now, struct rows *ret);

#endif /* DRMGRD_STALE_PARTS_H */
