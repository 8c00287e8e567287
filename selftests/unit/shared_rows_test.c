// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of rows: their names, what differs between two, and how many become few. */
#include "shared/rows.h"
#include "uapi/linux/pmig.h"

#include "kselftest_harness.h"
#include "unit/rows.h"

#include <errno.h>

/* All rows in one text, "section.key.field=old>new/flags" each. */
static const char *text_of(const struct rows *rows)
{
	static char text[8192];
	char name[ROW_NAME_LEN];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rows->n && used < sizeof(text); i++) {
		const struct row *row = &rows->v[i];

		row_name(row, name);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%s>%s/%x",
					 i ? " " : "", name, row->old, row->new, row->flags);
	}
	return text;
}

static const char *folded(struct rows *rows)
{
	struct rows few = { 0 };
	const char *text;

	if (rows_fold(rows, &few) < 0)
		abort();
	text = text_of(&few);
	rows_done(&few);
	rows_done(rows);
	return text;
}

TEST(names)
{
	struct row row = { .section = "cache", .key = "l2@8", .field = "size" };
	char name[ROW_NAME_LEN];

	row_name(&row, name);
	EXPECT_STREQ("cache.l2@8.size", name);
	row.key[0] = '\0';
	row_name(&row, name);
	EXPECT_STREQ("cache.size", name);
	/* As long as all of it can be. */
	memset(row.section, 's', sizeof(row.section) - 1);
	memset(row.key, 'k', sizeof(row.key) - 1);
	memset(row.field, 'f', sizeof(row.field) - 1);
	row_name(&row, name);
	EXPECT_EQ(ROW_SECTION_LEN + ROW_KEY_LEN + ROW_FIELD_LEN - 1, strlen(name));
}

TEST(as_a_text)
{
	static const char *const long_ones[] = { "long-section-11", "long-section-22",
						 "long-section-33", "long-section-44",
						 "long-section-55" };
	char text[ROWS_TEXT_LEN];
	struct rows rows = { 0 };

	add_row(&rows, "cpu", "0", "home-node", "0", "1", 0);
	rows_text(&rows, text);
	EXPECT_STREQ("1 row (cpu)", text);
	add_row(&rows, "cpu", "1", "home-node", "0", "1", 0);
	add_row(&rows, "memory", "0x0", "home-node", "0", "1", 0);
	add_row(&rows, "cpu", "2", "home-node", "0", "1", 0);
	rows.dropped = 5;
	rows_text(&rows, text);
	EXPECT_STREQ("9 rows (cpu, memory)", text);
	for (size_t i = 0; i < 5; i++)
		add_row(&rows, long_ones[i], "", "x", "", "1", 0);
	rows_text(&rows, text);
	EXPECT_STREQ("14 rows (cpu, memory, long-section-11, long-section-22, long-section-33, "
		     "long-section-44)",
		     text);
	rows_done(&rows);
}

TEST(there_is_a_bound)
{
	struct rows rows = { 0 };
	struct row row = { 0 }, more = { .section = "more" };

	ASSERT_EQ(0, rows_add(&rows, &row));
	rows.n = ROWS_MAX; /* not looked at */
	EXPECT_EQ(0, rows_add(&rows, &more));
	EXPECT_EQ(ROWS_MAX, rows.n);
	EXPECT_EQ(1, rows.dropped);
	rows_done(&rows);
	EXPECT_EQ(0, rows.n);
	EXPECT_EQ(NULL, rows.v);
	EXPECT_EQ(0, rows.dropped);
}

TEST(behind_others)
{
	struct rows rows = { 0 }, more = { .dropped = 3 };

	add_row(&rows, "cpu", "0", "home-node", "0", "1", 0);
	rows.dropped = 2;
	EXPECT_EQ(0, rows_append(&rows, &more));
	EXPECT_EQ(1, rows.n);
	add_row(&more, "cpu", "1", "home-node", "0", "1", 0);
	add_row(&more, "memory", "0x0", "home-node", "0", "1", 0);
	EXPECT_EQ(0, rows_append(&rows, &more));
	ASSERT_EQ(3, rows.n);
	EXPECT_EQ(8, rows.dropped);
	EXPECT_STREQ("0", rows.v[0].key);
	EXPECT_STREQ("1", rows.v[1].key);
	EXPECT_STREQ("memory", rows.v[2].section);
	EXPECT_EQ(2, more.n);
	rows_done(&rows);
	rows_done(&more);
}

