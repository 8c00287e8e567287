// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes rows of what was read. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/platform/fact.h"

static int add(struct rows *rows, const char *section, const char *key, const char *field,
	       uint32_t unit, const char *value)
{
	struct row row = { .unit = unit };

	text_copy(row.section, sizeof(row.section), section, ROW_SECTION_LEN);
	text_copy(row.key, sizeof(row.key), key, ROW_KEY_LEN);
	text_copy(row.field, sizeof(row.field), field, ROW_FIELD_LEN);
	text_copy(row.new, sizeof(row.new), value, ROW_VALUE_LEN);
	return rows_add(rows, &row);
}

int fact_text(struct rows *rows, const char *section, const char *key, const char *field,
	      const char *value)
{
	return add(rows, section, key, field, PMIG_UNIT_TEXT, value);
}

int fact_number(struct rows *rows, const char *section, const char *key, const char *field,
		uint32_t unit, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return add(rows, section, key, field, unit, text);
}
