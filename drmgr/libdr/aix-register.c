// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A process registers by catching SIGRECONFIG; interpose.c says when the handler may have changed.
 *
 * The socket keeps its number for the life of the process: at the end of a registration it is shut down, not closed,
 * and dup3() puts the next one onto the same number. So no thread can read from a number that means something else by
 * now. If the program itself closes the number, as daemons do with all that they find, this is noticed by another
 * inode.
 *
 * A child after fork() has no part in the registration. It must not even read, because the socket is shared and it
 * would take the events of its parent. It registers with its own next sigaction(SIGRECONFIG).
 */
#include "libdr/aix-register.h"

#include "libdr/aix-event.h"
#include "libdr/real.h"
#include "libdr/register.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	_Atomic bool registering;
	_Atomic bool registered;
	_Atomic pid_t pid; /* the process that is registered; a child has another ID */
	_Atomic int fd;
	_Atomic dev_t dev;
	_Atomic ino_t ino;
} state = { .fd = -EBADF };

static bool fd_is_ours(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == atomic_load(&state.dev) &&
	       st.st_ino == atomic_load(&state.ino);
}

int dr_aix_fd(void)
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
	/* A thread that was registering does not exist in the child. */
	atomic_store(&state.registering, false);
	dr_aix_event_reset();
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
	/* Before any thread can read the new socket, which may have an event already. */
	dr_aix_event_reset();
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

static void register_process(void)
{
	/* As on AIX, whoever catches the signal hears everything, and looks at what it is about. */
	static const struct dr_options options = {
		.phases = DR_PHASES_DEFAULT | DR_PHASES(DR_PHASE_CHANGED),
		.flags = DR_MAY_REFUSE,
		.signo = SIGRECONFIG,
	};
	int fd = dr_aix_fd();
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
	 * An event may have come, and its signal may have been handled, before the socket could be read. That handler
	 * got ENXIO, so the signal is sent once more.
	 */
	if (recv(atomic_load(&state.fd), &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT) > 0)
		kill(getpid(), SIGRECONFIG);
}

/* A System V handler ignores the signal while it handles it. Such a program still has to answer. */
static void end_registration(void (*handler)(int))
{
	struct wire_event event;
	int fd = dr_aix_fd();

	if (handler == SIG_IGN && fd >= 0 && dr_aix_event(fd, &event) == 0)
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

	/* Between vfork() and exec the memory, with the registration in it, is the parent's. */
	if (!catches(dr_aix_handler()) && atomic_load(&state.pid) != getpid())
		return;
	do {
		/* Another thread, or the one that this handler has interrupted, is at it and will look again. */
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
