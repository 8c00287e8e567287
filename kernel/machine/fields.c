// SPDX-License-Identifier: GPL-2.0
/* What each field is. A new one has a line here, and is then in every message by itself. */
#include "fields.h"

#define STAYS  .stays = true
#define SERVER .server = true

const char *const pmig_sections[PMIG_NR_SECTIONS] = {
	[PMIG_SECTION_IDENTITY] = "identity",
	[PMIG_SECTION_CPU] = "cpu",
	[PMIG_SECTION_CACHE] = "cache",
	[PMIG_SECTION_MEMORY] = "memory",
};

#define IDENTITY PMIG_SECTION_IDENTITY
#define CPU	 PMIG_SECTION_CPU
#define CACHE	 PMIG_SECTION_CACHE
#define MEMORY	 PMIG_SECTION_MEMORY

/*
 * A partition keeps its name and its UUIDs; its number may be another on the destination, and
 * belongs to the server.
 */
const struct pmig_field_info pmig_fields[PMIG_NR_FIELDS] = {
	[PMIG_SYSTEM_ID] = { "system-id", IDENTITY, PMIG_UNIT_TEXT, SERVER },
	[PMIG_MODEL] = { "model", IDENTITY, PMIG_UNIT_TEXT, SERVER },
	[PMIG_HOST_SERIAL] = { "host-serial", IDENTITY, PMIG_UNIT_TEXT, SERVER },
	[PMIG_HOST_MODEL] = { "host-model", IDENTITY, PMIG_UNIT_TEXT, SERVER },
	[PMIG_PARTITION_NAME] = { "partition-name", IDENTITY, PMIG_UNIT_TEXT, STAYS },
	[PMIG_PARTITION_NO] = { "partition-no", IDENTITY, PMIG_UNIT_NUMBER, SERVER },
	[PMIG_PARTITION_UUID] = { "partition-uuid", IDENTITY, PMIG_UNIT_TEXT, STAYS },
	[PMIG_VM_UUID] = { "vm-uuid", IDENTITY, PMIG_UNIT_TEXT, STAYS },

	[PMIG_CPU_HW_ID] = { "hw-id", CPU, PMIG_UNIT_NUMBER },
	[PMIG_CPU_HOME_NODE] = { "home-node", CPU, PMIG_UNIT_NODE },
	[PMIG_CPU_DOMAINS] = { "domains", CPU, PMIG_UNIT_DOMAINS },
	[PMIG_CPU_PVR] = { "pvr", CPU, PMIG_UNIT_PVR },
	[PMIG_CPU_VERSION] = { "version", CPU, PMIG_UNIT_PVR },
	[PMIG_CPU_CLOCK] = { "clock-frequency", CPU, PMIG_UNIT_HZ },
	[PMIG_CPU_EXTENDED_CLOCK] = { "extended-clock-frequency", CPU, PMIG_UNIT_HZ },
	[PMIG_CPU_TIMEBASE] = { "timebase-frequency", CPU, PMIG_UNIT_HZ, STAYS },

	[PMIG_CACHE_SIZE] = { "size", CACHE, PMIG_UNIT_BYTES },
	[PMIG_CACHE_LINE_SIZE] = { "line-size", CACHE, PMIG_UNIT_BYTES },
	[PMIG_CACHE_BLOCK_SIZE] = { "block-size", CACHE, PMIG_UNIT_BYTES },
	[PMIG_CACHE_SETS] = { "sets", CACHE, PMIG_UNIT_NUMBER },
	[PMIG_CACHE_CPUS] = { "cpus", CACHE, PMIG_UNIT_CPUS },

	[PMIG_MEMORY_HOME_NODE] = { "home-node", MEMORY, PMIG_UNIT_NODE },
	[PMIG_MEMORY_DOMAINS] = { "domains", MEMORY, PMIG_UNIT_DOMAINS },
};
