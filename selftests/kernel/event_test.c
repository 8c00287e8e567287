// SPDX-License-Identifier: GPL-2.0
/* Who hears of a migration: the multicast group, udev, the trace buffer. */
#include "kfixture.h"
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#define MAX_EVENTS 64

struct heard {
	unsigned int nr;
	struct session s[MAX_EVENTS];
	unsigned int nr_changed; /* without a migration */
	uint32_t generation;	 /* the last of these */
};

static void hear_one(struct heard *h, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[64] = {};

	if (genl->cmd == PMIG_CMD_EVENT)
		parse_message(&h->s[h->nr++], nlh);
	if (genl->cmd != PMIG_CMD_CHANGED)
		return;
	mnl_attr_parse(nlh, sizeof(*genl), attr_cb, tb);
	h->nr_changed++;
	h->generation = u32_of(tb[PMIG_A_GENERATION]);
}

static int hear(struct link *l, struct heard *h)
{
	static char buf[BUF_SIZE];
	struct nlmsghdr *nlh;
	int n;

	while (h->nr < MAX_EVENTS) {
		n = recv(mnl_socket_get_fd(l->nl), buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n))
			hear_one(h, nlh);
	}
	return -ENOBUFS;
}

/* Are these states among the events, in this order? */
static bool saw(const struct heard *h, const uint32_t *state, unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < h->nr && n < nr; i++)
		if (h->s[i].there && h->s[i].state == state[n])
			n++;
	if (n == nr)
		return true;
	printf("# no event of state %u behind the %u before it\n", state[n], n);
	return false;
}

static struct heard heard;

TEST_F(pmig, every_state_in_order)
{
	static const uint32_t states[] = { PMIG_STATE_ENABLED,	  PMIG_STATE_QUIESCE,
					   PMIG_STATE_PRE,	  PMIG_STATE_READY,
					   PMIG_STATE_SUSPENDING, PMIG_STATE_POST,
					   PMIG_STATE_COMPLETED };
	unsigned int i, last;
	struct link ear;

	ASSERT_EQ(0, link_listen(&ear));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
	heard.nr = 0;
	ASSERT_EQ(0, hear(&ear, &heard));
	EXPECT_TRUE(saw(&heard, states, ARRAY_SIZE(states)));
	for (i = 1; i + 1 < heard.nr; i++) {
		EXPECT_EQ(heard.s[i - 1].seq + 1, heard.s[i].seq);
		EXPECT_EQ(STREAM, heard.s[i].stream);
	}
	last = heard.nr - 1;
	EXPECT_FALSE(heard.s[last].there);
	EXPECT_EQ(PMIG_STATE_COMPLETED, heard.s[last - 1].state);
	EXPECT_EQ(self->s.nr_changes, heard.s[last - 1].nr_changes);
	EXPECT_LT(0, self->s.nr_changes);
	EXPECT_EQ(self->s.generation, heard.s[last - 1].generation);
	EXPECT_EQ(0, heard.s[0].generation);
	/* However much has changed, it is not in the event. */
	EXPECT_GE(512, heard.s[last - 1].length);
	link_close(&ear);
}

/*
 * The homes change while a session is about to move the partition, which then does not happen, and nobody has looked
 * since. The next move has that told first, and does not take it for its own; it can be read when the move is over.
 */
TEST_F(sim, changes_before_a_move)
{
	struct rows rows = {};
	const struct row *row;
	struct link ear;

	ASSERT_EQ(0, put(SIM "home_shift", "0"));
	ASSERT_EQ(0, link_listen(&ear));
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, "sim"));
	ASSERT_REACHES(QUIESCE);
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(SUSPENDING);
	EXPECT_EQ(-EAGAIN, put(SIM "home_shift", "1"));
	ASSERT_EQ(0, cancel(&self->l, EINTR));
	ASSERT_REACHES(FAILED);
	ASSERT_COMMAND(END);

	sim_stream_again();
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	memset(&heard, 0, sizeof(heard));
	ASSERT_EQ(0, hear(&ear, &heard));
	EXPECT_EQ(1, heard.nr_changed);
	ASSERT_EQ(0, changed_rows(&self->l, heard.generation, &rows));
	EXPECT_STREQ("sim", rows.engine);
	row = find_row(&rows, "cpu.0.home-node");
	ASSERT_NE(NULL, row);
	EXPECT_STREQ("0", row->old);
	EXPECT_STREQ("1", row->new);
	EXPECT_EQ(NULL, find_row(&rows, "identity.system-id"));
	row = change_of(&self->l, &self->s, "cpu.0.home-node");
	ASSERT_NE(NULL, row);
	EXPECT_STREQ("1", row->old);
	EXPECT_STREQ("0", row->new);
	ASSERT_COMMAND(END);
	link_close(&ear);
	free(rows.row);
}

TEST_F(pmig, undo_in_order)
{
	static const uint32_t states[] = { PMIG_STATE_PRE, PMIG_STATE_CANCELLING, PMIG_STATE_UNDO,
					   PMIG_STATE_FAILED };
	struct link ear;

	tell("refuse a pre %d no", EBUSY);
	ASSERT_EQ(0, link_listen(&ear));
	ASSERT_QUIESCE();
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(FAILED);
	heard.nr = 0;
	ASSERT_EQ(0, hear(&ear, &heard));
	EXPECT_TRUE(saw(&heard, states, ARRAY_SIZE(states)));
	EXPECT_EQ(EBUSY, heard.s[heard.nr - 1].err);
	link_close(&ear);
}

