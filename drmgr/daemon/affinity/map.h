/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The true map: the domain of each processor before a move and after it, and those of the kernel's nodes. */
#ifndef DRMGRD_MAP_H
#define DRMGRD_MAP_H

#include "daemon/affinity/cpus.h"
#include "shared/rows.h"

#define NODES_MAX 1024 /* of the kernel */
#define NO_DOMAIN UINT32_MAX

struct map {
	struct cpus online;
	/* of each processor, NO_DOMAIN where it is not known */
	uint32_t before[CPUS_MAX];
	uint32_t now[CPUS_MAX];
	/* Where a node of the kernel's has its memory: the first domain, and another one, where it has more than one. */
	uint32_t node[NODES_MAX];
	uint32_t split[NODES_MAX];
};

/*
 * @now: the facts, with what the kernel believes in old; @changed: what differs, the module's rows as they came.
 *
 * Returns -ENODATA if no place of a processor is among them.
 */
int map_make(struct map *ret, const struct cpus *online, const struct rows *now,
	     const struct rows *changed);

/* The processors that run, as the kernel says; 0 or a negative errno. */
int map_online(struct cpus *ret);

/*
 * Which of the kernel's nodes has its memory where @cpus are.
 *
 * @nodes: what was meant; @bad: a node that is in the way
 *
 * Returns -EXDEV if the memory of one of @nodes, *@bad, is in more than one domain, -ENOENT if there is no such node.
 */
int map_nodes(const struct map *map, const struct cpus *cpus, const struct cpus *nodes,
	      struct cpus *ret, unsigned *bad);

#endif /* DRMGRD_MAP_H */
