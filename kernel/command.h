/* SPDX-License-Identifier: GPL-2.0 */
/* What user space asks for, parsed. */
#ifndef _PMIG_COMMAND_H
#define _PMIG_COMMAND_H

#include <linux/netlink.h>
#include <linux/types.h>

/**
 * struct pmig_request - a command, as netlink.c parsed it
 * @stream: PMIG_A_STREAM, 0 where it was not given
 * @flags: PMIG_A_FLAGS
 * @engine: PMIG_A_ENGINE or NULL
 * @err: PMIG_A_ERRNO, or 0
 * @pre_ms: PMIG_A_PRE_MS, or 0
 * @fd: PMIG_A_FD, or -1
 * @portid: who asks
 * @extack: for a sentence that a person understands
 */
struct pmig_request {
	u64 stream;
	u32 flags;
	const char *engine;
	u32 err;
	u32 pre_ms;
	int fd;
	u32 portid;
	struct netlink_ext_ack *extack;
};

/* 0 or a negative errno; they start something and return. */
int pmig_command_check(const struct pmig_request *rq);
int pmig_command_begin(const struct pmig_request *rq);
int pmig_command_pre(const struct pmig_request *rq);
int pmig_command_suspend(const struct pmig_request *rq);
int pmig_command_cancel(const struct pmig_request *rq);
int pmig_command_adopt(const struct pmig_request *rq);
int pmig_command_end(const struct pmig_request *rq);
void pmig_command_orphan(u32 portid);

/*
 * @sentence: static. It is copied into the acknowledgment a moment after the command has returned,
 * when none of our code can tell whether that has happened.
 */
static inline void pmig_say(struct netlink_ext_ack *extack, const char *sentence)
{
	if (extack)
		extack->_msg = sentence;
}

#endif /* _PMIG_COMMAND_H */
