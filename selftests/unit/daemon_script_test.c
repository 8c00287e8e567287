// SPDX-License-Identifier: GPL-2.0-or-later
/* Scripts: what they print, which of them may run, and one child from its start to its end. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "daemon/base/runner.h"
#include "daemon/scripts/aixscript.h"
#include "daemon/scripts/scriptdir.h"
#include "kselftest_harness.h"
#include <sanitizer/lsan_interface.h>

TEST(output_lines)
{
	static const struct {
		const char *line;
		enum aix_line_kind kind;
		int level;
		uint64_t seconds;
		const char *value;
	} lines[] = {
		{ "DR_ERROR=the backup is running", AIX_LINE_ERROR, LOG_ERR, 0,
		  "the backup is running" },
		{ "DR_ERROR=", AIX_LINE_ERROR, LOG_ERR, 0, "" },
		{ "DR_ERROR=a=b", AIX_LINE_ERROR, LOG_ERR, 0, "a=b" },
		{ "DR_LOG_WARNING=slow", AIX_LINE_LOG, LOG_WARNING, 0, "slow" },
		{ "DR_LOG_DEBUG=x", AIX_LINE_LOG, LOG_DEBUG, 0, "x" },
		{ "DR_LOG_EMERG=x", AIX_LINE_LOG, LOG_EMERG, 0, "x" },
		{ "DR_TIMEOUT=30", AIX_LINE_TIMEOUT, 0, 30, "30" },
		{ "DR_TIMEOUT=0", AIX_LINE_TIMEOUT, 0, 0, "0" },
		{ "DR_TIMEOUT=-1", AIX_LINE_NONE, 0, 0, NULL },
		{ "DR_TIMEOUT=ten", AIX_LINE_NONE, 0, 0, NULL },
		{ "DR_TIMEOUT=99999999999999999999", AIX_LINE_NONE, 0, 0, NULL },
		{ "DR_TIMEOUT=", AIX_LINE_NONE, 0, 0, NULL },
		{ "DR_RESOURCE=pmig", AIX_LINE_RESOURCE, 0, 0, "pmig" },
		{ "DR_VENDOR=ACME", AIX_LINE_INFO, 0, 0, "ACME" },
		{ "DR_ERRO=x", AIX_LINE_NONE, 0, 0, NULL },
		{ "DR_ERROR", AIX_LINE_NONE, 0, 0, NULL },
		{ " DR_ERROR=x", AIX_LINE_NONE, 0, 0, NULL },
		{ "dr_error=x", AIX_LINE_NONE, 0, 0, NULL },
		{ "DR_LOG_=x", AIX_LINE_NONE, 0, 0, NULL },
		{ "=", AIX_LINE_NONE, 0, 0, NULL },
		{ "", AIX_LINE_NONE, 0, 0, NULL },
		{ "plain text", AIX_LINE_NONE, 0, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct aix_line l = aix_line_parse(lines[i].line);

		EXPECT_EQ(lines[i].kind, l.kind)
		TH_LOG("\"%s\"", lines[i].line);
		if (l.kind == AIX_LINE_NONE)
			continue;
		EXPECT_EQ(lines[i].level, l.level);
		EXPECT_EQ(lines[i].seconds, l.seconds);
		EXPECT_STREQ(lines[i].value, l.value);
	}
}

static const char *env_get(char **env, const char *name)
{
	for (; *env; env++)
		if (strncmp(*env, name, strlen(name)) == 0 && (*env)[strlen(name)] == '=')
			return *env + strlen(name) + 1;
	return NULL;
}

TEST(environment_of_a_script)
{
	struct row v[256] = { { .section = "cache", .key = "l1d", .field = "size" },
			      { .section = "identity", .field = "model" } };
	struct rows rows = { .v = v, .n = 2 };
	struct notice n = { .phase = DR_PHASE_POST,
			    .stream = 0x1f,
			    .force = true,
			    .detail = 3,
			    .blackout_us = 5,
			    .rows = &rows };
	char **env = aix_environment(&n);

	ASSERT_NE(NULL, env);
	EXPECT_STREQ("TRUE", env_get(env, "DR_FORCE"));
	EXPECT_STREQ("3", env_get(env, "DR_DETAIL_LEVEL"));
	EXPECT_STREQ("0x1f", env_get(env, "DR_STREAM"));
	EXPECT_STREQ("cache.l1d.size identity.model", env_get(env, "DR_CHANGED"));
	EXPECT_STREQ("5", env_get(env, "DR_BLACKOUT_US"));
	env_free(env);
	n.phase = DR_PHASE_PRE;
	env = aix_environment(&n);
	EXPECT_EQ(NULL, env_get(env, "DR_CHANGED"));
	env_free(env);
	/* As many as there can be: whole names only. */
	n.phase = DR_PHASE_POST;
	rows.n = ARRAY_SIZE(v);
	for (size_t i = 0; i < rows.n; i++)
		snprintf(v[i].section, sizeof(v[i].section), "identity");
	for (size_t i = 0; i < rows.n; i++)
		snprintf(v[i].field, sizeof(v[i].field), "%031d", 0);
	v[0].key[0] = '\0';
	env = aix_environment(&n);
	EXPECT_EQ(0, (strlen(env_get(env, "DR_CHANGED")) + 1) %
			     strlen("identity.0123456789012345678901234567890 "));
	env_free(env);
}

