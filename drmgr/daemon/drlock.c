// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The DLPAR lock: a POSIX write lock on a file, shared with powerpc-utils' drmgr, which takes it for each operation.
 * Held during one call, free between CHECK and the migration: the HMC may remove a device in between.
 *
 * Everyone may create files in /var/lock, and whoever can open this one for reading can lock it. So it must be a
 * regular file of root's with no other name, and only root may open it (0600; tmpfiles.d creates it so at boot).
 * Anything else under the name is replaced. Root's file is kept, because another DLPAR operation may have locked it,
 * unless somebody has a read lock on it. DLPAR operations take no read locks, and cannot lock the file while there is
 * one. Its holder opened the file before it had its mode, and nothing can take the lock away, so the file is
 * replaced.
 */
#include <fcntl.h>
#include <stdio.h>

#include "daemon/base/util.h"
#include "daemon/drlock.h"

#define LOCK_FILE "/var/lock/dr_config_lock"
#define LOCK_MODE 0600
#define TRIES	  16 /* somebody may create and remove the file again and again: no endless loop */

/* Opens root's file. -ENOENT: there is none. -EPERM: what is there must not be trusted. */
static int open_roots(void)
{
	_cleanup_close_ int path = open(LOCK_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char link[64];
	struct stat st;
	int fd;

	if (path < 0 || fstat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_nlink != 1) {
		log_warning(
			LOCK_FILE
			" is user %u's, not a regular file, or has a second name: it is replaced.",
			st.st_uid);
		return -EPERM;
	}
	/* Not opened by its name again, which may be another file's by now. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	fd = open(link, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if ((st.st_mode & 07777) != LOCK_MODE && fchmod(fd, LOCK_MODE) < 0)
		log_warning(LOCK_FILE ": its mode can't be set: %s.", errno_text(errno));
	return fd;
}

/* Puts a new file in the place of whatever is there, even a directory. -EEXIST: somebody else has created one. */
static int make_new(void)
{
	char name[] = LOCK_FILE ".XXXXXX";
	_cleanup_close_ int fd = mkostemp(name, O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (renameat2(AT_FDCWD, name, AT_FDCWD, LOCK_FILE, RENAME_EXCHANGE) == 0) {
		/* A directory that is not empty stays under that name. */
		if (unlink(name) < 0)
			rmdir(name);
		return TAKE_FD(fd);
	}
	if (errno == ENOENT &&
	    renameat2(AT_FDCWD, name, AT_FDCWD, LOCK_FILE, RENAME_NOREPLACE) == 0)
		return TAKE_FD(fd);
	r = -errno;
	unlink(name);
	return r;
}

static void describe(pid_t pid, char *text, size_t size)
{
	char name[64] = "?", uid[64] = "?", line[160];

	if (pid <= 0) {
		snprintf(text, size, "the process is not known");
		return;
	}
	process_status_field(pid, "Name", name, sizeof(name));
	if (process_status_field(pid, "Uid", uid, sizeof(uid)) >= 0)
		uid[strcspn(uid, " \t")] = '\0';
	snprintf(line, sizeof(line), "process %d, %s, of user %s", pid, name, uid);
	text_copy(text, size, line, sizeof(line));
}

/* -EBUSY: a DLPAR operation has it. -EPERM: somebody has it in a way that no DLPAR operation would. */
static int lock(int fd, char *holder, size_t size)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 0;
	if ((errno != EAGAIN && errno != EACCES) || fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	if (lock.l_type == F_UNLCK)
		return -EEXIST; /* it was locked until just now: the caller tries again */
	describe(lock.l_pid, holder, size);
	if (lock.l_type == F_WRLCK)
		return -EBUSY;
	log_warning(LOCK_FILE
		    " has a read lock (%s), which no DLPAR operation takes: it is replaced.",
		    holder);
	return -EPERM;
}

int drlock_take(char *holder, size_t size)
{
	int r = 0;

	for (int i = 0; i < TRIES; i++) {
		_cleanup_close_ int fd = r == -EPERM ? make_new() : open_roots();

		if (fd == -ENOENT)
			fd = make_new();
		r = fd < 0 ? fd : lock(fd, holder, size);
		if (r == 0)
			return TAKE_FD(fd);
		if (r != -EPERM && r != -EEXIST)
			break;
	}
	return r == -EEXIST ? -EAGAIN : r;
}
