// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads and sets what threads are bound to. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>

#include "daemon/affinity/threads.h"
#include "daemon/base/util.h"
#include "daemon/platform/tree.h"

struct reader {
	threads_each_t each;
	void *userdata;
	unsigned n;
};

static int get(pid_t tid, struct cpus *ret)
{
	*ret = (struct cpus){ 0 };
	return sched_getaffinity(tid, sizeof(*ret), (cpu_set_t *)ret) < 0 ? -errno : 0;
}

static int on_thread(void *userdata, char *name)
{
	struct reader *r = userdata;
	struct cpus cpus;
	uint64_t tid;
	int e;

	if (parse_u64(name, 10, INT32_MAX, &tid) < 0 || tid == 0)
		return 0;
	if (r->n++ == THREADS_MAX)
		return -E2BIG;
	e = get((pid_t)tid, &cpus);
	if (e < 0)
		return e == -ESRCH ? 0 : e;
	return r->each(r->userdata, (pid_t)tid, &cpus);
}

int threads_read(int pidfd, pid_t pid, threads_each_t each, void *userdata)
{
	struct reader reader = { each, userdata, 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	r = tree_names(path, on_thread, &reader);
	/* If it is still alive, the number was its own all the time. */
	return r == 0 && pidfd_alive(pidfd) != 1 ? -ESRCH : r;
}

int threads_bind(int pidfd, pid_t pid, pid_t tid, const struct cpus *cpus)
{
	struct cpus is;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	if (access(path, F_OK) < 0 || pidfd_alive(pidfd) != 1)
		return -ESRCH;
	if (sched_setaffinity(tid, sizeof(*cpus), (const cpu_set_t *)cpus) < 0)
		return -errno;
	return get(tid, &is) == 0 && !cpus_equal(&is, cpus);
}
