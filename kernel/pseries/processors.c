// SPDX-License-Identifier: GPL-2.0
/*
 * The processors that are present, and the node of each one's core. A search of the tree for each
 * processor would take quadratic time, so the tree is walked once, and each thread that it names is
 * looked for in a list that is sorted by the hypervisor's number.
 */
#include <asm/smp.h>
#include <linux/bsearch.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "processors.h"
#include "property.h"

static int by_hw_id(const void *a, const void *b)
{
	const struct pmig_processor *x = a, *y = b;

	return (x->hw_id > y->hw_id) - (x->hw_id < y->hw_id);
}

static int by_cpu(const void *a, const void *b)
{
	const struct pmig_processor *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static void sort_by(struct pmig_processors *all, cmp_func_t order)
{
	sort(all->at, all->nr, sizeof(*all->at), order, NULL);
}

/*
 * No lock is needed: a processor that is added at this moment may not have its number yet, but then
 * its node is added, too, and the machine is looked at again.
 */
static void list_present(struct pmig_processors *all, unsigned int room)
{
	unsigned int cpu;

	for_each_present_cpu(cpu) {
		if (all->nr == room)
			break;
		all->at[all->nr].cpu = cpu;
		all->at[all->nr++].hw_id = get_hard_smp_processor_id(cpu);
	}
}

static void take_node(struct pmig_processors *all, struct device_node *np)
{
	struct pmig_processor *found, wanted;
	const __be32 *thread;
	unsigned int n;

	thread = pmig_property_cells(np, "ibm,ppc-interrupt-server#s", &n);
	if (!n)
		thread = pmig_property_cells(np, "reg", &n);
	for (; n--; thread++) {
		wanted.hw_id = be32_to_cpu(*thread);
		found = bsearch(&wanted, all->at, all->nr, sizeof(wanted), by_hw_id);
		if (found && !found->np)
			found->np = of_node_get(np);
	}
}

/**
 * pmig_processors_find() - list the processors
 *
 * Return: the list, for pmig_processors_free(), or NULL where memory is short.
 */
struct pmig_processors *pmig_processors_find(void)
{
	unsigned int room = num_possible_cpus();
	struct pmig_processors *all;
	struct device_node *np;

	all = kvzalloc(struct_size(all, at, room), GFP_KERNEL);
	if (!all)
		return NULL;
	list_present(all, room);
	sort_by(all, by_hw_id);
	for_each_of_cpu_node(np) {
		take_node(all, np);
		cond_resched();
	}
	sort_by(all, by_cpu);
	return all;
}

void pmig_processors_free(struct pmig_processors *all)
{
	unsigned int i;

	for (i = 0; i < all->nr; i++)
		of_node_put(all->at[i].np);
	kvfree(all);
}
