// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command asks of the daemon, and what it makes of the answers: against unit/stub.h. */
#include "cmd/verbs.h"

#include "kselftest_harness.h"
#include "unit/stub.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* In libc's place: so many seconds pass with each call that the stub takes. */
static const struct stub *clock_of;
static int seconds_a_call;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_BOOTTIME && clock_of)
		ts->tv_sec += (time_t)clock_of->calls * seconds_a_call;
	return r;
}

FIXTURE(bus)
{
	struct stub stub;
	int out, err, saved_out, saved_err;
	char text[4096];
};

static char *const argv[] = { "drmgr", NULL };

/* Fallback=refuse: what the daemon cannot do is an error. The other goes on without the daemon, and writes to @written. */
static char config[96], written[96];
static struct fallback refusing = { .config = config, .migration = written };
static struct fallback going_on = { .config = "/nonexistent", .migration = written };
static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f)
		fputs(text, f);
	if (f)
		fclose(f);
}

FIXTURE_SETUP(bus)
{
	if (stub_start(&self->stub) < 0)
		SKIP(return, "no dbus-daemon here");
	snprintf(config, sizeof(config), "%s/drmgr.conf", self->stub.dir);
	snprintf(written, sizeof(written), "%s/migration", self->stub.dir);
	put(config, "Fallback=refuse\n");
	put(written, "");
	going_on.originals[0] = going_on.originals[1] = refusing.originals[0] =
		refusing.originals[1] = going_on.lock = going_on.journal = refusing.journal =
			refusing.lock = "/nonexistent";
}

FIXTURE_TEARDOWN(bus)
{
	clock_of = NULL;
	unlink(config);
	unlink(written);
	stub_end(&self->stub);
}

static void capture(FIXTURE_DATA(bus) * self)
{
	fflush(NULL);
	self->out = memfd_create("out", MFD_CLOEXEC);
	self->err = memfd_create("err", MFD_CLOEXEC);
	self->saved_out = dup(1);
	self->saved_err = dup(2);
	dup2(self->out, 1);
	dup2(self->err, 2);
}

static void release(FIXTURE_DATA(bus) * self)
{
	fflush(NULL);
	dup2(self->saved_out, 1);
	dup2(self->saved_err, 2);
	close(self->saved_out);
	close(self->saved_err);
}

static const char *text_of(FIXTURE_DATA(bus) * self, int fd)
{
	ssize_t n = pread(fd, self->text, sizeof(self->text) - 1, 0);

	self->text[n > 0 ? n : 0] = '\0';
	return self->text;
}

