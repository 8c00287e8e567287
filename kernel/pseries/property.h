/* SPDX-License-Identifier: GPL-2.0 */
/* Properties of the device tree, read within their length: firmware is not trusted. */
#ifndef _PMIG_PSERIES_PROPERTY_H
#define _PMIG_PSERIES_PROPERTY_H

#include <linux/of.h>

#include "../machine/snapshot.h"

const __be32 *pmig_property_cells(const struct device_node *np, const char *name, unsigned int *n);
bool pmig_property_number(const struct device_node *np, const char *name, u64 *value);
int pmig_property_add(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
		      const struct device_node *np, const char *name, u64 kernel);

#endif /* _PMIG_PSERIES_PROPERTY_H */
