// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dr_cache_info() in a made-up sysfs; dr_cpu_home_node(), dr_cpu_home_nodes() and dr_memory_follow() with a made-up kernel
 * at the other end of the socket.
 */
#include "dr.h"
#include "libdr/cacheinfo.h"
#include "libdr/dump.h"
#include "libdr/memory.h"
#include "shared/cleanup.h"
#include "uapi/linux/pmig.h"

#include "kselftest_harness.h"
#include "unit/tree.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <sched.h>
#include <sys/socket.h>

/* ---- caches ---- */

static void cache(unsigned int cpu, unsigned int index, const char *level, const char *type,
		  const char *size)
{
	const char *const files[][2] = {
		{ "level", level },
		{ "type", type },
		{ "size", size },
		{ "coherency_line_size", "128\n" },
		{ "number_of_sets", "512\n" },
		{ "ways_of_associativity", "8\n" },
		{ "shared_cpu_list", "0-3,8\n" },
	};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/cpu%u/cache/index%u/%s", cpu, index, files[i][0]);
		tree_text(path, files[i][1]);
	}
}

FIXTURE(caches)
{
	struct dr_cache cache;
};

FIXTURE_SETUP(caches)
{
	ASSERT_EQ(0, tree_make());
	dr_cpu_folder = tree_dir;
	cache(0, 0, "1\n", "Data\n", "32K\n");
	cache(0, 1, "1\n", "Instruction\n", "48K\n");
	cache(0, 2, "2\n", "Unified\n", "512K\n");
	cache(0, 3, "4\n", "Unified\n", "128M\n");
	cache(12, 0, "2\n", "Unified\n", "1024K\n");
	tree_text("/cpu1/online", "0\n");
	memset(&self->cache, 0x55, sizeof(self->cache));
}

FIXTURE_TEARDOWN(caches)
{
	tree_remove();
}

TEST_F(caches, any_level_and_processor)
{
	struct dr_cache *c = &self->cache;

	EXPECT_EQ(0, dr_cache_info(0, 1, DR_CACHE_DATA, c));
	EXPECT_EQ(32768, c->size);
	EXPECT_EQ(0, dr_cache_info(0, 1, DR_CACHE_INSTRUCTION, c));
	EXPECT_EQ(49152, c->size);
	EXPECT_EQ(0, dr_cache_info(12, 2, DR_CACHE_UNIFIED, c));
	EXPECT_EQ(1048576, c->size);
	EXPECT_EQ(0, dr_cache_info(0, 4, DR_CACHE_UNIFIED, c));
	EXPECT_EQ(128U << 20, c->size);
	EXPECT_EQ(128, c->line_size);
	EXPECT_EQ(512, c->sets);
	EXPECT_EQ(8, c->ways);
	EXPECT_STREQ("0-3,8", c->cpus);
}

TEST_F(caches, read_anew_each_time)
{
	EXPECT_EQ(0, dr_cache_info(0, 2, DR_CACHE_UNIFIED, &self->cache));
	EXPECT_EQ(524288, self->cache.size);
	cache(0, 2, "3\n", "Unified\n", "10240K\n");
	EXPECT_EQ(0, dr_cache_info(0, 3, DR_CACHE_UNIFIED, &self->cache));
	EXPECT_EQ(10240U << 10, self->cache.size);
	EXPECT_EQ(-ENOENT, dr_cache_info(0, 2, DR_CACHE_UNIFIED, &self->cache));
}

TEST_F(caches, not_there)
{
	struct dr_cache before = self->cache;

	errno = 77;
	EXPECT_EQ(-ENOENT, dr_cache_info(0, 3, DR_CACHE_UNIFIED, &self->cache));
	EXPECT_EQ(-ENOENT, dr_cache_info(0, 1, DR_CACHE_UNIFIED, &self->cache));
	EXPECT_EQ(-ENOENT, dr_cache_info(99, 1, DR_CACHE_DATA, &self->cache));
	EXPECT_EQ(-ENODATA, dr_cache_info(1, 1, DR_CACHE_DATA, &self->cache));
	tree_drop("/cpu0/cache/index0/size");
	EXPECT_EQ(-ENODATA, dr_cache_info(0, 1, DR_CACHE_DATA, &self->cache));
	dr_cpu_folder = "/nonexistent";
	EXPECT_EQ(-EOPNOTSUPP, dr_cache_info(0, 1, DR_CACHE_DATA, &self->cache));
	EXPECT_EQ(-EINVAL, dr_cache_info(0, 1, DR_CACHE_DATA, NULL));
	EXPECT_EQ(-EINVAL, dr_cache_info(0, 1, (enum dr_cache_type)3, &self->cache));
	EXPECT_EQ(77, errno);
	EXPECT_EQ(0, memcmp(&before, &self->cache, sizeof(before)));
}

