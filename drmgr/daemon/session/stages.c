// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * THE state machine of the daemon. A session is in a stage; session_on_advance() looks at the facts (what the module
 * says, how far the walk along the current plan is, whether something failed) and enters the next stage. Completions,
 * timers and the module's events only record a fact and have the loop call session_on_advance(): one function changes
 * the stage, and no callback is ever called from inside itself.
 *
 *	CHECK -> OVER
 *	OPENING -> BEGIN -> COPYING -> PRE -> MOVING -> POST -> ENDING -> OVER
 *	              any of these  \-> CANCELLING -> UNDO -/
 *	ADOPTING -> MOVING or CANCELLING or POST or UNDO: where the module says that it is
 *
 * Until the module is SUSPENDING, any refusal that `stops` stops the migration: the session cancels it and waits for the
 * module's FAILED. The end of the daemon does the same until the memory has been copied. After that there is no way
 * back, and only the module says how it ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/platform/identity.h"
#include "daemon/session/outcome.h"
#include "daemon/session/stages.h"
#include "shared/token.h"

/* Audiences observe PRE's deadline themselves; this is for one that does not. */
#define PRE_GRACE    (3 * USEC_PER_SEC)
#define CANCEL_AGAIN (1 * USEC_PER_SEC)
#define ADOPT_AGAIN  (1 * USEC_PER_SEC)
/* A child of the last daemon holds its socket until it runs the program that it was made for. */
#define OWNER_USEC (30 * USEC_PER_SEC)

/* ---- the module's side ---- */

static bool kernel_is(const struct session *s, enum pmig_state from, enum pmig_state to)
{
	return s->in_module && session_kernel(s)->state >= from && session_kernel(s)->state <= to;
}

/* PRE came at once, and our write waits while the memory is copied: the module can still cancel. */
static bool ours_waits(const struct session *s)
{
	return kernel_is(s, PMIG_STATE_SUSPENDING, PMIG_STATE_SUSPENDING) &&
	       session_kernel(s)->vasi == PMIG_VASI_ENABLED &&
	       !(session_kernel(s)->flags & PMIG_F_FOREIGN);
}

/* Somebody else wrote the stream before our END arrived, and we are told how that ends. */
static bool ours_moves(const struct session *s)
{
	return session_kernel(s)->owner && kernel_is(s, PMIG_STATE_SUSPENDING, PMIG_STATE_POST);
}

/* The stream is being given up, or is gone. */
static bool kernel_fails(const struct session *s)
{
	return kernel_is(s, PMIG_STATE_CANCELLING, PMIG_STATE_FAILED) ||
	       kernel_is(s, PMIG_STATE_NONE, PMIG_STATE_NONE);
}

static void set_timer(struct session *s, usec_t when)
{
	sd_event_source_set_time(s->timer, when);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

/*
 * Either another stream is in the module's slot, and ours waits until the slot is free. Or the last daemon is still the
 * owner; then nobody may be told an end yet, because it is not known.
 */
static bool adopts_later(const struct session *s)
{
	if (s->stage != STAGE_ADOPTING || s->command_pending)
		return false;
	if (s->command_error == -EBUSY && s->request.kind == SESSION_ADOPTED)
		return now_usec() < s->since + OWNER_USEC;
	return s->command_error == -EAGAIN;
}

static void on_command(void *userdata, int error, const char *text)
{
	struct session *s = userdata;

	s->command_pending = false;
	s->command_error = error;
	text_copy(s->command_text, sizeof(s->command_text),
		  text[0] || error == 0 ? text : errno_text(error), SIZE_MAX);
	/* The change of state may have come before this answer, so waiting for one is not enough. */
	if (adopts_later(s))
		set_timer(s, now_usec() + ADOPT_AGAIN);
	session_kick(s);
}

static usec_t pre_timeout(const struct session *s)
{
	usec_t most = s->setup.config->pre_timeout;

	return s->request.wait ? usec_min(most, s->request.wait) : most;
}

/*
 * The module gives the migration up if we have not suspended by then. This is always later than our own deadline.
 */
static uint32_t module_pre_ms(const struct session *s)
{
	return (uint32_t)((pre_timeout(s) + 2 * PRE_GRACE) / USEC_PER_MSEC);
}

static void command(struct session *s, enum pmig_cmd cmd)
{
	struct backend_args args = {
		.stream = s->request.stream,
		.flags = (s->request.force ? PMIG_F_FORCE : 0) |
			 (s->setup.config->quiesce_now ? PMIG_F_QUIESCE_NOW : 0),
		.error = s->error ? (uint32_t)s->error : ECANCELED,
		.pre_ms = module_pre_ms(s),
		.engine = s->request.engine[0] ? s->request.engine : NULL,
	};
	int r;

	s->command_pending = true;
	s->command_error = 0;
	r = backend_command(s->setup.backend, cmd, &args, on_command, s);
	if (r < 0)
		on_command(s, r, "");
}

static void go_on_adopting(struct session *s)
{
	if (adopts_later(s))
		command(s, PMIG_CMD_ADOPT);
	session_kick(s);
}

void session_on_state(void *userdata, _unused_ const struct kernel_state *state)
{
	go_on_adopting(userdata);
}

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
		.rows = &s->rows,
		.engine = s->request.engine[0] ? s->request.engine : NULL,
	};

	if (s->setup.observe) {
		s->setup.observe(s->setup.observer, plan);
		return;
	}
	if (plan == &plan_pre) {
		notice.deadline = (s->wanted ? s->wanted : now_usec()) + pre_timeout(s);
		set_timer(s, notice.deadline + PRE_GRACE);
	}
	s->setup.log->phase = dr_phase_text(plan->phase);
	walk_start(&s->walk, plan, &notice);
}

