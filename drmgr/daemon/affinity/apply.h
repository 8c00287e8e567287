/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_APPLY_H
#define DRMGRD_APPLY_H

#include "daemon/affinity/affinity.h"
#include "daemon/affinity/map.h"

/* What follows at POST. @map: NULL where it is not known, and what is to be recomputed is restored. */
void affinity_apply(struct affinity *af, const struct map *map);

#endif /* DRMGRD_APPLY_H */
