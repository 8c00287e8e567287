/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a session ends: the first failure, or what the module says of the move. */
#ifndef DRMGRD_OUTCOME_H
#define DRMGRD_OUTCOME_H

#include "daemon/session/session-internal.h"

/* The first failure counts, the rest follows from it. */
_printf_(4, 5) void session_fail(struct session *s, enum session_outcome outcome, int error,
				 const char *fmt, ...);
/* What a command's error means. */
enum session_outcome session_outcome_of(int error);
/* The module has given up: why. */
void session_take_failure(struct session *s);
/* Not everyone could be asked, but if somebody has refused, that is the answer to the check. */
void session_answer_check(struct session *s);
/* The partition has moved. */
void session_take_result(struct session *s);
void session_log_result(const struct session *s);

#endif /* DRMGRD_OUTCOME_H */
