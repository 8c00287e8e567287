/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flat device tree, of which only the root's properties are wanted. */
#ifndef DRMGRD_FDT_H
#define DRMGRD_FDT_H

#include <stddef.h>
#include <sys/types.h>

/* Returns the length of the value, which is not more than @size, or a negative errno. */
ssize_t fdt_root_property(int fd, const char *name, void *value, size_t size);

#endif /* DRMGRD_FDT_H */
