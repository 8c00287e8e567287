// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The settings: each is a row of a table, with a parser that writes nothing unless the value is good. A bad value is
 * reported in one line, with file and line number, and changes nothing, because the daemon has to run when the
 * partition moves, whatever typing errors the file has.
 */
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/config.h"

#define SECTION "drmgr"
#define HOUR	(3600 * USEC_PER_SEC)

struct row {
	const char *key;
	int (*parse)(const struct row *row, struct config *c, const char *value);
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *expected;
};

#define FIELD(row, c, type) ((type *)((char *)(c) + (row)->offset))

static int parse_number(const struct row *row, struct config *c, const char *value)
{
	uint64_t n;
	int r = parse_u64(value, 10, row->max, &n);

	if (r < 0)
		return r;
	if (n < row->min)
		return -ERANGE;
	*FIELD(row, c, uint64_t) = n;
	return 0;
}

static int parse_seconds(const struct row *row, struct config *c, const char *value)
{
	int r = parse_number(row, c, value);

	if (r == 0)
		*FIELD(row, c, usec_t) *= USEC_PER_SEC;
	return r;
}

static int parse_path(const struct row *row, struct config *c, const char *value)
{
	char *copy;

	if (value[0] != '/' || strlen(value) >= 1024)
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return log_oom();
	free(*FIELD(row, c, char *));
	*FIELD(row, c, char *) = copy;
	return 0;
}

static int parse_choice(const char *value, const char *const *choices, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(value, choices[i]) == 0)
			return (int)i;
	return -EINVAL;
}

static int parse_flag(const struct row *row, struct config *c, const char *value, const char *no,
		      const char *yes)
{
	int r = parse_choice(value, (const char *const[]){ no, yes }, 2);

	if (r < 0)
		return r;
	*FIELD(row, c, bool) = r;
	return 0;
}

static int parse_hooks_at(const struct row *row, struct config *c, const char *value)
{
	return parse_flag(row, c, value, "begin", "pre");
}

static int parse_quiesce_at(const struct row *row, struct config *c, const char *value)
{
	return parse_flag(row, c, value, "auto", "now");
}

static int parse_mode(const struct row *row, struct config *c, const char *value)
{
	return parse_flag(row, c, value, "active", "observe");
}

static int parse_without_module(const struct row *row, struct config *c, const char *value)
{
	return parse_flag(row, c, value, "sysfs", "post");
}

/* Only drmgr uses this setting, when the daemon does not answer (cmd/fallback.c). */
static int parse_fallback(_unused_ const struct row *row, _unused_ struct config *c,
			  const char *value)
{
	int r = parse_choice(value, (const char *const[]){ "original", "refuse" }, 2);

	return r < 0 ? r : 0;
}

static int parse_check(const struct row *row, struct config *c, const char *value)
{
	static const char *const modes[] = {
		[CHECK_OFF] = "off", [CHECK_ADVICE] = "advice", [CHECK_VETO] = "veto"
	};
	int r = parse_choice(value, modes, ARRAY_SIZE(modes));

	if (r < 0)
		return r;
	*FIELD(row, c, enum check_mode) = (enum check_mode)r;
	return 0;
}

static int parse_log_level(const struct row *row, struct config *c, const char *value)
{
	static const char *const levels[] = { "emerg",	 "alert",  "crit", "err",
					      "warning", "notice", "info", "debug" };
	int r = parse_choice(value, levels, ARRAY_SIZE(levels));

	if (r < 0)
		return r;
	*FIELD(row, c, int) = r;
	return 0;
}

/* refusers.c looks the names up when they are needed. If the setting is there twice, both count. */
static int parse_may_refuse(_unused_ const struct row *row, struct config *c, const char *value)
{
	char *all;

	if (asprintf(&all, "%s %s", c->may_refuse ? c->may_refuse : "", value) < 0)
		return log_oom();
	free(c->may_refuse);
	c->may_refuse = all;
	return 0;
}

