/* SPDX-License-Identifier: GPL-2.0 */
/* How long the partition stood still. */
#ifndef _PMIG_BLACKOUT_H
#define _PMIG_BLACKOUT_H

#include <linux/types.h>

void pmig_blackout_begins(void);
void pmig_blackout_ends(int status);
void pmig_blackout_clear(void);
u64 pmig_blackout(void);
void pmig_blackout_probe(void);
void pmig_blackout_exit(void);

#endif /* _PMIG_BLACKOUT_H */
