// SPDX-License-Identifier: GPL-2.0
/* The owner's socket closes, at each state; and somebody else takes over. */
#include "kfixture.h"

/* Closes the owner's socket, and opens one that owns nothing. */
#define ASSERT_ORPHANED()                          \
	do {                                       \
		link_close(&self->l);              \
		ASSERT_EQ(0, link_open(&self->l)); \
	} while (0)

TEST_F(pmig, in_check)
{
	tell("block a check");
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_TRUE(hears("a check,"));
	ASSERT_ORPHANED();
	tell("release");
	ASSERT_REACHES(NONE);
}

TEST_F(pmig, in_checked)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_ORPHANED();
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

static void undone(struct __test_metadata *_metadata, FIXTURE_DATA(pmig) * self, const char *log)
{
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(0, self->s.owner);
	EXPECT_EQ(EOWNERDEAD, self->s.err);
	EXPECT_NE(NULL, strstr(self->s.reason, "died"));
	EXPECT_EQ(0x6000000 | EOWNERDEAD, stream_reason(self->sim, STREAM));
	EXPECT_STREQ(log, told());
	/* Kept for the next one, and only for one that adopts it. */
	EXPECT_EQ(-EPERM, command(&self->l, PMIG_CMD_END));
	EXPECT_NE(NULL, strstr(self->l.ext, "adopt"));
	ASSERT_COMMAND(ADOPT);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_EQ(self->l.portid, self->s.owner);
	ASSERT_COMMAND(END);
}

TEST_F(pmig, in_enabled)
{
	ASSERT_BEGIN();
	ASSERT_ORPHANED();
	undone(_metadata, self, "");
}

TEST_F(pmig, in_quiesce)
{
	ASSERT_QUIESCE();
	ASSERT_ORPHANED();
	undone(_metadata, self, "");
}

TEST_F(pmig, in_pre)
{
	tell("block b pre");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(was_told("a pre,b pre,"));
	ASSERT_ORPHANED();
	ASSERT_REACHES(CANCELLING);
	tell("release");
	undone(_metadata, self, "a pre,b pre,b post-error,a post-error,");
}

TEST_F(pmig, in_ready)
{
	ASSERT_READY();
	ASSERT_ORPHANED();
	undone(_metadata, self, "a pre,b pre,c pre,c post-error,b post-error,a post-error,");
}

static void finished(struct __test_metadata *_metadata, FIXTURE_DATA(pmig) * self)
{
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.owner);
	EXPECT_EQ(0, self->s.err);
	EXPECT_LT(0, self->s.nr_changes);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	ASSERT_COMMAND(ADOPT);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_EQ(self->l.portid, self->s.owner);
	EXPECT_LT(0, self->s.nr_changes);
	ASSERT_COMMAND(END);
}

/* The write has begun, and waits for Suspending: too late to turn back. */
TEST_F(pmig, in_suspending)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(SUSPENDING);
	ASSERT_ORPHANED();
	ASSERT_REACHES(SUSPENDING);
	EXPECT_EQ(0, self->s.owner);
	ASSERT_SET("suspending");
	finished(_metadata, self);
}

TEST_F(pmig, adopted_in_suspending)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_ORPHANED();
	ASSERT_COMMAND(ADOPT);
	ASSERT_SET("suspending");
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(self->l.portid, self->s.owner);
	ASSERT_COMMAND(END);
}

TEST_F(pmig, in_resumed)
{
	if (self->sim) {
		put(SIM "streams/0xabcd1234/live", "0");
		ASSERT_EQ(0, put(SIM "streams/0xabcd1234/script", "enabled suspending resumed"));
		put(SIM "streams/0xabcd1234/live", "1");
	} else {
		ASSERT_EQ(0, lab_hmc(NULL, 0, "in-place resumed-ms=never"));
	}
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(RESUMED);
	ASSERT_ORPHANED();
	ASSERT_REACHES(RESUMED);
	EXPECT_EQ(0, self->s.owner);
	ASSERT_SET("completed");
	finished(_metadata, self);
}

