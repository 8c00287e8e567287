// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tables of rows: added to, compared, and folded for people. Nothing here knows what a row is about but rows_fold(). */
#include "shared/rows.h"

#include "shared/cleanup.h"
#include "uapi/linux/pmig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Two addresses of 64 bits fit; with section and field it fits what applications are told (WIRE_NAME_LEN). */
#define FOLDED_KEY_LEN 40
#define PREFIX_LEN     16

void rows_done(struct rows *rows)
{
	free(rows->v);
	*rows = (struct rows){ 0 };
}

int rows_add(struct rows *rows, const struct row *row)
{
	size_t room = rows->room ? rows->room * 2 : 16;
	struct row *v;

	if (rows->n >= ROWS_MAX) {
		rows->dropped++;
		return 0;
	}
	if (rows->n == rows->room) {
		v = reallocarray(rows->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		rows->v = v;
		rows->room = room;
	}
	rows->v[rows->n++] = *row;
	return 0;
}

int rows_append(struct rows *rows, const struct rows *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->n; i++)
		r = rows_add(rows, &more->v[i]);
	rows->dropped += more->dropped;
	return r;
}

void rows_shorten(struct rows *rows, size_t max)
{
	struct row row;

	if (rows->n <= max)
		return;
	for (size_t i = 0, first = 0; i < rows->n && first < max; i++) {
		/* What is pushed past @max is dropped anyway, so it is not moved. */
		size_t end = i < max ? i : max - 1;

		if (!(rows->v[i].flags & PMIG_ROW_F_UNEXPECTED))
			continue;
		row = rows->v[i];
		memmove(&rows->v[first + 1], &rows->v[first], (end - first) * sizeof(row));
		rows->v[first++] = row;
	}
	rows->dropped += rows->n - max;
	rows->n = max;
}

bool row_is_whole(const struct row *row)
{
	return memchr(row->section, '\0', sizeof(row->section)) &&
	       memchr(row->key, '\0', sizeof(row->key)) &&
	       memchr(row->field, '\0', sizeof(row->field)) &&
	       memchr(row->old, '\0', sizeof(row->old)) && memchr(row->new, '\0', sizeof(row->new));
}

void row_name(const struct row *row, char name[static ROW_NAME_LEN])
{
	snprintf(name, ROW_NAME_LEN, "%s%s%s.%s", row->section, row->key[0] ? "." : "", row->key,
		 row->field);
}

static bool is_first_of_section(const struct rows *rows, size_t i)
{
	for (size_t j = i; j-- > 0;)
		if (strcmp(rows->v[j].section, rows->v[i].section) == 0)
			return false;
	return true;
}

/* Rows of a section are next to each other, so each of them is soon seen not to be the first. */
void rows_text(const struct rows *rows, char text[static ROWS_TEXT_LEN])
{
	size_t all = rows->n + rows->dropped, used;

	used = (size_t)snprintf(text, ROWS_TEXT_LEN, "%zu row%s (", all, all == 1 ? "" : "s");
	for (size_t i = 0, n = 0; i < rows->n; i++) {
		const char *section = rows->v[i].section;

		if (!is_first_of_section(rows, i) || used + strlen(section) + 4 > ROWS_TEXT_LEN)
			continue;
		used += (size_t)snprintf(text + used, ROWS_TEXT_LEN - used, "%s%s", n++ ? ", " : "",
					 section);
	}
	snprintf(text + used, ROWS_TEXT_LEN - used, ")");
}

/* ---- what differs ---- */

static int compare_names(const struct row *a, const struct row *b)
{
	return strcmp(a->section, b->section) ?:
		       strcmp(a->key, b->key) ?:
						strcmp(a->field, b->field);
}

/* Of the same name the one that was added first comes first. */
static int compare_facts(const void *va, const void *vb)
{
	const struct row *a = *(const struct row *const *)va, *b = *(const struct row *const *)vb;

	return compare_names(a, b) ?: (a > b) - (a < b);
}

/* NULL behind the last one, so that an empty table has an index, too. */
static const struct row **sorted(const struct rows *rows)
{
	const struct row **v = calloc(rows->n + 1, sizeof(*v));

	if (!v)
		return NULL;
	for (size_t i = 0; i < rows->n; i++)
		v[i] = &rows->v[i];
	qsort(v, rows->n, sizeof(*v), compare_facts);
	return v;
}

