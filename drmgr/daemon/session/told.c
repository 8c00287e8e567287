// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An array in the order of telling, which undo walks backwards, and a tree of the names, because there may be tens of
 * thousands. Entries stay until the session ends, so that nobody who has been told the end is told it again.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/session/told.h"

/* A node of the tree; its entry may move, so it has a number. */
struct name {
	size_t at;
	const char *text;
	char own[];
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

struct told_entry *told_find(struct told *t, const char *name)
{
	struct name key = { .text = name };
	struct name **found = tfind(&key, &t->names, compare);

	return found ? &t->v[(*found)->at] : NULL;
}

static struct told_entry *append(struct told *t, const char *text)
{
	size_t size = strlen(text) + 1;
	struct told_entry *v;
	struct name *name;

	if ((t->n & (t->n - 1)) == 0) { /* grows at each power of two */
		v = reallocarray(t->v, t->n ? t->n * 2 : 1, sizeof(*v));
		if (!v)
			return NULL;
		t->v = v;
	}
	name = malloc(sizeof(*name) + size);
	if (!name)
		return NULL;
	memcpy(name->own, text, size);
	name->text = name->own;
	name->at = t->n;
	if (!tsearch(name, &t->names, compare)) {
		free(name);
		return NULL;
	}
	t->v[t->n] = (struct told_entry){ .name = name->text };
	return &t->v[t->n++];
}

struct told_entry *told_add(struct told *t, const char *name, enum told_state state)
{
	struct told_entry *e = told_find(t, name);

	if (!e)
		e = append(t, name);
	if (e)
		e->state = state;
	return e;
}

void told_clear(struct told *t)
{
	tdestroy(t->names, free);
	free(t->v);
	*t = (struct told){ 0 };
}
