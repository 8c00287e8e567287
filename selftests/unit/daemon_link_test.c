// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes from the module: read as from a stranger. */
#include <dlfcn.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/platform/link-parse.h"
#include "daemon/platform/link.h"
#include "kselftest_harness.h"

/* Seconds: with guests beside it a test may get a tenth of a processor. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 100

static char buf[65536];

static struct nlmsghdr *begin(void)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

static struct nlmsghdr *whole(void)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *session = mnl_attr_nest_start(nlh, PMIG_A_SESSION), *nest;

	mnl_attr_put_u64(nlh, PMIG_A_SESSION_STREAM, 0x1234567890abcdef);
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_STATE, PMIG_STATE_COMPLETED);
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_SEQ, 9);
	mnl_attr_put_strz(nlh, PMIG_A_SESSION_ENGINE, "sim");
	mnl_attr_put_strz(nlh, PMIG_A_SESSION_REASON, "why\nnot");
	mnl_attr_put_u64(nlh, PMIG_A_SESSION_BLACKOUT, 42);
	mnl_attr_put_u32(nlh, 999, 1); /* of a newer module */
	nest = mnl_attr_nest_start(nlh, PMIG_A_SESSION_REFUSAL);
	mnl_attr_put_strz(nlh, PMIG_A_REFUSAL_HANDLER, "nic");
	mnl_attr_put_u32(nlh, PMIG_A_REFUSAL_PHASE, PMIG_PHASE_CHECK);
	mnl_attr_put_u32(nlh, PMIG_A_REFUSAL_ERRNO, EBUSY);
	mnl_attr_put_strz(nlh, PMIG_A_REFUSAL_REASON, "firmware update");
	mnl_attr_nest_end(nlh, nest);
	for (int i = 0; i < 2; i++) {
		nest = mnl_attr_nest_start(nlh, PMIG_A_SESSION_CHANGE);
		mnl_attr_put_strz(nlh, PMIG_A_CHANGE_NAME, "cache.l1d.size");
		mnl_attr_put_strz(nlh, PMIG_A_CHANGE_OLD, "32768");
		mnl_attr_put_strz(nlh, PMIG_A_CHANGE_NEW, "");
		mnl_attr_put_u32(nlh, PMIG_A_CHANGE_FLAGS, PMIG_CHANGE_F_STALE);
		mnl_attr_nest_end(nlh, nest);
	}
	mnl_attr_nest_end(nlh, session);
	return nlh;
}

TEST(a_whole_session)
{
	struct kernel_state s;

	ASSERT_EQ(0, link_parse_session(whole(), &s));
	EXPECT_EQ(0x1234567890abcdef, s.stream);
	EXPECT_EQ(PMIG_STATE_COMPLETED, s.state);
	EXPECT_EQ(9, s.seq);
	EXPECT_EQ(42, s.blackout_us);
	EXPECT_STREQ("sim", s.engine);
	EXPECT_STREQ("why?not", s.reason);
	ASSERT_EQ(1, s.nr_refusals);
	EXPECT_STREQ("nic", s.refusals[0].handler);
	EXPECT_EQ(EBUSY, s.refusals[0].error);
	ASSERT_EQ(2, s.nr_changes);
	EXPECT_STREQ("32768", s.changes[0].old_value);
	EXPECT_STREQ("", s.changes[1].new_value);
	kernel_state_clear(&s);
}

TEST(no_session)
{
	struct kernel_state s;

	ASSERT_EQ(0, link_parse_session(begin(), &s));
	EXPECT_EQ(PMIG_STATE_NONE, s.state);
	kernel_state_clear(&s);
}

static struct nlmsghdr *with(uint16_t type, const void *data, size_t size)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *session = mnl_attr_nest_start(nlh, PMIG_A_SESSION);

	mnl_attr_put_u32(nlh, PMIG_A_SESSION_STATE, PMIG_STATE_ENABLED);
	mnl_attr_put(nlh, type, size, data);
	mnl_attr_nest_end(nlh, session);
	return nlh;
}

