// SPDX-License-Identifier: GPL-2.0-or-later
/* dr_reconfig() with a socketpair in the daemon's place. */
#include "libdr/aix-register.h"
#include "libdr/latest.h"
#include "shared/clock.h"
#include "shared/wire.h"

#include "dr.h"
#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define STREAM	   0x1234abcdULL
#define NR_THREADS 8
#define NR_EVENTS  500

static void handler(int signo)
{
}

FIXTURE(aix)
{
	int daemon;
	int client;
	uint32_t gen;
};

FIXTURE_SETUP(aix)
{
	int sv[2];

	/* no bus: sigaction() below must not find one */
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv));
	self->daemon = sv[0];
	self->client = sv[1];
	self->gen = 100;
	ASSERT_EQ(0, dr_aix_adopt(sv[1]));
}

FIXTURE_TEARDOWN(aix)
{
	close(self->daemon);
}

static uint32_t tell_full(FIXTURE_DATA(aix) * self, uint32_t phase, uint32_t flags, int64_t left_us)
{
	struct wire_event e = {
		.phase = phase,
		.gen = ++self->gen,
		.flags = flags,
		.stream = STREAM,
		.deadline_us = now_boottime_usec() + (uint64_t)left_us,
	};

	return send(self->daemon, &e, sizeof(e), 0) == sizeof(e) ? e.gen : 0;
}

static uint32_t tell(FIXTURE_DATA(aix) * self, uint32_t phase)
{
	return tell_full(self, phase, WIRE_EVENT_ANSWER, 60 * 1000000);
}

static uint32_t change(FIXTURE_DATA(aix) * self)
{
	struct wire_event e = { .phase = DR_PHASE_CHANGED, .gen = ++self->gen };

	return send(self->daemon, &e, sizeof(e), 0) == sizeof(e) ? e.gen : 0;
}

/* The next answer, with gen 0 where there is none. */
static struct wire_answer heard(FIXTURE_DATA(aix) * self)
{
	struct wire_answer a;

	if (recv(self->daemon, &a, sizeof(a), MSG_DONTWAIT) != sizeof(a))
		a.gen = 0;
	return a;
}

#define EXPECT_FAIL(err, call)         \
	do {                           \
		errno = 0;             \
		EXPECT_EQ(-1, call);   \
		EXPECT_EQ(err, errno); \
	} while (0)

