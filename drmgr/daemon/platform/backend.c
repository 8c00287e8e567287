// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What both back ends share: the last state that was heard, and its listeners.
 *
 * A listener must read the state and not count calls: it may be called twice for the same state, and once for several
 * changes.
 */
#include <stdlib.h>

#include "daemon/platform/backend.h"

#define NAMED(state) [PMIG_STATE_##state] = PMIG_STATE_NAME_##state

static const char *const state_names[] = {
	NAMED(NONE),	  NAMED(CHECK),	     NAMED(CHECKED),	NAMED(ENABLED), NAMED(QUIESCE),
	NAMED(PRE),	  NAMED(READY),	     NAMED(SUSPENDING), NAMED(RESUMED), NAMED(POST),
	NAMED(COMPLETED), NAMED(CANCELLING), NAMED(UNDO),	NAMED(FAILED),
};

const char *kernel_state_name(uint32_t state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

void kernel_state_clear(struct kernel_state *state)
{
	free(state->refusals);
	rows_done(&state->rows);
	*state = (struct kernel_state){ 0 };
}

int backend_listen(struct backend *b, backend_listener_t call, void *userdata)
{
	for (size_t i = 0; i < BACKEND_LISTENERS_MAX; i++)
		if (!b->listeners[i].call) {
			b->listeners[i].call = call;
			b->listeners[i].userdata = userdata;
			return 0;
		}
	return -ENOSPC;
}

void backend_unlisten(struct backend *b, void *userdata)
{
	for (size_t i = 0; i < BACKEND_LISTENERS_MAX; i++)
		if (b->listeners[i].userdata == userdata)
			b->listeners[i].call = NULL;
}

void backend_set_state(struct backend *b, struct kernel_state *state)
{
	kernel_state_clear(&b->state);
	b->state = *state;
	*state = (struct kernel_state){ 0 };
	for (size_t i = 0; i < BACKEND_LISTENERS_MAX; i++)
		if (b->listeners[i].call)
			b->listeners[i].call(b->listeners[i].userdata, &b->state);
}
