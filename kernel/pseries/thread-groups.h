/* SPDX-License-Identifier: GPL-2.0 */
/* Which threads of a core share what. User space builds it, too, after its own stdbool.h. */
#ifndef _PMIG_PSERIES_THREAD_GROUPS_H
#define _PMIG_PSERIES_THREAD_GROUPS_H

#include <linux/types.h>

__u32 pmig_thread_group(const __be32 *cell, unsigned int n, __u32 hw_id, unsigned int level);

#endif /* _PMIG_PSERIES_THREAD_GROUPS_H */
