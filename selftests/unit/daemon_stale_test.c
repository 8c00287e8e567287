// SPDX-License-Identifier: GPL-2.0-or-later
/* What programs still see of another machine: true facts against a made-up tree, and against this machine's sysconf(). */
#include "daemon/platform/stale.h"
#include "daemon/platform/tree.h"
#include "uapi/linux/pmig.h"

#include "daemon/base/util.h"
#include "kselftest_harness.h"
#include "unit/rows.h"
#include "unit/tree.h"

#define NODE "/sys/devices/system/node/"
#define PMU  "/sys/bus/event_source/devices/cpu/caps/pmu_name"

FIXTURE(stale)
{
	struct rows now, ret;
};

FIXTURE_SETUP(stale)
{
	ASSERT_EQ(0, tree_make());
	tree_root = tree_dir;
}

FIXTURE_TEARDOWN(stale)
{
	rows_done(&self->now);
	rows_done(&self->ret);
	tree_remove();
}

static void is_true(FIXTURE_DATA(stale) * self, const char *section, const char *key,
		    const char *field, const char *value)
{
	add_row(&self->now, section, key, field, "", value, 0);
}

static void is_true_number(FIXTURE_DATA(stale) * self, const char *key, const char *field,
			   unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	if (value)
		is_true(self, "cache", key, field, text);
}

/* One line for each row: "cpu.0.cpuinfo-pvr 0x1>0x2". */
static const char *told(const struct rows *rows, const char *with)
{
	static char text[8192];
	char name[ROW_NAME_LEN], *p = text;

	*p = '\0';
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];

		row_name(row, name);
		if (strstr(name, with))
			p += snprintf(p, (size_t)(text + sizeof(text) - p), "%s %s>%s%s\n", name,
				      row->old, row->new,
				      row->flags == ROW_F_STALE ? "" : " (flags)");
	}
	return text;
}

/* The caches of a machine: all of one, but for what the caller leaves out. */
static void caches(FIXTURE_DATA(stale) * self, const char *l2_size, const char *l3_size)
{
	is_true(self, "cache", "l1d@8", "size", "32768");
	is_true(self, "cache", "l1d@8", "line-size", "128");
	is_true(self, "cache", "l1d@8", "sets", "32");
	is_true(self, "cache", "l1i@8", "size", "32768");
	if (l2_size) {
		is_true(self, "cache", "l2@8", "size", l2_size);
		is_true(self, "cache", "l2@16", "size", "1");
	}
	if (l3_size)
		is_true(self, "cache", "l3@8", "size", l3_size);
}

static void auxv(void)
{
	const unsigned long v[][2] = {
		{ 42, 32768 },	{ 43, 8 << 16 | 128 }, { 40, 32768 }, { 41, 0xffffUL << 16 | 128 },
		{ 44, 524288 }, { 45, 8 << 16 | 128 }, { 46, 0 },     { 47, 0 },
		{ 0, 0 },
	};

	tree_put("/proc/self/auxv", v, sizeof(v));
}

TEST_F(stale, auxiliary_vector)
{
	auxv();
	caches(self, "1048576", "4194304");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("cache.l2.auxv-size 524288>1048576\n"
		     "cache.l3.auxv-size >4194304\n",
		     told(&self->ret, "auxv"));
}

TEST_F(stale, cache_that_has_gone)
{
	auxv();
	caches(self, NULL, NULL);
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("cache.l2.auxv-size 524288>\n"
		     "cache.l2.auxv-line-size 128>\n"
		     "cache.l2.auxv-sets 512>\n",
		     told(&self->ret, "auxv"));
}

TEST_F(stale, cache_of_another_shape)
{
	auxv();
	caches(self, "524288", NULL);
	is_true(self, "cache", "l1i@8", "line-size", "64");
	is_true(self, "cache", "l1i@8", "sets", "2");
	is_true(self, "cache", "l2@8", "sets", "1024");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("cache.l1i.auxv-line-size 128>64\n"
		     "cache.l1i.auxv-sets 1>2\n"
		     "cache.l2.auxv-sets 512>1024\n",
		     told(&self->ret, "auxv"));
}

TEST_F(stale, nothing_is_said_where_nothing_is_known)
{
	auxv();
	tree_text("/proc/cpuinfo", "processor\t: 0\nrevision\t: 2.2 (pvr 004e 1202)\n");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_EQ(0, self->ret.n);
}

static const struct {
	const char *key;
	int size, line, ways;
} asked[] = {
	{ "l1d@0", _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL1_DCACHE_LINESIZE, _SC_LEVEL1_DCACHE_ASSOC },
	{ "l1i@0", _SC_LEVEL1_ICACHE_SIZE, _SC_LEVEL1_ICACHE_LINESIZE, _SC_LEVEL1_ICACHE_ASSOC },
	{ "l2@0", _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL2_CACHE_LINESIZE, _SC_LEVEL2_CACHE_ASSOC },
	{ "l3@0", _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL3_CACHE_LINESIZE, _SC_LEVEL3_CACHE_ASSOC },
};

