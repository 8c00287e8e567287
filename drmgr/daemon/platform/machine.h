/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc and /sys said of the machine when they were last read, and what differed from the time before. */
#ifndef DRMGRD_MACHINE_H
#define DRMGRD_MACHINE_H

#include "shared/rows.h"

struct machine {
	struct rows now;
	struct rows changed; /* by the last migration */
};

/* Before a migration, so that it is not blamed for what others have changed. Without memory it stays as it was. */
void machine_look(struct machine *m);
/* After one. Returns 0 or -ENOMEM. */
int machine_compare(struct machine *m);
void machine_done(struct machine *m);

#endif /* DRMGRD_MACHINE_H */
