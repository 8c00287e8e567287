// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The D-Bus interface; it is described in shared/busnames.h. Each method reads its parameters, asks the manager and
 * translates the answer; it decides nothing. Check, Migrate and Simulate answer when they are finished, which may be
 * hours later: the call is kept until then.
 *
 * The vtable reserves all methods but GetStatus and Register for root, as the policy file does.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bus-platform.h"
#include "daemon/bus-register.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "daemon/platform/link.h"
#include "daemon/platform/sysfs.h"
#include "shared/busnames.h"

#define ENABLED_MS_DEFAULT  500
#define ENABLED_MS_MAX	    (24U * 3600 * 1000)
#define BLACKOUT_MS_DEFAULT 100
#define BLACKOUT_MS_MAX	    600000U

#define OTHERS_FILE "/sys/devices/virtual/pmig/pmig/others_seen_by"

static const char *const error_names[_MANAGER_ERROR_MAX] = {
	[MANAGER_BAD_STREAM] = DR_ERROR_BAD_STREAM, [MANAGER_BUSY] = DR_ERROR_BUSY,
	[MANAGER_OBSERVING] = DR_ERROR_OBSERVING,   [MANAGER_LOCKED] = DR_ERROR_LOCKED,
	[MANAGER_NO_MODULE] = DR_ERROR_NO_MODULE,   [MANAGER_NO_ENGINE] = DR_ERROR_NO_ENGINE,
	[MANAGER_STOPPED] = DR_ERROR_STOPPED,	    [MANAGER_ABORTED] = DR_ERROR_ABORTED,
	[MANAGER_FAILED] = DR_ERROR_FAILED,	    [MANAGER_ASKING] = DR_ERROR_ASKING,
};

/* ---- options ---- */

struct option {
	const char *name;
	char type;
	uint64_t max;
	size_t offset; /* in struct options */
};

struct options {
	uint64_t force, detail, lpar, wait_min, self_arp, enabled_ms, blackout_ms;
	uint64_t token, caller; /* descriptors that belong to the message, or NO_FD */
};

#define NO_FD ((uint64_t)-1)

#define MIGRATE_OPTIONS                                                                   \
	{ "force", 'b', 1, offsetof(struct options, force) },                             \
		{ "detail", 'u', DR_DETAIL_MAX, offsetof(struct options, detail) },       \
		{ "destination-lpar", 'u', UINT32_MAX, offsetof(struct options, lpar) },  \
		{ "wait-min", 'u', DR_WAIT_MIN_MAX, offsetof(struct options, wait_min) }, \
		{ "token", 'h', INT32_MAX, offsetof(struct options, token) },             \
		{ "caller", 'h', INT32_MAX, offsetof(struct options, caller) },           \
	{                                                                                 \
		"self-arp", 'u', UINT32_MAX, offsetof(struct options, self_arp)           \
	}

static const struct option migrate_options[] = { MIGRATE_OPTIONS, { 0 } };
static const struct option simulate_options[] = {
	MIGRATE_OPTIONS,
	{ "enabled-ms", 't', ENABLED_MS_MAX, offsetof(struct options, enabled_ms) },
	{ "blackout-ms", 't', BLACKOUT_MS_MAX, offsetof(struct options, blackout_ms) },
	{ 0 },
};

static int read_value(sd_bus_message *m, const struct option *o, struct options *options,
		      sd_bus_error *error)
{
	char type[2] = { o->type, '\0' };
	union {
		int b;
		uint32_t u;
		uint64_t t;
	} v = { 0 };
	uint64_t n;
	int r;

	r = sd_bus_message_read(m, "v", type, &v);
	if (r < 0)
		return sd_bus_error_setf(error, DR_ERROR_INVALID, "option %s is not of type %s",
					 o->name, type);
	n = o->type == 'b' ? !!v.b : o->type == 't' ? v.t : v.u;
	if (n > o->max)
		return sd_bus_error_setf(error, DR_ERROR_INVALID,
					 "option %s: %" PRIu64 " is more than %" PRIu64, o->name, n,
					 o->max);
	*(uint64_t *)((char *)options + o->offset) = n;
	return 0;
}

static int read_options(sd_bus_message *m, const struct option *table, struct options *options,
			sd_bus_error *error)
{
	const struct option *o;
	const char *name;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &name);
		if (r < 0)
			return r;
		for (o = table; o->name && strcmp(o->name, name) != 0; o++)
			;
		if (!o->name)
			return sd_bus_error_setf(error, DR_ERROR_INVALID, "there is no option %s",
						 name);
		r = read_value(m, o, options, error);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* ---- Check, Migrate, Simulate ---- */

