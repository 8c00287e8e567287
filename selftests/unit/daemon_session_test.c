// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state machine of the daemon against a module and audiences that are made of paper: the order of what is told,
 * who is undone, and what a daemon that comes after a killed one does with the journal.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-event.h>

#include "daemon/apps/aud-signals.h"
#include "daemon/platform/tree.h"
#include "daemon/session/aud-kernel.h"
#include "daemon/session/session-internal.h"
#include "daemon/session/session.h"
#include "kselftest_harness.h"
#include "shared/token.h"
#include "unit/tree.h"
#include <sanitizer/lsan_interface.h>

#define STREAM	 UINT64_C(0x1234)
#define DETAIL	 3
#define ENGINE	 "paper"
#define MELTDOWN "/sys/devices/system/cpu/vulnerabilities/meltdown"

/* What happened, one word each: "scripts.pre", "BEGIN", ... */
static char trace[4096];

static void note(const char *fmt, const char *a, const char *b)
{
	size_t used = strlen(trace);

	snprintf(trace + used, sizeof(trace) - used, "%s", used ? " " : "");
	used = strlen(trace);
	snprintf(trace + used, sizeof(trace) - used, fmt, a, b);
}

/* What of prctl() the daemon has asked for, in the place of libc's; @flusher_err: what the kernel says to that. */
static bool io_flusher;
static int flusher_err;

int prctl(int option, ...)
{
	va_list args;

	va_start(args, option);
	if (option == PR_SET_IO_FLUSHER && !flusher_err)
		io_flusher = va_arg(args, long);
	va_end(args);
	errno = flusher_err;
	return errno ? -1 : 0;
}

/* ---- a module of paper: each command leads to the next state, unless `stay` ---- */

struct paper_backend {
	struct backend b;
	sd_event_source *later;
	backend_done_t done;
	void *userdata;
	enum pmig_cmd command;
	enum pmig_cmd fails; /* this command fails with -EBUSY, ADOPT with -ENOENT */
	bool no_quiesce;     /* stays ENABLED */
	bool stays_waiting;  /* in Enabled, with our write */
	bool stays_resumed;
	bool stays_cancelling;
	bool stays_checking;
	bool cancel_is_late;  /* it moves all the same */
	bool moves;	      /* before the command that fails */
	bool other_moves;     /* another stream, and what is to be adopted has made room for it */
	bool other_has_ended; /* and its end is heard before the answer to ADOPT */
	bool is_owned;	      /* by another port, or by that of a daemon before us */
	int fail_in_move;     /* errno, 0: it moves */
	uint32_t seq;
	uint32_t cancel_errno;
	uint32_t cancelled_with;
	uint32_t pre_ms;
	unsigned nr_out_of_range;
};

/* Two caches, which are told as one. */
static void add_rows(struct rows *rows)
{
	struct row row = { .section = "cache", .key = "l1d@0", .field = "size" };

	rows_add(rows, &row);
	row.key[4] = '8';
	rows_add(rows, &row);
}

static void become(struct paper_backend *p, uint32_t state, uint32_t error)
{
	struct kernel_state k = {
		.state = state, .stream = STREAM, .seq = ++p->seq, .error = error, .owner = 1
	};

	if (error)
		snprintf(k.reason, sizeof(k.reason), "paper reason");
	if (state == PMIG_STATE_COMPLETED) {
		add_rows(&k.rows);
		k.blackout_us = 77;
	}
	backend_set_state(&p->b, &k);
}

static int paper_later(sd_event_source *s, void *userdata)
{
	static const char *const names[] = {
		[PMIG_CMD_CHECK] = "CHECK",   [PMIG_CMD_BEGIN] = "BEGIN",
		[PMIG_CMD_PRE] = "PRE",	      [PMIG_CMD_SUSPEND] = "SUSPEND",
		[PMIG_CMD_CANCEL] = "CANCEL", [PMIG_CMD_ADOPT] = "ADOPT",
		[PMIG_CMD_END] = "END",
	};
	struct paper_backend *p = userdata;
	backend_done_t done = p->done;

	note("%s%s", names[p->command], "");
	p->done = NULL;
	if (p->command == PMIG_CMD_ADOPT && p->other_moves) {
		p->other_moves = !p->other_has_ended;
		if (p->other_has_ended)
			become(p, PMIG_STATE_COMPLETED, 0);
		done(p->userdata, -EAGAIN, "ask again");
		return 0;
	}
	if (p->command == PMIG_CMD_ADOPT && p->is_owned) {
		done(p->userdata, -EBUSY, "the session has an owner");
		return 0;
	}
	if (p->command == p->fails) {
		if (p->moves)
			become(p, PMIG_STATE_SUSPENDING, 0);
		done(p->userdata, p->command == PMIG_CMD_ADOPT ? -ENOENT : -EBUSY, "no");
		return 0;
	}
	switch (p->command) {
	case PMIG_CMD_CHECK:
		become(p, PMIG_STATE_CHECK, 0);
		if (!p->stays_checking)
			become(p, PMIG_STATE_CHECKED, 0);
		break;
	case PMIG_CMD_PRE:
		become(p, PMIG_STATE_PRE, 0);
		become(p, PMIG_STATE_READY, 0);
		break;
	case PMIG_CMD_BEGIN:
		become(p, PMIG_STATE_ENABLED, 0);
		if (!p->no_quiesce)
			become(p, PMIG_STATE_QUIESCE, 0);
		break;
	case PMIG_CMD_SUSPEND:
		become(p, PMIG_STATE_SUSPENDING, 0);
		if (p->stays_waiting)
			p->b.state.vasi = PMIG_VASI_ENABLED;
		else if (p->fail_in_move)
			become(p, PMIG_STATE_FAILED, (uint32_t)p->fail_in_move);
		else {
			become(p, PMIG_STATE_RESUMED, 0);
			if (!p->stays_resumed)
				become(p, PMIG_STATE_COMPLETED, 0);
		}
		break;
	case PMIG_CMD_CANCEL:
		if (p->cancel_errno == 0) { /* cancel_policy of kernel/netlink.c */
			p->nr_out_of_range++;
			done(p->userdata, -ERANGE, "integer out of range");
			return 0;
		}
		p->cancelled_with = p->cancel_errno;
		if (p->cancel_is_late) {
			become(p, PMIG_STATE_SUSPENDING, 0);
			become(p, PMIG_STATE_COMPLETED, 0);
			break;
		}
		become(p, PMIG_STATE_CANCELLING, ECANCELED);
		if (!p->stays_cancelling)
			become(p, PMIG_STATE_FAILED, ECANCELED);
		break;
	case PMIG_CMD_END:
		become(p, PMIG_STATE_NONE, 0);
		break;
	default:
		break;
	}
	done(p->userdata, 0, "");
	return 0;
}

