// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the HMC's form does when drmgrd cannot be asked and nobody has been told anything yet. A check passes, and a
 * migration goes on as if this package were not installed: by powerpc-utils' drmgr, or by a plain write of the stream
 * ID. Nobody in the partition is told to get ready. The module sees a migration that is not its own, and tells POST.
 *
 * An operator who evacuates a failing server gets here because something is broken. So this file uses nothing that may
 * be broken, too: no bus, no library but libc, no allocated memory, and no log that may block.
 */
#include "cmd/fallback.h"
#include "cmd/exit.h"
#include "cmd/say.h"
#include "shared/cleanup.h"
#include "shared/streamid.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>

#define CONFIG_MAX 65536
/* Enough of the journal to have the record of whoever was told first */
#define JOURNAL_MAX 4096
#define MARK	    "DRMGR_FALLBACK"

const struct fallback fallback_system = {
	.config = DRMGR_CONFDIR "/drmgr.conf",
	.journal = "/run/drmgr/session",
	.lock = "/var/lock/dr_config_lock",
	/* where drmgr/divert.sh keeps it; where it is if this program is installed elsewhere */
	.originals = { DRMGR_SBINDIR "/drmgr.powerpc-utils", "/usr/sbin/drmgr" },
	.migration = "/sys/kernel/mobility/migration",
};

static size_t read_start(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	return len;
}

static const char *skip(const char *p, const char *what)
{
	while (*p && strchr(what, *p))
		p++;
	return p;
}

/* Is there a Fallback=refuse, read as the daemon reads it? If the file cannot be read or understood: no. */
static bool refused(const struct fallback *f)
{
	static char text[CONFIG_MAX];
	const char *p, *value;
	bool found = false;

	read_start(f->config, text, sizeof(text));
	for (p = text; *p; p = skip(p + strcspn(p, "\n"), "\n")) {
		p = skip(p, " \t");
		if (strncasecmp(p, "Fallback", 8))
			continue;
		value = skip(p + 8, " \t");
		if (*value != '=' && *value != ':')
			continue;
		value = skip(value + 1, " \t");
		found = !strncasecmp(value, "refuse", 6) && strchr(" \t\r\n;", value[6]);
	}
	return found;
}

/* The word at @p is this stream in hexadecimal. */
static bool is_stream(const char *p, uint64_t stream)
{
	char word[STREAMID_STR_MAX] = "";
	uint64_t found;
	size_t len = strcspn(p, " ");

	if (len >= sizeof(word))
		return false;
	memcpy(word, p, len);
	return streamid_parse(word, &found) == 0 && found == stream;
}

/*
 * The journal has a line "SUM open 1 STREAM ..." and then lines "SUM tell ...": see daemon/session/journal.c. If it
 * is of another stream, that migration is over, because the platform has one migration of a partition at a time.
 */
static bool somebody_was_told(const struct fallback *f, uint64_t stream)
{
	char text[JOURNAL_MAX];
	const char *p;

	read_start(f->journal, text, sizeof(text));
	if (strlen(text) < 17 || strncmp(text + 8, " open 1 ", 8) || !is_stream(text + 16, stream))
		return false;
	for (p = strchr(text, '\n'); p && strlen(p) > 15; p = strchr(p + 1, '\n'))
		if (!strncmp(p + 9, " tell ", 6))
			return true;
	return false;
}

/*
 * The file may be a link to this program, or a script that runs it, and this program would then run itself for ever.
 * Only the distribution's name can be such a script, and MARK in the environment shows that it has been tried.
 */
const char *fallback_original(const struct fallback *f)
{
	struct stat us, other;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(f->originals); i++) {
		if ((i > 0 && getenv(MARK)) || access(f->originals[i], X_OK) ||
		    stat(f->originals[i], &other) || !S_ISREG(other.st_mode))
			continue;
		if (stat("/proc/self/exe", &us) || us.st_dev != other.st_dev ||
		    us.st_ino != other.st_ino)
			return f->originals[i];
	}
	return NULL;
}

