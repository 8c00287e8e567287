/* SPDX-License-Identifier: GPL-2.0 */
/* Sees migrations that others start by a return probe. */
#ifndef _PMIG_WATCH_PROBE_H
#define _PMIG_WATCH_PROBE_H

#include "../engine.h"

bool pmig_watch_probe_init(struct pmig_engine *engine, struct workqueue_struct *wq);
void pmig_watch_probe_exit(void);

#endif /* _PMIG_WATCH_PROBE_H */
