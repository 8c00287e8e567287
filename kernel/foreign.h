/* SPDX-License-Identifier: GPL-2.0 */
/* Migrations that somebody else started. */
#ifndef _PMIG_FOREIGN_H
#define _PMIG_FOREIGN_H

#include "session.h"

void pmig_foreign_take(struct pmig_session *s);
void pmig_foreign_pending(void);
void pmig_foreign_drop(struct pmig_engine *engine);
u64 pmig_foreign_stream(struct pmig_engine *engine);
bool pmig_foreign_explained(void);

#endif /* _PMIG_FOREIGN_H */