TEST_F(aix, nothing_in_progress)
{
	dr_info_t info = { 0 };

	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_EVENT_FAIL, &info));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, bad_arguments)
{
	dr_info_t info = { 0 };

	tell(self, DR_PHASE_CHECK);
	EXPECT_FAIL(EFAULT, dr_reconfig(DR_QUERY, NULL));
	EXPECT_FAIL(EINVAL, dr_reconfig(0, &info));
	EXPECT_FAIL(EINVAL, dr_reconfig(8, &info));
	EXPECT_FAIL(EINVAL, dr_reconfig(-1, &info));
	EXPECT_FAIL(EINVAL, dr_reconfig(DR_EVENT_FAIL | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, query)
{
	dr_info_t info;

	memset(&info, 0xff, sizeof(info));
	tell_full(self, DR_PHASE_PRE, WIRE_EVENT_ANSWER | WIRE_EVENT_FORCE, 60 * 1000000);
	errno = 42;
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(42, errno);
	EXPECT_EQ(1, (int)info.pre);
	EXPECT_EQ(0, info.check + info.doit + info.post + info.posterror);
	EXPECT_EQ(1, (int)info.force);
	EXPECT_EQ(1, (int)info.migrate);
	EXPECT_EQ(1, (int)info.partition);
	EXPECT_EQ(0, info.add + info.rem + info.cpu + info.mem);
	EXPECT_EQ(-1, info.lcpu);
	EXPECT_EQ(-1, info.bcpu);
	EXPECT_EQ(self->gen, info.phase_gen);
	EXPECT_EQ(STREAM, info.dr_stream);
	EXPECT_EQ(info.sys_memsz, info.sys_total_frames * 4096);
	EXPECT_LT(0, info.sys_free_frames);
	/* a query sends no answer */
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, every_phase)
{
	dr_info_t info;

	tell(self, DR_PHASE_CHECK);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(1, (int)info.check);
	tell(self, DR_PHASE_POST);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(1, (int)info.post);
	tell(self, DR_PHASE_POST_ERROR);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(1, (int)info.posterror);
	EXPECT_EQ(0, info.check + info.pre + info.post);
}

TEST_F(aix, done_once)
{
	uint32_t gen = tell(self, DR_PHASE_PRE);
	struct wire_answer a;
	dr_info_t info;

	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	ASSERT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
	a = heard(self);
	EXPECT_EQ(gen, a.gen);
	EXPECT_EQ(0, a.error);
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(0, heard(self).gen);
	gen = tell(self, DR_PHASE_POST);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(1, (int)info.post);
	EXPECT_EQ(gen, heard(self).gen);
}

TEST_F(aix, done_of_another_event)
{
	dr_info_t info;

	tell(self, DR_PHASE_PRE);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	tell(self, DR_PHASE_POST);
	EXPECT_FAIL(EINVAL, dr_reconfig(DR_RECONFIG_DONE, &info));
	memset(&info, 0xa5, sizeof(info));
	EXPECT_FAIL(EINVAL, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, the_next_daemon_asks_again)
{
	dr_info_t info;
	uint32_t gen;

	gen = tell(self, DR_PHASE_POST);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(gen, heard(self).gen);
	self->gen = gen - 1;
	tell(self, DR_PHASE_POST);
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(gen, heard(self).gen);
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, the_machine_has_changed)
{
	uint32_t gen = change(self);
	dr_info_t info;

	memset(&info, 0xff, sizeof(info));
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(gen, heard(self).gen); /* that it has been read */
	EXPECT_EQ(1, (int)info.post);
	EXPECT_EQ(0, info.check + info.pre + info.doit + info.posterror);
	EXPECT_EQ(0, (int)info.migrate);
	EXPECT_EQ(1, (int)info.topology_update);
	EXPECT_EQ(DR_OP_CPU_AFFINITY_REFRESH, info.dr_op);
	EXPECT_EQ(0, info.dr_stream);
	EXPECT_EQ(gen, info.phase_gen);
	EXPECT_FAIL(EPERM, dr_reconfig(DR_EVENT_FAIL, &info));
	ASSERT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(0, heard(self).gen); /* nobody waits for an answer */
	tell(self, DR_PHASE_PRE);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(1, (int)info.migrate);
	EXPECT_EQ(0, info.topology_update + info.dr_op);
}

/* A question comes first, above all how the migration ended, for which a program may have got ready. */
TEST_F(aix, a_change_hides_nothing)
{
	uint32_t end = tell(self, DR_PHASE_POST), gen = change(self), question;
	dr_info_t info;

	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(gen, heard(self).gen);
	EXPECT_EQ(end, info.phase_gen);
	EXPECT_EQ(1, (int)info.migrate);
	ASSERT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_EQ(end, heard(self).gen);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(gen, info.phase_gen);
	question = tell(self, DR_PHASE_CHECK);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(1, (int)info.check);
	EXPECT_EQ(question, heard(self).gen);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(gen, info.phase_gen);
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, refuse)
{
	uint32_t gen = tell(self, DR_PHASE_CHECK);
	struct wire_answer a;
	dr_info_t info;

	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	ASSERT_EQ(0, dr_reconfig(DR_EVENT_FAIL, &info));
	EXPECT_EQ(0, dr_reconfig(DR_EVENT_FAIL, &info));
	EXPECT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_EVENT_FAIL, &info));
	a = heard(self);
	EXPECT_EQ(gen, a.gen);
	EXPECT_EQ(EBUSY, a.error);
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, refuse_without_the_right)
{
	dr_info_t info;

	tell_full(self, DR_PHASE_CHECK, WIRE_EVENT_ANSWER | WIRE_EVENT_ADVICE, 60 * 1000000);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(EPERM, dr_reconfig(DR_EVENT_FAIL, &info));
	EXPECT_EQ(EBUSY, heard(self).error);
	EXPECT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
}

TEST_F(aix, late_refusal_is_harmless)
{
	dr_info_t info;
	uint32_t gen;

	gen = tell(self, DR_PHASE_POST);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(EPERM, dr_reconfig(DR_EVENT_FAIL, &info));
	ASSERT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_EQ(gen, heard(self).gen);
}

TEST_F(aix, past_its_deadline)
{
	dr_info_t info = { 0 };

	info.phase_gen = tell_full(self, DR_PHASE_PRE, WIRE_EVENT_ANSWER, -1);
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(aix, what_is_no_event)
{
	struct wire_event e = { .phase = 99, .gen = 500, .flags = WIRE_EVENT_ANSWER };
	dr_info_t info;

	send(self->daemon, &e, sizeof(e), 0);
	send(self->daemon, &e, 3, 0);
	e.phase = DR_PHASE_PRE;
	e.nr_changes = 1000000;
	send(self->daemon, &e, sizeof(e), 0);
	tell_full(self, DR_PHASE_BEGIN, 0, 0);
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	tell(self, DR_PHASE_PRE);
	EXPECT_EQ(0, dr_reconfig(DR_QUERY, &info));
}

TEST_F(aix, with_changes_behind)
{
	struct {
		struct wire_event e;
		struct wire_change c[WIRE_CHANGES_MAX];
	} m = { .e = { .phase = DR_PHASE_POST,
		       .gen = 7,
		       .flags = WIRE_EVENT_ANSWER,
		       .nr_changes = WIRE_CHANGES_MAX } };
	dr_info_t info;

	ASSERT_EQ(sizeof(m), send(self->daemon, &m, sizeof(m), 0));
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(1, (int)info.post);
	EXPECT_EQ(7, heard(self).gen);
}

TEST_F(aix, gens_wrap)
{
	dr_info_t info;

	self->gen = UINT32_MAX - 1;
	tell(self, DR_PHASE_CHECK);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	tell(self, DR_PHASE_PRE);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(0, info.phase_gen);
	tell(self, DR_PHASE_POST);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(1, info.phase_gen);
}

TEST_F(aix, socket_is_full)
{
	struct wire_answer filler = { 0 };
	dr_info_t info;
	uint32_t gen;

	gen = tell(self, DR_PHASE_PRE);
	while (send(self->client, &filler, sizeof(filler), MSG_DONTWAIT) > 0)
		;
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(EINTR, dr_reconfig(DR_RECONFIG_DONE, &info));
	while (recv(self->daemon, &filler, sizeof(filler), MSG_DONTWAIT) > 0)
		;
	EXPECT_EQ(0, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_EQ(gen, heard(self).gen);
}

TEST_F(aix, daemon_is_gone)
{
	dr_info_t info;

	tell(self, DR_PHASE_PRE);
	close(self->daemon);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_RECONFIG_DONE, &info));
}

TEST_F(aix, child_has_no_part_in_it)
{
	dr_info_t info;
	int status;
	pid_t pid;

	tell(self, DR_PHASE_PRE);
	pid = fork();
	if (pid == 0)
		_exit(dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info) == -1 && errno == ENXIO &&
				      fcntl(self->client, F_GETFD) < 0 ?
			      0 :
			      1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, heard(self).gen);
	EXPECT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
}

