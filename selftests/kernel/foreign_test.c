// SPDX-License-Identifier: GPL-2.0
/* Somebody else moves the partition: a bare write to sysfs, or the simulator's counterpart of it. */
#include "kfixture.h"
#include <sys/socket.h>

#define OTHER 0x77ULL

/* How a bare write to sysfs is noticed; the simulator tells at once, as the probe does. */
static bool seen_by(const char *what)
{
	return !strcmp(get("/sys/devices/virtual/pmig/pmig/others_seen_by"), what);
}

static bool at_once(bool sim)
{
	return sim || seen_by("probe");
}

/* Waits until the writer waits for the platform, and where that can be seen, until it has been. */
#define ASSERT_WRITES(pid)                              \
	do {                                            \
		if (at_once(self->sim)) {               \
			ASSERT_REACHES(SUSPENDING);     \
		} else {                                \
			ASSERT_TRUE(waits_inside(pid)); \
		}                                       \
	} while (0)

#define POST_WITHOUT_STREAM "c post,c has no stream,b post,b has no stream,a post,a has no stream,"

/* What the handlers are told of a migration that was not ours: the stream, too, where somebody was seen to write it. */
static const char *post(bool sim)
{
	return at_once(sim) ? "c post,b post,a post," : POST_WITHOUT_STREAM;
}

static pid_t migrate(bool sim)
{
	pid_t pid = fork();

	if (!pid)
		_exit(sim ? -put(SIM "streams/0xabcd1234/foreign", "1") :
			    -put("/sys/kernel/mobility/migration", "0xabcd1234"));
	return pid;
}

static int result(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Waits until this process or kernel thread is inside mainline's migration, or the simulator's, and sleeps there. */
static bool waits_inside(pid_t pid)
{
	int64_t end = now_ms() + NEVER_MS;
	char path[64];
	const char *stack;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	do {
		stack = get(path);
		if (strstr(stack, "msleep") &&
		    (strstr(stack, "pseries_migrate_partition") ||
		     strstr(stack, "migration_store") || strstr(stack, "pmig_sim_foreign")))
			return true;
		nap();
	} while (now_ms() < end);
	printf("# stack of %d: %s\n", pid, get(path));
	return false;
}

TEST_F(pmig, noticed)
{
	pid_t pid;

	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	if (!at_once(self->sim))
		ASSERT_SET("suspending");
	ASSERT_REACHES(SUSPENDING);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	EXPECT_EQ(0, self->s.owner);
	EXPECT_EQ(at_once(self->sim) ? STREAM : 0, self->s.stream);
	EXPECT_GT(0, unload("pmig"));
	if (at_once(self->sim))
		ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "cache.l1d@0.size"));
	EXPECT_STREQ(post(self->sim), told());
	EXPECT_GT(0, unload("pmig"));
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
}

/* Its blackout is in microseconds, as ours is. */
TEST_F(pmig, stands_still)
{
	pid_t pid;

	ASSERT_EQ(0, stream_blackout(self->sim, 300));
	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	ASSERT_TRUE(self->s.has_blackout);
	EXPECT_LE(300000, self->s.blackout);
	EXPECT_GE(30000000, self->s.blackout);
}

TEST_F(pmig, fails)
{
	pid_t pid;

	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	ASSERT_SET("aborted");
	EXPECT_EQ(EIO, result(pid));
	EXPECT_STREQ("", told());
	if (at_once(self->sim)) {
		ASSERT_REACHES(FAILED);
		EXPECT_EQ(EIO, self->s.err);
		EXPECT_EQ(0, self->s.nr_changes);
	} else {
		/* One that never stands still leaves nothing to be seen. */
		ASSERT_EQ(0, get_session(&self->l, &self->s));
		EXPECT_FALSE(self->s.there);
	}
	/* Not ours, so not ours to cancel. */
	EXPECT_EQ(0, stream_reason(self->sim, STREAM));
}

