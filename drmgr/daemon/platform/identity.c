// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The values that name the machine, under the same names as in pmig.ko. Firmware writes them, so they are checked like
 * any text that is not trusted.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "daemon/platform/identity.h"

#define DEVICE_TREE "/sys/firmware/devicetree/base/"

static const struct {
	const char *path;
	const char *name;
	bool is_number; /* four bytes, the most significant one first */
} items[IDENTITY_ITEMS] = {
	{ DEVICE_TREE "system-id", "identity.system-id", false },
	{ DEVICE_TREE "model", "identity.model", false },
	{ DEVICE_TREE "host-serial", "identity.host-serial", false },
	{ DEVICE_TREE "host-model", "identity.host-model", false },
	{ DEVICE_TREE "ibm,partition-no", "identity.partition-no", true },
};

static void read_item(size_t i, char *value, size_t size)
{
	unsigned char raw[WIRE_VALUE_LEN];
	ssize_t n = read_text_file(AT_FDCWD, items[i].path, (char *)raw, sizeof(raw));

	value[0] = '\0';
	if (n == 4 && items[i].is_number)
		snprintf(value, size, "%u",
			 (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 |
				 raw[3]);
	else if (n > 0 && !items[i].is_number)
		text_copy(value, size, (char *)raw, (size_t)n);
}

void identity_serial(char *buf, size_t size)
{
	char value[WIRE_VALUE_LEN];

	read_item(0, value, sizeof(value));
	value[strcspn(value, " \n")] = '\0';
	text_copy(buf, size, value, sizeof(value));
}

bool identity_is_other(const char *serial, size_t size)
{
	char now[WIRE_VALUE_LEN];

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

struct wire_change *identity_changes(const struct identity *old, const struct identity *now,
				     size_t *ret_nr)
{
	struct wire_change *v = NULL;
	size_t n = 0;

	if (!identity_same(old, now))
		v = calloc(IDENTITY_ITEMS, sizeof(*v));
	for (size_t i = 0; v && i < IDENTITY_ITEMS; i++) {
		if (strcmp(old->value[i], now->value[i]) == 0)
			continue;
		snprintf(v[n].name, sizeof(v[n].name), "%s", items[i].name);
		snprintf(v[n].old_value, sizeof(v[n].old_value), "%s", old->value[i]);
		snprintf(v[n].new_value, sizeof(v[n].new_value), "%s", now->value[i]);
		n++;
	}
	*ret_nr = n;
	return v;
}
