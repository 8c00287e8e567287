// SPDX-License-Identifier: GPL-2.0
/* The comparison of two snapshots, which is pure: built here as it is. */
#include "../../kernel/machine/diff.c"
#include "kselftest_harness.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

FIXTURE(diff)
{
	struct pmig_snapshot old, new;
	struct pmig_change change[PMIG_CHANGES_MAX];
};

FIXTURE_SETUP(diff)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(diff)
{
}

static void add(struct pmig_snapshot *snap, const char *name, const char *value, unsigned int flags)
{
	struct pmig_item *item = &snap->item[snap->nr++];

	snprintf(item->name, sizeof(item->name), "%s", name);
	snprintf(item->value, sizeof(item->value), "%s", value);
	item->flags = flags;
}

TEST_F(diff, nothing)
{
	EXPECT_EQ(0, pmig_diff(&self->old, &self->new, self->change, 1));
	add(&self->old, "a", "1", 0);
	add(&self->old, "b", "2", 0);
	/* The order does not count. */
	add(&self->new, "b", "2", 0);
	add(&self->new, "a", "1", 0);
	EXPECT_EQ(0, pmig_diff(&self->old, &self->new, self->change, 1));
}

TEST_F(diff, changed)
{
	add(&self->old, "cache.l1d.size", "32768", PMIG_CHANGE_F_STALE);
	add(&self->old, "identity.model", "IBM,A", 0);
	add(&self->new, "cache.l1d.size", "65536", PMIG_CHANGE_F_STALE);
	add(&self->new, "identity.model", "IBM,A", 0);
	ASSERT_EQ(1, pmig_diff(&self->old, &self->new, self->change, 9));
	EXPECT_STREQ("cache.l1d.size", self->change[0].name);
	EXPECT_STREQ("32768", self->change[0].old);
	EXPECT_STREQ("65536", self->change[0].new);
	EXPECT_EQ(PMIG_CHANGE_F_STALE, self->change[0].flags);
}

TEST_F(diff, came_and_went)
{
	add(&self->old, "cache.l3.size", "1", PMIG_CHANGE_F_STALE);
	add(&self->new, "cache.l4.size", "2", PMIG_CHANGE_F_UNEXPECTED);
	ASSERT_EQ(2, pmig_diff(&self->old, &self->new, self->change, 9));
	EXPECT_STREQ("cache.l4.size", self->change[0].name);
	EXPECT_STREQ("", self->change[0].old);
	EXPECT_STREQ("2", self->change[0].new);
	EXPECT_EQ(PMIG_CHANGE_F_UNEXPECTED, self->change[0].flags);
	EXPECT_STREQ("cache.l3.size", self->change[1].name);
	EXPECT_STREQ("1", self->change[1].old);
	EXPECT_STREQ("", self->change[1].new);
	EXPECT_EQ(PMIG_CHANGE_F_STALE, self->change[1].flags);
}

TEST_F(diff, more_than_fit)
{
	char name[16];
	int i;

	for (i = 0; i < PMIG_SNAPSHOT_MAX; i++) {
		snprintf(name, sizeof(name), "old%d", i);
		add(&self->old, name, "1", 0);
		snprintf(name, sizeof(name), "new%d", i);
		add(&self->new, name, "1", 0);
	}
	memset(self->change, 0x5a, sizeof(self->change));
	EXPECT_EQ(2 * PMIG_SNAPSHOT_MAX, pmig_diff(&self->old, &self->new, self->change, 3));
	EXPECT_STREQ("new2", self->change[2].name);
	EXPECT_EQ(0x5a, self->change[3].name[0]);
	EXPECT_EQ(2 * PMIG_SNAPSHOT_MAX, pmig_diff(&self->old, &self->new, NULL, 0));
}

/* A value that fills its place to the last byte is still terminated in the change. */
TEST_F(diff, full_fields)
{
	add(&self->new, "", "", 0);
	memset(self->new.item[0].name, 'n', PMIG_NAME_LEN);
	memset(self->new.item[0].value, 'v', PMIG_VALUE_LEN);
	ASSERT_EQ(1, pmig_diff(&self->old, &self->new, self->change, 1));
	EXPECT_EQ(PMIG_NAME_LEN - 1, strlen(self->change[0].name));
	EXPECT_EQ(PMIG_VALUE_LEN - 1, strlen(self->change[0].new));
}

TEST_HARNESS_MAIN
