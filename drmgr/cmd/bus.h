/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGR_CMD_BUS_H
#define DRMGR_CMD_BUS_H

#include "cmd/request.h"

#include <systemd/sd-bus.h>

/* One call of the daemon. */
struct call {
	sd_bus *bus;
	sd_bus_message *m;
	sd_bus_message *reply;
	bool private; /* the connection ends with the daemon */
	/* of the wait for it */
	bool pinged;
	bool refused; /* there was nobody to connect to */
	unsigned int slices;
	bool has_stream;
	uint64_t stream; /* of the request; 0: a check of any */
	bool overdue;	 /* the daemon is alive, but past the deadline that it has given */
	bool is_final;	 /* the daemon has said something about this very migration */
	int token;	 /* of a migration: shared/token.h */
	int self; /* of a migration: a pidfd of ours, or of powerpc-utils' drmgr that we become */
};

#define CALL_NONE ((struct call){ .token = -1, .self = -1 })

/* These print the one line that says what is wrong, and return 0 or an exit status. */
int call_prepare(struct call *call, const char *method);
/* Waits as long as the daemon is alive: a migration takes hours. */
int call_run(struct call *call);
/* Both, with what @req asks for; a DLPAR lock that another process has is waited for, as long as -w says. */
int call_request(struct call *call, const char *method, const struct request *req);
int call_bad_reply(int r);

/*
 * The call failed, before anybody was told, and for a reason that would not stop powerpc-utils' drmgr: the migration
 * can go on without the daemon, which does not go on with it. Corrects *@status.
 */
bool call_may_do_without(struct call *call, int *status);

void call_done(struct call *call);

#define _cleanup_call_ _cleanup_(call_done)

#endif /* DRMGR_CMD_BUS_H */
