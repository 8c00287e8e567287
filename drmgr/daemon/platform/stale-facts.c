// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which fact each row of what is stale is about. One that was measured here has a source in front of its field
 * ("auxv-size"), and names a cache by level and type alone ("l2", not "l2@8").
 */
#include <string.h>

#include "daemon/base/util.h"
#include "daemon/platform/stale.h"

/* What a fact is found by. */
struct fact {
	const char *section, *field, *key;
	size_t length; /* so much of the key counts */
};

struct facts {
	struct fact *v;
	size_t n;
};

static void done(struct facts *facts)
{
	free(facts->v);
}

static struct fact fact_of(const struct row *row)
{
	const char *behind = row->flags & ROW_F_STALE ? strchr(row->field, '-') : NULL;

	return (struct fact){ .section = row->section,
			      .field = behind ? behind + 1 : row->field,
			      .key = row->key,
			      .length = strlen(row->key) };
}

/* The same of all caches of its level and type. */
static struct fact wider(struct fact fact)
{
	if (strcmp(fact.section, "cache") == 0)
		fact.length = strcspn(fact.key, "@");
	return fact;
}

static int compare_fields(const struct fact *a, const struct fact *b)
{
	return strcmp(a->section, b->section) ?: strcmp(a->field, b->field);
}

static int compare(const void *va, const void *vb)
{
	const struct fact *a = va, *b = vb;

	return compare_fields(a, b)					 ?:
		       (a->length > b->length) - (a->length < b->length) ?:
		       memcmp(a->key, b->key, a->length);
}

/* What is one for the whole machine is found where it is told of a processor: each shows it. */
static int matches(const void *va, const void *vb)
{
	const struct fact *wanted = va;

	return wanted->length ? compare(va, vb) : compare_fields(va, vb);
}

static bool has(const struct facts *facts, struct fact fact)
{
	return facts->n && bsearch(&fact, facts->v, facts->n, sizeof(fact), matches);
}

/* Those that @rows are about; @wide: as wider(). */
static int collect(const struct rows *rows, bool wide, struct facts *ret)
{
	ret->v = calloc(rows->n + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (; ret->n < rows->n; ret->n++) {
		ret->v[ret->n] = fact_of(&rows->v[ret->n]);
		if (wide)
			ret->v[ret->n] = wider(ret->v[ret->n]);
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

/* Those of @measured that are not in @told. */
static int keep_untold(const struct rows *told, struct rows *measured)
{
	_cleanup_(done) struct facts facts = { 0 };
	int r = collect(told, true, &facts);
	size_t n = 0;

	for (size_t i = 0; r == 0 && i < measured->n; i++)
		if (!has(&facts, fact_of(&measured->v[i])))
			measured->v[n++] = measured->v[i];
	measured->n = n;
	return r;
}

int stale_add(const struct rows *now, struct rows *stale)
{
	_cleanup_(rows_done) struct rows measured = { 0 };
	int r = stale_measure(now, &measured);

	if (r == 0)
		r = keep_untold(stale, &measured);
	return r < 0 ? r : rows_append(stale, &measured);
}

int stale_mark(struct rows *changed, const struct rows *stale)
{
	_cleanup_(done) struct facts facts = { 0 };
	int r = collect(stale, false, &facts);

	for (size_t i = 0; r == 0 && i < changed->n; i++) {
		struct fact fact = fact_of(&changed->v[i]);

		if (has(&facts, fact) || has(&facts, wider(fact)))
			changed->v[i].flags |= ROW_F_STALE;
	}
	return r;
}
