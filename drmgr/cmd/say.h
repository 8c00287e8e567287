/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_CMD_SAY_H
#define DRMGR_CMD_SAY_H

#include <syslog.h>

/* "drmgr: TEXT" and @more behind it, one line, to stderr and to the log. */
void say(int priority, const char *text, const char *more);

#endif /* DRMGR_CMD_SAY_H */
