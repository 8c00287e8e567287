// SPDX-License-Identifier: GPL-2.0
/*
 * The table of a session's states: what each is called, which may follow it, and what may happen in
 * it. The selftests build this file as it is and go through the whole table.
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/kernel.h>
#endif
#include "state.h"

#define TO(state) BIT(PMIG_STATE_##state)
#define F(flag)	  PMIG_STATE_F_##flag

/* The acknowledgment of a command needs a string that stays: this is not put together on demand. */
#define NOT_NOW "not now: the session is in state "

/* What may follow NONE is how a session begins, and to NONE is how it ends. */
const struct pmig_state_row pmig_states[__PMIG_STATE_MAX] = {
	[PMIG_STATE_NONE] = {
		.name = PMIG_STATE_NAME_NONE,
		.uevent = "end",
		.may_follow = TO(CHECK) | TO(ENABLED) | TO(SUSPENDING),
	},
	[PMIG_STATE_CHECK] = {
		.name = PMIG_STATE_NAME_CHECK,
		.uevent = "check",
		.not_now = NOT_NOW PMIG_STATE_NAME_CHECK,
		.step = PMIG_STEP_CHECK,
		.may_follow = TO(CHECKED) | TO(NONE),
	},
	[PMIG_STATE_CHECKED] = {
		.name = PMIG_STATE_NAME_CHECKED,
		.uevent = "checked",
		.not_now = NOT_NOW PMIG_STATE_NAME_CHECKED,
		.flags = F(DROPPABLE),
		.may_follow = TO(NONE),
	},
	[PMIG_STATE_ENABLED] = {
		.name = PMIG_STATE_NAME_ENABLED,
		.uevent = "begin",
		.not_now = NOT_NOW PMIG_STATE_NAME_ENABLED,
		.flags = F(CANCELLABLE) | F(POLLED) | F(DROPPABLE),
		.may_follow = TO(QUIESCE) | TO(CANCELLING) | TO(UNDO) | TO(SUSPENDING) | TO(NONE),
	},
	[PMIG_STATE_QUIESCE] = {
		.name = PMIG_STATE_NAME_QUIESCE,
		.uevent = "quiesce",
		.not_now = NOT_NOW PMIG_STATE_NAME_QUIESCE,
		.flags = F(CANCELLABLE) | F(TIMED) | F(POLLED) | F(DROPPABLE),
		.may_follow = TO(PRE) | TO(CANCELLING) | TO(UNDO) | TO(SUSPENDING) | TO(NONE),
	},
	[PMIG_STATE_PRE] = {
		.name = PMIG_STATE_NAME_PRE,
		.uevent = "pre",
		.not_now = NOT_NOW PMIG_STATE_NAME_PRE,
		.step = PMIG_STEP_PRE,
		.flags = F(CANCELLABLE) | F(TIMED) | F(POLLED),
		.may_follow = TO(READY) | TO(CANCELLING) | TO(UNDO) | TO(SUSPENDING),
	},
	[PMIG_STATE_READY] = {
		.name = PMIG_STATE_NAME_READY,
		.uevent = "ready",
		.not_now = NOT_NOW PMIG_STATE_NAME_READY,
		.flags = F(CANCELLABLE) | F(TIMED) | F(POLLED),
		.may_follow = TO(SUSPENDING) | TO(CANCELLING) | TO(UNDO),
	},
	[PMIG_STATE_SUSPENDING] = {
		.name = PMIG_STATE_NAME_SUSPENDING,
		.uevent = "suspend",
		.not_now = NOT_NOW PMIG_STATE_NAME_SUSPENDING,
		.step = PMIG_STEP_SUSPEND,
		.flags = F(POLLED) | F(WRITTEN) | F(MOVING),
		.may_follow = TO(RESUMED) | TO(POST) | TO(CANCELLING) | TO(UNDO),
	},
	[PMIG_STATE_RESUMED] = {
		.name = PMIG_STATE_NAME_RESUMED,
		.uevent = "resumed",
		.not_now = NOT_NOW PMIG_STATE_NAME_RESUMED,
		.step = PMIG_STEP_SUSPEND,
		.flags = F(POLLED) | F(WRITTEN) | F(MOVING),
		.may_follow = TO(POST) | TO(UNDO),
	},
	[PMIG_STATE_POST] = {
		.name = PMIG_STATE_NAME_POST,
		.uevent = "post",
		.not_now = NOT_NOW PMIG_STATE_NAME_POST,
		.step = PMIG_STEP_POST,
		.flags = F(MOVING),
		.may_follow = TO(COMPLETED),
	},
	[PMIG_STATE_COMPLETED] = {
		.name = PMIG_STATE_NAME_COMPLETED,
		.uevent = "completed",
		.not_now = NOT_NOW PMIG_STATE_NAME_COMPLETED,
		.flags = F(ENDED) | F(DROPPABLE),
		.may_follow = TO(NONE),
	},
	[PMIG_STATE_CANCELLING] = {
		.name = PMIG_STATE_NAME_CANCELLING,
		.uevent = "cancel",
		.not_now = NOT_NOW PMIG_STATE_NAME_CANCELLING,
		.step = PMIG_STEP_CANCEL,
		.flags = F(POLLED),
		.may_follow = TO(UNDO),
	},
	[PMIG_STATE_UNDO] = {
		.name = PMIG_STATE_NAME_UNDO,
		.uevent = "undo",
		.not_now = NOT_NOW PMIG_STATE_NAME_UNDO,
		.step = PMIG_STEP_UNDO,
		.may_follow = TO(FAILED),
	},
	[PMIG_STATE_FAILED] = {
		.name = PMIG_STATE_NAME_FAILED,
		.uevent = "failed",
		.not_now = NOT_NOW PMIG_STATE_NAME_FAILED,
		.flags = F(ENDED) | F(DROPPABLE),
		.may_follow = TO(NONE),
	},
};

static const char *const vasi_names[] = {
	[PMIG_VASI_INVALID] = "Invalid",     [PMIG_VASI_ENABLED] = "Enabled",
	[PMIG_VASI_ABORTED] = "Aborted",     [PMIG_VASI_SUSPENDING] = "Suspending",
	[PMIG_VASI_SUSPENDED] = "Suspended", [PMIG_VASI_RESUMED] = "Resumed",
	[PMIG_VASI_COMPLETED] = "Completed",
};

/**
 * pmig_state_may_follow() - is this change of a session's state allowed?
 * @from: the state it is in
 * @to: the state it would enter
 *
 * Return: true if it is.
 */
bool pmig_state_may_follow(enum pmig_state from, enum pmig_state to)
{
	return pmig_states[from].may_follow & BIT(to);
}

const char *pmig_state_name(enum pmig_state state)
{
	return state < ARRAY_SIZE(pmig_states) ? pmig_states[state].name : "?";
}

const char *pmig_vasi_name(enum pmig_vasi vasi)
{
	return vasi < ARRAY_SIZE(vasi_names) ? vasi_names[vasi] : "unknown";
}
