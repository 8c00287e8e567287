// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * On AIX a program registers just by catching SIGRECONFIG. Here the library stands between the program and libc, as
 * OpenJDK's libjsig does, and watches how signal handlers are set. A call about any other signal costs one comparison.
 *
 * These names have no symbol version (see libdr.sym). So the dynamic linker also gives them to shared libraries that
 * were linked with libc alone and ask for sigaction@GLIBC_x, for example a JVM's.
 */
#include "libdr/aix-register.h"
#include "libdr/export.h"
#include "libdr/real.h"

#include <errno.h>

/* Some feature test macros hide their declarations. */
handler_fn bsd_signal(int signo, handler_fn handler);
handler_fn sysv_signal(int signo, handler_fn handler);
handler_fn __sysv_signal(int signo, handler_fn handler);
int sigignore(int signo);

/*
 * On AIX the default action of SIGRECONFIG is to ignore it, here it ends the process. A signal that was sent while
 * there was a handler, and is still pending, must not end it. Ignoring the signal for a moment discards it.
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
	sigaction_fn *f = dr_real_sigaction();
	/* Read before the call, because @act and @old may be the same. */
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
	signal_fn *f = dr_real_signal(n);
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