static int paper_command(struct backend *b, enum pmig_cmd command, const struct backend_args *args,
			 backend_done_t done, void *userdata)
{
	struct paper_backend *p = (struct paper_backend *)b;

	p->command = command;
	p->cancel_errno = args->error & 0xffffff; /* as link.c sends it */
	if (command == PMIG_CMD_BEGIN)
		p->pre_ms = args->pre_ms;
	p->done = done;
	p->userdata = userdata;
	return sd_event_source_set_enabled(p->later, SD_EVENT_ONESHOT);
}

static void paper_forget(struct backend *b, void *userdata)
{
}

static const struct backend_ops paper_ops = { .name = "paper",
					      .command = paper_command,
					      .forget = paper_forget };

/* ---- audiences of paper: two members each, told and answering at once ---- */

struct paper_audience {
	struct audience a;
	enum dr_phase refuses; /* the first member does, in this phase */
	bool hangs;	       /* and never answers there */
	bool kernel;	       /* has PRE in the module */
	bool binds;	       /* the audience "affinity", and says so */
	bool tells_strangers;  /* POST goes to all, as to applications */
	struct backend *backend;
};

/* What every notice of this session must say, whoever is told, and the first thing that one did not. */
static struct expected {
	bool force, foreign;
	bool forgotten; /* the module has: nobody knows what changed of its side */
	size_t ours;	/* how many rows of /proc and /sys there are */
	unsigned detail;
	usec_t pre_timeout;
	enum dr_phase phase; /* of the last notice */
	uint32_t gen;
	char wrong[256];
} expected;

static bool ends(const struct notice *n)
{
	return n->phase == DR_PHASE_POST || n->phase == DR_PHASE_POST_ERROR;
}

/* One gen for all who are told a phase, and a larger one for the next. */
static bool gen_is_good(const struct notice *n)
{
	return n->phase == expected.phase ? n->gen == expected.gen :
					    (int32_t)(n->gen - expected.gen) > 0;
}

static bool deadline_is_good(const struct notice *n)
{
	if (n->phase != DR_PHASE_PRE)
		return n->deadline == 0;
	return n->deadline > now_usec() && n->deadline <= now_usec() + expected.pre_timeout;
}

static bool result_is_good(const struct notice *n)
{
	if (n->phase != DR_PHASE_POST)
		return n->rows->n == 0 && n->blackout_us == 0;
	if (expected.forgotten)
		return n->rows->n == expected.ours && n->blackout_us == 0;
	return n->rows->n == 1 + expected.ours && strcmp(n->rows->v[0].key, "l1d") == 0 &&
	       n->blackout_us == 77;
}

static void inspect(const struct notice *n, const char *member)
{
	const char *wrong = n->stream != STREAM				 ? "stream" :
			    n->force != expected.force			 ? "force" :
			    n->foreign != expected.foreign		 ? "foreign" :
			    n->detail != expected.detail		 ? "detail" :
			    !n->engine || strcmp(n->engine, ENGINE) != 0 ? "engine" :
			    !gen_is_good(n)				 ? "gen" :
			    !deadline_is_good(n)			 ? "deadline" :
			    !result_is_good(n)				 ? "changes" :
									   NULL;

	if (wrong && !expected.wrong[0])
		snprintf(expected.wrong, sizeof(expected.wrong), "%s is told %s with a wrong %s",
			 member, dr_phase_text(n->phase), wrong);
	expected.phase = n->phase;
	expected.gen = n->gen;
}

/* As the real ones: POST goes to applications that heard nothing before, to scripts only where somebody else moved. */
static bool is_owed(const struct paper_audience *p, const struct notice *n,
		    const struct told_entry *e)
{
	if (!ends(n))
		return true;
	if (e)
		return e->state != TOLD_OVER;
	return n->phase == DR_PHASE_POST && (p->tells_strangers || n->foreign);
}

static bool tell_member(struct paper_audience *p, const struct notice *n, const char *member)
{
	if (!is_owed(p, n, told_find(&p->a.told, member)))
		return true;
	inspect(n, member);
	if (n->phase != DR_PHASE_CHECK && n->phase != DR_PHASE_RESUMED &&
	    audience_tell(&p->a, n, member) < 0 && !ends(n)) {
		if (n->phase == DR_PHASE_PRE)
			audience_refuse(&p->a, p->a.ops->name, member, ENOSPC, true,
					"can't be told");
		return n->phase != DR_PHASE_PRE;
	}
	note("%s:%s", member, dr_phase_text(n->phase));
	if (ends(n))
		audience_over(&p->a, member);
	return true;
}

static void paper_tell(struct audience *a, const struct notice *n)
{
	struct paper_audience *p = (struct paper_audience *)a;
	bool back = n->phase == DR_PHASE_POST_ERROR, stop = p->refuses == n->phase;
	char name[2][32];

	snprintf(name[0], sizeof(name[0]), "%s-1", a->ops->name);
	snprintf(name[1], sizeof(name[1]), "%s-2", a->ops->name);
	stop = !tell_member(p, n, name[back]) || stop;
	if (stop && p->hangs)
		return;
	if (stop)
		audience_refuse(a, a->ops->name, name[0], EBUSY, !n->force, "no time");
	if (!stop || n->phase == DR_PHASE_CHECK || n->force)
		tell_member(p, n, name[!back]);
	if (p->kernel && n->phase == DR_PHASE_PRE)
		become((struct paper_backend *)p->backend, PMIG_STATE_READY, 0);
	audience_done(a);
}

static void paper_stop(struct audience *a)
{
	note("%s:stop%s", a->ops->name, "");
	audience_done(a);
}

#define PAPER_OPS(name_, resumed_)                                                               \
	{                                                                                        \
		.name = name_, .check = paper_tell, .begin = paper_tell, .pre = paper_tell,      \
		.post = paper_tell, .undo = paper_tell, .stop = paper_stop, .resumed = resumed_, \
	}
static const struct audience_ops scripts_ops = PAPER_OPS("scripts", NULL),
				 signals_ops = PAPER_OPS("signals", paper_tell);
static const struct audience_ops kernel_ops = { .name = "kernel",
						.check = paper_tell,
						.pre = paper_tell,
						.stop = paper_stop };
static const struct audience_ops builtin_ops = { .name = "builtin", .check = paper_tell };

/* It tells nobody, so it is not in the traces of most tests. */
static void paper_bind(struct audience *a, const struct notice *n)
{
	if (((struct paper_audience *)a)->binds)
		note("bind:%s%s", dr_phase_text(n->phase), "");
	audience_done(a);
}

static const struct audience_ops affinity_ops = { .name = "affinity",
						  .pre = paper_bind,
						  .post = paper_bind,
						  .undo = paper_bind };

/* ---- ---- */

FIXTURE(session)
{
	sd_event *event;
	struct config config;
	struct paper_backend backend;
	struct paper_audience audiences[_AUDIENCE_MAX];
	struct journal *journal;
	struct eventlog log;
	uint32_t gen;
	struct session_setup setup;
	struct session *s;
	usec_t wait;
	int token; /* the operator's -w */
	bool over;
	char path[64];
};

