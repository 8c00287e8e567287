/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells in /proc and /sys. Firmware, devices and other users have a say in it, so nothing of it is trusted:
 * every read has a bound, and what becomes a row is made printable there (fact.h).
 */
#ifndef DRMGRD_TREE_H
#define DRMGRD_TREE_H

#include "daemon/base/util.h"

/* What stands in front of every path: nothing, but in tests. */
extern const char *tree_root;

/* As read_text_file(). */
ssize_t tree_read(const char *path, char *buf, size_t size);

/* Returns a descriptor for reading, or a negative errno. */
int tree_open(const char *path);

/* The first line without its end, as it is: false where the file is not there. */
bool tree_line(const char *path, char *buf, size_t size);

/* A number of @cells times four bytes, the most significant one first, as the device tree has them. */
bool tree_cells(const char *path, unsigned cells, uint64_t *ret);

/* Called for each line, or each name in a folder. Anything but 0 ends it and is returned. */
typedef int (*tree_each_t)(void *userdata, char *text);

/* Each line, cut at TREE_LINE_LEN. 0 also where the file is not there. */
#define TREE_LINE_LEN 512
int tree_lines(const char *path, tree_each_t each, void *userdata);

/* Each name in a folder but hidden ones, in no order. 0 also where the folder is not there. */
int tree_names(const char *path, tree_each_t each, void *userdata);

#endif /* DRMGRD_TREE_H */
