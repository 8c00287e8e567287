// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * On AIX a program registers by catching SIGRECONFIG, and by nothing else. Here the library stands between
 * the program and libc, as OpenJDK's libjsig does, and looks on while signal handlers are set. A call about
 * any other signal costs one comparison.
 *
 * These names carry no symbol version (see libdr.sym): the dynamic linker then also gives them to shared
 * libraries that were linked with libc only and ask for sigaction@GLIBC_x, for example a JVM's.
 *
 * The real functions are looked up by a constructor, because sigaction() may be called from a signal
 * handler and dlsym() may not; who comes earlier, from a constructor of its own or a sanitizer's runtime,
 * looks them up on the way.
 */
#include "libdr/internal.h"

#include "shared/cleanup.h"

#include <dlfcn.h>
#include <errno.h>

typedef int sigaction_fn(int signo, const struct sigaction *act, struct sigaction *old);
typedef void (*handler_fn)(int signo);
typedef handler_fn signal_fn(int signo, handler_fn handler);

/* Not declared under every feature test macro. */
handler_fn bsd_signal(int signo, handler_fn handler);
handler_fn sysv_signal(int signo, handler_fn handler);
handler_fn __sysv_signal(int signo, handler_fn handler);
int sigignore(int signo);

enum signal_name {
	SIGNAL,
	BSD_SIGNAL,
	SSIGNAL,
	SYSV_SIGNAL,
	__SYSV_SIGNAL,
	SIGSET,
	_SIGNAL_MAX,
};

static struct {
	sigaction_fn *sigaction;
	signal_fn *signal[_SIGNAL_MAX];
} real;

static sigaction_fn *real_sigaction(void)
{
	if (!real.sigaction)
		*(void **)&real.sigaction = dlsym(RTLD_NEXT, "sigaction");
	return real.sigaction;
}

static signal_fn *real_signal(enum signal_name n)
{
	static const char *const names[_SIGNAL_MAX] = {
		[SIGNAL] = "signal",
		[BSD_SIGNAL] = "bsd_signal",
		[SSIGNAL] = "ssignal",
		[SYSV_SIGNAL] = "sysv_signal",
		[__SYSV_SIGNAL] = "__sysv_signal",
		[SIGSET] = "sigset",
	};

	if (!real.signal[n])
		*(void **)&real.signal[n] = dlsym(RTLD_NEXT, names[n]);
	return real.signal[n];
}

__attribute__((constructor(101))) static void resolve(void)
{
	unsigned int n;

	real_sigaction();
	for (n = 0; n < _SIGNAL_MAX; n++)
		real_signal(n);
}

handler_fn dr_aix_handler(void)
{
	sigaction_fn *f = real_sigaction();
	struct sigaction now;

	return f && f(SIGRECONFIG, NULL, &now) == 0 ? now.sa_handler : SIG_DFL;
}

/*
 * On AIX the default is to ignore it, here to end the process: a signal that was sent while there was a
 * handler, and is pending, must not do that. Ignoring it for a moment discards it.
 */
static int reset_handler(sigaction_fn *f, const struct sigaction *act, struct sigaction *old)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	int r;

	r = f(SIGRECONFIG, &ignore, &before);
	if (r == 0)
		r = f(SIGRECONFIG, act, NULL);
	if (r < 0)
		return r;
	if (old)
		*old = before;
	dr_aix_handler_changed();
	return 0;
}

DR_EXPORT int sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	sigaction_fn *f = real_sigaction();
	/* read before the call: @act and @old may be the same */
	handler_fn handler = act ? act->sa_handler : SIG_DFL;
	int r;

	if (!f) {
		errno = ENOSYS;
		return -1;
	}
	if (signo == SIGRECONFIG && act && handler == SIG_DFL)
		return reset_handler(f, act, old);
	r = f(signo, act, old);
	if (r == 0 && signo == SIGRECONFIG && act)
		dr_aix_handler_changed();
	return r;
}

static handler_fn set_handler(enum signal_name n, int signo, handler_fn handler)
{
	signal_fn *f = real_signal(n);
	handler_fn old;

	if (!f) {
		errno = ENOSYS;
		return SIG_ERR;
	}
	if (signo == SIGRECONFIG && handler == SIG_DFL) {
		old = f(signo, SIG_IGN); /* as in reset_handler() */
		if (old != SIG_ERR)
			f(signo, handler);
		dr_aix_handler_changed();
		return old;
	}
	old = f(signo, handler);
	if (signo != SIGRECONFIG || old == SIG_ERR)
		return old;
	/* sigset(SIG_HOLD) blocks the signal and leaves the handler as it is */
	if (n == SIGSET && handler == SIG_HOLD)
		return old;
	dr_aix_handler_changed();
	return old;
}

DR_EXPORT handler_fn signal(int signo, handler_fn handler)
{
	return set_handler(SIGNAL, signo, handler);
}

DR_EXPORT handler_fn bsd_signal(int signo, handler_fn handler)
{
	return set_handler(BSD_SIGNAL, signo, handler);
}

DR_EXPORT handler_fn ssignal(int signo, handler_fn handler)
{
	return set_handler(SSIGNAL, signo, handler);
}

DR_EXPORT handler_fn sysv_signal(int signo, handler_fn handler)
{
	return set_handler(SYSV_SIGNAL, signo, handler);
}

DR_EXPORT handler_fn __sysv_signal(int signo, handler_fn handler)
{
	return set_handler(__SYSV_SIGNAL, signo, handler);
}

DR_EXPORT handler_fn sigset(int signo, handler_fn handler)
{
	return set_handler(SIGSET, signo, handler);
}

DR_EXPORT int sigignore(int signo)
{
	return set_handler(SIGNAL, signo, SIG_IGN) == SIG_ERR ? -1 : 0;
}
