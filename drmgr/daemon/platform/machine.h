/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc and /sys said of the machine when they were last read, and what differed from the time before. The former
 * is in a file, too, for a daemon that is restarted while the partition moves.
 */
#ifndef DRMGRD_MACHINE_H
#define DRMGRD_MACHINE_H

#include <stdbool.h>

#include "shared/rows.h"

struct machine {
	struct rows now;
	struct rows changed; /* by the last migration */
	char *path;	     /* of the file */
	bool fresh;	     /* there was no file, so @now was read when this daemon was started */
	bool lost;	     /* @now is not what was there before the migration that is under way */
};

/* At the start: takes what the last daemon has read, or reads. Returns 0 or -ENOMEM. */
int machine_open(struct machine *m, const char *path);
/* Before a migration, so that it is not blamed for what others have changed. Without memory it stays as it was. */
void machine_look(struct machine *m);
/* A migration had begun when this daemon was started, so what it read itself may be of the machine after it. */
void machine_doubt(struct machine *m);
/*
 * After a migration. Returns 0, -ENOMEM, or -ENODATA: what was there before is not known. The file stays as it is until
 * machine_keep(), so that another daemon finds the same differences.
 */
int machine_compare(struct machine *m);
/* Everyone has been told: from here on the next migration counts. */
void machine_keep(const struct machine *m);
void machine_done(struct machine *m);

#endif /* DRMGRD_MACHINE_H */
