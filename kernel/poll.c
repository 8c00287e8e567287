// SPDX-License-Identifier: GPL-2.0
/*
 * Watches the stream of the session: reads its state every poll_ms while that can matter, and not
 * at all without a session. It decides what the platform's answer means in each state.
 */
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "foreign.h"
#include "poll.h"
#include "slot.h"
#include "trace.h"

static unsigned int poll_ms = 20;
module_param(poll_ms, uint, 0644);
MODULE_PARM_DESC(poll_ms, "milliseconds between two looks at the stream's state, 1 to 1000 (20)");

static unsigned int unseen_ms = 2000;
module_param(unseen_ms, uint, 0644);
MODULE_PARM_DESC(unseen_ms,
		 "how long it takes at most to see who brings the kernel up to date (2000)");

static struct workqueue_struct *poll_wq;
static void poll_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(poll, poll_work);

unsigned int pmig_poll_interval(void)
{
	return clamp(READ_ONCE(poll_ms), 1U, 1000U);
}

/* The stream of somebody else's migration may be unknown. */
static bool watched(const struct pmig_session *s)
{
	return s->stream && pmig_state_is(s->state, PMIG_STATE_F_POLLED);
}

static void lose_stream(struct pmig_session *s, int err)
{
	/* A stream whose state cannot be read may still be alive, so it will be cancelled. */
	s->stream_over = !err || err == -ENOENT;
	if (err == -ENOENT)
		pmig_session_fail(s, ENOENT, "the platform no longer knows the stream");
	else if (err)
		pmig_session_fail(s, EIO,
				  "the platform does not tell the stream's state (error %d)", -err);
	else if (s->vasi == PMIG_VASI_ABORTED)
		pmig_session_fail(s, ECANCELED, "the platform or its operator aborted the stream");
	else
		pmig_session_fail(s, EIO, "the platform says that the stream is %s",
				  pmig_vasi_name(s->vasi));
	pmig_session_stop(s);
}

/* In a state before SUSPENDING: we have not written the stream yet. */
static void judge_before_suspension(struct pmig_session *s, int err)
{
	if (err || s->vasi == PMIG_VASI_ABORTED || s->vasi == PMIG_VASI_INVALID)
		lose_stream(s, err);
	else if (s->vasi == PMIG_VASI_SUSPENDING && s->state == PMIG_STATE_ENABLED)
		pmig_session_enter(s, PMIG_STATE_QUIESCE);
	else if (pmig_vasi_suspended(s->vasi))
		pmig_foreign_take(s);
}

/*
 * Somebody else's migration of which only the stream can tell how it ends. It was Suspended at
 * least, and we run again. A stream that is gone then was forgotten because another writer has read
 * Completed; one that has not moved us says Aborted.
 *
 * Once the stream is over its writer brings the kernel up to date, and is seen at that where the
 * kernel has tracepoints for it (watch.c). Then the writer tells; so there is time for that first.
 */
static void judge_unseen(struct pmig_session *s, int err)
{
	bool aborted = s->vasi == PMIG_VASI_ABORTED;

	if (!err && !aborted && s->vasi != PMIG_VASI_COMPLETED && s->vasi != PMIG_VASI_INVALID)
		return;
	if (!s->unseen_until)
		s->unseen_until = ktime_add_ms(ktime_get(), READ_ONCE(unseen_ms));
	if (!aborted && ktime_before(ktime_get(), s->unseen_until))
		return;
	pmig_foreign_finish(s, aborted ? -ECANCELED : 0, 0);
}

