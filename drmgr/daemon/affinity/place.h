/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds processors, by the true map, for what was bound to others. */
#ifndef DRMGRD_PLACE_H
#define DRMGRD_PLACE_H

#include "daemon/affinity/map.h"

struct placing;

/* @map has to stay until placing_free(). 0 or -ENOMEM. */
int placing_new(struct placing **ret, const struct map *map);
struct placing *placing_free(struct placing *p);

/*
 * placing_find() - where that runs now which was bound to @held
 *
 * The processors of @held that were in one domain before are in one domain again: in one that has room for all of them, of
 * those in the one where most of them are already, of those in the one that fewest others were placed in, of those in the
 * one with the lowest number. If none has room for all, the one with most room counts, and some share a processor. What
 * was in several domains may come together in one, and is never in more than before.
 *
 * The same set gets the same answer again. Others, as far as there is room, are placed beside it and not upon it.
 *
 * @to: filled in for each processor of @held, with one that is online
 *
 * Returns -ENODATA if the place of no processor is known that is online, -ENOMEM.
 */
int placing_find(struct placing *p, const struct cpus *held, uint16_t to[static CPUS_MAX]);

/* Each of @cpus as @to has it. */
void placing_image(const struct cpus *cpus, const uint16_t to[static CPUS_MAX], struct cpus *ret);

#endif /* DRMGRD_PLACE_H */
