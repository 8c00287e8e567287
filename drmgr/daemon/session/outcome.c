// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a session ends. A failure is recorded as soon as it is noticed; what the module says is read when the session's
 * stage calls for it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/eventlog.h"
#include "daemon/session/outcome.h"

void session_fail(struct session *s, enum session_outcome outcome, int error, const char *fmt, ...)
{
	char text[sizeof(s->message)];
	va_list ap;

	if (s->outcome != SESSION_OK)
		return; /* the first counts, the rest follows from it */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_copy(s->message, sizeof(s->message), text, sizeof(text));
	s->outcome = outcome;
	s->error = error < 0 ? -error : error;
}

enum session_outcome session_outcome_of(int error)
{
	switch (error) {
	case -EBUSY:
	case -EALREADY:
		return SESSION_BUSY;
	case -ENODEV:
	case -EOPNOTSUPP:
		return SESSION_NO_ENGINE;
	case -EINVAL:
	case -ENOENT:
	case -ESRCH:
		return SESSION_BAD_STREAM;
	default:
		return SESSION_FAILED;
	}
}

/* Why the module gave up, when it was not our doing. */
void session_take_failure(struct session *s)
{
	const struct kernel_state *k = session_kernel(s);

	if (k->state == PMIG_STATE_NONE)
		session_fail(s, SESSION_FAILED, EIO, "the module has lost the session");
	for (size_t i = 0; i < k->nr_refusals; i++)
		if (k->refusals[i].phase == PMIG_PHASE_PRE)
			session_fail(s, SESSION_STOPPED, (int)k->refusals[i].error,
				     "kernel handler %s: %s", k->refusals[i].handler,
				     k->refusals[i].reason);
	session_fail(s,
		     s->stage >= STAGE_MOVING && k->error != ECANCELED ? SESSION_FAILED :
									 SESSION_ABORTED,
		     (int)k->error, "%s", k->reason[0] ? k->reason : errno_text((int)k->error));
}

/* We tried to stop the migration, but it has completed. So everyone is told POST. */
static void forgive(struct session *s)
{
	if (s->outcome == SESSION_OK)
		return;
	eventlog_note(s->setup.log, LOG_WARNING, NULL, NULL,
		      "The partition has moved; it was too late to stop it: %s", s->message);
	s->outcome = SESSION_OK;
	s->error = 0;
	s->message[0] = '\0';
}

/* What differs in /proc and /sys, which the module has no part in. */
static int compare_ours(struct session *s)
{
	int r = machine_compare(s->setup.machine);

	if (r != -ENODATA)
		return r;
	eventlog_note(
		s->setup.log, LOG_WARNING, NULL, NULL,
		"What differs in /proc and /sys is not told: drmgrd was started after the migration "
		"had begun, and what was there before is not known.");
	return 0;
}

/* Without the module it is the identity alone that is told of the kernel's side; drmgr platform has it from here. */
static int keep_identity(struct machine *m, const struct kernel_state *k)
{
	return k->generation ? 0 : rows_append(&m->changed, &k->rows);
}

/* @known: what the module says is of this session. */
static void take_rows(struct session *s, const struct kernel_state *k, bool known)
{
	struct machine *m = s->setup.machine;
	int r = m ? compare_ours(s) : 0;

	rows_done(&s->rows);
	if (known && rows_fold(&k->rows, &s->rows) < 0)
		r = -ENOMEM;
	if (r == 0 && m)
		r = rows_fold(&m->changed, &s->rows);
	if (r == 0 && m && known)
		r = keep_identity(m, k);
	if (r < 0)
		log_error("Of what differs after the move some is not told, for want of memory.");
	rows_shorten(&s->rows, ROWS_TOLD_MAX);
}

void session_take_result(struct session *s)
{
	const struct kernel_state *k = session_kernel(s);
	/* The module may have forgotten our session, and have another one by now. */
	bool known = k->stream == s->request.stream;

	forgive(s);
	take_rows(s, k, known);
	if (!known)
		return;
	s->blackout_us = k->blackout_us;
	s->simulated = strcmp(k->engine, "sim") == 0;
	/* While the memory was copied, somebody else may have written the stream ID, too, and moved the partition. */
	s->foreign = s->foreign || k->flags & PMIG_F_FOREIGN;
}

void session_answer_check(struct session *s)
{
	if (s->nr_stopping && (s->outcome == SESSION_NO_ENGINE || s->outcome == SESSION_FAILED))
		s->outcome = SESSION_OK;
}

void session_log_result(const struct session *s)
{
	const struct eventlog *l = s->setup.log;

	if (s->blackout_us)
		eventlog_note(l, LOG_INFO, NULL, NULL,
			      "The partition stood still for %" PRIu64 " ms.",
			      s->blackout_us / 1000);
	eventlog_rows(l, &s->rows);
}
