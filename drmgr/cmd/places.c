// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes places of rows: of each "cpu.N.home-node" and "memory.ADDRESS.home-node". */
#include "cmd/places.h"
#include "shared/cleanup.h"

#include <stdlib.h>
#include <string.h>

void places_done(struct places *places)
{
	free(places->v);
	*places = (struct places){ 0 };
}

/* Processors have decimal numbers, addresses begin with 0x. */
static bool parse(const char *text, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	return !errno && !*end;
}

static bool is_home(const struct row *row, const char *section)
{
	return strcmp(row->section, section) == 0 && strcmp(row->field, "home-node") == 0;
}

static int order(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;

	return (a->key > b->key) - (a->key < b->key);
}

int places_of(const struct rows *now, const char *section, struct places *ret)
{
	size_t i;

	*ret = (struct places){ .v = calloc(now->n + 1, sizeof(*ret->v)) };
	if (!ret->v)
		return -ENOMEM;
	for (i = 0; i < now->n; i++) {
		const struct row *row = &now->v[i];
		struct place *place = &ret->v[ret->n];

		if (!is_home(row, section) || !parse(row->key, &place->key) ||
		    !parse(row->new, &place->domain))
			continue;
		place->runs = parse(row->old, &place->node);
		place->known = true;
		ret->n++;
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), order);
	return 0;
}

struct place *places_find(const struct places *places, uint64_t key)
{
	size_t low = 0, high = places->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->v[middle].key <= key)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &places->v[low - 1] : NULL;
}

void places_before(struct places *places, const char *section, const struct rows *changed)
{
	size_t i;

	for (i = 0; i < changed->n; i++) {
		const struct row *row = &changed->v[i];
		struct place *place;
		uint64_t key;

		if (!is_home(row, section) || !parse(row->key, &key))
			continue;
		place = places_find(places, key);
		if (place && place->key == key)
			place->known = parse(row->old, &place->domain);
	}
}
