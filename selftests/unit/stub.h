/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon for tests on the host: a private dbus-daemon, and a thread that is org.drmgr on it and answers
 * each call with what the test has put into struct stub. Nothing of the machine's own bus is touched.
 */
#ifndef SELFTESTS_UNIT_STUB_H
#define SELFTESTS_UNIT_STUB_H

#include "shared/busnames.h"
#include "shared/cleanup.h"
#include "shared/token.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

struct stub_refusal {
	const char *audience, *name, *reason;
	int stops;
};

struct stub {
	char dir[64];
	pid_t dbus;
	pthread_t thread;
	_Atomic int ready;
	_Atomic int stop;

	/* set by the test */
	const char *first[4]; /* the first calls fail with these, where they are not NULL */
	const char *error;    /* every other call fails with it */
	const char *message;
	_Atomic int delay_ms;
	_Atomic int silent; /* calls get no answer */
	int patience;	/* but an error at the last of so many GetStatus that follow; 0: never */
	bool begins;	/* Migrate takes the token before it fails */
	uint64_t until; /* the deadline that it gives itself, of stream 0x4d6f7665 */
	bool any;	/* or of stream 0, as of a check of any */
	struct stub_refusal refusals[4];
	int nr_refusals;
	uint32_t nr_more;

	/* seen by the stub */
	_Atomic int calls;
	sd_bus_message *held; /* the newest call without an answer */
	int asked;	      /* GetStatus since then */
	_Atomic int fd;	      /* the daemon's end of the newest registration */
	char name[256];
	uint32_t phases, flags, timeout_ms;
	int signo;
	int pidfd_ok;
	uint64_t stream;
	char options[512];
};

static int stub_common(struct stub *stub, sd_bus_message *m, sd_bus_error *e)
{
	int n = atomic_fetch_add(&stub->calls, 1);
	const char *error = (size_t)n < ARRAY_SIZE(stub->first) && stub->first[n] ? stub->first[n] :
										    stub->error;

	if (error)
		return sd_bus_error_set(e, error, stub->message);
	if (stub->silent) {
		stub->held = sd_bus_message_ref(m); /* for the life of the test */
		stub->asked = 0;
		return 1;
	}
	return 0;
}

static int stub_register(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct stub *stub = userdata;
	int sv[2], pidfd, r;
	const char *name;
	char link[64], target[64] = "";

	r = stub_common(stub, m, e);
	if (r)
		return r;
	r = sd_bus_message_read(m, "shuuiu", &name, &pidfd, &stub->phases, &stub->flags,
				&stub->signo, &stub->timeout_ms);
	if (r < 0)
		return r;
	usleep((useconds_t)stub->delay_ms * 1000);
	snprintf(stub->name, sizeof(stub->name), "%s", name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", pidfd);
	r = (int)readlink(link, target, sizeof(target) - 1);
	stub->pidfd_ok = r > 0 && strstr(target, "pidfd");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	stub->fd = sv[0];
	r = sd_bus_reply_method_return(m, "h", sv[1]);
	close(sv[1]);
	return r;
}

static void stub_read_options(struct stub *stub, sd_bus_message *m)
{
	const char *key, *type;
	char word[96];

	sd_bus_message_enter_container(m, 'a', "{sv}");
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		uint64_t v = 0;

		sd_bus_message_read(m, "s", &key);
		sd_bus_message_peek_type(m, NULL, &type);
		snprintf(word, sizeof(word), "%s", type);
		sd_bus_message_read(m, "v", word, &v);
		snprintf(word, sizeof(word), "%s=%s:%llu ", key, type, (unsigned long long)v);
		strncat(stub->options, word, sizeof(stub->options) - strlen(stub->options) - 1);
		sd_bus_message_exit_container(m);
	}
	sd_bus_message_exit_container(m);
}

static int stub_check(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct stub *stub = userdata;
	int i, r;

	r = stub_common(stub, m, e);
	if (r)
		return r;
	sd_bus_message_read(m, "t", &stub->stream);
	stub_read_options(stub, m);
	sd_bus_message_new_method_return(m, &reply);
	sd_bus_message_open_container(reply, 'a', "(sssi)");
	for (i = 0; i < stub->nr_refusals; i++)
		sd_bus_message_append(reply, "(sssi)", stub->refusals[i].audience,
				      stub->refusals[i].name, stub->refusals[i].reason,
				      stub->refusals[i].stops);
	sd_bus_message_close_container(reply);
	sd_bus_message_append(reply, "u", stub->nr_more);
	return sd_bus_send(NULL, reply, NULL);
}

static void stub_take_token(sd_bus_message *m)
{
	const char *key;
	int token;

	if (sd_bus_message_skip(m, "t") >= 0 &&
	    sd_bus_message_enter_container(m, 'a', "{sv}") > 0 &&
	    sd_bus_message_enter_container(m, 'e', "sv") > 0 &&
	    sd_bus_message_read(m, "s", &key) > 0 && sd_bus_message_read(m, "v", "h", &token) > 0)
		token_take(token);
}

static int stub_migrate(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct stub *stub = userdata;
	int r;

	if (stub->begins)
		stub_take_token(m);
	r = stub_common(stub, m, e);
	if (r)
		return r;
	if (sd_bus_message_has_signature(m, "ta{sv}"))
		sd_bus_message_read(m, "t", &stub->stream);
	stub_read_options(stub, m);
	return sd_bus_reply_method_return(m, "ta(sssssuu)t", UINT64_C(2345678), 2, "cache", "l1d",
					  "size", "32768", "65536", 1U, 1U << 16, "identity", "",
					  "system-id", "", "a\nb", 5U, 1U, UINT64_C(7));
}

