// SPDX-License-Identifier: GPL-2.0
/* What a migration is said to have changed: each value of the machine, from where it is kept to the message. */
#include "kfixture.h"
#include <ctype.h>

static void changes(struct __test_metadata *_metadata, struct bench *self, const char *name,
		    const char *old, const char *new, uint32_t flags)
{
	const struct row *c = change_of(&self->l, &self->s, name);

	ASSERT_NE(NULL, c)
	{
		TH_LOG("no change of %s", name);
	}
	if (old)
		EXPECT_STREQ(old, c->old);
	EXPECT_STREQ(new, c->new);
	EXPECT_EQ(flags, c->flags)
	{
		TH_LOG("flags of %s", name);
	}
}

#define CHANGES(name, old, new, flags) changes(_metadata, &self->bench, name, old, new, flags)

static void destination(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "destinations/there/%s", key);
	put(path, "%s", value);
}

#define CACHES 4 /* kinds of them, of each of which there are two */

/* What the simulator was booted on, and what two others have. */
static const struct {
	const char *key, *name, *boot, *there, *again;
	bool believed; /* the kernel keeps what it was booted on */
} sim_rows[] = {
	{ "model", "identity.model", "", "IBM,T1", "IBM,T2" },
	{ "lpar_id", "identity.partition-no", "", "11", "12" },
	{ "clock_hz", "cpu.clock-frequency", "3000000000", "3100000000", "3200000000", true },
	{ "l1d_size", "cache.l1d@0.size", "32768", "40960", "49152", true },
	{ "l1i_size", "cache.l1i@0.size", "32768", "57344", "61440", true },
	{ "l2_size", "cache.l2@0.size", "524288", "262144", "393216", true },
	{ "l3_size", "cache.l3@0.size", "8388608", "4194304", "6291456", true },
};

static void move_to(struct __test_metadata *_metadata, struct bench *self, bool again)
{
	unsigned int i;

	destination("live", "0");
	for (i = 0; i < ARRAY_SIZE(sim_rows); i++)
		destination(sim_rows[i].key, again ? sim_rows[i].again : sim_rows[i].there);
	destination("live", "1");
	put(SIM "streams/0xabcd1234/live", "0");
	ASSERT_EQ(0, put(SIM "streams/0xabcd1234/live", "1"));
	moves(_metadata, self);
}

TEST_F(sim, each_value)
{
	unsigned int i;

	move_to(_metadata, &self->bench, false);
	move_to(_metadata, &self->bench, true);
	for (i = 0; i < ARRAY_SIZE(sim_rows); i++)
		changes(_metadata, &self->bench, sim_rows[i].name, sim_rows[i].there,
			sim_rows[i].again, 0);
	/* Of each cache the other one too, and of both the sets, which follow from the size. */
	EXPECT_EQ(ARRAY_SIZE(sim_rows) + 3 * CACHES, self->s.nr_changes);
	EXPECT_STREQ("identity cpu cache", self->s.changed);
}

static void one_of(struct __test_metadata *_metadata, const struct rows *rows, const char *name,
		   const char *old, const char *new)
{
	const struct row *row = find_row(rows, name);

	ASSERT_NE(NULL, row)
	{
		TH_LOG("no row of %s", name);
	}
	EXPECT_STREQ(old, row->old);
	EXPECT_STREQ(new, row->new);
}

/* What is, and what the kernel believes: both are measured, and what it believes rightly is not stale. */
TEST_F(sim, now_and_stale)
{
	struct rows now = {}, stale = {};
	unsigned int i, believed = 0;

	move_to(_metadata, &self->bench, false);
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_NOW, &now));
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_STALE, &stale));
	EXPECT_EQ(self->s.generation, now.generation);
	EXPECT_EQ(self->s.generation, stale.generation);
	for (i = 0; i < ARRAY_SIZE(sim_rows); i++) {
		one_of(_metadata, &now, sim_rows[i].name, sim_rows[i].boot, sim_rows[i].there);
		believed += sim_rows[i].believed;
		if (sim_rows[i].believed)
			one_of(_metadata, &stale, sim_rows[i].name, sim_rows[i].boot,
			       sim_rows[i].there);
	}
	EXPECT_EQ(believed + CACHES, stale.nr);

	destination("live", "0");
	destination("l2_size", "524288");
	destination("live", "1");
	put(SIM "streams/0xabcd1234/live", "0");
	ASSERT_EQ(0, put(SIM "streams/0xabcd1234/live", "1"));
	moves(_metadata, &self->bench);
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_NOW, &now));
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_STALE, &stale));
	one_of(_metadata, &now, "cache.l2@0.size", "524288", "524288");
	EXPECT_EQ(NULL, find_row(&stale, "cache.l2@0.size"));
	free(now.row);
	free(stale.row);
}

