// SPDX-License-Identifier: GPL-2.0
/*
 * A big core is two small ones that firmware shows as one: it has one node, but two of each cache.
 * ibm,thread-groups says which threads share them: for each property that they share, the number of
 * groups, the size of a group, and the threads (arch/powerpc/kernel/smp.c).
 */
#include "thread-groups.h"
#include "property.h"

#define SHARES_L1    1
#define SHARES_L2_L3 2

/* More than a core has threads. */
#define THREADS_MAX 64

static unsigned int find_thread(const __be32 *thread, unsigned int n, u32 hw_id)
{
	unsigned int i;

	for (i = 0; i < n && be32_to_cpu(thread[i]) != hw_id; i++)
		;
	return i;
}

/**
 * pmig_thread_group() - with whom does a thread share its core's cache?
 * @np: the node of the core
 * @hw_id: the thread
 * @level: of the cache
 *
 * Return: the number of its group, from 1; 0 where all threads of the core share it.
 */
unsigned int pmig_thread_group(const struct device_node *np, u32 hw_id, unsigned int level)
{
	u32 property = level == 1 ? SHARES_L1 : SHARES_L2_L3, groups, size;
	const __be32 *cell;
	unsigned int n, at;

	if (level > 3)
		return 0;
	cell = pmig_property_cells(np, "ibm,thread-groups", &n);
	while (n > 3) {
		groups = be32_to_cpu(cell[1]);
		size = be32_to_cpu(cell[2]);
		if (!size || size > THREADS_MAX || groups > THREADS_MAX || groups * size > n - 3)
			return 0;
		at = find_thread(cell + 3, groups * size, hw_id);
		if (be32_to_cpu(cell[0]) == property)
			return at < groups * size ? at / size + 1 : 0;
		cell += 3 + groups * size;
		n -= 3 + groups * size;
	}
	return 0;
}
