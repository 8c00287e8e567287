/* SPDX-License-Identifier: GPL-2.0 */
/* How long the platform, the drivers and others wait for the owner of a session. */
#ifndef _PMIG_DEADLINE_H
#define _PMIG_DEADLINE_H

#include "session.h"

extern const struct pmig_session_listener pmig_deadline_listener;

void pmig_deadline_start(struct pmig_session *s);
int pmig_deadline_init(void);
void pmig_deadline_exit(void);

#endif /* _PMIG_DEADLINE_H */
