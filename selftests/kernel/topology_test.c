// SPDX-License-Identifier: GPL-2.0
/*
 * Where processors and memory are, and which caches they have, on PowerVM: what the module tells is compared with
 * what the lab's hypervisor was told and with sysfs. The guest has two nodes, with a processor and memory in each.
 */
#include "kfixture.h"

#include "../../kernel/pseries/packed.c"

#define CPUS "/sys/devices/system/cpu/"

static struct rows rows;

static void moves_to(struct __test_metadata *_metadata, struct bench *self, const char *server)
{
	char reply[256];

	ASSERT_EQ(0, lab_hmc(reply, sizeof(reply), "in-place %s", server))
	{
		TH_LOG("%s", reply);
	}
	ASSERT_EQ(0, lab_hmc(NULL, 0, "stream 0x%llx enabled", STREAM));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, changed_rows(&self->l, self->s.generation, &rows));
}

static void has_row(struct __test_metadata *_metadata, const char *name, const char *old,
		    const char *new)
{
	const struct row *row = find_row(&rows, name);

	ASSERT_NE(NULL, row)
	{
		TH_LOG("no row of %s", name);
	}
	EXPECT_STREQ(old, row->old)
	{
		TH_LOG("old %s", name);
	}
	EXPECT_STREQ(new, row->new)
	{
		TH_LOG("new %s", name);
	}
}

#define HAS(name, old, new) has_row(_metadata, name, old, new)

#define NOW(kind) ASSERT_EQ(0, rows_of(&self->l, "pseries", PMIG_ROWS_##kind, &rows))

/* The memory block that the device tree lists: the last one. "memory.0x40000000.home-node" */
static const struct row *block_row(void)
{
	const struct row *last = NULL;
	unsigned int i;

	for (i = 0; i < rows.nr; i++)
		if (strstr(rows.row[i].name, "memory.") == rows.row[i].name &&
		    strstr(rows.row[i].name, ".home-node"))
			last = &rows.row[i];
	return last;
}

static void is_block(struct __test_metadata *_metadata, const char *old, const char *new)
{
	const struct row *row = block_row();

	ASSERT_NE(NULL, row);
	EXPECT_STREQ(old, row->old);
	EXPECT_STREQ(new, row->new);
}

static const char *of_cache(unsigned int cpu, unsigned int index, const char *file)
{
	static char text[128];
	char path[128];

	snprintf(path, sizeof(path), CPUS "cpu%u/cache/index%u/%s", cpu, index, file);
	snprintf(text, sizeof(text), "%s", get(path));
	return text;
}

/* One cache of sysfs, which shows kilobytes, is in the rows with the processors that share it. */
static void has_cache(struct __test_metadata *_metadata, unsigned int cpu, unsigned int index)
{
	char name[64], size[32], cpus[128], *type = "";
	unsigned int level = atoi(of_cache(cpu, index, "level"));

	if (!strcmp(of_cache(cpu, index, "type"), "Data"))
		type = "d";
	else if (!strcmp(of_cache(cpu, index, "type"), "Instruction"))
		type = "i";
	snprintf(cpus, sizeof(cpus), "%s", of_cache(cpu, index, "shared_cpu_list"));
	snprintf(name, sizeof(name), "cache.l%u%s@%u.cpus", level, type, atoi(cpus));
	HAS(name, "", cpus);
	snprintf(name, sizeof(name), "cache.l%u%s@%u.size", level, type, atoi(cpus));
	ASSERT_NE(NULL, find_row(&rows, name));
	snprintf(size, sizeof(size), "%luK", strtoul(find_row(&rows, name)->new, NULL, 10) / 1024);
	EXPECT_STREQ(of_cache(cpu, index, "size"), size);
}

static unsigned int nr_sizes(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < rows.nr; i++)
		if (!strncmp(rows.row[i].name, "cache.", 6) && strstr(rows.row[i].name, ".size"))
			n++;
	return n;
}

/* The lab's processors share nothing: what sysfs has is all that there is. */
static void same_as_sysfs(struct __test_metadata *_metadata, struct bench *self)
{
	unsigned int cpu, index, n = 0;

	NOW(NOW);
	for (cpu = 0; cpu < 2; cpu++)
		for (index = 0; *of_cache(cpu, index, "level"); index++, n++)
			has_cache(_metadata, cpu, index);
	EXPECT_LT(2, n);
	EXPECT_EQ(nr_sizes(), n);
}

