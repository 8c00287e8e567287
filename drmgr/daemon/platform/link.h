/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end that speaks with pmig.ko. */
#ifndef DRMGRD_LINK_H
#define DRMGRD_LINK_H

#include <systemd/sd-event.h>

#include "daemon/platform/backend.h"
#include "daemon/platform/link-reading.h"

/* A missing module is no error: the link waits for it to come. */
int link_new(struct backend **ret, sd_event *event);
/*
 * Looks for the family again, after the module has been loaded. 0, or -ENOPROTOOPT: it is not there,
 * -EPROTONOSUPPORT: it is of another version than this daemon.
 */
int link_refresh(struct backend *b);
/* It is there, as the kernel has announced it. */
bool link_present(const struct backend *b);
/* @rows: what differs. Replaces an earlier listener. */
typedef void (*link_changed_t)(void *userdata, const struct kernel_change *change,
			       const struct rows *rows);
void link_listen_changed(struct backend *b, link_changed_t call, void *userdata);
/*
 * A table, PMIG_ROWS_CHANGED of the last comparison, of @engine or, if that is "", of the first one that is there;
 * -ENOPROTOOPT without the module.
 */
int link_read(const struct backend *b, struct reading **ret, enum pmig_rows what,
	      const char *engine, dump_done_t done, void *userdata);
/* It has not answered, so it counts as gone. */
bool link_is_silent(const struct backend *b);

#endif /* DRMGRD_LINK_H */
