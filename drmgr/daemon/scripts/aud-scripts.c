// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audience "scripts": AIX's DLPAR scripts and powerpc-utils hooks, one after another in natural order of their
 * names. A phase is a row of passes; a pass goes over a list (what is in the directories, or the told-set) and
 * makes a job of each entry; a job is one child.
 *
 *	check	learn, ask the scripts, ask the hooks, undocheck to all hooks when one said no or was stopped
 *	begin	learn, hooks' pre (HooksAt=begin)
 *	pre	learn what BEGIN had no time for, scripts until one fails, hooks' pre (HooksAt=pre)
 *	post	scripts that were told, hooks that were told
 *	undo	scripts that were told, last one first; hooks' post, because theirs comes in both cases
 *
 * Learning is `scriptinfo` (its DR_TIMEOUT) and `register` (does it want pmig?), once for each version of a file.
 * The children that tell something outlive a daemon that dies; the next one waits for them (adopt) before
 * it goes on.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/runner.h"
#include "daemon/scripts/aixscript.h"
#include "daemon/scripts/aud-scripts.h"
#include "daemon/scripts/scriptdir.h"

/* For undocheck of all hooks together, when a check is stopped: drmgr waits some seconds for the end of it. */
#define UNDOCHECK_USEC (2 * USEC_PER_SEC)

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
	int kept_output; /* of the child of an earlier daemon */
	pid_t daemon;	 /* us */
};

static void next_job(struct scripts *s);

static const char *kind_name(enum script_kind kind)
{
	return kind == KIND_HOOK ? "hook" : "script";
}

/* ---- what came of a job ---- */

static bool job_failed(const struct job *job, const struct run_result *result)
{
	if (result->end == RUN_LOST)
		return false;
	return result->end != RUN_EXITED ||
	       (result->value != 0 &&
		(job->kind == KIND_HOOK || result->value != AIX_EXIT_UNSUPPORTED));
}

static void judge(struct scripts *s, int error, const char *why)
{
	const struct job *job = &s->job;
	enum dr_phase phase = s->notice->phase;
	bool counts = phase == DR_PHASE_CHECK || (phase == DR_PHASE_PRE && job->kind == KIND_AIX);
	bool stops = counts && !s->notice->force;

	if (job->pass == PASS_HOOKS_UNDOCHECK)
		counts = stops = false;
	if (counts)
		audience_refuse(&s->a, kind_name(job->kind), job->label, error, stops, "%s", why);
	eventlog_note(s->a.log, stops ? LOG_ERR : LOG_WARNING, kind_name(job->kind), job->label,
		      "%s %s, %s: %s", kind_name(job->kind), job->label, dr_phase_text(phase), why);
	if (counts && job->kind == KIND_HOOK)
		s->hook_failed = true;
	if (stops && phase == DR_PHASE_PRE)
		s->stop = true;
}

/* Nobody knows whether it would have refused: that stops nothing, and the operator hears of it. */
static void cannot_be_asked(struct scripts *s, int error, const char *why)
{
	const struct job *job = &s->job;

	if (s->notice->phase == DR_PHASE_CHECK)
		audience_refuse(&s->a, "script", job->label, error, false, "it can't be asked: %s",
				why);
	eventlog_note(s->a.log, LOG_WARNING, "script", job->label, "script %s can't be asked: %s",
		      job->label, why);
}

static void learnt(struct scripts *s, const struct run_result *result, const char *why)
{
	struct job *job = &s->job;

	if (result->end == RUN_STOPPED)
		return; /* it has said nothing yet */
	if (job->pass == PASS_REGISTER)
		job->script->known = true;
	if (!job_failed(job, result))
		return;
	job->script->registered = false;
	job->script->known = job->script->failed = true;
	eventlog_note(s->a.log, LOG_WARNING, "script", job->label, "script %s is not used: %s: %s",
		      job->label, job->pass == PASS_INFO ? "scriptinfo" : "register", why);
}

