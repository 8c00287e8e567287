// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection to the system bus, by which applications and ordinary users reach the daemon. Nothing here waits for
 * the bus, which may hang, not exist yet, or be restarted; the daemon starts, works and ends without it. Root has the
 * private socket.
 */
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "shared/busnames.h"

/* Between two attempts. A bus that has activated the daemon waits longer for it. */
#define AGAIN_MIN_USEC USEC_PER_SEC
#define AGAIN_MAX_USEC (8 * USEC_PER_SEC)

#define GONE                                                             \
	"type='signal',sender='org.freedesktop.DBus',"                   \
	"path='/org/freedesktop/DBus',interface='org.freedesktop.DBus'," \
	"member='NameOwnerChanged',arg2=''"

struct sysbus {
	struct manager *m;
	sd_bus *bus;
	sd_event_source *again;
	usec_t delay;
};

static void disconnect(struct sysbus *s)
{
	s->m->system_bus = NULL;
	if (s->bus)
		bus_forget(s->bus, NULL, s->m);
	s->bus = sd_bus_close_unref(s->bus);
}

static void try_again(struct sysbus *s, const char *why, int r)
{
	/* Logged once, however often it is tried. */
	if (s->delay == 0)
		log_warning("%s: %s. drmgrd tries again; root can use drmgr meanwhile.", why,
			    errno_text(r));
	s->delay = s->delay ? usec_min(2 * s->delay, AGAIN_MAX_USEC) : AGAIN_MIN_USEC;
	disconnect(s);
	sd_event_source_set_time(s->again, now_usec() + s->delay);
	sd_event_source_set_enabled(s->again, SD_EVENT_ONESHOT);
}

static int on_disconnected(_unused_ sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	try_again(userdata, "The system bus is gone", -ECONNRESET);
	return 0;
}

/* A connection has ended: nobody hears its answers any more. */
static int on_gone(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	struct sysbus *s = userdata;
	const char *name;

	if (sd_bus_message_read(m, "s", &name) >= 0 && name[0] == ':')
		bus_forget(s->bus, name, s->m);
	return 0;
}

static int on_named(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	struct sysbus *s = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	uint32_t answer = 0;
	int r;

	r = error ? -sd_bus_error_get_errno(error) : sd_bus_message_read(m, "u", &answer);
	/* 1: the name is ours now, 4: it was already */
	if (r >= 0 && answer != 1 && answer != 4)
		r = -EEXIST;
	if (r < 0) {
		try_again(s, "The system bus does not give us the name " DR_BUS_NAME, r);
		return 0;
	}
	s->delay = 0;
	s->m->system_bus = s->bus;
	return 0;
}

static int connect_bus(struct sysbus *s)
{
	int r = sd_bus_open_system_with_description(&s->bus, "drmgrd");

	if (r >= 0)
		r = sd_bus_match_signal(s->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
					"org.freedesktop.DBus.Local", "Disconnected",
					on_disconnected, s);
	if (r >= 0)
		r = sd_bus_add_match_async(s->bus, NULL, GONE, on_gone, NULL, s);
	if (r >= 0)
		r = bus_serve(s->bus, s->m, false);
	/* Whoever asks before this waits at the bus. */
	if (r >= 0)
		r = sd_bus_request_name_async(s->bus, NULL, DR_BUS_NAME, 0, on_named, s);
	return r;
}

static int on_again(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct sysbus *s = userdata;
	int r = connect_bus(s);

	if (r < 0)
		try_again(s, "There is no system bus", r);
	return 0;
}

int sysbus_new(struct sysbus **ret, struct manager *m)
{
	struct sysbus *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return log_oom();
	s->m = m;
	r = sd_event_add_time(m->event, &s->again, CLOCK_BOOTTIME, 0, 0, on_again, s);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct sysbus *sysbus_free(struct sysbus *s)
{
	if (!s)
		return NULL;
	disconnect(s);
	sd_event_source_disable_unref(s->again);
	free(s);
	return NULL;
}
