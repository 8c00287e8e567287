// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * POST: binds what was bound at PRE, as it has asked for it or drmgr.conf says. Threads are bound here; units are systemd's,
 * and nobody waits for it.
 */
#include <stdio.h>

#include "daemon/affinity/apply.h"
#include "daemon/affinity/place.h"
#include "daemon/affinity/threads.h"
#include "daemon/affinity/units.h"

#define LIST_LEN 128 /* of a list in a line of the log */

/* What all of them are bound by. */
struct binder {
	struct affinity *af;
	const struct map *map;
	struct placing *placing; /* NULL: nothing is recomputed */
	struct cpus online;
	uint16_t to[CPUS_MAX];
};

/* One application or unit. */
struct bound {
	const char *kind, *name;
	enum affinity_mode mode;
	struct cpus before, after;
};

static void say_gone(struct binder *b, const struct bound *x)
{
	struct cpus gone = x->before;
	char list[LIST_LEN];

	cpus_minus(&gone, &b->online);
	if (cpus_empty(&gone))
		return;
	cpus_text(&gone, list, sizeof(list));
	affinity_say(b->af, LOG_WARNING, x->kind, x->name,
		     "%s %s was bound to processors that are gone: %s.", x->kind, x->name, list);
}

/* If it is recomputed, b->to is then filled in for x->before. Returns false if there is nothing to be done. */
static bool find_place(struct binder *b, struct bound *x)
{
	say_gone(b, x);
	if (x->mode == AFFINITY_KEEP)
		return false;
	x->after = x->before;
	if (x->mode == AFFINITY_RECOMPUTE && b->placing &&
	    placing_find(b->placing, &x->before, b->to) == 0)
		placing_image(&x->before, b->to, &x->after);
	else
		x->mode = AFFINITY_RESTORE;
	cpus_and(&x->after, &b->online);
	if (!cpus_empty(&x->after))
		return true;
	affinity_say(b->af, LOG_WARNING, x->kind, x->name,
		     "%s %s stays as it is: all of its processors are gone.", x->kind, x->name);
	return false;
}

static void say_bound(struct binder *b, const struct bound *x, const char *more)
{
	char before[LIST_LEN], after[LIST_LEN];

	cpus_text(&x->before, before, sizeof(before));
	cpus_text(&x->after, after, sizeof(after));
	if (cpus_equal(&x->before, &x->after))
		affinity_say(b->af, LOG_INFO, x->kind, x->name,
			     "%s %s is bound to processors %s, as before.%s", x->kind, x->name,
			     before, more);
	else
		affinity_say(b->af, LOG_NOTICE, x->kind, x->name,
			     "%s %s is bound to processors %s now; before the move to %s.%s",
			     x->kind, x->name, after, before, more);
}

/* ---- applications ---- */

/* The processors that one thread gets, of those of the whole process. */
static void of_thread(struct binder *b, const struct bound *x, const struct cpus *was,
		      struct cpus *ret)
{
	if (x->mode == AFFINITY_RECOMPUTE)
		placing_image(was, b->to, ret);
	else
		*ret = *was;
	cpus_and(ret, &b->online);
}

struct count {
	size_t failed, limited;
	int error;
};

static void bind_thread(const struct application *app, pid_t tid, const struct cpus *cpus,
			struct count *count)
{
	int r = cpus_empty(cpus) ? -ENXIO : threads_bind(app->pidfd, app->pid, tid, cpus);

	if (r == 1)
		count->limited++;
	if (r >= 0 || r == -ESRCH) /* it has ended */
		return;
	count->failed++;
	count->error = r;
}

