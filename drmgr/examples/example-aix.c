// SPDX-License-Identifier: 0BSD
/*
 * A program written for AIX: it catches SIGRECONFIG and calls dr_reconfig(). Only the header and the stream ID, which
 * AIX does not have, are particular to Linux.
 *
 * The handler only notes that the signal came. The signal is blocked everywhere but in sigsuspend(), so none is missed.
 * The main loop asks what is going on (DR_QUERY), gets ready, and says so (DR_RECONFIG_DONE). ENXIO from DR_QUERY is
 * normal: the signal was for an event that is over by now. What is no migration is told, too: here it is answered, and
 * that is all.
 *
 * For tests it can misbehave: --refuse-check, --slow.
 */
#ifdef _AIX
#include <sys/dr.h>
#else
#include <dr.h>
#endif

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

struct app {
	const char *name;
	const char *refuse_check;
	const char *slow_phase;
	long slow_ms;
	int once;
};

static volatile sig_atomic_t reconfig_pending;

static void on_reconfig(int signo)
{
	(void)signo;
	reconfig_pending = 1;
}

static int reconfig(int flags, dr_info_t *info)
{
	int r;

	do
		r = dr_reconfig(flags, info);
	while (r < 0 && errno == EINTR);
	return r;
}

static const char *phase_name(const dr_info_t *info)
{
	if (info->check)
		return "check";
	if (info->pre)
		return "pre";
	if (info->post)
		return "post";
	if (info->posterror)
		return "post-error";
	return "unknown";
}

static void print_event(const struct app *app, const dr_info_t *info)
{
	printf("%s: %s%s", app->name, phase_name(info), info->migrate ? "" : " (no migration)");
#ifndef _AIX
	printf(" stream 0x%llx", (unsigned long long)info->dr_stream);
#endif
	printf("%s\n", info->force ? " force" : "");
}

static void be_slow(const struct app *app, const dr_info_t *info)
{
	struct timeval tv = { .tv_sec = app->slow_ms / 1000,
			      .tv_usec = app->slow_ms % 1000 * 1000 };

	if (app->slow_phase && !strcmp(app->slow_phase, phase_name(info)))
		select(0, NULL, NULL, NULL, &tv);
}

/* Returns 1 when the migration is over, 0 otherwise. */
static int handle_event(const struct app *app)
{
	dr_info_t info;

	if (reconfig(DR_QUERY, &info) < 0) {
		if (errno != ENXIO)
			fprintf(stderr, "%s: DR_QUERY: %s\n", app->name, strerror(errno));
		return 0;
	}
	print_event(app, &info);
	be_slow(app, &info);
	if (info.check && app->refuse_check) {
		printf("%s: refusing: %s\n", app->name, app->refuse_check);
		if (reconfig(DR_EVENT_FAIL, &info) < 0)
			fprintf(stderr, "%s: DR_EVENT_FAIL: %s\n", app->name, strerror(errno));
	}
	if (reconfig(DR_RECONFIG_DONE, &info) < 0)
		printf("%s: too late for %s: %s\n", app->name, phase_name(&info), strerror(errno));
	return info.migrate && (info.post || info.posterror);
}

static int catch_signal(sigset_t *old)
{
	struct sigaction sa = { .sa_handler = on_reconfig };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRECONFIG);
	sigemptyset(&sa.sa_mask);
	if (sigprocmask(SIG_BLOCK, &set, old) < 0 || sigaction(SIGRECONFIG, &sa, NULL) < 0) {
		perror("SIGRECONFIG");
		return -1;
	}
	sigdelset(old, SIGRECONFIG);
	return 0;
}

static int usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--name NAME] [--refuse-check REASON] [--slow PHASE MS] [--once]\n",
		program);
	return 64;
}

static int parse(int argc, char *argv[], struct app *app)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--once")) {
			app->once = 1;
		} else if (!strcmp(argv[i], "--name") && i + 1 < argc) {
			app->name = argv[++i];
		} else if (!strcmp(argv[i], "--refuse-check") && i + 1 < argc) {
			app->refuse_check = argv[++i];
		} else if (!strcmp(argv[i], "--slow") && i + 2 < argc) {
			app->slow_phase = argv[++i];
			app->slow_ms = atol(argv[++i]);
		} else {
			return usage(argv[0]);
		}
	}
	return 0;
}

int main(int argc, char *argv[])
{
	struct app app = { .name = "example-aix" };
	sigset_t old;
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	r = parse(argc, argv, &app);
	if (r != 0)
		return r;
	if (catch_signal(&old) < 0)
		return EXIT_FAILURE;
	printf("%s: waiting\n", app.name);
	for (;;) {
		while (!reconfig_pending)
			sigsuspend(&old);
		reconfig_pending = 0;
		if (handle_event(&app) && app.once)
			return EXIT_SUCCESS;
	}
}
