/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_CACHEINFO_H
#define LIBDR_CACHEINFO_H

/* Where the kernel has a folder for each processor. A test puts another one here. */
extern const char *dr_cpu_folder;

#endif /* LIBDR_CACHEINFO_H */
