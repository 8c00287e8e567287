// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A constructor looks the real functions up, because sigaction() may be called from a signal handler and dlsym() may
 * not. A call that comes earlier, from another constructor or a sanitizer's runtime, looks them up itself.
 */
#include "libdr/real.h"

#include "dr.h"

#include <dlfcn.h>

static struct {
	sigaction_fn *sigaction;
	signal_fn *signal[_SIGNAL_MAX];
} real;

sigaction_fn *dr_real_sigaction(void)
{
	if (!real.sigaction)
		*(void **)&real.sigaction = dlsym(RTLD_NEXT, "sigaction");
	return real.sigaction;
}

signal_fn *dr_real_signal(enum signal_name n)
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

	dr_real_sigaction();
	for (n = 0; n < _SIGNAL_MAX; n++)
		dr_real_signal(n);
}

handler_fn dr_aix_handler(void)
{
	sigaction_fn *f = dr_real_sigaction();
	struct sigaction now;

	return f && f(SIGRECONFIG, NULL, &now) == 0 ? now.sa_handler : SIG_DFL;
}