TEST(attributes_of_a_wrong_type)
{
	static const char bytes[16] = "xxxxxxxxxxxxxxx";
	static const uint32_t state = PMIG_STATE_MAX + 1, none = PMIG_STATE_NONE, many = UINT32_MAX;
	const struct {
		uint16_t type;
		const void *data;
		size_t size;
	} bad[] = {
		{ PMIG_A_SESSION_STREAM, bytes, 4 },  { PMIG_A_SESSION_STREAM, bytes, 0 },
		{ PMIG_A_SESSION_STREAM, bytes, 16 }, { PMIG_A_SESSION_STATE, bytes, 1 },
		{ PMIG_A_SESSION_STATE, &state, 4 },  { PMIG_A_SESSION_STATE, &none, 4 },
		{ PMIG_A_SESSION_ENGINE, bytes, 3 },  { PMIG_A_SESSION_REASON, bytes, 0 },
		{ PMIG_A_SESSION_SEQ, bytes, 8 },     { PMIG_A_SESSION_BLACKOUT, bytes, 7 },
		{ PMIG_A_SESSION_ERRNO, &many, 4 },   { PMIG_A_SESSION_REFUSAL, bytes, 16 },
		{ PMIG_A_SESSION_REFUSAL, bytes, 0 }, { PMIG_A_SESSION_CHANGE, bytes, 16 },
		{ PMIG_A_SESSION_CHANGE, bytes, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kernel_state s;

		EXPECT_EQ(-EBADMSG,
			  link_parse_session(with(bad[i].type, bad[i].data, bad[i].size), &s))
		TH_LOG("row %zu", i);
		kernel_state_clear(&s);
	}
}

static struct nlmsghdr *family(uint32_t version, const char *group)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *groups, *nest;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, PMIG_GENL_NAME);
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, 42);
	if (version)
		mnl_attr_put_u32(nlh, CTRL_ATTR_VERSION, version);
	groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
	nest = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, group);
	mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, 7);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, groups);
	return nlh;
}

TEST(a_family_of_this_version)
{
	struct link_family f;

	ASSERT_EQ(0, link_parse_family(family(PMIG_GENL_VERSION, PMIG_MCGRP_EVENTS), &f));
	EXPECT_EQ(42, f.id);
	EXPECT_EQ(7, f.group);
	EXPECT_EQ(-EPROTONOSUPPORT,
		  link_parse_family(family(PMIG_GENL_VERSION + 1, PMIG_MCGRP_EVENTS), &f));
	EXPECT_STREQ(PMIG_GENL_NAME, f.name);
	EXPECT_EQ(-EPROTONOSUPPORT, link_parse_family(family(0, PMIG_MCGRP_EVENTS), &f));
	EXPECT_EQ(-ENOENT, link_parse_family(family(PMIG_GENL_VERSION, "others"), &f));
	EXPECT_EQ(-ENOENT, link_parse_family(begin(), &f));
	EXPECT_STREQ("", f.name);
}

TEST(more_than_there_can_be)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *session = mnl_attr_nest_start(nlh, PMIG_A_SESSION), *nest;
	struct kernel_state s;

	mnl_attr_put_u32(nlh, PMIG_A_SESSION_STATE, PMIG_STATE_COMPLETED);
	for (int i = 0; i < 300; i++) {
		nest = mnl_attr_nest_start(nlh, PMIG_A_SESSION_CHANGE);
		mnl_attr_put_strz(nlh, PMIG_A_CHANGE_NAME, "x");
		mnl_attr_nest_end(nlh, nest);
	}
	mnl_attr_nest_end(nlh, session);
	ASSERT_EQ(0, link_parse_session(nlh, &s));
	EXPECT_EQ(WIRE_CHANGES_MAX, s.nr_changes);
	kernel_state_clear(&s);
}

/* Each byte changed, each length cut: an answer of some kind, and never outside of the message. */
TEST(damaged_anywhere)
{
	size_t length = whole()->nlmsg_len;

	for (size_t i = 0; i < length; i++) {
		/* On the heap and exactly as long, so that one byte too far is seen. */
		struct nlmsghdr *nlh = malloc(length);
		struct kernel_state s;

		memcpy(nlh, buf, length);
		if (i >= sizeof(*nlh)) {
			((char *)nlh)[i] ^= 0x55;
			link_parse_session(nlh, &s);
			kernel_state_clear(&s);
		}
		free(nlh);
		nlh = malloc(i ? i : 1);
		memcpy(nlh, buf, i);
		if (i >= sizeof(*nlh)) {
			nlh->nlmsg_len = (uint32_t)i;
			link_parse_session(nlh, &s);
			kernel_state_clear(&s);
		}
		free(nlh);
	}
}

