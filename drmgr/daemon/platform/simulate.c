// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A simulated migration is a real one against pmig_sim.ko. This file makes a destination and a stream for it in
 * configfs, and removes them however the migration ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "daemon/base/util.h"
#include "daemon/platform/module.h"
#include "daemon/platform/simulate.h"

#define CONFIGFS "/sys/kernel/config"
#define SIM	 CONFIGFS "/pmig_sim"

static void path_of(char *buf, size_t size, const char *folder, const char *prefix, uint64_t stream,
		    const char *file)
{
	snprintf(buf, size, SIM "/%s/%s%" PRIx64 "%s%s", folder, prefix, stream, file[0] ? "/" : "",
		 file);
}

static int set(const char *folder, const char *prefix, uint64_t stream, const char *file,
	       const char *value)
{
	char path[256];
	int r;

	path_of(path, sizeof(path), folder, prefix, stream, file);
	r = write_text_file(path, value);
	if (r < 0)
		log_warning("%s can't be set to \"%s\": %s.", path, value, errno_text(r));
	return r;
}

static int make(const char *folder, const char *prefix, uint64_t stream)
{
	char path[256];

	path_of(path, sizeof(path), folder, prefix, stream, "");
	if (mkdir(path, 0700) < 0) {
		int r = -errno;

		log_warning("%s can't be created: %s.", path, errno_text(r));
		return r;
	}
	return 0;
}

static int prepare(uint64_t stream, uint64_t enabled_ms, uint64_t blackout_ms)
{
	char text[128], name[64];
	int r;

	r = make("destinations", "drmgrd-", stream);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%" PRIu64, blackout_ms);
	r = set("destinations", "drmgrd-", stream, "blackout_ms", text);
	if (r == 0)
		r = set("destinations", "drmgrd-", stream, "live", "1");
	if (r == 0)
		r = make("streams", "0x", stream);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "drmgrd-%" PRIx64, stream);
	snprintf(text, sizeof(text), "enabled:%" PRIu64 " suspending resumed:100 completed",
		 enabled_ms);
	r = set("streams", "0x", stream, "destination", name);
	if (r == 0)
		r = set("streams", "0x", stream, "script", text);
	return r == 0 ? set("streams", "0x", stream, "live", "1") : r;
}

int simulate_prepare(uint64_t stream, uint64_t enabled_ms, uint64_t blackout_ms)
{
	char why[256];
	int r = module_load("pmig_sim", why, sizeof(why));

	if (r < 0)
		return r;
	if (access(SIM, F_OK) < 0 &&
	    mount("configfs", CONFIGFS, "configfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
	    errno != EBUSY)
		return -errno;
	r = prepare(stream, enabled_ms, blackout_ms);
	if (r < 0)
		simulate_clean_up(stream);
	return r;
}

void simulate_clean_up(uint64_t stream)
{
	char destination[256], path[256];

	path_of(destination, sizeof(destination), "destinations", "drmgrd-", stream, "");
	if (access(destination, F_OK) < 0)
		return; /* not one of ours */
	path_of(path, sizeof(path), "streams", "0x", stream, "");
	rmdir(path);
	rmdir(destination);
}
