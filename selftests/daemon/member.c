// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * member NAME [may-refuse] [required] [keep|restore|recompute] [asks-changed] [refuse=REASON] [timeout-ms=N]
 * [hold=PHASE:FILE] [changes] [follow]: a registered application that writes down each event in the example's form, and behind it
 * how long it may take to answer; with "changes" then each change, "NAME: change FACT|OLD|NEW|FLAGS". With
 * "asks-changed" it hears CHANGED, too; with "follow" it has its memory moved at POST, and writes down "followed"
 * or "stayed" in the same form, with the result behind it.
 *
 * With hold= it has been told PHASE, and does not answer before FILE is there: a test decides when, and nothing
 * depends on how fast the machine is. The line is written before that.
 */
#include <dr.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *refuse;
static char *hold_phase, *hold_file;
static bool tell_changes, follow;

static int64_t left_ms(const struct dr_event *event)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)event->deadline_us / 1000 -
	       ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static int option(struct dr_options *o, char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (!strcmp(word, "may-refuse"))
		o->flags |= DR_MAY_REFUSE;
	else if (!strcmp(word, "required"))
		o->flags |= DR_MAY_REFUSE | DR_REQUIRED;
	else if (!strcmp(word, "keep"))
		o->flags |= DR_AFFINITY_KEEP;
	else if (!strcmp(word, "restore"))
		o->flags |= DR_AFFINITY_RESTORE;
	else if (!strcmp(word, "recompute"))
		o->flags |= DR_AFFINITY_RECOMPUTE;
	else if (!strcmp(word, "changes"))
		tell_changes = true;
	else if (!strcmp(word, "follow"))
		follow = true;
	else if (!strcmp(word, "asks-changed"))
		o->phases |= DR_PHASES(DR_PHASE_CHANGED);
	else if (value && !strcmp(word, "refuse"))
		refuse = value;
	else if (value && !strcmp(word, "timeout-ms"))
		o->timeout_ms = (uint32_t)strtoul(value, NULL, 10);
	else if (value && !strcmp(word, "hold") && strchr(value, ':')) {
		hold_file = strchr(value, ':') + 1;
		hold_file[-1] = '\0';
		hold_phase = value;
	} else
		return -EINVAL;
	return 0;
}

static void print_event(const char *name, const struct dr_event *event)
{
	printf("%s: %s stream 0x%" PRIx64 " left-ms %" PRId64 "\n", name,
	       dr_phase_name(event->phase), event->stream, event->deadline_us ? left_ms(event) : 0);
	for (size_t i = 0; tell_changes && i < event->nr_changes; i++) {
		const struct dr_change *c = &event->changes[i];

		printf("%s: change %s|%s|%s|%s%s\n", name, c->name, c->old_value, c->new_value,
		       c->flags & DR_CHANGE_STALE ? " stale" : "",
		       c->flags & DR_CHANGE_UNEXPECTED ? " unexpected" : "");
	}
}

static void have_memory_follow(const char *name, const struct dr_event *event)
{
	long r = dr_memory_follow();

	printf("%s: %s stream 0x%" PRIx64 " %ld\n", name, r < 0 ? "stayed" : "followed",
	       event->stream, r);
}

static int answer(dr_client *client, const struct dr_event *event)
{
	if (hold_phase && !strcmp(hold_phase, dr_phase_name(event->phase)))
		while (access(hold_file, F_OK) < 0)
			usleep(50000);
	if (!event->deadline_us)
		return 0;
	if (refuse && event->phase == DR_PHASE_CHECK)
		return dr_refuse(client, event->gen, EBUSY, refuse);
	return dr_ack(client, event->gen);
}

int main(int argc, char **argv)
{
	struct dr_options options = {
		.phases =
			DR_PHASES_DEFAULT | DR_PHASES(DR_PHASE_BEGIN) | DR_PHASES(DR_PHASE_RESUMED),
	};
	struct dr_event event;
	dr_client *client;
	int r;

	options.name = argc > 1 ? argv[1] : "";
	for (int i = 2; i < argc; i++)
		if (option(&options, argv[i]) < 0)
			return 64;
	r = dr_open(&client, &options);
	if (r < 0) {
		fprintf(stderr, "%s: cannot register: %s\n", options.name, strerror(-r));
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		struct pollfd p = { .fd = dr_fd(client), .events = POLLIN };

		poll(&p, 1, -1);
		while ((r = dr_next(client, &event)) > 0) {
			print_event(options.name, &event);
			if (follow && event.phase == DR_PHASE_POST)
				have_memory_follow(options.name, &event);
			answer(client, &event);
		}
		if (r < 0) {
			printf("%s: registration lost: %s\n", options.name, strerror(-r));
			return 0;
		}
	}
}