static void on_done(void *userdata, struct session *s)
{
	FIXTURE_DATA(session) *self = userdata;

	self->over = true;
}

FIXTURE_SETUP(session)
{
	static const struct audience_ops *const ops[] = {
		[AUDIENCE_BUILTIN] = &builtin_ops,   [AUDIENCE_SCRIPTS] = &scripts_ops,
		[AUDIENCE_KERNEL] = &kernel_ops,     [AUDIENCE_SIGNALS] = &signals_ops,
		[AUDIENCE_AFFINITY] = &affinity_ops,
	};
	self->token = -1;

	log_max_level = LOG_CRIT;
	trace[0] = '\0';
	expected = (struct expected){ 0 };
	strcpy(self->path, "/tmp/daemon_session_test.XXXXXX");
	ASSERT_LE(0, mkstemp(self->path));
	ASSERT_EQ(0, sd_event_new(&self->event) < 0);
	ASSERT_EQ(0, config_load(&self->config, "/nonexistent"));
	ASSERT_EQ(0, journal_new(&self->journal, self->path));
	self->backend.b.ops = &paper_ops;
	ASSERT_LE(0, sd_event_add_defer(self->event, &self->backend.later, paper_later,
					&self->backend));
	sd_event_source_set_enabled(self->backend.later, SD_EVENT_OFF);
	for (int i = 0; i < _AUDIENCE_MAX; i++) {
		self->audiences[i].a.ops = ops[i];
		self->audiences[i].a.log = &self->log;
		self->audiences[i].backend = &self->backend.b;
		self->setup.audiences[i] = &self->audiences[i].a;
	}
	self->audiences[AUDIENCE_KERNEL].kernel = true;
	self->audiences[AUDIENCE_SIGNALS].tells_strangers = true;
	self->setup.event = self->event;
	self->setup.config = &self->config;
	self->setup.backend = &self->backend.b;
	self->setup.journal = self->journal;
	self->setup.log = &self->log;
	self->setup.gen = &self->gen;
}

FIXTURE_TEARDOWN(session)
{
	session_free(self->s);
	journal_free(self->journal);
	sd_event_source_disable_unref(self->backend.later);
	kernel_state_clear(&self->backend.b.state);
	config_clear(&self->config);
	sd_event_unref(self->event);
	unlink(self->path);
	strcat(self->path, ".spare");
	unlink(self->path);
	EXPECT_STREQ("", expected.wrong);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static int start(FIXTURE_DATA(session) * self, enum session_kind kind, bool force)
{
	struct session_request request = { .kind = kind,
					   .token = self->token,
					   .stream = STREAM,
					   .force = force,
					   .detail = DETAIL,
					   .wait = self->wait,
					   .engine = ENGINE };

	expected.force = force;
	expected.foreign = kind == SESSION_FOREIGN;
	expected.detail = DETAIL;
	expected.pre_timeout = self->wait ? self->wait : self->config.pre_timeout;
	expected.phase = 0;
	return session_new(&self->s, &self->setup, &request, on_done, self);
}

/* Until it is over, or nothing happens any more. */
static void loop(FIXTURE_DATA(session) * self)
{
	while (!self->over && sd_event_run(self->event, 50000) > 0)
		;
}

static enum session_outcome outcome_of(FIXTURE_DATA(session) * self)
{
	struct session_result result;

	session_result(self->s, &result);
	return result.outcome;
}

/* Longer: something is tried again from time to time. */
static void wait_for(FIXTURE_DATA(session) * self)
{
	usec_t until = now_usec() + 20 * USEC_PER_SEC;

	while (!self->over && now_usec() < until && sd_event_run(self->event, 50000) >= 0)
		;
}

/* Starts it; it waits for @audience, which does not answer @phase. */
static bool waits_for(FIXTURE_DATA(session) * self, enum session_kind kind, bool force,
		      enum audience_id audience, enum dr_phase phase)
{
	self->audiences[audience].refuses = phase;
	self->audiences[audience].hangs = true;
	if (start(self, kind, force) < 0)
		return false;
	loop(self);
	return !self->over;
}

/* Its deadline has come; is it over? */
static bool ends_in_time(FIXTURE_DATA(session) * self)
{
	if (sd_event_source_set_time(self->s->timer, 0) < 0)
		return false;
	loop(self);
	return self->over;
}

TEST_F(session, check_asks_all_and_collects)
{
	struct session_result result;

	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_CHECK;
	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_CHECK;
	ASSERT_EQ(0, start(self, SESSION_CHECK, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"builtin-1:check builtin-2:check scripts-1:check scripts-2:check kernel-1:check kernel-2:check "
		"signals-1:check signals-2:check",
		trace);
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_OK, result.outcome);
	ASSERT_EQ(2, result.nr_refusals);
	EXPECT_STREQ("scripts-1", result.refusals[0].name);
	EXPECT_STREQ("signals", result.refusals[1].audience);
	EXPECT_TRUE(result.refusals[1].stops);
}

static void refuse(FIXTURE_DATA(session) * self, bool stops, int number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%d", stops ? "stops" : "advice", number);
	audience_refuse(&self->audiences[AUDIENCE_SIGNALS].a, "application", name, EBUSY, stops,
			"no");
}

/* Anybody may give advice, any number of times: it hides nothing and is counted. */
TEST_F(session, those_that_stop_it_come_first)
{
	struct session_result result;
	unsigned stopping = 0;

	ASSERT_TRUE(waits_for(self, SESSION_CHECK, false, AUDIENCE_SIGNALS, DR_PHASE_CHECK));
	for (int i = 0; i < 1000; i++)
		refuse(self, false, i);
	session_result(self->s, &result);
	EXPECT_EQ(8, result.nr_refusals);
	EXPECT_EQ(992, result.nr_more);
	for (int i = 0; i < 200; i++)
		refuse(self, true, i);
	session_result(self->s, &result);
	ASSERT_EQ(72, result.nr_refusals);
	EXPECT_EQ(1200, result.nr_refusals + result.nr_more);
	EXPECT_STREQ("stops-0", result.refusals[0].name);
	EXPECT_STREQ("advice-0", result.refusals[64].name);
	EXPECT_STREQ("advice-7", result.refusals[71].name);
	for (size_t i = 0; i < result.nr_refusals; i++)
		stopping += result.refusals[i].stops;
	EXPECT_EQ(64, stopping);
}

TEST_F(session, migrates_in_order)
{
	struct session_result result;

	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"BEGIN signals-1:begin signals-2:begin scripts-1:begin scripts-2:begin scripts-1:pre scripts-2:pre "
		"signals-1:pre signals-2:pre kernel-1:pre kernel-2:pre SUSPEND signals-1:post signals-2:post "
		"scripts-1:post scripts-2:post END",
		trace);
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_OK, result.outcome);
	EXPECT_EQ(77, result.blackout_us);
	EXPECT_EQ(1, result.rows->n);
	EXPECT_NE(0, access(self->path, F_OK)); /* the journal is gone with the session */
}