static int add_difference(struct rows *ret, const struct row *old, const struct row *now)
{
	struct row row = now ? *now : *old;

	if (old && now && strcmp(old->new, now->new) == 0)
		return 0;
	snprintf(row.old, sizeof(row.old), "%s", old ? old->new : "");
	snprintf(row.new, sizeof(row.new), "%s", now ? now->new : "");
	if (row.flags & ROW_F_STAYS)
		row.flags |= PMIG_ROW_F_UNEXPECTED;
	row.flags &= ~ROW_F_STAYS;
	return rows_add(ret, &row);
}

/* Behind all rows of the name of *@v. */
static const struct row **behind(const struct row **v)
{
	const struct row *row = *v;

	while (*v && compare_names(*v, row) == 0)
		v++;
	return v;
}

int rows_diff(const struct rows *old, const struct rows *now, struct rows *ret)
{
	_cleanup_free_ const struct row **olds = sorted(old), **nows = sorted(now);
	const struct row **i = olds, **j = nows;
	int r = olds && nows ? 0 : -ENOMEM;

	while (r == 0 && (*i || *j)) {
		int order = !*i ? 1 : !*j ? -1 : compare_names(*i, *j);

		r = add_difference(ret, order <= 0 ? *i : NULL, order >= 0 ? *j : NULL);
		if (order <= 0)
			i = behind(i);
		if (order >= 0)
			j = behind(j);
	}
	return r;
}

/* ---- fewer rows that say the same ---- */

/* A key that can be folded: a text, and the number of a processor or the address of a block. */
struct part {
	const struct row *row;
	size_t prefix; /* length of the text: "l2", or none */
	int base;
	uint64_t number;
	char key[FOLDED_KEY_LEN]; /* that the row gets instead; "" where it is in another's */
};

static bool take_number(const char *text, int base, uint64_t *ret)
{
	char *end;

	if (base == 16 && (text[0] != '0' || text[1] != 'x' || strchr("+- \t", text[2])))
		return false;
	if (base == 10 && (*text < '0' || *text > '9'))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return errno == 0 && *end == '\0';
}

static bool take_part(const struct row *row, struct part *ret)
{
	const char *at = strchr(row->key, '@');

	*ret = (struct part){ .row = row, .base = 10 };
	if (strcmp(row->section, "cpu") == 0)
		return take_number(row->key, 10, &ret->number);
	if (strcmp(row->section, "memory") == 0) {
		ret->base = 16;
		return take_number(row->key, 16, &ret->number);
	}
	if (strcmp(row->section, "cache") != 0 || !at)
		return false;
	ret->prefix = (size_t)(at - row->key);
	return ret->prefix > 0 && ret->prefix < PREFIX_LEN && take_number(at + 1, 10, &ret->number);
}

/* The same field of the same kind of thing. */
static int compare_kinds(const struct part *a, const struct part *b)
{
	size_t shorter = a->prefix < b->prefix ? a->prefix : b->prefix;

	return strcmp(a->row->section, b->row->section)			 ?:
		       strncmp(a->row->key, b->row->key, shorter)	 ?:
		       (a->prefix > b->prefix) - (a->prefix < b->prefix) ?:
		       strcmp(a->row->field, b->row->field);
}

static int compare_values(const struct row *a, const struct row *b)
{
	return strcmp(a->old, b->old)				 ?:
		       strcmp(a->new, b->new)			 ?:
		       (a->unit > b->unit) - (a->unit < b->unit) ?:
		       (a->flags > b->flags) - (a->flags < b->flags);
}

static int compare_parts(const void *va, const void *vb)
{
	const struct part *a = va, *b = vb;

	return compare_kinds(a, b)					 ?:
		       compare_values(a->row, b->row)			 ?:
		       (a->number > b->number) - (a->number < b->number) ?:
		       (a->row > b->row) - (a->row < b->row);
}

static int compare_places(const void *va, const void *vb)
{
	const struct part *a = va, *b = vb;

	return (a->row > b->row) - (a->row < b->row);
}

