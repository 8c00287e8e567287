/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows on the bus: the method Platform and the signal PlatformChanged. shared/busnames.h says what they look like. */
#ifndef DRMGRD_BUS_PLATFORM_H
#define DRMGRD_BUS_PLATFORM_H

#include <systemd/sd-bus.h>

#include "daemon/manager.h"

/* A row, and rows with how many more there are */
#define ROW_TYPE  "(sssssuu)"
#define ROWS_TYPE "a" ROW_TYPE "t"

/* How many of them fit into one message. */
size_t rows_that_fit(const struct rows *rows);
/* Those, and how many more there are. */
int append_rows(sd_bus_message *m, const struct rows *rows);
int method_platform(sd_bus_message *call, void *userdata, sd_bus_error *error);
/* Whoever asked has gone: @sender, or with NULL all of @bus. */
void bus_platform_forget(const sd_bus *bus, const char *sender, struct manager *m);
/* Changes without a migration are logged and told from here on, on the bus and to applications. */
void bus_platform_watch(struct manager *m);

#endif /* DRMGRD_BUS_PLATFORM_H */
