// SPDX-License-Identifier: GPL-2.0
/*
 * The caches of all processors. The node of a core has those of the first level; l2-cache or
 * next-level-cache of a node leads to the node of the next level, and so on. Each processor's way
 * through them is listed (struct use), the list is sorted so that processors that share a cache are
 * side by side, and then the caches are put into the order of a snapshot. Only the sorting takes
 * more than linear time.
 */
#include <linux/bsearch.h>
#include <linux/cache.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "caches.h"
#include "property.h"
#include "thread-groups.h"

/* More than any machine has. It is also what ends a circle of nodes. */
#define LEVELS_MAX 8

/* What one processor takes in the text of those who share a cache, with a comma. */
#define CPU_LEN sizeof("4294967295")

/* Which properties describe a cache. */
static const struct kind {
	enum pmig_cache_type type;
	const char *size, *line, *block, *sets;
} kinds[] = {
#define UNIFIED	     (&kinds[0])
#define UNIFIED_ONLY (&kinds[1])
#define DATA	     (&kinds[2])
#define INSTRUCTION  (&kinds[3])
	{ PMIG_CACHE_UNIFIED, "d-cache-size", "d-cache-line-size", "d-cache-block-size",
	  "d-cache-sets" },
	{ PMIG_CACHE_UNIFIED, "cache-size", "cache-line-size", "cache-block-size", "cache-sets" },
	{ PMIG_CACHE_DATA, "d-cache-size", "d-cache-line-size", "d-cache-block-size",
	  "d-cache-sets" },
	{ PMIG_CACHE_INSTRUCTION, "i-cache-size", "i-cache-line-size", "i-cache-block-size",
	  "i-cache-sets" },
};

/**
 * struct nodes - nodes that may be the next level of another, each held
 * @nr: how many
 * @room: for how many
 * @np: by phandle
 */
struct nodes {
	unsigned int nr;
	unsigned int room;
	struct device_node **np;
};

/* One processor uses one cache: that of @np, @kind and @group, at @level. */
struct use {
	const struct device_node *np;
	const struct kind *kind;
	unsigned int cpu;
	unsigned int level;
	u32 group;
};

/* Those who share one cache: uses from @first to @first + @nr - 1. */
struct cache {
	u64 key;
	unsigned int first;
	unsigned int nr;
};

/**
 * struct walk - a snapshot of the caches while it is made
 * @nodes: the tree's
 * @use: each processor's, room for all of them
 * @nr_uses: how many there are
 * @max_uses: room for how many
 * @cache: each cache
 * @nr_caches: how many there are
 * @list: the text of those who share one of them, room for all processors
 * @list_size: how many bytes
 */
struct walk {
	struct nodes nodes;
	struct use *use;
	unsigned int nr_uses;
	unsigned int max_uses;
	struct cache *cache;
	unsigned int nr_caches;
	char *list;
	size_t list_size;
};

/* ---- nodes by their phandle: the tree itself is searched from its beginning each time */

static int by_phandle(const void *a, const void *b)
{
	const struct device_node *x = *(struct device_node *const *)a;
	const struct device_node *y = *(struct device_node *const *)b;

	return (x->phandle > y->phandle) - (x->phandle < y->phandle);
}

static int compare_phandle(const void *key, const void *element)
{
	const struct device_node *np = *(struct device_node *const *)element;
	const u64 *phandle = key;

	return (*phandle > np->phandle) - (*phandle < np->phandle);
}

static bool may_be_cache(const struct device_node *np)
{
	return np->phandle && !of_node_is_type(np, "cpu") &&
	       (of_node_is_type(np, "cache") || of_find_property(np, "d-cache-size", NULL) ||
		of_find_property(np, "i-cache-size", NULL) ||
		of_find_property(np, "cache-size", NULL));
}

/* The tree may grow meanwhile. What is too much is left out: the machine is looked at again. */
static void list_nodes(struct nodes *nodes, bool counting)
{
	struct device_node *np = NULL;

	while ((np = of_find_all_nodes(np))) {
		cond_resched();
		if (!may_be_cache(np))
			continue;
		if (counting)
			nodes->room++;
		else if (nodes->nr < nodes->room)
			nodes->np[nodes->nr++] = of_node_get(np);
	}
}

