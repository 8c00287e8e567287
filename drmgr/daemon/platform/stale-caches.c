// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Caches as programs are told of them. powerpc puts those of one processor of the boot machine into each new process's
 * auxiliary vector, and glibc's sysconf() takes them from there. Neither has a fourth level.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/platform/stale-parts.h"
#include "daemon/platform/tree.h"
#include "daemon/platform/truth.h"

#define AUXV_ENTRIES	  64
#define FULLY_ASSOCIATIVE 0xffff

static const struct {
	const char *key;
	unsigned long size, geometry; /* AT_* of powerpc's asm/auxvec.h */
	int sc_size, sc_ways, sc_line;
} caches[] = {
	{ "l1d", 42, 43, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL1_DCACHE_ASSOC,
	  _SC_LEVEL1_DCACHE_LINESIZE },
	{ "l1i", 40, 41, _SC_LEVEL1_ICACHE_SIZE, _SC_LEVEL1_ICACHE_ASSOC,
	  _SC_LEVEL1_ICACHE_LINESIZE },
	{ "l2", 44, 45, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL2_CACHE_ASSOC, _SC_LEVEL2_CACHE_LINESIZE },
	{ "l3", 46, 47, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL3_CACHE_ASSOC, _SC_LEVEL3_CACHE_LINESIZE },
};

/* 0: it is not there, or not known. */
struct cache {
	uint64_t size, line, ways;
};

static int field(const struct rows *now, struct rows *ret, const char *source, const char *key,
		 const char *name, uint32_t unit, uint64_t value)
{
	const struct row *fact = truth_find(now, "cache", key, name);
	struct row seen = { .section = "cache", .unit = unit };

	snprintf(seen.key, sizeof(seen.key), "%s", key);
	snprintf(seen.field, sizeof(seen.field), "%s", name);
	if (value)
		snprintf(seen.old, sizeof(seen.old), "%" PRIu64, value);
	return truth_against(ret, &seen, source, fact ? fact->new : "");
}

/* What either side does not know of a cache that is there is not wrong. */
static int detail(const struct rows *now, struct rows *ret, const char *source, const char *key,
		  const char *name, uint32_t unit, uint64_t value)
{
	if (truth_find(now, "cache", key, "size") &&
	    (!value || !truth_find(now, "cache", key, name)))
		return 0;
	return field(now, ret, source, key, name, unit, value);
}

static int cache(const struct rows *now, struct rows *ret, const char *source, const char *key,
		 const struct cache *c)
{
	uint64_t sets = 0;
	int r;

	if (c->ways == FULLY_ASSOCIATIVE)
		sets = 1;
	else if (c->line && c->ways)
		sets = c->size / c->line / c->ways;
	r = field(now, ret, source, key, "size", PMIG_UNIT_BYTES, c->size);
	if (r == 0)
		r = detail(now, ret, source, key, "line-size", PMIG_UNIT_BYTES, c->line);
	if (r == 0)
		r = detail(now, ret, source, key, "sets", PMIG_UNIT_NUMBER, sets);
	return r;
}

static bool entry(const unsigned long (*v)[2], size_t n, unsigned long type, unsigned long *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i][0] != type)
			continue;
		*ret = v[i][1];
		return true;
	}
	return false;
}

static int auxv(const struct rows *now, struct rows *ret)
{
	unsigned long v[AUXV_ENTRIES + 1][2], size, geometry;
	ssize_t n = tree_read("/proc/self/auxv", (char *)v, sizeof(v));
	size_t entries = n < 0 ? 0 : (size_t)n / sizeof(v[0]);
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(caches) && r == 0; i++)
		if (entry(v, entries, caches[i].size, &size) &&
		    entry(v, entries, caches[i].geometry, &geometry))
			r = cache(now, ret, "auxv", caches[i].key,
				  &(struct cache){ size, geometry & 0xffff, geometry >> 16 });
	return r;
}

static uint64_t ask(int name)
{
	long value = sysconf(name);

	return value < 0 ? 0 : (uint64_t)value;
}

/* A C library that does not even know the first level knows nothing. */
static int sysconfs(const struct rows *now, struct rows *ret)
{
	int r = 0;

	if (!ask(_SC_LEVEL1_DCACHE_SIZE))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(caches) && r == 0; i++)
		r = cache(now, ret, "sysconf", caches[i].key,
			  &(struct cache){ ask(caches[i].sc_size), ask(caches[i].sc_line),
					   ask(caches[i].sc_ways) });
	return r;
}

int stale_caches(const struct rows *now, struct rows *ret)
{
	int r;

	if (!truth_find(now, "cache", "l1d", "size"))
		return 0;
	r = auxv(now, ret);
	return r < 0 ? r : sysconfs(now, ret);
}
