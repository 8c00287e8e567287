/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_MODULE_H
#define DRMGRD_MODULE_H

/* Loads a kernel module as modprobe does. 0 also when it is there already; -ENOENT: it is not installed. */
int module_load(const char *name);

#endif /* DRMGRD_MODULE_H */
