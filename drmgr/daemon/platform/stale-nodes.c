// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's NUMA nodes against the true ones. It places a processor when that is brought up and memory when that is
 * added, and never again.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/platform/cpulist.h"
#include "daemon/platform/stale-parts.h"
#include "daemon/platform/tree.h"
#include "daemon/platform/truth.h"

#define NODES	   "/sys/devices/system/node/"
#define BLOCK_SIZE "/sys/devices/system/memory/block_size_bytes"
/* 8,192 processors, each named alone. A list that is cut is not used. */
#define LIST_BYTES 65536

/* A processor, or a block of memory, and the node that the kernel has it in. */
struct place {
	uint64_t number;
	unsigned node;
};

struct places {
	struct place *v;
	size_t n, room;
	unsigned node; /* whose folder is being read */
};

struct map {
	struct places cpus, blocks;
};

static int add(struct places *p, uint64_t number, unsigned node)
{
	size_t room = p->room ? 2 * p->room : 64;
	struct place *v;

	if (p->n == p->room) {
		v = reallocarray(p->v, room, sizeof(*v));
		if (!v)
			return log_oom();
		p->v = v;
		p->room = room;
	}
	p->v[p->n++] = (struct place){ number, node };
	return 0;
}

static int order(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;

	return (a->number > b->number) - (a->number < b->number);
}

static int cpus(struct map *map, unsigned node)
{
	_cleanup_free_ char *list = malloc(LIST_BYTES);
	unsigned first, last;
	const char *p = list;
	char path[PATH_MAX];
	ssize_t length;
	int r = 0;

	if (!list)
		return log_oom();
	snprintf(path, sizeof(path), NODES "node%u/cpulist", node);
	length = tree_read(path, list, LIST_BYTES);
	if (length < 0 || length == LIST_BYTES - 1)
		return 0;
	while (r == 0 && cpulist_next(&p, &first, &last))
		for (unsigned cpu = first; r == 0 && cpu <= last; cpu++)
			r = add(&map->cpus, cpu, node);
	return r;
}

static int block(void *userdata, char *name)
{
	struct places *p = userdata;
	uint64_t number;

	if (strncmp(name, "memory", 6) != 0 || parse_u64(name + 6, 10, UINT64_MAX, &number) < 0)
		return 0;
	return add(p, number, p->node);
}

static int node(void *userdata, char *name)
{
	struct map *map = userdata;
	char path[PATH_MAX];
	uint64_t number;
	int r;

	if (strncmp(name, "node", 4) != 0 || parse_u64(name + 4, 10, UINT_MAX, &number) < 0)
		return 0;
	r = cpus(map, (unsigned)number);
	if (r < 0)
		return r;
	map->blocks.node = (unsigned)number;
	snprintf(path, sizeof(path), NODES "node%u", (unsigned)number);
	return tree_names(path, block, &map->blocks);
}

/* What the kernel has nowhere, a processor that is offline, is not wrong. */
static int against(const struct places *p, const struct row *fact, uint64_t number,
		   struct rows *ret)
{
	const struct place *place =
		bsearch(&(struct place){ .number = number }, p->v, p->n, sizeof(*p->v), order);
	struct row seen = *fact;

	if (!place)
		return 0;
	snprintf(seen.old, sizeof(seen.old), "%u", place->node);
	return truth_against(ret, &seen, "sysfs", fact->new);
}

static int compare(const struct map *map, uint64_t block_size, const struct rows *now,
		   struct rows *ret)
{
	int r = 0;

	for (size_t i = 0; i < now->n && r == 0; i++) {
		const struct row *fact = &now->v[i];
		uint64_t number;

		if (strcmp(fact->field, "home-node") != 0)
			continue;
		if (strcmp(fact->section, "cpu") == 0 && map->cpus.n &&
		    parse_u64(fact->key, 10, UINT_MAX, &number) == 0)
			r = against(&map->cpus, fact, number, ret);
		if (strcmp(fact->section, "memory") == 0 && map->blocks.n && block_size &&
		    parse_u64(fact->key, 16, UINT64_MAX, &number) == 0)
			r = against(&map->blocks, fact, number / block_size, ret);
	}
	return r;
}

static void done(struct map *map)
{
	free(map->cpus.v);
	free(map->blocks.v);
}

int stale_nodes(const struct rows *now, struct rows *ret)
{
	_cleanup_(done) struct map map = { 0 };
	uint64_t block_size = 0;
	char text[32];
	int r;

	if (tree_line(BLOCK_SIZE, text, sizeof(text)))
		parse_u64(text, 16, UINT64_MAX, &block_size);
	r = tree_names(NODES, node, &map);
	if (map.cpus.n)
		qsort(map.cpus.v, map.cpus.n, sizeof(*map.cpus.v), order);
	if (map.blocks.n)
		qsort(map.blocks.v, map.blocks.n, sizeof(*map.blocks.v), order);
	return r < 0 ? r : compare(&map, block_size, now, ret);
}
