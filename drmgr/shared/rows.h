/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows: facts of the machine, or how they differ. One table for what the module tells (PMIG_CMD_ROWS) and for what
 * anyone can read in /proc and /sys.
 */
#ifndef DRMGR_ROWS_H
#define DRMGR_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_SECTION_LEN 16
#define ROW_KEY_LEN	64
#define ROW_FIELD_LEN	32
#define ROW_VALUE_LEN	128
#define ROW_NAME_LEN	(ROW_SECTION_LEN + ROW_KEY_LEN + ROW_FIELD_LEN)

/* No machine has more; what is beyond is counted, not kept. */
#define ROWS_MAX (1U << 20)

/*
 * One row. All texts are printable and terminated; @key is empty where there is only one of its kind; @old and @new are
 * empty where there was, or is, nothing. Numbers are decimal, a unit of PMIG_UNIT_PVR hexadecimal with 0x.
 * @flags: PMIG_ROW_F_*, and of ours ROW_F_*
 */
struct row {
	char section[ROW_SECTION_LEN];
	char key[ROW_KEY_LEN];
	char field[ROW_FIELD_LEN];
	char old[ROW_VALUE_LEN];
	char new[ROW_VALUE_LEN];
	uint32_t unit; /* enum pmig_unit */
	uint32_t flags;
};

/* The kernel, or what it tells programs, still has the old value. */
#define ROW_F_STALE (1U << 16)
/* Of a fact: a migration should not change it. rows_diff() makes PMIG_ROW_F_UNEXPECTED of it. */
#define ROW_F_STAYS (1U << 17)

struct rows {
	struct row *v;
	size_t n, room;
	size_t dropped; /* past ROWS_MAX */
};

void rows_done(struct rows *rows);

/* Returns 0 or -ENOMEM; what is past ROWS_MAX is counted in dropped. */
int rows_add(struct rows *rows, const struct row *row);
/* The same with all of @more, and with what was dropped of it. */
int rows_append(struct rows *rows, const struct rows *more);

/* Keeps the first @max; before that, what should not have changed comes first. The rest is counted in dropped. */
void rows_shorten(struct rows *rows, size_t max);

/* All its texts are terminated. */
bool row_is_whole(const struct row *row);

/* "section.key.field", "section.field" where there is no key. */
void row_name(const struct row *row, char name[static ROW_NAME_LEN]);

/* "12 rows (cpu, memory)"; a section that has no room is left out. */
#define ROWS_TEXT_LEN 96
void rows_text(const struct rows *rows, char text[static ROWS_TEXT_LEN]);

/*
 * rows_diff() - what differs
 *
 * Of both only @new of each row counts: what it is then. In any order; of rows with one name the first counts.
 * Adds to *@ret, by section, key and field. A row has the unit that it has now.
 *
 * Returns 0 or -ENOMEM.
 */
int rows_diff(const struct rows *old, const struct rows *now, struct rows *ret);

/*
 * rows_fold() - fewer rows that say the same
 *
 * Rows that differ in nothing but the processor, cache or block of their key become one: the caches of a level and type
 * "l2" where the others of it say the same, else "l2@0,8"; processors "0-7,16"; and blocks of memory
 * "0x0-0x30000000", which are as large as the smallest distance between two of them. Where that makes a long key, there
 * are several rows. Each is where the first of its rows was. What cannot be folded stays as it is.
 *
 * Returns 0 or -ENOMEM.
 */
int rows_fold(const struct rows *rows, struct rows *ret);

#endif /* DRMGR_ROWS_H */
