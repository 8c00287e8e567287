/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_LATEST_H
#define LIBDR_LATEST_H

#include "shared/wire.h"

#include <stdbool.h>

/* The newest event. Any number of threads, and signal handlers that interrupt them, may call this. */

/* latest_put(): keeps @event unless there is a newer one, by gen. */
void latest_put(const struct wire_event *event);

/* latest_get(): returns false if there is none. */
bool latest_get(struct wire_event *ret);

/* latest_reset(): forgets the event, because gens begin anew with a new registration. */
void latest_reset(void);

#endif /* LIBDR_LATEST_H */
