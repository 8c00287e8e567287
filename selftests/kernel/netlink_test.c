// SPDX-License-Identifier: GPL-2.0
/* What the family refuses, and what it says then. */
#include "kfixture.h"
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>

#define EXPECT_SAYS(err, call, text)                           \
	do {                                                   \
		EXPECT_EQ(err, call);                          \
		EXPECT_NE(NULL, strstr(self->l.ext, text))     \
		{                                              \
			TH_LOG("it says \"%s\"", self->l.ext); \
		}                                              \
	} while (0)

TEST_F(pmig, no_session)
{
	EXPECT_SAYS(-ENOENT, command(&self->l, PMIG_CMD_PRE),
		    "there is no session: nothing is migrating");
	EXPECT_SAYS(-ENOENT, command(&self->l, PMIG_CMD_SUSPEND), "there is no session");
	EXPECT_SAYS(-ENOENT, cancel(&self->l, 0), "there is no session");
	EXPECT_SAYS(-ENOENT, command(&self->l, PMIG_CMD_ADOPT), "there is no session");
	EXPECT_SAYS(-ENOENT, command(&self->l, PMIG_CMD_END), "there is no session");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

TEST_F(pmig, unknown_stream)
{
	EXPECT_SAYS(-ENOENT, start(&self->l, PMIG_CMD_BEGIN, 0x99, 0, self->engine),
		    "the platform does not know this stream; check -s");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	EXPECT_STREQ("", told());
}

TEST_F(pmig, stream_of_the_past)
{
	ASSERT_EQ(0, stream_found(self->sim, STREAM, "completed"));
	EXPECT_SAYS(-ENOENT, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine),
		    "this stream is Completed already");
	ASSERT_EQ(0, stream_found(self->sim, STREAM, "aborted"));
	EXPECT_SAYS(-ENOENT, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine),
		    "this stream is Aborted already");
	ASSERT_EQ(0, stream_found(self->sim, STREAM, "resumed"));
	EXPECT_SAYS(-EBUSY, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine),
		    "this stream is Resumed already");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

TEST_F(pmig, unknown_engine)
{
	EXPECT_SAYS(-ENODEV, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, "phyp"),
		    "there is no engine of that name here");
	EXPECT_SAYS(-ENODEV, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, ""),
		    "there is no engine of that name");
}

/* The first one there is: that of the platform, if it has one. */
TEST_F(pmig, default_engine)
{
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, NULL));
	ASSERT_REACHES(CHECKED);
	EXPECT_STREQ(on_ppc() ? "pseries" : "sim", self->s.engine);
	ASSERT_COMMAND(END);
}

/* PowerVM's is part of the module, so only another machine can be without any. */
#ifndef __powerpc64__
TEST_F(sim, no_engine)
{
	sim_remove(STREAM);
	ASSERT_TRUE(unloads("pmig_sim"));
	EXPECT_SAYS(-ENODEV, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, NULL),
		    "pmig_sim is not loaded");
	load_modules();
}
#endif

TEST_F(pmig, wrong_state)
{
	ASSERT_BEGIN();
	EXPECT_SAYS(-EBUSY, command(&self->l, PMIG_CMD_PRE),
		    "not now: the session is in state enabled");
	EXPECT_SAYS(-EBUSY, command(&self->l, PMIG_CMD_SUSPEND), "in state enabled");
	EXPECT_SAYS(-EBUSY, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine),
		    "not now: the session is in state enabled");
	ASSERT_SET("suspending");
	ASSERT_REACHES(QUIESCE);
	EXPECT_SAYS(-EBUSY, command(&self->l, PMIG_CMD_SUSPEND), "in state quiesce");
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	EXPECT_SAYS(-EBUSY, command(&self->l, PMIG_CMD_PRE), "in state ready");
	EXPECT_SAYS(-EBUSY, command(&self->l, PMIG_CMD_END), "in state ready");
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_SAYS(-EBUSY, cancel(&self->l, 0), "in state completed");
	EXPECT_SAYS(-EBUSY, command(&self->l, PMIG_CMD_SUSPEND), "in state completed");
	ASSERT_COMMAND(END);
}

