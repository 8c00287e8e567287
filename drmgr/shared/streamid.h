/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DRMGR_STREAMID_H
#define DRMGR_STREAMID_H

#include <stdint.h>

#define STREAMID_STR_MAX sizeof("0x0123456789abcdef")

/**
 * streamid_parse() - the stream ID that a person or RSCT wrote
 * @s: 1 to 16 hexadecimal digits, with or without 0x in front, and nothing else; NULL is allowed
 * @ret: written on success only
 *
 * Return: 0, -EINVAL, -ERANGE for more than 16 digits.
 */
int streamid_parse(const char *s, uint64_t *ret);

/* Writes it as mainline and powerpc-utils print it, 0x1234. Returns @buf. */
const char *streamid_format(uint64_t stream, char buf[STREAMID_STR_MAX]);

#endif /* DRMGR_STREAMID_H */
