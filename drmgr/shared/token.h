/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of two processes goes on: the one that takes the token, of which there is one. The command makes it and passes
 * it with its call. The daemon takes it before it tells anybody to get ready; the command takes it before it has the
 * partition moved without a daemon that does not answer. So neither has to know what the other is doing, and a daemon
 * that was stopped finds out when it wakes up.
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

/* False: the other side has it. Without a token there is no other side. */
static inline bool token_take(int fd)
{
	uint64_t value;

	if (fd < 0)
		return true;
	/* it came with a message, so it may be anything */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return read(fd, &value, sizeof(value)) > 0 || errno != EAGAIN;
}

static inline bool token_is_taken(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

#endif /* DRMGR_TOKEN_H */
