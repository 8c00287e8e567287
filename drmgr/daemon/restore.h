/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has no owner: what an earlier daemon left, and migrations that somebody else starts. */
#ifndef DRMGRD_RESTORE_H
#define DRMGRD_RESTORE_H

#include "daemon/manager.h"

/* Takes over what has no owner, from now on, whenever nothing is going on. */
int restore_watch(struct manager *m);
/* What an earlier daemon left: descriptors from systemd, which are closed where they belong to nobody, and the journal. */
void restore(struct manager *m, int *fds, char **names, size_t n);

#endif /* DRMGRD_RESTORE_H */
