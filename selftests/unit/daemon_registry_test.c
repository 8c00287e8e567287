// SPDX-License-Identifier: GPL-2.0-or-later
/* Applications: who may register, what their answers are worth, and what of them outlives the daemon. */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/apps/appevent.h"
#include "daemon/apps/aud-signals.h"
#include "daemon/apps/registry-store.h"
#include "daemon/base/eventlog.h"
#include "kselftest_harness.h"
#include <sanitizer/lsan_interface.h>

/* Instead of libc's: users' registrations are kept where there is room, and how full this machine is does not matter. */
int fstatvfs(int fd, struct statvfs *vfs)
{
	*vfs = (struct statvfs){ .f_blocks = 100, .f_bavail = 100 };
	return 0;
}

FIXTURE(registry)
{
	sd_event *event;
	struct config config;
	struct refusers *refusers;
	struct registry *r;
	struct eventlog log;
	char directory[64];
	int pidfd;
	/* what the watcher saw */
	unsigned answers, gone;
	uint32_t error;
	char reason[WIRE_REASON_LEN];
	struct changed *changed;
	uint32_t gen;
	/* what the host of the audience saw */
	struct audience *a;
	unsigned done, refusals;
	struct refusal refusal;
	int app_fd; /* with what it was told before that was written down */
	bool told_early;
	int tell_error, room_error;
	unsigned tells;
	/* what somebody else in the loop saw */
	unsigned turns, tells_before, most_in_a_turn;
};

static void on_answer(void *userdata, struct application *app, const struct wire_answer *answer)
{
	FIXTURE_DATA(registry) *self = userdata;

	self->answers++;
	self->error = answer->error;
	strcpy(self->reason, answer->reason);
}

static void on_gone(void *userdata, struct application *app)
{
	FIXTURE_DATA(registry) *self = userdata;

	self->gone++;
}

