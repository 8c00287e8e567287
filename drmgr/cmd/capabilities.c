// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr -C, where powerpc-utils is not installed. The HMC asks for this line before it offers a migration, and expects
 * the names and the order that powerpc-utils has. Adding and removing processors, memory and adapters, and hibernation,
 * are operations of powerpc-utils; without it this partition does not have them.
 */
#include "cmd/fallback.h"
#include "cmd/say.h"
#include "cmd/verbs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIGRATABLE "/proc/device-tree/ibm,migratable-partition"
#define LPARCFG	   "/proc/powerpc/lparcfg"

/* A kernel that can adapt to the size of the destination's segment table (SLB) shows it in this file. */
static bool has_slb_size(void)
{
	FILE *f = fopen(LPARCFG, "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "slb_size=", strlen("slb_size="));
	if (f)
		fclose(f);
	return found;
}

int do_capabilities(const char *original, char *const argv[])
{
	fallback_exec(original, argv);
	/* Not before: the original, if it can be run, gets descriptors and signals as they were. */
	signal(SIGPIPE, SIG_IGN);
	say_without_waiting();
	printf("cpu_dlpar=no,mem_dlpar=no,slot_dlpar=no,phb_dlpar=no,hea_dlpar=no,pmig=%s,"
	       "cpu_entitlement=no,mem_entitlement=no,slb_resize=%s,phib=no\n",
	       access(MIGRATABLE, F_OK) ? "no" : "yes", has_slb_size() ? "yes" : "no");
	return DR_EXIT_DONE;
}
