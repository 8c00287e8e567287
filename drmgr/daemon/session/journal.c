// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal: one line of text for each record, "CRC32 WORDS...", appended with one write() before what it describes is
 * done. When it is read back, it ends at the first incomplete line: a daemon that was killed inside a write had not yet
 * done what it was writing down.
 *
 *   open 1 STREAM FLAGS ENGINE IDENTITY BOOT-ID     a session
 *   tell AUDIENCE PHASE GEN PID START NAME          NAME is being told; PID runs it, or 0
 *   over AUDIENCE NAME                              it has answered the end
 *   outcome completed|failed                        how the move ended, as the kernel said
 *
 * A record of a script is written by the child that becomes the script, in the instant before: whoever
 * kills the daemon cannot come between the record and the fact. When the session ends, the file is gone.
 *
 * Between sessions the file has another name, and its space stays reserved: a migration must not fail because /run is
 * full. Programs that may not stop a migration are written down only beyond that space.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/session/journal.h"
#include "shared/phase.h"

#define VERSION	       "1"
#define LINE_MAX_BYTES 512
#define FILE_MAX_BYTES (32U << 20)
#define RECORDS_MAX    200000U
#define KEPT_BYTES     (1 << 20)
#define STEP_BYTES     (64 << 10)
#define OWED_BYTES     256 /* for one process: the records of two phases, and of its answer */

struct journal {
	char *path;
	char *spare; /* its name between sessions */
	int fd;
	off_t room; /* as far as it may grow, whatever others write to /run */
	off_t owed; /* of that, for those who were told something and are owed the end */
};

static const char *const outcome_names[] = {
	[OUTCOME_UNKNOWN] = "unknown",
	[OUTCOME_COMPLETED] = "completed",
	[OUTCOME_FAILED] = "failed",
};

/* Reserves blocks behind the end of the file. If the file system can't do that, nothing is reserved. */
static int set_room(struct journal *j, int fd, off_t size)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) < 0 && errno != EOPNOTSUPP)
		return -errno;
	j->room = size;
	return 0;
}

static int make_spare(struct journal *j)
{
	_cleanup_close_ int fd = open(j->spare, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : set_room(j, fd, KEPT_BYTES);
}

DEFINE_CLEANUP(struct journal *, journal_free)

int journal_new(struct journal **ret, const char *path)
{
	_cleanup_(journal_freep) struct journal *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return log_oom();
	j->fd = -EBADF;
	j->path = strdup(path);
	if (!j->path || asprintf(&j->spare, "%s.spare", path) < 0)
		return log_oom();
	r = make_spare(j);
	if (r < 0)
		log_warning(
			"No space can be reserved in %s for the next migration: %s. Free some in /run.",
			j->spare, errno_text(r));
	*ret = TAKE_PTR(j);
	return 0;
}

struct journal *journal_free(struct journal *j)
{
	if (!j)
		return NULL;
	safe_close(j->fd);
	free(j->path);
	free(j->spare);
	free(j);
	return NULL;
}

_printf_(2, 3) static int append(struct journal *j, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES], sum[10], *text = line + 9;
	struct stat st;
	va_list ap;
	ssize_t w;
	int n;

	if (j->fd < 0)
		return -EBADF;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(line) - 10, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(line) - 10)
		return -ENAMETOOLONG;
	snprintf(sum, sizeof(sum), "%08" PRIx32 " ", crc32_of(text, (size_t)n));
	memcpy(line, sum, 9);
	text[n] = '\n';
	w = write(j->fd, line, (size_t)n + 10);
	if (w < 0)
		return -errno;
	if (w == n + 10)
		return 0;
	/* An incomplete record would hide all that follow it. */
	if (fstat(j->fd, &st) == 0 && ftruncate(j->fd, st.st_size - w) < 0)
		return -errno;
	return -ENOSPC;
}

int journal_continue(struct journal *j, const struct replay *replay)
{
	safe_close(j->fd);
	j->fd = open(j->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0)
		return -errno;
	if (ftruncate(j->fd, replay->end) < 0)
		return -errno;
	set_room(j, j->fd, replay->end + KEPT_BYTES);
	return 0;
}

int journal_open_session(struct journal *j, const struct journal_session *s)
{
	safe_close(j->fd);
	if (rename(j->spare, j->path) < 0)
		unlink(j->path);
	/* Not O_TRUNC, which would give the room back. */
	j->fd = open(j->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0)
		return -errno;
	j->owed = 0;
	set_room(j, j->fd, KEPT_BYTES);
	return append(j, "open " VERSION " %" PRIx64 " %" PRIx32 " %s %s %s", s->stream, s->flags,
		      s->engine[0] ? s->engine : "-", s->identity[0] ? s->identity : "-",
		      s->boot_id[0] ? s->boot_id : "-");
}

void journal_close_session(struct journal *j)
{
	/* The file is kept, so that others hardly have a chance to take its space. */
	if (j->fd < 0 || ftruncate(j->fd, 0) < 0 || rename(j->path, j->spare) < 0)
		unlink(j->path);
	j->fd = safe_close(j->fd);
	make_spare(j);
}

int journal_make_room(struct journal *j)
{
	struct stat st;
	off_t needed;
	int r;

	if (j->fd < 0)
		return -EBADF;
	if (fstat(j->fd, &st) < 0)
		return -errno;
	needed = st.st_size + j->owed + OWED_BYTES + KEPT_BYTES;
	r = needed <= j->room ? 0 : set_room(j, j->fd, needed + STEP_BYTES);
	if (r == 0)
		j->owed += OWED_BYTES;
	return r;
}

