// SPDX-License-Identifier: GPL-2.0
/* The comparison of two snapshots, which is pure: built here as it is. */
#include "kselftest_harness.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;

struct kref {
	int unused;
};

struct llist_node {
	void *unused;
};

#define PMIG_OUT_OF_TREE
#include "../../kernel/machine/diff.c"
#include "../../kernel/machine/fields.c"

#define FACTS_MAX 64

struct book {
	struct pmig_snapshot snap;
	struct pmig_fact fact[FACTS_MAX];
	char text[1024];
};

FIXTURE(diff)
{
	struct book old, new;
	struct pmig_diff diff;
};

FIXTURE_SETUP(diff)
{
	memset(self, 0, sizeof(*self));
	self->old.snap.fact = self->old.fact;
	self->old.snap.text = self->old.text;
	self->new.snap.fact = self->new.fact;
	self->new.snap.text = self->new.text;
	self->diff.old = &self->old.snap;
	self->diff.new = &self->new.snap;
}

FIXTURE_TEARDOWN(diff)
{
}

static struct pmig_fact *add(struct book *book, enum pmig_field field, u64 key, u64 value)
{
	struct pmig_fact *fact = &book->fact[book->snap.nr++];

	*fact = (struct pmig_fact){ .field = field, .key = key, .value = value };
	return fact;
}

static void add_text(struct book *book, enum pmig_field field, const char *text)
{
	add(book, field, PMIG_KEY_NONE, book->snap.text_len);
	strcpy(book->text + book->snap.text_len, text);
	book->snap.text_len += strlen(text) + 1;
}

/* "2.pvr-1+2 ...": each row with its key, the old value and the new one, as far as they are there. */
static const char *rows(struct pmig_diff *diff)
{
	static char line[4096];
	struct pmig_row row;
	size_t n = 0;

	line[0] = 0;
	while (pmig_diff_next(diff, &row)) {
		const struct pmig_fact *any = row.new ? row.new : row.old;

		n += snprintf(line + n, sizeof(line) - n, "%s%lld.%s", n ? " " : "",
			      (long long)any->key, pmig_fields[any->field].name);
		if (row.old)
			n += snprintf(line + n, sizeof(line) - n, "-%llu",
				      (unsigned long long)row.old->value);
		if (row.new)
			n += snprintf(line + n, sizeof(line) - n, "+%llu",
				      (unsigned long long)row.new->value);
	}
	return line;
}

TEST_F(diff, nothing)
{
	EXPECT_STREQ("", rows(&self->diff));
	add(&self->old, PMIG_CPU_HW_ID, 1, 7);
	add(&self->new, PMIG_CPU_HW_ID, 1, 7);
	EXPECT_STREQ("", rows(&self->diff));
}

TEST_F(diff, changed)
{
	add(&self->old, PMIG_CPU_HW_ID, 1, 7);
	add(&self->old, PMIG_CPU_HOME_NODE, 1, 2);
	add(&self->old, PMIG_CPU_HW_ID, 2, 8);
	add(&self->new, PMIG_CPU_HW_ID, 1, 7);
	add(&self->new, PMIG_CPU_HOME_NODE, 1, 3);
	add(&self->new, PMIG_CPU_HW_ID, 2, 9);
	EXPECT_STREQ("1.home-node-2+3 2.hw-id-8+9", rows(&self->diff));
	/* There is none behind the last one. */
	EXPECT_STREQ("", rows(&self->diff));
}

/* At the beginning, in the middle and at the end, of either. */
TEST_F(diff, came_and_went)
{
	add(&self->old, PMIG_CPU_HW_ID, 0, 1);
	add(&self->old, PMIG_CPU_HW_ID, 2, 3);
	add(&self->old, PMIG_CPU_HW_ID, 3, 4);
	add(&self->old, PMIG_CPU_PVR, PMIG_KEY_NONE, 5);
	add(&self->new, PMIG_CPU_HW_ID, 1, 2);
	add(&self->new, PMIG_CPU_HW_ID, 2, 3);
	add(&self->new, PMIG_CPU_HW_ID, 4, 6);
	add(&self->new, PMIG_CPU_PVR, PMIG_KEY_NONE, 5);
	add(&self->new, PMIG_MEMORY_HOME_NODE, 0, 7);
	EXPECT_STREQ("0.hw-id-1 1.hw-id+2 3.hw-id-4 4.hw-id+6 0.home-node+7", rows(&self->diff));
}

/* The section counts before the key. */
TEST_F(diff, sections_in_order)
{
	add(&self->old, PMIG_CPU_HW_ID, 900, 1);
	add(&self->new, PMIG_CACHE_SIZE, 5, 2);
	EXPECT_STREQ("900.hw-id-1 5.size+2", rows(&self->diff));
}

/* Texts are compared, not where they are. */
TEST_F(diff, texts)
{
	add_text(&self->old, PMIG_SYSTEM_ID, "IBM,021");
	add_text(&self->old, PMIG_MODEL, "IBM,A");
	add_text(&self->new, PMIG_SYSTEM_ID, "IBM,0");
	add_text(&self->new, PMIG_MODEL, "IBM,A");
	EXPECT_STREQ("-1.system-id-0+0", rows(&self->diff));
}

/* What the kernel believes is not what the machine is. */
TEST_F(diff, beliefs_do_not_count)
{
	struct pmig_fact *fact;

	add(&self->old, PMIG_CACHE_SIZE, 0, 1);
	fact = add(&self->new, PMIG_CACHE_SIZE, 0, 1);
	fact->has_kernel = true;
	fact->kernel = 2;
	EXPECT_STREQ("", rows(&self->diff));
}

/* A dump goes on where it stopped. */
TEST_F(diff, resumes)
{
	struct pmig_diff again = { .old = &self->old.snap, .new = &self->new.snap };
	struct pmig_row row;
	unsigned int i;

	for (i = 0; i < FACTS_MAX; i++)
		add(i % 2 ? &self->old : &self->new, PMIG_CPU_HW_ID, i, 1);
	for (i = 0; i < FACTS_MAX; i++) {
		ASSERT_TRUE(pmig_diff_next(&again, &row));
		EXPECT_EQ(i, (row.new ?: row.old)->key);
		again = (struct pmig_diff){ again.old, again.new, again.i, again.j };
	}
	EXPECT_FALSE(pmig_diff_next(&again, &row));
}

/* 2,048 processors with all that they have, and 64 TB in blocks of 256 MB, with five domains of five digits. */
TEST(room)
{
	const u64 blocks = (64ULL << 40) / (256 << 20);

	EXPECT_GE(PMIG_FACTS_MAX, 2 * blocks + 60000);
	EXPECT_GE(PMIG_TEXTS_MAX,
		  blocks * sizeof("12345.12345.12345.12345.12345") + 2048 * 8 * PMIG_VALUE_LEN);
}

/* Each has a name and a place, and those of one section follow each other, so that one walk adds them in order. */
TEST_F(diff, fields)
{
	unsigned int i;

	for (i = 0; i < PMIG_NR_FIELDS; i++) {
		ASSERT_NE(NULL, pmig_fields[i].name);
		ASSERT_GT(PMIG_NR_SECTIONS, pmig_fields[i].section);
		if (i)
			EXPECT_LE(pmig_fields[i - 1].section, pmig_fields[i].section);
	}
}

TEST_HARNESS_MAIN
