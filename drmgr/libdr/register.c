// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An application talks to the bus only here: it sends a pidfd of itself, gets a descriptor back, and leaves the bus.
 * All events and answers go over that descriptor, so ten thousand registered processes cost the bus nothing. Root uses
 * the daemon's private socket, where it does not stand in line with all other users; the bus is for those who can't.
 *
 * This file waits for each step itself. sd_bus_call(), like everything that sends a descriptor, would first wait for
 * the bus, with a time-out of 90 s, and a program must not hang that long in sigaction() because dbus-daemon hangs.
 */
#include "libdr/register.h"

#include "shared/busnames.h"
#include "shared/cleanup.h"
#include "shared/clock.h"
#include "shared/phase.h"
#include "shared/wiremsg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define REGISTER_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define FLAGS_ALL	      (DR_MAY_REFUSE | DR_REQUIRED | DR_AFFINITY)

struct reply {
	bool done;
	int r;
	int fd;
};

/* The error of the daemon or the bus as the errno that dr.h promises. */
static int error_to_errno(const sd_bus_error *e)
{
	static const struct {
		const char *name;
		int r;
	} table[] = {
		{ DR_ERROR_TOO_MANY, -EUSERS },
		{ DR_ERROR_INVALID, -EINVAL },
		{ SD_BUS_ERROR_INVALID_ARGS, -EINVAL },
		{ SD_BUS_ERROR_NO_MEMORY, -ENOMEM },
		{ SD_BUS_ERROR_NO_REPLY, -ETIMEDOUT },
		{ SD_BUS_ERROR_TIMEOUT, -ETIMEDOUT },
		{ "org.freedesktop.DBus.Error.TimedOut", -ETIMEDOUT },
		{ SD_BUS_ERROR_SERVICE_UNKNOWN, -EHOSTDOWN },
		{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, -EHOSTDOWN },
		{ "org.freedesktop.systemd1.NoSuchUnit", -EHOSTDOWN },
		{ "org.freedesktop.systemd1.LoadFailed", -EHOSTDOWN },
		{ "org.freedesktop.systemd1.UnitMasked", -EHOSTDOWN },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (sd_bus_error_has_name(e, table[i].name))
			return table[i].r;
	if (e->name && !strncmp(e->name, "org.freedesktop.DBus.Error.Spawn.", 33))
		return -EHOSTDOWN;
	return -EIO;
}

static int on_reply(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	struct reply *reply = userdata;
	int r, fd;

	reply->done = true;
	if (sd_bus_message_is_method_error(m, NULL)) {
		reply->r = error_to_errno(sd_bus_message_get_error(m));
		return 0;
	}
	r = sd_bus_message_read(m, "h", &fd);
	if (r < 0) {
		reply->r = -EIO;
		return 0;
	}
	/* The message closes its own descriptor. */
	reply->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	reply->r = reply->fd < 0 ? -errno : 0;
	return 0;
}

/* Processes the connection until something has happened, or until @until. */
static int step(sd_bus *bus, uint64_t until)
{
	uint64_t now = now_boottime_usec();
	int r;

	if (now >= until)
		return -ETIMEDOUT;
	r = sd_bus_process(bus, NULL);
	if (r == 0)
		r = sd_bus_wait(bus, until - now);
	return r < 0 && r != -EINTR ? -EHOSTDOWN : 0;
}

static int wait_until_ready(sd_bus *bus, uint64_t until)
{
	int r;

	while (!(r = sd_bus_is_ready(bus))) {
		r = step(bus, until);
		if (r < 0)
			return r;
	}
	return r < 0 ? -EHOSTDOWN : 0;
}

static int wait_for_reply(sd_bus *bus, struct reply *reply, uint64_t until)
{
	int r;

	while (!reply->done) {
		r = step(bus, until);
		if (r < 0)
			return r;
	}
	return reply->r;
}

static int check_options(const struct dr_options *o)
{
	size_t len;

	if (o->phases & ~PHASES_ALL || o->flags & ~FLAGS_ALL)
		return -EINVAL;
	if ((o->flags & DR_REQUIRED) && !(o->flags & DR_MAY_REFUSE))
		return -EINVAL;
	if (__builtin_popcount(o->flags & DR_AFFINITY) > 1)
		return -EINVAL;
	if (o->signo < 0 || o->signo > SIGRTMAX || o->signo == SIGKILL || o->signo == SIGSTOP)
		return -EINVAL;
	if (!o->name)
		return 0;
	len = strnlen(o->name, DR_NAME_LEN);
	return len > 0 && len < DR_NAME_LEN ? 0 : -EINVAL;
}

static uint32_t effective_phases(uint32_t phases)
{
	if (phases == 0)
		return DR_PHASES_DEFAULT;
	if (phases & DR_PHASES(DR_PHASE_PRE))
		phases |= DR_PHASES(DR_PHASE_POST) | DR_PHASES(DR_PHASE_POST_ERROR);
	return phases;
}

static int new_call(sd_bus *bus, const struct dr_options *o, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	_cleanup_close_ int pidfd = -EBADF;
	char name[DR_NAME_LEN] = "";
	int r;

	strncpy(name, o->name ?: program_invocation_short_name, sizeof(name) - 1);
	wire_text(name);
	if (!name[0])
		strcpy(name, "?");
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0)
		return -errno;
	r = sd_bus_message_new_method_call(bus, &m, DR_BUS_NAME, DR_BUS_PATH, DR_BUS_INTERFACE,
					   "Register");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "shuuiu", name, pidfd, effective_phases(o->phases), o->flags,
				  (int32_t)o->signo, o->timeout_ms);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

