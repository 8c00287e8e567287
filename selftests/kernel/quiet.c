// SPDX-License-Identifier: GPL-2.0
/*
 * Ends what a test that was stopped half-way has left in the module: handlers that block, and a session, which keeps
 * the modules from being unloaded. Exits with 0 when there is none.
 */
#include "ktest.h"

int main(void)
{
	struct link l;
	bool ended;

	if (link_open(&l))
		return 0; /* no module, no session */
	tell("clear");
	ended = quiet(&l);
	tell("clear");
	link_close(&l);
	return !ended;
}
