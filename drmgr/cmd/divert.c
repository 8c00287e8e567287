// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs powerpc-utils' drmgr for what this one does not do. "make install" keeps the original beside this program. It
 * gets the arguments, the environment and the standard descriptors untouched, and its exit status is ours.
 */
#include "cmd/fallback.h"
#include "cmd/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int do_original(const char *path, char *const argv[])
{
	fallback_exec(path, argv);
	if (errno == ENOENT)
		fprintf(stderr,
			"drmgr: this is an operation of powerpc-utils, and there is no %s: install powerpc-utils\n",
			path);
	else
		fprintf(stderr, "drmgr: cannot run %s: %s\n", path, strerror(errno));
	return DR_EXIT_NO_ORIGINAL;
}
