/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where processors, or blocks of memory, are: by the kernel's map and by the true one. */
#ifndef DRMGR_CMD_PLACES_H
#define DRMGR_CMD_PLACES_H

#include "shared/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
	uint64_t key;	 /* the number of a processor, the first address of a block */
	uint64_t node;	 /* the kernel's, if it @runs */
	uint64_t domain; /* the true one, if it is @known */
	bool runs;	 /* it is online: the kernel has it in a node */
	bool known;
};

struct places {
	struct place *v;
	size_t n;
};

void places_done(struct places *places);

/*
 * places_of() - those whose domain is known
 * @now: rows of the machine
 * @section: "cpu" or "memory"
 * @ret: receives them, ordered by key
 *
 * Returns 0 or -ENOMEM.
 */
int places_of(const struct rows *now, const char *section, struct places *ret);

/* The one with the largest key that is not larger than @key, or NULL. */
struct place *places_find(const struct places *places, uint64_t key);

/*
 * places_before() - put them back to where they were
 * @places: as they are now
 * @changed: what differs since then
 *
 * Of one that was not there, the domain is not known; one that has gone does not come back.
 */
void places_before(struct places *places, const char *section, const struct rows *changed);

#endif /* DRMGR_CMD_PLACES_H */
