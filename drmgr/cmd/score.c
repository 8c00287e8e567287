// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr platform --score: how much of the partition's memory and processors is local, now and before it was placed
 * anew. The hypervisor places it, and the kernel makes something of that with a map that may be of the server before:
 * each has its number.
 */
#include "cmd/score.h"
#include "cmd/bus-rows.h"
#include "cmd/bus.h"
#include "cmd/places.h"
#include "cmd/verbs.h"

#include <stdio.h>
#include <string.h>

#define ALL 1000 /* tenths of a percent */

static int by_domain(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;

	return (a->domain > b->domain) - (a->domain < b->domain);
}

static int by_node(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;

	return a->node != b->node ? (a->node > b->node) - (a->node < b->node) : by_domain(va, vb);
}

static void sort(struct places *places, int (*order)(const void *, const void *))
{
	qsort(places->v, places->n, sizeof(*places->v), order);
}

/* Rounded down, so that it is all only if it is. The millionth makes up for sums of fractions. */
static unsigned tenths(double part, size_t whole)
{
	return whole ? (unsigned)(part * ALL / (double)whole + 1e-6) : 0;
}

/* How many of @some are in a domain that one of @others is in. */
static size_t together(struct places *some, struct places *others)
{
	size_t i, j = 0, n = 0;

	sort(some, by_domain);
	sort(others, by_domain);
	for (i = 0; i < some->n; i++) {
		while (j < others->n && others->v[j].domain < some->v[i].domain)
			j++;
		n += j < others->n && others->v[j].domain == some->v[i].domain;
	}
	return n;
}

/* Where the places end that are in the same node as @at, and, if @domain, in the same domain. */
static size_t end_of(const struct places *places, size_t at, bool domain)
{
	const struct place *first = &places->v[at];

	while (at < places->n && places->v[at].node == first->node &&
	       (!domain || places->v[at].domain == first->domain))
		at++;
	return at;
}

/* Pairs of a processor and a block in the same domain, of those from @i and @j to the end of the node they share. */
static double pairs(const struct places *cpus, size_t i, const struct places *blocks, size_t j)
{
	size_t last_cpu = end_of(cpus, i, false), last_block = end_of(blocks, j, false);
	double n = 0;

	while (i < last_cpu && j < last_block) {
		size_t next_cpu = end_of(cpus, i, true), next_block = end_of(blocks, j, true);
		int order = by_domain(&cpus->v[i], &blocks->v[j]);

		if (order == 0)
			n += (double)(next_cpu - i) * (double)(next_block - j);
		i = order <= 0 ? next_cpu : i;
		j = order >= 0 ? next_block : j;
	}
	return n;
}

/* How many processors' worth of accesses are local. */
static double local(struct places *cpus, struct places *blocks)
{
	size_t i, j = 0;
	double sum = 0;

	sort(cpus, by_node);
	sort(blocks, by_node);
	for (i = 0; i < cpus->n; i = end_of(cpus, i, false)) {
		while (j < blocks->n && blocks->v[j].node < cpus->v[i].node)
			j = end_of(blocks, j, false);
		if (j < blocks->n && blocks->v[j].node == cpus->v[i].node)
			sum += pairs(cpus, i, blocks, j) / (double)(end_of(blocks, j, false) - j);
	}
	return sum;
}

static void keep_what_counts(struct places *places)
{
	size_t i, n = 0;

	for (i = 0; i < places->n; i++)
		if (places->v[i].runs && places->v[i].known)
			places->v[n++] = places->v[i];
	places->n = n;
}

static int measure(const struct rows *now, const struct rows *changed, struct placement *ret,
		   struct score *counts)
{
	_cleanup_(places_done) struct places cpus = { 0 }, blocks = { 0 };

