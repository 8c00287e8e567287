/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_AFFINITY_H
#define DRMGRD_AUD_AFFINITY_H

#include <systemd/sd-bus.h>

#include "daemon/apps/registry.h"
#include "daemon/base/eventlog.h"
#include "daemon/platform/backend.h"
#include "daemon/session/audience.h"

/* @link and @bus may come and go; *@link is link.c's, or NULL. */
int aud_affinity_new(struct audience **ret, const struct config *config, struct registry *registry,
		     struct backend *const *link, sd_bus *const *bus, const char *directory,
		     struct eventlog *log);
struct audience *aud_affinity_free(struct audience *a);

#endif /* DRMGRD_AUD_AFFINITY_H */
