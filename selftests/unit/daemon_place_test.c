// SPDX-License-Identifier: GPL-2.0-or-later
/* Where processors are by the true map, and where that goes which was bound to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/affinity/place.h"
#include "daemon/base/util.h"
#include "daemon/platform/tree.h"
#include "kselftest_harness.h"
#include "unit/rows.h"
#include "unit/tree.h"
#include <sanitizer/lsan_interface.h>

FIXTURE(place)
{
	struct map map;
	struct placing *p;
	struct cpus got;
	uint16_t to[CPUS_MAX];
	char text[128];
};

FIXTURE_SETUP(place)
{
	log_max_level = LOG_EMERG;
	memset(&self->map, 0xff, sizeof(self->map));
	self->map.online = (struct cpus){ 0 };
}

FIXTURE_TEARDOWN(place)
{
	placing_free(self->p);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static struct cpus list(const char *text)
{
	struct cpus set;

	if (cpus_parse(&set, text) < 0)
		abort();
	return set;
}

/* These processors were in domain @before, are in domain @now, and are online. */
static void are(FIXTURE_DATA(place) * self, const char *cpus, uint32_t before, uint32_t now)
{
	struct cpus set = list(cpus);

	for (unsigned cpu = cpus_next(&set, 0); cpu < CPUS_MAX; cpu = cpus_next(&set, cpu + 1)) {
		self->map.before[cpu] = before;
		self->map.now[cpu] = now;
		cpus_add(&self->map.online, cpu);
	}
}

/* What was bound to @cpus is bound to these, or an error. */
static const char *placed(FIXTURE_DATA(place) * self, const char *cpus)
{
	struct cpus held = list(cpus);
	int r = self->p ? 0 : placing_new(&self->p, &self->map);

	if (r == 0)
		r = placing_find(self->p, &held, self->to);
	if (r < 0)
		return strerror(-r);
	placing_image(&held, self->to, &self->got);
	cpus_text(&self->got, self->text, sizeof(self->text));
	return self->text;
}

TEST_F(place, who_is_in_a_good_place_stays)
{
	are(self, "0-7", 0, 0);
	are(self, "8-15", 1, 1);
	EXPECT_STREQ("2-5", placed(self, "2-5"));
	EXPECT_STREQ("0-3,8-11", placed(self, "0-3,8-11"));
	EXPECT_STREQ("0-15", placed(self, "0-15"));
	EXPECT_STREQ("", placed(self, ""));
}

TEST_F(place, all_moved_together)
{
	are(self, "0-7", 0, 1);
	are(self, "8-15", 1, 0);
	EXPECT_STREQ("0-3", placed(self, "0-3"));
	EXPECT_STREQ("0-3,8", placed(self, "0-3,8"));
}

TEST_F(place, one_domain_becomes_one_domain)
{
	are(self, "0-1", 0, 0);
	are(self, "2-3", 0, 1);
	are(self, "4-5", 1, 0);
	are(self, "6-7", 1, 1);
	/* most of it is there already */
	EXPECT_STREQ("2-3,6", placed(self, "1-3"));
	for (unsigned cpu = 2; cpu <= 3; cpu++)
		EXPECT_EQ(cpu, self->to[cpu]);
	EXPECT_EQ(6, self->to[1]);
}

TEST_F(place, of_two_that_are_as_good_the_lower)
{
	are(self, "0-1", 0, 1);
	are(self, "2-3", 0, 3);
	are(self, "4-5", 1, 3);
	are(self, "6-7", 1, 1);
	EXPECT_STREQ("0-1,6-7", placed(self, "0-3"));
}

TEST_F(place, where_there_is_room_for_all)
{
	are(self, "0-3", 0, 0);
	are(self, "4-5", 0, 1);
	are(self, "8-13", 1, 1);
	EXPECT_STREQ("4-5,8-11", placed(self, "0-5")); /* four of them are in a domain of four */
}

TEST_F(place, no_domain_has_room)
{
	are(self, "0-2", 0, 0);
	are(self, "3-7", 0, 1);
	EXPECT_STREQ("3-7", placed(self, "0-7"));
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		EXPECT_TRUE(self->to[cpu] >= 3);
		EXPECT_TRUE(self->to[cpu] <= 7);
	}
}

TEST_F(place, holes_and_large_numbers)
{
	are(self, "0,8,16,4088", 3000000000U, 5);
	are(self, "24,8190-8191", 3000000000U, 4000000000U);
	are(self, "32,40,48,8000", 7, 4000000000U);
	EXPECT_STREQ("24,32,40,48,8190-8191", placed(self, "0,8,16,24,8190-8191"));
	EXPECT_EQ(8191, self->to[8191]);
	EXPECT_EQ(32, self->to[0]);
	EXPECT_EQ(48, self->to[16]);
}

