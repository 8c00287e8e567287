// SPDX-License-Identifier: GPL-2.0
/* The switches for failures, which main.c shows in configfs; what each does is said there. */
#include "switches.h"

DEFINE_MUTEX(pmig_sim_lock); /* see switches.h */
bool pmig_sim_early_return;
bool pmig_sim_quiesce_now;
bool pmig_sim_slow_cancel;
bool pmig_sim_hold_state;
struct pmig_sim_failure pmig_sim_fail_suspend;
struct pmig_sim_failure pmig_sim_fail_wait;
struct pmig_sim_failure pmig_sim_fail_cancel;
struct pmig_sim_failure pmig_sim_fail_state;
struct pmig_sim_failure pmig_sim_fail_snapshot;

int pmig_sim_fails(struct pmig_sim_failure *failure)
{
	lockdep_assert_held(&pmig_sim_lock);
	if (!failure->count)
		return 0;
	failure->count--;
	return -failure->err;
}
