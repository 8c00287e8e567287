// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dr_reconfig(): answers queries, and sends the program's answers.
 *
 * It is called from signal handlers and from any thread: a JVM, for example, calls it from its reporter thread after
 * another thread got the signal. Therefore it allocates nothing, prints nothing, locks nothing and never waits: it and
 * the functions that it uses call only getpid(), fstat(), recv(), send(), sysinfo() and clock_gettime().
 */
#include "libdr/aix-event.h"
#include "libdr/aix-register.h"
#include "libdr/export.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>

#define FRAME_SIZE \
	4096 /* of sys_total_frames and the like: as on AIX, whatever page size the kernel has */

static void fill_memory(dr_info_t *info)
{
	struct sysinfo si;

	if (sysinfo(&si) < 0)
		return;
	info->sys_memsz = (dr_size64_t)si.totalram * si.mem_unit;
	info->sys_total_frames = info->sys_memsz / FRAME_SIZE;
	info->sys_free_frames = (dr_rpn64_t)si.freeram * si.mem_unit / FRAME_SIZE;
	info->sys_pinnable_frames = info->sys_free_frames;
}

static void fill_info(const struct wire_event *event, dr_info_t *info)
{
	bool changed = event->phase == DR_PHASE_CHANGED;

	memset(info, 0, sizeof(*info));
	info->check = event->phase == DR_PHASE_CHECK;
	info->pre = event->phase == DR_PHASE_PRE;
	info->post = event->phase == DR_PHASE_POST || changed;
	info->posterror = event->phase == DR_PHASE_POST_ERROR;
	info->force = !!(event->flags & WIRE_EVENT_FORCE);
	info->migrate = !changed;
	info->topology_update = changed;
	info->dr_op = changed ? DR_OP_CPU_AFFINITY_REFRESH : 0;
	info->partition = 1;
	info->lcpu = -1;
	info->bcpu = -1;
	info->phase_gen = event->gen;
	info->dr_stream = event->stream;
	fill_memory(info);
}

static int event_fail(int fd, const struct wire_event *event)
{
	int r;

	if (event->phase != DR_PHASE_CHECK)
		return -EPERM;
	r = dr_aix_answer(fd, event, ANSWER_REFUSED, EBUSY,
			  "the application called dr_reconfig(DR_EVENT_FAIL)");
	if (r < 0)
		return r;
	return event->flags & WIRE_EVENT_ADVICE ? -EPERM : 0;
}

static int reconfig(int flags, dr_info_t *info)
{
	struct wire_event event;
	int fd, r;

	if (flags & ~(DR_QUERY | DR_EVENT_FAIL | DR_RECONFIG_DONE) || !flags)
		return -EINVAL;
	if ((flags & DR_EVENT_FAIL) && (flags & DR_RECONFIG_DONE))
		return -EINVAL;
	if (!info)
		return -EFAULT;
	fd = dr_aix_fd();
	if (fd < 0)
		return fd;
	r = dr_aix_event(fd, &event);
	if (r < 0)
		return r;
	if (flags & DR_QUERY)
		fill_info(&event, info);
	else if (info->phase_gen != event.gen)
		return -EINVAL;
	if (flags & DR_EVENT_FAIL)
		return event_fail(fd, &event);
	if (flags & DR_RECONFIG_DONE)
		return dr_aix_answer(fd, &event, ANSWER_DONE, 0, NULL);
	return 0;
}

DR_EXPORT int dr_reconfig(int flags, dr_info_t *info)
{
	int saved = errno;
	int r = reconfig(flags, info);

	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}
