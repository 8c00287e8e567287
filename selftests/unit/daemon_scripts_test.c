// SPDX-License-Identifier: GPL-2.0-or-later
/* The audience of scripts with real scripts, against a host of paper. Needs root, as scripts must be root's. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/base/eventlog.h"
#include "daemon/base/runner.h"
#include "daemon/scripts/aud-scripts.h"
#include "kselftest_harness.h"

static bool unkillable;

/* Instead of libc's: a process in an uninterruptible sleep takes no signal. */
int kill(pid_t pid, int sig)
{
	return unkillable ? 0 : (int)syscall(SYS_kill, pid, sig);
}

static char no_flusher[128]; /* made by a process when it is no I/O flusher any more */

/* Instead of libc's: in a container it may not be allowed. */
int prctl(int option, ...)
{
	long arg[4];
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (option != PR_SET_IO_FLUSHER)
		return (int)syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
	if (!arg[0])
		close(creat(no_flusher, 0600));
	return 0;
}

static bool no_pipe;

/* Nor can a process be started without one. */
int pipe2(int fds[2], int flags)
{
	if (no_pipe) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_pipe2, fds, flags);
}

static bool lost_at_once, lost_in_tell;

/* In a child: the daemon is killed now. */
static void lose_daemon(void)
{
	pid_t daemon = getppid();

	syscall(SYS_kill, daemon, SIGKILL);
	while (getppid() == daemon)
		usleep(1000);
}

/* The first thing that a child does */
pid_t setsid(void)
{
	if (lost_at_once)
		lose_daemon();
	return (pid_t)syscall(SYS_setsid);
}

FIXTURE(scripts)
{
	sd_event *event;
	struct config config;
	struct eventlog log;
	struct audience *a;
	char path[64];
	unsigned done, overs;
	struct refusal refusal; /* the last */
	int tell_error;
	pid_t helper;
};

static void host_done(struct audience *a)
{
	FIXTURE_DATA(scripts) *self = a->session;

	self->done++;
}

static void host_refuse(struct audience *a, const struct refusal *refusal)
{
	FIXTURE_DATA(scripts) *self = a->session;

	self->refusal = *refusal;
}

static void host_fail(struct audience *a, int error, const char *text)
{
}

static int host_tell(struct audience *a, enum dr_phase phase, uint32_t gen, const char *name,
		     bool child)
{
	FIXTURE_DATA(scripts) *self = a->session;
	char file[128];

	if (lost_in_tell)
		lose_daemon();
	snprintf(file, sizeof(file), "%s/.told", self->path);
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return self->tell_error;
}

static void host_over(struct audience *a, const char *name)
{
	FIXTURE_DATA(scripts) *self = a->session;

	self->overs++;
}

static const struct audience_host_ops host_ops = { .done = host_done,
						   .refuse = host_refuse,
						   .fail = host_fail,
						   .tell = host_tell,
						   .over = host_over };

