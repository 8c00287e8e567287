/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_SCRIPTS_H
#define DRMGRD_AUD_SCRIPTS_H

#include <systemd/sd-event.h>

#include "daemon/base/config.h"
#include "daemon/session/audience.h"

int aud_scripts_new(struct audience **ret, sd_event *event, const struct config *config,
		    struct eventlog *log);
struct audience *aud_scripts_free(struct audience *a);
/* The name of the pipe of a script that is at work, in systemd's store. One is at a time. */
#define SCRIPT_OUTPUT_NAME "script"

/* The pipe of the child that an earlier daemon left running; takes it over. */
void aud_scripts_restore(struct audience *a, int output);

#endif /* DRMGRD_AUD_SCRIPTS_H */
