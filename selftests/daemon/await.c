// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * await line FILE LINE		until the file has this line
 * await status KEY VALUE	until `drmgr status` would print "KEY: VALUE"
 *
 * One process that looks and sleeps. Under emulation a shell's loop around drmgr takes a whole processor, from the
 * very thing that it waits for. Exit status: 0, or 1 after a time that says "never".
 */
#include "shared/busnames.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define NEVER_S	  90
#define LOOK_USEC 50000

static bool has_line(const char *file, const char *wanted)
{
	char line[1024];
	bool found = false;
	FILE *f;

	f = fopen(file, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, wanted);
	}
	fclose(f);
	return found;
}

/* Reads one value of a{sv}; text as drmgr prints it. */
static int read_value(sd_bus_message *m, char *text, size_t size)
{
	const char *contents, *s;
	uint64_t t;
	uint32_t u;
	char type;
	int r;

	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	text[0] = '\0';
	if (!strcmp(contents, "s")) {
		r = sd_bus_message_read(m, "v", "s", &s);
		if (r >= 0)
			snprintf(text, size, "%s", *s ? s : "none");
	} else if (!strcmp(contents, "t")) {
		r = sd_bus_message_read(m, "v", "t", &t);
		if (r >= 0)
			snprintf(text, size, "%" PRIu64, t);
	} else if (!strcmp(contents, "u")) {
		r = sd_bus_message_read(m, "v", "u", &u);
		if (r >= 0)
			snprintf(text, size, "%u", u);
	} else {
		r = sd_bus_message_skip(m, "v");
	}
	return r;
}

static bool answer_has(sd_bus_message *m, const char *key, const char *value)
{
	const char *name;
	char text[512];
	bool found = false;

	if (sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return false;
	while (!found && sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &name) < 0 ||
		    read_value(m, text, sizeof(text)) < 0 || sd_bus_message_exit_container(m) < 0)
			return false;
		found = !strcmp(name, key) && !strcmp(text, value);
	}
	return found;
}

/* The daemon or the bus may be on its way down or up: then the answer is no, and the next one has a new connection. */
static bool has_status(const char *key, const char *value)
{
	static sd_bus *bus;
	sd_bus_message *m = NULL;
	bool found;

	if (!bus && sd_bus_open_system(&bus) < 0)
		return false;
	if (sd_bus_call_method(bus, DR_BUS_NAME, DR_BUS_PATH, DR_BUS_INTERFACE, "GetStatus", NULL,
			       &m, NULL) < 0) {
		bus = sd_bus_flush_close_unref(bus);
		return false;
	}
	found = answer_has(m, key, value);
	sd_bus_message_unref(m);
	return found;
}

int main(int argc, char **argv)
{
	bool (*look)(const char *, const char *);
	time_t end = time(NULL) + NEVER_S;

	if (argc != 4 || (strcmp(argv[1], "line") && strcmp(argv[1], "status"))) {
		fprintf(stderr, "usage: await line FILE LINE | await status KEY VALUE\n");
		return 2;
	}
	look = strcmp(argv[1], "line") ? has_status : has_line;
	while (!look(argv[2], argv[3])) {
		if (time(NULL) > end)
			return 1;
		usleep(LOOK_USEC);
	}
	return 0;
}
