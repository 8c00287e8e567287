// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The facts "mount": which device is mounted where. It is what a partition sees of the mapping of its LUNs. Only what
 * comes from a device or a server is taken, and of what was mounted on top of each other the last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/platform/fact.h"
#include "daemon/platform/facts-parts.h"
#include "daemon/platform/tree.h"

#define MOUNTS_MAX 256

struct mounts {
	unsigned n;
	unsigned left_out; /* too many, or a path that is longer than a key */
	struct mount {
		char path[ROW_KEY_LEN];
		char type[ROW_VALUE_LEN];
		char device[ROW_VALUE_LEN];
	} v[MOUNTS_MAX];
};

static struct mount *place(struct mounts *m, const char *path)
{
	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->v[i].path, path) == 0)
			return &m->v[i];
	if (m->n == MOUNTS_MAX)
		return NULL;
	return &m->v[m->n++];
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/sda1 rw": proc_pid_mountinfo(5). */
static int line(void *userdata, char *text)
{
	char path[ROW_KEY_LEN + 1], type[ROW_VALUE_LEN], device[ROW_VALUE_LEN];
	struct mounts *m = userdata;
	const char *rest = strstr(text, " - ");
	struct mount *mount;

	/* Its paths are so long that the rest of the line is cut. */
	if (!rest)
		m->left_out++;
	if (!rest || sscanf(text, "%*s %*s %*s %*s %64s", path) != 1 ||
	    sscanf(rest, " - %127s %127s", type, device) != 2)
		return 0;
	if (device[0] != '/' && !strchr(device, ':'))
		return 0;
	mount = strlen(path) < ROW_KEY_LEN ? place(m, path) : NULL;
	if (!mount) {
		m->left_out++;
		return 0;
	}
	memcpy(mount->path, path, sizeof(mount->path));
	memcpy(mount->type, type, sizeof(mount->type));
	memcpy(mount->device, device, sizeof(mount->device));
	return 0;
}

int facts_mounts(struct rows *ret)
{
	_cleanup_free_ struct mounts *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return log_oom();
	r = tree_lines("/proc/self/mountinfo", line, m);
	for (unsigned i = 0; i < m->n && r == 0; i++) {
		r = fact_text(ret, "mount", m->v[i].path, "device", m->v[i].device);
		if (r == 0)
			r = fact_text(ret, "mount", m->v[i].path, "type", m->v[i].type);
	}
	if (r == 0 && m->left_out)
		r = fact_number(ret, "mount", "", "left-out", PMIG_UNIT_NUMBER, m->left_out);
	return r;
}
