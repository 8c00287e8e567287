/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a directory may be run as root. */
#ifndef DRMGRD_SCRIPTDIR_H
#define DRMGRD_SCRIPTDIR_H

#include "daemon/base/eventlog.h"

struct script {
	char *name;
	char *path;
	struct stat st;	    /* names the contents: what was learnt holds while these are the same */
	bool known;	    /* scriptinfo and register have run */
	bool failed;	    /* and one of them went wrong: asked again at the next scan */
	bool registered;    /* for pmig */
	bool has_timeout;   /* DR_TIMEOUT was given */
	uint64_t timeout_s; /* 0: none */
};

struct script_list {
	struct script **v;
	size_t n;
};

enum script_kind { KIND_AIX, KIND_HOOK };

/*
 * Reads the directory anew, in natural order of names. What is refused gets one line in @log; what is known of a
 * script that has not changed is kept. A missing directory is an empty one.
 */
int script_list_scan(struct script_list *l, const char *directory, enum script_kind kind,
		     const struct eventlog *log);
struct script *script_list_find(const struct script_list *l, const char *name);
void script_list_clear(struct script_list *l);

/*
 * 0 when the file may be run as root: it and each directory above it belong to root and nobody else may write to
 * them. Otherwise a negative errno and one line of why. -ENOEXEC: not meant to be run.
 */
int script_check(const char *path, enum script_kind kind, struct stat *ret, char *why, size_t size);

#endif /* DRMGRD_SCRIPTDIR_H */
