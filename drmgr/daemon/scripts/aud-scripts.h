/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_SCRIPTS_H
#define DRMGRD_AUD_SCRIPTS_H

#include <systemd/sd-event.h>

#include "daemon/base/config.h"
#include "daemon/session/audience.h"

int aud_scripts_new(struct audience **ret, sd_event *event, const struct config *config,
		    struct eventlog *log);
struct audience *aud_scripts_free(struct audience *a);
/*
 * What systemd has kept under @name: takes it over if it is the pipe of the child that an earlier daemon left running.
 * False: it is not.
 */
bool aud_scripts_restore(struct audience *a, const char *name, int output);

#endif /* DRMGRD_AUD_SCRIPTS_H */
