// SPDX-License-Identifier: GPL-2.0
/* What the kernel's handlers are promised in include/linux/pmig.h. */
#include "kfixture.h"

TEST_F(pmig, check_all_agree)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	EXPECT_EQ(0, self->s.nr_refusals);
	/* All at once, in no order that is promised. */
	EXPECT_NE(NULL, strstr(told(), "a check,"));
	EXPECT_NE(NULL, strstr(told(), "b check,"));
	EXPECT_NE(NULL, strstr(told(), "c check,"));
	ASSERT_COMMAND(END);
}

/* Force is the operator's wish: a handler hears of it, and has the last word. */
TEST_F(pmig, check_by_force)
{
	tell("refuse b check %d no", EBUSY);
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, PMIG_F_FORCE, self->engine));
	ASSERT_REACHES(CHECKED);
	EXPECT_EQ(PMIG_F_FORCE, self->s.flags);
	EXPECT_NE(NULL, strstr(told(), "a is forced,"));
	EXPECT_EQ(1, self->s.nr_refusals);
	ASSERT_COMMAND(END);
}

TEST_F(pmig, check_collects_all_refusals)
{
	tell("refuse a check %d a firmware update is running", EBUSY);
	tell("later b check 10 %d", EPERM);
	tell("deadline c 300");
	tell("block c check");
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_EQ(3, self->s.nr_refusals);
	EXPECT_STREQ("test-a", self->s.refusal[0].handler);
	EXPECT_EQ(PMIG_PHASE_CHECK, self->s.refusal[0].phase);
	EXPECT_EQ(EBUSY, self->s.refusal[0].err);
	EXPECT_STREQ("a firmware update is running", self->s.refusal[0].reason);
	EXPECT_STREQ("test-b", self->s.refusal[1].handler);
	EXPECT_EQ(EPERM, self->s.refusal[1].err);
	EXPECT_STREQ("refused late", self->s.refusal[1].reason);
	EXPECT_STREQ("test-c", self->s.refusal[2].handler);
	EXPECT_EQ(ETIMEDOUT, self->s.refusal[2].err);
	EXPECT_STREQ("no answer within 300 ms", self->s.refusal[2].reason);
	/* A check leaves nothing to be undone. */
	ASSERT_COMMAND(END);
	tell("release");
	EXPECT_EQ(NULL, strstr(told(), "post"));
}

/* Who names no deadline has ten seconds: enough for what takes two, and not more. */
TEST_F(sim, deadline_by_default)
{
	ASSERT_EQ(0, tell("deadline a 0"));
	ASSERT_EQ(0, tell("deadline b 0"));
	tell("later a check 2000");
	tell("later b check -1");
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_EQ(1, self->s.nr_refusals);
	EXPECT_STREQ("test-b", self->s.refusal[0].handler);
	EXPECT_EQ(ETIMEDOUT, self->s.refusal[0].err);
	EXPECT_STREQ("no answer within 10000 ms", self->s.refusal[0].reason);
	tell("release");
	ASSERT_COMMAND(END);
}

TEST_F(pmig, pre_refused)
{
	tell("refuse b pre %d not now", EBUSY);
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(EBUSY, self->s.err);
	EXPECT_STREQ("test-b: not now", self->s.reason);
	ASSERT_EQ(1, self->s.nr_refusals);
	EXPECT_EQ(PMIG_PHASE_PRE, self->s.refusal[0].phase);
	EXPECT_STREQ("a pre,b pre,b post-error,a post-error,", told());
	EXPECT_EQ(0x6000000 | EBUSY, stream_reason(self->sim, STREAM));
}

TEST_F(pmig, pre_blocks)
{
	tell("deadline b 300");
	tell("block b pre");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	EXPECT_EQ(0x6000000 | ETIMEDOUT, stream_reason(self->sim, STREAM));
	/* The others do not wait for it; it hears the end as soon as it can. */
	EXPECT_STREQ("a pre,b pre,a post-error,", told());
	tell("release");
	EXPECT_TRUE(was_told("a pre,b pre,a post-error,b post-error,"));
}

/* One that still sits in PRE when the next migration comes is not told it again before it has heard the end. */
TEST_F(pmig, pre_blocks_over_two)
{
	tell("deadline b 300");
	tell("block b pre");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	if (self->sim)
		ASSERT_SET("enabled");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	EXPECT_STREQ("a pre,b pre,a post-error,a pre,a post-error,", told());
	tell("release");
	EXPECT_TRUE(was_told("a pre,b pre,a post-error,a pre,a post-error,b post-error,"));
}

TEST_F(pmig, pre_later)
{
	tell("later a pre 20");
	tell("later c pre 0");
	ASSERT_READY();
	EXPECT_STREQ("a pre,b pre,c pre,", told());
	tell("later b post 20");
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
}

