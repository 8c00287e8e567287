// SPDX-License-Identifier: GPL-2.0
/*
 * What user space asks for. A command looks whether it is allowed, changes the state and returns;
 * the work is the worker's. Errors, always with a sentence: -ENOENT there is no session or no such
 * stream, -EPERM it is somebody else's, -EBUSY not in this state or another session is there,
 * -ENODEV no engine.
 */
#include <linux/slab.h>

#include "message.h"
#include "session.h"

static int busy(const struct pmig_request *rq, const struct pmig_session *s)
{
	bool ended = s->state == PMIG_STATE_COMPLETED || s->state == PMIG_STATE_FAILED;

	pmig_extack(rq->extack, "stream 0x%llx has the session, state %s%s", s->stream,
		    pmig_state_name(s->state),
		    s->owner ? "" :
		    ended    ? ": adopt and end it first" :
			       ", and no owner");
	return -EBUSY;
}

static int make_room(const struct pmig_request *rq)
{
	struct pmig_session *s = pmig_session_current();

	if (!s)
		return 0;
	if (!pmig_session_replaceable(s))
		return busy(rq, s);
	pmig_session_forget(s);
	return 0;
}

/* Refuse before the platform is asked; the slot may still fill up, so install() looks again. */
static int look_for_room(const struct pmig_request *rq)
{
	struct pmig_session *s;
	int err = 0;

	mutex_lock(&pmig_session_lock);
	s = pmig_session_current();
	if (s && !pmig_session_replaceable(s))
		err = busy(rq, s);
	mutex_unlock(&pmig_session_lock);
	return err;
}

static struct pmig_engine *find_engine(const struct pmig_request *rq)
{
	struct pmig_engine *engine = pmig_engine_get(rq->engine);

	if (engine)
		return engine;
	if (rq->engine)
		pmig_extack(rq->extack, "there is no engine \"%s\" here", rq->engine);
	else
		pmig_extack(rq->extack,
			    "no hypervisor here moves partitions, and pmig_sim is not loaded");
	return NULL;
}

static int install(const struct pmig_request *rq, struct pmig_session *s, enum pmig_state state)
{
	int err;

	s->owner = rq->portid;
	mutex_lock(&pmig_session_lock);
	err = make_room(rq);
	if (!err)
		err = pmig_session_install(s, state);
	if (!err && state == PMIG_STATE_ENABLED &&
	    ((s->flags & PMIG_F_QUIESCE_NOW) || s->vasi == PMIG_VASI_SUSPENDING))
		pmig_session_enter(s, PMIG_STATE_QUIESCE);
	mutex_unlock(&pmig_session_lock);
	return err;
}

/* For a question to the handlers the platform is not asked. */
static struct pmig_session *question(const struct pmig_request *rq, struct pmig_engine *engine)
{
	return pmig_session_alloc(engine, rq->stream, rq->flags) ?: ERR_PTR(-ENOMEM);
}

/* Is it a stream that can still be followed? */
static int judge(const struct pmig_request *rq, int err, enum pmig_vasi vasi)
{
	if (err == -ENOENT || (!err && vasi == PMIG_VASI_INVALID)) {
		pmig_extack(rq->extack, "the platform does not know stream 0x%llx; check -s",
			    rq->stream);
		return -ENOENT;
	}
	if (err == -EOPNOTSUPP) {
		pmig_extack(rq->extack, "this hypervisor moves no partitions");
		return -ENODEV;
	}
	if (err) {
		pmig_extack(rq->extack,
			    "the platform does not tell the state of stream 0x%llx: error %d",
			    rq->stream, err);
		return -EIO;
	}
	if (vasi == PMIG_VASI_ENABLED || vasi == PMIG_VASI_SUSPENDING)
		return 0;
	pmig_extack(rq->extack, "stream 0x%llx is %s already", rq->stream, pmig_vasi_name(vasi));
	return vasi == PMIG_VASI_ABORTED || vasi == PMIG_VASI_COMPLETED ? -ENOENT : -EBUSY;
}

static struct pmig_session *open_stream(const struct pmig_request *rq, struct pmig_engine *engine)
{
	enum pmig_vasi vasi = PMIG_VASI_INVALID;
	struct pmig_session *s;
	int err;

	err = engine->get_state(rq->stream, &vasi);
	err = judge(rq, err, vasi);
	if (err)
		return ERR_PTR(err);
	s = pmig_session_alloc(engine, rq->stream, rq->flags);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->vasi = vasi;
	s->pre_ms = rq->pre_ms;
	if (engine->quiesce_now && engine->quiesce_now())
		s->flags |= PMIG_F_QUIESCE_NOW;
	return s;
}

/* @make: makes the session, which takes over the reference to the engine, or an error pointer */
static int open_session(const struct pmig_request *rq, enum pmig_state state,
			struct pmig_session *(*make)(const struct pmig_request *rq,
						     struct pmig_engine *engine))
{
	struct pmig_engine *engine;
	struct pmig_session *s;
	int err;

	err = look_for_room(rq);
	if (err)
		return err;
	engine = find_engine(rq);
	if (!engine)
		return -ENODEV;
	s = make(rq, engine);
	if (IS_ERR(s)) {
		pmig_engine_put(engine);
		return PTR_ERR(s);
	}
	err = install(rq, s, state);
	if (err)
		pmig_session_put(s);
	return err;
}

