// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Neither side of the descriptor trusts the other: the daemon talks to any process of any user, and a program's
 * descriptor may be another file by now, because the program closed it and reused its number. So each message is
 * checked here before any field of it is used. All but wire_text() may be called from a signal handler.
 */
#include "shared/wiremsg.h"

#include "shared/phase.h"

#include <errno.h>
#include <string.h>

static int terminated(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

int wire_event_check(const struct wire_event *event, size_t len)
{
	if (len < sizeof(*event))
		return -EBADMSG;
	if (event->phase < DR_PHASE_CHECK || event->phase > PHASE_MAX)
		return -EBADMSG;
	if (event->nr_changes > WIRE_CHANGES_MAX)
		return -EBADMSG;
	if (len < sizeof(*event) + event->nr_changes * sizeof(struct wire_change))
		return -EBADMSG;
	return 0;
}

int wire_change_check(const struct wire_change *change)
{
	if (!terminated(change->name, sizeof(change->name)) ||
	    !terminated(change->old_value, sizeof(change->old_value)) ||
	    !terminated(change->new_value, sizeof(change->new_value)))
		return -EBADMSG;
	return 0;
}

int wire_answer_check(const struct wire_answer *answer, size_t len)
{
	if (len < sizeof(*answer))
		return -EBADMSG;
	if (answer->error > INT32_MAX || !terminated(answer->reason, sizeof(answer->reason)))
		return -EBADMSG;
	return 0;
}

/* Length of the UTF-8 character at @s, 0 if there is none; overlong forms and surrogates do not count. */
static size_t utf8_len(const unsigned char *s)
{
	uint32_t c, min;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2, c = s[0] & 0x1f, min = 0x80;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3, c = s[0] & 0x0f, min = 0x800;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4, c = s[0] & 0x07, min = 0x10000;
	else
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	/* C1 controls: some terminals take U+009B for the start of a sequence */
	return c < 0xa0 ? 0 : n;
}

char *wire_text(char *s)
{
	unsigned char *p = (unsigned char *)s;

	while (*p) {
		size_t n = utf8_len(p);

		if (n == 0 || *p < 0x20 || *p == 0x7f) {
			*p++ = '?';
			continue;
		}
		p += n;
	}
	return s;
}
