// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of the phases is data. Each table is one phase: which audience, which of its operations, and AIX's lines
 * before and after it. PRE goes outside in (scripts, applications, drivers), POST and undo the other way round; what
 * processes are bound to is saved before any of them, and set before they hear of POST, so that theirs is the last word. The
 * kernel's part of both happens in the module, and has its line here so that the log reads as on AIX.
 */
#include "daemon/session/plan.h"

#define OP(name) offsetof(struct audience_ops, name)
#define LINE(event)                                 \
	{                                           \
		AUDIENCE_NONE, 0, event, EVENT_NONE \
	}
#define LINES(before, after)                    \
	{                                       \
		AUDIENCE_NONE, 0, before, after \
	}

const struct plan plan_check = {
	.phase = DR_PHASE_CHECK,
	.n = 6,
	.steps = {
		LINE(EVENT_CHECK),
		{ AUDIENCE_BUILTIN, OP(check), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SCRIPTS, OP(check), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_KERNEL, OP(check), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SIGNALS, OP(check), EVENT_NONE, EVENT_NONE },
		LINE(EVENT_CHECK_OVER),
	},
};

const struct plan plan_begin = {
	.phase = DR_PHASE_BEGIN,
	.n = 3,
	.steps = {
		{ AUDIENCE_BUILTIN, OP(begin), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SIGNALS, OP(begin), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SCRIPTS, OP(begin), EVENT_NONE, EVENT_NONE },
	},
};

const struct plan plan_pre = {
	.phase = DR_PHASE_PRE,
	.n = 6,
	.steps = {
		LINE(EVENT_PRE_KERNEL),
		{ AUDIENCE_AFFINITY, OP(pre), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SCRIPTS, OP(pre), EVENT_PRE_SCRIPTS, EVENT_SCRIPTS_OVER },
		{ AUDIENCE_SIGNALS, OP(pre), EVENT_PRE_SIGNALS, EVENT_SIGNALS_OVER },
		LINE(EVENT_PRE_SIGNALS_OVER),
		{ AUDIENCE_KERNEL, OP(pre), EVENT_PRE_EXTENSIONS, EVENT_EXTENSIONS_OVER },
	},
};

const struct plan plan_resumed = {
	.phase = DR_PHASE_RESUMED,
	.n = 1,
	.steps = { { AUDIENCE_SIGNALS, OP(resumed), EVENT_NONE, EVENT_NONE } },
};

const struct plan plan_post = {
	.phase = DR_PHASE_POST,
	.n = 6,
	.steps = {
		LINE(EVENT_POST),
		LINE(EVENT_POST_KERNEL),
		LINES(EVENT_POST_EXTENSIONS, EVENT_EXTENSIONS_OVER),
		{ AUDIENCE_AFFINITY, OP(post), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SIGNALS, OP(post), EVENT_POST_SIGNALS, EVENT_SIGNALS_OVER },
		{ AUDIENCE_SCRIPTS, OP(post), EVENT_POST_SCRIPTS, EVENT_POST_SCRIPTS_OVER },
	},
};

const struct plan plan_undo = {
	.phase = DR_PHASE_POST_ERROR,
	.n = 4,
	.steps = {
		LINE(EVENT_UNDO),
		{ AUDIENCE_AFFINITY, OP(undo), EVENT_NONE, EVENT_NONE },
		{ AUDIENCE_SIGNALS, OP(undo), EVENT_UNDO_SIGNALS, EVENT_SIGNALS_OVER },
		{ AUDIENCE_SCRIPTS, OP(undo), EVENT_UNDO_SCRIPTS, EVENT_POST_SCRIPTS_OVER },
	},
};

static struct audience *audience_at(const struct walk *w)
{
	enum audience_id id = w->plan->steps[w->pos].audience;

	return id == AUDIENCE_NONE ? NULL : w->audiences[id];
}

static audience_op_t op_at(const struct walk *w)
{
	struct audience *a = audience_at(w);

	return a ? *(const audience_op_t *)((const char *)a->ops + w->plan->steps[w->pos].op) :
		   NULL;
}

void walk_start(struct walk *w, const struct plan *plan, const struct notice *notice)
{
	w->plan = plan;
	w->pos = 0;
	w->waiting = w->stopped = w->hurried = false;
	w->notice = *notice;
	w->notice.phase = plan->phase;
	walk_on(w);
}

static void leave_step(struct walk *w)
{
	w->waiting = w->hurried = false;
	eventlog_event(w->log, w->plan->steps[w->pos].after);
	w->pos++;
}

void walk_on(struct walk *w)
{
	while (w->plan && !w->waiting && !w->stopped && w->pos < w->plan->n) {
		audience_op_t op = op_at(w);

		eventlog_event(w->log, w->plan->steps[w->pos].before);
		if (!op) {
			leave_step(w);
			continue;
		}
		w->waiting = true;
		op(audience_at(w), &w->notice); /* walk_done() may come from inside */
	}
}

void walk_done(struct walk *w, const struct audience *a)
{
	if (!w->plan || !w->waiting || audience_at(w) != a) {
		log_error("This is a bug in drmgrd, please report it: audience %s has "
			  "completed what it was not asked to do.",
			  a->ops->name);
		return;
	}
	leave_step(w);
}

usec_t walk_until(const struct walk *w)
{
	struct audience *a = w->waiting ? audience_at(w) : NULL;

	return a ? a->until : 0;
}

void walk_end(struct walk *w)
{
	w->stopped = true;
}

/* Once for each audience. */
static bool hurry(struct walk *w)
{
	struct audience *a = w->waiting && !w->hurried ? audience_at(w) : NULL;

	if (!a || !a->ops->stop)
		return false;
	w->hurried = true;
	a->ops->stop(a);
	return true;
}

void walk_stop(struct walk *w)
{
	walk_end(w);
	hurry(w);
}

bool walk_skip(struct walk *w)
{
	return w->waiting && audience_at(w) != w->audiences[AUDIENCE_KERNEL] && hurry(w);
}
