// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls of org.drmgr, and what their errors mean for the exit status. The daemon's own errors carry a line
 * for the operator, which is passed on; those of the bus are about things an operator has no idea of, so
 * they get a line from here.
 *
 * A call waits without bound. That needs no watching of the daemon: when its connection ends, the bus
 * itself answers for it, with NoReply.
 *
 * Where another process has the DLPAR lock the daemon says so at once, and it is asked again from here: it need
 * not remember who waits, and who does not wait any more.
 */
#include "cmd/bus.h"

#include "shared/busnames.h"
#include "shared/clock.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long the DLPAR lock is waited for without -w, and how often it is asked for */
#define LOCK_WAIT_USEC	(5 * USEC_PER_SEC)
#define LOCK_RETRY_USEC (USEC_PER_SEC / 10)

#define NO_DAEMON_TEXT "drmgrd is not running and cannot be started: systemctl status drmgrd dbus"

#define LOST_TEXT "drmgrd ended before it answered; a migration under way goes on: see drmgr status"

static const struct {
	const char *name;
	int status;
	const char *text; /* NULL: what the daemon said */
} errors[] = {
	{ DR_ERROR_BAD_STREAM, DR_EXIT_NO_STREAM, NULL },
	{ DR_ERROR_BUSY, DR_EXIT_BUSY, NULL },
	{ DR_ERROR_LOCKED, DR_EXIT_BUSY, NULL },
	{ DR_ERROR_NO_MODULE, DR_EXIT_NO_MODULE, NULL },
	{ DR_ERROR_NO_ENGINE, DR_EXIT_NO_MODULE, NULL },
	{ DR_ERROR_STOPPED, DR_EXIT_STOPPED, NULL },
	{ DR_ERROR_ABORTED, DR_EXIT_ABORTED, NULL },
	{ DR_ERROR_FAILED, DR_EXIT_FAILED, NULL },
	{ DR_ERROR_TOO_MANY, DR_EXIT_ERROR, NULL },
	{ DR_ERROR_INVALID, DR_EXIT_USAGE, NULL },
	{ SD_BUS_ERROR_ACCESS_DENIED, DR_EXIT_DENIED, "not permitted: run it as root" },
	{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, DR_EXIT_DENIED,
	  "not permitted: run it as root" },
	{ SD_BUS_ERROR_NO_REPLY, DR_EXIT_LOST, LOST_TEXT },
	/* the bus itself went, and our connection with it */
	{ "System.Error.ECONNRESET", DR_EXIT_LOST, LOST_TEXT },
	{ "System.Error.ENOTCONN", DR_EXIT_LOST, LOST_TEXT },
	{ SD_BUS_ERROR_DISCONNECTED, DR_EXIT_LOST, LOST_TEXT },
	{ SD_BUS_ERROR_SERVICE_UNKNOWN, DR_EXIT_NO_DAEMON, NO_DAEMON_TEXT },
	{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, DR_EXIT_NO_DAEMON, NO_DAEMON_TEXT },
	{ SD_BUS_ERROR_TIMEOUT, DR_EXIT_NO_DAEMON, NO_DAEMON_TEXT },
	{ "org.freedesktop.DBus.Error.TimedOut", DR_EXIT_NO_DAEMON, NO_DAEMON_TEXT },
};

static int no_bus(int r)
{
	if (r == -EACCES || r == -EPERM) {
		fputs("drmgr: not permitted: run it as root\n", stderr);
		return DR_EXIT_DENIED;
	}
	fprintf(stderr, "drmgr: no system bus (%s): systemctl status dbus\n", strerror(-r));
	return DR_EXIT_NO_DAEMON;
}

static bool is_activation_error(const char *name)
{
	return !strncmp(name, "org.freedesktop.DBus.Error.Spawn.", 33) ||
	       !strncmp(name, "org.freedesktop.systemd1.", 25);
}

/* One line, whatever is in the message. */
static void say(const char *text)
{
	char line[1024] = "";

	strncpy(line, text, sizeof(line) - 1);
	fprintf(stderr, "drmgr: %s\n", wire_text(line));
}

