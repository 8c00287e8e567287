// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The link to pmig.ko: one generic netlink socket, which owns the sessions, receives the events and carries the
 * commands. The module's state is level-triggered: every message holds all of it, and the one with the highest SEQ
 * counts. A command is over when it has been acknowledged and the state was read once after that, so whoever asked
 * sees a state that is at least as new as its command. Lost messages (ENOBUFS) cost one GET.
 *
 * The kernel has acted by the time a request has been sent, so an answer that is not there soon will not come. Then the
 * state is read, and if that is not answered either, the module counts as gone. If it has a session of ours, closing the
 * socket releases that as the end of the daemon would: the module undoes it, or finishes it for whoever adopts it.
 *
 * The family may come and go with the module: the kernel announces it on the group "notify" of nlctrl.
 */
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/platform/link-parse.h"
#include "daemon/platform/link-reading.h"
#include "daemon/platform/link-socket.h"
#include "daemon/platform/link.h"

#define CTRL_NOTIFY_GROUP 0x10 /* fixed, as GENL_ID_CTRL is */
#define RECEIVE_BYTES	  (128U << 10)
#define RECEIVE_BURST	  64 /* messages before others get their turn */
#define SOCKET_BYTES	  (4 << 20)
#define ANSWER_USEC	  (10 * USEC_PER_SEC)

struct pending {
	TAILQ_ENTRY(pending) node;
	uint32_t seq;
	enum pmig_cmd command;
	uint64_t stream;
	bool acked;
	bool reading; /* acknowledged or lost, now the state is read */
	bool late;    /* it has been asked for once more */
	bool held;    /* its answer is the state that waits for its rows */
	usec_t due;
	backend_done_t done;
	void *userdata;
};

struct link {
	struct backend b;
	sd_event *event;
	sd_event_source *source;
	struct mnl_socket *socket;
	uint32_t seq;
	uint16_t family; /* 0: the module is not there */
	uint32_t group;
	TAILQ_HEAD(, pending) pending; /* in the order in which they are due */
	sd_event_source *answer;       /* of the first of them: it is due */
	bool silent;		       /* why it counts as gone */
	bool overrun; /* messages have been lost, and the socket has not been empty since */
	/* A state whose rows are being read: nobody hears of it before. */
	struct kernel_state held;
	struct reading *rows;
	/* What has changed without a migration. */
	struct reading *changed;
	struct kernel_change change;	  /* which is being read */
	struct kernel_change change_next; /* a later one, which waits for it; generation 0: none */
	link_changed_t on_changed;
	void *changed_userdata;
	char *buf;
};

/* ---- the family ---- */

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	struct link_family f;

	if (link_parse_family(nlh, &f) != -ENOENT)
		*(struct link_family *)data = f;
	return MNL_CB_OK;
}

/*
 * On a socket of its own: the kernel has answered when the send returns, so nothing waits here. All families are listed,
 * because when the kernel is asked for one by name that it does not have, it loads the module.
 */
static int resolve(struct link_family *f)
{
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	char buf[32768];
	ssize_t n;
	int r;

	*f = (struct link_family){ 0 };
	r = link_socket_open(&nl, 0);
	if (r < 0)
		return r;
	nlh = link_socket_request(buf, GENL_ID_CTRL, NLM_F_DUMP, 1, CTRL_CMD_GETFAMILY, 1);
	r = mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		r = n < 0 ? MNL_CB_ERROR :
			    mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), take_family,
				       f);
	}
	r = r < 0 ? -errno : link_family_check(f);
	mnl_socket_close(nl);
	return r;
}

