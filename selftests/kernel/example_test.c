// SPDX-License-Identifier: GPL-2.0
/* The driver of Documentation/examples: what it is an example of does happen. */
#include "kfixture.h"

#define DRIVER "/sys/kernel/debug/example_driver/"
#define STUBS  "/sys/kernel/debug/example_stubs/"

/* One line of a driver's "state"; empty where it is not there. */
static const char *state_of(const char *folder, const char *key)
{
	static char value[PMIG_VALUE_LEN];
	char path[128], want[64];
	const char *at;

	snprintf(path, sizeof(path), "%sstate", folder);
	snprintf(want, sizeof(want), "\n%s: ", key);
	at = get(path);
	value[0] = 0;
	if (!strncmp(at, want + 1, strlen(want + 1)))
		at--; /* the first line */
	else
		at = strstr(at, want);
	if (at)
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(want), "\n"),
			 at + strlen(want));
	return value;
}

#define EXPECT_STATE(key, value) EXPECT_STREQ(value, state_of(DRIVER, key))

static bool becomes(const char *key, const char *value)
{
	int64_t end = now_ms() + NEVER_MS;

	while (strcmp(state_of(DRIVER, key), value)) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* Loads it anew: one that a test has left behind has counted already. */
static int load(const char *module)
{
	unload(module);
	return run("modprobe %s", module);
}

/* On the server that is moved to, home nodes and the model are others. */
static int move_elsewhere(struct bench *self)
{
	bool back = strstr(get(SIM "machine"), "IBM,T1");
	int err;

	if (!self->sim)
		return 0; /* stream_new() has seen to it; home nodes need a guest with two */
	err = put(SIM "destinations/there/live", "0")				      ?:
		      put(SIM "destinations/there/model", back ? "IBM,T2" : "IBM,T1") ?:
		      put(SIM "destinations/there/home_shift", back ? "0" : "1")      ?:
		      put(SIM "destinations/there/live", "1");
	sim_stream_again();
	return err;
}

static void has_row(struct __test_metadata *_metadata, const struct rows *now, const char *name,
		    const char *value)
{
	const struct row *row = find_row(now, name);

	ASSERT_NE(NULL, row)
	{
		TH_LOG("no row of %s", name);
	}
	EXPECT_STREQ(row->new, value)
	{
		TH_LOG("%s", name);
	}
}

/* What the driver knows is what the module tells. */
static void knows_the_machine(struct __test_metadata *_metadata, struct bench *self)
{
	static struct rows now;
	char name[64];

	ASSERT_EQ(0, rows_of(&self->l, self->engine, PMIG_ROWS_NOW, &now));
	has_row(_metadata, &now, "identity.model", state_of(DRIVER, "model"));
	snprintf(name, sizeof(name), "cpu.%s.home-node", state_of(DRIVER, "cpu"));
	has_row(_metadata, &now, name, state_of(DRIVER, "node"));
	has_row(_metadata, &now, "cache.l1d@0.line-size", state_of(DRIVER, "line-size"));
}

/* The request ends long after PRE has been told, so READY would come first if the driver did not wait. */
TEST_F(pmig, drains_and_reads_anew)
{
	ASSERT_EQ(0, load("example_driver"));
	ASSERT_EQ(0, move_elsewhere(&self->bench));
	EXPECT_STATE("model", "unknown");
	ASSERT_QUIESCE();
	ASSERT_EQ(0, put(DRIVER "request", "2000"));
	EXPECT_STATE("under-way", "1");
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	EXPECT_STATE("quiet", "1");
	EXPECT_STATE("under-way", "0");
	EXPECT_STATE("served", "1");
	ASSERT_EQ(0, put(DRIVER "request", "0"));
	EXPECT_STATE("held", "1");
	EXPECT_STATE("served", "1");
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STATE("quiet", "0");
	EXPECT_STATE("held", "0");
	EXPECT_TRUE(becomes("served", "2"));
	knows_the_machine(_metadata, &self->bench);
	ASSERT_COMMAND(END);
	EXPECT_TRUE(unloads("example_driver"));
}

/* The second machine replaces the first one, which it has kept; neither is left when it is unloaded. */
TEST_F(pmig, reads_anew_each_time)
{
	char model[PMIG_VALUE_LEN];

	ASSERT_EQ(0, load("example_driver"));
	ASSERT_EQ(0, move_elsewhere(&self->bench));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
	snprintf(model, sizeof(model), "%s", state_of(DRIVER, "model"));
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	ASSERT_EQ(0, move_elsewhere(&self->bench));
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	knows_the_machine(_metadata, &self->bench);
	EXPECT_STRNE(model, state_of(DRIVER, "model"));
	ASSERT_COMMAND(END);
	EXPECT_TRUE(unloads("example_driver"));
}

TEST_F(pmig, refuses_in_check)
{
	ASSERT_EQ(0, load("example_driver"));
	ASSERT_EQ(0, put(DRIVER "updating", "Y"));
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	ASSERT_EQ(1, self->s.nr_refusals);
	EXPECT_STREQ("example_driver", self->s.refusal[0].handler);
	EXPECT_STREQ("a firmware update is running", self->s.refusal[0].reason);
	EXPECT_STATE("quiet", "0");
	ASSERT_COMMAND(END);
	ASSERT_EQ(0, put(DRIVER "updating", "N"));
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_CHECK, STREAM, 0, self->engine));
	ASSERT_REACHES(CHECKED);
	EXPECT_EQ(0, self->s.nr_refusals);
	ASSERT_COMMAND(END);
	EXPECT_TRUE(unloads("example_driver"));
}

