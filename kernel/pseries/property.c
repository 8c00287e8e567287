// SPDX-License-Identifier: GPL-2.0
/*
 * Properties of the device tree. A node may be updated while it is read; the old value of a
 * property stays readable as long as the node is held.
 */
#include "property.h"

/**
 * pmig_property_cells() - a property that is a list of cells
 * @np: the node, which the caller holds
 * @name: of the property
 * @n: receives how many whole cells there are, 0 where there is no such property
 *
 * Return: the cells, or NULL.
 */
const __be32 *pmig_property_cells(const struct device_node *np, const char *name, unsigned int *n)
{
	const __be32 *cell;
	int len = 0;

	cell = of_get_property(np, name, &len);
	*n = cell && len > 0 ? len / sizeof(*cell) : 0;
	return cell;
}

/**
 * pmig_property_number() - a property that is a number of one or two cells
 * @np: the node, which the caller holds
 * @name: of the property
 * @value: receives the number
 *
 * Return: false where there is no such property, or it has another length.
 */
bool pmig_property_number(const struct device_node *np, const char *name, u64 *value)
{
	const __be32 *cell;
	int len = 0;

	cell = of_get_property(np, name, &len);
	if (!cell || (len != sizeof(*cell) && len != 2 * sizeof(*cell)))
		return false;
	*value = of_read_number(cell, len / sizeof(*cell));
	return true;
}

/**
 * pmig_property_add() - add a fact: a property that is a number
 * @snap: the snapshot
 * @field: which fact
 * @key: of what
 * @np: the node, which the caller holds
 * @name: of the property
 * @kernel: what the kernel believes, or 0 where it has no value of its own
 *
 * Return: 0, also where there is no such number and nothing is added, or as
 *	pmig_snapshot_add_u64().
 */
int pmig_property_add(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
		      const struct device_node *np, const char *name, u64 kernel)
{
	u64 value;

	if (!pmig_property_number(np, name, &value))
		return 0;
	if (!kernel)
		return pmig_snapshot_add_u64(snap, field, key, value);
	return pmig_snapshot_add_kernel(snap, field, key, value, kernel);
}
