// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The results of the last migrations, newest first: in memory, and in a file that is rewritten with each. Only drmgrd
 * writes and reads the file, so it has our structs. A file of another version has another size and is not read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "daemon/results.h"

struct record {
	uint64_t stream;
	uint64_t blackout_us;
	uint32_t error;
	uint32_t nr_rows;
	uint64_t dropped;
	char text[512];
};

static const uint32_t version[3] = { 0x44520003, sizeof(struct record), sizeof(struct row) };

struct results {
	char *path;
	struct moves moves;
	struct result v[RESULTS_MAX];
};

static void result_clear(struct result *r)
{
	rows_done(&r->rows);
	*r = (struct result){ 0 };
}

/* Makes room for a new one in front. */
static struct result *push(struct results *r, uint64_t stream)
{
	size_t last = 0;

	while (last < RESULTS_MAX - 1 && r->v[last].stream && r->v[last].stream != stream)
		last++;
	result_clear(&r->v[last]);
	memmove(&r->v[1], &r->v[0], last * sizeof(r->v[0]));
	r->v[0] = (struct result){ .stream = stream };
	return &r->v[0];
}

static void save(const struct results *r)
{
	_cleanup_free_ char *temp = NULL;
	bool ok;
	FILE *f;

	if (asprintf(&temp, "%s.new", r->path) < 0)
		return;
	f = fopen(temp, "we");
	ok = f && fwrite(version, sizeof(version), 1, f) == 1 &&
	     fwrite(&r->moves, sizeof(r->moves), 1, f) == 1;
	for (size_t i = 0; ok && i < RESULTS_MAX && r->v[i].stream; i++) {
		const struct result *v = &r->v[i];
		struct record record = { .stream = v->stream,
					 .blackout_us = v->blackout_us,
					 .error = v->error,
					 .nr_rows = (uint32_t)v->rows.n,
					 .dropped = v->rows.dropped };

		memcpy(record.text, v->text, sizeof(record.text));
		ok = fwrite(&record, sizeof(record), 1, f) == 1 &&
		     (v->rows.n == 0 ||
		      fwrite(v->rows.v, sizeof(*v->rows.v), v->rows.n, f) == v->rows.n);
	}
	if (f && fclose(f) == EOF)
		ok = false;
	if (!ok || rename(temp, r->path) < 0) {
		log_warning(
			"%s can't be written: %s. If drmgrd is restarted, the last results are not known.",
			r->path, errno_text(errno));
		unlink(temp);
		unlink(r->path); /* no file is better than an old one */
	}
}

static bool load_one(FILE *f, struct result *v)
{
	struct record record;
	struct row row;

	if (fread(&record, sizeof(record), 1, f) != 1 || !record.stream ||
	    record.error >= _MANAGER_ERROR_MAX || record.nr_rows > ROWS_TOLD_MAX ||
	    !memchr(record.text, '\0', sizeof(record.text)))
		return false;
	*v = (struct result){ .stream = record.stream,
			      .blackout_us = record.blackout_us,
			      .error = record.error,
			      .rows.dropped = record.dropped };
	memcpy(v->text, record.text, sizeof(v->text));
	for (uint32_t i = 0; i < record.nr_rows; i++)
		if (fread(&row, sizeof(row), 1, f) != 1 || !row_is_whole(&row) ||
		    rows_add(&v->rows, &row) < 0) {
			result_clear(v);
			return false;
		}
	return true;
}

/* Returns whether there was a file of this version. */
static bool load(struct results *r)
{
	struct moves moves;
	uint32_t found[3];
	bool ok = false;
	size_t i = 0;
	FILE *f = fopen(r->path, "re");

	if (f && fread(found, sizeof(found), 1, f) == 1 &&
	    memcmp(found, version, sizeof(version)) == 0 &&
	    fread(&moves, sizeof(moves), 1, f) == 1 && moves.since <= r->moves.since) {
		ok = true;
		r->moves = moves;
		while (i < RESULTS_MAX && load_one(f, &r->v[i]))
			i++;
	}
	if (f)
		fclose(f);
	return ok;
}

int results_new(struct results **ret, const char *path)
{
	struct results *r = calloc(1, sizeof(*r));

	if (!r)
		return log_oom();
	r->path = strdup(path);
	if (!r->path) {
		free(r);
		return log_oom();
	}
	r->moves.since = now_usec();
	if (!load(r))
		save(r); /* the next daemon goes on counting */
	*ret = r;
	return 0;
}

struct results *results_free(struct results *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < RESULTS_MAX; i++)
		result_clear(&r->v[i]);
	free(r->path);
	free(r);
	return NULL;
}

const struct result *results_find(const struct results *r, uint64_t stream)
{
	for (size_t i = 0; stream && i < RESULTS_MAX; i++)
		if (r->v[i].stream == stream)
			return &r->v[i];
	return NULL;
}

const struct moves *results_moves(const struct results *r)
{
	return &r->moves;
}

void results_add(struct results *r, uint64_t stream, enum manager_error error, const char *text,
		 const struct session_result *result)
{
	struct result *v;

	r->moves.n += result->moved;
	if (stream == 0) { /* it was somebody else's, and its stream ID is not known */
		save(r);
		return;
	}
	/* The platform does not know a stream that is over. The caller wants to know how that ended, so it is kept. */
	if (error == MANAGER_BAD_STREAM && results_find(r, stream))
		return;
	v = push(r, stream);
	v->error = error;
	v->blackout_us = result->blackout_us;
	snprintf(v->text, sizeof(v->text), "%s", text);
	if (result->rows && rows_append(&v->rows, result->rows) < 0)
		log_oom();
	rows_shorten(&v->rows, ROWS_TOLD_MAX);
	save(r);
}
