// SPDX-License-Identifier: GPL-2.0
/*
 * Building a snapshot. What comes from firmware is not trusted: it may be of any length, not
 * terminated, or not printable, and what goes out must be one printable line that fits.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "snapshot.h"

static struct pmig_item *add_item(struct pmig_snapshot *snap, const char *name, u32 flags)
{
	struct pmig_item *item;

	if (snap->nr == PMIG_SNAPSHOT_MAX)
		return NULL;
	item = &snap->item[snap->nr];
	memset(item, 0, sizeof(*item));
	pmig_strcpy(item->name, name);
	item->flags = flags;
	return item;
}

/**
 * pmig_snapshot_add_text() - add a string from an untrusted source
 * @snap: the snapshot
 * @name: name of the value
 * @text: bytes up to the first zero or @len
 * @len: how many there are
 * @flags: PMIG_CHANGE_F_* of a change
 *
 * A byte that is not printable ASCII, and the backslash, becomes \xNN; what does not fit is cut. An
 * empty text is as good as none and is not added.
 *
 * Return: 0, or -ENOSPC.
 */
int pmig_snapshot_add_text(struct pmig_snapshot *snap, const char *name, const void *text,
			   size_t len, u32 flags)
{
	size_t i, n = strnlen(text, len), out = 0;
	const u8 *byte = text;
	struct pmig_item *item;

	if (!n)
		return 0;
	item = add_item(snap, name, flags);
	if (!item)
		return -ENOSPC;
	for (i = 0; i < n; i++) {
		bool plain = isascii(byte[i]) && isprint(byte[i]) && byte[i] != '\\';

		if (out + (plain ? 1 : 4) >= sizeof(item->value))
			break;
		if (plain)
			item->value[out++] = byte[i];
		else
			out += scnprintf(item->value + out, sizeof(item->value) - out, "\\x%02x",
					 byte[i]);
	}
	snap->nr++;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_add_text, PMIG);

/**
 * pmig_snapshot_add_u64() - add a number
 * @snap: the snapshot
 * @name: name of the value
 * @value: bytes or Hz
 * @flags: PMIG_CHANGE_F_* of a change
 *
 * Return: 0, or -ENOSPC.
 */
int pmig_snapshot_add_u64(struct pmig_snapshot *snap, const char *name, u64 value, u32 flags)
{
	struct pmig_item *item = add_item(snap, name, flags);

	if (!item)
		return -ENOSPC;
	scnprintf(item->value, sizeof(item->value), "%llu", value);
	snap->nr++;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pmig_snapshot_add_u64, PMIG);