static int append_refusals(sd_bus_message *m, const struct session_result *result)
{
	int r = sd_bus_message_open_container(m, 'a', "(sssi)");

	for (size_t i = 0; r >= 0 && i < result->nr_refusals; i++) {
		const struct refusal *f = &result->refusals[i];

		r = sd_bus_message_append(m, "(sssi)", f->audience, f->name, f->reason,
					  (int)f->stops);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_append(m, "u", (uint32_t)result->nr_more);
}

static int append_changes(sd_bus_message *m, const struct session_result *result)
{
	static const struct rows none;
	int r = sd_bus_message_append(m, "t", result->blackout_us);

	if (r >= 0)
		r = append_rows(m, result->rows ?: &none);
	return r;
}

static int send_result(sd_bus_message *call, const struct session_result *result,
		       int (*append)(sd_bus_message *m, const struct session_result *result))
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_return(call, &m);

	if (r >= 0)
		r = append(m, result);
	if (r >= 0)
		r = sd_bus_send(NULL, m, NULL);
	sd_bus_message_unref(m);
	return r;
}

static void answer(sd_bus_message *call, enum manager_error error, const char *text,
		   const struct session_result *result,
		   int (*append)(sd_bus_message *m, const struct session_result *result))
{
	int r;

	if (error == MANAGER_OK)
		r = send_result(call, result, append);
	else
		r = sd_bus_reply_method_errorf(call, error_names[error], "%s",
					       text[0] ? text : "it failed");
	if (r < 0)
		log_warning(
			"The answer can't be sent to drmgr: %s. drmgr status -s ID shows the result of a "
			"migration.",
			errno_text(r));
	sd_bus_message_unref(call);
}

static void on_checked(void *userdata, enum manager_error error, const char *text,
		       const struct session_result *result)
{
	answer(userdata, error, text, result, append_refusals);
}

static void on_migrated(void *userdata, enum manager_error error, const char *text,
			const struct session_result *result)
{
	answer(userdata, error, text, result, append_changes);
}

static int start(sd_bus_message *call, struct manager *m, struct manager_request *request,
		 const struct options *o, manager_reply_t reply, sd_bus_error *error)
{
	enum manager_error e;
	char text[256];

	request->force = o->force;
	request->detail = (unsigned)o->detail;
	request->wait = o->wait_min * 60 * USEC_PER_SEC;
	request->enabled_ms = o->enabled_ms;
	request->blackout_ms = o->blackout_ms;
	request->token = (int)o->token;
	request->caller = (int)o->caller;
	e = manager_start(m, request, reply, call, text, sizeof(text));
	if (e != MANAGER_OK)
		return sd_bus_error_set(error, error_names[e], text);
	sd_bus_message_ref(call);
	return 1; /* answered later */
}

static int with_stream(sd_bus_message *call, void *userdata, sd_bus_error *error,
		       enum request_kind kind, manager_reply_t reply)
{
	struct manager_request request = { .kind = kind };
	struct options options = { .token = NO_FD, .caller = NO_FD };
	int r;

	r = sd_bus_message_read(call, "t", &request.stream);
	if (r >= 0)
		r = read_options(call, migrate_options, &options, error);
	if (r < 0)
		return r;
	if (request.stream == 0 && kind != REQUEST_CHECK)
		return sd_bus_error_set(error, DR_ERROR_BAD_STREAM,
					"0 is not a stream ID: give the one of the HMC with -s");
	return start(call, userdata, &request, &options, reply, error);
}

static int method_check(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	return with_stream(call, userdata, error, REQUEST_CHECK, on_checked);
}

static int method_migrate(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	return with_stream(call, userdata, error, REQUEST_MIGRATE, on_migrated);
}

static int method_simulate(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager_request request = { .kind = REQUEST_SIMULATE };
	struct options options = { .enabled_ms = ENABLED_MS_DEFAULT,
				   .blackout_ms = BLACKOUT_MS_DEFAULT,
				   .token = NO_FD,
				   .caller = NO_FD };
	int r = read_options(call, simulate_options, &options, error);

	return r < 0 ? r : start(call, userdata, &request, &options, on_migrated, error);
}

/* ---- GetResult ---- */

