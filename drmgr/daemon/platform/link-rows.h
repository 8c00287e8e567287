/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump of rows from pmig.ko. */
#ifndef DRMGRD_LINK_ROWS_H
#define DRMGRD_LINK_ROWS_H

#include <systemd/sd-event.h>

#include "daemon/base/util.h"
#include "shared/rows.h"
#include "uapi/linux/pmig.h"

/* @error: 0, or why there are none, or not all. *@rows may be taken over; what is left in it is freed. */
typedef void (*dump_done_t)(void *userdata, int error, struct rows *rows);

struct dump;

/* @generation: of PMIG_ROWS_CHANGED, 0 for the last one. @done comes once, never from inside this call, and may free it. */
int dump_new(struct dump **ret, sd_event *event, uint16_t family, enum pmig_rows what,
	     uint32_t generation, dump_done_t done, void *userdata);
struct dump *dump_free(struct dump *d);

#endif /* DRMGRD_LINK_ROWS_H */
