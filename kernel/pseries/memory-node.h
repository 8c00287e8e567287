/* SPDX-License-Identifier: GPL-2.0 */
/* Which node the kernel has put memory into. */
#ifndef _PMIG_PSERIES_MEMORY_NODE_H
#define _PMIG_PSERIES_MEMORY_NODE_H

#include <linux/types.h>

void pmig_memory_node_init(void);
void pmig_memory_node_exit(void);
int pmig_memory_node(u64 address);

#endif /* _PMIG_PSERIES_MEMORY_NODE_H */
