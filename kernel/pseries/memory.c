// SPDX-License-Identifier: GPL-2.0
/*
 * Where the memory is. A partition's memory is made of logical memory blocks (LMB).
 * ibm,dynamic-memory-v2 lists them as ranges, the older ibm,dynamic-memory one by one; each has an
 * index into ibm,associativity-lookup-arrays. Memory that is not listed there has nodes of its own
 * (memory@...), which are told in blocks of the same size. The kernel puts pages into a NUMA node
 * when they are added, and leaves them there.
 */
#include <asm/drmem.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "domains.h"
#include "memory-node.h"
#include "memory.h"
#include "property.h"

/* 64 TB of the usual 256 MB. */
#define BLOCKS_MAX (256U * 1024)

/* Cells of an entry. In -v2: how many blocks, address, DRC index, associativity, flags. */
#define RANGE_CELLS 6
/* In the older form: address, DRC index, reserved, associativity, flags. */
#define BLOCK_CELLS 6

/**
 * struct extent - blocks side by side that are in the same place
 * @base: first address
 * @nr: how many blocks
 * @index: into the lookup arrays, if there is no @np
 * @np: the node, held, where the extent has one
 */
struct extent {
	u64 base;
	u32 nr;
	u32 index;
	struct device_node *np;
};

/**
 * struct lookup - where blocks can be
 * @cell: the arrays, one after the other
 * @nr: how many arrays
 * @size: numbers in each
 */
struct lookup {
	const __be32 *cell;
	u32 nr;
	u32 size;
};

/**
 * struct walk - a snapshot of the memory while it is made
 * @snap: where it goes
 * @level: pmig_domains_level()
 * @block_size: of a block of the dynamic memory, in bytes
 * @lookup: where those can be
 * @extent: of both kinds
 * @nr: how many extents
 * @room: for how many
 * @left: how many blocks may still come
 */
struct walk {
	struct pmig_snapshot *snap;
	unsigned int level;
	u64 block_size;
	struct lookup lookup;
	struct extent *extent;
	unsigned int nr;
	unsigned int room;
	unsigned int left;
};

/* ---- the dynamic memory */

static void read_lookup(struct lookup *lookup, const struct device_node *np)
{
	const __be32 *cell;
	unsigned int n;
	u64 needs;

	cell = pmig_property_cells(np, "ibm,associativity-lookup-arrays", &n);
	if (n < 2)
		return;
	lookup->nr = be32_to_cpu(cell[0]);
	lookup->size = be32_to_cpu(cell[1]);
	lookup->cell = cell + 2;
	needs = (u64)lookup->nr * lookup->size;
	if (needs > n - 2)
		lookup->nr = 0;
}

static void add_extent(struct walk *w, u64 base, u32 nr, u32 index, u32 flags)
{
	if (!(flags & DRCONF_MEM_ASSIGNED) || flags & DRCONF_MEM_RESERVED || w->nr == w->room)
		return;
	if (flags & DRCONF_MEM_AI_INVALID)
		index = U32_MAX;
	w->extent[w->nr].base = base;
	w->extent[w->nr].nr = min(nr, w->left);
	w->extent[w->nr].index = index;
	w->left -= w->extent[w->nr].nr;
	w->nr++;
}

static void list_ranges(struct walk *w, const __be32 *cell, unsigned int n)
{
	for (; n--; cell += RANGE_CELLS) {
		add_extent(w, of_read_number(cell + 1, 2), be32_to_cpu(cell[0]),
			   be32_to_cpu(cell[4]), be32_to_cpu(cell[5]));
		cond_resched();
	}
}

static void list_blocks(struct walk *w, const __be32 *cell, unsigned int n)
{
	for (; n--; cell += BLOCK_CELLS) {
		add_extent(w, of_read_number(cell, 2), 1, be32_to_cpu(cell[4]),
			   be32_to_cpu(cell[5]));
		cond_resched();
	}
}

/* The first cell says how many entries there are. */
static unsigned int count_entries(const __be32 *cell, unsigned int cells, unsigned int size)
{
	return cells ? min(be32_to_cpu(cell[0]), (cells - 1) / size) : 0;
}

