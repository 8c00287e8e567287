/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may refuse besides root: the users and groups of MayRefuse=, as the directory services know them now. */
#ifndef DRMGRD_REFUSERS_H
#define DRMGRD_REFUSERS_H

#include <systemd/sd-event.h>

#include "daemon/base/config.h"

/* How long the look-up may take. */
#define LOOK_UP_USEC (5 * USEC_PER_SEC)

struct refusers;

int refusers_new(struct refusers **ret, sd_event *event, const struct config *config);
struct refusers *refusers_free(struct refusers *r);

/*
 * Looks all names up again. @done comes once, perhaps from inside this call; until then this must not be called
 * again.
 */
void refusers_look_up(struct refusers *r, void (*done)(void *userdata), void *userdata);
/* Stops looking up; @done comes soon. */
void refusers_stop(struct refusers *r);

/* A number that changes whenever the set of those that may refuse has changed. */
unsigned refusers_version(const struct refusers *r);
bool refusers_have_groups(const struct refusers *r);
bool refusers_include(const struct refusers *r, uid_t uid, const gid_t *gids, size_t nr_gids);

#endif /* DRMGRD_REFUSERS_H */