FIXTURE_SETUP(scripts)
{
	sigset_t set;

	log_max_level = LOG_EMERG;
	unkillable = no_pipe = lost_at_once = lost_in_tell = false;
	if (getuid() != 0)
		SKIP(return, "needs root");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	strcpy(self->path, "/run/daemon_scripts_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->path));
	ASSERT_LE(0, sd_event_new(&self->event));
	ASSERT_EQ(0, config_load(&self->config, "/nonexistent"));
	free(self->config.script_directory);
	free(self->config.hook_directory);
	self->config.script_directory = strdup(self->path);
	self->config.hook_directory = strdup("/nonexistent");
	ASSERT_EQ(0, aud_scripts_new(&self->a, self->event, &self->config, &self->log));
	self->a->host = &host_ops;
	self->a->session = self;
}

FIXTURE_TEARDOWN(scripts)
{
	char command[128];

	aud_scripts_free(self->a);
	config_clear(&self->config);
	sd_event_unref(self->event);
	snprintf(command, sizeof(command), "rm -rf '%s'", self->path);
	if (self->path[0])
		EXPECT_EQ(0, system(command));
}

static void put_script(FIXTURE_DATA(scripts) * self, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", self->path, name);
	f = fopen(path, "we");
	fprintf(f, "#!/bin/sh\ncd %s\necho $1 >>.trace-%s\n%s\nexit 0\n", self->path, name, text);
	fclose(f);
	chmod(path, 0755);
}

static bool trace_has(FIXTURE_DATA(scripts) * self, const char *name, const char *word)
{
	char path[128], text[1024];

	snprintf(path, sizeof(path), "%s/.trace-%s", self->path, name);
	return read_text_file(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, word);
}

static void loop(FIXTURE_DATA(scripts) * self, unsigned seconds)
{
	usec_t end = now_usec() + seconds * USEC_PER_SEC;

	while (!self->done && now_usec() < end)
		sd_event_run(self->event, 100000);
}

/* A child of somebody else's: runs @text in a shell with its output in @output. */
static pid_t orphan(const char *text, int output)
{
	int numbers[2];
	pid_t pid;

	if (pipe2(numbers, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid > 0)
			_exit(write(numbers[1], &pid, sizeof(pid)) != sizeof(pid));
		setsid();
		if (output >= 0)
			dup2(output, 1);
		execl("/bin/sh", "sh", "-c", text, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	if (read(numbers[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -1;
	close(numbers[0]);
	close(numbers[1]);
	return pid;
}

#define LEARN(timeout)                                         \
	"[ $1 = scriptinfo ] && echo DR_TIMEOUT=" timeout "\n" \
	"[ $1 = register ] && echo DR_RESOURCE=pmig\n"

static bool can_signal_group(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	bool can = syscall(SYS_pidfd_send_signal, fd, 0, NULL, 1U << 2) == 0;

	close(fd);
	return can;
}

static bool is_zombie(pid_t pid)
{
	char text[64];

	return process_status_field(pid, "State", text, sizeof(text)) == 0 && text[0] == 'Z';
}

/* It said that it may take long; the next daemon has to give it that time, too. */
TEST_F(scripts, adopted_with_its_own_deadline)
{
	struct notice n = { .phase = DR_PHASE_POST, .stream = 1, .gen = 1 };
	struct told_entry *e;
	char text[256], marker[128];

	self->config.script_timeout = 3 * USEC_PER_SEC;
	put_script(self, "db", LEARN("30"));
	snprintf(marker, sizeof(marker), "%s/.finished", self->path);
	snprintf(text, sizeof(text), "sleep 6; touch %s", marker);
	e = told_add(&self->a->told, "script/db", TOLD_ENDING);
	e->pid = orphan(text, -1);
	ASSERT_EQ(0, process_start_time(e->pid, &e->start));
	self->a->ops->post(self->a, &n);
	loop(self, 25);
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(1, self->overs);
	EXPECT_EQ(0, access(marker, F_OK))
	TH_LOG("killed before it had put the database back");
}

/* The script has ended when its deadline comes, but a process that it has started has not. */
TEST_F(scripts, adopted_with_its_group)
{
	struct notice n = { .phase = DR_PHASE_POST, .stream = 1, .gen = 1 };
	struct told_entry *e;
	char text[256], file[128];
	uint64_t child = 0;

	put_script(self, "db", LEARN("30"));
	snprintf(file, sizeof(file), "%s/.child", self->path);
	snprintf(text, sizeof(text), "sleep 1000 & echo $! >%s; sleep 1", file);
	e = told_add(&self->a->told, "script/db", TOLD_ENDING);
	e->pid = orphan(text, -1);
	ASSERT_EQ(0, process_start_time(e->pid, &e->start));
	for (int i = 0; i < 100 && access(file, F_OK) < 0; i++)
		usleep(20000);
	self->a->ops->post(self->a, &n);
	loop(self, 25);
	EXPECT_EQ(1, self->done);
	ASSERT_LT(0, read_text_file(AT_FDCWD, file, text, sizeof(text)));
	text[strcspn(text, "\n")] = '\0';
	ASSERT_EQ(0, parse_u64(text, 10, INT32_MAX, &child));
	if (!can_signal_group())
		SKIP(return, "Linux is older than 6.9");
	for (int i = 0; i < 100 && kill((pid_t)child, 0) == 0 && !is_zombie((pid_t)child); i++)
		usleep(20000);
	EXPECT_TRUE(kill((pid_t)child, 0) < 0 || is_zombie((pid_t)child));
	kill((pid_t)child, SIGKILL);
}

/* Those that were there the last time are asked, and the operator hears why. */
TEST_F(scripts, a_directory_that_cannot_be_read)
{
	struct notice check = { .phase = DR_PHASE_CHECK, .stream = 1, .gen = 1 };
	char trace[128];

	put_script(self, "db", LEARN("5"));
	self->a->ops->check(self->a, &check);
	loop(self, 5);
	ASSERT_TRUE(trace_has(self, "db", "checkmigrate"));
	EXPECT_STREQ("", self->refusal.reason);
	snprintf(trace, sizeof(trace), "%s/.trace-db", self->path);
	ASSERT_EQ(0, unlink(trace));
	free(self->config.script_directory);
	self->config.script_directory = strdup("/dev/null");
	self->done = 0;
	self->a->ops->check(self->a, &check);
	loop(self, 5);
	EXPECT_EQ(1, self->done);
	EXPECT_TRUE(trace_has(self, "db", "checkmigrate"));
	EXPECT_STREQ("/dev/null", self->refusal.name);
	EXPECT_FALSE(self->refusal.stops);
}

/* The pipe is that of the one that is at work, not of the first that was told. */
TEST_F(scripts, adopted_with_its_output)
{
	struct notice n = { .phase = DR_PHASE_POST_ERROR, .stream = 1, .gen = 1 };
	struct told_entry *e;
	int output[2];
	char text[256], marker[128];

	put_script(self, "1-first", LEARN("5"));
	put_script(self, "2-second", LEARN("5"));
	ASSERT_EQ(0, pipe2(output, O_CLOEXEC | O_NONBLOCK));
	fcntl(output[1], F_SETFL, 0);
	snprintf(marker, sizeof(marker), "%s/.finished", self->path);
	/* More than a pipe holds. */
	snprintf(text, sizeof(text), "head -c 3000000 /dev/zero; touch %s", marker);
	e = told_add(&self->a->told, "script/1-first", TOLD_READY);
	e->pid = 1 << 22; /* has ended long ago */
	e->start = 1;
	e = told_add(&self->a->told, "script/2-second", TOLD_READY);
	e->pid = orphan(text, output[1]);
	close(output[1]);
	ASSERT_EQ(0, process_start_time(e->pid, &e->start));
	aud_scripts_restore(self->a, "script",
			    fcntl(output[0], F_DUPFD_CLOEXEC, 3)); /* systemd keeps its own */
	self->a->ops->undo(self->a, &n);
	loop(self, 15);
	close(output[0]);
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(0, access(marker, F_OK))
	TH_LOG("it stood in write() until it was killed: nobody read its output");
	EXPECT_TRUE(trace_has(self, "1-first", "undopremigrate"));
	EXPECT_TRUE(trace_has(self, "2-second", "undopremigrate"));
}

/* Told PRE, and then /run is full: it must hear the end all the same. */
TEST_F(scripts, the_end_is_told_without_a_journal)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 1 };
	struct notice post = { .phase = DR_PHASE_POST_ERROR, .stream = 1, .gen = 2 };

	put_script(self, "db", LEARN("5"));
	self->a->ops->begin(self->a, &(struct notice){ .phase = DR_PHASE_BEGIN });
	loop(self, 5);
	self->done = 0;
	self->a->ops->pre(self->a, &pre);
	loop(self, 5);
	ASSERT_EQ(1, self->done);
	ASSERT_TRUE(trace_has(self, "db", "\npremigrate"));
	self->done = 0;
	self->tell_error = -ENOSPC;
	self->a->ops->undo(self->a, &post);
	loop(self, 5);
	EXPECT_EQ(1, self->done);
	EXPECT_TRUE(trace_has(self, "db", "undopremigrate"));
}

/* The daemon is one during a migration. What a script starts may live for years. */
TEST_F(scripts, is_no_io_flusher)
{
	put_script(self, "db", LEARN("5"));
	snprintf(no_flusher, sizeof(no_flusher), "%s/.no-flusher", self->path);
	self->a->ops->begin(self->a, &(struct notice){ .phase = DR_PHASE_BEGIN });
	loop(self, 5);
	EXPECT_TRUE(trace_has(self, "db", "register"));
	EXPECT_EQ(0, access(no_flusher, F_OK));
}

/* The stream is aborted while one is asked what it is: that answers nothing. */
TEST_F(scripts, stopped_while_it_registers)
{
	struct notice begin = { .phase = DR_PHASE_BEGIN, .stream = 1, .gen = 1 };
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 2, .gen = 3 };

	put_script(self, "db",
		   "[ $1 = register ] && [ ! -e .slow ] && touch .slow && sleep 5\n" LEARN("10"));
	self->a->ops->begin(self->a, &begin);
	for (int i = 0; i < 50 && !trace_has(self, "db", "register"); i++)
		sd_event_run(self->event, 100000);
	usleep(200000);
	self->a->ops->stop(self->a);
	loop(self, 5);
	ASSERT_EQ(1, self->done);
	/* The next migration */
	begin.gen = 2;
	self->done = 0;
	self->a->ops->begin(self->a, &begin);
	loop(self, 5);
	self->done = 0;
	self->a->ops->pre(self->a, &pre);
	loop(self, 5);
	EXPECT_EQ(1, self->done);
	EXPECT_TRUE(trace_has(self, "db", "premigrate"));
}

/* BEGIN is stopped because the platform waits: what it had no time to learn is learnt in PRE. */
TEST_F(scripts, learnt_in_pre_if_not_before)
{
	struct notice begin = { .phase = DR_PHASE_BEGIN, .stream = 1, .gen = 1 };
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 2 };
	char slow[128];

	put_script(self, "db",
		   "[ $1 = register ] && [ ! -e .slow ] && touch .slow && sleep 100\n" LEARN("10"));
	self->a->ops->begin(self->a, &begin);
	snprintf(slow, sizeof(slow), "%s/.slow", self->path);
	for (int i = 0; i < 100 && access(slow, F_OK) < 0; i++)
		sd_event_run(self->event, 100000);
	self->a->ops->stop(self->a);
	loop(self, 5);
	ASSERT_EQ(1, self->done);
	self->done = 0;
	pre.deadline = now_usec() + 20 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	loop(self, 5);
	EXPECT_EQ(1, self->done);
	EXPECT_TRUE(trace_has(self, "db", "premigrate"));
}

/* Once, and not while it is still at work on "pre". */
TEST_F(scripts, a_hook_stopped_in_begin_is_told_post)
{
	struct notice begin = { .phase = DR_PHASE_BEGIN, .stream = 1, .gen = 1 };
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 2 };
	struct notice post = { .phase = DR_PHASE_POST, .stream = 1, .gen = 3 };
	char text[256];

	put_script(self, "hook",
		   "echo $PHASE >>.hook\n"
		   "[ $PHASE != pre ] || { trap '' TERM; echo $$ >.pid; sleep 100; }\n"
		   "! kill -0 $(cat .pid) 2>/dev/null || echo both >>.hook\n");
	put_script(self, "not-yet", "echo $PHASE >>.not-yet\n");
	free(self->config.hook_directory);
	self->config.hook_directory = strdup(self->path);
	free(self->config.script_directory);
	self->config.script_directory = strdup("/nonexistent");
	self->a->ops->begin(self->a, &begin);
	snprintf(text, sizeof(text), "%s/.pid", self->path);
	for (int i = 0; i < 100 && access(text, F_OK) < 0; i++)
		sd_event_run(self->event, 100000);
	self->a->ops->stop(self->a);
	loop(self, 10);
	ASSERT_EQ(1, self->done);
	self->a->ops->pre(self->a, &pre);
	self->done = 0;
	self->a->ops->post(self->a, &post);
	loop(self, 10);
	EXPECT_EQ(1, self->done);
	snprintf(text, sizeof(text), "%s/.hook", self->path);
	ASSERT_LT(0, read_text_file(AT_FDCWD, text, text, sizeof(text)));
	EXPECT_STREQ("pre\npost\n", text);
	snprintf(text, sizeof(text), "%s/.not-yet", self->path);
	EXPECT_NE(0, access(text, F_OK)); /* it heard nothing, so it is told no end */
}

/* It hangs once when it is asked to register; a later migration has to ask it again. */
TEST_F(scripts, register_missed_its_time_once)
{
	struct notice check = { .phase = DR_PHASE_CHECK, .stream = 1, .gen = 1 };

	self->config.script_timeout = 3 * USEC_PER_SEC;
	put_script(self, "db",
		   "[ $1 = register ] && [ ! -e .slow ] && touch .slow && sleep 15\n"
		   "[ $1 = register ] && echo DR_RESOURCE=pmig\n");
	self->a->ops->check(self->a, &check);
	loop(self, 10);
	ASSERT_EQ(1, self->done);
	EXPECT_FALSE(trace_has(self, "db", "checkmigrate"));
	self->done = 0;
	self->a->ops->check(self->a, &check);
	loop(self, 10);
	EXPECT_TRUE(trace_has(self, "db", "checkmigrate"));
}

/* SIGKILL does not reach a process that sleeps uninterruptibly; PRE has to end all the same. */
TEST_F(scripts, one_that_cannot_be_killed)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 1 };

	put_script(self, "db", LEARN("10") "[ $1 = premigrate ] && sleep 12; exit 0");
	self->a->ops->begin(self->a, &(struct notice){ .phase = DR_PHASE_BEGIN });
	loop(self, 5);
	self->done = 0;
	pre.deadline = now_usec() + USEC_PER_SEC;
	unkillable = true;
	self->a->ops->pre(self->a, &pre);
	loop(self, 6);
	unkillable = false;
	EXPECT_EQ(1, self->done);
}