static int compare_numbers(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

/* The smallest distance between two blocks of memory; 0 where there are no two. */
static int block_distance(const struct part *parts, size_t n, uint64_t *ret)
{
	_cleanup_free_ uint64_t *numbers = calloc(n + 1, sizeof(*numbers));
	size_t nr = 0;

	*ret = 0;
	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (parts[i].base == 16)
			numbers[nr++] = parts[i].number;
	qsort(numbers, nr, sizeof(*numbers), compare_numbers);
	for (size_t i = 1; i < nr; i++) {
		uint64_t distance = numbers[i] - numbers[i - 1];

		if (distance && (!*ret || distance < *ret))
			*ret = distance;
	}
	return 0;
}

static void print_number(const struct part *p, char *text, size_t size)
{
	snprintf(text, size, p->base == 16 ? "0x%" PRIx64 : "%" PRIu64, p->number);
}

/* "0-7": @n parts that follow each other */
static void print_range(const struct part *first, size_t n, char *text, size_t size)
{
	char from[24], to[24];

	print_number(first, from, sizeof(from));
	print_number(first + n - 1, to, sizeof(to));
	snprintf(text, size, "%s%s%s", from, n > 1 ? "-" : "", n > 1 ? to : "");
}

/* How many parts follow each other; those of a cache do not. */
static size_t in_range(const struct part *first, size_t n, uint64_t distance)
{
	size_t i = 1;

	while (i < n && !first->prefix && first[i].number - first[i - 1].number == distance)
		i++;
	return i;
}

/* What is behind a key is zero. */
static void append(struct part *into, const char *text, size_t max)
{
	size_t used = strlen(into->key), left = sizeof(into->key) - used - 1;

	memcpy(into->key + used, text, strnlen(text, max < left ? max : left));
}

/* @n parts with the same values, in the order of their numbers: as few keys as they fit in. */
static void fold_values(struct part *parts, size_t n, uint64_t distance)
{
	struct part *into = NULL;

	for (size_t i = 0, nr; i < n; i += nr) {
		char range[2 * 24];

		nr = in_range(parts + i, n - i, parts[i].base == 16 ? distance : 1);
		print_range(parts + i, nr, range, sizeof(range));
		if (into && strlen(into->key) + strlen(range) + 1 < sizeof(into->key)) {
			append(into, ",", 1);
		} else {
			into = &parts[i];
			append(into, into->row->key, into->prefix ? into->prefix + 1 : 0);
		}
		append(into, range, sizeof(range));
	}
}

/* @n parts of one kind, by their values. */
static void fold_kind(struct part *parts, size_t n, uint64_t distance)
{
	size_t i, nr;

	for (i = 0; i < n; i += nr) {
		for (nr = 1; i + nr < n && compare_values(parts[i].row, parts[i + nr].row) == 0;
		     nr++)
			;
		/* All say the same, so there is no need to say which. */
		if (nr == n && n > 1 && parts->prefix)
			append(parts, parts->row->key, parts->prefix);
		else
			fold_values(parts + i, nr, distance);
	}
}

static int fold_parts(struct part *parts, size_t n)
{
	uint64_t distance;
	int r = block_distance(parts, n, &distance);
	size_t i, nr;

	if (r < 0)
		return r;
	qsort(parts, n, sizeof(*parts), compare_parts);
	for (i = 0; i < n; i += nr) {
		for (nr = 1; i + nr < n && compare_kinds(&parts[i], &parts[i + nr]) == 0; nr++)
			;
		fold_kind(parts + i, nr, distance);
	}
	qsort(parts, n, sizeof(*parts), compare_places);
	return 0;
}

static int add_folded(struct rows *ret, const struct part *part)
{
	struct row row = *part->row;

	if (!part->key[0])
		return 0;
	snprintf(row.key, sizeof(row.key), "%s", part->key);
	return rows_add(ret, &row);
}

int rows_fold(const struct rows *rows, struct rows *ret)
{
	_cleanup_free_ struct part *parts = calloc(rows->n + 1, sizeof(*parts));
	const struct part *part = parts;
	size_t n = 0;
	int r;

	if (!parts)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		n += take_part(&rows->v[i], &parts[n]);
	r = fold_parts(parts, n);
	for (size_t i = 0; r == 0 && i < rows->n; i++)
		r = part < parts + n && part->row == &rows->v[i] ? add_folded(ret, part++) :
								   rows_add(ret, &rows->v[i]);
	ret->dropped += rows->dropped;
	return r;
}
