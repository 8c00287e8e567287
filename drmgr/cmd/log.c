// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr log: prints the lines that drmgrd wrote to the journal as DRMGR, oldest first. The daemon writes the stream
 * ID as a field (PMIG_STREAM=0x1234), so one migration can be picked out of many.
 */
#include "cmd/verbs.h"
#include "shared/clock.h"
#include "shared/streamid.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define LINES_DEFAULT 100
#define LINE_MAX      2048

static int no_journal(int r)
{
	fprintf(stderr,
		"drmgr: the journal cannot be read (%s): look for DRMGR in /var/log/syslog\n",
		strerror(-r));
	return DR_EXIT_NO_DAEMON;
}

static int open_journal(const struct request *req, sd_journal **ret)
{
	_cleanup_(sd_journal_closep) sd_journal *j = NULL;
	char match[sizeof("PMIG_STREAM=") + STREAMID_STR_MAX];
	char id[STREAMID_STR_MAX];
	int r;

	r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
	if (r < 0)
		return r;
	r = sd_journal_add_match(j, "SYSLOG_IDENTIFIER=DRMGR", 0);
	if (r < 0)
		return r;
	if (req->has_stream) {
		snprintf(match, sizeof(match), "PMIG_STREAM=%s", streamid_format(req->stream, id));
		r = sd_journal_add_match(j, match, 0);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(j);
	return 0;
}

/* Goes to the first of the newest @lines entries. Returns 1 if there is one, 0 if there is none. */
static int seek(sd_journal *j, uint32_t lines)
{
	int r;

	if (lines == 0) {
		r = sd_journal_seek_head(j);
		return r < 0 ? r : sd_journal_next(j);
	}
	r = sd_journal_seek_tail(j);
	if (r < 0)
		return r;
	r = sd_journal_previous_skip(j, lines);
	return r < 0 ? r : r > 0;
}

static void print_entry(sd_journal *j)
{
	char stamp[32] = "", line[LINE_MAX];
	const void *data;
	uint64_t usec;
	size_t len;
	time_t t;

	if (sd_journal_get_realtime_usec(j, &usec) < 0 ||
	    sd_journal_get_data(j, "MESSAGE", &data, &len) < 0)
		return;
	t = (time_t)(usec / USEC_PER_SEC);
	strftime(stamp, sizeof(stamp), "%b %d %H:%M:%S", localtime(&t));
	snprintf(line, sizeof(line), "%.*s", (int)(len - strlen("MESSAGE=")),
		 (const char *)data + strlen("MESSAGE="));
	printf("%s DRMGR: %s\n", stamp, wire_text(line));
}

/* A journal without any file cannot be read; one in which nothing has been logged yet is no error. */
static bool has_files(sd_journal *j)
{
	uint64_t bytes = 0;

	return sd_journal_get_usage(j, &bytes) >= 0 && bytes > 0;
}

int do_log(const struct request *req)
{
	_cleanup_(sd_journal_closep) sd_journal *j = NULL;
	int r;

	r = open_journal(req, &j);
	if (r < 0)
		return no_journal(r);
	if (!has_files(j))
		return no_journal(-ENOENT);
	for (r = seek(j, req->lines.set ? req->lines.value : LINES_DEFAULT); r > 0;
	     r = sd_journal_next(j))
		print_entry(j);
	return r < 0 ? no_journal(r) : DR_EXIT_DONE;
}
