/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the module share: the family over libmnl, the handlers of pmig_test, and one face for
 * both engines. "sim" is moved by configfs, "pseries" by the lab's HMC.
 *
 * Nothing here measures time. What has to happen is waited for, up to a bound that only says "never".
 */
#ifndef PMIG_KTEST_H
#define PMIG_KTEST_H

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"
#include <uapi/linux/pmig.h>

#define NEVER_MS  20000
#define BUF_SIZE  65536
#define LISTS_MAX 64

struct refusal {
	char handler[PMIG_NAME_LEN];
	uint32_t phase, err;
	char reason[PMIG_REASON_LEN];
};

/* One row: numbers are decimal, and what is not there is empty. */
struct row {
	char name[2 * PMIG_NAME_LEN]; /* "cache.l1d@0.size", "identity.model" */
	char old[PMIG_VALUE_LEN], new[PMIG_VALUE_LEN];
	uint32_t unit, flags;
};

struct rows {
	char engine[PMIG_NAME_LEN];
	uint32_t generation;
	bool interrupted;
	unsigned int messages, nr, room;
	struct row *row;
};

struct session {
	bool there;
	uint64_t stream, blackout;
	bool has_blackout;
	uint32_t state, vasi, flags, seq, err, owner, operation, generation;
	char engine[PMIG_NAME_LEN], reason[PMIG_REASON_LEN];
	unsigned int nr_refusals, nr_changes;
	char changed[PMIG_NAME_LEN]; /* the sections, "identity cache" */
	unsigned int length;	     /* of the message */
	struct refusal refusal[LISTS_MAX];
};

struct link {
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t group, portid, seq;
	char ext[256]; /* what the kernel said with the last error */
};

static inline int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline void nap(void)
{
	usleep(5000);
}

/* The module will warn of this; a warning that nobody expects is a failure of the test. */
static inline void expect_kernel(const char *pattern)
{
	dprintf(STDOUT_FILENO, "# expect-kernel: %s\n", pattern);
}

/* --- files and programs --- */

__attribute__((format(printf, 2, 3))) static inline int put(const char *path, const char *fmt, ...)
{
	char text[512];
	va_list args;
	int fd, len, r;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC); /* what clears a trace */
	if (fd < 0)
		return -errno;
	r = write(fd, text, len) == len ? 0 : -errno;
	close(fd);
	return r;
}

