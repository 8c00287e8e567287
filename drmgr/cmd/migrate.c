// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr -p pre and drmgr migrate --simulate: one call that lasts as long as the migration. RSCT needs the exit
 * status. A person wants to know how long the partition stood still and what changed, which is printed to stdout.
 */
#include "cmd/bus-rows.h"
#include "cmd/bus.h"
#include "cmd/verbs.h"
#include "shared/streamid.h"
#include "shared/wiremsg.h"
#include "uapi/linux/pmig.h"

#include <inttypes.h>
#include <stdio.h>

static void print_change(const struct row *row)
{
	char name[ROW_NAME_LEN], line[512];
	uint32_t flags = row->flags;

	row_name(row, name);
	snprintf(line, sizeof(line), "%s: %s -> %s%s%s", name, row->old[0] ? row->old : "(none)",
		 row->new[0] ? row->new : "(none)",
		 flags & ROW_F_STALE ? ", the kernel still shows the old value" : "",
		 flags & PMIG_ROW_F_UNEXPECTED ? ", unexpected" : "");
	printf("  %s\n", wire_text(line));
}

static int print_result(const struct request *req, sd_bus_message *m)
{
	_cleanup_(rows_done) struct rows rows = { 0 };
	char id[STREAMID_STR_MAX];
	uint64_t blackout;
	int r;

	r = sd_bus_message_read(m, "t", &blackout);
	if (r < 0)
		return r;
	printf("%s %s", req->has_stream ? "moved: stream" : "simulated",
	       req->has_stream ? streamid_format(req->stream, id) : "migration done");
	if (blackout)
		printf(", stood still for %" PRIu64 ".%03u s", blackout / 1000000,
		       (unsigned int)(blackout / 1000 % 1000));
	printf("\n");
	r = read_rows(m, &rows);
	for (size_t i = 0; i < rows.n; i++)
		print_change(&rows.v[i]);
	if (rows.dropped)
		printf("  and %zu more\n", rows.dropped);
	return r;
}

static int print_reply(const struct request *req, const struct call *call)
{
	int r = print_result(req, call->reply);

	return r < 0 ? call_bad_reply(r) : DR_EXIT_DONE;
}

int do_migrate(const struct request *req, const struct fallback *f, char *const argv[])
{
	_cleanup_call_ struct call call = CALL_NONE;
	int status = call_request(&call, "Migrate", req);

	if (status == 0)
		return print_reply(req, &call);
	if (status == DR_EXIT_OBSERVING) {
		call_done(&call);
		return fallback_observing(f, argv, &req->stream);
	}
	if (!call_may_do_without(&call, &status))
		return status;
	call_done(&call); /* before anybody else goes on with the migration */
	return fallback_migrate(f, argv, req->stream, status);
}

int do_simulate(const struct request *req)
{
	_cleanup_call_ struct call call = CALL_NONE;

	return call_request(&call, "Simulate", req) ?: print_reply(req, &call);
}

/* drmgr status -s: says later what do_migrate() would have said. */
int do_result(const struct request *req)
{
	_cleanup_call_ struct call call = CALL_NONE;
	int status = call_prepare(&call, "GetResult");
	int r;

	if (status)
		return status;
	r = sd_bus_message_append(call.m, "t", req->stream);
	if (r < 0)
		return call_bad_reply(r);
	return call_run(&call) ?: print_reply(req, &call);
}
