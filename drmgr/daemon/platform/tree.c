// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads /proc and /sys, or a tree that a test has made up. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/platform/tree.h"

/* More than 2,048 processors or 64 TB of memory have. */
#define LINES_MAX (1U << 17)
#define NAMES_MAX (1U << 20)

const char *tree_root = "";

static int full_path(char full[static PATH_MAX], const char *path)
{
	int n = snprintf(full, PATH_MAX, "%s%s", tree_root, path);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

ssize_t tree_read(const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	int r = full_path(full, path);

	return r < 0 ? r : read_text_file(AT_FDCWD, full, buf, size);
}

int tree_open(const char *path)
{
	char full[PATH_MAX];
	int r = full_path(full, path);

	if (r == 0)
		r = open(full, O_RDONLY | O_CLOEXEC);
	return r == -1 ? -errno : r;
}

bool tree_line(const char *path, char *buf, size_t size)
{
	char raw[TREE_LINE_LEN];
	ssize_t n = tree_read(path, raw, sizeof(raw));

	if (n < 0)
		return false;
	raw[strcspn(raw, "\n")] = '\0';
	snprintf(buf, size, "%s", raw);
	return true;
}

bool tree_cells(const char *path, unsigned cells, uint64_t *ret)
{
	unsigned char raw[2 * 4 + 1];
	ssize_t n = tree_read(path, (char *)raw, sizeof(raw));

	if (cells > 2 || n < (ssize_t)(4 * cells))
		return false;
	*ret = 0;
	for (unsigned i = 0; i < 4 * cells; i++)
		*ret = *ret << 8 | raw[i];
	return true;
}

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* The rest of a line that did not fit. */
static void skip_line(FILE *f)
{
	int c;

	do
		c = getc(f);
	while (c != EOF && c != '\n');
}

int tree_lines(const char *path, tree_each_t each, void *userdata)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char full[PATH_MAX], line[TREE_LINE_LEN];
	unsigned n = 0;
	int r = full_path(full, path);

	f = r < 0 ? NULL : fopen(full, "re");
	while (f && r == 0 && n++ < LINES_MAX && fgets(line, sizeof(line), f)) {
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		else
			skip_line(f);
		r = each(userdata, line);
	}
	return r;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int tree_names(const char *path, tree_each_t each, void *userdata)
{
	_cleanup_(closedirp) DIR *d = NULL;
	char full[PATH_MAX];
	struct dirent *entry;
	unsigned n = 0;
	int r = full_path(full, path);

	d = r < 0 ? NULL : opendir(full);
	while (d && r == 0 && n++ < NAMES_MAX && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			r = each(userdata, entry->d_name);
	return r;
}
