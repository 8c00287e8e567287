/* SPDX-License-Identifier: GPL-2.0 */
/* Migrations that somebody else started. */
#ifndef _PMIG_FOREIGN_H
#define _PMIG_FOREIGN_H

#include "session.h"

/* What engines report. */
extern const struct pmig_engine_events pmig_foreign_events;

/* With pmig_session_lock held. */
void pmig_foreign_take(struct pmig_session *s);
bool pmig_foreign_hand_over(struct pmig_session *s);
bool pmig_foreign_unseen(const struct pmig_session *s);
void pmig_foreign_finish(struct pmig_session *s, int err, u64 blackout_ns);

/* Without it. */
void pmig_foreign_admit(void);

#endif /* _PMIG_FOREIGN_H */
