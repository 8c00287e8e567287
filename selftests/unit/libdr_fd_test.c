// SPDX-License-Identifier: GPL-2.0-or-later
/* The descriptor API and the registration of both, over a real bus: against unit/stub.h. */
#include "dr.h"
#include "shared/clock.h"
#include "shared/wire.h"

#include "kselftest_harness.h"
#include "unit/stub.h"

#include <errno.h>
#include <poll.h>

FIXTURE(fd)
{
	struct stub stub;
	dr_client *client;
	uint32_t gen;
};

FIXTURE_SETUP(fd)
{
	if (stub_start(&self->stub) < 0)
		SKIP(return, "no dbus-daemon here");
}

FIXTURE_TEARDOWN(fd)
{
	dr_close(self->client);
	stub_end(&self->stub);
}

static uint32_t tell(FIXTURE_DATA(fd) * self, uint32_t phase, uint32_t flags, uint32_t nr_changes)
{
	struct {
		struct wire_event e;
		struct wire_change c[WIRE_CHANGES_MAX];
	} m = { .e = { .phase = phase,
		       .gen = ++self->gen,
		       .flags = flags,
		       .nr_changes = nr_changes,
		       .nr_more = nr_changes ? 4000000000 : 0,
		       .stream = 0xabc,
		       .deadline_us = now_boottime_usec() + 60 * USEC_PER_SEC,
		       .blackout_us = 77 } };
	uint32_t i;

	for (i = 0; i < nr_changes; i++) {
		snprintf(m.c[i].name, sizeof(m.c[i].name), "name%u", i);
		strcpy(m.c[i].old_value, "old");
		strcpy(m.c[i].new_value, "new");
		m.c[i].flags = i;
	}
	if (send(self->stub.fd, &m, sizeof(m.e) + nr_changes * sizeof(m.c[0]), 0) < 0)
		return 0;
	return self->gen;
}

static struct wire_answer heard(FIXTURE_DATA(fd) * self)
{
	struct wire_answer a;

	if (recv(self->stub.fd, &a, sizeof(a), MSG_DONTWAIT) != sizeof(a))
		a.gen = 0;
	return a;
}

TEST_F(fd, defaults)
{
	ASSERT_EQ(0, dr_open(&self->client, NULL));
	EXPECT_STREQ(program_invocation_short_name, self->stub.name);
	EXPECT_EQ(DR_PHASES_DEFAULT, self->stub.phases);
	EXPECT_EQ(0, self->stub.flags);
	EXPECT_EQ(0, self->stub.signo);
	EXPECT_TRUE(self->stub.pidfd_ok);
	EXPECT_EQ(FD_CLOEXEC, fcntl(dr_fd(self->client), F_GETFD));
}

TEST_F(fd, options)
{
	struct dr_options o = { .name = "my\xff name",
				.phases = DR_PHASES(DR_PHASE_PRE),
				.flags = DR_MAY_REFUSE | DR_REQUIRED,
				.signo = SIGRECONFIG,
				.timeout_ms = 1234 };

	ASSERT_EQ(0, dr_open(&self->client, &o));
	EXPECT_STREQ("my? name", self->stub.name);
	EXPECT_EQ(DR_PHASES(DR_PHASE_PRE) | DR_PHASES(DR_PHASE_POST) |
			  DR_PHASES(DR_PHASE_POST_ERROR),
		  self->stub.phases);
	EXPECT_EQ(3, self->stub.flags);
	EXPECT_EQ(58, self->stub.signo);
	EXPECT_EQ(1234, self->stub.timeout_ms);
}

static const struct dr_options bad[] = {
	{ .name = "" },
	{ .name = "0123456789012345678901234567890123456789012345678901234567890123" },
	{ .phases = 1 },
	{ .phases = 1 << 8 },
	{ .flags = 1 << 5 },
	{ .flags = DR_AFFINITY_RESTORE | DR_AFFINITY_RECOMPUTE },
	{ .flags = DR_REQUIRED },
	{ .signo = -1 },
	{ .signo = 65 },
	{ .signo = SIGKILL },
};

TEST_F(fd, bad_options)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, dr_open(&self->client, &bad[i])) TH_LOG("%zu", i);
	EXPECT_EQ(-EINVAL, dr_open(NULL, NULL));
	EXPECT_EQ(0, self->stub.calls);
}

