// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an audience may call: it completes, refuses, says that a phase can't be carried out, and has it written down whom
 * it tells. These functions only record that; stages.c decides what follows.
 */
#include <string.h>

#include "daemon/session/outcome.h"
#include "daemon/session/session-host.h"

static void host_done(struct audience *a)
{
	struct session *s = a->session;

	walk_done(&s->walk, a);
	session_kick(s);
}

/*
 * There may be any number of refusals, also from those who can't stop the migration: the operator sees the first ones,
 * and how many more there are.
 */
static void keep(struct session *s, const struct refusal *refusal)
{
	size_t nr_advice = s->nr_refusals - s->nr_stopping;
	struct refusal *at = &s->refusals[refusal->stops ? s->nr_stopping : s->nr_refusals];

	if (refusal->stops ? s->nr_stopping == STOPPING_MAX : nr_advice == ADVICE_MAX) {
		s->nr_more++;
		return;
	}
	memmove(at + 1, at, (size_t)(&s->refusals[s->nr_refusals] - at) * sizeof(*at));
	*at = *refusal;
	s->nr_refusals++;
	s->nr_stopping += refusal->stops;
}

static void host_refuse(struct audience *a, const struct refusal *refusal)
{
	struct session *s = a->session;

	keep(s, refusal);
	if (refusal->stops && s->stage != STAGE_CHECK) {
		walk_end(&s->walk);
		session_fail(s, SESSION_STOPPED, refusal->error, "%s %s: %s", refusal->audience,
			     refusal->name, refusal->reason);
		session_kick(s);
	}
}

static void host_fail(struct audience *a, int error, const char *text)
{
	struct session *s = a->session;

	if (s->stage == STAGE_CHECK)
		audience_refuse(a, a->ops->name, "pmig", error, false, "%s", text);
	else
		walk_end(&s->walk);
	session_fail(s, s->stage == STAGE_CHECK ? session_outcome_of(error) : SESSION_FAILED, error,
		     "%s", text);
	session_kick(s);
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

static int host_room(struct audience *a)
{
	return journal_make_room(((struct session *)a->session)->setup.journal);
}

static void host_over(struct audience *a, const char *name)
{
	struct session *s = a->session;

	if (journal_over(s->setup.journal, a->ops->name, name) < 0)
		log_warning(
			"The journal can't be written: if drmgrd dies before the end of this migration, the "
			"next one tells %s again how it ended.",
			name);
}

const struct audience_host_ops session_host_ops = {
	.done = host_done,
	.refuse = host_refuse,
	.fail = host_fail,
	.tell = host_tell,
	.room = host_room,
	.over = host_over,
};
