// SPDX-License-Identifier: GPL-2.0
/* Who the machine is: properties of the root node. */
#include "identity.h"
#include "property.h"

/* In the order of the fields. */
static const struct {
	const char *property;
	enum pmig_field field;
} identity[] = {
	{ "system-id", PMIG_SYSTEM_ID },
	{ "model", PMIG_MODEL },
	{ "host-serial", PMIG_HOST_SERIAL },
	{ "host-model", PMIG_HOST_MODEL },
	{ "ibm,partition-name", PMIG_PARTITION_NAME },
	{ "ibm,partition-no", PMIG_PARTITION_NO },
	{ "ibm,partition-uuid", PMIG_PARTITION_UUID },
	{ "vm,uuid", PMIG_VM_UUID },
};

static int add_row(struct pmig_snapshot *snap, const struct device_node *np, unsigned int i)
{
	enum pmig_field field = identity[i].field;
	const char *name = identity[i].property;
	const char *text;
	int len;

	if (!pmig_field_is_text(field))
		return pmig_property_add(snap, field, PMIG_KEY_NONE, np, name, 0);
	text = of_get_property(np, name, &len);
	if (!text || len <= 0)
		return 0;
	return pmig_snapshot_add_text(snap, field, PMIG_KEY_NONE, text, len);
}

int pmig_identity_snapshot(struct pmig_snapshot *snap)
{
	struct device_node *np;
	unsigned int i;
	int err = 0;

	np = of_find_node_by_path("/");
	if (!np)
		return -ENODEV;
	for (i = 0; i < ARRAY_SIZE(identity) && !err; i++)
		err = add_row(snap, np, i);
	of_node_put(np);
	return err;
}

/* Of the root node: does this property say who the machine is? */
bool pmig_is_identity(const char *property)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(identity); i++)
		if (!strcmp(property, identity[i].property))
			return true;
	return false;
}
