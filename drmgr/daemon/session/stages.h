/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_STAGES_H
#define DRMGRD_STAGES_H

#include "daemon/session/session-internal.h"

/* Callbacks of the loop and of the back end, with the session as userdata. */
int session_on_advance(sd_event_source *source, void *userdata);
int session_on_timer(sd_event_source *source, uint64_t usec, void *userdata);
void session_on_state(void *userdata, const struct kernel_state *state);

#endif /* DRMGRD_STAGES_H */