/* What is bound is saved before anybody is told PRE, and set before anybody is told POST, whose word is the last. */
TEST_F(session, binds_before_anybody_is_told)
{
	self->audiences[AUDIENCE_AFFINITY].binds = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "scripts-2:begin bind:pre scripts-1:pre"));
	EXPECT_NE(NULL, strstr(trace, "SUSPEND bind:post signals-1:post"));
}

TEST_F(session, binds_nothing_if_it_does_not_move)
{
	self->audiences[AUDIENCE_AFFINITY].binds = true;
	self->backend.fail_in_move = EIO;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "bind:pre"));
	EXPECT_NE(NULL, strstr(trace, "bind:post-error"));
	EXPECT_EQ(NULL, strstr(trace, "bind:post "));
}

/* A check, and then a migration: with the audience that really asks the module. */
/* No call of the daemon's waits for a disk whose driver is quiet, where that is allowed; else it does without. */
TEST_F(session, is_an_io_flusher_until_the_end)
{
	io_flusher = false;
	self->backend.no_quiesce = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	EXPECT_TRUE(io_flusher);
	become(&self->backend, PMIG_STATE_QUIESCE, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_FALSE(io_flusher);
}

TEST_F(session, goes_on_where_it_may_not_be_an_io_flusher)
{
	flusher_err = EPERM;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	flusher_err = 0;
	ASSERT_TRUE(self->over);
	EXPECT_EQ(SESSION_OK, outcome_of(self));
}

TEST_F(session, kernel_handlers_are_asked_by_the_module)
{
	struct audience *kernel;

	ASSERT_EQ(0, aud_kernel_new(&kernel, &self->log));
	aud_kernel_set_backend(kernel, &self->backend.b);
	self->setup.audiences[AUDIENCE_KERNEL] = kernel;
	for (int i = 0; i < 2; i++) {
		trace[0] = '\0';
		self->over = false;
		ASSERT_EQ(0, start(self, SESSION_CHECK, false));
		loop(self);
		ASSERT_TRUE(self->over);
		EXPECT_STREQ(
			"builtin-1:check builtin-2:check scripts-1:check scripts-2:check CHECK END "
			"signals-1:check signals-2:check",
			trace);
		self->s = session_free(self->s);
		self->over = false;
		ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
		loop(self);
		ASSERT_TRUE(self->over);
		EXPECT_NE(NULL, strstr(trace, "signals-2:pre PRE SUSPEND signals-1:post"));
		self->s = session_free(self->s);
	}
	aud_kernel_free(kernel);
}

/* drmgr gives up a daemon that is past the deadline that it gives itself, so each wait has one. */
TEST_F(session, what_the_module_does_has_a_deadline)
{
	struct audience *kernel;

	ASSERT_EQ(0, aud_kernel_new(&kernel, &self->log));
	aud_kernel_set_backend(kernel, &self->backend.b);
	self->setup.audiences[AUDIENCE_KERNEL] = kernel;
	self->backend.stays_checking = self->backend.stays_cancelling = true;
	ASSERT_EQ(0, start(self, SESSION_CHECK, false));
	loop(self);
	EXPECT_STREQ("check", session_phase(self->s));
	EXPECT_LT(now_usec(), session_until(self->s));
	EXPECT_GT(now_usec() + 3600 * USEC_PER_SEC, session_until(self->s));
	become(&self->backend, PMIG_STATE_CHECKED, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	self->s = session_free(self->s);
	self->over = false;
	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_PRE;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	EXPECT_STREQ("cancel", session_phase(self->s));
	EXPECT_LT(now_usec(), session_until(self->s));
	EXPECT_GT(now_usec() + 3600 * USEC_PER_SEC, session_until(self->s));
	self->s = session_free(self->s);
	aud_kernel_free(kernel);
}

/* Somebody else's migration has taken the place of the check, and the messages in between were lost. */
TEST_F(session, a_check_that_the_module_has_lost)
{
	struct kernel_state other = { .state = PMIG_STATE_SUSPENDING, .stream = STREAM + 1 };
	struct session_result result;
	struct audience *kernel;

	ASSERT_EQ(0, aud_kernel_new(&kernel, &self->log));
	aud_kernel_set_backend(kernel, &self->backend.b);
	self->setup.audiences[AUDIENCE_KERNEL] = kernel;
	self->backend.stays_checking = true;
	ASSERT_EQ(0, start(self, SESSION_CHECK, false));
	loop(self);
	ASSERT_FALSE(self->over);
	other.seq = ++self->backend.seq;
	backend_set_state(&self->backend.b, &other);
	loop(self);
	ASSERT_TRUE(self->over);
	session_result(self->s, &result);
	ASSERT_EQ(1, result.nr_refusals);
	EXPECT_STREQ("the module has lost the check", result.refusals[0].reason);
	self->s = session_free(self->s);
	aud_kernel_free(kernel);
}

TEST_F(session, a_refusal_in_pre_cancels_and_undoes_those_told)
{
	struct session_result result;

	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_PRE;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"BEGIN signals-1:begin signals-2:begin scripts-1:begin scripts-2:begin scripts-1:pre scripts-2:pre "
		"signals-1:pre CANCEL signals-2:post-error signals-1:post-error scripts-2:post-error "
		"scripts-1:post-error END",
		trace);
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_STOPPED, result.outcome);
	EXPECT_STREQ("signals signals-1: no time", result.message);
}

/* The platform is quicker: those that were told PRE are told that it moved, and so is the caller. */
TEST_F(session, too_late_to_cancel)
{
	struct session_result result;

	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_PRE;
	self->backend.cancel_is_late = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "signals-1:pre CANCEL signals-1:post signals-2:post "
				      "scripts-1:post scripts-2:post END"));
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_OK, result.outcome);
	EXPECT_STREQ("", result.message);
	EXPECT_EQ(1, result.rows->n);
}

/* An audience that misses PRE's deadline: the session keeps it. */
TEST_F(session, pre_has_a_deadline_as_a_whole)
{
	struct session_result result;
	int armed = 0;
	usec_t when;

	ASSERT_TRUE(waits_for(self, SESSION_MIGRATE, false, AUDIENCE_SIGNALS, DR_PHASE_PRE));
	ASSERT_LE(0, sd_event_source_get_enabled(self->s->timer, &armed));
	EXPECT_EQ(SD_EVENT_ONESHOT, armed);
	ASSERT_LE(0, sd_event_source_get_time(self->s->timer, &when));
	EXPECT_LT(now_usec(), when);
	EXPECT_GT(now_usec() + 2 * self->config.pre_timeout, when);
	EXPECT_EQ(when, session_until(self->s)) TH_LOG("drmgr is told another deadline");
	/* The module's deadline is for a daemon that is stuck: one that is not comes first. */
	EXPECT_LT(when - now_usec(), self->backend.pre_ms * USEC_PER_MSEC);
	ASSERT_TRUE(ends_in_time(self));
	EXPECT_NE(NULL, strstr(trace, "signals-1:pre signals:stop CANCEL signals-2:post-error"));
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_STOPPED, result.outcome);
	EXPECT_STREQ("PRE did not end within its time", result.message);
	EXPECT_EQ(ETIMEDOUT, self->backend.cancelled_with);
}