static inline const char *get(const char *path)
{
	static char text[BUF_SIZE];
	ssize_t n = 0, r;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text[0] = 0;
	if (fd < 0)
		return text;
	while (n < (ssize_t)sizeof(text) - 1 && (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += r;
	close(fd);
	text[n] = 0;
	while (n && text[n - 1] == '\n')
		text[--n] = 0;
	return text;
}

__attribute__((format(printf, 1, 2))) static inline int run(const char *fmt, ...)
{
	char text[512];
	va_list args;
	int status;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	status = system(text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static inline int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

/* Unloads as soon as what has just ended has let go. */
static inline bool unloads(const char *module)
{
	int64_t end = now_ms() + NEVER_MS;

	do {
		if (!unload(module))
			return true;
		nap();
	} while (now_ms() < end);
	return false;
}

/* --- the family --- */

static inline int attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type < 64)
		tb[type] = attr;
	return MNL_CB_OK;
}

static inline void copy(char *to, size_t size, const struct nlattr *attr)
{
	snprintf(to, size, "%s", attr ? mnl_attr_get_str(attr) : "");
}

static inline uint32_t u32_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u32(attr) : 0;
}

static inline void parse_refusal(struct session *s, const struct nlattr *nest)
{
	const struct nlattr *tb[64] = {};
	struct refusal *r = &s->refusal[s->nr_refusals++];

	mnl_attr_parse_nested(nest, attr_cb, tb);
	copy(r->handler, sizeof(r->handler), tb[PMIG_A_REFUSAL_HANDLER]);
	r->phase = u32_of(tb[PMIG_A_REFUSAL_PHASE]);
	r->err = u32_of(tb[PMIG_A_REFUSAL_ERRNO]);
	copy(r->reason, sizeof(r->reason), tb[PMIG_A_REFUSAL_REASON]);
}

/* What differs, by section: added to what is there. */
static inline void parse_changed(char *sections, size_t size, unsigned int *nr,
				 const struct nlattr *nest)
{
	const struct nlattr *tb[64] = {};
	size_t len = strlen(sections);

	mnl_attr_parse_nested(nest, attr_cb, tb);
	snprintf(sections + len, size - len, "%s%s", len ? " " : "",
		 mnl_attr_get_str(tb[PMIG_A_CHANGED_SECTION]));
	*nr += u32_of(tb[PMIG_A_CHANGED_ROWS]);
}

static inline void parse_session(struct session *s, const struct nlattr *nest)
{
	const struct nlattr *tb[64] = {}, *attr;

	mnl_attr_parse_nested(nest, attr_cb, tb);
	s->there = true;
	s->stream = tb[PMIG_A_SESSION_STREAM] ? mnl_attr_get_u64(tb[PMIG_A_SESSION_STREAM]) : 0;
	s->state = u32_of(tb[PMIG_A_SESSION_STATE]);
	s->vasi = u32_of(tb[PMIG_A_SESSION_VASI]);
	s->flags = u32_of(tb[PMIG_A_SESSION_FLAGS]);
	s->seq = u32_of(tb[PMIG_A_SESSION_SEQ]);
	s->err = u32_of(tb[PMIG_A_SESSION_ERRNO]);
	s->owner = u32_of(tb[PMIG_A_SESSION_OWNER]);
	s->operation = tb[PMIG_A_SESSION_OPERATION] ? u32_of(tb[PMIG_A_SESSION_OPERATION]) : ~0U;
	s->generation = u32_of(tb[PMIG_A_SESSION_GENERATION]);
	copy(s->engine, sizeof(s->engine), tb[PMIG_A_SESSION_ENGINE]);
	copy(s->reason, sizeof(s->reason), tb[PMIG_A_SESSION_REASON]);
	s->has_blackout = tb[PMIG_A_SESSION_BLACKOUT];
	if (s->has_blackout)
		s->blackout = mnl_attr_get_u64(tb[PMIG_A_SESSION_BLACKOUT]);
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == PMIG_A_SESSION_REFUSAL && s->nr_refusals < LISTS_MAX)
			parse_refusal(s, attr);
		if (mnl_attr_get_type(attr) == PMIG_A_SESSION_CHANGED)
			parse_changed(s->changed, sizeof(s->changed), &s->nr_changes, attr);
	}
}

static inline void parse_message(struct session *s, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[64] = {};

	memset(s, 0, sizeof(*s));
	s->length = nlh->nlmsg_len;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), attr_cb, tb);
	if (tb[PMIG_A_SESSION])
		parse_session(s, tb[PMIG_A_SESSION]);
}

static inline void parse_error(struct link *l, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[64] = {};
	unsigned int skip = sizeof(*e);

	l->ext[0] = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	mnl_attr_parse(nlh, skip, attr_cb, tb);
	copy(l->ext, sizeof(l->ext), tb[NLMSGERR_ATTR_MSG]);
}

static inline struct nlmsghdr *message(struct link *l, void *buf, uint16_t type, uint8_t cmd,
				       int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++l->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = PMIG_GENL_VERSION;
	return nlh;
}

/* Sends, and reads up to the acknowledgment. What else comes goes to @reply. */
static inline int talk(struct link *l, struct nlmsghdr *nlh,
		       void (*reply)(struct link *, struct nlmsghdr *, void *), void *data)
{
	static char buf[BUF_SIZE];
	struct nlmsghdr *in;
	int n;

	if (mnl_socket_sendto(l->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		n = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		for (in = (void *)buf; mnl_nlmsg_ok(in, n); in = mnl_nlmsg_next(in, &n)) {
			if (in->nlmsg_type == NLMSG_ERROR && in->nlmsg_seq == l->seq) {
				parse_error(l, in);
				return ((struct nlmsgerr *)mnl_nlmsg_get_payload(in))->error;
			}
			if (reply && in->nlmsg_seq == l->seq)
				reply(l, in, data);
		}
	}
}

static inline void take_family(struct link *l, struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[64] = {}, *group, *g[64];

	(void)data;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), attr_cb, tb);
	l->family = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	mnl_attr_for_each_nested(group, tb[CTRL_ATTR_MCAST_GROUPS]) {
		memset(g, 0, sizeof(g));
		mnl_attr_parse_nested(group, attr_cb, g);
		if (!strcmp(mnl_attr_get_str(g[CTRL_ATTR_MCAST_GRP_NAME]), PMIG_MCGRP_EVENTS))
			l->group = mnl_attr_get_u32(g[CTRL_ATTR_MCAST_GRP_ID]);
	}
}