#define PVR "8393268" /* 0x801234 */

TEST_PSERIES(other_places)
{
	/* An earlier test may have been stopped on another server. */
	moves_to(_metadata, &self->bench, "home-nodes=own lmb-associativity=own pvr=0 l2=0x80000");
	same_as_sysfs(_metadata, &self->bench);
	HAS("cpu.0.home-node", "0", "0");
	HAS("cpu.1.home-node", "1", "1");
	HAS("cpu.0.hw-id", "", "0");
	HAS("cpu.1.hw-id", "", "1");
	HAS("cpu.0.domains", "", "0.0");
	HAS("cpu.1.domains", "", "1.1");
	HAS("memory.0x0.home-node", "0", "0");
	HAS("memory.0x0.domains", "", "0");
	/* a node of the device tree is as many blocks as it has room for */
	HAS("memory.0x10000000.home-node", "0", "0");
	HAS("memory.0x30000000.home-node", "1", "1");
	is_block(_metadata, "1", "1");

	moves_to(_metadata, &self->bench,
		 "home-nodes=swap lmb-associativity=swap pvr=0x801234 l2=gone");
	HAS("cpu.0.home-node", "0", "1");
	HAS("cpu.1.home-node", "1", "0");
	HAS("cpu.1.domains", "1.1", "0.1");
	HAS("cache.l2@0.size", "524288", "");
	HAS("cache.l2@1.cpus", "1", "");
	is_block(_metadata, "1", "0");
	ASSERT_NE(NULL, find_row(&rows, "cpu.pvr"));
	EXPECT_STREQ(PVR, find_row(&rows, "cpu.pvr")->new);
	EXPECT_STREQ("identity cpu cache memory", self->s.changed);
	same_as_sysfs(_metadata, &self->bench);

	/* What the kernel believes is where they were. */
	NOW(STALE);
	HAS("cpu.0.home-node", "0", "1");
	HAS("cpu.1.home-node", "1", "0");
	is_block(_metadata, "1", "0");
}

static bool kernel_has_cpu1(struct bench *self, const char *node)
{
	const struct row *row = NULL;
	int64_t end = now_ms() + NEVER_MS;

	do {
		nap();
		if (!rows_of(&self->l, "pseries", PMIG_ROWS_NOW, &rows))
			row = find_row(&rows, "cpu.1.home-node");
	} while ((!row || strcmp(row->old, node)) && now_ms() < end);
	return row && !strcmp(row->old, node);
}

/* A processor that is offline has a home, and is in none of the kernel's nodes. */
TEST_PSERIES(offline)
{
	moves_to(_metadata, &self->bench, "home-nodes=swap");
	ASSERT_EQ(0, put(CPUS "cpu1/online", "0"));
	EXPECT_TRUE(kernel_has_cpu1(&self->bench, ""));
	HAS("cpu.1.home-node", "", "0");
	NOW(STALE);
	EXPECT_EQ(NULL, find_row(&rows, "cpu.1.home-node"));
	HAS("cpu.0.home-node", "0", "1");
	ASSERT_EQ(0, put(CPUS "cpu1/online", "1"));
	EXPECT_TRUE(kernel_has_cpu1(&self->bench, "1"));
	NOW(STALE);
	HAS("cpu.1.home-node", "1", "0");
	moves_to(_metadata, &self->bench, "home-nodes=own");
}

TEST_PSERIES(more_levels)
{
	moves_to(_metadata, &self->bench, "l2=gone home-nodes=own lmb-associativity=own");
	moves_to(_metadata, &self->bench,
		 "d-cache=0x8000 l2=0x100000 l3=0x800000 l4=0x4000000 home-nodes=own");
	HAS("cache.l2@0.size", "", "1048576");
	HAS("cache.l3@1.size", "", "8388608");
	HAS("cache.l4@0.size", "", "67108864");
	HAS("cache.l4@0.line-size", "", "128");
	HAS("cache.l4@1.cpus", "", "1");
	same_as_sysfs(_metadata, &self->bench);
}

static bool home_becomes(struct bench *self, const char *node)
{
	const struct row *row = NULL;
	int64_t end = now_ms() + 90000;

	do {
		sleep(1);
		if (!rows_of(&self->l, "pseries", PMIG_ROWS_NOW, &rows))
			row = find_row(&rows, "cpu.0.home-node");
	} while ((!row || strcmp(row->new, node)) && now_ms() < end);
	return row && !strcmp(row->new, node);
}

