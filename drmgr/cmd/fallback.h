/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a migration goes on where drmgrd cannot be asked. */
#ifndef DRMGR_CMD_FALLBACK_H
#define DRMGR_CMD_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

/* Where things are; a test has its own. */
struct fallback {
	const char *config;  /* drmgr.conf: Fallback= */
	const char *journal; /* the daemon's: who has been told what */
	const char *lock;    /* the DLPAR lock */
	const char *originals
		[2]; /* powerpc-utils' drmgr, the first one that is there and is not this program */
	const char *migration; /* where a stream ID is written */
};

extern const struct fallback fallback_system;

/* A check that nobody answers does not stop the migration. Returns 0, or @status with Fallback=refuse. */
int fallback_check(const struct fallback *f, int status);

/**
 * fallback_migrate() - has the partition moved without drmgrd
 * @argv: the command line as it came, for powerpc-utils' drmgr
 * @stream: what is written where that is not there
 * @status: why drmgrd cannot be asked, for an admin who wants it to end with that
 *
 * Return: an exit status; not at all where powerpc-utils' drmgr takes over.
 */
int fallback_migrate(const struct fallback *f, char *const argv[], uint64_t stream, int status);

/*
 * Mode=observe: powerpc-utils' drmgr does what it does where we are not installed. Where there is none, a check (no
 * @stream) passes, and a migration is a plain write.
 */
int fallback_observing(const struct fallback *f, char *const argv[], const uint64_t *stream);

/* powerpc-utils' drmgr, or NULL where there is none. */
const char *fallback_original(const struct fallback *f);
/* Becomes that program; returns only if that is impossible, with errno. */
void fallback_exec(const char *original, char *const argv[]);

#endif /* DRMGR_CMD_FALLBACK_H */
