// SPDX-License-Identifier: GPL-2.0
/* Which task writes the stream ID on our behalf: the session's worker, while it does. */
#include <linux/sched.h>

#include "own-write.h"

static struct task_struct *own; /* compared, never followed */

/* From here on what the caller does is ours. */
void pmig_own_write_begins(void)
{
	WRITE_ONCE(own, current);
}

void pmig_own_write_ends(void)
{
	WRITE_ONCE(own, NULL);
}

/* In any context. */
bool pmig_own_write_is_current(void)
{
	return current == READ_ONCE(own);
}
