// SPDX-License-Identifier: GPL-2.0
/*
 * Which state of a session may follow which, and what states are called. The selftests build this
 * file as it is and go through the whole table.
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/kernel.h>
#endif
#include "state.h"

#define TO(state) BIT(PMIG_STATE_##state)

/* What may follow; [NONE] is how a session begins, NONE how it ends. */
static const u32 may_follow[__PMIG_STATE_MAX] = {
	[PMIG_STATE_NONE] = TO(CHECK) | TO(ENABLED) | TO(SUSPENDING),
	[PMIG_STATE_CHECK] = TO(CHECKED) | TO(NONE),
	[PMIG_STATE_CHECKED] = TO(NONE),
	[PMIG_STATE_ENABLED] = TO(QUIESCE) | TO(CANCELLING) | TO(UNDO) | TO(SUSPENDING) | TO(NONE),
	[PMIG_STATE_QUIESCE] = TO(PRE) | TO(CANCELLING) | TO(UNDO) | TO(SUSPENDING) | TO(NONE),
	[PMIG_STATE_PRE] = TO(READY) | TO(CANCELLING) | TO(UNDO) | TO(SUSPENDING),
	[PMIG_STATE_READY] = TO(SUSPENDING) | TO(CANCELLING) | TO(UNDO),
	[PMIG_STATE_SUSPENDING] = TO(RESUMED) | TO(POST) | TO(CANCELLING) | TO(UNDO),
	[PMIG_STATE_RESUMED] = TO(POST) | TO(UNDO),
	[PMIG_STATE_POST] = TO(COMPLETED),
	[PMIG_STATE_COMPLETED] = TO(NONE),
	[PMIG_STATE_CANCELLING] = TO(UNDO),
	[PMIG_STATE_UNDO] = TO(FAILED),
	[PMIG_STATE_FAILED] = TO(NONE),
};

static const char *const state_names[__PMIG_STATE_MAX] = {
	[PMIG_STATE_NONE] = "none",	      [PMIG_STATE_CHECK] = "check",
	[PMIG_STATE_CHECKED] = "checked",     [PMIG_STATE_ENABLED] = "enabled",
	[PMIG_STATE_QUIESCE] = "quiesce",     [PMIG_STATE_PRE] = "pre",
	[PMIG_STATE_READY] = "ready",	      [PMIG_STATE_SUSPENDING] = "suspending",
	[PMIG_STATE_RESUMED] = "resumed",     [PMIG_STATE_POST] = "post",
	[PMIG_STATE_COMPLETED] = "completed", [PMIG_STATE_CANCELLING] = "cancelling",
	[PMIG_STATE_UNDO] = "undo",	      [PMIG_STATE_FAILED] = "failed",
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
	return may_follow[from] & BIT(to);
}

const char *pmig_state_name(enum pmig_state state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "?";
}

const char *pmig_vasi_name(enum pmig_vasi vasi)
{
	return vasi < ARRAY_SIZE(vasi_names) ? vasi_names[vasi] : "unknown";
}
