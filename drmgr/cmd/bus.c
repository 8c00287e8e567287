// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls of org.drmgr, and what their errors mean for the exit status. The daemon's own errors carry a line for the
 * operator, which is passed on. Those of the bus are about things that an operator does not know, so this file has a
 * line for each of them.
 *
 * While a call waits, GetStatus is called every few seconds, and the call goes on for as long as that is answered. So
 * a daemon that cannot be started, hangs or is stopped is noticed, as is a bus that hangs, and all after the same time.
 * When the daemon ends, the bus answers with NoReply. On the private socket the next daemon is then asked, once, if the
 * token says that nobody has been told.
 *
 * If another process has the DLPAR lock, or drivers still answer an earlier check, the daemon says so at once, and this
 * file asks again. So the daemon does not have to remember who is waiting.
 */
#include "cmd/bus.h"

#include "shared/busnames.h"
#include "shared/clock.h"
#include "shared/token.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long to wait for the DLPAR lock without -w, and how often to ask for it */
#define LOCK_WAIT_USEC	(5 * USEC_PER_SEC)
#define LOCK_RETRY_USEC (USEC_PER_SEC / 10)
/* How long an earlier check is waited for: the longest that a driver may take (PMIG_TIMEOUT_MAX), and a little more */
#define ASKING_WAIT_USEC (310 * USEC_PER_SEC)

/* In waits of a second: between two questions whether the daemon is alive, and for the answer */
#define PING_SLICES   3
#define SILENT_SLICES 10
/*
 * Longer once the daemon has begun: nobody else can go on with the migration then, and the machine may be overloaded.
 */
#define SILENT_SLICES_BEGUN 30
/* How long to wait for the daemon past its own deadline */
#define OVERDUE_USEC (10 * USEC_PER_SEC)

#define NO_DAEMON_TEXT "drmgrd is not running and cannot be started: systemctl status drmgrd dbus"

#define LOST_TEXT "drmgrd ended before it answered; a migration under way goes on: see drmgr status"

static const struct {
	const char *name;
	int status;
	bool is_final;	  /* powerpc-utils' drmgr would do no better */
	const char *text; /* NULL: what the daemon said */
} errors[] = {
	{ DR_ERROR_BAD_STREAM, DR_EXIT_NO_STREAM, true, NULL },
	{ DR_ERROR_BUSY, DR_EXIT_BUSY, true, NULL },
	{ DR_ERROR_LOCKED, DR_EXIT_BUSY, true, NULL },
	{ DR_ERROR_ASKING, DR_EXIT_BUSY, false, NULL },
	{ DR_ERROR_OBSERVING, DR_EXIT_OBSERVING, true, NULL },
	{ DR_ERROR_STOPPED, DR_EXIT_STOPPED, true, NULL },
	{ DR_ERROR_ABORTED, DR_EXIT_ABORTED, true, NULL },
	/* the suspension failed, after everyone was told; or no memory or no room for the journal at the beginning */
	{ DR_ERROR_FAILED, DR_EXIT_FAILED, false, NULL },
	{ DR_ERROR_NO_MODULE, DR_EXIT_NO_MODULE, false, NULL },
	{ DR_ERROR_NO_ENGINE, DR_EXIT_NO_MODULE, false, NULL },
	{ DR_ERROR_TOO_MANY, DR_EXIT_ERROR, false, NULL },
	{ DR_ERROR_INVALID, DR_EXIT_USAGE, false, NULL },
	{ SD_BUS_ERROR_ACCESS_DENIED, DR_EXIT_DENIED, false, "not permitted: run it as root" },
	{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, DR_EXIT_DENIED, false,
	  "not permitted: run it as root" },
	{ SD_BUS_ERROR_NO_REPLY, DR_EXIT_LOST, false, LOST_TEXT },
	/* the bus itself has ended, and our connection with it */
	{ "System.Error.ECONNRESET", DR_EXIT_LOST, false, LOST_TEXT },
	{ "System.Error.ENOTCONN", DR_EXIT_LOST, false, LOST_TEXT },
	{ SD_BUS_ERROR_DISCONNECTED, DR_EXIT_LOST, false, LOST_TEXT },
	{ SD_BUS_ERROR_SERVICE_UNKNOWN, DR_EXIT_NO_DAEMON, false, NO_DAEMON_TEXT },
	{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, DR_EXIT_NO_DAEMON, false, NO_DAEMON_TEXT },
	{ SD_BUS_ERROR_TIMEOUT, DR_EXIT_NO_DAEMON, false, NO_DAEMON_TEXT },
	{ "org.freedesktop.DBus.Error.TimedOut", DR_EXIT_NO_DAEMON, false, NO_DAEMON_TEXT },
};

