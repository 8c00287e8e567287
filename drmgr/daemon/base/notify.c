// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * systemd does not read its socket while it reloads its units, and never if it has crashed; and everyone may fill
 * that socket. But a descriptor that does not reach systemd is lost when the daemon ends. So messages wait for it,
 * but no more than 1 s in a minute.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "daemon/base/notify.h"

#define WAIT_SEC   1
#define AGAIN_USEC (60 * USEC_PER_SEC)
#define FDS_MAX	   2

/* -ENOENT: this is not a service. */
static int address(struct sockaddr_un *sa, socklen_t *size)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	if (length == 0)
		return -ENOENT;
	if ((*path != '/' && *path != '@') || length >= sizeof(sa->sun_path))
		return -EPROTO;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, path, length);
	if (*path == '@')
		sa->sun_path[0] = '\0';
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

static int send_bounded(const struct msghdr *m)
{
	static usec_t no_wait_before;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval wait = { .tv_sec = WAIT_SEC };
	bool may_wait = now_usec() >= no_wait_before;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	if (sendmsg(fd, m, MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT)) >= 0)
		return 0;
	if (errno == EAGAIN && may_wait)
		no_wait_before = now_usec() + AGAIN_USEC;
	return -errno;
}

int notify_with_fds(const char *state, const int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct sockaddr_un sa;
	struct iovec iov = { (char *)state, strlen(state) };
	struct msghdr m = { .msg_name = &sa, .msg_iov = &iov, .msg_iovlen = 1 };
	int r = address(&sa, &m.msg_namelen);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (n > FDS_MAX)
		return -E2BIG;
	if (n) {
		control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS,
						   .cmsg_len = CMSG_LEN(n * sizeof(int)) };
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	return send_bounded(&m);
}

int notify(const char *fmt, ...)
{
	char state[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(state, sizeof(state), fmt, ap);
	va_end(ap);
	return notify_with_fds(state, NULL, 0);
}