/* The hypervisor goes on placing processors after the move, and nothing says so. */
TEST_PSERIES(placed_later)
{
	uint32_t generation;

	moves_to(_metadata, &self->bench, "home-nodes=own");
	generation = self->s.generation;
	ASSERT_EQ(0, lab_hmc(NULL, 0, "after 20000 home-nodes swap"));
	ASSERT_TRUE(home_becomes(&self->bench, "1"));
	NOW(CHANGED);
	EXPECT_LT(generation, rows.generation);
	HAS("cpu.0.home-node", "0", "1");
	HAS("cpu.1.home-node", "1", "0");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

static uint32_t phandle_of(const char *path)
{
	uint32_t cell = 0;
	FILE *f = fopen(path, "r");

	if (f && fread(&cell, sizeof(cell), 1, f) != 1)
		cell = 0;
	if (f)
		fclose(f);
	return __builtin_bswap32(cell);
}

/* In the minute after a move the machine is looked at anyway; by a module that has seen none it is not. */
static void forgets_moves(struct __test_metadata *_metadata, struct bench *self)
{
	ASSERT_EQ(0, run("rmmod pmig_test && rmmod pmig_sim && rmmod pmig"));
	link_close(&self->l);
	load_modules();
	ASSERT_EQ(0, link_open(&self->l));
}

/* A change of the device tree that no migration explains is told, and is none. */
TEST_PSERIES(changes_in_place)
{
	int64_t end;
	int fd, len, err;
	char text[128];

	moves_to(_metadata, &self->bench, "clock=1000000000");
	forgets_moves(_metadata, &self->bench);
	/* The value is binary: 0x33221141. */
	len = snprintf(text, sizeof(text), "update_property %u clock-frequency 4 \x33\x22\x11%c",
		       phandle_of("/proc/device-tree/cpus/PowerPC,POWER9@0/phandle"), 'A');
	fd = open("/proc/ppc64/ofdt", O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(len, write(fd, text, len));
	close(fd);
	end = now_ms() + NEVER_MS;
	do {
		nap();
		err = rows_of(&self->l, "pseries", PMIG_ROWS_CHANGED, &rows);
	} while (err && now_ms() < end);
	ASSERT_EQ(0, err);
	HAS("cpu.clock-frequency", "1000000000", "857870657");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
}

static unsigned int logged(const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "exit $(dmesg | grep -c '%s')", text);
	return run("%s", command);
}

/* Who resizes the partition while it is being moved is not the HMC. It is said once. */
TEST_PSERIES(resized)
{
	unsigned int before = logged("came or went while");
	int64_t end = now_ms() + NEVER_MS;

	expect_kernel("processors came or went while the partition was being moved");
	ASSERT_BEGIN();
	ASSERT_REACHES(ENABLED);
	ASSERT_EQ(0, put(CPUS "cpu1/online", "0"));
	ASSERT_EQ(0, put(CPUS "cpu1/online", "1"));
	while (logged("came or went while") == before && now_ms() < end)
		nap();
	EXPECT_EQ(before + 1, logged("came or went while"));
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, put(CPUS "cpu1/online", "0"));
	ASSERT_EQ(0, put(CPUS "cpu1/online", "1"));
	sleep(1);
	EXPECT_EQ(before + 1, logged("came or went while"));
}

/* Numbers of 15 and of 31 bits, one of them from the end of a register to the next. */
TEST(packed)
{
	const unsigned long reg[PMIG_PACKED_REGS] = { 0x8001000012348002, 0x0003000580040001,
						      0x0000ffffffffffff };
	const uint32_t wanted[] = { 1, 0x1234, 2, 0x30005, 4, 0x10000 };
	unsigned long full[PMIG_PACKED_REGS];
	uint32_t domain[PMIG_PACKED_FIELDS];
	unsigned int i;

	ASSERT_EQ(ARRAY_SIZE(wanted), pmig_unpack(reg, domain));
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		EXPECT_EQ(wanted[i], domain[i]);
	for (i = 0; i < PMIG_PACKED_REGS; i++)
		full[i] = 0x8001800180018001;
	EXPECT_EQ(PMIG_PACKED_FIELDS, pmig_unpack(full, domain));
	full[0] = -1UL;
	EXPECT_EQ(0, pmig_unpack(full, domain));
}

TEST_HARNESS_MAIN
