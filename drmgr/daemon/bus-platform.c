// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine, for whoever asks: the module's rows, read when they are asked for, and those of /proc and /sys. When the
 * machine has changed without a migration, or once more after one, that is logged, and told on the bus and to
 * applications.
 */
#include <string.h>

#include "daemon/apps/changed.h"
#include "daemon/base/eventlog.h"
#include "daemon/bus-platform.h"
#include "daemon/bus-register.h"
#include "daemon/platform/boot.h"
#include "daemon/platform/fact.h"
#include "daemon/platform/facts.h"
#include "daemon/platform/link.h"
#include "shared/busnames.h"

/* So many may ask at once by the bus, or by one connection of root's; a large machine has a hundred thousand rows. */
#define DESCRIBING_MAX 4
/* dbus-daemon ends the connection of whoever sends more than 32 MiB at once. */
#define ROWS_SENT_BYTES (24U << 20)

struct describing {
	LIST_ENTRY(describing) node;
	struct manager *m;
	sd_bus_message *call;
	enum pmig_rows what;
	struct reading *reading;
};

/* At most: each text has its length, a zero and up to three bytes in front of it. */
static size_t bytes_of(const struct row *row)
{
	return strlen(row->section) + strlen(row->key) + strlen(row->field) + strlen(row->old) +
	       strlen(row->new) + 5 * 8 + 16;
}

size_t rows_that_fit(const struct rows *rows)
{
	size_t n = 0, left = ROWS_SENT_BYTES;

	for (; n < rows->n && bytes_of(&rows->v[n]) <= left; n++)
		left -= bytes_of(&rows->v[n]);
	return n;
}

int append_rows(sd_bus_message *m, const struct rows *rows)
{
	int r = sd_bus_message_open_container(m, 'a', ROW_TYPE);
	size_t n = rows_that_fit(rows);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct row *row = &rows->v[i];

		r = sd_bus_message_append(m, ROW_TYPE, row->section, row->key, row->field, row->old,
					  row->new, row->unit, row->flags);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_append(m, "t", (uint64_t)(rows->n - n + rows->dropped));
}

static void describing_free(struct describing *d)
{
	LIST_REMOVE(d, node);
	reading_free(d->reading);
	sd_bus_message_unref(d->call);
	free(d);
}

/* Whether it has moved since it was booted, as far as that is known. */
static int add_moves(const struct results *results, struct rows *rows)
{
	const struct moves *moves = results_moves(results);
	int r = boot_read(rows);

	if (r == 0)
		r = fact_number(rows, "boot", "", "moves", PMIG_UNIT_NUMBER, moves->n);
	if (r == 0)
		r = fact_number(rows, "boot", "", "moves-since", PMIG_UNIT_NUMBER,
				moves->since / USEC_PER_SEC);
	return r;
}

/* What /proc and /sys tell, behind the module's. */
static int add_ours(const struct describing *d, struct rows *rows)
{
	switch (d->what) {
	case PMIG_ROWS_NOW:
		return add_moves(d->m->results, rows) ?: facts_read(rows);
	case PMIG_ROWS_CHANGED:
		return rows_append(rows, &d->m->machine.changed);
	default:
		return 0;
	}
}

/* @missing: why the module's rows are not among them, "" where they are */
static void answer(struct describing *d, uint32_t generation, struct rows *rows,
		   const char *missing)
{
	sd_bus_message *reply = NULL;
	int r = add_ours(d, rows);

	if (r >= 0)
		r = sd_bus_message_new_method_return(d->call, &reply);
	if (r >= 0)
		r = sd_bus_message_append(reply, "u", generation);
	if (r >= 0)
		r = append_rows(reply, rows);
	if (r >= 0)
		r = sd_bus_message_append(reply, "s", missing);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	if (r < 0)
		sd_bus_reply_method_errno(d->call, r, NULL);
	sd_bus_message_unref(reply);
	describing_free(d);
}

static const char *why_missing(int error)
{
	switch (error) {
	case 0:
		return "";
	case -ENODEV:
		return "pmig.ko has no such engine, or none at all";
	case -ENOENT:
		return "pmig.ko could not read the machine: see the kernel's log";
	default:
		return errno_text(error);
	}
}

static void on_read(void *userdata, int error, uint32_t generation, struct rows *rows)
{
	struct describing *d = userdata;

	/* Nothing has been compared since the module was loaded. */
	if (error == -ENOENT && d->what == PMIG_ROWS_CHANGED)
		error = 0;
	answer(d, generation, rows, why_missing(error));
}

