// SPDX-License-Identifier: GPL-2.0
/*
 * Migrations that somebody else started, by writing to sysfs for instance. They get a session too,
 * so that the handlers hear POST and user space an event. What others do with its stream is noted
 * in the session:
 *
 *	NONE	 --- another writes our stream before we do (taken)	---> MOVING
 *	NONE	 --- our write has failed, and another's goes on	---> MOVING
 *	(none)	 --- another migrates, and we have no session of it	---> MOVING
 *	MOVING	 --- one writer has succeeded, the last one has failed,
 *		     or the stream says how it ended			---> DONE
 *
 *  - No session, a CHECKED one, or a result that nobody owns: a new session takes the slot, in
 *    SUSPENDING.
 *  - Our own session follows the same stream and has not suspended: it becomes the session of that
 *    migration and keeps its owner. PRE goes no further; those who were told it hear POST or
 *    POST_ERROR.
 *  - Anything else waits until the slot is free. If it has failed by then, nobody was told, and it
 *    is forgotten.
 *
 * Mainline lets several write the same stream, us among them. Only one of these writes moves the
 * partition, and the others fail, so a failure counts only when it is the last writer's.
 */
#include <linux/sched/mm.h>

#include "changed.h"
#include "foreign.h"
#include "slot.h"

/*
 * The one that waits for the slot, under pmig_session_lock; its state is NONE where there is none.
 * One that has ended well stays until everyone can be told, whatever begins and fails meanwhile.
 */
static struct {
	struct pmig_engine *engine;
	u64 stream;
	struct pmig_others others;
} waiting;

static void forget_waiting(void)
{
	lockdep_assert_held(&pmig_session_lock);
	memset(&waiting, 0, sizeof(waiting));
}

/* Whoever writes the stream of this session takes part in it, whether it is ours or not. */
static bool takes_part(const struct pmig_session *s, u64 stream)
{
	return s && s->stream == stream && s->others.state != PMIG_OTHERS_DONE &&
	       pmig_state_is(s->state, PMIG_STATE_F_WRITTEN);
}

static bool has_room(const struct pmig_session *s)
{
	return pmig_slot_has_room() || s->state == PMIG_STATE_CHECKED;
}

static void make_theirs(struct pmig_session *s)
{
	s->others.state = PMIG_OTHERS_MOVING;
	s->flags |= PMIG_F_FOREIGN;
}

/**
 * pmig_foreign_take() - somebody else suspends the stream of our session
 * @s: the session, before SUSPENDING
 */
void pmig_foreign_take(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	make_theirs(s);
	s->others.taken = true;
	WRITE_ONCE(s->stop, true);
	pmig_session_enter(s, PMIG_STATE_SUSPENDING);
}

/**
 * pmig_foreign_hand_over() - our write has failed as another's has moved us: does that go on?
 * @s: the session
 *
 * Return: true if so. The session ends when that write does.
 */
bool pmig_foreign_hand_over(struct pmig_session *s)
{
	lockdep_assert_held(&pmig_session_lock);
	if (s->others.state == PMIG_OTHERS_DONE || !s->others.writers)
		return false;
	s->moved = true; /* the platform may forget it before that write returns */
	make_theirs(s);
	return true;
}

/* Nobody was seen to begin it, so nobody will be seen to end it: only the stream can tell. */
bool pmig_foreign_unseen(const struct pmig_session *s)
{
	return s->others.state == PMIG_OTHERS_MOVING && !s->others.writers;
}

/**
 * pmig_foreign_finish() - somebody else's migration is over
 * @s: its session
 * @err: 0 or a negative errno
 * @blackout_ns: how long the partition stood still, 0 where that is not known
 */
void pmig_foreign_finish(struct pmig_session *s, int err, u64 blackout_ns)
{
	lockdep_assert_held(&pmig_session_lock);
	s->others.state = PMIG_OTHERS_DONE;
	s->others.err = err;
	s->others.blackout_ns = blackout_ns;
	pmig_session_call_worker();
}

static void begin_session(struct pmig_engine *engine, u64 stream, const struct pmig_others *others)
{
	struct pmig_session *s;
	unsigned int noio;

	lockdep_assert_held(&pmig_session_lock);
	if (!pmig_engine_ref(engine))
		return;
	noio = memalloc_noio_save();
	s = pmig_session_alloc(engine, stream, PMIG_F_FOREIGN);
	memalloc_noio_restore(noio);
	if (!s) {
		pmig_engine_put(engine);
		return;
	}
	s->others = *others;
	pmig_slot_make_room();
	if (pmig_slot_install(s, PMIG_STATE_SUSPENDING))
		pmig_session_put(s);
}

