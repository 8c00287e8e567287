/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel's handlers are told, and how they refuse. */
#ifndef _PMIG_NEWS_H
#define _PMIG_NEWS_H

#include <linux/types.h>
#include <uapi/linux/pmig.h>

#include "machine/changes.h"

#define PMIG_HANDLERS_MAX 64

/**
 * struct pmig_news - what the handlers are told, the same for all
 * @operation: what is done to the partition
 * @stream: the stream ID
 * @force: the operator's force
 * @changes: in POST, else NULL
 */
struct pmig_news {
	enum pmig_operation operation;
	u64 stream;
	bool force;
	struct pmig_changes *changes;
};

/**
 * struct pmig_refusal - why one handler said no
 * @handler: its name
 * @phase: CHECK or PRE
 * @err: positive errno
 * @reason: one printable line
 */
struct pmig_refusal {
	char handler[PMIG_NAME_LEN];
	enum pmig_phase phase;
	int err;
	char reason[PMIG_REASON_LEN];
};

/**
 * struct pmig_refusals - all of them; there are no more than handlers
 * @nr: how many
 * @refusal: in the order of the handlers' priorities
 */
struct pmig_refusals {
	unsigned int nr;
	struct pmig_refusal refusal[PMIG_HANDLERS_MAX];
};

#endif /* _PMIG_NEWS_H */
