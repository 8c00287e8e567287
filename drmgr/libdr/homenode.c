// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dr_cpu_home_node() and dr_cpu_home_nodes(). Only the hypervisor knows where a processor is, and only the kernel can ask
 * it: pmig.ko does, and tells anyone the rows that it has made of it.
 */
#include "libdr/dump.h"
#include "libdr/export.h"

#include "shared/cleanup.h"
#include "uapi/linux/pmig.h"

#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL_TOLD     1
#define FAMILY_TRIES 3

struct family {
	uint32_t version;
	uint16_t id; /* 0: it is not there */
};

/* Processors @first to @first + @nr - 1 */
struct wanted {
	unsigned int level; /* 0: the node, a number; else one of the domains, a text */
	unsigned int first, nr;
	unsigned int *nodes; /* of each of them */
	unsigned int told;   /* of how many */
	bool has_cpu;
};

/* All families are listed: the kernel would load the module for whoever asks for it by name. */
static int take_family(void *userdata, struct attrs attrs)
{
	struct family *family = userdata, f = { 0 };
	bool is_ours = false;
	struct attr a;

	while (attr_next(&attrs, &a)) {
		const char *text = attr_text(&a);

		if (a.type == CTRL_ATTR_FAMILY_NAME)
			is_ours = text && strcmp(text, PMIG_GENL_NAME) == 0;
		else if (a.type == CTRL_ATTR_VERSION)
			attr_u32(&a, &f.version);
		else if (a.type == CTRL_ATTR_FAMILY_ID && a.size == sizeof(f.id))
			memcpy(&f.id, a.data, sizeof(f.id));
	}
	if (is_ours)
		*family = f;
	return 0;
}

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

struct row_attrs {
	const char *section, *key, *field, *text;
	uint64_t number;
	bool has_number;
};

static struct row_attrs read_row(struct attrs attrs)
{
	struct row_attrs row = { 0 };
	struct attr a;

	while (attr_next(&attrs, &a)) {
		if (a.type == PMIG_A_ROW_SECTION)
			row.section = attr_text(&a);
		else if (a.type == PMIG_A_ROW_KEY)
			row.key = attr_text(&a);
		else if (a.type == PMIG_A_ROW_FIELD)
			row.field = attr_text(&a);
		else if (a.type == PMIG_A_ROW_NEW_TEXT)
			row.text = attr_text(&a);
		else if (a.type == PMIG_A_ROW_NEW)
			row.has_number = attr_u64(&a, &row.number);
	}
	return row;
}

/* Whether it is about one of those that are wanted, and about which. */
static bool is_wanted(const struct wanted *w, const struct row_attrs *row, unsigned int *ret)
{
	char *end;
	unsigned long cpu;

	if (!row->section || !row->key || !row->field || strcmp(row->section, "cpu") != 0 ||
	    row->key[0] < '0' || row->key[0] > '9')
		return false;
	cpu = strtoul(row->key, &end, 10);
	if (*end || cpu - w->first >= w->nr) /* also where it is smaller than the first */
		return false;
	*ret = (unsigned int)cpu - w->first;
	return true;
}

static int take_row(struct wanted *w, struct attrs attrs)
{
	struct row_attrs row = read_row(attrs);
	unsigned int i;

	if (!is_wanted(w, &row, &i))
		return 0;
	w->has_cpu = true;
	if (strcmp(row.field, w->level ? "domains" : "home-node") != 0)
		return 0;
	if (w->level)
		domain_at(row.text, w->level, &w->nodes[i]);
	else if (row.has_number)
		w->nodes[i] = (unsigned int)row.number;
	return ++w->told == w->nr ? ALL_TOLD : 0;
}

static int take_rows(void *userdata, struct attrs attrs)
{
	struct attr a;
	int r = 0;

	while (r == 0 && attr_next(&attrs, &a))
		if (a.type == PMIG_A_ROW)
			r = take_row(userdata, attr_nest(&a));
	return r;
}

static int ask(struct wanted *w)
{
	_cleanup_close_ int fd = dr_dump_open();
	struct family family = { 0 };
	int r = -EAGAIN;

	if (fd < 0)
		return fd == -EPROTONOSUPPORT || fd == -EAFNOSUPPORT ? -EOPNOTSUPP : fd;
	/* Each module that comes or goes changes the list. */
	for (int i = 0; i < FAMILY_TRIES && r == -EAGAIN; i++)
		r = dr_dump(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, 0, take_family, &family);
	if (r < 0)
		return r;
	if (!family.id || family.version != PMIG_GENL_VERSION)
		return -EOPNOTSUPP;
	r = dr_dump(fd, family.id, PMIG_CMD_ROWS, PMIG_A_ROWS, PMIG_ROWS_NOW, take_rows, w);
	if (r >= 0)
		return 0;
	/* No engine, and a module that has gone meanwhile or is of before there were rows. */
	return r == -ENODEV || r == -ENOENT ? -EOPNOTSUPP : r;
}

DR_EXPORT int dr_cpu_home_node(unsigned int cpu, unsigned int level, unsigned int *ret)
{
	unsigned int node = DR_NODE_UNKNOWN;
	struct wanted w = { .level = level, .first = cpu, .nr = 1, .nodes = &node };
	int saved = errno;
	int r;

	if (!ret)
		return -EINVAL;
	r = ask(&w);
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
	r = ask(&w);
	errno = saved;
	return r;
}
