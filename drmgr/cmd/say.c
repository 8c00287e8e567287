// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the caller and the log have to know. The log is not waited for, and nothing here needs memory: something may
 * be broken, and this is what says so.
 */
#include "cmd/say.h"
#include "shared/cleanup.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Longer than any two texts of ours; what does not fit is cut off. */
#define LINE_BYTES 1024

/* What /dev/log is a link to */
#define LOG_SOCKET "/run/systemd/journal/dev-log"

static char *add(char *to, const char *end, const char *text)
{
	while (*text && to < end)
		*to++ = *text++;
	return to;
}

void say(int priority, const char *text, const char *more)
{
	static const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = LOG_SOCKET };
	/* "<PRIORITY>drmgr: TEXT" for the log; what is behind the priority for stderr */
	char line[LINE_BYTES] = { '<', (char)('0' + priority), '>' }, *start = line + 3, *p;
	const char *end = line + sizeof(line) - 1;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	p = add(add(add(start, end, "drmgr: "), end, text), end, more);
	if (fd >= 0)
		(void)!sendto(fd, line, (size_t)(p - line), MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&log, sizeof(log));
	*p++ = '\n';
	(void)!write(STDERR_FILENO, start, (size_t)(p - start));
}
