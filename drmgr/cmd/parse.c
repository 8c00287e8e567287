// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers and stream IDs on the command line. Each is either right as a whole, or answered with one line that says what
 * to write instead. The line shows what the user typed, without control characters.
 */
#include "cmd/request.h"
#include "shared/streamid.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct errline *err, int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	wire_text(err->text);
	return status;
}

int parse_u32(const char *s, const char *what, struct opt_u32 *ret, struct errline *err)
{
	uint64_t value = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9' && value <= UINT32_MAX; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	if (p == s || *p || value > UINT32_MAX)
		return fail(err, DR_EXIT_USAGE, "%s takes a number from 0 to %u, not \"%.40s\"",
			    what, UINT32_MAX, s);
	*ret = (struct opt_u32){ .set = true, .value = (uint32_t)value };
	return 0;
}

int parse_stream(const char *s, uint64_t *ret, struct errline *err)
{
	int r = streamid_parse(s, ret);

	if (r == -ERANGE)
		return fail(err, DR_EXIT_STREAM,
			    "stream ID \"%.40s\" is too long: at most 16 hexadecimal digits", s);
	if (r < 0 && !*s)
		return fail(err, DR_EXIT_STREAM,
			    "the stream ID is empty: give the one of the HMC, as in -s 0x1234abcd");
	if (r < 0)
		return fail(
			err, DR_EXIT_STREAM,
			"\"%.40s\" is not a stream ID: give 1 to 16 hexadecimal digits, as in -s 0x1234abcd",
			s);
	return 0;
}
