// SPDX-License-Identifier: GPL-2.0
/*
 * Results that nobody owns: of sessions whose owner died and has not come back, and of others'
 * migrations that nobody has adopted. The last one stays in the slot as long as nobody needs that;
 * then it moves here. When the slot is free again the oldest goes back, for whoever adopts it.
 * HISTORY_MAX of them are kept; beyond that the oldest is forgotten.
 *
 * Such a session pins no module.
 */
#include <linux/list.h>

#include "history.h"

#define HISTORY_MAX 8

static LIST_HEAD(history);	/* oldest first, under pmig_session_lock */
static unsigned int nr_history; /* under pmig_session_lock */

static void take_out(struct pmig_session *s)
{
	list_del(&s->node);
	nr_history--;
}

/**
 * pmig_history_add() - keep a result
 * @s: the session; the caller's reference becomes the history's. One that was here before is
 *	still the oldest
 */
void pmig_history_add(struct pmig_session *s)
{
	struct pmig_session *oldest;

	lockdep_assert_held(&pmig_session_lock);
	if (s->recalled)
		list_add(&s->node, &history);
	else
		list_add_tail(&s->node, &history);
	if (++nr_history <= HISTORY_MAX)
		return;
	oldest = list_first_entry(&history, struct pmig_session, node);
	take_out(oldest);
	pr_notice("stream 0x%llx: nobody has asked how it ended; forgotten\n", oldest->stream);
	pmig_session_put(oldest);
}

/**
 * pmig_history_end_late() - forget what its owner has taken at last
 * @portid: the owner's port
 *
 * Return: whether there was one.
 */
bool pmig_history_end_late(u32 portid)
{
	struct pmig_session *pos;

	lockdep_assert_held(&pmig_session_lock);
	list_for_each_entry(pos, &history, node) {
		if (pos->late != portid)
			continue;
		take_out(pos);
		pmig_session_put(pos);
		return true;
	}
	return false;
}

/**
 * pmig_history_has() - is there a result of this stream?
 * @stream: stream ID
 *
 * Return: true if there is one.
 */
bool pmig_history_has(u64 stream)
{
	struct pmig_session *pos;

	lockdep_assert_held(&pmig_session_lock);
	list_for_each_entry(pos, &history, node)
		if (pos->stream == stream)
			return true;
	return false;
}

/**
 * pmig_history_take() - take a result out
 * @stream: of this stream, the oldest one; or NULL for the oldest of all
 *
 * Return: the session, with the reference for the slot, or NULL.
 */
struct pmig_session *pmig_history_take(const u64 *stream)
{
	struct pmig_session *pos;

	lockdep_assert_held(&pmig_session_lock);
	list_for_each_entry(pos, &history, node) {
		if (stream && pos->stream != *stream)
			continue;
		take_out(pos);
		pos->recalled = true;
		return pos;
	}
	return NULL;
}
