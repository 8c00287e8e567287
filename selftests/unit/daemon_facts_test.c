// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts that user space can read, in a made-up tree, and how two of them differ. */
#include "daemon/platform/cpulist.h"
#include "daemon/platform/fact.h"
#include "daemon/platform/facts.h"
#include "daemon/platform/machine.h"
#include "daemon/platform/tree.h"

#include "kselftest_harness.h"
#include "unit/tree.h"

#include <signal.h>
#include <sys/resource.h>

#define DT  "/sys/firmware/devicetree/base/"
#define CPU "/sys/devices/system/cpu/"
#define VIO "/sys/bus/vio/devices/"
#define ESI "/sys/firmware/papr/energy_scale_info/"

/* As a partition with two virtual adapters has it. */
static void partition(void)
{
	static const char functions[] = "hcall-pft\0hcall-term\0\0hcall-splpar";
	static const char lmb[] = { 0, 0, 0, 0, 0x10, 0, 0, 0 };

	tree_put(DT "rtas/ibm,hypertas-functions", functions, sizeof(functions));
	tree_put(DT "ibm,dynamic-reconfiguration-memory/ibm,lmb-size", lmb, sizeof(lmb));
	tree_text(CPU "smt/control", "on\n");
	tree_text(CPU "smt/active", "1\n");
	tree_text(CPU "online", "8-15\n");
	tree_text(CPU "cpu8/topology/thread_siblings_list", "8,10-12\n");
	tree_text(CPU "vulnerabilities/meltdown", "Mitigation: RFI Flush\n");
	tree_text(CPU "vulnerabilities/l1tf", "Not affected\n");
	tree_text(ESI "2/desc", "System, power mode\n");
	tree_text(ESI "2/value", "1\n");
	tree_text("/proc/powerpc/lparcfg", "lparcfg 1.9\n"
					   "serial_number=IBM,0278AB\n"
					   "partition_entitled_capacity=200\n"
					   "system_active_processors=40\n"
					   "pool_idle_time=17\n"
					   "shared_processor_mode=1\n"
					   "purr=123\n"
					   "tbr=456\n"
					   "dispatches=789\n"
					   "MaxMem=16384\n");
	tree_put(VIO "30000002/of_node/compatible", "IBM,l-lan", 10);
	tree_put(VIO "30000002/of_node/ibm,my-drc-index", "\x30\0\0\2", 4);
	tree_put(VIO "30000002/of_node/ibm,loc-code", "U9009.42A-V3-C2-T1", 19);
	tree_put(VIO "30000002/of_node/local-mac-address", "\0\0\x52\x54\0\x12\x34\xff", 8);
	tree_put(VIO "30000003/of_node/compatible", "IBM,vfc-client", 15);
	tree_text(VIO "30000003/host1/fc_host/host1/port_name", "0xc05076098c3b0010\n");
	tree_put(VIO "30000004/of_node/compatible", "IBM,vnic", 9);
	tree_put(VIO "30000004/of_node/local-mac-address", "\x52\x54\0\x12\x34\1", 6);
	tree_put(VIO "71000000/of_node/compatible", "hvterm1", 8);
	tree_text("/proc/self/mountinfo", "21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n"
					  "22 21 0:21 / /proc rw shared:2 - proc proc rw\n"
					  "23 21 8:3 / /data rw shared:3 - xfs /dev/sdb1 rw\n"
					  "24 23 8:4 / /data rw shared:4 - xfs /dev/sdc1 rw\n"
					  "25 21 0:40 / /home rw - nfs4 server:/home rw,hard\n");
}

FIXTURE(facts)
{
	struct rows before, after, diff;
};

FIXTURE_SETUP(facts)
{
	ASSERT_EQ(0, tree_make());
	tree_root = tree_dir;
	partition();
	ASSERT_EQ(0, facts_read(&self->before));
}

FIXTURE_TEARDOWN(facts)
{
	rows_done(&self->before);
	rows_done(&self->after);
	rows_done(&self->diff);
	tree_remove();
}

static const struct row *find(const struct rows *rows, const char *name)
{
	char of_row[ROW_NAME_LEN];

	for (size_t i = 0; i < rows->n; i++) {
		row_name(&rows->v[i], of_row);
		if (strcmp(of_row, name) == 0)
			return &rows->v[i];
	}
	return NULL;
}

static const char *value(const struct rows *rows, const char *name)
{
	const struct row *row = find(rows, name);

	return row ? row->new : "(none)";
}

