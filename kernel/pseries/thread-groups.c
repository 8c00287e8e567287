// SPDX-License-Identifier: GPL-2.0
/*
 * A big core is two small ones that firmware shows as one: it has one node, but two of each cache.
 * ibm,thread-groups says which threads share them: for each property that they share, the number of
 * groups, the size of a group, and the threads (arch/powerpc/kernel/smp.c).
 */
#include <asm/byteorder.h>

#include "thread-groups.h"

#define SHARES_L1    1
#define SHARES_L2_L3 2

/* More than a core has threads. */
#define THREADS_MAX 64

static unsigned int find_thread(const __be32 *thread, unsigned int n, __u32 hw_id)
{
	unsigned int i;

	for (i = 0; i < n && __be32_to_cpu(thread[i]) != hw_id; i++)
		;
	return i;
}

/**
 * pmig_thread_group() - with whom does a thread share its core's cache?
 * @cell: the core's ibm,thread-groups
 * @n: how many cells there are
 * @hw_id: the thread
 * @level: of the cache
 *
 * Return: the first thread of its group, plus 1, as cores may have the node of a cache in common;
 *	0 where all threads of the core share it.
 */
__u32 pmig_thread_group(const __be32 *cell, unsigned int n, __u32 hw_id, unsigned int level)
{
	__u32 property = level == 1 ? SHARES_L1 : SHARES_L2_L3, groups, size;
	unsigned int at;

	if (level > 3)
		return 0;
	while (n > 3) {
		groups = __be32_to_cpu(cell[1]);
		size = __be32_to_cpu(cell[2]);
		if (!size || size > THREADS_MAX || groups > THREADS_MAX || groups * size > n - 3)
			return 0;
		if (__be32_to_cpu(cell[0]) == property) {
			at = find_thread(cell + 3, groups * size, hw_id);
			if (at == groups * size)
				return 0;
			return __be32_to_cpu(cell[3 + at / size * size]) + 1;
		}
		cell += 3 + groups * size;
		n -= 3 + groups * size;
	}
	return 0;
}
