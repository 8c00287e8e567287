// SPDX-License-Identifier: GPL-2.0-only
/*
 * labd DEVICE: runs commands for the lab.
 *
 * The lab writes lines, labd answers with lines:
 *
 *	run N COMMAND	-> "start N", then "out N TEXT" for each line of output, at last "exit N STATUS"
 *	kill N		-> SIGKILL to the command and all it started in its session
 *	ping		-> "pong"
 *	mark TEXT	-> a line "lab: TEXT" in the kernel's log
 *
 * What the kernel logs goes to the lab as "log LEVEL TEXT", from the first line on: its own lines that are more than
 * information, and the marks, which divide them among the tests. (A console shows no level.)
 *
 * One command at a time. A line may come twice (the lab repeats what was not answered): the number tells.
 * STATUS is the exit status, or 128 plus the signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_LEN 8192
#define SELFTESTS    "/usr/libexec/pmig/selftests"

struct line {
	char text[LINE_MAX_LEN];
	size_t used;
};

static int tty;
static struct line from_lab, from_command;
static unsigned long last_number;
static pid_t child;
static int pipe_fd = -1;
static int kmsg_fd = -1;

static void say(const char *fmt, unsigned long number, const char *text)
{
	char out[LINE_MAX_LEN + 64];
	size_t done = 0;
	ssize_t n;
	int len;

	len = snprintf(out, sizeof(out), fmt, number, text);
	while (done < (size_t)len) {
		n = write(tty, out + done, len - done);
		if (n > 0)
			done += n;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			exit(1);
	}
}

static void in_child(const char *command, int out)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (chdir(SELFTESTS) < 0 && chdir("/") < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void start(unsigned long number, const char *command)
{
	int fds[2];

	if (number == last_number || child) {
		say("start %lu\n", last_number, NULL);
		return;
	}
	last_number = number;
	say("start %lu\n", number, NULL);
	if (pipe2(fds, O_CLOEXEC) < 0 || (child = fork()) < 0) {
		child = 0;
		say("exit %lu 126\n", number, NULL);
		return;
	}
	if (!child)
		in_child(command, fds[1]);
	close(fds[1]);
	pipe_fd = fds[0];
}

static void mark(const char *text)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "lab: %.200s\n", text);

	/* Not dprintf(), which gives up on files that cannot tell where they are */
	if (write(kmsg_fd, line, len) != len)
		say("log %lu lab: no mark in the kernel's log\n", LOG_ERR, NULL);
}

/* A record is "PRIORITY,NUMBER,TIME,...;TEXT" and further lines; one read returns one record. */
static void record(char *buf)
{
	unsigned long priority = strtoul(buf, NULL, 10);
	char *text = strchr(buf, ';');

	if (!text)
		return;
	text++;
	text[strcspn(text, "\n")] = '\0';
	if (LOG_FAC(priority) == LOG_FAC(LOG_KERN) ? LOG_PRI(priority) <= LOG_NOTICE :
						     !strncmp(text, "lab: ", 5))
		say("log %lu %s\n", LOG_PRI(priority), text);
}

static void kernel_log(void)
{
	char buf[LINE_MAX_LEN];
	ssize_t n;

	for (;;) {
		n = read(kmsg_fd, buf, sizeof(buf) - 1);
		if (n > 0) {
			buf[n] = '\0';
			record(buf);
		} else if (n < 0 && errno == EPIPE) {
			say("log %lu lab: lines of the kernel's log are lost\n", LOG_ERR, NULL);
		} else if (n == 0 || errno != EINTR) {
			return;
		}
	}
}

static void request(char *text)
{
	unsigned long number;
	char *rest;

	if (!strncmp(text, "run ", 4)) {
		number = strtoul(text + 4, &rest, 10);
		if (*rest == ' ')
			start(number, rest + 1);
	} else if (!strncmp(text, "kill ", 5)) {
		if (child && strtoul(text + 5, NULL, 10) == last_number)
			kill(-child, SIGKILL);
	} else if (!strcmp(text, "ping")) {
		say("pong\n", 0, NULL);
	} else if (!strncmp(text, "mark ", 5)) {
		mark(text + 5);
	}
}

static void output(char *text)
{
	say("out %lu %s\n", last_number, text);
}

/* Reads what is there and hands on whole lines. False at the end of the file. */
static bool take(int fd, struct line *line, void (*use)(char *))
{
	char buf[1024];
	ssize_t n, i;

	n = read(fd, buf, sizeof(buf));
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n' && line->used < sizeof(line->text) - 1) {
			line->text[line->used++] = buf[i];
			continue;
		}
		line->text[line->used] = '\0';
		line->used = 0;
		use(line->text);
	}
	return true;
}

static void close_output(void)
{
	if (from_command.used) {
		from_command.text[from_command.used] = '\0';
		from_command.used = 0;
		output(from_command.text);
	}
	if (pipe_fd >= 0)
		close(pipe_fd);
	pipe_fd = -1;
}

/* The command is over when its process is: something it left in the background may hold the pipe open. */
static void reap(void)
{
	struct pollfd pfd = { .fd = pipe_fd, .events = POLLIN };
	int status, left = 16;
	char text[16];

	if (!child || waitpid(child, &status, WNOHANG) != child)
		return;
	while (pipe_fd >= 0 && left-- && poll(&pfd, 1, 0) > 0 &&
	       take(pipe_fd, &from_command, output))
		;
	close_output();
	child = 0;
	snprintf(text, sizeof(text), "%d",
		 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	say("exit %lu %s\n", last_number, text);
}

static void on_sigchld(int sig)
{
	(void)sig;
}

static int open_tty(const char *path)
{
	struct termios tio;
	int fd;

	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &tio) < 0)
		return -1;
	cfmakeraw(&tio);
	tcsetattr(fd, TCSANOW, &tio);
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_sigchld };
	sigset_t blocked, open_mask;
	int lab;

	tty = open_tty(argc > 1 ? argv[1] : "/dev/hvc2");
	if (tty < 0) {
		perror("labd");
		return 1;
	}
	/* Kept open, so that the other line's settings last between its users. */
	lab = open_tty("/dev/lab");
	(void)lab;
	kmsg_fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (kmsg_fd < 0) {
		perror("labd: /dev/kmsg");
		return 1;
	}

	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);

	say("ready\n", 0, NULL);
	for (;;) {
		struct pollfd pfds[3] = {
			{ .fd = tty, .events = POLLIN },
			{ .fd = pipe_fd, .events = POLLIN },
			{ .fd = kmsg_fd, .events = POLLIN },
		};

		if (ppoll(pfds, 3, NULL, &open_mask) > 0) {
			if (pfds[2].revents)
				kernel_log();
			if (pfds[1].revents && !take(pipe_fd, &from_command, output))
				close_output();
			if (pfds[0].revents && !take(tty, &from_lab, request))
				return 1;
		}
		reap();
	}
}