static int open_private(sd_bus **ret)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, DR_BUS_PRIVATE);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		*ret = TAKE_PTR(bus);
	return r;
}

/* Takes @bus. */
static int register_on(sd_bus *bus, const struct dr_options *options, uint64_t until, int *ret_fd)
{
	_cleanup_(sd_bus_close_unrefp) sd_bus *own = bus;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	struct reply reply = { .fd = -EBADF };
	int r;

	r = wait_until_ready(bus, until);
	if (r < 0)
		return r;
	r = new_call(bus, options, &m);
	if (r < 0)
		return r;
	r = sd_bus_call_async(bus, &slot, m, on_reply, &reply, REGISTER_TIMEOUT_USEC);
	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	r = wait_for_reply(bus, &reply, until);
	if (r < 0)
		return r;
	*ret_fd = reply.fd;
	return 0;
}

int dr_register(const struct dr_options *options, int *ret_fd)
{
	static const struct dr_options defaults;
	uint64_t until = now_boottime_usec() + REGISTER_TIMEOUT_USEC;
	sd_bus *bus;
	int r;

	if (!options)
		options = &defaults;
	r = check_options(options);
	if (r < 0)
		return r;
	/* If the environment names a bus, as our tests do, that is used. */
	if (geteuid() == 0 && !secure_getenv("DBUS_SYSTEM_BUS_ADDRESS") &&
	    open_private(&bus) >= 0) {
		r = register_on(bus, options, until, ret_fd);
		/* The daemon ended, has too many connections, or does not take this root for its own. */
		if (r != -EHOSTDOWN && r != -EIO)
			return r;
	}
	r = sd_bus_open_system(&bus);
	if (r < 0)
		return r == -ENOMEM ? r : -EHOSTDOWN;
	return register_on(bus, options, until, ret_fd);
}

int dr_send_answer(int fd, uint32_t gen, uint32_t error, const char *reason)
{
	struct wire_answer answer = { .gen = gen, .error = error };
	ssize_t n;

	if (reason)
		strncpy(answer.reason, reason, sizeof(answer.reason) - 1);
	n = send(fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == (ssize_t)sizeof(answer))
		return 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return -EAGAIN;
	return -EPIPE;
}
