// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Logs what would have been told to whom. Scripts are asked neither whether they refuse nor whether they register for
 * pmig, because both would run them; the log says who may refuse. Only the daemon's own checks are made, because they
 * touch nobody, and the log has what they would have said.
 */
#include <stdio.h>

#include "daemon/apps/registry.h"
#include "daemon/aud-builtin.h"
#include "daemon/observe.h"
#include "daemon/platform/backend.h"
#include "daemon/scripts/aixscript.h"
#include "daemon/scripts/scriptdir.h"

/* Of each kind, in each phase. There is a bound because anybody may register applications. */
#define LINES_MAX 64

static const char *verb(enum dr_phase phase)
{
	return phase == DR_PHASE_CHECK ? "asked" : "told";
}

static void others(const struct observer *o, const char *kind, size_t n)
{
	if (n > LINES_MAX)
		eventlog_note(o->log, LOG_INFO, kind, NULL, "and %zu more of them", n - LINES_MAX);
}

/* ---- the daemon's own checks ---- */

static void complain(void *userdata, const char *name, const char *reason, bool stops)
{
	const struct observer *o = userdata;

	eventlog_note(o->log, LOG_WARNING, "builtin", name, "builtin %s would have %s: %s", name,
		      stops ? "refused" : "advised against it", reason);
}

/* ---- scripts and hooks ---- */

static const char *hook_word(const struct observer *o, enum dr_phase phase)
{
	switch (phase) {
	case DR_PHASE_CHECK:
		return "check";
	case DR_PHASE_BEGIN:
		return o->config->hooks_at_pre ? NULL : "pre";
	case DR_PHASE_PRE:
		return o->config->hooks_at_pre ? "pre" : NULL;
	case DR_PHASE_POST:
	case DR_PHASE_POST_ERROR:
		return "post";
	default:
		return NULL;
	}
}

static const char *script_right(enum dr_phase phase)
{
	return phase == DR_PHASE_CHECK ? "; it may refuse" :
	       phase == DR_PHASE_PRE   ? "; its failure would stop the migration" :
					 "";
}

static void observe_files(const struct observer *o, enum dr_phase phase, enum script_kind kind)
{
	bool hook = kind == KIND_HOOK;
	const char *word = hook ? hook_word(o, phase) : aix_command(phase);
	usec_t timeout = hook ? o->config->hook_timeout : o->config->script_timeout;
	struct script_list l = { 0 };

	if (!word)
		return;
	script_list_scan(&l, hook ? o->config->hook_directory : o->config->script_directory, kind,
			 o->log);
	for (size_t i = 0; i < l.n && i < LINES_MAX; i++) {
		/* Scripts hear of the undo from the last to the first. */
		size_t at = !hook && phase == DR_PHASE_POST_ERROR ? l.n - 1 - i : i;
		const char *name = l.v[at]->name;

		if (hook)
			eventlog_note(o->log, LOG_INFO, "hook", name,
				      "would have %s hook %s %s (%u s)%s", verb(phase), name, word,
				      (unsigned)(timeout / USEC_PER_SEC),
				      phase == DR_PHASE_CHECK ? "; it may refuse" : "");
		else
			eventlog_note(
				o->log, LOG_INFO, "script", name,
				"would have %s script %s %s, if it registers for pmig (its DR_TIMEOUT, or %u s)%s",
				verb(phase), name, word, (unsigned)(timeout / USEC_PER_SEC),
				script_right(phase));
	}
	others(o, hook ? "hook" : "script", l.n);
	script_list_clear(&l);
}

/* ---- applications ---- */

static void app_right(const struct observer *o, const struct application *app, enum dr_phase phase,
		      char *text, size_t size)
{
	uint32_t needed = phase == DR_PHASE_PRE ? DR_MAY_REFUSE | DR_REQUIRED : DR_MAY_REFUSE;
	usec_t timeout = app->timeout_ms ? usec_min(app->timeout_ms * USEC_PER_MSEC,
						    o->config->application_timeout_max) :
					   o->config->application_timeout;

	text[0] = '\0';
	if (phase != DR_PHASE_CHECK && phase != DR_PHASE_PRE)
		return;
	if ((app->flags & needed) == needed)
		snprintf(text, size, " (%u s); it may refuse", (unsigned)(timeout / USEC_PER_SEC));
	else if ((app->wanted & needed) == needed && o->config->may_refuse)
		snprintf(text, size,
			 "; it may refuse if MayRefuse= has its user"); /* not looked up */
	else
		snprintf(text, size, "; it can't stop the migration");
}

static void observe_applications(const struct observer *o, enum dr_phase phase)
{
	uint32_t phases = phase == DR_PHASE_POST_ERROR ?
				  DR_PHASES(DR_PHASE_BEGIN) | DR_PHASES(DR_PHASE_PRE) :
				  DR_PHASES(phase);
	struct application *app;
	size_t n = 0;

	TAILQ_FOREACH(app, registry_list(o->registry), node) {
		char right[64];

		if (!(app->phases & phases) || n++ >= LINES_MAX)
			continue;
		app_right(o, app, phase, right, sizeof(right));
		eventlog_note(o->log, LOG_INFO, "application", app->name,
			      "would have %s application %s (process %d, user %u) %s%s",
			      verb(phase), app->name, app->pid, app->uid, dr_phase_text(phase),
			      right);
	}
	others(o, "application", n);
}

/* ---- drivers: the module does not say who has registered ---- */

static void observe_drivers(const struct observer *o, enum dr_phase phase)
{
	if (!o->module->ops->ready(o->module))
		eventlog_note(o->log, LOG_INFO, "kernel", NULL,
			      "would have %s no driver %s, unless pmig.ko can be loaded",
			      verb(phase), dr_phase_text(phase));
	else
		eventlog_note(o->log, LOG_INFO, "kernel", NULL,
			      "would have %s all drivers that use pmig.ko %s; each may refuse",
			      verb(phase), dr_phase_text(phase));
}

void observe_plan(const struct observer *o, const struct plan *plan)
{
	const struct notice notice = { .phase = plan->phase };

	for (size_t i = 0; i < plan->n; i++)
		switch (plan->steps[i].audience) {
		case AUDIENCE_BUILTIN:
			if (plan->phase == DR_PHASE_CHECK)
				builtin_checks(o->config, &notice, complain, (void *)o);
			break;
		case AUDIENCE_SCRIPTS:
			observe_files(o, plan->phase, KIND_AIX);
			observe_files(o, plan->phase, KIND_HOOK);
			break;
		case AUDIENCE_SIGNALS:
			observe_applications(o, plan->phase);
			break;
		case AUDIENCE_KERNEL:
			observe_drivers(o, plan->phase);
			break;
		default:
			break;
		}
}
