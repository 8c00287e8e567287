/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of processors as the kernel writes them: "0-7,16". */
#ifndef DRMGRD_CPULIST_H
#define DRMGRD_CPULIST_H

#include <stdbool.h>

/* The next range, and *@text behind it; false at the end, or where it is no list. */
bool cpulist_next(const char **text, unsigned *first, unsigned *last);

unsigned cpulist_count(const char *text);

#endif /* DRMGRD_CPULIST_H */