static const struct {
	const char *name;
	int r;
} errors[] = {
	{ DR_ERROR_TOO_MANY, -EUSERS },
	{ DR_ERROR_INVALID, -EINVAL },
	{ SD_BUS_ERROR_SERVICE_UNKNOWN, -EHOSTDOWN },
	{ "org.freedesktop.DBus.Error.Spawn.ChildExited", -EHOSTDOWN },
	{ SD_BUS_ERROR_NO_REPLY, -ETIMEDOUT },
	{ "org.example.Unheard", -EIO },
};

TEST_F(fd, errors)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		self->stub.error = errors[i].name;
		errno = 42;
		EXPECT_EQ(errors[i].r, dr_open(&self->client, NULL)) TH_LOG("%s", errors[i].name);
		EXPECT_EQ(42, errno);
		EXPECT_EQ(NULL, self->client);
	}
}

TEST_F(fd, silent_daemon)
{
	self->stub.silent = 1;
	EXPECT_EQ(-ETIMEDOUT, dr_open(&self->client, NULL));
}

TEST_F(fd, no_daemon)
{
	struct stub other;

	ASSERT_EQ(0, stub_start_bus(&other));
	EXPECT_EQ(-EHOSTDOWN, dr_open(&self->client, NULL));
	kill(other.dbus, SIGSTOP);
	/* a bus that hangs */
	EXPECT_EQ(-ETIMEDOUT, dr_open(&self->client, NULL));
	stub_end(&other);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	EXPECT_EQ(-EHOSTDOWN, dr_open(&self->client, NULL));
}