/* With force only drivers stop it: an audience that has forgotten its deadline is passed over. */
TEST_F(session, with_force_nobody_holds_pre)
{
	ASSERT_TRUE(waits_for(self, SESSION_MIGRATE, true, AUDIENCE_SCRIPTS, DR_PHASE_PRE));
	ASSERT_TRUE(ends_in_time(self));
	EXPECT_NE(NULL, strstr(trace, "scripts-1:pre scripts:stop signals-1:pre signals-2:pre "
				      "kernel-1:pre kernel-2:pre SUSPEND"));
	EXPECT_EQ(SESSION_OK, outcome_of(self));
}

TEST_F(session, with_force_drivers_have_a_deadline)
{
	ASSERT_TRUE(waits_for(self, SESSION_MIGRATE, true, AUDIENCE_KERNEL, DR_PHASE_PRE));
	ASSERT_TRUE(ends_in_time(self));
	EXPECT_NE(NULL, strstr(trace, "kernel-1:pre kernel:stop CANCEL signals-2:post-error"));
	EXPECT_EQ(SESSION_STOPPED, outcome_of(self));
}

/* A hook hangs, and the platform is Suspending: it has half of PRE's time, and PRE has what is left. */
TEST_F(session, begin_ends_when_it_is_time_for_pre)
{
	usec_t when, most = self->config.pre_timeout;

	ASSERT_TRUE(waits_for(self, SESSION_MIGRATE, false, AUDIENCE_SCRIPTS, DR_PHASE_BEGIN));
	ASSERT_LE(0, sd_event_source_get_time(self->s->timer, &when));
	EXPECT_LT(now_usec(), when);
	EXPECT_GT(now_usec() + most / 2, when);
	/* Its time is up. */
	self->s->wanted -= most / 2;
	expected.pre_timeout = most / 2;
	ASSERT_TRUE(ends_in_time(self));
	EXPECT_STREQ(
		"BEGIN signals-1:begin signals-2:begin scripts-1:begin scripts:stop scripts-1:pre scripts-2:pre "
		"signals-1:pre signals-2:pre kernel-1:pre kernel-2:pre SUSPEND signals-1:post signals-2:post "
		"scripts-1:post scripts-2:post END",
		trace);
	EXPECT_EQ(SESSION_OK, outcome_of(self));
}

/* While the memory is copied, and before a plain write, nobody waits for BEGIN. */
TEST_F(session, begin_has_its_time_while_nobody_waits)
{
	struct backend_ops plain_write = paper_ops;
	int armed;

	plain_write.engine = "sysfs";
	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_BEGIN;
	self->audiences[AUDIENCE_SCRIPTS].hangs = true;
	for (int i = 0; i < 2; i++) {
		self->backend.no_quiesce = i;
		self->backend.b.ops = i ? &paper_ops : &plain_write;
		ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
		loop(self);
		ASSERT_LE(0, sd_event_source_get_enabled(self->s->timer, &armed));
		EXPECT_EQ(SD_EVENT_OFF, armed);
		EXPECT_STREQ("begin", session_phase(self->s));
		self->s = session_free(self->s);
	}
}

/* drmgr -w: inspect() sees that nobody has more time than that. */
TEST_F(session, the_operator_waits_no_longer)
{
	self->wait = 7 * USEC_PER_SEC;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "SUSPEND"));
}

/* Whoever could not be written down is not told PRE, since the next daemon could not undo it. */
TEST_F(session, nobody_is_told_pre_without_a_journal)
{
	struct rlimit none = { .rlim_max = RLIM_INFINITY };
	self->backend.no_quiesce = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_FALSE(self->over);
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &none)); /* as a full /run */
	become(&self->backend, PMIG_STATE_QUIESCE, 0);
	loop(self);
	none.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &none);
	ASSERT_TRUE(self->over);
	EXPECT_EQ(NULL, strstr(trace, ":pre"));
	/* The end is owed all the same. */
	EXPECT_NE(NULL, strstr(trace, "CANCEL signals-2:post-error signals-1:post-error"));
	EXPECT_EQ(SESSION_STOPPED, outcome_of(self));
}

/* The first CANCEL does not get through. */
TEST_F(session, cancels_until_the_module_has_heard)
{
	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_PRE;
	self->backend.fails = PMIG_CMD_CANCEL;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_FALSE(self->over);
	EXPECT_NE(NULL, strstr(trace, "signals-1:pre CANCEL"));
	EXPECT_EQ(NULL, strstr(trace, "post-error"));
	self->backend.fails = 0;
	while (!self->over && sd_event_run(self->event, 10000000) > 0)
		;
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "CANCEL CANCEL signals-2:post-error"));
}

TEST_F(session, force_goes_on)
{
	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_PRE;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, true));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "SUSPEND"));
	EXPECT_EQ(NULL, strstr(trace, "CANCEL"));
}

TEST_F(session, begin_is_refused_by_the_module)
{
	struct session_result result;

	self->backend.fails = PMIG_CMD_BEGIN;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("BEGIN", trace);
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_BUSY, result.outcome);
	EXPECT_STREQ("no", result.message);
}

TEST_F(session, aborted_while_the_memory_is_copied)
{
	struct session_result result;

	self->backend.no_quiesce = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_FALSE(self->over);
	become(&self->backend, PMIG_STATE_FAILED, ECANCELED);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"BEGIN signals-1:begin signals-2:begin scripts-1:begin scripts-2:begin signals-2:post-error "
		"signals-1:post-error scripts-2:post-error scripts-1:post-error END",
		trace);
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_ABORTED, result.outcome);
	EXPECT_STREQ("paper reason", result.message);
}

TEST_F(session, aborted_while_one_is_being_told)
{
	ASSERT_TRUE(waits_for(self, SESSION_MIGRATE, false, AUDIENCE_SCRIPTS, DR_PHASE_PRE));
	become(&self->backend, PMIG_STATE_FAILED, ECANCELED);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL,
		  strstr(trace,
			 "scripts-1:pre scripts:stop signals-2:post-error signals-1:post-error "
			 "scripts-2:post-error scripts-1:post-error END"));
}

