// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The AIX side: dr_reconfig(), and the registration that interpose.c starts.
 *
 * dr_reconfig() is called from signal handlers and from any thread, for example a JVM's reporter thread
 * while another one got the signal. It therefore allocates nothing, prints nothing, locks nothing and
 * never waits: it takes what is in the socket (MSG_DONTWAIT), keeps the newest (latest.c), and decides
 * with one compare-and-swap who may answer it. getpid(), fstat(), recv(), send(), sysinfo() and
 * clock_gettime() are all it calls.
 *
 * The number of the socket stays ours for the life of the process: an ended registration is shut down, not
 * closed, and a new one is put onto the old number with dup3(). So no thread can be caught reading from a
 * number that means something else by now. What the program itself does to the number (daemons close all
 * they find) is noticed by comparing the inode.
 *
 * A child after fork() has no part in it. It must not even read: the socket is shared, and it would take
 * the events of its parent. It registers at its own next sigaction(SIGRECONFIG).
 */
#include "libdr/internal.h"

#include "libdr/latest.h"
#include "shared/clock.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define FRAME_SIZE \
	4096 /* of sys_total_frames and its like: as on AIX, whatever the kernel's page size */

/* The lower half of state.answered; the upper half is the gen. */
#define ANSWER_REFUSED 1U /* DR_EVENT_FAIL was sent: DR_RECONFIG_DONE may still follow */
#define ANSWER_DONE    2U

static struct {
	_Atomic bool registering;
	_Atomic bool registered;
	_Atomic pid_t pid; /* who is registered; a child has another */
	_Atomic int fd;
	_Atomic dev_t dev;
	_Atomic ino_t ino;
	_Atomic uint64_t answered;
} state = { .fd = -EBADF };

/* ---- the registration -------------------------------------------------------------------------------- */

static bool fd_is_ours(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == atomic_load(&state.dev) &&
	       st.st_ino == atomic_load(&state.ino);
}

/* The socket, or -ENXIO when this process is not registered. */
static int our_fd(void)
{
	int fd = atomic_load(&state.fd);

	if (!atomic_load(&state.registered) || atomic_load(&state.pid) != getpid() ||
	    !fd_is_ours(fd))
		return -ENXIO;
	return fd;
}

static void forget_in_child(void)
{
	int fd = atomic_load(&state.fd);

	if (fd_is_ours(fd))
		close(fd);
	atomic_store(&state.fd, -EBADF);
	atomic_store(&state.registered, false);
	/* the thread that was at it is not in the child */
	atomic_store(&state.registering, false);
	latest_reset();
}

__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget_in_child);
}

int dr_aix_adopt(int fd)
{
	int old = atomic_load(&state.fd);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Before the new socket can be read: an event may be in it already. */
	atomic_store(&state.answered, 0);
	latest_reset();
	if (fd_is_ours(old)) {
		if (dup3(fd, old, O_CLOEXEC) < 0)
			return -errno;
		close(fd);
		fd = old;
	}
	atomic_store(&state.dev, st.st_dev);
	atomic_store(&state.ino, st.st_ino);
	atomic_store(&state.pid, getpid());
	atomic_store(&state.fd, fd);
	atomic_store(&state.registered, true);
	return 0;
}

