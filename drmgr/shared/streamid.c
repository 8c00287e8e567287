// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Stream IDs as text.
 *
 * powerpc-utils reads them with strtoull(s, NULL, 16), which makes a number even of "", "junk" and "-1"; the partition
 * then waits for a stream that does not exist. So this file does without strtoull(): it looks at every character, and
 * its table of digits does not depend on the locale.
 */
#include "shared/streamid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define STREAMID_DIGITS_MAX 16

static int unhex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

int streamid_parse(const char *s, uint64_t *ret)
{
	uint64_t stream = 0;
	unsigned int n;

	if (!s)
		return -EINVAL;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	for (n = 0; s[n]; n++) {
		int digit = unhex(s[n]);

		if (digit < 0)
			return digit;
		/* overflows at the 17th digit; the value is not used then, but the other digits are still checked */
		stream = stream << 4 | (unsigned int)digit;
	}
	if (n == 0)
		return -EINVAL;
	if (n > STREAMID_DIGITS_MAX)
		return -ERANGE;
	*ret = stream;
	return 0;
}

const char *streamid_format(uint64_t stream, char buf[STREAMID_STR_MAX])
{
	snprintf(buf, STREAMID_STR_MAX, "0x%" PRIx64, stream);
	return buf;
}