static int list_dynamic(struct walk *w, const struct device_node *np, unsigned int more)
{
	const __be32 *ranges, *blocks;
	unsigned int n, m;

	ranges = pmig_property_cells(np, "ibm,dynamic-memory-v2", &n);
	n = count_entries(ranges, n, RANGE_CELLS);
	blocks = pmig_property_cells(np, "ibm,dynamic-memory", &m);
	m = n ? 0 : count_entries(blocks, m, BLOCK_CELLS);
	w->room = min(n + m, BLOCKS_MAX) + more;
	w->extent = kvcalloc(max(w->room, 1U), sizeof(*w->extent), GFP_KERNEL);
	if (!w->extent)
		return -ENOMEM;
	if (n)
		list_ranges(w, ranges + 1, n);
	else if (m)
		list_blocks(w, blocks + 1, m);
	return 0;
}

/* ---- memory that has nodes of its own */

static unsigned int count_nodes(void)
{
	struct device_node *np;
	unsigned int n = 0;

	for_each_node_by_type(np, "memory") {
		n++;
		cond_resched();
	}
	return min(n, BLOCKS_MAX);
}

/* One block where the partition has no size of them, or the node none of its own. */
static u32 count_blocks(const struct walk *w, u64 bytes)
{
	u64 nr = w->block_size ? bytes / w->block_size + !!(bytes % w->block_size) : 1;

	return clamp_t(u64, nr, 1, w->left);
}

static void list_nodes(struct walk *w)
{
	struct device_node *np;
	const __be32 *cell;
	unsigned int n;

	for_each_node_by_type(np, "memory") {
		cond_resched();
		cell = pmig_property_cells(np, "reg", &n);
		if (n < 2 || w->nr == w->room || !w->left)
			continue;
		w->extent[w->nr].base = of_read_number(cell, 2);
		w->extent[w->nr].nr = count_blocks(w, n < 4 ? 0 : of_read_number(cell + 2, 2));
		w->extent[w->nr].np = of_node_get(np);
		w->left -= w->extent[w->nr].nr;
		w->nr++;
	}
}

/* ---- both, in order */

static int by_base(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static int add_block(struct walk *w, u64 base, const struct pmig_domains *domains)
{
	int err;

	err = pmig_domains_add_home(w->snap, PMIG_MEMORY_HOME_NODE, base, domains, w->level,
				    pmig_memory_node(base));
	if (!err)
		err = pmig_domains_add_text(w->snap, PMIG_MEMORY_DOMAINS, base, domains);
	/* Ranges that lie on each other: the first one counts. */
	return err == -EINVAL ? 0 : err;
}

static void find_domains(const struct walk *w, const struct extent *extent,
			 struct pmig_domains *domains)
{
	const struct lookup *lookup = &w->lookup;
	size_t at;

	domains->nr = 0;
	if (extent->np) {
		pmig_domains_from_node(domains, extent->np);
	} else if (extent->index < lookup->nr) {
		at = (size_t)extent->index * lookup->size;
		pmig_domains_from_cells(domains, lookup->cell + at, lookup->size);
	}
}

static int add_blocks(struct walk *w, const struct extent *extent)
{
	struct pmig_domains domains;
	int err = 0;
	u32 i;

	find_domains(w, extent, &domains);
	for (i = 0; i < extent->nr && !err; i++) {
		err = add_block(w, extent->base + i * w->block_size, &domains);
		cond_resched();
	}
	return err;
}

static int add_extents(struct walk *w)
{
	unsigned int i;
	int err = 0;

	sort(w->extent, w->nr, sizeof(*w->extent), by_base, NULL);
	for (i = 0; i < w->nr && !err; i++)
		err = add_blocks(w, &w->extent[i]);
	if (!w->left)
		pr_warn_once("more than %u memory blocks: the others are not compared\n",
			     BLOCKS_MAX);
	return err;
}

int pmig_memory_snapshot(struct pmig_snapshot *snap)
{
	struct walk w = { .snap = snap, .level = pmig_domains_level(), .left = BLOCKS_MAX };
	struct device_node *np = of_find_node_by_path("/" PMIG_MEMORY_NODE);
	int err;

	if (np && pmig_property_number(np, "ibm,lmb-size", &w.block_size))
		read_lookup(&w.lookup, np);
	err = list_dynamic(&w, w.block_size ? np : NULL, count_nodes());
	if (!err) {
		list_nodes(&w);
		err = add_extents(&w);
	}
	while (w.nr)
		of_node_put(w.extent[--w.nr].np);
	kvfree(w.extent);
	of_node_put(np);
	return err;
}
