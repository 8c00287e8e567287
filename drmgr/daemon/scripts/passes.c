// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is done in each phase, and in which order. A phase is a sequence of passes; a pass goes over a list (what is in
 * the directories, or the told-set) and makes a job of each entry.
 *
 *	check	learn, ask the scripts, ask the hooks, undocheck to all hooks when one said no or was stopped
 *	begin	learn, hooks' pre (HooksAt=begin)
 *	pre	learn what BEGIN had no time for, scripts until one fails, hooks' pre (HooksAt=pre)
 *	post	scripts that were told, hooks that were told
 *	undo	scripts that were told, last one first; hooks' post, because theirs comes in both cases
 *
 * Learning is `scriptinfo` (its DR_TIMEOUT) and `register` (does it want pmig?), once for each version of a file.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/scripts/passes.h"

static const enum pass check_passes[] = { PASS_INFO,  PASS_REGISTER,	    PASS_SCRIPTS,
					  PASS_HOOKS, PASS_HOOKS_UNDOCHECK, PASS_END };
static const enum pass begin_passes[] = { PASS_INFO, PASS_REGISTER, PASS_HOOKS, PASS_END };
static const enum pass pre_passes[] = { PASS_INFO, PASS_REGISTER, PASS_SCRIPTS, PASS_HOOKS,
					PASS_END };
static const enum pass post_passes[] = { PASS_INFO,	    PASS_ADOPT,	     PASS_REGISTER,
					 PASS_SCRIPTS_TOLD, PASS_HOOKS_TOLD, PASS_END };
static const enum pass undo_passes[] = { PASS_INFO,	    PASS_ADOPT,	     PASS_REGISTER,
					 PASS_SCRIPTS_BACK, PASS_HOOKS_TOLD, PASS_END };
static const enum pass foreign_passes[] = { PASS_INFO,	       PASS_ADOPT,   PASS_REGISTER,
					    PASS_SCRIPTS_TOLD, PASS_SCRIPTS, PASS_HOOKS_TOLD,
					    PASS_END };

const enum pass *passes_of(const struct notice *n)
{
	static const enum pass *const passes[] = {
		[DR_PHASE_CHECK] = check_passes,     [DR_PHASE_BEGIN] = begin_passes,
		[DR_PHASE_PRE] = pre_passes,	     [DR_PHASE_POST] = post_passes,
		[DR_PHASE_POST_ERROR] = undo_passes,
	};

	return n->foreign && n->phase == DR_PHASE_POST ? foreign_passes : passes[n->phase];
}

/* ---- which job comes next ---- */

static void set_job(struct scripts *s, enum script_kind kind, struct script *script,
		    const char *label, bool told)
{
	s->job = (struct job){ .pass = *s->pass, .script = script, .kind = kind };
	snprintf(s->job.label, sizeof(s->job.label), "%s", label);
	if (told)
		snprintf(s->job.told_name, sizeof(s->job.told_name), "%s/%s",
			 script_kind_name(kind), label);
}

/* The told-set's entry number @i as a job, if it is of this kind and still owed something. */
static bool told_job(struct scripts *s, size_t i, enum script_kind kind)
{
	struct told_entry *e = &s->a.told.v[i];
	const char *slash = strchr(e->name, '/');
	size_t length = strlen(script_kind_name(kind));

	if (!slash || (size_t)(slash - e->name) != length ||
	    strncmp(e->name, script_kind_name(kind), length) != 0)
		return false;
	if (*s->pass == PASS_ADOPT ? e->pid == 0 && e->state != TOLD_ENDING :
				     e->state != TOLD_READY)
		return false;
	set_job(s, kind, script_list_find(&s->list[kind], slash + 1), slash + 1, true);
	return true;
}

int pass_job(struct scripts *s, size_t pos)
{
	enum script_kind kind = *s->pass >= PASS_HOOKS ? KIND_HOOK : KIND_AIX;
	const struct script_list *l = &s->list[kind];
	bool checking = s->notice->phase == DR_PHASE_CHECK;

	switch (*s->pass) {
	case PASS_INFO:
	case PASS_REGISTER:
		if (pos >= l->n)
			return -ENOENT;
		set_job(s, kind, l->v[pos], l->v[pos]->name, false);
		return !l->v[pos]->known;
	case PASS_SCRIPTS:
		if (pos >= l->n)
			return -ENOENT;
		set_job(s, kind, l->v[pos], l->v[pos]->name, !checking);
		/* In a foreign migration only those that have not been told anything. */
		return l->v[pos]->registered &&
		       (checking || !told_find(&s->a.told, s->job.told_name));
	case PASS_HOOKS:
	case PASS_HOOKS_UNDOCHECK:
		if (pos >= l->n || (*s->pass == PASS_HOOKS_UNDOCHECK && !s->hook_failed) ||
		    (s->undocheck && now_usec() >= s->undocheck) ||
		    (!checking && s->config->hooks_at_pre != (s->notice->phase == DR_PHASE_PRE)))
			return -ENOENT;
		set_job(s, kind, l->v[pos], l->v[pos]->name, !checking);
		return 1;
	case PASS_SCRIPTS_TOLD:
	case PASS_HOOKS_TOLD:
		return pos >= s->a.told.n ? -ENOENT : told_job(s, pos, kind);
	case PASS_SCRIPTS_BACK:
		return pos >= s->a.told.n ? -ENOENT : told_job(s, s->a.told.n - 1 - pos, kind);
	case PASS_ADOPT:
		if (pos >= s->a.told.n)
			return -ENOENT;
		return told_job(s, pos, KIND_AIX) || told_job(s, pos, KIND_HOOK);
	default:
		return -ENOENT;
	}
}