static void bind_application(void *userdata, const struct application *app)
{
	struct binder *b = userdata;
	struct bound x = { .kind = "application", .name = app->name, .mode = affinity_of(app) };
	const struct saved *saved = &b->af->saved;
	struct count count = { 0 };
	const struct saved_thread *v;
	struct cpus cpus;
	size_t n;

	v = saved_find_threads(saved, app->id, &n);
	if (!v)
		return; /* it was not bound */
	for (size_t i = 0; i < n; i++)
		cpus_or(&x.before, &saved->sets[v[i].set]);
	if (!find_place(b, &x))
		return;
	if (!application_is_its_users(app)) {
		if (pidfd_alive(app->pidfd) == 1)
			affinity_say(
				b->af, LOG_WARNING, x.kind, x.name,
				"application %s (pid %d) stays as it is: it runs a program "
				"with the rights of another user than the one who registered it.",
				app->name, app->pid);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		of_thread(b, &x, &saved->sets[v[i].set], &cpus);
		bind_thread(app, v[i].tid, &cpus, &count);
	}
	say_bound(b, &x,
		  x.mode == AFFINITY_RECOMPUTE && !cpus_equal(&x.before, &x.after) ?
			  " Its memory stays where it is unless the program calls "
			  "dr_memory_follow()." :
			  "");
	if (count.failed)
		affinity_say(b->af, LOG_WARNING, x.kind, x.name,
			     "application %s (pid %d): %zu of %zu threads stay as they are: %s.",
			     app->name, app->pid, count.failed, n, errno_text(count.error));
	if (count.limited)
		affinity_say(b->af, LOG_WARNING, x.kind, x.name,
			     "application %s (pid %d): the cgroup of %zu of %zu threads allows "
			     "only some of these processors.",
			     app->name, app->pid, count.limited, n);
}

/* ---- units ---- */

static int on_written(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	struct unit_call *call = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(m);

	call->slot = sd_bus_slot_unref(call->slot);
	if (error)
		affinity_say(call->owner, LOG_WARNING, "unit", call->unit.name,
			     "unit %s stays as it is: systemd says: %s.", call->unit.name,
			     error->message ?: error->name);
	return 0;
}

/* The kernel's nodes that have their memory where the unit's processors are now; empty: its memory stays. */
static void find_nodes(struct binder *b, const struct bound *x, const struct saved_unit *u,
		       struct cpus *ret)
{
	unsigned bad = 0;
	int r;

	*ret = (struct cpus){ 0 };
	if (x->mode == AFFINITY_RESTORE) {
		*ret = u->nodes;
		return;
	}
	if (cpus_empty(&u->nodes))
		return;
	r = map_nodes(b->map, &x->after, &u->nodes, ret, &bad);
	if (r == -EXDEV)
		affinity_say(b->af, LOG_WARNING, x->kind, x->name,
			     "The memory of unit %s can't follow: the kernel's node %u is in "
			     "two places, domains %u and %u, and the kernel knows of one only.",
			     x->name, bad, b->map->node[bad], b->map->split[bad]);
	if (r == -ENOENT)
		affinity_say(b->af, LOG_WARNING, x->kind, x->name,
			     "The memory of unit %s can't follow: no node of the kernel's has all "
			     "its memory where its processors are.",
			     x->name);
	if (r < 0)
		*ret = (struct cpus){ 0 };
}

static void bind_unit(struct binder *b, struct unit_call *call, const struct saved_unit *u)
{
	struct bound x = {
		.kind = "unit", .name = call->unit.name, .mode = call->unit.mode, .before = u->cpus
	};
	sd_bus *bus = *b->af->bus;
	struct cpus nodes;
	int r;

	if (cpus_empty(&u->cpus) || !find_place(b, &x))
		return;
	find_nodes(b, &x, u, &nodes);
	r = bus ? unit_write(bus, &call->slot, x.name, &x.after, &nodes, on_written, call) :
		  -ENOTCONN;
	if (r < 0)
		affinity_say(b->af, LOG_WARNING, x.kind, x.name,
			     "unit %s stays as it is: systemd can't be told: %s.", x.name,
			     errno_text(r));
	else
		say_bound(b, &x, "");
}

static void bind_all(struct binder *b)
{
	struct affinity *af = b->af;

	affinity_each(af, bind_application, b);
	for (size_t i = 0; i < af->config->nr_units; i++) {
		const struct saved_unit *u = saved_find_unit(&af->saved, af->config->units[i].name);

		if (u)
			bind_unit(b, &af->calls[i], u);
	}
}

void affinity_apply(struct affinity *af, const struct map *map)
{
	struct binder b = { .af = af, .map = map };
	int r = 0;

	if (map)
		b.online = map->online;
	else
		r = map_online(&b.online);
	if (r < 0) {
		affinity_say(af, LOG_WARNING, NULL, NULL,
			     "What was bound to processors stays as it is: which are online "
			     "can't be read: %s.",
			     errno_text(r));
		return;
	}
	if (map)
		placing_new(&b.placing, map); /* without memory what is saved is restored */
	bind_all(&b);
	placing_free(b.placing);
}