TEST(environment_of_a_hook_is_exact)
{
	char **env = hook_environment("undocheck");
	size_t n = 0;

	while (env[n])
		n++;
	EXPECT_EQ(4, n);
	EXPECT_STREQ("pmig", env_get(env, "DRC_TYPE"));
	EXPECT_STREQ("undocheck", env_get(env, "PHASE"));
	EXPECT_STREQ("migrate", env_get(env, "ACTION"));
	EXPECT_STREQ("0", env_get(env, "DRC_COUNT"));
	env_free(env);
}

/* ---- which may run ---- */

FIXTURE(directory)
{
	char path[64];
	struct script_list list;
	struct eventlog log;
};

FIXTURE_SETUP(directory)
{
	log_max_level = LOG_EMERG;
	if (getuid() != 0)
		SKIP(return, "needs root");
	/* Not /tmp: everybody may write there, and that is the point. */
	strcpy(self->path, "/run/daemon_script_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->path));
}

FIXTURE_TEARDOWN(directory)
{
	char command[128];

	script_list_clear(&self->list);
	snprintf(command, sizeof(command), "rm -rf '%s'", self->path);
	if (self->path[0])
		EXPECT_EQ(0, system(command));
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static const char *put(FIXTURE_DATA(directory) * self, const char *name, mode_t mode, uid_t uid)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", self->path, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || fchown(fd, uid, 0) < 0 || fchmod(fd, mode) < 0)
		perror(path);
	close(fd);
	return path;
}

TEST_F(directory, only_what_is_roots_alone)
{
	put(self, "10-good", 0755, 0);
	put(self, "2-good", 0700, 0);
	put(self, "group", 0775, 0);
	put(self, "others", 0757, 0);
	put(self, "theirs", 0755, 1000);
	put(self, "text", 0644, 0);
	put(self, ".hidden", 0755, 0);
	put(self, "backup~", 0755, 0);
	ASSERT_EQ(0, mkdir(strcat(strcpy((char[256]){ 0 }, self->path), "/folder"), 0755));
	ASSERT_EQ(0, symlink("10-good", strcat(strcpy((char[256]){ 0 }, self->path), "/link")));
	ASSERT_EQ(0, script_list_scan(&self->list, self->path, KIND_AIX, &self->log));
	ASSERT_EQ(2, self->list.n);
	EXPECT_STREQ("2-good", self->list.v[0]->name); /* natural order */
	EXPECT_STREQ("10-good", self->list.v[1]->name);
	/* powerpc-utils takes links and any name */
	ASSERT_EQ(0, script_list_scan(&self->list, self->path, KIND_HOOK, &self->log));
	EXPECT_EQ(5, self->list.n);
	EXPECT_NE(NULL, script_list_find(&self->list, "link"));
}

TEST_F(directory, above_it_too)
{
	const char *path = put(self, "good", 0755, 0);
	char why[512];
	struct stat st;

	EXPECT_EQ(0, script_check(path, KIND_AIX, &st, why, sizeof(why)));
	ASSERT_EQ(0, chmod(self->path, 0777));
	EXPECT_EQ(-EPERM, script_check(path, KIND_AIX, &st, why, sizeof(why)));
	EXPECT_NE(NULL, strstr(why, "chmod go-w"));
	ASSERT_EQ(0, chmod(self->path, 0755));
	ASSERT_EQ(0, chown(self->path, 1000, 0));
	EXPECT_EQ(-EPERM, script_check(path, KIND_AIX, &st, why, sizeof(why)));
	ASSERT_EQ(0, chown(self->path, 0, 0));
	EXPECT_EQ(0, script_check(path, KIND_AIX, &st, why, sizeof(why)));
}

TEST_F(directory, a_hook_that_links_to_what_is_not_roots)
{
	char link[256], why[512];
	struct stat st;

	put(self, "theirs", 0755, 1000);
	snprintf(link, sizeof(link), "%s/hook", self->path);
	ASSERT_EQ(0, symlink("theirs", link));
	EXPECT_EQ(-EPERM, script_check(link, KIND_HOOK, &st, why, sizeof(why)));
	ASSERT_EQ(0, unlink(link));
	ASSERT_EQ(0, symlink("/dev/null", link));
	EXPECT_EQ(-ENOEXEC, script_check(link, KIND_HOOK, &st, why, sizeof(why)));
	ASSERT_EQ(0, unlink(link));
	ASSERT_EQ(0, symlink("hook", link));
	EXPECT_EQ(-ELOOP, script_check(link, KIND_HOOK, &st, why, sizeof(why)));
}

TEST_F(directory, what_is_known_holds_until_the_file_changes)
{
	const char *path = put(self, "one", 0755, 0);
	FILE *f;

	ASSERT_EQ(0, script_list_scan(&self->list, self->path, KIND_AIX, &self->log));
	self->list.v[0]->known = true;
	self->list.v[0]->timeout_s = 7;
	ASSERT_EQ(0, script_list_scan(&self->list, self->path, KIND_AIX, &self->log));
	EXPECT_TRUE(self->list.v[0]->known);
	EXPECT_EQ(7, self->list.v[0]->timeout_s);
	f = fopen(path, "w");
	fputs("#!/bin/sh\n", f);
	fclose(f);
	ASSERT_EQ(0, script_list_scan(&self->list, self->path, KIND_AIX, &self->log));
	EXPECT_FALSE(self->list.v[0]->known);
	ASSERT_EQ(0, script_list_scan(&self->list, "/nonexistent", KIND_AIX, &self->log));
	EXPECT_EQ(0, self->list.n);
}

/* ---- a child ---- */

FIXTURE(runner)
{
	sd_event *event;
	struct runner *r;
	struct run_result result;
	unsigned done;
	pid_t dead; /* what could be waited for when done was called */
	size_t lines;
	char first[256];
};

FIXTURE_SETUP(runner)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	ASSERT_LE(0, sd_event_new(&self->event));
}

