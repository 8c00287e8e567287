// SPDX-License-Identifier: GPL-2.0
/*
 * What user space asks for. A command checks that it is allowed, changes the state and returns; the
 * worker does the work. Errors, each with a sentence: -ENOENT there is no session or no such
 * stream, -EPERM it is somebody else's, -EBUSY not in this state or another session is there,
 * -EAGAIN not before another session has ended, -ENODEV no engine.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/slab.h>

#include "command.h"
#include "deadline.h"
#include "history.h"
#include "slot.h"

static const char no_session[] = "there is no session: nothing is migrating";

static int say_busy(const struct pmig_request *rq, const struct pmig_session *s)
{
	pmig_say(rq->extack, pmig_states[s->state].not_now);
	return -EBUSY;
}

static int make_room(const struct pmig_request *rq)
{
	if (!pmig_slot_has_room())
		return say_busy(rq, pmig_slot_current());
	pmig_slot_make_room();
	return 0;
}

/*
 * Refuse before the platform is asked. The slot may be taken meanwhile, so install_session() looks
 * again.
 */
static int look_for_room(const struct pmig_request *rq)
{
	int err = 0;

	mutex_lock(&pmig_session_lock);
	if (!pmig_slot_has_room())
		err = say_busy(rq, pmig_slot_current());
	mutex_unlock(&pmig_session_lock);
	return err;
}

static struct pmig_engine *find_engine(const struct pmig_request *rq)
{
	struct pmig_engine *engine = pmig_engine_get(rq->engine);

	if (engine)
		return engine;
	pmig_say(rq->extack,
		 rq->engine ? "there is no engine of that name here" :
			      "no hypervisor here moves partitions, and pmig_sim is not loaded");
	return NULL;
}

static int install_session(const struct pmig_request *rq, struct pmig_session *s,
			   enum pmig_state state)
{
	int err;

	s->owner = rq->portid;
	mutex_lock(&pmig_session_lock);
	err = make_room(rq);
	if (!err)
		err = pmig_slot_install(s, state);
	if (!err && state == PMIG_STATE_ENABLED &&
	    ((s->flags & PMIG_F_QUIESCE_NOW) || s->vasi == PMIG_VASI_SUSPENDING))
		pmig_session_enter(s, PMIG_STATE_QUIESCE);
	mutex_unlock(&pmig_session_lock);
	return err;
}

static const char read_only[] =
	"/sys is read-only, so nothing can be migrated: mount -o remount,rw /sys";
static const char denied[] =
	"neither kernel nor caller may open /sys/kernel/mobility/migration: see the audit log";

static struct file *open_file(const struct pmig_request *rq, struct pmig_engine *engine)
{
	struct file *file = NULL;

	if (engine->open)
		file = engine->open(PMIG_OPERATION_MIGRATE, rq->fd);
	if (IS_ERR(file))
		pmig_say(rq->extack, PTR_ERR(file) == -EROFS ? read_only : denied);
	return file;
}

/* CHECK asks the handlers only, not the platform. */
static struct pmig_session *make_question(const struct pmig_request *rq, struct pmig_engine *engine)
{
	struct file *file = open_file(rq, engine);

	if (IS_ERR(file))
		return ERR_CAST(file);
	if (file)
		fput(file);
	return pmig_session_alloc(engine, rq->stream, rq->flags) ?: ERR_PTR(-ENOMEM);
}

static const char *const already[] = {
	[PMIG_VASI_ABORTED] = "this stream is Aborted already",
	[PMIG_VASI_SUSPENDED] = "this stream is Suspended already",
	[PMIG_VASI_RESUMED] = "this stream is Resumed already",
	[PMIG_VASI_COMPLETED] = "this stream is Completed already",
};

/* Is it a stream that can still be followed? */
static int judge_state(const struct pmig_request *rq, int err, enum pmig_vasi vasi)
{
	if (err == -ENOENT || (!err && vasi == PMIG_VASI_INVALID)) {
		pmig_say(rq->extack, "the platform does not know this stream; check -s");
		return -ENOENT;
	}
	if (err == -EOPNOTSUPP) {
		pmig_say(rq->extack, "this hypervisor moves no partitions");
		return -ENODEV;
	}
	if (err) {
		pmig_say(rq->extack, "the platform does not tell the state of this stream");
		return -EIO;
	}
	if (vasi == PMIG_VASI_ENABLED || vasi == PMIG_VASI_SUSPENDING)
		return 0;
	pmig_say(rq->extack, already[vasi]);
	return vasi == PMIG_VASI_ABORTED || vasi == PMIG_VASI_COMPLETED ? -ENOENT : -EBUSY;
}

static struct pmig_session *open_stream(const struct pmig_request *rq, struct pmig_engine *engine)
{
	enum pmig_vasi vasi = PMIG_VASI_INVALID;
	struct pmig_session *s;
	struct file *file;
	int err;

	err = engine->get_state(rq->stream, &vasi);
	err = judge_state(rq, err, vasi);
	if (err)
		return ERR_PTR(err);
	file = open_file(rq, engine);
	if (IS_ERR(file))
		return ERR_CAST(file);
	s = pmig_session_alloc(engine, rq->stream, rq->flags);
	if (!s) {
		if (file)
			fput(file);
		return ERR_PTR(-ENOMEM);
	}
	s->file = file;
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
	err = install_session(rq, s, state);
	if (err)
		pmig_session_put(s);
	return err;
}

