/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things that every part of the daemon needs: time, text from strangers, the daemon's own log. */
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

/* sd-event moves timers together within this; a deadline need not be exact, but not late either. */
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

/* The daemon's own log: stderr, which systemd files with the level; not the DRMGR lines (eventlog.h). */
extern int log_max_level;
_printf_(2, 3) void log_line(int level, const char *fmt, ...);
#define log_error(...)	 log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)
int log_oom(void); /* says so, returns -ENOMEM */

/* strerror() for either sign. */
const char *errno_text(int error);

/* One line of text from somebody who may be lying: neither control characters nor broken UTF-8; cut at the end. */
void text_copy(char *to, size_t size, const char *from, size_t from_size);

/* Exactly one decimal (or with base 16 hexadecimal) number and nothing else. */
int parse_u64(const char *text, int base, uint64_t max, uint64_t *ret);

uint32_t crc32_of(const void *data, size_t size);

/* At most @size - 1 bytes and a terminating zero; returns the length. */
ssize_t read_text_file(int dirfd, const char *path, char *buf, size_t size);
/* Into a temporary file, then renamed over @path: readers see the old or the new one, never a half. */
int write_text_file_atomic(int dirfd, const char *path, const char *text);
int write_text_file(const char *path, const char *text);

/* Names this run of the kernel; "" where it can't be read. */
void boot_id(char *buf, size_t size);

/* 1 when @pidfd is a pidfd whose process has not ended, 0 when it has, negative errno. */
int pidfd_alive(int pidfd);
/* The process a pidfd names, as its fdinfo says; -ESRCH when it has been reaped, -EBADF when it is no pidfd. */
int pidfd_pid(int pidfd, pid_t *ret);
/* Start time of a process in clock ticks: with the pid it is a name that is not used again. */
int process_start_time(pid_t pid, uint64_t *ret);
/* A line "Key:\tvalue" of /proc/PID/status; all of that is at most so long: NGROUPS_MAX groups, and the rest. */
#define PROCESS_STATUS_BYTES (65536 * 11 + 8192)
int process_status_field(pid_t pid, const char *key, char *buf, size_t size);

/*
 * While it is on, no allocation in the kernel on our behalf waits for I/O. Children inherit it, and what they
 * execute. Where it is not allowed (it needs CAP_SYS_RESOURCE and Linux 5.6), we go without.
 */
void set_io_flusher(bool on);

#endif /* DRMGRD_UTIL_H */
