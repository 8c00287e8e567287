/* SPDX-License-Identifier: GPL-2.0 */
/* The script of a stream: its states in order. */
#ifndef _PMIG_SIM_SCRIPT_H
#define _PMIG_SIM_SCRIPT_H

#include <linux/types.h>
#include <uapi/linux/pmig.h>

#define PMIG_SIM_STEPS_MAX 16
#define PMIG_SIM_MS_MAX	   (24 * 3600 * 1000)

/* The stream is gone: no state of the platform, but what it answers then. */
#define PMIG_SIM_GONE (-1)

/**
 * struct pmig_sim_step - one state of a script
 * @state: enum pmig_vasi or PMIG_SIM_GONE
 * @ms: how long it lasts, if @timed
 * @timed: else it lasts until something happens
 */
struct pmig_sim_step {
	int state;
	u32 ms;
	bool timed;
};

struct pmig_sim_script {
	unsigned int nr;
	struct pmig_sim_step step[PMIG_SIM_STEPS_MAX];
};

int pmig_sim_script_parse(struct pmig_sim_script *script, const char *text);
int pmig_sim_script_show(const struct pmig_sim_script *script, char *page);
int pmig_sim_state_parse(const char *text);
const char *pmig_sim_state_name(int state);

#endif /* _PMIG_SIM_SCRIPT_H */
