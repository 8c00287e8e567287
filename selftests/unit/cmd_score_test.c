// SPDX-License-Identifier: GPL-2.0-or-later
/* The score, of made-up machines: what counts, what is local, and how it was before. */
#include "cmd/places.h"
#include "cmd/score.h"

#include "kselftest_harness.h"
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

FIXTURE(score)
{
	struct rows now, changed;
	struct score score;
};

FIXTURE_SETUP(score)
{
}

FIXTURE_TEARDOWN(score)
{
	rows_done(&self->now);
	rows_done(&self->changed);
}

/* A processor, or a block of memory: the kernel's node ("": offline) and the true domain ("": not known). */
static void cpu(struct rows *now, unsigned n, const char *node, const char *domain)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", n);
	add_row(now, "cpu", key, "hw-id", "", key, 0);
	if (domain[0])
		add_row(now, "cpu", key, "home-node", node, domain, 0);
}

static void block(struct rows *now, unsigned n, const char *node, const char *domain)
{
	char key[32];

	snprintf(key, sizeof(key), "0x%llx", n * 0x10000000ULL);
	add_row(now, "memory", key, "domains", "", "0.0", 0);
	if (domain[0])
		add_row(now, "memory", key, "home-node", node, domain, 0);
}

#define EXPECT_PLACED(memory_, processors_, accesses_, placement) \
	do {                                                      \
		EXPECT_EQ(memory_, (placement).memory);           \
		EXPECT_EQ(processors_, (placement).processors);   \
		EXPECT_EQ(accesses_, (placement).accesses);       \
	} while (0)

/* The hypervisor has exchanged the processors of two nodes: it has all side by side, and the kernel has nothing. */
TEST_F(score, processors_swapped)
{
	for (unsigned i = 0; i < 8; i++) {
		cpu(&self->now, i, i < 4 ? "0" : "1", i < 4 ? "1" : "0");
		block(&self->now, i, i < 4 ? "0" : "1", i < 4 ? "0" : "1");
	}
	for (unsigned i = 0; i < 8; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%u", i);
		add_row(&self->changed, "cpu", key, "home-node", i < 4 ? "0" : "1",
			i < 4 ? "1" : "0", 0);
	}
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_EQ(8, self->score.processors);
	EXPECT_EQ(8, self->score.blocks);
	EXPECT_PLACED(1000, 1000, 0, self->score.now);
	EXPECT_TRUE(self->score.changed);
	EXPECT_PLACED(1000, 1000, 1000, self->score.before);
}

/* The example of Documentation/what-changes.md. */
TEST_F(score, memory_left_behind)
{
	for (unsigned i = 0; i < 8; i++)
		cpu(&self->now, i, i < 4 ? "0" : "1", "2");
	for (unsigned i = 0; i < 16; i++)
		block(&self->now, i, i < 8 ? "0" : "1", i < 12 ? "2" : "3");
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_PLACED(750, 1000, 750, self->score.now);
	EXPECT_FALSE(self->score.changed);
}

/* Numbers with holes, more than 15 bits, and not in the order of text. */
TEST_F(score, holes)
{
	cpu(&self->now, 8, "0", "70000");
	cpu(&self->now, 72, "9", "70001");
	cpu(&self->now, 1016, "9", "70001");
	block(&self->now, 9, "0", "70000");
	block(&self->now, 16, "9", "70001");
	block(&self->now, 300, "9", "70000");
	add_row(&self->changed, "cpu", "8", "home-node", "70001", "70000", 0);
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	/* the second node's processors have half of its memory near them */
	EXPECT_PLACED(1000, 1000, 666, self->score.now);
	EXPECT_PLACED(333, 1000, 333, self->score.before);
}

/* Offline, or not known where: neither counts, and the second is said. */
TEST_F(score, what_does_not_count)
{
	cpu(&self->now, 0, "0", "0");
	cpu(&self->now, 1, "", "5");
	cpu(&self->now, 2, "", "");
	block(&self->now, 0, "0", "0");
	block(&self->now, 1, "", "5");
	block(&self->now, 2, "", "");
	block(&self->now, 3, "", "");
	add_row(&self->now, "cpu", "", "pvr", "", "0x800000", 0);
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_EQ(1, self->score.processors);
	EXPECT_EQ(1, self->score.blocks);
	EXPECT_EQ(1, self->score.unknown_processors);
	EXPECT_EQ(2, self->score.unknown_blocks);
	EXPECT_PLACED(1000, 1000, 1000, self->score.now);
}

/* A kernel's node with processors and no memory has nothing of its own to use; one with memory alone is used by nobody. */
TEST_F(score, nodes_without_the_other)
{
	cpu(&self->now, 0, "0", "0");
	cpu(&self->now, 1, "1", "0");
	block(&self->now, 0, "0", "0");
	block(&self->now, 1, "2", "7");
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_PLACED(500, 1000, 500, self->score.now);
}

/* What has come since was nowhere before, and what has gone does not count. */
TEST_F(score, come_and_gone)
{
	cpu(&self->now, 0, "0", "1");
	cpu(&self->now, 1, "0", "1");
	block(&self->now, 0, "0", "1");
	add_row(&self->changed, "cpu", "0", "home-node", "0", "1", 0);
	add_row(&self->changed, "cpu", "1", "home-node", "", "1", 0);
	add_row(&self->changed, "cpu", "2", "home-node", "1", "", 0);
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_PLACED(1000, 1000, 1000, self->score.now);
	EXPECT_PLACED(0, 0, 0, self->score.before);
}

TEST_F(score, nothing_is_known)
{
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_EQ(0, self->score.processors + self->score.blocks);
	EXPECT_PLACED(0, 0, 0, self->score.now);
	add_row(&self->now, "cpu", "x", "home-node", "0", "1", 0);
	add_row(&self->now, "cpu", "1", "home-node", "0", "-1", 0);
	add_row(&self->now, "cpu", "2", "home-node", "0", "99999999999999999999", 0);
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_EQ(0, self->score.processors);
}

/* 2,048 processors and 64 TB, all but one block where they should be: that is not all. */
TEST_F(score, large)
{
	char node[8];

	for (unsigned i = 0; i < 2048; i++) {
		snprintf(node, sizeof(node), "%u", i / 128);
		cpu(&self->now, i, node, node);
	}
	for (unsigned i = 0; i < 65536; i++) {
		snprintf(node, sizeof(node), "%u", i / 4096);
		block(&self->now, i, node, i ? node : "99");
	}
	ASSERT_EQ(0, score_of(&self->now, &self->changed, &self->score));
	EXPECT_EQ(65536, self->score.blocks);
	EXPECT_PLACED(999, 1000, 999, self->score.now);
}

TEST(nearest_below)
{
	struct place v[] = { { .key = 2 }, { .key = 4 }, { .key = 7 } };
	struct places places = { v, 3 }, none = { 0 };

	EXPECT_EQ(NULL, places_find(&none, 1));
	EXPECT_EQ(NULL, places_find(&places, 1));
	EXPECT_EQ(&v[0], places_find(&places, 2));
	EXPECT_EQ(&v[0], places_find(&places, 3));
	EXPECT_EQ(&v[1], places_find(&places, 6));
	EXPECT_EQ(&v[2], places_find(&places, UINT64_MAX));
}

TEST_HARNESS_MAIN
