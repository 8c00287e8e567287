// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The values that name the machine, under the same names as in pmig.ko. Firmware writes them, so they are checked like
 * any text that is not trusted.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/platform/identity.h"
#include "daemon/platform/tree.h"
#include "uapi/linux/pmig.h"

#define DEVICE_TREE "/sys/firmware/devicetree/base/"

static const struct {
	const char *path;
	const char *field;
	bool is_number; /* four bytes, the most significant one first */
} items[IDENTITY_ITEMS] = {
	{ DEVICE_TREE "system-id", "system-id", false },
	{ DEVICE_TREE "model", "model", false },
	{ DEVICE_TREE "host-serial", "host-serial", false },
	{ DEVICE_TREE "host-model", "host-model", false },
	{ DEVICE_TREE "ibm,partition-no", "partition-no", true },
};

static void read_item(size_t i, char *value, size_t size)
{
	unsigned char raw[ROW_VALUE_LEN];
	ssize_t n = tree_read(items[i].path, (char *)raw, sizeof(raw));

	value[0] = '\0';
	if (n == 4 && items[i].is_number)
		snprintf(value, size, "%u",
			 (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 |
				 raw[3]);
	else if (n > 0 && !items[i].is_number)
		text_copy(value, size, (char *)raw, (size_t)n);
}

void identity_system_id(char value[static ROW_VALUE_LEN])
{
	read_item(0, value, ROW_VALUE_LEN);
}

void identity_serial(char *buf, size_t size)
{
	char value[ROW_VALUE_LEN];

	identity_system_id(value);
	value[strcspn(value, " \n")] = '\0';
	text_copy(buf, size, value, sizeof(value));
}

bool identity_is_other(const char *serial, size_t size)
{
	char now[ROW_VALUE_LEN];

	identity_serial(now, size < sizeof(now) ? size : sizeof(now));
	return serial[0] && strcmp(now, serial) != 0;
}

void identity_read(struct identity *ret)
{
	*ret = (struct identity){ 0 };
	for (size_t i = 0; i < IDENTITY_ITEMS; i++)
		read_item(i, ret->value[i], sizeof(ret->value[i]));
}

bool identity_same(const struct identity *a, const struct identity *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int identity_changes(const struct identity *old, const struct identity *now, struct rows *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < IDENTITY_ITEMS; i++) {
		struct row row = { .section = "identity",
				   .unit = items[i].is_number ? PMIG_UNIT_NUMBER : PMIG_UNIT_TEXT };

		if (strcmp(old->value[i], now->value[i]) == 0)
			continue;
		snprintf(row.field, sizeof(row.field), "%s", items[i].field);
		memcpy(row.old, old->value[i], sizeof(row.old));
		memcpy(row.new, now->value[i], sizeof(row.new));
		r = rows_add(ret, &row);
	}
	return r;
}
