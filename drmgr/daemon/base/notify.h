/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is told, as sd_notify() does, but without waiting for a systemd that does not listen. */
#ifndef DRMGRD_NOTIFY_H
#define DRMGRD_NOTIFY_H

#include "daemon/base/util.h"

/* 0 also where there is no systemd. */
_printf_(1, 2) int notify(const char *fmt, ...);
int notify_with_fds(const char *state, const int *fds, size_t n);

#endif /* DRMGRD_NOTIFY_H */
