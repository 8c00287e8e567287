/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_AIX_EVENT_H
#define LIBDR_AIX_EVENT_H

#include "shared/wire.h"

/*
 * The event that dr_reconfig() is asked about, and the answer to it. All of this may be called in a signal handler.
 */

/* How an event has been answered. */
#define ANSWER_REFUSED 1U /* DR_EVENT_FAIL was sent: DR_RECONFIG_DONE may still follow */
#define ANSWER_DONE    2U

/*
 * dr_aix_event(): reads what is in the socket and returns the event in progress, a question before a change. Returns 0,
 * -ENXIO.
 */
int dr_aix_event(int fd, struct wire_event *ret);

/*
 * dr_aix_answer(): marks the event as @mark and sends the answer, unless one has been sent. If several threads answer
 * at once, only one sends, because the daemon accepts only one. Returns 0, -ENXIO, -EINTR.
 */
int dr_aix_answer(int fd, const struct wire_event *event, uint32_t mark, uint32_t error,
		  const char *reason);

/* dr_aix_event_reset(): a new registration: no event, and nothing has been answered. */
void dr_aix_event_reset(void);

#endif /* LIBDR_AIX_EVENT_H */
