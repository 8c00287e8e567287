/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock that powerpc-utils' drmgr takes, too. */
#ifndef DRMGRD_DRLOCK_H
#define DRMGRD_DRLOCK_H

#include <stddef.h>

/* Returns the descriptor that holds it; -EBUSY, and @holder says who has it. */
int drlock_take(char *holder, size_t size);

#endif /* DRMGRD_DRLOCK_H */
