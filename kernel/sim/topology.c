// SPDX-License-Identifier: GPL-2.0
/*
 * The one topology that there is: nodes with the same number of cores, cores with the same number
 * of threads, and processors numbered through all of them. The first two levels of caches belong to
 * a core, the third to a node, the fourth to two nodes, the fifth to four, and so on. The kernel
 * has each processor and LMB in the node where it is counted; where it is at home on the server is
 * shifted by as many nodes as the server says.
 */
#include <linux/kernel.h>
#include <linux/sched.h>

#include "topology.h"

#define LINE_BYTES	 128
#define WAYS		 8
#define NODES_PER_DRAWER 4
#define THREAD_IDS	 8 /* as on PowerVM: those of a core with fewer threads are left out */

#define TEXT_LEN 40

u32 pmig_sim_topology_cpus(const struct pmig_sim_topology *t)
{
	return t->nodes * t->cores * t->threads;
}

static u32 home_node(const struct pmig_sim_topology *t, u32 node)
{
	return (node + t->home_shift) % t->nodes;
}

static int add_cpu(struct pmig_snapshot *snap, const struct pmig_sim_topology *t, u32 cpu)
{
	u32 core = cpu / t->threads, node = core / t->cores, home = home_node(t, node);
	u32 hw_id = core * THREAD_IDS + cpu % t->threads;
	char domains[TEXT_LEN];

	scnprintf(domains, sizeof(domains), "%u.%u.%u", home / NODES_PER_DRAWER, home,
		  core % t->cores);
	return pmig_snapshot_add_u64(snap, PMIG_CPU_HW_ID, cpu, hw_id)			   ?:
		       pmig_snapshot_add_kernel(snap, PMIG_CPU_HOME_NODE, cpu, home, node) ?:
		       pmig_snapshot_add_text(snap, PMIG_CPU_DOMAINS, cpu, domains,
					      sizeof(domains));
}

int pmig_sim_topology_add_cpus(struct pmig_snapshot *snap, const struct pmig_sim_topology *t)
{
	u32 cpu, end = pmig_sim_topology_cpus(t);
	int err = 0;

	for (cpu = 0; !err && cpu < end; cpu++) {
		err = add_cpu(snap, t, cpu);
		cond_resched();
	}
	return err;
}

static u32 sharers(const struct pmig_sim_topology *t, unsigned int level)
{
	return level < 3 ? t->threads : (t->cores * t->threads) << (level - 3);
}

static int add_size(struct pmig_snapshot *snap, u64 key, u32 size, u32 at_boot)
{
	if (!at_boot)
		return pmig_snapshot_add_u64(snap, PMIG_CACHE_SIZE, key, size);
	return pmig_snapshot_add_kernel(snap, PMIG_CACHE_SIZE, key, size, at_boot);
}

/* A cache is told of with the first of the processors that share it. */
static int add_cache(struct pmig_snapshot *snap, const struct pmig_sim_topology *t, u64 key,
		     u32 size, u32 at_boot)
{
	u32 cpu = PMIG_CACHE_CPU(key), n = sharers(t, PMIG_CACHE_LEVEL(key));
	u32 last = min(cpu + n, pmig_sim_topology_cpus(t)) - 1;
	u32 sets = max(size / (LINE_BYTES * WAYS), 1U);
	char cpus[TEXT_LEN];
	int len;

	if (!size || cpu % n)
		return 0;
	len = scnprintf(cpus, sizeof(cpus), "%u", cpu);
	if (last > cpu)
		scnprintf(cpus + len, sizeof(cpus) - len, "-%u", last);
	return add_size(snap, key, size, at_boot)					   ?:
		       pmig_snapshot_add_u64(snap, PMIG_CACHE_LINE_SIZE, key, LINE_BYTES)  ?:
		       pmig_snapshot_add_u64(snap, PMIG_CACHE_BLOCK_SIZE, key, LINE_BYTES) ?:
		       pmig_snapshot_add_u64(snap, PMIG_CACHE_SETS, key, sets)		   ?:
		       pmig_snapshot_add_text(snap, PMIG_CACHE_CPUS, key, cpus, sizeof(cpus));
}

static int add_caches_of(struct pmig_snapshot *snap, const struct pmig_sim_topology *t,
			 const struct pmig_sim_topology *boot, u32 cpu)
{
	unsigned int level;
	int err;

	err = add_cache(snap, t, PMIG_CACHE_KEY(cpu, 1, PMIG_CACHE_DATA), t->size[0],
			boot->size[0]);
	if (!err)
		err = add_cache(snap, t, PMIG_CACHE_KEY(cpu, 1, PMIG_CACHE_INSTRUCTION),
				t->l1i_size, boot->l1i_size);
	for (level = 2; !err && level <= PMIG_SIM_LEVELS; level++)
		err = add_cache(snap, t, PMIG_CACHE_KEY(cpu, level, PMIG_CACHE_UNIFIED),
				t->size[level - 1], boot->size[level - 1]);
	return err;
}

int pmig_sim_topology_add_caches(struct pmig_snapshot *snap, const struct pmig_sim_topology *t,
				 const struct pmig_sim_topology *boot)
{
	u32 cpu, end = pmig_sim_topology_cpus(t);
	int err = 0;

	for (cpu = 0; !err && cpu < end; cpu++) {
		err = add_caches_of(snap, t, boot, cpu);
		cond_resched();
	}
	return err;
}

static int add_lmb(struct pmig_snapshot *snap, const struct pmig_sim_topology *t, u32 lmb)
{
	u32 node = lmb / t->lmbs, home = home_node(t, node);
	u64 address = lmb * PMIG_SIM_LMB_BYTES;
	char domains[TEXT_LEN];

	scnprintf(domains, sizeof(domains), "%u.%u", home / NODES_PER_DRAWER, home);
	return pmig_snapshot_add_kernel(snap, PMIG_MEMORY_HOME_NODE, address, home, node) ?:
		       pmig_snapshot_add_text(snap, PMIG_MEMORY_DOMAINS, address, domains,
					      sizeof(domains));
}

int pmig_sim_topology_add_memory(struct pmig_snapshot *snap, const struct pmig_sim_topology *t)
{
	u32 lmb, end = t->nodes * t->lmbs;
	int err = 0;

	for (lmb = 0; !err && lmb < end; lmb++) {
		err = add_lmb(snap, t, lmb);
		cond_resched();
	}
	return err;
}
