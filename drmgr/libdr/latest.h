/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_LATEST_H
#define LIBDR_LATEST_H

#include "shared/wire.h"

#include <stdbool.h>

/* The newest event, for any number of threads and the signal handlers that interrupt them. */

/* latest_put(): keep @event unless a newer one (by gen) is known. */
void latest_put(const struct wire_event *event);

/* latest_get(): false when there is none. */
bool latest_get(struct wire_event *ret);

/* latest_reset(): a new registration, gens begin anew. */
void latest_reset(void);

#endif /* LIBDR_LATEST_H */
