/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the states of a session and of a stream mean: the one table of it. Pure: no kernel call,
 * also built in user space.
 */
#ifndef _PMIG_STATE_H
#define _PMIG_STATE_H

#include <linux/types.h>
#include <uapi/linux/pmig.h>

/* Nothing of ours has been suspended: what fails or is given up is cancelled and undone. */
#define PMIG_STATE_F_CANCELLABLE 0x01
/* The platform, and soon drivers too, wait for the owner, which has a deadline. */
#define PMIG_STATE_F_TIMED 0x02
/* The poller reads the state of the stream. */
#define PMIG_STATE_F_POLLED 0x04
/* The stream has been written, by us or by others, and its move is not over. */
#define PMIG_STATE_F_WRITTEN 0x08
/* The machine may change because of this session. */
#define PMIG_STATE_F_MOVING 0x10
/* There is a result. */
#define PMIG_STATE_F_ENDED 0x20
/* The owner may end the session: nobody would have to be told of it. */
#define PMIG_STATE_F_DROPPABLE 0x40

/* What the worker does in a state; worker.c has a function for each. */
enum pmig_step {
	PMIG_STEP_NONE,
	PMIG_STEP_CHECK,
	PMIG_STEP_PRE,
	PMIG_STEP_SUSPEND,
	PMIG_STEP_POST,
	PMIG_STEP_CANCEL,
	PMIG_STEP_UNDO,
	__PMIG_STEP_MAX,
};

/**
 * struct pmig_state_row - one state
 * @name: for people
 * @uevent: PMIG_EVENT, what happens when it is entered
 * @not_now: the sentence for a command that is not allowed in it
 * @may_follow: bits of the states that may follow
 * @flags: PMIG_STATE_F_*
 * @step: what the worker does in it
 */
struct pmig_state_row {
	const char *name;
	const char *uevent;
	const char *not_now;
	__u32 may_follow;
	__u32 flags;
	enum pmig_step step;
};

extern const struct pmig_state_row pmig_states[__PMIG_STATE_MAX];

/* Does the state have one of these flags? */
static inline bool pmig_state_is(enum pmig_state state, __u32 flags)
{
	return pmig_states[state].flags & flags;
}

bool pmig_state_may_follow(enum pmig_state from, enum pmig_state to);
const char *pmig_state_name(enum pmig_state state);
const char *pmig_vasi_name(enum pmig_vasi vasi);

/* The partition runs in the destination. */
static inline bool pmig_vasi_moved(enum pmig_vasi vasi)
{
	return vasi == PMIG_VASI_RESUMED || vasi == PMIG_VASI_COMPLETED;
}

/* The partition stands still for its move, or has stood still. */
static inline bool pmig_vasi_suspended(enum pmig_vasi vasi)
{
	return vasi == PMIG_VASI_SUSPENDED || pmig_vasi_moved(vasi);
}

#endif /* _PMIG_STATE_H */