int journal_tell(struct journal *j, const char *audience, enum dr_phase phase, uint32_t gen,
		 pid_t pid, uint64_t start, const char *name)
{
	return append(j, "tell %s %d %" PRIu32 " %d %" PRIu64 " %s", audience, phase, gen, pid,
		      start, name);
}

int journal_over(struct journal *j, const char *audience, const char *name)
{
	return append(j, "over %s %s", audience, name);
}

int journal_outcome(struct journal *j, enum journal_outcome outcome)
{
	return append(j, "outcome %s", outcome_names[outcome]);
}

/* ---- reading ---- */

static struct told *replay_audience(struct replay *r, const char *name)
{
	for (size_t i = 0; i < REPLAY_AUDIENCES_MAX; i++) {
		if (!r->audiences[i].name[0])
			snprintf(r->audiences[i].name, sizeof(r->audiences[i].name), "%s", name);
		if (strcmp(r->audiences[i].name, name) == 0)
			return &r->audiences[i].told;
	}
	return NULL;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int replay_open(struct replay *r, const char *text)
{
	struct journal_session s = { 0 };
	int end = -1;

	if (r->open)
		return -EBADMSG;
	if (sscanf(text, VERSION " %" SCNx64 " %" SCNx32 " %63s %63s %63s%n", &s.stream, &s.flags,
		   s.engine, s.identity, s.boot_id, &end) != 5 ||
	    end < 0 || text[end])
		return -EBADMSG;
	if (strcmp(s.engine, "-") == 0)
		s.engine[0] = '\0';
	if (strcmp(s.identity, "-") == 0)
		s.identity[0] = '\0';
	r->session = s;
	r->open = true;
	return 0;
}

static int replay_tell(struct replay *r, const char *text)
{
	struct told_entry *e;
	struct told *told;
	char audience[16];
	uint64_t start;
	uint32_t gen;
	int phase, pid, at = -1;

	if (sscanf(text, "%15s %d %" SCNu32 " %d %" SCNu64 " %n", audience, &phase, &gen, &pid,
		   &start, &at) != 5 ||
	    at < 0 || !text[at] || pid < 0)
		return -EBADMSG;
	if (phase < DR_PHASE_CHECK || phase > DR_PHASE_RESUMED)
		return -EBADMSG;
	told = replay_audience(r, audience);
	if (!told || told->n >= RECORDS_MAX)
		return -EBADMSG;
	e = told_add(told, text + at, is_end((uint32_t)phase) ? TOLD_ENDING : TOLD_READY);
	if (!e)
		return log_oom();
	e->gen = gen;
	e->pid = pid;
	e->start = start;
	return 0;
}

static int replay_over(struct replay *r, const char *text)
{
	struct told *told;
	char audience[16];
	int at = -1;

	if (sscanf(text, "%15s %n", audience, &at) != 1 || at < 0 || !text[at])
		return -EBADMSG;
	told = replay_audience(r, audience);
	if (!told || told->n >= RECORDS_MAX)
		return -EBADMSG;
	/* One may be unknown that could not be told: nothing is owed to it, either. */
	return told_add(told, text + at, TOLD_OVER) ? 0 : log_oom();
}

static int replay_record(struct replay *r, const char *text)
{
	if (strncmp(text, "open ", 5) == 0)
		return replay_open(r, text + 5);
	if (!r->open)
		return -EBADMSG;
	if (strncmp(text, "tell ", 5) == 0)
		return replay_tell(r, text + 5);
	if (strncmp(text, "over ", 5) == 0)
		return replay_over(r, text + 5);
	if (strcmp(text, "outcome completed") == 0)
		r->outcome = OUTCOME_COMPLETED;
	else if (strcmp(text, "outcome failed") == 0)
		r->outcome = OUTCOME_FAILED;
	else
		return -EBADMSG;
	return 0;
}

/* Checks the frame of one line (without its end) and hands on what is in it. */
static int replay_line(struct replay *r, const char *line)
{
	uint64_t crc;
	char sum[9];

	if (strlen(line) < 10 || line[8] != ' ' || has_control(line))
		return -EBADMSG;
	memcpy(sum, line, 8);
	sum[8] = '\0';
	if (parse_u64(sum, 16, UINT32_MAX, &crc) < 0 || crc != crc32_of(line + 9, strlen(line + 9)))
		return -EBADMSG;
	return replay_record(r, line + 9);
}

int journal_replay(const char *path, struct replay *ret)
{
	struct replay r = { 0 };
	_cleanup_close_ int fd = -EBADF;
	char line[LINE_MAX_BYTES];
	size_t nr = 0;
	FILE *f;
	int error = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? (*ret = r, 0) : -errno;
	f = fdopen(fd, "r");
	if (!f)
		return log_oom();
	TAKE_FD(fd);
	while (error == 0 && fgets(line, sizeof(line), f) && ftell(f) < (long)FILE_MAX_BYTES) {
		size_t n = strlen(line);

		nr++;
		if (n == 0 || line[n - 1] != '\n') {
			error = -EBADMSG;
			break;
		}
		line[n - 1] = '\0';
		error = replay_line(&r, line);
		if (error == 0)
			r.end = ftell(f);
	}
	fclose(f);
	if (error == -EBADMSG)
		log_warning(
			"%s:%zu: this record is not complete; it and those after it are not used.",
			path, nr);
	else if (error < 0) {
		replay_clear(&r);
		return error;
	}
	*ret = r;
	return 0;
}

void replay_clear(struct replay *r)
{
	for (size_t i = 0; i < REPLAY_AUDIENCES_MAX; i++)
		told_clear(&r->audiences[i].told);
	*r = (struct replay){ 0 };
}