static inline int link_open(struct link *l)
{
	char buf[256];
	struct nlmsghdr *nlh;
	int one = 1;

	memset(l, 0, sizeof(*l));
	l->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!l->nl || mnl_socket_bind(l->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	mnl_socket_setsockopt(l->nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(l->nl, NETLINK_CAP_ACK, &one, sizeof(one));
	l->portid = mnl_socket_get_portid(l->nl);
	nlh = message(l, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, PMIG_GENL_NAME);
	return talk(l, nlh, take_family, NULL);
}

static inline void link_close(struct link *l)
{
	if (l->nl)
		mnl_socket_close(l->nl);
	l->nl = NULL;
}

/* Opens one that hears the module's events. */
static inline int link_listen(struct link *l)
{
	int r = link_open(l);

	return r ? r :
		   mnl_socket_setsockopt(l->nl, NETLINK_ADD_MEMBERSHIP, &l->group,
					 sizeof(l->group));
}

/* A command without attributes. */
static inline int command(struct link *l, uint8_t cmd)
{
	char buf[256];

	return talk(l, message(l, buf, l->family, cmd, NLM_F_ACK), NULL, NULL);
}

/* CHECK or BEGIN. */
static inline int start(struct link *l, uint8_t cmd, uint64_t stream, uint32_t flags,
			const char *engine)
{
	char buf[512];
	struct nlmsghdr *nlh = message(l, buf, l->family, cmd, NLM_F_ACK);

	mnl_attr_put_u64(nlh, PMIG_A_STREAM, stream);
	if (flags)
		mnl_attr_put_u32(nlh, PMIG_A_FLAGS, flags);
	if (engine)
		mnl_attr_put_strz(nlh, PMIG_A_ENGINE, engine);
	return talk(l, nlh, NULL, NULL);
}

static inline int cancel(struct link *l, uint32_t err)
{
	char buf[256];
	struct nlmsghdr *nlh = message(l, buf, l->family, PMIG_CMD_CANCEL, NLM_F_ACK);

	if (err)
		mnl_attr_put_u32(nlh, PMIG_A_ERRNO, err);
	return talk(l, nlh, NULL, NULL);
}

static inline void take_session(struct link *l, struct nlmsghdr *nlh, void *data)
{
	(void)l;
	parse_message(data, nlh);
}

static inline int get_session(struct link *l, struct session *s)
{
	char buf[256];

	memset(s, 0, sizeof(*s));
	return talk(l, message(l, buf, l->family, PMIG_CMD_GET, NLM_F_ACK), take_session, s);
}

/* Waits until the session is in this state; false when it is not within the bound. */
static inline bool reaches(struct link *l, struct session *s, uint32_t state)
{
	int64_t end = now_ms() + NEVER_MS;

	do {
		if (get_session(l, s))
			return false;
		if (s->state == state)
			return true;
		nap();
	} while (now_ms() < end);
	printf("# in state %u, not %u: error %u, %s\n", s->state, state, s->err, s->reason);
	return false;
}

/* --- rows --- */

static inline void take_side(char *to, const struct nlattr *number, const struct nlattr *text)
{
	if (number)
		snprintf(to, PMIG_VALUE_LEN, "%llu", (unsigned long long)mnl_attr_get_u64(number));
	else
		copy(to, PMIG_VALUE_LEN, text);
}

static inline void parse_row(struct rows *rows, const struct nlattr *nest)
{
	const struct nlattr *tb[64] = {};
	struct row *row;

	if (rows->nr == rows->room) {
		rows->room = rows->room ? 2 * rows->room : 64;
		rows->row = realloc(rows->row, rows->room * sizeof(*rows->row));
	}
	row = &rows->row[rows->nr++];
	mnl_attr_parse_nested(nest, attr_cb, tb);
	snprintf(row->name, sizeof(row->name), "%s%s%s.%s",
		 mnl_attr_get_str(tb[PMIG_A_ROW_SECTION]), tb[PMIG_A_ROW_KEY] ? "." : "",
		 tb[PMIG_A_ROW_KEY] ? mnl_attr_get_str(tb[PMIG_A_ROW_KEY]) : "",
		 mnl_attr_get_str(tb[PMIG_A_ROW_FIELD]));
	row->unit = u32_of(tb[PMIG_A_ROW_UNIT]);
	row->flags = u32_of(tb[PMIG_A_ROW_FLAGS]);
	take_side(row->old, tb[PMIG_A_ROW_OLD], tb[PMIG_A_ROW_OLD_TEXT]);
	take_side(row->new, tb[PMIG_A_ROW_NEW], tb[PMIG_A_ROW_NEW_TEXT]);
}

static inline void parse_rows(struct rows *rows, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	rows->messages++;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == PMIG_A_ENGINE)
			copy(rows->engine, sizeof(rows->engine), attr);
		if (mnl_attr_get_type(attr) == PMIG_A_GENERATION)
			rows->generation = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == PMIG_A_ROW)
			parse_row(rows, attr);
	}
}

