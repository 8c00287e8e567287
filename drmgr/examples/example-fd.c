// SPDX-License-Identifier: 0BSD
/*
 * A program that is told of migrations over a file descriptor. Copy what you need of it.
 *
 * The descriptor goes into the program's own poll() loop, beside whatever else it waits for. CHECK asks whether the
 * partition may move. PRE is the moment to get ready (here: "requests are held back"). POST says what is different now,
 * POST_ERROR that the partition has not moved. The program answers each of them; the migration waits until it does, or
 * until its time is over. CHANGED says that the machine is different now without a migration, and wants no answer. If
 * the daemon has dropped the program, it registers again.
 *
 * For tests it can misbehave: --refuse-check, --slow.
 */
#include <dr.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS 1000

struct app {
	const char *name;
	const char *refuse_check;
	const char *slow_phase;
	long slow_ms;
	bool required;
	bool once;
	dr_client *client;
};

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static int app_register(struct app *app)
{
	struct dr_options options = {
		.name = app->name,
		.phases = DR_PHASES_DEFAULT | DR_PHASES(DR_PHASE_BEGIN) |
			  DR_PHASES(DR_PHASE_RESUMED) | DR_PHASES(DR_PHASE_CHANGED),
		.flags = app->refuse_check || app->required ? DR_MAY_REFUSE : 0,
	};
	int r;

	if (app->required)
		options.flags |= DR_REQUIRED;
	r = dr_open(&app->client, &options);
	if (r < 0) {
		fprintf(stderr, "%s: cannot register: %s\n", app->name,
			r == -EHOSTDOWN ? "drmgrd is not there" : strerror(-r));
		return r;
	}
	printf("%s: registered\n", app->name);
	return 0;
}

/* What a real program does in each phase goes here. */
static void work(const struct app *app, const struct dr_event *event)
{
	if (app->slow_phase && !strcmp(app->slow_phase, dr_phase_name(event->phase)))
		sleep_ms(app->slow_ms);
	if (event->phase == DR_PHASE_PRE)
		printf("%s: quiesced: requests are held back\n", app->name);
	if (event->phase == DR_PHASE_POST || event->phase == DR_PHASE_POST_ERROR)
		printf("%s: requests are served again\n", app->name);
}

static void print_changes(const struct app *app, const struct dr_event *event)
{
	size_t i;

	for (i = 0; i < event->nr_changes; i++) {
		const struct dr_change *c = &event->changes[i];

		printf("%s: %s %s -> %s%s\n", app->name, c->name, c->old_value, c->new_value,
		       c->flags & DR_CHANGE_STALE ? " (the kernel still shows the old value)" : "");
	}
	if (event->nr_more)
		printf("%s: and %zu more\n", app->name, event->nr_more);
}

static void print_event(const struct app *app, const struct dr_event *event)
{
	printf("%s: %s stream 0x%" PRIx64 "%s\n", app->name, dr_phase_name(event->phase),
	       event->stream, event->force ? " force" : "");
	if (event->phase == DR_PHASE_POST)
		printf("%s: stood still for %" PRIu64 " ms\n", app->name,
		       event->blackout_us / 1000);
	print_changes(app, event);
}

static int answer(const struct app *app, const struct dr_event *event)
{
	int r;

	if (event->deadline_us == 0)
		return 0; /* BEGIN, RESUMED, CHANGED: no answer is wanted */
	if (event->phase == DR_PHASE_CHECK && app->refuse_check)
		r = dr_refuse(app->client, event->gen, EBUSY, app->refuse_check);
	else
		r = dr_ack(app->client, event->gen);
	if (r == -ESTALE) {
		printf("%s: too late for %s\n", app->name, dr_phase_name(event->phase));
		return 0;
	}
	return r;
}

/* Returns 1 when --once has seen the end of a migration, 0, or a negative errno. */
static int handle_events(struct app *app)
{
	struct dr_event event;
	int r;

	while ((r = dr_next(app->client, &event)) > 0) {
		print_event(app, &event);
		work(app, &event);
		r = answer(app, &event);
		if (r < 0)
			return r;
		if (app->once &&
		    (event.phase == DR_PHASE_POST || event.phase == DR_PHASE_POST_ERROR))
			return 1;
	}
	return r;
}

static int run(struct app *app)
{
	for (;;) {
		struct pollfd p = { .fd = dr_fd(app->client), .events = POLLIN };
		int r;

		if (poll(&p, 1, -1) < 0)
			continue; /* EINTR */
		r = handle_events(app);
		if (r > 0)
			return 0;
		if (r == 0)
			continue;
		printf("%s: registration lost: %s\n", app->name, strerror(-r));
		app->client = dr_close(app->client);
		while (app_register(app) < 0)
			sleep_ms(RETRY_MS);
	}
}

static int usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--name NAME] [--refuse-check REASON] [--required] [--slow PHASE MS] [--once]\n",
		program);
	return 64;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "refuse-check", required_argument, NULL, 'r' },
		{ "slow", required_argument, NULL, 's' },
		{ "required", no_argument, NULL, 'R' },
		{ "once", no_argument, NULL, 'o' },
		{ 0 },
	};
	struct app app = { .name = "example-fd" };
	int c, r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n') {
			app.name = optarg;
		} else if (c == 'r') {
			app.refuse_check = optarg;
		} else if (c == 'R') {
			app.required = true;
		} else if (c == 'o') {
			app.once = true;
		} else if (c == 's' && optind < argc) {
			app.slow_phase = optarg;
			app.slow_ms = atol(argv[optind++]);
		} else {
			return usage(argv[0]);
		}
	}
	if (optind < argc)
		return usage(argv[0]);
	if (app_register(&app) < 0)
		return EXIT_FAILURE;
	r = run(&app);
	dr_close(app.client);
	return r;
}