FIXTURE_TEARDOWN(runner)
{
	runner_free(self->r);
	sd_event_unref(self->event);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static void on_line(void *userdata, const char *line)
{
	FIXTURE_DATA(runner) *self = userdata;

	if (self->lines++ == 0)
		snprintf(self->first, sizeof(self->first), "%s", line);
}

static void on_done(void *userdata, const struct run_result *result)
{
	FIXTURE_DATA(runner) *self = userdata;

	siginfo_t si = { 0 };

	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0)
		self->dead = si.si_pid;
	self->result = *result;
	self->done++;
	sd_event_exit(self->event, 0);
}

static int start(FIXTURE_DATA(runner) * self, const char *text, usec_t timeout)
{
	char *argv[] = { "/bin/sh", "-c", (char *)text, NULL };
	char *env[] = { "PATH=/usr/bin:/bin", NULL };

	return runner_start(&self->r, self->event,
			    &(struct run_spec){
				    .path = "/bin/sh",
				    .argv = argv,
				    .env = env,
				    .deadline = timeout ? now_usec() + timeout : 0,
				    .stop_signal = SIGTERM,
				    .line = on_line,
				    .done = on_done,
				    .userdata = self,
			    });
}

static int run(FIXTURE_DATA(runner) * self, const char *text, usec_t timeout)
{
	int r = start(self, text, timeout);

	return r < 0 ? r : sd_event_loop(self->event);
}

