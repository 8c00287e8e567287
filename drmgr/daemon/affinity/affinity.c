// SPDX-License-Identifier: GPL-2.0-or-later
/* What PRE and POST of the audience "affinity" share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/affinity/affinity.h"

void affinity_say(struct affinity *af, int priority, const char *kind, const char *name,
		  const char *fmt, ...)
{
	bool counted = kind && strcmp(kind, "application") == 0;
	char text[512];
	va_list ap;

	if (counted && af->lines++ == AFFINITY_LINES_MAX)
		eventlog_note(
			af->a.log, LOG_WARNING, NULL, NULL,
			"There is more to say of applications that are bound; it is left out.");
	if (counted && af->lines > AFFINITY_LINES_MAX)
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

static void each_of(struct affinity *af, bool root, affinity_each_t each, void *userdata)
{
	struct application *app;

	TAILQ_FOREACH(app, registry_list(af->registry), node)
		if (affinity_of(app) != AFFINITY_NONE && (app->uid == 0) == root)
			each(userdata, app);
}

void affinity_each(struct affinity *af, affinity_each_t each, void *userdata)
{
	each_of(af, true, each, userdata);
	each_of(af, false, each, userdata);
}
