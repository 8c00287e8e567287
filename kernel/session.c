// SPDX-License-Identifier: GPL-2.0
/*
 * The session and its states.
 *
 * state.c says which state may follow which; pmig_session_enter() is the only place that changes
 * the state. It counts the change, and tells everyone: tracepoint, multicast, uevent. It also
 * starts what belongs to the new state, by waking the worker (worker.c), the poller (poll.c) and
 * the deadline (deadline.c), and starts nothing else.
 *
 * A session is in the slot from NONE to NONE, and pins this module and the engine's. One that has
 * ended and has no owner rests: it pins nothing, and makes room for any other (history.c).
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "deadline.h"
#include "history.h"
#include "message.h"
#include "poll.h"
#include "session.h"
#include "trace.h"
#include "uevent.h"
#include "worker.h"

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

/* To work for the session in the slot: it and its engine stay. NULL where nothing is to be done. */
struct pmig_session *pmig_session_get(void)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = current_session && !current_session->rested ? current_session : NULL;
	if (s) {
		kref_get(&s->ref);
		__module_get(s->engine->owner);
	}
	mutex_unlock(&pmig_session_lock);
	return s;
}

static void let_go(struct pmig_session *s)
{
	if (s->file)
		fput(s->file);
	s->file = NULL;
	pmig_engine_put(s->engine);
}

static void release(struct kref *ref)
{
	struct pmig_session *s = container_of(ref, struct pmig_session, ref);

	if (s->changes)
		pmig_changes_put(s->changes);
	if (!s->rested)
		let_go(s);
	kfree(s->refusals);
	kfree(s);
}

void pmig_session_put(struct pmig_session *s)
{
	kref_put(&s->ref, release);
}

/**
 * pmig_session_done() - no more work for a session
 * @s: from pmig_session_get()
 */
void pmig_session_done(struct pmig_session *s)
{
	struct pmig_engine *engine = s->engine;

	pmig_session_put(s);
	pmig_engine_put(engine);
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
	pmig_strcpy(s->engine_name, engine->name);
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

static bool rests(const struct pmig_session *s)
{
	return !s->owner && pmig_session_has_ended(s);
}

/*
 * The module may go as soon as this returns. All callers are in a context that pmig_exit() waits
 * for: a netlink command, the netlink notifier, or the module's own worker and workqueues.
 */
static void unpin(void)
{
	module_put(THIS_MODULE);
}

/* It has ended and has no owner. */
static void rest(struct pmig_session *s)
{
	if (!s->rested)
		let_go(s);
	s->rested = true;
	unpin();
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
	if (state == PMIG_STATE_QUIESCE || (s->owner && pmig_session_has_ended(s)))
		pmig_deadline_start(s);
	pmig_poll_start();
	pmig_worker_wake();
	if (rests(s))
		rest(s);
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

static void empty_slot(struct pmig_session *s)
{
	pmig_session_enter(s, PMIG_STATE_NONE);
	current_session = NULL;
	pmig_session_put(s);
	unpin();
}

/* What waits to be adopted, in the empty slot again: whoever looks there sees it. */
static void recall(struct pmig_session *s)
{
	current_session = s;
	if (s)
		pmig_session_touch(s);
}

/**
 * pmig_session_forget() - the session is over, and its result has been taken
 * @s: the session in the slot; its data lives on while others hold references
 */
void pmig_session_forget(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	empty_slot(s);
	recall(pmig_history_take(NULL));
}

/**
 * pmig_session_adopted() - the session in the slot gets an owner
 * @s: the session, without one
 * @portid: its port
 *
 * Return: 0, or -ENODEV while this module is on its way out.
 */
int pmig_session_adopted(struct pmig_session *s, u32 portid)
{
	lockdep_assert_held(&pmig_session_lock);
	if (rests(s) && !try_module_get(THIS_MODULE))
		return -ENODEV;
	s->owner = portid;
	s->late = 0;
	if (pmig_session_has_ended(s))
		pmig_deadline_start(s);
	pmig_session_touch(s);
	return 0;
}

/**
 * pmig_session_orphaned() - the session in the slot has lost its owner
 * @s: the session, which goes on or has ended, with no owner any more
 */
void pmig_session_orphaned(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	pmig_session_touch(s);
	pmig_worker_wake(); /* there may be room now for who waits */
	if (rests(s))
		rest(s);
}

/**
 * pmig_session_end_late() - an owner takes a result whose time has passed
 * @portid: its port
 *
 * Return: false where there is none that nobody has adopted meanwhile.
 */
bool pmig_session_end_late(u32 portid)
{
	struct pmig_session *s = current_session;

	lockdep_assert_held(&pmig_session_lock);
	if (s && s->owner == portid)
		return false;
	if (!s || s->late != portid)
		return pmig_history_end_late(portid);
	if (!pmig_session_adopted(s, portid))
		pmig_session_forget(s);
	return true;
}

/* Is the slot empty, or does what is in it rest? */
bool pmig_session_room(void)
{
	lockdep_assert_held(&pmig_session_lock);
	return !current_session || rests(current_session);
}

/* What somebody else began has failed before anybody was told anything. */
static bool concerns_nobody(const struct pmig_session *s)
{
	return s->state == PMIG_STATE_FAILED && s->flags & PMIG_F_FOREIGN && !s->stop;
}

/* Empties the slot for another session: of a result that rests, or of a check that is over. */
void pmig_session_make_room(void)
{
	struct pmig_session *s = current_session;

	lockdep_assert_held(&pmig_session_lock);
	if (!s)
		return;
	if (!rests(s)) {
		empty_slot(s);
		return;
	}
	current_session = NULL;
	if (concerns_nobody(s))
		pmig_session_put(s);
	else
		pmig_history_add(s);
}

/**
 * pmig_session_find() - the session of a stream, brought into the slot if it rests
 * @stream: stream ID
 *
 * Return: the session in the slot, or NULL where there is none of this stream.
 */
struct pmig_session *pmig_session_find(u64 stream)
{
	struct pmig_session *s;

	lockdep_assert_held(&pmig_session_lock);
	if (current_session && current_session->stream == stream)
		return current_session;
	if (!pmig_session_room())
		return NULL;
	s = pmig_history_take(&stream);
	if (s) {
		pmig_session_make_room();
		recall(s);
	}
	return s;
}

/* Nobody will ask for these results any more. */
void pmig_session_exit(void)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = current_session ?: pmig_history_take(NULL);
	current_session = NULL;
	for (; s; s = pmig_history_take(NULL))
		pmig_session_put(s);
	mutex_unlock(&pmig_session_lock);
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
