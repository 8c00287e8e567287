// SPDX-License-Identifier: GPL-2.0
/* One migration from its beginning to each of its ends. */
#include "kfixture.h"

TEST_F(pmig, completed)
{
	const struct row *c;

	ASSERT_BEGIN();
	ASSERT_REACHES(ENABLED);
	EXPECT_EQ(STREAM, self->s.stream);
	EXPECT_EQ(PMIG_VASI_ENABLED, self->s.vasi);
	EXPECT_STREQ(self->engine, self->s.engine);
	EXPECT_EQ(self->l.portid, self->s.owner);
	ASSERT_SET("suspending");
	ASSERT_REACHES(QUIESCE);
	EXPECT_STREQ("", told());
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	EXPECT_STREQ("a pre,b pre,c pre,", told());
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	EXPECT_EQ(0, self->s.err);
	EXPECT_STREQ("", self->s.reason);
	EXPECT_TRUE(self->s.has_blackout);
	EXPECT_LT(0, self->s.blackout);
	EXPECT_EQ(PMIG_OPERATION_MIGRATE, self->s.operation);
	c = change_of(&self->l, &self->s, "cache.l1d@0.size");
	ASSERT_NE(NULL, c);
	EXPECT_STRNE(c->old, c->new);
	EXPECT_EQ(PMIG_UNIT_BYTES, c->unit);
	EXPECT_EQ(0, c->flags);
	c = change_of(&self->l, &self->s,
		      self->sim ? "identity.system-id" : "identity.host-serial");
	ASSERT_NE(NULL, c);
	EXPECT_STRNE(c->old, c->new);
	EXPECT_EQ(0, c->flags);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

/* The partition runs again while its memory is still on the way; POST waits for all of it. */
TEST_F(pmig, resumed)
{
	if (self->sim) {
		put(SIM "streams/0xabcd1234/live", "0");
		ASSERT_EQ(0, put(SIM "streams/0xabcd1234/script", "enabled suspending resumed"));
		put(SIM "streams/0xabcd1234/live", "1");
	} else {
		ASSERT_EQ(0, lab_hmc(NULL, 0, "in-place resumed-ms=never d-cache=0x8000"));
	}
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(RESUMED);
	EXPECT_STREQ("a pre,b pre,c pre,", told());
	EXPECT_EQ(0, self->s.nr_changes);
	ASSERT_SET("completed");
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
}

/* Not in place: the whole partition goes on in another hypervisor. */
TEST_PSERIES(to_another_server)
{
	char reply[256];

	ASSERT_EQ(0, lab_hmc(reply, sizeof(reply), "destination"))
	{
		TH_LOG("%s", reply);
	}
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_LT(0, self->s.blackout);
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "identity.system-id"));
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "cache.l1d@0.size"));
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "cpu.clock-frequency"));
	EXPECT_EQ(NULL, change_of(&self->l, &self->s, "identity.vm-uuid"));
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	ASSERT_COMMAND(END);
}

/*
 * Each engine makes the partition stand still for 300 ms, give or take what else happens then; the module says how
 * long, in microseconds.
 */
TEST_F(pmig, stands_still)
{
	long long begin, end;
	char reply[512];

	ASSERT_EQ(0, stream_blackout(self->sim, 300));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_TRUE(self->s.has_blackout);
	EXPECT_LE(300000, self->s.blackout);
	EXPECT_GE(30000000, self->s.blackout);
	if (self->sim)
		return;
	/* The hypervisor saw the call come and the partition go on: both are inside what was measured. */
	ASSERT_EQ(0, lab_hmc(reply, sizeof(reply), "stat 0x%llx", STREAM));
	begin = lab_value(reply, "t_suspend_us");
	end = lab_value(reply, "t_resume_us");
	TH_LOG("%llu us, outside %lld us", (unsigned long long)self->s.blackout, end - begin);
	EXPECT_LT(0, begin);
	EXPECT_LE(end - begin, (long long)self->s.blackout + 10000);
}

