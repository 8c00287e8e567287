/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up tree of /proc and /sys, in a folder of its own. */
#ifndef SELFTESTS_UNIT_TREE_H
#define SELFTESTS_UNIT_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_dir[64];

static __attribute__((unused)) int tree_make(void)
{
	strcpy(tree_dir, "/tmp/dr-tree-XXXXXX");
	return mkdtemp(tree_dir) ? 0 : -errno;
}

/* With the folders above it. */
static __attribute__((unused)) void tree_put(const char *path, const void *data, size_t size)
{
	char full[PATH_MAX];
	int fd;

	snprintf(full, sizeof(full), "%s%s", tree_dir, path);
	for (char *p = full + strlen(tree_dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(full, 0755);
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static __attribute__((unused)) void tree_text(const char *path, const char *text)
{
	tree_put(path, text, strlen(text));
}

static __attribute__((unused)) void tree_drop(const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", tree_dir, path);
	remove(full);
}

static int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static __attribute__((unused)) void tree_remove(void)
{
	nftw(tree_dir, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif /* SELFTESTS_UNIT_TREE_H */
