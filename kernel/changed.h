/* SPDX-License-Identifier: GPL-2.0 */
/* The machine changes without a migration. */
#ifndef _PMIG_CHANGED_H
#define _PMIG_CHANGED_H

#include "engine.h"

int pmig_changed_look(struct pmig_engine *engine, bool (*busy)(void), bool here);

#endif /* _PMIG_CHANGED_H */
