// SPDX-License-Identifier: GPL-2.0
/*
 * The snapshot of PowerVM: who and what the machine is, from the device tree, which mainline has
 * brought up to date when its write returns.
 */
#include <linux/of.h>

#include "devtree.h"

struct property_row {
	const char *property;
	enum pmig_field field;
};

/* Each table is in the order of enum pmig_field. In the root node: */
static const struct property_row identity[] = {
	{ "system-id", PMIG_SYSTEM_ID },
	{ "model", PMIG_MODEL },
	{ "host-serial", PMIG_HOST_SERIAL },
	{ "host-model", PMIG_HOST_MODEL },
	{ "ibm,partition-name", PMIG_PARTITION_NAME },
	{ "ibm,partition-no", PMIG_PARTITION_NO },
	{ "ibm,partition-uuid", PMIG_PARTITION_UUID },
	{ "vm,uuid", PMIG_VM_UUID },
};

/* In a node of a processor. All processors of a partition are alike. */
static const struct property_row cpu[] = {
	{ "cpu-version", PMIG_CPU_VERSION },
	{ "clock-frequency", PMIG_CPU_CLOCK },
	{ "ibm,extended-clock-frequency", PMIG_CPU_EXTENDED_CLOCK },
	{ "timebase-frequency", PMIG_CPU_TIMEBASE },
};

/* In the same, or in one of the nodes behind it. */
static const struct property_row data_cache[] = {
	{ "d-cache-size", PMIG_CACHE_SIZE },
	{ "d-cache-line-size", PMIG_CACHE_LINE_SIZE },
	{ "d-cache-block-size", PMIG_CACHE_BLOCK_SIZE },
	{ "d-cache-sets", PMIG_CACHE_SETS },
};

static const struct property_row instruction_cache[] = {
	{ "i-cache-size", PMIG_CACHE_SIZE },
	{ "i-cache-line-size", PMIG_CACHE_LINE_SIZE },
	{ "i-cache-block-size", PMIG_CACHE_BLOCK_SIZE },
	{ "i-cache-sets", PMIG_CACHE_SETS },
};

/* A number has one or two cells; anything else in its place is not known. */
static int add_property(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			const void *value, int len)
{
	const __be32 *cell = value;

	if (pmig_field_is_text(field))
		return pmig_snapshot_add_text(snap, field, key, value, len);
	if (len == 4)
		return pmig_snapshot_add_u64(snap, field, key, be32_to_cpu(cell[0]));
	if (len == 8)
		return pmig_snapshot_add_u64(snap, field, key,
					     (u64)be32_to_cpu(cell[0]) << 32 |
						     be32_to_cpu(cell[1]));
	return 0;
}

/*
 * The node may be updated meanwhile; the old value of a property stays readable as long as the
 * node.
 */
static int add_rows(struct pmig_snapshot *snap, struct device_node *np, u64 key,
		    const struct property_row *row, unsigned int n)
{
	const void *value;
	int len, err;

	for (; n--; row++) {
		value = of_get_property(np, row->property, &len);
		if (!value || len <= 0)
			continue;
		err = add_property(snap, row->field, key, value, len);
		if (err)
			return err;
	}
	return 0;
}

static int add_cache(struct pmig_snapshot *snap, struct device_node *np, unsigned int level,
		     enum pmig_cache_type type)
{
	const struct property_row *rows = type == PMIG_CACHE_INSTRUCTION ? instruction_cache :
									   data_cache;

	return add_rows(snap, np, PMIG_CACHE_KEY(0, level, type), rows, ARRAY_SIZE(data_cache));
}

static struct device_node *next_cache(struct device_node *np)
{
	return of_parse_phandle(np, "l2-cache", 0) ?: of_parse_phandle(np, "next-level-cache", 0);
}

static int add_caches(struct pmig_snapshot *snap, struct device_node *np)
{
	struct device_node *second, *third;
	int err;

	err = add_cache(snap, np, 1, PMIG_CACHE_DATA) ?:
		      add_cache(snap, np, 1, PMIG_CACHE_INSTRUCTION);
	second = next_cache(np);
	if (!second || err)
		goto put_second;
	err = add_cache(snap, second, 2, PMIG_CACHE_UNIFIED);
	third = next_cache(second);
	if (third && !err)
		err = add_cache(snap, third, 3, PMIG_CACHE_UNIFIED);
	of_node_put(third);
put_second:
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
	err = add_rows(snap, np, PMIG_KEY_NONE, identity, ARRAY_SIZE(identity));
	of_node_put(np);
	if (err)
		return err;
	np = of_get_next_cpu_node(NULL);
	if (!np)
		return -ENODEV;
	err = add_rows(snap, np, PMIG_KEY_NONE, cpu, ARRAY_SIZE(cpu)) ?: add_caches(snap, np);
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
