/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is run in a child, and the child's own side of it. */
#ifndef DRMGRD_CHILD_H
#define DRMGRD_CHILD_H

#include "daemon/base/util.h"

struct run_result;

struct run_spec {
	const char *path;
	char *const *argv;
	char *const *env;
	usec_t deadline; /* CLOCK_BOOTTIME; 0 for none */
	int stop_signal; /* at the deadline; SIGKILL a second later */
	const char *
		keep; /* it outlives the daemon, and its pipe is in systemd's store under this name */
	/* Runs in the child in the instant before the program; negative: the program does not run. */
	int (*in_child)(void *userdata);
	/* Instead of a program: what the child does; its result is the exit status. */
	int (*function)(void *userdata);
	void (*line)(void *userdata, const char *line); /* of its output; may be NULL */
	void (*done)(void *userdata, const struct run_result *result);
	void *userdata;
};

/* In the child, after fork(): becomes what @spec says, with @output for stdout and stderr. @parent: the daemon. */
_Noreturn void child_run(const struct run_spec *spec, int output, pid_t parent);

#endif /* DRMGRD_CHILD_H */
