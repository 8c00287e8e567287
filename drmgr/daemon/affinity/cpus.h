/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of processors; those of the kernel's nodes are such sets, too. */
#ifndef DRMGRD_CPUS_H
#define DRMGRD_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPUS_MAX 8192 /* no kernel is built for more */
/* The longest list: every other one of them */
#define CPUS_TEXT_MAX (CPUS_MAX / 2 * sizeof("8191"))

/* As the kernel's masks of 64-bit machines: sched_setaffinity() takes it. */
struct cpus {
	uint64_t bits[CPUS_MAX / 64];
};

static inline bool cpus_has(const struct cpus *s, unsigned cpu)
{
	return s->bits[cpu / 64] >> cpu % 64 & 1;
}

static inline void cpus_add(struct cpus *s, unsigned cpu)
{
	s->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

/* The first one from @from on, CPUS_MAX where there is none. */
unsigned cpus_next(const struct cpus *s, unsigned from);
bool cpus_empty(const struct cpus *s);
bool cpus_equal(const struct cpus *a, const struct cpus *b);
void cpus_or(struct cpus *s, const struct cpus *by);
void cpus_and(struct cpus *s, const struct cpus *by);
void cpus_minus(struct cpus *s, const struct cpus *by);

/* "0-7,16", "" for none: nothing else, or -EBADMSG; -ERANGE for a number from CPUS_MAX on. */
int cpus_parse(struct cpus *ret, const char *text);
/* The same; "..." is at the end of what has no room in @buf. */
void cpus_text(const struct cpus *s, char *buf, size_t size);

/* As systemd has sets on the bus: bit N % 8 of byte N / 8. -ERANGE for a number from CPUS_MAX on. */
int cpus_from_bytes(struct cpus *ret, const uint8_t *bytes, size_t n);
/* Returns how many bytes of @bytes, which has room for CPUS_MAX / 8, it takes. */
size_t cpus_to_bytes(const struct cpus *s, uint8_t *bytes);

#endif /* DRMGRD_CPUS_H */
