// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is bound to processors around a move: threads of real processes, and units of a systemd that is a thread here, on a
 * bus of its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/affinity/apply.h"
#include "daemon/affinity/aud-affinity.h"
#include "daemon/affinity/threads.h"
#include "daemon/affinity/units.h"
#include "daemon/platform/tree.h"
#include "kselftest_harness.h"
#include "unit/stub.h"
#include <sanitizer/lsan_interface.h>

#define STREAM UINT64_C(0x7001)

static struct cpus list(const char *text)
{
	struct cpus set;

	if (cpus_parse(&set, text) < 0)
		abort();
	return set;
}

/* ---- systemd ---- */

static struct systemd {
	_Atomic int ready, stop, silent, fails;
	uint8_t cpus[2], nodes[1];
	size_t nr_cpus, nr_nodes;
	/* what it was told */
	_Atomic int told;
	char unit[64];
	int runtime;
	struct cpus new_cpus, new_nodes;
} systemd;

static int get_set(sd_bus *bus, const char *path, const char *interface, const char *property,
		   sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
	return strcmp(property, "AllowedCPUs") == 0 ?
		       sd_bus_message_append_array(reply, 'y', systemd.cpus, systemd.nr_cpus) :
		       sd_bus_message_append_array(reply, 'y', systemd.nodes, systemd.nr_nodes);
}

static int get_other(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
	return sd_bus_message_append(reply, "as", 2, "x", "y");
}

static int set_properties(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	const char *unit, *name;
	const void *bytes;
	size_t n;

	if (systemd.fails)
		return sd_bus_error_set(e, "org.freedesktop.systemd1.NoSuchUnit", "no such unit");
	systemd.new_cpus = systemd.new_nodes = (struct cpus){ 0 };
	if (sd_bus_message_read(m, "sb", &unit, &systemd.runtime) < 0 ||
	    sd_bus_message_enter_container(m, 'a', "(sv)") < 0)
		return -EBADMSG;
	while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &name) < 0 ||
		    sd_bus_message_enter_container(m, 'v', "ay") < 0 ||
		    sd_bus_message_read_array(m, 'y', &bytes, &n) < 0 ||
		    cpus_from_bytes(strcmp(name, "AllowedCPUs") == 0 ? &systemd.new_cpus :
								       &systemd.new_nodes,
				    bytes, n) < 0)
			return -EBADMSG;
		sd_bus_message_exit_container(m);
		sd_bus_message_exit_container(m);
	}
	snprintf(systemd.unit, sizeof(systemd.unit), "%s", unit);
	systemd.told++;
	return sd_bus_reply_method_return(m, "");
}

static int be_silent(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	return systemd.silent; /* 1: it is answered, and by nobody */
}

static const sd_bus_vtable service_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("After", "as", get_other, 0, 0),
	SD_BUS_PROPERTY("AllowedCPUs", "ay", get_set, 0, 0),
	SD_BUS_PROPERTY("AllowedMemoryNodes", "ay", get_set, 0, 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("SetUnitProperties", "sba(sv)", "", set_properties,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static void *systemd_thread(void *arg)
{
	_cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

	if (sd_bus_open_system(&bus) < 0 || sd_bus_add_filter(bus, NULL, be_silent, NULL) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1/unit/db_40one_2eservice",
				     "org.freedesktop.systemd1.Service", service_vtable,
				     NULL) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
				     "org.freedesktop.systemd1.Manager", manager_vtable,
				     NULL) < 0 ||
	    sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0) {
		systemd.ready = -1;
		return NULL;
	}
	systemd.ready = 1;
	while (!systemd.stop)
		if (sd_bus_process(bus, NULL) == 0)
			sd_bus_wait(bus, 20000);
	return NULL;
}

/* ---- the audience, with one process that has two threads ---- */

FIXTURE(affinity)
{
	sd_event *event;
	struct stub stub;
	pthread_t systemd;
	struct config config;
	struct refusers *refusers;
	struct registry *registry;
	struct backend link;
	struct backend *link_is_there;
	sd_bus *bus;
	struct eventlog log;
	struct audience *a;
	struct affinity *af;
	char directory[64];
	pid_t child;
	pid_t tid; /* of its second thread, which is not bound */
	int app;
	unsigned done;
	FILE *said;
	int stderr_was;
	char text[8192];
};