/* 0 bytes of cache are no cache. */
TEST_F(sim, comes_and_goes)
{
	destination("live", "0");
	destination("l3_size", "0");
	destination("l2_size", "262144");
	destination("live", "1");
	moves(_metadata, &self->bench);
	CHANGES("cache.l3@0.size", NULL, "", 0);
	ASSERT_SET("enabled");
	destination("live", "0");
	destination("l3_size", "1048576");
	destination("live", "1");
	moves(_metadata, &self->bench);
	CHANGES("cache.l3@0.size", "", "1048576", 0);
	/* Size, lines, blocks, sets and processors, of one in each node */
	EXPECT_EQ(2 * 5, self->s.nr_changes);
}

/* What a platform calls itself is data: one printable line, in which nothing can be mistaken. */
TEST_F(sim, not_printable)
{
	destination("live", "0");
	destination("model", "a b\t\\\x7f\xc3\xa9");
	destination("live", "1");
	moves(_metadata, &self->bench);
	CHANGES("identity.model", NULL, "a b\\x09\\x5c\\x7f\\xc3\\xa9", 0);
}

/* Moves to a server with a serial number of backslashes, of which the last one is another character. */
static const char *id_with(struct __test_metadata *_metadata, struct bench *self, char last)
{
	char serial[32];
	const struct row *row;

	memset(serial, '\\', sizeof(serial) - 2);
	serial[sizeof(serial) - 2] = last;
	serial[sizeof(serial) - 1] = 0;
	destination("live", "0");
	destination("serial", serial);
	destination("live", "1");
	sim_stream_again();
	moves(_metadata, self);
	row = change_of(&self->l, &self->s, "identity.system-id");
	return row ? row->new : NULL;
}

/* One that does not fit says that it was cut, and not in the middle of a byte; and it differs from others like it. */
TEST_F(sim, too_long)
{
	char wanted[PMIG_VALUE_LEN] = "IBM,02", first[PMIG_VALUE_LEN];
	const char *id;
	unsigned int i;

	for (i = 0; i < 27; i++)
		strcat(wanted, "\\x5c");
	strcat(wanted, "...#");
	id = id_with(_metadata, &self->bench, '\\');
	ASSERT_NE(NULL, id);
	EXPECT_EQ(0, strncmp(wanted, id, strlen(wanted)));
	EXPECT_EQ(8, strspn(id + strlen(wanted), "0123456789abcdef"));
	EXPECT_EQ(strlen(wanted) + 8, strlen(id));
	strcpy(first, id);
	id = id_with(_metadata, &self->bench, '\x7f');
	ASSERT_NE(NULL, id);
	EXPECT_EQ(0, strncmp(wanted, id, strlen(wanted)));
	EXPECT_STRNE(first, id);
}

/*
 * Memory is short when the partition has moved: nobody is told the server that it has left for the one of now, and
 * what differs is told when the machine is looked at again.
 */
TEST_F(sim, described_later)
{
	struct rows rows = {};

	move_to(_metadata, &self->bench, false);
	ASSERT_EQ(0, put(SIM "fail_snapshot", "%d 2", ENOMEM)); /* before and after */
	expect_kernel("no snapshot of the machine: error -12");
	move_to(_metadata, &self->bench, true);
	EXPECT_EQ(0, self->s.generation);
	EXPECT_EQ(-ENOENT, rows_of(&self->l, "sim", PMIG_ROWS_NOW, &rows));
	EXPECT_NE(NULL, strstr(self->l.ext, "could not be read"));
	ASSERT_EQ(0, put(SIM "home_shift", "0"));
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_CHANGED, &rows));
	one_of(_metadata, &rows, "identity.model", "IBM,T1", "IBM,T2");
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_NOW, &rows));
	one_of(_metadata, &rows, "identity.model", "", "IBM,T2");
	free(rows.row);
}

/* --- PowerVM's: kernel/pseries, row by row --- */

/* How a value is written in a request to the lab: as it is, or as the bytes of a property */
enum form { PLAIN, CELL, TWO_CELLS, TEXT };

struct change {
	const char *key, *name;
	enum form form;
	const char *value;
	uint32_t flags;
};

#define ROWS_MAX 16

