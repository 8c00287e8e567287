// SPDX-License-Identifier: GPL-2.0-or-later
/* What PRE and POST of the audience "affinity" share. */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/affinity/affinity.h"

void affinity_say(struct affinity *af, int priority, const char *kind, const char *name,
		  const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (af->lines++ == AFFINITY_LINES_MAX)
		eventlog_note(
			af->a.log, LOG_WARNING, NULL, NULL,
			"There is more to say of what is bound to processors; it is left out.");
	if (af->lines > AFFINITY_LINES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	eventlog_note(af->a.log, priority, kind, name, "%s", text);
}

enum affinity_mode affinity_of(const struct application *app)
{
	return app->wanted & DR_AFFINITY_RECOMPUTE ? AFFINITY_RECOMPUTE :
	       app->wanted & DR_AFFINITY_RESTORE   ? AFFINITY_RESTORE :
	       app->wanted & DR_AFFINITY_KEEP	   ? AFFINITY_KEEP :
						     AFFINITY_NONE;
}