static void on_done(struct audience *a)
{
	((FIXTURE_DATA(affinity) *)a->session)->done++;
}

static const struct audience_host_ops host_ops = { .done = on_done };

static void *wait_for_ever(void *arg)
{
	if (write(*(int *)arg, "", 1) != 1)
		_exit(1);
	pause();
	return NULL;
}

static int child_main(int fd)
{
	struct cpus one = list("0");
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_create(&thread, NULL, wait_for_ever, &fd) != 0 ||
	    sched_setaffinity(0, sizeof(one), (const cpu_set_t *)&one) < 0 || write(fd, "", 1) != 1)
		return 1;
	pause();
	return 0;
}

static int new_child(FIXTURE_DATA(affinity) * self)
{
	char bytes[2], path[64];
	struct dirent *e;
	size_t n = 0;
	DIR *tasks;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	self->child = fork();
	if (self->child == 0)
		_exit(child_main(pair[1]));
	close(pair[1]);
	while (n < sizeof(bytes)) {
		ssize_t got = read(pair[0], bytes + n, sizeof(bytes) - n);

		if (got <= 0)
			return -EIO;
		n += (size_t)got;
	}
	close(pair[0]);
	snprintf(path, sizeof(path), "/proc/%d/task", self->child);
	tasks = opendir(path);
	while (tasks && (e = readdir(tasks)))
		if (atoi(e->d_name) && atoi(e->d_name) != self->child)
			self->tid = atoi(e->d_name);
	return tasks ? closedir(tasks) : -errno;
}

static int add_another(FIXTURE_DATA(affinity) * self, const char *name, uid_t uid, uint32_t flags)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, self->child, 0);
	struct registration w = {
		.name = name, .pidfd = pidfd, .pid = self->child, .uid = uid, .flags = flags
	};

	return registry_add(self->registry, &w);
}

static int add_application(FIXTURE_DATA(affinity) * self, uint32_t flags)
{
	safe_close(self->app);
	self->app = add_another(self, "app", getuid(), flags);
	return self->app;
}

