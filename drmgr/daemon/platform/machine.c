// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The facts of /proc and /sys at two times, and how they differ. Only drmgrd writes and reads the file, so it has our
 * structs. It is written in place: what is there already needs no room. Until all of it is there, it has no header.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/util.h"
#include "daemon/platform/facts.h"
#include "daemon/platform/machine.h"

struct header {
	uint32_t version;
	uint32_t row_size;
	uint64_t nr_rows;
	char boot_id[48];
};

#define VERSION 0x44520003

static void replace(struct rows *rows, struct rows *by)
{
	rows_done(rows);
	*rows = *by;
	*by = (struct rows){ 0 };
}

/* ---- the file ---- */

static struct header header_of(size_t nr_rows)
{
	struct header h = { .version = VERSION,
			    .row_size = sizeof(struct row),
			    .nr_rows = nr_rows };

	boot_id(h.boot_id, sizeof(h.boot_id));
	return h;
}

static int write_at(int fd, off_t at, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pwrite(fd, (const char *)data + done, size - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

static int save(const struct machine *m)
{
	_cleanup_close_ int fd =
		open(m->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	const struct header none = { 0 }, h = header_of(m->now.n);
	const size_t size = m->now.n * sizeof(*m->now.v);
	int r = fd < 0 ? -errno : write_at(fd, 0, &none, sizeof(none));

	if (r == 0)
		r = write_at(fd, sizeof(h), m->now.v, size);
	if (r == 0 && ftruncate(fd, (off_t)(sizeof(h) + size)) < 0)
		r = -errno;
	if (r == 0)
		r = write_at(fd, 0, &h, sizeof(h));
	return r;
}

void machine_keep(const struct machine *m)
{
	int r = save(m);

	if (r < 0)
		log_warning(
			"%s can't be written: %s. If drmgrd is restarted during a migration, what "
			"differs in /proc and /sys after it is not told.",
			m->path, errno_text(r));
}

/* False also where it is of another boot or version, or not whole. */
static bool load(struct machine *m)
{
	_cleanup_close_ int fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	_cleanup_(rows_done) struct rows rows = { 0 };
	struct header found, expected;
	size_t size;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(found) ||
	    !read_at(fd, 0, &found, sizeof(found)))
		return false;
	size = (size_t)st.st_size - sizeof(found);
	expected = header_of(size / sizeof(*rows.v));
	if (size % sizeof(*rows.v) || memcmp(&found, &expected, sizeof(found)) != 0)
		return false;
	rows.v = calloc(1, size + 1);
	rows.n = rows.room = size / sizeof(*rows.v);
	if (!rows.v || !read_at(fd, sizeof(found), rows.v, size))
		return false;
	for (size_t i = 0; i < rows.n; i++)
		if (!row_is_whole(&rows.v[i]))
			return false;
	replace(&m->now, &rows);
	return true;
}

/* ---- two times ---- */

void machine_look(struct machine *m)
{
	struct rows now = { 0 };

	if (facts_read(&now) == 0) {
		replace(&m->now, &now);
		m->fresh = m->lost = false;
	}
	rows_done(&now);
	machine_keep(m);
}

int machine_open(struct machine *m, const char *path)
{
	m->path = strdup(path);
	if (!m->path)
		return log_oom();
	if (!load(m)) {
		machine_look(m);
		m->fresh = true;
	}
	return 0;
}

void machine_doubt(struct machine *m)
{
	m->lost = m->lost || m->fresh;
}

int machine_compare(struct machine *m)
{
	struct rows now = { 0 }, changed = { 0 };
	int r = facts_read(&now);

	if (r == 0 && !m->lost)
		r = rows_diff(&m->now, &now, &changed);
	replace(&m->changed, &changed);
	if (r == 0) {
		replace(&m->now, &now);
		r = m->lost ? -ENODATA : 0;
		m->fresh = m->lost = false;
	}
	rows_done(&now);
	return r;
}

void machine_done(struct machine *m)
{
	rows_done(&m->now);
	rows_done(&m->changed);
	free(m->path);
}