static struct nlmsghdr *raw(struct link *l, void *buf, uint8_t cmd)
{
	return message(l, buf, l->family, cmd, NLM_F_ACK);
}

TEST_F(pmig, bad_attributes)
{
	char buf[512], name[PMIG_NAME_LEN + 1];
	struct link *l = &self->l;
	struct nlmsghdr *nlh;

	nlh = raw(l, buf, PMIG_CMD_BEGIN);
	EXPECT_SAYS(-EINVAL, talk(l, nlh, NULL, NULL), "a stream ID other than 0");
	EXPECT_SAYS(-EINVAL, start(l, PMIG_CMD_BEGIN, 0, 0, self->engine),
		    "a stream ID other than 0");
	nlh = raw(l, buf, PMIG_CMD_BEGIN);
	mnl_attr_put_u32(nlh, PMIG_A_STREAM, 1);
	EXPECT_GT(0, talk(l, nlh, NULL, NULL));
	EXPECT_STRNE("", l->ext);
	EXPECT_EQ(-EINVAL, start(l, PMIG_CMD_BEGIN, STREAM, 1 << 7, self->engine));
	EXPECT_STRNE("", l->ext);
	EXPECT_EQ(-EINVAL, start(l, PMIG_CMD_BEGIN, STREAM, PMIG_F_FOREIGN, self->engine));
	memset(name, 'x', sizeof(name));
	name[PMIG_NAME_LEN] = 0;
	EXPECT_GT(0, start(l, PMIG_CMD_BEGIN, STREAM, 0, name));
	EXPECT_STRNE("", l->ext);
	/* Not terminated */
	nlh = raw(l, buf, PMIG_CMD_BEGIN);
	mnl_attr_put_u64(nlh, PMIG_A_STREAM, STREAM);
	mnl_attr_put(nlh, PMIG_A_ENGINE, 3, "sim");
	EXPECT_EQ(-EINVAL, talk(l, nlh, NULL, NULL));
	/* An attribute of another command, or of none */
	nlh = raw(l, buf, PMIG_CMD_BEGIN);
	mnl_attr_put_u64(nlh, PMIG_A_STREAM, STREAM);
	mnl_attr_put_u32(nlh, PMIG_A_ERRNO, 5);
	EXPECT_EQ(-EINVAL, talk(l, nlh, NULL, NULL));
	nlh = raw(l, buf, PMIG_CMD_PRE);
	mnl_attr_put_u64(nlh, PMIG_A_STREAM, STREAM);
	EXPECT_EQ(-EINVAL, talk(l, nlh, NULL, NULL));
	EXPECT_STRNE("", l->ext);
	nlh = raw(l, buf, PMIG_CMD_GET);
	mnl_attr_put_u32(nlh, 4711, 1);
	EXPECT_EQ(-EINVAL, talk(l, nlh, NULL, NULL));
	EXPECT_EQ(-EOPNOTSUPP, command(l, PMIG_CMD_EVENT));
	EXPECT_EQ(-EOPNOTSUPP, command(l, PMIG_CMD_MAX + 1));
	ASSERT_EQ(0, get_session(l, &self->s));
	EXPECT_FALSE(self->s.there);
	/* The reason of a cancellation has 24 bits for it. */
	ASSERT_BEGIN();
	EXPECT_NE(0, cancel(l, 0x1000000));
	EXPECT_STRNE("", l->ext);
	ASSERT_REACHES(ENABLED);
	EXPECT_EQ(0, cancel(l, 0xffffff));
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(0x6ffffff, stream_reason(self->sim, STREAM));
}

/* CHECK needs no stream: a validation has none. */
TEST_F(pmig, check_without_stream)
{
	char buf[512];
	struct nlmsghdr *nlh = raw(&self->l, buf, PMIG_CMD_CHECK);

	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, self->engine);
	ASSERT_EQ(0, talk(&self->l, nlh, NULL, NULL));
	ASSERT_REACHES(CHECKED);
	EXPECT_EQ(0, self->s.stream);
	ASSERT_COMMAND(END);
}

