// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dump of rows, on a socket of its own, so that it can neither crowd out the module's events nor be mixed up with
 * another one. If the table changes meanwhile, or messages are lost, it is asked for again, but not for ever: there is
 * one deadline for all of it. Each try has a socket, because on one on which messages were lost the kernel still has the
 * dump of before, and takes no other.
 */
#include <libmnl/libmnl.h>
#include <string.h>

#include "daemon/platform/link-parse.h"
#include "daemon/platform/link-rows.h"
#include "daemon/platform/link-socket.h"

#define RECEIVE_BYTES (64U << 10) /* the kernel's dumps come in pieces of 32 at most */
#define RECEIVE_BURST 64
#define DUMP_TRIES    4

struct dump {
	sd_event_source *source;
	sd_event_source *late;
	struct mnl_socket *socket;
	struct dump_request request;
	unsigned tries;
	bool begun; /* the first message of this try is there */
	bool again; /* what comes is not one table, and is asked for once more */
	uint32_t generation;
	struct rows rows;
	dump_done_t done;
	void *userdata;
	char *buf;
};

static void close_socket(struct dump *d)
{
	d->source = sd_event_source_disable_unref(d->source);
	if (d->socket)
		mnl_socket_close(d->socket);
	d->socket = NULL;
}

struct dump *dump_free(struct dump *d)
{
	if (!d)
		return NULL;
	close_socket(d);
	sd_event_source_disable_unref(d->late);
	rows_done(&d->rows);
	free(d->buf);
	free(d);
	return NULL;
}

static void finish(struct dump *d, int error)
{
	dump_done_t done = d->done;
	struct rows rows = d->rows;

	close_socket(d);
	sd_event_source_set_enabled(d->late, SD_EVENT_OFF);
	d->rows = (struct rows){ 0 };
	done(d->userdata, error, d->generation, &rows); /* @d may be gone */
	rows_done(&rows);
}

static int ask(struct dump *d)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = link_socket_request(buf, d->request.family, NLM_F_DUMP, 0,
						   PMIG_CMD_ROWS, PMIG_GENL_VERSION);

	mnl_attr_put_u32(nlh, PMIG_A_ROWS, d->request.what);
	if (d->request.engine[0])
		mnl_attr_put_strz(nlh, PMIG_A_ENGINE, d->request.engine);
	if (d->request.generation)
		mnl_attr_put_u32(nlh, PMIG_A_GENERATION, d->request.generation);
	return mnl_socket_sendto(d->socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* The last comparison was asked for, and in the middle of it there was a newer one. */
static bool is_outdated(const struct dump *d, int error)
{
	return error == -ENOENT && d->begun && d->request.what == PMIG_ROWS_CHANGED &&
	       !d->request.generation;
}

static int take_end(struct dump *d, const struct nlmsghdr *nlh)
{
	int32_t error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (is_outdated(d, error))
		d->again = true;
	else if (error < 0)
		return error;
	return 0;
}

/* Returns 1 if more is to come, 0 at the end, or a negative errno. */
static int take_message(struct dump *d, const struct nlmsghdr *nlh)
{
	int error;
	char text[PMIG_REASON_LEN];

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->again = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		link_parse_ack(nlh, &error, text, sizeof(text));
		return error ?: -EBADMSG;
	}
	if (nlh->nlmsg_type == NLMSG_DONE)
		return take_end(d, nlh);
	if (nlh->nlmsg_type != d->request.family || d->again)
		return 1;
	d->begun = true;
	error = link_parse_rows(nlh, &d->rows, &d->generation);
	return error < 0 ? error : 1;
}

/* Returns as take_message(); -EAGAIN: there is nothing to read now. */
static int receive(struct dump *d)
{
	const struct nlmsghdr *nlh;
	ssize_t n = link_socket_receive(d->socket, d->buf, RECEIVE_BYTES);
	int left = (int)n, r = 1;

	if (n < 0)
		return left;
	for (nlh = (const struct nlmsghdr *)d->buf; r > 0 && mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left))
		r = take_message(d, nlh);
	return r;
}

static int begin_try(struct dump *d);

static int on_rows(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
		   void *userdata)
{
	struct dump *d = userdata;
	int r = 1;

	for (int i = 0; i < RECEIVE_BURST && r > 0; i++)
		r = receive(d);
	if (r > 0 || r == -EAGAIN)
		return 0;
	if (r == -ENOBUFS || (r == 0 && d->again))
		r = d->tries < DUMP_TRIES ? begin_try(d) ?: 1 : -EINTR;
	if (r <= 0)
		finish(d, r);
	return 0;
}

static int on_late(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
	finish(userdata, -ETIMEDOUT);
	return 0;
}

static int begin_try(struct dump *d)
{
	int r;

	close_socket(d);
	rows_done(&d->rows);
	d->again = d->begun = false;
	d->generation = 0;
	d->tries++;
	r = link_socket_open(&d->socket, SOCK_NONBLOCK);
	if (r < 0)
		return r;
	r = sd_event_add_io(sd_event_source_get_event(d->late), &d->source,
			    mnl_socket_get_fd(d->socket), EPOLLIN, on_rows, d);
	return r < 0 ? r : ask(d);
}

int dump_new(struct dump **ret, sd_event *event, const struct dump_request *request,
	     dump_done_t done, void *userdata)
{
	struct dump *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return log_oom();
	*d = (struct dump){ .request = *request,
			    .done = done,
			    .userdata = userdata,
			    .buf = malloc(RECEIVE_BYTES) };
	r = d->buf ? sd_event_add_time(event, &d->late, CLOCK_BOOTTIME, d->request.due,
				       USEC_ACCURACY, on_late, d) :
		     log_oom();
	if (r >= 0)
		r = begin_try(d);
	if (r < 0) {
		dump_free(d);
		return r;
	}
	*ret = d;
	return 0;
}
