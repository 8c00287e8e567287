// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr status: prints the daemon's answer, one `key: value` a line, in the daemon's order. A key that this version
 * does not know is printed as well, so an older command shows what a newer daemon says.
 */
#include "cmd/bus.h"
#include "cmd/verbs.h"
#include "shared/clock.h"
#include "shared/streamid.h"
#include "shared/wiremsg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_number(const char *key, uint64_t value)
{
	char id[STREAMID_STR_MAX];
	uint64_t now = now_boottime_usec();

	if (!strcmp(key, "until-usec")) {
		if (value)
			printf("until: %" PRIu64 " s from now\n",
			       value > now ? (value - now) / USEC_PER_SEC : 0);
	} else if (!strcmp(key, "stream"))
		printf("stream: %s\n", value ? streamid_format(value, id) : "none");
	else if (!strcmp(key, "since-usec"))
		printf("since: %" PRIu64 " s ago\n",
		       value < now ? (now - value) / USEC_PER_SEC : 0);
	else
		printf("%s: %" PRIu64 "\n", key, value);
}

static void print_text(const char *key, const char *value)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", key, *value ? value : "none");
	printf("%s\n", wire_text(line));
}

static int print_value(const char *key, sd_bus_message *m)
{
	const char *contents;
	union {
		const char *s;
		uint64_t t;
		uint32_t u;
		int b;
	} v = { 0 };
	char type;
	int r;

	r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r < 0)
		return r;
	type = contents[0];
	if (contents[1] || !strchr("stub", type))
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_read(m, "v", contents, &v);
	if (r < 0)
		return r;
	if (type == 's')
		print_text(key, v.s);
	else if (type == 'b')
		print_text(key, v.b ? "yes" : "no");
	else
		print_number(key, type == 't' ? v.t : v.u);
	return 0;
}

static int print_status(sd_bus_message *m)
{
	const char *key;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = print_value(key, m);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r;
}

int do_status(void)
{
	_cleanup_call_ struct call call = CALL_NONE;
	int r, status;

	status = call_prepare(&call, "GetStatus") ?: call_run(&call);
	if (status)
		return status;
	r = print_status(call.reply);
	return r < 0 ? call_bad_reply(r) : DR_EXIT_DONE;
}