static void on_done(void *userdata, const struct run_result *result)
{
	struct scripts *s = userdata;
	struct job *job = &s->job;
	struct told_entry *e;
	char text[64];
	const char *why = job->reason[0] && result->end == RUN_EXITED ?
				  job->reason :
				  run_result_text(result, text, sizeof(text));

	s->runner = runner_free(s->runner);
	if (job->pass == PASS_INFO || job->pass == PASS_REGISTER)
		learnt(s, result, why);
	else if (job->pass == PASS_ADOPT) {
		e = told_find(&s->a.told, job->told_name);
		if (e)
			e->pid = 0;
		if (e && e->state == TOLD_ENDING)
			audience_over(&s->a, job->told_name);
	} else {
		/* Who was stopped has refused nothing. */
		if (job_failed(job, result) && result->end != RUN_STOPPED)
			judge(s, result->end == RUN_TIMED_OUT ? ETIMEDOUT : ECANCELED, why);
		if (job->told_name[0] && is_end(s->notice->phase))
			audience_over(&s->a, job->told_name);
	}
	next_job(s);
}

static void on_line(void *userdata, const char *line)
{
	struct scripts *s = userdata;
	struct job *job = &s->job;
	struct aix_line l;

	if (job->kind == KIND_HOOK) {
		if (!job->reason[0])
			text_copy(job->reason, sizeof(job->reason), line, SIZE_MAX);
		eventlog_note(s->a.log, LOG_INFO, "hook", job->label, "hook %s: %s", job->label,
			      line);
		return;
	}
	l = aix_line_parse(line);
	if (l.kind == AIX_LINE_ERROR)
		text_copy(job->reason, sizeof(job->reason), l.value, SIZE_MAX);
	else if (l.kind == AIX_LINE_LOG)
		eventlog_note(s->a.log, l.level, "script", job->label, "script %s: %s", job->label,
			      l.value);
	else if (l.kind == AIX_LINE_TIMEOUT && job->pass == PASS_INFO) {
		job->script->has_timeout = true;
		job->script->timeout_s = l.seconds;
	} else if (l.kind == AIX_LINE_RESOURCE && job->pass == PASS_REGISTER &&
		   strcmp(l.value, "pmig") == 0)
		job->script->registered = true;
}

/* ---- starting a job ---- */

static usec_t job_deadline(const struct scripts *s)
{
	const struct script *script = s->job.script;
	usec_t now = now_usec(), all = s->notice->deadline, timeout = s->config->script_timeout;

	if (s->undocheck)
		return s->undocheck;

	if (s->job.kind == KIND_HOOK)
		timeout = s->config->hook_timeout;
	else if (script && script->has_timeout)
		/* "none" on AIX; nothing waits for ever here */
		timeout = script->timeout_s ? script->timeout_s * USEC_PER_SEC :
					      s->config->hook_timeout;
	if (!all || now >= all)
		return all ? all : now + timeout;
	/* A hook that fails stops nothing in PRE; nor does one that hangs, by what it leaves to all others. */
	if (s->job.kind == KIND_HOOK)
		return now + usec_min(timeout, (all - now) / 2);
	return usec_min(now + timeout, all);
}

/*
 * The next daemon has read the journal, perhaps, and does not know of this child: then the script must not run. Where
 * the daemon is alive after the record was written, the next one reads it. The end is owed in any case, so that is
 * left to the next daemon only while nothing has been written.
 */
static int in_child(void *userdata)
{
	struct scripts *s = userdata;
	int r;

	if (!s->job.told_name[0])
		return 0;
	if (getppid() != s->daemon)
		return -ESRCH;
	r = audience_tell_in_child(&s->a, s->notice, s->job.told_name);
	if (is_end(s->notice->phase))
		return 0; /* written down or not */
	return r < 0 ? r : getppid() == s->daemon ? 0 : -ESRCH;
}

