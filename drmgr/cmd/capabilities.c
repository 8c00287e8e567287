// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr -C, where powerpc-utils is not there to answer it. The HMC asks for this line before it offers a migration, and it reads
 * it as powerpc-utils writes it: these names, this order. Adding and removing of processors, memory and adapters are
 * operations of powerpc-utils, and so is hibernation: without it, this partition does not have them.
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

/* The kernel takes over the size of the destination's segment table, and says what it is. */
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
	/* Not earlier: the program that may be run instead needs its descriptors and signals as they were. */
	signal(SIGPIPE, SIG_IGN);
	say_without_waiting();
	printf("cpu_dlpar=no,mem_dlpar=no,slot_dlpar=no,phb_dlpar=no,hea_dlpar=no,pmig=%s,"
	       "cpu_entitlement=no,mem_entitlement=no,slb_resize=%s,phib=no\n",
	       access(MIGRATABLE, F_OK) ? "no" : "yes", has_slb_size() ? "yes" : "no");
	return DR_EXIT_DONE;
}