static struct nlmsghdr *ack(int error, uint16_t flags, const char *text)
{
	struct nlmsghdr *nlh;
	struct nlmsgerr *err;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_flags = flags;
	err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));
	err->error = error;
	err->msg.nlmsg_len = sizeof(struct nlmsghdr);
	if (text)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	return nlh;
}

TEST(acknowledgments)
{
	char text[64];
	int error;

	link_parse_ack(ack(0, 0, NULL), &error, text, sizeof(text));
	EXPECT_EQ(0, error);
	EXPECT_STREQ("", text);
	link_parse_ack(ack(-EBUSY, NLM_F_CAPPED | NLM_F_ACK_TLVS, "stream 0x1 has the session"),
		       &error, text, sizeof(text));
	EXPECT_EQ(-EBUSY, error);
	EXPECT_STREQ("stream 0x1 has the session", text);
	link_parse_ack(ack(-EBUSY, NLM_F_ACK_TLVS, "not capped"), &error, text, sizeof(text));
	EXPECT_STREQ("not capped", text);
	link_parse_ack(ack(-EBUSY, NLM_F_CAPPED, "no attributes announced"), &error, text,
		       sizeof(text));
	EXPECT_STREQ("", text);
	/* A request that claims to be longer than the message. */
	((struct nlmsgerr *)mnl_nlmsg_get_payload(ack(-EBUSY, NLM_F_ACK_TLVS, "x")))
		->msg.nlmsg_len = 1 << 30;
	link_parse_ack((struct nlmsghdr *)buf, &error, text, sizeof(text));
	EXPECT_EQ(-EBUSY, error);
	EXPECT_STREQ("", text);
	/* Too short to be one. */
	((struct nlmsghdr *)buf)->nlmsg_len = sizeof(struct nlmsghdr) + 2;
	link_parse_ack((struct nlmsghdr *)buf, &error, text, sizeof(text));
	EXPECT_EQ(-EBADMSG, error);
}

/* ---- the link ---- */

static bool asked_again(FILE *log)
{
	char text[4096];
	size_t n;

	rewind(log);
	n = fread(text, 1, sizeof(text) - 1, log);
	text[n] = '\0';
	return strstr(text, "is read again");
}

/* Messages get lost while @small and then large ones wait. */
static int overrun(int fd, unsigned small)
{
	static char buf[60000];
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 1U << (0x10 - 1) };

	for (unsigned i = 0; i < small + 400; i++) {
		*nlh = (struct nlmsghdr){ .nlmsg_len = i < small ? 32 : sizeof(buf),
					  .nlmsg_type = NLMSG_NOOP };
		if (sendto(fd, buf, nlh->nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
		    errno != ENOBUFS && errno != ESRCH)
			return -errno;
	}
	return 0;
}

TEST(lost_messages_are_made_up_for_however_many_wait)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), err = dup(2),
	    bad = 0;

	if (getuid() != 0)
		SKIP(return, "needs root");
	log_max_level = LOG_WARNING;
	for (unsigned small = 0; small < 64; small++) {
		struct backend *link;
		sd_event *event;
		FILE *log = tmpfile();
		int r;

		ASSERT_LE(0, sd_event_new(&event));
		ASSERT_EQ(0, link_new(&link, event));
		r = overrun(fd, small);
		if (r < 0)
			TH_LOG("%s", strerror(-r));
		dup2(fileno(log), 2);
		while (sd_event_run(event, 20000) > 0)
			;
		dup2(err, 2);
		if (!asked_again(log)) {
			TH_LOG("%u small ones waited: the state was not read again", small);
			bad++;
		}
		fclose(log);
		link->ops->free(link);
		sd_event_unref(event);
	}
	EXPECT_EQ(0, bad);
}

/* ---- a module that is there, takes what is sent, and never answers: these are called in libmnl's place ---- */

#define REAL(function) ((typeof(&function))dlsym(RTLD_NEXT, #function))

