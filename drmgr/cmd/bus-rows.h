/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_CMD_BUS_ROWS_H
#define DRMGR_CMD_BUS_ROWS_H

#include "shared/rows.h"

#include <systemd/sd-bus.h>

/* Adds the rows that come next in a message of the daemon's. Returns 0 or a negative errno. */
int read_rows(sd_bus_message *m, struct rows *ret);

#endif /* DRMGR_CMD_BUS_ROWS_H */