/* It fails, but the stream lives on: whoever gave it to the kernel may try again. */
TEST_F(sim, fails_and_may_be_tried_again)
{
	pid_t pid;

	put(SIM "fail_wait", "%d 1", EIO);
	pid = migrate(self->sim);
	EXPECT_EQ(EIO, result(pid));
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(0, stream_reason(self->sim, STREAM));
	EXPECT_STREQ("enabled", get(SIM "streams/0xabcd1234/state"));
}

/* Its result makes room for whoever comes next. */
TEST_F(pmig, is_replaced)
{
	pid_t pid;

	pid = migrate(self->sim);
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	if (self->sim)
		ASSERT_SET("enabled");
	ASSERT_BEGIN();
	ASSERT_REACHES(ENABLED);
	EXPECT_EQ(self->l.portid, self->s.owner);
	EXPECT_EQ(0, self->s.flags);
}

TEST_F(pmig, unless_it_is_adopted)
{
	pid_t pid;

	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	if (!at_once(self->sim))
		ASSERT_SET("suspending");
	ASSERT_REACHES(SUSPENDING);
	EXPECT_EQ(-EBUSY, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine));
	ASSERT_COMMAND(ADOPT);
	if (at_once(self->sim))
		ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(self->l.portid, self->s.owner);
	EXPECT_EQ(-EBUSY, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine));
	ASSERT_COMMAND(END);
}

/* Each is compared with where the one before has ended. */
TEST_F(sim, two_in_a_row)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_SET("suspending");
		ASSERT_EQ(0, result(migrate(true)));
		ASSERT_REACHES(COMPLETED);
		if (i)
			EXPECT_EQ(0, self->s.nr_changes);
		ASSERT_COMMAND(ADOPT);
		ASSERT_COMMAND(END);
	}
	EXPECT_STREQ("c post,b post,a post,c post,b post,a post,", told());
}

/* Somebody writes while we follow the same stream: the session becomes that of this migration. */
TEST_F(pmig, overtakes_ours_in_enabled)
{
	pid_t pid;

	ASSERT_BEGIN();
	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	if (at_once(self->sim)) {
		EXPECT_EQ(-EBUSY, cancel(&self->l, 0));
		EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	}
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	EXPECT_EQ(STREAM, self->s.stream);
	EXPECT_EQ(self->l.portid, self->s.owner);
	EXPECT_TRUE(self->s.has_blackout);
	EXPECT_STREQ("c post,b post,a post,", told());
	ASSERT_COMMAND(END);
}

TEST_F(pmig, overtakes_ours_in_pre)
{
	pid_t pid;

	tell("block b pre");
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(was_told("a pre,b pre,"));
	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	tell("release");
	ASSERT_REACHES(COMPLETED);
	EXPECT_TRUE(was_told("a pre,b pre,c post,b post,a post,"));
	ASSERT_COMMAND(END);
}

TEST_F(pmig, overtakes_ours_and_fails)
{
	pid_t pid;

	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	pid = migrate(self->sim);
	ASSERT_WRITES(pid);
	ASSERT_SET("aborted");
	EXPECT_EQ(EIO, result(pid));
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("a pre,b pre,c pre,c post-error,b post-error,a post-error,", told());
	ASSERT_COMMAND(END);
}

/* The slot is taken by a result that nobody has fetched: it waits, and is told afterwards. */
TEST_F(pmig, waits_for_the_slot)
{
	pid_t pid;

	ASSERT_BEGIN();
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	if (self->sim)
		sim_stream_again();
	pid = migrate(self->sim);
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(FAILED);
	EXPECT_STREQ("", told());
	/* Nor does one that fails put an end to it. */
	if (self->sim) {
		put(SIM "fail_wait", "%d 1", EIO);
		EXPECT_EQ(EIO, result(migrate(true)));
	} else {
		EXPECT_EQ(-EINVAL, put("/sys/kernel/mobility/migration", "0x77"));
	}
	ASSERT_COMMAND(END);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "cache.l1d@0.size"));
	EXPECT_STREQ(post(self->sim), told());
}

