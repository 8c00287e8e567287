/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixtures of nearly all tests: modules are there, nothing is migrating, the handlers are well-behaved,
 * one stream is Enabled. A test of "pmig" runs once for each engine that this machine has; "sim" and
 * TEST_PSERIES() are for what only one of them can do.
 */
#ifndef PMIG_KFIXTURE_H
#define PMIG_KFIXTURE_H

#include "kselftest_harness.h"
#include "ktest.h"

/* Seconds: each wait has a bound of its own, and this one is for all that a test may wait for. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

static inline void load_modules(void)
{
	run("modprobe pmig && modprobe pmig_sim && modprobe pmig_test");
	if (access(SIM, F_OK))
		run("mount -t configfs configfs /sys/kernel/config");
	put("/sys/module/pmig/parameters/poll_ms", "5");
	put("/sys/module/pmig/parameters/unseen_ms", "100");
	put("/sys/module/pmig/parameters/cancel_timeout_ms", "10000");
	put("/sys/module/pmig/parameters/pre_timeout_ms", "600000");
}

/* What every fixture here has, and what a function that serves several of them takes. */
#define BENCH_FIELDS      \
	struct link l;    \
	struct session s; \
	bool sim;         \
	const char *engine

struct bench {
	BENCH_FIELDS;
};

#define BENCH                                 \
	{                                     \
		union {                       \
			struct {              \
				BENCH_FIELDS; \
			};                    \
			struct bench bench;   \
		};                            \
	}

/* clang-format off */
FIXTURE(pmig) BENCH;
FIXTURE(sim) BENCH;
FIXTURE(pseries) BENCH;

FIXTURE_VARIANT(pmig) {
	bool sim;
};

FIXTURE_VARIANT_ADD(pmig, sim) { .sim = true };
#ifdef __powerpc64__
FIXTURE_VARIANT_ADD(pmig, pseries) { .sim = false };
#endif
/* clang-format on */

/* What only PowerVM does; elsewhere it is compiled, and no test. */
#ifdef __powerpc64__
#define TEST_PSERIES(name) TEST_F(pseries, name)
#else
#define TEST_PSERIES(name)                                                                      \
	static __attribute__((unused)) void name##_elsewhere(struct __test_metadata *_metadata, \
							     FIXTURE_DATA(pseries) * self)
#endif

static inline void bench_up(struct __test_metadata *_metadata, struct bench *self, bool sim)
{
	self->sim = sim;
	self->engine = sim ? "sim" : "pseries";
	load_modules();
	ASSERT_EQ(0, link_open(&self->l));
	ASSERT_EQ(0, tell("clear"));
	ASSERT_TRUE(quiet(&self->l));
	ASSERT_EQ(0, tell("clear"));
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
}

static inline void bench_down(struct __test_metadata *_metadata, struct bench *self)
{
	struct link l;

	if (!self->l.nl)
		return;
	if (self->sim)
		put(SIM "hold_state", "0");
	tell("clear");
	link_close(&self->l);
	EXPECT_EQ(0, link_open(&l));
	EXPECT_TRUE(quiet(&l));
	link_close(&l);
	tell("clear");
	if (self->sim) {
		put(SIM "fail_suspend", "5 0");
		put(SIM "fail_cancel", "5 0");
		put(SIM "fail_state", "5 0");
		put(SIM "fail_wait", "5 0");
		put(SIM "fail_snapshot", "5 0");
		put(SIM "early_return", "0");
		put(SIM "quiesce_now", "0");
		put(SIM "slow_cancel", "0");
		sim_remove(STREAM);
	} else {
		run("rmmod pmig_vas 2> /dev/null"); /* its windows are there for all tests */
		run("rmmod pmig_deny 2> /dev/null");
		run("mount -o remount,rw /sys");
		lab_hmc(NULL, 0, "reject 0 0");
		lab_hmc(NULL, 0, "fail-cancel 0 0");
		lab_hmc(NULL, 0, "fail-state 0 0");
		lab_hmc(NULL, 0, "gone 0x%llx", STREAM);
	}
}

FIXTURE_SETUP(pmig)
{
	bench_up(_metadata, &self->bench, variant->sim);
}

FIXTURE_TEARDOWN(pmig)
{
	bench_down(_metadata, &self->bench);
}

FIXTURE_SETUP(sim)
{
	bench_up(_metadata, &self->bench, true);
}

FIXTURE_TEARDOWN(sim)
{
	bench_down(_metadata, &self->bench);
}

FIXTURE_SETUP(pseries)
{
	bench_up(_metadata, &self->bench, false);
}

FIXTURE_TEARDOWN(pseries)
{
	bench_down(_metadata, &self->bench);
}

/* Probes in the text of the kernel, but for the one that the kernel itself has for the return of all the others. */
static inline bool has_probes(void)
{
	return !run("grep -qv _trampoline /sys/kernel/debug/kprobes/list");
}

/* BEGIN, up to the state. */
#define ASSERT_BEGIN()                                                         \
	ASSERT_EQ(0, start(&self->l, PMIG_CMD_BEGIN, STREAM, 0, self->engine)) \
	{                                                                      \
		TH_LOG("%s", self->l.ext);                                     \
	}
#define ASSERT_REACHES(state) ASSERT_TRUE(reaches(&self->l, &self->s, PMIG_STATE_##state))
#define ASSERT_SET(state)     ASSERT_EQ(0, stream_set(self->sim, STREAM, state))
#define ASSERT_COMMAND(cmd)                             \
	ASSERT_EQ(0, command(&self->l, PMIG_CMD_##cmd)) \
	{                                               \
		TH_LOG("%s", self->l.ext);              \
	}
#define ASSERT_QUIESCE()                  \
	do {                              \
		ASSERT_BEGIN();           \
		ASSERT_SET("suspending"); \
		ASSERT_REACHES(QUIESCE);  \
	} while (0)
#define ASSERT_READY()                 \
	do {                           \
		ASSERT_QUIESCE();      \
		ASSERT_COMMAND(PRE);   \
		ASSERT_REACHES(READY); \
	} while (0)

/* A whole migration, whose stream is Enabled. */
static inline void moves(struct __test_metadata *_metadata, struct bench *self)
{
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
}

/* The same with a new stream. */
static inline void moves_anew(struct __test_metadata *_metadata, struct bench *self)
{
	ASSERT_EQ(0, stream_new(self->sim, STREAM));
	ASSERT_SET("enabled");
	moves(_metadata, self);
}

#endif /* PMIG_KFIXTURE_H */