TEST_F(caches, not_known)
{
	char list[400];

	for (size_t i = 0; i < sizeof(list); i++)
		list[i] = i % 2 ? ',' : '1';
	list[sizeof(list) - 1] = '\0';
	tree_text("/cpu0/cache/index0/shared_cpu_list", list);
	tree_drop("/cpu0/cache/index0/number_of_sets");
	EXPECT_EQ(0, dr_cache_info(0, 1, DR_CACHE_DATA, &self->cache));
	EXPECT_EQ(0, self->cache.sets);
	EXPECT_STREQ("", self->cache.cpus);
}

/* ---- home nodes ---- */

static int kernel, ours;

static int open_made_up(void)
{
	int fd = ours;

	ours = -EPROTONOSUPPORT;
	return fd;
}

static struct nlmsghdr *message(char *buf, uint16_t type, uint8_t cmd)
{
	struct nlmsghdr *n = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(n, sizeof(*g));

	n->nlmsg_type = type;
	n->nlmsg_flags = NLM_F_MULTI;
	g->cmd = cmd;
	return n;
}

static void say(const struct nlmsghdr *n)
{
	if (send(kernel, n, n->nlmsg_len, 0) < 0)
		abort();
}

static void family(const char *name, uint16_t id, uint32_t version)
{
	char buf[1024];
	struct nlmsghdr *n = message(buf, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);

	mnl_attr_put_u16(n, CTRL_ATTR_FAMILY_ID, id);
	mnl_attr_put_strz(n, CTRL_ATTR_FAMILY_NAME, name);
	mnl_attr_put_u32(n, CTRL_ATTR_VERSION, version);
	say(n);
}

static void done(int error)
{
	char buf[256];
	struct nlmsghdr *n = mnl_nlmsg_put_header(buf);

	n->nlmsg_type = NLMSG_DONE;
	*(int *)mnl_nlmsg_put_extra_header(n, sizeof(error)) = error;
	say(n);
}

static struct nlattr *row(struct nlmsghdr *n, const char *key, const char *field)
{
	struct nlattr *nest = mnl_attr_nest_start(n, PMIG_A_ROW);

	mnl_attr_put_strz(n, PMIG_A_ROW_SECTION, "cpu");
	mnl_attr_put_strz(n, PMIG_A_ROW_KEY, key);
	mnl_attr_put_strz(n, PMIG_A_ROW_FIELD, field);
	mnl_attr_put_u64(n, PMIG_A_ROW_OLD, 99);
	return nest;
}

static void home(const char *key, uint64_t node, const char *domains, uint16_t flags)
{
	char buf[2048];
	struct nlmsghdr *n = message(buf, 33, PMIG_CMD_ROWS);
	struct nlattr *nest;

	n->nlmsg_flags |= flags;
	mnl_attr_put_u32(n, PMIG_A_GENERATION, 1);
	nest = row(n, key, "hw-id");
	mnl_attr_put_u64(n, PMIG_A_ROW_NEW, 7);
	mnl_attr_nest_end(n, nest);
	nest = row(n, key, "home-node");
	mnl_attr_put_u64(n, PMIG_A_ROW_NEW, node);
	mnl_attr_nest_end(n, nest);
	nest = row(n, key, "domains");
	mnl_attr_put_strz(n, PMIG_A_ROW_NEW_TEXT, domains);
	mnl_attr_nest_end(n, nest);
	say(n);
}

static bool connect_to_made_up(void)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return false;
	ours = sv[0];
	kernel = sv[1];
	dr_dump_open = open_made_up;
	return true;
}

FIXTURE(home)
{
	unsigned int node;
};

