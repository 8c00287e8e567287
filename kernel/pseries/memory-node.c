// SPDX-License-Identifier: GPL-2.0
/*
 * Which node the kernel has put memory into: its pages say that. When memory is removed, what
 * describes its pages goes, too. The kernel's own lock against that is not for modules, so whoever
 * takes memory offline has to wait here until nobody reads.
 */
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/pfn.h>
#include <linux/spinlock.h>

#include "memory-node.h"

/* Held while a page is found and read. */
static DEFINE_SPINLOCK(reading);
static bool noticing; /* memory that goes; set before the first reader, cleared behind the last */

/* The memory is offline, so nobody finds it any more, and is removed only afterwards. */
static int memory_goes(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action == MEM_OFFLINE) {
		spin_lock(&reading);
		spin_unlock(&reading);
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = memory_goes };

void pmig_memory_node_init(void)
{
	noticing = !register_memory_notifier(&notifier);
}

void pmig_memory_node_exit(void)
{
	if (noticing)
		unregister_memory_notifier(&notifier);
	noticing = false;
}

/**
 * pmig_memory_node() - the kernel's node of the memory at this address
 * @address: real address
 *
 * Return: the node, or NUMA_NO_NODE where the memory is not online.
 */
int pmig_memory_node(u64 address)
{
	int node = NUMA_NO_NODE;
	struct page *page;

	if (!noticing)
		return NUMA_NO_NODE;
	spin_lock(&reading);
	page = pfn_to_online_page(PHYS_PFN(address));
	if (page)
		node = page_to_nid(page);
	spin_unlock(&reading);
	return node;
}