TEST_F(place, what_is_gone_is_replaced)
{
	are(self, "0-3", 0, 0);
	are(self, "4-7", 1, 1);
	self->map.before[8] = self->map.before[9] = 0; /* not online, and nowhere */
	EXPECT_STREQ("0-2", placed(self, "0,8-9"));
	/* It is listed, but does not run. */
	self->map.now[8] = 0;
	EXPECT_STREQ("1,3", placed(self, "1,8"));
}

TEST_F(place, what_was_apart_is_not_spread_further)
{
	are(self, "0-3", 0, 0);
	are(self, "4-7", 1, 0);
	are(self, "8-11", 2, 1);
	EXPECT_STREQ("1,6", placed(self, "1,6")); /* together now */
	EXPECT_STREQ("0,4,8", placed(self, "0,4,8"));
}

/* The larger group first: there is only one domain that it fits into. */
TEST_F(place, who_needs_much_room_comes_first)
{
	are(self, "0-3", 9, 0);
	are(self, "16-18", 9, 1);
	self->map.before[8] = 0;
	for (unsigned cpu = 4; cpu < 8; cpu++)
		self->map.before[cpu] = 1;
	EXPECT_STREQ("0-3,16", placed(self, "4-8"));
	EXPECT_EQ(16, self->to[8]);
}

TEST_F(place, who_had_one_of_its_own_has_one_again)
{
	struct cpus one, image;

	are(self, "0-3", 0, 7);
	are(self, "4-7", 1, 1);
	are(self, "8-11", 2, 1);
	self->map.online = list("4-11");
	EXPECT_STREQ("4-7", placed(self, "0-3"));
	for (unsigned a = 0; a < 4; a++)
		for (unsigned b = a + 1; b < 4; b++)
			EXPECT_NE(self->to[a], self->to[b]);
	one = list("2");
	placing_image(&one, self->to, &image);
	EXPECT_EQ(self->to[2], cpus_next(&image, 0));
	EXPECT_EQ(CPUS_MAX, cpus_next(&image, self->to[2] + 1U));
}

TEST_F(place, beside_others_and_with_the_same)
{
	are(self, "0-1", 0, 0);
	are(self, "2-3", 0, 1);
	are(self, "4-5", 0, 0);
	are(self, "6-7", 0, 1);
	EXPECT_STREQ("0-1,4-5", placed(self, "0-3"));
	EXPECT_STREQ("0-1,4-5", placed(self, "0-3"));
	EXPECT_STREQ("2-3,6-7", placed(self, "4-7")); /* two are in each, and one is free */
	EXPECT_STREQ("0-1,4-5", placed(self, "0-3"));
}

TEST_F(place, more_groups_than_processors)
{
	are(self, "0-3", 0, 0);
	are(self, "4-7", 1, 1);
	self->map.online = list("2");
	EXPECT_STREQ("2", placed(self, "0-7"));
}

TEST_F(place, without_a_place)
{
	are(self, "0-3", 0, NO_DOMAIN);
	EXPECT_STREQ(strerror(ENODATA), placed(self, "0-3"));
	self->p = placing_free(self->p);
	/* Nobody knows where they were: they count as having been together. */
	are(self, "4-7", NO_DOMAIN, 1);
	are(self, "8-11", NO_DOMAIN, 2);
	EXPECT_STREQ("8-11", placed(self, "7-10"));
	EXPECT_STREQ("4-7", placed(self, "0-3")); /* and are where one is known */
}

static unsigned random_below(unsigned n)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x % n);
}

static unsigned in_domain(FIXTURE_DATA(place) * self, uint32_t domain)
{
	unsigned n = 0;

	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		n += cpus_has(&self->map.online, cpu) && self->map.now[cpu] == domain;
	return n;
}

