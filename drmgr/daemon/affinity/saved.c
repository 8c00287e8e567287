// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file has one KEY=VALUE a line. It is written as a whole and then renamed. The directory is root's, but a file may be
 * from a daemon of another version, or cut short: each value is checked when it is read, and a file with an error is not used.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/affinity/saved.h"
#include "daemon/base/util.h"

#define FILE_NAME  "affinity"
#define FILE_BYTES (1U << 20)

void saved_clear(struct saved *s)
{
	free(s->threads);
	free(s->sets);
	*s = (struct saved){ 0 };
}

/* The one that was used last is used again, as most threads of a process have the same. */
static int add_set(struct saved *s, const struct cpus *cpus, uint32_t *ret)
{
	if (s->nr_sets == 0 || !cpus_equal(&s->sets[s->nr_sets - 1], cpus)) {
		size_t room = s->set_room ? 2 * s->set_room : 16;
		struct cpus *v = s->sets;

		if (s->nr_sets == s->set_room) {
			v = reallocarray(s->sets, room, sizeof(*v));
			if (!v)
				return log_oom();
			s->sets = v;
			s->set_room = room;
		}
		v[s->nr_sets++] = *cpus;
	}
	*ret = (uint32_t)s->nr_sets - 1;
	return 0;
}

static int add_thread(struct saved *s, const struct saved_thread *thread)
{
	if (!s->threads)
		s->threads = calloc(SAVED_THREADS_MAX, sizeof(*s->threads));
	if (!s->threads)
		return log_oom();
	if (s->nr_threads == SAVED_THREADS_MAX)
		return -E2BIG;
	s->threads[s->nr_threads++] = *thread;
	return 0;
}

int saved_add_thread(struct saved *s, uint64_t app, pid_t tid, const struct cpus *cpus)
{
	struct saved_thread thread = { .app = app, .tid = tid };
	int r = add_set(s, cpus, &thread.set);

	return r < 0 ? r : add_thread(s, &thread);
}

struct saved_unit *saved_add_unit(struct saved *s, const char *name)
{
	struct saved_unit *u = s->nr_units < UNITS_MAX ? &s->units[s->nr_units++] : NULL;

	if (u)
		snprintf(u->name, sizeof(u->name), "%s", name);
	return u;
}

const struct saved_unit *saved_find_unit(const struct saved *s, const char *name)
{
	for (size_t i = 0; i < s->nr_units; i++)
		if (strcmp(s->units[i].name, name) == 0)
			return &s->units[i];
	return NULL;
}

static int by_app(const void *va, const void *vb)
{
	const struct saved_thread *a = va, *b = vb;

	if (a->app != b->app)
		return a->app < b->app ? -1 : 1;
	return a->tid - b->tid;
}

void saved_sort(struct saved *s)
{
	if (s->nr_threads)
		qsort(s->threads, s->nr_threads, sizeof(*s->threads), by_app);
}

const struct saved_thread *saved_find_threads(const struct saved *s, uint64_t app, size_t *n)
{
	size_t low = 0, high = s->nr_threads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->threads[middle].app < app)
			low = middle + 1;
		else
			high = middle;
	}
	*n = 0;
	while (low + *n < s->nr_threads && s->threads[low + *n].app == app)
		(*n)++;
	return *n ? &s->threads[low] : NULL;
}

/* ---- the file ---- */

static void put_set(FILE *f, const struct cpus *set)
{
	char text[CPUS_TEXT_MAX];

	cpus_text(set, text, sizeof(text));
	fprintf(f, "%s", text);
}

