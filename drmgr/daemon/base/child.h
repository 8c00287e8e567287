/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is run in a child, and what the child itself does for that. */
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
	/* Called in the child just before it becomes the program. Negative: the program does not run. */
	int (*in_child)(void *userdata);
	/* Called in the child instead of a program; its result is the exit status. */
	int (*function)(void *userdata);
	void (*line)(void *userdata,
		     const char *line); /* called for each line of output; may be NULL */
	void (*done)(void *userdata, const struct run_result *result);
	void *userdata;
};

/* In the child, after fork(): runs @spec, with @output as stdout and stderr. @parent: the daemon. */
_Noreturn void child_run(const struct run_spec *spec, int output, pid_t parent);

#endif /* DRMGRD_CHILD_H */