static int find_nodes(struct nodes *nodes)
{
	list_nodes(nodes, true);
	nodes->np = kvcalloc(max(nodes->room, 1U), sizeof(*nodes->np), GFP_KERNEL);
	if (!nodes->np)
		return -ENOMEM;
	list_nodes(nodes, false);
	sort(nodes->np, nodes->nr, sizeof(*nodes->np), by_phandle, NULL);
	return 0;
}

static void put_nodes(struct nodes *nodes)
{
	while (nodes->nr)
		of_node_put(nodes->np[--nodes->nr]);
	kvfree(nodes->np);
}

static const struct device_node *next_level(const struct nodes *nodes, const struct device_node *np)
{
	struct device_node **found;
	u64 phandle;

	if (!pmig_property_number(np, "l2-cache", &phandle) &&
	    !pmig_property_number(np, "next-level-cache", &phandle))
		return NULL;
	found = bsearch(&phandle, nodes->np, nodes->nr, sizeof(*nodes->np), compare_phandle);
	return found ? *found : NULL;
}

/* ---- who uses what */

static u32 group_of(const struct pmig_processor *p, unsigned int level)
{
	const __be32 *cell;
	unsigned int n;

	cell = pmig_property_cells(p->np, "ibm,thread-groups", &n);
	return pmig_thread_group(cell, n, p->hw_id, level);
}

static void add_use(struct walk *w, const struct device_node *np, const struct kind *kind,
		    const struct pmig_processor *p, unsigned int level)
{
	if (w->nr_uses == w->max_uses || !of_find_property(np, kind->size, NULL))
		return;
	w->use[w->nr_uses++] = (struct use){
		.np = np,
		.kind = kind,
		.cpu = p->cpu,
		.level = level,
		.group = group_of(p, level),
	};
}

/* Behind the first level there is one for both; firmware does not always say so. */
static bool is_unified(const struct device_node *np, unsigned int level)
{
	return of_find_property(np, "cache-unified", NULL) ||
	       (level > 1 && !of_find_property(np, INSTRUCTION->size, NULL));
}

static void add_level(struct walk *w, const struct device_node *np, const struct pmig_processor *p,
		      unsigned int level)
{
	if (!is_unified(np, level)) {
		add_use(w, np, DATA, p, level);
		add_use(w, np, INSTRUCTION, p, level);
	} else if (of_find_property(np, UNIFIED->size, NULL)) {
		add_use(w, np, UNIFIED, p, level);
	} else {
		add_use(w, np, UNIFIED_ONLY, p, level);
	}
}

static void add_processor(struct walk *w, const struct pmig_processor *p)
{
	const struct device_node *np = p->np;
	unsigned int level;

	for (level = 1; np && level <= LEVELS_MAX; level++) {
		add_level(w, np, p, level);
		np = next_level(&w->nodes, np);
	}
}

#define ORDER(a, b) ((a) > (b) ? 1 : -1)

static int by_cache(const struct use *x, const struct use *y)
{
	if (x->level != y->level)
		return ORDER(x->level, y->level);
	if (x->kind != y->kind)
		return ORDER(x->kind, y->kind);
	if (x->np != y->np)
		return ORDER(x->np, y->np);
	if (x->group != y->group)
		return ORDER(x->group, y->group);
	return 0;
}