static const char *hook_phase(const struct scripts *s)
{
	if (s->job.pass == PASS_HOOKS_UNDOCHECK)
		return "undocheck";
	if (s->job.pass == PASS_HOOKS_TOLD)
		return "post";
	return s->notice->phase == DR_PHASE_CHECK ? "check" : "pre";
}

static const char *job_command(const struct scripts *s)
{
	if (s->job.pass == PASS_INFO)
		return "scriptinfo";
	if (s->job.pass == PASS_REGISTER)
		return "register";
	return aix_command(s->notice->phase);
}

static int start_job(struct scripts *s)
{
	struct job *job = &s->job;
	bool learning = job->pass == PASS_INFO || job->pass == PASS_REGISTER;
	bool end = is_end(s->notice->phase);
	char *argv[] = { job->script->path, NULL, NULL, NULL };
	char **env, why[512];
	struct told_entry *e;
	struct stat st;
	int r;

	r = script_check(job->script->path, job->kind, &st, why, sizeof(why));
	if (r < 0) {
		text_copy(job->reason, sizeof(job->reason), why, sizeof(why));
		return r;
	}
	if (job->kind == KIND_AIX) {
		argv[1] = (char *)job_command(s);
		argv[2] = learning ? NULL : (char *)"pmig";
	}
	env = job->kind == KIND_HOOK ? hook_environment(hook_phase(s)) : aix_environment(s->notice);
	if (!env)
		return log_oom();
	if (job->told_name[0]) {
		e = told_add(&s->a.told, job->told_name, end ? TOLD_ENDING : TOLD_READY);
		if (!e) {
			env_free(env);
			return log_oom();
		}
	}
	s->a.until = job_deadline(s);
	r = runner_start(&s->runner, s->event,
			 &(struct run_spec){
				 .path = job->script->path,
				 .argv = argv,
				 .env = env,
				 .deadline = s->a.until,
				 .stop_signal = job->kind == KIND_HOOK ? SIGTERM : SIGABRT,
				 .keep = job->told_name[0] ? SCRIPT_OUTPUT_NAME : NULL,
				 .in_child = in_child,
				 .line = on_line,
				 .done = on_done,
				 .userdata = s,
			 });
	env_free(env);
	return r;
}

static int adopt_job(struct scripts *s, const struct told_entry *e)
{
	int r;

	s->a.until = job_deadline(s);
	r = runner_adopt(&s->runner, s->event,
			 &(struct run_spec){
				 .deadline = s->a.until,
				 .stop_signal = s->job.kind == KIND_HOOK ? SIGTERM : SIGABRT,
				 .keep = SCRIPT_OUTPUT_NAME,
				 .line = on_line,
				 .done = on_done,
				 .userdata = s,
			 },
			 e->pid, e->start, s->kept_output);
	/* Only one can have been at work, and this is not his if he is gone. */
	if (r == 0)
		s->kept_output = safe_close(s->kept_output);
	return r;
}

/* ---- which job comes next ---- */

static void set_job(struct scripts *s, enum script_kind kind, struct script *script,
		    const char *label, bool told)
{
	s->job = (struct job){ .pass = *s->pass, .script = script, .kind = kind };
	snprintf(s->job.label, sizeof(s->job.label), "%s", label);
	if (told)
		snprintf(s->job.told_name, sizeof(s->job.told_name), "%s/%s", kind_name(kind),
			 label);
}

/* The told-set's entry number @i as a job, if it is of this kind and still owed something. */
static bool told_job(struct scripts *s, size_t i, enum script_kind kind)
{
	struct told_entry *e = &s->a.told.v[i];
	const char *slash = strchr(e->name, '/');
	size_t length = strlen(kind_name(kind));

	if (!slash || (size_t)(slash - e->name) != length ||
	    strncmp(e->name, kind_name(kind), length) != 0)
		return false;
	if (*s->pass == PASS_ADOPT ? e->pid == 0 && e->state != TOLD_ENDING :
				     e->state != TOLD_READY)
		return false;
	set_job(s, kind, script_list_find(&s->list[kind], slash + 1), slash + 1, true);
	return true;
}

