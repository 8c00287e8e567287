// SPDX-License-Identifier: GPL-2.0
/*
 * The session, and its state.
 *
 * state.c says which state may follow which; pmig_session_enter() is the only place that changes
 * the state. It counts the change and tells the listeners, which main.c has named: they send
 * messages, and start what belongs to the new state.
 *
 * A session is in the slot (slot.c) from NONE to NONE, and pins this module and the engine's. One
 * that has ended and has no owner rests: it pins nothing, and makes room for any other.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "session.h"
#include "trace.h"

/* Guards the slot and the session in it; session.h says the order. */
DEFINE_MUTEX(pmig_session_lock);
static u32 seq; /* counts on over all sessions, under pmig_session_lock */
static const struct pmig_session_listener *const *listeners; /* set once before the first session */

u32 pmig_session_seq(void)
{
	lockdep_assert_held(&pmig_session_lock);
	return seq;
}

static void release_engine(struct pmig_session *s)
{
	if (s->file)
		fput(s->file);
	s->file = NULL;
	pmig_engine_put(s->engine);
}

static void release_session(struct kref *ref)
{
	struct pmig_session *s = container_of(ref, struct pmig_session, ref);

	pmig_changes_put(s->changes);
	if (!s->rested)
		release_engine(s);
	kfree(s->refusals);
	kfree(s);
}

void pmig_session_put(struct pmig_session *s)
{
	kref_put(&s->ref, release_session);
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
	s->operation = PMIG_OPERATION_MIGRATE;
	s->stream = stream;
	s->flags = flags;
	return s;
}

/**
 * pmig_session_listen() - name those that are told what happens to sessions
 * @all: ends with NULL; they are told in this order
 */
void pmig_session_listen(const struct pmig_session_listener *const *all)
{
	listeners = all;
}

/**
 * pmig_session_touch() - something in the session has changed: count it and tell
 * @s: the session
 */
void pmig_session_touch(struct pmig_session *s)
{
	const struct pmig_session_listener *const *l;
	unsigned int noio = memalloc_noio_save();

	lockdep_assert_held(&pmig_session_lock);
	seq++;
	for (l = listeners; *l; l++)
		if ((*l)->changed)
			(*l)->changed(s);
	memalloc_noio_restore(noio);
}

/* There is something for the worker to do, although no state has changed. */
void pmig_session_call_worker(void)
{
	const struct pmig_session_listener *const *l;

	lockdep_assert_held(&pmig_session_lock);
	for (l = listeners; *l; l++)
		if ((*l)->work_to_do)
			(*l)->work_to_do();
}

/*
 * The module may go as soon as this returns. All callers are in a context that pmig_exit() waits
 * for: a netlink command, the netlink notifier, or the module's own worker and workqueues.
 */
void pmig_session_unpin(void)
{
	module_put(THIS_MODULE);
}

/**
 * pmig_session_rest() - nothing works any more for a session that has ended and has no owner
 * @s: the session; any other is left as it is
 */
void pmig_session_rest(struct pmig_session *s)
{
	if (!pmig_session_rests(s))
		return;
	if (!s->rested)
		release_engine(s);
	s->rested = true;
	pmig_session_unpin();
}

static void tell_entered(struct pmig_session *s)
{
	const struct pmig_session_listener *const *l;
	unsigned int noio = memalloc_noio_save();

	for (l = listeners; *l; l++)
		if ((*l)->entered)
			(*l)->entered(s);
	memalloc_noio_restore(noio);
}

/**
 * pmig_session_enter() - change the state
 * @s: the session
 * @state: the new state; one that may not follow is a bug: it is reported once, and nothing changes
 */
void pmig_session_enter(struct pmig_session *s, enum pmig_state state)
{
	enum pmig_state from = s->state;

	lockdep_assert_held(&pmig_session_lock);
	if (WARN_ONCE(!pmig_state_may_follow(from, state), "state %s after %s\n",
		      pmig_state_name(state), pmig_state_name(from)))
		return;
	s->state = state;
	pmig_session_touch(s);
	trace_pmig_transition(s->stream, from, state, s->vasi, s->flags, seq);
	tell_entered(s);
	pmig_session_rest(s);
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