/**
 * pmig_session_check() - ask all kernel handlers
 * @rq: STREAM may be missing, as it may in a validation
 *
 * Return: 0 or a negative errno.
 */
int pmig_session_check(const struct pmig_request *rq)
{
	return open_session(rq, PMIG_STATE_CHECK, question);
}

/**
 * pmig_session_begin() - follow a stream
 * @rq: STREAM is needed
 *
 * Return: 0 or a negative errno.
 */
int pmig_session_begin(const struct pmig_request *rq)
{
	return open_session(rq, PMIG_STATE_ENABLED, open_stream);
}

/* The session, if it is the caller's and in one of @states; @what completes "no session to". */
static struct pmig_session *owned(const struct pmig_request *rq, u32 states, const char *what)
{
	struct pmig_session *s = pmig_session_current();

	if (!s) {
		pmig_extack(rq->extack, "no session to %s: nothing is migrating", what);
		return ERR_PTR(-ENOENT);
	}
	if (s->owner != rq->portid) {
		pmig_extack(rq->extack,
			    s->owner ? "the session of stream 0x%llx is port %u's, not yours" :
				       "the session of stream 0x%llx has no owner: adopt it first",
			    s->stream, s->owner);
		return ERR_PTR(-EPERM);
	}
	if (!(states & BIT(s->state))) {
		pmig_extack(rq->extack, "can't %s stream 0x%llx in state %s", what, s->stream,
			    pmig_state_name(s->state));
		return ERR_PTR(-EBUSY);
	}
	return s;
}

static int advance(const struct pmig_request *rq, enum pmig_state from, enum pmig_state to,
		   const char *what)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = owned(rq, BIT(from), what);
	if (!IS_ERR(s))
		pmig_session_enter(s, to);
	mutex_unlock(&pmig_session_lock);
	return PTR_ERR_OR_ZERO(s);
}

int pmig_session_pre(const struct pmig_request *rq)
{
	return advance(rq, PMIG_STATE_QUIESCE, PMIG_STATE_PRE, "quiesce");
}

int pmig_session_suspend(const struct pmig_request *rq)
{
	return advance(rq, PMIG_STATE_READY, PMIG_STATE_SUSPENDING, "suspend");
}

#define BEFORE_SUSPENDING                                                          \
	(BIT(PMIG_STATE_ENABLED) | BIT(PMIG_STATE_QUIESCE) | BIT(PMIG_STATE_PRE) | \
	 BIT(PMIG_STATE_READY))

int pmig_session_cancel(const struct pmig_request *rq)
{
	u32 states = BEFORE_SUSPENDING;
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_session_current();
	if (s && pmig_session_waits(s))
		states |= BIT(PMIG_STATE_SUSPENDING);
	s = owned(rq, states, "cancel");
	if (!IS_ERR(s)) {
		pmig_session_fail(s, rq->err ?: ECANCELED, "cancelled by its owner");
		if (s->state == PMIG_STATE_SUSPENDING)
			s->cancel = true;
		else
			pmig_session_stop(s);
	}
	mutex_unlock(&pmig_session_lock);
	return PTR_ERR_OR_ZERO(s);
}

int pmig_session_adopt(const struct pmig_request *rq)
{
	struct pmig_session *s;
	int err = 0;

	mutex_lock(&pmig_session_lock);
	s = pmig_session_current();
	if (!s) {
		pmig_extack(rq->extack, "no session to adopt: nothing is migrating");
		err = -ENOENT;
	} else if (s->owner && s->owner != rq->portid) {
		pmig_extack(rq->extack, "the session of stream 0x%llx has an owner, port %u",
			    s->stream, s->owner);
		err = -EBUSY;
	} else if (!s->owner) {
		s->owner = rq->portid;
		pmig_session_touch(s);
	}
	mutex_unlock(&pmig_session_lock);
	return err;
}

int pmig_session_end(const struct pmig_request *rq)
{
	u32 ended = BIT(PMIG_STATE_CHECKED) | BIT(PMIG_STATE_COMPLETED) | BIT(PMIG_STATE_FAILED);
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = owned(rq, ended, "end");
	if (!IS_ERR(s))
		pmig_session_forget(s);
	mutex_unlock(&pmig_session_lock);
	return PTR_ERR_OR_ZERO(s);
}

/**
 * pmig_session_orphan() - a socket has closed
 * @portid: its port; most are not an owner's
 *
 * A check is worth nothing without the one who asked; the worker forgets it if it still runs.
 * Before the suspension the migration is undone; from there on it is finished, and the result kept.
 */
void pmig_session_orphan(u32 portid)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_session_current();
	if (!s || !portid || s->owner != portid)
		goto out;
	s->owner = 0;
	if (s->state == PMIG_STATE_CHECKED) {
		pmig_session_forget(s);
	} else if (BIT(s->state) & BEFORE_SUSPENDING) {
		pmig_session_fail(s, EOWNERDEAD, "its owner (port %u) died before the suspension",
				  portid);
		pmig_session_stop(s);
	} else {
		pmig_session_touch(s);
		pmig_run_kick(); /* a result without an owner may make room for who waits */
	}
out:
	mutex_unlock(&pmig_session_lock);
}
