/* SPDX-License-Identifier: GPL-2.0 */
/* Which threads of a core share what. */
#ifndef _PMIG_PSERIES_THREAD_GROUPS_H
#define _PMIG_PSERIES_THREAD_GROUPS_H

#include <linux/of.h>

unsigned int pmig_thread_group(const struct device_node *np, u32 hw_id, unsigned int level);

#endif /* _PMIG_PSERIES_THREAD_GROUPS_H */
