// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes from the module: read as from a stranger. */
#include <dlfcn.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/apps/changed.h"
#include "daemon/bus-platform.h"
#include "daemon/bus.h"
#include "daemon/platform/link-parse.h"
#include "daemon/platform/link.h"
#include "daemon/platform/tree.h"
#include "daemon/session/session-internal.h"
#include "kselftest_harness.h"
#include "shared/busnames.h"
#include "unit/tree.h"

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
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_GENERATION, 3);
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_OPERATION, PMIG_OPERATION_HIBERNATE);
	nest = mnl_attr_nest_start(nlh, PMIG_A_SESSION_CHANGED);
	mnl_attr_put_strz(nlh, PMIG_A_CHANGED_SECTION, "cache");
	mnl_attr_put_u32(nlh, PMIG_A_CHANGED_ROWS, 2);
	mnl_attr_nest_end(nlh, nest);
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
	EXPECT_EQ(3, s.generation);
	EXPECT_EQ(PMIG_OPERATION_HIBERNATE, s.operation);
	EXPECT_EQ(0, s.rows.n);
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
		{ PMIG_A_SESSION_STREAM, bytes, 4 },	{ PMIG_A_SESSION_STREAM, bytes, 0 },
		{ PMIG_A_SESSION_STREAM, bytes, 16 },	{ PMIG_A_SESSION_STATE, bytes, 1 },
		{ PMIG_A_SESSION_STATE, &state, 4 },	{ PMIG_A_SESSION_STATE, &none, 4 },
		{ PMIG_A_SESSION_ENGINE, bytes, 3 },	{ PMIG_A_SESSION_REASON, bytes, 0 },
		{ PMIG_A_SESSION_SEQ, bytes, 8 },	{ PMIG_A_SESSION_BLACKOUT, bytes, 7 },
		{ PMIG_A_SESSION_ERRNO, &many, 4 },	{ PMIG_A_SESSION_REFUSAL, bytes, 16 },
		{ PMIG_A_SESSION_REFUSAL, bytes, 0 },	{ PMIG_A_SESSION_GENERATION, bytes, 8 },
		{ PMIG_A_SESSION_OPERATION, bytes, 3 },
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

/* ---- rows ---- */

static void put_row(struct nlmsghdr *nlh, const char *key, uint32_t unit, uint32_t flags)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, PMIG_A_ROW);

	mnl_attr_put_u64(nlh, PMIG_A_ROW_OLD, 4718592);
	mnl_attr_put_strz(nlh, PMIG_A_ROW_SECTION, "cache");
	mnl_attr_put_strz(nlh, PMIG_A_ROW_FIELD, "si\nze");
	if (key)
		mnl_attr_put_strz(nlh, PMIG_A_ROW_KEY, key);
	mnl_attr_put_strz(nlh, PMIG_A_ROW_NEW_TEXT, "a text");
	mnl_attr_put_u32(nlh, PMIG_A_ROW_UNIT, unit);
	mnl_attr_put_u32(nlh, PMIG_A_ROW_FLAGS, flags);
	mnl_attr_put_u32(nlh, 77, 1); /* of a newer module */
	mnl_attr_nest_end(nlh, nest);
}

TEST(rows_of_a_dump)
{
	struct nlmsghdr *nlh = begin();
	struct rows rows = { 0 };
	uint32_t generation = 0;

	put_row(nlh, "l2@8", PMIG_UNIT_BYTES, UINT32_MAX);
	put_row(nlh, NULL, PMIG_UNIT_PVR, 0);
	mnl_attr_put_u32(nlh, PMIG_A_GENERATION, 3);
	ASSERT_EQ(0, link_parse_rows(nlh, &rows, &generation));
	EXPECT_EQ(3, generation);
	ASSERT_EQ(0, link_parse_rows(nlh, &rows, &generation)) TH_LOG("it adds");
	ASSERT_EQ(4, rows.n);
	EXPECT_STREQ("cache", rows.v[0].section);
	EXPECT_STREQ("l2@8", rows.v[0].key);
	EXPECT_STREQ("si?ze", rows.v[0].field);
	EXPECT_STREQ("4718592", rows.v[0].old);
	EXPECT_STREQ("a text", rows.v[0].new);
	EXPECT_EQ(PMIG_UNIT_BYTES, rows.v[0].unit);
	EXPECT_EQ(PMIG_ROW_F_UNEXPECTED, rows.v[0].flags);
	EXPECT_STREQ("", rows.v[1].key);
	EXPECT_STREQ("0x480000", rows.v[1].old);
	EXPECT_STREQ("a text", rows.v[1].new);
	rows_done(&rows);
}

