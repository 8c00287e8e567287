/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A token decides which of two processes goes on with a migration: the first that takes it. The command makes it and
 * passes it with its call. The daemon takes it before it tells anybody to get ready. The command takes it before it
 * gives up the daemon and has the partition moved. So neither has to know what the other is doing, and a daemon that
 * was stopped finds out when it wakes up.
 */
#ifndef DRMGR_TOKEN_H
#define DRMGR_TOKEN_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A descriptor, or -1. */
static inline int token_new(void)
{
	return eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* False: the other side has taken it. Without a token (@fd < 0) there is no other side, and it is true. */
static inline bool token_take(int fd)
{
	uint64_t value;

	if (fd < 0)
		return true;
	/* It came with a message, so it may be any kind of file. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return read(fd, &value, sizeof(value)) > 0 || errno != EAGAIN;
}

static inline bool token_is_taken(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

#endif /* DRMGR_TOKEN_H */
