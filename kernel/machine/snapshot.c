// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots: how one is made, read and freed. What comes from firmware is not trusted: it may be of
 * any length, not terminated, or not printable, and what goes out must be one printable line that
 * fits.
 */
#include <linux/atomic.h>
#include <linux/bsearch.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "snapshot.h"

/* For how many facts there is room at first, and bytes of texts. */
#define ROOM_MIN 128U

static atomic_t numbers = ATOMIC_INIT(0);

/* The last reader may be in any context, and what is kvmalloc'ed cannot be freed in any. */
static LLIST_HEAD(unused);
static void free_unused(struct work_struct *work);
static DECLARE_WORK(free_work, free_unused);

static void free_unused(struct work_struct *work)
{
	struct pmig_snapshot *pos, *next;

	llist_for_each_entry_safe(pos, next, llist_del_all(&unused), free) {
		kvfree(pos->fact);
		kvfree(pos->text);
		kfree(pos);
	}
}

/* Nobody has a snapshot any more; waits until all are freed. */
void pmig_snapshot_exit(void)
{
	flush_work(&free_work);
}

static void release_snapshot(struct kref *ref)
{
	llist_add(&container_of(ref, struct pmig_snapshot, ref)->free, &unused);
	schedule_work(&free_work);
}

/**
 * pmig_snapshot_alloc() - begin a snapshot
 * @engine: name of the engine that will describe the machine
 * @like: there is room for as much from the beginning, so that what is alike is never copied; NULL
 *	for nothing
 *
 * Return: an empty one with one reference, or NULL.
 */
struct pmig_snapshot *pmig_snapshot_alloc(const char *engine, const struct pmig_snapshot *like)
{
	struct pmig_snapshot *snap = kzalloc(sizeof(*snap), GFP_KERNEL);

	if (!snap)
		return NULL;
	kref_init(&snap->ref);
	snap->number = atomic_inc_return(&numbers);
	pmig_strcpy(snap->engine, engine);
	snap->expected = max(like ? like->nr : 0, ROOM_MIN);
	snap->text_expected = max(like ? like->text_len : 0, ROOM_MIN);
	return snap;
}

/* What is constant for a reader is counted all the same. */
const struct pmig_snapshot *pmig_snapshot_get(const struct pmig_snapshot *snap)
{
	kref_get(&((struct pmig_snapshot *)snap)->ref);
	return snap;
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_get, PMIG);

void pmig_snapshot_put(const struct pmig_snapshot *snap)
{
	kref_put(&((struct pmig_snapshot *)snap)->ref, release_snapshot);
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_put, PMIG);

/*
 * Room for @more elements behind @used, and for @expected in all. Returns the array, perhaps
 * another, or an ERR_PTR().
 */
static void *make_room(void *array, unsigned int *room, unsigned int used, unsigned int more,
		       unsigned int expected, unsigned int max, size_t size)
{
	unsigned int wanted;
	void *larger;

	if (more > max - used)
		return ERR_PTR(-ENOSPC);
	if (used + more <= *room)
		return array;
	wanted = min(max3(2 * *room, used + more, expected), max);
	larger = kvmalloc_array(wanted, size, GFP_KERNEL);
	if (!larger)
		return ERR_PTR(-ENOMEM);
	if (used)
		memcpy(larger, array, used * size);
	kvfree(array);
	*room = wanted;
	return larger;
}

static int add_fact(struct pmig_snapshot *snap, const struct pmig_fact *fact)
{
	struct pmig_fact *facts;

	facts = make_room(snap->fact, &snap->room, snap->nr, 1, snap->expected, PMIG_FACTS_MAX,
			  sizeof(*facts));
	if (IS_ERR(facts))
		return PTR_ERR(facts);
	snap->fact = facts;
	facts[snap->nr++] = *fact;
	return 0;
}

static bool fits(const struct pmig_snapshot *snap, const struct pmig_fact *fact, bool text)
{
	if (fact->field >= PMIG_NR_FIELDS || pmig_field_is_text(fact->field) != text)
		return false;
	return !snap->nr || pmig_fact_order(&snap->fact[snap->nr - 1], fact) < 0;
}