/*
 * Hooks have minutes for BEGIN while the memory is copied. If it is time for PRE before they are done, they get half of
 * PRE's time, and everyone else who is told before the suspension gets the rest. Without the module the platform waits
 * for nobody, because the stream ID is written only after PRE.
 */
static void limit_begin(struct session *s)
{
	if (s->wanted || s->setup.backend->ops->engine ||
	    !kernel_is(s, PMIG_STATE_QUIESCE, PMIG_STATE_READY))
		return;
	s->wanted = now_usec();
	set_timer(s, s->wanted + pre_timeout(s) / 2);
}

/* The hook that is running is stopped and, like those before it, is told the end; the others are told nothing. */
static void end_begin(struct session *s)
{
	eventlog_note(
		s->setup.log, LOG_WARNING, NULL, NULL,
		"The platform waits for the partition: hooks that are not ready yet are stopped.");
	walk_stop(&s->walk);
}

/* The command is repeated until the module has taken it: nothing else makes the session FAILED. */
static void cancel(struct session *s)
{
	if (!kernel_is(s, PMIG_STATE_ENABLED, PMIG_STATE_READY) && !ours_waits(s))
		return;
	if (!s->command_pending)
		command(s, PMIG_CMD_CANCEL);
	set_timer(s, now_usec() + CANCEL_AGAIN);
}

/* An audience has missed PRE's deadline. With force that stops the migration only if it is the drivers. */
static void end_pre(struct session *s)
{
	if (s->request.force && walk_skip(&s->walk))
		set_timer(s, now_usec() + PRE_GRACE);
	else
		session_fail(s, SESSION_STOPPED, ETIMEDOUT, "PRE did not end within its time");
	session_kick(s);
}

int session_on_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct session *s = userdata;

	if (s->stage == STAGE_ADOPTING)
		go_on_adopting(s);
	if (s->stage == STAGE_CANCELLING)
		cancel(s);
	if (s->stage == STAGE_BEGIN && s->wanted)
		end_begin(s);
	if (s->stage == STAGE_PRE)
		end_pre(s);
	return 0;
}

static void open_journal(struct session *s)
{
	struct journal_session j = {
		.stream = s->request.stream,
		.flags = (s->request.force ? PMIG_F_FORCE : 0) | (s->foreign ? PMIG_F_FOREIGN : 0),
	};
	int r;

	if (s->setup.observe)
		return; /* nobody is told, so there is nothing to write down */
	/* The next daemon has to know which back end was in use. */
	snprintf(j.engine, sizeof(j.engine), "%s",
		 s->setup.backend->ops->engine ? s->setup.backend->ops->engine : s->request.engine);
	identity_serial(j.identity, sizeof(j.identity));
	boot_id(j.boot_id, sizeof(j.boot_id));
	r = journal_open_session(s->setup.journal, &j);
	if (r < 0 && !s->foreign)
		session_fail(s, SESSION_FAILED, r, "the journal in /run/drmgr can't be written: %s",
			     errno_text(r));
}

/*
 * While drivers are quiet, perhaps that of the disk, none of our pages can be read from the disk, and none of our calls
 * may wait for somebody else's page to be written to it.
 */
static void lock_memory(bool on)
{
	set_io_flusher(on);
	if ((on ? mlockall(MCL_CURRENT | MCL_FUTURE) : munlockall()) < 0)
		log_warning("The daemon's memory can't be %slocked: %s. Migrations go on.",
			    on ? "" : "un", errno_text(errno));
}

/* drmgr has gone on without the daemon: the module sees somebody else's migration, which the daemon adopts later. */
static void lose_token(struct session *s)
{
	log_warning("drmgr stopped waiting for drmgrd, and has the partition moved without it.");
	session_fail(s, SESSION_ABORTED, ECANCELED, "drmgr goes on without drmgrd");
}

