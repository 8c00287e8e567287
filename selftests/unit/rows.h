/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of made-up machines. */
#ifndef SELFTESTS_UNIT_ROWS_H
#define SELFTESTS_UNIT_ROWS_H

#include "shared/rows.h"

#include <stdio.h>
#include <stdlib.h>

static void add_row(struct rows *rows, const char *section, const char *key, const char *field,
		    const char *old, const char *new, uint32_t flags)
{
	struct row row = { .flags = flags };

	snprintf(row.section, sizeof(row.section), "%s", section);
	snprintf(row.key, sizeof(row.key), "%s", key);
	snprintf(row.field, sizeof(row.field), "%s", field);
	snprintf(row.old, sizeof(row.old), "%s", old);
	snprintf(row.new, sizeof(row.new), "%s", new);
	if (rows_add(rows, &row) < 0)
		abort();
}

#endif /* SELFTESTS_UNIT_ROWS_H */
