// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One child, as child.c sets it up. Its output pipe is always drained, but only a bounded part of the output is used.
 * The child is waited for by its pidfd. When it has ended, or at its deadline, its whole group is killed before the
 * dead leader is reaped: until then nobody else can have the group's number and get the signal.
 *
 * How it may end:
 *	running -> ended by itself                       -> done
 *	running -> deadline or stop: stop_signal, 1 s,   -> SIGKILL -> ended -> done
 *
 * A child that must outlive the daemon (say a script that restarts a database) has its pipe in systemd's store, and the
 * next daemon adopts both. All others die with the daemon.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/base/child.h"
#include "daemon/base/notify.h"
#include "daemon/base/runner.h"

#define KILL_AFTER USEC_PER_SEC
#define LINE_BYTES 1024

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
#endif

struct runner {
	struct run_spec spec;
	sd_event *event;
	pid_t pid;
	int pidfd;
	int output;
	bool adopted;
	bool stopping;
	bool killed;
	enum run_end why;
	sd_event_source *child_source;
	sd_event_source *output_source;
	sd_event_source *timer;
	size_t seen;
	size_t fill;
	char line[LINE_BYTES];
};

/* It is not our child, so its number may be another process's by now. Its pidfd still names it. */
static void kill_adopted_group(struct runner *r, int sig)
{
	if (syscall(SYS_pidfd_send_signal, r->pidfd, sig, NULL, PIDFD_SIGNAL_PROCESS_GROUP) == 0 ||
	    errno != EINVAL)
		return;
	/* before Linux 6.9 */
	if (pidfd_alive(r->pidfd) == 1)
		kill(-r->pid, sig);
}

static void kill_group(struct runner *r, int sig)
{
	/* The leader exists, dead or alive, until on_child() has reaped it. */
	if (r->adopted)
		kill_adopted_group(r, sig);
	else
		kill(-r->pid, sig);
}

/* ---- output ---- */

static void flush_line(struct runner *r)
{
	char text[LINE_BYTES];

	if (r->fill == 0)
		return;
	text_copy(text, sizeof(text), r->line, r->fill);
	r->fill = 0;
	if (r->spec.line)
		r->spec.line(r->spec.userdata, text);
}

static void take_output(struct runner *r, const char *buf, size_t n)
{
	for (size_t i = 0; i < n && r->seen < RUN_OUTPUT_MAX; i++, r->seen++) {
		if (buf[i] == '\n')
			flush_line(r);
		else if (r->fill < sizeof(r->line) - 1)
			r->line[r->fill++] = buf[i];
	}
}

/* Reads what is in the pipe now. Returns 0 at its end. */
static int drain(struct runner *r, unsigned rounds)
{
	char buf[4096];

	while (rounds--) {
		ssize_t n = read(r->output, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		take_output(r, buf, (size_t)n);
	}
	return -EAGAIN;
}

static int on_output(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
		     void *userdata)
{
	struct runner *r = userdata;
	int e = drain(r, 4); /* much output must not keep the loop busy */

	if (e == -EAGAIN)
		return 0;
	r->output_source = sd_event_source_disable_unref(r->output_source);
	return 0;
}

/* ---- the end ---- */

static void finish(struct runner *r, struct run_result result)
{
	kill_group(r, SIGKILL);
	if (r->output >= 0)
		drain(r, 64); /* what the pipe can hold; somebody may go on writing for ever */
	flush_line(r);
	if (r->stopping)
		result.end = r->why;
	r->child_source = sd_event_source_disable_unref(r->child_source);
	r->output_source = sd_event_source_disable_unref(r->output_source);
	r->timer = sd_event_source_disable_unref(r->timer);
	if (r->spec.keep)
		notify("FDSTOREREMOVE=1\nFDNAME=%s", r->spec.keep);
	r->spec.done(r->spec.userdata, &result);
}

static int on_child(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
		    void *userdata)
{
	struct runner *r = userdata;
	struct run_result result = { .end = RUN_LOST };
	siginfo_t si = { 0 };
	pid_t pid = r->pid;

	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0) {
		if (si.si_pid == 0)
			return 0;
		result.end = si.si_code == CLD_EXITED ? RUN_EXITED : RUN_SIGNALED;
		result.value = si.si_status;
	}
	finish(r, result);
	waitpid(pid, NULL, WNOHANG); /* only now, as the group has been killed; r is freed */
	return 0;
}

static int on_adopted_end(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
			  void *userdata)
{
	finish(userdata, (struct run_result){ .end = RUN_LOST });
	return 0;
}

static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
	struct runner *r = userdata;

	if (r->killed) {
		/* It sleeps in the kernel, where SIGKILL does not reach it. Don't wait for it. */
		finish(r, (struct run_result){ .end = r->why });
		return 0;
	}
	r->killed = r->stopping;
	if (!r->stopping)
		r->why = RUN_TIMED_OUT;
	r->stopping = true;
	kill_group(r, r->killed ? SIGKILL : r->spec.stop_signal);
	sd_event_source_set_time(r->timer, now_usec() + KILL_AFTER);
	sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
	return 0;
}