static int parse_bad_row(uint16_t type, const void *data, size_t size)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *nest = mnl_attr_nest_start(nlh, PMIG_A_ROW);
	struct rows rows = { 0 };
	uint32_t generation;
	int r;

	mnl_attr_put_strz(nlh, PMIG_A_ROW_SECTION, "cache");
	mnl_attr_put_strz(nlh, PMIG_A_ROW_FIELD, "size");
	mnl_attr_put(nlh, type, size, data);
	mnl_attr_nest_end(nlh, nest);
	r = link_parse_rows(nlh, &rows, &generation);
	rows_done(&rows);
	return r;
}

TEST(rows_of_a_wrong_type)
{
	static const char bytes[16] = "xxxxxxxxxxxxxxx";
	struct nlmsghdr *nlh = begin();
	struct rows rows = { 0 };
	uint32_t generation;

	EXPECT_EQ(0, parse_bad_row(PMIG_A_ROW_KEY, "", 1));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_SECTION, "", 1));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_FIELD, "", 1));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_KEY, bytes, 3));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_NEW, bytes, 4));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_OLD, bytes, 0));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_OLD_TEXT, bytes, 15));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_NEW_TEXT, bytes, 0));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_UNIT, bytes, 8));
	EXPECT_EQ(-EBADMSG, parse_bad_row(PMIG_A_ROW_FLAGS, bytes, 2));
	mnl_attr_put_u32(nlh, PMIG_A_ROW, 1);
	EXPECT_EQ(-EBADMSG, link_parse_rows(nlh, &rows, &generation));
	nlh = begin();
	mnl_attr_put_u64(nlh, PMIG_A_GENERATION, 1);
	EXPECT_EQ(-EBADMSG, link_parse_rows(nlh, &rows, &generation));
	nlh->nlmsg_len = sizeof(*nlh);
	EXPECT_EQ(-EBADMSG, link_parse_rows(nlh, &rows, &generation));
	rows_done(&rows);
}

TEST(which_comparison)
{
	struct nlmsghdr *nlh = begin();
	struct kernel_change change;

	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, "sim");
	EXPECT_EQ(-EBADMSG, link_parse_changed(nlh, &change));
	mnl_attr_put_u64(nlh, PMIG_A_GENERATION, 1);
	EXPECT_EQ(-EBADMSG, link_parse_changed(nlh, &change));
	nlh = begin();
	mnl_attr_put_u32(nlh, PMIG_A_GENERATION, 9);
	EXPECT_EQ(-EBADMSG, link_parse_changed(nlh, &change));
	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, "s\nm");
	EXPECT_EQ(0, link_parse_changed(nlh, &change));
	EXPECT_EQ(9, change.generation);
	EXPECT_STREQ("s?m", change.engine);
	nlh->nlmsg_len = sizeof(*nlh);
	EXPECT_EQ(-EBADMSG, link_parse_changed(nlh, &change));
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

TEST(rows_damaged_anywhere)
{
	struct nlmsghdr *whole = begin();
	size_t length;

	put_row(whole, "l2@8", PMIG_UNIT_PVR, 0);
	length = whole->nlmsg_len;
	for (size_t i = sizeof(*whole); i < 2 * length; i++) {
		size_t n = i < length ? length : i - length;
		struct nlmsghdr *nlh = malloc(n ? n : 1);
		struct rows rows = { 0 };
		uint32_t generation;

		memcpy(nlh, buf, n);
		if (i < length)
			((char *)nlh)[i] ^= 0x55;
		else if (n >= sizeof(*nlh))
			nlh->nlmsg_len = (uint32_t)n;
		if (n >= sizeof(*nlh))
			link_parse_rows(nlh, &rows, &generation);
		rows_done(&rows);
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

static bool silent; /* the module is like that */
static char sent[256];
static bool answered; /* the controller */
static usec_t due;
static bool impatient, hurry; /* what is waited for from now on is over at once */
static uint32_t link_port, rows_port;
static usec_t rows_due;

/* Which table is asked for, and of which engine. */
static const char *table(const struct nlmsghdr *nlh)
{
	static const char *const names[] = { "NOW", "CHANGED", "STALE" };
	static char text[32];
	const struct nlattr *attr;
	const char *engine = "";
	uint32_t what = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == PMIG_A_ROWS)
			what = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == PMIG_A_ENGINE)
			engine = mnl_attr_get_str(attr);
	}
	snprintf(text, sizeof(text), "%s%s%s", names[what], engine[0] ? ":" : "", engine);
	return text;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *message, size_t size)
{
	const struct nlmsghdr *nlh = message;
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	size_t used = strlen(sent);

	if (!silent)
		return REAL(mnl_socket_sendto)(nl, message, size);
	answered = false;
	*(genl->cmd == PMIG_CMD_ROWS ? &rows_port : &link_port) = mnl_socket_get_portid(nl);
	if (nlh->nlmsg_type != GENL_ID_CTRL)
		snprintf(sent + used, sizeof(sent) - used, "%s ",
			 genl->cmd == PMIG_CMD_GET   ? "GET" :
			 genl->cmd == PMIG_CMD_BEGIN ? "BEGIN" :
			 genl->cmd == PMIG_CMD_ROWS  ? table(nlh) :
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

static unsigned nr_sockets; /* that were opened */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	nr_sockets++;
	return REAL(mnl_socket_open2)(bus, flags);
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *value, socklen_t size)
{
	return silent ? 0 : REAL(mnl_socket_setsockopt)(nl, type, value, size);
}

int sd_event_source_set_time(sd_event_source *s, uint64_t usec)
{
	due = usec;
	return REAL(sd_event_source_set_time)(s, impatient ? 0 : usec);
}

int sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
		      uint64_t accuracy, sd_event_time_handler_t call, void *userdata)
{
	rows_due = usec;
	return REAL(sd_event_add_time)(e, ret, clock, hurry ? 0 : usec, accuracy, call, userdata);
}

