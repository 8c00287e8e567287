// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts "adapter": the virtual adapters that move with the partition, by their name on the bus "vio". */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/platform/fact.h"
#include "daemon/platform/facts-parts.h"
#include "daemon/platform/tree.h"

#define DEVICES "/sys/bus/vio/devices/"

static const struct {
	const char *compatible;
	const char *type;
} types[] = {
	{ "IBM,l-lan", "ibmveth" },
	{ "IBM,vnic", "ibmvnic" },
	{ "IBM,v-scsi", "ibmvscsi" },
	{ "IBM,vfc-client", "ibmvfc" },
};

static const char *type_of(const char *device)
{
	char path[PATH_MAX], compatible[ROW_VALUE_LEN];

	snprintf(path, sizeof(path), DEVICES "%s/of_node/compatible", device);
	if (tree_line(path, compatible, sizeof(compatible)))
		for (size_t i = 0; i < ARRAY_SIZE(types); i++)
			if (strcmp(compatible, types[i].compatible) == 0)
				return types[i].type;
	return NULL;
}

static int drc_index(struct rows *ret, const char *device)
{
	char path[PATH_MAX], text[16];
	uint64_t drc;

	snprintf(path, sizeof(path), DEVICES "%s/of_node/ibm,my-drc-index", device);
	if (!tree_cells(path, 1, &drc))
		return 0;
	snprintf(text, sizeof(text), "0x%08x", (unsigned)drc);
	return fact_text(ret, "adapter", device, "drc-index", text);
}

/* It names the server, too. */
static int location(struct rows *ret, const char *device)
{
	char path[PATH_MAX], text[ROW_VALUE_LEN];

	snprintf(path, sizeof(path), DEVICES "%s/of_node/ibm,loc-code", device);
	if (!tree_line(path, text, sizeof(text)))
		return 0;
	return fact_text(ret, "adapter", device, "location", text);
}

/* The address that the hypervisor gave it. Some write two bytes in front of it. */
static int mac(struct rows *ret, const char *device)
{
	unsigned char raw[8 + 1];
	char path[PATH_MAX], text[32];
	const unsigned char *m = raw;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "%s/of_node/local-mac-address", device);
	n = tree_read(path, (char *)raw, sizeof(raw));
	if (n != 6 && n != 8)
		return 0;
	if (n == 8)
		m += 2;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	return fact_text(ret, "adapter", device, "mac", text);
}

struct fc {
	struct rows *rows;
	const char *device;
};

/* Of the two port names of an adapter, the one that it is logged in with: the server after a move uses the other one. */
static int fc_host(void *userdata, char *host)
{
	const struct fc *fc = userdata;
	char path[PATH_MAX], text[ROW_VALUE_LEN];

	if (strncmp(host, "host", 4) != 0)
		return 0;
	snprintf(path, sizeof(path), DEVICES "%s/%s/fc_host/%s/port_name", fc->device, host, host);
	if (!tree_line(path, text, sizeof(text)))
		return 0;
	return fact_text(fc->rows, "adapter", fc->device, "wwpn", text);
}

static int wwpn(struct rows *ret, const char *device)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "%s", device);
	return tree_names(path, fc_host, &(struct fc){ ret, device });
}

static int adapter(void *userdata, char *device)
{
	const char *type = type_of(device);
	int r;

	if (!type)
		return 0;
	r = fact_text(userdata, "adapter", device, "type", type);
	if (r == 0)
		r = drc_index(userdata, device);
	if (r == 0)
		r = location(userdata, device);
	if (r == 0)
		r = mac(userdata, device);
	if (r == 0)
		r = wwpn(userdata, device);
	return r;
}

int facts_adapters(struct rows *ret)
{
	return tree_names(DEVICES, adapter, ret);
}