TEST_F(pmig, pre_later_refuses)
{
	tell("later b pre 20 %d", ENOSPC);
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ENOSPC, self->s.err);
	EXPECT_STREQ("test-b: refused late", self->s.reason);
	EXPECT_STREQ("a pre,b pre,b post-error,a post-error,", told());
}

/* Completed long after the deadline: too late, and harmless. */
TEST_F(pmig, pre_later_too_late)
{
	tell("deadline b 300");
	tell("later b pre -1");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	EXPECT_STREQ("a pre,b pre,b post-error,a post-error,", told());
	tell("release");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_EQ(PMIG_STATE_FAILED, self->s.state);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	EXPECT_STREQ("a pre,b pre,b post-error,a post-error,", told());
}

/* After the move a refusal or a missed deadline stops nothing. */
TEST_F(pmig, post_misbehaves)
{
	tell("deadline b 300");
	tell("refuse c post %d no", EIO);
	tell("block b post");
	ASSERT_READY();
	expect_kernel("test-c: error -5 after the migration");
	expect_kernel("test-b: error -110 after the migration");
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
}

TEST_F(pmig, gone_before_post)
{
	ASSERT_READY();
	ASSERT_EQ(0, tell("unregister b"));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,a post,", told());
	EXPECT_EQ(0, tell("register b"));
}

/* It does not wait for the one that goes. */
TEST_F(pmig, gone_while_late)
{
	tell("later b pre -1");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(was_told("a pre,b pre,"));
	ASSERT_EQ(0, tell("unregister b"));
	ASSERT_REACHES(READY);
	EXPECT_STREQ("a pre,b pre,c pre,", told());
	tell("release");
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,a post-error,", told());
	EXPECT_EQ(0, tell("register b"));
}

/* How often the log says that test-c was too late for PRE. */
static unsigned int said_late(void)
{
	unsigned int n = 0;
	FILE *f = popen("dmesg | grep -c 'test-c: registered while .* not told PRE'", "r");

	if (f && fscanf(f, "%u", &n) != 1)
		n = 0;
	if (f)
		pclose(f);
	return n;
}

/* A device that probes in the middle of it: it hears that the partition has moved, and all of the next migration. */
TEST_F(pmig, newcomers)
{
	unsigned int said = said_late();
	int moves;

	for (moves = 0; moves < 2; moves++) {
		ASSERT_EQ(0, tell("unregister c"));
		ASSERT_READY();
		EXPECT_EQ(0, tell("register c"));
		EXPECT_EQ(++said, said_late());
		ASSERT_EQ(0, moves ? command(&self->l, PMIG_CMD_SUSPEND) : cancel(&self->l, 0));
		ASSERT_TRUE(reaches(&self->l, &self->s,
				    moves ? PMIG_STATE_COMPLETED : PMIG_STATE_FAILED));
		EXPECT_STREQ(moves ? "a pre,b pre,c post,b post,a post," :
				     "a pre,b pre,b post-error,a post-error,",
			     told());
		ASSERT_COMMAND(END);
		ASSERT_EQ(0, tell("unregister c"));
		ASSERT_EQ(0, tell("register c"));
		EXPECT_EQ(said, said_late());
		ASSERT_EQ(0, tell("clear"));
		ASSERT_EQ(0, stream_new(self->sim, STREAM));
		ASSERT_SET("enabled");
		ASSERT_READY();
		ASSERT_EQ(0, cancel(&self->l, 0));
		ASSERT_REACHES(FAILED);
		EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
		ASSERT_COMMAND(END);
		ASSERT_EQ(0, tell("clear"));
		ASSERT_EQ(0, stream_new(self->sim, STREAM));
		ASSERT_SET("enabled");
	}
}

/* One that is added while others hear POST is not told in the middle. */
TEST_F(pmig, newcomer_at_post)
{
	ASSERT_EQ(0, tell("unregister a"));
	ASSERT_EQ(0, tell("block c post"));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_TRUE(was_told("b pre,c pre,c post,"));
	EXPECT_EQ(0, tell("register a"));
	tell("release");
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("b pre,c pre,c post,b post,", told());
	ASSERT_COMMAND(END);
}

