// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens in a child before the program runs. The child gets its own session and process group, default signals,
 * /dev/null as stdin and one pipe for its output. It gets none of the daemon's descriptors, limits and protection.
 *
 * A child that must not outlive the daemon is two processes: the leader of the group, which watches the daemon, and the
 * program.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/base/child.h"

#define FIRST_FD   (STDERR_FILENO + 1)
#define FILES_SOFT 1024

static void reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < _NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int redirect(int output)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

/* Ends in the same way as @child has ended. */
_Noreturn static void end_like(pid_t child)
{
	struct rlimit no_core = { 0 };
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)child, &si, WEXITED) < 0)
		_exit(126);
	if (si.si_code == CLD_EXITED)
		_exit(si.si_status);
	setrlimit(RLIMIT_CORE, &no_core);
	reset_signals();
	kill(getpid(), si.si_status);
	_exit(126);
}

/*
 * Returns in the process that becomes the program. The other one stays as the leader of the group, and kills the whole
 * group when the daemon has gone. A parent death signal would reach only the program, not what it has started.
 */
static void guard(pid_t parent)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	sigset_t all;
	pid_t child;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	p[0].fd = (int)syscall(SYS_pidfd_open, parent, 0);
	if (p[0].fd < 0 || getppid() != parent)
		_exit(126);
	child = fork();
	if (child < 0)
		_exit(126);
	if (child == 0)
		return;
	/* This process must not keep descriptors of the daemon open. */
	if (dup2(p[0].fd, FIRST_FD) < 0)
		_exit(126);
	p[0].fd = FIRST_FD;
	close_range(FIRST_FD + 1, ~0U, 0);
	p[1].fd = (int)syscall(SYS_pidfd_open, child, 0);
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[0].revents)
		kill(0, SIGKILL);
	end_like(child);
}

/* The daemon's limits are not for its children: a database that a script starts must not inherit them. */
static void reset_limits(void)
{
	struct rlimit files;

	write_text_file("/proc/self/oom_score_adj", "0");
	set_io_flusher(false);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > FILES_SOFT) {
		files.rlim_cur =
			FILES_SOFT; /* as for any service, because some programs still call select() */
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

_Noreturn void child_run(const struct run_spec *spec, int output, pid_t parent)
{
	if (setsid() < 0 || chdir("/") < 0 || redirect(output) < 0)
		_exit(126);
	umask(022);
	if (!spec->keep)
		guard(parent);
	if (spec->function) {
		close_range(FIRST_FD, ~0U, 0);
		_exit(spec->function(spec->userdata));
	}
	if (spec->in_child && spec->in_child(spec->userdata) < 0)
		_exit(126);
	reset_signals();
	/* The daemon opens its own with CLOEXEC. This is for descriptors that it was started with. */
	close_range(FIRST_FD, ~0U, CLOSE_RANGE_CLOEXEC);
	reset_limits();
	execve(spec->path, spec->argv, spec->env);
	dprintf(STDERR_FILENO, "DR_ERROR=cannot be run: %s\n", errno_text(errno));
	_exit(127);
}