FIXTURE_SETUP(home)
{
	ASSERT_TRUE(connect_to_made_up());
	self->node = 55;
}

FIXTURE_TEARDOWN(home)
{
	safe_close(kernel);
	safe_close(ours);
}

static void there(void)
{
	family("nlctrl", 16, 2);
	family("pmig", 33, PMIG_GENL_VERSION);
	family("pmig-not", 34, 1);
	done(0);
}

TEST_F(home, node)
{
	there();
	home("1", 1, "0.0.0.1", 0);
	home("12", 3, "0.1.2.3", 0);
	EXPECT_EQ(0, dr_cpu_home_node(12, 0, &self->node));
	EXPECT_EQ(3, self->node);
}

TEST_F(home, domain_of_a_level)
{
	there();
	home("12", 3, "0.1.22.3", 0);
	EXPECT_EQ(0, dr_cpu_home_node(12, 3, &self->node));
	EXPECT_EQ(22, self->node);
}

TEST_F(home, asks_for_what_is_now)
{
	struct {
		struct nlmsghdr n;
		struct genlmsghdr g;
		struct nlattr a;
		uint32_t value;
	} r = { 0 };

	there();
	home("0", 3, "1", 0);
	EXPECT_EQ(0, dr_cpu_home_node(0, 1, &self->node));
	EXPECT_EQ(20, recv(kernel, &r, sizeof(r), 0));
	EXPECT_EQ(GENL_ID_CTRL, r.n.nlmsg_type);
	EXPECT_EQ(sizeof(r), recv(kernel, &r, sizeof(r), 0));
	EXPECT_EQ(33, r.n.nlmsg_type);
	EXPECT_EQ(NLM_F_REQUEST | NLM_F_DUMP, r.n.nlmsg_flags);
	EXPECT_EQ(PMIG_CMD_ROWS, r.g.cmd);
	EXPECT_EQ(PMIG_A_ROWS, r.a.nla_type);
	EXPECT_EQ(PMIG_ROWS_NOW, r.value);
}

TEST_F(home, no_such_level)
{
	there();
	home("12", 3, "0.1", 0);
	EXPECT_EQ(-ENODATA, dr_cpu_home_node(12, 3, &self->node));
	EXPECT_EQ(55, self->node);
}

TEST_F(home, no_such_processor)
{
	there();
	home("12", 3, "0.1", 0);
	done(0);
	EXPECT_EQ(-ENOENT, dr_cpu_home_node(1, 0, &self->node));
}

TEST_F(home, list_that_has_changed)
{
	there();
	home("12", 3, "0.1", NLM_F_DUMP_INTR);
	done(0);
	EXPECT_EQ(-EAGAIN, dr_cpu_home_node(1, 0, &self->node));
}

TEST_F(home, of_all_by_one_question)
{
	unsigned int nodes[4] = { 55, 55, 55, 55 };
	char buf[256];

	there();
	home("0", 1, "0.0.7.1", 0);
	home("2", 2, "0.0", 0);
	home("12", 3, "0.1.8.3", 0);
	done(0);
	EXPECT_EQ(0, dr_cpu_home_nodes(0, nodes, 4));
	EXPECT_EQ(1, nodes[0]);
	EXPECT_EQ(DR_NODE_UNKNOWN, nodes[1]);
	EXPECT_EQ(2, nodes[2]);
	EXPECT_EQ(DR_NODE_UNKNOWN, nodes[3]);
	EXPECT_LT(0, recv(kernel, buf, sizeof(buf), MSG_DONTWAIT)) TH_LOG("the families");
	EXPECT_LT(0, recv(kernel, buf, sizeof(buf), MSG_DONTWAIT)) TH_LOG("the rows");
	/* Ours has been closed, so that is the end. */
	EXPECT_EQ(0, recv(kernel, buf, sizeof(buf), MSG_DONTWAIT)) TH_LOG("more questions");
	EXPECT_EQ(-EINVAL, dr_cpu_home_nodes(0, NULL, 4));
	EXPECT_EQ(-EINVAL, dr_cpu_home_nodes(0, nodes, 0));
}

