// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Applications of the real daemon, in a guest: registered over the bus, told by `drmgr migrate --simulate`
 * and `drmgr -p check`, and as unpleasant as applications can be.
 */
#include "dr.h"

#include "kselftest_harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CHECK_COMMAND	 "drmgr -m -c pmig -p check -s 0x5151 -t 19 -n 5 -d 1"
#define SIMULATE_COMMAND "drmgr migrate --simulate --enabled-ms 300 --blackout-ms 50"
#define NO_ENGINE	 72
#define NOBODY		 65534
#define WAIT_MS		 20000
#define SECONDS		 90

struct command {
	FILE *f;
	char text[4096];
};

static void command_start(struct command *c, const char *line)
{
	char all[256];

	snprintf(all, sizeof(all), "%s 2>&1", line);
	fflush(NULL);
	c->f = popen(all, "re");
}

/* Returns its exit status. */
static int command_end(struct command *c)
{
	size_t n = fread(c->text, 1, sizeof(c->text) - 1, c->f);
	int status = pclose(c->f);

	c->text[n] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int run(struct command *c, const char *line)
{
	command_start(c, line);
	return command_end(c);
}

static int nr_applications(void)
{
	struct command c;
	const char *p;

	if (run(&c, "drmgr status") != 0)
		return -1;
	p = strstr(c.text, "applications:");
	return p ? atoi(p + strlen("applications:")) : -1;
}

/* A process that went or a descriptor that was closed is noticed a moment later. */
static bool nr_applications_becomes(int n)
{
	int i;

	for (i = 0; i < 100 && nr_applications() != n; i++)
		usleep(100000);
	return nr_applications() == n;
}

/* The next event, waiting for it. */
static int next(dr_client *client, struct dr_event *e)
{
	struct pollfd p = { .fd = dr_fd(client), .events = POLLIN };
	int r;

	while ((r = dr_next(client, e)) == 0)
		if (poll(&p, 1, WAIT_MS) <= 0)
			return -ETIMEDOUT;
	return r;
}

/* The next event of a migration: its CHECK is answered on the way. */
static int next_after_check(dr_client *client, struct dr_event *e)
{
	int r;

	while ((r = next(client, e)) > 0 && e->phase == DR_PHASE_CHECK)
		dr_ack(client, e->gen);
	return r;
}

/* The next event that is not a notice. */
static int next_question(dr_client *client, struct dr_event *e)
{
	int r;

	do
		r = next(client, e);
	while (r > 0 && e->deadline_us == 0);
	return r;
}

/* The same, of a migration. */
static int next_deed(dr_client *client, struct dr_event *e)
{
	int r;

	do
		r = next_after_check(client, e);
	while (r > 0 && e->deadline_us == 0);
	return r;
}

FIXTURE(app)
{
	dr_client *client;
	struct command c;
	int before;
};

FIXTURE_SETUP(app)
{
	self->before = nr_applications();
	ASSERT_LE(0, self->before);
}

FIXTURE_TEARDOWN(app)
{
	dr_close(self->client);
}

TEST_F_TIMEOUT(app, registration_lives_as_long_as_the_descriptor, SECONDS)
{
	dr_client *other = NULL;
	pid_t pid;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	EXPECT_TRUE(nr_applications_becomes(self->before + 1));
	ASSERT_EQ(0, dr_open(&other, NULL));
	EXPECT_TRUE(nr_applications_becomes(self->before + 2));
	dr_close(other);
	EXPECT_TRUE(nr_applications_becomes(self->before + 1));
	pid = fork();
	if (pid == 0) {
		dr_open(&other, NULL);
		raise(SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(nr_applications_becomes(self->before + 1));
}

TEST_F_TIMEOUT(app, told_in_order, SECONDS)
{
	static const enum dr_phase expected[] = { DR_PHASE_BEGIN, DR_PHASE_PRE, DR_PHASE_RESUMED,
						  DR_PHASE_POST };
	struct dr_options o = { .name = "orderly",
				.phases = DR_PHASES_DEFAULT | DR_PHASES(DR_PHASE_BEGIN) |
					  DR_PHASES(DR_PHASE_RESUMED) };
	uint32_t gen = 0;
	struct dr_event e;
	size_t i;

	ASSERT_EQ(0, dr_open(&self->client, &o));
	command_start(&self->c, SIMULATE_COMMAND);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, next_after_check(self->client, &e));
		/* what comes at all is not sure for this one: it may be over before it was seen */
		if (expected[i] == DR_PHASE_RESUMED && e.phase == DR_PHASE_POST)
			i++;
		EXPECT_EQ(expected[i], e.phase);
		EXPECT_LT(gen, e.gen);
		gen = e.gen;
		if (e.deadline_us)
			EXPECT_EQ(0, dr_ack(self->client, e.gen));
	}
	EXPECT_EQ(0, command_end(&self->c)) TH_LOG("%s", self->c.text);
	EXPECT_EQ(0, dr_next(self->client, &e));
}

TEST_F_TIMEOUT(app, refusal_reaches_the_operator, SECONDS)
{
	struct dr_options o = { .name = "stubborn", .flags = DR_MAY_REFUSE };
	struct dr_event e;
	int status;

	if (run(&self->c, CHECK_COMMAND) == NO_ENGINE)
		SKIP(return, "no hypervisor that moves partitions");
	ASSERT_EQ(0, dr_open(&self->client, &o));
	command_start(&self->c, CHECK_COMMAND);
	ASSERT_EQ(1, next_question(self->client, &e));
	EXPECT_EQ(DR_PHASE_CHECK, e.phase);
	EXPECT_EQ(0x5151, e.stream);
	EXPECT_EQ(0, dr_refuse(self->client, e.gen, EBUSY, "backup\nis running"));
	status = command_end(&self->c);
	EXPECT_EQ(1, status);
	EXPECT_NE(NULL, strstr(self->c.text, "refused by application stubborn: backup?is running"))
	TH_LOG("%s", self->c.text);
	/* CHECK holds nothing: the next one, without it, is asked anew */
	self->client = dr_close(self->client);
	EXPECT_EQ(0, run(&self->c, CHECK_COMMAND)) TH_LOG("%s", self->c.text);
}

TEST_F_TIMEOUT(app, refusal_without_the_right_is_advice, SECONDS)
{
	struct dr_options o = { .name = "humble", .flags = DR_MAY_REFUSE };
	struct dr_event e;
	int status, ready[2];
	pid_t pid;

	if (run(&self->c, CHECK_COMMAND) == NO_ENGINE)
		SKIP(return, "no hypervisor that moves partitions");
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (pid == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
		    dr_open(&self->client, &o) || write(ready[1], "x", 1) != 1 ||
		    next_question(self->client, &e) != 1)
			_exit(1);
		_exit(dr_refuse(self->client, e.gen, EBUSY, "rather not") ? 2 : 0);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &status, 1));
	EXPECT_EQ(0, run(&self->c, CHECK_COMMAND));
	EXPECT_NE(NULL, strstr(self->c.text, "advice by application humble: rather not"))
	TH_LOG("%s", self->c.text);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F_TIMEOUT(app, silent_in_pre, SECONDS)
{
	struct dr_options o = { .name = "silent", .timeout_ms = 300 };
	struct dr_event e;

	ASSERT_EQ(0, dr_open(&self->client, &o));
	command_start(&self->c, SIMULATE_COMMAND);
	ASSERT_EQ(1, next_deed(self->client, &e));
	EXPECT_EQ(DR_PHASE_PRE, e.phase);
	ASSERT_EQ(1, next_deed(self->client, &e));
	EXPECT_EQ(DR_PHASE_POST, e.phase);
	EXPECT_EQ(0, dr_ack(self->client, e.gen));
	EXPECT_EQ(0, command_end(&self->c)) TH_LOG("%s", self->c.text);
	/* it is named in the log */
	EXPECT_EQ(0, run(&self->c, "drmgr log -n 40 | grep -q silent"));
}