TEST_F(pmig, in_post)
{
	tell("block a post");
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_TRUE(was_told("a pre,b pre,c pre,c post,b post,a post,"));
	ASSERT_ORPHANED();
	tell("release");
	finished(_metadata, self);
}

TEST_F(pmig, in_completed)
{
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_ORPHANED();
	finished(_metadata, self);
}

TEST_F(pmig, in_undo)
{
	tell("block a post-error");
	ASSERT_READY();
	ASSERT_EQ(0, cancel(&self->l, EPERM));
	ASSERT_TRUE(was_told("a pre,b pre,c pre,c post-error,b post-error,a post-error,"));
	ASSERT_ORPHANED();
	tell("release");
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(EPERM, self->s.err);
	EXPECT_EQ(0, self->s.owner);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
}

/* The owner cancelled, and that stays the reason. */
static void given_up(struct __test_metadata *_metadata, struct bench *self, const char *log)
{
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(0, self->s.owner);
	EXPECT_EQ(EPERM, self->s.err);
	EXPECT_STREQ("cancelled by its owner", self->s.reason);
	EXPECT_EQ(0x6000000 | EPERM, stream_reason(self->sim, STREAM));
	EXPECT_STREQ(log, told());
	EXPECT_EQ(-EPERM, command(&self->l, PMIG_CMD_END));
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
}

/* A handler is still getting ready when its owner cancels and goes. */
TEST_F(pmig, in_cancelling)
{
	tell("block b pre");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(was_told("a pre,b pre,"));
	ASSERT_EQ(0, cancel(&self->l, EPERM));
	ASSERT_REACHES(CANCELLING);
	ASSERT_ORPHANED();
	ASSERT_REACHES(CANCELLING);
	EXPECT_EQ(0, self->s.owner);
	tell("release");
	given_up(_metadata, &self->bench, "a pre,b pre,b post-error,a post-error,");
}

/* The same while the platform has yet to confirm: it has heard Cancel, and takes its time. */
TEST_F(sim, killed_in_cancelling)
{
	int status;
	pid_t pid;

	put(SIM "slow_cancel", "1");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct link l;
		struct session s;

		if (link_open(&l) || start(&l, PMIG_CMD_BEGIN, STREAM, 0, self->engine) ||
		    stream_set(true, STREAM, "suspending") ||
		    !reaches(&l, &s, PMIG_STATE_QUIESCE) || command(&l, PMIG_CMD_PRE) ||
		    !reaches(&l, &s, PMIG_STATE_READY) || cancel(&l, EPERM) ||
		    !reaches(&l, &s, PMIG_STATE_CANCELLING))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	ASSERT_REACHES(CANCELLING);
	EXPECT_EQ(0, self->s.owner);
	ASSERT_SET("aborted");
	given_up(_metadata, &self->bench,
		 "a pre,b pre,c pre,c post-error,b post-error,a post-error,");
}

static int adopt(struct link *l, uint64_t stream)
{
	char buf[256];
	struct nlmsghdr *nlh = message(l, buf, l->family, PMIG_CMD_ADOPT, NLM_F_ACK);

	mnl_attr_put_u64(nlh, PMIG_A_STREAM, stream);
	return talk(l, nlh, NULL, NULL);
}

/* The stream has never been: its last end is forgotten. */
static void stream_anew(struct bench *self)
{
	stream_new(self->sim, STREAM);
	if (self->sim)
		sim_stream_again();
}

/* Leaves a result that nobody owns. */
#define ASSERT_LEFT_BEHIND()            \
	do {                            \
		ASSERT_BEGIN();         \
		ASSERT_ORPHANED();      \
		ASSERT_REACHES(FAILED); \
	} while (0)