TEST_F(session, the_suspension_fails)
{
	self->backend.fail_in_move = EIO;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL,
		  strstr(trace,
			 "SUSPEND signals-2:post-error signals-1:post-error scripts-2:post-error "
			 "scripts-1:post-error END"));
	EXPECT_EQ(SESSION_FAILED, outcome_of(self));
}

/* ---- a daemon was killed ---- */

/* Leaves the journal of a daemon that dies when the trace has come to @word. */
static bool die_at(FIXTURE_DATA(session) * self, const char *word)
{
	if (start(self, SESSION_MIGRATE, false) < 0)
		return false;
	while (!self->over && !strstr(trace, word) && sd_event_run(self->event, 50000) > 0)
		;
	self->s = session_free(self->s);
	trace[0] = '\0';
	return !self->over;
}

static int adopt(FIXTURE_DATA(session) * self)
{
	struct replay replay;
	int r = journal_replay(self->path, &replay);

	if (r < 0 || !replay.open)
		return -ENOENT;
	/* The level of detail has gone with the daemon that was asked for it. */
	expected.detail = 0;
	expected.phase = 0;
	r = session_adopt(&self->s, &self->setup, &replay, on_done, self);
	replay_clear(&replay);
	return r;
}

TEST_F(session, killed_before_the_suspension)
{
	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_PRE;
	self->audiences[AUDIENCE_SIGNALS].hangs = true;
	ASSERT_TRUE(die_at(self, "signals-1:pre"));
	become(&self->backend, PMIG_STATE_FAILED, EOWNERDEAD);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"ADOPT signals-2:post-error signals-1:post-error scripts-2:post-error scripts-1:post-error END",
		trace);
	EXPECT_EQ(1, outcome_of(self) != SESSION_OK);
}

/* Nobody is told before the module has undone; then each is, once. */
TEST_F(session, killed_while_it_cancels)
{
	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_PRE;
	self->backend.stays_cancelling = true;
	ASSERT_TRUE(die_at(self, "CANCEL"));
	ASSERT_EQ(PMIG_STATE_CANCELLING, self->backend.b.state.state);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_FALSE(self->over);
	EXPECT_STREQ("ADOPT", trace);
	become(&self->backend, PMIG_STATE_UNDO, ECANCELED);
	loop(self);
	EXPECT_STREQ("ADOPT", trace);
	become(&self->backend, PMIG_STATE_FAILED, ECANCELED);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"ADOPT signals-2:post-error signals-1:post-error scripts-2:post-error scripts-1:post-error END",
		trace);
	EXPECT_NE(SESSION_OK, outcome_of(self));
}

TEST_F(session, killed_while_it_moves)
{
	ASSERT_TRUE(die_at(self, "SUSPEND"));
	become(&self->backend, PMIG_STATE_SUSPENDING, 0);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_FALSE(self->over);
	EXPECT_STREQ("ADOPT", trace);
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		     trace);
}

/* Then somebody else moves the partition by another stream, and the module has no room for ours until that is over. */
TEST_F(session, killed_and_another_stream_is_moving)
{
	ASSERT_TRUE(die_at(self, "SUSPEND"));
	self->backend.other_moves = true;
	become(&self->backend, PMIG_STATE_SUSPENDING, 0);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	become(&self->backend, PMIG_STATE_RESUMED, 0);
	loop(self);
	ASSERT_FALSE(self->over);
	EXPECT_STREQ("ADOPT ADOPT", trace);
	self->backend.other_moves = false;
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ(
		"ADOPT ADOPT ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		trace);
}

/* The daemon is told to end meanwhile: it does not wait, and the next one tells everyone, once. */
TEST_F(session, told_to_end_while_another_stream_is_moving)
{
	ASSERT_TRUE(die_at(self, "SUSPEND"));
	self->backend.other_moves = true;
	become(&self->backend, PMIG_STATE_RESUMED, 0);
	ASSERT_EQ(0, adopt(self));
	session_stop(self->s);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT", trace);
	EXPECT_TRUE(session_is_left(self->s));
	EXPECT_EQ(SESSION_BUSY, outcome_of(self));
	self->s = session_free(self->s);
	self->over = self->backend.other_moves = false;
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	ASSERT_EQ(0, adopt(self)) TH_LOG("the next daemon has no journal");
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		     trace);
	EXPECT_FALSE(session_is_left(self->s));
	self->s = session_free(self->s);
	EXPECT_EQ(-ENOENT, adopt(self));
}

/* That other stream ends after the module has answered, and is heard of before the answer. */
TEST_F(session, killed_and_another_stream_has_just_moved)
{
	ASSERT_TRUE(die_at(self, "SUSPEND"));
	self->backend.other_moves = true;
	self->backend.other_has_ended = true;
	become(&self->backend, PMIG_STATE_RESUMED, 0);
	ASSERT_EQ(0, adopt(self));
	wait_for(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		     trace);
}

/* As long as a child of the last daemon holds its socket, the module does not know that it has gone. */
TEST_F(session, killed_and_the_module_has_not_noticed)
{
	ASSERT_TRUE(die_at(self, "SUSPEND"));
	self->backend.is_owned = true;
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	EXPECT_STREQ("ADOPT", trace);
	self->backend.is_owned = false;
	wait_for(self);
	EXPECT_STREQ("ADOPT ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		     trace);
}

TEST_F(session, killed_while_in_transit_tells_nobody_twice)
{
	self->backend.stays_resumed = true;
	ASSERT_TRUE(die_at(self, "signals-2:resumed"));
	ASSERT_EQ(PMIG_STATE_RESUMED, self->backend.b.state.state);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	EXPECT_STREQ("ADOPT", trace);
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		     trace);
}

/* Both daemons began in the same second: what the second one says must not look older than what the first one said. */
TEST_F(session, killed_in_its_first_second)
{
	uint32_t first;

	self->gen = 16000;
	self->audiences[AUDIENCE_KERNEL].refuses = DR_PHASE_PRE;
	self->audiences[AUDIENCE_KERNEL].hangs = true;
	ASSERT_TRUE(die_at(self, "kernel-1:pre"));
	first = self->gen;
	self->gen = 16000; /* as manager_new() takes it from the clock */
	become(&self->backend, PMIG_STATE_FAILED, EOWNERDEAD);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "signals-1:post-error"));
	EXPECT_LT(first, self->gen);
}

TEST_F(session, killed_in_post_tells_nobody_twice)
{
	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_POST;
	self->audiences[AUDIENCE_SCRIPTS].hangs = true;
	ASSERT_TRUE(die_at(self, "scripts-1:post"));
	self->audiences[AUDIENCE_SCRIPTS].refuses = 0;
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT scripts-2:post END", trace);
}

TEST_F(session, killed_and_the_module_has_forgotten)
{
	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_POST;
	self->audiences[AUDIENCE_SCRIPTS].hangs = true;
	ASSERT_TRUE(die_at(self, "scripts-1:post"));
	self->audiences[AUDIENCE_SCRIPTS].refuses = 0;
	self->backend.fails = PMIG_CMD_ADOPT;
	expected.forgotten = true;
	become(&self->backend, PMIG_STATE_NONE, 0);
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT scripts-2:post", trace); /* the journal knows that it had completed */
}

