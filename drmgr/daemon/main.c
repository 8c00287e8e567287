// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgrd: start, loop, end. At the start it first takes back what an earlier daemon left (applications, the journal, a
 * session that the module still holds), then it listens to callers, then it tells systemd that it is ready. SIGTERM and
 * SIGINT end it as soon as nothing is going on. A second one ends it at once, and the next daemon goes on. SIGHUP makes
 * it read the settings again.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include <systemd/sd-daemon.h>

#include "daemon/base/notify.h"
#include "daemon/bus-platform.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "daemon/restore.h"

#ifndef DRMGRD_VERSION
#ifdef DRMGR_VERSION
#define DRMGRD_VERSION DRMGR_VERSION
#else
#define DRMGRD_VERSION "unknown"
#endif
#endif

struct settings {
	const char *config;
	const char *run;
};

static void usage(FILE *f)
{
	fputs("drmgrd: tells everyone in this partition that it is about to move to another server.\n"
	      "Started by systemd (drmgrd.service) or the bus; it takes no commands: see drmgr.\n\n"
	      "  --config FILE     settings instead of " CONFIG_FILE "\n"
	      "  --run-dir DIR     state instead of " RUN_DIRECTORY "\n"
	      "  --help, --version\n",
	      f);
}

/* 0: go on; 1: done; negative: bad usage. */
static int parse_options(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hv", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			s->config = optarg;
			break;
		case 'r':
			s->run = optarg;
			break;
		case 'h':
			usage(stdout);
			return 1;
		case 'v':
			puts("drmgrd " DRMGRD_VERSION);
			return 1;
		default:
			usage(stderr);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "drmgrd: takes no argument \"%s\"\n", argv[optind]);
		usage(stderr);
		return -EINVAL;
	}
	return 0;
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int on_signal(_unused_ sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	if (si->ssi_signo == SIGHUP)
		manager_reload(userdata);
	else
		manager_stop(userdata);
	return 0;
}

static int watch_signals(sd_event *event, struct manager *m)
{
	int r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, m);

	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_signal, m);
	return r < 0 ? r : sd_event_add_signal(event, NULL, SIGHUP, on_signal, m);
}

/* Returns systemd's end of the private socket, or -EBADF. */
static int take_back(struct manager *m)
{
	int private_fd = -EBADF;
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int *fds = n > 0 ? calloc((size_t)n, sizeof(*fds)) : NULL;

	for (int i = 0; fds && i < n; i++)
		if (private_fd < 0 && strcmp(names[i], PRIVATE_NAME) == 0)
			private_fd = SD_LISTEN_FDS_START + i, fds[i] = -EBADF;
		else
			fds[i] = SD_LISTEN_FDS_START + i;
	restore(m, fds, names, fds ? (size_t)n : 0);
	for (int i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
	free(fds);
	return private_fd;
}

/* How callers reach us. */
struct ways {
	struct private_socket *private_socket;
	struct sysbus *bus;
	sd_event_source *end;
};

/* Answers have been sent by now. If a bus hangs or a caller does not read, nothing waits until they have got theirs. */
static int close_ways(_unused_ sd_event_source *s, void *userdata)
{
	struct ways *w = userdata;

	w->private_socket = private_free(w->private_socket);
	w->bus = sysbus_free(w->bus);
	return 0;
}

static int open_ways(sd_event *event, struct ways *w, struct manager *m, const char *run, int fd)
{
	int r = sd_event_add_exit(event, &w->end, close_ways, w);

	if (r < 0) {
		safe_close(fd);
		return r;
	}
	/* Before the exit handler of the library, which flushes each connection and waits for that without a bound. */
	sd_event_source_set_priority(w->end, SD_EVENT_PRIORITY_IMPORTANT);
	r = private_new(&w->private_socket, m, run, fd);
	if (r < 0)
		log_error(
			"The private socket for root can't be opened: %s. drmgr needs the system bus until drmgrd is restarted.",
			errno_text(r));
	return sysbus_new(&w->bus, m);
}

static int run(const struct settings *s)
{
	struct manager *m = NULL;
	sd_event *event = NULL;
	struct ways ways = { 0 };
	int r;

	r = sd_event_default(&event);
	if (r >= 0)
		r = block_signals();
	if (r >= 0)
		r = manager_new(&m, event, s->config, s->run);
	if (r >= 0)
		r = watch_signals(event, m);
	if (r >= 0)
		r = restore_watch(m);
	if (r < 0) {
		log_error("drmgrd can't start: %s.", errno_text(r));
	} else {
		bus_platform_watch(m);
		r = open_ways(event, &ways, m, s->run, take_back(m));
	}
	if (r >= 0) {
		notify("READY=1");
		r = sd_event_loop(event);
		if (r < 0)
			log_error("The event loop failed: %s. systemd starts drmgrd again.",
				  errno_text(r));
	}
	close_ways(NULL, &ways);
	sd_event_source_disable_unref(ways.end);
	manager_free(m);
	sd_event_unref(event);
	return r;
}

int main(int argc, char **argv)
{
	struct settings s = { .config = CONFIG_FILE, .run = RUN_DIRECTORY };
	int r = parse_options(argc, argv, &s);

	if (r != 0)
		return r < 0 ? 2 : 0;
	umask(022);
	return run(&s) != 0;
}
