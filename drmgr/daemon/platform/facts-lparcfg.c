// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The facts of /proc/powerpc/lparcfg, which not every kernel has. Only what is named here is taken: much of that file
 * changes from one moment to the next (purr, tbr, dispatches, pool_idle_time, ...).
 */
#include <string.h>

#include "daemon/platform/fact.h"
#include "daemon/platform/facts-parts.h"
#include "daemon/platform/tree.h"

static const struct {
	const char *name;
	const char *field;
} items[] = {
	{ "partition_entitled_capacity", "entitled-capacity" },
	{ "partition_max_entitled_capacity", "max-entitled-capacity" },
	{ "partition_active_processors", "active-processors" },
	{ "partition_potential_processors", "potential-processors" },
	{ "partition_affinity_score", "affinity-score" },
	{ "capacity_weight", "capacity-weight" },
	{ "capped", "capped" },
	{ "MaxMem", "max-memory" },
	{ "group", "group" },
	{ "pool", "pool" },
	{ "pool_capacity", "pool-capacity" },
	{ "system_active_processors", "system-active-processors" },
	{ "system_potential_processors", "system-potential-processors" },
	{ "physical_procs_allocated_to_virtualization", "system-pool-processors" },
	{ "slb_size", "slb-size" },
	{ "power_mode_data", "power-mode" },
	{ "security_flavor", "security-flavor" },
};

static int line(void *userdata, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		return 0;
	*value++ = '\0';
	if (strcmp(text, "shared_processor_mode") == 0)
		return fact_text(userdata, "platform", "", "partition-type",
				 strcmp(value, "1") == 0 ? "shared" : "dedicated");
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		if (strcmp(text, items[i].name) == 0)
			return fact_text(userdata, "platform", "", items[i].field, value);
	return 0;
}

int facts_lparcfg(struct rows *ret)
{
	return tree_lines("/proc/powerpc/lparcfg", line, ret);
}
