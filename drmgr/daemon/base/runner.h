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
	RUN_LOST,      /* an adopted child has ended, and nobody knows how */
};

struct run_result {
	enum run_end end;
	int value;
};

struct runner;

/* How much of a child's output is used; the rest is read and dropped. */
#define RUN_OUTPUT_MAX (64U << 10)

/* done() comes exactly once, never from inside this call; not after a negative return or runner_free(). */
int runner_start(struct runner **ret, sd_event *event, const struct run_spec *spec);
/*
 * Waits for a child of an earlier daemon. -ESRCH: it has ended. @output is its pipe, or -EBADF. Its exit status is not
 * known, because only its parent gets that.
 */
int runner_adopt(struct runner **ret, sd_event *event, const struct run_spec *spec, pid_t pid,
		 uint64_t start, int output);
/* Ends the child; done() comes with RUN_STOPPED. */
void runner_stop(struct runner *r);
/* Forgets the child. If it still runs, it goes on alone. */
struct runner *runner_free(struct runner *r);

/* "exit status 1", "killed by signal 11 (Segmentation fault)", "not ready in time, killed" */
const char *run_result_text(const struct run_result *result, char *buf, size_t size);

#endif /* DRMGRD_RUNNER_H */