static int lines_of(FIXTURE_DATA(bus) * self, int fd)
{
	const char *p;
	int n = 0;

	for (p = text_of(self, fd); (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

#define RUN(call)              \
	({                     \
		int s_;        \
		capture(self); \
		s_ = (call);   \
		release(self); \
		s_;            \
	})

static const struct request check = { .op = REQUEST_CHECK, .has_stream = true, .stream = 0xabc };
static const struct request simulate = { .op = REQUEST_SIMULATE };

TEST_F(bus, check_passes_its_options)
{
	struct request req = check;

	req.force = true;
	req.detail = (struct opt_u32){ true, 1 };
	req.destination_lpar = (struct opt_u32){ true, 19 };
	req.wait_min = (struct opt_u32){ true, 5 };
	req.self_arp = (struct opt_u32){ true, 7 };
	EXPECT_EQ(0, RUN(do_check(&req, &refusing, argv)));
	EXPECT_EQ(0xabc, self->stub.stream);
	EXPECT_STREQ("force=b:1 detail=u:1 destination-lpar=u:19 wait-min=u:5 self-arp=u:7 ",
		     self->stub.options);
	EXPECT_STREQ("", text_of(self, self->err));
	EXPECT_STREQ("", text_of(self, self->out));
}

TEST_F(bus, refusals)
{
	self->stub.refusals[0] = (struct stub_refusal){ "kernel", "drv", "busy\n\x1b[31m", 1 };
	self->stub.refusals[1] = (struct stub_refusal){ "application", "db", "later", 0 };
	self->stub.refusals[2] = (struct stub_refusal){ "script", "s.sh", "", 1 };
	self->stub.nr_refusals = 3;
	EXPECT_EQ(DR_EXIT_REFUSED, RUN(do_check(&check, &refusing, argv)));
	EXPECT_STREQ("drmgr: refused by kernel drv: busy??[31m\n"
		     "drmgr: advice by application db: later\n"
		     "drmgr: refused by script s.sh: no reason given\n",
		     text_of(self, self->err));
}

TEST_F(bus, advice_alone_is_no_refusal)
{
	self->stub.refusals[0] = (struct stub_refusal){ "application", "db", "later", 0 };
	self->stub.nr_refusals = 1;
	EXPECT_EQ(0, RUN(do_check(&check, &refusing, argv)));
	EXPECT_EQ(1, lines_of(self, self->err));
	self->stub.nr_more = 992;
	EXPECT_EQ(0, RUN(do_check(&check, &refusing, argv)));
	EXPECT_STREQ("drmgr: advice by application db: later\n"
		     "drmgr: and 992 more: see drmgr log\n",
		     text_of(self, self->err));
}

TEST_F(bus, migrate)
{
	struct request req = check;

	req.op = REQUEST_MIGRATE;
	EXPECT_EQ(0, RUN(do_migrate(&req, &refusing, argv)));
	EXPECT_EQ(0xabc, self->stub.stream);
	EXPECT_STREQ("moved: stream 0xabc, stood still for 2.345 s\n"
		     "  cache.l1d.size: 32768 -> 65536, the kernel still shows the old value\n"
		     "  identity.system-id: (none) -> a?b, unexpected\n"
		     "  and 7 more\n",
		     text_of(self, self->out));
}

TEST_F(bus, simulate)
{
	struct request req = simulate;

	req.enabled_ms = (struct opt_u32){ true, 100 };
	req.blackout_ms = (struct opt_u32){ true, 20 };
	EXPECT_EQ(0, RUN(do_simulate(&req)));
	EXPECT_STREQ("enabled-ms=t:100 blackout-ms=t:20 ", self->stub.options);
}

TEST_F(bus, platform)
{
	struct request req = { .op = REQUEST_PLATFORM };

	self->stub.any = true;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	EXPECT_STREQ("cache.l2.size          524288 bytes\n"
		     "cpu.0.home-node        1, the kernel has 0\n"
		     "cpu.1.home-node        2\n"
		     "identity.model         a\"\\?b\n"
		     "mount./\"?\303\274\\.left-out  007\n",
		     text_of(self, self->out));
	req.diff = true;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	EXPECT_STREQ("cpu.3.home-node  0 -> changed, unexpected\n", text_of(self, self->out));
	req.diff = false;
	req.stale = true;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	EXPECT_STREQ("cpu.3.home-node  stale, the kernel has 0, unexpected\n",
		     text_of(self, self->out));
	EXPECT_STREQ("", text_of(self, self->err));
	self->stub.any = false;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	EXPECT_STREQ("drmgr: only what /proc and /sys tell: no pmig.ko?\n",
		     text_of(self, self->err));
}

/* What another program makes of it: how many rows there are, and the keys and new values of the last two. */
static const char read_json[] =
	"import json, sys\n"
	"rows = json.load(sys.stdin)\n"
	"print(len(rows), *[[row['key'], row['new']] for row in rows[-2:]])\n";

static void parse(const char *json, char *text, size_t size)
{
	char path[] = "/tmp/dr-json-XXXXXX", command[512];
	int fd = mkstemp(path);
	FILE *f;
	size_t n;

	if (fd < 0 || write(fd, json, strlen(json)) < 0)
		abort();
	close(fd);
	snprintf(command, sizeof(command), "PYTHONIOENCODING=utf-8 python3 -c \"%s\" < %s 2>&1",
		 read_json, path);
	f = popen(command, "re");
	n = f ? fread(text, 1, size - 1, f) : 0;
	text[n] = '\0';
	if (f)
		pclose(f);
	unlink(path);
}

TEST_F(bus, platform_for_programs)
{
	struct request req = { .op = REQUEST_PLATFORM, .json = true };

	self->stub.any = true;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	text_of(self, self->out);
	/* all of them, texts as JSON has them, and no number for a text */
	EXPECT_NE(NULL, strstr(self->text, "[{\"section\": \"cache\", \"key\": \"l2@0\", "
					   "\"field\": \"size\", \"old\": null, \"new\": 524288, "
					   "\"unit\": \"bytes\", \"stale\": false, "
					   "\"unexpected\": false},\n"));
	EXPECT_NE(NULL, strstr(self->text, "\"l2@8\""));
	EXPECT_NE(NULL, strstr(self->text, "\"new\": \"a\\\"\\\\?b\", \"unit\": \"text\""));
	EXPECT_STREQ("", text_of(self, self->err));
	self->stub.nr_more = 9;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	EXPECT_STREQ("drmgr: 9 rows are left out: they do not fit into one answer\n",
		     text_of(self, self->err));
}

TEST_F(bus, platform_as_another_parser_reads_it)
{
	struct request req = { .op = REQUEST_PLATFORM, .json = true };
	char read[512];

	if (system("command -v python3 > /dev/null") != 0)
		SKIP(return, "no python3");
	self->stub.any = true;
	EXPECT_EQ(0, RUN(do_platform(&req)));
	parse(text_of(self, self->out), read, sizeof(read));
	EXPECT_STREQ("6 ['', 'a\"\\\\?b'] ['/\"?\303\274\\\\', '007']\n", read);
}

TEST_F(bus, platform_for_scripts)
{
	static const struct {
		const char *name;
		int status;
		const char *text;
	} rows[] = {
		{ "cache.l2.size", 0, "524288\n" },
		{ "cache.l2@8.size", 0, "524288\n" },
		{ "cache.size", 0, "524288\n" },
		{ "cpu.0.home-node", 0, "1\n" },
		{ "identity.model", 0, "a\"\\?b\n" },
		{ "cpu.home-node", DR_EXIT_DIFFERS,
		  "drmgr: cpu.home-node is not the same for all: 1 (cpu.0.home-node), "
		  "2 (cpu.1.home-node)\n" },
		{ "cache.l.size", DR_EXIT_NO_VALUE,
		  "drmgr: nothing is called \"cache.l.size\": drmgr platform has all names\n" },
		{ "cache..size", DR_EXIT_NO_VALUE,
		  "drmgr: nothing is called \"cache..size\": drmgr platform has all names\n" },
		{ "cach.l2.size", DR_EXIT_NO_VALUE,
		  "drmgr: nothing is called \"cach.l2.size\": drmgr platform has all names\n" },
		{ "size", DR_EXIT_USAGE,
		  "drmgr: \"size\" is no name: give one as cache.l2.size, see drmgr platform\n" },
		{ "", DR_EXIT_USAGE,
		  "drmgr: \"\" is no name: give one as cache.l2.size, see drmgr platform\n" },
	};

	self->stub.any = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request req = { .op = REQUEST_PLATFORM, .get = rows[i].name };

		EXPECT_EQ(rows[i].status, RUN(do_platform(&req)));
		EXPECT_STREQ(rows[i].text, text_of(self, rows[i].status ? self->err : self->out));
	}
}

/* What has no room in the answer may be what this is about. */
TEST_F(bus, rows_left_out)
{
	static const char said[] = "drmgr: 9 rows are left out: they do not fit into one answer\n";
	struct request req = { .op = REQUEST_PLATFORM, .pages = { true, (uint32_t)getpid() } };

	self->stub.nr_more = 9;
	EXPECT_EQ(DR_EXIT_NOT_KNOWN, RUN(do_moved()));
	EXPECT_STREQ(said, text_of(self, self->err));
	EXPECT_EQ(DR_EXIT_NO_VALUE, RUN(do_score(&req)));
	EXPECT_EQ(0, strncmp(said, text_of(self, self->err), strlen(said)));
	EXPECT_EQ(DR_EXIT_NO_VALUE, RUN(do_pages(&req)));
	EXPECT_EQ(0, strncmp(said, text_of(self, self->err), strlen(said)));
}

/* What is not known is said, and why. */
TEST_F(bus, no_score)
{
	struct request req = { .op = REQUEST_PLATFORM, .score = true };

	self->stub.any = true;
	EXPECT_EQ(DR_EXIT_NO_VALUE, RUN(do_score(&req)));
	EXPECT_STREQ("", text_of(self, self->out));
	EXPECT_STREQ("drmgr: home nodes of memory are not known here\n", text_of(self, self->err));
	EXPECT_EQ(DR_EXIT_NOT_KNOWN, RUN(do_moved()));
	req = (struct request){ .op = REQUEST_PLATFORM, .pages = { true, (uint32_t)getpid() } };
	self->stub.any = false;
	EXPECT_EQ(DR_EXIT_NO_VALUE, RUN(do_pages(&req)));
	EXPECT_STREQ("drmgr: home nodes of memory are not known: no pmig.ko?\n",
		     text_of(self, self->err));
	EXPECT_EQ(DR_EXIT_NO_VALUE, RUN(do_score(&req)));
	EXPECT_STREQ("drmgr: home nodes of memory are not known: no pmig.ko?\n",
		     text_of(self, self->err));
	req.pages.value = 0;
	EXPECT_EQ(DR_EXIT_NO_VALUE, RUN(do_pages(&req)));
	EXPECT_STREQ("drmgr: the memory of process 0 cannot be looked at: No such process\n",
		     text_of(self, self->err));
}

TEST_F(bus, status)
{
	EXPECT_EQ(0, RUN(do_status()));
	EXPECT_STREQ("state: idle\nstream: 0x4d6f7665\napplications: 2\nengine: none\n",
		     text_of(self, self->out));
}

static const struct {
	const char *name;
	int status;
	bool is_final; /* powerpc-utils' drmgr would do no better */
} errors[] = {
	{ DR_ERROR_BAD_STREAM, 66, true },
	{ DR_ERROR_BUSY, 75, true },
	{ DR_ERROR_NO_MODULE, 72 },
	{ DR_ERROR_NO_ENGINE, 72 },
	{ DR_ERROR_STOPPED, 2, true },
	{ DR_ERROR_ABORTED, 3, true },
	{ DR_ERROR_FAILED, 4 },
	{ DR_ERROR_TOO_MANY, 70 },
	{ DR_ERROR_INVALID, 64 },
	{ SD_BUS_ERROR_ACCESS_DENIED, 77 },
	{ SD_BUS_ERROR_SERVICE_UNKNOWN, 69 },
	{ "org.freedesktop.DBus.Error.Spawn.ChildExited", 69 },
	{ "org.freedesktop.systemd1.NoSuchUnit", 69 },
	{ "org.example.Unheard", 70 },
};

TEST_F(bus, errors)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		self->stub.error = errors[i].name;
		self->stub.message = "first\nsecond";
		EXPECT_EQ(errors[i].status, RUN(do_simulate(&simulate)))
		TH_LOG("%s", errors[i].name);
		EXPECT_EQ(1, lines_of(self, self->err));
		EXPECT_STREQ("", text_of(self, self->out));
	}
}

