/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the memory of one process is, by the true map. */
#ifndef DRMGR_CMD_PAGES_H
#define DRMGR_CMD_PAGES_H

#include "cmd/places.h"

/* So many pages of a process are looked at, at the most. */
#define PAGES_MAX (UINT64_C(1) << 24)
/* Those that are left out, and those that are not, lie side by side in stretches of so many. */
#define PAGES_STRETCH UINT64_C(4096)

struct pages {
	uint64_t found;	  /* that are in memory */
	uint64_t hidden;  /* of these: the kernel does not say where */
	uint64_t unknown; /* of these: in no block whose domain is known */
	uint64_t step;	  /* one of so many stretches was looked at */
	uint64_t *in;	  /* how many are in each of the blocks */
};

void pages_done(struct pages *pages);

/*
 * pages_count() - look where they are
 * @process: a descriptor of the folder of the process in /proc, which names it for good
 * @blocks: of memory
 * @block_size: in bytes
 *
 * Returns 0 or a negative errno.
 */
int pages_count(int process, const struct places *blocks, uint64_t block_size, struct pages *ret);

#endif /* DRMGR_CMD_PAGES_H */
