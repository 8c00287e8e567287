/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a session, for its own files only. */
#ifndef DRMGRD_SESSION_INTERNAL_H
#define DRMGRD_SESSION_INTERNAL_H

#include "daemon/session/session-setup.h"

#define STOPPING_MAX 64
#define ADVICE_MAX   8

enum stage {
	STAGE_NEW,
	STAGE_CHECK,
	STAGE_OPENING,
	STAGE_ADOPTING,
	STAGE_BEGIN,
	STAGE_COPYING,
	STAGE_PRE,
	STAGE_MOVING,
	STAGE_POST,
	STAGE_CANCELLING,
	STAGE_UNDO,
	STAGE_ENDING,
	STAGE_OVER,
};

struct session {
	struct session_setup setup;
	struct session_request request;
	session_done_t done;
	void *userdata;

	enum stage stage;
	usec_t since;
	usec_t wanted; /* when it was time for PRE and BEGIN was not over, or 0 */
	struct walk walk;
	bool resumed_told;
	bool foreign;
	bool simulated;
	bool stop; /* session_stop() */
	bool left; /* to the next daemon, with the journal */

	sd_event_source *advance;
	sd_event_source *timer; /* PRE's deadline, or CANCEL once more */

	/* the command that the module has not answered */
	bool command_pending;
	int command_error;
	char command_text[PMIG_REASON_LEN];

	bool in_module; /* the module has accepted it: its states are ours */

	/* the first thing that went wrong */
	enum session_outcome outcome;
	int error;
	char message[512];

	/* Those that stop it come first. The size is fixed, so that none is lost when memory is short. */
	struct refusal refusals[STOPPING_MAX + ADVICE_MAX];
	size_t nr_refusals;
	size_t nr_stopping;
	size_t nr_more;	  /* not kept */
	struct rows rows; /* what differs after the move, folded */
	uint64_t blackout_us;

	enum journal_outcome known; /* an adopted session that the module has forgotten */
};

/* Something has become known: advance soon. */
static inline void session_kick(struct session *s)
{
	sd_event_source_set_enabled(s->advance, SD_EVENT_ONESHOT);
}

/* What the module said last. */
static inline const struct kernel_state *session_kernel(const struct session *s)
{
	return &s->setup.backend->state;
}

#endif /* DRMGRD_SESSION_INTERNAL_H */
