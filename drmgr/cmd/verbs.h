/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_VERBS_H
#define DRMGR_VERBS_H

#include "cmd/fallback.h"
#include "cmd/request.h"

#include <stdio.h>

/* Each does what the request asks for, prints the answer, and returns an exit status. */
int do_check(const struct request *req, const struct fallback *f, char *const argv[]);
int do_migrate(const struct request *req, const struct fallback *f, char *const argv[]);
int do_simulate(const struct request *req);
int do_status(void);
int do_result(const struct request *req);
int do_log(const struct request *req);
int do_platform(const struct request *req);
int do_score(const struct request *req);
int do_moved(void);
int do_pages(const struct request *req);

/* divert.c: becomes the program @path; returns only if that is impossible. */
int do_original(const char *path, char *const argv[]);

/* capabilities.c: becomes the program @original; if that is impossible, prints what this partition can do. */
int do_capabilities(const char *original, char *const argv[]);

/* verbs.c: prints the help on @verb, or on all verbs if it is NULL. */
void print_help(FILE *f, const char *verb);

#endif /* DRMGR_VERBS_H */
