/* SPDX-License-Identifier: GPL-2.0 */
/* The folder streams/: migrations, and where each of them stands. */
#ifndef _PMIG_SIM_STREAM_H
#define _PMIG_SIM_STREAM_H

#include <linux/configfs.h>
#include <linux/ktime.h>
#include <linux/list.h>

#include "script.h"
#include "switches.h"

/**
 * struct pmig_sim_stream - a migration
 * @group: its folder in configfs
 * @node: in the list of all
 * @id: stream ID
 * @destination: name
 * @script: its states
 * @at: which one it is in
 * @since: since when
 * @forced: a state from outside counts instead, @forced_state
 * @forced_state: see @forced
 * @cancel_reason: of the cancellation, 0 for none
 * @polls: how often the state was asked for
 * @live: the platform knows it
 */
struct pmig_sim_stream {
	struct config_group group;
	struct list_head node;
	u64 id;
	char destination[PMIG_SIM_TEXT_LEN];
	struct pmig_sim_script script;
	unsigned int at;
	ktime_t since;
	bool forced;
	int forced_state;
	u32 cancel_reason;
	u32 polls;
	bool live;
};

/* With pmig_sim_lock held. */
struct pmig_sim_stream *pmig_sim_stream_find(u64 id);
int pmig_sim_stream_state(struct pmig_sim_stream *stream);
void pmig_sim_stream_resume(struct pmig_sim_stream *stream);

/* @foreign: suspends a stream as somebody else would; 0 or a negative errno. */
struct config_group *pmig_sim_streams_init(int (*foreign)(u64 id));

#endif /* _PMIG_SIM_STREAM_H */
