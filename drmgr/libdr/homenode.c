// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dr_cpu_home_node() and dr_cpu_home_nodes(). Only the hypervisor knows where a processor is, and only the kernel can ask
 * it: pmig.ko does, and tells anyone the rows that it has made of it.
 */
#include "dr.h"
#include "libdr/export.h"
#include "libdr/rows.h"

#include "shared/cleanup.h"

#include <stdio.h>
#include <string.h>

#define ALL_TOLD 1

/* Processors @first to @first + @nr - 1 */
struct wanted {
	unsigned int level; /* 0: the node, a number; else one of the domains, a text */
	unsigned int first, nr;
	unsigned int *nodes; /* of each of them */
	unsigned int told;   /* of how many */
	bool has_cpu;
};

/* "0.0.1.3": the one at @level, from 1, if it is there */
static void domain_at(const char *domains, unsigned int level, unsigned int *ret)
{
	while (domains && --level > 0) {
		domains = strchr(domains, '.');
		domains += domains ? 1 : 0;
	}
	if (domains)
		sscanf(domains, "%u", ret);
}

/* Whether it is about one of those that are wanted, and about which. */
static bool is_wanted(const struct wanted *w, const struct dr_row *row, unsigned int *ret)
{
	uint64_t cpu;

	if (strcmp(row->section, "cpu") != 0 || !dr_row_key(row, &cpu) ||
	    cpu - w->first >= w->nr) /* also where it is smaller than the first */
		return false;
	*ret = (unsigned int)(cpu - w->first);
	return true;
}

static int take_row(void *userdata, const struct dr_row *row)
{
	struct wanted *w = userdata;
	unsigned int i;

	if (!is_wanted(w, row, &i))
		return 0;
	w->has_cpu = true;
	if (strcmp(row->field, w->level ? "domains" : "home-node") != 0)
		return 0;
	if (w->level)
		domain_at(row->text, w->level, &w->nodes[i]);
	else if (row->has_number)
		w->nodes[i] = (unsigned int)row->number;
	return ++w->told == w->nr ? ALL_TOLD : 0;
}

DR_EXPORT int dr_cpu_home_node(unsigned int cpu, unsigned int level, unsigned int *ret)
{
	unsigned int node = DR_NODE_UNKNOWN;
	struct wanted w = { .level = level, .first = cpu, .nr = 1, .nodes = &node };
	int saved = errno;
	int r;

	if (!ret)
		return -EINVAL;
	r = dr_rows(take_row, &w);
	errno = saved;
	if (r < 0)
		return r;
	if (node == DR_NODE_UNKNOWN)
		return w.has_cpu ? -ENODATA : -ENOENT;
	*ret = node;
	return 0;
}

DR_EXPORT int dr_cpu_home_nodes(unsigned int level, unsigned int *nodes, unsigned int nr)
{
	struct wanted w = { .level = level, .nr = nr, .nodes = nodes };
	int saved = errno;
	int r;

	if (!nodes || !nr)
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++)
		nodes[i] = DR_NODE_UNKNOWN;
	r = dr_rows(take_row, &w);
	errno = saved;
	return r;
}
