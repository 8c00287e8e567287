// SPDX-License-Identifier: GPL-2.0
/*
 * The slot: it has the one session that there is. A result that nobody owns stays in it as long as
 * nobody needs it, then moves to the history, and comes back when the slot is empty.
 */
#include <linux/module.h>

#include "history.h"
#include "slot.h"

static struct pmig_session *current_session; /* under pmig_session_lock */

struct pmig_session *pmig_slot_current(void)
{
	lockdep_assert_held(&pmig_session_lock);
	return current_session;
}

/*
 * References to the session in the slot and to its engine, for whoever works for it. NULL where
 * there is nothing to do.
 */
struct pmig_session *pmig_slot_get(void)
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

/**
 * pmig_slot_done() - no more work for a session
 * @s: from pmig_slot_get()
 */
void pmig_slot_done(struct pmig_session *s)
{
	struct pmig_engine *engine = s->engine;

	pmig_session_put(s);
	pmig_engine_put(engine);
}

/**
 * pmig_slot_install() - put a session into the empty slot
 * @s: the session; the caller's reference becomes the slot's
 * @state: its first state
 *
 * Return: 0, or -ENODEV while this module is on its way out.
 */
int pmig_slot_install(struct pmig_session *s, enum pmig_state state)
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
	pmig_session_unpin();
}

/* Puts a result that waits to be adopted back into the empty slot, where it is seen. */
static void recall_result(struct pmig_session *s)
{
	current_session = s;
	if (s)
		pmig_session_touch(s);
}

/**
 * pmig_slot_forget() - the session is over, and its result has been taken
 * @s: the session in the slot; its data lives on while others hold references
 */
void pmig_slot_forget(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	empty_slot(s);
	recall_result(pmig_history_take(NULL));
}

/**
 * pmig_slot_adopt() - the session in the slot gets an owner
 * @s: the session, without one
 * @portid: its port
 *
 * Return: 0, or -ENODEV while this module is on its way out.
 */
int pmig_slot_adopt(struct pmig_session *s, u32 portid)
{
	lockdep_assert_held(&pmig_session_lock);
	if (pmig_session_rests(s) && !try_module_get(THIS_MODULE))
		return -ENODEV;
	s->owner = portid;
	s->late = 0;
	pmig_session_touch(s);
	return 0;
}

/**
 * pmig_slot_orphan() - the session in the slot has lost its owner
 * @s: the session, which goes on or has ended, with no owner any more
 */
void pmig_slot_orphan(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	pmig_session_touch(s);
	pmig_session_call_worker(); /* there may be room now for one that waits */
	pmig_session_rest(s);
}

/**
 * pmig_slot_end_late() - an owner takes a result whose time has passed
 * @portid: its port
 *
 * Return: false where there is none that nobody has adopted meanwhile.
 */
bool pmig_slot_end_late(u32 portid)
{
	struct pmig_session *s = current_session;

	lockdep_assert_held(&pmig_session_lock);
	if (s && s->owner == portid)
		return false;
	if (!s || s->late != portid)
		return pmig_history_end_late(portid);
	if (!pmig_slot_adopt(s, portid))
		pmig_slot_forget(s);
	return true;
}

/* Is the slot empty, or does what is in it rest? */
bool pmig_slot_has_room(void)
{
	lockdep_assert_held(&pmig_session_lock);
	return !current_session || pmig_session_rests(current_session);
}

/* A migration of somebody else's has failed, and nobody has been told of it. */
static bool concerns_nobody(const struct pmig_session *s)
{
	return s->state == PMIG_STATE_FAILED && s->others.state != PMIG_OTHERS_NONE &&
	       !s->others.taken;
}

/* Empties the slot for another session: of a result that rests, or of a check that is over. */
void pmig_slot_make_room(void)
{
	struct pmig_session *s = current_session;

	lockdep_assert_held(&pmig_session_lock);
	if (!s)
		return;
	if (!pmig_session_rests(s)) {
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
 * pmig_slot_find() - the session of a stream, brought into the slot if it rests
 * @stream: stream ID
 *
 * Return: the session in the slot, or NULL where there is none of this stream.
 */
struct pmig_session *pmig_slot_find(u64 stream)
{
	struct pmig_session *s;

	lockdep_assert_held(&pmig_session_lock);
	if (current_session && current_session->stream == stream)
		return current_session;
	if (!pmig_slot_has_room())
		return NULL;
	s = pmig_history_take(&stream);
	if (s) {
		pmig_slot_make_room();
		recall_result(s);
	}
	return s;
}

/* Nobody will ask for these results any more. */
void pmig_slot_exit(void)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = current_session ?: pmig_history_take(NULL);
	current_session = NULL;
	for (; s; s = pmig_history_take(NULL))
		pmig_session_put(s);
	mutex_unlock(&pmig_session_lock);
}