/* A second one finds nothing left of the first, and compares with where the first has ended. */
TEST_F(pmig, again)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, stream_new(self->sim, STREAM));
		if (self->sim)
			ASSERT_SET("enabled");
		ASSERT_READY();
		ASSERT_COMMAND(SUSPEND);
		ASSERT_REACHES(COMPLETED);
		/* The simulator's second move goes where the first has gone. */
		EXPECT_EQ(self->sim && i, !self->s.nr_changes);
		ASSERT_COMMAND(END);
	}
}

TEST_F(sim, runs_before_memory_is_there)
{
	put(SIM "streams/0xabcd1234/live", "0");
	ASSERT_EQ(0, put(SIM "streams/0xabcd1234/script", "enabled suspending resumed"));
	put(SIM "streams/0xabcd1234/live", "1");
	put(SIM "early_return", "1");
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(RESUMED);
	EXPECT_STREQ("a pre,b pre,c pre,", told());
	ASSERT_SET("completed");
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
}

TEST_F(pmig, suspends_at_the_second_try)
{
	char reply[512];

	ASSERT_READY();
	ASSERT_EQ(0, fail_suspend(self->sim, EAGAIN, -9005, 1));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	/* The first one has failed. On PowerVM a processor that is woken by chance may cost a further one. */
	if (self->sim) {
		EXPECT_STREQ("11 0", get(SIM "fail_suspend"));
	} else {
		ASSERT_EQ(0, lab_hmc(reply, sizeof(reply), "stat 0x%llx", STREAM));
		EXPECT_LE(2, lab_value(reply, "suspends"));
	}
}

TEST_F(pmig, suspends_at_no_try)
{
	ASSERT_READY();
	ASSERT_EQ(0, fail_suspend(self->sim, EBUSY, -9004, 9));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(EBUSY, self->s.err);
	EXPECT_NE(NULL, strstr(self->s.reason, "can't be suspended now"));
	EXPECT_EQ(0x6000000 | EBUSY, stream_reason(self->sim, STREAM));
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
	EXPECT_FALSE(self->s.has_blackout);
	EXPECT_EQ(0, self->s.nr_changes);
	ASSERT_COMMAND(END);
}

/* The kernel's own wait fails and leaves the stream as it is: it is ours to cancel. */
TEST_F(sim, suspension_is_left_uncancelled)
{
	ASSERT_READY();
	put(SIM "fail_wait", "%d 1", EIO);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(EIO, self->s.err);
	EXPECT_EQ(0x6000000 | EIO, stream_reason(self->sim, STREAM));
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
}

TEST_F(sim, no_snapshot)
{
	ASSERT_READY();
	expect_kernel("sim: no snapshot of the machine: error -5");
	put(SIM "fail_snapshot", "%d 9", EIO);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.nr_changes);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	ASSERT_COMMAND(END);

	/* Somebody else's migration is compared with what was seen last: one of ours more, for the tests that follow. */
	put(SIM "fail_snapshot", "5 0");
	sim_stream_again();
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
}

#define FILE_OF_SYSFS "/sys/kernel/mobility/migration"

/* CHECK or BEGIN, with a descriptor of ours where there is one. */
static int start_with(struct bench *self, uint8_t cmd, int fd)
{
	char buf[512];
	struct nlmsghdr *nlh = message(&self->l, buf, self->l.family, cmd, NLM_F_ACK);

	mnl_attr_put_u64(nlh, PMIG_A_STREAM, STREAM);
	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, self->engine);
	if (fd >= 0)
		mnl_attr_put_u32(nlh, PMIG_A_FD, fd);
	return talk(&self->l, nlh, NULL, NULL);
}

