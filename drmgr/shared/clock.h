/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DRMGR_CLOCK_H
#define DRMGR_CLOCK_H

#include <stdint.h>
#include <time.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)
#define NSEC_PER_USEC UINT64_C(1000)

/*
 * Microseconds of CLOCK_BOOTTIME, which goes on while the partition stands still and is not changed by the move. May be
 * called from a signal handler.
 */
static inline uint64_t now_boottime_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / NSEC_PER_USEC;
}

#endif /* DRMGR_CLOCK_H */
