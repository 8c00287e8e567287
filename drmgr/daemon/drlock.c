// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The DLPAR lock: a POSIX write lock on a file, shared with powerpc-utils' drmgr, which takes it for each operation.
 * Held during one call, free between CHECK and the migration: the HMC may remove a device in between.
 */
#include <fcntl.h>

#include "daemon/manager.h"

#define LOCK_FILE "/var/lock/dr_config_lock"

int drlock_take(pid_t *ret_holder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);

	*ret_holder = 0;
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return TAKE_FD(fd);
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		*ret_holder = lock.l_pid;
	return -EBUSY;
}