	if (places_of(now, "cpu", &cpus) < 0 || places_of(now, "memory", &blocks) < 0)
		return -ENOMEM;
	places_before(&cpus, "cpu", changed);
	places_before(&blocks, "memory", changed);
	keep_what_counts(&cpus);
	keep_what_counts(&blocks);
	counts->processors = cpus.n;
	counts->blocks = blocks.n;
	ret->memory = tenths((double)together(&blocks, &cpus), blocks.n);
	ret->processors = tenths((double)together(&cpus, &blocks), cpus.n);
	ret->accesses = tenths(local(&cpus, &blocks), cpus.n);
	return 0;
}

static size_t count(const struct rows *rows, const char *section, const char *field)
{
	size_t i, n = 0;

	for (i = 0; i < rows->n; i++)
		n += strcmp(rows->v[i].section, section) == 0 &&
		     strcmp(rows->v[i].field, field) == 0;
	return n;
}

/* How many have @field, which all have, and no domain. */
static size_t count_unknown(const struct rows *now, const char *section, const char *field)
{
	size_t all = count(now, section, field), known = count(now, section, "home-node");

	return all > known ? all - known : 0;
}

int score_of(const struct rows *now, const struct rows *changed, struct score *ret)
{
	const struct rows none = { 0 };
	struct score then;

	*ret = (struct score){
		.unknown_processors = count_unknown(now, "cpu", "hw-id"),
		.unknown_blocks = count_unknown(now, "memory", "domains"),
		.changed =
			count(changed, "cpu", "home-node") || count(changed, "memory", "home-node"),
	};
	return measure(now, changed, &ret->before, &then) ?: measure(now, &none, &ret->now, ret);
}

/* ---- what is printed */

static void print_line(const struct score *score, const char *what, unsigned now, unsigned before)
{
	printf("%-34s", what);
	if (score->changed)
		printf("  %3u.%u %%", before / 10, before % 10);
	printf("  %3u.%u %%\n", now / 10, now % 10);
}

static void print_unknown(size_t n, const char *what)
{
	if (n)
		printf("%zu %s not known do not count\n", n, what);
}

static void print_table(const struct score *s)
{
	printf("%-34s%s  %7s\n", "", s->changed ? "   before" : "", "now");
	print_line(s, "memory with processors near it", s->now.memory, s->before.memory);
	print_line(s, "processors with memory near them", s->now.processors, s->before.processors);
	print_line(s, "accesses that the kernel has local", s->now.accesses, s->before.accesses);
	printf("%zu processors and %zu blocks of memory\n", s->processors, s->blocks);
	print_unknown(s->unknown_processors, "processors whose home node is");
	print_unknown(s->unknown_blocks, "blocks of memory whose home node is");
}

static void print_json_placement(const char *name, const struct placement *p)
{
	printf(",\n \"%s\": {\"memory-near-processors\": %u.%u, \"processors-near-memory\": %u.%u, "
	       "\"local-accesses\": %u.%u}",
	       name, p->memory / 10, p->memory % 10, p->processors / 10, p->processors % 10,
	       p->accesses / 10, p->accesses % 10);
}

static void print_json(const struct score *s)
{
	printf("{\"processors\": %zu, \"memory-blocks\": %zu, \"unknown-processors\": %zu, "
	       "\"unknown-memory-blocks\": %zu",
	       s->processors, s->blocks, s->unknown_processors, s->unknown_blocks);
	print_json_placement("now", &s->now);
	if (s->changed)
		print_json_placement("before", &s->before);
	printf("}\n");
}

int do_score(const struct request *req)
{
	_cleanup_(rows_done) struct rows now = { 0 }, changed = { 0 };
	char missing[MISSING_LEN], missing_changed[MISSING_LEN];
	struct score score;
	int status;

	status = ask_rows("now", &now, missing) ?: ask_rows("changed", &changed, missing_changed);
	if (status)
		return status;
	say_left_out(&now);
	say_left_out(&changed);
	if (score_of(&now, &changed, &score) < 0)
		return call_bad_reply(-ENOMEM);
	if (!score.processors || !score.blocks)
		return no_home_nodes(score.processors ? "memory" : "processors", missing);
	if (req->json)
		print_json(&score);
	else
		print_table(&score);
	return DR_EXIT_DONE;
}
