/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the last migrations ended. This outlives the daemon, but not the partition, because it is in /run. */
#ifndef DRMGRD_RESULTS_H
#define DRMGRD_RESULTS_H

#include "daemon/session/session.h"

#define RESULTS_MAX 16

/* Why nothing was started, or how it ended; bus.c has a name for each. */
enum manager_error {
	MANAGER_OK,
	MANAGER_BAD_STREAM,
	MANAGER_BUSY,
	MANAGER_LOCKED,
	MANAGER_OBSERVING,
	MANAGER_NO_MODULE,
	MANAGER_NO_ENGINE,
	MANAGER_STOPPED,
	MANAGER_ABORTED,
	MANAGER_FAILED,
	MANAGER_ASKING,
	_MANAGER_ERROR_MAX,
};

struct result {
	uint64_t stream; /* 0: none */
	enum manager_error error;
	char text[512];
	uint64_t blackout_us;
	struct rows rows; /* what differed */
};

struct results;

/* How often the partition has really moved, and since when that was counted. */
struct moves {
	uint64_t n;
	usec_t since;
};

/* Reads what is in @path. */
int results_new(struct results **ret, const char *path);
struct results *results_free(struct results *r);

/* Replaces the one of the same stream, or else the oldest. */
void results_add(struct results *r, uint64_t stream, enum manager_error error, const char *text,
		 const struct session_result *result);
const struct result *results_find(const struct results *r, uint64_t stream);
const struct moves *results_moves(const struct results *r);

#endif /* DRMGRD_RESULTS_H */
