// SPDX-License-Identifier: GPL-2.0
/* What the simulator's servers have, row by row, against what was asked for; and machines that are too large. */
#include "kfixture.h"
#include <sys/utsname.h>

struct topology {
	unsigned int nodes, cores, threads, lmbs, shift;
	unsigned int size[10]; /* of level N for data or all; size[0] is l1i */
};

static const struct topology ordinary = { 2, 1, 2, 2, 0, { 32768, 32768, 524288, 8388608 } };
static const struct topology small = { 2, 1, 1, 1, 1, { 16384, 65536, 262144 } };
static const struct topology odd = { 3, 2, 5, 7, 2, { 0, 65536, 262144, 1048576, 8388608 } };
static const struct topology large = {
	64, 4, 8,
	16, 5, { 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304, 8388608 },
};

/* --- moving there --- */

static int destination(const char *key, unsigned long long value)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "destinations/there/%s", key);
	return put(path, "%llu", value);
}

static unsigned long long destination_has(const char *key)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "destinations/there/%s", key);
	return strtoull(get(path), NULL, 10);
}

/* There is a moment between two topologies when one number is new and another old: 1 thread always fits. */
static void set_topology(struct __test_metadata *_metadata, const struct topology *t)
{
	char key[16];
	unsigned int i;

	ASSERT_EQ(0, destination("live", 0));
	ASSERT_EQ(0, destination("threads_per_core", 1));
	ASSERT_EQ(0, destination("cores_per_node", 1));
	ASSERT_EQ(0, destination("nodes", t->nodes));
	ASSERT_EQ(0, destination("cores_per_node", t->cores));
	ASSERT_EQ(0, destination("threads_per_core", t->threads));
	ASSERT_EQ(0, destination("lmbs_per_node", t->lmbs));
	ASSERT_EQ(0, destination("home_shift", t->shift));
	ASSERT_EQ(0, destination("l1i_size", t->size[0]));
	ASSERT_EQ(0, destination("l1d_size", t->size[1]));
	for (i = 2; i <= 8; i++) {
		snprintf(key, sizeof(key), "l%u_size", i);
		ASSERT_EQ(0, destination(key, t->size[i]));
	}
	ASSERT_EQ(0, destination("live", 1));
}

static void move_to(struct __test_metadata *_metadata, struct bench *self, const struct topology *t)
{
	set_topology(_metadata, t);
	sim_stream_again();
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
}

FIXTURE(topology) BENCH;

FIXTURE_SETUP(topology)
{
	bench_up(_metadata, &self->bench, true);
}

FIXTURE_TEARDOWN(topology)
{
	EXPECT_TRUE(quiet(&self->l));
	/* Other tests tell by the serial number which of their two servers they are on. */
	EXPECT_EQ(0, destination("live", 0));
	EXPECT_EQ(0, put(SIM "destinations/there/serial", "SIM0001"));
	move_to(_metadata, &self->bench, &ordinary);
	bench_down(_metadata, &self->bench);
}

/* --- what it has to have --- */

/* The row's value as it ought to be, "" where there may be no such row. */
struct ought {
	char now[PMIG_VALUE_LEN], kernel[PMIG_VALUE_LEN];
};

#define SAY(to, ...) snprintf((to), sizeof(to), __VA_ARGS__)

static unsigned int home(const struct topology *t, unsigned int node)
{
	return (node + t->shift) % t->nodes;
}

static void ought_cpu(const struct topology *t, const char *key, const char *field, struct ought *o)
{
	unsigned int cpu = strtoul(key, NULL, 10);
	unsigned int core = cpu / t->threads, node = core / t->cores;

	if (cpu >= t->nodes * t->cores * t->threads)
		return;
	if (!strcmp(field, "hw-id"))
		SAY(o->now, "%u", core * 8 + cpu % t->threads);
	if (!strcmp(field, "domains"))
		SAY(o->now, "%u.%u.%u", home(t, node) / 4, home(t, node), core % t->cores);
	if (!strcmp(field, "home-node")) {
		SAY(o->now, "%u", home(t, node));
		SAY(o->kernel, "%u", node);
	}
}

/* A core's, a node's, two nodes', four, ... */
static unsigned int sharers(const struct topology *t, unsigned int level)
{
	static const unsigned int nodes[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32 };

	return nodes[level] ? nodes[level] * t->cores * t->threads : t->threads;
}

