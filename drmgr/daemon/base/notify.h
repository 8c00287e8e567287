/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells systemd something, as sd_notify() does, but does not wait long for a systemd that does not read it. */
#ifndef DRMGRD_NOTIFY_H
#define DRMGRD_NOTIFY_H

#include "daemon/base/util.h"

/* Returns 0 also if there is no systemd. */
_printf_(1, 2) int notify(const char *fmt, ...);
int notify_with_fds(const char *state, const int *fds, size_t n);

#endif /* DRMGRD_NOTIFY_H */
