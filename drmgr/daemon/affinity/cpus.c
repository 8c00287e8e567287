// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of processors, as masks, lists and bytes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/affinity/cpus.h"
#include "daemon/platform/cpulist.h"
#include "shared/cleanup.h"

unsigned cpus_next(const struct cpus *s, unsigned from)
{
	for (unsigned word = from / 64; word < ARRAY_SIZE(s->bits); word++) {
		uint64_t bits = s->bits[word];

		if (word == from / 64)
			bits &= UINT64_MAX << from % 64;
		if (bits)
			return word * 64 + (unsigned)__builtin_ctzll(bits);
	}
	return CPUS_MAX;
}

bool cpus_empty(const struct cpus *s)
{
	return cpus_next(s, 0) == CPUS_MAX;
}

bool cpus_equal(const struct cpus *a, const struct cpus *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void cpus_or(struct cpus *s, const struct cpus *by)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->bits); i++)
		s->bits[i] |= by->bits[i];
}

void cpus_and(struct cpus *s, const struct cpus *by)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->bits); i++)
		s->bits[i] &= by->bits[i];
}

void cpus_minus(struct cpus *s, const struct cpus *by)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->bits); i++)
		s->bits[i] &= ~by->bits[i];
}

int cpus_parse(struct cpus *ret, const char *text)
{
	const char *rest = text;
	unsigned first, last;

	*ret = (struct cpus){ 0 };
	while (cpulist_next(&rest, &first, &last)) {
		if (last >= CPUS_MAX)
			return -ERANGE;
		for (unsigned cpu = first; cpu <= last; cpu++)
			cpus_add(ret, cpu);
		text = rest;
	}
	return text[0] == '\0' || strcmp(text, "\n") == 0 ? 0 : -EBADMSG;
}

/* The last one of those that follow @first without a hole. */
static unsigned end_of_range(const struct cpus *s, unsigned first)
{
	while (first + 1 < CPUS_MAX && cpus_has(s, first + 1))
		first++;
	return first;
}

void cpus_text(const struct cpus *s, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned first = cpus_next(s, 0), last; first < CPUS_MAX;
	     first = cpus_next(s, last + 1)) {
		char range[24];
		int n;

		last = end_of_range(s, first);
		if (first == last)
			n = snprintf(range, sizeof(range), "%s%u", used ? "," : "", first);
		else
			n = snprintf(range, sizeof(range), "%s%u-%u", used ? "," : "", first, last);
		/* room is left for the dots */
		if (used + (size_t)n + sizeof("...") > size) {
			snprintf(buf + used, size - used, "...");
			return;
		}
		memcpy(buf + used, range, (size_t)n + 1);
		used += (size_t)n;
		if (last + 1 == CPUS_MAX)
			return;
	}
}

int cpus_from_bytes(struct cpus *ret, const uint8_t *bytes, size_t n)
{
	*ret = (struct cpus){ 0 };
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			if (!(bytes[i] >> bit & 1))
				continue;
			if (i >= CPUS_MAX / 8)
				return -ERANGE;
			cpus_add(ret, (unsigned)i * 8 + bit);
		}
	return 0;
}

size_t cpus_to_bytes(const struct cpus *s, uint8_t *bytes)
{
	size_t n = 0;

	memset(bytes, 0, CPUS_MAX / 8);
	for (unsigned cpu = cpus_next(s, 0); cpu < CPUS_MAX; cpu = cpus_next(s, cpu + 1)) {
		bytes[cpu / 8] |= (uint8_t)(1U << cpu % 8);
		n = cpu / 8 + 1;
	}
	return n;
}