static unsigned long known(int name)
{
	long value = sysconf(name);

	return value < 0 ? 0 : (unsigned long)value;
}

/* This machine has not moved. */
static void this_machine(FIXTURE_DATA(stale) * self, unsigned long more)
{
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		unsigned long size = known(asked[i].size), line = known(asked[i].line),
			      ways = known(asked[i].ways);

		is_true_number(self, asked[i].key, "size", size + (size ? more : 0));
		is_true_number(self, asked[i].key, "line-size", line);
		is_true_number(self, asked[i].key, "sets", line && ways ? size / line / ways : 0);
	}
}

TEST_F(stale, sysconf_of_this_machine)
{
	if (!known(_SC_LEVEL1_DCACHE_SIZE))
		SKIP(return, "sysconf() knows no caches here");
	this_machine(self, 0);
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("", told(&self->ret, ""));
}

TEST_F(stale, sysconf_of_another_machine)
{
	char text[96];

	if (!known(_SC_LEVEL1_DCACHE_SIZE))
		SKIP(return, "sysconf() knows no caches here");
	this_machine(self, 4096);
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	snprintf(text, sizeof(text), "cache.l1d.sysconf-size %lu>%lu\n",
		 known(_SC_LEVEL1_DCACHE_SIZE), known(_SC_LEVEL1_DCACHE_SIZE) + 4096);
	EXPECT_STREQ(text, told(&self->ret, "l1d"));
}

static void cpuinfo(void)
{
	tree_text("/proc/cpuinfo", "processor\t: 0\n"
				   "cpu\t\t: POWER9 (architected), altivec supported\n"
				   "clock\t\t: 2900.000000MHz\n"
				   "revision\t: 2.0 (pvr 0080 0200)\n\n"
				   "processor\t: 8\n"
				   "cpu\t\t: POWER9 (architected), altivec supported\n"
				   "clock\t\t: 2900.000000MHz\n"
				   "revision\t: 2.2 (pvr 004e 1202)\n\n"
				   "timebase\t: 512000000\nplatform\t: pSeries\n");
	tree_text(PMU, "POWER9\n");
}

TEST_F(stale, processors_of_the_boot)
{
	cpuinfo();
	is_true(self, "cpu", "", "pvr", "0x800200");
	is_true(self, "cpu", "", "clock-frequency", "4000000000");
	is_true(self, "cpu", "", "timebase-frequency", "512000001");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("cpu.cpuinfo-clock-frequency 2900000000>4000000000\n"
		     "cpu.8.cpuinfo-pvr 0x4e1202>0x800200\n"
		     "cpu.cpuinfo-timebase-frequency 512000000>512000001\n"
		     "cpu.pmu-name POWER9>POWER10\n",
		     told(&self->ret, ""));
}

TEST_F(stale, a_driver_of_any_name)
{
	tree_text(PMU, "POWER9\x1b[31m\n");
	is_true(self, "cpu", "", "pvr", "0x800200");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("cpu.pmu-name POWER9?[31m>POWER10\n", told(&self->ret, ""));
}

TEST_F(stale, processors_that_are_the_same)
{
	cpuinfo();
	tree_text("/proc/cpuinfo", "processor\t: 0\nclock\t\t: 2900.000000MHz\n"
				   "revision\t: 2.2 (pvr 004e 1202)\ntimebase\t: 512000000\n");
	is_true(self, "cpu", "", "pvr", "0x4e1202");
	is_true(self, "cpu", "", "clock-frequency", "1");
	is_true(self, "cpu", "", "extended-clock-frequency", "2900000000");
	is_true(self, "cpu", "", "timebase-frequency", "512000000");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("", told(&self->ret, ""));
}

TEST_F(stale, nodes_of_the_kernel)
{
	tree_text(NODE "node0/cpulist", "0-7,16\n");
	tree_text(NODE "node3/cpulist", "8-15\n");
	tree_text(NODE "node0/memory0", "");
	tree_text(NODE "node3/memory1", "");
	tree_text("/sys/devices/system/memory/block_size_bytes", "10000000\n");
	is_true(self, "cpu", "7", "home-node", "0");
	is_true(self, "cpu", "8", "home-node", "0");
	is_true(self, "cpu", "16", "home-node", "2");
	is_true(self, "cpu", "17", "home-node", "2"); /* offline */
	is_true(self, "memory", "0x0", "home-node", "0");
	is_true(self, "memory", "0x10000000", "home-node", "0");
	is_true(self, "memory", "0x20000000", "home-node", "0"); /* offline */
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("cpu.8.sysfs-home-node 3>0\n"
		     "cpu.16.sysfs-home-node 0>2\n"
		     "memory.0x10000000.sysfs-home-node 3>0\n",
		     told(&self->ret, ""));
}

