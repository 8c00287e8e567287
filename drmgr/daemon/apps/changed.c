// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of the machine without a migration, as applications hear of them. They are no phase of a session: nobody
 * answers, and nothing waits. Instead this must not get in the way of a session:
 *
 *  - While a check or a migration is under way nobody is told, but while the memory is copied, which may take hours.
 *  - An application has one such event at a time that it has not read. So the socket of one that does not read has
 *    always room for PRE and POST.
 *
 * What comes meanwhile is put together for each application, as the number of rows that it has not been told: the event
 * that it gets then has the rows of the last change, and says how many there were before. The rows of a change from
 * before a phase of the session are counted only, because POST may have told newer values.
 */
#include <stdlib.h>

#include "daemon/apps/appevent.h"
#include "daemon/apps/changed.h"

struct changed {
	struct registry *registry;
	uint32_t *gen;
	struct wire_event *event; /* the last change */
	bool held;
	sd_event_source *round;
};

static void tell(struct changed *c, struct application *app)
{
	size_t more = app->untold - c->event->nr_changes;

	c->event->nr_more = more > UINT32_MAX ? UINT32_MAX : (uint32_t)more;
	app->unread = true;
	if (application_send(app, c->event, appevent_size(c->event)) == 0) {
		app->unread_gen = c->event->gen;
		app->untold = 0;
	} else {
		app->unread_gen = 0; /* its socket is full */
	}
}

/* Tells some of them in each turn of the loop, so that the rest of the daemon gets its turn, too. */
static int tell_some(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct changed *c = userdata;
	struct application *app;
	int n = 0;

	if (c->held)
		return 0;
	TAILQ_FOREACH(app, registry_list(c->registry), node) {
		if (!app->untold || app->unread)
			continue;
		if (n++ == ROUND_MAX) {
			sd_event_source_set_enabled(c->round, SD_EVENT_ONESHOT);
			break;
		}
		tell(c, app);
	}
	return 0;
}

void changed_tell(struct changed *c, const struct rows *rows)
{
	struct application *app;

	appevent_fill(c->event, &(struct notice){ .phase = DR_PHASE_CHANGED, .rows = rows });
	c->event->gen = ++*c->gen;
	TAILQ_FOREACH(app, registry_list(c->registry), node)
		if (app->phases & DR_PHASES(DR_PHASE_CHANGED))
			app->untold += rows->n + rows->dropped;
	tell_some(NULL, 0, c);
}

void changed_hold(struct changed *c)
{
	c->held = true;
	c->event->nr_changes = 0;
}

void changed_go_on(struct changed *c)
{
	c->held = false;
	c->event->gen = ++*c->gen; /* larger than those of the session */
	tell_some(NULL, 0, c);
}

void changed_was_read(struct changed *c, struct application *app)
{
	if (app->untold && !c->held)
		tell(c, app);
}

int changed_new(struct changed **ret, sd_event *event, struct registry *registry, uint32_t *gen)
{
	struct changed *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return log_oom();
	c->registry = registry;
	c->gen = gen;
	c->event = appevent_new();
	r = c->event ? 0 : log_oom();
	if (r >= 0) {
		appevent_fill(c->event, &(struct notice){ .phase = DR_PHASE_CHANGED });
		/* Always due: a deferred source would come before everything else in each turn. */
		r = sd_event_add_time(event, &c->round, CLOCK_BOOTTIME, 0, 1, tell_some, c);
	}
	if (r >= 0)
		r = sd_event_source_set_enabled(c->round, SD_EVENT_OFF);
	if (r < 0)
		changed_free(c);
	else
		*ret = c;
	return r < 0 ? r : 0;
}

struct changed *changed_free(struct changed *c)
{
	if (!c)
		return NULL;
	sd_event_source_disable_unref(c->round);
	free(c->event);
	free(c);
	return NULL;
}
