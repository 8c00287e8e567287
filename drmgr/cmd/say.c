// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells the caller and the log one line. It does not wait for the log and allocates no memory, because it has to work
 * when something is broken.
 */
#include "cmd/say.h"
#include "shared/cleanup.h"

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Longer than any two texts that are passed to say(); what does not fit is cut off. */
#define LINE_BYTES 1024

/* What /dev/log is a link to */
#define LOG_SOCKET "/run/systemd/journal/dev-log"

/* Not O_NONBLOCK, because the caller shares the file. A pipe that poll() calls writable has room for PIPE_BUF. */
static bool write_now(int fd, const char *p, size_t n)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT && write(fd, p, n) >= 0;
}

/* What cannot be written is dropped, and is no error of the stream: main() would make a status of it. */
static ssize_t on_write(void *cookie, const char *p, size_t n)
{
	const int *fd = cookie;
	size_t done, part;

	for (done = 0; done < n; done += part) {
		part = n - done < PIPE_BUF ? n - done : PIPE_BUF;
		if (!write_now(*fd, p + done, part))
			break;
	}
	return (ssize_t)n;
}

static FILE *open_stream(FILE *instead, int *fd)
{
	FILE *f = fopencookie(fd, "w", (cookie_io_functions_t){ .write = on_write });

	if (!f)
		return instead;
	setvbuf(f, NULL, _IOLBF, 0);
	return f;
}

void say_without_waiting(void)
{
	static int out = STDOUT_FILENO, err = STDERR_FILENO;

	stdout = open_stream(stdout, &out);
	stderr = open_stream(stderr, &err);
}

static char *add(char *to, const char *end, const char *text)
{
	while (*text && to < end)
		*to++ = *text++;
	return to;
}

void say(int priority, const char *text, const char *more)
{
	static const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = LOG_SOCKET };
	/* "<PRIORITY>drmgr: TEXT" for the log; stderr gets what follows the priority */
	char line[LINE_BYTES] = { '<', (char)('0' + priority), '>' }, *start = line + 3, *p;
	const char *end = line + sizeof(line) - 1;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	p = add(add(add(start, end, "drmgr: "), end, text), end, more);
	if (fd >= 0)
		(void)!sendto(fd, line, (size_t)(p - line), MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&log, sizeof(log));
	*p++ = '\n';
	write_now(STDERR_FILENO, start, (size_t)(p - start));
}
