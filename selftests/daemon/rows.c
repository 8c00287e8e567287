// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rows now|changed|stale ENGINE: pmig.ko's own rows, without drmgrd: a line "NAME|OLD|NEW" for each, in their order.
 */
#include "kernel/ktest.h"

static void print_value(const char *value, uint32_t unit)
{
	if (unit == PMIG_UNIT_PVR && *value)
		printf("|0x%llx", strtoull(value, NULL, 10));
	else
		printf("|%s", value);
}

int main(int argc, char **argv)
{
	static const char *const tables[] = { [PMIG_ROWS_NOW] = "now",
					      [PMIG_ROWS_CHANGED] = "changed",
					      [PMIG_ROWS_STALE] = "stale" };
	struct rows rows = {};
	unsigned int i, what;
	struct link l;
	int err;

	for (what = 0; argc == 3 && what < sizeof(tables) / sizeof(tables[0]); what++)
		if (tables[what] && !strcmp(tables[what], argv[1]))
			break;
	if (argc != 3 || what == sizeof(tables) / sizeof(tables[0])) {
		fprintf(stderr, "usage: rows now|changed|stale ENGINE\n");
		return 2;
	}
	err = link_open(&l) ?: rows_of(&l, argv[2], what, &rows);
	if (err || rows.interrupted) {
		fprintf(stderr, "rows: error %d, %s\n", err, l.ext);
		return 1;
	}
	for (i = 0; i < rows.nr; i++) {
		printf("%s", rows.row[i].name);
		print_value(rows.row[i].old, rows.row[i].unit);
		print_value(rows.row[i].new, rows.row[i].unit);
		printf("\n");
	}
	return 0;
}