/* Nothing could be written there: said before anybody has been told anything. */
TEST_PSERIES(sysfs_is_read_only)
{
	ASSERT_EQ(0, run("mount -o remount,ro /sys"));
	EXPECT_EQ(-EROFS, start_with(&self->bench, PMIG_CMD_BEGIN, -1));
	EXPECT_NE(NULL, strstr(self->l.ext, "mount -o remount,rw /sys"));
	EXPECT_EQ(-EROFS, start_with(&self->bench, PMIG_CMD_CHECK, -1));
	EXPECT_NE(NULL, strstr(self->l.ext, "mount -o remount,rw /sys"));
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_STREQ("", told());
	ASSERT_EQ(0, run("mount -o remount,rw /sys"));
	ASSERT_EQ(0, start_with(&self->bench, PMIG_CMD_CHECK, -1));
	ASSERT_REACHES(CHECKED);
	ASSERT_COMMAND(END);
	EXPECT_EQ(0, run("mount -o remount,ro /sys"));
	EXPECT_EQ(0, run("mount -o remount,rw /sys"));
}

/* Nor can that happen later on. */
TEST_PSERIES(sysfs_stays_writable)
{
	ASSERT_READY();
	EXPECT_NE(0, run("mount -o remount,ro /sys"));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
	EXPECT_EQ(0, run("mount -o remount,ro /sys"));
	EXPECT_EQ(0, run("mount -o remount,rw /sys"));
}

/* What the module may not open, its owner may: then it is opened by the owner, and drivers are told as ever. */
TEST_PSERIES(owner_opens_the_file)
{
	int fd, other;

	if (strstr(get("/proc/version"), "PREEMPT"))
		SKIP(return, "no return probe is safe here, and nothing else can deny it");
	ASSERT_EQ(0, run("modprobe pmig_deny"));
	EXPECT_EQ(-EACCES, start_with(&self->bench, PMIG_CMD_BEGIN, -1));
	EXPECT_NE(NULL, strstr(self->l.ext, "neither kernel nor caller may open"));
	/* It has to be that file. */
	other = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, other);
	EXPECT_EQ(-EACCES, start_with(&self->bench, PMIG_CMD_BEGIN, other));
	EXPECT_EQ(-EACCES, start_with(&self->bench, PMIG_CMD_BEGIN, 1000));
	close(other);
	fd = open(FILE_OF_SYSFS, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, start_with(&self->bench, PMIG_CMD_BEGIN, fd));
	close(fd);
	ASSERT_SET("suspending");
	ASSERT_REACHES(QUIESCE);
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	ASSERT_COMMAND(END);
	EXPECT_EQ(0, run("rmmod pmig_deny"));
}

/* The stream ends while nobody has been told, and while all have. */
static void ends_early(struct __test_metadata *_metadata, FIXTURE_DATA(pmig) * self,
		       const char *how, int err)
{
	ASSERT_BEGIN();
	ASSERT_SET(how);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(err, self->s.err);
	EXPECT_STRNE("", self->s.reason);
	EXPECT_STREQ("", told());
	ASSERT_COMMAND(END);

	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	if (self->sim)
		ASSERT_SET("enabled");
	ASSERT_QUIESCE();
	ASSERT_SET(how);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(err, self->s.err);
	EXPECT_STREQ("", told());
	ASSERT_COMMAND(END);

	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	if (self->sim)
		ASSERT_SET("enabled");
	ASSERT_READY();
	ASSERT_SET(how);
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(err, self->s.err);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
}

TEST_F(pmig, aborted)
{
	ends_early(_metadata, self, "aborted", ECANCELED);
}

TEST_F(pmig, gone)
{
	ends_early(_metadata, self, "gone", ENOENT);
}

TEST_F(pmig, aborted_while_handlers_are_told)
{
	tell("block b pre");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(was_told("a pre,b pre,"));
	ASSERT_SET("aborted");
	ASSERT_REACHES(UNDO);
	tell("release");
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ECANCELED, self->s.err);
	EXPECT_TRUE(was_told("a pre,b pre,b post-error,a post-error,"));
}