FIXTURE_SETUP(affinity)
{
	log_max_level = LOG_INFO;
	systemd = (struct systemd){ .cpus = { 0x01 }, .nr_cpus = 1, .nodes = { 0x01 } };
	self->app = -EBADF;
	strcpy(self->directory, "/tmp/daemon_affinity_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	self->said = tmpfile();
	self->stderr_was = dup(STDERR_FILENO);
	ASSERT_LE(0, sd_event_new(&self->event));
	ASSERT_EQ(0, config_load(&self->config, "/nonexistent"));
	ASSERT_EQ(0, refusers_new(&self->refusers, self->event, &self->config));
	ASSERT_EQ(0, registry_new(&self->registry, self->event, &self->config, self->refusers,
				  self->directory));
	ASSERT_EQ(0, aud_affinity_new(&self->a, &self->config, self->registry, &self->link_is_there,
				      &self->bus, self->directory, &self->log));
	self->af = (struct affinity *)self->a;
	self->a->host = &host_ops;
	self->a->session = self;
	ASSERT_EQ(0, new_child(self));
}

FIXTURE_TEARDOWN(affinity)
{
	char command[128];

	dup2(self->stderr_was, STDERR_FILENO);
	close(self->stderr_was);
	fclose(self->said);
	if (systemd.ready) {
		systemd.stop = 1;
		pthread_join(self->systemd, NULL);
	}
	aud_affinity_free(self->a);
	sd_bus_close_unref(self->bus);
	safe_close(self->app);
	registry_free(self->registry);
	refusers_free(self->refusers);
	config_clear(&self->config);
	sd_event_unref(self->event);
	if (self->stub.dir[0])
		stub_end(&self->stub);
	kill(self->child, SIGKILL);
	waitpid(self->child, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", self->directory);
	EXPECT_EQ(0, system(command));
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static bool two_processors(void)
{
	struct cpus set, two = list("0-1");

	if (map_online(&set) < 0)
		return false;
	cpus_and(&set, &two);
	return cpus_equal(&set, &two);
}

#define NEEDS_TWO_PROCESSORS()                 \
	if (!two_processors()) {               \
		SKIP(return, "one processor"); \
	}

static int start_systemd(FIXTURE_DATA(affinity) * self, enum affinity_mode mode)
{
	self->config.units = calloc(1, sizeof(*self->config.units));
	self->config.nr_units = 1;
	strcpy(self->config.units[0].name, "db@one.service");
	self->config.units[0].mode = mode;
	if (stub_start_bus(&self->stub) < 0 ||
	    pthread_create(&self->systemd, NULL, systemd_thread, NULL) != 0)
		return -EIO;
	while (!systemd.ready)
		usleep(1000);
	if (systemd.ready < 0 || sd_bus_open_system(&self->bus) < 0)
		return -EIO;
	return sd_bus_attach_event(self->bus, self->event, 0);
}

static void bind_to(pid_t tid, const char *cpus)
{
	struct cpus set = list(cpus);

	if (sched_setaffinity(tid, sizeof(set), (const cpu_set_t *)&set) < 0)
		abort();
}

static bool is_bound_to(pid_t tid, const char *cpus)
{
	struct cpus is = { 0 }, set = list(cpus);

	return sched_getaffinity(tid, sizeof(is), (cpu_set_t *)&is) >= 0 && cpus_equal(&is, &set);
}

/* Tells the audience; what it says goes to self->text. */
static void tell(FIXTURE_DATA(affinity) * self, enum dr_phase phase, uint64_t stream)
{
	static struct notice n;
	size_t got;

	n = (struct notice){ .phase = phase, .stream = stream };
	rewind(self->said);
	if (ftruncate(fileno(self->said), 0) < 0)
		abort();
	dup2(fileno(self->said), STDERR_FILENO);
	if (phase == DR_PHASE_PRE)
		self->a->ops->pre(self->a, &n);
	else if (phase == DR_PHASE_POST)
		self->a->ops->post(self->a, &n);
	else
		self->a->ops->undo(self->a, &n);
	dup2(self->stderr_was, STDERR_FILENO);
	rewind(self->said);
	got = fread(self->text, 1, sizeof(self->text) - 1, self->said);
	self->text[got] = '\0';
}

#define PRE()  tell(self, DR_PHASE_PRE, STREAM)
#define POST() tell(self, DR_PHASE_POST, STREAM)
#define SAYS(part)                                 \
	EXPECT_NE(NULL, strstr(self->text, part))  \
	{                                          \
		TH_LOG("says \"%s\"", self->text); \
	}

static bool has_file(FIXTURE_DATA(affinity) * self)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/affinity", self->directory);
	return access(path, F_OK) == 0;
}

/* Until systemd has answered what it was asked. */
static bool answered(FIXTURE_DATA(affinity) * self)
{
	usec_t until = now_usec() + 20 * USEC_PER_SEC;

	while (self->af->nr_asked && now_usec() < until && sd_event_run(self->event, 50000) >= 0)
		;
	return self->af->nr_asked == 0;
}

static bool was_told(FIXTURE_DATA(affinity) * self)
{
	usec_t until = now_usec() + 20 * USEC_PER_SEC;

	while (self->af->calls[0].slot && now_usec() < until &&
	       sd_event_run(self->event, 50000) >= 0)
		;
	return !self->af->calls[0].slot;
}

/* ---- processes ---- */

TEST_F(affinity, nobody_asks)
{
	ASSERT_LE(0, add_application(self, 0));
	PRE();
	EXPECT_EQ(1, self->done);
	EXPECT_FALSE(has_file(self));
	POST();
	EXPECT_EQ(2, self->done);
	EXPECT_STREQ("", self->text);
}

TEST_F(affinity, restored)
{
	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RESTORE));
	PRE();
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(1, self->af->saved.nr_threads); /* the other one is not bound */
	EXPECT_TRUE(has_file(self));
	bind_to(self->child, "1");
	bind_to(self->tid, "1");
	POST();
	EXPECT_EQ(2, self->done);
	EXPECT_TRUE(is_bound_to(self->child, "0"));
	EXPECT_TRUE(is_bound_to(self->tid, "1")); /* it was not bound, so it is left alone */
	EXPECT_FALSE(has_file(self));
	SAYS("application app is bound to processors 0, as before.");
}

