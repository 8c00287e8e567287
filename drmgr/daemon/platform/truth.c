// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks up true facts, and says what is not as they are. */
#include <stdio.h>
#include <string.h>

#include "daemon/platform/truth.h"

static bool has_key(const struct row *row, const char *key)
{
	size_t length =
		strcmp(row->section, "cache") == 0 ? strcspn(row->key, "@") : strlen(row->key);

	return strlen(key) == length && memcmp(row->key, key, length) == 0;
}

const struct row *truth_find(const struct rows *now, const char *section, const char *key,
			     const char *field)
{
	for (size_t i = 0; i < now->n; i++) {
		const struct row *row = &now->v[i];

		if (strcmp(row->section, section) == 0 && strcmp(row->field, field) == 0 &&
		    has_key(row, key))
			return row;
	}
	return NULL;
}

int truth_against(struct rows *ret, const struct row *seen, const char *source, const char *truth)
{
	struct row row = *seen;

	if (strcmp(seen->old, truth) == 0)
		return 0;
	snprintf(row.field, sizeof(row.field), "%.11s-%.19s", source, seen->field);
	snprintf(row.new, sizeof(row.new), "%s", truth);
	row.flags = ROW_F_STALE;
	return rows_add(ret, &row);
}
