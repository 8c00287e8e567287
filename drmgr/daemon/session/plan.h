/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order in which audiences are told, as tables, and what walks along a table. */
#ifndef DRMGRD_PLAN_H
#define DRMGRD_PLAN_H

#include "daemon/base/eventlog.h"
#include "daemon/session/audience.h"

enum audience_id {
	AUDIENCE_BUILTIN,
	AUDIENCE_SCRIPTS,
	AUDIENCE_KERNEL,
	AUDIENCE_SIGNALS,
	AUDIENCE_AFFINITY,
	_AUDIENCE_MAX,
	AUDIENCE_NONE = _AUDIENCE_MAX,
};

typedef void (*audience_op_t)(struct audience *a, const struct notice *n);

struct plan_step {
	enum audience_id audience; /* AUDIENCE_NONE: only the lines */
	size_t op;		   /* offset in struct audience_ops */
	enum event before;
	enum event after;
};

struct plan {
	enum dr_phase phase;
	size_t n;
	struct plan_step steps[8];
};

extern const struct plan plan_check, plan_begin, plan_pre, plan_resumed, plan_post, plan_undo;

/* One walk along a plan. */
struct walk {
	const struct plan *plan;
	size_t pos;
	bool waiting; /* for the audience at pos */
	bool stopped; /* go no further */
	bool hurried; /* the audience at pos has been asked to stop */
	struct notice notice;
	struct audience *const *audiences;
	const struct eventlog *log;
};

/* The caller fills in the notice, except for its phase. */
void walk_start(struct walk *w, const struct plan *plan, const struct notice *notice);
/* Goes as far as it can. */
void walk_on(struct walk *w);
/* Go no further than the audience at pos. */
void walk_end(struct walk *w);
/* Tell nobody else; the audience that is being waited for is asked to hurry. */
void walk_stop(struct walk *w);
/*
 * Asks the audience that is being waited for to hurry; the walk goes on when it is ready. Returns false if it has been
 * asked already, or is the drivers, which the module tells.
 */
bool walk_skip(struct walk *w);
/* When the audience that is being waited for should be ready; 0: none is. */
usec_t walk_until(const struct walk *w);
/* From audience_host_ops.done. */
void walk_done(struct walk *w, const struct audience *a);

static inline bool walk_over(const struct walk *w)
{
	return !w->plan || (!w->waiting && (w->stopped || w->pos == w->plan->n));
}

#endif /* DRMGRD_PLAN_H */