/* The end of a dump has its error, and the kernel's sentence, too. */
static inline int parse_done(struct link *l, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[64] = {};

	l->ext[0] = 0;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		mnl_attr_parse(nlh, sizeof(int), attr_cb, tb);
		copy(l->ext, sizeof(l->ext), tb[NLMSGERR_ATTR_MSG]);
	}
	return *(int *)mnl_nlmsg_get_payload(nlh);
}

/* A request for rows, to be filled in further. */
static inline struct nlmsghdr *rows_request(struct link *l, void *buf, uint32_t kind)
{
	struct nlmsghdr *nlh = message(l, buf, l->family, PMIG_CMD_ROWS, NLM_F_DUMP);

	mnl_attr_put_u32(nlh, PMIG_A_ROWS, kind);
	return nlh;
}

/* Rows that were there are forgotten. */
static inline int dump_begin(struct link *l, const struct nlmsghdr *nlh, struct rows *rows)
{
	rows->nr = rows->messages = rows->generation = 0;
	rows->engine[0] = 0;
	rows->interrupted = false;
	return mnl_socket_sendto(l->nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* Reads once. Returns 1 if more is to come, 0 at the end, or the error of the dump. */
static inline int dump_more(struct link *l, struct rows *rows)
{
	static char buf[BUF_SIZE];
	struct nlmsghdr *in;
	int n;

	n = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	for (in = (void *)buf; mnl_nlmsg_ok(in, n); in = mnl_nlmsg_next(in, &n)) {
		if (in->nlmsg_seq != l->seq)
			continue;
		rows->interrupted |= in->nlmsg_flags & NLM_F_DUMP_INTR;
		if (in->nlmsg_type == NLMSG_DONE)
			return parse_done(l, in);
		if (in->nlmsg_type == NLMSG_ERROR) {
			parse_error(l, in);
			return ((struct nlmsgerr *)mnl_nlmsg_get_payload(in))->error;
		}
		parse_rows(rows, in);
	}
	return 1;
}

/* Sends it and reads all rows. */
static inline int dump(struct link *l, const struct nlmsghdr *nlh, struct rows *rows)
{
	int r = dump_begin(l, nlh, rows) ?: 1;

	while (r > 0)
		r = dump_more(l, rows);
	return r;
}

/* Rows of an engine as it is now; of the last comparison, if they are to be those that differ. */
static inline int rows_of(struct link *l, const char *engine, uint32_t kind, struct rows *rows)
{
	char buf[256];
	struct nlmsghdr *nlh = rows_request(l, buf, kind);

	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, engine);
	return dump(l, nlh, rows);
}

static inline int changed_rows(struct link *l, uint32_t generation, struct rows *rows)
{
	char buf[256];
	struct nlmsghdr *nlh = rows_request(l, buf, PMIG_ROWS_CHANGED);

	mnl_attr_put_u32(nlh, PMIG_A_GENERATION, generation);
	return dump(l, nlh, rows);
}

static inline const struct row *find_row(const struct rows *rows, const char *name)
{
	unsigned int i;

	for (i = 0; i < rows->nr; i++)
		if (!strcmp(rows->row[i].name, name))
			return &rows->row[i];
	return NULL;
}

/* How this differs after the session, NULL where it does not. */
static inline const struct row *change_of(struct link *l, const struct session *s, const char *name)
{
	static struct rows rows;

	if (!s->generation || changed_rows(l, s->generation, &rows))
		return NULL;
	return find_row(&rows, name);
}

/* Ends whatever an earlier test has left behind. */
static inline bool quiet(struct link *l)
{
	int64_t end = now_ms() + NEVER_MS;
	struct session s;

	do {
		if (get_session(l, &s))
			return false;
		if (!s.there)
			return true;
		if (!s.owner)
			command(l, PMIG_CMD_ADOPT);
		if (s.state < PMIG_STATE_SUSPENDING && s.state > PMIG_STATE_CHECKED)
			cancel(l, 0);
		command(l, PMIG_CMD_END);
		nap();
	} while (now_ms() < end);
	return false;
}

/* --- the handlers of pmig_test --- */

#define TEST_DIR "/sys/kernel/debug/pmig_test/"

__attribute__((format(printf, 1, 2))) static inline int tell(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return put(TEST_DIR "control", "%s", text);
}

/* Who was told what, as "a check,b check,". */
static inline const char *told(void)
{
	static char line[4096];
	const char *from;
	size_t n = 0;

	for (from = get(TEST_DIR "log"); *from && n < sizeof(line) - 2; from++) {
		if (!strncmp(from, "test-", 5))
			from += 5;
		line[n++] = *from == '\n' ? ',' : *from;
	}
	if (n)
		line[n++] = ',';
	line[n] = 0;
	return line;
}

/* Waits until that is the log. */
static inline bool was_told(const char *log)
{
	int64_t end = now_ms() + NEVER_MS;

	do {
		if (!strcmp(told(), log))
			return true;
		nap();
	} while (now_ms() < end);
	printf("# told: %s\n# not:  %s\n", told(), log);
	return false;
}

/* Waits until this is in the log; CHECK goes to all at once. */
static inline bool hears(const char *what)
{
	int64_t end = now_ms() + NEVER_MS;

	do {
		if (strstr(told(), what))
			return true;
		nap();
	} while (now_ms() < end);
	printf("# told: %s\n# without: %s\n", told(), what);
	return false;
}

/* --- engines --- */

#define SIM    "/sys/kernel/config/pmig_sim/"
#define STREAM 0xabcd1234ULL

static inline bool on_ppc(void)
{
	return !access("/sys/kernel/mobility/migration", F_OK);
}

static inline int sim_state(uint64_t id, const char *state)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "streams/0x%llx/force_state", (unsigned long long)id);
	return put(path, "%s", state);
}

