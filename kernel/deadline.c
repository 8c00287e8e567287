// SPDX-License-Identifier: GPL-2.0
/*
 * How long a session may take from QUIESCE to SUSPENDING, while the platform, and soon drivers too,
 * wait for its owner. The owner has earlier deadlines of its own; this one is for an owner that
 * sleeps in the kernel or is stopped. When it passes, the session is cancelled and undone, as when
 * its owner dies. The poller may be stuck at the time, so this does not depend on it.
 *
 * It also limits how long a result waits for such an owner before it makes room for others.
 */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "deadline.h"
#include "slot.h"

static unsigned int pre_timeout_ms = 600000;
module_param(pre_timeout_ms, uint, 0644);
MODULE_PARM_DESC(pre_timeout_ms,
		 "the most that a suspension, and then the result, waits for the owner (600000)");

static struct workqueue_struct *deadline_wq;
static void deadline_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(deadline, deadline_work);

static void expire_session(struct pmig_session *s)
{
	if (pmig_state_is(s->state, PMIG_STATE_F_TIMED)) {
		pmig_session_fail(s, ETIMEDOUT, "its owner (port %u) did not suspend within %u ms",
				  s->owner, s->pre_ms);
		pmig_session_stop(s);
	} else if (s->owner && pmig_session_has_ended(s)) {
		s->late = s->owner;
		s->owner = 0;
		pmig_slot_orphan(s);
	}
}

static void deadline_work(struct work_struct *work)
{
	struct pmig_session *s;

	mutex_lock(&pmig_session_lock);
	s = pmig_slot_current();
	/*
	 * This may have waited for the lock so long that another session, whose time is not up, is
	 * in the slot now.
	 */
	if (s && time_after_eq(jiffies, s->deadline))
		expire_session(s);
	mutex_unlock(&pmig_session_lock);
}

/**
 * pmig_deadline_start() - the session's time begins to run
 * @s: the session, in QUIESCE, or with a result for its owner
 */
void pmig_deadline_start(struct pmig_session *s)
{
	unsigned int ms = max(READ_ONCE(pre_timeout_ms), 1U);

	lockdep_assert_held(&pmig_session_lock);
	if (s->state == PMIG_STATE_QUIESCE) {
		ms = s->pre_ms ? min(s->pre_ms, ms) : ms;
		s->pre_ms = ms;
	}
	s->deadline = jiffies + msecs_to_jiffies(ms);
	mod_delayed_work(deadline_wq, &deadline, msecs_to_jiffies(ms));
}

static void start_if_awaited(struct pmig_session *s)
{
	if (s->state == PMIG_STATE_QUIESCE || (s->owner && pmig_session_has_ended(s)))
		pmig_deadline_start(s);
}

const struct pmig_session_listener pmig_deadline_listener = {
	.entered = start_if_awaited,
};

int pmig_deadline_init(void)
{
	deadline_wq = alloc_workqueue("pmig_deadline", WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	return deadline_wq ? 0 : -ENOMEM;
}

void pmig_deadline_exit(void)
{
	cancel_delayed_work_sync(&deadline);
	destroy_workqueue(deadline_wq);
}
