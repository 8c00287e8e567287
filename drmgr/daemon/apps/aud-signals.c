// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audience "signals": applications. It tells some of them in each turn of the loop, and then waits for each
 * answer until that application's deadline; there is one timer for all. An application can hold up the others only
 * until its own deadline.
 *
 * An application with the right to refuse gets the time that it asked for, within the settings. All others together
 * have one grace, which begins with the phase. So they cannot hold up a phase for longer than the grace, however many
 * they are and whatever they ask for. Each event has the real deadline. Those with the right are told first. If the
 * grace ends before all others have been told, the rest hear nothing of CHECK, BEGIN and PRE. The end is told to
 * everyone whom it concerns.
 *
 * Who is told what:
 *	CHECK, BEGIN, PRE, RESUMED   those that asked for it
 *	POST                         those that asked for it, told PRE or not: they want to know what changed
 *	POST_ERROR                   exactly those that were told BEGIN or PRE, in reverse order
 *
 * An earlier daemon may have died while it told POST or POST_ERROR to an application. Then the event is sent again with
 * the same gen, and an application that has got it already ignores the second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/apps/appevent.h"
#include "daemon/apps/aud-signals.h"
#include "daemon/base/eventlog.h"

struct signals {
	struct audience a;
	sd_event *event;
	const struct config *config;
	struct registry *registry;
	struct changed *changed;
	const struct notice *notice; /* NULL: nothing is going on */
	struct wire_event *message;
	/* the round of telling; the phase is not complete before it is over */
	bool telling;
	bool entitled; /* it is the turn of those with the right to refuse */
	struct application *next;
	sd_event_source *round;
	size_t late;  /* applications whose grace was over before their turn */
	size_t named; /* those without the right that missed their deadline or refused */
	bool slow_said;
	usec_t start; /* of the phase */
	usec_t due;   /* when the timer goes off */
	size_t waiting;
	size_t not_told; /* for lack of room in the journal */
	sd_event_source *timer;
	sd_event_source *slow;
};

#define APP_NAME_BYTES 32
#define NAMED_MAX      64 /* in the log, of those without the right, in each phase */

static const char *app_name(const struct application *app, char buf[APP_NAME_BYTES])
{
	snprintf(buf, APP_NAME_BYTES, "app-%" PRIu64, app->id);
	return buf;
}

static bool may_refuse(const struct application *app)
{
	return app->flags & DR_MAY_REFUSE;
}

static void say_rest(const struct signals *s)
{
	const char *phase = dr_phase_text(s->notice->phase);

	if (s->named > NAMED_MAX)
		eventlog_note(s->a.log, LOG_WARNING, "application", NULL,
			      "%zu more applications refused %s or did not answer.",
			      s->named - NAMED_MAX, phase);
	if (s->late)
		eventlog_note(
			s->a.log, LOG_WARNING, "application", NULL,
			"%zu applications without the right to refuse are not told %s: their time (GraceSec=) is over.",
			s->late, phase);
	if (s->not_told > 1)
		eventlog_note(
			s->a.log, LOG_WARNING, "application", NULL,
			"%zu more applications are not told %s, because the journal has no room: "
			"make room in /run.",
			s->not_told - 1, phase);
}

static void complete_if_over(struct signals *s)
{
	if (!s->notice || s->telling || s->waiting)
		return;
	sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(s->slow, SD_EVENT_OFF);
	say_rest(s);
	if (s->notice->phase == DR_PHASE_BEGIN)
		changed_go_on(s->changed);
	s->notice = NULL;
	audience_done(&s->a);
}

/* @app does not have to answer any more. */
static void settle(struct signals *s, struct application *app)
{
	char name[APP_NAME_BYTES];

	app->deadline = 0;
	if (is_end(s->notice->phase))
		audience_over(&s->a, app_name(app, name));
}

static bool may_stop(const struct signals *s, const struct application *app, bool missed)
{
	uint32_t needed = missed || s->notice->phase == DR_PHASE_PRE ? DR_MAY_REFUSE | DR_REQUIRED :
								       DR_MAY_REFUSE;

	return !s->notice->force && (app->flags & needed) == needed;
}