static int send_get(struct link *l, uint32_t seq)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh =
		link_socket_request(buf, l->family, 0, seq, PMIG_CMD_GET, PMIG_GENL_VERSION);

	return mnl_socket_sendto(l->socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static void drop_held(struct link *l)
{
	l->rows = reading_free(l->rows);
	kernel_state_clear(&l->held);
}

static void lost_module(struct link *l)
{
	struct kernel_state none = { 0 };

	drop_held(l);
	l->changed = reading_free(l->changed);
	l->change_next.generation = 0;
	l->family = 0;
	l->group = 0;
	backend_set_state(&l->b, &none);
}

static int connect_link(struct link *l);

int link_refresh(struct backend *b)
{
	struct link *l = (struct link *)b;
	struct link_family f;
	int r;

	if (!l->socket && connect_link(l) < 0)
		return -ENOPROTOOPT;
	r = resolve(&f);
	/* Anything else says nothing about the module: it may be in the middle of a session of ours. */
	if ((r == -ENOENT || r == -EPROTONOSUPPORT) && l->family)
		lost_module(l);
	if (r < 0)
		return r == -EPROTONOSUPPORT ? r : -ENOPROTOOPT;
	if (f.id == l->family && f.group == l->group)
		return 0;
	if (mnl_socket_setsockopt(l->socket, NETLINK_ADD_MEMBERSHIP, &f.group, sizeof(f.group)) < 0)
		return -errno;
	l->family = f.id;
	l->group = f.group;
	l->silent = false;
	/* Events that came before this have not been heard. */
	return send_get(l, 0);
}

/* ---- commands ---- */

static void expect_answer(struct link *l)
{
	struct pending *p = TAILQ_FIRST(&l->pending);

	if (p)
		sd_event_source_set_time(l->answer, p->due);
	sd_event_source_set_enabled(l->answer, p ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void complete(struct link *l, struct pending *p, int error, const char *text)
{
	backend_done_t done = p->done;
	void *userdata = p->userdata;

	TAILQ_REMOVE(&l->pending, p, node);
	free(p);
	expect_answer(l);
	if (done)
		done(userdata, error, text);
}

static void disconnect_link(struct link *l)
{
	l->source = sd_event_source_disable_unref(l->source);
	if (l->socket)
		mnl_socket_close(l->socket);
	l->socket = NULL;
	l->overrun = false;
}

static void give_up(struct link *l)
{
	log_error("pmig.ko is loaded and does not answer; until it does it counts as gone.");
	l->silent = true;
	disconnect_link(l);
	lost_module(l);
	while (TAILQ_FIRST(&l->pending))
		complete(l, TAILQ_FIRST(&l->pending), -ETIMEDOUT, "pmig.ko does not answer");
}

static int on_late(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
	struct link *l = userdata;
	struct pending *p = TAILQ_FIRST(&l->pending);

	if (!p)
		return 0;
	if (p->late) {
		give_up(l);
		return 0;
	}
	TAILQ_REMOVE(&l->pending, p, node);
	TAILQ_INSERT_TAIL(&l->pending, p, node);
	p->late = p->reading = true;
	p->due = now_usec() + ANSWER_USEC;
	expect_answer(l);
	send_get(l, p->seq);
	return 0;
}

/*
 * For the module to write to, where a security module does not let it open the file itself. It has taken the
 * file when the command has been sent.
 */
static int open_for_module(struct nlmsghdr *nlh, enum pmig_cmd command)
{
	int fd = -EBADF;

	if (command == PMIG_CMD_CHECK || command == PMIG_CMD_BEGIN)
		fd = open("/sys/kernel/mobility/migration", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		mnl_attr_put_u32(nlh, PMIG_A_FD, (uint32_t)fd);
	return fd;
}

static void put_args(struct nlmsghdr *nlh, enum pmig_cmd command, const struct backend_args *args)
{
	if (command == PMIG_CMD_CHECK || command == PMIG_CMD_BEGIN) {
		mnl_attr_put_u64(nlh, PMIG_A_STREAM, args->stream);
		if (args->flags)
			mnl_attr_put_u32(nlh, PMIG_A_FLAGS, args->flags);
		if (args->engine)
			mnl_attr_put_strz(nlh, PMIG_A_ENGINE, args->engine);
	}
	if (command == PMIG_CMD_ADOPT && args->stream)
		mnl_attr_put_u64(nlh, PMIG_A_STREAM, args->stream);
	if (command == PMIG_CMD_BEGIN)
		mnl_attr_put_u32(nlh, PMIG_A_PRE_MS, args->pre_ms);
	if (command == PMIG_CMD_CANCEL && args->error)
		mnl_attr_put_u32(nlh, PMIG_A_ERRNO, args->error & 0xffffff);
}

static int command(struct backend *b, enum pmig_cmd command, const struct backend_args *args,
		   backend_done_t done, void *userdata)
{
	struct link *l = (struct link *)b;
	char buf[MNL_SOCKET_BUFFER_SIZE];
	_cleanup_close_ int fd = -EBADF;
	struct nlmsghdr *nlh;
	struct pending *p;

	if (!l->family && link_refresh(b) < 0)
		return -ENOPROTOOPT;
	p = calloc(1, sizeof(*p));
	if (!p)
		return log_oom();
	*p = (struct pending){ .seq = ++l->seq ? l->seq : ++l->seq,
			       .command = command,
			       .stream = args->stream,
			       .due = now_usec() + ANSWER_USEC,
			       .done = done,
			       .userdata = userdata };
	nlh = link_socket_request(buf, l->family, NLM_F_ACK, p->seq, (uint8_t)command,
				  PMIG_GENL_VERSION);
	put_args(nlh, command, args);
	fd = open_for_module(nlh, command);
	if (mnl_socket_sendto(l->socket, nlh, nlh->nlmsg_len) < 0) {
		free(p);
		return -errno;
	}
	TAILQ_INSERT_TAIL(&l->pending, p, node);
	expect_answer(l);
	return 0;
}

static void forget(struct backend *b, void *userdata)
{
	struct link *l = (struct link *)b;
	struct pending *p;

	TAILQ_FOREACH(p, &l->pending, node)
		if (p->userdata == userdata)
			p->done = NULL;
}

static struct pending *find_pending(struct link *l, uint32_t seq)
{
	struct pending *p;

	TAILQ_FOREACH(p, &l->pending, node)
		if (seq && p->seq == seq)
			return p;
	return NULL;
}

/* ---- what comes ---- */

static void on_ack(struct link *l, const struct nlmsghdr *nlh)
{
	struct pending *p = find_pending(l, nlh->nlmsg_seq);
	char text[PMIG_REASON_LEN];
	int error;

	link_parse_ack(nlh, &error, text, sizeof(text));
	if (!p)
		return;
	p->acked = true;
	if (error == 0 && p->reading)
		return; /* the state comes */
	if (error == 0) {
		p->reading = true;
		error = send_get(l, p->seq);
		if (error == 0)
			return;
	}
	complete(l, p, error, text);
}

/*
 * The state that @p has waited for is here. If the acknowledgment has been lost, so has the error that it may have had:
 * the state then says whether the session has become ours, whether drivers are being told, or whether it has been
 * suspended. What could not be adopted is asked for again, and the answer then says why.
 */
static void state_is_read(struct link *l, struct pending *p)
{
	const struct kernel_state *k = &l->b.state;
	bool ours = k->state != PMIG_STATE_NONE && (!p->stream || k->stream == p->stream) &&
		    k->owner == mnl_socket_get_portid(l->socket);

	if (!p->acked && !ours && p->command == PMIG_CMD_BEGIN)
		complete(l, p, -EIO, "pmig.ko's answer was lost, and it has not begun");
	else if (!p->acked && !ours && p->command == PMIG_CMD_ADOPT)
		complete(l, p, -EAGAIN, "pmig.ko's answer was lost");
	else if (!p->acked && k->state < PMIG_STATE_PRE && p->command == PMIG_CMD_PRE)
		complete(l, p, -EIO, "pmig.ko's answer was lost, and it has told no driver");
	else if (!p->acked && k->state < PMIG_STATE_SUSPENDING && p->command == PMIG_CMD_SUSPEND)
		complete(l, p, -EIO, "pmig.ko's answer was lost, and it has not suspended");
	else
		complete(l, p, 0, "");
}

/* Those who wait for a state that is as new as this. */
static void complete_held(struct link *l)
{
	struct pending *p, *next;

	for (p = TAILQ_FIRST(&l->pending); p; p = next) {
		next = TAILQ_NEXT(p, node);
		if (p->held)
			state_is_read(l, p);
	}
}

static void on_rows(void *userdata, int error, _unused_ uint32_t generation, struct rows *rows)
{
	struct link *l = userdata;

	if (error < 0)
		log_error("What differs after the move can't be read from pmig.ko: %s. Everyone is "
			  "told that the partition has moved, without it.",
			  errno_text(error));
	else {
		l->held.rows = *rows;
		*rows = (struct rows){ 0 };
	}
	l->rows = reading_free(l->rows);
	backend_set_state(&l->b, &l->held);
	complete_held(l);
}

/* What differs is asked for once, and is known before anybody hears that the partition has moved. */
static bool hold(struct link *l, struct kernel_state *state)
{
	int r;

	if (!state->generation || state->generation == l->b.state.generation) {
		drop_held(l);
		state->rows = l->b.state.rows;
		l->b.state.rows = (struct rows){ 0 };
		return false;
	}
	if (l->rows && state->generation != l->held.generation)
		drop_held(l);
	if (!l->rows) {
		r = reading_new(&l->rows, l->event, l->family, state->engine, PMIG_ROWS_CHANGED,
				state->generation, on_rows, l);
		if (r < 0) {
			log_error("What differs after the move can't be asked for: %s.",
				  errno_text(r));
			return false;
		}
	}
	kernel_state_clear(&l->held);
	l->held = *state;
	*state = (struct kernel_state){ 0 };
	return true;
}

static void on_session(struct link *l, const struct nlmsghdr *nlh)
{
	struct pending *p = find_pending(l, nlh->nlmsg_seq);
	struct kernel_state *old = l->rows ? &l->held : &l->b.state, state;

	if (link_parse_session(nlh, &state) < 0) {
		log_error(
			"A malformed message from pmig.ko is dropped: install pmig.ko and drmgrd from "
			"the same package.");
		kernel_state_clear(&state);
	} else if (old->state != PMIG_STATE_NONE && state.state != PMIG_STATE_NONE &&
		   (int32_t)(state.seq - old->seq) < 0)
		kernel_state_clear(&state); /* older news */
	else if (!hold(l, &state)) {
		backend_set_state(&l->b, &state);
		complete_held(l);
	}
	if (p && p->reading && l->rows)
		p->held = true;
	else if (p && p->reading)
		state_is_read(l, p);
}

/* ---- what changes without a migration ---- */

static void ask_changed(struct link *l, const struct kernel_change *change);

static void on_changed_rows(void *userdata, int error, _unused_ uint32_t generation,
			    struct rows *rows)
{
	struct link *l = userdata;
	struct kernel_change next = l->change_next;

	l->changed = reading_free(l->changed);
	l->change_next.generation = 0;
	if (error < 0)
		log_warning("The machine has changed, and what can't be read from pmig.ko: %s. See "
			    "drmgr platform.",
			    errno_text(error));
	else if (l->on_changed)
		l->on_changed(l->changed_userdata, &l->change, rows);
	if (next.generation)
		ask_changed(l, &next);
}

static void ask_changed(struct link *l, const struct kernel_change *change)
{
	int r;

	if (l->changed) {
		l->change_next = *change;
		return;
	}
	l->change = *change;
	r = reading_new(&l->changed, l->event, l->family, change->engine, PMIG_ROWS_CHANGED,
			change->generation, on_changed_rows, l);
	if (r < 0)
		log_warning("The machine has changed, and what can't be asked for: %s.",
			    errno_text(r));
}

static void on_changed(struct link *l, const struct nlmsghdr *nlh)
{
	struct kernel_change change;

	if (link_parse_changed(nlh, &change) == 0)
		ask_changed(l, &change);
}

void link_listen_changed(struct backend *b, link_changed_t call, void *userdata)
{
	struct link *l = (struct link *)b;

	l->on_changed = call;
	l->changed_userdata = userdata;
}

int link_read(const struct backend *b, struct reading **ret, enum pmig_rows what,
	      const char *engine, dump_done_t done, void *userdata)
{
	const struct link *l = (const struct link *)b;

	return l->family ? reading_new(ret, l->event, l->family, engine, what, 0, done, userdata) :
			   -ENOPROTOOPT;
}

static void on_control(struct link *l, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct link_family f;

	link_parse_family(nlh, &f);
	if (strcmp(f.name, PMIG_GENL_NAME) != 0)
		return;
	if (genl->cmd == CTRL_CMD_DELFAMILY)
		lost_module(l);
	else
		link_refresh(&l->b);
}

static bool is_ours(const struct link *l, const struct nlmsghdr *nlh)
{
	return l->family && nlh->nlmsg_type == l->family &&
	       mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct genlmsghdr);
}

static void on_message(struct link *l, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == NLMSG_ERROR)
		on_ack(l, nlh);
	else if (nlh->nlmsg_type == GENL_ID_CTRL)
		on_control(l, nlh);
	else if (is_ours(l, nlh) && genl->cmd == PMIG_CMD_CHANGED)
		on_changed(l, nlh);
	else if (is_ours(l, nlh) && (genl->cmd == PMIG_CMD_EVENT || genl->cmd == PMIG_CMD_GET))
		on_session(l, nlh);
}

/*
 * Messages have been lost, perhaps acknowledgments: the state says what became of the commands. It is read only once the
 * socket is empty: until then the kernel drops all messages for it, answers to us too, without another error.
 */
static void recover(struct link *l)
{
	struct pending *p, *next;

	l->overrun = false;
	log_warning(
		"The kernel sent more than could be read: some messages were lost, and the state is "
		"read again.");
	link_refresh(&l->b); /* the family may have gone, or come */
	for (p = TAILQ_FIRST(&l->pending); p; p = next) {
		int r;

		next = TAILQ_NEXT(p, node);
		p->reading = true;
		r = send_get(l, p->seq);
		if (r < 0)
			complete(l, p, r, errno_text(r));
	}
	if (l->family)
		send_get(l, 0);
}

/* Returns -EAGAIN when nothing is left. */
static int receive(struct link *l)
{
	const struct nlmsghdr *nlh;
	ssize_t n = link_socket_receive(l->socket, l->buf, RECEIVE_BYTES);
	int left = (int)n;

	if (n < 0)
		return left;
	for (nlh = (const struct nlmsghdr *)l->buf; mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left))
		on_message(l, nlh);
	return 0;
}

static int on_readable(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
		       void *userdata)
{
	struct link *l = userdata;
	int r = 0;

	/* A socket that has overrun gets nothing new until it is empty, so that has an end. */
	for (int i = 0; (i < RECEIVE_BURST || l->overrun) && r != -EAGAIN; i++) {
		r = receive(l);
		l->overrun = l->overrun || r == -ENOBUFS;
	}
	if (l->overrun && r == -EAGAIN)
		recover(l);
	return 0;
}

/* ---- beginning and end ---- */

bool link_present(const struct backend *b)
{
	return ((const struct link *)b)->family;
}

bool link_is_silent(const struct backend *b)
{
	return ((const struct link *)b)->silent;
}

static bool ready(struct backend *b)
{
	return ((struct link *)b)->family || link_refresh(b) >= 0;
}

static void link_free(struct backend *b)
{
	struct link *l = (struct link *)b;
	struct pending *p;

	if (!l)
		return;
	while ((p = TAILQ_FIRST(&l->pending))) {
		TAILQ_REMOVE(&l->pending, p, node);
		free(p);
	}
	sd_event_source_disable_unref(l->answer);
	drop_held(l);
	reading_free(l->changed);
	disconnect_link(l);
	kernel_state_clear(&l->b.state);
	sd_event_unref(l->event);
	free(l->buf);
	free(l);
}

static const struct backend_ops link_ops = {
	.name = "module",
	.command = command,
	.forget = forget,
	.ready = ready,
	.free = link_free,
};

static int open_socket(struct link *l)
{
	int one = 1, bytes = SOCKET_BYTES, group = CTRL_NOTIFY_GROUP, fd;
	int r = link_socket_open(&l->socket, SOCK_NONBLOCK);

	if (r < 0)
		return r;
	fd = mnl_socket_get_fd(l->socket);
	/* It works without these, only less well. */
	mnl_socket_setsockopt(l->socket, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(l->socket, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(l->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return 0;
}

static int connect_link(struct link *l)
{
	int r = open_socket(l);

	if (r >= 0)
		r = sd_event_add_io(l->event, &l->source, mnl_socket_get_fd(l->socket), EPOLLIN,
				    on_readable, l);
	if (r < 0)
		disconnect_link(l);
	return r;
}

int link_new(struct backend **ret, sd_event *event)
{
	struct link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return log_oom();
	l->b.ops = &link_ops;
	l->event = sd_event_ref(event);
	l->buf = malloc(RECEIVE_BYTES);
	TAILQ_INIT(&l->pending);
	r = l->buf ? connect_link(l) : log_oom();
	if (r >= 0)
		r = sd_event_add_time(event, &l->answer, CLOCK_BOOTTIME, UINT64_MAX, USEC_ACCURACY,
				      on_late, l);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->answer, SD_EVENT_OFF);
	if (r < 0) {
		link_free(&l->b);
		return r;
	}
	link_refresh(&l->b);
	*ret = &l->b;
	return 0;
}