/* Kills the daemon in POST, after a move that has changed what /proc and /sys say. */
static bool die_after_a_change(FIXTURE_DATA(session) * self)
{
	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_POST;
	self->audiences[AUDIENCE_SCRIPTS].hangs = true;
	expected.ours = 0;
	if (start(self, SESSION_MIGRATE, false) < 0)
		return false;
	while (!strstr(trace, "SUSPEND") && sd_event_run(self->event, 50000) > 0)
		;
	expected.ours = 1;
	tree_text(MELTDOWN, "Not affected\n");
	while (!strstr(trace, "scripts-1:post") && sd_event_run(self->event, 50000) > 0)
		;
	self->s = session_free(self->s);
	self->audiences[AUDIENCE_SCRIPTS].refuses = 0;
	return !self->over;
}

/* The daemon's own side needs neither the module nor the daemon of before. */
TEST_F(session, killed_and_what_differs_is_told_all_the_same)
{
	struct machine machine = { 0 };
	struct session_result result;
	char path[PATH_MAX];

	ASSERT_EQ(0, tree_make());
	tree_root = tree_dir;
	tree_text(MELTDOWN, "Vulnerable\n");
	snprintf(path, sizeof(path), "%s/machine", tree_dir);
	ASSERT_EQ(0, machine_open(&machine, path));
	self->setup.machine = &machine;
	/* By others, before the migration: it is not blamed for it. */
	tree_text(MELTDOWN, "Mitigation: RFI Flush\n");
	ASSERT_TRUE(die_after_a_change(self));
	EXPECT_EQ(1 + 2, machine.changed.n) TH_LOG("ours, and as without the module its own");
	machine_done(&machine);
	machine = (struct machine){ 0 };
	ASSERT_EQ(0, machine_open(&machine, path));
	self->backend.fails = PMIG_CMD_ADOPT;
	expected.forgotten = true;
	become(&self->backend, PMIG_STATE_NONE, 0);
	self->backend.b.state.stream = 0;
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_TRUE(self->over);
	session_result(self->s, &result);
	ASSERT_EQ(1, result.rows->n);
	EXPECT_STREQ("Mitigation: RFI Flush", result.rows->v[0].old);
	EXPECT_STREQ("Not affected", result.rows->v[0].new);
	machine_done(&machine);
	machine = (struct machine){ 0 };
	ASSERT_EQ(0, machine_open(&machine, path));
	EXPECT_EQ(0, machine_compare(&machine));
	EXPECT_EQ(0, machine.changed.n) TH_LOG("told once more with the next migration");
	machine_done(&machine);
	tree_remove();
}

/* What changed in the move of another stream is not what changed in ours, and inspect() looks at what everyone is told. */
TEST_F(session, killed_and_the_module_has_another)
{
	struct session_result result;

	self->audiences[AUDIENCE_SCRIPTS].refuses = DR_PHASE_POST;
	self->audiences[AUDIENCE_SCRIPTS].hangs = true;
	ASSERT_TRUE(die_at(self, "scripts-1:post"));
	self->audiences[AUDIENCE_SCRIPTS].refuses = 0;
	self->backend.fails = PMIG_CMD_ADOPT;
	expected.forgotten = true;
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	self->backend.b.state.stream = STREAM + 1;
	self->backend.b.state.flags = PMIG_F_FOREIGN;
	ASSERT_EQ(0, adopt(self));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT scripts-2:post", trace);
	session_result(self->s, &result);
	EXPECT_EQ(0, result.rows->n);
}

TEST_F(session, foreign_migration)
{
	become(&self->backend, PMIG_STATE_SUSPENDING, 0);
	self->backend.b.state.flags = PMIG_F_FOREIGN;
	ASSERT_EQ(0, start(self, SESSION_FOREIGN, false));
	loop(self);
	ASSERT_FALSE(self->over);
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT signals-1:post signals-2:post scripts-1:post scripts-2:post END",
		     trace);
}

/* Another daemon has the session and knows how it ends. This one must not say that it went well. */
TEST_F(session, foreign_migration_of_another_daemon)
{
	become(&self->backend, PMIG_STATE_SUSPENDING, 0);
	self->backend.is_owned = true;
	ASSERT_EQ(0, start(self, SESSION_FOREIGN, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("ADOPT", trace);
	EXPECT_EQ(SESSION_BUSY, outcome_of(self));
}

/* The drmgr that asked for it has gone on without us: it is somebody else's migration, also to the module. */
TEST_F(session, drmgr_has_lost_patience)
{
	self->token = token_new();
	EXPECT_TRUE(token_take(self->token));
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("", trace);
	EXPECT_EQ(SESSION_ABORTED, outcome_of(self));
	close(self->token);
}

/* The same while the module answers: it has to let go of the stream, even if the daemon is told to end. */
static void loses_patience_during_begin(struct __test_metadata *_metadata,
					FIXTURE_DATA(session) * self)
{
	self->token = token_new();
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	while (self->s->stage < STAGE_OPENING)
		ASSERT_LE(0, sd_event_run(self->event, 0));
	EXPECT_LT(now_usec(), session_until(self->s)) TH_LOG("BEGIN has no deadline");
	EXPECT_TRUE(token_take(self->token));
	session_stop(self->s);
	loop(self);
	close(self->token);
}

TEST_F(session, drmgr_loses_patience_during_begin)
{
	loses_patience_during_begin(_metadata, self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("BEGIN END", trace);
}

/* The partition moves before the module has let go: those that want to be told POST are told. */
TEST_F(session, moved_before_the_module_lets_go)
{
	self->backend.fails = PMIG_CMD_END;
	self->backend.moves = true;
	loses_patience_during_begin(_metadata, self);
	ASSERT_FALSE(self->over);
	EXPECT_STREQ("BEGIN END", trace);
	self->backend.fails = 0;
	self->backend.moves = false;
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	while (self->s->stage < STAGE_ENDING)
		ASSERT_LE(0, sd_event_run(self->event, 0));
	EXPECT_LT(now_usec(), session_until(self->s)) TH_LOG("END has no deadline");
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_STREQ("BEGIN END signals-1:post signals-2:post END", trace);
}

/* From the moment that anybody is told, the drmgr that asked for it must not go on without us. */
TEST_F(session, takes_the_token_before_it_tells)
{
	self->token = token_new();
	self->backend.fails = PMIG_CMD_BEGIN;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_TRUE(token_take(self->token));
	close(self->token);
	self->s = session_free(self->s);
	self->token = token_new();
	self->backend.fails = 0;
	self->backend.no_quiesce = true;
	self->over = false;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	EXPECT_FALSE(token_take(self->token));
	close(self->token);
}

/* The copy has no deadline, so a daemon that is told to end cancels it, also where PRE came before it. */
TEST_F(session, stopped_while_its_write_waits)
{
	self->backend.stays_waiting = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	ASSERT_FALSE(self->over);
	session_stop(self->s);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "SUSPEND CANCEL signals-2:post-error"));
	EXPECT_EQ(ESHUTDOWN, self->backend.cancelled_with);
	EXPECT_EQ(SESSION_STOPPED, outcome_of(self));
}

TEST_F(session, stopped_when_it_is_too_late)
{
	self->backend.stays_waiting = true;
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	loop(self);
	self->backend.b.state.vasi = PMIG_VASI_SUSPENDED;
	session_stop(self->s);
	loop(self);
	ASSERT_FALSE(self->over);
	EXPECT_EQ(NULL, strstr(trace, "CANCEL"));
	become(&self->backend, PMIG_STATE_COMPLETED, 0);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "SUSPEND signals-1:post"));
}