/**
 * pmig_command_check() - ask all kernel handlers
 * @rq: STREAM may be missing, as it may in a validation
 *
 * Return: 0 or a negative errno.
 */
int pmig_command_check(const struct pmig_request *rq)
{
	return open_session(rq, PMIG_STATE_CHECK, make_question);
}

/**
 * pmig_command_begin() - follow a stream
 * @rq: STREAM is needed
 *
 * Return: 0 or a negative errno.
 */
int pmig_command_begin(const struct pmig_request *rq)
{
	return open_session(rq, PMIG_STATE_ENABLED, open_stream);
}

/* The session, if it is the caller's. */
static struct pmig_session *own_session(const struct pmig_request *rq)
{
	struct pmig_session *s = pmig_slot_current();

	if (!s) {
		pmig_say(rq->extack, no_session);
		return ERR_PTR(-ENOENT);
	}
	if (s->owner != rq->portid) {
		pmig_say(rq->extack, s->owner ? "the session is another port's, not yours" :
						"the session has no owner: adopt it first");
		return ERR_PTR(-EPERM);
	}
	return s;
}

static int advance_session(const struct pmig_request *rq, enum pmig_state from, enum pmig_state to)
{
	struct pmig_session *s;
	int err;

	mutex_lock(&pmig_session_lock);
	s = own_session(rq);
	err = PTR_ERR_OR_ZERO(s);
	if (!err && s->state != from)
		err = say_busy(rq, s);
	if (!err)
		pmig_session_enter(s, to);
	mutex_unlock(&pmig_session_lock);
	return err;
}

int pmig_command_pre(const struct pmig_request *rq)
{
	return advance_session(rq, PMIG_STATE_QUIESCE, PMIG_STATE_PRE);
}

int pmig_command_suspend(const struct pmig_request *rq)
{
	return advance_session(rq, PMIG_STATE_READY, PMIG_STATE_SUSPENDING);
}

int pmig_command_cancel(const struct pmig_request *rq)
{
	struct pmig_session *s;
	int err;

	mutex_lock(&pmig_session_lock);
	s = own_session(rq);
	err = PTR_ERR_OR_ZERO(s);
	if (!err && !pmig_state_is(s->state, PMIG_STATE_F_CANCELLABLE) && !pmig_session_waits(s))
		err = say_busy(rq, s);
	if (!err) {
		pmig_session_fail(s, rq->err ?: ECANCELED, "cancelled by its owner");
		if (pmig_session_waits(s))
			s->cancel = true;
		else
			pmig_session_stop(s);
	}
	mutex_unlock(&pmig_session_lock);
	return err;
}

/*
 * With a stream in @rq only its session is adopted, even if it has left the slot for another. A
 * result that has left it can be adopted again as soon as there is room for it.
 */
int pmig_command_adopt(const struct pmig_request *rq)
{
	struct pmig_session *s;
	int err = 0;

	mutex_lock(&pmig_session_lock);
	s = rq->stream ? pmig_slot_find(rq->stream) : pmig_slot_current();
	if (!s && rq->stream && pmig_history_has(rq->stream)) {
		pmig_say(rq->extack,
			 "another session is in the way: ask again when that has ended");
		err = -EAGAIN;
	} else if (!s) {
		pmig_say(rq->extack,
			 rq->stream ? "there is no session of this stream" : no_session);
		err = -ENOENT;
	} else if (s->owner && s->owner != rq->portid) {
		pmig_say(rq->extack, "the session has an owner");
		err = -EBUSY;
	} else if (!s->owner) {
		err = pmig_slot_adopt(s, rq->portid);
		if (!err && pmig_session_has_ended(s))
			pmig_deadline_start(s);
	}
	mutex_unlock(&pmig_session_lock);
	return err;
}

/* A result is taken. A stream that nobody has been told of is left as it is. */
int pmig_command_end(const struct pmig_request *rq)
{
	struct pmig_session *s;
	int err = 0;

	mutex_lock(&pmig_session_lock);
	if (pmig_slot_end_late(rq->portid))
		goto out;
	s = own_session(rq);
	err = PTR_ERR_OR_ZERO(s);
	if (!err && !pmig_state_is(s->state, PMIG_STATE_F_DROPPABLE))
		err = say_busy(rq, s);
	if (!err)
		pmig_slot_forget(s);
out:
	mutex_unlock(&pmig_session_lock);
	return err;
}

/**
 * pmig_command_orphan() - a socket has closed
 * @portid: its port; most are not an owner's
 *
 * A check is of no use without its owner; if it still runs, the worker drops it when it is done.
 * Before the suspension the migration is undone; from there on it is finished, and the result kept.
 */
void pmig_command_orphan(u32 portid)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	if (!s || !portid || s->owner != portid)
		goto out;
	s->owner = 0;
	if (s->state == PMIG_STATE_CHECKED) {
		pmig_slot_forget(s);
	} else if (pmig_state_is(s->state, PMIG_STATE_F_CANCELLABLE)) {
		pmig_session_fail(s, EOWNERDEAD, "its owner (port %u) died before the suspension",
				  portid);
		pmig_session_stop(s);
	} else {
		pmig_slot_orphan(s);
	}
out:
	mutex_unlock(&pmig_session_lock);
}
