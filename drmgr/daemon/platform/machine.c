// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts of /proc and /sys at two times, and how they differ. */
#include "daemon/platform/machine.h"
#include "daemon/platform/facts.h"

static void replace(struct rows *rows, struct rows *by)
{
	rows_done(rows);
	*rows = *by;
	*by = (struct rows){ 0 };
}

void machine_look(struct machine *m)
{
	struct rows now = { 0 };

	if (facts_read(&now) == 0)
		replace(&m->now, &now);
	rows_done(&now);
}

int machine_compare(struct machine *m)
{
	struct rows now = { 0 }, changed = { 0 };
	int r = facts_read(&now);

	if (r == 0)
		r = rows_diff(&m->now, &now, &changed);
	if (r == 0) {
		replace(&m->now, &now);
		replace(&m->changed, &changed);
	}
	rows_done(&now);
	rows_done(&changed);
	return r;
}

void machine_done(struct machine *m)
{
	rows_done(&m->now);
	rows_done(&m->changed);
}
