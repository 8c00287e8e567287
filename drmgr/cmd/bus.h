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
};

/* These print the one line that says what is wrong, and return 0 or an exit status. */
int call_prepare(struct call *call, const char *method);
/* Waits without bound: a migration takes hours. */
int call_run(struct call *call);
/* Both, with what @req asks for; a DLPAR lock that another process has is waited for, as long as -w says. */
int call_request(struct call *call, const char *method, const struct request *req);
int call_bad_reply(int r);

void call_done(struct call *call);

#define _cleanup_call_ _cleanup_(call_done)

#endif /* DRMGR_CMD_BUS_H */