/* POST has the machine as it was and as it is, and a driver may keep both. */
TEST_F(pmig, given_snapshots)
{
	char was[PMIG_VALUE_LEN], is[PMIG_VALUE_LEN], wanted[5 * PMIG_VALUE_LEN];
	struct rows now = {};
	const struct row *row;

	ASSERT_EQ(0, rows_of(&self->l, self->engine, PMIG_ROWS_NOW, &now));
	ASSERT_NE(NULL, find_row(&now, "identity.model"));
	snprintf(was, sizeof(was), "%s", find_row(&now, "identity.model")->new);
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	row = change_of(&self->l, &self->s, "cache.l1d@0.size");
	ASSERT_NE(NULL, row);
	ASSERT_EQ(0, rows_of(&self->l, self->engine, PMIG_ROWS_NOW, &now));
	snprintf(is, sizeof(is), "%s", find_row(&now, "identity.model")->new);
	snprintf(wanted, sizeof(wanted), "%s %s\n%s %s", was, row->old, is, row->new);
	EXPECT_STREQ(wanted, get(TEST_DIR "post"));
	ASSERT_COMMAND(END);
	/* They outlive the next migration's. */
	ASSERT_EQ(0, tell("unregister a"));
	moves_anew(_metadata, &self->bench);
	EXPECT_STREQ(wanted, get(TEST_DIR "post"));
	EXPECT_EQ(0, tell("register a"));
	free(now.row);
}

/* Told PRE, a handler's module is needed for the end of it. */
TEST_F(pmig, module_stays)
{
	EXPECT_TRUE(unloads("pmig_test"));
	load_modules();
	ASSERT_READY();
	EXPECT_EQ(-EWOULDBLOCK, unload("pmig_test"));
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
	EXPECT_TRUE(unloads("pmig_test"));
	load_modules();
}

/* Its answer is still to come, and with it a call of ours by its code. */
static void stays_while_late(struct __test_metadata *_metadata, struct bench *self)
{
	ASSERT_COMMAND(END);
	EXPECT_EQ(-EWOULDBLOCK, unload("pmig_test"));
	tell("release");
	EXPECT_TRUE(unloads("pmig_test"));
	load_modules();
}

TEST_F(sim, module_stays_while_a_check_is_late)
{
	tell("deadline b 100");
	tell("later b check -1");
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	stays_while_late(_metadata, &self->bench);
}

TEST_F(sim, module_stays_while_pre_is_late)
{
	tell("deadline b 100");
	tell("later b pre -1");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("a pre,b pre,b post-error,a post-error,", told());
	stays_while_late(_metadata, &self->bench);
}

TEST_F(sim, module_stays_while_post_is_late)
{
	tell("deadline b 100");
	tell("later b post -1");
	expect_kernel("test-b: error -110 after the migration");
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	stays_while_late(_metadata, &self->bench);
}

/* The thread that calls test-c, 0 for none. */
static pid_t caller_of_c(void)
{
	pid_t pid = 0;
	FILE *f = popen("grep -lx pmig/test-c /proc/[0-9]*/comm", "r");

	if (f && fscanf(f, "/proc/%d/comm", &pid) != 1)
		pid = 0;
	if (f)
		pclose(f);
	return pid;
}

#define TRACE "/sys/kernel/tracing/"

/* However often one that hangs is asked, what waits for it is no more than one question. */
TEST_F(sim, asked_again_and_again)
{
	unsigned int i, freed = 0;
	const char *at;

	ASSERT_EQ(0, tell("deadline c 50"));
	tell("block c check");
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
		ASSERT_REACHES(CHECKED);
		ASSERT_EQ(1, self->s.nr_refusals);
		ASSERT_COMMAND(END);
	}
	/* Its thread frees what it finds when the first call returns at last. */
	put(TRACE "trace", "0");
	ASSERT_EQ(0, put(TRACE "events/kmem/kfree/filter", "common_pid == %d", caller_of_c()));
	ASSERT_EQ(0, put(TRACE "events/kmem/kfree/enable", "1"));
	tell("clear");
	put(TRACE "events/kmem/kfree/enable", "0");
	put(TRACE "events/kmem/kfree/filter", "0");
	for (at = get(TRACE "trace"); (at = strstr(at, "[pmig]")); at++)
		freed++;
	EXPECT_EQ(1, freed);
}

/* The largest message: as many refusals as there may be handlers of pmig_test. */
TEST_F(pmig, many_refusals)
{
	unsigned int i;
	char reason[200];

	ASSERT_TRUE(unloads("pmig_test"));
	ASSERT_EQ(0, run("modprobe pmig_test handlers=26"));
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = 0;
	for (i = 0; i < 26; i++)
		ASSERT_EQ(0, tell("refuse %c check %d %s", 'a' + i, EBUSY, reason));
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	EXPECT_EQ(26, self->s.nr_refusals);
	EXPECT_STREQ("test-z", self->s.refusal[25].handler);
	EXPECT_STREQ(reason, self->s.refusal[25].reason);
	ASSERT_COMMAND(END);
	EXPECT_TRUE(unloads("pmig_test"));
	load_modules();
}

TEST_HARNESS_MAIN