TEST_F_TIMEOUT(app, silent_and_required, SECONDS)
{
	struct dr_options o = { .name = "required",
				.flags = DR_MAY_REFUSE | DR_REQUIRED,
				.timeout_ms = 300 };
	struct dr_event e;
	uint32_t gen;

	ASSERT_EQ(0, dr_open(&self->client, &o));
	command_start(&self->c, SIMULATE_COMMAND);
	ASSERT_EQ(1, next_deed(self->client, &e));
	EXPECT_EQ(DR_PHASE_PRE, e.phase);
	gen = e.gen;
	ASSERT_EQ(1, next_deed(self->client, &e));
	EXPECT_EQ(DR_PHASE_POST_ERROR, e.phase);
	EXPECT_EQ(-ESTALE, dr_ack(self->client, gen));
	EXPECT_EQ(0, dr_ack(self->client, e.gen));
	EXPECT_EQ(2, command_end(&self->c)) TH_LOG("%s", self->c.text);
}

TEST_F_TIMEOUT(app, dies_in_pre, SECONDS)
{
	struct dr_options o = { .name = "mortal", .timeout_ms = 10000 };
	struct dr_event e;
	int status, ready[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (pid == 0) {
		if (dr_open(&self->client, &o) || write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(next_deed(self->client, &e) == 1 && e.phase == DR_PHASE_PRE ? 0 : 1);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &status, 1));
	EXPECT_EQ(0, run(&self->c, SIMULATE_COMMAND)) TH_LOG("%s", self->c.text);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(nr_applications_becomes(self->before));
}

/* Number 58's default is to end the process. */
TEST_F_TIMEOUT(app, no_signal_for_who_does_not_catch_it, SECONDS)
{
	struct dr_options o = { .name = "deaf", .signo = SIGRECONFIG };
	struct dr_event e;
	int status, ready[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (pid == 0) {
		signal(SIGRECONFIG, SIG_DFL);
		if (dr_open(&self->client, &o) || write(ready[1], "x", 1) != 1)
			_exit(1);
		do {
			if (next_deed(self->client, &e) != 1)
				_exit(2);
			dr_ack(self->client, e.gen);
		} while (e.phase != DR_PHASE_POST);
		_exit(0);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &status, 1));
	EXPECT_EQ(0, run(&self->c, SIMULATE_COMMAND)) TH_LOG("%s", self->c.text);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, status);
}

