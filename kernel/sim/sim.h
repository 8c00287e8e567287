/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pmig_sim: a hypervisor that is not there. main.c is the root of the configfs tree and the
 * switches for failures, destination.c and stream.c its two folders, script.c plays a stream's
 * states, engine.c answers the module's questions. It knows nothing of sessions.
 */
#ifndef _PMIG_SIM_H
#define _PMIG_SIM_H

#include <linux/configfs.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "../engine.h"

#define PMIG_SIM_STEPS_MAX   16
#define PMIG_SIM_MS_MAX	     (24 * 3600 * 1000)
#define PMIG_SIM_TEXT_LEN    32
#define PMIG_SIM_OBJECTS_MAX 64

/*
 * Guards everything below, the playing streams and the machine of now. Not held while anyone
 * sleeps.
 */
extern struct mutex pmig_sim_lock;

/**
 * struct pmig_sim_machine - who and what a server is
 * @serial: after "IBM,02" the system-id
 * @model: model
 * @lpar_id: number of the partition there
 * @clock_hz: of the processors
 * @l1d_size: bytes, as all of these; 0: none
 * @l1i_size: see @l1d_size
 * @l2_size: see @l1d_size
 * @l3_size: see @l1d_size
 */
struct pmig_sim_machine {
	char serial[PMIG_SIM_TEXT_LEN];
	char model[PMIG_SIM_TEXT_LEN];
	u32 lpar_id;
	u64 clock_hz;
	u32 l1d_size;
	u32 l1i_size;
	u32 l2_size;
	u32 l3_size;
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

/* script.c */
int pmig_sim_script_parse(struct pmig_sim_script *script, const char *text);
int pmig_sim_script_show(const struct pmig_sim_script *script, char *page);
int pmig_sim_state_parse(const char *text);
const char *pmig_sim_state_name(int state);
void pmig_sim_stream_start(struct pmig_sim_stream *stream);
int pmig_sim_stream_state(struct pmig_sim_stream *stream);
void pmig_sim_stream_resume(struct pmig_sim_stream *stream);

/* destination.c, stream.c: with pmig_sim_lock held */
struct pmig_sim_destination *pmig_sim_destination_find(const char *name);
struct pmig_sim_stream *pmig_sim_stream_find(u64 id);
struct config_group *pmig_sim_destinations_init(void);
struct config_group *pmig_sim_streams_init(void);

/* engine.c */
extern struct pmig_engine pmig_sim_engine;
int pmig_sim_show_machine(char *page);
int pmig_sim_foreign(u64 id);

/* Decimal or 0x..., up to @max. */
int pmig_sim_parse_u32(const char *page, u32 max, u32 *value);

#endif /* _PMIG_SIM_H */
