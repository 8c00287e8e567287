/* SPDX-License-Identifier: GPL-2.0 */
/* What says that the machine has to be looked at again. */
#ifndef _PMIG_PSERIES_TRIGGERS_H
#define _PMIG_PSERIES_TRIGGERS_H

#include <linux/types.h>

/**
 * struct pmig_trigger_watcher - is told of these
 * @changed: who the machine is, or what it is made of, may have changed
 * @resized: processors (@what) or memory came or went
 * @sleeps: the system goes to sleep, or to disk, if @yes; else it is awake again, maybe elsewhere
 *
 * Called in process context, under locks of the kernel's: they must not wait for anything.
 */
struct pmig_trigger_watcher {
	void (*changed)(void);
	void (*resized)(const char *what);
	void (*sleeps)(bool yes);
};

bool pmig_triggers_init(const struct pmig_trigger_watcher *w);
void pmig_triggers_exit(void);

#endif /* _PMIG_PSERIES_TRIGGERS_H */
