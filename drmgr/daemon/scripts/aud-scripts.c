// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audience "scripts": AIX's DLPAR scripts and powerpc-utils hooks, one after another in natural order of their
 * names. passes.c says which comes next, job.c runs it.
 */
#include <string.h>

#include "daemon/base/eventlog.h"
#include "daemon/scripts/aud-scripts.h"
#include "daemon/scripts/job.h"
#include "daemon/scripts/passes.h"

/* For undocheck of all hooks together if a check is stopped. drmgr waits only some seconds for the end of a check. */
#define UNDOCHECK_USEC (2 * USEC_PER_SEC)

static void next_job(struct scripts *s)
{
	while (!s->stop && *s->pass != PASS_END) {
		int r = pass_job(s, s->pos);

		if (r < 0) {
			s->pass++;
			s->pos = 0;
			continue;
		}
		s->pos++;
		if (r > 0 && job_begin(s) >= 0)
			return;
	}
	s->notice = NULL;
	audience_done(&s->a);
}

/* If a directory can't be read, what the last scan found is used, and the operator hears of it. */
static void scan(struct scripts *s)
{
	const char *const directories[] = {
		[KIND_AIX] = s->config->script_directory,
		[KIND_HOOK] = s->config->hook_directory,
	};

	for (int kind = 0; kind < (int)ARRAY_SIZE(directories); kind++) {
		int r = script_list_scan(&s->list[kind], directories[kind], kind, s->a.log);

		if (r < 0 && s->notice->phase == DR_PHASE_CHECK)
			audience_refuse(&s->a, script_kind_name(kind), directories[kind], r, false,
					"can't be read: %s", errno_text(r));
	}
	s->scanned = true;
}

static void tell(struct audience *a, const struct notice *n)
{
	struct scripts *s = (struct scripts *)a;

	s->notice = n;
	s->pass = passes_of(n);
	s->pos = 0;
	s->stop = s->hook_failed = false;
	s->undocheck = 0;
	if (!s->scanned || n->phase == DR_PHASE_CHECK || n->phase == DR_PHASE_BEGIN || n->foreign)
		scan(s);
	next_job(s);
}

/*
 * All hooks are told undocheck, also those that have not been asked. A migration waits for it, so they have one short
 * time together.
 */
static void undocheck_all(struct scripts *s)
{
	s->undocheck = now_usec() + UNDOCHECK_USEC;
	s->hook_failed = true;
	if (*s->pass == PASS_HOOKS) {
		s->pass++;
		s->pos = 0;
	}
}

static void stop(struct audience *a)
{
	struct scripts *s = (struct scripts *)a;

	if (s->notice->phase == DR_PHASE_CHECK && *s->pass >= PASS_HOOKS)
		undocheck_all(s);
	else
		s->stop = true;
	if (!s->runner)
		return;
	eventlog_note(s->a.log, LOG_WARNING, script_kind_name(s->job.kind), s->job.label,
		      "%s %s, %s: stopped", script_kind_name(s->job.kind), s->job.label,
		      dr_phase_text(s->notice->phase));
	runner_stop(s->runner);
}

static const struct audience_ops scripts_ops = {
	.name = "scripts",
	.check = tell,
	.begin = tell,
	.pre = tell,
	.post = tell,
	.undo = tell,
	.stop = stop,
};

int aud_scripts_new(struct audience **ret, sd_event *event, const struct config *config,
		    struct eventlog *log)
{
	struct scripts *s = calloc(1, sizeof(*s));

	if (!s)
		return log_oom();
	s->a.ops = &scripts_ops;
	s->a.log = log;
	s->event = sd_event_ref(event);
	s->config = config;
	s->kept_output = -EBADF;
	s->daemon = getpid();
	s->next = next_job;
	*ret = &s->a;
	return 0;
}

bool aud_scripts_restore(struct audience *a, const char *name, int output)
{
	struct scripts *s = (struct scripts *)a;

	if (strcmp(name, SCRIPT_OUTPUT_NAME) != 0)
		return false;
	safe_close(s->kept_output);
	s->kept_output = output;
	return true;
}

struct audience *aud_scripts_free(struct audience *a)
{
	struct scripts *s = (struct scripts *)a;

	if (!s)
		return NULL;
	runner_free(s->runner);
	script_list_clear(&s->list[KIND_AIX]);
	script_list_clear(&s->list[KIND_HOOK]);
	told_clear(&s->a.told);
	safe_close(s->kept_output);
	sd_event_unref(s->event);
	free(s);
	return NULL;
}
