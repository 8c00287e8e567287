// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dr_memory_follow(). The kernel moves memory from some of its own nodes to others. To move memory to a true domain, each
 * node has to be in one domain: where one has memory in two, there is no node number for either.
 */
#include "libdr/memory.h"
#include "dr.h"
#include "libdr/export.h"
#include "libdr/rows.h"

#include "shared/cleanup.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#define CPUS_MAX    8192 /* no kernel is built for more */
#define DOMAINS_MAX 1024
#define SPLIT	    (DR_NODE_UNKNOWN - 1)

struct places {
	/* The processors of the thread, as long as it is not known where they are */
	unsigned long cpus[CPUS_MAX / LONG_BITS];
	/* The domains in which the others of them are */
	unsigned int home[DOMAINS_MAX];
	unsigned int nr_homes;
	/* The domain in which each node of the kernel's has its memory */
	unsigned int node[DR_NODES_MAX];
};

static bool has(const unsigned long *bits, unsigned int n)
{
	return bits[n / LONG_BITS] >> n % LONG_BITS & 1;
}

static void add(unsigned long *bits, unsigned int n)
{
	bits[n / LONG_BITS] |= 1UL << n % LONG_BITS;
}

static void drop(unsigned long *bits, unsigned int n)
{
	bits[n / LONG_BITS] &= ~(1UL << n % LONG_BITS);
}

static int allowed(unsigned long *nodes)
{
	return syscall(SYS_get_mempolicy, NULL, nodes, (unsigned long)DR_NODES_MAX, NULL,
		       MPOL_F_MEMS_ALLOWED) < 0 ?
		       -errno :
		       0;
}

/* The kernel's masks have as many bits as it is told, less one. */
static long migrate(const unsigned long *from, const unsigned long *to)
{
	long left = syscall(SYS_migrate_pages, 0, DR_NODES_MAX + 1UL, from, to);

	return left < 0 ? -errno : left;
}

int (*dr_nodes_allowed)(unsigned long *nodes) = allowed;
long (*dr_nodes_migrate)(const unsigned long *from, const unsigned long *to) = migrate;

static bool is_home(const struct places *p, unsigned int domain)
{
	for (unsigned int i = 0; i < p->nr_homes; i++)
		if (p->home[i] == domain)
			return true;
	return false;
}

static int take_cpu(struct places *p, uint64_t cpu, unsigned int domain)
{
	if (cpu >= CPUS_MAX || !has(p->cpus, (unsigned int)cpu))
		return 0;
	drop(p->cpus, (unsigned int)cpu);
	if (is_home(p, domain))
		return 0;
	if (p->nr_homes == DOMAINS_MAX)
		return -E2BIG;
	p->home[p->nr_homes++] = domain;
	return 0;
}

/* Where the kernel has a block in no node, it is no node's memory. */
static void take_block(struct places *p, const struct dr_row *row, unsigned int domain)
{
	unsigned int *node;

	if (!row->has_kernels || row->kernels >= DR_NODES_MAX)
		return;
	node = &p->node[row->kernels];
	*node = *node == DR_NODE_UNKNOWN || *node == domain ? domain : SPLIT;
}

static int take_row(void *userdata, const struct dr_row *row)
{
	struct places *p = userdata;
	uint64_t key;

	if (strcmp(row->field, "home-node") != 0 || !row->has_number || row->number >= SPLIT ||
	    !dr_row_key(row, &key))
		return 0;
	if (strcmp(row->section, "cpu") == 0)
		return take_cpu(p, key, (unsigned int)row->number);
	if (strcmp(row->section, "memory") == 0)
		take_block(p, row, (unsigned int)row->number);
	return 0;
}

/* Where one of the processors is not known, the memory beside it would be moved away. */
static int find_places(struct places *p)
{
	int r;

	for (unsigned int i = 0; i < DR_NODES_MAX; i++)
		p->node[i] = DR_NODE_UNKNOWN;
	if (sched_getaffinity(0, sizeof(p->cpus), (cpu_set_t *)p->cpus) < 0)
		return -errno;
	r = dr_rows(take_row, p);
	for (unsigned int i = 0; r == 0 && i < CPUS_MAX / LONG_BITS; i++)
		if (p->cpus[i])
			return -ENODATA;
	return r;
}

static long follow(const struct places *p)
{
	unsigned long may[DR_NODES_MAX / LONG_BITS] = { 0 };
	unsigned long from[DR_NODES_MAX / LONG_BITS] = { 0 };
	unsigned long to[DR_NODES_MAX / LONG_BITS] = { 0 };
	unsigned int nr_from = 0, nr_to = 0;
	int r = dr_nodes_allowed(may);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < DR_NODES_MAX; i++) {
		if (!has(may, i) || p->node[i] == DR_NODE_UNKNOWN)
			continue;
		if (p->node[i] == SPLIT)
			return -EXDEV;
		if (is_home(p, p->node[i])) {
			add(to, i);
			nr_to++;
		} else {
			add(from, i);
			nr_from++;
		}
	}
	if (nr_from + nr_to == 0)
		return -ENODATA;
	if (!nr_to)
		return -ENOENT;
	return nr_from ? dr_nodes_migrate(from, to) : 0;
}

DR_EXPORT long dr_memory_follow(void)
{
	_cleanup_free_ struct places *p = calloc(1, sizeof(*p));
	int saved = errno;
	long r;

	if (!p)
		return -ENOMEM;
	r = find_places(p);
	if (r == 0)
		r = follow(p);
	errno = saved;
	return r;
}
