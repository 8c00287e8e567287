// SPDX-License-Identifier: GPL-2.0
/*
 * The session and its states.
 *
 * states.c says which state may follow which; pmig_session_enter() is the only place that changes
 * the state. It counts the change, and tells everyone: tracepoint, multicast, uevent. It also
 * starts what belongs to the new state, by waking the worker (run.c), the poller (poll.c) and the
 * deadline (deadline.c), and starts nothing else.
 *
 * A session pins this module and the engine's. It is in the slot from NONE to NONE.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "message.h"
#include "session.h"
#include "trace.h"
#include "uevent.h"

/* Guards the slot and the session in it; session.h says the order. */
DEFINE_MUTEX(pmig_session_lock);
static struct pmig_session *current_session; /* the slot, under pmig_session_lock */
static u32 seq; /* counts on over all sessions, under pmig_session_lock */

struct pmig_session *pmig_session_current(void)
{
	lockdep_assert_held(&pmig_session_lock);
	return current_session;
}

u32 pmig_session_seq(void)
{
	lockdep_assert_held(&pmig_session_lock);
	return seq;
}

/* A reference on the session in the slot, or NULL. */
struct pmig_session *pmig_session_get(void)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = current_session;
	if (s)
		kref_get(&s->ref);
	mutex_unlock(&pmig_session_lock);
	return s;
}

static void release(struct kref *ref)
{
	struct pmig_session *s = container_of(ref, struct pmig_session, ref);

	if (s->changes)
		pmig_changes_put(s->changes);
	pmig_engine_put(s->engine);
	kfree(s->refusals);
	kfree(s);
}

void pmig_session_put(struct pmig_session *s)
{
	kref_put(&s->ref, release);
}

/**
 * pmig_session_alloc() - make a session, not in the slot yet
 * @engine: the caller's reference goes over to the session, on success only
 * @stream: stream ID
 * @flags: PMIG_F_*
 *
 * Return: the session with one reference, or NULL.
 */
struct pmig_session *pmig_session_alloc(struct pmig_engine *engine, u64 stream, u32 flags)
{
	struct pmig_session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->refusals = kzalloc(sizeof(*s->refusals), GFP_KERNEL);
	if (!s->refusals) {
		kfree(s);
		return NULL;
	}
	kref_init(&s->ref);
	init_waitqueue_head(&s->over);
	s->engine = engine;
	s->stream = stream;
	s->flags = flags;
	return s;
}

/**
 * pmig_session_touch() - something in the session has changed: count it and tell
 * @s: the session
 */
void pmig_session_touch(struct pmig_session *s)
{
	unsigned int noio = memalloc_noio_save();

	lockdep_assert_held(&pmig_session_lock);
	seq++;
	pmig_message_multicast(s->state == PMIG_STATE_NONE ? NULL : s);
	memalloc_noio_restore(noio);
}

/**
 * pmig_session_enter() - change the state
 * @s: the session
 * @state: the new state; not allowed is a bug, is said once, and changes nothing
 */
void pmig_session_enter(struct pmig_session *s, enum pmig_state state)
{
	enum pmig_state from = s->state;
	unsigned int noio;

	lockdep_assert_held(&pmig_session_lock);
	if (WARN_ONCE(!pmig_state_may_follow(from, state), "state %s after %s\n",
		      pmig_state_name(state), pmig_state_name(from)))
		return;
	s->state = state;
	pmig_session_touch(s);
	trace_pmig_transition(s->stream, from, state, s->vasi, s->flags, seq);
	noio = memalloc_noio_save();
	pmig_uevent(s);
	memalloc_noio_restore(noio);
	if (state == PMIG_STATE_QUIESCE)
		pmig_deadline_start(s);
	pmig_poll_start();
	pmig_run_kick();
}

/**
 * pmig_session_install() - put a session into the empty slot
 * @s: the session; the caller's reference becomes the slot's
 * @state: its first state
 *
 * Return: 0, or -ENODEV while this module is on its way out.
 */
int pmig_session_install(struct pmig_session *s, enum pmig_state state)
{
	lockdep_assert_held(&pmig_session_lock);
	WARN_ON_ONCE(current_session);
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	current_session = s;
	pmig_session_enter(s, state);
	return 0;
}

/**
 * pmig_session_forget() - the session is over: empty the slot
 * @s: the session; its data lives on while others hold references
 *
 * The module may go as soon as this returns. All callers are in a context that pmig_exit() waits
 * for: a netlink command, the netlink notifier, or the module's own workqueues.
 */
void pmig_session_forget(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	pmig_session_enter(s, PMIG_STATE_NONE);
	current_session = NULL;
	pmig_session_put(s);
	module_put(THIS_MODULE);
}

/**
 * pmig_session_fail() - note why the session fails, unless it has failed already
 * @s: the session
 * @err: positive errno
 * @fmt: in words
 */
void pmig_session_fail(struct pmig_session *s, int err, const char *fmt, ...)
{
	va_list args;

	lockdep_assert_held(&pmig_session_lock);
	if (s->err)
		return;
	s->err = err;
	va_start(args, fmt);
	vscnprintf(s->reason, sizeof(s->reason), fmt, args);
	va_end(args);
}

/**
 * pmig_session_stop() - leave a state before SUSPENDING: cancel the stream if there is one, then
 * undo
 * @s: the session, with its failure noted
 *
 * If handlers are being told PRE the worker is in the middle of it; it sees the new state when the
 * call that is under way has ended, and goes on from there.
 */
void pmig_session_stop(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	WRITE_ONCE(s->stop, true);
	pmig_session_enter(s, s->stream_over ? PMIG_STATE_UNDO : PMIG_STATE_CANCELLING);
}

/* The end of a migration that nobody asked us for, and that nobody has adopted. */
bool pmig_session_replaceable(const struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	return (s->flags & PMIG_F_FOREIGN) && !s->owner &&
	       (s->state == PMIG_STATE_COMPLETED || s->state == PMIG_STATE_FAILED);
}
