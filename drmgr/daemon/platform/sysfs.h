/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_SYSFS_H
#define DRMGRD_SYSFS_H

#include <systemd/sd-event.h>

#include "daemon/platform/backend.h"

/* The back end for a kernel without pmig.ko. Also one that nobody uses notices that the partition has moved. */
int sysfs_new(struct backend **ret, sd_event *event);
/* It does: there is something to watch. */
bool sysfs_watches(const struct backend *b);

/* The name of the pipe of a write that is under way, in systemd's store. */
#define SYSFS_OUTPUT_NAME "write"

/* Takes over a write that an earlier daemon has started, with its pipe. */
void sysfs_restore(struct backend *b, uint64_t stream, int output);

#endif /* DRMGRD_SYSFS_H */
