// SPDX-License-Identifier: LGPL-2.1-or-later
/* The functions that are too long for fallback.h. */
#include "shared/fallback.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static void close_one(int fd, int flags)
{
	if (flags & CLOSE_RANGE_CLOEXEC)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	else
		close(fd);
}

int fallback_close_listed(unsigned first, unsigned last, int flags)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		unsigned fd = (unsigned)atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd >= first && fd <= last && (int)fd != dirfd(dir))
			close_one((int)fd, flags);
	}
	return closedir(dir);
}

int fallback_close_range(unsigned first, unsigned last, int flags)
{
	int r = (int)syscall(SYS_close_range, first, last, flags);

	if (r < 0 && (errno == ENOSYS || errno == EINVAL))
		r = fallback_close_listed(first, last, flags);
	return r;
}
