/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the audience "scripts", for its own files only. */
#ifndef DRMGRD_SCRIPTS_H
#define DRMGRD_SCRIPTS_H

#include <limits.h>
#include <systemd/sd-event.h>

#include "daemon/base/config.h"
#include "daemon/base/runner.h"
#include "daemon/scripts/scriptdir.h"
#include "daemon/session/audience.h"

/* The name of the pipe of a script that is at work, in systemd's store. One is at a time. */
#define SCRIPT_OUTPUT_NAME "script"

enum pass {
	PASS_END,
	PASS_ADOPT,
	PASS_INFO,
	PASS_REGISTER,
	PASS_SCRIPTS,	   /* all that registered */
	PASS_SCRIPTS_TOLD, /* forwards */
	PASS_SCRIPTS_BACK, /* backwards */
	PASS_HOOKS,
	PASS_HOOKS_UNDOCHECK,
	PASS_HOOKS_TOLD,
};

struct job {
	enum pass pass;
	struct script *script; /* NULL: an adopted child whose file is gone */
	enum script_kind kind;
	char told_name[NAME_MAX + 16]; /* "" where nobody is told anything */
	char label[NAME_MAX + 1];
	char reason[WIRE_REASON_LEN];
};

struct scripts {
	struct audience a;
	sd_event *event;
	const struct config *config;
	struct script_list list[2]; /* by enum script_kind */
	bool scanned;
	const struct notice *notice;
	const enum pass *pass;
	size_t pos;
	bool stop;	  /* tell nobody else */
	usec_t undocheck; /* when a check that was stopped has to be over, or 0 */
	bool hook_failed; /* in CHECK */
	struct job job;
	struct runner *runner;
	void (*next)(struct scripts *s); /* the job is over */
	int kept_output;		 /* of the child of an earlier daemon */
	pid_t daemon;			 /* us */
};

static inline const char *script_kind_name(enum script_kind kind)
{
	return kind == KIND_HOOK ? "hook" : "script";
}

#endif /* DRMGRD_SCRIPTS_H */