TEST_F(affinity, kept)
{
	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_KEEP));
	PRE();
	bind_to(self->child, "1");
	self->af->saved.sets[0] = list("0,77");
	POST();
	EXPECT_TRUE(is_bound_to(self->child, "1"));
	SAYS("application app was bound to processors that are gone: 77.");
	EXPECT_EQ(NULL, strstr(self->text, "as before"));
}

TEST_F(affinity, restored_as_far_as_it_is_there)
{
	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RESTORE));
	PRE();
	self->af->saved.sets[0] = list("1,77");
	POST();
	EXPECT_TRUE(is_bound_to(self->child, "1"));
	SAYS("gone: 77.");
	SAYS("is bound to processors 1 now; before the move to 1,77.");
	PRE();
	self->af->saved.sets[0] = list("77");
	POST();
	EXPECT_TRUE(is_bound_to(self->child, "1"));
	SAYS("stays as it is: all of its processors are gone.");
}

TEST_F(affinity, recomputed)
{
	_cleanup_free_ struct map *map = malloc(sizeof(*map));

	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RECOMPUTE));
	memset(map, 0xff, sizeof(*map));
	PRE();
	/* By the true map it was in domain 0, which is where processor 1 is now. */
	map->online = list("1");
	map->before[0] = map->now[1] = 0;
	affinity_apply(self->af, map);
	EXPECT_TRUE(is_bound_to(self->child, "1"));
	EXPECT_FALSE(is_bound_to(self->tid, "1"));
}

/* Without pmig.ko nobody knows where processors are. */
TEST_F(affinity, without_the_map_it_is_restored)
{
	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RECOMPUTE));
	PRE();
	bind_to(self->child, "1");
	POST();
	EXPECT_EQ(2, self->done);
	EXPECT_TRUE(is_bound_to(self->child, "0"));
	SAYS("Where processors are is not known: pmig.ko is not used");
	/* Nor are the places of a simulated machine those of this one. */
	self->link_is_there = &self->link;
	self->link.state.stream = STREAM;
	strcpy(self->link.state.engine, "sim");
	PRE();
	POST();
	SAYS("or it is simulated");
	/* The module has another session by now. */
	strcpy(self->link.state.engine, "pseries");
	self->link.state.stream = STREAM + 1;
	PRE();
	POST();
	SAYS("Where processors are is not known");
}

TEST_F(affinity, undone)
{
	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RESTORE));
	PRE();
	bind_to(self->child, "1");
	tell(self, DR_PHASE_POST_ERROR, STREAM);
	EXPECT_EQ(2, self->done);
	EXPECT_TRUE(is_bound_to(self->child, "1"));
	EXPECT_FALSE(has_file(self));
}

/* The daemon was restarted between PRE and POST. */
TEST_F(affinity, the_next_daemon_goes_on)
{
	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RESTORE));
	PRE();
	bind_to(self->child, "1");
	saved_clear(&self->af->saved);
	POST();
	EXPECT_TRUE(is_bound_to(self->child, "0"));
	/* What was saved for another migration does not count. */
	PRE();
	bind_to(self->child, "1");
	saved_clear(&self->af->saved);
	tell(self, DR_PHASE_POST, STREAM + 1);
	EXPECT_TRUE(is_bound_to(self->child, "1"));
	SAYS("was not saved.");
	EXPECT_FALSE(has_file(self));
}

/* Somebody else's migration: nobody was told PRE. */
TEST_F(affinity, not_saved)
{
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RESTORE));
	tell(self, DR_PHASE_POST, 0);
	EXPECT_EQ(1, self->done);
	EXPECT_TRUE(is_bound_to(self->child, "0"));
	SAYS("was not saved.");
}

