// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The events of a process that catches SIGRECONFIG. All that are in the socket are read, without waiting, and the
 * newest of each kind is kept (latest.c). One compare-and-swap decides which thread may answer it.
 */
#include "libdr/aix-event.h"

#include "libdr/latest.h"
#include "libdr/register.h"
#include "shared/clock.h"
#include "shared/phase.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

static _Atomic uint64_t answered[_LATEST_MAX]; /* the newest answer: gen << 32 | ANSWER_* */

/*
 * What has been answered to event @gen, if @newest is the newest answer. An older event than that of @newest counts as
 * done: between the reading of an event and the answer to it, other threads may have answered this event and the next.
 */
static uint32_t mark_of(uint64_t newest, uint32_t gen)
{
	int32_t age = (int32_t)((uint32_t)(newest >> 32) - gen);

	if (newest == 0 || age < 0)
		return 0;
	return age > 0 ? ANSWER_DONE : (uint32_t)newest;
}

/*
 * If a daemon dies before it has read our answer, the next one sends the event again, with the same gen. That a change
 * has been read is acknowledged here.
 */
static void take_event(int fd, const struct wire_event *event)
{
	uint64_t newest = atomic_load(&answered[latest_kind(event)]);
	bool changed = event->phase == DR_PHASE_CHANGED;
	bool done = (uint32_t)(newest >> 32) == event->gen && (newest & ANSWER_DONE);

	if (!(event->flags & WIRE_EVENT_ANSWER) && !changed)
		return;
	if (done || changed)
		dr_send_answer(fd, event->gen, 0, NULL);
	if (!done)
		latest_put(event);
}

static void take_events(int fd)
{
	struct wire_event event;
	ssize_t n;

	/* MSG_TRUNC: returns the true length. The changes behind the event are large and not needed here. */
	while ((n = recv(fd, &event, sizeof(event), MSG_DONTWAIT | MSG_TRUNC)) != 0) {
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && wire_event_check(&event, (size_t)n) == 0)
			take_event(fd, &event);
	}
}

static int in_progress(enum latest_kind kind, struct wire_event *ret)
{
	if (!latest_get(kind, ret))
		return -ENXIO;
	if (mark_of(atomic_load(&answered[kind]), ret->gen) & ANSWER_DONE)
		return -ENXIO;
	/* The end is told however late it is: a program that got ready in PRE must learn that it is over. */
	if (!is_end(ret->phase) && ret->deadline_us && now_boottime_usec() >= ret->deadline_us)
		return -ENXIO;
	return 0;
}

int dr_aix_event(int fd, struct wire_event *ret)
{
	take_events(fd);
	return in_progress(LATEST_QUESTION, ret) == 0 ? 0 : in_progress(LATEST_CHANGE, ret);
}

int dr_aix_answer(int fd, const struct wire_event *event, uint32_t mark, uint32_t error,
		  const char *reason)
{
	_Atomic uint64_t *newest = &answered[latest_kind(event)];
	uint64_t old = atomic_load(newest);
	uint64_t new = (uint64_t)event->gen << 32 | mark;
	uint32_t before;
	int r;

	do {
		before = mark_of(old, event->gen);
		if (before & ANSWER_DONE)
			return -ENXIO;
	} while (!atomic_compare_exchange_weak(newest, &old, new));
	if (before || !(event->flags & WIRE_EVENT_ANSWER))
		return 0;
	r = dr_send_answer(fd, event->gen, error, reason);
	if (r != -EAGAIN)
		return r < 0 ? -ENXIO : 0;
	/* The answer was not sent: a repeated call sends it. */
	atomic_compare_exchange_strong(newest, &new, old);
	return -EINTR;
}

void dr_aix_event_reset(void)
{
	for (int i = 0; i < _LATEST_MAX; i++)
		atomic_store(&answered[i], 0);
	latest_reset();
}
