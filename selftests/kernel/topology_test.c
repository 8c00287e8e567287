// SPDX-License-Identifier: GPL-2.0
/*
 * Where processors and memory are, and which caches they have, on PowerVM: what the module tells is compared with
 * what the lab's hypervisor was told and with sysfs. The guest has two nodes, with a processor and memory in each.
 */
#include "kfixture.h"

#include "../../kernel/pseries/packed.c"
#include "../../kernel/pseries/thread-groups.c"

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
	moves(_metadata, self);
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

#define CPU0 "/cpus/PowerPC,POWER9@0"

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
	int err;

	moves_to(_metadata, &self->bench, "clock=1000000000");
	forgets_moves(_metadata, &self->bench);
	ASSERT_EQ(0, tell_tree(CPU0, "clock-frequency", "\x33\x22\x11\x41", 4));
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

/* A module that has seen no move does not look by itself: that a processor has come back has it look. */
TEST_PSERIES(looks_at_what_comes_back)
{
	moves_to(_metadata, &self->bench, "home-nodes=own");
	forgets_moves(_metadata, &self->bench);
	ASSERT_EQ(0, lab_hmc(NULL, 0, "home-nodes swap"));
	ASSERT_EQ(0, put(CPUS "cpu1/online", "0"));
	ASSERT_EQ(0, put(CPUS "cpu1/online", "1"));
	ASSERT_TRUE(home_becomes(&self->bench, "1"));
	NOW(CHANGED);
	HAS("cpu.0.home-node", "0", "1");
	ASSERT_EQ(0, get_session(&self->l, &self->s));
	EXPECT_FALSE(self->s.there);
	ASSERT_EQ(0, lab_hmc(NULL, 0, "home-nodes own"));
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

#define LMBS "/ibm,dynamic-reconfiguration-memory"
#define V2   "ibm,dynamic-memory-v2"

/* " update=NODE:PROPERTY:VALUE" with the value that it has now, to go back to; "-" where it has none. */
static const char *keep(const char *node, const char *property)
{
	static char text[6][700];
	static unsigned int next;
	char *to = text[next++ % ARRAY_SIZE(text)];
	int len, c, n = 0;
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), TREE "%s/%s", node, property);
	len = snprintf(to, sizeof(text[0]), " update=%s:%s:", node, property);
	f = fopen(path, "r");
	while (f && (c = fgetc(f)) != EOF && len + 3 < (int)sizeof(text[0]))
		n += snprintf(to + len + n, sizeof(text[0]) - len - n, "%02x", c);
	if (f)
		fclose(f);
	if (!n)
		snprintf(to + len, sizeof(text[0]) - len, "-");
	return to;
}

/* The kernel has read the clock from where it has 64 bits, if there is such a place: there it may be wrong. */
TEST_PSERIES(fast_clock)
{
	char boot[PMIG_VALUE_LEN], request[256];

	NOW(NOW);
	ASSERT_NE(NULL, find_row(&rows, "cpu.clock-frequency"));
	snprintf(boot, sizeof(boot), "%s", find_row(&rows, "cpu.clock-frequency")->old);
	EXPECT_LT(0, atoi(boot));
	snprintf(request, sizeof(request),
		 "clock=4294967295 update=" CPU0 ":ibm,extended-clock-frequency:%016llx",
		 strtoull(boot, NULL, 10));
	moves_to(_metadata, &self->bench, request);
	NOW(NOW);
	HAS("cpu.clock-frequency", "", "4294967295");
	HAS("cpu.extended-clock-frequency", boot, boot);
	NOW(STALE);
	EXPECT_EQ(NULL, find_row(&rows, "cpu.clock-frequency"));
	EXPECT_EQ(NULL, find_row(&rows, "cpu.extended-clock-frequency"));
	moves_to(_metadata, &self->bench,
		 "update=" CPU0 ":ibm,extended-clock-frequency:000000012a05f200");
	NOW(STALE);
	HAS("cpu.extended-clock-frequency", boot, "5000000000");
	moves_to(_metadata, &self->bench,
		 "clock=1000000000 update=" CPU0 ":ibm,extended-clock-frequency:-");
}

