/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_BUS_H
#define DRMGRD_BUS_H

#include <systemd/sd-bus.h>

struct manager;

/* Connects, takes the name, answers. */
int bus_new(sd_bus **ret, struct manager *m);

#endif /* DRMGRD_BUS_H */
