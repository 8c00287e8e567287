// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes and frees sessions: new ones, and those adopted from the journal of a daemon that was killed.
 *
 * An adopted session has its told-sets from the journal and everything else from the module. If the module has forgotten
 * it, the journal may have the outcome; failing that, the machine's serial number tells whether the partition has moved.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/platform/identity.h"
#include "daemon/session/session-host.h"
#include "daemon/session/session.h"
#include "daemon/session/stages.h"

/* For the module's answer to a command; on BEGIN it asks the platform about the stream. */
#define ANSWER_USEC (30 * USEC_PER_SEC)
/* For the platform to give up the stream (30 s) and drivers to undo, one after another, or to answer a check. */
#define MODULE_USEC (600 * USEC_PER_SEC)

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
	r = sd_event_add_defer(setup->event, &s->advance, session_on_advance, s);
	if (r >= 0)
		r = sd_event_add_time(setup->event, &s->timer, CLOCK_BOOTTIME, UINT64_MAX,
				      USEC_ACCURACY, session_on_timer, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = backend_listen(setup->backend, session_on_state, s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < _AUDIENCE_MAX; i++) {
		told_clear(&setup->audiences[i]->told);
		setup->audiences[i]->host = &session_host_ops;
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
	s->foreign = request->kind == SESSION_FOREIGN || request->post_alone;
	setup->log->stream = request->stream;
	*ret = s;
	return 0;
}

int session_adopt(struct session **ret, const struct session_setup *setup, struct replay *replay,
		  session_done_t done, void *userdata)
{
	struct session *s;
	int r = prepare(&s, setup, done, userdata);

	if (r < 0)
		return r;
	s->request = (struct session_request){
		.kind = SESSION_ADOPTED,
		.stream = replay->session.stream,
		.force = replay->session.flags & PMIG_F_FORCE,
		.token = -1,
	};
	if (!setup->backend->ops->engine)
		snprintf(s->request.engine, sizeof(s->request.engine), "%s",
			 replay->session.engine);
	s->foreign = replay->session.flags & PMIG_F_FOREIGN;
	s->known = replay->outcome;
	/* If nobody says how it ended, the machine's serial number tells whether it moved. */
	if (s->known == OUTCOME_UNKNOWN &&
	    identity_is_other(replay->session.identity, sizeof(replay->session.identity)))
		s->known = OUTCOME_COMPLETED;
	/* This daemon's events must be newer than the last one's, even if both started in the same second. */
	for (size_t k = 0; k < REPLAY_AUDIENCES_MAX; k++)
		for (size_t i = 0; i < replay->audiences[k].told.n; i++) {
			uint32_t gen = replay->audiences[k].told.v[i].gen;

			if ((int32_t)(gen - *setup->gen) > 0)
				*setup->gen = gen;
		}
	for (size_t i = 0; i < _AUDIENCE_MAX; i++)
		for (size_t k = 0; k < REPLAY_AUDIENCES_MAX; k++)
			if (strcmp(setup->audiences[i]->ops->name, replay->audiences[k].name) ==
			    0) {
				setup->audiences[i]->told = replay->audiences[k].told;
				replay->audiences[k].told = (struct told){ 0 };
			}
	setup->log->stream = s->request.stream;
	r = journal_continue(setup->journal, replay);
	if (r < 0)
		log_warning(
			"The journal can't be continued: %s. If drmgrd dies before the end of this "
			"migration, the next one may tell somebody again how it ended.",
			errno_text(r));
	*ret = s;
	return 0;
}

void session_stop(struct session *s)
{
	s->stop = true;
	session_kick(s);
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
	sd_event_source_disable_unref(s->timer);
	rows_done(&s->rows);
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
		.nr_more = s->nr_more,
		.rows = &s->rows,
		.blackout_us = s->blackout_us,
		.moved = s->outcome == SESSION_OK && s->request.kind != SESSION_CHECK &&
			 !s->simulated && !s->left,
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

bool session_is_left(const struct session *s)
{
	return s->left;
}

bool session_is_in_pre(const struct session *s)
{
	return s->stage == STAGE_PRE;
}

bool session_is_ending(const struct session *s)
{
	return s->stage == STAGE_POST || s->stage == STAGE_UNDO || s->stage == STAGE_ENDING;
}

usec_t session_since(const struct session *s)
{
	return s->since;
}

usec_t session_until(const struct session *s)
{
	uint64_t until = 0;

	switch (s->stage) {
	case STAGE_OPENING:
	case STAGE_ENDING:
		return s->since + ANSWER_USEC;
	case STAGE_ADOPTING:
	case STAGE_CANCELLING:
		return s->since + MODULE_USEC;
	case STAGE_COPYING:
	case STAGE_MOVING:
		return 0;
	case STAGE_PRE:
		sd_event_source_get_time(s->timer, &until);
		return until;
	default:
		return walk_until(&s->walk);
	}
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
