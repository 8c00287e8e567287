/* SPDX-License-Identifier: GPL-2.0 */
/* The folder destinations/: servers to move to. */
#ifndef _PMIG_SIM_DESTINATION_H
#define _PMIG_SIM_DESTINATION_H

#include <linux/configfs.h>
#include <linux/list.h>

#include "switches.h"
#include "topology.h"

#define PMIG_SIM_PVR 0x004e1203 /* a POWER9 */

/**
 * struct pmig_sim_machine - who and what a server is
 * @serial: after "IBM,02" the system-id
 * @model: model
 * @lpar_id: number of the partition there
 * @pvr: processor version register
 * @clock_hz: of the processors
 * @topology: processors, caches and memory
 */
struct pmig_sim_machine {
	char serial[PMIG_SIM_TEXT_LEN];
	char model[PMIG_SIM_TEXT_LEN];
	u32 lpar_id;
	u32 pvr;
	u64 clock_hz;
	struct pmig_sim_topology topology;
};

/**
 * struct pmig_sim_destination - a server to move to
 * @group: its folder in configfs
 * @node: in the list of all
 * @machine: what it is
 * @blackout_ms: how long the partition stands still on its way there
 * @live: can be moved to; nothing can be edited any more
 */
struct pmig_sim_destination {
	struct config_group group;
	struct list_head node;
	struct pmig_sim_machine machine;
	u32 blackout_ms;
	bool live;
};

/* With pmig_sim_lock held. */
struct pmig_sim_destination *pmig_sim_destination_find(const char *name);

struct config_group *pmig_sim_destinations_init(void);

#endif /* _PMIG_SIM_DESTINATION_H */