/* What the test sends is the module's. */
static bool is_kernel = true;
static bool loses; /* the next one, for want of memory */

ssize_t recvfrom(int fd, void *message, size_t size, int flags, struct sockaddr *from,
		 socklen_t *length)
{
	ssize_t n = REAL(recvfrom)(fd, message, size, flags, from, length);

	if (loses) {
		loses = false;
		errno = ENOBUFS;
		return -1;
	}
	if (silent && n > 0 && is_kernel)
		((struct sockaddr_nl *)from)->nl_pid = 0;
	return n;
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

	silent = impatient = true;
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
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = link_port };
	bool sent;

	nlh->nlmsg_seq = 1;
	sent = sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) > 0;
	close(fd);
	return sent && sd_event_run(event, 0) > 0;
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
		{ PMIG_CMD_PRE, 7, 7, ours, false, -EIO, PMIG_STATE_QUIESCE },
		{ PMIG_CMD_PRE, 7, 7, ours, true, 0, PMIG_STATE_QUIESCE }, /* older news */
		{ PMIG_CMD_PRE, 7, 7, ours, false, 0, PMIG_STATE_PRE },
		{ PMIG_CMD_PRE, 7, 7, ours, false, 0, PMIG_STATE_FAILED },
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
		silent = impatient = true;
		ASSERT_LE(0, sd_event_new(&event));
		ASSERT_EQ(0, link_new(&b, event));
		impatient = !rows[i].acked;
		ASSERT_EQ(0, backend_command(b, rows[i].command,
					     &(struct backend_args){ .stream = rows[i].asked },
					     on_done, NULL));
		impatient = false;
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

/* ---- a module that tells rows ---- */

FIXTURE(rows)
{
	struct backend *b;
	sd_event *event;
	int fd;
};

static unsigned nr_told;
static uint32_t told_state;
static size_t told_rows;
static char told_key[ROW_KEY_LEN];
static uint32_t told_flags[2]; /* of the first, and of the last */

static void on_told(void *userdata, const struct kernel_state *state)
{
	nr_told++;
	told_state = state->state;
	told_rows = state->rows.n;
	if (!told_rows)
		return;
	strcpy(told_key, state->rows.v[told_rows - 1].key);
	told_flags[0] = state->rows.v[0].flags;
	told_flags[1] = state->rows.v[told_rows - 1].flags;
}

FIXTURE_SETUP(rows)
{
	silent = true;
	log_max_level = LOG_CRIT;
	self->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_LE(0, sd_event_new(&self->event));
	ASSERT_EQ(0, link_new(&self->b, self->event));
	ASSERT_EQ(0, backend_listen(self->b, on_told, NULL));
	nr_told = 0;
	sent[0] = '\0';
}

FIXTURE_TEARDOWN(rows)
{
	self->b->ops->free(self->b);
	sd_event_unref(self->event);
	close(self->fd);
}

static void turn(sd_event *event)
{
	while (sd_event_run(event, 0) > 0)
		;
}

