// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audience "affinity": what applications that ask for it, and units that drmgr.conf names, are bound to. At PRE it is
 * saved. At POST it is kept, restored or recomputed (apply.c); to recompute takes the true map, which pmig.ko is asked for.
 * At POST-ERROR nothing has changed.
 *
 * It tells nobody, so nothing of it is in the journal. It never refuses and never fails: what can't be done is a line in the
 * log. Nobody waits for systemd. POST waits for the true map only, because applications hear of POST after they are bound.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/affinity/apply.h"
#include "daemon/affinity/aud-affinity.h"
#include "daemon/affinity/threads.h"
#include "daemon/affinity/units.h"
#include "daemon/platform/link.h"

static void drop_calls(struct affinity *af)
{
	for (size_t i = 0; i < UNITS_MAX; i++)
		af->calls[i].slot = sd_bus_slot_unref(af->calls[i].slot);
	af->nr_asked = 0;
}

/* ---- PRE ---- */

struct saving {
	struct affinity *af;
	const struct application *app;
	struct cpus online;
	size_t looked_at;
};

/* What may run anywhere is not bound. */
static int save_thread(void *userdata, pid_t tid, const struct cpus *cpus)
{
	struct saving *s = userdata;
	struct cpus rest = s->online;

	if (s->looked_at++ >= s->af->threads_max)
		return -E2BIG;
	cpus_minus(&rest, cpus);
	return cpus_empty(&rest) ? 0 : saved_add_thread(&s->af->saved, s->app->id, tid, cpus);
}

static void save_application(void *userdata, const struct application *app)
{
	struct saving *s = userdata;
	struct affinity *af = s->af;
	size_t before = af->saved.nr_threads;
	int r;

	s->app = app;
	r = threads_read(app->pidfd, app->pid, save_thread, s);
	if (r == 0)
		return;
	af->saved.nr_threads = before;
	if (r != -ESRCH)
		affinity_say(af, LOG_WARNING, "application", app->name,
			     "application %s (pid %d): what its threads are bound to can't be "
			     "saved: %s; it stays as the kernel has it.",
			     app->name, app->pid,
			     r == -E2BIG ? "there are too many" : errno_text(r));
}

static void save_applications(struct affinity *af)
{
	struct saving s = { .af = af };
	int r = map_online(&s.online);

	if (r < 0) {
		affinity_say(af, LOG_WARNING, NULL, NULL,
			     "What applications are bound to can't be saved: which processors "
			     "are online can't be read: %s.",
			     errno_text(r));
		return;
	}
	affinity_each(af, save_application, &s);
	saved_sort(&af->saved);
}

static void store(struct affinity *af)
{
	int r = saved_store(&af->saved, af->directory);

	if (r < 0)
		affinity_say(
			af, LOG_WARNING, NULL, NULL,
			"What is bound to processors can't be written down: %s. If drmgrd dies "
			"before the end of this migration, it stays as the kernel has it.",
			errno_text(r));
}

static void save_unit(struct affinity *af, const char *name, const struct cpus *cpus,
		      const struct cpus *nodes)
{
	struct saved_unit *u = saved_add_unit(&af->saved, name);

	if (u) {
		u->cpus = *cpus;
		u->nodes = *nodes;
	}
}

static void take_unit(struct unit_call *call, sd_bus_message *m)
{
	struct affinity *af = call->owner;
	const char *name = call->unit.name;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	struct cpus cpus, nodes;
	int r = error ? 0 : unit_parse(m, &cpus, &nodes);

	if (error)
		affinity_say(af, LOG_WARNING, "unit", name,
			     "unit %s stays as it is: systemd says: %s.", name,
			     error->message ?: error->name);
	else if (r < 0)
		affinity_say(af, LOG_WARNING, "unit", name,
			     "unit %s stays as it is: systemd's answer can't be read: %s.", name,
			     errno_text(r));
	else if (cpus_empty(&cpus))
		affinity_say(af, LOG_INFO, "unit", name,
			     "unit %s has no AllowedCPUs=: there is nothing to do for it.", name);
	else
		save_unit(af, name, &cpus, &nodes);
}

static int on_unit(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	struct unit_call *call = userdata;

	call->slot = sd_bus_slot_unref(call->slot);
	take_unit(call, m);
	if (--call->owner->nr_asked == 0)
		store(call->owner);
	return 0;
}

static void ask_for_units(struct affinity *af)
{
	const struct config *c = af->config;
	int error = *af->bus ? 0 : -ENOTCONN;

	for (size_t i = 0; i < c->nr_units && error == 0; i++) {
		struct unit_call *call = &af->calls[i];

		call->owner = af;
		call->unit = c->units[i];
		error = unit_read(*af->bus, &call->slot, call->unit.name, on_unit, call);
		if (error >= 0) {
			af->nr_asked++;
			error = 0;
		}
	}
	if (c->nr_units && error < 0)
		affinity_say(af, LOG_WARNING, "unit", NULL,
			     "Units of Affinity= stay as they are: systemd can't be asked: %s.",
			     errno_text(error));
}

static bool is_wanted(const struct affinity *af)
{
	const struct application *app;

	TAILQ_FOREACH(app, registry_list(af->registry), node)
		if (affinity_of(app) != AFFINITY_NONE)
			return true;
	return af->config->nr_units;
}

static void forget(struct affinity *af)
{
	drop_calls(af);
	saved_clear(&af->saved);
	saved_forget(af->directory);
}

