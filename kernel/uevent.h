/* SPDX-License-Identifier: GPL-2.0 */
/* The device "pmig" and what its uevents say, for udev rules and systemd device units. */
#ifndef _PMIG_UEVENT_H
#define _PMIG_UEVENT_H

#include "session.h"

extern const struct pmig_session_listener pmig_uevent_listener;

void pmig_uevent_changed(const struct pmig_changes *changes);

int pmig_uevent_init(void);
void pmig_uevent_exit(void);

#endif /* _PMIG_UEVENT_H */
