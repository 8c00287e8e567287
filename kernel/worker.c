// SPDX-License-Identifier: GPL-2.0
/*
 * The worker: one thread that does what takes long. Each state in which there is work has a step
 * here. A step runs without the lock and ends by entering the next state. Before it does, it checks
 * that the state is still the one it began in: a command, the poller or somebody else's migration
 * may have changed it meanwhile. Then the worker goes on with the step of the new state.
 *
 * From PRE to POST drivers are quiet, perhaps those that storage depends on, and memory may be
 * short. So nothing here, the kernel's own migration code included, waits for pages to be written
 * out, and the thread exists from the beginning. A workqueue would need WQ_MEM_RECLAIM for that,
 * and work on such a queue may not wait for any other workqueue, as that code does.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "chain.h"
#include "changed.h"
#include "foreign.h"
#include "poll.h"
#include "slot.h"
#include "trace.h"
#include "worker.h"

static unsigned int cancel_timeout_ms = 30000;
module_param(cancel_timeout_ms, uint, 0644);
MODULE_PARM_DESC(cancel_timeout_ms,
		 "how long to wait for the platform to confirm a cancellation (30000)");

static struct kthread_worker *worker;
static void work_once(struct kthread_work *work);
static DEFINE_KTHREAD_WORK(step_work, work_once);

/* The worker's own; copied into the session under the lock. */
static struct pmig_refusals refusals;

static struct pmig_news news_of(const struct pmig_session *s)
{
	return (struct pmig_news){
		.operation = s->operation,
		.stream = s->stream,
		.force = s->flags & PMIG_F_FORCE,
		.changes = s->changes,
	};
}

static void step_check(struct pmig_session *s)
{
	struct pmig_news news = news_of(s);

	refusals.nr = 0;
	pmig_chain_check(&news, &refusals);
	mutex_lock(&pmig_session_lock);
	*s->refusals = refusals;
	if (s->owner)
		pmig_session_enter(s, PMIG_STATE_CHECKED);
	else
		pmig_slot_forget(s);
	mutex_unlock(&pmig_session_lock);
}

static void step_pre(struct pmig_session *s)
{
	const struct pmig_refusal *no = &refusals.refusal[0];
	struct pmig_news news = news_of(s);
	int err;

	refusals.nr = 0;
	err = pmig_chain_pre(&news, &s->stop, &refusals);
	mutex_lock(&pmig_session_lock);
	*s->refusals = refusals;
	if (s->state == PMIG_STATE_PRE) {
		if (err) {
			pmig_session_fail(s, no->err, "%s: %s", no->handler, no->reason);
			pmig_session_stop(s);
		} else {
			pmig_session_enter(s, PMIG_STATE_READY);
		}
	}
	mutex_unlock(&pmig_session_lock);
}

/* The pause between two tries to read the state. */
#define LOOK_AGAIN_MS 20

/* Tries as often as the poller does: an error that goes away says nothing about the stream. */
static int read_state(struct pmig_session *s, enum pmig_vasi *vasi)
{
	unsigned int tries = PMIG_POLL_ERRORS;
	int err;

	while ((err = s->engine->get_state(s->stream, vasi)) && err != -ENOENT &&
	       err != -EOPNOTSUPP && --tries)
		msleep(LOOK_AGAIN_MS);
	return err;
}

/* Kernels before 6.0 return from the write while memory is still in transit. */
static void wait_completed(struct pmig_session *s)
{
	enum pmig_vasi vasi = PMIG_VASI_RESUMED;

	while (!read_state(s, &vasi) && vasi == PMIG_VASI_RESUMED)
		msleep(pmig_poll_interval());
}

/* Only a stream that the platform may still move has to be cancelled. */
static bool still_alive(int err, enum pmig_vasi vasi)
{
	/* If in doubt, cancel it: that does no harm to a stream that is over. */
	if (err)
		return err != -ENOENT;
	return vasi == PMIG_VASI_ENABLED || vasi == PMIG_VASI_SUSPENDING;
}

/*
 * Did another write of the same stream move the partition, so that ours failed? The platform may
 * have forgotten the stream since; then the poller has seen it move.
 */
static bool has_moved(struct pmig_session *s, int err, enum pmig_vasi vasi)
{
	bool seen;

	mutex_lock(&pmig_session_lock);
	seen = s->moved;
	mutex_unlock(&pmig_session_lock);
	return seen || (!err && pmig_vasi_moved(vasi));
}

/* Another's write goes on, and the machine may not be described anew before it returns. */
static bool handed_over(struct pmig_session *s)
{
	bool yes;

	mutex_lock(&pmig_session_lock);
	yes = pmig_foreign_hand_over(s);
	mutex_unlock(&pmig_session_lock);
	return yes;
}

static const char *explain_error(int err)
{
	switch (err) {
	case EIO:
		return "the hardware or the platform reports an error, or the stream was aborted";
	case EAGAIN:
		return "processors did not stand still in time";
	case EBUSY:
		return "the platform says that the partition can't be suspended now";
	case ECANCELED:
		return "the platform aborted the suspension";
	case EINVAL:
		return "the platform does not know the stream any more";
	default:
		return "the kernel's migration code failed";
	}
}