static bool silent;			/* the module is like that */
static bool hurry;			/* whatever is waited for is over at once */
static const struct nlmsghdr *injected; /* but this it says, when something comes for the socket */
static char sent[256];
static bool answered; /* the controller */
static usec_t due;

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *message, size_t size)
{
	const struct nlmsghdr *nlh = message;
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	size_t used = strlen(sent);

	if (!silent)
		return REAL(mnl_socket_sendto)(nl, message, size);
	answered = false;
	if (nlh->nlmsg_type != GENL_ID_CTRL)
		snprintf(sent + used, sizeof(sent) - used, "%s ",
			 genl->cmd == PMIG_CMD_GET   ? "GET" :
			 genl->cmd == PMIG_CMD_BEGIN ? "BEGIN" :
						       "other");
	return (ssize_t)size;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *message, size_t size)
{
	struct nlmsghdr *nlh;

	if (!silent)
		return REAL(mnl_socket_recvfrom)(nl, message, size);
	nlh = family(PMIG_GENL_VERSION, PMIG_MCGRP_EVENTS);
	nlh->nlmsg_type = answered ? NLMSG_DONE : GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_MULTI;
	nlh->nlmsg_seq = 1;
	nlh->nlmsg_pid = mnl_socket_get_portid(nl);
	answered = true;
	memcpy(message, nlh, nlh->nlmsg_len);
	return (ssize_t)nlh->nlmsg_len;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *value, socklen_t size)
{
	return silent ? 0 : REAL(mnl_socket_setsockopt)(nl, type, value, size);
}

ssize_t recvfrom(int fd, void *message, size_t size, int flags, __SOCKADDR_ARG from,
		 socklen_t *length)
{
	ssize_t n = REAL(recvfrom)(fd, message, size, flags, from, length);

	if (n < 0 || !injected)
		return n;
	((struct sockaddr_nl *)from.__sockaddr__)->nl_pid = 0;
	n = (ssize_t)injected->nlmsg_len;
	memcpy(message, injected, (size_t)n);
	injected = NULL;
	return n;
}

int sd_event_source_set_time(sd_event_source *s, uint64_t usec)
{
	due = usec;
	return REAL(sd_event_source_set_time)(s, hurry ? 0 : usec);
}

static unsigned nr_done;
static int done_with;

static void on_done(void *userdata, int error, const char *text)
{
	nr_done++;
	done_with = error;
}

static void on_state(void *userdata, const struct kernel_state *state)
{
	*(uint32_t *)userdata = state->state;
}

TEST(a_module_that_never_answers_counts_as_gone)
{
	const struct backend_args args = { .stream = 1 };
	struct kernel_state moving = { .state = PMIG_STATE_SUSPENDING };
	uint32_t state = PMIG_STATE_SUSPENDING;
	struct backend *b;
	sd_event *event;

	silent = hurry = true;
	log_max_level = LOG_CRIT;
	ASSERT_LE(0, sd_event_new(&event));
	ASSERT_EQ(0, link_new(&b, event));
	ASSERT_TRUE(link_present(b));
	backend_set_state(b, &moving);
	ASSERT_EQ(0, backend_listen(b, on_state, &state));
	for (unsigned i = 1; i <= 2; i++) {
		sent[0] = '\0';
		ASSERT_EQ(0, backend_command(b, PMIG_CMD_BEGIN, &args, on_done, NULL));
		EXPECT_LT(now_usec(), due);
		EXPECT_GT(now_usec() + 15 * USEC_PER_SEC, due);
		ASSERT_LT(0, sd_event_run(event, 0));
		EXPECT_EQ(i - 1, nr_done)
		TH_LOG("it was not asked for its state before it is given up");
		EXPECT_NE(NULL, strstr(sent, "BEGIN GET "));
		EXPECT_TRUE(link_present(b));
		ASSERT_LT(0, sd_event_run(event, 0));
		EXPECT_EQ(i, nr_done);
		EXPECT_EQ(-ETIMEDOUT, done_with);
		EXPECT_FALSE(link_present(b));
		EXPECT_TRUE(link_is_silent(b));
		EXPECT_EQ(PMIG_STATE_NONE, state);
		EXPECT_EQ(0, sd_event_run(event, 0)) TH_LOG("something is still waited for");
	}
	/* It is looked for when it is needed. */
	EXPECT_TRUE(b->ops->ready(b));
	EXPECT_FALSE(link_is_silent(b));
	b->ops->free(b);
	sd_event_unref(event);
}