TEST_F(home, domains_of_all)
{
	unsigned int nodes[3];

	there();
	home("0", 1, "0.0.7.1", 0);
	home("1", 2, "0.0", 0);
	home("2", 3, "0.1.8.3", 0);
	EXPECT_EQ(0, dr_cpu_home_nodes(3, nodes, 3));
	EXPECT_EQ(7, nodes[0]);
	EXPECT_EQ(DR_NODE_UNKNOWN, nodes[1]);
	EXPECT_EQ(8, nodes[2]);
}

/* The last of them is of another time than the first. */
TEST_F(home, of_all_at_one_time)
{
	unsigned int nodes[2];

	there();
	home("0", 1, "0", 0);
	home("1", 2, "0", NLM_F_DUMP_INTR);
	EXPECT_EQ(-EAGAIN, dr_cpu_home_nodes(0, nodes, 2));
}

TEST_F(home, no_module)
{
	family("nlctrl", 16, 2);
	family("pmig-not", 34, PMIG_GENL_VERSION);
	done(0);
	EXPECT_EQ(-EOPNOTSUPP, dr_cpu_home_node(0, 0, &self->node));
	EXPECT_EQ(-EOPNOTSUPP, dr_cpu_home_node(0, 0, &self->node)); /* nor netlink */
}

TEST_F(home, another_modules_version)
{
	family("pmig", 33, PMIG_GENL_VERSION + 1);
	done(0);
	EXPECT_EQ(-EOPNOTSUPP, dr_cpu_home_node(0, 0, &self->node));
}

TEST_F(home, no_engine)
{
	there();
	done(-ENODEV);
	EXPECT_EQ(-EOPNOTSUPP, dr_cpu_home_node(0, 0, &self->node));
}

TEST_F(home, damaged)
{
	char buf[2048];
	struct nlmsghdr *n = message(buf, 33, PMIG_CMD_ROWS);
	struct nlattr *nest = row(n, "0", "home-node");

	there();
	mnl_attr_put_u64(n, PMIG_A_ROW_NEW, 4);
	mnl_attr_nest_end(n, nest);
	nest->nla_len = 60000;
	say(n);
	n->nlmsg_len = 60000;
	if (send(kernel, n, 256, 0) < 0)
		abort();
	EXPECT_EQ(-EBADMSG, dr_cpu_home_node(0, 0, &self->node));
	EXPECT_EQ(55, self->node);
}

/* ---- memory ---- */

static unsigned long may, from, to; /* the first nodes; there are no others */
static unsigned int nr_calls;
static long stay;

static int made_up_nodes(unsigned long *nodes)
{
	nodes[0] = may;
	return 0;
}

static long move_made_up(const unsigned long *nodes, const unsigned long *others)
{
	nr_calls++;
	from = nodes[0];
	to = others[0];
	for (unsigned int i = 1; i < DR_NODES_MAX / LONG_BITS; i++)
		if (nodes[i] || others[i])
			abort();
	return stay;
}

/* A block of memory that the kernel has in @node (-1: in none) and that is in @domain */
static void memory(const char *address, int node, uint64_t domain)
{
	char buf[1024];
	struct nlmsghdr *n = message(buf, 33, PMIG_CMD_ROWS);
	struct nlattr *nest = mnl_attr_nest_start(n, PMIG_A_ROW);

	mnl_attr_put_strz(n, PMIG_A_ROW_SECTION, "memory");
	mnl_attr_put_strz(n, PMIG_A_ROW_KEY, address);
	mnl_attr_put_strz(n, PMIG_A_ROW_FIELD, "home-node");
	if (node >= 0)
		mnl_attr_put_u64(n, PMIG_A_ROW_OLD, (uint64_t)node);
	mnl_attr_put_u64(n, PMIG_A_ROW_NEW, domain);
	mnl_attr_nest_end(n, nest);
	say(n);
}

#define CPUS_MAX 8192

FIXTURE(memory)
{
	unsigned long bound[CPUS_MAX / LONG_BITS];
	unsigned int cpu; /* the one that the thread is on */
};

