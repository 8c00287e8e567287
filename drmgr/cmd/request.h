/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_REQUEST_H
#define DRMGR_REQUEST_H

#include "cmd/exit.h"
#include "shared/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

#define ERRLINE_MAX 256

enum request_op {
	REQUEST_HELP,
	REQUEST_VERSION,
	REQUEST_ORIGINAL,     /* powerpc-utils' drmgr gets the arguments as they are */
	REQUEST_CAPABILITIES, /* the same; without powerpc-utils we answer */
	REQUEST_CHECK,
	REQUEST_MIGRATE,
	REQUEST_SIMULATE,
	REQUEST_STATUS,
	REQUEST_LOG,
	REQUEST_PLATFORM,
};

/* A number that may not have been given. */
struct opt_u32 {
	bool set;
	uint32_t value;
};

/* What the arguments ask for. Parsing fills it in and does nothing else. */
struct request {
	enum request_op op;
	const char *verb; /* REQUEST_HELP: help on this verb, NULL for all */
	bool has_stream;
	uint64_t stream;
	bool force;
	struct opt_u32 detail;
	struct opt_u32 destination_lpar;
	struct opt_u32 wait_min;
	struct opt_u32 self_arp;
	struct opt_u32 enabled_ms;
	struct opt_u32 blackout_ms;
	struct opt_u32 lines;
	bool simulate;
	bool diff, stale, json;	   /* REQUEST_PLATFORM */
	const char *get;	   /* REQUEST_PLATFORM: one name, or NULL */
	bool score, moved;	   /* REQUEST_PLATFORM */
	struct opt_u32 pages;	   /* REQUEST_PLATFORM: of this process */
	char ignored[ERRLINE_MAX]; /* what is not understood of the HMC's form, or "" */
};

/* The one line about a bad argument, without newline. */
struct errline {
	char text[ERRLINE_MAX];
};

/**
 * request_parse() - parse the command line in any form: verbs, RSCT, powerpc-utils, AIX
 * @argv: is not changed
 *
 * Return: 0 with *@ret filled in, or an exit status with @err.
 */
int request_parse(int argc, char *const argv[], struct request *ret, struct errline *err);

/* compat.c: the forms that begin with an option. */
int compat_parse(int argc, char *const argv[], struct request *ret, struct errline *err);

/* parse.c: decimal digits only. Writes an error line that names @what. Returns 0 or DR_EXIT_USAGE. */
int parse_u32(const char *s, const char *what, struct opt_u32 *ret, struct errline *err);

/* parse.c: Returns 0 or DR_EXIT_STREAM with a line that says what is wrong. */
int parse_stream(const char *s, uint64_t *ret, struct errline *err);

/* parse.c: Writes the line. Returns @status. */
_printf_(3, 4) int fail(struct errline *err, int status, const char *format, ...);

#endif /* DRMGR_REQUEST_H */