/* It may be one that would have refused, so the operator is told that it was not asked. */
TEST_F(scripts, one_that_cannot_be_asked)
{
	struct notice check = { .phase = DR_PHASE_CHECK, .stream = 1, .gen = 1 };

	put_script(self, "db", LEARN("5"));
	no_pipe = true;
	self->a->ops->check(self->a, &check);
	EXPECT_EQ(1, self->done);
	EXPECT_STREQ("db", self->refusal.name);
	EXPECT_STREQ("it can't be asked: Too many open files", self->refusal.reason);
	EXPECT_FALSE(self->refusal.stops);
	no_pipe = false;
	self->done = 0;
	self->a->ops->check(self->a, &check);
	loop(self, 60);
	EXPECT_TRUE(trace_has(self, "db", "checkmigrate"));
}

TEST_F(scripts, one_that_was_not_started_is_not_undone)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 1 };
	struct notice undo = { .phase = DR_PHASE_POST_ERROR, .stream = 1, .gen = 2 };

	put_script(self, "db", LEARN("5"));
	self->a->ops->begin(self->a, &(struct notice){ .phase = DR_PHASE_BEGIN });
	loop(self, 60);
	self->done = 0;
	no_pipe = true;
	self->a->ops->pre(self->a, &pre);
	no_pipe = false;
	ASSERT_EQ(1, self->done);
	EXPECT_TRUE(self->refusal.stops);
	self->done = 0;
	self->a->ops->undo(self->a, &undo);
	loop(self, 60);
	EXPECT_EQ(1, self->done);
	EXPECT_FALSE(trace_has(self, "db", "premigrate"));
}

