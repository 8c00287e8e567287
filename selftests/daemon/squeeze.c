// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * squeeze PID: the netlink sockets of that process, which is stopped, get the smallest receive buffer there is, and a
 * message in it that nobody wants, so that the third one finds no room. The sockets are borrowed with pidfd_getfd();
 * nothing in the process is for tests.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FDS 256

static bool fill(int fd)
{
	struct {
		struct nlmsghdr header;
		char unwanted[1024];
	} m = { .header = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_NOOP } };
	struct sockaddr_nl self = { 0 };
	socklen_t len = sizeof(self);

	return getsockname(fd, (struct sockaddr *)&self, &len) == 0 &&
	       sendto(fd, &m, sizeof(m), MSG_DONTWAIT, (struct sockaddr *)&self, len) > 0;
}

static int squeeze(int pidfd, int fd)
{
	int domain = 0, smallest = 0, borrowed, r;
	socklen_t len = sizeof(domain);

	borrowed = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (borrowed < 0)
		return 0; /* no such number */
	r = getsockopt(borrowed, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	    domain == AF_NETLINK &&
	    setsockopt(borrowed, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)) == 0 &&
	    fill(borrowed);
	close(borrowed);
	return r;
}

int main(int argc, char **argv)
{
	int pidfd, found = 0;

	pidfd = argc == 2 ? (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0) : -1;
	if (pidfd < 0) {
		fprintf(stderr, "squeeze: %s\n", argc == 2 ? strerror(errno) : "squeeze PID");
		return 1;
	}
	for (int fd = 0; fd < MAX_FDS; fd++)
		found += squeeze(pidfd, fd);
	printf("%d sockets\n", found);
	return found == 0;
}
