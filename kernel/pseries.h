/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PowerVM: the engine, what it reads from the device tree, and the watch for migrations that are
 * not ours.
 */
#ifndef _PMIG_PSERIES_H
#define _PMIG_PSERIES_H

#include <linux/types.h>

#include "engine.h"

#ifdef CONFIG_PPC_PSERIES
int pmig_pseries_init(void);
void pmig_pseries_exit(void);
const char *pmig_watch_by(void);
#else
static inline int pmig_pseries_init(void)
{
	return 0;
}

static inline void pmig_pseries_exit(void)
{
}

static inline const char *pmig_watch_by(void)
{
	return "none";
}
#endif

int pmig_devtree_snapshot(struct pmig_snapshot *snap);
bool pmig_devtree_is_identity(const char *property);

void pmig_watch_init(struct pmig_engine *engine);
void pmig_watch_exit(void);
void pmig_watch_own(bool begin);

void pmig_blackout_init(bool may_probe);
void pmig_blackout_exit(void);
void pmig_blackout_clear(void);
u64 pmig_blackout(void);

#endif /* _PMIG_PSERIES_H */
