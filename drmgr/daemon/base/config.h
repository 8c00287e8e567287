/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/drmgr/drmgr.conf */
#ifndef DRMGRD_CONFIG_H
#define DRMGRD_CONFIG_H

#include "daemon/base/util.h"

enum check_mode { CHECK_OFF, CHECK_ADVICE, CHECK_VETO };

/* What becomes of the processors that something is bound to, after a move. */
enum affinity_mode { AFFINITY_NONE, AFFINITY_KEEP, AFFINITY_RESTORE, AFFINITY_RECOMPUTE };

#define UNIT_NAME_LEN 256
#define UNITS_MAX     64

struct affinity_unit {
	char name[UNIT_NAME_LEN]; /* of systemd */
	enum affinity_mode mode;
};

struct config {
	char *script_directory;
	char *hook_directory;
	usec_t script_timeout;
	usec_t hook_timeout;
	usec_t pre_timeout; /* PRE as a whole */
	usec_t application_timeout;
	usec_t application_timeout_max;
	usec_t grace;	    /* for all applications together that have no right to refuse */
	usec_t slow_notice; /* "N applications have not handled signals yet" */
	uint64_t max_applications;
	uint64_t max_applications_root;
	uint64_t max_applications_per_user;
	bool quiesce_now;
	bool hooks_at_pre;
	bool observe;	 /* change nothing, tell nobody */
	bool post_alone; /* without the module, nobody is told PRE */
	enum check_mode check_engine;
	enum check_mode check_state;
	int log_level;
	char *may_refuse; /* besides root: "alice @dba", as in the file; NULL for nobody */
	struct affinity_unit *units;
	size_t nr_units;
};

/*
 * Fills in the defaults, then what the file says. A bad value is one line in the log. A missing file is as good as an
 * empty one. If the file can't be read, that is an error, and some settings in @c may not have their defaults.
 */
int config_load(struct config *c, const char *path);
void config_clear(struct config *c);

#endif /* DRMGRD_CONFIG_H */