static inline int sim_stream(uint64_t id)
{
	bool back = strstr(get(SIM "machine"), "SIM0002");
	char path[128];

	mkdir(SIM "destinations/there", 0755);
	put(SIM "destinations/there/blackout_ms", "20");
	put(SIM "destinations/there/serial", back ? "SIM0001" : "SIM0002");
	put(SIM "destinations/there/l1d_size", back ? "32768" : "65536");
	put(SIM "destinations/there/live", "1");
	snprintf(path, sizeof(path), SIM "streams/0x%llx", (unsigned long long)id);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), SIM "streams/0x%llx/destination", (unsigned long long)id);
	put(path, "there");
	snprintf(path, sizeof(path), SIM "streams/0x%llx/script", (unsigned long long)id);
	put(path, "enabled suspending resumed:200 completed");
	snprintf(path, sizeof(path), SIM "streams/0x%llx/live", (unsigned long long)id);
	return put(path, "1");
}

static inline void sim_remove(uint64_t id)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "streams/0x%llx", (unsigned long long)id);
	rmdir(path);
	rmdir(SIM "destinations/there");
}

/* The simulated stream of all tests, from the beginning of its script. */
static inline void sim_stream_again(void)
{
	put(SIM "streams/0xabcd1234/live", "0");
	put(SIM "streams/0xabcd1234/live", "1");
}

