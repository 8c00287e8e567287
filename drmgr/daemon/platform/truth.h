/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The true facts, as pmig.ko tells them, to hold what is seen elsewhere against. */
#ifndef DRMGRD_TRUTH_H
#define DRMGRD_TRUTH_H

#include "daemon/base/util.h"
#include "shared/rows.h"
#include "uapi/linux/pmig.h"

/* The first fact of that name; a cache is found by level and type, "l2". NULL where there is none. */
const struct row *truth_find(const struct rows *now, const char *section, const char *key,
			     const char *field);

/*
 * truth_against() - adds a row if what is seen is not the truth
 *
 * @seen has the name and the unit of a fact, and in old what @source says it is, "" for nothing. The row is @seen with
 * @source in front of its field ("cache.l2.auxv-size"), with @truth in new, and with ROW_F_STALE.
 *
 * Returns 0 or -ENOMEM.
 */
int truth_against(struct rows *ret, const struct row *seen, const char *source, const char *truth);

#endif /* DRMGRD_TRUTH_H */
