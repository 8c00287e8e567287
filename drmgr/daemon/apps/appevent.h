/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event as applications get it. */
#ifndef DRMGRD_APPEVENT_H
#define DRMGRD_APPEVENT_H

#include "daemon/session/audience.h"

/* With room for all changes; NULL: no memory. To be freed. */
struct wire_event *appevent_new(void);
/* Fills in what all applications are told alike; gen, deadline_us and WIRE_EVENT_ADVICE are the caller's. */
void appevent_fill(struct wire_event *event, const struct notice *n);
/* Of the message, with the changes in it. */
size_t appevent_size(const struct wire_event *event);

#endif /* DRMGRD_APPEVENT_H */