static void ought_cache(const struct topology *t, const char *key, const char *field,
			struct ought *o)
{
	unsigned int level = 0, cpu = 0, last, size, all = t->nodes * t->cores * t->threads;
	char type = 0;

	if (sscanf(key, "l1%c@%u", &type, &cpu) == 2)
		level = 1;
	else if (sscanf(key, "l%u@%u", &level, &cpu) != 2)
		return;
	size = t->size[type == 'i' ? 0 : level];
	if (level > 8 || !size || cpu % sharers(t, level) || cpu >= all)
		return;
	last = cpu + sharers(t, level) - 1;
	last = last < all ? last : all - 1;
	if (!strcmp(field, "size")) {
		SAY(o->now, "%u", size);
		if (ordinary.size[type == 'i' ? 0 : level])
			SAY(o->kernel, "%u", ordinary.size[type == 'i' ? 0 : level]);
	}
	if (!strcmp(field, "sets"))
		SAY(o->now, "%u", size / 1024);
	if (!strcmp(field, "line-size") || !strcmp(field, "block-size"))
		SAY(o->now, "128");
	if (!strcmp(field, "cpus") && last == cpu)
		SAY(o->now, "%u", cpu);
	if (!strcmp(field, "cpus") && last > cpu)
		SAY(o->now, "%u-%u", cpu, last);
}

static void ought_memory(const struct topology *t, const char *key, const char *field,
			 struct ought *o)
{
	unsigned long long lmb = strtoull(key, NULL, 16) >> 28;
	unsigned int node;

	if (lmb >= (unsigned long long)t->nodes * t->lmbs)
		return;
	node = lmb / t->lmbs;
	if (!strcmp(field, "domains"))
		SAY(o->now, "%u.%u", home(t, node) / 4, home(t, node));
	if (!strcmp(field, "home-node")) {
		SAY(o->now, "%u", home(t, node));
		SAY(o->kernel, "%u", node);
	}
}

enum { IDENTITY, CPU, CACHE, MEMORY, NR_SECTIONS };

static const char *const names[] = { "identity", "cpu", "cache", "memory" };

static unsigned int section_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++)
		if (!strncmp(names[i], name, strlen(names[i])))
			break;
	return i;
}

/* How many rows each section has. */
struct tally {
	unsigned int nr[NR_SECTIONS + 1];
};

static struct tally tally_of(const struct rows *rows)
{
	struct tally tally = {};
	unsigned int i;

	for (i = 0; i < rows->nr; i++)
		tally.nr[section_of(rows->row[i].name)]++;
	return tally;
}

/* Says so of a row that is not as it has to be. */
static bool is_right(const struct topology *t, const struct row *row)
{
	char section[16], key[64], field[32];
	struct ought o = {};

	/* What is there once has no key, and is none of the topology. */
	if (sscanf(row->name, "%15[^.].%63[^.].%31s", section, key, field) != 3)
		return true;
	if (!strcmp(section, "cpu"))
		ought_cpu(t, key, field, &o);
	if (!strcmp(section, "cache"))
		ought_cache(t, key, field, &o);
	if (!strcmp(section, "memory"))
		ought_memory(t, key, field, &o);
	if (*o.now && !strcmp(o.now, row->new) && !strcmp(o.kernel, row->old))
		return true;
	printf("# %s is '%s', the kernel's '%s', not '%s' and '%s'\n", row->name, row->new,
	       row->old, o.now, o.kernel);
	return false;
}

static unsigned int caches(const struct topology *t)
{
	unsigned int level, n = 0, all = t->nodes * t->cores * t->threads;

	for (level = 0; level <= 8; level++)
		if (t->size[level])
			n += (all + sharers(t, level ?: 1) - 1) / sharers(t, level ?: 1);
	return n;
}

