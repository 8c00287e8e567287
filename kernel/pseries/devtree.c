// SPDX-License-Identifier: GPL-2.0
/*
 * The snapshot of PowerVM: who and what the machine is, from the device tree, which mainline has
 * brought up to date when its write returns. The kernel has its own copies of some values, and
 * keeps those of the machine that it was booted on: a change of such a value is flagged as stale.
 */
#include <linux/of.h>

#include "devtree.h"

#define STALE	   PMIG_CHANGE_F_STALE
#define UNEXPECTED PMIG_CHANGE_F_UNEXPECTED

struct property_row {
	const char *property;
	const char *name;
	bool number;
	u32 flags;
};

/*
 * In the root node. A partition keeps its name and UUIDs; its number may be another on the
 * destination.
 */
static const struct property_row identity[] = {
	{ "system-id", "identity.system-id" },
	{ "model", "identity.model" },
	{ "host-serial", "identity.host-serial" },
	{ "host-model", "identity.host-model" },
	{ "ibm,partition-name", "identity.partition-name", false, UNEXPECTED },
	{ "ibm,partition-no", "identity.partition-no", true },
	{ "ibm,partition-uuid", "identity.partition-uuid", false, UNEXPECTED },
	{ "vm,uuid", "identity.vm-uuid", false, UNEXPECTED },
};

/* In a node of a processor. All processors of a partition are alike. */
static const struct property_row cpu[] = {
	{ "d-cache-size", "cache.l1d.size", true, STALE },
	{ "d-cache-line-size", "cache.l1d.line-size", true, STALE },
	{ "d-cache-block-size", "cache.l1d.block-size", true, STALE },
	{ "d-cache-sets", "cache.l1d.sets", true, STALE },
	{ "i-cache-size", "cache.l1i.size", true, STALE },
	{ "i-cache-line-size", "cache.l1i.line-size", true, STALE },
	{ "i-cache-block-size", "cache.l1i.block-size", true, STALE },
	{ "i-cache-sets", "cache.l1i.sets", true, STALE },
	{ "clock-frequency", "cpu.clock-frequency", true, STALE },
	{ "ibm,extended-clock-frequency", "cpu.extended-clock-frequency", true },
	{ "timebase-frequency", "cpu.timebase-frequency", true, STALE | UNEXPECTED },
	{ "cpu-version", "cpu.version", true },
};

/* In the nodes behind l2-cache, one after the other. */
static const struct property_row l2[] = {
	{ "d-cache-size", "cache.l2.size", true, STALE },
	{ "d-cache-line-size", "cache.l2.line-size", true, STALE },
	{ "d-cache-block-size", "cache.l2.block-size", true, STALE },
	{ "d-cache-sets", "cache.l2.sets", true, STALE },
};

static const struct property_row l3[] = {
	{ "d-cache-size", "cache.l3.size", true, STALE },
	{ "d-cache-line-size", "cache.l3.line-size", true, STALE },
	{ "d-cache-block-size", "cache.l3.block-size", true, STALE },
	{ "d-cache-sets", "cache.l3.sets", true, STALE },
};

/* A number of one or two cells; anything else in its place is shown as text. */
static int add_property(struct pmig_snapshot *snap, const struct property_row *row,
			const void *value, int len)
{
	const __be32 *cell = value;

	if (row->number && len == 4)
		return pmig_snapshot_add_u64(snap, row->name, be32_to_cpu(cell[0]), row->flags);
	if (row->number && len == 8)
		return pmig_snapshot_add_u64(snap, row->name,
					     (u64)be32_to_cpu(cell[0]) << 32 | be32_to_cpu(cell[1]),
					     row->flags);
	return pmig_snapshot_add_text(snap, row->name, value, len, row->flags);
}

/*
 * The node may be updated meanwhile; the old value of a property stays readable as long as the
 * node.
 */
static int add_rows(struct pmig_snapshot *snap, struct device_node *np,
		    const struct property_row *row, unsigned int n)
{
	const void *value;
	int len, err;

	for (; n--; row++) {
		value = of_get_property(np, row->property, &len);
		if (!value || len <= 0)
			continue;
		err = add_property(snap, row, value, len);
		if (err)
			return err;
	}
	return 0;
}

static struct device_node *next_cache(struct device_node *np)
{
	return of_parse_phandle(np, "l2-cache", 0) ?: of_parse_phandle(np, "next-level-cache", 0);
}

static int add_caches(struct pmig_snapshot *snap, struct device_node *np)
{
	struct device_node *second, *third;
	int err;

	second = next_cache(np);
	if (!second)
		return 0;
	err = add_rows(snap, second, l2, ARRAY_SIZE(l2));
	third = next_cache(second);
	if (third && !err)
		err = add_rows(snap, third, l3, ARRAY_SIZE(l3));
	of_node_put(third);
	of_node_put(second);
	return err;
}

int pmig_devtree_snapshot(struct pmig_snapshot *snap)
{
	struct device_node *np;
	int err;

	np = of_find_node_by_path("/");
	if (!np)
		return -ENODEV;
	err = add_rows(snap, np, identity, ARRAY_SIZE(identity));
	of_node_put(np);
	if (err)
		return err;
	np = of_get_next_cpu_node(NULL);
	if (!np)
		return -ENODEV;
	err = add_rows(snap, np, cpu, ARRAY_SIZE(cpu)) ?: add_caches(snap, np);
	of_node_put(np);
	return err;
}

/* Of the root node: does this property say who the machine is? */
bool pmig_devtree_is_identity(const char *property)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(identity); i++)
		if (!strcmp(property, identity[i].property))
			return true;
	return false;
}
