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
	uint32_t nr_changes;
	char text[512];
};

static const uint32_t version[2] = { 0x44520001, sizeof(struct record) };

struct results {
	char *path;
	struct result v[RESULTS_MAX];
};

static void result_clear(struct result *r)
{
	free(r->changes);
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
	ok = f && fwrite(version, sizeof(version), 1, f) == 1;
	for (size_t i = 0; ok && i < RESULTS_MAX && r->v[i].stream; i++) {
		const struct result *v = &r->v[i];
		struct record record = { .stream = v->stream,
					 .blackout_us = v->blackout_us,
					 .error = v->error,
					 .nr_changes = (uint32_t)v->nr_changes };

		memcpy(record.text, v->text, sizeof(record.text));
		ok = fwrite(&record, sizeof(record), 1, f) == 1 &&
		     fwrite(v->changes, sizeof(*v->changes), v->nr_changes, f) == v->nr_changes;
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

static bool change_is_whole(const struct wire_change *c)
{
	return memchr(c->name, '\0', sizeof(c->name)) &&
	       memchr(c->old_value, '\0', sizeof(c->old_value)) &&
	       memchr(c->new_value, '\0', sizeof(c->new_value));
}

static bool load_one(FILE *f, struct result *v)
{
	struct record record;

	if (fread(&record, sizeof(record), 1, f) != 1 || !record.stream ||
	    record.error >= _MANAGER_ERROR_MAX || record.nr_changes > WIRE_CHANGES_MAX ||
	    !memchr(record.text, '\0', sizeof(record.text)))
		return false;
	*v = (struct result){ .stream = record.stream,
			      .blackout_us = record.blackout_us,
			      .error = record.error,
			      .changes = calloc(record.nr_changes + 1, sizeof(*v->changes)) };
	memcpy(v->text, record.text, sizeof(v->text));
	if (!v->changes ||
	    fread(v->changes, sizeof(*v->changes), record.nr_changes, f) != record.nr_changes) {
		result_clear(v);
		return false;
	}
	while (v->nr_changes < record.nr_changes && change_is_whole(&v->changes[v->nr_changes]))
		v->nr_changes++;
	return true;
}

static void load(struct results *r)
{
	uint32_t found[2];
	size_t i = 0;
	FILE *f = fopen(r->path, "re");

	if (f && fread(found, sizeof(found), 1, f) == 1 &&
	    memcmp(found, version, sizeof(version)) == 0)
		while (i < RESULTS_MAX && load_one(f, &r->v[i]))
			i++;
	if (f)
		fclose(f);
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
	load(r);
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

void results_add(struct results *r, uint64_t stream, enum manager_error error, const char *text,
		 const struct session_result *result)
{
	struct result *v;

	if (stream == 0) /* it was somebody else's, and its stream ID is not known */
		return;
	/* The platform does not know a stream that is over. The caller wants to know how that ended, so it is kept. */
	if (error == MANAGER_BAD_STREAM && results_find(r, stream))
		return;
	v = push(r, stream);
	v->error = error;
	v->blackout_us = result->blackout_us;
	snprintf(v->text, sizeof(v->text), "%s", text);
	v->changes = calloc(result->nr_changes + 1, sizeof(*v->changes));
	if (v->changes && result->nr_changes) {
		memcpy(v->changes, result->changes, result->nr_changes * sizeof(*v->changes));
		v->nr_changes = result->nr_changes;
	}
	save(r);
}