static const char *const expected[][2] = {
	{ "platform.hcall-pft.function", "yes" },
	{ "platform.hcall-term.function", "yes" },
	{ "platform.hcall-splpar.function", "yes" },
	{ "platform.lmb-size", "268435456" },
	{ "platform.smt-control", "on" },
	{ "platform.smt-active", "1" },
	{ "platform.cpus-online", "8-15" },
	{ "platform.threads-per-core", "4" },
	{ "platform.energy-scale-2.desc", "System, power mode" },
	{ "platform.energy-scale-2.value", "1" },
	{ "platform.entitled-capacity", "200" },
	{ "platform.system-active-processors", "40" },
	{ "platform.partition-type", "shared" },
	{ "platform.max-memory", "16384" },
	{ "mitigation.meltdown.state", "Mitigation: RFI Flush" },
	{ "mitigation.l1tf.state", "Not affected" },
	{ "adapter.30000002.type", "ibmveth" },
	{ "adapter.30000002.drc-index", "0x30000002" },
	{ "adapter.30000002.location", "U9009.42A-V3-C2-T1" },
	{ "adapter.30000002.mac", "52:54:00:12:34:ff" },
	{ "adapter.30000003.type", "ibmvfc" },
	{ "adapter.30000003.wwpn", "0xc05076098c3b0010" },
	{ "adapter.30000004.mac", "52:54:00:12:34:01" },
	{ "adapter.71000000.type", "(none)" },
	{ "mount./.device", "/dev/sda2" },
	{ "mount./.type", "ext4" },
	{ "mount./data.device", "/dev/sdc1" },
	{ "mount./home.device", "server:/home" },
	{ "mount./proc.device", "(none)" },
	{ "mount.left-out", "(none)" },
};

TEST_F(facts, are_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		EXPECT_STREQ(expected[i][1], value(&self->before, expected[i][0]))
		TH_LOG("%s", expected[i][0]);
	}
	EXPECT_STRNE("(none)", value(&self->before, "platform.architecture"));
}

TEST_F(facts, are_in_order)
{
	const struct row *v = self->before.v;

	ASSERT_LT(10, self->before.n);
	for (size_t i = 1; i < self->before.n; i++) {
		int order = strcmp(v[i - 1].section, v[i].section);

		if (order == 0)
			order = strcmp(v[i - 1].key, v[i].key);
		if (order == 0)
			order = strcmp(v[i - 1].field, v[i].field);
		EXPECT_GT(0, order);
	}
}

/* What of lparcfg runs on by itself is no difference. */
TEST_F(facts, do_not_differ_by_themselves)
{
	tree_text("/proc/powerpc/lparcfg", "partition_entitled_capacity=200\n"
					   "system_active_processors=40\n"
					   "pool_idle_time=18\n"
					   "shared_processor_mode=1\n"
					   "purr=124\ntbr=457\ndispatches=790\nMaxMem=16384\n");
	ASSERT_EQ(0, facts_read(&self->after));
	ASSERT_EQ(0, rows_diff(&self->before, &self->after, &self->diff));
	EXPECT_EQ(0, self->diff.n);
}

static void move(FIXTURE_DATA(facts) * self)
{
	tree_put(DT "rtas/ibm,hypertas-functions", "hcall-pft\0hcall-term\0hcall-vphn", 32);
	tree_text(CPU "smt/active", "0\n");
	tree_text(CPU "vulnerabilities/meltdown", "Not affected\n");
	tree_put(VIO "30000002/of_node/ibm,loc-code", "U9080.HEX-V7-C2-T1", 19);
	tree_put(VIO "30000002/of_node/local-mac-address", "\0\0\x52\x54\0\x12\x34\1", 8);
	tree_drop(VIO "30000003/of_node/compatible");
	tree_text("/proc/self/mountinfo", "21 1 8:2 / / rw shared:1 - ext4 /dev/sdz2 rw\n"
					  "25 21 0:40 / /new rw - nfs4 server:/new rw,hard\n");
}