static void put(FILE *f, const struct saved *s)
{
	fprintf(f, "STREAM=%" PRIx64 "\n", s->stream);
	for (size_t i = 0; i < s->nr_sets; i++) {
		fprintf(f, "SET=");
		put_set(f, &s->sets[i]);
		fprintf(f, "\n");
	}
	for (size_t i = 0; i < s->nr_threads; i++)
		fprintf(f, "THREAD=%" PRIu64 " %d %" PRIu32 "\n", s->threads[i].app,
			s->threads[i].tid, s->threads[i].set);
	for (size_t i = 0; i < s->nr_units; i++) {
		fprintf(f, "UNIT=%s ", s->units[i].name);
		put_set(f, &s->units[i].cpus);
		fprintf(f, " ");
		put_set(f, &s->units[i].nodes);
		fprintf(f, "\n");
	}
	fprintf(f, "END=1\n");
}

int saved_store(const struct saved *s, const char *directory)
{
	_cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f;

	if (dir < 0)
		return -errno;
	f = open_memstream(&text, &size);
	if (!f)
		return log_oom();
	put(f, s);
	if (fclose(f) != 0)
		return log_oom();
	return size < FILE_BYTES ? write_text_file_atomic(dir, FILE_NAME, text) : -EFBIG;
}

/* Cuts off the next word, up to a space or the end, and returns it. */
static char *word(char **text)
{
	return strsep(text, " ") ?: "";
}

static int take_set(struct saved *s, const char *value)
{
	struct cpus cpus;
	uint32_t set;
	int r = cpus_parse(&cpus, value);

	return r < 0 ? r : add_set(s, &cpus, &set);
}

static int take_thread(struct saved *s, char *value)
{
	uint64_t app, tid, set;
	const struct saved_thread *last = s->nr_threads ? &s->threads[s->nr_threads - 1] : NULL;

	if (parse_u64(word(&value), 10, UINT64_MAX, &app) < 0 ||
	    parse_u64(word(&value), 10, INT32_MAX, &tid) < 0 || tid == 0 ||
	    parse_u64(word(&value), 10, UINT32_MAX, &set) < 0 || set >= s->nr_sets || value ||
	    (last && last->app > app))
		return -EBADMSG;
	return add_thread(s, &(struct saved_thread){ app, (pid_t)tid, (uint32_t)set });
}

static int take_unit(struct saved *s, char *value)
{
	const char *name = word(&value);
	struct saved_unit *u =
		name[0] && strlen(name) < UNIT_NAME_LEN ? saved_add_unit(s, name) : NULL;

	if (!u || cpus_parse(&u->cpus, word(&value)) < 0 ||
	    cpus_parse(&u->nodes, word(&value)) < 0 || value)
		return -EBADMSG;
	return 0;
}

/* Returns 1 at the end. */
static int take(struct saved *s, char *line)
{
	char *key = line, *value = line;

	strsep(&value, "=");
	if (!value)
		return -EBADMSG;
	if (strcmp(key, "STREAM") == 0)
		return parse_u64(value, 16, UINT64_MAX, &s->stream);
	if (strcmp(key, "SET") == 0)
		return take_set(s, value);
	if (strcmp(key, "THREAD") == 0)
		return take_thread(s, value);
	if (strcmp(key, "UNIT") == 0)
		return take_unit(s, value);
	return strcmp(key, "END") == 0 ? 1 : -EBADMSG;
}

int saved_load(struct saved *s, const char *directory, uint64_t stream)
{
	_cleanup_free_ char *text = malloc(FILE_BYTES);
	char path[PATH_MAX], *next = text;
	ssize_t n;
	int r = 0;

	saved_clear(s);
	if (!text)
		return log_oom();
	snprintf(path, sizeof(path), "%s/" FILE_NAME, directory);
	n = read_text_file(AT_FDCWD, path, text, FILE_BYTES);
	if (n < 0)
		return (int)n;
	while (r == 0 && next && *next)
		r = take(s, strsep(&next, "\n"));
	if (r == 1 && s->stream == stream)
		return 0;
	saved_clear(s);
	return r == 1 ? -ENOENT : r < 0 ? r : -EBADMSG;
}

void saved_forget(const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" FILE_NAME, directory);
	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("%s can't be removed: %s.", path, errno_text(errno));
}