/* One whose owner will not come back is no reason to wait, and is not lost by that. */
TEST_F(pmig, after_a_result_of_nobody)
{
	pid_t pid;

	ASSERT_BEGIN();
	link_close(&self->l);
	ASSERT_EQ(0, link_open(&self->l));
	ASSERT_REACHES(FAILED);
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	if (self->sim)
		sim_stream_again();
	pid = migrate(self->sim);
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ(post(self->sim), told());
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_EQ(PMIG_STATE_FAILED, self->s.state);
	EXPECT_EQ(EOWNERDEAD, self->s.err);
}

/* An end of a check is no reason to wait. */
TEST_F(pmig, after_a_check)
{
	pid_t pid;

	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	tell("clear");
	pid = migrate(self->sim);
	ASSERT_SET("suspending");
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	EXPECT_STREQ(post(self->sim), told());
	EXPECT_EQ(-EPERM, command(&self->l, PMIG_CMD_END));
}

/* The module's worker, which writes on our behalf: any thread of the kernel that is inside. */
static pid_t worker_inside(void)
{
	int64_t end = now_ms() + NEVER_MS;
	pid_t pid = 0;
	FILE *f;

	do {
		f = popen(
			"grep -lE 'pseries_migrate_partition|migration_store' /proc/[0-9]*/stack 2>/dev/null",
			"r");
		if (f && fscanf(f, "/proc/%d/stack", &pid) != 1)
			pid = 0;
		if (f)
			pclose(f);
	} while (!pid && now_ms() < end);
	return pid;
}

/* How often it has gone to sleep: inside, once after each look at the stream, once a second. */
static unsigned long sleeps(pid_t pid)
{
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	at = strstr(get(path), "\nvoluntary_ctxt_switches:");
	return at ? strtoul(strchr(at, ':') + 1, NULL, 10) : 0;
}

static bool has_looked(pid_t pid)
{
	int64_t end = now_ms() + NEVER_MS;
	unsigned long before = sleeps(pid);

	while (sleeps(pid) == before && now_ms() < end)
		nap();
	return sleeps(pid) != before;
}

/* Two write the same stream: one moves us, the other fails, and that is not how it ended. */
TEST_PSERIES(two_writers)
{
	int first, second;
	pid_t one, other;

	ASSERT_EQ(0, lab_hmc(NULL, 0, "in-place blackout-ms=20 resumed-ms=4000"));
	one = migrate(false);
	ASSERT_WRITES(one);
	other = migrate(false);
	ASSERT_TRUE(waits_inside(one));
	ASSERT_TRUE(waits_inside(other));
	ASSERT_SET("suspending");
	first = result(one);
	second = result(other);
	EXPECT_TRUE(!first != !second);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ(post(false), told());
}

/*
 * The same with ours, which waits in Enabled because PRE came at once. Each write looks at the stream once a second.
 * The other one begins in the middle of ours, so it probably looks next. If it does not, that is no failure, and the
 * test tries again.
 */
TEST_PSERIES(somebody_is_faster_than_our_write)
{
	bool faster = false;
	pid_t pid, ours;
	int i;

	for (i = 0; i < 15 && !faster; i++) {
		ASSERT_EQ(0, tell("clear"));
		ASSERT_EQ(0, stream_new(false, STREAM));
		ASSERT_EQ(0, lab_hmc(NULL, 0, "in-place blackout-ms=20 resumed-ms=4000"));
		ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW,
				   self->engine));
		ASSERT_COMMAND(PRE);
		ASSERT_REACHES(READY);
		ASSERT_COMMAND(SUSPEND);
		ours = worker_inside();
		ASSERT_LT(0, ours);
		ASSERT_TRUE(waits_inside(ours));
		usleep(500000);
		pid = migrate(false);
		ASSERT_TRUE(waits_inside(pid));
		ASSERT_TRUE(has_looked(ours));
		ASSERT_SET("suspending");
		faster = !result(pid);
		ASSERT_REACHES(COMPLETED);
		EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
		ASSERT_COMMAND(END);
	}
	EXPECT_TRUE(faster);
}