static void begin(struct session *s)
{
	if (token_is_taken(s->request.token))
		lose_token(s);
	else
		open_journal(s);
	if (s->outcome == SESSION_OK)
		command(s, PMIG_CMD_BEGIN);
}

/* The journal is closed last: if the daemon is killed before that, the next one still has to say how it ended. */
static void finish(struct session *s)
{
	bool is_check = s->request.kind == SESSION_CHECK, left = s->left;
	struct journal *journal = s->setup.journal;
	const struct machine *machine = s->setup.machine;

	if (is_check)
		session_answer_check(s);
	else {
		lock_memory(false);
		if (!left)
			eventlog_event(s->setup.log, EVENT_END);
	}
	s->setup.log->phase = NULL;
	s->setup.log->stream = 0;
	s->done(s->userdata, s); /* @s may be gone */
	if (is_check || left)
		return;
	if (machine)
		machine_keep(machine);
	journal_close_session(journal);
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
		if (s->setup.machine)
			machine_look(s->setup.machine);
		lock_memory(true);
		eventlog_event(l, EVENT_START);
		eventlog_event(l, EVENT_BEGIN);
		begin(s);
		break;
	case STAGE_ADOPTING:
		lock_memory(true);
		if (s->request.kind == SESSION_FOREIGN)
			eventlog_event(l, EVENT_START);
		command(s, PMIG_CMD_ADOPT);
		break;
	case STAGE_BEGIN:
		if (!s->request.post_alone)
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
		session_take_result(s);
		if (s->request.kind == SESSION_FOREIGN)
			open_journal(s);
		journal_outcome(s->setup.journal, OUTCOME_COMPLETED);
		walk(s, &plan_post);
		break;
	case STAGE_CANCELLING:
		session_take_failure(s);
		eventlog_note(l, LOG_ERR, NULL, NULL, "The migration does not go on: %s",
			      s->message);
		cancel(s);
		break;
	case STAGE_UNDO:
		journal_outcome(s->setup.journal, OUTCOME_FAILED);
		walk(s, &plan_undo);
		break;
	case STAGE_ENDING:
		session_log_result(s);
		/* If we are late, the module may have another session by now; it knows which one is ours. */
		if (s->in_module && session_kernel(s)->state != PMIG_STATE_NONE)
			command(s, PMIG_CMD_END);
		break;
	case STAGE_OVER:
		finish(s);
		break;
	case STAGE_NEW:
	case STAGE_COPYING:
		break;
	}
}

/* The module may not hand the session over for a long time. The daemon has to end, and the next one asks again. */
static enum stage leave(struct session *s)
{
	session_fail(s, SESSION_BUSY, ESHUTDOWN,
		     "drmgrd was told to end, and how the migration ended is not known yet: the "
		     "next drmgrd tells everyone");
	eventlog_note(s->setup.log, LOG_WARNING, NULL, NULL, "%s", s->message);
	s->left = true;
	return STAGE_OVER;
}

/* ADOPT has been answered: the module says where the session stands, or the journal, if the module has none. */
static enum stage adopted_stage(struct session *s)
{
	if (s->command_error == 0)
		s->in_module = true;
	else if (s->request.kind == SESSION_FOREIGN) {
		session_fail(s, SESSION_BUSY, s->command_error,
			     "the module does not hand the migration over: %s", s->command_text);
		return STAGE_OVER; /* another daemon has it, and nobody here knows how it ends */
	}
	if (!s->in_module || kernel_is(s, PMIG_STATE_NONE, PMIG_STATE_NONE)) {
		s->in_module = false;
		if (s->known == OUTCOME_COMPLETED)
			return STAGE_POST;
		session_fail(s, SESSION_FAILED, EOWNERDEAD,
			     "the daemon was restarted and the module has no session");
		return STAGE_UNDO;
	}
	if (kernel_is(s, PMIG_STATE_ENABLED, PMIG_STATE_READY))
		session_fail(s, SESSION_STOPPED, EOWNERDEAD,
			     "the daemon was restarted before the partition was suspended");
	/* The earlier daemon has told RESUMED already, or POST follows: it is not told again. */
	s->resumed_told = kernel_is(s, PMIG_STATE_RESUMED, PMIG_STATE_RESUMED) &&
			  s->request.kind == SESSION_ADOPTED;
	if (kernel_is(s, PMIG_STATE_SUSPENDING, PMIG_STATE_COMPLETED))
		return STAGE_MOVING;
	return STAGE_CANCELLING;
}

