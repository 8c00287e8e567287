/* SPDX-License-Identifier: GPL-2.0 */
/* Migrations that somebody else started. */
#ifndef _PMIG_FOREIGN_H
#define _PMIG_FOREIGN_H

#include "session.h"

extern const struct pmig_engine_events pmig_foreign_events;

void pmig_foreign_take(struct pmig_session *s);
void pmig_foreign_pending(void);

#endif /* _PMIG_FOREIGN_H */
