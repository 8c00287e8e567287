/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the audience "affinity", for its own files only. */
#ifndef DRMGRD_AFFINITY_H
#define DRMGRD_AFFINITY_H

#include <systemd/sd-bus.h>

#include "daemon/affinity/saved.h"
#include "daemon/apps/registry.h"
#include "daemon/base/eventlog.h"
#include "daemon/platform/link-reading.h"
#include "daemon/session/audience.h"

struct affinity;

/* A unit that systemd is asked about, or told something of. */
struct unit_call {
	struct affinity *owner;
	sd_bus_slot *slot;	   /* NULL: no answer is waited for */
	struct affinity_unit unit; /* a copy: the settings may be read again before the answer */
};

struct affinity {
	struct audience a;
	const struct config *config;
	struct registry *registry;
	struct backend *const *link; /* pmig.ko, which knows the true map */
	sd_bus *const *bus;	     /* the system bus, NULL where it is not there */
	char *directory;
	struct saved saved;
	struct unit_call calls[UNITS_MAX]; /* as config->units */
	size_t nr_asked;		   /* that systemd has not answered at PRE */
	struct reading *reading;	   /* of the true map; POST waits for it */
	size_t lines;			   /* about applications in the log, in this phase */
	size_t threads_max;		   /* so many are looked at, of all applications together */
};

#define AFFINITY_LINES_MAX 64

/* A line in the log; of the kind "application" there are so many, because any user may register some. */
_printf_(5, 6) void affinity_say(struct affinity *af, int priority, const char *kind,
				 const char *name, const char *fmt, ...);
enum affinity_mode affinity_of(const struct application *app);

/*
 * Calls @each for every application that has asked for something. Root's come first, so that others can't take all of the
 * time, of the lines in the log, and of the processors.
 */
typedef void (*affinity_each_t)(void *userdata, const struct application *app);
void affinity_each(struct affinity *af, affinity_each_t each, void *userdata);

#endif /* DRMGRD_AFFINITY_H */