/* The module sends @nlh to the socket @port, and the link reads it. */
static void arrive(FIXTURE_DATA(rows) * self, struct nlmsghdr *nlh, uint32_t port)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port };

	if (sendto(self->fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		abort();
	turn(self->event);
}

static struct nlmsghdr *message(enum pmig_cmd cmd)
{
	struct nlmsghdr *nlh = begin();

	nlh->nlmsg_type = 42; /* as family() says */
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd = (uint8_t)cmd;
	return nlh;
}

static void become(FIXTURE_DATA(rows) * self, uint32_t state, uint32_t seq, uint32_t generation)
{
	struct nlmsghdr *nlh = message(PMIG_CMD_EVENT);
	struct nlattr *session = mnl_attr_nest_start(nlh, PMIG_A_SESSION);

	mnl_attr_put_u32(nlh, PMIG_A_SESSION_STATE, state);
	mnl_attr_put_u32(nlh, PMIG_A_SESSION_SEQ, seq);
	mnl_attr_put_strz(nlh, PMIG_A_SESSION_ENGINE, "sim");
	if (generation)
		mnl_attr_put_u32(nlh, PMIG_A_SESSION_GENERATION, generation);
	mnl_attr_nest_end(nlh, session);
	arrive(self, nlh, link_port);
}

static uint32_t generation = 3; /* of the rows that are told */

static void send_row(FIXTURE_DATA(rows) * self, const char *key, uint16_t flags)
{
	struct nlmsghdr *nlh = message(PMIG_CMD_ROWS);

	nlh->nlmsg_flags = NLM_F_MULTI | flags;
	mnl_attr_put_u32(nlh, PMIG_A_GENERATION, generation);
	put_row(nlh, key, 0, 0);
	arrive(self, nlh, rows_port);
}

static void send_end(FIXTURE_DATA(rows) * self, uint16_t type, int error, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	((struct nlmsgerr *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nlmsgerr)))->error =
		error;
	arrive(self, nlh, rows_port);
}

/* The table has ended, and nothing is stale. */
static void send_nothing_stale(FIXTURE_DATA(rows) * self)
{
	for (unsigned i = 0; i < 3; i++)
		send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
}

TEST_F(rows, are_known_before_anybody_hears_of_the_move)
{
	become(self, PMIG_STATE_RESUMED, 1, 0);
	EXPECT_EQ(1, nr_told);
	become(self, PMIG_STATE_POST, 2, 5);
	become(self, PMIG_STATE_COMPLETED, 3, 5);
	become(self, PMIG_STATE_POST, 2, 5); /* older news */
	EXPECT_STREQ("CHANGED:sim ", sent) TH_LOG("they are asked for once");
	send_row(self, "l2@0", 0);
	send_row(self, "l2@8", 0);
	is_kernel = false;
	send_row(self, "lie@1", 0);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	is_kernel = true;
	EXPECT_EQ(1, nr_told) TH_LOG("somebody was told before the rows were there");
	EXPECT_EQ(PMIG_STATE_RESUMED, self->b->state.state);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	send_row(self, "l2@8", 0);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_EQ(1, nr_told) TH_LOG("somebody was told before it was known what is stale");
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_EQ(2, nr_told);
	EXPECT_EQ(PMIG_STATE_COMPLETED, told_state);
	EXPECT_EQ(2, told_rows);
	EXPECT_STREQ("l2@8", told_key);
	EXPECT_EQ(0, told_flags[0]);
	EXPECT_EQ(ROW_F_STALE, told_flags[1]);
	become(self, PMIG_STATE_COMPLETED, 4, 5);
	EXPECT_EQ(3, nr_told);
	EXPECT_EQ(2, told_rows) TH_LOG("they are still there");
	EXPECT_STREQ("CHANGED:sim STALE:sim NOW:sim ", sent);
	become(self, PMIG_STATE_ENABLED, 5, 0);
	EXPECT_EQ(4, nr_told);
}

TEST_F(rows, of_a_table_that_changes_are_asked_for_again)
{
	become(self, PMIG_STATE_COMPLETED, 1, 5);
	send_row(self, "half@1", NLM_F_DUMP_INTR);
	send_row(self, "half@2", 0);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_STREQ("CHANGED:sim CHANGED:sim ", sent);
	EXPECT_EQ(0, nr_told);
	send_row(self, "whole@1", 0);
	send_nothing_stale(self);
	EXPECT_EQ(1, nr_told);
	EXPECT_EQ(1, told_rows);
	EXPECT_STREQ("whole@1", told_key);
}

