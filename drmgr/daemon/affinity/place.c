// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is bound to processors is placed group by group: a group is what of them was in one domain before. Each gets one of
 * the domains that there are now, the largest group first, since it is the hardest to find room for. Thus it is as close
 * together as it was, threads that had processors of their own have them again, and who is in a good place stays there.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/affinity/place.h"
#include "daemon/base/util.h"

#define REMEMBERED_MAX 64

/* Processors that are online and in one domain: @n of order[], from @first on. */
struct domain {
	unsigned first, n;
	/* for the group that is being placed */
	unsigned room; /* not taken */
	unsigned held; /* of those, in the group */
	uint64_t load; /* how many were placed here */
};

struct remembered {
	struct cpus held;
	uint16_t to[CPUS_MAX];
};

struct placing {
	const struct map *map;
	uint16_t order[CPUS_MAX]; /* by domain, then by number */
	struct domain domains[CPUS_MAX];
	unsigned nr_domains;
	unsigned used[CPUS_MAX]; /* how many were placed on a processor */
	struct cpus taken;	 /* by an earlier group of the same */
	struct remembered *remembered[REMEMBERED_MAX];
	unsigned nr_remembered;
};

struct group {
	const uint16_t *v;
	unsigned n;
};

/* A processor, to be sorted by something and then by its number. */
struct key {
	uint32_t by;
	uint16_t cpu;
};

static int compare(const void *va, const void *vb)
{
	const struct key *a = va, *b = vb;

	if (a->by != b->by)
		return a->by < b->by ? -1 : 1;
	return (int)a->cpu - (int)b->cpu;
}

/* Those of @cpus by their domain in @domains, those without one last; -ENOMEM or how many. */
static int sort(const struct cpus *cpus, const uint32_t *domains, uint16_t *ret)
{
	_cleanup_free_ struct key *keys = calloc(CPUS_MAX, sizeof(*keys));
	int n = 0;

	if (!keys)
		return log_oom();
	for (unsigned cpu = cpus_next(cpus, 0); cpu < CPUS_MAX; cpu = cpus_next(cpus, cpu + 1))
		keys[n++] = (struct key){ domains[cpu], (uint16_t)cpu };
	qsort(keys, (size_t)n, sizeof(*keys), compare);
	for (int i = 0; i < n; i++)
		ret[i] = keys[i].cpu;
	return n;
}

/* How many from v[0] on are in the same domain. */
static unsigned run(const uint16_t *v, unsigned n, const uint32_t *domains)
{
	unsigned i = 1;

	while (i < n && domains[v[i]] == domains[v[0]])
		i++;
	return i;
}

int placing_new(struct placing **ret, const struct map *map)
{
	struct placing *p = calloc(1, sizeof(*p));
	int n;

	if (!p)
		return log_oom();
	p->map = map;
	n = sort(&map->online, map->now, p->order);
	if (n < 0) {
		free(p);
		return n;
	}
	for (unsigned i = 0; i < (unsigned)n && map->now[p->order[i]] != NO_DOMAIN;) {
		struct domain *d = &p->domains[p->nr_domains++];

		d->first = i;
		d->n = run(&p->order[i], (unsigned)n - i, map->now);
		i += d->n;
	}
	*ret = p;
	return 0;
}

struct placing *placing_free(struct placing *p)
{
	if (!p)
		return NULL;
	for (unsigned i = 0; i < p->nr_remembered; i++)
		free(p->remembered[i]);
	free(p);
	return NULL;
}

/* Is @a better for a group of @n? @a is the one with the higher number. */
static bool is_better(const struct domain *a, const struct domain *b, unsigned n)
{
	unsigned fit_a = a->room < n ? a->room : n, fit_b = b->room < n ? b->room : n;

	if (fit_a != fit_b)
		return fit_a > fit_b;
	if (a->held != b->held)
		return a->held > b->held;
	return a->load * b->n < b->load * a->n;
}

static struct domain *choose(struct placing *p, const struct cpus *group, unsigned n)
{
	struct domain *best = NULL;

	for (struct domain *d = p->domains; d < p->domains + p->nr_domains; d++) {
		d->room = d->held = 0;
		d->load = 0;
		for (unsigned i = d->first; i < d->first + d->n; i++) {
			unsigned cpu = p->order[i];

			d->load += p->used[cpu];
			if (cpus_has(&p->taken, cpu))
				continue;
			d->room++;
			d->held += cpus_has(group, cpu);
		}
		if (!best || is_better(d, best, n))
			best = d;
	}
	return best;
}

