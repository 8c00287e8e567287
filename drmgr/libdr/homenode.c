// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dr_cpu_home_node(). Only the hypervisor knows where a processor is, and only the kernel can ask it: pmig.ko does, and tells
 * anyone the rows that it has made of it.
 */
#include "libdr/dump.h"
#include "libdr/export.h"

#include "shared/cleanup.h"
#include "uapi/linux/pmig.h"

#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>

#define FOUND	     1
#define FAMILY_TRIES 3

struct family {
	uint32_t version;
	uint16_t id; /* 0: it is not there */
};

struct wanted {
	char key[16];
	const char *field;
	unsigned int level; /* 0: the value is a number */
	bool has_cpu;
	unsigned int node;
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

/* "0.0.1.3": the one at @level, from 1 */
static bool domain_at(const char *domains, unsigned int level, unsigned int *ret)
{
	while (domains && --level > 0) {
		domains = strchr(domains, '.');
		domains += domains ? 1 : 0;
	}
	return domains && sscanf(domains, "%u", ret) == 1;
}

static int take_row(struct wanted *w, struct attrs attrs)
{
	const char *section = NULL, *key = NULL, *field = NULL, *text = NULL;
	uint64_t number = 0;
	bool has_number = false;
	struct attr a;

	while (attr_next(&attrs, &a)) {
		if (a.type == PMIG_A_ROW_SECTION)
			section = attr_text(&a);
		else if (a.type == PMIG_A_ROW_KEY)
			key = attr_text(&a);
		else if (a.type == PMIG_A_ROW_FIELD)
			field = attr_text(&a);
		else if (a.type == PMIG_A_ROW_NEW_TEXT)
			text = attr_text(&a);
		else if (a.type == PMIG_A_ROW_NEW)
			has_number = attr_u64(&a, &number);
	}
	if (!section || !key || !field || strcmp(section, "cpu") != 0 || strcmp(key, w->key) != 0)
		return 0;
	w->has_cpu = true;
	if (strcmp(field, w->field) != 0)
		return 0;
	w->node = (unsigned int)number;
	if (w->level)
		return domain_at(text, w->level, &w->node) ? FOUND : -ENODATA;
	return has_number ? FOUND : -ENODATA;
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

static int home_node(struct wanted *w)
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
	if (r == 0)
		return w->has_cpu ? -ENODATA : -ENOENT;
	/* No engine, and a module that has gone meanwhile or is of before there were rows. */
	return r == -ENODEV || r == -ENOENT ? -EOPNOTSUPP : r;
}

DR_EXPORT int dr_cpu_home_node(unsigned int cpu, unsigned int level, unsigned int *ret)
{
	struct wanted w = { .field = level ? "domains" : "home-node", .level = level };
	int saved = errno;
	int r;

	if (!ret)
		return -EINVAL;
	snprintf(w.key, sizeof(w.key), "%u", cpu);
	r = home_node(&w);
	errno = saved;
	if (r != FOUND)
		return r;
	*ret = w.node;
	return 0;
}