/* Has the daemon dropped us? Leaves events where they are. */
static bool dropped(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static int current_event(int fd, struct wire_event *ret);

static void register_process(void)
{
	static const struct dr_options options = {
		.flags = DR_MAY_REFUSE,
		.signo = SIGRECONFIG,
	};
	int fd = our_fd();
	char c;

	if (fd >= 0 && !dropped(fd))
		return;
	if (dr_register(&options, &fd) < 0)
		return;
	if (dr_aix_adopt(fd) < 0) {
		close(fd);
		return;
	}
	/*
	 * An event may have come, and its signal been handled, before there was a socket to look into: that
	 * handler got ENXIO. So the signal once more.
	 */
	if (recv(atomic_load(&state.fd), &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT) > 0)
		kill(getpid(), SIGRECONFIG);
}

/* A program that ignores the signal only while it handles it, as System V taught, has yet to answer. */
static void end_registration(void (*handler)(int))
{
	struct wire_event event;
	int fd = our_fd();

	if (handler == SIG_IGN && fd >= 0 && current_event(fd, &event) == 0)
		return;
	atomic_store(&state.registered, false);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
}

static bool catches(void (*handler)(int))
{
	return handler != SIG_DFL && handler != SIG_IGN;
}

void dr_aix_handler_changed(void)
{
	void (*handler)(int);
	int saved = errno;

	/* Between vfork() and exec the memory is the parent's, and so is the registration in it. */
	if (!catches(dr_aix_handler()) && atomic_load(&state.pid) != getpid())
		return;
	do {
		/* another thread is at it, or the one that this handler interrupted: it looks again */
		if (atomic_exchange(&state.registering, true))
			break;
		handler = dr_aix_handler();
		if (catches(handler))
			register_process();
		else
			end_registration(handler);
		atomic_store(&state.registering, false);
	} while (dr_aix_handler() != handler);
	errno = saved;
}

/* ---- the event --------------------------------------------------------------------------------------- */

/*
 * What was answered to event @gen, given the newest answer there was. A thread can be held up between
 * reading an event and answering it, while others answer that one and the next: what is older than the
 * newest answer counts as done.
 */
static uint32_t mark_of(uint64_t newest, uint32_t gen)
{
	int32_t age = (int32_t)((uint32_t)(newest >> 32) - gen);

	if (newest == 0 || age < 0)
		return 0;
	return age > 0 ? ANSWER_DONE : (uint32_t)newest;
}

/* A daemon that died before it took our answer: the next one asks again, under the same gen. */
static void take_event(int fd, const struct wire_event *event)
{
	uint64_t newest = atomic_load(&state.answered);

	if (!(event->flags & WIRE_EVENT_ANSWER))
		return;
	if ((uint32_t)(newest >> 32) == event->gen && (newest & ANSWER_DONE))
		dr_send_answer(fd, event->gen, 0, NULL);
	else
		latest_put(event);
}

static void take_events(int fd)
{
	struct wire_event event;
	ssize_t n;

	/* MSG_TRUNC: the true length; the changes behind the event are of no use here, and large */
	while ((n = recv(fd, &event, sizeof(event), MSG_DONTWAIT | MSG_TRUNC)) != 0) {
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && wire_event_check(&event, (size_t)n) == 0)
			take_event(fd, &event);
	}
}

static bool is_end(uint32_t phase)
{
	return phase == DR_PHASE_POST || phase == DR_PHASE_POST_ERROR;
}

/* The event in progress. Returns 0, -ENXIO. */
static int current_event(int fd, struct wire_event *ret)
{
	take_events(fd);
	if (!latest_get(ret))
		return -ENXIO;
	if (mark_of(atomic_load(&state.answered), ret->gen) & ANSWER_DONE)
		return -ENXIO;
	/* An end is told however late: whoever got ready for PRE must not stay so. */
	if (!is_end(ret->phase) && ret->deadline_us && now_boottime_usec() >= ret->deadline_us)
		return -ENXIO;
	return 0;
}

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
	memset(info, 0, sizeof(*info));
	info->check = event->phase == DR_PHASE_CHECK;
	info->pre = event->phase == DR_PHASE_PRE;
	info->post = event->phase == DR_PHASE_POST;
	info->posterror = event->phase == DR_PHASE_POST_ERROR;
	info->force = !!(event->flags & WIRE_EVENT_FORCE);
	info->migrate = 1;
	info->partition = 1;
	info->lcpu = -1;
	info->bcpu = -1;
	info->phase_gen = event->gen;
	info->dr_stream = event->stream;
	fill_memory(info);
}

/*
 * Marks the event as @mark and sends the answer unless one was sent before. Of several threads that answer
 * at once one sends; the wire allows no more.
 */
static int give_answer(int fd, const struct wire_event *event, uint32_t mark, uint32_t error,
		       const char *reason)
{
	uint64_t old = atomic_load(&state.answered);
	uint64_t new = (uint64_t)event->gen << 32 | mark;
	uint32_t before;
	int r;

	do {
		before = mark_of(old, event->gen);
		if (before & ANSWER_DONE)
			return -ENXIO;
	} while (!atomic_compare_exchange_weak(&state.answered, &old, new));
	if (before)
		return 0;
	r = dr_send_answer(fd, event->gen, error, reason);
	if (r != -EAGAIN)
		return r < 0 ? -ENXIO : 0;
	/* not sent: whoever repeats the call sends it */
	atomic_compare_exchange_strong(&state.answered, &new, old);
	return -EINTR;
}

static int event_fail(int fd, const struct wire_event *event)
{
	int r;

	if (event->phase != DR_PHASE_CHECK)
		return -EPERM;
	r = give_answer(fd, event, ANSWER_REFUSED, EBUSY,
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
	fd = our_fd();
	if (fd < 0)
		return fd;
	r = current_event(fd, &event);
	if (r < 0)
		return r;
	if (flags & DR_QUERY)
		fill_info(&event, info);
	else if (info->phase_gen != event.gen)
		return -EINVAL;
	if (flags & DR_EVENT_FAIL)
		return event_fail(fd, &event);
	if (flags & DR_RECONFIG_DONE)
		return give_answer(fd, &event, ANSWER_DONE, 0, NULL);
	return 0;
}

DR_EXPORT int dr_reconfig(int flags, dr_info_t *info)
{
	int saved = errno;
	int r = reconfig(flags, info);

	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}
