// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptor API. A dr_client has a socket, the event that waits for an answer, and the changes of the event that
 * dr_next() returned last. There is no thread, no lock and no callback: a dr_client belongs to one thread at a time,
 * and all functions but dr_open() return at once.
 *
 * An event that wants no answer (BEGIN, RESUMED, CHANGED) changes nothing about the one that waits for an answer. A
 * newer event that wants an answer replaces an older one, on which the daemon has given up.
 */
#include "libdr/export.h"
#include "libdr/register.h"

#include "shared/cleanup.h"
#include "shared/clock.h"
#include "shared/phase.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(DR_NAME_LEN == WIRE_NAME_LEN, "names fit");
_Static_assert(DR_VALUE_LEN == WIRE_VALUE_LEN, "values fit");
_Static_assert(DR_REASON_LEN == WIRE_REASON_LEN, "reasons fit");

struct dr_client {
	int fd;
	pid_t pid;
	bool asked; /* there was an event that wants an answer; gen is of the newest */
	bool open;  /* it has not been answered */
	uint32_t gen;
	uint32_t phase;
	uint64_t deadline_us;
	struct dr_change *changes;
};

DR_EXPORT const char *dr_phase_name(enum dr_phase phase)
{
	static const char *const names[] = {
		[DR_PHASE_CHECK] = "check",	[DR_PHASE_PRE] = "pre",
		[DR_PHASE_POST] = "post",	[DR_PHASE_POST_ERROR] = "post-error",
		[DR_PHASE_BEGIN] = "begin",	[DR_PHASE_RESUMED] = "resumed",
		[DR_PHASE_CHANGED] = "changed",
	};

	return (unsigned int)phase < ARRAY_SIZE(names) ? names[phase] : NULL;
}

DR_EXPORT dr_client *dr_close(dr_client *client)
{
	if (!client)
		return NULL;
	/* Shuts the socket down because a child may have a copy of it; a child's own dr_close() does not. */
	if (client->fd >= 0 && client->pid == getpid())
		shutdown(client->fd, SHUT_RDWR);
	safe_close(client->fd);
	free(client->changes);
	free(client);
	return NULL;
}

DEFINE_CLEANUP(dr_client *, dr_close)

DR_EXPORT int dr_open(dr_client **ret, const struct dr_options *options)
{
	_cleanup_(dr_closep) dr_client *client = NULL;
	int saved = errno;
	int r;

	if (!ret)
		return -EINVAL;
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->fd = -EBADF;
	client->pid = getpid();
	r = dr_register(options, &client->fd);
	errno = saved;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(client);
	return 0;
}

DR_EXPORT int dr_fd(const dr_client *client)
{
	return client->fd;
}

/* Reads one whole message into *@ret, to be freed. Returns its length, 0 if there is none, -EPIPE. */
static ssize_t receive(int fd, void **ret)
{
	_cleanup_free_ void *buf = malloc(WIRE_EVENT_MAX);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	do
		n = recv(fd, buf, WIRE_EVENT_MAX, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -EPIPE;
	if (n == 0)
		return -EPIPE;
	*ret = TAKE_PTR(buf);
	return n;
}

static int take_changes(dr_client *client, const struct wire_event *w)
{
	const struct wire_change *in = (const struct wire_change *)(w + 1);
	_cleanup_free_ struct dr_change *changes = NULL;
	uint32_t i;

	if (w->nr_changes > 0) {
		changes = calloc(w->nr_changes, sizeof(*changes));
		if (!changes)
			return -ENOMEM;
	}
	for (i = 0; i < w->nr_changes; i++) {
		if (wire_change_check(&in[i]) < 0)
			return -EBADMSG;
		memcpy(changes[i].name, in[i].name, sizeof(changes[i].name));
		memcpy(changes[i].old_value, in[i].old_value, sizeof(changes[i].old_value));
		memcpy(changes[i].new_value, in[i].new_value, sizeof(changes[i].new_value));
		changes[i].flags = in[i].flags;
	}
	free(client->changes);
	client->changes = TAKE_PTR(changes);
	return 0;
}

/* If a daemon dies before it has read our answer, the next one sends the event again, with the same gen. */
static bool is_repeated(const dr_client *client, const struct wire_event *w)
{
	return client->asked && (w->flags & WIRE_EVENT_ANSWER) && w->gen == client->gen &&
	       w->phase == client->phase;
}

static void note_question(dr_client *client, const struct wire_event *w)
{
	if (!(w->flags & WIRE_EVENT_ANSWER))
		return;
	client->asked = true;
	client->open = true;
	client->gen = w->gen;
	client->phase = w->phase;
	client->deadline_us = w->deadline_us;
}

static void fill_event(const dr_client *client, const struct wire_event *w, struct dr_event *event)
{
	*event = (struct dr_event){
		.phase = w->phase,
		.gen = w->gen,
		.force = w->flags & WIRE_EVENT_FORCE,
		.stream = w->stream,
		.deadline_us = w->flags & WIRE_EVENT_ANSWER ? w->deadline_us : 0,
		.blackout_us = w->blackout_us,
		.changes = client->changes,
		.nr_changes = w->nr_changes,
		.nr_more = w->nr_more,
	};
}

/* Returns 1 with an event, 0 if there is none, -EAGAIN for one that the program has seen before. */
static int next(dr_client *client, struct dr_event *event)
{
	_cleanup_free_ void *buf = NULL;
	const struct wire_event *w;
	ssize_t n;
	int r;

	n = receive(client->fd, &buf);
	if (n <= 0)
		return (int)n;
	w = buf;
	r = wire_event_check(w, (size_t)n);
	if (r < 0)
		return r;
	if (is_repeated(client, w)) {
		client->deadline_us = w->deadline_us;
		if (!client->open)
			dr_send_answer(client->fd, w->gen, 0, NULL);
		return -EAGAIN;
	}
	if (w->phase == DR_PHASE_CHANGED)
		dr_send_answer(client->fd, w->gen, 0, NULL); /* it has been read */
	r = take_changes(client, w);
	if (r < 0)
		return r;
	note_question(client, w);
	fill_event(client, w, event);
	return 1;
}

DR_EXPORT int dr_next(dr_client *client, struct dr_event *event)
{
	int saved = errno;
	int r;

	/* A child after fork() shares the socket and would take its parent's events. */
	do
		r = client->pid == getpid() ? next(client, event) : -EPIPE;
	while (r == -EAGAIN);
	errno = saved;
	return r;
}

static int answer(dr_client *client, uint32_t gen, uint32_t error, const char *reason)
{
	int saved = errno;
	int r;

	if (client->pid != getpid())
		return -EPIPE;
	if (!client->open || gen != client->gen)
		return -ESTALE;
	if (client->deadline_us && now_boottime_usec() >= client->deadline_us)
		return -ESTALE;
	r = dr_send_answer(client->fd, gen, error, reason);
	errno = saved;
	if (r < 0)
		return r;
	client->open = false;
	return 0;
}

DR_EXPORT int dr_ack(dr_client *client, uint32_t gen)
{
	return answer(client, gen, 0, NULL);
}

DR_EXPORT int dr_refuse(dr_client *client, uint32_t gen, int err, const char *reason)
{
	if (err <= 0)
		return -EINVAL;
	if (client->open && gen == client->gen && is_end(client->phase))
		return -EPERM;
	return answer(client, gen, (uint32_t)err, reason);
}