static void cancels(struct __test_metadata *_metadata, struct bench *self, int err)
{
	ASSERT_EQ(0, cancel(&self->l, err));
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(err ?: ECANCELED, (int)self->s.err);
	EXPECT_EQ(0x6000000 | (err ?: ECANCELED), stream_reason(self->sim, STREAM));
}

TEST_F(pmig, cancel_while_enabled)
{
	ASSERT_BEGIN();
	cancels(_metadata, &self->bench, 0);
	EXPECT_STREQ("", told());
}

TEST_F(pmig, cancel_in_quiesce)
{
	ASSERT_QUIESCE();
	cancels(_metadata, &self->bench, ETIMEDOUT);
	EXPECT_STREQ("", told());
}

TEST_F(pmig, cancel_in_pre)
{
	tell("block b pre");
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(was_told("a pre,b pre,"));
	ASSERT_EQ(0, cancel(&self->l, ETIMEDOUT));
	ASSERT_REACHES(CANCELLING);
	tell("release");
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(ETIMEDOUT, self->s.err);
	EXPECT_STREQ("a pre,b pre,b post-error,a post-error,", told());
	EXPECT_EQ(0x6000000 | ETIMEDOUT, stream_reason(self->sim, STREAM));
}

TEST_F(pmig, cancel_when_ready)
{
	ASSERT_READY();
	cancels(_metadata, &self->bench, EPERM);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
}

/* The operator was first: Cancel fails, and there is nothing to wait for. */
TEST_F(pmig, cancel_fails)
{
	ASSERT_READY();
	ASSERT_EQ(0, fail_cancel(self->sim));
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("cancelled by its owner", self->s.reason);
	EXPECT_EQ(0, stream_reason(self->sim, STREAM));
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
}

/* A hypervisor that is busy is asked again. */
TEST_PSERIES(cancel_while_busy)
{
	ASSERT_READY();
	ASSERT_EQ(0, lab_hmc(NULL, 0, "fail-cancel 1 3"));
	cancels(_metadata, &self->bench, EPERM);
}

TEST_F(sim, cancellation_is_never_confirmed)
{
	put("/sys/module/pmig/parameters/cancel_timeout_ms", "100");
	put(SIM "fail_cancel", "%d 1", EIO);
	ASSERT_READY();
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	EXPECT_NE(NULL, strstr(self->s.reason, "not confirmed"));
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
}

TEST_F(pmig, quiesce_now)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(PMIG_VASI_ENABLED, self->s.vasi);
	EXPECT_EQ(PMIG_F_QUIESCE_NOW, self->s.flags);
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_SET("suspending");
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
}

/* Our write waits in Enabled, for as long as memory is copied. */
static void waits_in_enabled(struct __test_metadata *_metadata, struct bench *self)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(SUSPENDING);
	EXPECT_EQ(PMIG_VASI_ENABLED, self->s.vasi);
}

TEST_F(pmig, cancel_while_the_write_waits)
{
	waits_in_enabled(_metadata, &self->bench);
	cancels(_metadata, &self->bench, EPERM);
	EXPECT_STREQ("cancelled by its owner", self->s.reason);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
}

/* The platform does not hear the first two. */
TEST_F(sim, cancels_the_write_until_it_is_heard)
{
	waits_in_enabled(_metadata, &self->bench);
	put(SIM "fail_cancel", "%d 2", EIO);
	cancels(_metadata, &self->bench, EPERM);
}

/* Nobody has been told, so nobody is: the stream is left to whoever else moves it. */
TEST_F(pmig, lets_go)
{
	ASSERT_BEGIN();
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	ASSERT_QUIESCE();
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_EQ(0, stream_reason(self->sim, STREAM));
	EXPECT_STREQ("", told());
}

/* It may be too late all the same: what has moved has moved. */
TEST_F(pmig, cancel_comes_too_late)
{
	waits_in_enabled(_metadata, &self->bench);
	ASSERT_EQ(0, fail_cancel(self->sim));
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_SET("suspending");
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_STREQ("", self->s.reason);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	EXPECT_EQ(-EBUSY, cancel(&self->l, 0));
}