static struct seen {
	_Atomic int pre, post, other, failed, signals;
} * seen;

static void on_reconfig(int signo)
{
	dr_info_t info;

	seen->signals++;
	if (dr_reconfig(DR_QUERY, &info) < 0) {
		seen->failed += errno != ENXIO;
		return;
	}
	seen->pre += info.pre && info.migrate && info.partition;
	seen->post += info.post;
	seen->other += info.posterror;
	seen->failed += dr_reconfig(DR_RECONFIG_DONE, &info) < 0;
}

TEST_F_TIMEOUT(app, catching_the_signal_is_enough, SECONDS)
{
	struct sigaction sa = { .sa_handler = on_reconfig, .sa_flags = SA_RESTART };
	struct seen mine = { 0 };

	seen = &mine;
	ASSERT_EQ(0, sigaction(SIGRECONFIG, &sa, NULL));
	EXPECT_TRUE(nr_applications_becomes(self->before + 1));
	EXPECT_EQ(0, run(&self->c, SIMULATE_COMMAND)) TH_LOG("%s", self->c.text);
	EXPECT_EQ(1, mine.pre);
	EXPECT_EQ(1, mine.post);
	EXPECT_EQ(0, mine.other);
	EXPECT_EQ(0, mine.failed);
	signal(SIGRECONFIG, SIG_IGN);
	EXPECT_TRUE(nr_applications_becomes(self->before));
	EXPECT_EQ(0, run(&self->c, SIMULATE_COMMAND)) TH_LOG("%s", self->c.text);
	EXPECT_EQ(1, mine.pre);
}

TEST_F_TIMEOUT(app, refuses_as_on_aix, SECONDS)
{
	if (run(&self->c, CHECK_COMMAND) == NO_ENGINE)
		SKIP(return, "no hypervisor that moves partitions");
	command_start(
		&self->c,
		"exec /usr/libexec/pmig/examples/example-aix --refuse-check 'not now' > /dev/null");
	EXPECT_TRUE(nr_applications_becomes(self->before + 1));
	struct command check;

	EXPECT_EQ(1, run(&check, CHECK_COMMAND));
	EXPECT_NE(NULL, strstr(check.text, "refused by application example-aix:"))
	TH_LOG("%s", check.text);
	EXPECT_EQ(0, system("pkill -x example-aix"));
	command_end(&self->c);
	EXPECT_TRUE(nr_applications_becomes(self->before));
}

TEST_HARNESS_MAIN
