/* SPDX-License-Identifier: GPL-2.0 */
/* Processors, caches and memory of a simulated server, all of them generated from a few numbers. */
#ifndef _PMIG_SIM_TOPOLOGY_H
#define _PMIG_SIM_TOPOLOGY_H

#include <linux/types.h>

#include "../machine/snapshot.h"

#define PMIG_SIM_NODES_MAX   64
#define PMIG_SIM_CORES_MAX   256
#define PMIG_SIM_THREADS_MAX 8
#define PMIG_SIM_CPUS_MAX    2048  /* in all */
#define PMIG_SIM_LMBS_MAX    65536 /* of a node; 64 such nodes are more than a snapshot takes */
#define PMIG_SIM_LEVELS	     8
#define PMIG_SIM_LMB_BYTES   (256ULL << 20)

/**
 * struct pmig_sim_topology - what the partition has on a server
 * @nodes: 1 to PMIG_SIM_NODES_MAX
 * @cores: of each node, 1 to PMIG_SIM_CORES_MAX
 * @threads: of each core, 1 to PMIG_SIM_THREADS_MAX
 * @lmbs: of each node, 0 to PMIG_SIM_LMBS_MAX
 * @home_shift: the home node of what the kernel has in node N is N + @home_shift, modulo @nodes
 * @l1i_size: bytes of the first level for instructions; 0: there is none, as for all of these
 * @size: bytes of all other levels: size[0] is the first level for data
 */
struct pmig_sim_topology {
	u32 nodes;
	u32 cores;
	u32 threads;
	u32 lmbs;
	u32 home_shift;
	u32 l1i_size;
	u32 size[PMIG_SIM_LEVELS];
};

u32 pmig_sim_topology_cpus(const struct pmig_sim_topology *t);

/* Each adds one section, in this order; @boot is what the kernel still believes of the caches. */
int pmig_sim_topology_add_cpus(struct pmig_snapshot *snap, const struct pmig_sim_topology *t);
int pmig_sim_topology_add_caches(struct pmig_snapshot *snap, const struct pmig_sim_topology *t,
				 const struct pmig_sim_topology *boot);
int pmig_sim_topology_add_memory(struct pmig_snapshot *snap, const struct pmig_sim_topology *t);

#endif /* _PMIG_SIM_TOPOLOGY_H */