TEST_F(fd, events)
{
	struct pollfd p = { .events = POLLIN };
	struct dr_event e;
	uint32_t gen;
	int i;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	EXPECT_EQ(0, dr_next(self->client, &e));
	gen = tell(self, DR_PHASE_POST, WIRE_EVENT_ANSWER | WIRE_EVENT_FORCE, WIRE_CHANGES_MAX);
	p.fd = dr_fd(self->client);
	EXPECT_EQ(1, poll(&p, 1, 0));
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(DR_PHASE_POST, e.phase);
	EXPECT_EQ(gen, e.gen);
	EXPECT_EQ(1, e.force);
	EXPECT_EQ(0xabc, e.stream);
	EXPECT_EQ(77, e.blackout_us);
	EXPECT_NE(0, e.deadline_us);
	ASSERT_EQ(WIRE_CHANGES_MAX, e.nr_changes);
	EXPECT_EQ(4000000000, e.nr_more);
	for (i = 0; i < WIRE_CHANGES_MAX; i++)
		EXPECT_EQ(i, e.changes[i].flags);
	EXPECT_STREQ("name63", e.changes[63].name);
	EXPECT_EQ(0, dr_next(self->client, &e));
	EXPECT_EQ(-EPERM, dr_refuse(self->client, gen, EBUSY, "no"));
	EXPECT_EQ(0, dr_ack(self->client, gen));
	EXPECT_EQ(-ESTALE, dr_ack(self->client, gen));
	EXPECT_EQ(gen, heard(self).gen);
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(fd, answers)
{
	char reason[400];
	struct wire_answer a;
	struct dr_event e;
	uint32_t gen;

	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	ASSERT_EQ(0, dr_open(&self->client, NULL));
	EXPECT_EQ(-ESTALE, dr_ack(self->client, 0));
	gen = tell(self, DR_PHASE_CHECK, WIRE_EVENT_ANSWER, 0);
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(-ESTALE, dr_ack(self->client, gen + 1));
	EXPECT_EQ(-EINVAL, dr_refuse(self->client, gen, 0, "no"));
	EXPECT_EQ(-EINVAL, dr_refuse(self->client, gen, -EBUSY, "no"));
	/* a notice in between does not replace it */
	tell(self, DR_PHASE_BEGIN, 0, 0);
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(0, e.deadline_us);
	EXPECT_EQ(-ESTALE, dr_ack(self->client, e.gen));
	EXPECT_EQ(0, dr_refuse(self->client, gen, EBUSY, reason));
	a = heard(self);
	EXPECT_EQ(gen, a.gen);
	EXPECT_EQ(EBUSY, a.error);
	EXPECT_EQ(DR_REASON_LEN - 1, strnlen(a.reason, sizeof(a.reason)));
}

/* Nobody waits for an answer; libdr acknowledges it when the program has read it. */
TEST_F(fd, the_machine_has_changed)
{
	struct dr_options o = { .phases = DR_PHASES(DR_PHASE_CHANGED) };
	uint32_t question, gen;
	struct dr_event e;

	ASSERT_EQ(0, dr_open(&self->client, &o));
	EXPECT_EQ(DR_PHASES(DR_PHASE_CHANGED), self->stub.phases);
	question = tell(self, DR_PHASE_POST, WIRE_EVENT_ANSWER, 0);
	gen = tell(self, DR_PHASE_CHANGED, 0, 2);
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(0, heard(self).gen);
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(gen, heard(self).gen);
	EXPECT_EQ(DR_PHASE_CHANGED, e.phase);
	EXPECT_STREQ("changed", dr_phase_name(e.phase));
	EXPECT_EQ(0, e.deadline_us);
	ASSERT_EQ(2, e.nr_changes);
	EXPECT_STREQ("name1", e.changes[1].name);
	EXPECT_EQ(-ESTALE, dr_ack(self->client, gen));
	EXPECT_EQ(-ESTALE, dr_refuse(self->client, gen, EBUSY, "no"));
	EXPECT_EQ(0, dr_ack(self->client, question));
	EXPECT_EQ(question, heard(self).gen);
}

/* Nobody waits for it any more, and another event may be under way. */
TEST_F(fd, answers_too_late)
{
	struct wire_event w = { .phase = DR_PHASE_PRE, .flags = WIRE_EVENT_ANSWER, .gen = 7 };
	struct dr_event e;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	w.deadline_us = now_boottime_usec() - 1;
	ASSERT_EQ(sizeof(w), send(self->stub.fd, &w, sizeof(w), 0));
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(-ESTALE, dr_ack(self->client, e.gen));
	EXPECT_EQ(-ESTALE, dr_refuse(self->client, e.gen, EBUSY, "no"));
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(fd, an_end_cannot_be_refused)
{
	static const uint32_t ends[] = { DR_PHASE_POST, DR_PHASE_POST_ERROR };
	struct dr_event e;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		uint32_t gen = tell(self, ends[i], WIRE_EVENT_ANSWER, 0);

		ASSERT_EQ(1, dr_next(self->client, &e));
		EXPECT_EQ(-EPERM, dr_refuse(self->client, gen, EBUSY, "no"));
		EXPECT_EQ(0, heard(self).gen);
		EXPECT_EQ(0, dr_ack(self->client, gen));
		EXPECT_EQ(gen, heard(self).gen);
	}
}

TEST_F(fd, the_next_daemon_asks_again)
{
	struct dr_event e;
	uint32_t gen;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	gen = tell(self, DR_PHASE_POST, WIRE_EVENT_ANSWER, 1);
	ASSERT_EQ(1, dr_next(self->client, &e));
	/* not answered yet: told once, and one answer will do */
	self->gen = gen - 1;
	tell(self, DR_PHASE_POST, WIRE_EVENT_ANSWER, 1);
	EXPECT_EQ(0, dr_next(self->client, &e));
	EXPECT_EQ(0, dr_ack(self->client, gen));
	EXPECT_EQ(gen, heard(self).gen);
	/* answered: the answer again, without the program */
	self->gen = gen - 1;
	tell(self, DR_PHASE_POST, WIRE_EVENT_ANSWER, 1);
	EXPECT_EQ(0, dr_next(self->client, &e));
	EXPECT_EQ(gen, heard(self).gen);
	EXPECT_EQ(0, heard(self).gen);
}

TEST_F(fd, hostile_daemon)
{
	struct wire_event e = { .phase = DR_PHASE_PRE, .nr_changes = 60000 };
	struct dr_event event;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	send(self->stub.fd, &e, sizeof(e), 0);
	send(self->stub.fd, &e, 1, 0);
	EXPECT_EQ(-EBADMSG, dr_next(self->client, &event));
	EXPECT_EQ(-EBADMSG, dr_next(self->client, &event));
	close(self->stub.fd);
	self->stub.fd = -1;
	EXPECT_EQ(-EPIPE, dr_next(self->client, &event));
}

TEST_F(fd, child_has_no_part_in_it)
{
	struct dr_event e;
	int status;
	pid_t pid;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	tell(self, DR_PHASE_PRE, WIRE_EVENT_ANSWER, 0);
	pid = fork();
	if (pid == 0) {
		status = dr_next(self->client, &e) == -EPIPE && dr_ack(self->client, 1) == -EPIPE;
		dr_close(self->client);
		_exit(status ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(1, dr_next(self->client, &e));
	EXPECT_EQ(0, dr_ack(self->client, e.gen));
}

static void handler(int signo)
{
}

TEST_F(fd, catching_the_signal_registers)
{
	struct sigaction sa = { .sa_handler = handler };
	dr_info_t info;
	int fd;
	char c;

	signal(SIGUSR1, handler);
	signal(SIGRECONFIG, SIG_IGN);
	EXPECT_EQ(0, self->stub.calls);
	/* nobody answers: it succeeds all the same, and the next one tries again */
	self->stub.error = DR_ERROR_TOO_MANY;
	EXPECT_EQ(0, sigaction(SIGRECONFIG, &sa, NULL));
	EXPECT_EQ(1, self->stub.calls);
	self->stub.error = NULL;
	EXPECT_EQ(0, sigaction(SIGRECONFIG, &sa, NULL));
	EXPECT_EQ(2, self->stub.calls);
	EXPECT_EQ(58, self->stub.signo);
	EXPECT_EQ(DR_MAY_REFUSE, self->stub.flags);
	EXPECT_EQ(DR_PHASES_DEFAULT | DR_PHASES(DR_PHASE_CHANGED), self->stub.phases);
	EXPECT_EQ(0, sigaction(SIGRECONFIG, &sa, NULL));
	EXPECT_EQ(2, self->stub.calls);
	tell(self, DR_PHASE_PRE, WIRE_EVENT_ANSWER, 0);
	EXPECT_EQ(0, dr_reconfig(DR_QUERY | DR_RECONFIG_DONE, &info));
	EXPECT_EQ(1, heard(self).gen);
	/* the daemon goes and comes back */
	fd = self->stub.fd;
	close(fd);
	EXPECT_NE(SIG_ERR, signal(SIGRECONFIG, handler));
	EXPECT_EQ(3, self->stub.calls);
	EXPECT_NE(SIG_ERR, signal(SIGRECONFIG, SIG_DFL));
	EXPECT_EQ(0, recv(self->stub.fd, &c, 1, MSG_DONTWAIT));
}

TEST_F(fd, child_registers_for_itself)
{
	int status;
	pid_t pid;

	signal(SIGRECONFIG, handler);
	ASSERT_EQ(1, self->stub.calls);
	pid = fork();
	if (pid == 0) {
		signal(SIGRECONFIG, handler);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(2, self->stub.calls);
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST_F(fd, every_function_that_sets_a_handler)
{
	typedef void (*handler_fn)(int);
	extern handler_fn bsd_signal(int, handler_fn), __sysv_signal(int, handler_fn);
	int calls = 0;

#define REGISTERS(call)                                     \
	EXPECT_NE(SIG_ERR, call);                           \
	EXPECT_EQ(++calls, self->stub.calls) TH_LOG(#call); \
	signal(SIGRECONFIG, SIG_DFL)
	REGISTERS(signal(SIGRECONFIG, handler));
	REGISTERS(bsd_signal(SIGRECONFIG, handler));
	REGISTERS(ssignal(SIGRECONFIG, handler));
	REGISTERS(__sysv_signal(SIGRECONFIG, handler));
	REGISTERS(sigset(SIGRECONFIG, handler));
}

static void *catch_it(void *arg)
{
	signal(SIGRECONFIG, handler);
	return NULL;
}

/* While one thread waits for the bus to register, another one ends the registration. */
TEST_F(fd, ignored_while_it_registers)
{
	pthread_t thread;
	char c;

	self->stub.delay_ms = 500;
	ASSERT_EQ(0, pthread_create(&thread, NULL, catch_it, NULL));
	while (!self->stub.calls)
		usleep(1000);
	signal(SIGRECONFIG, SIG_IGN);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, recv(self->stub.fd, &c, 1, MSG_DONTWAIT));
}

/* A worker that was forked holds a copy of the socket: closing ours is not enough. */
TEST_F(fd, closing_ends_it_whatever_a_child_holds)
{
	pid_t pid;
	char c;

	ASSERT_EQ(0, dr_open(&self->client, NULL));
	pid = fork();
	if (pid == 0)
		_exit(pause());
	self->client = dr_close(self->client);
	EXPECT_EQ(0, recv(self->stub.fd, &c, 1, MSG_DONTWAIT));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_HARNESS_MAIN