static bool goes_away(pid_t pid)
{
	for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
		usleep(20000); /* until its new parent has noticed */
	return kill(pid, 0) < 0;
}

TEST_F(runner, exit_status_and_output)
{
	ASSERT_EQ(0, run(self, "echo one; printf 'a\\001b\\n'; printf last; exit 3", 0));
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(RUN_EXITED, self->result.end);
	EXPECT_EQ(3, self->result.value);
	EXPECT_EQ(3, self->lines);
	EXPECT_STREQ("one", self->first);
}

/* As long as the leader is not reaped, nobody else can get its number, which is also the group's. */
TEST_F(runner, the_leader_is_reaped_after_its_group)
{
	ASSERT_EQ(0, run(self, "echo $PPID", 0));
	EXPECT_EQ(atoi(self->first), self->dead);
	EXPECT_EQ(-1, waitpid(-1, NULL, WNOHANG));
	EXPECT_EQ(ECHILD, errno);
}

/* 32 and 33 are libc's own: it lets nobody set them, and whoever started us may have one or both ignored. */
TEST_F(runner, signals_are_as_at_boot)
{
	ASSERT_EQ(0, run(self,
			 "grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\n\\t ' | "
			 "sed 's/SigIgn:0000000[01][08]0000000$/SigIgn:0000000000000000/'",
			 0));
	EXPECT_STREQ("SigBlk:0000000000000000SigIgn:0000000000000000", self->first);
}

TEST_F(runner, a_session_of_its_own_and_no_stray_descriptors)
{
	int leaky = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ASSERT_EQ(
		0,
		run(self,
		    "set -- $(cat /proc/self/stat); [ $5 = $6 ] && [ $5 = $PPID ] && ls -m /proc/$$/fd",
		    0));
	EXPECT_EQ(0, self->result.value);
	/* Not in a pipeline, for which the shell has a descriptor of its own for a moment. */
	EXPECT_STREQ("0, 1, 2", self->first);
	close(leaky);
}

TEST_F(runner, limits_are_the_usual_ones)
{
	struct rlimit files;
	int r;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &files));
	if (files.rlim_max < 4096)
		SKIP(return, "the hard limit of open files is low already");
	files.rlim_cur = 4096;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	r = write_text_file("/proc/self/oom_score_adj", "17");
	ASSERT_EQ(0, r);
	ASSERT_EQ(0, run(self, "echo $(ulimit -Sn) $(cat /proc/self/oom_score_adj)", 0));
	EXPECT_STREQ(geteuid() == 0 ? "1024 0" : "1024 17", self->first);
}

TEST_F(runner, killed_by_a_signal)
{
	char text[64];

	ASSERT_EQ(0, run(self, "kill -SEGV $$", 0));
	EXPECT_EQ(RUN_SIGNALED, self->result.end);
	EXPECT_EQ(SIGSEGV, self->result.value);
	EXPECT_STREQ("killed by signal 11 (Segmentation fault)",
		     run_result_text(&self->result, text, sizeof(text)));
}

TEST_F(runner, a_deadline_ends_the_whole_group)
{
	ASSERT_EQ(
		0,
		run(self,
		    "trap '' TERM; (trap '' TERM; exec sleep 1000) & echo $!; sleep 1000; sleep 1000",
		    2 * USEC_PER_SEC));
	EXPECT_EQ(RUN_TIMED_OUT, self->result.end);
	ASSERT_EQ(1, self->lines);
	EXPECT_TRUE(goes_away(atoi(self->first)));
}

TEST_F(runner, what_it_leaves_behind_is_killed_and_not_waited_for)
{
	ASSERT_EQ(0, run(self, "sleep 1000 & echo $!", 0));
	EXPECT_EQ(RUN_EXITED, self->result.end);
	ASSERT_EQ(1, self->lines);
	EXPECT_TRUE(goes_away(atoi(self->first)));
}

