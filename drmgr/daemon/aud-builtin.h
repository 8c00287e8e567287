/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_BUILTIN_H
#define DRMGRD_AUD_BUILTIN_H

#include "daemon/apps/refusers.h"
#include "daemon/session/audience.h"

int aud_builtin_new(struct audience **ret, const struct config *config, struct refusers *refusers,
		    struct eventlog *log);

/* The readiness checks alone: @complain is called for each that the partition does not pass. */
void builtin_checks(const struct config *config, const struct notice *n,
		    void (*complain)(void *userdata, const char *name, const char *reason,
				     bool stops),
		    void *userdata);
struct audience *aud_builtin_free(struct audience *a);

#endif /* DRMGRD_AUD_BUILTIN_H */
