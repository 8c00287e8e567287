/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_REAL_H
#define LIBDR_REAL_H

#include <signal.h>

/* libc's own functions, which interpose.c stands in front of. */

typedef int sigaction_fn(int signo, const struct sigaction *act, struct sigaction *old);
typedef void (*handler_fn)(int signo);
typedef handler_fn signal_fn(int signo, handler_fn handler);

enum signal_name {
	SIGNAL,
	BSD_SIGNAL,
	SSIGNAL,
	SYSV_SIGNAL,
	__SYSV_SIGNAL,
	SIGSET,
	_SIGNAL_MAX,
};

/* NULL if there is none. */
sigaction_fn *dr_real_sigaction(void);
signal_fn *dr_real_signal(enum signal_name n);

/* dr_aix_handler(): the handler that the process has for SIGRECONFIG, as the kernel says. */
handler_fn dr_aix_handler(void);

#endif /* LIBDR_REAL_H */
