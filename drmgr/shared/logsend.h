/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two ways to the log: systemd's journal, and stderr, which usually goes to the journal, too. Perhaps nobody reads
 * them, because journald is frozen or another process floods it. So both together wait at most 0.1 s in 10 s.
 */
#ifndef DRMGR_LOGSEND_H
#define DRMGR_LOGSEND_H

#include <stddef.h>
#include <sys/uio.h>

#define LOG_FIELDS_MAX 12

/*
 * One entry for the journal, of at most LOG_FIELDS_MAX fields "KEY=value" without a line feed. 0 or a negative errno.
 */
int log_send(const struct iovec *fields, size_t n);
/* One line; no more than PIPE_BUF bytes. 0 or a negative errno. */
int log_write(int fd, const char *line);

#endif /* DRMGR_LOGSEND_H */