/* Appends " KEY" and the value. What a row has no value for is taken away. */
static void put_row(char *request, size_t size, const struct change *row, const char *value)
{
	char *at = request + strlen(request), *end = request + size;

	at += snprintf(at, end - at, " %s", row->key);
	if (!*value)
		snprintf(at, end - at, "-");
	else if (row->form == PLAIN)
		snprintf(at, end - at, "%s", value);
	else if (row->form != TEXT)
		snprintf(at, end - at, "%0*llx", row->form == CELL ? 8 : 16,
			 strtoull(value, NULL, 10));
	else
		for (; *value && end - at > 5; value++, at += 2)
			snprintf(at, end - at, "%02x00", *value);
}

/* Moves to a server with these values, and compares what is said to have changed. The old ones are in @self. */
static void move_rows(struct __test_metadata *_metadata, struct bench *self,
		      const struct change *rows, unsigned int n,
		      char value[ROWS_MAX][PMIG_VALUE_LEN])
{
	char request[900] = "in-place", reply[256];
	unsigned int i;

	for (i = 0; i < n; i++)
		put_row(request, sizeof(request), &rows[i], value[i]);
	ASSERT_GT(sizeof(request) - 1, strlen(request));
	ASSERT_EQ(0, lab_hmc(reply, sizeof(reply), "%s", request))
	{
		TH_LOG("%s", reply);
	}
	ASSERT_EQ(0, lab_hmc(NULL, 0, "stream 0x%llx enabled", STREAM));
	moves(_metadata, self);
	for (i = 0; i < n; i++)
		changes(_metadata, self, rows[i].name, NULL, value[i], rows[i].flags);
}

/* A value that is not there already, even where an earlier test was stopped before it went back. */
static void unlike_any(char value[PMIG_VALUE_LEN], const char *like)
{
	unsigned int n = now_ms() / 100 % 1000;

	if (isdigit(*like))
		snprintf(value, PMIG_VALUE_LEN, "%llu", strtoull(like, NULL, 10) + n);
	else
		snprintf(value, PMIG_VALUE_LEN, "%s%u", like, n);
}

/* There and back: what came has to go again, and the second's old values are the first's new ones. */
static void both_ways(struct __test_metadata *_metadata, struct bench *self,
		      const struct change *rows, unsigned int n)
{
	char there[ROWS_MAX][PMIG_VALUE_LEN], back[ROWS_MAX][PMIG_VALUE_LEN];
	unsigned int i;

	ASSERT_GE(ROWS_MAX, n);
	for (i = 0; i < n; i++)
		unlike_any(there[i], rows[i].value);
	move_rows(_metadata, self, rows, n, there);
	for (i = 0; i < n; i++)
		snprintf(back[i], sizeof(back[i]), "%s",
			 change_of(&self->l, &self->s, rows[i].name)->old);
	move_rows(_metadata, self, rows, n, back);
	for (i = 0; i < n; i++)
		EXPECT_STREQ(there[i], change_of(&self->l, &self->s, rows[i].name)->old);
}

#define CPU "update=/cpus/PowerPC,POWER9@0:"
#define L2  "update=/cpus/l2-cache@2000:"

TEST_PSERIES(first_level)
{
	static const struct change rows[] = {
		{ "d-cache=", "cache.l1d@0.size", PLAIN, "16384", 0 },
		{ CPU "d-cache-line-size:", "cache.l1d@0.line-size", CELL, "64", 0 },
		{ CPU "d-cache-block-size:", "cache.l1d@0.block-size", CELL, "32", 0 },
		{ CPU "d-cache-sets:", "cache.l1d@0.sets", CELL, "16", 0 },
		{ "i-cache=", "cache.l1i@0.size", PLAIN, "8192", 0 },
		{ CPU "i-cache-line-size:", "cache.l1i@0.line-size", CELL, "256", 0 },
		{ CPU "i-cache-block-size:", "cache.l1i@0.block-size", CELL, "512", 0 },
		{ CPU "i-cache-sets:", "cache.l1i@0.sets", CELL, "4", 0 },
	};

	both_ways(_metadata, &self->bench, rows, ARRAY_SIZE(rows));
}

TEST_PSERIES(second_level)
{
	static const struct change rows[] = {
		{ "l2=", "cache.l2@0.size", PLAIN, "262144", 0 },
		{ L2 "d-cache-line-size:", "cache.l2@0.line-size", CELL, "64", 0 },
		{ L2 "d-cache-block-size:", "cache.l2@0.block-size", CELL, "32", 0 },
		{ L2 "d-cache-sets:", "cache.l2@0.sets", CELL, "16", 0 },
	};

	both_ways(_metadata, &self->bench, rows, ARRAY_SIZE(rows));
}

