// SPDX-License-Identifier: GPL-2.0
/* How often the stream's state is read, and what an answer means that is none. */
#include "kfixture.h"

/* The next @count readings fail: errno for sim, status of H_VASI_STATE for pseries. */
static int fail_state(bool sim, int err, int status, int count)
{
	return sim ? put(SIM "fail_state", "%d %d", err, count) :
		     lab_hmc(NULL, 0, "fail-state %d %d", status, count);
}

#define FOR_EVER 1000000
#define HARDWARE EIO, -1

/* What the engine for PowerVM says of each, and rightly. */
static void expect_complaints(bool sim)
{
	if (!sim)
		expect_kernel("H_VASI_STATE of stream 0xabcd1234: -1");
}

/*
 * By the guest's own clock, which is also the stream's: Enabled lasts so long, and that often somebody looks
 * meanwhile. One that looks once a second is seen, and one that is held up most of the time is not.
 */
static unsigned int looks_while_enabled(struct __test_metadata *_metadata, struct bench *self,
					int poll_ms, unsigned int enabled_ms)
{
	const char *polls = SIM "streams/0xabcd1234/polls";

	if (poll_ms)
		put("/sys/module/pmig/parameters/poll_ms", "%d", poll_ms);
	put(SIM "streams/0xabcd1234/live", "0");
	EXPECT_EQ(0, put(SIM "streams/0xabcd1234/script", "enabled:%u suspending", enabled_ms));
	EXPECT_EQ(0, put(SIM "streams/0xabcd1234/live", "1"));
	ASSERT_BEGIN();
	ASSERT_REACHES(QUIESCE);
	return strtoul(get(polls), NULL, 10);
}

TEST_F(sim, every_20_ms)
{
	unsigned int looks;

	/* As it comes: the fixture has set another interval. */
	ASSERT_EQ(0, run("rmmod pmig_test"));
	sim_remove(STREAM);
	ASSERT_TRUE(unloads("pmig_sim"));
	ASSERT_TRUE(unloads("pmig"));
	link_close(&self->l);
	ASSERT_EQ(0, run("modprobe pmig && modprobe pmig_sim && modprobe pmig_test"));
	ASSERT_EQ(0, link_open(&self->l));
	ASSERT_EQ(0, stream_new(true, STREAM));
	looks = looks_while_enabled(_metadata, &self->bench, 0, 2000);
	/* 100 if it is never late; BEGIN, and the change of state, each ask once more. */
	EXPECT_LE(10, looks);
	EXPECT_GE(103, looks);
}

TEST_F(sim, as_it_is_told)
{
	EXPECT_GE(7, looks_while_enabled(_metadata, &self->bench, 1000, 2000));
}

/* A stream whose state can't be read for a moment is not lost; for good, it is. */
TEST_F(pmig, unreadable)
{
	expect_complaints(self->sim);
	ASSERT_BEGIN();
	ASSERT_EQ(0, fail_state(self->sim, HARDWARE, 5));
	ASSERT_SET("suspending");
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(0, self->s.err);
	ASSERT_EQ(0, fail_state(self->sim, HARDWARE, FOR_EVER));
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(EIO, self->s.err);
	EXPECT_NE(NULL, strstr(self->s.reason, "does not tell the stream's state"));
	/* For all we know it lives. */
	EXPECT_EQ(0x6000000 | EIO, stream_reason(self->sim, STREAM));
}

TEST_F(sim, suspension_fails_and_it_is_unreadable)
{
	ASSERT_READY();
	put(SIM "fail_wait", "%d 1", EIO);
	ASSERT_EQ(0, fail_state(true, HARDWARE, FOR_EVER));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(0x6000000 | EIO, stream_reason(self->sim, STREAM));
}

/* Waits until all of the failures have happened. */
static bool used_up(void)
{
	int64_t end = now_ms() + NEVER_MS;

	while (!strstr(get(SIM "fail_state"), " 0")) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* Our write fails because somebody else has moved us, and just then the platform does not answer. */
TEST_F(sim, has_moved_and_it_is_unreadable)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(SUSPENDING);
	ASSERT_EQ(0, fail_state(true, HARDWARE, 30));
	ASSERT_SET("completed");
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_TRUE(used_up());
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
}

/* Where the write returns early, too: POST has to wait for all of the memory. */
TEST_F(sim, memory_in_transit_and_it_is_unreadable)
{
	put(SIM "streams/0xabcd1234/live", "0");
	ASSERT_EQ(0, put(SIM "streams/0xabcd1234/script", "enabled suspending resumed"));
	put(SIM "streams/0xabcd1234/live", "1");
	put(SIM "early_return", "1");
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(RESUMED);
	ASSERT_EQ(0, fail_state(true, HARDWARE, 30));
	ASSERT_TRUE(used_up());
	ASSERT_REACHES(RESUMED);
	EXPECT_STREQ("a pre,b pre,c pre,", told());
	ASSERT_SET("completed");
	ASSERT_REACHES(COMPLETED);
}

/* That the platform does not know it is an answer, and a final one: there is nothing to cancel. */
TEST_F(pmig, unknown_from_now_on)
{
	ASSERT_BEGIN();
	ASSERT_EQ(0, fail_state(self->sim, ENOENT, -4, 1));
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ENOENT, self->s.err);
	EXPECT_STREQ("the platform no longer knows the stream", self->s.reason);
	EXPECT_EQ(0, stream_reason(self->sim, STREAM));
}

/* Nothing is begun on a stream that can't be seen. */
TEST_F(pmig, unreadable_from_the_start)
{
	expect_complaints(self->sim);
	ASSERT_EQ(0, fail_state(self->sim, HARDWARE, 1));
	EXPECT_EQ(-EIO, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine));
	EXPECT_STREQ("the platform does not tell the state of this stream", self->l.ext);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	ASSERT_EQ(0, fail_state(self->sim, ENOENT, -4, 1));
	EXPECT_EQ(-ENOENT, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine));
	EXPECT_STREQ("the platform does not know this stream; check -s", self->l.ext);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	ASSERT_BEGIN();
}

/* A hypervisor without partition migration has not got the call at all. */
TEST_F(pmig, no_such_call)
{
	ASSERT_EQ(0, fail_state(self->sim, EOPNOTSUPP, -2, 1));
	EXPECT_EQ(-ENODEV, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine));
	EXPECT_STREQ("this hypervisor moves no partitions", self->l.ext);
}

/* A hypervisor that is busy is asked again, so nobody hears of it. */
TEST_PSERIES(busy)
{
	ASSERT_EQ(0, fail_state(false, 0, 1, 3));
	ASSERT_BEGIN();
	ASSERT_EQ(0, fail_state(false, 0, 9900, 3));
	ASSERT_SET("suspending");
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(0, self->s.err);
}

TEST_HARNESS_MAIN