/* From here on everyone is told, unless drmgr has stopped waiting: then it is not our migration. */
static enum stage first_telling(struct session *s)
{
	if (token_take(s->request.token))
		return STAGE_BEGIN;
	lose_token(s);
	return STAGE_ENDING;
}

/* The module ends its part by its own deadlines, and has room for a migration then. */
static void drop_check(struct session *s)
{
	session_fail(s, SESSION_BUSY, ECANCELED, "the check was dropped: a migration is to begin");
	eventlog_note(
		s->setup.log, LOG_WARNING, NULL, NULL,
		"The check is dropped: a migration is to begin, or nobody waits for it any more.");
	walk_end(&s->walk);
	walk_skip(&s->walk);
}

/* From BEGIN, COPYING and PRE. */
static enum stage before_the_move(struct session *s)
{
	bool failed = s->outcome != SESSION_OK;

	if (failed || kernel_fails(s)) {
		/* The reason comes first: audiences that are stopped because of it fail, too. */
		if (!failed)
			session_take_failure(s);
		walk_stop(&s->walk);
		return walk_over(&s->walk) ? STAGE_CANCELLING : s->stage;
	}
	if (!walk_over(&s->walk))
		return s->stage;
	if (s->stage == STAGE_BEGIN)
		return STAGE_COPYING;
	if (kernel_is(s, PMIG_STATE_SUSPENDING, PMIG_STATE_COMPLETED))
		return STAGE_MOVING; /* somebody wrote to sysfs meanwhile */
	if (s->stage == STAGE_COPYING && !kernel_is(s, PMIG_STATE_QUIESCE, PMIG_STATE_READY))
		return STAGE_COPYING;
	if (s->stage == STAGE_COPYING)
		return s->request.post_alone ? STAGE_MOVING : STAGE_PRE;
	return kernel_is(s, PMIG_STATE_READY, PMIG_STATE_READY) ? STAGE_MOVING : STAGE_PRE;
}

static enum stage while_it_moves(struct session *s)
{
	if (kernel_is(s, PMIG_STATE_COMPLETED, PMIG_STATE_COMPLETED))
		return walk_over(&s->walk) ? STAGE_POST : STAGE_MOVING;
	if (!s->command_pending && s->command_error < 0 &&
	    kernel_is(s, PMIG_STATE_ENABLED, PMIG_STATE_READY))
		session_fail(s, SESSION_FAILED, s->command_error, "%s", s->command_text);
	return s->outcome != SESSION_OK || kernel_fails(s) ? STAGE_CANCELLING : STAGE_MOVING;
}

/* The stage that the facts call for. */
static enum stage next_stage(struct session *s)
{
	if (s->stop && (s->stage == STAGE_BEGIN || s->stage == STAGE_COPYING ||
			s->stage == STAGE_PRE || (s->stage == STAGE_MOVING && ours_waits(s))))
		session_fail(s, SESSION_STOPPED, ESHUTDOWN, "drmgrd was told to end");
	switch (s->stage) {
	case STAGE_NEW:
		return s->request.kind == SESSION_CHECK	  ? STAGE_CHECK :
		       s->request.kind == SESSION_MIGRATE ? STAGE_OPENING :
							    STAGE_ADOPTING;
	case STAGE_CHECK:
		/* once, also where something has failed that keeps nobody else from being asked */
		if (s->stop && !s->walk.stopped)
			drop_check(s);
		return walk_over(&s->walk) ? STAGE_OVER : STAGE_CHECK;
	case STAGE_OPENING:
		if (s->command_pending)
			return STAGE_OPENING;
		if (s->command_error < 0)
			session_fail(s, session_outcome_of(s->command_error), s->command_error,
				     "%s", s->command_text);
		s->in_module = s->outcome == SESSION_OK;
		return s->in_module ? first_telling(s) : STAGE_ENDING;
	case STAGE_ADOPTING:
		if (!s->command_pending && !adopts_later(s))
			return adopted_stage(s);
		return s->stop && !s->command_pending ? leave(s) : STAGE_ADOPTING;
	case STAGE_BEGIN:
	case STAGE_COPYING:
	case STAGE_PRE:
		return before_the_move(s);
	case STAGE_MOVING:
		return while_it_moves(s);
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
		if (s->command_pending)
			return STAGE_ENDING;
		return s->command_error < 0 && ours_moves(s) ? STAGE_CANCELLING : STAGE_OVER;
	case STAGE_OVER:
		break;
	}
	return STAGE_OVER;
}

int session_on_advance(_unused_ sd_event_source *source, void *userdata)
{
	struct session *s = userdata;

	while (s->stage != STAGE_OVER) {
		enum stage next;

		walk_on(&s->walk);
		if (s->stage == STAGE_BEGIN && !walk_over(&s->walk))
			limit_begin(s);
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