static void enter_post(struct pmig_session *s, u64 blackout_ns)
{
	struct pmig_changes *changes;

	wait_completed(s);
	changes = pmig_engine_compare(s->engine);
	mutex_lock(&pmig_session_lock);
	s->changes = changes;
	/* If it was cancelled, that came too late. */
	s->err = 0;
	s->reason[0] = '\0';
	if (blackout_ns) {
		s->blackout_us = div_u64(blackout_ns, NSEC_PER_USEC);
		s->has_blackout = true;
	}
	pmig_session_enter(s, PMIG_STATE_POST);
	mutex_unlock(&pmig_session_lock);
}

static void give_up(struct pmig_session *s, int err, bool cancel)
{
	mutex_lock(&pmig_session_lock);
	pmig_session_fail(s, err, "%s (error %d)", explain_error(err), err);
	pmig_session_enter(s, cancel && s->state == PMIG_STATE_SUSPENDING ? PMIG_STATE_CANCELLING :
									    PMIG_STATE_UNDO);
	mutex_unlock(&pmig_session_lock);
}

/*
 * Mainline cancels the stream when suspending fails, but not when waiting for Suspending does.
 * @ours: whether it is ours to cancel.
 */
static void judge_failed_write(struct pmig_session *s, int err, bool ours, u64 blackout_ns)
{
	enum pmig_vasi vasi = PMIG_VASI_INVALID;
	int unread = read_state(s, &vasi);

	if (!has_moved(s, unread, vasi))
		give_up(s, err, ours && still_alive(unread, vasi));
	else if (!handed_over(s))
		enter_post(s, blackout_ns);
}

static void step_suspend(struct pmig_session *s)
{
	struct pmig_others others;
	u64 blackout_ns;
	bool ours;
	int err;

	mutex_lock(&pmig_session_lock);
	others = s->others;
	mutex_unlock(&pmig_session_lock);

	if (others.state == PMIG_OTHERS_MOVING)
		return;
	ours = others.state == PMIG_OTHERS_NONE;
	err = others.err;
	blackout_ns = others.blackout_ns;
	if (ours) {
		/* What has changed until now is told as such, and not as changed by the move. */
		pmig_changed_look(s->engine, NULL, false);
		trace_pmig_suspend_begin(s->stream, 0);
		err = s->engine->suspend(s->operation, s->stream, s->file, &blackout_ns);
		trace_pmig_suspend_end(s->stream, err);
	}
	if (!err)
		enter_post(s, blackout_ns);
	else
		judge_failed_write(s, -err, ours || others.taken, blackout_ns);
}

static void step_post(struct pmig_session *s)
{
	struct pmig_news news = news_of(s);

	pmig_chain_post(&news);
	mutex_lock(&pmig_session_lock);
	pmig_session_enter(s, PMIG_STATE_COMPLETED);
	mutex_unlock(&pmig_session_lock);
}

static bool is_over(struct pmig_session *s)
{
	return READ_ONCE(s->stream_over);
}

static void step_cancel(struct pmig_session *s)
{
	int rc = s->engine->cancel(s->stream, PMIG_CANCEL_REASON(s->err));
	bool over = rc == -ENOENT;
	size_t len;

	if (!over)
		over = wait_event_idle_timeout(s->over, is_over(s),
					       msecs_to_jiffies(cancel_timeout_ms));
	mutex_lock(&pmig_session_lock);
	if (!over) {
		len = strlen(s->reason);
		scnprintf(s->reason + len, sizeof(s->reason) - len,
			  "; the platform has not confirmed the cancellation (error %d)", rc);
	}
	pmig_session_enter(s, PMIG_STATE_UNDO);
	mutex_unlock(&pmig_session_lock);
}

static void step_undo(struct pmig_session *s)
{
	struct pmig_news news = news_of(s);

	pmig_chain_undo(&news);
	mutex_lock(&pmig_session_lock);
	pmig_session_enter(s, PMIG_STATE_FAILED);
	mutex_unlock(&pmig_session_lock);
}

static void (*const steps[__PMIG_STEP_MAX])(struct pmig_session *s) = {
	[PMIG_STEP_CHECK] = step_check,	    [PMIG_STEP_PRE] = step_pre,
	[PMIG_STEP_SUSPEND] = step_suspend, [PMIG_STEP_POST] = step_post,
	[PMIG_STEP_CANCEL] = step_cancel,   [PMIG_STEP_UNDO] = step_undo,
};

/*
 * Does one step. Every change of the state wakes the worker again, so there is no need for a loop.
 */
static void work_once(struct kthread_work *work)
{
	unsigned int noio = memalloc_noio_save();
	struct pmig_session *s;
	enum pmig_step step;

	pmig_foreign_admit();
	s = pmig_slot_get();
	if (s) {
		step = pmig_states[READ_ONCE(s->state)].step;
		if (steps[step])
			steps[step](s);
		pmig_slot_done(s);
	}
	memalloc_noio_restore(noio);
}

static void wake_worker(void)
{
	kthread_queue_work(worker, &step_work);
}

static void start_step(struct pmig_session *s)
{
	wake_worker();
}

const struct pmig_session_listener pmig_worker_listener = {
	.entered = start_step,
	.work_to_do = wake_worker,
};

int pmig_worker_init(void)
{
	worker = pmig_kthread_run("pmig");
	return PTR_ERR_OR_ZERO(worker);
}

void pmig_worker_exit(void)
{
	kthread_destroy_worker(worker);
}
