// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr platform: the daemon's rows, for a person (few of them, in columns), for a program (--json, all of them), or
 * for a script (--get, one value).
 */
#include "cmd/bus-rows.h"
#include "cmd/bus.h"
#include "cmd/verbs.h"
#include "shared/wiremsg.h"
#include "uapi/linux/pmig.h"

#include <stdio.h>
#include <string.h>

#define VALUES_NAMED 4

/* ---- for a person ---- */

static const char *unit_text(uint32_t unit)
{
	return unit == PMIG_UNIT_BYTES ? " bytes" : unit == PMIG_UNIT_HZ ? " Hz" : "";
}

static void print_value(const char *value, uint32_t unit)
{
	char text[ROW_VALUE_LEN];

	snprintf(text, sizeof(text), "%s", value);
	printf("%s%s", text[0] ? wire_text(text) : "none", text[0] ? unit_text(unit) : "");
}

static void print_row(const struct request *req, const struct row *row, int width)
{
	char name[ROW_NAME_LEN];

	row_name(row, name);
	printf("%-*s  ", width, wire_text(name));
	if (req->diff) {
		print_value(row->old, row->unit);
		printf(" -> ");
	}
	print_value(row->new, row->unit);
	/* Where the kernel has a value of its own */
	if (!req->diff && row->old[0] && strcmp(row->old, row->new) != 0) {
		printf(", the kernel has ");
		print_value(row->old, row->unit);
	}
	printf("%s%s\n",
	       req->diff && row->flags & ROW_F_STALE ? ", the kernel still shows the old" : "",
	       row->flags & PMIG_ROW_F_UNEXPECTED ? ", unexpected" : "");
}

static int print_table(const struct request *req, const struct rows *rows)
{
	_cleanup_(rows_done) struct rows few = { 0 };
	char name[ROW_NAME_LEN];
	size_t width = 0, i;

	if (rows_fold(rows, &few) < 0)
		return call_bad_reply(-ENOMEM);
	for (i = 0; i < few.n; i++) {
		row_name(&few.v[i], name);
		if (strlen(name) > width)
			width = strlen(name);
	}
	for (i = 0; i < few.n; i++)
		print_row(req, &few.v[i], (int)width);
	if (few.dropped)
		printf("and %zu more\n", few.dropped);
	return DR_EXIT_DONE;
}

/* ---- for a program ---- */

/* No control character is left in it, so this is all that JSON needs. */
static void print_string(const char *before, const char *value)
{
	char text[ROW_VALUE_LEN];
	const char *p;

	snprintf(text, sizeof(text), "%s", value);
	printf("%s\"", before);
	for (p = wire_text(text); *p; p++)
		printf(*p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	printf("\"");
}

/* One of those that we have: 07 is none. */
static bool is_json_number(const char *value)
{
	return strspn(value, "0123456789") == strlen(value) && (value[0] != '0' || !value[1]);
}

static void print_json_value(const char *before, const char *value, uint32_t unit)
{
	if (!value[0])
		printf("%snull", before);
	else if (unit < PMIG_UNIT_PVR && is_json_number(value))
		printf("%s%s", before, value);
	else
		print_string(before, value);
}

static const char *unit_name(uint32_t unit)
{
	static const char *const names[] = {
		[PMIG_UNIT_NUMBER] = "number", [PMIG_UNIT_BYTES] = "bytes",
		[PMIG_UNIT_HZ] = "Hz",	       [PMIG_UNIT_NODE] = "node",
		[PMIG_UNIT_PVR] = "pvr",       [PMIG_UNIT_TEXT] = "text",
		[PMIG_UNIT_CPUS] = "cpus",     [PMIG_UNIT_DOMAINS] = "domains",
	};

	return unit < ARRAY_SIZE(names) ? names[unit] : "unknown";
}

static int print_json(const struct rows *rows)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];

		print_string(i ? ",\n {\"section\": " : "[{\"section\": ", row->section);
		print_string(", \"key\": ", row->key);
		print_string(", \"field\": ", row->field);
		print_json_value(", \"old\": ", row->old, row->unit);
		print_json_value(", \"new\": ", row->new, row->unit);
		print_string(", \"unit\": ", unit_name(row->unit));
		printf(", \"stale\": %s, \"unexpected\": %s}",
		       row->flags & ROW_F_STALE ? "true" : "false",
		       row->flags & PMIG_ROW_F_UNEXPECTED ? "true" : "false");
	}
	printf(i ? "]\n" : "[]\n");
	return DR_EXIT_DONE;
}

