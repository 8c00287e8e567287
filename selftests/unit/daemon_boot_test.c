// SPDX-License-Identifier: GPL-2.0-or-later
/* The server that the partition was booted on, from made-up flat device trees, whole ones and broken ones. */
#include "daemon/platform/boot.h"
#include "daemon/platform/fdt.h"
#include "daemon/platform/tree.h"

#include "kselftest_harness.h"
#include "unit/tree.h"

#define NAMES_AT 40 /* behind the header */
#define NAMES	 "compatible\0system-id\0model"

/* A flat tree while it is being written. */
static unsigned char flat[4096];
static size_t at;

static void word(uint32_t value)
{
	flat[at++] = value >> 24;
	flat[at++] = value >> 16;
	flat[at++] = value >> 8;
	flat[at++] = value;
}

static void property(uint32_t name, const char *value, size_t size)
{
	word(3);
	word((uint32_t)size);
	word(name);
	memcpy(flat + at, value, size);
	at += (size + 3) & ~3UL;
}

/* A property that is not wanted comes first, and those of a node that is not the root last. */
static void write_flat(const char *server)
{
	memset(flat, 0, sizeof(flat));
	at = 0;
	word(0xd00dfeed);
	word(sizeof(flat));
	word(NAMES_AT + 32);
	word(NAMES_AT);
	memcpy(flat + NAMES_AT, NAMES, sizeof(NAMES));
	at = NAMES_AT + 32;
	word(1);
	word(0);
	property(0, "IBM,chrp", 9);
	word(4);
	if (server)
		property(11, server, strlen(server) + 1);
	property(21, "IBM,9009-42A", 13);
	word(1);
	memcpy(flat + at, "cpus", 4);
	at += 8;
	property(11, "IBM,02OTHER", 12);
	word(2);
	word(2);
	word(9);
}

FIXTURE(boot)
{
	struct rows rows;
};

FIXTURE_SETUP(boot)
{
	ASSERT_EQ(0, tree_make());
	tree_root = tree_dir;
}

FIXTURE_TEARDOWN(boot)
{
	rows_done(&self->rows);
	tree_remove();
}

static const char *value(const struct rows *rows, const char *name)
{
	char of_row[ROW_NAME_LEN];

	for (size_t i = 0; i < rows->n; i++) {
		row_name(&rows->v[i], of_row);
		if (strcmp(of_row, name) == 0)
			return rows->v[i].new;
	}
	return "";
}

static void now_on(const char *server)
{
	tree_put("/sys/firmware/devicetree/base/system-id", server, strlen(server) + 1);
}

#define EXPECT_BOOT(server, model, elsewhere)                                  \
	do {                                                                   \
		rows_done(&self->rows);                                        \
		ASSERT_EQ(0, boot_read(&self->rows));                          \
		EXPECT_STREQ(server, value(&self->rows, "boot.system-id"));    \
		EXPECT_STREQ(model, value(&self->rows, "boot.model"));         \
		EXPECT_STREQ(elsewhere, value(&self->rows, "boot.elsewhere")); \
	} while (0)

TEST_F(boot, another_server)
{
	write_flat("IBM,02LAB0A");
	tree_put("/sys/firmware/fdt", flat, at);
	EXPECT_BOOT("IBM,02LAB0A", "IBM,9009-42A", "");
	now_on("IBM,02LAB0A");
	EXPECT_BOOT("IBM,02LAB0A", "IBM,9009-42A", "no");
	now_on("IBM,02LAB0AX");
	EXPECT_BOOT("IBM,02LAB0A", "IBM,9009-42A", "yes");
}

/* Of a node below the root nothing is taken. */
TEST_F(boot, no_name_of_a_server)
{
	now_on("IBM,02LAB0A");
	EXPECT_BOOT("", "", "");
	write_flat(NULL);
	tree_put("/sys/firmware/fdt", flat, at);
	EXPECT_BOOT("", "IBM,9009-42A", "");
}

/* Cut anywhere, and with any byte wrong: it is read within its bounds, and ends. */
TEST_F(boot, broken)
{
	char text[32];
	size_t i, size;
	int fd;

	write_flat("IBM,02LAB0A");
	size = at;
	for (i = 0; i < size; i++) {
		tree_put("/sys/firmware/fdt", flat, i);
		ASSERT_EQ(0, boot_read(&self->rows));
	}
	for (i = 0; i < size; i++) {
		flat[i] ^= 0xff;
		tree_put("/sys/firmware/fdt", flat, size);
		ASSERT_EQ(0, boot_read(&self->rows));
		flat[i] ^= 0xff;
	}
	tree_put("/sys/firmware/fdt", flat, size);
	fd = tree_open("/sys/firmware/fdt");
	EXPECT_EQ(12, fdt_root_property(fd, "system-id", text, sizeof(text)));
	EXPECT_EQ(-EMSGSIZE, fdt_root_property(fd, "system-id", text, 11));
	EXPECT_EQ(-ENOENT, fdt_root_property(fd, "system", text, sizeof(text)));
	close(fd);
}

TEST_HARNESS_MAIN