/* The worker calls this first whenever something has changed: the one that waits gets the slot. */
void pmig_foreign_admit(void)
{
	mutex_lock(&pmig_session_lock);
	if (waiting.others.state != PMIG_OTHERS_NONE && has_room(pmig_slot_current())) {
		begin_session(waiting.engine, waiting.stream, &waiting.others);
		forget_waiting();
	}
	mutex_unlock(&pmig_session_lock);
}

static bool is_waiting(const struct pmig_engine *engine, u64 stream)
{
	return waiting.engine == engine && waiting.stream == stream;
}

static void wait_begun(struct pmig_engine *engine, u64 stream)
{
	lockdep_assert_held(&pmig_session_lock);
	if (waiting.others.state == PMIG_OTHERS_DONE)
		return;
	if (!is_waiting(engine, stream))
		waiting.others.writers = 0;
	waiting.engine = engine;
	waiting.stream = stream;
	waiting.others.state = PMIG_OTHERS_MOVING;
	waiting.others.writers++;
}

static void wait_ended(struct pmig_engine *engine, u64 stream, int err, u64 blackout_ns)
{
	lockdep_assert_held(&pmig_session_lock);
	if (!err) {
		waiting.engine = engine;
		waiting.stream = stream;
		waiting.others.state = PMIG_OTHERS_DONE;
		waiting.others.blackout_ns = blackout_ns;
		pmig_session_call_worker();
	} else if (is_waiting(engine, stream) && waiting.others.state == PMIG_OTHERS_MOVING &&
		   !--waiting.others.writers) {
		forget_waiting();
	}
}

static void migration_begun(struct pmig_engine *engine, u64 stream)
{
	static const struct pmig_others one = { .state = PMIG_OTHERS_MOVING, .writers = 1 };
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	if (has_room(s)) {
		begin_session(engine, stream, &one);
	} else if (s->stream == stream && pmig_state_is(s->state, PMIG_STATE_F_CANCELLABLE)) {
		pmig_foreign_take(s);
		s->others.writers = 1;
	} else if (takes_part(s, stream)) {
		s->others.writers++;
	} else {
		wait_begun(engine, stream);
	}
	mutex_unlock(&pmig_session_lock);
}

static void migration_ended(struct pmig_engine *engine, u64 stream, int err, u64 blackout_ns)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	if (!takes_part(s, stream)) {
		wait_ended(engine, stream, err, blackout_ns);
	} else {
		if (s->others.writers)
			s->others.writers--;
		/* The write that moves the partition may return after those that fail. */
		if (s->others.state == PMIG_OTHERS_MOVING && (!err || !s->others.writers))
			pmig_foreign_finish(s, err, blackout_ns);
	}
	mutex_unlock(&pmig_session_lock);
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

/* The machine changes because a session moves the partition, or one waits to be told of. */
static bool explains_change(void)
{
	struct pmig_session *s;
	bool yes;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	yes = waiting.others.state != PMIG_OTHERS_NONE ||
	      (s && pmig_state_is(s->state, PMIG_STATE_F_MOVING));
	mutex_unlock(&pmig_session_lock);
	return yes;
}

static int machine_changed(struct pmig_engine *engine, bool here)
{
	return pmig_changed_look(engine, explains_change, here);
}

/*
 * A DLPAR operation while the partition moves: the HMC does not start any then, so somebody else
 * has. What it added may have been placed by the server that the partition leaves.
 */
static void machine_resized(struct pmig_engine *engine, const char *what)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	if (s && s->engine == engine && !s->resized &&
	    pmig_state_is(s->state, PMIG_STATE_F_POLLED | PMIG_STATE_F_MOVING)) {
		s->resized = true;
		pr_notice("stream 0x%llx: %s came or went while the partition was being moved\n",
			  s->stream, what);
	}
	mutex_unlock(&pmig_session_lock);
}

/* What waited on behalf of the engine goes with it. */
static void engine_gone(struct pmig_engine *engine)
{
	mutex_lock(&pmig_session_lock);
	if (waiting.engine == engine)
		forget_waiting();
	mutex_unlock(&pmig_session_lock);
}

const struct pmig_engine_events pmig_foreign_events = {
	.begun = migration_begun,
	.ended = migration_ended,
	.which_stream = which_stream,
	.changed = machine_changed,
	.resized = machine_resized,
	.gone = engine_gone,
};
