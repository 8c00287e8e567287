// SPDX-License-Identifier: GPL-2.0-or-later
/* Speaks with systemd of the processors and nodes of its units. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/affinity/units.h"
#include "shared/cleanup.h"

#define SYSTEMD	   "org.freedesktop.systemd1"
#define CPUS	   "AllowedCPUs"
#define NODES	   "AllowedMemoryNodes"
#define UNITS_PATH "/org/freedesktop/systemd1/unit"

/* "db.service" has its properties in org.freedesktop.systemd1.Service. */
static void interface_of(const char *unit, char *buf, size_t size)
{
	const char *type = strrchr(unit, '.');

	snprintf(buf, size, SYSTEMD ".%c%s", type ? toupper((unsigned char)type[1]) : 'U',
		 type && type[1] ? type + 2 : "");
}

int unit_read(sd_bus *bus, sd_bus_slot **ret, const char *unit, sd_bus_message_handler_t done,
	      void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	_cleanup_free_ char *path = NULL;
	char interface[64];
	int r;

	interface_of(unit, interface, sizeof(interface));
	r = sd_bus_path_encode(UNITS_PATH, unit, &path);
	if (r >= 0)
		r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, path,
						   "org.freedesktop.DBus.Properties", "GetAll");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", interface);
	return r < 0 ? r : sd_bus_call_async(bus, ret, m, done, userdata, UNIT_USEC);
}

static int read_set(sd_bus_message *m, struct cpus *ret)
{
	const void *bytes;
	size_t n;
	int r;

	r = sd_bus_message_enter_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_read_array(m, 'y', &bytes, &n);
	if (r >= 0)
		r = cpus_from_bytes(ret, bytes, n);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

int unit_parse(sd_bus_message *answer, struct cpus *cpus, struct cpus *nodes)
{
	const char *name;
	int r;

	*cpus = *nodes = (struct cpus){ 0 };
	r = sd_bus_message_enter_container(answer, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
		r = sd_bus_message_read(answer, "s", &name);
		if (r < 0)
			break;
		if (strcmp(name, CPUS) == 0)
			r = read_set(answer, cpus);
		else if (strcmp(name, NODES) == 0)
			r = read_set(answer, nodes);
		else
			r = sd_bus_message_skip(answer, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(answer);
	}
	return r;
}

static int append_set(sd_bus_message *m, const char *name, const struct cpus *set)
{
	uint8_t bytes[CPUS_MAX / 8];
	size_t n = cpus_to_bytes(set, bytes);
	int r;

	if (n == 0)
		return 0;
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', bytes, n);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int unit_write(sd_bus *bus, sd_bus_slot **ret, const char *unit, const struct cpus *cpus,
	       const struct cpus *nodes, sd_bus_message_handler_t done, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, "/org/freedesktop/systemd1",
					   SYSTEMD ".Manager", "SetUnitProperties");
	if (r >= 0)
		r = sd_bus_message_append(m, "sb", unit, 1);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = append_set(m, CPUS, cpus);
	if (r >= 0)
		r = append_set(m, NODES, nodes);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_call_async(bus, ret, m, done, userdata, UNIT_USEC);
}
