// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lines of one migration are a table with AIX's text, word for word, because people grep for it. The plans (plan.c)
 * have their order, and a test checks it. Each line is written to the journal once, with the fields of syslog (DRMGR,
 * local1) and with our own, so that `journalctl PMIG_STREAM=... PMIG_AUDIENCE=script` and `grep DRMGR /var/log/syslog`
 * both find it. What the journal does not accept goes to stderr.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/eventlog.h"
#include "shared/logsend.h"
#include "uapi/linux/pmig.h"

#define FACILITY_LOCAL1 "17"

/* The last two digits are the event's number in the table below. */
#define MESSAGE_ID_FORMAT  "7c1d5a0e4f7b4b62a3d1c09e6f21b5%02x"
#define MESSAGE_NOTE	   0xf0
#define MESSAGE_SLOW	   0xf1
#define MESSAGE_CHANGED	   0xf2
#define MESSAGE_UNEXPECTED 0xf3

static const char *const texts[_EVENT_MAX] = {
	[EVENT_START] = "~~~~ Start: DR PMIG operation ~~~~",
	[EVENT_BEGIN] = "Starting partition migration PRE phase",
	[EVENT_CHECK] = "Starting CHECK phase for partition migration",
	[EVENT_CHECK_OVER] = "Completed CHECK phase for partition migration",
	[EVENT_PRE_KERNEL] = "Starting phase PRE for kernel.",
	[EVENT_PRE_SCRIPTS] = "Starting PRE phase for scripts.",
	[EVENT_SCRIPTS_OVER] = "Completed the phase for Scripts.",
	[EVENT_PRE_SIGNALS] = "Starting phase PRE for signal delivery.",
	[EVENT_SIGNALS_OVER] = "Completed signal delivery phase.",
	[EVENT_PRE_SIGNALS_OVER] = "Completed PRE signal phase.",
	[EVENT_PRE_EXTENSIONS] = "Starting phase PRE for kernel extensions.",
	[EVENT_EXTENSIONS_OVER] = "Completed the phase for kernel extensions.",
	[EVENT_KERNEL] = "Starting Kernel phase.",
	[EVENT_KERNEL_KERNEL] = "Starting phase KERNEL for kernel.",
	[EVENT_POST] = "Starting POST phase.",
	[EVENT_POST_KERNEL] = "Starting phase POST for kernel.",
	[EVENT_POST_EXTENSIONS] = "Starting phase POST for kernel extensions.",
	[EVENT_POST_SIGNALS] = "Starting phase POST for signal delivery.",
	[EVENT_POST_SCRIPTS] = "Starting POST phase for scripts.",
	[EVENT_POST_SCRIPTS_OVER] = "Completed post notification for DLPAR scripts.",
	[EVENT_UNDO] = "Starting POST ERROR phase.",
	[EVENT_UNDO_SIGNALS] = "Starting phase POST ERROR for signal delivery.",
	[EVENT_UNDO_SCRIPTS] = "Starting POST ERROR phase for scripts.",
	[EVENT_END] = "~~~~ End: DR PMIG operation ~~~~",
};

struct fields {
	struct iovec iov[LOG_FIELDS_MAX];
	char text[LOG_FIELDS_MAX][512];
	size_t n;
};

_printf_(2, 3) static void add(struct fields *f, const char *fmt, ...)
{
	char raw[sizeof(f->text[0])], *text;
	va_list ap;

	if (f->n >= ARRAY_SIZE(f->iov))
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	/* Even the name of a script may have a line feed, after which another field would begin. */
	text = f->text[f->n];
	text_copy(text, sizeof(raw), raw, sizeof(raw));
	f->iov[f->n++] = (struct iovec){ text, strlen(text) };
}

static void add_common(struct fields *f, const struct eventlog *l, int priority, unsigned id,
		       const char *text)
{
	add(f, "MESSAGE=%s", text);
	add(f, "PRIORITY=%d", priority);
	add(f, "SYSLOG_IDENTIFIER=DRMGR");
	add(f, "SYSLOG_FACILITY=" FACILITY_LOCAL1);
	add(f, "SYSLOG_PID=%d", getpid());
	add(f, "MESSAGE_ID=" MESSAGE_ID_FORMAT, id);
	if (l->stream)
		add(f, "PMIG_STREAM=0x%" PRIx64, l->stream);
	if (l->phase)
		add(f, "PMIG_PHASE=%s", l->phase);
}

static void send_fields(const struct fields *f, int priority, const char *text)
{
	if (log_send(f->iov, f->n) < 0)
		log_line(priority, "DRMGR: %s", text);
}

static void submit(const struct eventlog *l, int priority, unsigned id, const char *audience,
		   const char *name, const char *text)
{
	struct fields f = { .n = 0 };

	add_common(&f, l, priority, id, text);
	if (audience)
		add(&f, "PMIG_AUDIENCE=%s", audience);
	if (name)
		add(&f, "PMIG_NAME=%s", name);
	send_fields(&f, priority, text);
}

void eventlog_event(const struct eventlog *l, enum event event)
{
	if (event < _EVENT_MAX)
		submit(l, LOG_INFO, event, NULL, NULL, texts[event]);
}

void eventlog_note(const struct eventlog *l, int priority, const char *audience, const char *name,
		   const char *fmt, ...)
{
	char raw[480], text[480];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_copy(text, sizeof(text), raw, sizeof(raw));
	submit(l, priority, MESSAGE_NOTE, audience, name, text);
}

static void log_row(const struct eventlog *l, const struct row *row)
{
	bool unexpected = row->flags & PMIG_ROW_F_UNEXPECTED;
	int priority = unexpected ? LOG_WARNING : LOG_INFO;
	char name[ROW_NAME_LEN], text[480];
	struct fields f = { .n = 0 };

	row_name(row, name);
	snprintf(text, sizeof(text), "%s: was \"%s\", is \"%s\"%s%s", name, row->old, row->new,
		 row->flags & ROW_F_STALE ? "; the kernel still has the old value" : "",
		 unexpected ? "; a migration should not have changed this" : "");
	add_common(&f, l, priority, unexpected ? MESSAGE_UNEXPECTED : MESSAGE_CHANGED, text);
	add(&f, "PMIG_NAME=%s", name);
	add(&f, "PMIG_OLD=%s", row->old);
	add(&f, "PMIG_NEW=%s", row->new);
	send_fields(&f, priority, text);
}

void eventlog_rows(const struct eventlog *l, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		log_row(l, &rows->v[i]);
	if (rows->dropped)
		eventlog_note(
			l, LOG_INFO, "kernel", NULL,
			"%zu more differ: drmgr platform --diff has all of the last comparison.",
			rows->dropped);
}

void eventlog_slow(const struct eventlog *l, size_t n)
{
	char text[96];

	snprintf(text, sizeof(text), "%zu applications have not handled signals yet", n);
	submit(l, LOG_INFO, MESSAGE_SLOW, "application", NULL, text);
}
