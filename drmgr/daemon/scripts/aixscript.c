// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two script contracts as text: nothing here runs anything, so a test can try any input.
 *
 * AIX: `SCRIPT COMMAND pmig`, environment DR_FORCE and DR_DETAIL_LEVEL, NAME=value lines on stdout. Ours on top, in
 * postmigrate: DR_CHANGED (names of what differs, separated by spaces), DR_BLACKOUT_US; always DR_STREAM.
 * powerpc-utils: no arguments, and exactly four variables.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/scripts/aixscript.h"

#define CLEAN_PATH    "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
#define CHANGED_BYTES 4096

static const struct {
	const char *name;
	enum aix_line_kind kind;
	int level;
} names[] = {
	{ "DR_ERROR", AIX_LINE_ERROR, LOG_ERR },
	{ "DR_LOG_EMERG", AIX_LINE_LOG, LOG_EMERG },
	{ "DR_LOG_ALERT", AIX_LINE_LOG, LOG_ALERT },
	{ "DR_LOG_CRIT", AIX_LINE_LOG, LOG_CRIT },
	{ "DR_LOG_ERR", AIX_LINE_LOG, LOG_ERR },
	{ "DR_LOG_WARNING", AIX_LINE_LOG, LOG_WARNING },
	{ "DR_LOG_NOTICE", AIX_LINE_LOG, LOG_NOTICE },
	{ "DR_LOG_INFO", AIX_LINE_LOG, LOG_INFO },
	{ "DR_LOG_DEBUG", AIX_LINE_LOG, LOG_DEBUG },
	{ "DR_TIMEOUT", AIX_LINE_TIMEOUT, 0 },
	{ "DR_RESOURCE", AIX_LINE_RESOURCE, 0 },
	{ "DR_SCRIPTINFO", AIX_LINE_INFO, 0 },
	{ "DR_VERSION", AIX_LINE_INFO, 0 },
	{ "DR_DATE", AIX_LINE_INFO, 0 },
	{ "DR_VENDOR", AIX_LINE_INFO, 0 },
	{ "DR_USAGE", AIX_LINE_INFO, 0 },
};

struct aix_line aix_line_parse(const char *line)
{
	struct aix_line l = { .kind = AIX_LINE_NONE };
	const char *eq = strchr(line, '=');

	for (size_t i = 0; eq && i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) != (size_t)(eq - line) ||
		    strncmp(line, names[i].name, eq - line) != 0)
			continue;
		l.kind = names[i].kind;
		l.level = names[i].level;
		l.value = eq + 1;
	}
	if (l.kind == AIX_LINE_TIMEOUT && parse_u64(l.value, 10, 86400, &l.seconds) < 0)
		l.kind = AIX_LINE_NONE;
	return l;
}

const char *aix_command(enum dr_phase phase)
{
	switch (phase) {
	case DR_PHASE_CHECK:
		return "checkmigrate";
	case DR_PHASE_PRE:
		return "premigrate";
	case DR_PHASE_POST:
		return "postmigrate";
	case DR_PHASE_POST_ERROR:
		return "undopremigrate";
	default:
		return NULL;
	}
}

char **env_free(char **env)
{
	for (char **e = env; e && *e; e++)
		free(*e);
	free(env);
	return NULL;
}

_printf_(2, 3) static bool env_add(char **env, const char *fmt, ...)
{
	va_list ap;
	int n;

	while (*env)
		env++;
	va_start(ap, fmt);
	n = vasprintf(env, fmt, ap);
	va_end(ap);
	if (n < 0)
		*env = NULL;
	return n >= 0;
}

static void changed_names(const struct notice *n, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; n->rows && i < n->rows->n; i++) {
		char name[ROW_NAME_LEN];
		int w;

		row_name(&n->rows->v[i], name);
		w = snprintf(buf + used, size - used, "%s%s", i ? " " : "", name);

		if (w < 0 || (size_t)w >= size - used) {
			buf[used] = '\0'; /* no half names */
			return;
		}
		used += (size_t)w;
	}
}

char **aix_environment(const struct notice *n)
{
	char **env = calloc(10, sizeof(*env));
	char changed[CHANGED_BYTES];
	bool ok;

	if (!env)
		return NULL;
	ok = env_add(env, CLEAN_PATH) && env_add(env, "DR_FORCE=%s", n->force ? "TRUE" : "FALSE") &&
	     env_add(env, "DR_DETAIL_LEVEL=%u", n->detail) &&
	     env_add(env, "DR_STREAM=0x%" PRIx64, n->stream);
	if (ok && n->phase == DR_PHASE_POST) {
		changed_names(n, changed, sizeof(changed));
		ok = env_add(env, "DR_CHANGED=%s", changed) &&
		     env_add(env, "DR_BLACKOUT_US=%" PRIu64, n->blackout_us);
	}
	return ok ? env : env_free(env);
}

char **hook_environment(const char *phase)
{
	char **env = calloc(6, sizeof(*env));

	if (!env)
		return NULL;
	if (env_add(env, "DRC_TYPE=pmig") && env_add(env, "PHASE=%s", phase) &&
	    env_add(env, "ACTION=migrate") && env_add(env, "DRC_COUNT=0"))
		return env;
	return env_free(env);
}
