/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot while it is being made: facts, in the order (section, key, field). */
#ifndef _PMIG_MACHINE_SNAPSHOT_H
#define _PMIG_MACHINE_SNAPSHOT_H

#ifdef __KERNEL__
#include <linux/kref.h>
#include <linux/llist.h>
#endif
#include <linux/pmig_snapshot.h>

#include "fields.h"

/*
 * More than any machine has: 2,048 processors have about 60,000 facts; 64 TB are 262,144 blocks,
 * each with two facts and a text, for which there are 60 bytes.
 */
#define PMIG_FACTS_MAX 1048576U
#define PMIG_TEXTS_MAX 16777216U /* bytes */

/**
 * struct pmig_fact - one fact
 * @key: of what
 * @value: a number, or where the text begins in the snapshot's texts
 * @kernel: what the kernel believes, if @has_kernel
 * @field: enum pmig_field
 * @has_kernel: the kernel has a value of its own
 */
struct pmig_fact {
	u64 key;
	u64 value;
	u64 kernel;
	u16 field;
	bool has_kernel;
};

/**
 * struct pmig_snapshot - facts in order, and their texts
 * @ref: whoever reads it
 * @number: unlike that of any other snapshot
 * @engine: which has described the machine
 * @free: among those that wait to be freed, outside of whatever context the last reader is in
 * @nr: how many facts
 * @room: for how many
 * @expected: how many there will be, or more
 * @fact: kvmalloc'ed
 * @text_len: bytes of texts
 * @text_room: room for them
 * @text_expected: as @expected
 * @text: kvmalloc'ed; each ends with a zero
 */
struct pmig_snapshot {
	struct kref ref;
	u32 number;
	char engine[PMIG_NAME_LEN];
	struct llist_node free;
	unsigned int nr;
	unsigned int room;
	unsigned int expected;
	struct pmig_fact *fact;
	unsigned int text_len;
	unsigned int text_room;
	unsigned int text_expected;
	char *text;
};

/* The order of facts: by section, key and field; PMIG_KEY_NONE is the last key. */
static inline int pmig_fact_order(const struct pmig_fact *a, const struct pmig_fact *b)
{
	enum pmig_section sa = pmig_fields[a->field].section, sb = pmig_fields[b->field].section;

	if (sa != sb)
		return sa < sb ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (int)a->field - (int)b->field;
}

static inline const char *pmig_fact_text(const struct pmig_snapshot *snap,
					 const struct pmig_fact *fact)
{
	return snap->text + fact->value;
}

/* What it keeps of the kernel's memory. */
static inline size_t pmig_snapshot_bytes(const struct pmig_snapshot *snap)
{
	return sizeof(*snap) + snap->room * sizeof(*snap->fact) + snap->text_room;
}

struct pmig_snapshot *pmig_snapshot_alloc(const char *engine, const struct pmig_snapshot *like);
void pmig_snapshot_exit(void);

/*
 * Add a fact. They are added in order, see pmig_fact_order(). May sleep.
 *
 * A text is given as bytes, up to the first zero or @len. A byte that is not printable ASCII, and
 * the backslash, becomes \xNN. All texts, lists of processors too, have room for PMIG_VALUE_LEN;
 * one that was cut ends with "...#" and a checksum of the whole, so give it uncut. An empty one is
 * as good as none and is not added.
 *
 * Return: 0; -EINVAL for a fact that is out of order, there already, or a text where the field is a
 * number or the reverse, which changes nothing, so that a caller may go on; -ENOSPC past
 * PMIG_FACTS_MAX or PMIG_TEXTS_MAX; -ENOMEM.
 */
int pmig_snapshot_add_u64(struct pmig_snapshot *snap, enum pmig_field field, u64 key, u64 value);
int pmig_snapshot_add_kernel(struct pmig_snapshot *snap, enum pmig_field field, u64 key, u64 value,
			     u64 kernel);
int pmig_snapshot_add_text(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			   const void *text, size_t len);

#endif /* _PMIG_MACHINE_SNAPSHOT_H */
