/* SPDX-License-Identifier: GPL-2.0 */
/* What others do with the stream of a session; foreign.c draws how it changes. */
#ifndef _PMIG_OTHERS_H
#define _PMIG_OTHERS_H

#include <linux/types.h>

/**
 * enum pmig_others_state - whose the migration is
 * @PMIG_OTHERS_NONE: ours, although others may write the same stream
 * @PMIG_OTHERS_MOVING: theirs, and under way
 * @PMIG_OTHERS_DONE: theirs, and over
 */
enum pmig_others_state {
	PMIG_OTHERS_NONE,
	PMIG_OTHERS_MOVING,
	PMIG_OTHERS_DONE,
};

/**
 * struct pmig_others - what others do with the stream of a session
 * @state: whose the migration is
 * @writers: how many were seen to begin to write the stream, and not yet to end
 * @taken: the migration was ours before it was theirs
 * @err: how it ended, once DONE: 0 or a negative errno
 * @blackout_ns: how long the partition stood still, once DONE; 0 where that is not known
 */
struct pmig_others {
	enum pmig_others_state state;
	unsigned int writers;
	bool taken;
	int err;
	u64 blackout_ns;
};

#endif /* _PMIG_OTHERS_H */
