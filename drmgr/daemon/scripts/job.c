// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A job is one child: how long it may take, what it is told, and what its output and its end mean. A child that is told
 * something outlives a daemon that dies; the next daemon waits for it (adopt) before it goes on.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/eventlog.h"
#include "daemon/scripts/aixscript.h"
#include "daemon/scripts/job.h"

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
		audience_refuse(&s->a, script_kind_name(job->kind), job->label, error, stops, "%s",
				why);
	eventlog_note(s->a.log, stops ? LOG_ERR : LOG_WARNING, script_kind_name(job->kind),
		      job->label, "%s %s, %s: %s", script_kind_name(job->kind), job->label,
		      dr_phase_text(phase), why);
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
		/* A child that was stopped has not refused. */
		if (job_failed(job, result) && result->end != RUN_STOPPED)
			judge(s, result->end == RUN_TIMED_OUT ? ETIMEDOUT : ECANCELED, why);
		if (job->told_name[0] && is_end(s->notice->phase))
			audience_over(&s->a, job->told_name);
	}
	s->next(s);
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
	/*
	 * A hook that fails in PRE stops nothing, and neither does one that hangs: half of the time is left to the
	 * others.
	 */
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
	/* Only one child was running. If it was not this one, the pipe may belong to the next that is tried. */
	if (r == 0)
		s->kept_output = safe_close(s->kept_output);
	return r;
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

int job_begin(struct scripts *s)
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
