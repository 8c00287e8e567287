/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PowerVM: the engine, what it reads from the device tree, and the watch for migrations that are
 * not ours.
 */
#ifndef _PMIG_PSERIES_H
#define _PMIG_PSERIES_H

#include <linux/types.h>

#include "../engine.h"

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

/* watch.c */
void pmig_watch_init(struct pmig_engine *engine);
void pmig_watch_exit(void);
void pmig_watch_own_begins(void);
void pmig_watch_own_ends(int err);
bool pmig_watch_is_ours(void);
void pmig_watch_suspended(void);
void pmig_watch_fixup(bool again);

bool pmig_watch_probe_init(struct pmig_engine *engine);
void pmig_watch_probe_exit(void);

bool pmig_rtas_init(void);
void pmig_rtas_exit(void);

void pmig_blackout_begins(void);
void pmig_blackout_ends(int status);
void pmig_blackout_clear(void);
u64 pmig_blackout(void);
void pmig_blackout_probe(void);
void pmig_blackout_exit(void);

#endif /* _PMIG_PSERIES_H */
