// SPDX-License-Identifier: GPL-2.0
/*
 * Associativity domains as PAPR has them: a list of numbers, from the largest part of the machine
 * to the smallest. One level of it makes the nodes; as the kernel reads it, a node's number is that
 * of its domain (arch/powerpc/mm/numa.c).
 */
#include <asm/firmware.h>
#include <asm/hvcall.h>
#include <linux/numa.h>

#include "domains.h"
#include "property.h"

/* H_HOME_NODE_ASSOCIATIVITY is asked for a virtual processor. */
#define BY_VCPU 1

/* A domain that is not known. */
#define UNKNOWN 0xffff

/**
 * pmig_domains_level() - which level makes the nodes
 *
 * In forms 1 and 2, as ibm,architecture-vec-5 has agreed on them, the first of the reference points
 * does, in form 0 the second.
 *
 * Return: the level, from 1; 0 where the platform has no nodes.
 */
unsigned int pmig_domains_level(void)
{
	unsigned int n, level = 0, at = 1;
	struct device_node *np;
	const __be32 *point;

	if (firmware_has_feature(FW_FEATURE_FORM1_AFFINITY) ||
	    firmware_has_feature(FW_FEATURE_FORM2_AFFINITY))
		at = 0;
	np = of_find_node_by_path("/rtas");
	if (!np)
		return 0;
	point = pmig_property_cells(np, "ibm,associativity-reference-points", &n);
	if (n > at)
		level = be32_to_cpu(point[at]);
	of_node_put(np);
	return level;
}

/**
 * pmig_domains_from_cells() - domains of a list
 * @d: receives them
 * @cell: the numbers
 * @n: how many there are
 */
void pmig_domains_from_cells(struct pmig_domains *d, const __be32 *cell, unsigned int n)
{
	for (d->nr = 0; d->nr < n && d->nr < PMIG_DOMAINS_MAX; d->nr++)
		d->domain[d->nr] = be32_to_cpu(cell[d->nr]);
}

/* Domains of ibm,associativity: how many there are, and the numbers. */
void pmig_domains_from_node(struct pmig_domains *d, const struct device_node *np)
{
	const __be32 *cell;
	unsigned int n;

	d->nr = 0;
	cell = pmig_property_cells(np, "ibm,associativity", &n);
	if (n)
		pmig_domains_from_cells(d, cell + 1, min(be32_to_cpu(cell[0]), n - 1));
}

/**
 * pmig_domains_from_hypervisor() - where a virtual processor is now
 * @d: receives it, or nothing where the hypervisor does not tell
 * @hw_id: the hypervisor's number of the processor
 */
void pmig_domains_from_hypervisor(struct pmig_domains *d, u32 hw_id)
{
	unsigned long ret[PLPAR_HCALL9_BUFSIZE];

	d->nr = 0;
	if (plpar_hcall9(H_HOME_NODE_ASSOCIATIVITY, ret, BY_VCPU, hw_id) == H_SUCCESS)
		d->nr = pmig_unpack(ret, d->domain);
}

/**
 * pmig_domains_add_home() - add a fact: the domain at the level that makes nodes
 * @snap: the snapshot
 * @field: which fact
 * @key: of what
 * @d: where that is
 * @level: pmig_domains_level()
 * @kernel: the node that the kernel believes it to be in, or NUMA_NO_NODE
 *
 * Return: 0, also where the domain is not known and nothing is added, or as
 *	pmig_snapshot_add_u64().
 */
int pmig_domains_add_home(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			  const struct pmig_domains *d, unsigned int level, int kernel)
{
	u32 home;

	if (!level || level > d->nr)
		return 0;
	home = d->domain[level - 1];
	if (home == UNKNOWN)
		return 0;
	if (kernel == NUMA_NO_NODE)
		return pmig_snapshot_add_u64(snap, field, key, home);
	return pmig_snapshot_add_kernel(snap, field, key, home, kernel);
}

/* Add a fact: all levels, "0.0.1.3". */
int pmig_domains_add_text(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			  const struct pmig_domains *d)
{
	char text[PMIG_DOMAINS_MAX * sizeof(".4294967295")];
	unsigned int i;
	int len = 0;

	if (!d->nr)
		return 0;
	for (i = 0; i < d->nr; i++)
		len += scnprintf(text + len, sizeof(text) - len, "%s%u", i ? "." : "",
				 d->domain[i]);
	return pmig_snapshot_add_text(snap, field, key, text, len);
}