/* ---- for a script ---- */

/*
 * Is @row called @name? "section.key.field", or less: of a cache's key ("l2@8") what is before the processor, of any key
 * nothing.
 */
static bool is_called(const struct row *row, const char *name)
{
	const char *field = strrchr(name, '.');
	size_t section = strcspn(name, "."), key;

	if (strlen(row->section) != section || strncmp(row->section, name, section) != 0 ||
	    strcmp(field + 1, row->field) != 0)
		return false;
	if (field == name + section)
		return true;
	name += section + 1;
	key = (size_t)(field - name);
	return strncmp(row->key, name, key) == 0 &&
	       (!row->key[key] || (key && row->key[key] == '@'));
}

/* Each value once, with the first that has it. */
static int print_different(const struct rows *found, const char *name)
{
	const char *values[VALUES_NAMED];
	char text[512], row[ROW_NAME_LEN];
	size_t i, k, used, named = 0;

	used = (size_t)snprintf(text, sizeof(text), "%.64s is not the same for all:", name);
	for (i = 0; i < found->n && named < VALUES_NAMED && used < sizeof(text); i++) {
		for (k = 0; k < named && strcmp(values[k], found->v[i].new) != 0; k++)
			;
		if (k < named)
			continue;
		row_name(&found->v[i], row);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s (%s)",
					 named ? "," : "", found->v[i].new, row);
		values[named++] = found->v[i].new;
	}
	fprintf(stderr, "drmgr: %s\n", wire_text(text));
	return DR_EXIT_DIFFERS;
}

static int print_one(const struct rows *rows, const char *name, const char *missing)
{
	_cleanup_(rows_done) struct rows found = { 0 };
	char text[ROW_VALUE_LEN];
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (rows->v[i].new[0] && is_called(&rows->v[i], name) &&
		    rows_add(&found, &rows->v[i]) < 0)
			return call_bad_reply(-ENOMEM);
	if (found.n == 0) {
		fprintf(stderr,
			"drmgr: nothing is called \"%.64s\": drmgr platform has all names%s\n",
			name, missing[0] ? ", but not those that pmig.ko knows" : "");
		return DR_EXIT_NO_VALUE;
	}
	for (i = 1; i < found.n; i++)
		if (strcmp(found.v[0].new, found.v[i].new) != 0)
			return print_different(&found, name);
	snprintf(text, sizeof(text), "%s", found.v[0].new);
	printf("%s\n", wire_text(text));
	return DR_EXIT_DONE;
}

int do_platform(const struct request *req)
{
	_cleanup_(rows_done) struct rows rows = { 0 };
	char missing[MISSING_LEN];
	int status;

	if (req->get && !strchr(req->get, '.')) {
		fprintf(stderr,
			"drmgr: \"%.64s\" is no name: give one as cache.l2.size, see drmgr platform\n",
			req->get);
		return DR_EXIT_USAGE;
	}
	status = ask_rows(req->diff ? "changed" : req->stale ? "stale" : "now", &rows, missing);
	if (status)
		return status;
	if (missing[0])
		fprintf(stderr, "drmgr: only what /proc and /sys tell: %s\n", missing);
	if (req->get || req->json) /* the table ends with it */
		say_left_out(&rows);
	if (req->get)
		return print_one(&rows, req->get, missing);
	return req->json ? print_json(&rows) : print_table(req, &rows);
}
