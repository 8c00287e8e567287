// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes a notice, with the rows that differ, into the message of wire.h: the first rows, and how many more there are. */
#include <stdlib.h>

#include "daemon/apps/appevent.h"
#include "uapi/linux/pmig.h"

struct wire_event *appevent_new(void)
{
	return calloc(1, WIRE_EVENT_MAX);
}

static void make_change(const struct row *row, struct wire_change *ret)
{
	char name[ROW_NAME_LEN];

	*ret = (struct wire_change){
		.flags = (row->flags & ROW_F_STALE ? DR_CHANGE_STALE : 0) |
			 (row->flags & PMIG_ROW_F_UNEXPECTED ? DR_CHANGE_UNEXPECTED : 0),
	};
	row_name(row, name);
	text_copy(ret->name, sizeof(ret->name), name, sizeof(name));
	text_copy(ret->old_value, sizeof(ret->old_value), row->old, sizeof(row->old));
	text_copy(ret->new_value, sizeof(ret->new_value), row->new, sizeof(row->new));
}

void appevent_fill(struct wire_event *event, const struct notice *n)
{
	bool differs = n->phase == DR_PHASE_POST || n->phase == DR_PHASE_CHANGED;
	const struct rows *rows = differs ? n->rows : NULL;
	size_t nr = rows ? rows->n : 0, more = rows ? rows->dropped : 0;

	if (nr > WIRE_CHANGES_MAX) {
		more += nr - WIRE_CHANGES_MAX;
		nr = WIRE_CHANGES_MAX;
	}
	*event = (struct wire_event){
		.phase = n->phase,
		.flags = (n->force ? WIRE_EVENT_FORCE : 0) |
			 (wants_answer(n->phase) ? WIRE_EVENT_ANSWER : 0),
		.nr_changes = (uint32_t)nr,
		.nr_more = more > UINT32_MAX ? UINT32_MAX : (uint32_t)more,
		.stream = n->stream,
		.blackout_us = n->blackout_us,
	};
	for (size_t i = 0; i < nr; i++)
		make_change(&rows->v[i], (struct wire_change *)(event + 1) + i);
}

size_t appevent_size(const struct wire_event *event)
{
	return sizeof(*event) + event->nr_changes * sizeof(struct wire_change);
}