static int method_get_result(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const struct manager *m = userdata;
	const struct result *found;
	struct session_result result;
	uint64_t stream;
	int r;

	r = sd_bus_message_read(call, "t", &stream);
	if (r < 0)
		return r;
	if (m->session && session_kind(m->session) != SESSION_CHECK &&
	    session_stream(m->session) == stream)
		return sd_bus_error_setf(error, DR_ERROR_BUSY,
					 "stream 0x%" PRIx64 " is being migrated: see drmgr status",
					 stream);
	found = results_find(m->results, stream);
	if (!found)
		return sd_bus_error_setf(error, DR_ERROR_BAD_STREAM,
					 "nothing is known of stream 0x%" PRIx64
					 ": only the last %d since the boot are kept",
					 stream, RESULTS_MAX);
	if (found->error != MANAGER_OK)
		return sd_bus_error_set(error, error_names[found->error],
					found->text[0] ? found->text : "it failed");
	result = (struct session_result){ .blackout_us = found->blackout_us, .rows = &found->rows };
	r = send_result(call, &result, append_changes);
	return r < 0 ? r : 1;
}

/* ---- callers that leave before the answer ---- */

void bus_forget(const sd_bus *bus, const char *sender, struct manager *m)
{
	bus_platform_forget(bus, sender, m);
	bus_register_forget(bus, sender, m);
	for (size_t i = m->nr_waiters; i-- > 0;) {
		sd_bus_message *call = m->waiters[i].userdata;

		if (!call_is_of(call, bus, sender))
			continue;
		manager_forget(m, i);
		sd_bus_message_unref(call);
	}
}

/* ---- GetStatus ---- */

static const char *module_text(const struct manager *m)
{
	return link_present(m->link) ? "loaded" : "absent";
}

/* How others' migrations are noticed. If the module is loaded, it says so itself. */
static void others_text(const struct manager *m, char *text, size_t size)
{
	if (!link_present(m->link))
		snprintf(text, size, "%s", m->sysfs && sysfs_watches(m->sysfs) ? "sysfs" : "");
	else if (read_text_file(AT_FDCWD, OTHERS_FILE, text, size) < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int append_status(sd_bus_message *reply, const struct manager *m)
{
	const struct kernel_state *k = &m->backend->state;
	const struct session *s = m->session;
	const char *degraded = manager_degraded(m);
	char others[32];

	others_text(m, others, sizeof(others));
	return sd_bus_message_append(
		reply, "a{sv}", 14, "state", "s", s ? kernel_state_name(k->state) : "idle", "phase",
		"s", s ? session_phase(s) : "none", "stream", "t",
		s ? session_stream(s) : UINT64_C(0), "engine", "s", k->engine, "mode", "s",
		m->config.observe ? "observe" : "active", "module", "s", module_text(m), "degraded",
		"s", degraded[0] ? degraded : "no", "others-seen-by", "s", others, "bus", "s",
		m->system_bus ? "connected" : "absent", "waiting", "u", (uint32_t)m->nr_waiters,
		"applications", "u", (uint32_t)registry_count(m->registry), "last-change", "s",
		m->last_change, "since-usec", "t", s ? session_since(s) : UINT64_C(0), "until-usec",
		"t", s ? session_until(s) : UINT64_C(0));
}

static int method_get_status(sd_bus_message *call, void *userdata, _unused_ sd_bus_error *error)
{
	sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = append_status(reply, userdata);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r;
}

#define FOR_ROOT                                                                      \
	SD_BUS_METHOD("Check", "ta{sv}", "a(sssi)u", method_check, 0),                \
		SD_BUS_METHOD("Migrate", "ta{sv}", "t" ROWS_TYPE, method_migrate, 0), \
		SD_BUS_METHOD("GetResult", "t", "t" ROWS_TYPE, method_get_result, 0), \
		SD_BUS_METHOD("Simulate", "a{sv}", "t" ROWS_TYPE, method_simulate, 0)
#define FOR_ALL                                                                                   \
	SD_BUS_METHOD("GetStatus", NULL, "a{sv}", method_get_status, SD_BUS_VTABLE_UNPRIVILEGED), \
		SD_BUS_METHOD("Platform", "ss", "u" ROWS_TYPE "s", method_platform,               \
			      SD_BUS_VTABLE_UNPRIVILEGED),                                        \
		SD_BUS_SIGNAL("PlatformChanged", "su" ROWS_TYPE, 0)

static const sd_bus_vtable private_vtable[] = {
	SD_BUS_VTABLE_START(0),
	FOR_ROOT,
	FOR_ALL,
	SD_BUS_METHOD("Register", "shuuiu", "h", method_register_root, 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	FOR_ROOT,
	FOR_ALL,
	SD_BUS_METHOD("Register", "shuuiu", "h", method_register, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

int bus_serve(sd_bus *bus, struct manager *m, bool is_private)
{
	int r = sd_bus_add_object_vtable(bus, NULL, DR_BUS_PATH, DR_BUS_INTERFACE,
					 is_private ? private_vtable : vtable, m);

	return r < 0 ? r : sd_bus_attach_event(bus, m->event, SD_EVENT_PRIORITY_NORMAL);
}
