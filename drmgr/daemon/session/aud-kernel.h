/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_AUD_KERNEL_H
#define DRMGRD_AUD_KERNEL_H

#include "daemon/platform/backend.h"
#include "daemon/session/audience.h"

int aud_kernel_new(struct audience **ret, struct eventlog *log);
/* The back end may change between sessions, never inside one. */
void aud_kernel_set_backend(struct audience *a, struct backend *backend);
struct audience *aud_kernel_free(struct audience *a);

#endif /* DRMGRD_AUD_KERNEL_H */
