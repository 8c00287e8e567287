/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel, and what it tells programs, still believes of the machine that the partition has left. */
#ifndef DRMGRD_STALE_H
#define DRMGRD_STALE_H

#include "shared/rows.h"

/*
 * stale_measure() - what is not true any more
 *
 * @now has the facts as pmig.ko tells them (PMIG_ROWS_NOW); where it has none, nothing is said. For each that programs
 * can see elsewhere, with another value, a row is added to *@ret: old as it is seen, new the truth, ROW_F_STALE. Its field
 * says where: "cache.l2.auxv-size", "cache.l2.sysconf-size", "cpu.3.cpuinfo-pvr", "cpu.3.sysfs-home-node".
 *
 * Both are measured, so the facts have to be those of the machine that this runs on: the engine "sim" plays one that the
 * kernel has never seen.
 *
 * Returns 0 or -ENOMEM.
 */
int stale_measure(const struct rows *now, struct rows *ret);

/*
 * Adds to @stale, which has what pmig.ko knows (PMIG_ROWS_STALE), what stale_measure() finds besides: where pmig.ko tells
 * the kernel's own value of a fact, what programs are told comes from there, and is not told once more.
 *
 * Returns 0 or -ENOMEM.
 */
int stale_add(const struct rows *now, struct rows *stale);

/*
 * Sets ROW_F_STALE in each row of @changed whose fact is stale, wherever that was seen. @stale is as stale_add() left it.
 *
 * Returns 0 or -ENOMEM.
 */
int stale_mark(struct rows *changed, const struct rows *stale);

#endif /* DRMGRD_STALE_H */