static usec_t timeout_of(const struct signals *s, const struct application *app)
{
	return app->timeout_ms ? usec_min(app->timeout_ms * USEC_PER_MSEC,
					  s->config->application_timeout_max) :
				 s->config->application_timeout;
}

static usec_t deadline_of(const struct signals *s, const struct application *app)
{
	usec_t deadline = now_usec() + timeout_of(s, app), all = s->notice->deadline;

	if (!may_refuse(app))
		deadline = usec_min(deadline, s->start + s->config->grace);
	/* PRE's time is for all audiences: applications that can't stop it leave half of it to the drivers. */
	if (all && may_stop(s, app, true))
		deadline = usec_min(deadline, all);
	else if (all)
		deadline = usec_min(deadline, s->start + (all - s->start) / 2);
	return deadline;
}

/* The order of telling: that of the registrations, and for POST_ERROR the reverse. */
static struct application *following(const struct signals *s, struct application *app)
{
	struct application_list *list = registry_list(s->registry);

	if (s->notice && s->notice->phase == DR_PHASE_POST_ERROR)
		return app ? TAILQ_PREV(app, application_list, node) :
			     TAILQ_LAST(list, application_list);
	return app ? TAILQ_NEXT(app, node) : TAILQ_FIRST(list);
}

/* ---- answers ---- */

static void refused(struct signals *s, struct application *app, int error, const char *reason,
		    bool missed)
{
	enum dr_phase phase = s->notice->phase;
	bool stops = may_stop(s, app, missed);

	if (phase == DR_PHASE_CHECK || (phase == DR_PHASE_PRE && stops))
		audience_refuse(&s->a, "application", app->name, error, stops, "%s", reason);
	if (!may_refuse(app) && ++s->named > NAMED_MAX)
		return;
	eventlog_note(s->a.log, stops ? LOG_ERR : LOG_WARNING, "application", app->name,
		      "application %s (pid %d): %s%s", app->name, app->pid, reason,
		      stops		      ? "" :
		      phase == DR_PHASE_CHECK ? " (advice)" :
						"; the migration goes on");
}

static void on_answer(void *userdata, struct application *app, const struct wire_answer *answer)
{
	struct signals *s = userdata;

	if (!s->notice)
		return;
	s->waiting--;
	settle(s, app);
	if (answer->error)
		refused(s, app, (int)answer->error,
			answer->reason[0] ? answer->reason : errno_text((int)answer->error), false);
	complete_if_over(s);
}

static void on_read(void *userdata, struct application *app)
{
	struct signals *s = userdata;

	changed_was_read(s->changed, app);
}

static void on_gone(void *userdata, struct application *app)
{
	struct signals *s = userdata;

	if (app == s->next)
		s->next = following(s, app);
	if (!s->notice || !app->deadline)
		return;
	s->waiting--;
	settle(s, app);
	complete_if_over(s);
}

/* ---- deadlines ---- */

static void say_slow(struct signals *s, size_t n)
{
	if (s->slow_said || n == 0)
		return;
	s->slow_said = true;
	eventlog_slow(s->a.log, n);
}

static void missed(struct signals *s, struct application *app, const char *how)
{
	settle(s, app);
	refused(s, app, ETIMEDOUT, how, true);
}

static void arm(struct signals *s)
{
	if (s->due == UINT64_MAX)
		return;
	sd_event_source_set_time(s->timer, s->due);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct signals *s = userdata;
	usec_t now = now_usec();
	struct application *app;

	if (!s->notice)
		return 0;
	say_slow(s, s->waiting);
	s->due = UINT64_MAX;
	TAILQ_FOREACH(app, registry_list(s->registry), node) {
		char how[80];

		if (app->deadline > now)
			s->due = usec_min(s->due, app->deadline);
		if (!app->deadline || app->deadline > now)
			continue;
		s->waiting--;
		snprintf(how, sizeof(how), "has not answered %s within its time",
			 dr_phase_text(s->notice->phase));
		missed(s, app, how);
	}
	arm(s);
	complete_if_over(s);
	return 0;
}

