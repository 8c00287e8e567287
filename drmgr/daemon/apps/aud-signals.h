/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_SIGNALS_H
#define DRMGRD_AUD_SIGNALS_H

#include "daemon/apps/changed.h"
#include "daemon/session/audience.h"

int aud_signals_new(struct audience **ret, sd_event *event, const struct config *config,
		    struct registry *registry, struct changed *changed, struct eventlog *log);
struct audience *aud_signals_free(struct audience *a);

#endif /* DRMGRD_AUD_SIGNALS_H */
