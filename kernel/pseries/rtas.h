/* SPDX-License-Identifier: GPL-2.0 */
/* RTAS calls of the kernel, as its tracepoints show them. */
#ifndef _PMIG_RTAS_H
#define _PMIG_RTAS_H

#include <linux/types.h>

/**
 * struct pmig_rtas_watcher - is told of these calls
 * @suspended: the partition has stood still, and everything else still does
 * @fixup: a task brings the kernel up to date; the same call comes again if @again
 *
 * Called with interrupts off and possibly with rtas_lock held.
 */
struct pmig_rtas_watcher {
	void (*suspended)(void);
	void (*fixup)(bool again);
};

bool pmig_rtas_init(const struct pmig_rtas_watcher *w);
void pmig_rtas_exit(void);

#endif /* _PMIG_RTAS_H */