TEST_F(affinity, who_has_ended_meanwhile)
{
	ASSERT_LE(0, add_application(self, DR_AFFINITY_RESTORE));
	PRE();
	kill(self->child, SIGKILL);
	waitpid(self->child, NULL, 0);
	POST();
	EXPECT_EQ(2, self->done);
	EXPECT_EQ(NULL, strstr(self->text, "stay as they are"));
	EXPECT_EQ(NULL, strstr(self->text, "another user"));
}

TEST_F(affinity, a_thread_of_another_process)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, self->child, 0);
	struct cpus one = list("0");

	EXPECT_EQ(-ESRCH, threads_bind(pidfd, self->child, getpid(), &one));
	EXPECT_EQ(0, threads_bind(pidfd, self->child, self->tid, &one));
	EXPECT_TRUE(is_bound_to(self->tid, "0"));
	/* The number of the process is another one's by now: the descriptor tells. */
	kill(self->child, SIGKILL);
	EXPECT_EQ(1, poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, -1));
	EXPECT_EQ(-ESRCH, threads_bind(pidfd, getpid(), getpid(), &one));
}

/* ---- what outlives the daemon ---- */

static int load_text(FIXTURE_DATA(affinity) * self, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/affinity", self->directory);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
	return saved_load(&self->af->saved, self->directory, 0x1f);
}

