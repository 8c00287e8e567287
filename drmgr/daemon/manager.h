/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only struct that sees all parts. */
#ifndef DRMGRD_MANAGER_H
#define DRMGRD_MANAGER_H

#include <sys/queue.h>
#include <systemd/sd-bus.h>

#include "daemon/apps/registry.h"
#include "daemon/observe.h"
#include "daemon/results.h"
#include "daemon/session/session.h"

#define RUN_DIRECTORY "/run/drmgr"
#define CONFIG_FILE   DRMGR_CONFDIR "/drmgr.conf"

enum request_kind { REQUEST_CHECK, REQUEST_MIGRATE, REQUEST_SIMULATE };

struct manager_request {
	enum request_kind kind;
	uint64_t stream;
	bool force;
	unsigned detail;
	usec_t wait;
	uint64_t enabled_ms; /* SIMULATE */
	uint64_t blackout_ms;
	int token;  /* stays open until the answer, or -1 */
	int caller; /* a pidfd, open during the call of manager_start(), or -1 */
};

/* Comes once for each request that was started. @text is one line, "" with MANAGER_OK. */
typedef void (*manager_reply_t)(void *userdata, enum manager_error error, const char *text,
				const struct session_result *result);

/* So many may wait for the end of one migration. */
#define WAITERS_MAX 16

struct manager {
	sd_event *event;
	const char *config_path;
	struct config config;
	bool reload;		 /* to read it when nothing is going on */
	bool stopping;		 /* to end when nothing is going on: it was asked to */
	struct backend *link;	 /* the module */
	struct backend *backend; /* what sessions use now: link or sysfs */
	struct backend *sysfs;
	char degraded[256]; /* why the module is not used, "" where it is */
	struct audience *audiences[_AUDIENCE_MAX];
	struct refusers *refusers;
	struct registry *registry;
	struct changed *changed;
	char last_change[ROWS_TEXT_LEN]; /* without a migration; "" where there was none */
	struct journal *journal;
	struct results *results;
	struct machine machine;
	bool heard; /* of the module's state, or of that which plays it */
	struct eventlog log;
	struct observer observer;
	sd_event_source *
		pre_observed; /* PRE has been logged of what this process does, and no move was seen */
	uint32_t gen;
	char *journal_path;

	/* one operation at a time */
	struct session *session;
	struct manager_request request;
	struct {
		manager_reply_t reply;
		void *userdata;
	} waiters[WAITERS_MAX];
	size_t nr_waiters;
	LIST_HEAD(, registering) registering; /* bus-register.c */
	LIST_HEAD(, describing) describing;   /* bus-platform.c */
	sd_bus *system_bus;		      /* sysbus.c; NULL: it has not given us our name */
	int lock;			      /* the DLPAR lock */
	sd_event_source *watchdog;
	sd_event_source *reconcile; /* restore.c's: enabled when nothing is going on */
	uint32_t tried;		    /* the module's SEQ when last something of nobody's was taken */
};

int manager_new(struct manager **ret, sd_event *event, const char *config_path,
		const char *run_directory);
struct manager *manager_free(struct manager *m);

/* Starts an operation; otherwise says why not in @text. */
enum manager_error manager_start(struct manager *m, const struct manager_request *request,
				 manager_reply_t reply, void *userdata, char *text, size_t size);
/* Waiter @i does not wait any more. A check that nobody waits for is dropped; a migration goes on. */
void manager_forget(struct manager *m, size_t i);
/* Reads the settings again, when nothing is going on: what a session has begun with holds to its end. */
void manager_reload(struct manager *m);
/* Ends the loop when nothing is going on; what has not been suspended is undone first. The second time: at once. */
void manager_stop(struct manager *m);
/* Why drivers are not told, "" where they are. */
const char *manager_degraded(const struct manager *m);

/* ---- for restore.c, which starts what nobody has asked for ---- */

int manager_start_session(struct manager *m, enum session_kind kind, uint64_t stream,
			  const char *engine);
/* Goes on where the journal of an earlier daemon ends. */
int manager_adopt(struct manager *m, struct replay *replay);
/* Who notices migrations of others: the module where it is, and nobody besides. NULL: out of memory. */
struct backend *manager_noticing(struct manager *m);
/* What there is without the module; false: out of memory. */
bool manager_have_sysfs(struct manager *m);
/* Lets go of the DLPAR lock. */
void manager_unlock(struct manager *m);

#endif /* DRMGRD_MANAGER_H */