static void take(struct placing *p, unsigned cpu)
{
	cpus_add(&p->taken, cpu);
	p->used[cpu]++;
}

/* What is in @d already stays where it is; the others get what is left, and if that is not enough, all of it in turn. */
static int fill(struct placing *p, const struct domain *d, const struct group *g,
		const struct cpus *group, uint16_t *to)
{
	_cleanup_free_ struct key *v = calloc(d->n, sizeof(*v));
	unsigned n = 0, next = 0;

	if (!v)
		return log_oom();
	for (unsigned i = d->first; i < d->first + d->n; i++) {
		uint16_t cpu = p->order[i];

		if (cpus_has(&p->taken, cpu))
			continue;
		if (cpus_has(group, cpu))
			to[cpu] = cpu;
		else
			v[n++] = (struct key){ p->used[cpu], cpu };
	}
	qsort(v, n, sizeof(*v), compare);
	/* What is held comes behind the rest: it is shared only where there is too little. */
	for (unsigned i = d->first; i < d->first + d->n; i++)
		if (!cpus_has(&p->taken, p->order[i]) && cpus_has(group, p->order[i]))
			v[n++].cpu = p->order[i];
	for (unsigned i = 0; i < g->n; i++) {
		uint16_t cpu = g->v[i];

		if (p->map->now[cpu] != p->map->now[p->order[d->first]] ||
		    !cpus_has(&p->map->online, cpu) || cpus_has(&p->taken, cpu))
			to[cpu] = v[next++ % n].cpu;
	}
	for (unsigned i = 0; i < g->n; i++)
		if (!cpus_has(&p->taken, to[g->v[i]]))
			take(p, to[g->v[i]]);
	return 0;
}

static int place_group(struct placing *p, const struct group *g, uint16_t *to)
{
	struct cpus group = { 0 };
	struct domain *d;

	for (unsigned i = 0; i < g->n; i++)
		cpus_add(&group, g->v[i]);
	d = choose(p, &group, g->n);
	if (d->room == 0) { /* there are fewer than before: some share a processor */
		p->taken = (struct cpus){ 0 };
		d = choose(p, &group, g->n);
	}
	return fill(p, d, g, &group, to);
}

static int larger_first(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return (a->v > b->v) - (a->v < b->v);
}

static int place_groups(struct placing *p, const struct cpus *held, uint16_t *to)
{
	_cleanup_free_ uint16_t *order = calloc(CPUS_MAX, sizeof(*order));
	_cleanup_free_ struct group *groups = calloc(CPUS_MAX, sizeof(*groups));
	unsigned nr = 0;
	int n = order && groups ? sort(held, p->map->before, order) : log_oom();

	for (int i = 0; i < n; i += (int)groups[nr++].n)
		groups[nr] = (struct group){ &order[i],
					     run(&order[i], (unsigned)(n - i), p->map->before) };
	if (nr)
		qsort(groups, nr, sizeof(*groups), larger_first);
	p->taken = (struct cpus){ 0 };
	for (unsigned i = 0; i < nr && n >= 0; i++) {
		int r = place_group(p, &groups[i], to);

		if (r < 0)
			return r;
	}
	return n < 0 ? n : 0;
}

/* Without memory it is placed anew the next time. */
static void remember(struct placing *p, const struct cpus *held, const uint16_t *to)
{
	struct remembered *r = p->nr_remembered < REMEMBERED_MAX ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return;
	r->held = *held;
	memcpy(r->to, to, sizeof(r->to));
	p->remembered[p->nr_remembered++] = r;
}

int placing_find(struct placing *p, const struct cpus *held, uint16_t to[static CPUS_MAX])
{
	int r;

	for (unsigned i = 0; i < p->nr_remembered; i++)
		if (cpus_equal(held, &p->remembered[i]->held)) {
			memcpy(to, p->remembered[i]->to, sizeof(p->remembered[i]->to));
			return 0;
		}
	if (p->nr_domains == 0)
		return -ENODATA;
	memset(to, 0, CPUS_MAX * sizeof(*to));
	r = place_groups(p, held, to);
	if (r == 0)
		remember(p, held, to);
	return r;
}

void placing_image(const struct cpus *cpus, const uint16_t to[static CPUS_MAX], struct cpus *ret)
{
	struct cpus image = { 0 };

	for (unsigned cpu = cpus_next(cpus, 0); cpu < CPUS_MAX; cpu = cpus_next(cpus, cpu + 1))
		cpus_add(&image, to[cpu]);
	*ret = image;
}
