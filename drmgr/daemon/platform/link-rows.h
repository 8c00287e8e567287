/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump of rows from pmig.ko. */
#ifndef DRMGRD_LINK_ROWS_H
#define DRMGRD_LINK_ROWS_H

#include <systemd/sd-event.h>

#include "daemon/base/util.h"
#include "shared/rows.h"
#include "uapi/linux/pmig.h"

/*
 * @error: 0, or why there are none, or not all. @generation: of the comparison that they are of, or the last one before
 * they were told; 0: none yet. *@rows may be taken over; what is left in it is freed.
 */
typedef void (*dump_done_t)(void *userdata, int error, uint32_t generation, struct rows *rows);

struct dump;

struct dump_request {
	uint16_t family;
	const char *engine; /* "" for the first one that is there */
	enum pmig_rows what;
	uint32_t generation; /* of PMIG_ROWS_CHANGED, 0 for the last one */
	usec_t due;
};

/* @done comes once, never from inside this call, and may free it. @request->engine has to stay until then. */
int dump_new(struct dump **ret, sd_event *event, const struct dump_request *request,
	     dump_done_t done, void *userdata);
struct dump *dump_free(struct dump *d);

#endif /* DRMGRD_LINK_ROWS_H */