/* Any map: what was in one domain is in one, on processors that are there, and on as many where that is possible. */
TEST_F(place, whatever_the_map)
{
	for (unsigned round = 0; round < 300; round++) {
		unsigned domains = 1 + random_below(5), n = 1 + random_below(40), most = 0,
			 nr_held = 0;
		struct cpus held = { 0 };

		self->p = placing_free(self->p);
		memset(&self->map, 0xff, sizeof(self->map));
		self->map.online = (struct cpus){ 0 };
		for (unsigned i = 0; i < n; i++) {
			unsigned cpu = random_below(64);

			self->map.before[cpu] = 3;
			self->map.now[cpu] = random_below(domains);
			if (random_below(4))
				cpus_add(&self->map.online, cpu);
			if (random_below(2))
				cpus_add(&held, cpu);
		}
		ASSERT_EQ(0, placing_new(&self->p, &self->map));
		if (cpus_empty(&self->map.online)) {
			EXPECT_EQ(-ENODATA, placing_find(self->p, &held, self->to));
			continue;
		}
		ASSERT_EQ(0, placing_find(self->p, &held, self->to));
		placing_image(&held, self->to, &self->got);
		if (cpus_empty(&held)) {
			EXPECT_TRUE(cpus_empty(&self->got));
			continue;
		}
		for (unsigned d = 0; d < domains; d++)
			if (in_domain(self, d) > most)
				most = in_domain(self, d);
		for (unsigned cpu = 0; cpu < 64; cpu++) {
			nr_held += cpus_has(&held, cpu);
			if (cpus_has(&self->got, cpu))
				nr_held--, most--;
		}
		/* as many as before, or all of the largest domain */
		EXPECT_TRUE(nr_held == 0 || most == 0)
		{
			TH_LOG("round %u", round);
		}
		for (unsigned cpu = 0; cpu < 64; cpu++)
			if (cpus_has(&self->got, cpu)) {
				EXPECT_TRUE(cpus_has(&self->map.online, cpu));
				EXPECT_EQ(self->map.now[cpus_next(&self->got, 0)],
					  self->map.now[cpu]);
			}
	}
}

/* ---- sets ---- */

TEST(sets)
{
	static const char *const bad[] = { "x", "1-", "3-2", "1,,2", "1 2", "-1", "1-2x", "1,2;" };
	struct cpus set, other;
	uint8_t bytes[CPUS_MAX / 8 + 1] = { 0x01, 0x80, 0, 0x10 };
	char text[CPUS_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EBADMSG, cpus_parse(&set, bad[i]))
		{
			TH_LOG("%s", bad[i]);
		}
	}
	EXPECT_EQ(-ERANGE, cpus_parse(&set, "8192"));
	EXPECT_EQ(0, cpus_parse(&set, "0-3,8,64-127,8191\n"));
	cpus_text(&set, text, sizeof(text));
	EXPECT_STREQ("0-3,8,64-127,8191", text);
	cpus_text(&set, text, 12);
	EXPECT_STREQ("0-3,8...", text);
	EXPECT_EQ(64, cpus_next(&set, 9));
	EXPECT_EQ(8191, cpus_next(&set, 128));
	EXPECT_EQ(1024, cpus_to_bytes(&set, bytes));
	EXPECT_EQ(0x0f, bytes[0]);
	EXPECT_EQ(0x01, bytes[1]);
	EXPECT_EQ(0xff, bytes[8]);
	EXPECT_EQ(0x80, bytes[1023]);
	EXPECT_EQ(0, cpus_from_bytes(&other, bytes, sizeof(bytes)));
	EXPECT_TRUE(cpus_equal(&set, &other));
	bytes[1024] = 1;
	EXPECT_EQ(-ERANGE, cpus_from_bytes(&other, bytes, sizeof(bytes)));
	EXPECT_EQ(0, cpus_from_bytes(&other, bytes, 0));
	EXPECT_TRUE(cpus_empty(&other));
	/* the longest list */
	for (unsigned cpu = 1; cpu < CPUS_MAX; cpu += 2)
		cpus_add(&other, cpu);
	cpus_text(&other, text, sizeof(text));
	EXPECT_EQ(0, cpus_parse(&set, text));
	EXPECT_TRUE(cpus_equal(&set, &other));
	EXPECT_EQ(0, cpus_parse(&set, "0-8191"));
	cpus_text(&set, text, sizeof(text));
	EXPECT_STREQ("0-8191", text);
}

/* ---- the map, of the module's rows ---- */

FIXTURE(map)
{
	struct map map;
	struct rows now, changed;
	struct cpus online;
};

FIXTURE_SETUP(map)
{
	log_max_level = LOG_EMERG;
	self->online = list("0-3");
}