/* @alone: root has tried the private socket, too. */
static int no_bus(int r, bool alone)
{
	if (r == -EACCES || r == -EPERM) {
		fputs("drmgr: not permitted: run it as root\n", stderr);
		return DR_EXIT_DENIED;
	}
	if (r == -ETIMEDOUT) {
		fputs("drmgr: drmgrd does not answer: systemctl status drmgrd dbus\n", stderr);
		return DR_EXIT_NO_DAEMON;
	}
	if (r == -ETIME) {
		fputs("drmgr: drmgrd makes no progress and is past its own deadline: see drmgr log\n",
		      stderr);
		return DR_EXIT_NO_DAEMON;
	}
	if (alone)
		fprintf(stderr,
			"drmgr: drmgrd is not running, and there is no system bus (%s): "
			"systemctl start drmgrd.service, or see journalctl -u drmgrd\n",
			strerror(-r));
	else
		fprintf(stderr, "drmgr: no system bus (%s): systemctl status dbus\n", strerror(-r));
	return DR_EXIT_NO_DAEMON;
}

static bool is_activation_error(const char *name)
{
	return !strncmp(name, "org.freedesktop.DBus.Error.Spawn.", 33) ||
	       !strncmp(name, "org.freedesktop.systemd1.", 25);
}

/* One line, whatever is in the message. */
static void print_line(const char *text)
{
	char line[1024] = "";

	strncpy(line, text, sizeof(line) - 1);
	fprintf(stderr, "drmgr: %s\n", wire_text(line));
}

static int report(struct call *call, const sd_bus_error *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!sd_bus_error_has_name(e, errors[i].name))
			continue;
		call->is_final = errors[i].is_final;
		print_line(errors[i].text ?: e->message ?: e->name);
		return errors[i].status;
	}
	if (is_activation_error(e->name)) {
		print_line(NO_DAEMON_TEXT);
		return DR_EXIT_NO_DAEMON;
	}
	print_line(e->message ?: e->name);
	return DR_EXIT_ERROR;
}

/* ---- waiting ---- */

static int on_reply(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	struct call *call = userdata;

	call->reply = sd_bus_message_ref(m);
	return 0;
}

static int read_number(sd_bus_message *m, const char *key, const char *wanted, uint64_t *ret)
{
	return strcmp(key, wanted) ? 0 : sd_bus_message_read(m, "v", "t", ret) < 0 ? -EBADMSG : 1;
}

