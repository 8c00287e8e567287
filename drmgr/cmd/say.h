/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_CMD_SAY_H
#define DRMGR_CMD_SAY_H

#include <syslog.h>

/* Writes one line "drmgr: TEXT", followed by @more, to stderr and to the log. */
void say(int priority, const char *text, const char *more);

/*
 * From here on, what stdout and stderr do not take at once is lost: a reader that does not read must not stop
 * anything.
 */
void say_without_waiting(void);

#endif /* DRMGR_CMD_SAY_H */
