// SPDX-License-Identifier: GPL-2.0
/*
 * Many migrations, ours and others', under a load that panics a preemptible kernel for powerpc within seconds where
 * anybody has put a return probe: processes that do nothing but call the kernel. Documentation/upstream says why. What
 * the kernel has to say in the end is read by the lab.
 */
#include "kfixture.h"

#include <signal.h>
#include <sys/prctl.h>

#define CALLERS	   6
#define SIMULATED  100
#define ON_POWERVM 20

static pid_t call_for_ever(void)
{
	pid_t pid = fork();
	int from, to;
	char c;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	from = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	to = open("/dev/null", O_WRONLY | O_CLOEXEC);
	while (read(from, &c, 1) == 1 && write(to, &c, 1) == 1)
		;
	_exit(1);
}

static void ours(struct __test_metadata *_metadata, struct bench *self)
{
	ASSERT_READY();
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	ASSERT_COMMAND(END);
}

static void others(struct __test_metadata *_metadata, struct bench *self)
{
	int status;
	pid_t pid;

	ASSERT_SET("suspending");
	pid = fork();
	if (!pid)
		_exit(self->sim ? -put(SIM "streams/0xabcd1234/foreign", "1") :
				  -put("/sys/kernel/mobility/migration", "0xabcd1234"));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_REACHES(COMPLETED);
	EXPECT_EQ(PMIG_F_FOREIGN, self->s.flags);
	ASSERT_COMMAND(ADOPT);
	ASSERT_COMMAND(END);
}

/* Every other one is somebody else's. */
static void migrations(struct __test_metadata *_metadata, struct bench *self, int count)
{
	pid_t caller[CALLERS];
	int i;

	for (i = 0; i < CALLERS; i++)
		caller[i] = call_for_ever();
	for (i = 0; i < count; i++) {
		(i % 2 ? others : ours)(_metadata, self);
		ASSERT_EQ(0, tell("clear"));
		if (self->sim)
			sim_stream_again();
		ASSERT_EQ(0, stream_new(self->sim, STREAM));
	}
	for (i = 0; i < CALLERS; i++)
		EXPECT_EQ(0, kill(caller[i], SIGKILL));
	for (i = 0; i < CALLERS; i++)
		EXPECT_EQ(caller[i], waitpid(caller[i], NULL, 0));
}

TEST_F_TIMEOUT(sim, migrations, 300)
{
	migrations(_metadata, &self->bench, SIMULATED);
}

#ifdef __powerpc64__
TEST_F_TIMEOUT(pseries, migrations, 300)
{
	migrations(_metadata, &self->bench, ON_POWERVM);
}

TEST_F(pseries, no_probe)
{
	ASSERT_EQ(0, access("/sys/kernel/debug/kprobes/list", R_OK));
	EXPECT_FALSE(has_probes());
}
#endif

TEST_HARNESS_MAIN