/* An error that is final ends a migration. After any other error the command goes on by itself, and writes the stream ID. */
TEST_F(bus, what_the_daemon_cannot_do_stops_nothing)
{
	struct request req = check;
	size_t i;

	req.op = REQUEST_MIGRATE;
	if (geteuid())
		SKIP(return, "needs root");
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		char text[32] = "";
		int status = errors[i].is_final ? errors[i].status : 0, fd;

		put(written, "");
		self->stub.error = errors[i].name;
		self->stub.message = "why";
		EXPECT_EQ(status, RUN(do_check(&check, &going_on, argv)))
		TH_LOG("%s", errors[i].name);
		EXPECT_EQ(status, RUN(do_migrate(&req, &going_on, argv)))
		TH_LOG("%s", errors[i].name);
		fd = open(written, O_RDONLY | O_CLOEXEC);
		EXPECT_LE(0, read(fd, text, sizeof(text) - 1));
		close(fd);
		EXPECT_STREQ(errors[i].is_final ? "" : "0xabc\n", text)
		TH_LOG("%s", errors[i].name);
		EXPECT_EQ(errors[i].status, RUN(do_migrate(&req, &refusing, argv)));
	}
}

/*
 * Drivers may take minutes to answer a check that nobody waits for any more. The migration waits for them, with no -w,
 * too, and then for the lock as it always does; and should they never end, it goes on without the daemon.
 */