static int add_number(struct pmig_snapshot *snap, const struct pmig_fact *fact)
{
	return fits(snap, fact, false) ? add_fact(snap, fact) : -EINVAL;
}

int pmig_snapshot_add_u64(struct pmig_snapshot *snap, enum pmig_field field, u64 key, u64 value)
{
	const struct pmig_fact fact = { .field = field, .key = key, .value = value };

	return add_number(snap, &fact);
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_add_u64, PMIG);

/* @kernel: what the kernel believes */
int pmig_snapshot_add_kernel(struct pmig_snapshot *snap, enum pmig_field field, u64 key, u64 value,
			     u64 kernel)
{
	const struct pmig_fact fact = {
		.field = field,
		.key = key,
		.value = value,
		.kernel = kernel,
		.has_kernel = true,
	};

	return add_number(snap, &fact);
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_add_kernel, PMIG);

/* What a text that was cut ends with. The sum is of all of it: those that differ look different. */
#define CUT	"...#%08x"
#define CUT_LEN (sizeof("...#") - 1 + 8)

/* Returns the length of the line. */
static unsigned int make_line(char line[PMIG_VALUE_LEN], const u8 *byte, size_t len)
{
	unsigned int out = 0, whole = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		bool plain = isascii(byte[i]) && isprint(byte[i]) && byte[i] != '\\';

		if (out + (plain ? 1 : 4) >= PMIG_VALUE_LEN)
			return whole + scnprintf(line + whole, PMIG_VALUE_LEN - whole, CUT,
						 jhash(byte, len, 0));
		if (plain)
			line[out++] = byte[i];
		else
			out += scnprintf(line + out, PMIG_VALUE_LEN - out, "\\x%02x", byte[i]);
		if (out + CUT_LEN < PMIG_VALUE_LEN)
			whole = out;
	}
	line[out] = '\0';
	return out;
}

int pmig_snapshot_add_text(struct pmig_snapshot *snap, enum pmig_field field, u64 key,
			   const void *text, size_t len)
{
	struct pmig_fact fact = { .field = field, .key = key, .value = snap->text_len };
	char line[PMIG_VALUE_LEN], *texts;
	unsigned int size;
	int err;

	if (!fits(snap, &fact, true))
		return -EINVAL;
	len = strnlen(text, len);
	if (!len)
		return 0;
	size = make_line(line, text, len) + 1;
	texts = make_room(snap->text, &snap->text_room, snap->text_len, size, snap->text_expected,
			  PMIG_TEXTS_MAX, 1);
	if (IS_ERR(texts))
		return PTR_ERR(texts);
	snap->text = texts;
	err = add_fact(snap, &fact);
	if (err)
		return err;
	memcpy(texts + snap->text_len, line, size);
	snap->text_len += size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_add_text, PMIG);

static int compare_facts(const void *a, const void *b)
{
	return pmig_fact_order(a, b);
}

static const struct pmig_fact *find_fact(const struct pmig_snapshot *snap, enum pmig_field field,
					 u64 key, bool text)
{
	const struct pmig_fact wanted = { .field = field, .key = key };

	if (field >= PMIG_NR_FIELDS || pmig_field_is_text(field) != text)
		return NULL;
	return bsearch(&wanted, snap->fact, snap->nr, sizeof(wanted), compare_facts);
}

bool pmig_snapshot_u64(const struct pmig_snapshot *snap, enum pmig_field field, u64 key, u64 *value)
{
	const struct pmig_fact *fact = find_fact(snap, field, key, false);

	if (fact)
		*value = fact->value;
	return fact;
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_u64, PMIG);

const char *pmig_snapshot_text(const struct pmig_snapshot *snap, enum pmig_field field, u64 key)
{
	const struct pmig_fact *fact = find_fact(snap, field, key, true);

	return fact ? pmig_fact_text(snap, fact) : NULL;
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_text, PMIG);