/* A number has one cell or two. What is no number is not told, rather than a part of it. */
TEST_PSERIES(odd_lengths)
{
	static const char *const values[] = { "0f00000555", "0f0005", "0f000005000000050f000005" };
	const char *back = keep(CPU0, "cpu-version");
	char request[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		moves_to(_metadata, &self->bench, "update=" CPU0 ":cpu-version:0f000005");
		NOW(NOW);
		HAS("cpu.version", "", "251658245");
		snprintf(request, sizeof(request), "update=" CPU0 ":cpu-version:%s", values[i]);
		moves_to(_metadata, &self->bench, request);
		HAS("cpu.version", "251658245", "");
	}
	moves_to(_metadata, &self->bench, back + 1);
}

/* The hypervisor's answer has two levels. Where the third makes the nodes, the tree has to tell, as it tells the kernel. */
TEST_PSERIES(deep_nodes)
{
	static const char points[] = "ibm,associativity-reference-points";
	const char *back = keep(CPU0, "ibm,associativity");
	char was[64];
	size_t n;
	FILE *f;

	f = fopen(TREE "/rtas/ibm,associativity-reference-points", "r");
	ASSERT_NE(NULL, f);
	n = fread(was, 1, sizeof(was), f);
	fclose(f);
	ASSERT_LE(4, n);
	moves_to(_metadata, &self->bench, "home-nodes=own");
	ASSERT_EQ(0, tell_tree("/rtas", points, "\0\0\0\3", 4));
	moves_to(_metadata, &self->bench,
		 "update=" CPU0 ":ibm,associativity:00000003000000000000000000000001");
	NOW(NOW);
	HAS("cpu.0.home-node", "0", "1");
	HAS("cpu.0.domains", "", "0.0.1");
	HAS("cpu.1.domains", "", "1.1");
	EXPECT_EQ(NULL, find_row(&rows, "cpu.1.home-node"));
	ASSERT_EQ(0, tell_tree("/rtas", points, was, n));
	moves_to(_metadata, &self->bench, back + 1);
	NOW(NOW);
	HAS("cpu.0.home-node", "0", "0");
	HAS("cpu.0.domains", "", "0.0");
}

/* Where there is no memory */
#define FAR	 0x200000000000ULL
#define DRC	 0x7fffff00U
#define ASSIGNED 0x08U
#define INVALID	 0x40U
#define RESERVED 0x80U

static unsigned long long block_size(void)
{
	unsigned long long cells = 0;
	FILE *f = fopen(TREE LMBS "/ibm,lmb-size", "r");

	if (f && fread(&cells, sizeof(cells), 1, f) != 1)
		cells = 0;
	if (f)
		fclose(f);
	return __builtin_bswap64(cells);
}

/* The row of a block, counted from FAR */
static const struct row *far_row(unsigned int i, const char *field)
{
	char name[64];

	snprintf(name, sizeof(name), "memory.0x%llx.%s", FAR + i * block_size(), field);
	return find_row(&rows, name);
}

static void far_is(struct __test_metadata *_metadata, unsigned int i, const char *domains)
{
	const struct row *home = far_row(i, "home-node"), *all = far_row(i, "domains");

	ASSERT_NE(NULL, home)
	{
		TH_LOG("no row of block %u", i);
	}
	ASSERT_NE(NULL, all);
	EXPECT_STREQ("", home->old);
	EXPECT_STREQ(domains, home->new);
	EXPECT_STREQ(domains, all->new);
}

/* The older list, block by block; what is not the partition's, and what has no place, is not told. Two bytes are too much. */
TEST_PSERIES(list_of_blocks)
{
	static const struct {
		uint32_t index, flags;
	} blocks[] = { { 1, ASSIGNED },
		       { UINT32_MAX, ASSIGNED },
		       { 1, ASSIGNED | INVALID },
		       { 1, ASSIGNED | RESERVED },
		       { 1, 0 },
		       { 99, ASSIGNED } };
	char request[900], back[900];
	unsigned int i;
	int len;

	snprintf(back, sizeof(back), "%s%s", keep(LMBS, "ibm,dynamic-memory"), keep(LMBS, V2));
	len = snprintf(request, sizeof(request),
		       "update=" LMBS ":" V2 ":- update=" LMBS ":ibm,dynamic-memory:%08zx",
		       ARRAY_SIZE(blocks));
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		len += snprintf(request + len, sizeof(request) - len, "%016llx%08x%08x%08x%08x",
				FAR + i * block_size(), DRC, 0, blocks[i].index, blocks[i].flags);
	snprintf(request + len, sizeof(request) - len, "0000");
	moves_to(_metadata, &self->bench, request);
	NOW(NOW);
	far_is(_metadata, 0, "1");
	for (i = 1; i < ARRAY_SIZE(blocks); i++) {
		EXPECT_EQ(NULL, far_row(i, "home-node"));
		EXPECT_EQ(NULL, far_row(i, "domains"));
	}
	EXPECT_EQ(NULL, find_row(&rows, "memory.0x40000000.domains"));
	moves_to(_metadata, &self->bench, back + 1);
	NOW(NOW);
	EXPECT_NE(NULL, find_row(&rows, "memory.0x40000000.domains"));
	EXPECT_EQ(NULL, far_row(0, "domains"));
}