TEST_F(bus, a_check_before_it_stops_no_migration)
{
	struct request req = check;
	char text[32] = "";
	int fd;

	if (geteuid())
		SKIP(return, "needs root");
	req.op = REQUEST_MIGRATE;
	clock_of = &self->stub;
	seconds_a_call = 60;
	self->stub.message = "drivers are asked";
	self->stub.first[0] = self->stub.first[1] = DR_ERROR_ASKING;
	self->stub.first[2] = DR_ERROR_LOCKED;
	EXPECT_EQ(0, RUN(do_migrate(&req, &refusing, argv)));
	EXPECT_EQ(4, self->stub.calls);
	EXPECT_STREQ("drmgr: drivers are asked\n", text_of(self, self->err));
	self->stub.error = DR_ERROR_ASKING;
	EXPECT_EQ(0, RUN(do_migrate(&req, &going_on, argv)));
	fd = open(written, O_RDONLY | O_CLOEXEC);
	EXPECT_LE(0, read(fd, text, sizeof(text) - 1));
	close(fd);
	EXPECT_STREQ("0xabc\n", text);
	EXPECT_EQ(DR_EXIT_BUSY, RUN(do_migrate(&req, &refusing, argv)));
}

/* But once somebody has been told it is the migration that failed. */
TEST_F(bus, what_fails_after_it_has_begun_is_over)
{
	struct request req = check;

	req.op = REQUEST_MIGRATE;
	if (geteuid())
		SKIP(return, "needs root");
	self->stub.begins = true;
	self->stub.error = DR_ERROR_FAILED;
	self->stub.message = "why";
	EXPECT_EQ(DR_EXIT_FAILED, RUN(do_migrate(&req, &going_on, argv)));
	EXPECT_STREQ("drmgr: why\n", text_of(self, self->err));
}

