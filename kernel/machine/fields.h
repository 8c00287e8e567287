/* SPDX-License-Identifier: GPL-2.0 */
/* What each field is: its section, its name, its unit, and whether a migration may change it. */
#ifndef _PMIG_FIELDS_H
#define _PMIG_FIELDS_H

#include <linux/pmig_snapshot.h>
#include <uapi/linux/pmig.h>

/**
 * struct pmig_field_info - one row of the table
 * @name: as PMIG_A_ROW_FIELD
 * @section: where it belongs
 * @unit: of the value; PMIG_UNIT_TEXT and those behind it are texts
 * @stays: a migration should not change it
 * @server: it says which server this is: where it changes, the partition has moved
 */
struct pmig_field_info {
	const char *name;
	enum pmig_section section;
	enum pmig_unit unit;
	bool stays;
	bool server;
};

extern const struct pmig_field_info pmig_fields[PMIG_NR_FIELDS];
extern const char *const pmig_sections[PMIG_NR_SECTIONS];

static inline bool pmig_field_is_text(enum pmig_field field)
{
	return pmig_fields[field].unit >= PMIG_UNIT_TEXT;
}

#endif /* _PMIG_FIELDS_H */
