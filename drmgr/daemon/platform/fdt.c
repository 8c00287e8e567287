// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a flat device tree as the devicetree specification has it, chapter 5: a header, a structure of numbers with the
 * most significant byte first, and names. The properties of a node come before the nodes below it, so that the root's
 * are near the beginning of a file of any length.
 */
#include <string.h>

#include "daemon/base/util.h"
#include "daemon/platform/fdt.h"

#define MAGIC	       0xd00dfeed
#define AT_STRUCTURE   8 /* in the header: where it begins */
#define AT_NAMES       12
#define BEGIN_NODE     1
#define PROPERTY       3
#define NOP	       4
#define PROPERTIES_MAX 1024
#define NAME_MAX_LEN   64

static bool number(int fd, uint64_t at, uint32_t *ret)
{
	unsigned char raw[4];

	if (!read_at(fd, at, raw, sizeof(raw)))
		return false;
	*ret = (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
	return true;
}

static bool is_called(int fd, uint64_t at, const char *name)
{
	size_t size = strlen(name) + 1;
	char found[NAME_MAX_LEN];

	return size <= sizeof(found) && read_at(fd, at, found, size) &&
	       memcmp(found, name, size) == 0;
}

/* Where the root's first property is, behind the root's name, which is empty. */
static bool find_root(int fd, uint64_t *at, uint32_t *names)
{
	uint32_t magic, structure, token;

	if (!number(fd, 0, &magic) || magic != MAGIC || !number(fd, AT_STRUCTURE, &structure) ||
	    !number(fd, AT_NAMES, names) || !number(fd, structure, &token) || token != BEGIN_NODE)
		return false;
	*at = (uint64_t)structure + 8;
	return true;
}

ssize_t fdt_root_property(int fd, const char *name, void *value, size_t size)
{
	uint32_t names, token, length, offset;
	uint64_t at;

	if (!find_root(fd, &at, &names))
		return -EINVAL;
	for (unsigned i = 0; i < PROPERTIES_MAX; i++) {
		if (!number(fd, at, &token))
			return -EINVAL;
		at += 4;
		if (token == NOP)
			continue;
		if (token != PROPERTY)
			return -ENOENT;
		if (!number(fd, at, &length) || !number(fd, at + 4, &offset))
			return -EINVAL;
		at += 8;
		if (is_called(fd, (uint64_t)names + offset, name)) {
			if (length > size)
				return -EMSGSIZE;
			return read_at(fd, at, value, length) ? (ssize_t)length : -EINVAL;
		}
		at += ((uint64_t)length + 3) & ~UINT64_C(3);
	}
	return -ENOENT;
}
