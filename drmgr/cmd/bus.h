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
	bool private;	     /* the connection ends with the daemon */
	bool pinged;	     /* GetStatus has not been answered yet */
	bool refused;	     /* there was nobody to connect to */
	unsigned int slices; /* waits since the daemon was last asked or heard */
	bool has_stream;
	uint64_t stream; /* of the request; 0: a check of any */
	bool overdue;	 /* the daemon is alive, but past the deadline that it has given */
	bool is_final; /* the error is about this very migration, so powerpc-utils' drmgr would do no better */
	int token; /* of a migration: shared/token.h */
	int self; /* of a migration: a pidfd of this process, which may become powerpc-utils' drmgr */
};

#define CALL_NONE ((struct call){ .token = -1, .self = -1 })

/* They return 0, or print one line that says what is wrong and return an exit status. */
int call_prepare(struct call *call, const char *method);
/* Waits as long as the daemon is alive: a migration may take hours. */
int call_run(struct call *call);
/* Both, with what @req asks for. If another process has the DLPAR lock, waits for it as long as -w says. */
int call_request(struct call *call, const char *method, const struct request *req);
int call_bad_reply(int r);

/*
 * After a call that failed: may the migration go on without the daemon? Yes if nobody has been told and the reason
 * would not stop powerpc-utils' drmgr; the daemon then leaves this migration alone. Corrects *@status.
 */
bool call_may_do_without(struct call *call, int *status);

void call_done(struct call *call);

#define _cleanup_call_ _cleanup_(call_done)

#endif /* DRMGR_CMD_BUS_H */
