// SPDX-License-Identifier: LGPL-2.1-or-later
#include "shared/logsend.h"

#include "shared/cleanup.h"
#include "shared/clock.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define WAIT_MS 100
#define LONG_USEC \
	(10 * USEC_PER_MSEC) /* after a longer wait than this, nothing is waited for ... */
#define AGAIN_USEC (10 * USEC_PER_SEC) /* ... until this time has passed */
#define ROOM_BYTES (8 << 20)	       /* for a burst of lines, as libsystemd has it */
#define JOURNAL	   "/run/systemd/journal/socket"

static uint64_t no_wait_before;

static bool may_wait(uint64_t now)
{
	return now >= no_wait_before;
}

static void has_waited(uint64_t since)
{
	uint64_t now = now_boottime_usec();

	if (now - since >= LONG_USEC)
		no_wait_before = now + AGAIN_USEC;
}

static int journal_socket(void)
{
	static int fd = -EBADF;
	struct timeval wait = { .tv_usec = WAIT_MS * USEC_PER_MSEC };
	int room = ROOM_BYTES;

	if (fd >= 0)
		return fd;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	}
	return fd;
}

int log_send(const struct iovec *fields, size_t n)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	struct iovec iov[2 * LOG_FIELDS_MAX];
	/* Not connected, because a journal that is restarted has another socket. */
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov, .msg_iovlen = 2 * n
	};
	uint64_t now = now_boottime_usec();
	ssize_t r;

	if (n > LOG_FIELDS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		iov[2 * i] = fields[i];
		iov[2 * i + 1] = (struct iovec){ (char *)"\n", 1 };
	}
	r = sendmsg(journal_socket(), &m, MSG_NOSIGNAL | (may_wait(now) ? 0 : MSG_DONTWAIT));
	if (r < 0)
		r = -errno;
	has_waited(now);
	return r < 0 ? (int)r : 0;
}

int log_write(int fd, const char *line)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t now = now_boottime_usec();
	int r = poll(&p, 1, may_wait(now) ? WAIT_MS : 0);

	has_waited(now);
	if (r <= 0)
		return r < 0 ? -errno : -EAGAIN;
	return write(fd, line, strlen(line)) < 0 ? -errno : 0;
}
