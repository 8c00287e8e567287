/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log that admins of AIX know: DRMGR lines in syslog, with journal fields beside the text. */
#ifndef DRMGRD_EVENTLOG_H
#define DRMGRD_EVENTLOG_H

#include "daemon/base/util.h"
#include "shared/rows.h"

enum event {
	EVENT_START,
	EVENT_BEGIN,
	EVENT_CHECK,
	EVENT_CHECK_OVER,
	EVENT_PRE_KERNEL,
	EVENT_PRE_SCRIPTS,
	EVENT_SCRIPTS_OVER,
	EVENT_PRE_SIGNALS,
	EVENT_SIGNALS_OVER,
	EVENT_PRE_SIGNALS_OVER,
	EVENT_PRE_EXTENSIONS,
	EVENT_EXTENSIONS_OVER,
	EVENT_KERNEL,
	EVENT_KERNEL_KERNEL,
	EVENT_POST,
	EVENT_POST_KERNEL,
	EVENT_POST_EXTENSIONS,
	EVENT_POST_SIGNALS,
	EVENT_POST_SCRIPTS,
	EVENT_POST_SCRIPTS_OVER,
	EVENT_UNDO,
	EVENT_UNDO_SIGNALS,
	EVENT_UNDO_SCRIPTS,
	EVENT_END,
	_EVENT_MAX,
	EVENT_NONE = _EVENT_MAX,
};

struct eventlog {
	uint64_t stream;   /* of the session in progress, 0 for none */
	const char *phase; /* "check", "pre", ... */
};

void eventlog_event(const struct eventlog *l, enum event event);
/* A line of our own between those of AIX. @audience and @name may be NULL. */
_printf_(5, 6) void eventlog_note(const struct eventlog *l, int priority, const char *audience,
				  const char *name, const char *fmt, ...);
/* A line for each row that differs; those that should not have changed are warnings with an ID of their own. */
void eventlog_rows(const struct eventlog *l, const struct rows *rows);
/* "N applications have not handled signals yet" */
void eventlog_slow(const struct eventlog *l, size_t n);

#endif /* DRMGRD_EVENTLOG_H */
