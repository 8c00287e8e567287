/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors and nodes of a unit of systemd, which alone writes them into its cgroup. Nothing here waits: each answer
 * comes to @done, within UNIT_USEC, or not at all once the slot is freed.
 */
#ifndef DRMGRD_UNITS_H
#define DRMGRD_UNITS_H

#include <systemd/sd-bus.h>

#include "daemon/affinity/cpus.h"

#define UNIT_USEC UINT64_C(5000000)

/* Asks for all properties of @unit: unit_parse() reads the answer. */
int unit_read(sd_bus *bus, sd_bus_slot **ret, const char *unit, sd_bus_message_handler_t done,
	      void *userdata);
/* AllowedCPUs= and AllowedMemoryNodes=, empty where the unit has none. */
int unit_parse(sd_bus_message *answer, struct cpus *cpus, struct cpus *nodes);
/* Until the next boot. An empty set is left as it is. */
int unit_write(sd_bus *bus, sd_bus_slot **ret, const char *unit, const struct cpus *cpus,
	       const struct cpus *nodes, sd_bus_message_handler_t done, void *userdata);

#endif /* DRMGRD_UNITS_H */
