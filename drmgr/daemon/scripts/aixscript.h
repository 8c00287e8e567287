/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The AIX contract of a DLPAR script: its command line, its environment, the lines it prints. */
#ifndef DRMGRD_AIXSCRIPT_H
#define DRMGRD_AIXSCRIPT_H

#include "daemon/session/audience.h"

#define AIX_EXIT_UNSUPPORTED 10 /* "this command is none of mine": as good as success */

enum aix_line_kind {
	AIX_LINE_NONE,	   /* not of the contract: dropped */
	AIX_LINE_ERROR,	   /* DR_ERROR=reason */
	AIX_LINE_LOG,	   /* DR_LOG_WARNING=text: level is syslog's */
	AIX_LINE_TIMEOUT,  /* DR_TIMEOUT=seconds, 0 for none */
	AIX_LINE_RESOURCE, /* DR_RESOURCE=pmig */
	AIX_LINE_INFO,	   /* DR_SCRIPTINFO=, DR_VERSION=, DR_DATE=, DR_VENDOR=, DR_USAGE= */
};

struct aix_line {
	enum aix_line_kind kind;
	int level;
	uint64_t seconds;
	const char *value; /* points into the line */
};

/* Never fails: what is not understood is AIX_LINE_NONE. */
struct aix_line aix_line_parse(const char *line);

/* "checkmigrate", "premigrate", ...; NULL where the contract has nothing for the phase. */
const char *aix_command(enum dr_phase phase);

/* The environment of a script; free with env_free(). NULL without memory. @changes only in POST. */
char **aix_environment(const struct notice *n);
/* The environment of a powerpc-utils hook: these variables and no others. */
char **hook_environment(const char *phase);
char **env_free(char **env);

#endif /* DRMGRD_AIXSCRIPT_H */
