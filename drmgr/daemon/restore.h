/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes over what has no owner: what an earlier daemon left, and migrations that somebody else starts. */
#ifndef DRMGRD_RESTORE_H
#define DRMGRD_RESTORE_H

#include "daemon/manager.h"

/* From now on, takes over what has no owner whenever nothing is going on. */
int restore_watch(struct manager *m);
/*
 * Takes over what an earlier daemon left: the journal, and descriptors from systemd; those without an owner are
 * closed.
 */
void restore(struct manager *m, int *fds, char **names, size_t n);

#endif /* DRMGRD_RESTORE_H */
