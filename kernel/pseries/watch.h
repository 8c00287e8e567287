/* SPDX-License-Identifier: GPL-2.0 */
/* Sees migrations that others start. */
#ifndef _PMIG_WATCH_H
#define _PMIG_WATCH_H

#include "../engine.h"

int pmig_watch_init(void);
void pmig_watch_begin(struct pmig_engine *engine);
void pmig_watch_exit(void);
void pmig_watch_own_begins(void);
void pmig_watch_own_ends(int err);

#endif /* _PMIG_WATCH_H */
