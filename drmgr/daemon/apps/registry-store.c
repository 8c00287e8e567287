// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The part of a registration that outlives the daemon. systemd keeps its two descriptors under the name "app-ID", and a
 * file /run/drmgr/apps/ID has the rest, one KEY=VALUE a line. The file is written as a whole and then renamed.
 *
 * The directory is root's, but a file may be from a daemon of another version, or cut short. So each value is checked
 * when it is read, and a file in which one is missing is not used.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/apps/registry-store.h"
#include "daemon/base/notify.h"
#include "shared/phase.h"

#define FILE_BYTES 1024

static int open_directory(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* A file takes a page of up to 64 KiB of /run, which everyone shares. Users other than root may fill three quarters. */
static bool may_fill(int dir, uid_t uid)
{
	struct statvfs vfs;

	return uid == 0 || fstatvfs(dir, &vfs) < 0 || vfs.f_bavail >= vfs.f_blocks / 4;
}

int registry_store_save(const char *directory, const struct application *app)
{
	_cleanup_close_ int dir = open_directory(directory);
	char file[32], text[FILE_BYTES], state[64];
	int fds[] = { app->sock, app->pidfd }, r;

	if (dir < 0)
		return dir;
	if (!may_fill(dir, app->uid))
		return -ENOSPC;
	snprintf(file, sizeof(file), "%" PRIu64, app->id);
	snprintf(text, sizeof(text),
		 "PID=%d\nUID=%u\nPHASES=%" PRIx32 "\nFLAGS=%" PRIx32 "\nTIMEOUT_MS=%" PRIu32
		 "\nSIGNO=%d\nNAME=%s\nWANTED=%" PRIx32 "\nEND=1\n",
		 app->pid, app->uid, app->phases, app->flags, app->timeout_ms, app->signo,
		 app->name, app->wanted);
	r = write_text_file_atomic(dir, file, text);
	if (r < 0)
		return r;
	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=app-%" PRIu64, app->id);
	return notify_with_fds(state, fds, 2);
}

void registry_store_forget(const char *directory, const struct application *app)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%" PRIu64, directory, app->id);
	unlink(path);
	notify("FDSTOREREMOVE=1\nFDNAME=app-%" PRIu64, app->id);
}

struct loaded {
	struct application *app;
	unsigned seen;
};

static int take_number(const char *value, int base, uint64_t max, uint64_t *ret)
{
	return parse_u64(value, base, max, ret);
}

static int take_pair(struct loaded *l, const char *key, const char *value)
{
	static const char *const keys[] = { "PID",   "UID",  "PHASES", "FLAGS", "TIMEOUT_MS",
					    "SIGNO", "NAME", "WANTED", "END" };
	struct application *app = l->app;
	uint64_t n = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i], key) == 0)
			break;
	if (i == ARRAY_SIZE(keys) || l->seen & 1U << i)
		return -EBADMSG;
	if (i == 0 && (r = take_number(value, 10, INT32_MAX, &n)) == 0)
		app->pid = (pid_t)n;
	else if (i == 1 && (r = take_number(value, 10, UINT32_MAX - 1, &n)) == 0)
		app->uid = (uid_t)n;
	else if (i == 2 && (r = take_number(value, 16, PHASES_ALL, &n)) == 0)
		app->phases = (uint32_t)n;
	else if (i == 3 && (r = take_number(value, 16, APPLICATION_FLAGS, &n)) == 0)
		app->flags = (uint32_t)n;
	else if (i == 4 && (r = take_number(value, 10, UINT32_MAX, &n)) == 0)
		app->timeout_ms = (uint32_t)n;
	else if (i == 5 && (r = take_number(value, 10, (uint64_t)_NSIG - 1, &n)) == 0)
		app->signo = (int)n;
	else if (i == 6)
		text_copy(app->name, sizeof(app->name), value, SIZE_MAX);
	else if (i == 7 && (r = take_number(value, 16, APPLICATION_FLAGS, &n)) == 0)
		app->wanted = (uint32_t)n;
	if (r == 0)
		l->seen |= 1U << i;
	return r;
}

int registry_store_load(const char *directory, uint64_t id, struct application *app)
{
	struct loaded l = { .app = app };
	char path[PATH_MAX], text[FILE_BYTES], *next;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%" PRIu64, directory, id);
	n = read_text_file(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	app->id = id;
	for (char *line = text; line && *line; line = next) {
		char *eq;

		next = strchr(line, '\n');
		if (!next)
			return -EBADMSG;
		*next++ = '\0';
		eq = strchr(line, '=');
		if (!eq)
			return -EBADMSG;
		*eq = '\0';
		if (take_pair(&l, line, eq + 1) < 0)
			return -EBADMSG;
	}
	return l.seen == 0x1ff && app->name[0] ? 0 : -EBADMSG;
}

static bool is_known(const char *name, const uint64_t *ids, size_t n)
{
	uint64_t id;

	return parse_u64(name, 10, UINT64_MAX, &id) == 0 &&
	       bsearch(&id, ids, n, sizeof(*ids), registry_store_compare);
}

int registry_store_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void registry_store_tidy(const char *directory, const uint64_t *ids, size_t n)
{
	DIR *d = opendir(directory);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!is_known(e->d_name, ids, n))
			unlinkat(dirfd(d), e->d_name, 0); /* "." and ".." stay */
	if (d)
		closedir(d);
}
