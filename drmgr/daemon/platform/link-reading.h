/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table of pmig.ko's rows, and of each whether the kernel still believes something else. */
#ifndef DRMGRD_LINK_READING_H
#define DRMGRD_LINK_READING_H

#include "daemon/platform/link-rows.h"

/* For all of it */
#define READING_USEC (10 * USEC_PER_SEC)

struct reading;

/*
 * As dump_new(). What is read of STALE has what stale_measure() finds, too; what is read of CHANGED is flagged by it.
 * Where that can't be found out, the rows are what pmig.ko told. @engine: "" for the first one that is there.
 */
int reading_new(struct reading **ret, sd_event *event, uint16_t family, const char *engine,
		enum pmig_rows what, uint32_t generation, dump_done_t done, void *userdata);
struct reading *reading_free(struct reading *r);

#endif /* DRMGRD_LINK_READING_H */