static bool hear(sd_event *event, struct nlmsghdr *nlh)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct nlmsghdr any = { .nlmsg_len = sizeof(any), .nlmsg_type = NLMSG_NOOP };
	/* The only one of this process that is bound has its number. */
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = (uint32_t)getpid() };
	bool sent = sendto(fd, &any, sizeof(any), 0, (struct sockaddr *)&to, sizeof(to)) > 0;

	nlh->nlmsg_seq = 1;
	injected = nlh;
	close(fd);
	return sent && sd_event_run(event, 0) > 0 && !injected;
}

static struct nlmsghdr *session_of(uint64_t stream, uint32_t owner, uint32_t state)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *session;

	nlh->nlmsg_type = 42; /* as family() */
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd = PMIG_CMD_GET;
	if (!stream)
		return nlh;
	session = mnl_attr_nest_start(nlh, PMIG_A_SESSION);
	mnl_attr_put_u64(nlh, PMIG_A_SESSION_STREAM, stream);
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_STATE, state);
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_OWNER, owner);
	mnl_attr_nest_end(nlh, session);
	return nlh;
}

/* The acknowledgment was lost, with the error that it may have had: then the state says whose the session is. */
TEST(a_lost_error_is_no_success)
{
	const uint32_t ours = (uint32_t)getpid(), others = ours + 1;
	const struct {
		enum pmig_cmd command;
		uint64_t asked, there;
		uint32_t owner;
		bool acked;
		int error;
		enum pmig_state state; /* else ENABLED */
	} rows[] = {
		{ PMIG_CMD_BEGIN, 7, 7, ours, false, 0 },
		{ PMIG_CMD_BEGIN, 7, 8, ours, false, -EIO },
		{ PMIG_CMD_BEGIN, 7, 7, others, false, -EIO },
		{ PMIG_CMD_BEGIN, 7, 0, 0, false, -EIO },
		{ PMIG_CMD_BEGIN, 7, 0, 0, true, 0 }, /* it has ended since */
		{ PMIG_CMD_ADOPT, 7, 7, ours, false, 0 },
		{ PMIG_CMD_ADOPT, 7, 8, others, false, -EAGAIN },
		{ PMIG_CMD_ADOPT, 7, 7, 0, false, -EAGAIN },
		{ PMIG_CMD_ADOPT, 0, 8, ours, false, 0 },
		{ PMIG_CMD_SUSPEND, 7, 7, ours, false, -EIO, PMIG_STATE_READY },
		{ PMIG_CMD_SUSPEND, 7, 7, ours, true, 0, PMIG_STATE_READY }, /* older news */
		{ PMIG_CMD_SUSPEND, 7, 7, ours, false, 0, PMIG_STATE_SUSPENDING },
		{ PMIG_CMD_SUSPEND, 7, 7, ours, false, 0, PMIG_STATE_FAILED },
		{ PMIG_CMD_END, 7, 8, others, false, 0 },
	};

	if (getuid() != 0)
		SKIP(return, "needs root");
	log_max_level = LOG_CRIT;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct backend *b;
		sd_event *event;

		nr_done = 0;
		silent = hurry = true;
		ASSERT_LE(0, sd_event_new(&event));
		ASSERT_EQ(0, link_new(&b, event));
		hurry = !rows[i].acked;
		ASSERT_EQ(0, backend_command(b, rows[i].command,
					     &(struct backend_args){ .stream = rows[i].asked },
					     on_done, NULL));
		hurry = false;
		if (rows[i].acked) {
			ASSERT_TRUE(hear(event, ack(0, 0, NULL)));
		} else {
			ASSERT_LT(0, sd_event_run(event, 0));
		}
		ASSERT_EQ(0, nr_done);
		ASSERT_TRUE(hear(event, session_of(rows[i].there, rows[i].owner,
						   rows[i].state ?: PMIG_STATE_ENABLED)));
		EXPECT_EQ(1, nr_done) TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].error, done_with) TH_LOG("row %zu", i);
		b->ops->free(b);
		sd_event_unref(event);
	}
}

TEST_HARNESS_MAIN