FIXTURE_SETUP(memory)
{
	cpu_set_t *bound = (cpu_set_t *)self->bound;
	unsigned long one[CPUS_MAX / LONG_BITS] = { 0 };
	char key[8];

	ASSERT_TRUE(connect_to_made_up());
	dr_nodes_allowed = made_up_nodes;
	dr_nodes_migrate = move_made_up;
	may = 7;
	from = to = nr_calls = 0;
	stay = 0;
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(self->bound), bound));
	while (!CPU_ISSET_S(self->cpu, sizeof(self->bound), bound))
		self->cpu++;
	CPU_SET_S(self->cpu, sizeof(one), (cpu_set_t *)one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), (cpu_set_t *)one));
	there();
	snprintf(key, sizeof(key), "%u", self->cpu);
	home(key, 7, "7", 0);
	home("8000", 8, "8", 0);
}

FIXTURE_TEARDOWN(memory)
{
	sched_setaffinity(0, sizeof(self->bound), (cpu_set_t *)self->bound);
	safe_close(kernel);
	safe_close(ours);
}

TEST_F(memory, follows)
{
	memory("0x0", 0, 8);
	memory("0x10000000", 1, 7);
	memory("0x20000000", 1, 7);
	memory("0x30000000", 2, 9);
	memory("0x40000000", -1, 9); /* in no node of the kernel's */
	done(0);
	stay = 3;
	errno = 77;
	EXPECT_EQ(3, dr_memory_follow());
	EXPECT_EQ(77, errno);
	EXPECT_EQ(1, nr_calls);
	EXPECT_EQ(1 << 0 | 1 << 2, from);
	EXPECT_EQ(1 << 1, to);
}

TEST_F(memory, is_there)
{
	memory("0x0", 0, 7);
	done(0);
	EXPECT_EQ(0, dr_memory_follow());
	EXPECT_EQ(0, nr_calls);
}

TEST_F(memory, only_where_the_cgroup_lets_it)
{
	memory("0x0", 0, 8);
	memory("0x10000000", 1, 7);
	memory("0x20000000", 2, 7);
	memory("0x30000000", 3, 8);
	memory("0x40000000", 3, 7); /* in two places, which does not matter */
	done(0);
	may = 1 << 0 | 1 << 2;
	EXPECT_EQ(0, dr_memory_follow());
	EXPECT_EQ(1 << 0, from);
	EXPECT_EQ(1 << 2, to);
}

TEST_F(memory, no_node_is_there)
{
	memory("0x0", 0, 8);
	memory("0x10000000", 1, 7);
	done(0);
	may = 1 << 0;
	EXPECT_EQ(-ENOENT, dr_memory_follow());
	EXPECT_EQ(0, nr_calls);
}

TEST_F(memory, node_in_two_places)
{
	memory("0x0", 0, 8);
	memory("0x10000000", 1, 7);
	memory("0x20000000", 1, 8);
	memory("0x30000000", 1, 7);
	done(0);
	EXPECT_EQ(-EXDEV, dr_memory_follow());
	EXPECT_EQ(0, nr_calls);
}

/* What is beside that one must not be moved away from it. */
TEST_F(memory, not_known_where_one_processor_is)
{
	const cpu_set_t *bound = (cpu_set_t *)self->bound;

	if (CPU_COUNT_S(sizeof(self->bound), bound) < 2)
		SKIP(return, "one processor");
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(self->bound), bound));
	memory("0x0", 0, 8);
	memory("0x10000000", 1, 7);
	done(0);
	EXPECT_EQ(-ENODATA, dr_memory_follow());
	EXPECT_EQ(0, nr_calls);
}

TEST_F(memory, not_known_where)
{
	done(0);
	EXPECT_EQ(-ENODATA, dr_memory_follow());
	EXPECT_EQ(-EOPNOTSUPP, dr_memory_follow()); /* no netlink any more */
	EXPECT_EQ(0, nr_calls);
}

/* The kernel takes the masks as they are passed to it. Nothing has to be moved. */
TEST(memory_of_a_real_process)
{
	unsigned long nodes[DR_NODES_MAX / LONG_BITS] = { 0 };
	int r = dr_nodes_allowed(nodes);
	long left = dr_nodes_migrate(nodes, nodes);

	if (r == -ENOSYS || r == -EPERM || left == -ENOSYS || left == -EPERM)
		SKIP(return, "no NUMA, or a filter of system calls");
	EXPECT_EQ(0, r);
	EXPECT_NE(0, nodes[0]);
	EXPECT_EQ(0, left);
}

TEST_HARNESS_MAIN
