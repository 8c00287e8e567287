/* SPDX-License-Identifier: GPL-2.0 */
/* The poller: reads the state of the stream while that can matter. */
#ifndef _PMIG_POLL_H
#define _PMIG_POLL_H

#include "session.h"

/* After so many errors in a row the platform counts as having lost the stream. */
#define PMIG_POLL_ERRORS 50

extern const struct pmig_session_listener pmig_poll_listener;

unsigned int pmig_poll_interval(void);
int pmig_poll_init(void);
void pmig_poll_exit(void);

#endif /* _PMIG_POLL_H */