/* The uevent that has this event, or NULL. */
static const char *uevent(int fd, const char *event, char *buf, size_t size)
{
	char want[64];
	ssize_t n, i;

	snprintf(want, sizeof(want), "PMIG_EVENT=%s\n", event);
	while ((n = recv(fd, buf, size - 1, 0)) > 0) {
		for (i = 0; i < n; i++)
			if (!buf[i])
				buf[i] = '\n';
		buf[n] = 0;
		if (strstr(buf, want))
			return buf;
	}
	return NULL;
}

TEST_F(pmig, uevents)
{
	static const char *const events[] = { "begin",	 "quiesce", "pre",	 "ready",
					      "suspend", "post",    "completed", "end" };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct timeval never = { .tv_sec = NEVER_MS / 1000 };
	char buf[4096], changed[80];
	const char *u;
	unsigned int i;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never)));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		u = uevent(fd, events[i], buf, sizeof(buf));
		ASSERT_NE(NULL, u)
		{
			TH_LOG("no uevent %s", events[i]);
		}
		EXPECT_NE(NULL, strstr(u, "change@/devices/virtual/pmig/pmig\n"));
		EXPECT_NE(NULL, strstr(u, "SUBSYSTEM=pmig\n"));
		EXPECT_NE(NULL, strstr(u, "STREAM=0xabcd1234\n"));
		EXPECT_NE(NULL, strstr(u, "OPERATION=migrate\n"));
		if (i >= 5 && i <= 6) { /* post, completed */
			snprintf(changed, sizeof(changed), "CHANGED=%s\n", self->s.changed);
			EXPECT_NE(NULL, strstr(self->s.changed, "identity"));
			EXPECT_NE(NULL, strstr(self->s.changed, "cache"));
			EXPECT_NE(NULL, strstr(u, changed));
		}
		if (i < 5)
			EXPECT_EQ(NULL, strstr(u, "CHANGED="));
	}
	close(fd);
}

#define TRACE "/sys/kernel/tracing/"

static const char *trace_of_a_move(struct __test_metadata *_metadata, struct bench *self)
{
	put(TRACE "trace", "0");
	ASSERT_EQ(0, put(TRACE "events/pmig/enable", "1"));
	moves(_metadata, self);
	put(TRACE "events/pmig/enable", "0");
	return get(TRACE "trace");
}

TEST_F(pmig, traced)
{
	static const char *const path[] = { "from=none to=enabled",	"from=enabled to=quiesce",
					    "from=quiesce to=pre",	"from=pre to=ready",
					    "from=ready to=suspending", "to=post",
					    "from=post to=completed",	"from=completed to=none" };
	const char *at = trace_of_a_move(_metadata, &self->bench);
	unsigned int i;

	EXPECT_NE(NULL, strstr(at, "pmig_handler: name=test-a phase=pre result=0"));
	EXPECT_NE(NULL, strstr(at, "pmig_handler: name=test-c phase=post result=0"));
	EXPECT_NE(NULL, strstr(at, "pmig_vasi: stream=0xabcd1234 from=1 to=3"));
	for (i = 0; i < ARRAY_SIZE(path); i++) {
		at = strstr(at, path[i]);
		ASSERT_NE(NULL, at)
		{
			TH_LOG("no transition %s", path[i]);
		}
	}
}

/* What is told of the machine is read before and after the suspension, and never in it. */
TEST_F(pmig, no_snapshot_in_the_suspension)
{
	static const char *const events[] = { "pmig_snapshot_begin:",
					      "pmig_snapshot_end:",
					      "pmig_suspend_begin:",
					      "pmig_suspend_end:",
					      "pmig_snapshot_begin:",
					      "pmig_snapshot_end:",
					      "pmig_diff:" };
	const char *at = trace_of_a_move(_metadata, &self->bench);
	const char *begin = strstr(at, "pmig_suspend_begin:");
	const char *end = strstr(at, "pmig_suspend_end:");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		at = strstr(at, events[i]);
		ASSERT_NE(NULL, at)
		{
			TH_LOG("no %s behind the %u before it", events[i], i);
		}
	}
	at = strstr(begin, "pmig_snapshot_");
	EXPECT_LT(end, at);
}

/* perf and trace-cmd read the format, and know no enums of ours. */
TEST_F(sim, traced_in_numbers)
{
	EXPECT_NE(NULL, strstr(get(TRACE "events/pmig/pmig_transition/format"), "\"failed\""));
	EXPECT_EQ(NULL, strstr(get(TRACE "events/pmig/pmig_transition/format"), "PMIG_STATE_"));
	EXPECT_NE(NULL, strstr(get(TRACE "events/pmig/pmig_handler/format"), "\"post-error\""));
	EXPECT_EQ(NULL, strstr(get(TRACE "events/pmig/pmig_handler/format"), "PMIG_PHASE_"));
}

TEST_HARNESS_MAIN