TEST_F(affinity, the_file)
{
	static const char *const bad[] = {
		"",
		"STREAM=1f\n",
		"STREAM=1f\nSET=0\nTHREAD=1 2 1\nEND=1\n",
		"STREAM=1f\nSET=x\nEND=1\n",
		"STREAM=1f\nSET=8192\nEND=1\n",
		"STREAM=1f\nSET=0\nTHREAD=1 2\nEND=1\n",
		"STREAM=1f\nSET=0\nTHREAD=1 0 0\nEND=1\n",
		"STREAM=1f\nSET=0\nTHREAD=1 2 0 4\nEND=1\n",
		"STREAM=1f\nSET=0\nTHREAD=9 2 0\nTHREAD=8 2 0\nEND=1\n",
		"STREAM=1f\nUNIT= 1 2\nEND=1\n",
		"STREAM=1f\nUNIT=a.service 1 2 3\nEND=1\n",
		"STREAM=1f\nOTHER=1\nEND=1\n",
		"STREAM=1f\nnothing\nEND=1\n",
	};
	struct saved *s = &self->af->saved;
	const struct saved_thread *v;
	struct saved_unit *u;
	struct cpus set = list("0-1,5"), other = list("4095");
	size_t n;

	EXPECT_EQ(-ENOENT, saved_load(s, self->directory, 0x1f));
	s->stream = 0x1f;
	EXPECT_EQ(0, saved_add_thread(s, UINT64_MAX - 1, 7, &set));
	EXPECT_EQ(0, saved_add_thread(s, 3, 9, &set));
	EXPECT_EQ(0, saved_add_thread(s, 3, 8, &other));
	EXPECT_EQ(2, s->nr_sets);
	saved_sort(s);
	u = saved_add_unit(s, "x.slice");
	u->cpus = other;
	EXPECT_EQ(0, saved_store(s, self->directory));
	EXPECT_EQ(-ENOENT, saved_load(s, self->directory, 0x20));
	EXPECT_EQ(0, saved_load(s, self->directory, 0x1f));
	v = saved_find_threads(s, 3, &n);
	ASSERT_EQ(2, n);
	EXPECT_EQ(8, v[0].tid);
	EXPECT_TRUE(cpus_equal(&other, &s->sets[v[0].set]));
	EXPECT_EQ(9, v[1].tid);
	EXPECT_TRUE(cpus_equal(&set, &s->sets[v[1].set]));
	v = saved_find_threads(s, UINT64_MAX - 1, &n);
	EXPECT_EQ(1, n);
	EXPECT_EQ(NULL, saved_find_threads(s, 4, &n));
	ASSERT_NE(NULL, saved_find_unit(s, "x.slice"));
	EXPECT_TRUE(cpus_equal(&other, &saved_find_unit(s, "x.slice")->cpus));
	EXPECT_TRUE(cpus_empty(&saved_find_unit(s, "x.slice")->nodes));
	EXPECT_EQ(NULL, saved_find_unit(s, "y.slice"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_GT(0, load_text(self, bad[i]))
		{
			TH_LOG("%s", bad[i]);
		}
		EXPECT_EQ(0, s->stream);
	}
}

TEST_F(affinity, bounds)
{
	struct saved *s = &self->af->saved;
	struct cpus set = list("0");

	for (size_t i = 0; i < SAVED_THREADS_MAX; i++)
		ASSERT_EQ(0, saved_add_thread(s, 1, (pid_t)i + 1, &set));
	EXPECT_EQ(-E2BIG, saved_add_thread(s, 1, 1, &set));
	EXPECT_EQ(0, saved_store(s, self->directory));
	/* What would fill /run is not written. */
	for (size_t i = 0; i < 200; i++) {
		struct cpus many = { 0 };

		for (unsigned cpu = i % 2; cpu < CPUS_MAX; cpu += 2)
			cpus_add(&many, cpu);
		s->nr_threads = 0;
		ASSERT_EQ(0, saved_add_thread(s, 1, 1, &many));
	}
	EXPECT_EQ(-EFBIG, saved_store(s, self->directory));
	for (size_t i = 0; i < UNITS_MAX; i++)
		EXPECT_NE(NULL, saved_add_unit(s, "a.service"));
	EXPECT_EQ(NULL, saved_add_unit(s, "a.service"));
}

/* Whatever others register, there is time for root's; and it is not without end. */
TEST_F(affinity, threads_of_others_come_last)
{
	_cleanup_close_ int others = -EBADF, roots = -EBADF;
	struct application_list *list = registry_list(self->registry);
	size_t n;

	NEEDS_TWO_PROCESSORS();
	ASSERT_LE(0, others = add_another(self, "other", 1000, DR_AFFINITY_RESTORE));
	ASSERT_LE(0, roots = add_another(self, "app", 0, DR_AFFINITY_RESTORE));
	self->af->threads_max = 2; /* as many as it has */
	PRE();
	EXPECT_EQ(NULL, saved_find_threads(&self->af->saved, TAILQ_FIRST(list)->id, &n));
	EXPECT_NE(NULL,
		  saved_find_threads(&self->af->saved, TAILQ_LAST(list, application_list)->id, &n));
	SAYS("can't be saved: there are too many");
}

TEST_F(affinity, roots_are_bound_first)
{
	_cleanup_close_ int others = -EBADF, roots = -EBADF;
	const char *first;

	NEEDS_TWO_PROCESSORS();
	if (getuid() != 0)
		SKIP(return, "needs root");
	ASSERT_LE(0, others = add_another(self, "other", 1000, DR_AFFINITY_RESTORE));
	ASSERT_LE(0, roots = add_another(self, "app", 0, DR_AFFINITY_RESTORE));
	PRE();
	POST();
	first = strstr(self->text, "application app is bound");
	ASSERT_NE(NULL, first);
	EXPECT_LT(first, strstr(self->text, "application other"));
}

/* ---- units ---- */

TEST_F(affinity, a_unit_is_systemds)
{
	_cleanup_free_ struct map *map = malloc(sizeof(*map));

	NEEDS_TWO_PROCESSORS();
	systemd.nr_nodes = 1;
	ASSERT_LE(0, start_systemd(self, AFFINITY_RECOMPUTE));
	PRE();
	EXPECT_EQ(1, self->done); /* nobody waits for systemd */
	EXPECT_EQ(1, self->af->nr_asked);
	ASSERT_TRUE(answered(self));
	EXPECT_TRUE(has_file(self));
	memset(map, 0xff, sizeof(*map));
	map->online = list("1");
	map->before[0] = map->now[1] = 4;
	map->node[0] = 5;
	map->node[3] = 4;
	affinity_apply(self->af, map);
	ASSERT_TRUE(was_told(self));
	EXPECT_EQ(1, systemd.told);
	EXPECT_STREQ("db@one.service", systemd.unit);
	EXPECT_EQ(1, systemd.runtime);
	EXPECT_TRUE(cpus_equal(&systemd.new_cpus, &map->online));
	EXPECT_TRUE(cpus_has(&systemd.new_nodes, 3) && !cpus_has(&systemd.new_nodes, 0));
}

TEST_F(affinity, the_memory_of_a_unit_does_not_follow)
{
	_cleanup_free_ struct map *map = malloc(sizeof(*map));

	NEEDS_TWO_PROCESSORS();
	systemd.nr_nodes = 1;
	ASSERT_LE(0, start_systemd(self, AFFINITY_RECOMPUTE));
	PRE();
	ASSERT_TRUE(answered(self));
	memset(map, 0xff, sizeof(*map));
	map->online = list("0-1");
	map->before[0] = map->before[1] = map->now[0] = map->now[1] = 4;
	map->node[0] = 4;
	map->split[0] = 5;
	dup2(fileno(self->said), STDERR_FILENO);
	affinity_apply(self->af, map);
	dup2(self->stderr_was, STDERR_FILENO);
	rewind(self->said);
	EXPECT_LT(0, fread(self->text, 1, sizeof(self->text) - 1, self->said));
	SAYS("the kernel's node 0 is in two places, domains 4 and 5");
	ASSERT_TRUE(was_told(self));
	EXPECT_FALSE(cpus_empty(&systemd.new_cpus));
	EXPECT_TRUE(cpus_empty(&systemd.new_nodes));
}

TEST_F(affinity, a_unit_is_restored_by_the_next_daemon)
{
	NEEDS_TWO_PROCESSORS();
	systemd.nr_nodes = 1;
	ASSERT_LE(0, start_systemd(self, AFFINITY_RESTORE));
	PRE();
	ASSERT_TRUE(answered(self));
	saved_clear(&self->af->saved);
	POST();
	EXPECT_EQ(2, self->done);
	ASSERT_TRUE(was_told(self));
	EXPECT_EQ(1, systemd.told);
	EXPECT_TRUE(cpus_has(&systemd.new_cpus, 0) && !cpus_has(&systemd.new_cpus, 1));
	EXPECT_TRUE(cpus_has(&systemd.new_nodes, 0));
	SAYS("unit db@one.service is bound to processors 0, as before.");
}

TEST_F(affinity, a_unit_without_processors)
{
	systemd.nr_cpus = 0;
	ASSERT_LE(0, start_systemd(self, AFFINITY_RESTORE));
	PRE();
	ASSERT_TRUE(answered(self));
	POST();
	EXPECT_EQ(0, systemd.told);
	EXPECT_EQ(NULL, self->af->calls[0].slot);
}

TEST_F(affinity, systemd_refuses)
{
	ASSERT_LE(0, start_systemd(self, AFFINITY_RESTORE));
	PRE();
	ASSERT_TRUE(answered(self));
	systemd.fails = 1;
	POST();
	/* The settings may be read again before it answers. */
	config_clear(&self->config);
	dup2(fileno(self->said), STDERR_FILENO);
	EXPECT_TRUE(was_told(self));
	dup2(self->stderr_was, STDERR_FILENO);
	rewind(self->said);
	EXPECT_LT(0, fread(self->text, 1, sizeof(self->text) - 1, self->said));
	SAYS("unit db@one.service stays as it is: systemd says: no such unit.");
}

TEST_F(affinity, systemd_does_not_answer)
{
	ASSERT_LE(0, start_systemd(self, AFFINITY_RESTORE));
	systemd.silent = 1;
	PRE();
	EXPECT_EQ(1, self->done);
	POST();
	EXPECT_EQ(2, self->done);
	SAYS("1 units of Affinity= stay as they are: systemd has not said in time");
}

TEST_F(affinity, there_is_no_bus)
{
	self->config.units = calloc(1, sizeof(*self->config.units));
	self->config.nr_units = 1;
	strcpy(self->config.units[0].name, "db.service");
	self->config.units[0].mode = AFFINITY_RESTORE;
	PRE();
	EXPECT_EQ(1, self->done);
	SAYS("Units of Affinity= stay as they are: systemd can't be asked");
	POST();
	EXPECT_EQ(2, self->done);
}

TEST_HARNESS_MAIN
