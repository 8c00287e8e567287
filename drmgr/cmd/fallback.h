/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a migration goes on if drmgrd cannot be asked. */
#ifndef DRMGR_CMD_FALLBACK_H
#define DRMGR_CMD_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

/* The paths; a test has its own. */
struct fallback {
	const char *config;  /* drmgr.conf: Fallback= */
	const char *journal; /* the daemon's: who has been told what */
	const char *lock;    /* the DLPAR lock */
	const char *originals
		[2]; /* powerpc-utils' drmgr: the first that exists and is not this program */
	const char *migration; /* where a stream ID is written */
};

extern const struct fallback fallback_system;

/* A check that nobody has answered does not stop the migration. Returns 0; with Fallback=refuse, @status. */
int fallback_check(const struct fallback *f, int status);

/**
 * fallback_migrate() - moves the partition without drmgrd
 * @argv: the command line as it came, for powerpc-utils' drmgr
 * @stream: the stream ID to write if powerpc-utils' drmgr cannot be run
 * @status: why drmgrd could not be asked; returned with Fallback=refuse
 *
 * Return: an exit status; it does not return if powerpc-utils' drmgr takes over.
 */
int fallback_migrate(const struct fallback *f, char *const argv[], uint64_t stream, int status);

/*
 * Mode=observe: powerpc-utils' drmgr does what it does without this package. If there is none, a check (@stream is
 * NULL) passes, and a migration is a plain write.
 */
int fallback_observing(const struct fallback *f, char *const argv[], const uint64_t *stream);

/* The path of powerpc-utils' drmgr, NULL if there is none. */
const char *fallback_original(const struct fallback *f);
/* Becomes that program; returns only if that is impossible, with errno. */
void fallback_exec(const char *original, char *const argv[]);

#endif /* DRMGR_CMD_FALLBACK_H */