/* A result that nobody comes back for stops nobody, and is still there for who comes late. */
TEST_F(pmig, result_in_nobodys_way)
{
	ASSERT_LEFT_BEHIND();
	stream_anew(&self->bench);
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_COMMAND(END);
	ASSERT_REACHES(FAILED);
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(self->l.portid, self->s.owner);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_EQ(PMIG_STATE_FAILED, self->s.state);
	EXPECT_EQ(EOWNERDEAD, self->s.err);
	EXPECT_EQ(0, self->s.owner);
	EXPECT_STREQ(self->engine, self->s.engine);
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

#define OTHER 0x77ULL

/* Who knows what it has left behind gets that, whatever has come since. */
TEST_F(sim, adopted_by_its_stream)
{
	ASSERT_LEFT_BEHIND();
	ASSERT_EQ(0, sim_stream(OTHER));
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, OTHER, 0, self->engine));
	EXPECT_EQ(-EAGAIN, adopt(&self->l, STREAM));
	EXPECT_NE(NULL, strstr(self->l.ext, "ask again"));
	EXPECT_EQ(-ENOENT, adopt(&self->l, 0x78));
	EXPECT_STREQ("there is no session of this stream", self->l.ext);
	ASSERT_ORPHANED();
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(OTHER, self->s.stream);
	ASSERT_EQ(0, adopt(&self->l, STREAM));
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_EQ(STREAM, self->s.stream);
	EXPECT_EQ(self->l.portid, self->s.owner);
	ASSERT_COMMAND(END);
	EXPECT_EQ(-ENOENT, adopt(&self->l, STREAM));
	ASSERT_EQ(0, adopt(&self->l, OTHER));
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	sim_remove(OTHER);
}

/* One in the slot and eight behind it; the oldest one goes, and the others come back in order. */
TEST_F(sim, so_many_results)
{
	uint64_t id;

	for (id = 1; id <= 10; id++) {
		ASSERT_EQ(0, sim_stream(id));
		ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, id, 0, self->engine));
		ASSERT_ORPHANED();
		ASSERT_REACHES(FAILED);
		sim_remove(id);
	}
	expect_kernel("stream 0x1: nobody has asked how it ended; forgotten");
	ASSERT_EQ(0, adopt(&self->l, 10));
	ASSERT_COMMAND(END);
	for (id = 2; id < 10; id++) {
		ASSERT_EQ(0, get_session(&self->l, &self->s));
		ASSERT_EQ(id, self->s.stream);
		ASSERT_COMMAND(ADOPT);
		ASSERT_COMMAND(END);
	}
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

/* Nor does it keep the modules. */
TEST_F(sim, result_and_the_modules)
{
	ASSERT_LEFT_BEHIND();
	ASSERT_EQ(0, run("rmmod pmig_test"));
	sim_remove(STREAM);
	EXPECT_TRUE(unloads("pmig_sim"));
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("sim", self->s.engine);
	ASSERT_COMMAND(ADOPT);
	EXPECT_EQ(-EWOULDBLOCK, unload("pmig"));
	ASSERT_ORPHANED();
	EXPECT_TRUE(unloads("pmig"));
	link_close(&self->l);
	load_modules();
	ASSERT_EQ(0, link_open(&self->l));
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	ASSERT_EQ(0, stream_new(true, STREAM));
}

/* An owner that begins, is told Suspending, may tell the handlers PRE, and then sleeps until it is killed. */
static pid_t stopped_owner(struct bench *self, uint32_t pre_ms, bool pre)
{
	char buf[512];
	struct session s;
	struct nlmsghdr *nlh;
	struct link l;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (link_open(&l))
		_exit(1);
	nlh = message(&l, buf, l.family, PMIG_CMD_BEGIN, NLM_F_ACK);
	mnl_attr_put_u64(nlh, PMIG_A_STREAM, STREAM);
	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, self->engine);
	if (pre_ms)
		mnl_attr_put_u32(nlh, PMIG_A_PRE_MS, pre_ms);
	if (talk(&l, nlh, NULL, NULL) || stream_set(self->sim, STREAM, "suspending") ||
	    !reaches(&l, &s, PMIG_STATE_QUIESCE) || (pre && command(&l, PMIG_CMD_PRE)))
		_exit(1);
	kill(getpid(), SIGSTOP);
	_exit(1);
}

