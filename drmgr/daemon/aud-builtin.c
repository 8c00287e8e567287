// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audience "builtin" is the daemon itself. In CHECK and BEGIN it has looked up who may refuse, before anybody else
 * is told. In CHECK it then makes readiness checks. Each is a row of a table and one function that looks and says what it saw; the configuration says
 * whether that is a veto or advice. All are instant.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/aud-builtin.h"
#include "daemon/base/eventlog.h"

#define MOBILITY_FILE	"/sys/kernel/mobility/migration"
#define SIM_MODULE	"/sys/module/pmig_sim"
#define STATE_DIRECTORY "/run"
#define STATE_BYTES	(1U << 20)

struct builtin {
	struct audience a;
	const struct config *config;
	struct refusers *refusers;
	const struct notice *notice;
};

/* Returns false and a reason when the partition is not ready. */
static bool engine_is_there(const struct notice *n, char *reason, size_t size)
{
	bool sim = access(SIM_MODULE, F_OK) == 0;

	if (n->engine && strcmp(n->engine, "sim") == 0 ? sim :
							 sim || access(MOBILITY_FILE, F_OK) == 0)
		return true;
	snprintf(reason, size,
		 "there is no " MOBILITY_FILE
		 ": this machine's hypervisor does not move partitions");
	return false;
}

static bool state_can_be_kept(_unused_ const struct notice *n, char *reason, size_t size)
{
	struct statvfs vfs;

	if (statvfs(STATE_DIRECTORY, &vfs) < 0 ||
	    (uint64_t)vfs.f_bavail * vfs.f_frsize >= STATE_BYTES)
		return true;
	snprintf(reason, size,
		 STATE_DIRECTORY " is almost full: applications of users could not be told");
	return false;
}

static const struct {
	const char *name;
	size_t mode; /* offset in struct config */
	bool (*ready)(const struct notice *n, char *reason, size_t size);
} checks[] = {
	{ "engine", offsetof(struct config, check_engine), engine_is_there },
	{ "state", offsetof(struct config, check_state), state_can_be_kept },
};

void builtin_checks(const struct config *config, const struct notice *n,
		    void (*complain)(void *userdata, const char *name, const char *reason,
				     bool stops),
		    void *userdata)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		enum check_mode mode =
			*(const enum check_mode *)((const char *)config + checks[i].mode);
		char reason[WIRE_REASON_LEN];

		if (mode != CHECK_OFF && !checks[i].ready(n, reason, sizeof(reason)))
			complain(userdata, checks[i].name, reason, mode == CHECK_VETO && !n->force);
	}
}

static void refuse(void *userdata, const char *name, const char *reason, bool stops)
{
	struct builtin *b = userdata;

	audience_refuse(&b->a, "builtin", name, ENODEV, stops, "%s", reason);
	eventlog_note(b->a.log, stops ? LOG_ERR : LOG_WARNING, "builtin", name, "%s", reason);
}

static void on_looked_up(void *userdata)
{
	struct builtin *b = userdata;

	if (b->notice->phase == DR_PHASE_CHECK)
		builtin_checks(b->config, b->notice, refuse, b);
	audience_done(&b->a);
}

static void look_up(struct audience *a, const struct notice *n)
{
	struct builtin *b = (struct builtin *)a;

	b->notice = n;
	a->until = now_usec() + LOOK_UP_USEC;
	refusers_look_up(b->refusers, on_looked_up, b);
}

static void stop(struct audience *a)
{
	refusers_stop(((struct builtin *)a)->refusers);
}

static const struct audience_ops builtin_ops = {
	.name = "builtin",
	.check = look_up,
	.begin = look_up,
	.stop = stop,
};

int aud_builtin_new(struct audience **ret, const struct config *config, struct refusers *refusers,
		    struct eventlog *log)
{
	struct builtin *b = calloc(1, sizeof(*b));

	if (!b)
		return log_oom();
	b->a.ops = &builtin_ops;
	b->a.log = log;
	b->config = config;
	b->refusers = refusers;
	*ret = &b->a;
	return 0;
}

struct audience *aud_builtin_free(struct audience *a)
{
	if (a)
		told_clear(&a->told);
	free(a);
	return NULL;
}