/* On the socket of before the kernel would still have that dump, and refuse another. */
TEST_F(rows, of_which_some_are_lost_are_asked_for_anew)
{
	unsigned before;

	become(self, PMIG_STATE_COMPLETED, 1, 5);
	send_row(self, "half@1", 0);
	before = nr_sockets;
	loses = true;
	send_row(self, "half@2", 0);
	EXPECT_STREQ("CHANGED:sim CHANGED:sim ", sent);
	EXPECT_EQ(before + 1, nr_sockets);
	send_row(self, "whole@1", 0);
	send_nothing_stale(self);
	EXPECT_EQ(1, told_rows);
	EXPECT_STREQ("whole@1", told_key);
}

TEST_F(rows, are_done_without)
{
	unsigned tries = 0;

	become(self, PMIG_STATE_COMPLETED, 1, 5);
	for (; nr_told == 0 && tries < 20; tries++)
		send_end(self, NLMSG_DONE, 0, NLM_F_MULTI | NLM_F_DUMP_INTR);
	EXPECT_GT(10, tries) TH_LOG("a table that changes all the time has no end");
	EXPECT_EQ(1, nr_told);
	EXPECT_EQ(0, told_rows);
	become(self, PMIG_STATE_COMPLETED, 2, 6);
	send_row(self, "l2@0", 0);
	send_end(self, NLMSG_ERROR, -ENOENT, 0);
	EXPECT_EQ(2, nr_told);
	EXPECT_EQ(0, told_rows);
	become(self, PMIG_STATE_COMPLETED, 3, 7);
	send_end(self, NLMSG_DONE, -ENOENT, NLM_F_MULTI);
	EXPECT_EQ(3, nr_told);
	hurry = true;
	become(self, PMIG_STATE_COMPLETED, 4, 8);
	hurry = false;
	EXPECT_EQ(4, nr_told) TH_LOG("they are waited for without a deadline");
	EXPECT_EQ(0, told_rows);
	/* The module goes meanwhile, or its session. */
	become(self, PMIG_STATE_COMPLETED, 5, 9);
	become(self, PMIG_STATE_ENABLED, 6, 0);
	EXPECT_EQ(5, nr_told);
	EXPECT_EQ(PMIG_STATE_ENABLED, told_state);
	become(self, PMIG_STATE_COMPLETED, 7, 10);
}

TEST_F(rows, are_known_to_whoever_gave_a_command)
{
	const struct backend_args args = { .stream = 1 };
	struct nlmsghdr *nlh;

	nr_done = 0;
	ASSERT_EQ(0, backend_command(self->b, PMIG_CMD_ADOPT, &args, on_done, NULL));
	nlh = ack(0, NLM_F_CAPPED, NULL);
	nlh->nlmsg_seq = 1;
	arrive(self, nlh, link_port);
	nlh = message(PMIG_CMD_GET);
	nlh->nlmsg_seq = 1;
	{
		struct nlattr *session = mnl_attr_nest_start(nlh, PMIG_A_SESSION);

		mnl_attr_put_u32(nlh, PMIG_A_SESSION_STATE, PMIG_STATE_COMPLETED);
		mnl_attr_put_u32(nlh, PMIG_A_SESSION_GENERATION, 5);
		mnl_attr_nest_end(nlh, session);
	}
	hurry = false;
	arrive(self, nlh, link_port);
	EXPECT_EQ(0, nr_done) TH_LOG("the state that it waits for is not there yet");
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_EQ(1, nr_told);
	EXPECT_EQ(1, nr_done);
	EXPECT_EQ(0, done_with);
}

static unsigned nr_changed;

static struct kernel_change told_change;

static void on_change(void *userdata, const struct kernel_change *change, const struct rows *rows)
{
	nr_changed++;
	told_change = *change;
	told_rows = rows->n;
}

static void change(FIXTURE_DATA(rows) * self, uint32_t number)
{
	struct nlmsghdr *nlh = message(PMIG_CMD_CHANGED);

	mnl_attr_put_u32(nlh, PMIG_A_GENERATION, number);
	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, number == 1 ? "first" : "sim");
	arrive(self, nlh, link_port);
}

