// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts "platform" and "mitigation": what the hypervisor and the processors of the partition can do. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include "daemon/platform/cpulist.h"
#include "daemon/platform/fact.h"
#include "daemon/platform/facts-parts.h"
#include "daemon/platform/tree.h"

#define ENERGY_SCALE	"/sys/firmware/papr/energy_scale_info/"
#define HYPERTAS	"/sys/firmware/devicetree/base/rtas/ibm,hypertas-functions"
#define LMB_SIZE	"/sys/firmware/devicetree/base/ibm,dynamic-reconfiguration-memory/ibm,lmb-size"
#define CPUS		"/sys/devices/system/cpu/"
#define VULNERABILITIES CPUS "vulnerabilities/"
#define FUNCTIONS_BYTES 16384

/* One line of a file, if it is there. */
static int file(struct rows *ret, const char *path, const char *section, const char *key,
		const char *field)
{
	char value[ROW_VALUE_LEN];

	if (!tree_line(path, value, sizeof(value)))
		return 0;
	return fact_text(ret, section, key, field, value);
}

static int energy_scale(void *userdata, char *id)
{
	static const char *const fields[] = { "desc", "value", "value_desc" };
	char path[PATH_MAX], key[ROW_KEY_LEN];
	int r = 0;

	snprintf(key, sizeof(key), "energy-scale-%.40s", id);
	for (size_t i = 0; i < ARRAY_SIZE(fields) && r == 0; i++) {
		snprintf(path, sizeof(path), ENERGY_SCALE "%s/%s", id, fields[i]);
		r = file(userdata, path, "platform", key, fields[i]);
	}
	return r;
}

/* A list of texts, each with its zero. */
static int hypervisor_functions(struct rows *ret)
{
	_cleanup_free_ char *list = malloc(FUNCTIONS_BYTES);
	const char *end, *p;
	ssize_t n;
	int r = 0;

	if (!list)
		return log_oom();
	n = tree_read(HYPERTAS, list, FUNCTIONS_BYTES);
	end = list + (n < 0 ? 0 : n);
	for (p = list; p < end && r == 0; p += strlen(p) + 1)
		if (*p)
			r = fact_text(ret, "platform", p, "function", "yes");
	return r;
}

/* Without AT_BASE_PLATFORM the processor runs as what it is. */
static int architecture(struct rows *ret)
{
	static const struct {
		unsigned long type;
		const char *field;
	} entries[] = {
		{ AT_PLATFORM, "platform" },
		{ AT_BASE_PLATFORM, "base-platform" },
	};
	struct utsname name;
	int r;

	uname(&name);
	r = fact_text(ret, "platform", "", "architecture", name.machine);
	for (size_t i = 0; i < ARRAY_SIZE(entries) && r == 0; i++) {
		const char *text = (const char *)getauxval(entries[i].type);

		if (text)
			r = fact_text(ret, "platform", "", entries[i].field, text);
	}
	return r;
}

/* Which processors run says the SMT state of each; the kernel's own setting came to powerpc after 6.1. */
static int threads(struct rows *ret)
{
	char online[ROW_VALUE_LEN], siblings[ROW_VALUE_LEN], path[PATH_MAX];
	unsigned first, last;
	const char *p = online;
	int r;

	r = file(ret, CPUS "smt/control", "platform", "", "smt-control");
	if (r == 0)
		r = file(ret, CPUS "smt/active", "platform", "", "smt-active");
	if (r < 0 || !tree_line(CPUS "online", online, sizeof(online)))
		return r;
	r = fact_text(ret, "platform", "", "cpus-online", online);
	if (r < 0 || !cpulist_next(&p, &first, &last))
		return r;
	snprintf(path, sizeof(path), CPUS "cpu%u/topology/thread_siblings_list", first);
	if (!tree_line(path, siblings, sizeof(siblings)))
		return 0;
	return fact_number(ret, "platform", "", "threads-per-core", PMIG_UNIT_NUMBER,
			   cpulist_count(siblings));
}

static int lmb_size(struct rows *ret)
{
	uint64_t bytes;

	if (!tree_cells(LMB_SIZE, 2, &bytes))
		return 0;
	return fact_number(ret, "platform", "", "lmb-size", PMIG_UNIT_BYTES, bytes);
}

static int mitigation(void *userdata, char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), VULNERABILITIES "%s", name);
	return file(userdata, path, "mitigation", name, "state");
}

int facts_platform(struct rows *ret)
{
	int r = architecture(ret);

	if (r == 0)
		r = threads(ret);
	if (r == 0)
		r = lmb_size(ret);
	if (r == 0)
		r = hypervisor_functions(ret);
	if (r == 0)
		r = tree_names(ENERGY_SCALE, energy_scale, ret);
	if (r == 0)
		r = tree_names(VULNERABILITIES, mitigation, ret);
	return r;
}
