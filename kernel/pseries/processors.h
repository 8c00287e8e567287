/* SPDX-License-Identifier: GPL-2.0 */
/* The processors that are present, and what each is in the device tree. */
#ifndef _PMIG_PSERIES_PROCESSORS_H
#define _PMIG_PSERIES_PROCESSORS_H

#include <linux/of.h>

/**
 * struct pmig_processor - one that is present
 * @cpu: the kernel's number
 * @hw_id: the hypervisor's number
 * @np: the node of its core, NULL where there is none
 */
struct pmig_processor {
	unsigned int cpu;
	u32 hw_id;
	struct device_node *np;
};

/**
 * struct pmig_processors - all of them, by the kernel's number
 * @nr: how many
 * @at: each
 */
struct pmig_processors {
	unsigned int nr;
	struct pmig_processor at[];
};

struct pmig_processors *pmig_processors_find(void);
void pmig_processors_free(struct pmig_processors *all);

#endif /* _PMIG_PSERIES_PROCESSORS_H */