TEST_F(runner, a_flood_is_capped_and_drained)
{
	ASSERT_EQ(0, run(self, "head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 63; exit 5", 0));
	EXPECT_EQ(RUN_EXITED, self->result.end);
	EXPECT_EQ(5, self->result.value);
	EXPECT_GE(1024, self->lines);
}

TEST_F(runner, stopped)
{
	ASSERT_EQ(0, start(self, "sleep 1000", 0));
	runner_stop(self->r);
	runner_stop(self->r);
	ASSERT_EQ(0, sd_event_loop(self->event));
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(RUN_STOPPED, self->result.end);
}

TEST_F(runner, stopped_it_can_clean_up)
{
	ASSERT_EQ(
		0,
		start(self,
		      "exec 2>/dev/null; trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done",
		      0));
	while (!self->lines)
		ASSERT_LE(0, sd_event_run(self->event, UINT64_MAX));
	runner_stop(self->r);
	ASSERT_EQ(0, sd_event_loop(self->event));
	EXPECT_EQ(RUN_STOPPED, self->result.end);
	EXPECT_EQ(2, self->lines);
}

/* The daemon dies: so does all that the child has started. */
TEST_F(runner, dies_with_us)
{
	int fds[2];
	pid_t pid, sleeper;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (pid == 0) {
		self->event = NULL; /* an event loop does not survive fork() */
		if (sd_event_new(&self->event) < 0 ||
		    start(self, "sleep 1000 & echo $!; wait", 0) < 0)
			_exit(1);
		while (self->lines == 0)
			sd_event_run(self->event, UINT64_MAX);
		sleeper = atoi(self->first);
		_exit(write(fds[1], &sleeper, sizeof(sleeper)) != sizeof(sleeper));
	}
	ASSERT_EQ(sizeof(sleeper), read(fds[0], &sleeper, sizeof(sleeper)));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_LT(1, sleeper);
	EXPECT_TRUE(goes_away(sleeper));
	close(fds[0]);
	close(fds[1]);
}

TEST_F(runner, cannot_be_run)
{
	char *argv[] = { "/nonexistent", NULL }, *env[] = { NULL };

	ASSERT_EQ(0, runner_start(&self->r, self->event,
				  &(struct run_spec){ .path = "/nonexistent",
						      .argv = argv,
						      .env = env,
						      .line = on_line,
						      .done = on_done,
						      .userdata = self,
						      .stop_signal = SIGTERM }));
	ASSERT_EQ(0, sd_event_loop(self->event));
	EXPECT_EQ(127, self->result.value);
	EXPECT_STREQ("DR_ERROR=cannot be run: No such file or directory", self->first);
}

/* A child of somebody else's, as an earlier daemon leaves it. */
TEST_F(runner, adopted)
{
	struct run_spec spec = {
		.stop_signal = SIGTERM, .line = on_line, .done = on_done, .userdata = self
	};
	uint64_t start_time;
	int output[2], numbers[2];
	pid_t pid;

	ASSERT_EQ(0, pipe2(output, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(numbers, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid > 0)
			_exit(write(numbers[1], &pid, sizeof(pid)) != sizeof(pid));
		setsid();
		dup2(output[1], 1);
		usleep(300000);
		_exit(write(1, "still here\n", 11) != 11);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(sizeof(pid), read(numbers[0], &pid, sizeof(pid)));
	close(output[1]);
	ASSERT_EQ(0, process_start_time(pid, &start_time));
	EXPECT_EQ(-ESRCH, runner_adopt(&self->r, self->event, &spec, pid, start_time + 1, -EBADF));
	EXPECT_EQ(-ESRCH, runner_adopt(&self->r, self->event, &spec, 0, 0, -EBADF));
	ASSERT_EQ(0, runner_adopt(&self->r, self->event, &spec, pid, start_time, output[0]));
	ASSERT_EQ(0, sd_event_loop(self->event));
	EXPECT_EQ(RUN_LOST, self->result.end);
	EXPECT_STREQ("still here", self->first);
}

TEST_HARNESS_MAIN