/*
 * Somebody else moves us while our write still waits, and the platform has forgotten the stream when it is our turn.
 * The simulator suspends one stream at a time: a second one that stays Enabled keeps ours waiting.
 */
TEST_F(sim, forgotten_before_our_write)
{
	pid_t other;

	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, self->engine));
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_EQ(0, sim_stream(OTHER));
	other = fork();
	if (!other)
		_exit(-put(SIM "streams/0x77/foreign", "1"));
	ASSERT_TRUE(waits_inside(other));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_SET("resumed");
	ASSERT_REACHES(RESUMED);
	ASSERT_SET("gone");
	ASSERT_EQ(0, sim_state(OTHER, "aborted"));
	EXPECT_EQ(EIO, result(other));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(0, self->s.err);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	ASSERT_COMMAND(END);
	sim_remove(OTHER);
}

/* Nobody has seen who moves us, so the stream has to tell how it ends: also one that is gone before it was seen Resumed. */
TEST_F(pmig, nobody_was_seen_to_write)
{
	static const struct {
		const char *found, *end;
		uint32_t state, result;
	} ends[] = {
		{ "resumed", "completed", PMIG_STATE_RESUMED, PMIG_STATE_COMPLETED },
		{ "resumed", "invalid", PMIG_STATE_RESUMED, PMIG_STATE_COMPLETED },
		{ "resumed", "gone", PMIG_STATE_RESUMED, PMIG_STATE_COMPLETED },
		{ "suspended", "gone", PMIG_STATE_SUSPENDING, PMIG_STATE_COMPLETED },
		{ "suspended", "aborted", PMIG_STATE_SUSPENDING, PMIG_STATE_FAILED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		ASSERT_BEGIN();
		ASSERT_EQ(0, stream_found(self->sim, STREAM, ends[i].found));
		ASSERT_TRUE(reaches(&self->l, &self->s, ends[i].state));
		EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
		ASSERT_EQ(0, stream_found(self->sim, STREAM, ends[i].end));
		ASSERT_TRUE(reaches(&self->l, &self->s, ends[i].result));
		ASSERT_COMMAND(END);
		ASSERT_EQ(0, stream_new(self->sim, STREAM));
		if (self->sim)
			sim_stream_again();
	}
}

/*
 * The stream is over before the tracepoints show its writer: that is waited for, so handlers hear of the new machine,
 * and once. Another stream moves us here, so that the order is not left to chance.
 */
TEST_PSERIES(over_before_its_writer_is_seen)
{
	pid_t pid;

	if (!seen_by("tracepoints"))
		return; /* the writer is seen at once */
	ASSERT_EQ(0, put("/sys/module/pmig/parameters/unseen_ms", "60000"));
	ASSERT_EQ(0, stream_new(false, OTHER));
	ASSERT_BEGIN();
	pid = fork();
	if (!pid)
		_exit(-put("/sys/kernel/mobility/migration", "0x77"));
	ASSERT_TRUE(waits_inside(pid));
	ASSERT_EQ(0, stream_found(false, STREAM, "completed"));
	ASSERT_REACHES(SUSPENDING);
	ASSERT_EQ(0, stream_set(false, OTHER, "suspending"));
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "cache.l1d@0.size"));
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_STREQ("c post,b post,a post,", told());
}

/* Whoever fails and tries again at once may do so before the failure has been dealt with. */
TEST_F(sim, tried_again_at_once)
{
	pid_t pid;
	int i;

	for (i = 0; i < 20; i++) {
		sim_stream_again();
		ASSERT_SET("suspending");
		put(SIM "fail_wait", "%d 1", EIO);
		pid = fork();
		if (!pid) {
			int fd = open(SIM "streams/0xabcd1234/foreign", O_WRONLY);

			_exit(write(fd, "1", 1) != -1 || write(fd, "1", 1) != 1);
		}
		ASSERT_EQ(0, result(pid));
		ASSERT_REACHES(COMPLETED);
		ASSERT_COMMAND(ADOPT);
		ASSERT_COMMAND(END);
	}
}

#define TRACE "/sys/kernel/tracing/"

