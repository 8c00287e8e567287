// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processors as /proc/cpuinfo shows them, and what perf takes them for. Only powerpc's cpuinfo has these lines: a
 * processor's version is what it was when it was brought up, clock and timebase are what they were at boot.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/platform/stale-parts.h"
#include "daemon/platform/tree.h"
#include "daemon/platform/truth.h"

#define PMU_NAME "/sys/bus/event_source/devices/cpu/caps/pmu_name"

struct cpuinfo {
	struct rows *ret;
	const struct row *pvr, *clock, *timebase; /* the true ones */
	unsigned cpu;
	bool clock_is_known; /* it stands there once for each processor, but is one */
};

static int pvr(const struct cpuinfo *c, uint32_t value)
{
	struct row seen = { .section = "cpu", .field = "pvr", .unit = PMIG_UNIT_PVR };

	snprintf(seen.key, sizeof(seen.key), "%u", c->cpu);
	snprintf(seen.old, sizeof(seen.old), "0x%" PRIx32, value);
	return c->pvr ? truth_against(c->ret, &seen, "cpuinfo", c->pvr->new) : 0;
}

static int frequency(struct rows *ret, const struct row *fact, const char *field, uint64_t hz)
{
	struct row seen = { .section = "cpu", .unit = PMIG_UNIT_HZ };

	snprintf(seen.field, sizeof(seen.field), "%s", field);
	snprintf(seen.old, sizeof(seen.old), "%" PRIu64, hz);
	return fact ? truth_against(ret, &seen, "cpuinfo", fact->new) : 0;
}

static int line(void *userdata, char *text)
{
	struct cpuinfo *c = userdata;
	const char *value = strchr(text, ':');
	const char *version = strstr(text, "(pvr ");
	uint32_t upper, lower;
	uint64_t mhz, hz;

	if (!value)
		return 0;
	if (strncmp(text, "processor", 9) == 0) {
		sscanf(value, ": %u", &c->cpu);
	} else if (version && sscanf(version, "(pvr %x %x)", &upper, &lower) == 2) {
		return pvr(c, upper << 16 | lower);
	} else if (strncmp(text, "clock", 5) == 0 && !c->clock_is_known &&
		   sscanf(value, ": %" SCNu64 ".%6" SCNu64 "MHz", &mhz, &hz) == 2) {
		c->clock_is_known = true;
		return frequency(c->ret, c->clock, "clock-frequency", mhz * 1000000 + hz);
	} else if (strncmp(text, "timebase", 8) == 0 && sscanf(value, ": %" SCNu64, &hz) == 1) {
		return frequency(c->ret, c->timebase, "timebase-frequency", hz);
	}
	return 0;
}

static const struct {
	unsigned version; /* upper half of the PVR */
	const char *name;
} pmus[] = {
	{ 0x3f, "POWER7" }, { 0x4a, "POWER7" }, { 0x4b, "POWER8" },  { 0x4c, "POWER8" },
	{ 0x4d, "POWER8" }, { 0x4e, "POWER9" }, { 0x80, "POWER10" }, { 0x82, "POWER11" },
};

/* perf's driver is chosen at boot, by the PVR. */
static int pmu(const struct row *fact, struct rows *ret)
{
	struct row seen = { .section = "cpu", .field = "name", .unit = PMIG_UNIT_TEXT };
	char text[ROW_VALUE_LEN];
	unsigned value;

	if (!fact || sscanf(fact->new, "0x%x", &value) != 1 ||
	    !tree_line(PMU_NAME, text, sizeof(text)) || strncasecmp(text, "POWER", 5) != 0)
		return 0;
	text_copy(seen.old, sizeof(seen.old), text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(pmus); i++)
		if (pmus[i].version == value >> 16 && strcasecmp(seen.old, pmus[i].name) != 0)
			return truth_against(ret, &seen, "pmu", pmus[i].name);
	return 0;
}

int stale_cpus(const struct rows *now, struct rows *ret)
{
	struct cpuinfo c = {
		.ret = ret,
		.pvr = truth_find(now, "cpu", "", "pvr"),
		.clock = truth_find(now, "cpu", "", "extended-clock-frequency"),
		.timebase = truth_find(now, "cpu", "", "timebase-frequency"),
	};
	int r;

	/* As the kernel does, which has read that one where there is one. */
	if (!c.clock)
		c.clock = truth_find(now, "cpu", "", "clock-frequency");
	r = tree_lines("/proc/cpuinfo", line, &c);
	return r < 0 ? r : pmu(c.pvr, ret);
}