/* The path of a node that is nobody's cache so far, and its phandle */
static bool spare_node(char *path, size_t size, uint32_t *phandle)
{
	FILE *f = popen("find " TREE "/ -maxdepth 2 -path '*interrupt-controller*/phandle'", "r");
	bool there = f && fgets(path, size, f);

	if (f)
		pclose(f);
	if (!there)
		return false;
	path[strcspn(path, "\n")] = 0;
	*strrchr(path, '/') = 0;
	memmove(path, path + strlen(TREE), strlen(path + strlen(TREE)) + 1);
	*phandle = phandle_of(path);
	return *phandle;
}

/*
 * The lab's servers have none, so another node is made into one and put behind the second level: by next-level-cache,
 * while the second level is found by l2-cache.
 */
TEST_PSERIES(third_level)
{
	static const char *const rows[][3] = { { "size", "d-cache-size", "1048576" },
					       { "line-size", "d-cache-line-size", "512" },
					       { "block-size", "d-cache-block-size", "256" },
					       { "sets", "d-cache-sets", "32" } };
	char path[256], come[900], go[900], name[64];
	uint32_t phandle;
	unsigned int i;

	ASSERT_TRUE(spare_node(path, sizeof(path), &phandle));
	snprintf(come, sizeof(come), "in-place " L2 "next-level-cache:%08x", phandle);
	snprintf(go, sizeof(go), "in-place " L2 "next-level-cache:-");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(come + strlen(come), sizeof(come) - strlen(come), " update=%s:%s:%08x",
			 path, rows[i][1], atoi(rows[i][2]));
		snprintf(go + strlen(go), sizeof(go) - strlen(go), " update=%s:%s:-", path,
			 rows[i][1]);
	}
	/* A test that was stopped may have left one. */
	if (!access(TREE "/cpus/l2-cache@2000/next-level-cache", F_OK)) {
		ASSERT_EQ(0, lab_hmc(NULL, 0, "%s", go));
		moves(_metadata, &self->bench);
		ASSERT_EQ(0, lab_hmc(NULL, 0, "stream 0x%llx enabled", STREAM));
	}
	ASSERT_EQ(0, lab_hmc(NULL, 0, "%s", come));
	moves(_metadata, &self->bench);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(name, sizeof(name), "cache.l3@0.%s", rows[i][0]);
		CHANGES(name, "", rows[i][2], 0);
	}
	ASSERT_EQ(0, lab_hmc(NULL, 0, "%s", go));
	ASSERT_EQ(0, lab_hmc(NULL, 0, "stream 0x%llx enabled", STREAM));
	moves(_metadata, &self->bench);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(name, sizeof(name), "cache.l3@0.%s", rows[i][0]);
		CHANGES(name, rows[i][2], "", 0);
	}
}

TEST_PSERIES(processor)
{
	static const struct change rows[] = {
		{ "clock=", "cpu.clock-frequency", PLAIN, "3000000000", 0 },
		{ CPU "ibm,extended-clock-frequency:", "cpu.extended-clock-frequency", TWO_CELLS,
		  "5000000000", 0 },
		{ CPU "timebase-frequency:", "cpu.timebase-frequency", CELL, "500000000",
		  PMIG_ROW_F_UNEXPECTED },
		{ CPU "cpu-version:", "cpu.version", CELL, "5120513", 0 },
	};

	both_ways(_metadata, &self->bench, rows, ARRAY_SIZE(rows));
}

/* A partition takes its name and UUIDs along: where they change, something is wrong. */
TEST_PSERIES(identity)
{
	static const struct change rows[] = {
		{ "model=", "identity.model", PLAIN, "IBM,T1", 0 },
		{ "system-id=", "identity.system-id", PLAIN, "IBM,02T1", 0 },
		{ "serial=", "identity.host-serial", PLAIN, "T1", 0 },
		{ "partition-no=", "identity.partition-no", PLAIN, "21", 0 },
		{ "update=/:host-model:", "identity.host-model", TEXT, "T1", 0 },
		{ "update=/:ibm,partition-name:", "identity.partition-name", TEXT, "other",
		  PMIG_ROW_F_UNEXPECTED },
		{ "update=/:ibm,partition-uuid:", "identity.partition-uuid", TEXT, "u1",
		  PMIG_ROW_F_UNEXPECTED },
		{ "update=/:vm,uuid:", "identity.vm-uuid", TEXT, "u2", PMIG_ROW_F_UNEXPECTED },
	};

	both_ways(_metadata, &self->bench, rows, ARRAY_SIZE(rows));
}

TEST_HARNESS_MAIN