/* A migration waits for a check that is dropped, so what has no time left is not begun: each would cost a second. */
TEST_F(scripts, undocheck_has_an_end)
{
	struct notice check = { .phase = DR_PHASE_CHECK, .stream = 1, .gen = 1 };
	char file[128];

	put_script(self, "1-hangs",
		   "[ $PHASE != undocheck ] || { touch .undo-1; exec sleep 30; }\n");
	put_script(self, "2-asked",
		   "[ $PHASE != check ] || { touch .check-2; sleep 30; }\n"
		   "[ $PHASE != undocheck ] || touch .undo-2\n");
	free(self->config.hook_directory);
	self->config.hook_directory = strdup(self->path);
	free(self->config.script_directory);
	self->config.script_directory = strdup("/nonexistent");
	self->a->ops->check(self->a, &check);
	snprintf(file, sizeof(file), "%s/.check-2", self->path);
	for (int i = 0; i < 600 && access(file, F_OK) < 0; i++)
		sd_event_run(self->event, 100000);
	self->a->ops->stop(self->a);
	snprintf(file, sizeof(file), "%s/.undo-1", self->path);
	for (int i = 0; i < 600 && access(file, F_OK) < 0; i++)
		sd_event_run(self->event, 100000);
	unkillable = true; /* nor would it reach what is begun after that */
	loop(self, 60);
	unkillable = false;
	EXPECT_EQ(1, self->done);
	snprintf(file, sizeof(file), "%s/.undo-2", self->path);
	EXPECT_NE(0, access(file, F_OK));
}