/* For others than root all of the bus is one connection: they cannot keep root from an answer. */
static unsigned nr_describing(const struct manager *m, const sd_bus *bus)
{
	const struct describing *d;
	unsigned nr = 0;

	LIST_FOREACH(d, &m->describing, node)
	{
		nr += call_is_of(d->call, bus, NULL);
	}
	return nr;
}

static int find_what(const char *text, enum pmig_rows *ret)
{
	static const char *const names[] = { [PMIG_ROWS_NOW] = "now",
					     [PMIG_ROWS_CHANGED] = "changed",
					     [PMIG_ROWS_STALE] = "stale" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

/* In PRE the daemon has no time for those who have no part in it: a large table takes it tenths of a second. */
static bool has_no_time(const struct manager *m, const sd_bus *bus)
{
	return m->session && session_is_in_pre(m->session) && bus == m->system_bus;
}

int method_platform(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const sd_bus *bus = sd_bus_message_get_bus(call);
	struct manager *m = userdata;
	const char *text, *engine;
	struct rows none = { 0 };
	struct describing *d;
	enum pmig_rows what;
	int r;

	r = sd_bus_message_read(call, "ss", &text, &engine);
	if (r < 0)
		return r;
	if (find_what(text, &what) < 0 || strlen(engine) >= PMIG_NAME_LEN)
		return sd_bus_error_set(
			error, DR_ERROR_INVALID,
			"Platform is asked for now, changed or stale, of an engine");
	if (has_no_time(m, bus))
		return sd_bus_error_set(error, DR_ERROR_BUSY,
					"the partition is about to move: ask again when it has");
	if (nr_describing(m, bus) >= DESCRIBING_MAX)
		return sd_bus_error_set(error, DR_ERROR_TOO_MANY,
					"too many ask for the platform at once: try again");
	d = calloc(1, sizeof(*d));
	if (!d)
		return log_oom();
	d->m = m;
	d->what = what;
	d->call = sd_bus_message_ref(call);
	LIST_INSERT_HEAD(&m->describing, d, node);
	r = link_read(m->link, &d->reading, what, engine, on_read, d);
	if (r < 0) {
		answer(d, 0, &none, r == -ENOPROTOOPT ? manager_degraded(m) : errno_text(r));
		rows_done(&none);
	}
	return 1; /* answered, or later */
}

void bus_platform_forget(const sd_bus *bus, const char *sender, struct manager *m)
{
	struct describing *d, *next;

	for (d = LIST_FIRST(&m->describing); d; d = next) {
		next = LIST_NEXT(d, node);
		if (call_is_of(d->call, bus, sender))
			describing_free(d);
	}
}

/* ---- changes without a migration ---- */

static int emit(sd_bus *bus, const struct kernel_change *change, const struct rows *rows)
{
	sd_bus_message *signal = NULL;
	int r = sd_bus_message_new_signal(bus, &signal, DR_BUS_PATH, DR_BUS_INTERFACE,
					  "PlatformChanged");

	if (r >= 0)
		r = sd_bus_message_append(signal, "su", change->engine, change->generation);
	if (r >= 0)
		r = append_rows(signal, rows);
	if (r >= 0)
		r = sd_bus_send(bus, signal, NULL);
	sd_bus_message_unref(signal);
	return r;
}

static void tell_applications(struct manager *m, const struct rows *rows)
{
	static const struct plan plan_changed = {
		.phase = DR_PHASE_CHANGED,
		.n = 1,
		.steps = { { .audience = AUDIENCE_SIGNALS } },
	};

	if (m->config.observe)
		observe_plan(&m->observer, &plan_changed);
	else
		changed_tell(m->changed, rows);
}

static void on_changed(void *userdata, const struct kernel_change *change, const struct rows *rows)
{
	struct manager *m = userdata;
	struct rows few = { 0 };
	int r = rows_fold(rows, &few);

	rows_shorten(&few, ROWS_TOLD_MAX);
	rows_text(rows, m->last_change);
	eventlog_note(&m->log, LOG_NOTICE, "kernel", NULL,
		      "The machine has changed without a move: %s.", m->last_change);
	if (r >= 0) {
		eventlog_rows(&m->log, &few);
		tell_applications(m, &few);
	}
	if (r >= 0 && m->system_bus)
		r = emit(m->system_bus, change, &few);
	if (r < 0)
		log_warning("That the machine has changed can't be told: %s.", errno_text(r));
	rows_done(&few);
}

void bus_platform_watch(struct manager *m)
{
	link_listen_changed(m->link, on_changed, m);
}