/* What should not have changed comes first, wherever it was, in its order. */
TEST(the_first_of_many)
{
	static const struct {
		const char *rows; /* large letters: unexpected */
		size_t max;
		const char *kept;
	} tables[] = {
		{ "abCdEFG", 3, "CEF" },     { "abcdE", 3, "Eab" }, { "aBc", 3, "aBc" },
		{ "abCD", 2, "CD" },	     { "abc", 2, "ab" },    { "ABcd", 3, "ABc" },
		{ "aBcDe", 4, "BDac" },	     { "abcdeF", 1, "F" },  { "ab", 0, "" },
		{ "aBcdefGhI", 5, "BGIac" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct rows rows = { .dropped = 1 };
		char kept[16] = "";

		for (const char *p = tables[i].rows; *p; p++)
			add_row(&rows, "s", (char[]){ *p, 0 }, "f", "", "",
				*p < 'a' ? PMIG_ROW_F_UNEXPECTED : 0);
		rows_shorten(&rows, tables[i].max);
		for (size_t k = 0; k < rows.n; k++)
			kept[k] = rows.v[k].key[0];
		EXPECT_STREQ(tables[i].kept, kept);
		EXPECT_EQ(1 + strlen(tables[i].rows) - strlen(tables[i].kept), rows.dropped);
		rows_done(&rows);
	}
}

TEST(what_differs)
{
	struct rows old = { 0 }, now = { 0 }, diff = { 0 };

	/* in no order; what is left out, changed, kept and new; the first of a name counts */
	add_row(&old, "b", "", "kept", "", "1", 0);
	add_row(&old, "a", "2", "f", "ignored", "1", 0);
	add_row(&old, "a", "1", "gone", "", "x", 0);
	add_row(&old, "a", "1", "stays", "", "x", ROW_F_STAYS);
	add_row(&old, "b", "", "kept", "", "7", 0);
	add_row(&now, "c", "", "new", "", "y", ROW_F_STALE);
	add_row(&now, "a", "1", "stays", "", "y", ROW_F_STAYS);
	add_row(&now, "b", "", "kept", "", "1", 0);
	add_row(&now, "a", "2", "f", "", "2", 0);
	add_row(&now, "a", "2", "f", "", "3", 0);
	now.v[3].unit = PMIG_UNIT_HZ;
	ASSERT_EQ(0, rows_diff(&old, &now, &diff));
	EXPECT_STREQ("a.1.gone=x>/0 a.1.stays=x>y/1 a.2.f=1>2/0 c.new=>y/10000", text_of(&diff));
	EXPECT_EQ(PMIG_UNIT_HZ, diff.v[2].unit);
	rows_done(&diff);
	ASSERT_EQ(0, rows_diff(&old, &old, &diff));
	EXPECT_EQ(0, diff.n);
	rows_done(&old);
	ASSERT_EQ(0, rows_diff(&old, &old, &diff)) TH_LOG("empty tables");
	EXPECT_EQ(0, diff.n);
	rows_done(&now);
}

TEST(what_is_gone_and_should_have_stayed)
{
	struct rows old = { 0 }, now = { 0 }, diff = { 0 };

	add_row(&old, "adapter", "1", "mac", "", "x", ROW_F_STAYS);
	ASSERT_EQ(0, rows_diff(&old, &now, &diff));
	EXPECT_STREQ("adapter.1.mac=x>/1", text_of(&diff));
	rows_done(&old);
	rows_done(&diff);
}

TEST(caches_become_one)
{
	struct rows rows = { 0 };

	add_row(&rows, "cache", "l1d@0", "size", "1", "2", 0);
	add_row(&rows, "cache", "l2@0", "size", "1", "2", 0);
	add_row(&rows, "cache", "l1d@8", "size", "1", "2", 0);
	add_row(&rows, "cache", "l2@8", "size", "1", "3", 0);
	add_row(&rows, "cache", "l2@16", "size", "1", "2", 0);
	add_row(&rows, "cache", "l3@0", "size", "1", "2", 0);
	add_row(&rows, "cache", "l1d@16", "size", "1", "2", 0);
	add_row(&rows, "cache", "l1d@16", "sets", "1", "2", 0);
	/* "l2" while not all say the same would be untrue of one of them */
	EXPECT_STREQ("cache.l1d.size=1>2/0 cache.l2@0,16.size=1>2/0 cache.l2@8.size=1>3/0 "
		     "cache.l3@0.size=1>2/0 cache.l1d@16.sets=1>2/0",
		     folded(&rows));
}

TEST(processors_become_ranges)
{
	struct rows rows = { 0 };

	add_row(&rows, "identity", "", "model", "a", "b", 0);
	add_row(&rows, "cpu", "0", "home-node", "0", "1", 0);
	add_row(&rows, "cpu", "1", "home-node", "0", "1", 0);
	add_row(&rows, "cpu", "2", "home-node", "0", "1", 0);
	add_row(&rows, "cpu", "3", "home-node", "0", "2", 0);
	add_row(&rows, "cpu", "8", "home-node", "0", "1", 0);
	add_row(&rows, "cpu", "9", "home-node", "0", "1", 1);
	add_row(&rows, "cpu", "10", "home-node", "0", "1", 0);
	add_row(&rows, "cpu", "11", "home-node", "0", "1", 0);
	rows.v[8].unit = PMIG_UNIT_NODE;
	add_row(&rows, "cpu", "", "pvr", "1", "2", 0);
	EXPECT_STREQ("identity.model=a>b/0 cpu.0-2,8,10.home-node=0>1/0 cpu.3.home-node=0>2/0 "
		     "cpu.9.home-node=0>1/1 cpu.11.home-node=0>1/0 cpu.pvr=1>2/0",
		     folded(&rows));
}

TEST(blocks_become_ranges)
{
	struct rows rows = { 0 };

	add_row(&rows, "memory", "0x0", "home-node", "0", "1", 0);
	add_row(&rows, "memory", "0x10000000", "home-node", "0", "1", 0);
	add_row(&rows, "memory", "0x20000000", "home-node", "0", "2", 0);
	add_row(&rows, "memory", "0x30000000", "home-node", "0", "1", 0);
	add_row(&rows, "memory", "0xfffffffff0000000", "home-node", "1", "0", 0);
	add_row(&rows, "memory", "0xffffffffe0000000", "home-node", "1", "0", 0);
	EXPECT_STREQ("memory.0x0-0x10000000,0x30000000.home-node=0>1/0 "
		     "memory.0x20000000.home-node=0>2/0 "
		     "memory.0xffffffffe0000000-0xfffffffff0000000.home-node=1>0/0",
		     folded(&rows));
}

TEST(what_is_no_number_stays)
{
	static const char *const keys[] = { "",	    "x",    "-1",    "+1",
					    " 1",   "1x",   "0x1",   "l2@",
					    "@1",   "l2@x", "l2@1 ", "12345678901234567890123",
					    "l2@-1" };
	struct rows rows = { 0 }, few = { 0 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		add_row(&rows, "cpu", keys[i], "f", "1", "2", 0);
		add_row(&rows, "cache", keys[i], "f", "1", "2", 0);
		/* an adapter's number is none of a processor */
		add_row(&rows, "adapter", i % 2 ? "1" : "2", keys[i], "1", "2", 0);
	}
	add_row(&rows, "memory", "1", "f", "1", "2", 0);
	add_row(&rows, "memory", "2", "f", "1", "2", 0);
	add_row(&rows, "memory", "0x-1", "f", "1", "2", 0);
	ASSERT_EQ(0, rows_fold(&rows, &few));
	ASSERT_EQ(rows.n, few.n);
	EXPECT_EQ(0, memcmp(rows.v, few.v, rows.n * sizeof(*rows.v)));
	rows_done(&few);
	rows.dropped = 5;
	ASSERT_EQ(0, rows_fold(&rows, &few));
	EXPECT_EQ(5, few.dropped);
	rows_done(&few);
	rows_done(&rows);
}

/* Each processor is in one row, and no key is longer than what applications can be told. */
TEST(many_become_few)
{
	struct rows rows = { 0 }, few = { 0 };
	bool seen[2048] = { 0 };
	char key[16];

	for (unsigned cpu = 0; cpu < 2048; cpu++) {
		snprintf(key, sizeof(key), "%u", cpu);
		add_row(&rows, "cpu", key, "home-node", "0", cpu % 3 ? "1" : "2", 0);
		snprintf(key, sizeof(key), "l2@%u", cpu);
		add_row(&rows, "cache", key, "size", "0", "1", 0);
	}
	ASSERT_EQ(0, rows_fold(&rows, &few));
	EXPECT_GT(300, few.n);
	for (size_t i = 0; i < few.n; i++) {
		char *text = few.v[i].key, *word;

		EXPECT_GT(40, strlen(text));
		if (strcmp(few.v[i].section, "cpu") != 0) {
			EXPECT_STREQ("l2", text);
			continue;
		}
		while ((word = strsep(&text, ","))) {
			unsigned from, to;
			int n = sscanf(word, "%u-%u", &from, &to);

			ASSERT_LT(0, n);
			for (unsigned cpu = from; cpu <= (n == 2 ? to : from); cpu++) {
				EXPECT_FALSE(seen[cpu]);
				seen[cpu] = true;
				EXPECT_STREQ(cpu % 3 ? "1" : "2", few.v[i].new);
			}
		}
	}
	for (unsigned cpu = 0; cpu < 2048; cpu++)
		EXPECT_TRUE(seen[cpu]);
	rows_done(&few);
	rows_done(&rows);
}

TEST_HARNESS_MAIN