static int report(const sd_bus_error *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!sd_bus_error_has_name(e, errors[i].name))
			continue;
		say(errors[i].text ?: e->message ?: e->name);
		return errors[i].status;
	}
	if (is_activation_error(e->name)) {
		say(NO_DAEMON_TEXT);
		return DR_EXIT_NO_DAEMON;
	}
	say(e->message ?: e->name);
	return DR_EXIT_ERROR;
}

static int new_message(struct call *call, const char *method)
{
	int r;

	sd_bus_message_unref(call->m);
	call->m = NULL;
	r = sd_bus_message_new_method_call(call->bus, &call->m, DR_BUS_NAME, DR_BUS_PATH,
					   DR_BUS_INTERFACE, method);
	return r < 0 ? call_bad_reply(r) : 0;
}

int call_prepare(struct call *call, const char *method)
{
	int r = sd_bus_open_system(&call->bus);

	return r < 0 ? no_bus(r) : new_message(call, method);
}

static int append_u32(sd_bus_message *m, const char *name, const struct opt_u32 *o)
{
	return o->set ? sd_bus_message_append(m, "{sv}", name, "u", o->value) : 0;
}

static int append_u64(sd_bus_message *m, const char *name, const struct opt_u32 *o)
{
	return o->set ? sd_bus_message_append(m, "{sv}", name, "t", (uint64_t)o->value) : 0;
}

static int append_all(sd_bus_message *m, const struct request *req)
{
	int r = 0;

	if (req->force)
		r = sd_bus_message_append(m, "{sv}", "force", "b", 1);
	if (r >= 0)
		r = append_u32(m, "detail", &req->detail);
	if (r >= 0)
		r = append_u32(m, "destination-lpar", &req->destination_lpar);
	if (r >= 0)
		r = append_u32(m, "wait-min", &req->wait_min);
	if (r >= 0)
		r = append_u32(m, "self-arp", &req->self_arp);
	if (r >= 0)
		r = append_u64(m, "enabled-ms", &req->enabled_ms);
	if (r >= 0)
		r = append_u64(m, "blackout-ms", &req->blackout_ms);
	return r;
}

static int append_options(struct call *call, const struct request *req)
{
	int r = 0;

	if (req->has_stream)
		r = sd_bus_message_append(call->m, "t", req->stream);
	if (r >= 0)
		r = sd_bus_message_open_container(call->m, 'a', "{sv}");
	if (r >= 0)
		r = append_all(call->m, req);
	if (r >= 0)
		r = sd_bus_message_close_container(call->m);
	return r < 0 ? call_bad_reply(r) : 0;
}

/* Sets *@locked, and says nothing, where that is why it failed; NULL: the caller does not wait any more. */
static int run_once(struct call *call, bool *locked)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r, status = 0;

	r = sd_bus_call(call->bus, call->m, UINT64_MAX, &error, &call->reply);
	if (r < 0 && locked && sd_bus_error_has_name(&error, DR_ERROR_LOCKED))
		*locked = true;
	else if (r < 0 && sd_bus_error_is_set(&error))
		status = report(&error);
	else if (r < 0)
		status = no_bus(r);
	sd_bus_error_free(&error);
	return status;
}

int call_run(struct call *call)
{
	return run_once(call, NULL);
}

int call_request(struct call *call, const char *method, const struct request *req)
{
	uint64_t wait =
		req->wait_min.set ? req->wait_min.value * 60 * USEC_PER_SEC : LOCK_WAIT_USEC;
	uint64_t until = now_boottime_usec() + wait;
	int status = call_prepare(call, method);

	while (status == 0) {
		bool locked = false;

		status = append_options(call, req) ?:
				 run_once(call, now_boottime_usec() < until ? &locked : NULL);
		if (!locked)
			break;
		usleep(LOCK_RETRY_USEC);
		status = new_message(call, method);
	}
	return status;
}

int call_bad_reply(int r)
{
	fprintf(stderr,
		"drmgr: drmgrd speaks another version (%s): install both from one package\n",
		strerror(-r));
	return DR_EXIT_ERROR;
}

void call_done(struct call *call)
{
	sd_bus_message_unref(call->reply);
	sd_bus_message_unref(call->m);
	sd_bus_close_unref(call->bus);
}
