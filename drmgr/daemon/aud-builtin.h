/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_BUILTIN_H
#define DRMGRD_AUD_BUILTIN_H

#include "daemon/audience.h"
#include "daemon/refusers.h"

int aud_builtin_new(struct audience **ret, const struct config *config, struct refusers *refusers,
		    struct eventlog *log);
struct audience *aud_builtin_free(struct audience *a);

#endif /* DRMGRD_AUD_BUILTIN_H */