TEST_F(aix, child_of_a_plain_clone)
{
	dr_info_t info;
	int status;
	pid_t pid;

	tell(self, DR_PHASE_PRE);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info) == -1 && errno == ENXIO ? 0 :
												1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, dr_reconfig(DR_QUERY, &info));
}

TEST_F(aix, number_was_closed_and_reused)
{
	dr_info_t info = { 0 };
	int other[2];
	char c;

	tell(self, DR_PHASE_PRE);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY, &info));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, other));
	ASSERT_EQ(1, send(other[1], "x", 1, 0));
	ASSERT_EQ(self->client, dup2(other[0], self->client));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_RECONFIG_DONE, &info));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(-1, recv(other[1], &c, 1, MSG_DONTWAIT));
	EXPECT_EQ(1, recv(other[0], &c, 1, MSG_DONTWAIT));
	/* nor is the stranger closed when the signal is ignored */
	signal(SIGRECONFIG, SIG_IGN);
	EXPECT_EQ(1, send(other[1], "x", 1, 0));
}

TEST_F(aix, ignoring_ends_the_registration)
{
	struct sigaction sa = { .sa_handler = handler };
	dr_info_t info;
	char c;

	/* catching it again changes nothing */
	EXPECT_EQ(0, sigaction(SIGRECONFIG, &sa, NULL));
	EXPECT_EQ(-1, recv(self->daemon, &c, 1, MSG_DONTWAIT));
	/* nor does asking, or another signal */
	EXPECT_EQ(0, sigaction(SIGRECONFIG, NULL, &sa));
	EXPECT_EQ((void *)handler, (void *)sa.sa_handler);
	signal(SIGUSR1, SIG_IGN);
	EXPECT_EQ(-1, recv(self->daemon, &c, 1, MSG_DONTWAIT));
	EXPECT_EQ((void *)handler, (void *)signal(SIGRECONFIG, SIG_IGN));
	EXPECT_EQ(0, recv(self->daemon, &c, 1, MSG_DONTWAIT));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
}

