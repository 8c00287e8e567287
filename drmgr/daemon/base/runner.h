/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One child process: a script, a hook, a write that may block. */
#ifndef DRMGRD_RUNNER_H
#define DRMGRD_RUNNER_H

#include <systemd/sd-event.h>

#include "daemon/base/child.h"

enum run_end {
	RUN_EXITED,    /* value is the exit status */
	RUN_SIGNALED,  /* value is the signal */
	RUN_TIMED_OUT, /* it did not end by its deadline and was killed */
	RUN_STOPPED,   /* runner_stop() */
	RUN_LOST,      /* an adopted child: has ended, nobody knows how */
};

struct run_result {
	enum run_end end;
	int value;
};

struct runner;

/* The most of a child's output that is looked at; the rest is read and dropped. */
#define RUN_OUTPUT_MAX (64U << 10)

/* done() comes exactly once, never from inside this call; not after a negative return or runner_free(). */
int runner_start(struct runner **ret, sd_event *event, const struct run_spec *spec);
/*
 * Waits for a child of an earlier daemon. -ESRCH: it is gone. @output is its pipe, or -EBADF. Its exit status
 * went to somebody else.
 */
int runner_adopt(struct runner **ret, sd_event *event, const struct run_spec *spec, pid_t pid,
		 uint64_t start, int output);
/* End it: done() comes with RUN_STOPPED. */
void runner_stop(struct runner *r);
/* Forgets it: a child that is still there goes on alone. */
struct runner *runner_free(struct runner *r);

/* "exit status 1", "killed by SIGSEGV", "no answer in time" */
const char *run_result_text(const struct run_result *result, char *buf, size_t size);

#endif /* DRMGRD_RUNNER_H */