/* A daemon that is killed while @lost is set. Returns when all that it has left behind has ended, too. */
static void run_daemon(FIXTURE_DATA(scripts) * self, enum dr_phase phase, bool *lost)
{
	struct notice n = { .phase = DR_PHASE_BEGIN, .stream = 1, .gen = 1 };
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		sd_event_new(&self->event);
		aud_scripts_new(&self->a, self->event, &self->config, &self->log);
		self->a->host = &host_ops;
		self->a->session = self;
		self->a->ops->begin(self->a, &n);
		loop(self, 60);
		self->done = 0;
		*lost = true;
		if (phase == DR_PHASE_POST)
			told_add(&self->a->told, "script/db", TOLD_READY);
		n.phase = phase;
		(phase == DR_PHASE_POST ? self->a->ops->post : self->a->ops->pre)(self->a, &n);
		loop(self, 60);
		_exit(0);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* By then the next daemon may have read the journal: nobody would undo it. */
TEST_F(scripts, no_script_runs_behind_the_next_daemons_back)
{
	char file[128];

	put_script(self, "db", LEARN("10"));
	run_daemon(self, DR_PHASE_PRE, &lost_in_tell);
	EXPECT_TRUE(trace_has(self, "db", "register"));
	EXPECT_FALSE(trace_has(self, "db", "premigrate"));
	snprintf(file, sizeof(file), "%s/.told", self->path);
	EXPECT_EQ(0, unlink(file));
	run_daemon(self, DR_PHASE_POST, &lost_at_once);
	EXPECT_FALSE(trace_has(self, "db", "postmigrate"));
	EXPECT_NE(0, access(file, F_OK)) TH_LOG("the next daemon would take it for told");
}

TEST_HARNESS_MAIN
