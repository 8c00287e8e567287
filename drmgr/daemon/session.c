// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * THE state machine of the daemon. A session stands in a stage; advance() looks at the facts (what the module says,
 * how far the walk along the current plan is, whether something failed) and enters the next stage. Completions,
 * timers and the module's news only note a fact and ask for advance() from the loop: one function changes the
 * stage, and nothing is ever called back from inside itself.
 *
 *	CHECK -> OVER
 *	OPENING -> BEGIN -> COPYING -> PRE -> MOVING -> POST -> ENDING -> OVER
 *	              any of these  \-> CANCELLING -> UNDO -/
 *	ADOPTING -> MOVING or CANCELLING or POST or UNDO: where the module says that it is
 *
 * Who may stop it: until the module is SUSPENDING, any refusal that `stops`; the session then cancels and waits
 * for the module's FAILED. Later there is no way back, and only the module says how it ended.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/session.h"

/* Audiences keep to PRE's deadline themselves; this is for one that does not. */
#define PRE_GRACE (3 * USEC_PER_SEC)

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
	struct walk walk;
	bool resumed_told;
	bool foreign;

	sd_event_source *advance;
	sd_event_source *pre_timer;

	/* the command that the module has not answered */
	bool command_pending;
	int command_error;
	char command_text[PMIG_REASON_LEN];

	bool in_module; /* the module has accepted it: its states are ours */

	/* the first thing that went wrong */
	enum session_outcome outcome;
	int error;
	char message[512];

	struct refusal *refusals;
	size_t nr_refusals;
	struct wire_change *changes;
	size_t nr_changes;
	uint64_t blackout_us;

	enum journal_outcome known; /* an adopted session that the module has forgotten */
};

static void kick(struct session *s)
{
	sd_event_source_set_enabled(s->advance, SD_EVENT_ONESHOT);
}

_printf_(4, 5) static void fail(struct session *s, enum session_outcome outcome, int error,
				const char *fmt, ...)
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

static enum session_outcome outcome_of(int error)
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

/* ---- the module's side ---- */

static const struct kernel_state *kernel(const struct session *s)
{
	return &s->setup.backend->state;
}

static bool kernel_is(const struct session *s, enum pmig_state from, enum pmig_state to)
{
	return s->in_module && kernel(s)->state >= from && kernel(s)->state <= to;
}

/* The stream is being given up, or is gone. */
static bool kernel_fails(const struct session *s)
{
	return kernel_is(s, PMIG_STATE_CANCELLING, PMIG_STATE_FAILED) ||
	       kernel_is(s, PMIG_STATE_NONE, PMIG_STATE_NONE);
}

static void on_command(void *userdata, int error, const char *text)
{
	struct session *s = userdata;

	s->command_pending = false;
	s->command_error = error;
	text_copy(s->command_text, sizeof(s->command_text),
		  text[0] || error == 0 ? text : errno_text(error), SIZE_MAX);
	kick(s);
}

static void command(struct session *s, enum pmig_cmd cmd)
{
	struct backend_args args = {
		.stream = s->request.stream,
		.flags = s->request.force ? PMIG_F_FORCE : 0,
		.error = s->error ? (uint32_t)s->error : ECANCELED,
		.engine = s->request.engine[0] ? s->request.engine : NULL,
	};
	int r;

	s->command_pending = true;
	s->command_error = 0;
	r = backend_command(s->setup.backend, cmd, &args, on_command, s);
	if (r < 0)
		on_command(s, r, "");
}

static void on_state(void *userdata, _unused_ const struct kernel_state *state)
{
	kick(userdata);
}

static void take_result(struct session *s)
{
	const struct kernel_state *k = kernel(s);

	free(s->changes);
	s->nr_changes = 0;
	s->changes = k->nr_changes ? reallocarray(NULL, k->nr_changes, sizeof(*s->changes)) : NULL;
	if (s->changes) {
		memcpy(s->changes, k->changes, k->nr_changes * sizeof(*s->changes));
		s->nr_changes = k->nr_changes;
	}
	s->blackout_us = k->blackout_us;
}

/* Why the module gave up, when it was not our doing. */
static void take_failure(struct session *s)
{
	const struct kernel_state *k = kernel(s);

	if (k->state == PMIG_STATE_NONE)
		fail(s, SESSION_FAILED, EIO, "the module has lost the session");
	for (size_t i = 0; i < k->nr_refusals; i++)
		if (k->refusals[i].phase == PMIG_PHASE_PRE)
			fail(s, SESSION_STOPPED, (int)k->refusals[i].error, "kernel handler %s: %s",
			     k->refusals[i].handler, k->refusals[i].reason);
	fail(s,
	     s->stage >= STAGE_MOVING && k->error != ECANCELED ? SESSION_FAILED : SESSION_ABORTED,
	     (int)k->error, "%s", k->reason[0] ? k->reason : errno_text((int)k->error));
}