/*
 * The original and its hooks get no blocked signals; it blocks what it wants to. Signals that are pending here are
 * dropped, because they would end this process when they are unblocked. If the original cannot be run, all of this is
 * undone.
 */
void fallback_exec(const char *original, char *const argv[])
{
	static const int blocked[] = { SIGTERM, SIGHUP, SIGINT };
	void (*pipe_handler)(int) = signal(SIGPIPE, SIG_DFL);
	static char mark[] = MARK "=1";
	sigset_t none, before;
	size_t i;
	int error;

	if (!strcmp(original, fallback_system.originals[1]))
		putenv(mark);
	for (i = 0; i < ARRAY_SIZE(blocked); i++)
		signal(blocked[i], signal(blocked[i], SIG_IGN));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &before);
	execv(original, argv);
	error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, pipe_handler);
	errno = error;
}

/* Then powerpc-utils' drmgr would fail: it needs the DLPAR lock, and does not wait for it. */
static bool hung_daemon_has_lock(const struct fallback *f)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = open(f->lock, O_RDWR | O_CLOEXEC);
	char path[32], comm[16];

	if (fd < 0 || fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK || lock.l_pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", lock.l_pid);
	read_start(path, comm, sizeof(comm));
	return !strncmp(comm, "drmgrd\n", 7);
}

static int write_stream(const struct fallback *f, uint64_t stream)
{
	_cleanup_close_ int fd = open(f->migration, O_WRONLY | O_CLOEXEC);
	char text[STREAMID_STR_MAX + 1];
	ssize_t n;

	streamid_format(stream, text);
	strcat(text, "\n");
	n = fd < 0 ? -1 : write(fd, text, strlen(text));
	if (n >= 0)
		return DR_EXIT_DONE;
	say(LOG_CRIT, "the partition was not moved: ", strerror(errno));
	return DR_EXIT_FAILED;
}

static bool admin_refuses(const struct fallback *f)
{
	if (!refused(f))
		return false;
	say(LOG_CRIT, "nothing is done without drmgrd, because of Fallback=refuse in ", f->config);
	return true;
}

int fallback_check(const struct fallback *f, int status)
{
	/* drmgrd could not ask the drivers, or failed while it asked. */
	bool some = status == DR_EXIT_NO_MODULE || status == DR_EXIT_FAILED;

	if (admin_refuses(f))
		return status;
	say(LOG_CRIT, some ? "warning: not everyone" : "warning: nobody",
	    " here was asked whether the partition may move; that does not stop it");
	return DR_EXIT_DONE;
}

int fallback_migrate(const struct fallback *f, char *const argv[], uint64_t stream, int status)
{
	const char *original = fallback_original(f);

	if (admin_refuses(f))
		return status;
	if (somebody_was_told(f, stream)) {
		say(LOG_CRIT,
		    "not moved: somebody here was told to get ready, so only drmgrd can go on: ",
		    "systemctl status drmgrd");
		return DR_EXIT_LOST;
	}
	if (original && !hung_daemon_has_lock(f)) {
		say(LOG_CRIT, "going on without drmgrd, nobody here is told: ", original);
		fallback_exec(original, argv);
		say(LOG_CRIT, "it cannot be run: ", strerror(errno));
	}
	say(LOG_CRIT, "going on without drmgrd, nobody here is told: the stream ID is written to ",
	    f->migration);
	return write_stream(f, stream);
}

int fallback_observing(const struct fallback *f, char *const argv[], const uint64_t *stream)
{
	const char *original = fallback_original(f);

	if (original) {
		fallback_exec(original, argv);
		say(LOG_CRIT, "it cannot be run: ", strerror(errno));
	}
	return stream ? write_stream(f, *stream) : DR_EXIT_DONE;
}