static int on_slow(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct signals *s = userdata;

	if (s->notice)
		say_slow(s, s->waiting);
	return 0;
}

/* ---- telling ---- */

static bool is_told(struct signals *s, const struct application *app)
{
	enum dr_phase phase = s->notice->phase;
	struct told_entry *e = NULL;
	char name[APP_NAME_BYTES];

	if (is_end(phase))
		e = told_find(&s->a.told, app_name(app, name));
	if (e && e->state == TOLD_OVER)
		return false;
	if (phase == DR_PHASE_POST_ERROR)
		return e;
	return e || app->phases & DR_PHASES(phase);
}

/* The gen of this event if an earlier daemon may have sent it, otherwise the notice's. */
static uint32_t gen_for(struct signals *s, const char *name)
{
	struct told_entry *e = is_end(s->notice->phase) ? told_find(&s->a.told, name) : NULL;

	return e && e->state == TOLD_ENDING ? e->gen : s->notice->gen;
}

/* If it can't be written down that @app is told, it is not told, because the next daemon could not undo it. */
static int write_down(struct signals *s, const struct application *app, const char *name)
{
	enum dr_phase phase = s->notice->phase;
	bool starts = phase == DR_PHASE_BEGIN || phase == DR_PHASE_PRE;
	int r = 0;

	/* An event that is sent again has been written down already. */
	if (s->message->gen != s->notice->gen || (!starts && !is_end(phase)))
		return 0;
	if (starts && app->uid != 0 && !may_refuse(app))
		r = audience_room(&s->a);
	if (r == 0)
		r = audience_tell(&s->a, s->notice, name);
	if (r == 0 || is_end(phase))
		return 0; /* the end is told all the same */
	if (phase == DR_PHASE_PRE && may_stop(s, app, true))
		audience_refuse(&s->a, "application", app->name, r, true,
				"can't be told, because the journal can't be written: %s",
				errno_text(r));
	else if (s->not_told++ == 0)
		eventlog_note(
			s->a.log, LOG_WARNING, "application", app->name,
			"application %s (pid %d) is not told %s, because the journal can't be "
			"written: %s",
			app->name, app->pid, dr_phase_text(phase), errno_text(r));
	return r;
}

static void tell(struct signals *s, struct application *app)
{
	enum dr_phase phase = s->notice->phase;
	char name[APP_NAME_BYTES];
	usec_t deadline;
	int r;

	app_name(app, name);
	s->message->gen = gen_for(s, name);
	if (write_down(s, app, name) < 0)
		return;
	deadline = deadline_of(s, app);
	s->message->deadline_us = wants_answer(phase) ? deadline : 0;
	s->message->flags &= ~WIRE_EVENT_ADVICE;
	if (!may_refuse(app))
		s->message->flags |= WIRE_EVENT_ADVICE;
	app->asked = s->message->gen;
	app->deadline = 0;
	r = application_send(app, s->message, appevent_size(s->message));
	if (r == -EAGAIN && wants_answer(phase))
		missed(s, app, "has not read what it was told before");
	else if (r < 0 || !wants_answer(phase))
		return; /* it has gone, or its answer is not waited for */
	else {
		app->deadline = deadline;
		s->due = usec_min(s->due, deadline);
		s->a.until = usec_max(s->a.until, deadline);
		s->waiting++;
	}
}

/* The application whose turn it is, or NULL when all have had theirs. */
static struct application *next_in_turn(struct signals *s)
{
	bool back = s->notice->phase == DR_PHASE_POST_ERROR;

	if (!s->next && s->entitled != back) { /* the first half has been told */
		s->entitled = back;
		s->next = following(s, NULL);
	}
	return s->next;
}

/* The grace is over, and @app has no right to more time. */
static bool is_too_late(const struct signals *s, const struct application *app)
{
	return !may_refuse(app) && !is_end(s->notice->phase) &&
	       now_usec() >= s->start + s->config->grace;
}