/* ---- what audiences ask of us ---- */

static void host_done(struct audience *a)
{
	struct session *s = a->session;

	walk_done(&s->walk, a);
	kick(s);
}

static void host_refuse(struct audience *a, const struct refusal *refusal)
{
	struct session *s = a->session;
	struct refusal *v = reallocarray(s->refusals, s->nr_refusals + 1, sizeof(*v));

	if (v) {
		s->refusals = v;
		v[s->nr_refusals++] = *refusal;
	} else
		log_oom();
	if (refusal->stops && s->stage != STAGE_CHECK) {
		fail(s, SESSION_STOPPED, refusal->error, "%s %s: %s", refusal->audience,
		     refusal->name, refusal->reason);
		kick(s);
	}
}

static void host_fail(struct audience *a, int error, const char *text)
{
	struct session *s = a->session;

	fail(s, s->stage == STAGE_CHECK ? outcome_of(error) : SESSION_FAILED, error, "%s", text);
	kick(s);
}

static int host_tell(struct audience *a, enum dr_phase phase, uint32_t gen, const char *name,
		     bool child)
{
	struct session *s = a->session;
	pid_t pid = child ? getpid() : 0;
	uint64_t start = 0;

	if (child && process_start_time(pid, &start) < 0)
		pid = 0;
	return journal_tell(s->setup.journal, a->ops->name, phase, gen, pid, start, name);
}

static void host_over(struct audience *a, const char *name)
{
	struct session *s = a->session;

	if (journal_over(s->setup.journal, a->ops->name, name) < 0)
		log_warning(
			"The journal can't be written; a daemon after this one might tell %s again.",
			name);
}

static const struct audience_host_ops host_ops = {
	.done = host_done,
	.refuse = host_refuse,
	.fail = host_fail,
	.tell = host_tell,
	.over = host_over,
};

/* ---- stages ---- */

static void walk(struct session *s, const struct plan *plan)
{
	struct notice notice = {
		.stream = s->request.stream,
		.gen = ++*s->setup.gen,
		.force = s->request.force,
		.foreign = s->foreign,
		.detail = s->request.detail,
		.blackout_us = s->blackout_us,
		.changes = s->changes,
		.nr_changes = s->nr_changes,
		.engine = s->request.engine[0] ? s->request.engine : NULL,
	};
	usec_t timeout = s->setup.config->pre_timeout;

	if (plan == &plan_pre) {
		if (s->request.wait)
			timeout = usec_min(timeout, s->request.wait);
		notice.deadline = now_usec() + timeout;
		sd_event_source_set_time(s->pre_timer, notice.deadline + PRE_GRACE);
		sd_event_source_set_enabled(s->pre_timer, SD_EVENT_ONESHOT);
	}
	s->setup.log->phase = dr_phase_text(plan->phase);
	walk_start(&s->walk, plan, &notice);
}

static int on_pre_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct session *s = userdata;

	if (s->stage != STAGE_PRE)
		return 0;
	if (!s->request.force)
		fail(s, SESSION_STOPPED, ETIMEDOUT, "PRE did not end within its time");
	kick(s);
	return 0;
}

static void open_journal(struct session *s)
{
	struct journal_session j = {
		.stream = s->request.stream,
		.flags = (s->request.force ? PMIG_F_FORCE : 0) | (s->foreign ? PMIG_F_FOREIGN : 0),
	};
	int r;

	snprintf(j.engine, sizeof(j.engine), "%s", s->request.engine);
	session_identity(j.identity, sizeof(j.identity));
	session_boot_id(j.boot_id, sizeof(j.boot_id));
	r = journal_open_session(s->setup.journal, &j);
	if (r < 0 && !s->foreign)
		fail(s, SESSION_FAILED, r, "the journal in /run/drmgr can't be written: %s",
		     errno_text(r));
}