FIXTURE_SETUP(registry)
{
	log_max_level = LOG_EMERG;
	strcpy(self->directory, "/tmp/daemon_registry_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	ASSERT_LE(0, sd_event_new(&self->event));
	ASSERT_EQ(0, config_load(&self->config, "/nonexistent"));
	ASSERT_EQ(0, refusers_new(&self->refusers, self->event, &self->config));
	ASSERT_EQ(0, registry_new(&self->r, self->event, &self->config, self->refusers,
				  self->directory));
	registry_watch(self->r, &(struct registry_watcher){ on_answer, NULL, on_gone, self });
	self->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ASSERT_LE(0, self->pidfd);
}

FIXTURE_TEARDOWN(registry)
{
	char command[128];

	aud_signals_free(self->a);
	changed_free(self->changed);
	registry_free(self->r);
	refusers_free(self->refusers);
	config_clear(&self->config);
	sd_event_unref(self->event);
	close(self->pidfd);
	snprintf(command, sizeof(command), "rm -rf '%s'", self->directory);
	EXPECT_EQ(0, system(command));
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static struct registration self_as(FIXTURE_DATA(registry) * self, uid_t uid)
{
	return (struct registration){
		.name = "app", .pidfd = self->pidfd, .pid = getpid(), .uid = uid
	};
}

static void settle(FIXTURE_DATA(registry) * self)
{
	while (sd_event_run(self->event, 20000) > 0)
		;
}

TEST_F(registry, bad_parameters)
{
	struct registration good = self_as(self, 0), w;
	char name[DR_NAME_LEN + 1];

	memset(name, 'x', sizeof(name));
	name[DR_NAME_LEN] = '\0';
	w = good, w.name = "";
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.name = name;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.phases = 1U << 31;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.flags = 1U << 31;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.flags = DR_AFFINITY_RESTORE | DR_AFFINITY_RECOMPUTE;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.signo = -1;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.signo = SIGTERM;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	w = good, w.signo = 65;
	EXPECT_EQ(-EINVAL, registry_add(self->r, &w));
	EXPECT_EQ(0, registry_count(self->r));
}

TEST_F(registry, the_pidfd_is_the_callers_own)
{
	struct registration w = self_as(self, 0);
	pid_t child = fork();
	int pidfd;

	if (child == 0)
		_exit(pause());
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	w.pidfd = pidfd;
	EXPECT_EQ(-ESRCH, registry_add(self->r, &w)); /* somebody else's */
	w.pid = child;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT_EQ(-ESRCH, registry_add(self->r, &w)); /* a dead one's */
	w = self_as(self, 0);
	w.pidfd = STDIN_FILENO;
	EXPECT_EQ(-ESRCH, registry_add(self->r, &w)); /* no pidfd */
	w.pidfd = open("/proc/self/fdinfo/0", O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(-ESRCH, registry_add(self->r, &w));
	close(w.pidfd);
	close(pidfd);
	EXPECT_EQ(0, registry_count(self->r));
}

TEST_F(registry, bounds_for_each_user_and_all)
{
	struct registration w = self_as(self, 1000), root = self_as(self, 0);
	int fds[8], other;

	self->config.max_applications_per_user = 3;
	self->config.max_applications = 4;
	for (int i = 0; i < 3; i++)
		ASSERT_LE(0, fds[i] = registry_add(self->r, &w));
	EXPECT_EQ(-EUSERS, registry_add(self->r, &w));
	w.uid = 1001;
	ASSERT_LE(0, other = registry_add(self->r, &w));
	EXPECT_EQ(-EUSERS, registry_add(self->r, &w)); /* all together */
	/* That is root's alone. */
	self->config.max_applications_root = 1;
	ASSERT_LE(0, fds[4] = registry_add(self->r, &root));
	EXPECT_EQ(-EUSERS, registry_add(self->r, &root));
	w.uid = 1000;
	EXPECT_EQ(-EUSERS, registry_add(self->r, &w));
	close(fds[0]);
	settle(self);
	EXPECT_EQ(1, self->gone);
	w.uid = 1000;
	ASSERT_LE(0, fds[0] = registry_add(self->r, &w));
	close(fds[0]), close(fds[1]), close(fds[2]), close(fds[4]), close(other);
	settle(self);
	EXPECT_EQ(0, registry_count(self->r));
}

static void looked_up(void *userdata)
{
	FIXTURE_DATA(registry) *self = userdata;

	self->done++;
}

/* Who may refuse is in drmgr.conf, and is looked up. */
static void may_refuse(FIXTURE_DATA(registry) * self, const char *names)
{
	free(self->config.may_refuse);
	self->config.may_refuse = names ? strdup(names) : NULL;
	self->done = 0;
	refusers_look_up(self->refusers, looked_up, self);
	while (!self->done && sd_event_run(self->event, UINT64_MAX) >= 0)
		;
}

TEST_F(registry, whose_refusal_counts)
{
	struct registration w = self_as(self, 0);
	struct application *app;
	int root, user;

	/* What becomes of its processors is nobody's to grant. */
	w.flags = DR_MAY_REFUSE | DR_AFFINITY_RESTORE;
	ASSERT_LE(0, root = registry_add(self->r, &w));
	EXPECT_EQ(DR_MAY_REFUSE, TAILQ_FIRST(registry_list(self->r))->flags);
	EXPECT_EQ(w.flags, TAILQ_FIRST(registry_list(self->r))->wanted);
	registry_drop(TAILQ_FIRST(registry_list(self->r)));
	close(root);
	w.flags = DR_MAY_REFUSE | DR_REQUIRED;
	ASSERT_LE(0, root = registry_add(self->r, &w));
	EXPECT_EQ(w.flags, TAILQ_FIRST(registry_list(self->r))->flags);
	w.uid = 1; /* daemon */
	ASSERT_LE(0, user = registry_add(self->r, &w));
	app = TAILQ_LAST(registry_list(self->r), application_list);
	EXPECT_EQ(0, app->flags);
	may_refuse(self, "nobody-of-that-name daemon");
	registry_grant(self->r);
	EXPECT_EQ(w.flags, app->flags);
	registry_drop(app);
	close(user);
	ASSERT_LE(0, user = registry_add(self->r, &w));
	app = TAILQ_LAST(registry_list(self->r), application_list);
	EXPECT_EQ(w.flags, app->flags);
	may_refuse(self, NULL);
	registry_grant(self->r);
	EXPECT_EQ(0, app->flags);
	EXPECT_EQ(w.flags, TAILQ_FIRST(registry_list(self->r))->flags);
	close(user), close(root);
}

TEST_F(registry, whose_group_may_refuse)
{
	gid_t gids[] = { 1, 5 }; /* daemon, tty */

	may_refuse(self, "bin, @tty");
	EXPECT_TRUE(refusers_include(self->refusers, 0, NULL, 0));
	EXPECT_TRUE(refusers_include(self->refusers, 2, NULL, 0));
	EXPECT_FALSE(refusers_include(self->refusers, 1, NULL, 0));
	EXPECT_TRUE(refusers_include(self->refusers, 1, gids, 2));
	EXPECT_FALSE(refusers_include(self->refusers, 1, gids, 1));
}

/* A process with these IDs, which catches SIGRECONFIG; one that it is sent stays pending. */
static pid_t process_of(uid_t real, uid_t effective, gid_t real_gid, gid_t effective_gid,
			int *pidfd)
{
	int ready[2];
	sigset_t set;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		signal(SIGRECONFIG, _exit);
		sigemptyset(&set);
		sigaddset(&set, SIGRECONFIG);
		sigprocmask(SIG_BLOCK, &set, NULL);
		if (setgroups(0, NULL) < 0 ||
		    setresgid(real_gid, effective_gid, effective_gid) < 0 ||
		    setresuid(real, effective, effective) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(pause());
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	*pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

static void end_process(pid_t pid, int pidfd)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pidfd);
}

/* What user 1000's connection is granted with the pidfd of this process. */
static uint32_t granted(FIXTURE_DATA(registry) * self, uid_t real, uid_t effective, gid_t real_gid,
			gid_t effective_gid)
{
	struct registration w = self_as(self, 1000);
	uint32_t flags;
	int fd;

	w.flags = DR_MAY_REFUSE;
	w.pid = process_of(real, effective, real_gid, effective_gid, &w.pidfd);
	if (w.pid < 0)
		return UINT32_MAX;
	fd = registry_add(self->r, &w);
	flags = fd < 0 ? UINT32_MAX : TAILQ_LAST(registry_list(self->r), application_list)->flags;
	close(fd);
	end_process(w.pid, w.pidfd);
	settle(self);
	return flags;
}

/* Anybody can start a setgid program, and hand on a connection to the bus before that. */
TEST_F(registry, a_group_of_its_users_own_may_refuse)
{
	if (getuid() != 0)
		SKIP(return, "not root");
	may_refuse(self, "@tty");
	EXPECT_EQ(DR_MAY_REFUSE, granted(self, 1000, 1000, 5, 5));
	EXPECT_EQ(0, granted(self, 1000, 1000, 1000, 5)) TH_LOG("of a setgid program");
	EXPECT_EQ(0, granted(self, 1001, 1001, 5, 5)) TH_LOG("of another user's process");
	EXPECT_EQ(0, granted(self, 1000, 1001, 5, 5)) TH_LOG("of a setuid program");
}

/* A directory service that does not answer: who was known before still is. */
TEST_F(registry, a_look_up_that_is_stopped)
{
	may_refuse(self, "daemon");
	free(self->config.may_refuse);
	self->config.may_refuse = strdup("bin");
	self->done = 0;
	refusers_look_up(self->refusers, looked_up, self);
	refusers_stop(self->refusers);
	while (!self->done && sd_event_run(self->event, UINT64_MAX) >= 0)
		;
	EXPECT_EQ(1, self->done);
	EXPECT_TRUE(refusers_include(self->refusers, 1, NULL, 0));
	EXPECT_FALSE(refusers_include(self->refusers, 2, NULL, 0));
}

TEST_F(registry, whoever_gets_ready_hears_the_end)
{
	struct registration w = self_as(self, 0);
	int fd;

	w.phases = DR_PHASES(DR_PHASE_BEGIN);
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	EXPECT_EQ(DR_PHASES(DR_PHASE_BEGIN) | DR_PHASES(DR_PHASE_POST) |
			  DR_PHASES(DR_PHASE_POST_ERROR),
		  TAILQ_FIRST(registry_list(self->r))->phases);
	close(fd);
}

/* ---- answers ---- */

static struct application *asked(FIXTURE_DATA(registry) * self, int *fd)
{
	struct registration w = self_as(self, 0);
	struct application *app;

	*fd = registry_add(self->r, &w);
	app = TAILQ_LAST(registry_list(self->r), application_list);
	app->asked = 7;
	app->deadline = now_usec() + 10 * USEC_PER_SEC;
	return app;
}

TEST_F(registry, an_answer_counts_once)
{
	struct wire_answer answer = { .gen = 7, .error = EBUSY };
	int fd;

	asked(self, &fd);
	strcpy(answer.reason, "not\nnow\033[2J");
	ASSERT_EQ(sizeof(answer), send(fd, &answer, sizeof(answer), 0));
	ASSERT_EQ(sizeof(answer), send(fd, &answer, sizeof(answer), 0));
	settle(self);
	EXPECT_EQ(1, self->answers);
	EXPECT_EQ(EBUSY, self->error);
	EXPECT_STREQ("not?now?[2J", self->reason);
	EXPECT_EQ(0, self->gone);
	close(fd);
}

TEST_F(registry, an_answer_to_another_event)
{
	struct wire_answer answer = { .gen = 6 };
	int fd;

	asked(self, &fd);
	ASSERT_EQ(sizeof(answer), send(fd, &answer, sizeof(answer), 0));
	settle(self);
	EXPECT_EQ(0, self->answers);
	EXPECT_EQ(0, self->gone);
	close(fd);
}

TEST_F(registry, who_does_not_keep_to_the_protocol_is_dropped)
{
	struct {
		struct wire_answer a;
		char more[512];
	} m = { .a = { .gen = 7 } };
	struct wire_answer endless = { .gen = 7 };
	struct wire_answer huge = { .gen = 7, .error = UINT32_MAX };
	static const char junk[] = "hello";
	int fd;

	asked(self, &fd);
	ASSERT_EQ(sizeof(junk), send(fd, junk, sizeof(junk), 0));
	settle(self);
	EXPECT_EQ(1, self->gone);
	EXPECT_EQ(0, recv(fd, &m, sizeof(m), 0)); /* it sees the end */
	close(fd);

	memset(endless.reason, 'x', sizeof(endless.reason));
	asked(self, &fd);
	ASSERT_EQ(sizeof(endless), send(fd, &endless, sizeof(endless), 0));
	settle(self);
	EXPECT_EQ(2, self->gone);
	close(fd);

	asked(self, &fd);
	ASSERT_EQ(sizeof(huge), send(fd, &huge, sizeof(huge), 0));
	settle(self);
	EXPECT_EQ(3, self->gone);
	close(fd);

	/* Larger than we know: from an application that is newer, and fine. */
	asked(self, &fd);
	ASSERT_EQ(sizeof(m), send(fd, &m, sizeof(m), 0));
	settle(self);
	EXPECT_EQ(1, self->answers);
	EXPECT_EQ(3, self->gone);
	close(fd);
}

TEST_F(registry, one_that_does_not_read_is_not_waited_for)
{
	struct wire_event event = { .phase = DR_PHASE_POST };
	struct application *app;
	int fd, r = 0;

	app = asked(self, &fd);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = application_send(app, &event, sizeof(event));
	EXPECT_EQ(-EAGAIN, r);
	close(fd);
}

/* ---- the audience ---- */

static void host_done(struct audience *a)
{
	FIXTURE_DATA(registry) *self = a->session;

	self->done++;
}

static void host_refuse(struct audience *a, const struct refusal *refusal)
{
	FIXTURE_DATA(registry) *self = a->session;

	self->refusals++;
	self->refusal = *refusal;
}

static int host_tell(struct audience *a, enum dr_phase phase, uint32_t gen, const char *name,
		     bool child)
{
	FIXTURE_DATA(registry) *self = a->session;
	char byte;

	self->told_early |=
		self->app_fd > 0 && recv(self->app_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
	self->tells++;
	return self->tell_error;
}

static int host_room(struct audience *a)
{
	FIXTURE_DATA(registry) *self = a->session;

	return self->room_error;
}

static void host_over(struct audience *a, const char *name)
{
}

static const struct audience_host_ops host_ops = { .done = host_done,
						   .refuse = host_refuse,
						   .tell = host_tell,
						   .room = host_room,
						   .over = host_over };

static int new_audience(FIXTURE_DATA(registry) * self)
{
	int r = changed_new(&self->changed, self->event, self->r, &self->gen);

	if (r == 0)
		r = aud_signals_new(&self->a, self->event, &self->config, self->r, self->changed,
				    &self->log);
	if (r == 0) {
		self->a->host = &host_ops;
		self->a->session = self;
	}
	return r;
}

TEST_F(registry, the_audience_completes_once_whatever_they_do)
{
	struct notice check = { .phase = DR_PHASE_CHECK, .stream = 1, .gen = 3 }, pre = check;
	struct registration w = self_as(self, 0);
	struct wire_answer answer = { .gen = 3, .error = EBUSY, .reason = "no" };
	int good, silent, dead;

	self->config.application_timeout = 2 * USEC_PER_SEC;
	ASSERT_EQ(0, new_audience(self));
	w.flags = DR_MAY_REFUSE;
	ASSERT_LE(0, good = registry_add(self->r, &w));
	w.flags = 0;
	ASSERT_LE(0, silent = registry_add(self->r, &w));
	ASSERT_LE(0, dead = registry_add(self->r, &w));
	self->a->ops->check(self->a, &check);
	ASSERT_EQ(sizeof(answer), send(good, &answer, sizeof(answer), 0));
	close(dead);
	settle(self);
	EXPECT_EQ(0, self->done);
	while (!self->done)
		sd_event_run(self->event, 1000000);
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(2, self->refusals); /* one said no, one said nothing: advice, and it comes last */
	EXPECT_FALSE(self->refusal.stops);
	EXPECT_EQ(ETIMEDOUT, self->refusal.error);
	/* Too late, and for the wrong event: harmless. */
	ASSERT_EQ(sizeof(answer), send(silent, &answer, sizeof(answer), 0));
	settle(self);
	EXPECT_EQ(1, self->done);
	/* Broken off. */
	pre.phase = DR_PHASE_PRE;
	pre.gen = 4;
	self->a->ops->pre(self->a, &pre);
	self->a->ops->stop(self->a);
	self->a->ops->stop(self->a);
	settle(self);
	EXPECT_EQ(2, self->done);
	EXPECT_EQ(2, self->a->told.n);
	close(good);
	close(silent);
}

/* The journal first: a daemon that is killed between the two must not leave somebody quiesced. */
TEST_F(registry, written_down_before_it_is_told)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 3 };
	struct registration w = self_as(self, 0);
	struct wire_event event;

	ASSERT_EQ(0, new_audience(self));
	w.flags = DR_MAY_REFUSE | DR_REQUIRED;
	ASSERT_LE(0, self->app_fd = registry_add(self->r, &w));
	pre.deadline = now_usec() + 60 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	EXPECT_FALSE(self->told_early);
	EXPECT_EQ(1, self->a->told.n);
	ASSERT_EQ(sizeof(event), recv(self->app_fd, &event, sizeof(event), MSG_DONTWAIT));
	self->a->ops->stop(self->a);
	/* What can't be written down is not told, and stops the migration if it may. */
	self->tell_error = -ENOSPC;
	pre.gen = 4;
	self->a->ops->pre(self->a, &pre);
	EXPECT_EQ(-1, recv(self->app_fd, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_EQ(1, self->refusals);
	EXPECT_TRUE(self->refusal.stops);
	EXPECT_EQ(2, self->done);
	close(self->app_fd);
}

/* There is no room in the journal but what is kept for root's: others are not told, which stops nothing. */
TEST_F(registry, who_has_no_room_is_not_told)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 3 };
	struct registration w = self_as(self, 0);
	struct wire_event event;
	int root, user;

	self->room_error = -ENOSPC;
	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, root = registry_add(self->r, &w));
	w.uid = 1000;
	ASSERT_LE(0, user = registry_add(self->r, &w));
	pre.deadline = now_usec() + 60 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	EXPECT_EQ(sizeof(event), recv(root, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_EQ(-1, recv(user, &event, sizeof(event), MSG_DONTWAIT));
	self->a->ops->stop(self->a);
	self->tell_error = -ENOSPC;
	pre.gen = 4;
	self->a->ops->pre(self->a, &pre);
	EXPECT_EQ(-1, recv(root, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_EQ(0, self->refusals);
	EXPECT_EQ(2, self->done);
	close(root), close(user);
}

TEST_F(registry, told_again_under_the_same_gen)
{
	struct notice post = { .phase = DR_PHASE_POST, .stream = 1, .gen = 9 };
	struct registration w = self_as(self, 0);
	struct wire_event event;
	struct told_entry *e;
	char name[32];
	int fd, over;

	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	ASSERT_LE(0, over = registry_add(self->r, &w));
	/* As the journal of a daemon says that died in POST: the first was just being told, the second had answered. */
	snprintf(name, sizeof(name), "app-%lu",
		 (unsigned long)TAILQ_FIRST(registry_list(self->r))->id);
	e = told_add(&self->a->told, name, TOLD_ENDING);
	e->gen = 5;
	snprintf(name, sizeof(name), "app-%lu",
		 (unsigned long)TAILQ_LAST(registry_list(self->r), application_list)->id);
	told_add(&self->a->told, name, TOLD_OVER);
	self->a->ops->post(self->a, &post);
	ASSERT_EQ(sizeof(event), recv(fd, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_EQ(5, event.gen);
	EXPECT_EQ(-1, recv(over, &event, sizeof(event), MSG_DONTWAIT));
	close(fd);
	close(over);
	settle(self);
	EXPECT_EQ(1, self->done);
}

/* ---- what outlives the daemon ---- */

TEST_F(registry, taken_back)
{
	struct registration w = self_as(self, 1);
	struct application *app;
	struct wire_answer answer = { .gen = 7 };
	char name[32], *names[3] = { name, name, "unknown" };
	int fd, fds[3];

	w.signo = SIGRECONFIG;
	w.timeout_ms = 1234;
	w.flags = DR_MAY_REFUSE | DR_AFFINITY_RECOMPUTE;
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	app = TAILQ_FIRST(registry_list(self->r));
	snprintf(name, sizeof(name), "app-%lu", (unsigned long)app->id);
	/* systemd gives them in any order */
	fds[0] = dup(app->pidfd);
	fds[1] = dup(app->sock);
	fds[2] = dup(0);
	registry_free(self->r);
	ASSERT_EQ(0, registry_new(&self->r, self->event, &self->config, self->refusers,
				  self->directory));
	registry_watch(self->r, &(struct registry_watcher){ on_answer, NULL, on_gone, self });
	registry_restore(self->r, fds, names, 3);
	EXPECT_EQ(-EBADF, fds[0]);
	EXPECT_EQ(-EBADF, fds[1]);
	EXPECT_LE(0, fds[2]); /* not an application's */
	ASSERT_EQ(1, registry_count(self->r));
	app = TAILQ_FIRST(registry_list(self->r));
	EXPECT_STREQ("app", app->name);
	EXPECT_EQ(SIGRECONFIG, app->signo);
	EXPECT_EQ(1234, app->timeout_ms);
	EXPECT_EQ(getpid(), app->pid);
	EXPECT_EQ(w.flags, app->wanted);
	EXPECT_EQ(0, app->flags);
	may_refuse(self, "daemon");
	registry_grant(self->r);
	EXPECT_EQ(DR_MAY_REFUSE, app->flags);
	app->asked = 7;
	app->deadline = 1;
	ASSERT_EQ(sizeof(answer), send(fd, &answer, sizeof(answer), 0));
	settle(self);
	EXPECT_EQ(1, self->answers);
	close(fd);
	settle(self);
	EXPECT_EQ(0, registry_count(self->r));
}

static void put(FIXTURE_DATA(registry) * self, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/5", self->directory);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

TEST_F(registry, hostile_files)
{
	static const char *const files[] = {
		"",
		"PID=1",
		"PID=1\n",
		"\n\n\n",
		"=\n",
		"PID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\n", /* cut short */
		"PID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=\nWANTED=0\nEND=1\n",
		"PID=-1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=0\nEND=1\n",
		"PID=1\nUID=0\nPHASES=ffffffff\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=0\nEND=1\n",
		"PID=1\nUID=0\nPHASES=e\nFLAGS=ff\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=0\nEND=1\n",
		"PID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=99\nNAME=x\nWANTED=0\nEND=1\n",
		"PID=1\nPID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=0\nEND=1\n",
		"PID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=0\nEND=1\nMORE=1\n",
		"PID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=ff\nEND=1\n",
	};
	struct application app;
	char line[4000];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		put(self, files[i]);
		app = (struct application){ 0 };
		EXPECT_EQ(-EBADMSG, registry_store_load(self->directory, 5, &app))
		TH_LOG("\"%s\"", files[i]);
	}
	memset(line, 'N', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	put(self, line);
	EXPECT_EQ(-EBADMSG, registry_store_load(self->directory, 5, &app));
	EXPECT_EQ(-ENOENT, registry_store_load(self->directory, 6, &app));
	put(self,
	    "PID=1\nUID=0\nPHASES=e\nFLAGS=0\nTIMEOUT_MS=0\nSIGNO=0\nNAME=x\nWANTED=0\nEND=1\n");
	app = (struct application){ 0 };
	EXPECT_EQ(0, registry_store_load(self->directory, 5, &app));
}

/* At systemctl stop the descriptors go, and the files would stay until the next boot. */
TEST_F(registry, files_without_descriptors)
{
	struct registration w = self_as(self, 0);
	char kept[128], other[128], half[128], name[32], *names[] = { name, name };
	struct application *app;
	int fd, fds[2];

	ASSERT_LE(0, fd = registry_add(self->r, &w));
	app = TAILQ_FIRST(registry_list(self->r));
	snprintf(name, sizeof(name), "app-%lu", (unsigned long)app->id);
	snprintf(kept, sizeof(kept), "%s/%lu", self->directory, (unsigned long)app->id);
	snprintf(other, sizeof(other), "%s/5", self->directory);
	snprintf(half, sizeof(half), "%s/.6.new", self->directory);
	fds[0] = dup(app->pidfd);
	fds[1] = dup(app->sock);
	put(self, "PID=1\n");
	close(open(half, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	registry_free(self->r);
	ASSERT_EQ(0, registry_new(&self->r, self->event, &self->config, self->refusers,
				  self->directory));
	registry_restore(self->r, fds, names, 2);
	EXPECT_EQ(1, registry_count(self->r));
	EXPECT_EQ(0, access(kept, F_OK));
	EXPECT_NE(0, access(other, F_OK));
	EXPECT_NE(0, access(half, F_OK));
	close(fd);
}

/* PRE's time is everyone's: who may stop nothing must not use up what scripts left and drivers need. */
TEST_F(registry, one_without_the_right_leaves_time_for_drivers)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 3 };
	struct registration w = self_as(self, 1000);
	int fd;

	ASSERT_EQ(0, new_audience(self));
	self->config.application_timeout = USEC_PER_SEC / 5;
	w.timeout_ms = 60000;
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	pre.deadline = now_usec() + 3 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	while (!self->done)
		sd_event_run(self->event, 1000000);
	EXPECT_LT(now_usec() + USEC_PER_SEC, pre.deadline);
	close(fd);
}

/* Tells @phase to one that has the right to refuse and answers, and to three without the right, which stay silent. */
static void be_silent(struct __test_metadata *_metadata, FIXTURE_DATA(registry) * self,
		      enum dr_phase phase, int voter, const int *silent)
{
	struct notice n = { .phase = phase, .stream = 1, .gen = 3 };
	struct wire_answer answer = { .gen = 3 };
	usec_t before = now_usec(), told = 0;
	struct wire_event event;

	n.deadline = phase == DR_PHASE_PRE ? before + 3600 * USEC_PER_SEC : 0;
	self->done = 0;
	self->a->ops->check(self->a, &n); /* all ops are the same function */
	ASSERT_EQ(sizeof(event), recv(voter, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_LE(before + 60 * USEC_PER_SEC, event.deadline_us);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(sizeof(event), recv(silent[i], &event, sizeof(event), MSG_DONTWAIT));
		EXPECT_LE(before + self->config.grace, event.deadline_us);
		EXPECT_GE(now_usec() + self->config.grace, event.deadline_us);
		EXPECT_EQ(told ? told : event.deadline_us, event.deadline_us);
		told = event.deadline_us;
	}
	ASSERT_EQ(sizeof(answer), send(voter, &answer, sizeof(answer), 0));
	while (!self->done && now_usec() < before + 20 * USEC_PER_SEC)
		sd_event_run(self->event, USEC_PER_SEC);
	EXPECT_EQ(1, self->done);
	EXPECT_LE(told, now_usec()); /* not a moment less than they were told */
}

/* However many they are, and whatever they ask for. */
TEST_F(registry, silence_without_the_right_costs_one_grace)
{
	struct registration w = self_as(self, 0);
	int voter, silent[3];

	ASSERT_EQ(0, new_audience(self));
	self->config.grace = USEC_PER_SEC / 5;
	w.timeout_ms = 60000;
	for (int i = 0; i < 3; i++) {
		w.uid = 1000 + (uid_t)i;
		w.flags = DR_MAY_REFUSE | DR_REQUIRED; /* it only says so */
		ASSERT_LE(0, silent[i] = registry_add(self->r, &w));
	}
	w.uid = 0;
	ASSERT_LE(0, voter = registry_add(self->r, &w));
	be_silent(_metadata, self, DR_PHASE_CHECK, voter, silent);
	EXPECT_EQ(3, self->refusals);
	EXPECT_FALSE(self->refusal.stops);
	be_silent(_metadata, self, DR_PHASE_PRE, voter, silent);
	be_silent(_metadata, self, DR_PHASE_POST, voter, silent);
	EXPECT_EQ(3, self->refusals);
	for (int i = 0; i < 3; i++)
		close(silent[i]);
	close(voter);
}

/* A user who repeats something for ever does not push anything else out of the log. */
TEST_F(registry, garbage_is_logged_a_few_times)
{
	struct registration w = self_as(self, 1000);
	char text[16384];
	int fd, lines = 0, saved = dup(2), log = memfd_create("log", MFD_CLOEXEC);
	ssize_t n;

	log_max_level = LOG_WARNING;
	dup2(log, 2);
	for (int i = 0; i < 30; i++) {
		fd = registry_add(self->r, &w);
		EXPECT_EQ(7, send(fd, "garbage", 7, 0));
		settle(self);
		close(fd);
	}
	dup2(saved, 2);
	log_max_level = LOG_EMERG;
	EXPECT_EQ(0, registry_count(self->r));
	n = pread(log, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	EXPECT_EQ(10, lines);
	close(saved);
	close(log);
}

/* ---- very many of them ---- */

#define MANY 3000

/* Registers @n of 32 users, or as many as there is room for, and keeps their ends of the descriptors in @fds. */
static unsigned add_many(FIXTURE_DATA(registry) * self, int *fds, unsigned n)
{
	struct registration w = self_as(self, 0);
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (n > files.rlim_max / 3 - 100)
		n = (unsigned)files.rlim_max / 3 - 100;
	self->config.max_applications_per_user = n;
	w.phases = DR_PHASES(DR_PHASE_PRE);
	for (unsigned i = 0; i < n; i++) {
		w.uid = 1000 + i % 32;
		fds[i] = registry_add(self->r, &w);
		if (fds[i] < 0)
			return i;
	}
	return n;
}

static int on_turn(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	FIXTURE_DATA(registry) *self = userdata;

	self->turns++;
	if (self->tells - self->tells_before > self->most_in_a_turn)
		self->most_in_a_turn = self->tells - self->tells_before;
	self->tells_before = self->tells;
	return 0;
}

/* Other sources in the loop get their turn meanwhile, and an application that may refuse does not wait for them. */
TEST_F_TIMEOUT(registry, very_many_do_not_keep_the_loop, 120)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 3 };
	struct notice undo = { .phase = DR_PHASE_POST_ERROR, .stream = 1, .gen = 4 };
	struct registration w = self_as(self, 0);
	sd_event_source *always;
	struct wire_event event;
	static int fds[MANY];
	int voter, pipe_fds[2];
	unsigned many;

	ASSERT_EQ(0, new_audience(self));
	many = add_many(self, fds, MANY);
	ASSERT_LT(1000, many);
	w.flags = DR_MAY_REFUSE;
	ASSERT_LE(0, voter = registry_add(self->r, &w));
	ASSERT_EQ(0, pipe(pipe_fds));
	ASSERT_EQ(1, write(pipe_fds[1], "x", 1));
	ASSERT_LE(0, sd_event_add_io(self->event, &always, pipe_fds[0], EPOLLIN, on_turn, self));
	self->config.grace = 60 * USEC_PER_SEC;
	pre.deadline = now_usec() + 3600 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	for (int i = 0; i < 1000 && self->tells == 0; i++)
		sd_event_run(self->event, 0);
	EXPECT_EQ(sizeof(event), recv(voter, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_GT(200, self->tells);
	while (self->tells < many + 1 && sd_event_run(self->event, USEC_PER_SEC) > 0)
		;
	EXPECT_EQ(many + 1, self->tells);
	EXPECT_GT(200, self->most_in_a_turn);
	EXPECT_LT(many / 200, self->turns);
	self->a->ops->stop(self->a);
	EXPECT_EQ(1, self->done);
	/* The other way round: those that were told first are the last. */
	self->a->ops->undo(self->a, &undo);
	while (self->tells < 2 * many - 200 && sd_event_run(self->event, USEC_PER_SEC) > 0)
		;
	EXPECT_EQ(-1, recv(voter, &event, sizeof(event), MSG_DONTWAIT));
	while (self->tells < 2 * (many + 1) && sd_event_run(self->event, USEC_PER_SEC) > 0)
		;
	EXPECT_EQ(sizeof(event), recv(voter, &event, sizeof(event), MSG_DONTWAIT));
	for (unsigned i = 0; i < many; i++)
		close(fds[i]);
	close(voter);
	sd_event_source_disable_unref(always);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* While they are told, the next one leaves, and so do all that follow it. */
TEST_F(registry, gone_before_its_turn)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 3 };
	struct application *app;
	int fds[200];

	ASSERT_EQ(0, new_audience(self));
	ASSERT_EQ(ARRAY_SIZE(fds), add_many(self, fds, ARRAY_SIZE(fds)));
	pre.deadline = now_usec() + 3600 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	for (int i = 0; i < 100 && self->tells == 0; i++)
		sd_event_run(self->event, 0);
	EXPECT_LT(self->tells, ARRAY_SIZE(fds));
	while ((app = TAILQ_LAST(registry_list(self->r), application_list)) &&
	       app != TAILQ_FIRST(registry_list(self->r)))
		registry_drop(app);
	EXPECT_EQ(0, self->done);
	close(fds[0]);
	settle(self);
	EXPECT_EQ(1, self->done);
	for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* The grace is over before they have been told, so they are not told PRE. They are told the end, which they asked for. */
TEST_F(registry, too_many_for_the_grace)
{
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1, .gen = 3 };
	struct notice post = { .phase = DR_PHASE_POST, .stream = 1, .gen = 4 };
	struct registration w = self_as(self, 0);
	struct wire_answer answer = { .gen = 3 };
	struct wire_event event;
	int powerless, voter;

	ASSERT_EQ(0, new_audience(self));
	self->config.grace = 0;
	w.flags = DR_MAY_REFUSE;
	w.uid = 1000;
	ASSERT_LE(0, powerless = registry_add(self->r, &w));
	w.uid = 0;
	ASSERT_LE(0, voter = registry_add(self->r, &w));
	pre.deadline = now_usec() + 3600 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	EXPECT_EQ(-1, recv(powerless, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_EQ(sizeof(event), recv(voter, &event, sizeof(event), MSG_DONTWAIT));
	ASSERT_EQ(sizeof(answer), send(voter, &answer, sizeof(answer), 0));
	settle(self);
	EXPECT_EQ(1, self->done);
	self->a->ops->post(self->a, &post);
	ASSERT_EQ(sizeof(event), recv(powerless, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_EQ(DR_PHASE_POST, event.phase);
	close(powerless);
	close(voter);
}

/* PRE apart, no answer is worth more than ApplicationTimeoutMaxSec. */
TEST_F(registry, time_to_answer_is_bounded)
{
	struct notice check = { .phase = DR_PHASE_CHECK, .stream = 1, .gen = 3 };
	struct registration w = self_as(self, 0);
	struct wire_event event;
	int fd;

	ASSERT_EQ(0, new_audience(self));
	w.flags = DR_MAY_REFUSE;
	w.timeout_ms = 3600 * 1000;
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	self->a->ops->check(self->a, &check);
	ASSERT_EQ(sizeof(event), recv(fd, &event, sizeof(event), MSG_DONTWAIT));
	EXPECT_LT(now_usec(), event.deadline_us);
	EXPECT_GE(now_usec() + self->config.application_timeout_max, event.deadline_us);
	close(fd);
}

/* ---- changes without a migration ---- */

static int registered(FIXTURE_DATA(registry) * self, uint32_t phases)
{
	struct registration w = self_as(self, 0);

	w.phases = phases;
	return registry_add(self->r, &w);
}

static struct rows homes(const char *node, size_t n)
{
	struct rows rows = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct row row = { .section = "cpu", .field = "home-node" };

		snprintf(row.key, sizeof(row.key), "%zu", i);
		snprintf(row.new, sizeof(row.new), "%s", node);
		if (rows_add(&rows, &row) < 0)
			abort();
	}
	return rows;
}

/* @n processors have their home in @node now. */
static void rehome(FIXTURE_DATA(registry) * self, const char *node, size_t n)
{
	struct rows rows = homes(node, n);

	changed_tell(self->changed, &rows);
	rows_done(&rows);
}

struct heard {
	struct wire_event e;
	struct wire_change c[WIRE_CHANGES_MAX];
};

/* What it has been told next; all zero: nothing. */
static struct heard heard(int fd)
{
	struct heard t = { 0 };
	ssize_t n = recv(fd, &t, sizeof(t), MSG_DONTWAIT);

	if (n != -1 && n != (ssize_t)appevent_size(&t.e))
		t.e.gen = 0;
	return t;
}

static void acknowledge(FIXTURE_DATA(registry) * self, int fd, uint32_t gen)
{
	struct wire_answer answer = { .gen = gen };

	send(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	settle(self);
}

TEST_F(registry, whoever_asked_hears_of_a_change)
{
	int asked, other;
	struct heard t;

	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, asked = registered(self, DR_PHASES(DR_PHASE_CHANGED)));
	ASSERT_LE(0, other = registered(self, 0));
	rehome(self, "1", WIRE_CHANGES_MAX + 6);
	t = heard(asked);
	EXPECT_EQ(DR_PHASE_CHANGED, t.e.phase);
	EXPECT_EQ(self->gen, t.e.gen);
	EXPECT_EQ(0, t.e.flags);
	EXPECT_EQ(0, t.e.deadline_us + t.e.stream);
	EXPECT_EQ(WIRE_CHANGES_MAX, t.e.nr_changes);
	EXPECT_EQ(6, t.e.nr_more);
	EXPECT_STREQ("cpu.63.home-node", t.c[63].name);
	EXPECT_STREQ("1", t.c[63].new_value);
	EXPECT_EQ(0, heard(other).e.gen);
	close(asked), close(other);
}

/* Until it has read one it is sent no other; then it hears of the last one, and how many there were before. */
TEST_F(registry, one_change_at_a_time)
{
	uint32_t first;
	struct heard t;
	int fd;

	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, fd = registered(self, DR_PHASES(DR_PHASE_CHANGED)));
	rehome(self, "1", 2);
	rehome(self, "2", 4);
	rehome(self, "3", 3);
	first = heard(fd).e.gen;
	EXPECT_NE(0, first);
	EXPECT_EQ(0, heard(fd).e.gen);
	acknowledge(self, fd, first - 1);
	EXPECT_EQ(0, heard(fd).e.gen);
	acknowledge(self, fd, first);
	t = heard(fd);
	EXPECT_EQ(self->gen, t.e.gen);
	EXPECT_EQ(3, t.e.nr_changes);
	EXPECT_EQ(4, t.e.nr_more);
	EXPECT_STREQ("3", t.c[0].new_value);
	acknowledge(self, fd, t.e.gen);
	acknowledge(self, fd, t.e.gen);
	EXPECT_EQ(0, heard(fd).e.gen);
	rehome(self, "4", 1);
	t = heard(fd);
	EXPECT_EQ(1, t.e.nr_changes);
	EXPECT_EQ(0, t.e.nr_more);
	close(fd);
}

/* From PRE to the end of the session nobody is told, and then of what came in that time; while memory is copied they are. */
TEST_F(registry, a_change_waits_for_the_end)
{
	struct notice begin = { .phase = DR_PHASE_BEGIN, .stream = 1, .gen = ++self->gen };
	struct notice pre = { .phase = DR_PHASE_PRE, .stream = 1 }, post = pre;
	struct heard t;
	int fd;

	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, fd = registered(self, DR_PHASES(DR_PHASE_PRE) | DR_PHASES(DR_PHASE_CHANGED)));
	changed_hold(self->changed);
	rehome(self, "1", 2);
	EXPECT_EQ(0, heard(fd).e.gen);
	self->a->ops->begin(self->a, &begin);
	t = heard(fd);
	EXPECT_EQ(DR_PHASE_CHANGED, t.e.phase);
	EXPECT_EQ(2, t.e.nr_more + t.e.nr_changes);
	acknowledge(self, fd, t.e.gen);
	pre.gen = ++self->gen;
	pre.deadline = now_usec() + 60 * USEC_PER_SEC;
	self->a->ops->pre(self->a, &pre);
	EXPECT_EQ(DR_PHASE_PRE, heard(fd).e.phase);
	rehome(self, "2", 3);
	acknowledge(self, fd, pre.gen);
	EXPECT_EQ(2, self->done);
	EXPECT_EQ(0, heard(fd).e.gen);
	rehome(self, "3", 4);
	post.gen = ++self->gen;
	post.phase = DR_PHASE_POST;
	self->a->ops->post(self->a, &post);
	EXPECT_EQ(DR_PHASE_POST, heard(fd).e.phase);
	acknowledge(self, fd, post.gen);
	EXPECT_EQ(3, self->done);
	rehome(self, "4", 1);
	EXPECT_EQ(0, heard(fd).e.gen);
	changed_go_on(self->changed);
	t = heard(fd);
	EXPECT_EQ(DR_PHASE_CHANGED, t.e.phase);
	EXPECT_LT(post.gen, t.e.gen);
	EXPECT_EQ(1, t.e.nr_changes);
	EXPECT_STREQ("4", t.c[0].new_value);
	EXPECT_EQ(7, t.e.nr_more);
	EXPECT_EQ(0, heard(fd).e.gen);
	close(fd);
}

/* It has not read what came before PRE: by the end of the migration those values are old, and POST has told newer ones. */
TEST_F(registry, a_change_from_before_a_session_is_counted)
{
	uint32_t session;
	struct heard t;
	int fd;

	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, fd = registered(self, DR_PHASES(DR_PHASE_CHANGED)));
	rehome(self, "1", 2);
	rehome(self, "2", 4);
	changed_hold(self->changed);
	acknowledge(self, fd, heard(fd).e.gen);
	EXPECT_EQ(0, heard(fd).e.gen);
	session = ++self->gen; /* of what it is told in that time */
	changed_go_on(self->changed);
	t = heard(fd);
	EXPECT_LT(session, t.e.gen);
	EXPECT_EQ(0, t.e.nr_changes);
	EXPECT_EQ(4, t.e.nr_more);
	close(fd);
}

/* Its socket is full of what it has not read: it hears of the change when it has answered something. */
TEST_F(registry, a_change_waits_for_room)
{
	struct wire_event event = { .phase = DR_PHASE_POST, .gen = ++self->gen };
	struct application *app;
	struct heard t;
	int fd, r = 0;

	ASSERT_EQ(0, new_audience(self));
	ASSERT_LE(0, fd = registered(self, DR_PHASES(DR_PHASE_CHANGED)));
	app = TAILQ_FIRST(registry_list(self->r));
	while (r == 0)
		r = application_send(app, &event, sizeof(event));
	rehome(self, "1", 2);
	settle(self);
	rehome(self, "2", 3);
	while ((t = heard(fd)).e.phase)
		EXPECT_EQ(DR_PHASE_POST, t.e.phase);
	acknowledge(self, fd, event.gen);
	t = heard(fd);
	EXPECT_EQ(3, t.e.nr_changes);
	EXPECT_EQ(2, t.e.nr_more);
	close(fd);
}

/* In each turn of the loop some of them, and everybody in the end. */
TEST_F(registry, a_change_for_many)
{
	int fds[200], nr = 0;

	self->config.max_applications_root = ARRAY_SIZE(fds);
	ASSERT_EQ(0, new_audience(self));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		ASSERT_LE(0, fds[i] = registered(self, DR_PHASES(DR_PHASE_CHANGED)));
	rehome(self, "1", 1);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		nr += heard(fds[i]).e.gen != 0;
	EXPECT_LT(0, nr);
	EXPECT_GT(ARRAY_SIZE(fds), nr);
	settle(self);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		nr += heard(fds[i]).e.gen != 0;
	EXPECT_EQ(ARRAY_SIZE(fds), nr);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static _Atomic int nr_signals;

static void count_signal(int signo)
{
	nr_signals++;
}

/* /proc/PID/status has them all in one line, before SigCgt: 12 KB of them */
TEST_F(registry, signalled_however_many_groups_it_is_in)
{
	struct wire_event event = { .phase = DR_PHASE_CHECK };
	struct registration w = self_as(self, 0);
	gid_t gids[1100];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(gids); i++)
		gids[i] = 1234560000U + (gid_t)i;
	if (setgroups(ARRAY_SIZE(gids), gids) < 0)
		SKIP(return, "not root");
	signal(SIGRECONFIG, count_signal);
	w.signo = SIGRECONFIG;
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	EXPECT_EQ(0, application_send(TAILQ_FIRST(registry_list(self->r)), &event, sizeof(event)));
	EXPECT_EQ(1, nr_signals);
	close(fd);
}

/* A signal that a process does not catch would end it: sent, it would be pending here. */
TEST_F(registry, signalled_only_if_it_catches)
{
	struct wire_event event = { .phase = DR_PHASE_CHECK };
	struct registration w = self_as(self, 0);
	char pending[32] = "";
	sigset_t set;
	pid_t child;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGRECONFIG);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child = fork();
	if (child == 0)
		_exit(pause());
	w.pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	w.pid = child;
	w.signo = SIGRECONFIG;
	ASSERT_LE(0, fd = registry_add(self->r, &w));
	EXPECT_EQ(0, application_send(TAILQ_FIRST(registry_list(self->r)), &event, sizeof(event)));
	ASSERT_EQ(0, process_status_field(child, "ShdPnd", pending, sizeof(pending)));
	EXPECT_STREQ("0000000000000000", pending);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(w.pidfd);
	close(fd);
}

/* Its pidfd may name another user's process, which catches the signal for a purpose of its own. */
TEST_F(registry, signalled_only_if_its_user_could)
{
	static const uid_t of_process[] = { 1000, 1001 };

	if (getuid() != 0)
		SKIP(return, "not root");
	for (size_t i = 0; i < ARRAY_SIZE(of_process); i++) {
		struct wire_event event = { .phase = DR_PHASE_CHECK };
		struct registration w = self_as(self, 1000);
		char pending[32] = "";
		uint64_t mask = 0;
		int fd;

		w.signo = SIGRECONFIG;
		w.pid = process_of(of_process[i], of_process[i], 1000, 1000, &w.pidfd);
		ASSERT_LT(0, w.pid);
		ASSERT_LE(0, fd = registry_add(self->r, &w));
		EXPECT_EQ(0, application_send(TAILQ_FIRST(registry_list(self->r)), &event,
					      sizeof(event)));
		ASSERT_EQ(0, process_status_field(w.pid, "ShdPnd", pending, sizeof(pending)));
		ASSERT_EQ(0, parse_u64(pending, 16, UINT64_MAX, &mask));
		EXPECT_EQ(of_process[i] == 1000, mask >> (SIGRECONFIG - 1) & 1);
		close(fd);
		end_process(w.pid, w.pidfd);
		settle(self);
	}
}

TEST_HARNESS_MAIN