TEST_F(sim, engine_wants_quiesce_now)
{
	put(SIM "quiesce_now", "1");
	ASSERT_BEGIN();
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(PMIG_F_QUIESCE_NOW, self->s.flags);
}

TEST_F(sim, engine_wants_it_during_the_copy)
{
	ASSERT_BEGIN();
	ASSERT_REACHES(ENABLED);
	put(SIM "quiesce_now", "1");
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(PMIG_VASI_ENABLED, self->s.vasi);
	EXPECT_EQ(PMIG_F_QUIESCE_NOW, self->s.flags);
}

#define WINDOWS "/sys/module/pmig_vas/parameters/"

/*
 * Windows of NX-GZIP, as the kernel shows them: pmig_vas puts the same files there. Mainline closes them as soon
 * as it has the stream, so PRE does not wait for Suspending where there are any.
 */
TEST_PSERIES(windows_in_use)
{
	static const char *const kinds[] = { "default_credits", "qos_credits" };
	unsigned int i;

	run("rmmod pmig_vas 2> /dev/null"); /* what a test that was stopped has left */
	if (!access("/sys/devices/virtual/misc/vas", F_OK))
		SKIP(return, "this machine has an accelerator of its own");
	ASSERT_EQ(0, run("modprobe pmig_vas"));
	ASSERT_BEGIN();
	ASSERT_REACHES(ENABLED);
	EXPECT_EQ(0, self->s.flags);
	/* One that is opened while memory is copied. */
	ASSERT_EQ(0, put(WINDOWS "default_credits", "1"));
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(PMIG_F_QUIESCE_NOW, self->s.flags);
	EXPECT_EQ(PMIG_VASI_ENABLED, self->s.vasi);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_TRUE(quiet(&self->l));
		ASSERT_EQ(0, stream_new(false, STREAM));
		put(WINDOWS "default_credits", "0");
		put(WINDOWS "qos_credits", "0");
		ASSERT_EQ(0, run("echo 3 > " WINDOWS "%s", kinds[i]));
		ASSERT_BEGIN();
		ASSERT_REACHES(QUIESCE);
		EXPECT_EQ(PMIG_F_QUIESCE_NOW, self->s.flags);
		EXPECT_EQ(PMIG_VASI_ENABLED, self->s.vasi);
	}
	ASSERT_TRUE(quiet(&self->l));
	ASSERT_EQ(0, run("rmmod pmig_vas"));
	ASSERT_EQ(0, stream_new(false, STREAM));
	ASSERT_BEGIN();
	ASSERT_REACHES(ENABLED);
	EXPECT_EQ(0, self->s.flags);
}

TEST_F(pmig, begins_late)
{
	ASSERT_SET("suspending");
	ASSERT_BEGIN();
	ASSERT_REACHES(QUIESCE);
	EXPECT_EQ(PMIG_VASI_SUSPENDING, self->s.vasi);
	EXPECT_EQ(0, self->s.flags);
	EXPECT_STREQ("", told());
}

/* The module is not to be had while a session is there, whatever has become of it. */
TEST_F(pmig, rmmod_is_refused)
{
	ASSERT_EQ(0, run("rmmod pmig_test"));
	if (!self->sim)
		ASSERT_EQ(0, run("rmmod pmig_sim"));
	ASSERT_BEGIN();
	if (self->sim)
		EXPECT_EQ(-EWOULDBLOCK, unload("pmig_sim"));
	EXPECT_GT(0, unload("pmig"));
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	EXPECT_GT(0, unload("pmig"));
	ASSERT_COMMAND(END);
	if (self->sim) {
		sim_remove(STREAM);
		EXPECT_TRUE(unloads("pmig_sim"));
	}
	EXPECT_TRUE(unloads("pmig"));
	link_close(&self->l);
	load_modules();
	EXPECT_EQ(0, link_open(&self->l));
}

TEST_HARNESS_MAIN