static void log_result(struct session *s)
{
	const struct eventlog *l = s->setup.log;

	if (s->blackout_us)
		eventlog_note(l, LOG_INFO, NULL, NULL,
			      "The partition stood still for %" PRIu64 " ms.",
			      s->blackout_us / 1000);
	for (size_t i = 0; i < s->nr_changes; i++) {
		const struct wire_change *c = &s->changes[i];

		eventlog_note(l, c->flags & PMIG_CHANGE_F_UNEXPECTED ? LOG_WARNING : LOG_INFO,
			      "kernel", c->name, "%s: was \"%s\", is \"%s\"%s%s", c->name,
			      c->old_value, c->new_value,
			      c->flags & PMIG_CHANGE_F_STALE ?
				      "; the kernel still has the old value" :
				      "",
			      c->flags & PMIG_CHANGE_F_UNEXPECTED ?
				      "; a migration should not have changed this" :
				      "");
	}
}

static void enter(struct session *s, enum stage stage)
{
	const struct eventlog *l = s->setup.log;

	s->stage = stage;
	s->since = now_usec();
	switch (stage) {
	case STAGE_CHECK:
		walk(s, &plan_check);
		break;
	case STAGE_OPENING:
		eventlog_event(l, EVENT_START);
		eventlog_event(l, EVENT_BEGIN);
		open_journal(s);
		if (s->outcome == SESSION_OK)
			command(s, PMIG_CMD_BEGIN);
		break;
	case STAGE_ADOPTING:
		command(s, PMIG_CMD_ADOPT);
		break;
	case STAGE_BEGIN:
		walk(s, &plan_begin);
		break;
	case STAGE_PRE:
		walk(s, &plan_pre);
		break;
	case STAGE_MOVING:
		s->setup.log->phase = "kernel";
		eventlog_event(l, EVENT_KERNEL);
		eventlog_event(l, EVENT_KERNEL_KERNEL);
		if (kernel_is(s, PMIG_STATE_QUIESCE, PMIG_STATE_READY))
			command(s, PMIG_CMD_SUSPEND);
		break;
	case STAGE_POST:
		take_result(s);
		if (s->foreign)
			open_journal(s);
		journal_outcome(s->setup.journal, OUTCOME_COMPLETED);
		walk(s, &plan_post);
		break;
	case STAGE_CANCELLING:
		if (s->outcome == SESSION_OK)
			take_failure(s);
		eventlog_note(l, LOG_ERR, NULL, NULL, "The migration does not go on: %s",
			      s->message);
		if (kernel_is(s, PMIG_STATE_ENABLED, PMIG_STATE_READY))
			command(s, PMIG_CMD_CANCEL);
		break;
	case STAGE_UNDO:
		journal_outcome(s->setup.journal, OUTCOME_FAILED);
		walk(s, &plan_undo);
		break;
	case STAGE_ENDING:
		log_result(s);
		if (kernel_is(s, PMIG_STATE_COMPLETED, PMIG_STATE_COMPLETED) ||
		    kernel_is(s, PMIG_STATE_FAILED, PMIG_STATE_FAILED) ||
		    kernel_is(s, PMIG_STATE_CHECKED, PMIG_STATE_CHECKED))
			command(s, PMIG_CMD_END);
		break;
	case STAGE_OVER:
		if (s->request.kind != SESSION_CHECK) {
			journal_close_session(s->setup.journal);
			eventlog_event(l, EVENT_END);
		}
		s->setup.log->phase = NULL;
		s->setup.log->stream = 0;
		s->done(s->userdata, s);
		break;
	case STAGE_NEW:
	case STAGE_COPYING:
		break;
	}
}

/* ADOPT has been answered; the module says where it stands, else the journal. */
static enum stage adopted_stage(struct session *s)
{
	if (s->command_error == 0)
		s->in_module = true;
	else if (s->foreign)
		return STAGE_OVER; /* somebody else's daemon has it */
	if (!s->in_module || kernel_is(s, PMIG_STATE_NONE, PMIG_STATE_NONE)) {
		s->in_module = false;
		if (s->known == OUTCOME_COMPLETED)
			return STAGE_POST;
		fail(s, SESSION_FAILED, EOWNERDEAD,
		     "the daemon was restarted and the module has no session");
		return STAGE_UNDO;
	}
	if (kernel_is(s, PMIG_STATE_CHECK, PMIG_STATE_CHECK))
		return STAGE_ADOPTING; /* until it has been answered */
	if (kernel_is(s, PMIG_STATE_CHECKED, PMIG_STATE_CHECKED))
		return STAGE_ENDING;
	if (kernel_is(s, PMIG_STATE_ENABLED, PMIG_STATE_READY))
		fail(s, SESSION_STOPPED, EOWNERDEAD,
		     "the daemon was restarted before the partition was suspended");
	if (kernel_is(s, PMIG_STATE_SUSPENDING, PMIG_STATE_COMPLETED))
		return STAGE_MOVING;
	return STAGE_CANCELLING;
}

