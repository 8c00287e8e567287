/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine as the partition sees it at one moment: facts, each a field of something that has a
 * key. A driver is given one from before the move and one from after it (pmig_notice_old(),
 * pmig_notice_new()); it may keep either with pmig_snapshot_get().
 *
 * A snapshot is constant. All functions may be called in any context, but for pmig_snapshot_put(),
 * which may be called wherever a spinlock may be taken: the memory is freed later.
 */
#ifndef _LINUX_PMIG_SNAPSHOT_H
#define _LINUX_PMIG_SNAPSHOT_H

#include <linux/types.h>

/* Is the module there to be called? Else there are stubs: linux/pmig.h says for whom. */
#ifdef PMIG_OUT_OF_TREE
#define PMIG_PRESENT 1
#else
#define PMIG_PRESENT IS_REACHABLE(CONFIG_PMIG)
#endif

struct pmig_snapshot;

/* The key of a field that is there once, for the whole machine. */
#define PMIG_KEY_NONE (~0ULL)

/**
 * enum pmig_section - what a field belongs to, and what its key is
 * @PMIG_SECTION_IDENTITY: who the machine is; there is no key
 * @PMIG_SECTION_CPU: processors; the key is the kernel's number of one, or PMIG_KEY_NONE for what
 *	all have in common
 * @PMIG_SECTION_CACHE: caches; the key is PMIG_CACHE_KEY()
 * @PMIG_SECTION_MEMORY: logical memory blocks (LMB); the key is the first address of one
 */
enum pmig_section {
	PMIG_SECTION_IDENTITY,
	PMIG_SECTION_CPU,
	PMIG_SECTION_CACHE,
	PMIG_SECTION_MEMORY,
	PMIG_NR_SECTIONS,
};

/**
 * enum pmig_cache_type - third part of a cache's key, behind its first processor and its level
 * @PMIG_CACHE_UNIFIED: both, as all above the first level are
 * @PMIG_CACHE_DATA: data
 * @PMIG_CACHE_INSTRUCTION: instructions
 */
enum pmig_cache_type {
	PMIG_CACHE_UNIFIED,
	PMIG_CACHE_DATA,
	PMIG_CACHE_INSTRUCTION,
};

/* The first processor that shares it comes first, so that a walk along processors is in order. */
#define PMIG_CACHE_KEY(first_cpu, level, type) \
	((u64)(first_cpu) << 16 | (u64)(level) << 8 | (u64)(type))
#define PMIG_CACHE_CPU(key)   ((unsigned int)((key) >> 16))
#define PMIG_CACHE_LEVEL(key) ((unsigned int)((key) >> 8 & 0xff))
#define PMIG_CACHE_TYPE(key)  ((enum pmig_cache_type)(0xff & (key)))

/**
 * enum pmig_field - all there is; kernel/machine/fields.c says the section, name and unit of each
 * @PMIG_SYSTEM_ID: text, "IBM,02" and the serial number
 * @PMIG_MODEL: text, machine type and model
 * @PMIG_HOST_SERIAL: text, of the server, where a hypervisor tells it
 * @PMIG_HOST_MODEL: text, of the server, where a hypervisor tells it
 * @PMIG_PARTITION_NAME: text
 * @PMIG_PARTITION_NO: number of the partition on its server
 * @PMIG_PARTITION_UUID: text
 * @PMIG_VM_UUID: text
 * @PMIG_CPU_HW_ID: the hypervisor's number of the processor (ibm,ppc-interrupt-server#s)
 * @PMIG_CPU_HOME_NODE: the true domain of the processor, at the level that makes nodes
 *	(H_HOME_NODE_ASSOCIATIVITY, ibm,associativity-reference-points); the kernel's own value is
 *	cpu_to_node(), and of an offline processor there is none
 * @PMIG_CPU_DOMAINS: text, the domains of all levels, "0.0.1.3"
 * @PMIG_CPU_PVR: processor version register; key none, as the following
 * @PMIG_CPU_VERSION: the logical version that the partition runs in (cpu-version)
 * @PMIG_CPU_CLOCK: Hz
 * @PMIG_CPU_EXTENDED_CLOCK: Hz
 * @PMIG_CPU_TIMEBASE: Hz
 * @PMIG_CACHE_SIZE: bytes
 * @PMIG_CACHE_LINE_SIZE: bytes
 * @PMIG_CACHE_BLOCK_SIZE: bytes
 * @PMIG_CACHE_SETS: how many; 1 for fully associative
 * @PMIG_CACHE_CPUS: text, the kernel's numbers of the processors that share it, "0-7,16"
 * @PMIG_MEMORY_HOME_NODE: as PMIG_CPU_HOME_NODE, of an LMB; the kernel's own value is the node of
 *	its pages
 * @PMIG_MEMORY_DOMAINS: text, the domains of all levels
 */
enum pmig_field {
	PMIG_SYSTEM_ID,
	PMIG_MODEL,
	PMIG_HOST_SERIAL,
	PMIG_HOST_MODEL,
	PMIG_PARTITION_NAME,
	PMIG_PARTITION_NO,
	PMIG_PARTITION_UUID,
	PMIG_VM_UUID,

	PMIG_CPU_HW_ID,
	PMIG_CPU_HOME_NODE,
	PMIG_CPU_DOMAINS,
	PMIG_CPU_PVR,
	PMIG_CPU_VERSION,
	PMIG_CPU_CLOCK,
	PMIG_CPU_EXTENDED_CLOCK,
	PMIG_CPU_TIMEBASE,

	PMIG_CACHE_SIZE,
	PMIG_CACHE_LINE_SIZE,
	PMIG_CACHE_BLOCK_SIZE,
	PMIG_CACHE_SETS,
	PMIG_CACHE_CPUS,

	PMIG_MEMORY_HOME_NODE,
	PMIG_MEMORY_DOMAINS,
	PMIG_NR_FIELDS,
};

#if PMIG_PRESENT

const struct pmig_snapshot *pmig_snapshot_get(const struct pmig_snapshot *snap);
void pmig_snapshot_put(const struct pmig_snapshot *snap);

/**
 * pmig_snapshot_u64() - a number
 * @snap: the snapshot
 * @field: a field that is a number
 * @key: of what
 * @value: receives it
 *
 * Return: true if it is known.
 */
bool pmig_snapshot_u64(const struct pmig_snapshot *snap, enum pmig_field field, u64 key,
		       u64 *value);

/**
 * pmig_snapshot_text() - a text
 * @snap: the snapshot
 * @field: a field that is a text
 * @key: of what
 *
 * Return: printable ASCII, good as long as @snap is held; NULL where it is not known.
 */
const char *pmig_snapshot_text(const struct pmig_snapshot *snap, enum pmig_field field, u64 key);

#else /* there is none, see linux/pmig.h */

static inline const struct pmig_snapshot *pmig_snapshot_get(const struct pmig_snapshot *snap)
{
	return snap;
}

static inline void pmig_snapshot_put(const struct pmig_snapshot *snap)
{
}

static inline bool pmig_snapshot_u64(const struct pmig_snapshot *snap, enum pmig_field field,
				     u64 key, u64 *value)
{
	return false;
}

static inline const char *pmig_snapshot_text(const struct pmig_snapshot *snap,
					     enum pmig_field field, u64 key)
{
	return NULL;
}

#endif

#endif /* _LINUX_PMIG_SNAPSHOT_H */
