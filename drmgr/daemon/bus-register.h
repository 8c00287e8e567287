/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The method Register, see shared/busnames.h. */
#ifndef DRMGRD_BUS_REGISTER_H
#define DRMGRD_BUS_REGISTER_H

#include <systemd/sd-bus.h>

#include "daemon/manager.h"

/* Did @sender, or with NULL anybody on @bus, send @call? */
bool call_is_of(sd_bus_message *call, const sd_bus *bus, const char *sender);

int method_register(sd_bus_message *call, void *userdata, sd_bus_error *error);
/* The same on the private socket */
int method_register_root(sd_bus_message *call, void *userdata, sd_bus_error *error);
/* Whoever was registering has gone: @sender, or with NULL all of @bus. */
void bus_register_forget(const sd_bus *bus, const char *sender, struct manager *m);

#endif /* DRMGRD_BUS_REGISTER_H */