/* Where drivers could not be asked, the check goes on to the applications; a migration waits for it as little. */
TEST_F(session, a_check_that_has_failed_is_dropped_too)
{
	struct audience *kernel = &self->audiences[AUDIENCE_KERNEL].a;
	self->audiences[AUDIENCE_SIGNALS].refuses = DR_PHASE_CHECK;
	self->audiences[AUDIENCE_SIGNALS].hangs = true;
	ASSERT_EQ(0, start(self, SESSION_CHECK, false));
	loop(self);
	kernel->host->fail(kernel, -EROFS, "/sys is read-only");
	loop(self);
	ASSERT_FALSE(self->over);
	session_stop(self->s);
	loop(self);
	ASSERT_TRUE(self->over);
	EXPECT_NE(NULL, strstr(trace, "signals-1:check signals:stop"));
	EXPECT_EQ(SESSION_FAILED, outcome_of(self));
}

/* ---- real applications, and a driver that takes its time ---- */

static struct paper_audience *slow_driver;

static int driver_ready(sd_event_source *s, uint64_t usec, void *userdata)
{
	become((struct paper_backend *)slow_driver->backend, PMIG_STATE_READY, 0);
	if (slow_driver->a.host)
		audience_done(&slow_driver->a);
	return 0;
}

static void driver_pre(struct audience *a, const struct notice *n)
{
	slow_driver = (struct paper_audience *)a;
	sd_event_add_time(
		sd_event_source_get_event(((struct paper_backend *)slow_driver->backend)->later),
		NULL, CLOCK_BOOTTIME, now_usec() + 7 * USEC_PER_SEC / 2, 1000, driver_ready, NULL);
}

static const struct audience_ops slow_driver_ops = { .name = "kernel",
						     .pre = driver_pre,
						     .stop = paper_stop };

TEST_F(session, somebody_without_the_right_cant_stop_it)
{
	char directory[] = "/tmp/daemon_session_test.XXXXXX", command[64];
	struct registration w = {
		.name = "anybody", .pid = getpid(), .uid = 1000, .timeout_ms = 60000
	};
	struct session_result result;
	struct refusers *refusers;
	struct registry *registry;
	struct audience *signals;
	struct changed *changed;
	usec_t until = now_usec() + 20 * USEC_PER_SEC;
	int fd;

	ASSERT_NE(NULL, mkdtemp(directory));
	w.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ASSERT_EQ(0, refusers_new(&refusers, self->event, &self->config));
	ASSERT_EQ(0, registry_new(&registry, self->event, &self->config, refusers, directory));
	ASSERT_EQ(0, changed_new(&changed, self->event, registry, self->setup.gen));
	ASSERT_EQ(0, aud_signals_new(&signals, self->event, &self->config, registry, changed,
				     &self->log));
	self->setup.audiences[AUDIENCE_SIGNALS] = signals;
	self->audiences[AUDIENCE_KERNEL].a.ops = &slow_driver_ops;
	self->config.pre_timeout = 4 * USEC_PER_SEC; /* 60 s, in small */
	w.phases = DR_PHASES(DR_PHASE_PRE);
	ASSERT_LE(0, fd = registry_add(registry, &w));
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	while (!self->over && now_usec() < until) {
		sd_event_run(self->event, 50000);
		/* POST is answered by going away */
		if (strstr(trace, "SUSPEND") || strstr(trace, "CANCEL"))
			fd = safe_close(fd);
	}
	ASSERT_TRUE(self->over);
	session_result(self->s, &result);
	EXPECT_EQ(SESSION_OK, result.outcome) TH_LOG("%s", result.message);
	self->s = session_free(self->s);
	aud_signals_free(signals);
	changed_free(changed);
	registry_free(registry);
	refusers_free(refusers);
	close(w.pidfd);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT_EQ(0, system(command));
}

/* The stream must be cancelled whatever number an application gives as its reason. */
TEST_F(session, cancelled_whatever_errno_is_given)
{
	char directory[] = "/tmp/daemon_session_test.XXXXXX", command[64];
	struct registration w = { .name = "odd",
				  .pid = getpid(),
				  .flags = DR_MAY_REFUSE | DR_REQUIRED };
	struct wire_answer answer = { .error = 1 << 24, .reason = "no" };
	usec_t until = now_usec() + 4 * USEC_PER_SEC;
	struct wire_event event;
	struct refusers *refusers;
	struct registry *registry;
	struct audience *signals;
	struct changed *changed;
	int fd;

	ASSERT_NE(NULL, mkdtemp(directory));
	w.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ASSERT_EQ(0, refusers_new(&refusers, self->event, &self->config));
	ASSERT_EQ(0, registry_new(&registry, self->event, &self->config, refusers, directory));
	ASSERT_EQ(0, changed_new(&changed, self->event, registry, self->setup.gen));
	ASSERT_EQ(0, aud_signals_new(&signals, self->event, &self->config, registry, changed,
				     &self->log));
	self->setup.audiences[AUDIENCE_SIGNALS] = signals;
	ASSERT_LE(0, fd = registry_add(registry, &w));
	ASSERT_EQ(0, start(self, SESSION_MIGRATE, false));
	while (!self->over && now_usec() < until) {
		sd_event_run(self->event, 50000);
		if (recv(fd, &event, sizeof(event), MSG_DONTWAIT) > 0) {
			answer.gen = event.gen;
			send(fd, &answer, sizeof(answer), 0);
			if (event.phase == DR_PHASE_PRE)
				answer.error = 0;
		}
	}
	EXPECT_TRUE(self->over)
	TH_LOG("CANCEL failed %u times: %s", self->backend.nr_out_of_range, trace);
	self->s = session_free(self->s);
	aud_signals_free(signals);
	changed_free(changed);
	registry_free(registry);
	refusers_free(refusers);
	close(w.pidfd);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT_EQ(0, system(command));
}

TEST_HARNESS_MAIN