TEST_F(rows, of_a_change_without_a_move)
{
	nr_changed = 0;
	link_listen_changed(self->b, on_change, NULL);
	for (uint32_t number = 1; number < 20; number++)
		change(self, number);
	EXPECT_STREQ("CHANGED:first ", sent) TH_LOG("one at a time");
	send_row(self, "l2@0", 0);
	send_nothing_stale(self);
	EXPECT_EQ(1, nr_changed);
	EXPECT_EQ(1, told_rows);
	EXPECT_EQ(1, told_change.generation);
	EXPECT_STREQ("first", told_change.engine);
	EXPECT_STREQ("CHANGED:first STALE:first NOW:first CHANGED:sim ", sent)
	TH_LOG("and then the last one");
	send_end(self, NLMSG_ERROR, -ENOENT, 0);
	EXPECT_EQ(1, nr_changed);
	EXPECT_STREQ("CHANGED:first STALE:first NOW:first CHANGED:sim ", sent);
	change(self, 21);
	EXPECT_EQ(0, nr_told);
}

TEST_F(rows, are_told_where_nobody_knows_what_is_stale)
{
	usec_t first;

	become(self, PMIG_STATE_COMPLETED, 1, 5);
	first = rows_due;
	send_row(self, "l2@8", 0);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_EQ(first, rows_due) TH_LOG("each table has a deadline of its own");
	send_row(self, "l2@8", 0);
	send_end(self, NLMSG_DONE, -ENOENT, NLM_F_MULTI);
	EXPECT_EQ(1, nr_told);
	EXPECT_EQ(1, told_rows);
	EXPECT_EQ(0, told_flags[0]);
	become(self, PMIG_STATE_COMPLETED, 2, 6);
	send_row(self, "l2@8", 0);
	hurry = true;
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	hurry = false;
	EXPECT_EQ(2, nr_told) TH_LOG("what is stale is waited for without a deadline");
	EXPECT_EQ(1, told_rows);
}

/* ---- for drmgr platform ---- */

static uint32_t read_generation;

static void on_read(void *userdata, int error, uint32_t number, struct rows *rows)
{
	done_with = error;
	read_generation = number;
	*(struct rows *)userdata = *rows;
	*rows = (struct rows){ 0 };
}

static void send_frequency(FIXTURE_DATA(rows) * self, const char *field, uint64_t value)
{
	struct nlmsghdr *nlh = message(PMIG_CMD_ROWS);
	struct nlattr *nest = mnl_attr_nest_start(nlh, PMIG_A_ROW);

	nlh->nlmsg_flags = NLM_F_MULTI;
	mnl_attr_put_strz(nlh, PMIG_A_ROW_SECTION, "cpu");
	mnl_attr_put_strz(nlh, PMIG_A_ROW_FIELD, field);
	mnl_attr_put_u64(nlh, PMIG_A_ROW_NEW, value);
	mnl_attr_put_u32(nlh, PMIG_A_ROW_UNIT, PMIG_UNIT_HZ);
	mnl_attr_nest_end(nlh, nest);
	arrive(self, nlh, rows_port);
}

TEST_F(rows, of_what_is_stale)
{
	struct reading *reading;
	struct rows rows = { 0 };

	ASSERT_EQ(0, tree_make());
	tree_root = tree_dir;
	tree_text("/proc/cpuinfo", "clock\t\t: 1.000000MHz\ntimebase\t: 2\n");
	done_with = 1;
	ASSERT_EQ(0, link_read(self->b, &reading, PMIG_ROWS_STALE, "", on_read, &rows));
	send_frequency(self, "clock-frequency", 3);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	send_frequency(self, "clock-frequency", 3);
	send_frequency(self, "timebase-frequency", 4);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_STREQ("STALE NOW ", sent);
	EXPECT_EQ(0, done_with);
	ASSERT_EQ(2, rows.n);
	EXPECT_STREQ("clock-frequency", rows.v[0].field);
	EXPECT_STREQ("cpuinfo-timebase-frequency", rows.v[1].field);
	EXPECT_STREQ("2", rows.v[1].old);
	EXPECT_STREQ("4", rows.v[1].new);
	EXPECT_EQ(ROW_F_STALE, rows.v[0].flags)
	TH_LOG("the module's row says not that it is stale");
	EXPECT_EQ(ROW_F_STALE, rows.v[1].flags);
	rows_done(&rows);
	reading_free(reading);
	tree_remove();
}

TEST_F(rows, of_what_is_now)
{
	struct reading *reading;
	struct rows rows = { 0 };

	done_with = 1;
	ASSERT_EQ(0, link_read(self->b, &reading, PMIG_ROWS_NOW, "sim", on_read, &rows));
	send_frequency(self, "clock-frequency", 3);
	send_end(self, NLMSG_DONE, 0, NLM_F_MULTI);
	EXPECT_STREQ("NOW:sim ", sent);
	EXPECT_EQ(0, done_with);
	ASSERT_EQ(1, rows.n);
	EXPECT_EQ(0, rows.v[0].flags);
	rows_done(&rows);
	reading_free(reading);
}

