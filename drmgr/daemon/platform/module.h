/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_MODULE_H
#define DRMGRD_MODULE_H

#include <stddef.h>

/*
 * Loads a kernel module as modprobe does. 0 also when it is there already; -ENOENT: it is not installed. Otherwise
 * @why says for an admin what is wrong, in words that go on without a full stop.
 */
int module_load(const char *name, char *why, size_t size);

#endif /* DRMGRD_MODULE_H */