void runner_stop(struct runner *r)
{
	if (r->stopping)
		return;
	r->why = RUN_STOPPED;
	r->stopping = true;
	kill_group(r, r->spec.stop_signal);
	if (r->timer) {
		sd_event_source_set_time(r->timer, now_usec() + KILL_AFTER);
		sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
	} else if (sd_event_add_time(r->event, &r->timer, CLOCK_BOOTTIME, now_usec() + KILL_AFTER,
				     USEC_ACCURACY, on_timer, r) < 0)
		kill_group(r, SIGKILL);
}

/* ---- the beginning ---- */

/* FDPOLL=0: systemd keeps the pipe, and what the child wrote, even if the child ends while there is no daemon. */
static void keep_output(const struct runner *r)
{
	char state[96];

	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", r->spec.keep);
	notify_with_fds(state, &r->output, 1);
}

static struct runner *runner_alloc(sd_event *event, const struct run_spec *spec)
{
	struct runner *r = calloc(1, sizeof(*r));

	if (r) {
		r->spec = *spec;
		r->event = sd_event_ref(event);
		r->pidfd = r->output = -EBADF;
	}
	return r;
}

/* Timer and output, the same for a child of ours and an adopted one. */
static int watch(struct runner *r)
{
	int e;

	if (r->output >= 0) {
		e = sd_event_add_io(r->event, &r->output_source, r->output, EPOLLIN, on_output, r);
		if (e < 0)
			return e;
	}
	if (!r->spec.deadline)
		return 0;
	return sd_event_add_time(r->event, &r->timer, CLOCK_BOOTTIME, r->spec.deadline,
				 USEC_ACCURACY, on_timer, r);
}

DEFINE_CLEANUP(struct runner *, runner_free)

int runner_start(struct runner **ret, sd_event *event, const struct run_spec *spec)
{
	_cleanup_(runner_freep) struct runner *r = runner_alloc(event, spec);
	_cleanup_close_ int child_end = -EBADF;
	pid_t parent = getpid();
	int fds[2], e;

	if (!r)
		return log_oom();
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r->output = fds[0];
	child_end = fds[1];
	/* Only our end: scripts expect that a write waits. */
	if (fcntl(r->output, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	/* Before there is a child: if the daemon dies, the pipe must stay open, or the child gets SIGPIPE. */
	if (spec->keep)
		keep_output(r);
	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (r->pid == 0)
		child_run(spec, child_end, parent);
	/* The child has not been reaped, so the number is its own. */
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	e = r->pidfd < 0 ? -errno : 0;
	if (e == 0)
		e = sd_event_add_io(event, &r->child_source, r->pidfd, EPOLLIN, on_child, r);
	if (e == 0 || r->child_source)
		e = watch(r);
	if (e < 0) {
		/* Nobody would wait for the child, so it is killed. */
		kill(r->pid, SIGKILL);
		r->child_source = sd_event_source_disable_unref(r->child_source);
		waitpid(r->pid, NULL, 0);
		return e;
	}
	*ret = TAKE_PTR(r);
	return 0;
}

int runner_adopt(struct runner **ret, sd_event *event, const struct run_spec *spec, pid_t pid,
		 uint64_t start, int output)
{
	_cleanup_(runner_freep) struct runner *r = NULL;
	_cleanup_close_ int pidfd = -EBADF;
	uint64_t is = 0;
	int e;

	if (pid <= 1)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -ESRCH;
	if (process_start_time(pid, &is) < 0 || is != start || pidfd_alive(pidfd) != 1)
		return -ESRCH;
	r = runner_alloc(event, spec);
	if (!r)
		return log_oom();
	r->adopted = true;
	r->pid = pid;
	r->pidfd = TAKE_FD(pidfd);
	r->output = output >= 0 ? fcntl(output, F_DUPFD_CLOEXEC, 3) : -EBADF;
	e = sd_event_add_io(event, &r->child_source, r->pidfd, EPOLLIN, on_adopted_end, r);
	if (e >= 0)
		e = watch(r);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(r);
	return 0;
}

struct runner *runner_free(struct runner *r)
{
	if (!r)
		return NULL;
	sd_event_source_disable_unref(r->child_source);
	sd_event_source_disable_unref(r->output_source);
	sd_event_source_disable_unref(r->timer);
	safe_close(r->output);
	safe_close(r->pidfd);
	sd_event_unref(r->event);
	free(r);
	return NULL;
}

const char *run_result_text(const struct run_result *result, char *buf, size_t size)
{
	switch (result->end) {
	case RUN_EXITED:
		snprintf(buf, size, "exit status %d", result->value);
		break;
	case RUN_SIGNALED:
		snprintf(buf, size, "killed by signal %d (%s)", result->value,
			 strsignal(result->value));
		break;
	case RUN_TIMED_OUT:
		snprintf(buf, size, "not ready in time, killed");
		break;
	case RUN_STOPPED:
		snprintf(buf, size, "stopped");
		break;
	case RUN_LOST:
		snprintf(buf, size, "ended; its exit status is not known");
		break;
	}
	return buf;
}
