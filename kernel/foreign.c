// SPDX-License-Identifier: GPL-2.0
/*
 * Migrations that somebody else started, by writing to sysfs for instance. They get a session too,
 * so that the handlers hear POST and user space an event.
 *
 *  - No session, a CHECKED one, or a result that nobody owns: a new session takes the slot, in
 *    SUSPENDING.
 *  - Our own session follows the same stream and has not suspended: it becomes the session of that
 *    migration and keeps its owner. PRE goes no further; those who were told it hear POST or
 *    POST_ERROR.
 *  - Anything else: remembered until the slot is free. If it has failed by then, nobody was told,
 *    and it is forgotten.
 *
 * Several may write the same stream, we among them: mainline lets them. One of them moves the
 * partition, so a failure counts when it is the last one's.
 */
#include <linux/math64.h>

#include "foreign.h"
#include "slot.h"

/*
 * The one that waits for the slot, under pmig_session_lock. @engine is NULL where there is none.
 * One that has ended well stays until everyone can be told, whatever begins and fails meanwhile.
 */
static struct {
	struct pmig_engine *engine;
	u64 stream;
	u64 blackout_ns;
	unsigned int writers;
	bool done;
} pending;

/* Those who write the stream of this session are part of it, ours or not. */
static bool under_way(const struct pmig_session *s, u64 stream)
{
	return s && s->stream == stream && !s->foreign_done &&
	       pmig_state_is(s->state, PMIG_STATE_F_WRITTEN);
}

static bool room(const struct pmig_session *s)
{
	return pmig_slot_has_room() || s->state == PMIG_STATE_CHECKED;
}

/**
 * pmig_foreign_take() - somebody else suspends the stream of our session
 * @s: the session, before SUSPENDING
 */
void pmig_foreign_take(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	s->flags |= PMIG_F_FOREIGN;
	WRITE_ONCE(s->stop, true);
	pmig_session_enter(s, PMIG_STATE_SUSPENDING);
}

static struct pmig_session *start(struct pmig_engine *engine, u64 stream, unsigned int writers)
{
	struct pmig_session *s;

	lockdep_assert_held(&pmig_session_lock);
	if (!pmig_engine_ref(engine))
		return NULL;
	s = pmig_session_alloc(engine, stream, PMIG_F_FOREIGN);
	if (!s) {
		pmig_engine_put(engine);
		return NULL;
	}
	s->writers = writers;
	pmig_slot_make_room();
	if (!pmig_slot_install(s, PMIG_STATE_SUSPENDING))
		return s;
	pmig_session_put(s);
	return NULL;
}

static void end(struct pmig_session *s, int err, u64 blackout_ns)
{
	lockdep_assert_held(&pmig_session_lock);
	s->foreign_done = true;
	s->foreign_err = err;
	s->blackout_us = div_u64(blackout_ns, NSEC_PER_USEC);
	pmig_session_call_worker();
}

static void pending_begin(struct pmig_engine *engine, u64 stream)
{
	lockdep_assert_held(&pmig_session_lock);
	if (pending.engine && pending.done)
		return;
	if (pending.engine != engine || pending.stream != stream)
		pending.writers = 0;
	pending.engine = engine;
	pending.stream = stream;
	pending.writers++;
}

static void pending_end(struct pmig_engine *engine, u64 stream, int err, u64 blackout_ns)
{
	lockdep_assert_held(&pmig_session_lock);
	if (!err) {
		pending.engine = engine;
		pending.stream = stream;
		pending.blackout_ns = blackout_ns;
		pending.done = true;
		pmig_session_call_worker();
	} else if (pending.engine == engine && pending.stream == stream && !pending.done &&
		   !--pending.writers) {
		pending.engine = NULL;
	}
}

static void pending_clear(void)
{
	lockdep_assert_held(&pmig_session_lock);
	memset(&pending, 0, sizeof(pending));
}

/* The platform moves a partition by one stream at a time; is it that of this session? */
static bool moves_us(struct pmig_session *s)
{
	enum pmig_vasi vasi = PMIG_VASI_INVALID;
	bool seen;

	mutex_lock(&pmig_session_lock);
	seen = s->moved;
	mutex_unlock(&pmig_session_lock);
	return seen || (!s->engine->get_state(s->stream, &vasi) && pmig_vasi_suspended(vasi));
}

/* The stream of the session, if the platform says that it was this one. */
static u64 which_stream(struct pmig_engine *engine)
{
	struct pmig_session *s = pmig_slot_get();
	u64 stream = 0;

	if (!s)
		return 0;
	if (s->engine == engine &&
	    pmig_state_is(READ_ONCE(s->state), PMIG_STATE_F_CANCELLABLE | PMIG_STATE_F_WRITTEN) &&
	    moves_us(s))
		stream = s->stream;
	pmig_slot_done(s);
	return stream;
}

static void migration_begun(struct pmig_engine *engine, u64 stream)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	if (room(s)) {
		start(engine, stream, 1);
	} else if (s->stream == stream && pmig_state_is(s->state, PMIG_STATE_F_CANCELLABLE)) {
		pmig_foreign_take(s);
		s->writers = 1;
	} else if (under_way(s, stream)) {
		s->writers++;
	} else {
		pending_begin(engine, stream);
	}
	mutex_unlock(&pmig_session_lock);
}

static void migration_ended(struct pmig_engine *engine, u64 stream, int err, u64 blackout_ns)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	if (!under_way(s, stream)) {
		pending_end(engine, stream, err, blackout_ns);
	} else {
		if (s->writers)
			s->writers--;
		/* One of several moves the partition; the others fail, even before it returns. */
		if ((s->flags & PMIG_F_FOREIGN) && (!err || !s->writers))
			end(s, err, blackout_ns);
	}
	mutex_unlock(&pmig_session_lock);
}

/* The worker looks here first whenever something has changed. */
void pmig_foreign_pending(void)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	if (pending.engine && room(pmig_slot_current())) {
		s = start(pending.engine, pending.stream, pending.writers);
		if (s && pending.done)
			end(s, 0, pending.blackout_ns);
		pending_clear();
	}
	mutex_unlock(&pmig_session_lock);
}

/* What waited on behalf of the engine goes with it. */
static void engine_gone(struct pmig_engine *engine)
{
	mutex_lock(&pmig_session_lock);
	if (pending.engine == engine)
		pending_clear();
	mutex_unlock(&pmig_session_lock);
}

/* The machine changes because a session moves the partition, or one waits to be told of. */
static bool explains_change(void)
{
	struct pmig_session *s;
	bool yes;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	yes = pending.engine || (s && pmig_state_is(s->state, PMIG_STATE_F_MOVING));
	mutex_unlock(&pmig_session_lock);
	return yes;
}

const struct pmig_engine_events pmig_foreign_events = {
	.begun = migration_begun,
	.ended = migration_ended,
	.which_stream = which_stream,
	.explains_change = explains_change,
	.gone = engine_gone,
};
