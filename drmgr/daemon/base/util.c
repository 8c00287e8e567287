// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small things that every part needs. Nothing here keeps state but the log's level.
 *
 * /proc names processes by number, so callers that read it check before and after, by a pidfd, that the process is
 * still alive.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "daemon/base/util.h"
#include "shared/logsend.h"
#include "shared/wiremsg.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

int log_max_level = LOG_INFO;

void log_line(int level, const char *fmt, ...)
{
	static unsigned lost;
	char text[1024], line[1100];
	/* systemd reads the level from this prefix. On a terminal it is left out. */
	bool person = isatty(STDERR_FILENO);
	va_list ap;

	if (level > log_max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (lost) {
		snprintf(line, sizeof(line),
			 "<%d>%u lines are lost, because nobody read the log.\n", LOG_WARNING,
			 lost);
		if (log_write(STDERR_FILENO, line) == 0)
			lost = 0;
	}
	if (person)
		snprintf(line, sizeof(line), "drmgrd: %s\n", text);
	else
		snprintf(line, sizeof(line), "<%d>%s\n", level, text);
	if (log_write(STDERR_FILENO, line) < 0)
		lost++;
}

int log_oom(void)
{
	log_error("Out of memory.");
	return -ENOMEM;
}

const char *errno_text(int error)
{
	return strerror(error < 0 ? -error : error);
}

void text_copy(char *to, size_t size, const char *from, size_t from_size)
{
	size_t length = strnlen(from, from_size);

	if (length >= size)
		length = size - 1;
	memmove(to, from, length);
	to[length] = '\0';
	wire_text(to);
}

int parse_u64(const char *text, int base, uint64_t max, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (!text || !isxdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno)
		return -errno;
	if (*end || end == text)
		return -EINVAL;
	if (value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

uint32_t crc32_of(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t crc = ~0U;

	while (size--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

ssize_t read_text_file(int dirfd, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	size_t used = 0;

	if (fd < 0)
		return -errno;
	while (used < size - 1) {
		ssize_t n = read(fd, buf + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	buf[used] = '\0';
	return (ssize_t)used;
}

bool read_at(int fd, uint64_t at, void *buf, size_t size)
{
	for (size_t used = 0; used < size;) {
		ssize_t n = pread(fd, (char *)buf + used, size - used, (off_t)(at + used));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		used += (size_t)n;
	}
	return true;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

int write_text_file_atomic(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = -EBADF;
	char temp[NAME_MAX + 1];
	int r;

	snprintf(temp, sizeof(temp), ".%s.new", path);
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (r == 0 && renameat(dirfd, temp, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, temp, 0);
	return r;
}

int write_text_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	/* One write, because attributes of sysfs and configfs take a value as a whole. */
	if (write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

void boot_id(char *buf, size_t size)
{
	char text[64];

	if (read_text_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
		text[0] = '\0';
	text_copy(buf, size, text, strcspn(text, " \n"));
}

int pidfd_alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (p.revents & POLLNVAL)
		return -EBADF;
	return r == 0;
}

/* Finds the value in a text of lines "Key:<white space>value"; NULL if there is none. */
static char *find_field(char *text, const char *key)
{
	size_t length = strlen(key);

	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strncmp(line, key, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " \t");
	}
	return NULL;
}

int pidfd_pid(int pidfd, pid_t *ret)
{
	char path[64], buf[1024];
	uint64_t pid;
	char *field;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	n = read_text_file(AT_FDCWD, path, buf, sizeof(buf));
	if (n < 0)
		return -EBADF;
	field = find_field(buf, "Pid");
	if (!field)
		return -EBADF;
	if (parse_u64(field, 10, INT32_MAX, &pid) < 0 || pid == 0)
		return -ESRCH; /* -1: it has ended; 0: it is not in this namespace */
	*ret = (pid_t)pid;
	return 0;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
	char path[64], buf[1024], *p;
	unsigned long long start;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	n = read_text_file(AT_FDCWD, path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	/* The name may have anything in it, even parentheses; the last one closes it. Field 22 is the time. */
	p = strrchr(buf, ')');
	if (!p)
		return -EBADMSG;
	for (int field = 2; field < 22; field++) {
		p = strchr(p + 1, ' ');
		if (!p)
			return -EBADMSG;
	}
	if (sscanf(p, " %llu", &start) != 1)
		return -EBADMSG;
	*ret = start;
	return 0;
}

int process_status_field(pid_t pid, const char *key, char *buf, size_t size)
{
	_cleanup_free_ char *text = malloc(PROCESS_STATUS_BYTES);
	char path[64], *field;
	ssize_t n;

	if (!text)
		return log_oom();
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	n = read_text_file(AT_FDCWD, path, text, PROCESS_STATUS_BYTES);
	if (n < 0)
		return (int)n;
	field = find_field(text, key);
	if (!field)
		return -ENOENT;
	snprintf(buf, size, "%s", field);
	return 0;
}

void set_io_flusher(bool on)
{
	if (prctl(PR_SET_IO_FLUSHER, on, 0, 0, 0) < 0)
		log_debug("PR_SET_IO_FLUSHER %d: %s.", on, errno_text(errno));
}
