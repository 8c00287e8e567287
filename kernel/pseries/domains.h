/* SPDX-License-Identifier: GPL-2.0 */
/* Associativity domains say where something is in the machine, from its largest part down. */
#ifndef _PMIG_PSERIES_DOMAINS_H
#define _PMIG_PSERIES_DOMAINS_H

#include <linux/of.h>

#include "../machine/snapshot.h"
#include "packed.h"

/* As many as the hypervisor can pack into an answer. */
#define PMIG_DOMAINS_MAX PMIG_PACKED_FIELDS

/**
 * struct pmig_domains - where something is
 * @nr: how many levels are known, 0 for nothing
 * @domain: the number of the domain at each level
 */
struct pmig_domains {
	unsigned int nr;
	u32 domain[PMIG_DOMAINS_MAX];
};

unsigned int pmig_domains_level(void);
void pmig_domains_from_cells(struct pmig_domains *d, const __be32 *cell, unsigned int n);
void pmig_domains_from_node(struct pmig_domains *d, const struct device_node *np);
void pmig_domains_from_hypervisor(struct pmig_domains *d, u32 hw_id);
int pmig_domains_add_home(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			  const struct pmig_domains *d, unsigned int level, int kernel);
int pmig_domains_add_text(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			  const struct pmig_domains *d);

#endif /* _PMIG_PSERIES_DOMAINS_H */
