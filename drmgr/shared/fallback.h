/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The userland needs glibc 2.28 and systemd 239 (the Makefile checks that), the headers of Linux 4.18, and a kernel
 * of 5.3, the first with pidfd_open(), or newer. What it uses of later versions is implemented here under the same
 * names. The build includes this file in all others, so none of them has to deal with versions.
 */
#ifndef DRMGR_FALLBACK_H
#define DRMGR_FALLBACK_H

#include <features.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#if !__GLIBC_PREREQ(2, 28)
#error "glibc 2.28 or newer is needed"
#endif

/* The same numbers on all of Linux's architectures but Alpha */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* glibc 2.34, Linux 5.9; with this flag, 5.11 */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
int fallback_close_range(unsigned first, unsigned last, int flags);
#define close_range fallback_close_range

/* What fallback_close_range() does on older kernels; declared for its test. */
int fallback_close_listed(unsigned first, unsigned last, int flags);

/* systemd 241 */
static inline sd_bus *fallback_bus_close_unref(sd_bus *bus)
{
	if (bus)
		sd_bus_close(bus);
	return sd_bus_unref(bus);
}
#define sd_bus_close_unref fallback_bus_close_unref

static inline void fallback_bus_close_unrefp(sd_bus **bus)
{
	fallback_bus_close_unref(*bus);
}
#define sd_bus_close_unrefp fallback_bus_close_unrefp

/* systemd 243 */
static inline sd_event_source *fallback_source_disable_unref(sd_event_source *s)
{
	if (s)
		sd_event_source_set_enabled(s, SD_EVENT_OFF);
	return sd_event_source_unref(s);
}
#define sd_event_source_disable_unref fallback_source_disable_unref

#endif /* DRMGR_FALLBACK_H */