/* "db.service:recompute". Only these types have processors, and systemd has no other signs in a name. */
static int parse_unit(const char *item, struct affinity_unit *ret)
{
	static const char *const modes[] = { [AFFINITY_NONE] = "",
					     [AFFINITY_KEEP] = "keep",
					     [AFFINITY_RESTORE] = "restore",
					     [AFFINITY_RECOMPUTE] = "recompute" };
	const char *colon = strrchr(item, ':');
	size_t length = colon ? (size_t)(colon - item) : 0;
	const char *type;
	int r;

	if (length == 0 || length >= sizeof(ret->name))
		return -EINVAL;
	memcpy(ret->name, item, length);
	ret->name[length] = '\0';
	type = strrchr(ret->name, '.');
	r = parse_choice(colon + 1, modes, ARRAY_SIZE(modes));
	if (r <= AFFINITY_NONE || !type || type == ret->name ||
	    (strcmp(type, ".service") != 0 && strcmp(type, ".slice") != 0 &&
	     strcmp(type, ".scope") != 0) ||
	    strspn(ret->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			      ":-_.\\@") != length)
		return -EINVAL;
	ret->mode = (enum affinity_mode)r;
	return 0;
}

/* If the setting is there twice, both count. Of a line with an error nothing is used. */
static int parse_affinity(_unused_ const struct row *row, struct config *c, const char *value)
{
	_cleanup_free_ char *copy = strdup(value);
	struct affinity_unit *v =
		reallocarray(c->units, UNITS_MAX, sizeof(*v)); /* once, with room for all */
	size_t n = c->nr_units;
	char *save = NULL;

	if (v)
		c->units = v;
	if (!v || !copy)
		return log_oom();
	for (char *item = strtok_r(copy, " \t,", &save); item;
	     item = strtok_r(NULL, " \t,", &save)) {
		if (n == UNITS_MAX || parse_unit(item, &v[n]) < 0)
			return -EINVAL;
		n++;
	}
	c->nr_units = n;
	return 0;
}

#define ROW(key_, parse_, field_, ...)                                     \
	{                                                                  \
		key_, parse_, offsetof(struct config, field_), __VA_ARGS__ \
	}

static const struct row rows[] = {
	ROW("Mode", parse_mode, observe, 0, 0, "active or observe"),
	ROW("ScriptDirectory", parse_path, script_directory, 0, 0, "an absolute path"),
	ROW("HookDirectory", parse_path, hook_directory, 0, 0, "an absolute path"),
	ROW("HooksAt", parse_hooks_at, hooks_at_pre, 0, 0, "begin or pre"),
	ROW("QuiesceAt", parse_quiesce_at, quiesce_now, 0, 0, "auto or now"),
	ROW("ScriptTimeoutSec", parse_seconds, script_timeout, 1, 3600, "seconds, 1 to 3600"),
	ROW("HookTimeoutSec", parse_seconds, hook_timeout, 1, 86400, "seconds, 1 to 86400"),
	ROW("PreTimeoutSec", parse_seconds, pre_timeout, 1, 3600, "seconds, 1 to 3600"),
	ROW("ApplicationTimeoutSec", parse_seconds, application_timeout, 1, 3600,
	    "seconds, 1 to 3600"),
	ROW("ApplicationTimeoutMaxSec", parse_seconds, application_timeout_max, 1, 3600,
	    "seconds, 1 to 3600"),
	ROW("GraceSec", parse_seconds, grace, 1, 60, "seconds, 1 to 60"),
	ROW("SlowNoticeSec", parse_seconds, slow_notice, 1, 3600, "seconds, 1 to 3600"),
	ROW("MaxApplications", parse_number, max_applications, 1, 200000, "a number, 1 to 200000"),
	ROW("MaxApplicationsRoot", parse_number, max_applications_root, 1, 200000,
	    "a number, 1 to 200000"),
	ROW("MaxApplicationsPerUser", parse_number, max_applications_per_user, 0, 200000,
	    "a number, 0 to 200000"),
	ROW("MayRefuse", parse_may_refuse, may_refuse, 0, 0, "names of users and, with @, groups"),
	ROW("Affinity", parse_affinity, units, 0, 0,
	    "UNIT:keep, UNIT:restore or UNIT:recompute, of at most 64 services, slices or scopes"),
	ROW("WithoutModule", parse_without_module, post_alone, 0, 0, "sysfs or post"),
	ROW("Fallback", parse_fallback, log_level, 0, 0, "original or refuse"),
	ROW("CheckEngine", parse_check, check_engine, 0, 0, "veto, advice or off"),
	ROW("CheckState", parse_check, check_state, 0, 0, "veto, advice or off"),
	ROW("LogLevel", parse_log_level, log_level, 0, 0, "err, warning, notice, info or debug"),
};