/* The daemon should have finished this request by its own deadline. */
static bool is_overdue(const struct call *call, sd_bus_message *m)
{
	uint64_t stream = 0, until = 0;
	const char *key;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read_number(m, key, "stream", &stream);
		if (r == 0)
			r = read_number(m, key, "until-usec", &until);
		if (r == 0)
			r = sd_bus_message_skip(m, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return call->has_stream && stream == call->stream && until &&
	       now_boottime_usec() > until + OVERDUE_USEC;
}

/*
 * Any answer from the daemon shows that it is alive. An error that the library makes up does not: there is no
 * connection, or the library itself has given up waiting.
 */
static int on_pong(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	struct call *call = userdata;
	bool none = sd_bus_error_has_name(sd_bus_message_get_error(m), SD_BUS_ERROR_NO_REPLY);

	if (none && call->slices)
		return 0;
	call->refused = none;
	call->overdue = !sd_bus_message_get_error(m) && is_overdue(call, m);
	call->pinged = false;
	call->slices = 0;
	return 0;
}

static int ping(struct call *call)
{
	call->pinged = true;
	call->slices = 0;
	return sd_bus_call_method_async(call->bus, NULL, DR_BUS_NAME, DR_BUS_PATH, DR_BUS_INTERFACE,
					"GetStatus", on_pong, call, NULL);
}

static bool has_reply(const struct call *call)
{
	return call->reply;
}

static bool is_answered(const struct call *call)
{
	return !call->pinged;
}

static unsigned int patience(const struct call *call)
{
	return token_is_taken(call->token) ? SILENT_SLICES_BEGUN : SILENT_SLICES;
}

/*
 * Waits until @done is true. -ETIMEDOUT: the daemon or the bus is silent; -ETIME: the daemon is past its own deadline.
 * Silence is counted in waits, not in seconds, because the daemon could not answer while the partition stood still.
 */
static int await(struct call *call, bool (*done)(const struct call *call))
{
	int r = 0;

	while (r >= 0 && !done(call)) {
		r = sd_bus_process(call->bus, NULL);
		if (r != 0)
			continue;
		if (call->pinged && call->slices >= patience(call))
			return -ETIMEDOUT;
		if (call->overdue)
			return -ETIME;
		if (!call->pinged && call->slices >= PING_SLICES)
			r = ping(call);
		if (r >= 0)
			r = sd_bus_wait(call->bus, USEC_PER_SEC);
		if (r == 0)
			call->slices++;
		else if (r == -EINTR)
			r = 0;
	}
	return r < 0 ? r : 0;
}

/* ---- calling ---- */

static int new_message(struct call *call, const char *method)
{
	int r;

	sd_bus_message_unref(call->m);
	call->m = NULL;
	r = sd_bus_message_new_method_call(call->bus, &call->m, DR_BUS_NAME, DR_BUS_PATH,
					   DR_BUS_INTERFACE, method);
	return r < 0 ? call_bad_reply(r) : 0;
}

/* Waits for the connection with a bound; appending a descriptor would wait for it without one. */
static int is_there(struct call *call)
{
	int r = ping(call);

	return r < 0 ? r : await(call, is_answered);
}

static void disconnect(struct call *call)
{
	call->reply = sd_bus_message_unref(call->reply);
	call->m = sd_bus_message_unref(call->m);
	call->bus = sd_bus_close_unref(call->bus);
	call->pinged = call->refused = call->overdue = false;
	call->slices = 0;
}

static bool is_reset(int r)
{
	return r == -ECONNRESET || r == -ENOTCONN;
}

static int try_private(struct call *call)
{
	int r = sd_bus_new(&call->bus);

	if (r >= 0)
		r = sd_bus_set_address(call->bus, DR_BUS_PRIVATE);
	if (r >= 0)
		r = sd_bus_start(call->bus);
	if (r >= 0)
		r = is_there(call);
	return r >= 0 && call->refused ? -ECONNRESET : r;
}

/* If the daemon ends meanwhile, the next one takes over its socket. */
static int open_private(struct call *call)
{
	int r = try_private(call);

	if (!is_reset(r))
		return r;
	disconnect(call);
	return try_private(call);
}

/* Root needs no bus. If the environment names one, as our tests do, that is used all the same. */
int call_prepare(struct call *call, const char *method)
{
	bool root = geteuid() == 0 && !getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r = root ? open_private(call) : -ENOENT;

	call->private = r >= 0;
	if (r < 0 && r != -ETIMEDOUT) {
		disconnect(call);
		r = sd_bus_open_system(&call->bus);
		if (r >= 0)
			r = is_there(call);
	}
	return r < 0 ? no_bus(r, root) : new_message(call, method);
}

static int append_u32(sd_bus_message *m, const char *name, const struct opt_u32 *o)
{
	return o->set ? sd_bus_message_append(m, "{sv}", name, "u", o->value) : 0;
}

static int append_u64(sd_bus_message *m, const char *name, const struct opt_u32 *o)
{
	return o->set ? sd_bus_message_append(m, "{sv}", name, "t", (uint64_t)o->value) : 0;
}

static int append_fd(sd_bus_message *m, const char *name, int fd)
{
	return fd >= 0 ? sd_bus_message_append(m, "{sv}", name, "h", fd) : 0;
}

static int append_all(sd_bus_message *m, const struct request *req, const struct call *call)
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
	if (r >= 0)
		r = append_fd(m, "token", call->token);
	if (r >= 0)
		r = append_fd(m, "caller", call->self);
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
		r = append_all(call->m, req, call);
	if (r >= 0)
		r = sd_bus_message_close_container(call->m);
	/* If the connection has gone, the call fails and says so. */
	return r < 0 && !is_reset(r) ? call_bad_reply(r) : 0;
}