static void has(struct __test_metadata *_metadata, struct bench *self, const struct topology *t)
{
	unsigned int i, cpus = t->nodes * t->cores * t->threads;
	struct rows rows = {};
	struct tally tally;

	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_NOW, &rows));
	EXPECT_STREQ("sim", rows.engine);
	for (i = 0; i < rows.nr; i++)
		ASSERT_TRUE(is_right(t, &rows.row[i]));
	tally = tally_of(&rows);
	EXPECT_EQ(3, tally.nr[IDENTITY]);
	EXPECT_EQ(3 * cpus + 2, tally.nr[CPU]); /* two for all of them */
	EXPECT_EQ(5 * caches(t), tally.nr[CACHE]);
	EXPECT_EQ(2 * t->nodes * t->lmbs, tally.nr[MEMORY]);
	EXPECT_EQ(0, tally.nr[NR_SECTIONS]);
	if (cpus > 1000)
		EXPECT_LT(1, rows.messages);
	free(rows.row);
}

#define HAS(t)	   has(_metadata, &self->bench, t)
#define MOVE_TO(t) move_to(_metadata, &self->bench, t)

TEST_F(topology, two_processors)
{
	MOVE_TO(&small);
	HAS(&small);
}

/* Groups that are no power of two, the last of them incomplete */
TEST_F(topology, odd_numbers)
{
	MOVE_TO(&odd);
	HAS(&odd);
}

TEST_F(topology, two_thousand_processors)
{
	MOVE_TO(&large);
	HAS(&large);
}

/* How many rows of each section differ. */
static void differs(struct __test_metadata *_metadata, const struct rows *rows, unsigned int cpu,
		    unsigned int cache, unsigned int memory)
{
	struct tally tally = tally_of(rows);

	EXPECT_EQ(0, tally.nr[IDENTITY]);
	EXPECT_EQ(cpu, tally.nr[CPU]);
	EXPECT_EQ(cache, tally.nr[CACHE]);
	EXPECT_EQ(memory, tally.nr[MEMORY]);
}

/* Each processor and LMB has another home, and all caches of one level another size. */
TEST_F(topology, what_differs)
{
	struct topology there = large;
	unsigned int cpus = large.nodes * large.cores * large.threads;
	struct rows rows = {};

	MOVE_TO(&large);
	ASSERT_COMMAND(END);
	there.shift++;
	there.size[3] *= 2;
	MOVE_TO(&there);
	ASSERT_EQ(0, changed_rows(&self->l, self->s.generation, &rows));
	/* home-node and domains; size and sets */
	differs(_metadata, &rows, 2 * cpus, 2 * large.nodes, 2 * large.nodes * large.lmbs);
	EXPECT_EQ(rows.nr, self->s.nr_changes);
	EXPECT_STREQ("cpu cache memory", self->s.changed);
	/* The message says how many, whatever their number. */
	EXPECT_GE(512, self->s.length);
	free(rows.row);
}

/* What the kernel believes wrongly: all homes where they are shifted, and none where they are not. */
TEST_F(topology, what_is_stale)
{
	unsigned int cpus = large.nodes * large.cores * large.threads;
	struct topology there = large;
	struct rows rows = {};

	memcpy(there.size, ordinary.size, sizeof(there.size));
	MOVE_TO(&there);
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_STALE, &rows));
	differs(_metadata, &rows, cpus + 1, 0, large.nodes * large.lmbs); /* the clock */
	ASSERT_COMMAND(END);
	there.shift = 0;
	MOVE_TO(&there);
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_STALE, &rows));
	differs(_metadata, &rows, 1, 0, 0);
	free(rows.row);
}

/* The homes change while nothing moves, as they may some time after an arrival. */
TEST_F(topology, rehomed)
{
	unsigned int cpus = odd.nodes * odd.cores * odd.threads;
	struct topology there = odd;
	struct rows rows = {};

	MOVE_TO(&odd);
	ASSERT_COMMAND(END);
	there.shift++;
	ASSERT_EQ(0, put(SIM "home_shift", "%u", there.shift));
	HAS(&there);
	ASSERT_EQ(0, rows_of(&self->l, "sim", PMIG_ROWS_CHANGED, &rows));
	differs(_metadata, &rows, 2 * cpus, 0, 2 * odd.nodes * odd.lmbs);
	EXPECT_EQ(-ERANGE, put(SIM "home_shift", "64"));
	EXPECT_STREQ("3", get(SIM "home_shift"));
	free(rows.row);
}

