// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr -p check: prints a line for each refusal to stderr, which is what the HMC shows its operator. An objection that
 * does not stop the migration is printed as advice and leaves the status at 0. Refusals come first. Both are bounded,
 * because anybody may give advice.
 */
#include "cmd/bus.h"
#include "cmd/verbs.h"
#include "shared/wiremsg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_refusal(const char *audience, const char *name, const char *reason, bool stops)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s by %s %s: %s", stops ? "refused" : "advice", audience,
		 name, *reason ? reason : "no reason given");
	fprintf(stderr, "drmgr: %s\n", wire_text(line));
}

/* Prints them. Returns how many stop the migration, or a negative errno. */
static int read_refusals(sd_bus_message *m)
{
	const char *audience, *name, *reason;
	int stops, r, n = 0;
	uint32_t more;

	r = sd_bus_message_enter_container(m, 'a', "(sssi)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(sssi)", &audience, &name, &reason, &stops)) > 0) {
		print_refusal(audience, name, reason, stops);
		n += !!stops;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	if (r >= 0)
		r = sd_bus_message_read(m, "u", &more);
	if (r >= 0 && more)
		fprintf(stderr, "drmgr: and %" PRIu32 " more: see drmgr log\n", more);
	return r < 0 ? r : n;
}

int do_check(const struct request *req, const struct fallback *f, char *const argv[])
{
	_cleanup_call_ struct call call = CALL_NONE;
	int r, status;

	status = call_request(&call, "Check", req);
	if (status == DR_EXIT_OBSERVING)
		return fallback_observing(f, argv, NULL);
	if (status && call_may_do_without(&call, &status))
		return fallback_check(f, status);
	if (status)
		return status;
	r = read_refusals(call.reply);
	if (r < 0)
		return fallback_check(f, call_bad_reply(r));
	return r > 0 ? DR_EXIT_REFUSED : DR_EXIT_DONE;
}
