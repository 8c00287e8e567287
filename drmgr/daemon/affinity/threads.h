/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processors that the threads of a process may run on. */
#ifndef DRMGRD_THREADS_H
#define DRMGRD_THREADS_H

#include <sys/types.h>

#include "daemon/affinity/cpus.h"

/* Of one process; a process with more is not looked at. */
#define THREADS_MAX 4096

/* Called for each thread; anything but 0 ends it and is returned. */
typedef int (*threads_each_t)(void *userdata, pid_t tid, const struct cpus *cpus);

/*
 * Each thread of the process that @pidfd and @pid name. -ESRCH if it has ended: what was told of it then may be of another.
 * -E2BIG: it has more than THREADS_MAX.
 */
int threads_read(int pidfd, pid_t pid, threads_each_t each, void *userdata);

/*
 * threads_bind() - binds one of its threads
 *
 * The kernel has no call that takes a thread by a descriptor. What is checked is that the thread was one of the process just
 * before the call.
 *
 * Returns 1 if the kernel allows the thread only some of @cpus, as its cgroup says, 0 otherwise; -ESRCH: the thread has
 * ended; another errno of sched_setaffinity().
 */
int threads_bind(int pidfd, pid_t pid, pid_t tid, const struct cpus *cpus);

#endif /* DRMGRD_THREADS_H */