/* Entry number @pos of the pass. 1: it is a job; 0: it is none; -ENOENT: the pass is over. */
static int pass_job(struct scripts *s, size_t pos)
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
		/* In a foreign migration, those who have not been told anything. */
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

static void not_started(struct scripts *s, int error)
{
	const struct job *job = &s->job;
	const char *why = job->reason[0] ? job->reason : errno_text(error);
	struct told_entry *e = told_find(&s->a.told, job->told_name);

	if (job->pass == PASS_INFO || job->pass == PASS_REGISTER)
		cannot_be_asked(s, error, why);
	else
		judge(s, error, why);
	if (is_end(s->notice->phase))
		audience_over(&s->a, job->told_name);
	else if (e)
		e->state = TOLD_OVER; /* it has not heard that it should get ready */
}

/* Starts what pass_job() found; negative: it has not been started, and what that means has been dealt with. */
static int begin_job(struct scripts *s)
{
	struct told_entry *e;
	int r;

	if (s->job.pass == PASS_ADOPT) {
		e = told_find(&s->a.told, s->job.told_name);
		r = adopt_job(s, e);
		if (r < 0) {
			e->pid = 0;
			if (e->state == TOLD_ENDING)
				audience_over(&s->a, s->job.told_name);
		}
		return r;
	}
	if (!s->job.script)
		snprintf(s->job.reason, sizeof(s->job.reason), "the file is gone");
	r = s->job.script ? start_job(s) : -ENOENT;
	if (r < 0)
		not_started(s, r);
	return r;
}

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
		if (r > 0 && begin_job(s) >= 0)
			return;
	}
	s->notice = NULL;
	audience_done(&s->a);
}

/* ---- the audience ---- */

/* Whoever was there the last time is asked when the directory can't be read; the operator hears that it can't. */
static void scan(struct scripts *s)
{
	const char *const directories[] = {
		[KIND_AIX] = s->config->script_directory,
		[KIND_HOOK] = s->config->hook_directory,
	};

	for (int kind = 0; kind < (int)ARRAY_SIZE(directories); kind++) {
		int r = script_list_scan(&s->list[kind], directories[kind], kind, s->a.log);

		if (r < 0 && s->notice->phase == DR_PHASE_CHECK)
			audience_refuse(&s->a, kind_name(kind), directories[kind], r, false,
					"can't be read: %s", errno_text(r));
	}
	s->scanned = true;
}

static void tell(struct audience *a, const struct notice *n)
{
	static const enum pass *const passes[] = {
		[DR_PHASE_CHECK] = check_passes,     [DR_PHASE_BEGIN] = begin_passes,
		[DR_PHASE_PRE] = pre_passes,	     [DR_PHASE_POST] = post_passes,
		[DR_PHASE_POST_ERROR] = undo_passes,
	};
	struct scripts *s = (struct scripts *)a;

	s->notice = n;
	s->pass = n->foreign && n->phase == DR_PHASE_POST ? foreign_passes : passes[n->phase];
	s->pos = 0;
	s->stop = s->hook_failed = false;
	s->undocheck = 0;
	if (!s->scanned || n->phase == DR_PHASE_CHECK || n->phase == DR_PHASE_BEGIN || n->foreign)
		scan(s);
	next_job(s);
}

/* Hooks that were asked, or will not be any more, hear undocheck; a migration waits for it, so together they are quick. */
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
	eventlog_note(s->a.log, LOG_WARNING, kind_name(s->job.kind), s->job.label,
		      "%s %s, %s: stopped", kind_name(s->job.kind), s->job.label,
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
	*ret = &s->a;
	return 0;
}

void aud_scripts_restore(struct audience *a, int output)
{
	struct scripts *s = (struct scripts *)a;

	safe_close(s->kept_output);
	s->kept_output = output;
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