/* It refuses before it misses its deadline, and goes on where it is: POST_ERROR. */
TEST_F(pmig, cannot_be_drained)
{
	ASSERT_EQ(0, load("example_driver"));
	ASSERT_QUIESCE();
	ASSERT_EQ(0, put(DRIVER "request", "10000"));
	ASSERT_COMMAND(PRE);
	ASSERT_TRUE(becomes("quiet", "1"));
	ASSERT_EQ(0, put(DRIVER "request", "0"));
	EXPECT_STATE("held", "1");
	ASSERT_REACHES(FAILED);
	EXPECT_EQ(EBUSY, self->s.err);
	EXPECT_STREQ("example_driver: its requests have not ended within 4000 ms", self->s.reason);
	EXPECT_STATE("quiet", "0");
	EXPECT_STATE("held", "0");
	EXPECT_TRUE(becomes("served", "2"));
	EXPECT_STATE("model", "unknown");
	ASSERT_COMMAND(END);
	EXPECT_TRUE(unloads("example_driver"));
}

/* As one whose device appears in the middle of it: it is not drained, and hears what the machine is. */
TEST_F(pmig, comes_in_the_middle)
{
	ASSERT_EQ(0, move_elsewhere(&self->bench));
	ASSERT_READY();
	ASSERT_EQ(0, load("example_driver"));
	EXPECT_EQ(0, run("dmesg | grep -q 'example_driver: registered while .* not told PRE'"));
	EXPECT_STATE("quiet", "0");
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STATE("quiet", "0");
	knows_the_machine(_metadata, &self->bench);
	ASSERT_COMMAND(END);
	EXPECT_TRUE(unloads("example_driver"));
}

/* The same source for a kernel without pmig: it works, needs no module of ours, and is told nothing. */
TEST_F(sim, without_pmig)
{
	ASSERT_EQ(0, load("example_driver"));
	ASSERT_EQ(0, load("example_stubs"));
	EXPECT_EQ(0, access("/sys/module/pmig/holders/example_driver", F_OK));
	EXPECT_NE(0, access("/sys/module/pmig/holders/example_stubs", F_OK));
	ASSERT_READY();
	EXPECT_STATE("quiet", "1");
	EXPECT_STREQ("0", state_of(STUBS, "quiet"));
	ASSERT_EQ(0, put(STUBS "request", "0"));
	ASSERT_EQ(0, cancel(&self->l, 0));
	ASSERT_REACHES(FAILED);
	EXPECT_TRUE(unloads("example_stubs"));
	EXPECT_TRUE(unloads("example_driver"));
}

TEST_HARNESS_MAIN
