// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a table of rows. To say what is stale in it takes two more dumps: of what pmig.ko knows to be stale, and of what
 * is true, to hold against that what programs see. All of them have one deadline.
 */
#include <stdio.h>

#include "daemon/platform/link-reading.h"
#include "daemon/platform/stale.h"

struct reading {
	sd_event *event;
	uint16_t family;
	char engine[PMIG_NAME_LEN];
	enum pmig_rows what;
	enum pmig_rows dumped; /* which table comes now */
	usec_t due;
	struct dump *dump;
	uint32_t generation;			 /* of the table that is asked for */
	struct rows tables[PMIG_ROWS_STALE + 1]; /* by enum pmig_rows */
	dump_done_t done;
	void *userdata;
};

struct reading *reading_free(struct reading *r)
{
	if (!r)
		return NULL;
	dump_free(r->dump);
	for (size_t i = 0; i < ARRAY_SIZE(r->tables); i++)
		rows_done(&r->tables[i]);
	sd_event_unref(r->event);
	free(r);
	return NULL;
}

static void finish(struct reading *r, int error)
{
	struct rows rows = r->tables[r->what];

	r->tables[r->what] = (struct rows){ 0 };
	r->done(r->userdata, error, r->generation, &rows); /* @r may be gone */
	rows_done(&rows);
}

static int judge(struct reading *r)
{
	struct rows *stale = &r->tables[PMIG_ROWS_STALE];
	int error = stale_add(&r->tables[PMIG_ROWS_NOW], stale);

	if (error == 0 && r->what == PMIG_ROWS_CHANGED)
		return stale_mark(&r->tables[PMIG_ROWS_CHANGED], stale);
	for (size_t i = 0; i < stale->n; i++)
		stale->v[i].flags |= ROW_F_STALE;
	return error;
}

static int ask(struct reading *r, enum pmig_rows what, uint32_t generation);

/* Returns whether another table comes. */
static bool more(struct reading *r, int *error)
{
	if (*error < 0 || r->dumped == PMIG_ROWS_NOW ||
	    (r->dumped == PMIG_ROWS_CHANGED && r->tables[PMIG_ROWS_CHANGED].n == 0))
		return false;
	*error = ask(r, r->dumped == PMIG_ROWS_CHANGED ? PMIG_ROWS_STALE : PMIG_ROWS_NOW, 0);
	return *error == 0;
}

static void on_dumped(void *userdata, int error, uint32_t generation, struct rows *rows)
{
	struct reading *r = userdata;

	r->dump = dump_free(r->dump);
	if (r->dumped == r->what)
		r->generation = generation;
	if (error < 0 && r->dumped == r->what) {
		finish(r, error);
		return;
	}
	/* Half a table of what is true would look as if the rest were stale. */
	if (error == 0) {
		r->tables[r->dumped] = *rows;
		*rows = (struct rows){ 0 };
	}
	if (more(r, &error))
		return;
	if (r->what != PMIG_ROWS_NOW && error == 0)
		error = judge(r);
	if (error < 0)
		log_warning(
			"What the kernel still has wrong can't be found out: %s. It is not told.",
			errno_text(error));
	finish(r, 0);
}

static int ask(struct reading *r, enum pmig_rows what, uint32_t generation)
{
	r->dumped = what;
	return dump_new(&r->dump, r->event,
			&(struct dump_request){ .family = r->family,
						.engine = r->engine,
						.what = what,
						.generation = generation,
						.due = r->due },
			on_dumped, r);
}

int reading_new(struct reading **ret, sd_event *event, uint16_t family, const char *engine,
		enum pmig_rows what, uint32_t generation, dump_done_t done, void *userdata)
{
	struct reading *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return log_oom();
	*r = (struct reading){ .event = sd_event_ref(event),
			       .family = family,
			       .what = what,
			       .due = now_usec() + READING_USEC,
			       .done = done,
			       .userdata = userdata };
	snprintf(r->engine, sizeof(r->engine), "%s", engine);
	error = ask(r, what, generation);
	if (error < 0) {
		reading_free(r);
		return error;
	}
	*ret = r;
	return 0;
}