static void trace_off(void)
{
	put(TRACE "events/enable", "0");
	put(TRACE "events/workqueue/filter", "0");
}

/* The trace from here on: what becomes of our session, and the work that looks for what nobody told us of. */
static bool trace_settling(void)
{
	unsigned long long address;
	FILE *f;
	int n;

	trace_off();
	f = popen("grep ' settle.*pmig' /proc/kallsyms", "r");
	if (!f)
		return false;
	n = fscanf(f, "%llx", &address);
	pclose(f);
	return n == 1 && !put(TRACE "trace", "0") &&
	       !put(TRACE "events/workqueue/filter", "function == 0x%llx", address) &&
	       !put(TRACE "events/workqueue/workqueue_execute_start/enable", "1") &&
	       !put(TRACE "events/workqueue/workqueue_execute_end/enable", "1") &&
	       !put(TRACE "events/pmig/pmig_transition/enable", "1");
}

/* Waits until that work has begun and ended with our session Completed; before, it only puts itself off. */
static bool settled(void)
{
	int64_t end = now_ms() + NEVER_MS;
	const char *at;

	do {
		at = strstr(get(TRACE "trace"), "to=completed");
		at = at ? strstr(at, "workqueue_execute_start") : NULL;
		at = at ? strstr(at, "workqueue_execute_end") : NULL;
		if (at)
			break;
		nap();
	} while (now_ms() < end);
	trace_off();
	return at;
}

static bool has_tracepoints(void)
{
	return !access(TRACE "events/powerpc/rtas_input", F_OK);
}

/* Where the kernel tells by itself there is no probe, which on some of them could take the machine with it. */
TEST_PSERIES(no_probe_where_the_kernel_tells)
{
	EXPECT_TRUE(has_tracepoints() || !strstr(get("/proc/version"), "PREEMPT"));
	EXPECT_TRUE(seen_by(has_tracepoints() ? "tracepoints" : "probe"));
	ASSERT_EQ(0, access("/sys/kernel/debug/kprobes/list", R_OK));
	EXPECT_EQ(!has_tracepoints(), has_probes());
}

/* Without the probe it is seen all the same: by the tracepoints, or by what it leaves behind. */
TEST_PSERIES(seen_afterwards)
{
	pid_t pid;

	ASSERT_EQ(0, run("rmmod pmig_test && rmmod pmig_sim && rmmod pmig"));
	ASSERT_EQ(0, run("modprobe pmig probe=0"));
	link_close(&self->l);
	load_modules();
	ASSERT_EQ(0, link_open(&self->l));
	ASSERT_SET("suspending");
	pid = migrate(self->sim);
	ASSERT_EQ(0, result(pid));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	EXPECT_EQ(0, self->s.stream);
	EXPECT_NE(NULL, change_of(&self->l, &self->s, "cache.l1d@0.size"));
	EXPECT_STREQ(post(self->sim), told());
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);

	/* Ours is not seen twice. */
	ASSERT_EQ(0, tell("clear"));
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	ASSERT_TRUE(trace_settling());
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(has_tracepoints(), self->s.has_blackout);
	ASSERT_COMMAND(END);
	ASSERT_TRUE(settled());
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	ASSERT_EQ(0, run("rmmod pmig_test && rmmod pmig_sim && rmmod pmig"));
	link_close(&self->l);
	load_modules();
	ASSERT_EQ(0, link_open(&self->l));
}

/* What the root of the device tree says. */
static int tell_root(const char *property, const char *value)
{
	return tell_tree("", property, value, strlen(value) + 1);
}

/* Opens what hears_change() reads from. */
static int listens(struct link *l)
{
	struct timeval never = { .tv_sec = NEVER_MS / 1000 };
	int r = link_listen(l);

	return r ? r :
		   setsockopt(mnl_socket_get_fd(l->nl), SOL_SOCKET, SO_RCVTIMEO, &never,
			      sizeof(never));
}