static const struct {
	const char *name, *old, *new;
	uint32_t flags;
} differences[] = {
	{ "adapter.30000002.location", "U9009.42A-V3-C2-T1", "U9080.HEX-V7-C2-T1", 0 },
	{ "adapter.30000002.mac", "52:54:00:12:34:ff", "52:54:00:12:34:01", PMIG_ROW_F_UNEXPECTED },
	{ "adapter.30000003.type", "ibmvfc", "", PMIG_ROW_F_UNEXPECTED },
	{ "adapter.30000003.wwpn", "0xc05076098c3b0010", "", 0 },
	{ "mitigation.meltdown.state", "Mitigation: RFI Flush", "Not affected", 0 },
	{ "mount./.device", "/dev/sda2", "/dev/sdz2", 0 },
	{ "mount./data.device", "/dev/sdc1", "", 0 },
	{ "mount./data.type", "xfs", "", 0 },
	{ "mount./home.device", "server:/home", "", 0 },
	{ "mount./home.type", "nfs4", "", 0 },
	{ "mount./new.device", "", "server:/new", 0 },
	{ "mount./new.type", "", "nfs4", 0 },
	{ "platform.smt-active", "1", "0", PMIG_ROW_F_UNEXPECTED },
	{ "platform.hcall-splpar.function", "yes", "", 0 },
	{ "platform.hcall-vphn.function", "", "yes", 0 },
};

TEST_F(facts, differ_after_a_move)
{
	move(self);
	ASSERT_EQ(0, facts_read(&self->after));
	ASSERT_EQ(0, rows_diff(&self->before, &self->after, &self->diff));
	ASSERT_EQ(ARRAY_SIZE(differences), self->diff.n);
	for (size_t i = 0; i < self->diff.n; i++) {
		const struct row *row = &self->diff.v[i];
		char name[ROW_NAME_LEN];

		row_name(row, name);
		EXPECT_STREQ(differences[i].name, name);
		EXPECT_STREQ(differences[i].old, row->old) TH_LOG("%s", name);
		EXPECT_STREQ(differences[i].new, row->new) TH_LOG("%s", name);
		EXPECT_EQ(differences[i].flags, row->flags) TH_LOG("%s", name);
	}
}

/* A firmware, a file server or a user that means harm: rows stay printable, and there are only so many. */
TEST_F(facts, are_untrusted)
{
	static char mounts[1000 * 64], *p = mounts;
	char esc[] = "IBM\x1b[31m\nsecond line";

	tree_put(VIO "30000002/of_node/ibm,loc-code", esc, sizeof(esc));
	tree_put(VIO "30000004/of_node/local-mac-address", "12345", 5);
	tree_put(DT "ibm,dynamic-reconfiguration-memory/ibm,lmb-size", "\1\2\3", 3);
	tree_text(CPU "online", "0-99999999999999999999,oops");
	for (int i = 0; i < 1000; i++)
		p += sprintf(p, "1 1 8:2 / /m%d rw - xfs /dev/s\x1b%d rw\n", i, i);
	tree_text("/proc/self/mountinfo", mounts);
	ASSERT_EQ(0, facts_read(&self->after));
	EXPECT_STREQ("IBM?[31m", value(&self->after, "adapter.30000002.location"));
	EXPECT_STREQ("(none)", value(&self->after, "adapter.30000004.mac"));
	EXPECT_STREQ("(none)", value(&self->after, "platform.lmb-size"));
	EXPECT_STREQ("(none)", value(&self->after, "platform.threads-per-core"));
	EXPECT_STREQ("/dev/s?255", value(&self->after, "mount./m255.device"));
	EXPECT_STREQ("(none)", value(&self->after, "mount./m256.device"));
	EXPECT_STREQ("744", value(&self->after, "mount.left-out"));
}

/* Its paths leave no room in a line for what it is. */
TEST_F(facts, that_are_too_long_are_counted)
{
	char line[700];

	memset(line, 'l', sizeof(line));
	memcpy(line, "1 1 8:2 / /", 11);
	strcpy(line + 600, " rw - xfs /dev/sda1 rw\n");
	tree_text("/proc/self/mountinfo", line);
	ASSERT_EQ(0, facts_read(&self->after));
	EXPECT_STREQ("1", value(&self->after, "mount.left-out"));
}

/* ---- two times, and two daemons ---- */

static char file[PATH_MAX];

/* A daemon begins; returns whether the one before it has left it something. */
static bool begin(struct machine *m)
{
	*m = (struct machine){ 0 };
	snprintf(file, sizeof(file), "%s/machine", tree_dir);
	return machine_open(m, file) == 0 && !m->fresh;
}

