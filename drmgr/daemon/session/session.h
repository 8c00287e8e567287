/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One CHECK, or one migration from BEGIN to POST. */
#ifndef DRMGRD_SESSION_H
#define DRMGRD_SESSION_H

#include "daemon/session/session-setup.h"

/* @done comes once, never from inside this call. */
int session_new(struct session **ret, const struct session_setup *setup,
		const struct session_request *request, session_done_t done, void *userdata);
/* Goes on where the journal ends; takes the told-sets out of @replay. */
int session_adopt(struct session **ret, const struct session_setup *setup, struct replay *replay,
		  session_done_t done, void *userdata);
/*
 * For a migration: the daemon has to end. What can be undone is undone, what can't goes on to its own end, and a session
 * that the module does not hand over now is left to the next daemon. For a check: a migration is to begin, or nobody
 * waits for the check any more; nobody else is asked. @done is called in any case.
 */
void session_stop(struct session *s);
struct session *session_free(struct session *s);

/* ---- what may be asked at any time ---- */

struct session_result {
	enum session_outcome outcome;
	const char *message;		/* one line for a person; "" when all is well */
	const struct refusal *refusals; /* those that stop it first */
	size_t nr_refusals;
	size_t nr_more;		 /* that are only in the log */
	const struct rows *rows; /* what differs after the move */
	uint64_t blackout_us;
	bool moved; /* the partition runs on another server: not in a check, nor in a simulation */
};

void session_result(const struct session *s, struct session_result *ret);
uint64_t session_stream(const struct session *s);
const char *session_phase(const struct session *s);
usec_t session_since(const struct session *s);
/* When the current stage should be over; 0: unknown, as while the memory is copied. */
usec_t session_until(const struct session *s);
enum session_kind session_kind(const struct session *s);
/* It is over here, and the next daemon goes on with it: nobody knows yet how it ended. */
bool session_is_left(const struct session *s);
/* Everyone is being told to get ready. */
bool session_is_in_pre(const struct session *s);
/* Nothing is left but to tell everyone how it ended. */
bool session_is_ending(const struct session *s);

#endif /* DRMGRD_SESSION_H */