/* The daemon answers, but makes no progress: its own deadline counts, and that of another stream does not. */
TEST_F(bus, daemon_is_past_its_own_deadline)
{
	struct request req = check;

	req.op = REQUEST_MIGRATE;
	req.stream = 0x4d6f7665;
	if (geteuid())
		SKIP(return, "needs root");
	self->stub.silent = 1;
	self->stub.patience = 2;
	self->stub.until = 1;
	EXPECT_EQ(DR_EXIT_NO_DAEMON, RUN(do_migrate(&req, &refusing, argv)));
	EXPECT_EQ(0, RUN(do_migrate(&req, &going_on, argv)));
	EXPECT_NE(NULL, strstr(text_of(self, self->err), "makes no progress"));
	self->stub.any = true;
	req.stream = 0;
	EXPECT_EQ(0, RUN(do_check(&req, &going_on, argv)));
	EXPECT_NE(NULL, strstr(text_of(self, self->err), "makes no progress"));
}

static void *end_stub(void *arg)
{
	struct stub *stub = arg;

	while (!stub->calls)
		usleep(1000);
	stub->stop = 1;
	return NULL;
}

TEST_F(bus, daemon_dies_in_the_middle)
{
	pthread_t t;

	self->stub.silent = 1;
	ASSERT_EQ(0, pthread_create(&t, NULL, end_stub, &self->stub));
	EXPECT_EQ(DR_EXIT_LOST, RUN(do_simulate(&simulate)));
	EXPECT_EQ(1, lines_of(self, self->err));
	EXPECT_NE(NULL, strstr(self->text, "drmgr status"));
	pthread_join(t, NULL);
}

TEST_F(bus, nobody_there)
{
	struct stub other;

	ASSERT_EQ(0, stub_start_bus(&other));
	EXPECT_EQ(DR_EXIT_NO_DAEMON, RUN(do_status()));
	EXPECT_EQ(1, lines_of(self, self->err));
	stub_end(&other);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	EXPECT_EQ(DR_EXIT_NO_DAEMON, RUN(do_check(&check, &refusing, argv)));
	EXPECT_EQ(2, lines_of(self, self->err));
	EXPECT_EQ(0, self->stub.calls);
}

TEST_F(bus, original)
{
	char *const argv[] = { "drmgr", "-c", "cpu", "a b", NULL };
	char *const sh[] = { "sh", "-c", "exit $#", "x", "a b", "", NULL };
	int status;
	pid_t pid;

	EXPECT_EQ(DR_EXIT_NO_ORIGINAL, RUN(do_original("/nonexistent", argv)));
	EXPECT_EQ(1, lines_of(self, self->err));
	EXPECT_EQ(DR_EXIT_NO_ORIGINAL, RUN(do_original("/etc", argv)));
	pid = fork();
	if (pid == 0)
		_exit(do_original("/bin/sh", sh));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(2, WEXITSTATUS(status));
}

TEST_F(bus, capabilities)
{
	char *const argv[] = { "drmgr", "-C", NULL };
	char *const sh[] = { "sh", "-c", "exit $#", "x", "-C", NULL };
	int status;
	pid_t pid;

	/* nothing of this is a partition's here, and the names and their order are powerpc-utils' */
	EXPECT_EQ(0, RUN(do_capabilities("/nonexistent", argv)));
	EXPECT_STREQ("cpu_dlpar=no,mem_dlpar=no,slot_dlpar=no,phb_dlpar=no,hea_dlpar=no,pmig=no,"
		     "cpu_entitlement=no,mem_entitlement=no,slb_resize=no,phib=no\n",
		     text_of(self, self->out));
	EXPECT_EQ(0, lines_of(self, self->err));
	EXPECT_EQ(0, self->stub.calls);
	pid = fork();
	if (pid == 0)
		_exit(do_capabilities("/bin/sh", sh));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(1, WEXITSTATUS(status));
}

static void *end_bus(void *arg)
{
	struct stub *stub = arg;

	while (!stub->calls)
		usleep(1000);
	kill(stub->dbus, SIGKILL);
	return NULL;
}

TEST_F(bus, bus_dies_in_the_middle)
{
	pthread_t t;

	self->stub.silent = 1;
	ASSERT_EQ(0, pthread_create(&t, NULL, end_bus, &self->stub));
	EXPECT_EQ(DR_EXIT_LOST, RUN(do_simulate(&simulate))) TH_LOG("%s", text_of(self, self->err));
	pthread_join(t, NULL);
}

TEST_HARNESS_MAIN