/* The last number of a list that is cut may be another. */
TEST_F(stale, nodes_of_too_many_processors)
{
	static char list[3 * 40000];

	for (size_t i = 0; i + 3 < sizeof(list); i += 3)
		memcpy(list + i, "17,", 4);
	tree_text(NODE "node3/cpulist", list);
	tree_text(NODE "node0/cpulist", "0\n");
	is_true(self, "cpu", "1", "home-node", "0");
	is_true(self, "cpu", "17", "home-node", "0");
	ASSERT_EQ(0, stale_measure(&self->now, &self->ret));
	EXPECT_STREQ("", told(&self->ret, ""));
}

TEST_F(stale, what_the_module_tells_is_not_told_twice)
{
	auxv();
	caches(self, "1048576", "4194304");
	is_true(self, "cache", "l2@8", "sets", "1024");
	is_true(self, "memory", "0x1000", "home-node", "1");
	is_true(self, "memory", "0x3000", "home-node", "1");
	tree_text(NODE "node0/memory1", "");
	tree_text(NODE "node0/memory3", "");
	tree_text("/sys/devices/system/memory/block_size_bytes", "1000");
	add_row(&self->ret, "memory", "0x3000", "home-node", "1", "2", 0);
	add_row(&self->ret, "cache", "l2@8", "size", "1", "2", 0);
	add_row(&self->ret, "cache", "l2@8", "line-size", "1", "2", 0);
	ASSERT_EQ(0, stale_add(&self->now, &self->ret));
	EXPECT_STREQ("cache.l2.auxv-sets 512>1024\n"
		     "cache.l3.auxv-size >4194304\n",
		     told(&self->ret, "auxv"));
	EXPECT_STREQ("cache.l2@8.size 1>2 (flags)\n", told(&self->ret, "l2@8.size"));
	EXPECT_STREQ("", told(&self->ret, "l2.sysconf-size"));
	EXPECT_STREQ("memory.0x3000.home-node 1>2 (flags)\n"
		     "memory.0x1000.sysfs-home-node 0>1\n",
		     told(&self->ret, "memory"));
}

TEST_F(stale, a_change_of_what_is_stale_says_so)
{
	add_row(&self->ret, "cpu", "3", "home-node", "1", "2", 0);
	add_row(&self->ret, "cpu", "5", "sysfs-home-node", "1", "2", ROW_F_STALE);
	add_row(&self->ret, "cpu", "8", "cpuinfo-pvr", "1", "2", ROW_F_STALE);
	add_row(&self->ret, "cpu", "16", "cpuinfo-pvr", "1", "2", ROW_F_STALE);
	add_row(&self->ret, "cpu", "", "clock-frequency", "1", "2", 0);
	add_row(&self->ret, "cache", "l2", "auxv-size", "1", "2", ROW_F_STALE);
	add_row(&self->ret, "cache", "l3@8", "size", "1", "2", 0);
	add_row(&self->now, "cpu", "3", "home-node", "1", "2", PMIG_ROW_F_UNEXPECTED);
	add_row(&self->now, "cpu", "4", "home-node", "1", "2", 0);
	add_row(&self->now, "cpu", "5", "home-node", "1", "2", 0);
	add_row(&self->now, "cpu", "", "pvr", "1", "2", 0);
	add_row(&self->now, "cpu", "", "version", "1", "2", 0);
	add_row(&self->now, "cpu", "", "clock-frequency", "1", "2", 0);
	add_row(&self->now, "cache", "l2@0", "size", "1", "2", 0);
	add_row(&self->now, "cache", "l2@0", "line-size", "1", "2", 0);
	add_row(&self->now, "cache", "l2d@0", "size", "1", "2", 0);
	add_row(&self->now, "cache", "l3@0", "size", "1", "2", 0);
	add_row(&self->now, "cache", "l3@8", "size", "1", "2", 0);
	add_row(&self->now, "memory", "3", "home-node", "1", "2", 0);
	ASSERT_EQ(0, stale_mark(&self->now, &self->ret));
	EXPECT_EQ(PMIG_ROW_F_UNEXPECTED | ROW_F_STALE, self->now.v[0].flags);
	self->now.v[0].flags = ROW_F_STALE;
	for (size_t i = 0; i < self->now.n; i++)
		strcpy(self->now.v[i].old, self->now.v[i].flags == ROW_F_STALE ? "stale" : "");
	EXPECT_STREQ("cpu.3.home-node stale>2\n"
		     "cpu.4.home-node >2 (flags)\n"
		     "cpu.5.home-node stale>2\n"
		     "cpu.pvr stale>2\n"
		     "cpu.version >2 (flags)\n"
		     "cpu.clock-frequency stale>2\n"
		     "cache.l2@0.size stale>2\n"
		     "cache.l2@0.line-size >2 (flags)\n"
		     "cache.l2d@0.size >2 (flags)\n"
		     "cache.l3@0.size >2 (flags)\n"
		     "cache.l3@8.size stale>2\n"
		     "memory.3.home-node >2 (flags)\n",
		     told(&self->now, ""));
}

TEST_HARNESS_MAIN
