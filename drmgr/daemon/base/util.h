/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things that every part of the daemon needs: time, text from others, the daemon's own log. */
#ifndef DRMGRD_UTIL_H
#define DRMGRD_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <syslog.h>

#include "shared/cleanup.h"
#include "shared/clock.h"

typedef uint64_t usec_t;

/* sd-event may delay a timer by this much, to run it together with others. */
#define USEC_ACCURACY (10 * USEC_PER_MSEC)

#define now_usec() ((usec_t)now_boottime_usec())

static inline usec_t usec_max(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

/* The daemon's own log: stderr, which systemd stores with the level. The DRMGR lines are in eventlog.h. */
extern int log_max_level;
_printf_(2, 3) void log_line(int level, const char *fmt, ...);
#define log_error(...)	 log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)
int log_oom(void); /* says so, returns -ENOMEM */

/* strerror() of @error, whatever its sign. */
const char *errno_text(int error);

/* Copies one line of text that is not trusted: without control characters and invalid UTF-8, cut if it is too long. */
void text_copy(char *to, size_t size, const char *from, size_t from_size);

/* Exactly one decimal (or with base 16 hexadecimal) number and nothing else. */
int parse_u64(const char *text, int base, uint64_t max, uint64_t *ret);

uint32_t crc32_of(const void *data, size_t size);

/* At most @size - 1 bytes and a terminating zero; returns the length. */
ssize_t read_text_file(int dirfd, const char *path, char *buf, size_t size);
/* All of @size bytes that begin at @at; false if there are fewer, or they can't be read. */
bool read_at(int fd, uint64_t at, void *buf, size_t size);
/* Writes a temporary file and renames it to @path, so readers see the old text or the new one, never a part. */
int write_text_file_atomic(int dirfd, const char *path, const char *text);
int write_text_file(const char *path, const char *text);

/* The kernel's boot ID; "" if it can't be read. */
void boot_id(char *buf, size_t size);

/* 1 when @pidfd is a pidfd whose process has not ended, 0 when it has, negative errno. */
int pidfd_alive(int pidfd);
/* The process a pidfd names, as its fdinfo says; -ESRCH when it has been reaped, -EBADF when it is no pidfd. */
int pidfd_pid(int pidfd, pid_t *ret);
/* Start time of a process in clock ticks. Together with the pid it names one process for ever. */
int process_start_time(pid_t pid, uint64_t *ret);
/* A line "Key:\tvalue" of /proc/PID/status; all of that is at most so long: NGROUPS_MAX groups, and the rest. */
#define PROCESS_STATUS_BYTES (65536 * 11 + 8192)
int process_status_field(pid_t pid, const char *key, char *buf, size_t size);

/*
 * While it is on, the kernel does not wait for I/O when it allocates memory for us. Children, and the programs that
 * they run, inherit it. It needs CAP_SYS_RESOURCE and Linux 5.6; without them the daemon works without it.
 */
void set_io_flusher(bool on);

#endif /* DRMGRD_UTIL_H */