/* What is "now"; else one row. Where nothing has been compared, nothing of "changed" is missing. */
static int stub_platform(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	const char *missing, *what, *engine;
	struct stub *stub = userdata;
	int r = stub_common(stub, m, e);

	missing = stub->any ? "" : "no pmig.ko\n";
	if (r || sd_bus_message_read(m, "ss", &what, &engine) < 0)
		return r;
	if (strcmp(what, "now") != 0)
		return sd_bus_reply_method_return(m, "ua(sssssuu)ts", 7U, 1, "cpu", "3",
						  "home-node", "0", what, 3U, 1U, UINT64_C(0),
						  strcmp(what, "stale") == 0 ? missing : "");
	return sd_bus_reply_method_return(
		m, "ua(sssssuu)ts", 7U, 6, "cache", "l2@0", "size", "", "524288", 1U, 0U, "cache",
		"l2@8", "size", "", "524288", 1U, 0U, "cpu", "0", "home-node", "0", "1", 3U, 0U,
		"cpu", "1", "home-node", "2", "2", 3U, 0U, "identity", "", "model", "", "a\"\\\nb",
		5U, 0U, "mount", "/\"\t\303\274\\", "left-out", "", "007", 0U, 0U,
		(uint64_t)stub->nr_more, missing);
}

static int stub_status(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct stub *stub = userdata;

	/* not a silent stub: it is asked whether it is alive while it works */
	if (stub->error)
		return sd_bus_error_set(e, stub->error, stub->message);
	if (stub->held && ++stub->asked == stub->patience)
		sd_bus_reply_method_errorf(stub->held, DR_ERROR_BUSY, "nobody gave it up");
	return sd_bus_reply_method_return(m, "a{sv}", 6, "state", "s", "idle", "stream", "t",
					  stub->any ? UINT64_C(0) : UINT64_C(0x4d6f7665),
					  "applications", "u", 2U, "list", "as", 1, "x", "engine",
					  "s", "", "until-usec", "t", stub->until);
}

static const sd_bus_vtable stub_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Register", "shuuiu", "h", stub_register, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Check", "ta{sv}", "a(sssi)u", stub_check, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Migrate", "ta{sv}", "ta(sssssuu)t", stub_migrate,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Simulate", "a{sv}", "ta(sssssuu)t", stub_migrate,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Platform", "ss", "ua(sssssuu)ts", stub_platform, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("GetStatus", "", "a{sv}", stub_status, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static void *stub_thread(void *arg)
{
	_cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
	struct stub *stub = arg;

	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, DR_BUS_PATH, DR_BUS_INTERFACE, stub_vtable, stub) <
		    0 ||
	    sd_bus_request_name(bus, DR_BUS_NAME, 0) < 0) {
		stub->ready = -1;
		return NULL;
	}
	stub->ready = 1;
	while (!stub->stop)
		if (sd_bus_process(bus, NULL) == 0)
			sd_bus_wait(bus, 20000);
	return NULL;
}

/* A bus without org.drmgr on it. Returns 0 or a negative errno. */
static int stub_start_bus(struct stub *stub)
{
	char config[128], address[256] = "";
	int out[2];
	FILE *f;

	memset(stub, 0, sizeof(*stub));
	stub->fd = -1;
	strcpy(stub->dir, "/tmp/dr-stub-XXXXXX");
	if (!mkdtemp(stub->dir))
		return -errno;
	snprintf(config, sizeof(config), "%s/bus.conf", stub->dir);
	f = fopen(config, "we");
	if (!f)
		return -errno;
	fprintf(f,
		"<busconfig><type>custom</type><listen>unix:path=%s/bus</listen>"
		"<policy context=\"default\"><allow send_destination=\"*\"/>"
		"<allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>\n",
		stub->dir);
	fclose(f);
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	stub->dbus = fork();
	if (stub->dbus == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		dup2(open("/dev/null", O_WRONLY), 2); /* it complains about limits */
		execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--config-file",
		       config, "--print-address=1", NULL);
		_exit(127);
	}
	close(out[1]);
	if (read(out[0], address, sizeof(address) - 1) <= 0)
		return -ENOENT;
	close(out[0]);
	address[strcspn(address, "\n")] = '\0';
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	return 0;
}

static _unused_ int stub_start(struct stub *stub)
{
	int r = stub_start_bus(stub);

	if (r < 0)
		return r;
	if (pthread_create(&stub->thread, NULL, stub_thread, stub))
		return -EAGAIN;
	while (!stub->ready)
		usleep(1000);
	return stub->ready < 0 ? -EIO : 0;
}

static void stub_end(struct stub *stub)
{
	char path[128];

	if (stub->ready) {
		stub->stop = 1;
		pthread_join(stub->thread, NULL);
	}
	if (stub->dbus > 0) {
		kill(stub->dbus, SIGKILL);
		waitpid(stub->dbus, NULL, 0);
	}
	safe_close(stub->fd);
	snprintf(path, sizeof(path), "%s/bus.conf", stub->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/bus", stub->dir);
	unlink(path);
	rmdir(stub->dir);
}

#endif /* SELFTESTS_UNIT_STUB_H */
