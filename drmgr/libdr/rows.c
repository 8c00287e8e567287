// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rows of pmig.ko that say what the machine is now. Anyone may ask for them. */
#include "libdr/rows.h"
#include "libdr/dump.h"

#include "shared/cleanup.h"
#include "uapi/linux/pmig.h"

#include <linux/genetlink.h>
#include <string.h>

#define FAMILY_TRIES 3

struct family {
	uint32_t version;
	uint16_t id; /* 0: it is not there */
};

struct listener {
	dr_each_row_t each;
	void *userdata;
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

static struct dr_row read_row(struct attrs attrs)
{
	struct dr_row row = { 0 };
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
		else if (a.type == PMIG_A_ROW_OLD)
			row.has_kernels = attr_u64(&a, &row.kernels);
	}
	return row;
}

static int take_rows(void *userdata, struct attrs attrs)
{
	const struct listener *l = userdata;
	struct attr a;
	int r = 0;

	while (r == 0 && attr_next(&attrs, &a)) {
		if (a.type == PMIG_A_ROW) {
			struct dr_row row = read_row(attr_nest(&a));

			if (row.section && row.key && row.field)
				r = l->each(l->userdata, &row);
		}
	}
	return r;
}

int dr_rows(dr_each_row_t each, void *userdata)
{
	_cleanup_close_ int fd = dr_dump_open();
	struct listener listener = { each, userdata };
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
	r = dr_dump(fd, family.id, PMIG_CMD_ROWS, PMIG_A_ROWS, PMIG_ROWS_NOW, take_rows, &listener);
	if (r >= 0)
		return 0;
	/* No engine, and a module that has gone meanwhile or is of before there were rows. */
	return r == -ENODEV || r == -ENOENT ? -EOPNOTSUPP : r;
}

bool dr_row_key(const struct dr_row *row, uint64_t *ret)
{
	bool is_address = strncmp(row->key, "0x", 2) == 0;
	char *end;

	if (row->key[0] < '0' || row->key[0] > '9')
		return false;
	*ret = strtoull(row->key, &end, is_address ? 16 : 10);
	return !*end;
}
