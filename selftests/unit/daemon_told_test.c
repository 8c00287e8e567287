// SPDX-License-Identifier: GPL-2.0-or-later
/* The told-set: each name once, in the order of telling, and quickly found among very many. */
#include <stdio.h>
#include <string.h>

#include "daemon/session/told.h"
#include "kselftest_harness.h"
#include <sanitizer/lsan_interface.h>

#define MANY 10000UL

static size_t compared;

/* In the place of libc's: counts. */
int strcmp(const char *a, const char *b)
{
	compared++;
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

FIXTURE(told)
{
	struct told t;
};

FIXTURE_SETUP(told)
{
}

FIXTURE_TEARDOWN(told)
{
	told_clear(&self->t);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

TEST_F(told, once_and_in_order)
{
	static const char *const names[] = { "script/20", "app-1", "script/10" };

	for (size_t i = 0; i < 3; i++)
		ASSERT_NE(NULL, told_add(&self->t, names[i], TOLD_READY));
	EXPECT_EQ(&self->t.v[1], told_add(&self->t, "app-1", TOLD_OVER));
	ASSERT_EQ(3, self->t.n);
	for (size_t i = 0; i < 3; i++)
		EXPECT_STREQ(names[i], self->t.v[i].name);
	EXPECT_EQ(TOLD_READY, self->t.v[0].state);
	EXPECT_EQ(TOLD_OVER, self->t.v[1].state);
	EXPECT_EQ(NULL, told_find(&self->t, "app-"));
	told_clear(&self->t);
	EXPECT_EQ(NULL, told_find(&self->t, "app-1"));
}

TEST_F(told, many)
{
	char name[32];

	compared = 0;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "app-%zu", i);
		ASSERT_NE(NULL, told_add(&self->t, name, TOLD_READY));
		ASSERT_GT(MANY * 100, compared) TH_LOG("each is looked at for each");
	}
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "app-%zu", i);
		ASSERT_EQ(&self->t.v[i], told_find(&self->t, name));
		ASSERT_GT(MANY * 100, compared) TH_LOG("each is looked at for each");
	}
}

TEST_HARNESS_MAIN
