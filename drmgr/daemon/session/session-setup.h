/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's request, what it works with, and how it may end. */
#ifndef DRMGRD_SESSION_SETUP_H
#define DRMGRD_SESSION_SETUP_H

#include <systemd/sd-event.h>

#include "daemon/base/config.h"
#include "daemon/platform/backend.h"
#include "daemon/platform/machine.h"
#include "daemon/session/journal.h"
#include "daemon/session/plan.h"

/*
 * So many rows of a migration, or of a change without one, are told, logged and kept. The rest is counted. Applications
 * get fewer (WIRE_CHANGES_MAX).
 */
#define ROWS_TOLD_MAX 256

enum session_kind {
	SESSION_CHECK,
	SESSION_MIGRATE,
	SESSION_FOREIGN, /* somebody else writes the stream ID */
	SESSION_ADOPTED, /* begun by an earlier daemon */
};

enum session_outcome {
	SESSION_OK, /* it has moved; for a check: all were asked, and the refusals are theirs */
	SESSION_BAD_STREAM, /* the platform does not know the stream */
	SESSION_BUSY,
	SESSION_NO_ENGINE,
	SESSION_STOPPED, /* by us, in PRE */
	SESSION_ABORTED, /* by the platform or the operator */
	SESSION_FAILED,
};

struct session_request {
	enum session_kind kind;
	uint64_t stream;
	bool force;
	unsigned detail;
	usec_t wait;	 /* the operator's bound for PRE, 0 for none */
	bool post_alone; /* everyone is told only after the move */
	int token;	 /* shared/token.h, or -1 */
	char engine[PMIG_NAME_LEN];
};

struct observer;

/* What a session works with; all of it outlives the session. */
struct session_setup {
	sd_event *event;
	const struct config *config;
	struct backend *backend;
	struct audience *audiences[_AUDIENCE_MAX];
	struct journal *journal;
	struct machine *machine; /* what /proc and /sys tell; NULL: they are not asked */
	struct eventlog *log;
	/* If set, it is called with each plan, and no audience is told. */
	void (*observe)(const struct observer *observer, const struct plan *plan);
	const struct observer *observer;
	uint32_t *gen;
};

struct session;

typedef void (*session_done_t)(void *userdata, struct session *s);

#endif /* DRMGRD_SESSION_SETUP_H */