/* The stage that the facts call for. */
static enum stage next_stage(struct session *s)
{
	bool failed = s->outcome != SESSION_OK;

	switch (s->stage) {
	case STAGE_NEW:
		return s->request.kind == SESSION_CHECK	  ? STAGE_CHECK :
		       s->request.kind == SESSION_MIGRATE ? STAGE_OPENING :
							    STAGE_ADOPTING;
	case STAGE_CHECK:
		return walk_over(&s->walk) ? STAGE_OVER : STAGE_CHECK;
	case STAGE_OPENING:
		if (s->command_pending)
			return STAGE_OPENING;
		if (s->command_error < 0)
			fail(s, outcome_of(s->command_error), s->command_error, "%s",
			     s->command_text);
		s->in_module = s->outcome == SESSION_OK;
		return s->in_module ? STAGE_BEGIN : STAGE_ENDING;
	case STAGE_ADOPTING:
		return s->command_pending ? STAGE_ADOPTING : adopted_stage(s);
	case STAGE_BEGIN:
	case STAGE_COPYING:
	case STAGE_PRE:
		if (failed || kernel_fails(s)) {
			walk_stop(&s->walk);
			return walk_over(&s->walk) ? STAGE_CANCELLING : s->stage;
		}
		if (!walk_over(&s->walk))
			return s->stage;
		if (s->stage == STAGE_BEGIN)
			return STAGE_COPYING;
		if (kernel_is(s, PMIG_STATE_SUSPENDING, PMIG_STATE_COMPLETED))
			return STAGE_MOVING; /* somebody wrote to sysfs meanwhile */
		if (s->stage == STAGE_COPYING)
			return kernel_is(s, PMIG_STATE_QUIESCE, PMIG_STATE_READY) ? STAGE_PRE :
										    STAGE_COPYING;
		return kernel_is(s, PMIG_STATE_READY, PMIG_STATE_READY) ? STAGE_MOVING : STAGE_PRE;
	case STAGE_MOVING:
		if (kernel_is(s, PMIG_STATE_COMPLETED, PMIG_STATE_COMPLETED))
			return walk_over(&s->walk) ? STAGE_POST : STAGE_MOVING;
		if (!s->command_pending && s->command_error < 0 &&
		    kernel_is(s, PMIG_STATE_ENABLED, PMIG_STATE_READY))
			fail(s, SESSION_FAILED, s->command_error, "%s", s->command_text);
		return failed || s->outcome != SESSION_OK || kernel_fails(s) ? STAGE_CANCELLING :
									       STAGE_MOVING;
	case STAGE_CANCELLING:
		if (kernel_is(s, PMIG_STATE_COMPLETED, PMIG_STATE_COMPLETED))
			return STAGE_POST; /* too late to cancel */
		return kernel_is(s, PMIG_STATE_FAILED, PMIG_STATE_FAILED) ||
				       kernel_is(s, PMIG_STATE_NONE, PMIG_STATE_NONE) ?
			       STAGE_UNDO :
			       STAGE_CANCELLING;
	case STAGE_POST:
	case STAGE_UNDO:
		return walk_over(&s->walk) ? STAGE_ENDING : s->stage;
	case STAGE_ENDING:
		return s->command_pending ? STAGE_ENDING : STAGE_OVER;
	case STAGE_OVER:
		break;
	}
	return STAGE_OVER;
}

static int on_advance(_unused_ sd_event_source *source, void *userdata)
{
	struct session *s = userdata;

	while (s->stage != STAGE_OVER) {
		enum stage next;

		walk_on(&s->walk);
		next = next_stage(s);
		if (next == s->stage)
			break;
		enter(s, next);
		if (next == STAGE_OVER)
			return 0; /* @s may be gone */
	}
	if (s->stage == STAGE_MOVING && !s->resumed_told && walk_over(&s->walk) &&
	    kernel_is(s, PMIG_STATE_RESUMED, PMIG_STATE_RESUMED)) {
		s->resumed_told = true;
		walk(s, &plan_resumed);
	}
	return 0;
}

/* ---- beginning and end ---- */

DEFINE_CLEANUP(struct session *, session_free)

