/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_SYSFS_H
#define DRMGRD_SYSFS_H

#include <systemd/sd-event.h>

#include "daemon/backend.h"

/* The back end for a kernel without pmig.ko. */
int sysfs_new(struct backend **ret, sd_event *event);

#endif /* DRMGRD_SYSFS_H */