/* Whoever has read a part of a dump when the machine has become another is told so, even if no row of that is left. */
TEST_F(topology, dump_is_interrupted)
{
	char buf[256];
	struct nlmsghdr *nlh;
	struct rows rows = {};
	struct link reader;
	int r;

	MOVE_TO(&large);
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, link_open(&reader));
	nlh = rows_request(&reader, buf, PMIG_ROWS_NOW);
	mnl_attr_put_strz(nlh, PMIG_A_ENGINE, "sim");
	ASSERT_EQ(0, dump_begin(&reader, nlh, &rows));
	ASSERT_EQ(1, dump_more(&reader, &rows));
	MOVE_TO(&small);
	EXPECT_FALSE(rows.interrupted);
	while ((r = dump_more(&reader, &rows)) > 0)
		;
	EXPECT_EQ(0, r);
	EXPECT_TRUE(rows.interrupted);
	link_close(&reader);
	free(rows.row);
}

/* With KASAN, and emulated, half a million facts take longer than anything else here waits for. */
static bool is_instrumented(void)
{
	struct utsname name;

	return uname(&name) == 0 && strstr(name.release, "-dbg");
}

#define NEEDS_A_FAST_KERNEL()                     \
	if (is_instrumented()) {                  \
		SKIP(return, "the debug kernel"); \
	}

/* As much memory as there may be: each of half a million facts is counted. */
TEST_F(topology, sixty_four_terabytes)
{
	struct topology there = small;

	NEEDS_A_FAST_KERNEL();
	MOVE_TO(&small);
	ASSERT_COMMAND(END);
	there.nodes = 64;
	there.lmbs = 4096;
	MOVE_TO(&there);
	EXPECT_NE(0, self->s.generation);
	/* Home node and domains, but of those that are where they were. */
	EXPECT_LE(2 * (64 * 4096 - 2), self->s.nr_changes);
}

/* More facts than a snapshot takes: the migration goes on without a comparison, and the next one has it again. */
TEST_F(topology, more_than_fit)
{
	struct topology there = small;

	NEEDS_A_FAST_KERNEL();
	MOVE_TO(&small);
	ASSERT_COMMAND(END);
	there.nodes = 64;
	there.lmbs = 65536;
	expect_kernel("no snapshot of the machine: error -28");
	MOVE_TO(&there);
	EXPECT_EQ(0, self->s.generation);
	ASSERT_COMMAND(END);
	MOVE_TO(&odd);
	EXPECT_NE(0, self->s.generation);
	HAS(&odd);
}

/* A number that there cannot be is refused, and the old one stays. */
TEST_F(topology, out_of_range)
{
	static const struct {
		const char *key;
		unsigned long long min, max;
	} range[] = {
		{ "nodes", 1, 64 },	      { "cores_per_node", 1, 256 },
		{ "threads_per_core", 1, 8 }, { "lmbs_per_node", 0, 65536 },
		{ "home_shift", 0, 63 },      { "l1i_size", 0, UINT32_MAX },
		{ "l8_size", 0, UINT32_MAX }, { "pvr", 0, UINT32_MAX },
	};
	unsigned int i;

	ASSERT_EQ(0, destination("live", 0));
	for (i = 0; i < ARRAY_SIZE(range); i++) {
		EXPECT_EQ(0, destination(range[i].key, range[i].max));
		EXPECT_EQ(-ERANGE, destination(range[i].key, range[i].max + 1))
		{
			TH_LOG("%s", range[i].key);
		}
		EXPECT_EQ(range[i].max, destination_has(range[i].key));
		EXPECT_EQ(0, destination(range[i].key, range[i].min));
		if (range[i].min)
			EXPECT_EQ(-ERANGE, destination(range[i].key, range[i].min - 1));
		EXPECT_EQ(range[i].min, destination_has(range[i].key));
	}
}

/* In all there are 2,048 processors at most, whichever number comes last. */
TEST_F(topology, too_many_processors)
{
	set_topology(_metadata, &large);
	ASSERT_EQ(0, destination("live", 0));
	EXPECT_EQ(-ERANGE, destination("cores_per_node", 5));
	EXPECT_EQ(4, destination_has("cores_per_node"));
	ASSERT_EQ(0, destination("threads_per_core", 6));
	ASSERT_EQ(0, destination("cores_per_node", 5));
	EXPECT_EQ(-ERANGE, destination("threads_per_core", 7));
	EXPECT_EQ(6, destination_has("threads_per_core"));
	ASSERT_EQ(0, destination("live", 1));
	EXPECT_EQ(-EBUSY, destination("nodes", 1));
}

TEST_HARNESS_MAIN