static int prepare(struct session **ret, const struct session_setup *setup, session_done_t done,
		   void *userdata)
{
	_cleanup_(session_freep) struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return log_oom();
	s->setup = *setup;
	s->done = done;
	s->userdata = userdata;
	s->since = now_usec();
	s->walk.audiences = s->setup.audiences;
	s->walk.log = setup->log;
	r = sd_event_add_defer(setup->event, &s->advance, on_advance, s);
	if (r >= 0)
		r = sd_event_add_time(setup->event, &s->pre_timer, CLOCK_BOOTTIME, UINT64_MAX,
				      USEC_ACCURACY, on_pre_timer, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->pre_timer, SD_EVENT_OFF);
	if (r >= 0)
		r = backend_listen(setup->backend, on_state, s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < _AUDIENCE_MAX; i++) {
		told_clear(&setup->audiences[i]->told);
		setup->audiences[i]->host = &host_ops;
		setup->audiences[i]->session = s;
	}
	*ret = TAKE_PTR(s);
	return 0;
}

int session_new(struct session **ret, const struct session_setup *setup,
		const struct session_request *request, session_done_t done, void *userdata)
{
	struct session *s;
	int r = prepare(&s, setup, done, userdata);

	if (r < 0)
		return r;
	s->request = *request;
	s->foreign = request->kind == SESSION_FOREIGN;
	setup->log->stream = request->stream;
	*ret = s;
	return 0;
}

int session_adopt(struct session **ret, const struct session_setup *setup, struct replay *replay,
		  session_done_t done, void *userdata)
{
	char identity[sizeof(replay->session.identity)];
	struct session *s;
	int r = prepare(&s, setup, done, userdata);

	if (r < 0)
		return r;
	s->request = (struct session_request){
		.kind = SESSION_ADOPTED,
		.stream = replay->session.stream,
		.force = replay->session.flags & PMIG_F_FORCE,
	};
	snprintf(s->request.engine, sizeof(s->request.engine), "%s", replay->session.engine);
	s->foreign = replay->session.flags & PMIG_F_FOREIGN;
	s->known = replay->outcome;
	/* Nobody says how it ended? The machine itself does: it has a serial number. */
	session_identity(identity, sizeof(identity));
	if (s->known == OUTCOME_UNKNOWN && replay->session.identity[0] &&
	    strcmp(identity, replay->session.identity))
		s->known = OUTCOME_COMPLETED;
	for (size_t i = 0; i < _AUDIENCE_MAX; i++)
		for (size_t k = 0; k < REPLAY_AUDIENCES_MAX; k++)
			if (strcmp(setup->audiences[i]->ops->name, replay->audiences[k].name) ==
			    0) {
				setup->audiences[i]->told = replay->audiences[k].told;
				replay->audiences[k].told = (struct told){ 0 };
			}
	setup->log->stream = s->request.stream;
	r = journal_continue(setup->journal);
	if (r < 0)
		log_warning("The journal can't be continued: %s.", errno_text(r));
	*ret = s;
	return 0;
}

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	if (s->setup.backend) {
		s->setup.backend->ops->forget(s->setup.backend, s);
		backend_unlisten(s->setup.backend, s);
	}
	for (size_t i = 0; i < _AUDIENCE_MAX; i++)
		if (s->setup.audiences[i]->session == s) {
			s->setup.audiences[i]->session = NULL;
			s->setup.audiences[i]->host = NULL;
			told_clear(&s->setup.audiences[i]->told);
		}
	sd_event_source_disable_unref(s->advance);
	sd_event_source_disable_unref(s->pre_timer);
	free(s->refusals);
	free(s->changes);
	free(s);
	return NULL;
}

void session_result(const struct session *s, struct session_result *ret)
{
	*ret = (struct session_result){
		.outcome = s->outcome,
		.message = s->message,
		.refusals = s->refusals,
		.nr_refusals = s->nr_refusals,
		.changes = s->changes,
		.nr_changes = s->nr_changes,
		.blackout_us = s->blackout_us,
	};
}

uint64_t session_stream(const struct session *s)
{
	return s->request.stream;
}

enum session_kind session_kind(const struct session *s)
{
	return s->request.kind;
}

usec_t session_since(const struct session *s)
{
	return s->since;
}

const char *session_phase(const struct session *s)
{
	static const char *const names[] = {
		[STAGE_NEW] = "new",	     [STAGE_CHECK] = "check",
		[STAGE_OPENING] = "begin",   [STAGE_ADOPTING] = "adopting",
		[STAGE_BEGIN] = "begin",     [STAGE_COPYING] = "copying",
		[STAGE_PRE] = "pre",	     [STAGE_MOVING] = "kernel",
		[STAGE_POST] = "post",	     [STAGE_CANCELLING] = "cancel",
		[STAGE_UNDO] = "post-error", [STAGE_ENDING] = "ending",
		[STAGE_OVER] = "over",
	};

	return names[s->stage];
}
