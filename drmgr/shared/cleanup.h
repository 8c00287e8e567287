/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ownership by scope: what a function has opened is closed when it returns, unless TAKE_*() hands it on. */
#ifndef DRMGR_CLEANUP_H
#define DRMGR_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))
#ifndef ARRAY_SIZE /* kselftest.h has one, too */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

/* Defines func##p() for _cleanup_(): it calls func() on a value that is not NULL. */
#define DEFINE_CLEANUP(type, func)                   \
	static inline _unused_ void func##p(type *p) \
	{                                            \
		if (*p)                              \
			func(*p);                    \
	}

#define TAKE_PTR(p)                      \
	({                               \
		typeof(p) _taken_ = (p); \
		(p) = NULL;              \
		_taken_;                 \
	})

#define TAKE_FD(fd)                 \
	({                          \
		int _taken_ = (fd); \
		(fd) = -EBADF;      \
		_taken_;            \
	})

static inline _unused_ void freep(void *p)
{
	free(*(void **)p);
}

/* Returns -EBADF, so that a closed descriptor cannot be used again; keeps errno. */
static inline int safe_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -EBADF;
}

static inline _unused_ void closep(int *fd)
{
	safe_close(*fd);
}

#define _cleanup_free_	_cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

#endif /* DRMGR_CLEANUP_H */