/* Tells some of them in each turn of the loop, so that the rest of the daemon gets its turn, too. */
static int tell_some(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct signals *s = userdata;
	struct application *app = NULL;

	if (!s->telling)
		return 0;
	for (int i = 0; i < ROUND_MAX && (app = next_in_turn(s)); i++) {
		s->next = following(s, app);
		if (may_refuse(app) != s->entitled || !is_told(s, app))
			continue;
		if (is_too_late(s, app))
			s->late++;
		else
			tell(s, app);
	}
	s->telling = app;
	if (s->telling)
		sd_event_source_set_enabled(s->round, SD_EVENT_ONESHOT);
	arm(s);
	complete_if_over(s);
	return 0;
}

static void tell_all(struct audience *a, const struct notice *n)
{
	struct signals *s = (struct signals *)a;
	struct application *app;

	registry_grant(s->registry);
	TAILQ_FOREACH(app, registry_list(s->registry), node)
		app->deadline = 0;
	s->notice = n;
	s->start = n->deadline ? usec_min(now_usec(), n->deadline) : now_usec();
	a->until = s->start + s->config->grace;
	s->waiting = s->not_told = s->late = s->named = 0;
	s->due = UINT64_MAX;
	s->slow_said = false;
	changed_hold(s->changed);
	appevent_fill(s->message, n);
	sd_event_source_set_time(s->slow, now_usec() + s->config->slow_notice);
	sd_event_source_set_enabled(s->slow, SD_EVENT_ONESHOT);
	s->telling = true;
	s->entitled = n->phase != DR_PHASE_POST_ERROR;
	s->next = following(s, NULL);
	tell_some(NULL, 0, s);
}

static void stop(struct audience *a)
{
	struct signals *s = (struct signals *)a;
	struct application *app;

	if (!s->notice)
		return;
	TAILQ_FOREACH(app, registry_list(s->registry), node)
		app->deadline = 0;
	s->waiting = 0;
	s->telling = false;
	s->next = NULL;
	complete_if_over(s);
}

static const struct audience_ops signals_ops = {
	.name = "signals",
	.check = tell_all,
	.begin = tell_all,
	.pre = tell_all,
	.resumed = tell_all,
	.post = tell_all,
	.undo = tell_all,
	.stop = stop,
};

int aud_signals_new(struct audience **ret, sd_event *event, const struct config *config,
		    struct registry *registry, struct changed *changed, struct eventlog *log)
{
	struct signals *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return log_oom();
	s->a.ops = &signals_ops;
	s->a.log = log;
	s->event = sd_event_ref(event);
	s->config = config;
	s->registry = registry;
	s->changed = changed;
	s->message = appevent_new();
	r = s->message ? 0 : log_oom();
	if (r >= 0)
		/* A timer that is always due. A deferred source would come before everything else in each turn. */
		r = sd_event_add_time(event, &s->round, CLOCK_BOOTTIME, 0, 1, tell_some, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->round, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(event, &s->timer, CLOCK_BOOTTIME, UINT64_MAX, USEC_ACCURACY,
				      on_timer, s);
	if (r >= 0)
		r = sd_event_add_time(event, &s->slow, CLOCK_BOOTTIME, UINT64_MAX, USEC_ACCURACY,
				      on_slow, s);
	if (r < 0) {
		aud_signals_free(&s->a);
		return r;
	}
	sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(s->slow, SD_EVENT_OFF);
	registry_watch(registry, &(struct registry_watcher){ on_answer, on_read, on_gone, s });
	*ret = &s->a;
	return 0;
}

struct audience *aud_signals_free(struct audience *a)
{
	struct signals *s = (struct signals *)a;

	if (!s)
		return NULL;
	sd_event_source_disable_unref(s->round);
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->slow);
	sd_event_unref(s->event);
	told_clear(&s->a.told);
	free(s->message);
	free(s);
	return NULL;
}