static void pre(struct audience *a, const struct notice *n)
{
	struct affinity *af = (struct affinity *)a;

	af->lines = 0;
	forget(af);
	if (is_wanted(af)) {
		af->saved.stream = n->stream;
		save_applications(af);
		ask_for_units(af);
		if (af->nr_asked == 0)
			store(af);
	}
	audience_done(a);
}

/* ---- POST ---- */

/* Units that are told now go on beside the end of the migration. */
static void finish(struct affinity *af)
{
	saved_clear(&af->saved);
	saved_forget(af->directory);
	audience_done(&af->a);
}

static const char *why(int error)
{
	return error == -ENOPROTOOPT ? "pmig.ko is not used, or has forgotten it" :
	       error == -ENODATA     ? "the hypervisor does not tell, or it is simulated" :
				       errno_text(error);
}

static void on_rows(void *userdata, int error, _unused_ uint32_t generation, struct rows *rows)
{
	struct affinity *af = userdata;
	_cleanup_free_ struct map *map = malloc(sizeof(*map));
	struct cpus online;

	af->reading = reading_free(af->reading);
	if (error == 0 && !map)
		error = log_oom();
	if (error == 0)
		error = map_online(&online);
	if (error == 0)
		error = map_make(map, &online, rows, &(*af->link)->state.rows);
	if (error < 0)
		affinity_say(af, LOG_WARNING, NULL, NULL,
			     "Where processors are is not known: %s. What should be recomputed is "
			     "bound to the same numbers as before.",
			     why(error));
	affinity_apply(af, error < 0 ? NULL : map);
	finish(af);
}

static bool is_recomputed(const struct affinity *af)
{
	const struct application *app;

	for (size_t i = 0; i < af->config->nr_units; i++)
		if (af->config->units[i].mode == AFFINITY_RECOMPUTE)
			return true;
	TAILQ_FOREACH(app, registry_list(af->registry), node)
		if (affinity_of(app) == AFFINITY_RECOMPUTE)
			return true;
	return false;
}

/*
 * 0: on_rows() comes. What differs is known of the session that the module has last. The places of a simulated machine are
 * made up, and nothing of the real one is bound by them.
 */
static int ask_for_map(struct affinity *af)
{
	const struct backend *link = *af->link;

	if (!link || link->state.stream != af->saved.stream)
		return -ENOPROTOOPT;
	if (strcmp(link->state.engine, "sim") == 0)
		return -ENODATA;
	af->a.until = now_usec() + READING_USEC;
	return link_read(link, &af->reading, PMIG_ROWS_NOW, link->state.engine, on_rows, af);
}

/* Saved by this daemon at PRE, or by one before it. */
static bool have_saved(struct affinity *af, const struct notice *n)
{
	int r;

	if (af->nr_asked)
		affinity_say(af, LOG_WARNING, "unit", NULL,
			     "%zu units of Affinity= stay as they are: systemd has not said in "
			     "time what they are bound to.",
			     af->nr_asked);
	drop_calls(af);
	if (n->stream && af->saved.stream == n->stream)
		return true;
	r = n->stream ? saved_load(&af->saved, af->directory, n->stream) : -ENOENT;
	if (r < 0)
		affinity_say(
			af, LOG_WARNING, NULL, NULL,
			"What is bound to processors stays as the kernel has it: what it was "
			"bound to before the move was not saved%s%s.",
			r == -ENOENT ? "" : ", or is lost: ", r == -ENOENT ? "" : errno_text(r));
	return r == 0;
}

static void post(struct audience *a, const struct notice *n)
{
	struct affinity *af = (struct affinity *)a;
	struct rows none = { 0 };
	int r;

	af->lines = 0;
	if (!is_wanted(af) || !have_saved(af, n)) {
		finish(af);
		return;
	}
	for (size_t i = 0; i < af->config->nr_units; i++)
		af->calls[i] = (struct unit_call){ .owner = af, .unit = af->config->units[i] };
	if (!is_recomputed(af)) {
		affinity_apply(af, NULL);
		finish(af);
		return;
	}
	r = ask_for_map(af);
	if (r < 0)
		on_rows(af, r, 0, &none);
}

static void undo(struct audience *a, _unused_ const struct notice *n)
{
	forget((struct affinity *)a);
	audience_done(a);
}

/* Only POST waits for something. */
static void stop(struct audience *a)
{
	struct affinity *af = (struct affinity *)a;

	if (!af->reading)
		return;
	af->reading = reading_free(af->reading);
	finish(af);
}

static const struct audience_ops affinity_ops = {
	.name = "affinity",
	.pre = pre,
	.post = post,
	.undo = undo,
	.stop = stop,
};

int aud_affinity_new(struct audience **ret, const struct config *config, struct registry *registry,
		     struct backend *const *link, sd_bus *const *bus, const char *directory,
		     struct eventlog *log)
{
	struct affinity *af = calloc(1, sizeof(*af));

	if (!af)
		return log_oom();
	af->a.ops = &affinity_ops;
	af->a.log = log;
	af->config = config;
	af->registry = registry;
	af->link = link;
	af->bus = bus;
	af->threads_max = SAVED_THREADS_MAX;
	af->directory = strdup(directory);
	if (!af->directory) {
		free(af);
		return log_oom();
	}
	*ret = &af->a;
	return 0;
}

struct audience *aud_affinity_free(struct audience *a)
{
	struct affinity *af = (struct affinity *)a;

	if (!af)
		return NULL;
	drop_calls(af);
	reading_free(af->reading);
	saved_clear(&af->saved);
	told_clear(&af->a.told);
	free(af->directory);
	free(af);
	return NULL;
}