/* Waits for the message that something has changed without a migration; its sections are in @sections. */
static bool hears_change(struct link *l, char *sections, size_t size)
{
	static char buf[BUF_SIZE];
	struct nlmsghdr *nlh;
	unsigned int nr = 0;
	int n;

	sections[0] = 0;
	while ((n = recv(mnl_socket_get_fd(l->nl), buf, sizeof(buf), 0)) > 0)
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n)) {
			const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
			const struct nlattr *attr;

			if (genl->cmd != PMIG_CMD_CHANGED)
				continue;
			mnl_attr_for_each(attr, nlh, sizeof(*genl))
				if (mnl_attr_get_type(attr) == PMIG_A_CHANGED)
					parse_changed(sections, size, &nr, attr);
			return nr;
		}
	return false;
}

/* Another name is no other server: nobody is told POST. Another server is a migration, whoever was seen to write. */
TEST_PSERIES(renamed)
{
	char name[128], id[128], sections[64];
	struct rows rows = {};
	struct link ear;

	snprintf(name, sizeof(name), "%s", get(TREE "/ibm,partition-name"));
	snprintf(id, sizeof(id), "%s", get(TREE "/system-id"));
	ASSERT_EQ(0, listens(&ear));
	ASSERT_EQ(0, tell_root("ibm,partition-name", "renamed"));
	ASSERT_TRUE(hears_change(&ear, sections, sizeof(sections)));
	EXPECT_STREQ("identity", sections);
	ASSERT_EQ(0, rows_of(&self->l, "pseries", PMIG_ROWS_CHANGED, &rows));
	EXPECT_EQ(1, rows.nr);
	EXPECT_NE(NULL, find_row(&rows, "identity.partition-name"));
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_STREQ("", told());
	link_close(&ear);

	ASSERT_EQ(0, tell_root("system-id", "IBM,02elsewhere"));
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	EXPECT_STREQ(POST_WITHOUT_STREAM, told());
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);

	ASSERT_EQ(0, tell_root("ibm,partition-name", name));
	ASSERT_EQ(0, tell_root("system-id", id));
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
	free(rows.row);
}

/* What else is changed meanwhile does not put off the end of it. */
TEST_PSERIES(disturbed)
{
	pid_t writer, other;
	char name[128];

	if (!seen_by("tracepoints"))
		return; /* nobody waits for it to settle */
	snprintf(name, sizeof(name), "%s", get(TREE "/ibm,partition-name"));
	other = fork();
	if (!other)
		for (;; usleep(100000))
			if (tell_root("ibm,partition-name", now_ms() & 1 ? "one" : "other"))
				_exit(1);
	writer = migrate(false);
	ASSERT_WRITES(writer);
	ASSERT_SET("suspending");
	EXPECT_EQ(0, result(writer));
	EXPECT_TRUE(reaches(&self->l, &self->s, PMIG_STATE_COMPLETED));
	EXPECT_EQ(0, waitpid(other, NULL, WNOHANG));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	EXPECT_STREQ(POST_WITHOUT_STREAM, told());
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, tell_root("ibm,partition-name", name));
}

#define POWER "/sys/power/"

/* Awake again on another server: that is no migration, and is told. */
TEST_PSERIES(slept)
{
	char id[128], sections[64];
	struct link ear;

	if (access(POWER "pm_test", F_OK))
		return; /* the kernel cannot play it */
	snprintf(id, sizeof(id), "%s", get(TREE "/system-id"));
	ASSERT_EQ(0, listens(&ear));
	put("/sys/module/suspend/parameters/pm_test_delay", "1");
	ASSERT_EQ(0, put(POWER "pm_test", "freezer"));
	ASSERT_EQ(0, put(POWER "state", "freeze"));
	ASSERT_EQ(0, tell_root("system-id", "IBM,02elsewhere"));
	put(POWER "pm_test", "none");
	ASSERT_TRUE(hears_change(&ear, sections, sizeof(sections)));
	EXPECT_STREQ("identity", sections);
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_STREQ("", told());
	link_close(&ear);

	/* The next time it is one. */
	ASSERT_EQ(0, tell_root("system-id", id));
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
}

TEST_HARNESS_MAIN