TEST_F(rows, of_the_last_comparison)
{
	struct reading *reading;
	struct rows rows = { 0 };

	done_with = 1;
	ASSERT_EQ(0, link_read(self->b, &reading, PMIG_ROWS_CHANGED, "", on_read, &rows));
	send_row(self, "l2@0", 0);
	send_end(self, NLMSG_DONE, -ENOENT, NLM_F_MULTI);
	EXPECT_STREQ("CHANGED CHANGED ", sent) TH_LOG("a newer one has taken its place meanwhile");
	EXPECT_EQ(1, done_with);
	generation = 4;
	send_row(self, "l2@8", 0);
	generation = 5;
	send_nothing_stale(self);
	EXPECT_EQ(0, done_with);
	EXPECT_EQ(4, read_generation);
	ASSERT_EQ(1, rows.n);
	EXPECT_STREQ("l2@8", rows.v[0].key);
	rows_done(&rows);
	reading_free(reading);
	ASSERT_EQ(0, link_read(self->b, &reading, PMIG_ROWS_CHANGED, "", on_read, &rows));
	send_end(self, NLMSG_DONE, -ENOENT, NLM_F_MULTI);
	EXPECT_EQ(-ENOENT, done_with) TH_LOG("there is none");
	reading_free(reading);
}

/* ---- and on the bus ---- */

static const char *bus_error;
static char bus_engine[PMIG_NAME_LEN];
static uint32_t bus_generation;
static unsigned nr_answers;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	const sd_bus_error *error = sd_bus_message_get_error(m);

	nr_answers++;
	bus_error = error && sd_bus_error_has_name(error, DR_ERROR_TOO_MANY) ? "too many" :
		    error && sd_bus_error_has_name(error, DR_ERROR_BUSY)     ? "busy" :
		    error						     ? "another" :
									       "";
	return error ? 0 : sd_bus_message_read(m, "u", &bus_generation);
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	const char *engine;
	int r = sd_bus_message_read(m, "su", &engine, &bus_generation);

	nr_answers++;
	snprintf(bus_engine, sizeof(bus_engine), "%s", r < 0 ? "" : engine);
	return r;
}

/* Two ends of a connection without a bus. */
struct ends {
	sd_bus *server, *client;
};

static int on_ping(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	return 0;
}

static struct ends connect_ends(sd_event *event, struct manager *m)
{
	struct ends ends;
	sd_id128_t id;
	int sv[2], r;

	r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv);
	if (r < 0 || sd_id128_randomize(&id) < 0 || sd_bus_new(&ends.server) < 0 ||
	    sd_bus_set_fd(ends.server, sv[0], sv[0]) < 0 ||
	    sd_bus_set_server(ends.server, true, id) < 0 ||
	    sd_bus_set_trusted(ends.server, true) < 0 || sd_bus_start(ends.server) < 0 ||
	    bus_serve(ends.server, m, true) < 0 || sd_bus_new(&ends.client) < 0 ||
	    sd_bus_set_fd(ends.client, sv[1], sv[1]) < 0 || sd_bus_start(ends.client) < 0 ||
	    sd_bus_match_signal(ends.client, NULL, NULL, DR_BUS_PATH, DR_BUS_INTERFACE,
				"PlatformChanged", on_signal, NULL) < 0 ||
	    sd_bus_attach_event(ends.client, event, 0) < 0 ||
	    /* systemd 247 has no match look at the first message, which on a bus is the answer to Hello. */
	    sd_bus_call_method_async(ends.client, NULL, NULL, "/", "org.freedesktop.DBus.Peer",
				     "Ping", on_ping, NULL, "") < 0)
		abort();
	turn(event);
	return ends;
}

static void disconnect_ends(struct ends *ends, struct manager *m)
{
	bus_platform_forget(ends->server, NULL, m);
	sd_bus_close_unref(ends->client);
	sd_bus_close_unref(ends->server);
}

static void ask_platform(FIXTURE_DATA(rows) * self, struct ends *ends, const char *engine)
{
	bus_error = NULL;
	if (sd_bus_call_method_async(ends->client, NULL, NULL, DR_BUS_PATH, DR_BUS_INTERFACE,
				     "Platform", on_answer, NULL, "ss", "changed", engine) < 0)
		abort();
	turn(self->event);
}

