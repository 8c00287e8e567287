/* SPDX-License-Identifier: GPL-2.0 */
/* Our own write of the stream ID, which is not to be taken for that of somebody else. */
#ifndef _PMIG_OWN_WRITE_H
#define _PMIG_OWN_WRITE_H

#include <linux/types.h>

void pmig_own_write_begins(void);
void pmig_own_write_ends(void);
bool pmig_own_write_is_current(void);

#endif /* _PMIG_OWN_WRITE_H */