TEST_F(aix, a_new_registration_takes_the_old_number)
{
	dr_info_t info;
	int sv[2];

	tell(self, DR_PHASE_PRE);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv));
	ASSERT_EQ(0, dr_aix_adopt(sv[1]));
	close(self->daemon);
	self->daemon = sv[0];
	EXPECT_EQ(-1, fcntl(sv[1], F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->client, F_GETFD));
	self->gen = 0; /* of a new daemon: smaller than before */
	tell(self, DR_PHASE_POST);
	EXPECT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(1, heard(self).gen);
}

static _Atomic int nr_done;
static _Atomic int stop;

static void *answer_all(void *arg)
{
	dr_info_t info;

	while (!stop)
		if (dr_reconfig(DR_QUERY, &info) == 0 && dr_reconfig(DR_RECONFIG_DONE, &info) == 0)
			nr_done++;
	return NULL;
}

TEST_F(aix, one_answer_of_many_threads)
{
	pthread_t threads[NR_THREADS];
	int i;

	for (i = 0; i < NR_THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, answer_all, NULL));
	for (i = 1; i <= NR_EVENTS; i++) {
		uint32_t gen = tell(self, DR_PHASE_PRE);
		struct wire_answer a;

		ASSERT_EQ(sizeof(a), recv(self->daemon, &a, sizeof(a), 0));
		ASSERT_EQ(gen, a.gen);
	}
	stop = 1;
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, heard(self).gen);
	EXPECT_EQ(NR_EVENTS, nr_done);
}

/* One alarm, at another place each time: however slow the machine is, the interrupted thread gets on. */
static void arm_alarm(int i)
{
	struct itimerval it = { .it_value = { .tv_usec = 1 + i % 59 } };

	setitimer(ITIMER_REAL, &it, NULL);
}

static void answer_in_handler(int signo)
{
	dr_info_t info;

	if (dr_reconfig(DR_QUERY, &info) == 0 && dr_reconfig(DR_RECONFIG_DONE, &info) == 0)
		nr_done++;
}

/* The handler interrupts the same functions at every place there is. */
TEST_F(aix, handler_interrupts_the_thread_that_answers)
{
	struct sigaction sa = { .sa_handler = answer_in_handler, .sa_flags = SA_RESTART };
	uint32_t gen;
	int i;

	sigaction(SIGALRM, &sa, NULL);
	for (i = 0; i < 10 * NR_EVENTS; i++) {
		struct wire_answer a;
		dr_info_t info;

		arm_alarm(i);
		gen = tell(self, DR_PHASE_PRE);
		if (dr_reconfig(DR_QUERY, &info) == 0 && dr_reconfig(DR_RECONFIG_DONE, &info) == 0)
			nr_done++;
		ASSERT_EQ(sizeof(a), recv(self->daemon, &a, sizeof(a), 0));
		ASSERT_EQ(gen, a.gen);
	}
	EXPECT_EQ(10 * NR_EVENTS, nr_done);
	EXPECT_EQ(0, heard(self).gen);
}

#define NR_OVERTAKEN 20000

static struct {
	int daemon;
	_Atomic uint32_t gen;
	_Atomic int nr_inside; /* events told in the handler */
} overtaken;

static void tell_overtaken(void)
{
	struct wire_event e = { .phase = DR_PHASE_PRE,
				.flags = WIRE_EVENT_ANSWER,
				.gen = ++overtaken.gen };

	send(overtaken.daemon, &e, sizeof(e), MSG_DONTWAIT);
}

static void overtake(int signo)
{
	dr_info_t info;

	tell_overtaken();
	dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info);
	overtaken.nr_inside++;
}

/* The next event comes and is answered while this thread stands between asking and answering. */
TEST_F(aix, overtaken_between_asking_and_answering)
{
	struct sigaction sa = { .sa_handler = overtake, .sa_flags = SA_RESTART };
	static uint8_t times[4 * NR_OVERTAKEN];
	struct wire_answer a;
	int i;

	overtaken.daemon = self->daemon;
	sigaction(SIGALRM, &sa, NULL);
	for (i = 0; i < NR_OVERTAKEN; i++) {
		dr_info_t info;

		arm_alarm(i);
		tell_overtaken();
		/* the second call finds nothing to do, unless the first one lost count */
		dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info);
		dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info);
		while ((a = heard(self)).gen) {
			ASSERT_GT(sizeof(times), a.gen);
			ASSERT_EQ(0, times[a.gen]++)
			TH_LOG("event %u was answered twice", a.gen);
		}
	}
	EXPECT_LT(0, overtaken.nr_inside);
}

