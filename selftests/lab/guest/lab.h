/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The line from a guest's program to the machine's HMC, which the lab plays.
 *
 * One request is one line, and so is the answer. A request carries a number that the answer repeats: when the
 * partition moves in the middle of a conversation, what was under way on the old server's line is lost, so a
 * request without an answer is sent again and the lab does not do it twice.
 */
#ifndef LAB_H
#define LAB_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LAB_DEVICE	"/dev/lab"
#define LAB_LINE_MAX	1024
#define LAB_RETRY_MS	2000
#define LAB_DEADLINE_MS 30000

static inline int64_t lab_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Opens the line for one speaker. Whoever speaks holds the lock, so requests of several programs do not mix. */
static inline int lab_open(void)
{
	struct termios tio;
	int fd;

	fd = open(LAB_DEVICE, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR) {
			close(fd);
			return -errno;
		}
	}
	if (tcgetattr(fd, &tio) == 0) {
		cfmakeraw(&tio);
		tcsetattr(fd, TCSANOW, &tio);
	}
	return fd;
}

static inline int lab_send(int fd, const char *line, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, line, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		line += n;
		len -= n;
	}
	return 0;
}

/* Reads one line within the time; 0, or -ETIMEDOUT. Longer lines are cut. */
static inline int lab_receive(int fd, char *line, size_t size, int64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	int64_t left;
	char c;

	for (;;) {
		left = until - lab_now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, left) <= 0)
			continue;
		if (read(fd, &c, 1) != 1)
			continue;
		if (c == '\r')
			continue;
		if (c == '\n')
			break;
		if (used + 1 < size)
			line[used++] = c;
	}
	line[used] = '\0';
	return 0;
}

/* Waits for the answer to this request; answers to others (sent again and late) are passed over. */
static inline int lab_await(int fd, unsigned int number, char *reply, size_t size, int64_t until)
{
	char line[LAB_LINE_MAX], *text;
	int r;

	for (;;) {
		r = lab_receive(fd, line, sizeof(line), until);
		if (r < 0)
			return r;
		if (strtoul(line, &text, 10) != number || *text != ' ')
			continue;
		snprintf(reply, size, "%s", text + 1);
		return 0;
	}
}

/**
 * lab_hmc() - ask the lab for something
 * @reply: where the answer goes, without "ok " or "error "; may be NULL
 * @size: room for it
 * @fmt: the request, e.g. "stream 0x%llx suspending"
 *
 * Return: 0; -EPROTO if the lab says that it cannot (the reason is in @reply); another negative errno if the
 * lab could not be asked.
 */
__attribute__((format(printf, 3, 4))) static inline int lab_hmc(char *reply, size_t size,
								const char *fmt, ...)
{
	char request[LAB_LINE_MAX], line[LAB_LINE_MAX + 16], answer[LAB_LINE_MAX];
	unsigned int number;
	int64_t deadline;
	va_list args;
	int fd, len, r;

	va_start(args, fmt);
	len = vsnprintf(request, sizeof(request), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(request) || strchr(request, '\n'))
		return -EINVAL;

	fd = lab_open();
	if (fd < 0)
		return fd;
	/* Drawn by lot: one made of pid and time came twice, and the lab took the second for the first again. */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		close(fd);
		return -EIO;
	}
	/* An empty line first ends whatever a program that died has left behind. */
	len = snprintf(line, sizeof(line), "\n%u %s\n", number, request);

	deadline = lab_now_ms() + LAB_DEADLINE_MS;
	do {
		r = lab_send(fd, line, len);
		if (r < 0)
			break;
		r = lab_await(fd, number, answer, sizeof(answer), lab_now_ms() + LAB_RETRY_MS);
	} while (r == -ETIMEDOUT && lab_now_ms() < deadline);
	close(fd);
	if (r < 0)
		return r;

	r = strncmp(answer, "ok", 2) ? -EPROTO : 0;
	if (reply) {
		const char *text = strchr(answer, ' ');

		snprintf(reply, size, "%s", text ? text + 1 : "");
	}
	return r;
}

/* The number that follows "KEY=" in an answer, -1 if there is none. */
static inline long long lab_value(const char *reply, const char *key)
{
	size_t len = strlen(key);
	const char *p;

	for (p = reply; p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (!strncmp(p, key, len) && p[len] == '=')
			return strtoll(p + len + 1, NULL, 0);
	}
	return -1;
}

#endif /* LAB_H */