/* Why a call is made again. */
enum {
	AGAIN_LOCKED = 1, /* another process has the DLPAR lock */
	AGAIN_ENDED = 2,  /* the daemon ended before it told anybody; the next one is asked */
	AGAIN_ASKING = 4, /* an earlier check waits for drivers */
};

/*
 * *@reasons: why the caller would try again. If the call fails for one of them, prints nothing, leaves that one there
 * and returns 0. Otherwise *@reasons is 0 afterwards.
 */
static int run_once(struct call *call, unsigned int *reasons)
{
	unsigned int may = *reasons;
	const sd_bus_error *error;
	int r;

	*reasons = 0;
	call->reply = sd_bus_message_unref(call->reply);
	r = sd_bus_call_async(call->bus, NULL, call->m, on_reply, call, UINT64_MAX);
	if (r >= 0)
		r = await(call, has_reply);
	error = r < 0 ? NULL : sd_bus_message_get_error(call->reply);
	if (is_reset(r) || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
		*reasons = token_is_taken(call->token) ? 0 : may & AGAIN_ENDED;
	else if (sd_bus_error_has_name(error, DR_ERROR_LOCKED))
		*reasons = may & AGAIN_LOCKED;
	else if (sd_bus_error_has_name(error, DR_ERROR_ASKING))
		*reasons = may & AGAIN_ASKING;
	if (*reasons)
		return 0;
	if (is_reset(r)) {
		print_line(LOST_TEXT);
		return DR_EXIT_LOST;
	}
	if (r < 0)
		return no_bus(r, false);
	return error ? report(call, error) : 0;
}

int call_run(struct call *call)
{
	unsigned int reasons = 0;

	return run_once(call, &reasons);
}

static int ask_again(struct call *call, const char *method, unsigned int reason)
{
	if (reason == AGAIN_ENDED) {
		disconnect(call);
		return call_prepare(call, method);
	}
	usleep(LOCK_RETRY_USEC);
	return new_message(call, method);
}

int call_request(struct call *call, const char *method, const struct request *req)
{
	/* -w 0 is the same as no -w, as in powerpc-utils. */
	uint64_t wait =
		req->wait_min.value ? req->wait_min.value * 60 * USEC_PER_SEC : LOCK_WAIT_USEC;
	uint64_t now = now_boottime_usec(), until = now + wait;
	uint64_t asking_until = now + ASKING_WAIT_USEC;
	unsigned int seen = 0; /* the reasons so far */
	int status = call_prepare(call, method);

	if (req->op == REQUEST_MIGRATE) {
		call->token = token_new();
		call->self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	}
	call->has_stream = req->has_stream;
	call->stream = req->stream;
	while (status == 0) {
		unsigned int reasons = now < until ? AGAIN_LOCKED : 0;

		if (now < asking_until)
			reasons |= AGAIN_ASKING;
		/* Once only: the next daemon may end, too. */
		if (call->private && !(seen & AGAIN_ENDED))
			reasons |= AGAIN_ENDED;
		status = append_options(call, req) ?: run_once(call, &reasons);
		if (status || !reasons)
			break;
		if (reasons == AGAIN_ASKING && !(seen & AGAIN_ASKING))
			print_line(sd_bus_message_get_error(call->reply)->message);
		seen |= reasons;
		status = ask_again(call, method, reasons);
		now = now_boottime_usec();
		/* The lock may be somebody's for a moment when the drivers have answered. */
		if (reasons == AGAIN_ASKING)
			until = now + wait;
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

bool call_may_do_without(struct call *call, int *status)
{
	/* powerpc-utils' drmgr needs root, too */
	if (call->is_final || geteuid() != 0)
		return false;
	if (token_take(call->token))
		return true;
	if (*status == DR_EXIT_FAILED)
		return false; /* the suspension failed, and everyone has been told so */
	fputs("drmgr: drmgrd had begun to tell everyone: see drmgr status\n", stderr);
	*status = DR_EXIT_LOST;
	return false;
}

void call_done(struct call *call)
{
	disconnect(call);
	safe_close(call->token);
	safe_close(call->self);
	*call = CALL_NONE;
}
