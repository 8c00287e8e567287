/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine as the device tree names it: what a migration always changes, and what user space can see of it. */
#ifndef DRMGRD_IDENTITY_H
#define DRMGRD_IDENTITY_H

#include "daemon/base/util.h"
#include "shared/rows.h"

#define IDENTITY_ITEMS 5

struct identity {
	char value[IDENTITY_ITEMS][ROW_VALUE_LEN]; /* "" where it is not there */
};

/* The server's "system-id", "" where it is not there. */
void identity_system_id(char value[static ROW_VALUE_LEN]);
/* The same as one word: its serial number. */
void identity_serial(char *buf, size_t size);
/* Is this another server than the one of @serial, which identity_serial() has put into @size bytes? Not if that is "". */
bool identity_is_other(const char *serial, size_t size);
void identity_read(struct identity *ret);
bool identity_same(const struct identity *a, const struct identity *b);
/* Adds what differs. */
int identity_changes(const struct identity *old, const struct identity *now, struct rows *ret);

#endif /* DRMGRD_IDENTITY_H */
