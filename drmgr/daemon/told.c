// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An array in the order of telling; undo walks it backwards. Entries stay until the session ends, so that
 * one who has been told the end is not told again by a daemon that comes later.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/told.h"

struct told_entry *told_find(struct told *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].name, name) == 0)
			return &t->v[i];
	return NULL;
}

struct told_entry *told_add(struct told *t, const char *name, enum told_state state)
{
	struct told_entry *e = told_find(t, name);

	if (!e) {
		if ((t->n & (t->n - 1)) == 0) { /* grows at each power of two */
			e = reallocarray(t->v, t->n ? t->n * 2 : 1, sizeof(*e));
			if (!e)
				return NULL;
			t->v = e;
		}
		e = &t->v[t->n];
		*e = (struct told_entry){ .name = strdup(name) };
		if (!e->name)
			return NULL;
		t->n++;
	}
	e->state = state;
	return e;
}

void told_clear(struct told *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].name);
	free(t->v);
	*t = (struct told){ 0 };
}