static void moves_again(struct __test_metadata *_metadata, struct bench *self)
{
	if (self->sim)
		sim_remove(STREAM);
	moves_anew(_metadata, self);
}

/* Rows are told as long as somebody may ask for them: those of the session, and the engine's last two. */
TEST_F(pmig, generations)
{
	struct rows rows = {};
	uint32_t first;

	moves_anew(_metadata, &self->bench);
	first = self->s.generation;
	EXPECT_LT(0, first);
	ASSERT_EQ(0, changed_rows(&self->l, first, &rows));
	EXPECT_EQ(first, rows.generation);
	EXPECT_EQ(self->s.nr_changes, rows.nr);
	EXPECT_LT(0, rows.nr);
	ASSERT_EQ(0, rows_of(&self->l, self->engine, PMIG_ROWS_CHANGED, &rows));
	EXPECT_EQ(first, rows.generation);
	moves_again(_metadata, &self->bench);
	EXPECT_LT(first, self->s.generation);
	ASSERT_EQ(0, rows_of(&self->l, self->engine, PMIG_ROWS_CHANGED, &rows));
	EXPECT_EQ(self->s.generation, rows.generation);
	ASSERT_EQ(0, changed_rows(&self->l, first, &rows));
	EXPECT_EQ(first, rows.generation);
	moves_again(_metadata, &self->bench);
	EXPECT_SAYS(-ENOENT, changed_rows(&self->l, first, &rows), "not kept any more");
	EXPECT_SAYS(-ENOENT, changed_rows(&self->l, 0, &rows), "not kept any more");
	EXPECT_SAYS(-ENOENT, changed_rows(&self->l, self->s.generation + 1, &rows),
		    "not kept any more");
	EXPECT_EQ(0, rows.nr);
	free(rows.row);
}

/* A result that nobody has taken has its rows, whatever has been compared since. */
TEST_F(sim, rows_of_the_past)
{
	struct rows rows = {};
	uint32_t first, nr;
	struct link other;

	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	first = self->s.generation;
	nr = self->s.nr_changes;
	ASSERT_EQ(0, link_open(&other));
	link_close(&self->l);
	self->l = other;
	ASSERT_SET("enabled");
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_LT(first, self->s.generation);
	ASSERT_EQ(0, changed_rows(&self->l, first, &rows));
	EXPECT_EQ(nr, rows.nr);
	ASSERT_COMMAND(END);
	free(rows.row);
}

TEST_F(pmig, bad_rows)
{
	struct link *l = &self->l;
	struct rows rows = {};
	struct nlmsghdr *nlh;
	char buf[512];

	EXPECT_SAYS(-ENODEV, rows_of(l, "phyp", PMIG_ROWS_NOW, &rows), "no such engine");
	EXPECT_SAYS(-ENODEV, rows_of(l, "phyp", PMIG_ROWS_CHANGED, &rows), "no such engine");
	EXPECT_GT(0, rows_of(l, self->engine, PMIG_ROWS_STALE + 1, &rows));
	nlh = rows_request(l, buf, PMIG_ROWS_NOW);
	mnl_attr_put_u64(nlh, PMIG_A_STREAM, STREAM);
	EXPECT_EQ(-EINVAL, dump(l, nlh, &rows));
	/* It is a dump, and the other is no command. */
	EXPECT_EQ(-EOPNOTSUPP, command(l, PMIG_CMD_ROWS));
	EXPECT_EQ(-EOPNOTSUPP, command(l, PMIG_CMD_CHANGED));
	/* Without attributes: what is there now, of the first engine */
	nlh = message(l, buf, l->family, PMIG_CMD_ROWS, NLM_F_DUMP);
	EXPECT_EQ(0, dump(l, nlh, &rows));
	EXPECT_NE(NULL, find_row(&rows, "identity.model"));
	free(rows.row);
}

