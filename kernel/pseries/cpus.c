// SPDX-License-Identifier: GPL-2.0
/*
 * What the processors are, and where. Only the hypervisor knows their home nodes. The kernel asks
 * for one when it starts a processor, and keeps the answer: after a move that is where the
 * processor was on the server before. The same holds for the frequencies.
 */
#include <asm/reg.h>
#include <asm/time.h>
#include <linux/cpumask.h>
#include <linux/numa.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "cpus.h"
#include "domains.h"
#include "property.h"

/* Of 64 bits, as 32 are not enough for more than 4.29 GHz. */
#define EXTENDED_CLOCK "ibm,extended-clock-frequency"

static int add_processor(struct pmig_snapshot *snap, const struct pmig_processor *p,
			 unsigned int level)
{
	struct pmig_domains domains;
	int node = NUMA_NO_NODE;
	int err;

	/*
	 * Where the hypervisor does not tell, or not down to the level that makes the nodes, the
	 * tree has what was true when it was updated: the kernel takes that, too.
	 */
	pmig_domains_from_hypervisor(&domains, p->hw_id);
	if (domains.nr < max(level, 1U) && p->np)
		pmig_domains_from_node(&domains, p->np);
	/* On one that is offline the kernel runs nothing, and shows it in no node. */
	if (cpu_online(p->cpu))
		node = cpu_to_node(p->cpu);
	err = pmig_snapshot_add_u64(snap, PMIG_CPU_HW_ID, p->cpu, p->hw_id);
	if (!err)
		err = pmig_domains_add_home(snap, PMIG_CPU_HOME_NODE, p->cpu, &domains, level,
					    node);
	if (!err)
		err = pmig_domains_add_text(snap, PMIG_CPU_DOMAINS, p->cpu, &domains);
	return err;
}

/* The kernel has read the extended one where there is one: its own value belongs to that. */
static int add_clock(struct pmig_snapshot *snap, const struct device_node *np)
{
	bool extended = of_find_property(np, EXTENDED_CLOCK, NULL);
	int err;

	err = pmig_property_add(snap, PMIG_CPU_CLOCK, PMIG_KEY_NONE, np, "clock-frequency",
				extended ? 0 : ppc_proc_freq);
	if (!err)
		err = pmig_property_add(snap, PMIG_CPU_EXTENDED_CLOCK, PMIG_KEY_NONE, np,
					EXTENDED_CLOCK, ppc_proc_freq);
	return err;
}

/* All processors of a partition are alike. */
static int add_common(struct pmig_snapshot *snap)
{
	struct device_node *np = of_get_next_cpu_node(NULL);
	int err;

	if (!np)
		return -ENODEV;
	err = pmig_snapshot_add_u64(snap, PMIG_CPU_PVR, PMIG_KEY_NONE, mfspr(SPRN_PVR));
	if (!err)
		err = pmig_property_add(snap, PMIG_CPU_VERSION, PMIG_KEY_NONE, np, "cpu-version",
					0);
	if (!err)
		err = add_clock(snap, np);
	if (!err)
		err = pmig_property_add(snap, PMIG_CPU_TIMEBASE, PMIG_KEY_NONE, np,
					"timebase-frequency", ppc_tb_freq);
	of_node_put(np);
	return err;
}

int pmig_cpus_snapshot(struct pmig_snapshot *snap, const struct pmig_processors *all)
{
	unsigned int i, level = pmig_domains_level();
	int err = 0;

	for (i = 0; i < all->nr && !err; i++) {
		err = add_processor(snap, &all->at[i], level);
		cond_resched();
	}
	return err ?: add_common(snap);
}