struct reader {
	struct config *config;
	const char *path;
	FILE *file;
	unsigned line;
	int error;
};

/* inih does not tell its handler the line number, so the lines are counted here. */
static char *read_line(char *buf, int size, void *userdata)
{
	struct reader *r = userdata;
	char *line = fgets(buf, size, r->file);

	if (line)
		r->line++;
	else if (ferror(r->file))
		r->error = errno;
	return line;
}

static int take(void *userdata, const char *section, const char *key, const char *value)
{
	struct reader *r = userdata;

	if (section[0] && strcasecmp(section, SECTION) != 0) {
		log_warning(
			"%s:%u: section [%s] is unknown and not used; settings belong in [" SECTION
			"].",
			r->path, r->line, section);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcasecmp(key, rows[i].key) != 0)
			continue;
		if (rows[i].parse(&rows[i], r->config, value ? value : "") < 0)
			log_warning("%s:%u: %s=%s: expected %s; the line is not used.", r->path,
				    r->line, rows[i].key, value ? value : "", rows[i].expected);
		return 1;
	}
	log_warning("%s:%u: there is no setting %s; the line is not used.", r->path, r->line, key);
	return 1;
}

int config_load(struct config *c, const char *path)
{
	struct reader reader = { .config = c, .path = path };
	int r = 0;

	*c = (struct config){
		.script_directory = strdup("/usr/lib/dr/scripts/all"),
		.hook_directory = strdup("/etc/drmgr.d/pmig"),
		.script_timeout = 10 * USEC_PER_SEC,
		.hook_timeout = 300 * USEC_PER_SEC,
		.pre_timeout = 60 * USEC_PER_SEC,
		.application_timeout = 10 * USEC_PER_SEC,
		.application_timeout_max = 60 * USEC_PER_SEC,
		.grace = 2 * USEC_PER_SEC,
		.slow_notice = 5 * USEC_PER_SEC,
		.max_applications = 16384,
		.max_applications_root = 16384,
		.max_applications_per_user = 1024,
		.check_engine = CHECK_VETO,
		.check_state = CHECK_ADVICE,
		.log_level = LOG_INFO,
	};
	if (!c->script_directory || !c->hook_directory)
		return log_oom();
	reader.file = fopen(path, "re");
	if (!reader.file && errno == ENOENT)
		return 0;
	if (!reader.file)
		reader.error = errno;
	else {
		r = ini_parse_stream(read_line, &reader, take, &reader);
		fclose(reader.file);
	}
	if (reader.error) {
		log_warning("%s can't be read: %s.", path, errno_text(reader.error));
		return -reader.error;
	}
	if (r > 0)
		log_warning("%s:%d: neither a section nor KEY=VALUE; the line is not used.", path,
			    r);
	return 0;
}

void config_clear(struct config *c)
{
	free(c->script_directory);
	free(c->hook_directory);
	free(c->may_refuse);
	free(c->units);
	*c = (struct config){ 0 };
}