TEST_F(facts, of_before_the_move_are_left_to_the_next_daemon)
{
	struct machine m;

	EXPECT_FALSE(begin(&m));
	machine_done(&m);
	move(self);
	ASSERT_TRUE(begin(&m));
	machine_doubt(&m);
	EXPECT_EQ(0, machine_compare(&m));
	EXPECT_EQ(ARRAY_SIZE(differences), m.changed.n);
	machine_done(&m);
	/* It was killed before everyone was told. */
	ASSERT_TRUE(begin(&m));
	EXPECT_EQ(0, machine_compare(&m));
	EXPECT_EQ(ARRAY_SIZE(differences), m.changed.n);
	machine_keep(&m);
	machine_done(&m);
	ASSERT_TRUE(begin(&m));
	EXPECT_EQ(0, machine_compare(&m));
	EXPECT_EQ(0, m.changed.n);
	machine_done(&m);
}

/* Others have changed it before the migration. */
TEST_F(facts, are_looked_at_before_a_migration)
{
	struct machine m;

	begin(&m);
	move(self);
	machine_look(&m);
	EXPECT_EQ(0, machine_compare(&m));
	EXPECT_EQ(0, m.changed.n);
	machine_done(&m);
}

TEST_F(facts, of_after_the_move_are_compared_with_nothing)
{
	struct machine m;

	log_max_level = LOG_CRIT;
	EXPECT_FALSE(begin(&m));
	machine_doubt(&m);
	move(self);
	EXPECT_EQ(-ENODATA, machine_compare(&m));
	EXPECT_EQ(0, m.changed.n);
	tree_text(CPU "smt/active", "1\n");
	EXPECT_EQ(0, machine_compare(&m)) TH_LOG("the next migration is as any other");
	EXPECT_EQ(1, m.changed.n);
	machine_done(&m);
	/* The file says what was there before. */
	ASSERT_TRUE(begin(&m));
	EXPECT_EQ(0, machine_compare(&m));
	EXPECT_EQ(ARRAY_SIZE(differences) - 1, m.changed.n); /* but for smt-active */
	machine_done(&m);
}

static void flip(off_t at)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	char byte;

	if (fd < 0 || pread(fd, &byte, 1, at) != 1)
		abort();
	byte = byte ? 0 : 'x';
	if (pwrite(fd, &byte, 1, at) != 1)
		abort();
	close(fd);
}

TEST_F(facts, in_a_file_that_is_damaged_are_not_taken)
{
	const off_t row = sizeof(struct row), head = 64;
	struct machine m;
	struct stat st;

	begin(&m);
	machine_done(&m);
	ASSERT_EQ(0, stat(file, &st));
	ASSERT_EQ(head, st.st_size % row) TH_LOG("the header is another");
	for (off_t i = 0; i < head; i++) {
		flip(i);
		EXPECT_FALSE(begin(&m)) TH_LOG("byte %d", (int)i);
		machine_done(&m);
	}
	/* The texts of the third row, one after the other, without an end. */
	for (off_t i = 0; i < row - 8; i++) {
		flip(head + 2 * row + i);
		begin(&m);
		for (size_t k = 0; k < m.now.n; k++)
			EXPECT_NE(NULL, memchr(m.now.v[k].old, 0, sizeof(m.now.v[k].old)));
		machine_done(&m);
	}
	ASSERT_EQ(0, truncate(file, st.st_size - 1));
	EXPECT_FALSE(begin(&m));
	machine_done(&m);
}

/* There is no room for what is new: what is old is not taken for it. */
TEST_F(facts, that_cannot_be_written_are_not_taken_for_others)
{
	const struct rlimit few = { 1000, RLIM_INFINITY }, any = { RLIM_INFINITY, RLIM_INFINITY };
	struct machine m;

	log_max_level = LOG_CRIT;
	signal(SIGXFSZ, SIG_IGN);
	begin(&m);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &few));
	machine_look(&m);
	machine_done(&m);
	EXPECT_FALSE(begin(&m));
	machine_done(&m);
	setrlimit(RLIMIT_FSIZE, &any);
}

TEST(no_tree_at_all)
{
	struct rows rows = { 0 };

	tree_root = "/nonexistent";
	EXPECT_EQ(0, facts_read(&rows));
	EXPECT_STRNE("(none)", value(&rows, "platform.architecture"));
	rows_done(&rows);
}

TEST(lists_of_processors)
{
	EXPECT_EQ(8, cpulist_count("0-7"));
	EXPECT_EQ(4, cpulist_count("0,2,4-5"));
	EXPECT_EQ(0, cpulist_count(""));
	EXPECT_EQ(0, cpulist_count("7-0"));
	EXPECT_EQ(0, cpulist_count("-1"));
	EXPECT_EQ(1, cpulist_count("3,x"));
	EXPECT_EQ(0, cpulist_count("0-2000000"));
}

TEST_HARNESS_MAIN
