// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The method Register. On the bus, the bus is asked who the caller is, and until it has answered, the call is kept. On the
 * private socket the kernel has said who it is. So however many others are registering, there is room for root.
 */
#include <string.h>

#include "daemon/bus-register.h"
#include "shared/busnames.h"

static int register_error(sd_bus_error *error, int r)
{
	switch (r) {
	case -EINVAL:
		return sd_bus_error_set(error, DR_ERROR_INVALID,
					"name, phases, flags or signal is out of range");
	case -ESRCH:
		return sd_bus_error_set(error, DR_ERROR_INVALID,
					"the pidfd is not the caller's own");
	case -EUSERS:
		return sd_bus_error_set(
			error, DR_ERROR_TOO_MANY,
			"too many applications are registered: MaxApplications*= in drmgr.conf");
	default:
		return r;
	}
}

static int read_credentials(sd_bus_message *m, struct registration *what)
{
	bool has_pid = false, has_uid = false;
	const char *key;
	uint32_t value;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			return r;
		if (strcmp(key, "ProcessID") == 0 || strcmp(key, "UnixUserID") == 0) {
			r = sd_bus_message_read(m, "v", "u", &value);
			if (key[0] == 'P')
				what->pid = (pid_t)value, has_pid = true;
			else
				what->uid = (uid_t)value, has_uid = true;
		} else {
			r = sd_bus_message_skip(m, "v");
		}
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : has_pid && has_uid ? 0 : -ENODATA;
}

/* How many may register at once, in all and for one connection. Any more are refused, and nothing is kept of them. */
#define REGISTERING_MAX	    256
#define REGISTERING_MAX_ONE 4

struct registering {
	LIST_ENTRY(registering) node;
	struct manager *m;
	sd_bus_message *call;
	sd_bus_slot *credentials;
};

static void registering_free(struct registering *reg)
{
	LIST_REMOVE(reg, node);
	sd_bus_slot_unref(reg->credentials);
	sd_bus_message_unref(reg->call);
	free(reg);
}

/* @what says who has called. */
static int register_caller(struct manager *m, sd_bus_message *call, struct registration *what,
			   sd_bus_error *error)
{
	_cleanup_close_ int events = -EBADF;
	int32_t signo;
	int r;

	r = sd_bus_message_read(call, "shuuiu", &what->name, &what->pidfd, &what->phases,
				&what->flags, &signo, &what->timeout_ms);
	if (r < 0)
		return r;
	what->signo = signo;
	events = registry_add(m->registry, what);
	if (events < 0)
		return register_error(error, events);
	return sd_bus_reply_method_return(call, "h", events);
}

static int on_credentials(sd_bus_message *credentials, void *userdata, _unused_ sd_bus_error *e)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct registering *reg = userdata;
	struct registration what = { 0 };
	int r = -sd_bus_message_get_errno(credentials);

	if (r == 0)
		r = read_credentials(credentials, &what);
	if (r >= 0)
		r = register_caller(reg->m, reg->call, &what, &error);
	if (r < 0)
		sd_bus_reply_method_errno(reg->call, r, &error);
	registering_free(reg);
	return 0;
}

bool call_is_of(sd_bus_message *call, const sd_bus *bus, const char *sender)
{
	return sd_bus_message_get_bus(call) == bus &&
	       (!sender || strcmp(sd_bus_message_get_sender(call) ?: "", sender) == 0);
}

static bool too_many_register(const struct manager *m, sd_bus_message *call)
{
	unsigned nr = 0, of_one = 0;
	const struct registering *reg;

	LIST_FOREACH(reg, &m->registering, node)
	{
		nr++;
		of_one += call_is_of(reg->call, sd_bus_message_get_bus(call),
				     sd_bus_message_get_sender(call));
	}
	return nr >= REGISTERING_MAX || of_one >= REGISTERING_MAX_ONE;
}

/* The bus knows who is calling. It is asked without blocking. */
int method_register(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	struct registering *reg;
	int r;

	if (too_many_register(m, call))
		return sd_bus_error_set(error, DR_ERROR_TOO_MANY,
					"too many applications register at once: try again");
	reg = calloc(1, sizeof(*reg));
	if (!reg)
		return log_oom();
	reg->m = m;
	reg->call = sd_bus_message_ref(call);
	LIST_INSERT_HEAD(&m->registering, reg, node);
	r = sd_bus_call_method_async(sd_bus_message_get_bus(call), &reg->credentials,
				     "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "GetConnectionCredentials",
				     on_credentials, reg, "s", sd_bus_message_get_sender(call));
	if (r < 0)
		registering_free(reg);
	return r < 0 ? r : 1; /* answered later */
}

int method_register_root(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	struct registration what = { 0 };
	int r;

	r = sd_bus_get_owner_creds(sd_bus_message_get_bus(call),
				   SD_BUS_CREDS_PID | SD_BUS_CREDS_EUID, &creds);
	if (r >= 0)
		r = sd_bus_creds_get_pid(creds, &what.pid);
	if (r >= 0)
		r = sd_bus_creds_get_euid(creds, &what.uid);
	return r < 0 ? r : register_caller(userdata, call, &what, error);
}

void bus_register_forget(const sd_bus *bus, const char *sender, struct manager *m)
{
	struct registering *reg, *next;

	for (reg = LIST_FIRST(&m->registering); reg; reg = next) {
		next = LIST_NEXT(reg, node);
		if (call_is_of(reg->call, bus, sender))
			registering_free(reg);
	}
}