/* Two threads that took events 7 and 8 from the socket get here in any order. */
TEST(older_news_is_dropped)
{
	struct wire_event e = { .phase = DR_PHASE_PRE, .gen = 8 }, out;
	int i;

	EXPECT_FALSE(latest_get(LATEST_QUESTION, &out));
	latest_put(&e);
	e = (struct wire_event){ .phase = DR_PHASE_CHECK, .gen = 7 };
	latest_put(&e);
	ASSERT_TRUE(latest_get(LATEST_QUESTION, &out));
	EXPECT_EQ(8, out.gen);
	EXPECT_EQ(DR_PHASE_PRE, out.phase);
	latest_reset();
	EXPECT_FALSE(latest_get(LATEST_QUESTION, &out));
	e.gen = UINT32_MAX;
	latest_put(&e);
	e.gen = 3;
	latest_put(&e);
	e.gen = UINT32_MAX - 1;
	for (i = 0; i < 200; i++)
		latest_put(&e);
	ASSERT_TRUE(latest_get(LATEST_QUESTION, &out));
	EXPECT_EQ(3, out.gen);
}

TEST(without_a_daemon)
{
	struct sigaction sa = { .sa_handler = handler };
	dr_info_t info;

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	errno = 42;
	EXPECT_EQ(0, sigaction(SIGRECONFIG, &sa, NULL));
	EXPECT_EQ(42, errno);
	EXPECT_NE(SIG_ERR, signal(SIGRECONFIG, handler));
	EXPECT_NE(SIG_ERR, signal(SIGRECONFIG, SIG_DFL));
	EXPECT_FAIL(ENXIO, dr_reconfig(DR_QUERY, &info));
	EXPECT_FAIL(EINVAL, sigaction(SIGKILL, &sa, NULL));
}

/* A launcher's child between vfork() and exec has our memory, but signal handlers of its own. */
TEST_F(aix, vfork_child_resets_its_signals)
{
	dr_info_t info;
	int status;
	pid_t pid;

	tell(self, DR_PHASE_PRE);
	pid = vfork();
	if (pid == 0) {
		signal(SIGRECONFIG, SIG_DFL);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(self->gen, heard(self).gen);
}

static int reset_by_signal(void)
{
	return signal(SIGRECONFIG, SIG_DFL) == SIG_ERR;
}

static int reset_by_sigaction(void)
{
	const struct sigaction act = { .sa_handler = SIG_DFL };

	return sigaction(SIGRECONFIG, &act, NULL);
}

/* The signal was sent while there was a handler, and is blocked; number 58's default is to end the process. */
TEST_F(aix, resetting_the_handler_kills_nobody)
{
	static int (*const resets[])(void) = { reset_by_signal, reset_by_sigaction };

	for (size_t i = 0; i < ARRAY_SIZE(resets); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			sigset_t set;

			signal(SIGRECONFIG, handler);
			sigemptyset(&set);
			sigaddset(&set, SIGRECONFIG);
			sigprocmask(SIG_BLOCK, &set, NULL);
			kill(getpid(), SIGRECONFIG);
			resets[i]();
			sigprocmask(SIG_UNBLOCK, &set, NULL);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_F(aix, an_end_is_heard_late)
{
	dr_info_t info;

	tell(self, DR_PHASE_PRE);
	ASSERT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	tell_full(self, DR_PHASE_POST, WIRE_EVENT_ANSWER, -1);
	EXPECT_EQ(0, dr_reconfig(DR_QUERY, &info));
	EXPECT_EQ(1, (int)info.post);
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST_F(aix, sigignore_ends_the_registration)
{
	char c;

	EXPECT_EQ(0, sigignore(SIGRECONFIG));
	EXPECT_EQ(0, recv(self->daemon, &c, 1, MSG_DONTWAIT));
}

static _Atomic int sysv_queried;

/* As System V taught: ignored while it is being handled, caught again at the end. */
static void sysv_handler(int signo)
{
	dr_info_t info;

	signal(signo, SIG_IGN);
	if (dr_reconfig(DR_QUERY, &info) == 0 && dr_reconfig(DR_RECONFIG_DONE, &info) == 0)
		sysv_queried++;
	signal(signo, sysv_handler);
}

TEST_F(aix, ignored_while_it_is_handled)
{
	signal(SIGRECONFIG, sysv_handler);
	tell(self, DR_PHASE_PRE);
	raise(SIGRECONFIG);
	EXPECT_EQ(1, sysv_queried);
	EXPECT_EQ(self->gen, heard(self).gen);
}

TEST_HARNESS_MAIN
