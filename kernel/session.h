/* SPDX-License-Identifier: GPL-2.0 */
/* A session: the object, its state, and who is told when that changes. */
#ifndef _PMIG_SESSION_H
#define _PMIG_SESSION_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include "engine.h"
#include "news.h"
#include "others.h"
#include "state.h"

/* First byte of the reason code of H_VASI_SIGNAL: the partition itself; the rest is an errno. */
#define PMIG_CANCEL_REASON(err) (6U << 24 | (0xffffff & (err)))

/**
 * struct pmig_session - one migration, or one question about it
 * @ref: the slot or the history holds one, and the worker and the poller while they work for it
 * @operation: what is done to the partition
 * @stream: stream ID
 * @engine: the hypervisor; its module is pinned as long as the session has not @rested,
 *	and from pmig_slot_get() to pmig_slot_done()
 * @engine_name: its name
 * @file: what the stream will be written to, open; NULL for none. As @engine
 * @over: woken when @stream_over is set
 * @flags: PMIG_F_*, under pmig_session_lock like all that follows
 * @state: only pmig_session_enter() changes it
 * @vasi: as last read by the poller
 * @owner: netlink port, 0 for none
 * @late: the owner that has not taken the result in time, and still may; 0 for none
 * @err: positive errno of a failure; what failed first stays
 * @reason: in words
 * @pre_ms: how long it may take from QUIESCE to SUSPENDING; 0 is what the module grants
 * @deadline: jiffies when that has passed, from QUIESCE on; then when the result has to be taken
 * @blackout_us: measured inside, if @has_blackout
 * @refusals: by kernel handlers
 * @changes: of before and after the move, or NULL
 * @stop: PRE goes no further; read without the lock by the chain
 * @cancel: the poller has to cancel the stream, as the worker is in the write
 * @looked: when the poller last asked whether PRE has to come at once; its own, in seconds
 * @stream_over: the stream is Aborted, Invalid or gone: there is nothing to cancel
 * @moved: the stream was seen Resumed or Completed, whatever it is now
 * @has_blackout: @blackout_us counts
 * @others: what others do with the stream; PMIG_F_FOREIGN says that it is theirs
 * @unseen_until: until then the writer of somebody else's stream that is over may still be seen; 0
 *	before it is over
 * @errors: how often in a row the state could not be read
 * @resized: it has been logged that the partition was resized meanwhile
 * @node: in the history, while it is not in the slot
 * @recalled: it has been in the history
 * @rested: it has ended, and had no owner then or later: nothing works for it any more
 */
struct pmig_session {
	struct kref ref;
	enum pmig_operation operation;
	u64 stream;
	struct pmig_engine *engine;
	char engine_name[PMIG_NAME_LEN];
	struct file *file;
	wait_queue_head_t over;

	u32 flags;
	enum pmig_state state;
	enum pmig_vasi vasi;
	u32 owner;
	u32 late;
	int err;
	char reason[PMIG_REASON_LEN];
	u32 pre_ms;
	unsigned long deadline;
	u64 blackout_us;
	struct pmig_refusals *refusals;
	struct pmig_changes *changes;
	bool stop;
	bool cancel;
	time64_t looked;
	bool stream_over;
	bool moved;
	bool has_blackout;
	struct pmig_others others;
	ktime_t unseen_until;
	unsigned int errors;
	bool resized;
	struct list_head node;
	bool recalled;
	bool rested;
};

/*
 * Guards the slot and the session in it. Outside engines_lock and pmig_handlers_lock. Never held
 * while an engine or a handler is called. The worker needs it while storage may be quiet, so
 * what is allocated under it is allocated in a memalloc_noio scope.
 */
extern struct mutex pmig_session_lock;

/**
 * struct pmig_session_listener - is told what happens to sessions
 * @changed: something has changed, and has been counted
 * @entered: the state is a new one
 * @work_to_do: there is something for the worker to do
 *
 * Each may be NULL. Called with pmig_session_lock held; what they allocate does not wait for I/O.
 */
struct pmig_session_listener {
	void (*changed)(struct pmig_session *s);
	void (*entered)(struct pmig_session *s);
	void (*work_to_do)(void);
};

void pmig_session_listen(const struct pmig_session_listener *const *all);

/* With pmig_session_lock held. */
u32 pmig_session_seq(void);
void pmig_session_enter(struct pmig_session *s, enum pmig_state state);
void pmig_session_touch(struct pmig_session *s);
void pmig_session_call_worker(void);
void pmig_session_rest(struct pmig_session *s);
void pmig_session_unpin(void);
__printf(3, 4) void pmig_session_fail(struct pmig_session *s, int err, const char *fmt, ...);
void pmig_session_stop(struct pmig_session *s);

struct pmig_session *pmig_session_alloc(struct pmig_engine *engine, u64 stream, u32 flags);
void pmig_session_put(struct pmig_session *s);

/* Our write waits until the platform is ready, for hours perhaps: nothing has been suspended. */
static inline bool pmig_session_waits(const struct pmig_session *s)
{
	return s->state == PMIG_STATE_SUSPENDING && s->others.state == PMIG_OTHERS_NONE &&
	       (s->vasi == PMIG_VASI_ENABLED || s->vasi == PMIG_VASI_SUSPENDING);
}

/* The result is there. */
static inline bool pmig_session_has_ended(const struct pmig_session *s)
{
	return pmig_state_is(s->state, PMIG_STATE_F_ENDED);
}

static inline bool pmig_session_rests(const struct pmig_session *s)
{
	return !s->owner && pmig_session_has_ended(s);
}

#endif /* _PMIG_SESSION_H */
