// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What all audiences share: they make a refusal's text safe to print, and write down who is told before it is told.
 *
 * The told-set in memory and the journal on disk hold the same facts. The journal is written first, because a daemon
 * that dies between the two loses its memory anyway.
 */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/session/audience.h"

const char *dr_phase_text(enum dr_phase phase)
{
	static const char *const names[] = {
		[DR_PHASE_CHECK] = "check",	[DR_PHASE_PRE] = "pre",
		[DR_PHASE_POST] = "post",	[DR_PHASE_POST_ERROR] = "post-error",
		[DR_PHASE_BEGIN] = "begin",	[DR_PHASE_RESUMED] = "resumed",
		[DR_PHASE_CHANGED] = "changed",
	};

	return (size_t)phase < ARRAY_SIZE(names) && names[phase] ? names[phase] : "none";
}

void audience_refuse(struct audience *a, const char *kind, const char *name, int error, bool stops,
		     const char *fmt, ...)
{
	struct refusal refusal = { .error = error < 0 ? -error : error, .stops = stops };
	char text[WIRE_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_copy(refusal.audience, sizeof(refusal.audience), kind, SIZE_MAX);
	text_copy(refusal.name, sizeof(refusal.name), name, SIZE_MAX);
	text_copy(refusal.reason, sizeof(refusal.reason), text, sizeof(text));
	if (a->host)
		a->host->refuse(a, &refusal);
}

int audience_tell_in_child(struct audience *a, const struct notice *n, const char *name)
{
	return a->host ? a->host->tell(a, n->phase, n->gen, name, true) : 0;
}

int audience_tell(struct audience *a, const struct notice *n, const char *name)
{
	struct told_entry *e;
	int r;

	r = a->host ? a->host->tell(a, n->phase, n->gen, name, false) : 0;
	if (r < 0)
		return r;
	e = told_add(&a->told, name, is_end(n->phase) ? TOLD_ENDING : TOLD_READY);
	if (!e)
		return log_oom();
	e->gen = n->gen;
	return 0;
}

void audience_over(struct audience *a, const char *name)
{
	struct told_entry *e = told_find(&a->told, name);

	if (!e || e->state == TOLD_OVER)
		return;
	e->state = TOLD_OVER;
	if (a->host)
		a->host->over(a, name);
}
