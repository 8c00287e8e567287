/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How well the partition is placed. Documentation/what-changes.md defines the numbers. */
#ifndef DRMGR_CMD_SCORE_H
#define DRMGR_CMD_SCORE_H

#include "shared/rows.h"

#include <stdbool.h>
#include <stddef.h>

/* Shares, in tenths of a percent; all of it only if nothing is missing. */
struct placement {
	unsigned memory; /* blocks of memory in a domain that has a processor of the partition */
	unsigned processors; /* processors in a domain that has memory of the partition */
	unsigned
		accesses; /* that are local, if each processor uses memory of its own node of the kernel's */
};

struct score {
	size_t processors, blocks; /* that count now: they are online, and their domain is known */
	size_t unknown_processors, unknown_blocks;
	bool changed; /* something was elsewhere @before */
	struct placement now, before;
};

/*
 * score_of() - compute it
 * @now: rows of the machine
 * @changed: what differs since before
 *
 * Time grows as that of sorting. Returns 0 or -ENOMEM.
 */
int score_of(const struct rows *now, const struct rows *changed, struct score *ret);

#endif /* DRMGR_CMD_SCORE_H */
