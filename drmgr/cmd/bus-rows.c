// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows out of a message of the daemon's: a(sssssuu)t, as shared/busnames.h says. */
#include "cmd/bus-rows.h"
#include "cmd/bus.h"
#include "shared/wiremsg.h"

#include <stdio.h>

static int read_row(sd_bus_message *m, struct row *row)
{
	const char *section, *key, *field, *old, *new;
	int r = sd_bus_message_read(m, "(sssssuu)", &section, &key, &field, &old, &new, &row->unit,
				    &row->flags);

	if (r <= 0)
		return r;
	snprintf(row->section, sizeof(row->section), "%s", section);
	snprintf(row->key, sizeof(row->key), "%s", key);
	snprintf(row->field, sizeof(row->field), "%s", field);
	snprintf(row->old, sizeof(row->old), "%s", old);
	snprintf(row->new, sizeof(row->new), "%s", new);
	return r;
}

int read_rows(sd_bus_message *m, struct rows *ret)
{
	uint64_t more = 0;
	struct row row;
	int r = sd_bus_message_enter_container(m, 'a', "(sssssuu)");

	while (r >= 0 && (r = read_row(m, &row)) > 0)
		r = rows_add(ret, &row);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	if (r >= 0)
		r = sd_bus_message_read(m, "t", &more);
	ret->dropped += more;
	return r < 0 ? r : 0;
}

int ask_rows(const char *what, struct rows *ret, char missing[static MISSING_LEN])
{
	_cleanup_call_ struct call call = CALL_NONE;
	int status = call_prepare(&call, "Platform"), r;
	const char *why = "";

	if (status)
		return status;
	r = sd_bus_message_append(call.m, "ss", what, "");
	if (r < 0)
		return call_bad_reply(r);
	status = call_run(&call);
	if (status)
		return status;
	r = sd_bus_message_skip(call.reply, "u"); /* the generation */
	if (r >= 0)
		r = read_rows(call.reply, ret);
	if (r >= 0)
		r = sd_bus_message_read(call.reply, "s", &why);
	snprintf(missing, MISSING_LEN, "%s", why);
	wire_text(missing);
	return r < 0 ? call_bad_reply(r) : 0;
}

void say_left_out(const struct rows *rows)
{
	if (rows->dropped)
		fprintf(stderr, "drmgr: %zu rows are left out: they do not fit into one answer\n",
			rows->dropped);
}

int no_home_nodes(const char *what, const char *missing)
{
	fprintf(stderr, "drmgr: home nodes of %s are not known%s%s\n", what,
		missing[0] ? ": " : " here", missing);
	return DR_EXIT_NO_VALUE;
}
