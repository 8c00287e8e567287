/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server that the partition was booted on. */
#ifndef DRMGRD_BOOT_H
#define DRMGRD_BOOT_H

#include "shared/rows.h"

/*
 * Adds the rows boot.system-id, boot.model and boot.elsewhere (yes or no: is it another server now?), as far as they are
 * known. Returns 0 or -ENOMEM.
 */
int boot_read(struct rows *ret);

#endif /* DRMGRD_BOOT_H */