static int by_cache_and_cpu(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return by_cache(x, y) ?: (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static int by_key(const void *a, const void *b)
{
	const struct cache *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int find_uses(struct walk *w, const struct pmig_processors *all)
{
	unsigned int i;

	w->max_uses = all->nr * LEVELS_MAX * 2;
	w->use = kvmalloc_array(max(w->max_uses, 1U), sizeof(*w->use), GFP_KERNEL);
	if (!w->use)
		return -ENOMEM;
	for (i = 0; i < all->nr; i++) {
		add_processor(w, &all->at[i]);
		cond_resched();
	}
	sort(w->use, w->nr_uses, sizeof(*w->use), by_cache_and_cpu, NULL);
	return 0;
}

static int find_caches(struct walk *w)
{
	const struct use *use = w->use;
	unsigned int i;

	w->cache = kvmalloc_array(max(w->nr_uses, 1U), sizeof(*w->cache), GFP_KERNEL);
	if (!w->cache)
		return -ENOMEM;
	for (i = 0; i < w->nr_uses; i++) {
		if (i && !by_cache(&use[i - 1], &use[i])) {
			w->cache[w->nr_caches - 1].nr++;
			continue;
		}
		w->cache[w->nr_caches++] = (struct cache){
			.key = PMIG_CACHE_KEY(use[i].cpu, use[i].level, use[i].kind->type),
			.first = i,
			.nr = 1,
		};
	}
	sort(w->cache, w->nr_caches, sizeof(*w->cache), by_key, NULL);
	return 0;
}

/* ---- what each cache is */

/* Those that boot found; AT_L*_CACHEGEOMETRY shows them. */
static const struct ppc_cache_info *kernels_own(const struct use *use)
{
	switch (use->level) {
	case 1:
		return use->kind->type == PMIG_CACHE_INSTRUCTION ? &ppc64_caches.l1i :
								   &ppc64_caches.l1d;
	case 2:
		return &ppc64_caches.l2;
	case 3:
		return &ppc64_caches.l3;
	default:
		return NULL;
	}
}

/* Processors, in order, as "0-7,16". */
static size_t list_cpus(struct walk *w, const struct use *use, unsigned int nr)
{
	unsigned int i, last;
	size_t len = 0;

	for (i = 0; i < nr; i = last + 1) {
		for (last = i; last + 1 < nr && use[last + 1].cpu <= use[last].cpu + 1; last++)
			;
		len += scnprintf(w->list + len, w->list_size - len,
				 use[last].cpu > use[i].cpu ? "%s%u-%u" : "%s%u", i ? "," : "",
				 use[i].cpu, use[last].cpu);
	}
	return len;
}

static int add_cache(struct pmig_snapshot *snap, struct walk *w, const struct cache *cache)
{
	const struct use *use = &w->use[cache->first];
	const struct ppc_cache_info *own = kernels_own(use);
	size_t len = list_cpus(w, use, cache->nr);
	const struct kind *kind = use->kind;
	int err;

	err = pmig_property_add(snap, PMIG_CACHE_SIZE, cache->key, use->np, kind->size,
				own ? own->size : 0);
	if (!err)
		err = pmig_property_add(snap, PMIG_CACHE_LINE_SIZE, cache->key, use->np, kind->line,
					own ? own->line_size : 0);
	if (!err)
		err = pmig_property_add(snap, PMIG_CACHE_BLOCK_SIZE, cache->key, use->np,
					kind->block, own ? own->block_size : 0);
	if (!err)
		err = pmig_property_add(snap, PMIG_CACHE_SETS, cache->key, use->np, kind->sets, 0);
	if (!err)
		err = pmig_snapshot_add_text(snap, PMIG_CACHE_CPUS, cache->key, w->list, len);
	return err;
}

static int add_caches(struct pmig_snapshot *snap, struct walk *w, unsigned int nr_processors)
{
	unsigned int i;
	int err = 0;

	w->list_size = max(nr_processors, 1U) * CPU_LEN;
	w->list = kvmalloc(w->list_size, GFP_KERNEL);
	if (!w->list)
		return -ENOMEM;
	for (i = 0; i < w->nr_caches && !err; i++) {
		err = add_cache(snap, w, &w->cache[i]);
		/* Firmware that shows a processor two caches in one place: the first one counts. */
		if (err == -EINVAL)
			err = 0;
		cond_resched();
	}
	return err;
}

int pmig_caches_snapshot(struct pmig_snapshot *snap, const struct pmig_processors *all)
{
	struct walk w = {};
	int err;

	err = find_nodes(&w.nodes) ?: find_uses(&w, all) ?: find_caches(&w);
	if (!err)
		err = add_caches(snap, &w, all->nr);
	kvfree(w.list);
	kvfree(w.cache);
	kvfree(w.use);
	put_nodes(&w.nodes);
	return err;
}
