// SPDX-License-Identifier: GPL-2.0-or-later
/* drmgr platform --moved: does the partition run on another server than it was booted on, or has it been on one? */
#include "cmd/bus-rows.h"
#include "cmd/bus.h"
#include "cmd/verbs.h"
#include "shared/wiremsg.h"

#include <stdio.h>
#include <string.h>

/* The value of a row that has no key, "" where there is none. Printable. */
static const char *value(const struct rows *rows, const char *section, const char *field,
			 char text[static ROW_VALUE_LEN])
{
	size_t i;

	text[0] = '\0';
	for (i = 0; i < rows->n; i++)
		if (strcmp(rows->v[i].section, section) == 0 &&
		    strcmp(rows->v[i].field, field) == 0)
			snprintf(text, ROW_VALUE_LEN, "%s", rows->v[i].new);
	return wire_text(text);
}

static void print_servers(const struct rows *rows, const char *elsewhere)
{
	char boot[ROW_VALUE_LEN], model[ROW_VALUE_LEN], now[ROW_VALUE_LEN];

	value(rows, "boot", "system-id", boot);
	value(rows, "boot", "model", model);
	value(rows, "identity", "system-id", now);
	if (!elsewhere[0])
		printf("on which server it was booted is not known\n");
	else if (strcmp(elsewhere, "yes") != 0)
		printf("it runs on %s (%s), and was booted there\n", boot, model);
	else
		printf("it was booted on %s (%s)%s%s\n", boot, model,
		       now[0] ? ", and runs on " : "", now);
}

int do_moved(void)
{
	char elsewhere[ROW_VALUE_LEN], moves[ROW_VALUE_LEN], since[ROW_VALUE_LEN];
	_cleanup_(rows_done) struct rows rows = { 0 };
	char missing[MISSING_LEN];
	bool moved;
	int status;

	status = ask_rows("now", &rows, missing);
	if (status)
		return status;
	say_left_out(&rows);
	value(&rows, "boot", "elsewhere", elsewhere);
	value(&rows, "boot", "moves", moves);
	value(&rows, "boot", "moves-since", since);
	moved = (moves[0] && strcmp(moves, "0") != 0) || strcmp(elsewhere, "yes") == 0;
	printf("%s: ", moved ? "yes" : elsewhere[0] ? "no" : "not known");
	print_servers(&rows, elsewhere);
	printf("migrations that drmgrd has seen, from %s s after the boot on: %s\n", since, moves);
	return moved ? DR_EXIT_DONE : elsewhere[0] ? DR_EXIT_NOT_MOVED : DR_EXIT_NOT_KNOWN;
}
