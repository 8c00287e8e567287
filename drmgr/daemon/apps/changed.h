/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DR_PHASE_CHANGED: the machine has changed without a migration, or once more after one. */
#ifndef DRMGRD_CHANGED_H
#define DRMGRD_CHANGED_H

#include "daemon/apps/registry.h"
#include "shared/rows.h"

struct changed;

/* @gen is the counter of all events; the caller keeps it. */
int changed_new(struct changed **ret, sd_event *event, struct registry *registry, uint32_t *gen);
struct changed *changed_free(struct changed *c);

/* Tells all that have asked for it, now or as soon as they can be told. @rows, folded, is not needed after the call. */
void changed_tell(struct changed *c, const struct rows *rows);
/* From here on nobody is told: a check or a migration is under way, or about to be told. */
void changed_hold(struct changed *c);
void changed_go_on(struct changed *c);
/* @app has read what it was told last. */
void changed_was_read(struct changed *c, struct application *app);

#endif /* DRMGRD_CHANGED_H */