static int put_range(char *to, size_t size, uint32_t nr, unsigned int first, uint32_t index,
		     uint32_t flags)
{
	return snprintf(to, size, "%08x%016llx%08x%08x%08x", nr, FAR + first * block_size(), DRC,
			index, flags);
}

/* The list of ranges: of two that lie on each other the first one counts. */
TEST_PSERIES(list_of_ranges)
{
	char request[900], back[700];
	int len;

	snprintf(back, sizeof(back), "%s", keep(LMBS, V2));
	len = snprintf(request, sizeof(request), "update=" LMBS ":" V2 ":00000004");
	len += put_range(request + len, sizeof(request) - len, 2, 3, 1, ASSIGNED);
	len += put_range(request + len, sizeof(request) - len, 3, 0, 0, ASSIGNED);
	len += put_range(request + len, sizeof(request) - len, 1, 1, 1, ASSIGNED);
	put_range(request + len, sizeof(request) - len, 1, 5, 0, ASSIGNED | INVALID);
	moves_to(_metadata, &self->bench, request);
	NOW(NOW);
	far_is(_metadata, 0, "0");
	far_is(_metadata, 1, "0");
	far_is(_metadata, 2, "0");
	far_is(_metadata, 3, "1");
	far_is(_metadata, 4, "1");
	EXPECT_EQ(NULL, far_row(5, "domains"));
	moves_to(_metadata, &self->bench, back + 1);
}

/* Lookup arrays that are shorter than they say have nothing to say. */
TEST_PSERIES(cut_lookup_arrays)
{
	const char *back = keep(LMBS, "ibm,associativity-lookup-arrays");

	moves_to(_metadata, &self->bench,
		 "update=" LMBS
		 ":ibm,associativity-lookup-arrays:00000003000000010000000000000001");
	NOW(NOW);
	EXPECT_EQ(NULL, find_row(&rows, "memory.0x40000000.domains"));
	moves_to(_metadata, &self->bench, back + 1);
	NOW(NOW);
	EXPECT_NE(NULL, find_row(&rows, "memory.0x40000000.domains"));
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

/* Two halves of a big core, threads 8, 10 and 9, 11; of the second property there is one group more. */
TEST(thread_groups)
{
	const uint32_t groups[] = { 1, 2, 2, 8, 10, 9, 11, 2, 3, 1, 8, 9, 10 };
	uint32_t cell[ARRAY_SIZE(groups)];
	unsigned int i, n = ARRAY_SIZE(groups);

	for (i = 0; i < n; i++)
		cell[i] = htobe32(groups[i]);
	EXPECT_EQ(9, pmig_thread_group(cell, n, 8, 1));
	EXPECT_EQ(9, pmig_thread_group(cell, n, 10, 1));
	EXPECT_EQ(10, pmig_thread_group(cell, n, 9, 1));
	EXPECT_EQ(10, pmig_thread_group(cell, n, 11, 1));
	EXPECT_EQ(9, pmig_thread_group(cell, n, 8, 2));
	EXPECT_EQ(11, pmig_thread_group(cell, n, 10, 3));
	EXPECT_EQ(0, pmig_thread_group(cell, n, 11, 2));
	EXPECT_EQ(0, pmig_thread_group(cell, n, 8, 4));
	EXPECT_EQ(0, pmig_thread_group(cell, n - 1, 8, 2));
	EXPECT_EQ(9, pmig_thread_group(cell, n - 1, 8, 1));
	EXPECT_EQ(0, pmig_thread_group(NULL, 0, 8, 1));
	/* More threads than there are cells, or than a core has */
	cell[1] = htobe32(UINT32_MAX);
	EXPECT_EQ(0, pmig_thread_group(cell, n, 8, 1));
	cell[1] = htobe32(0x10000);
	cell[2] = htobe32(0x10000);
	EXPECT_EQ(0, pmig_thread_group(cell, n, 8, 1));
	cell[2] = 0;
	EXPECT_EQ(0, pmig_thread_group(cell, n, 8, 1));
}

TEST_HARNESS_MAIN