FIXTURE_TEARDOWN(map)
{
	rows_done(&self->now);
	rows_done(&self->changed);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

TEST_F(map, of_rows)
{
	add_row(&self->now, "cpu", "0", "home-node", "5", "1", 0);
	add_row(&self->now, "cpu", "2", "home-node", "2", "4294967294", 0);
	add_row(&self->now, "cpu", "2", "sysfs-home-node", "7", "7", 0);
	add_row(&self->now, "cpu", "3", "domains", "", "0,0,9", 0);
	add_row(&self->now, "cache", "2", "home-node", "", "8", 0);
	add_row(&self->now, "cpu", "8192", "home-node", "", "1", 0);
	add_row(&self->now, "cpu", "x", "home-node", "", "1", 0);
	/* no domain has that number */
	add_row(&self->now, "cpu", "1", "home-node", "", "4294967295", 0);
	add_row(&self->changed, "cpu", "0", "home-node", "0", "1", 0);
	add_row(&self->changed, "cpu", "7", "home-node", "6", "", 0); /* it is gone */
	add_row(&self->changed, "cpu", "2", "hw-id", "3", "4", 0);
	ASSERT_EQ(0, map_make(&self->map, &self->online, &self->now, &self->changed));
	EXPECT_EQ(1, self->map.now[0]);
	EXPECT_EQ(0, self->map.before[0]);
	EXPECT_EQ(4294967294U, self->map.now[2]);
	EXPECT_EQ(4294967294U, self->map.before[2]);
	EXPECT_EQ(NO_DOMAIN, self->map.now[1]);
	EXPECT_EQ(NO_DOMAIN, self->map.now[3]);
	EXPECT_EQ(NO_DOMAIN, self->map.now[7]);
	EXPECT_EQ(6, self->map.before[7]);
	EXPECT_TRUE(cpus_equal(&self->online, &self->map.online));
}

TEST_F(map, without_places)
{
	add_row(&self->now, "cpu", "", "pvr", "", "0x4e1202", 0);
	add_row(&self->now, "memory", "0x0", "home-node", "0", "1", 0);
	add_row(&self->changed, "cpu", "0", "home-node", "0", "", 0);
	EXPECT_EQ(-ENODATA, map_make(&self->map, &self->online, &self->now, &self->changed));
}

TEST_F(map, memory_follows_where_a_node_is_in_one_place)
{
	struct cpus cpus = list("0"), nodes = list("0"), got;
	unsigned bad = 0;

	add_row(&self->now, "cpu", "0", "home-node", "0", "1", 0);
	add_row(&self->now, "cpu", "1", "home-node", "1", "0", 0);
	add_row(&self->now, "cpu", "2", "home-node", "1", "9", 0);
	add_row(&self->now, "memory", "0x0", "home-node", "0", "0", 0);
	add_row(&self->now, "memory", "0x10000000", "home-node", "0", "0", 0);
	add_row(&self->now, "memory", "0x20000000", "home-node", "1", "1", 0);
	add_row(&self->now, "memory", "0x30000000", "home-node", "2", "1", 0);
	add_row(&self->now, "memory", "0x40000000", "home-node", "3", "1", 0);
	add_row(&self->now, "memory", "0x50000000", "home-node", "3", "7", 0);
	add_row(&self->now, "memory", "0x60000000", "home-node", "", "1", 0); /* in no node */
	add_row(&self->now, "memory", "0x70000000", "home-node", "1024", "1", 0);
	ASSERT_EQ(0, map_make(&self->map, &self->online, &self->now, &self->changed));
	/* cpu 0 is in domain 1, where all of the nodes 1 and 2 is; of node 3 only a part is */
	EXPECT_EQ(0, map_nodes(&self->map, &cpus, &nodes, &got, &bad));
	EXPECT_TRUE(cpus_has(&got, 1) && cpus_has(&got, 2));
	EXPECT_FALSE(cpus_has(&got, 0) || cpus_has(&got, 3));
	nodes = list("2-3");
	EXPECT_EQ(-EXDEV, map_nodes(&self->map, &cpus, &nodes, &got, &bad));
	EXPECT_EQ(3, bad);
	EXPECT_EQ(1, self->map.node[3]);
	EXPECT_EQ(7, self->map.split[3]);
	cpus = list("2"); /* no memory is there */
	nodes = list("1");
	EXPECT_EQ(-ENOENT, map_nodes(&self->map, &cpus, &nodes, &got, &bad));
	EXPECT_TRUE(cpus_empty(&got));
}

TEST(online)
{
	struct cpus set, two = list("0,2-3");

	ASSERT_EQ(0, tree_make());
	tree_root = tree_dir;
	EXPECT_EQ(-ENOENT, map_online(&set));
	tree_text("/sys/devices/system/cpu/online", "0,2-3\n");
	EXPECT_EQ(0, map_online(&set));
	EXPECT_TRUE(cpus_equal(&set, &two));
	tree_text("/sys/devices/system/cpu/online", "zero\n");
	EXPECT_EQ(-EBADMSG, map_online(&set));
	tree_remove();
	tree_root = "";
}

TEST_HARNESS_MAIN
