// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes the true map of the module's rows. */
#include <string.h>

#include "daemon/affinity/map.h"
#include "daemon/base/util.h"
#include "daemon/platform/tree.h"

#define ONLINE "/sys/devices/system/cpu/online"

static uint32_t domain(const char *text)
{
	uint64_t n;

	return parse_u64(text, 10, NO_DOMAIN - 1, &n) == 0 ? (uint32_t)n : NO_DOMAIN;
}

static bool number(const char *text, uint64_t end, unsigned *ret)
{
	uint64_t n;

	if (parse_u64(text, 10, end - 1, &n) < 0)
		return false;
	*ret = (unsigned)n;
	return true;
}

static void add_block(struct map *map, const struct row *row)
{
	uint32_t here = domain(row->new);
	unsigned node;

	/* Where the kernel has a block in no node, it is no node's memory. */
	if (here == NO_DOMAIN || !number(row->old, NODES_MAX, &node))
		return;
	if (map->node[node] == NO_DOMAIN)
		map->node[node] = here;
	else if (map->node[node] != here)
		map->split[node] = here;
}

/* Returns whether it is the place of a processor. */
static bool add_now(struct map *map, const struct row *row)
{
	unsigned cpu;

	if (strcmp(row->field, "home-node") != 0)
		return false;
	if (strcmp(row->section, "memory") == 0)
		add_block(map, row);
	if (strcmp(row->section, "cpu") != 0 || !number(row->key, CPUS_MAX, &cpu))
		return false;
	map->now[cpu] = map->before[cpu] = domain(row->new);
	return map->now[cpu] != NO_DOMAIN;
}

static void add_changed(struct map *map, const struct row *row)
{
	unsigned cpu;

	if (strcmp(row->field, "home-node") == 0 && strcmp(row->section, "cpu") == 0 &&
	    number(row->key, CPUS_MAX, &cpu))
		map->before[cpu] = domain(row->old);
}

int map_make(struct map *ret, const struct cpus *online, const struct rows *now,
	     const struct rows *changed)
{
	bool known = false;

	memset(ret, 0xff, sizeof(*ret)); /* NO_DOMAIN */
	ret->online = *online;
	for (size_t i = 0; i < now->n; i++)
		known = add_now(ret, &now->v[i]) || known;
	for (size_t i = 0; i < changed->n; i++)
		add_changed(ret, &changed->v[i]);
	return known ? 0 : -ENODATA;
}

int map_online(struct cpus *ret)
{
	_cleanup_free_ char *text = malloc(CPUS_TEXT_MAX);
	ssize_t n;

	if (!text)
		return log_oom();
	n = tree_read(ONLINE, text, CPUS_TEXT_MAX);
	return n < 0 ? (int)n : cpus_parse(ret, text);
}

static bool is_home(const struct map *map, const struct cpus *cpus, uint32_t here)
{
	for (unsigned cpu = cpus_next(cpus, 0); cpu < CPUS_MAX; cpu = cpus_next(cpus, cpu + 1))
		if (map->now[cpu] == here)
			return true;
	return false;
}

int map_nodes(const struct map *map, const struct cpus *cpus, const struct cpus *nodes,
	      struct cpus *ret, unsigned *bad)
{
	*ret = (struct cpus){ 0 };
	for (unsigned node = 0; node < NODES_MAX; node++) {
		if (map->split[node] != NO_DOMAIN) {
			*bad = node;
			if (cpus_has(nodes, node))
				return -EXDEV;
		} else if (map->node[node] != NO_DOMAIN && is_home(map, cpus, map->node[node]))
			cpus_add(ret, node);
	}
	return cpus_empty(ret) ? -ENOENT : 0;
}
