/* SPDX-License-Identifier: GPL-2.0 */
/* What all files of the simulator share: the lock, and the switches for failures. */
#ifndef _PMIG_SIM_SWITCHES_H
#define _PMIG_SIM_SWITCHES_H

#include <linux/mutex.h>
#include <linux/types.h>

#define PMIG_SIM_TEXT_LEN    32
#define PMIG_SIM_OBJECTS_MAX 64

/*
 * Guards the switches for failures, destinations, streams, the streams' scripts and the machine of
 * now. Not held while anyone sleeps.
 */
extern struct mutex pmig_sim_lock;

/**
 * struct pmig_sim_failure - one switch: the next @count calls fail with @err
 * @err: positive errno
 * @count: how many are left
 */
struct pmig_sim_failure {
	int err;
	unsigned int count;
};

extern struct pmig_sim_failure pmig_sim_fail_suspend;
extern struct pmig_sim_failure pmig_sim_fail_wait;
extern struct pmig_sim_failure pmig_sim_fail_cancel;
extern struct pmig_sim_failure pmig_sim_fail_state;
extern struct pmig_sim_failure pmig_sim_fail_snapshot;
extern bool pmig_sim_early_return;
extern bool pmig_sim_quiesce_now;
extern bool pmig_sim_slow_cancel;
extern bool pmig_sim_hold_state;

/* 0, or a negative errno that uses up one count of the switch. */
int pmig_sim_fails(struct pmig_sim_failure *failure);

#endif /* _PMIG_SIM_SWITCHES_H */
