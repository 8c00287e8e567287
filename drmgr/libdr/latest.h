/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_LATEST_H
#define LIBDR_LATEST_H

#include "shared/wire.h"

#include <stdbool.h>

/* The newest event of each kind. Any number of threads, and signal handlers that interrupt them, may call this. */

/* A change must not take the place of a question: whoever was told PRE has to hear how the migration ended. */
enum latest_kind {
	LATEST_QUESTION,
	LATEST_CHANGE, /* DR_PHASE_CHANGED */
	_LATEST_MAX,
};

enum latest_kind latest_kind(const struct wire_event *event);

/* latest_put(): keeps @event unless there is a newer one of its kind, by gen. */
void latest_put(const struct wire_event *event);

/* latest_get(): returns false if there is none. */
bool latest_get(enum latest_kind kind, struct wire_event *ret);

/* latest_reset(): forgets the events, because gens begin anew with a new registration. */
void latest_reset(void);

#endif /* LIBDR_LATEST_H */