#define TREE "/sys/firmware/devicetree/base"

static inline uint32_t phandle_of(const char *node)
{
	uint32_t cell = 0;
	char path[320];
	FILE *f;

	snprintf(path, sizeof(path), TREE "%s/phandle", node);
	f = fopen(path, "r");
	if (f && fread(&cell, sizeof(cell), 1, f) != 1)
		cell = 0;
	if (f)
		fclose(f);
	return be32toh(cell);
}

/* Changes a property of a node ("": the root) without a move, as if the hypervisor had had it changed. */
static inline int tell_tree(const char *node, const char *property, const void *value, size_t n)
{
	char text[256];
	int fd, len, r;

	len = snprintf(text, sizeof(text), "update_property %u %s %zu ", phandle_of(node), property,
		       n);
	memcpy(text + len, value, n);
	fd = open("/proc/powerpc/ofdt", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, len + n) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* A stream that is Enabled, to a server that differs. */
static inline int stream_new(bool sim, uint64_t id)
{
	if (sim)
		return sim_stream(id);
	return lab_hmc(NULL, 0, "stream 0x%llx enabled", (unsigned long long)id) ?:
		       lab_hmc(NULL, 0, "in-place blackout-ms=20 d-cache=%s serial=T%lld",
			       strstr(get("/sys/devices/system/cpu/cpu0/cache/index0/size"),
				      "64K") ?
				       "0x8000" :
				       "0x10000",
			       (long long)now_ms());
}

/* How long the partition stands still. On PowerVM nothing else changes then. */
static inline int stream_blackout(bool sim, int ms)
{
	int r;

	if (!sim)
		return lab_hmc(NULL, 0, "in-place blackout-ms=%d", ms);
	put(SIM "destinations/there/live", "0");
	r = put(SIM "destinations/there/blackout_ms", "%d", ms);
	return r ?: put(SIM "destinations/there/live", "1");
}

static inline int stream_set(bool sim, uint64_t id, const char *state)
{
	if (sim)
		return sim_state(id, state);
	if (!strcmp(state, "gone"))
		return lab_hmc(NULL, 0, "gone 0x%llx", (unsigned long long)id);
	return lab_hmc(NULL, 0, "stream 0x%llx %s", (unsigned long long)id, state);
}

/* It is in this state when it is looked at again, whatever PAPR allows. */
static inline int stream_found(bool sim, uint64_t id, const char *state)
{
	if (sim || !strcmp(state, "gone"))
		return stream_set(sim, id, state);
	return lab_hmc(NULL, 0, "found 0x%llx %s", (unsigned long long)id, state);
}

/* The reason of the cancellation, 0 for none. */
static inline long long stream_reason(bool sim, uint64_t id)
{
	char path[128], reply[512];

	if (!sim)
		return lab_hmc(reply, sizeof(reply), "stat 0x%llx", (unsigned long long)id) ?
			       -1 :
			       lab_value(reply, "cancel-reason");
	snprintf(path, sizeof(path), SIM "streams/0x%llx/cancel_reason", (unsigned long long)id);
	return strtoll(get(path), NULL, 16);
}

/* The next @count tries to suspend fail: errno for sim, status of ibm,suspend-me for pseries. */
static inline int fail_suspend(bool sim, int err, int status, int count)
{
	return sim ? put(SIM "fail_suspend", "%d %d", err, count) :
		     lab_hmc(NULL, 0, "reject %d %d", status, count);
}

/* Cancel fails: the platform does not know the stream. */
static inline int fail_cancel(bool sim)
{
	if (!sim)
		expect_kernel("H_VASI_SIGNAL\\(cancel\\) of stream");
	return sim ? put(SIM "fail_cancel", "%d 1", ENOENT) : lab_hmc(NULL, 0, "fail-cancel -4 1");
}

#endif /* PMIG_KTEST_H */