/* @everyone: as of the system bus; @root: a connection of its own */
static void reach(FIXTURE_DATA(rows) * self, struct manager *m, struct ends *everyone,
		  struct ends *root)
{
	*m = (struct manager){ .link = self->b, .event = self->event };
	LIST_INIT(&m->describing);
	*everyone = connect_ends(self->event, m);
	*root = connect_ends(self->event, m);
	m->system_bus = everyone->server;
	nr_answers = 0;
}

TEST_F(rows, are_of_a_comparison_that_the_answer_names)
{
	struct ends everyone, root;
	struct manager m;

	reach(self, &m, &everyone, &root);
	ask_platform(self, &everyone, "sim");
	EXPECT_STREQ("CHANGED:sim ", sent);
	generation = 77;
	send_row(self, "l2@8", 0);
	EXPECT_EQ(0, nr_answers);
	send_nothing_stale(self);
	EXPECT_EQ(1, nr_answers);
	EXPECT_STREQ("", bus_error);
	EXPECT_EQ(77, bus_generation);
	disconnect_ends(&everyone, &m);
	disconnect_ends(&root, &m);
}

TEST_F(rows, are_told_to_root_however_many_ask)
{
	struct ends everyone, root;
	struct manager m;

	reach(self, &m, &everyone, &root);
	for (unsigned i = 0; i < 4; i++)
		ask_platform(self, &everyone, "");
	EXPECT_EQ(0, nr_answers);
	ask_platform(self, &everyone, "");
	EXPECT_STREQ("too many", bus_error);
	ask_platform(self, &root, "sim");
	EXPECT_EQ(NULL, bus_error) TH_LOG("it waits for the module");
	EXPECT_STREQ("CHANGED CHANGED CHANGED CHANGED CHANGED:sim ", sent);
	disconnect_ends(&everyone, &m);
	ask_platform(self, &root, "");
	EXPECT_EQ(NULL, bus_error);
	disconnect_ends(&root, &m);
	EXPECT_EQ(NULL, LIST_FIRST(&m.describing));
}

TEST_F(rows, wait_until_pre_is_over)
{
	struct session session = { .stage = STAGE_PRE };
	struct ends everyone, root;
	struct manager m;

	reach(self, &m, &everyone, &root);
	m.session = &session;
	ask_platform(self, &everyone, "");
	EXPECT_STREQ("busy", bus_error);
	ask_platform(self, &root, "");
	EXPECT_EQ(NULL, bus_error) TH_LOG("a script of root's is answered");
	session.stage = STAGE_POST;
	ask_platform(self, &everyone, "");
	EXPECT_EQ(NULL, bus_error);
	disconnect_ends(&everyone, &m);
	disconnect_ends(&root, &m);
}

TEST_F(rows, of_a_change_are_a_signal)
{
	struct ends everyone, root;
	struct registry *registry;
	uint32_t gen = 0;
	struct manager m;

	reach(self, &m, &everyone, &root);
	ASSERT_EQ(0, registry_new(&registry, self->event, &m.config, NULL, "/nonexistent"));
	ASSERT_EQ(0, changed_new(&m.changed, self->event, registry, &gen));
	bus_platform_watch(&m);
	change(self, 21);
	send_row(self, "l2@8", 0);
	send_nothing_stale(self);
	EXPECT_EQ(1, nr_answers);
	EXPECT_EQ(21, bus_generation);
	EXPECT_STREQ("sim", bus_engine);
	disconnect_ends(&everyone, &m);
	disconnect_ends(&root, &m);
	changed_free(m.changed);
	registry_free(registry);
}

/* dbus-daemon takes no message of more than 32 MiB. */
TEST(rows_fit_into_a_message)
{
	struct rows rows = { 0 };
	struct row row = { 0 };
	size_t n, bytes;

	memset(row.section, 's', sizeof(row.section) - 1);
	memset(row.key, 'k', sizeof(row.key) - 1);
	memset(row.field, 'f', sizeof(row.field) - 1);
	memset(row.old, 'o', sizeof(row.old) - 1);
	memset(row.new, 'n', sizeof(row.new) - 1);
	/* Each text has its length in front of it and a zero behind it, and begins at a multiple of four. */
	bytes = sizeof(row) + 5 * 4 + 4;
	EXPECT_EQ(0, rows_that_fit(&rows));
	for (unsigned i = 0; i < 90000; i++)
		ASSERT_EQ(0, rows_add(&rows, &row));
	n = rows_that_fit(&rows);
	EXPECT_GT(32U << 20, n * bytes);
	EXPECT_LT(20U << 20, n * bytes);
	rows.n = 1000;
	EXPECT_EQ(1000, rows_that_fit(&rows));
	rows_done(&rows);
}

TEST_HARNESS_MAIN