/* The deadline passes while the owner is there, and does nothing. */
static void given_up_without_it(struct __test_metadata *_metadata, struct bench *self, pid_t pid,
				const char *reason, const char *log)
{
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_NE(NULL, strstr(self->s.reason, reason))
	{
		TH_LOG("%s", self->s.reason);
	}
	EXPECT_EQ(0x6000000 | ETIMEDOUT, stream_reason(self->sim, STREAM));
	EXPECT_STREQ(log, told());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(pmig, stopped_in_quiesce)
{
	pid_t pid = stopped_owner(&self->bench, 300, false);

	ASSERT_LT(0, pid);
	given_up_without_it(_metadata, &self->bench, pid, "did not suspend within 300 ms", "");
}

TEST_F(pmig, stopped_when_ready)
{
	pid_t pid = stopped_owner(&self->bench, 2000, true);

	ASSERT_LT(0, pid);
	ASSERT_REACHES(READY);
	given_up_without_it(_metadata, &self->bench, pid, "did not suspend within 2000 ms",
			    "a pre,b pre,c pre,c post-error,b post-error,a post-error,");
}

/* Who names no time has the module's, and nobody has more. */
TEST_F(sim, stopped_with_the_time_of_the_module)
{
	uint32_t asked[] = { 0, 3600000 };
	unsigned int i;
	pid_t pid;

	put("/sys/module/pmig/parameters/pre_timeout_ms", "300");
	for (i = 0; i < 2; i++) {
		pid = stopped_owner(&self->bench, asked[i], false);
		ASSERT_LT(0, pid);
		given_up_without_it(_metadata, &self->bench, pid, "did not suspend within 300 ms",
				    "");
		ASSERT_TRUE(quiet(&self->l));
		put(SIM "streams/0xabcd1234/live", "0");
		ASSERT_SET("enabled");
		put(SIM "streams/0xabcd1234/live", "1");
	}
}

/* The platform does not answer the poller at all: it takes no part in this. */
TEST_F(sim, stopped_and_the_platform_is_silent)
{
	pid_t pid = stopped_owner(&self->bench, 2000, true);

	ASSERT_LT(0, pid);
	ASSERT_REACHES(READY);
	put("/sys/module/pmig/parameters/cancel_timeout_ms", "100");
	put(SIM "hold_state", "1");
	given_up_without_it(_metadata, &self->bench, pid, "has not confirmed the cancellation",
			    "a pre,b pre,c pre,c post-error,b post-error,a post-error,");
}

/* The time ends in the middle of PRE: the handler whose turn it is finishes first. */
TEST_F(sim, stopped_in_pre)
{
	pid_t pid;

	tell("block b pre");
	pid = stopped_owner(&self->bench, 1000, true);
	ASSERT_LT(0, pid);
	ASSERT_REACHES(CANCELLING);
	EXPECT_STREQ("a pre,b pre,", told());
	tell("release");
	given_up_without_it(_metadata, &self->bench, pid, "did not suspend within 1000 ms",
			    "a pre,b pre,b post-error,a post-error,");
}

static bool loses_its_result(struct bench *self)
{
	int64_t end = now_ms() + NEVER_MS;

	do {
		if (get_session(&self->l, &self->s))
			return false;
		if (!self->s.owner)
			return true;
		nap();
	} while (now_ms() < end);
	return false;
}

/* A result that its owner does not take is in nobody's way, as if it were dead. */
TEST_F(sim, stopped_with_a_result)
{
	pid_t pid;

	put("/sys/module/pmig/parameters/pre_timeout_ms", "300");
	pid = stopped_owner(&self->bench, 0, false);
	ASSERT_LT(0, pid);
	ASSERT_REACHES(FAILED);
	ASSERT_TRUE(loses_its_result(&self->bench));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_EQ(PMIG_STATE_FAILED, self->s.state);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_COMMAND(END);
	/* Who adopts it may be stopped, too. */
	ASSERT_COMMAND(ADOPT);
	ASSERT_TRUE(loses_its_result(&self->bench));
	ASSERT_COMMAND(ADOPT);
	put("/sys/module/pmig/parameters/pre_timeout_ms", "600000");
	ASSERT_COMMAND(END);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

#define ASSERT_LATE()                                                        \
	do {                                                                 \
		put("/sys/module/pmig/parameters/pre_timeout_ms", "300");    \
		ASSERT_BEGIN();                                              \
		ASSERT_EQ(0, cancel(&self->l, 0));                           \
		ASSERT_REACHES(FAILED);                                      \
		ASSERT_TRUE(loses_its_result(&self->bench));                 \
		put("/sys/module/pmig/parameters/pre_timeout_ms", "600000"); \
	} while (0)

/* It was just slow: the result is taken, and nobody adopts it and tells of it again. */
TEST_F(sim, takes_its_result_late)
{
	ASSERT_LATE();
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_EQ(-ENOENT, command(&self->l, PMIG_CMD_END));
}

TEST_F(sim, takes_its_result_out_of_the_history)
{
	struct link other;

	ASSERT_EQ(0, link_open(&other));
	ASSERT_LATE();
	ASSERT_EQ(0, start(&other, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_COMMAND(END);
	ASSERT_REACHES(CHECKED);
	EXPECT_EQ(-EPERM, command(&self->l, PMIG_CMD_END));
	EXPECT_EQ(0, command(&other, PMIG_CMD_END));
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	link_close(&other);
}

TEST_F(sim, too_late_for_its_result)
{
	struct link other;

	ASSERT_EQ(0, link_open(&other));
	ASSERT_LATE();
	ASSERT_EQ(0, command(&other, PMIG_CMD_ADOPT));
	EXPECT_EQ(-EPERM, command(&self->l, PMIG_CMD_END));
	EXPECT_EQ(0, command(&other, PMIG_CMD_END));
	link_close(&other);
}

/* Once it has suspended in time, the rest may take as long as it takes. */
TEST_F(sim, suspends_in_time)
{
	put("/sys/module/pmig/parameters/pre_timeout_ms", "2000");
	ASSERT_EQ(0, stream_blackout(true, 2500));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	ASSERT_COMMAND(END);
}

/* It is the socket that owns, not the process. */
TEST_F(pmig, another_socket_of_the_owner)
{
	struct link other;

	ASSERT_EQ(0, link_open(&other));
	ASSERT_BEGIN();
	EXPECT_EQ(-EPERM, cancel(&other, 0));
	EXPECT_NE(NULL, strstr(other.ext, "not yours"));
	EXPECT_EQ(-EBUSY, command(&other, PMIG_CMD_ADOPT));
	EXPECT_NE(NULL, strstr(other.ext, "has an owner"));
	EXPECT_EQ(-EBUSY, start(&other, PMIG_CMD_BEGIN, 0x77, 0, self->engine));
	EXPECT_NE(NULL, strstr(other.ext, "not now: the session is in state enabled"));
	link_close(&other);
	ASSERT_REACHES(ENABLED);
	EXPECT_EQ(self->l.portid, self->s.owner);
	ASSERT_COMMAND(ADOPT);
}

/* A process is killed, and with it its socket. */
TEST_F(pmig, owner_is_killed)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct link l;
		struct session s;

		if (link_open(&l) || start(&l, PMIG_CMD_BEGIN, STREAM, 0, self->engine) ||
		    stream_set(self->sim, STREAM, "suspending") ||
		    !reaches(&l, &s, PMIG_STATE_QUIESCE) || command(&l, PMIG_CMD_PRE) ||
		    !reaches(&l, &s, PMIG_STATE_READY))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	undone(_metadata, self, "a pre,b pre,c pre,c post-error,b post-error,a post-error,");
}

TEST_HARNESS_MAIN
