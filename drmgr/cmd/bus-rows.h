/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_CMD_BUS_ROWS_H
#define DRMGR_CMD_BUS_ROWS_H

#include "shared/rows.h"

#include <systemd/sd-bus.h>

#define MISSING_LEN 256

/* Adds the rows that come next in a message of the daemon's. Returns 0 or a negative errno. */
int read_rows(sd_bus_message *m, struct rows *ret);

/*
 * ask_rows() - the daemon's table of the machine
 * @what: "now", "changed" or "stale"
 * @ret: its rows are added to it
 * @missing: receives why the module's rows are not among them, "" where they are
 *
 * Returns 0, or an exit status after one line that says what is wrong.
 */
int ask_rows(const char *what, struct rows *ret, char missing[static MISSING_LEN]);

/* Says how many rows the daemon's answer had no room for, if there are some. */
void say_left_out(const struct rows *rows);

/* Says that home nodes of @what are not known, and why. Returns the exit status for that. */
int no_home_nodes(const char *what, const char *missing);

#endif /* DRMGR_CMD_BUS_ROWS_H */