static void judge_stream(struct pmig_session *s, int err)
{
	switch (s->state) {
	case PMIG_STATE_ENABLED:
	case PMIG_STATE_QUIESCE:
	case PMIG_STATE_PRE:
	case PMIG_STATE_READY:
		judge_before_suspension(s, err);
		break;
	case PMIG_STATE_SUSPENDING:
		if (!err && s->vasi == PMIG_VASI_RESUMED)
			pmig_session_enter(s, PMIG_STATE_RESUMED);
		fallthrough;
	case PMIG_STATE_RESUMED:
		if (pmig_foreign_unseen(s))
			judge_unseen(s, err);
		break;
	case PMIG_STATE_CANCELLING:
		if (err || s->vasi == PMIG_VASI_ABORTED || s->vasi == PMIG_VASI_INVALID) {
			WRITE_ONCE(s->stream_over, true);
			wake_up(&s->over);
		}
		break;
	default:
		break;
	}
}

static void apply_state(struct pmig_session *s, int err, enum pmig_vasi vasi)
{
	enum pmig_vasi was = s->vasi;
	enum pmig_state state = s->state;

	s->errors = err && err != -ENOENT ? s->errors + 1 : 0;
	if (s->errors && s->errors < PMIG_POLL_ERRORS)
		return;
	s->vasi = err ? PMIG_VASI_INVALID : vasi;
	/* Never cleared: the platform may forget a stream as soon as it is Completed. */
	if (pmig_vasi_moved(s->vasi))
		s->moved = true;
	if (s->vasi != was)
		trace_pmig_vasi(s->stream, was, s->vasi, err);
	judge_stream(s, err);
	if (s->vasi != was && s->state == state)
		pmig_session_touch(s);
}

/*
 * While memory is copied a program may open an NX-GZIP window, and then PRE cannot wait for
 * Suspending. To ask once a second is enough.
 */
static bool quiesce_now(struct pmig_session *s)
{
	time64_t now = ktime_get_seconds();

	if (READ_ONCE(s->state) != PMIG_STATE_ENABLED || !s->engine->quiesce_now ||
	    s->looked == now)
		return false;
	s->looked = now;
	return s->engine->quiesce_now();
}

/* Returns false where the hypervisor was too busy to hear it. Then it has to be told again. */
static bool cancel_stream(struct pmig_session *s, u32 reason)
{
	int err = s->engine->cancel(s->stream, reason);

	return !err || err == -ENOENT;
}

static void poll_work(struct work_struct *work)
{
	struct pmig_session *s = pmig_slot_get();
	enum pmig_vasi vasi = PMIG_VASI_INVALID;
	u32 reason = 0;
	bool again, now;
	int err;

	if (!s)
		return;
	mutex_lock(&pmig_session_lock);
	again = watched(s);
	mutex_unlock(&pmig_session_lock);
	if (again) {
		now = quiesce_now(s);
		err = s->engine->get_state(s->stream, &vasi);
		mutex_lock(&pmig_session_lock);
		if (watched(s))
			apply_state(s, err, vasi);
		if (now && s->state == PMIG_STATE_ENABLED) {
			s->flags |= PMIG_F_QUIESCE_NOW;
			pmig_session_enter(s, PMIG_STATE_QUIESCE);
		}
		if (s->cancel && pmig_session_waits(s))
			reason = PMIG_CANCEL_REASON(s->err);
		s->cancel = false;
		again = watched(s);
		mutex_unlock(&pmig_session_lock);
	}
	if (reason && !cancel_stream(s, reason)) {
		mutex_lock(&pmig_session_lock);
		s->cancel = true;
		mutex_unlock(&pmig_session_lock);
	}
	pmig_slot_done(s);
	if (again)
		queue_delayed_work(poll_wq, &poll, msecs_to_jiffies(pmig_poll_interval()));
}

static void start_polling(struct pmig_session *s)
{
	if (watched(s))
		queue_delayed_work(poll_wq, &poll, 0);
}

const struct pmig_session_listener pmig_poll_listener = {
	.entered = start_polling,
};

int pmig_poll_init(void)
{
	poll_wq = alloc_workqueue("pmig_poll", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 1);
	return poll_wq ? 0 : -ENOMEM;
}

void pmig_poll_exit(void)
{
	cancel_delayed_work_sync(&poll);
	destroy_workqueue(poll_wq);
}