static int in_child(int (*fn)(const char *engine), const char *engine)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(engine));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int as_nobody(const char *engine)
{
	struct rows rows = {};
	struct session s;
	struct link l;
	int cmd;

	if (setgid(65534) || setuid(65534) || link_open(&l))
		return 1;
	if (get_session(&l, &s) || !s.there)
		return 2;
	if (rows_of(&l, engine, PMIG_ROWS_NOW, &rows) || !rows.nr)
		return 5;
	for (cmd = PMIG_CMD_PRE; cmd <= PMIG_CMD_END; cmd++)
		if (command(&l, cmd) != -EPERM || !strstr(l.ext, "CAP_SYS_ADMIN is needed"))
			return 10 + cmd;
	if (start(&l, PMIG_CMD_BEGIN, STREAM, 0, engine) != -EPERM)
		return 3;
	return start(&l, PMIG_CMD_CHECK, STREAM, 0, engine) == -EPERM ? 0 : 4;
}

/* From here on this process has this capability and no other. */
static int keep_only(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	data[CAP_TO_INDEX(cap)].permitted = CAP_TO_MASK(cap);
	data[CAP_TO_INDEX(cap)].effective = CAP_TO_MASK(cap);
	return syscall(SYS_capset, &header, data);
}

/* The session is its parent's, so what it may send is refused for that. */
static int with_sys_admin(const char *engine)
{
	struct link l;

	if (keep_only(CAP_SYS_ADMIN) || link_open(&l))
		return 1;
	return command(&l, PMIG_CMD_PRE) == -EPERM && strstr(l.ext, "not yours") ? 0 : 2;
}

/* What a container has for its network. A socket that root has opened for it makes no difference. */
static int with_net_admin(const char *engine)
{
	struct session s;
	struct link l;

	if (link_open(&l) || keep_only(CAP_NET_ADMIN))
		return 1;
	if (command(&l, PMIG_CMD_PRE) != -EPERM || !strstr(l.ext, "CAP_SYS_ADMIN is needed"))
		return 2;
	if (start(&l, PMIG_CMD_BEGIN, STREAM, 0, engine) != -EPERM)
		return 3;
	return get_session(&l, &s) || !s.there ? 4 : 0;
}

/* Root of a user namespace of its own is nobody to us, and another network namespace has no such family. */
static int as_root_of_own(const char *engine)
{
	struct session s;
	struct link l;

	if (setgid(65534) || setuid(65534) || prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		return 1;
	if (link_open(&l))
		return 2;
	if (start(&l, PMIG_CMD_BEGIN, STREAM, 0, engine) != -EPERM || get_session(&l, &s))
		return 3;
	link_close(&l);
	if (unshare(CLONE_NEWNET))
		return 4;
	return link_open(&l) ? 0 : 5;
}

TEST_F(pmig, only_for_root)
{
	ASSERT_BEGIN();
	EXPECT_EQ(0, in_child(as_nobody, self->engine));
	EXPECT_EQ(0, in_child(as_root_of_own, self->engine));
	EXPECT_EQ(0, in_child(with_net_admin, self->engine));
	EXPECT_EQ(0, in_child(with_sys_admin, self->engine));
	ASSERT_REACHES(ENABLED);
}

/* Waits until this process waits for the simulated platform. */
static bool asks_platform(pid_t pid)
{
	int64_t end = now_ms() + NEVER_MS;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	while (!strstr(get(path), "sim_get_state")) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

static bool ends(pid_t pid, int *status)
{
	int64_t end = now_ms() + NEVER_MS;

	while (waitpid(pid, status, WNOHANG) != pid) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* The platform lets a BEGIN wait: neither other families nor our own commands wait with it. */
TEST_F(sim, busy_platform)
{
	pid_t begin, other;
	struct link l;
	int status;

	put(SIM "hold_state", "1");
	begin = fork();
	if (!begin)
		_exit(link_open(&l) || start(&l, PMIG_CMD_BEGIN, STREAM, 0, self->engine));
	ASSERT_TRUE(asks_platform(begin));
	other = fork();
	if (!other)
		_exit(link_open(&l) || get_session(&l, &self->s) ||
		      start(&l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	EXPECT_TRUE(ends(other, &status));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(asks_platform(begin));
	put(SIM "hold_state", "0");
	ASSERT_TRUE(ends(begin, &status));
}

TEST_HARNESS_MAIN
