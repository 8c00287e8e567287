// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the pages of a process are, from a made-up folder of /proc. */
#include "cmd/pages.h"

#include "kselftest_harness.h"
#include "unit/tree.h"

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define BLOCK	UINT64_C(0x10000000)

static uint64_t page_size;

FIXTURE(pages)
{
	struct pages pages;
	int process, pagemap;
};

FIXTURE_SETUP(pages)
{
	char path[96];

	ASSERT_EQ(0, tree_make());
	tree_text("/pagemap", "");
	snprintf(path, sizeof(path), "%s/pagemap", tree_dir);
	self->pagemap = open(path, O_WRONLY | O_CLOEXEC);
	self->process = open(tree_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(pages)
{
	pages_done(&self->pages);
	close(self->pagemap);
	close(self->process);
	tree_remove();
}

/* The page at @address is at the physical address @where. */
static void page(int pagemap, uint64_t address, uint64_t where, uint64_t flags)
{
	uint64_t entry = where / page_size | flags;

	if (pwrite(pagemap, &entry, sizeof(entry), (off_t)(address / page_size * 8)) != 8)
		abort();
}

static struct place blocks[] = {
	{ .key = 0, .domain = 3 },
	{ .key = BLOCK, .domain = 0 },
	{ .key = 3 * BLOCK, .domain = 3 },
};

static const struct places places = { blocks, ARRAY_SIZE(blocks) };

TEST_F(pages, by_block)
{
	int map = self->pagemap;

	tree_text("/maps", "10000000-10100000 r-xp 00000000 08:02 1234   /usr/bin/a b\n"
			   "7fff00000000-7fff00100000 rw-p 00000000 00:00 0 \n"
			   "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n");
	page(map, 0x10000000, BLOCK - page_size, PRESENT);
	page(map, 0x10010000, BLOCK, PRESENT);
	page(map, 0x10020000, 2 * BLOCK - page_size, PRESENT | 1ULL << 61);
	page(map, 0x10030000, 2 * BLOCK, PRESENT); /* a block of which nobody knows */
	page(map, 0x10040000, BLOCK, SWAPPED);
	page(map, 0x10200000, BLOCK, PRESENT); /* not mapped */
	page(map, 0x7fff000f0000, 3 * BLOCK + page_size, PRESENT | 1ULL << 55);
	page(map, 0x7fff000e0000, 4 * BLOCK, PRESENT);
	ASSERT_EQ(0, pages_count(self->process, &places, BLOCK, &self->pages));
	EXPECT_EQ(6, self->pages.found);
	EXPECT_EQ(2, self->pages.unknown);
	EXPECT_EQ(0, self->pages.hidden);
	EXPECT_EQ(1, self->pages.step);
	EXPECT_EQ(1, self->pages.in[0]);
	EXPECT_EQ(2, self->pages.in[1]);
	EXPECT_EQ(1, self->pages.in[2]);
}

/* To whoever may not see it the kernel says of each page that it is in the first frame. */
TEST_F(pages, hidden)
{
	tree_text("/maps", "10000000-10100000 rw-p 00000000 00:00 0 \n");
	page(self->pagemap, 0x10000000, 0, PRESENT);
	ASSERT_EQ(0, pages_count(self->process, &places, BLOCK, &self->pages));
	EXPECT_EQ(1, self->pages.found);
	EXPECT_EQ(1, self->pages.hidden);
	EXPECT_EQ(0, self->pages.in[0]);
}

/* A process that has reserved far more than it uses is looked at in part, in stretches of its whole length. */
TEST_F(pages, not_all_are_looked_at)
{
	uint64_t end = 0x100000000 + 4 * PAGES_MAX * page_size, stretch = PAGES_STRETCH * page_size;
	char line[96];

	snprintf(line, sizeof(line),
		 "10000000-10010000 r--p 0 0:0 0\n100000000-%llx rw-p 0 0:0 0\n",
		 (unsigned long long)end);
	tree_text("/maps", line);
	/* the first mapping is part of the first stretch; of the next four stretches none is looked at */
	page(self->pagemap, 0x10000000, BLOCK, PRESENT);
	page(self->pagemap, 0x100000000, BLOCK, PRESENT);
	for (int i = 1; i <= 5; i++)
		page(self->pagemap, 0x100000000 + (uint64_t)i * stretch, BLOCK, PRESENT);
	page(self->pagemap, end - page_size, BLOCK, PRESENT);
	ASSERT_EQ(0, pages_count(self->process, &places, BLOCK, &self->pages));
	EXPECT_EQ(5, self->pages.step);
	EXPECT_EQ(3, self->pages.in[1]);
}

TEST_F(pages, no_process)
{
	EXPECT_EQ(-ENOENT, pages_count(self->process, &places, BLOCK, &self->pages))
	TH_LOG("no maps");
	tree_drop("/pagemap");
	EXPECT_EQ(-ENOENT, pages_count(self->process, &places, BLOCK, &self->pages));
}

TEST_HARNESS_MAIN
