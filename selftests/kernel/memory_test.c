// SPDX-License-Identifier: GPL-2.0
/*
 * Storage is quiet from PRE to POST, and memory short: whoever waits for a page to be written waits for POST, so
 * POST would never come if that were the module's worker, a handler, or the kernel's migration code.
 */
#include "kfixture.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define IO "/sys/module/pmig_io/parameters/"

FIXTURE(memory)
{
	struct link l;
	struct session s;
	const char *engine;
	int ear; /* hears all uevents, and reads none */
	int go;	 /* a byte, and the storm breaks loose */
	pid_t storm;
	unsigned long reserve; /* min_free_kbytes before */
};

#define RESERVE "/proc/sys/vm/min_free_kbytes"

/*
 * Each processor keeps some free pages to itself, the more the larger the reserve is: with one as large as here
 * all that is given back would stay there, where it counts as free for nobody. This makes it as few as possible.
 */
#define PER_CPU "/proc/sys/vm/percpu_pagelist_high_fraction"

/* What is left for everybody but emergencies: so little that it is taken at once. */
#define LEFT_KIB (64 << 10)

static unsigned long free_kib(void)
{
	const char *at = strstr(get("/proc/meminfo"), "MemFree:");

	return at ? strtoul(at + strlen("MemFree:"), NULL, 10) : 0;
}

/*
 * Sends uevents until it waits for memory, with the mutex that the kernel has for all uevents. It began before memory
 * was short, and may do I/O as any process may.
 */
static pid_t uevent_storm(int *go)
{
	int way[2], fd;
	pid_t pid;
	char c;

	if (pipe(way))
		return -1;
	pid = fork();
	if (!pid) {
		close(way[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0);
		fd = open("/sys/devices/virtual/mem/null/uevent", O_WRONLY);
		if (read(way[0], &c, 1) == 1)
			while (write(fd, "change", 6) == 6)
				;
		_exit(1);
	}
	close(way[0]);
	*go = way[1];
	return pid;
}

static bool waits_for_memory(pid_t pid)
{
	int64_t end = now_ms() + NEVER_MS;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	do {
		if (strstr(get(path), "io_scan"))
			return true;
		nap();
	} while (now_ms() < end);
	return false;
}

/* A listener with room for so many that they take all the memory there is. */
static int uevent_ear(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	int room = 256 << 20;

	if (fd >= 0 && (bind(fd, (void *)&addr, sizeof(addr)) ||
			setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room))))
		return -1;
	return fd;
}

FIXTURE_SETUP(memory)
{
	load_modules();
	ASSERT_EQ(0, link_open(&self->l));
	ASSERT_EQ(0, tell("clear"));
	ASSERT_TRUE(quiet(&self->l));
	ASSERT_EQ(0, tell("clear"));
	self->engine = "test-io";
	ASSERT_EQ(0, run("modprobe pmig_io"));
	/* As the daemon does. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	ASSERT_EQ(0, prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0));
	self->ear = uevent_ear();
	ASSERT_LE(0, self->ear);
	self->storm = uevent_storm(&self->go);
	ASSERT_LT(0, self->storm);
	ASSERT_EQ(0, put(PER_CPU, "1000000"));
	self->reserve = strtoul(get(RESERVE), NULL, 10);
	ASSERT_EQ(0, put(RESERVE, "%lu", free_kib() - LEFT_KIB));
}

FIXTURE_TEARDOWN(memory)
{
	/* In this order: there is enough again before anybody could find that there is nothing to wait for. */
	if (self->reserve)
		put(RESERVE, "%lu", self->reserve);
	put(PER_CPU, "0");
	put(IO "quiet", "N");
	if (self->storm > 0) {
		kill(self->storm, SIGKILL);
		waitpid(self->storm, NULL, 0);
	}
	close(self->ear);
	link_close(&self->l);
	EXPECT_EQ(0, link_open(&self->l));
	EXPECT_TRUE(quiet(&self->l));
	link_close(&self->l);
	EXPECT_TRUE(unloads("pmig_io"));
	tell("clear");
}

TEST_F(memory, is_short_while_storage_is_quiet)
{
	ASSERT_BEGIN();
	ASSERT_REACHES(QUIESCE);
	ASSERT_COMMAND(PRE);
	ASSERT_REACHES(READY);
	ASSERT_EQ(1, write(self->go, "x", 1));
	ASSERT_TRUE(waits_for_memory(self->storm));
	ASSERT_COMMAND(SUSPEND);
	ASSERT_REACHES(COMPLETED);
	EXPECT_STREQ("a pre,b pre,c pre,c post,b post,a post,", told());
	EXPECT_LE(20UL << 20, strtoul(get(IO "given"), NULL, 10) * getpagesize());
	/* Others than we have waited, so this was not for nothing. */
	EXPECT_STRNE("0", get(IO "waited"));
	ASSERT_COMMAND(END);
}

TEST_HARNESS_MAIN
