// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands in for newer libraries and kernels does what they do. */
#include "shared/fallback.h"

#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>

/* Free numbers, whatever else is open here */
#define FIRST 300
#define LAST  310

static void open_some(void)
{
	for (int fd = FIRST - 1; fd <= LAST + 1; fd++)
		dup2(STDIN_FILENO, fd);
}

/* How many of them are open, and how many of those will an exec close? */
static int count(int first, int last, int flag)
{
	int n = 0;

	for (int fd = first; fd <= last; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && (flags & flag) == flag;
	}
	return n;
}

FIXTURE(close){};
FIXTURE_VARIANT(close)
{
	int (*function)(unsigned first, unsigned last, int flags);
};
FIXTURE_VARIANT_ADD(close, as_called){ .function = fallback_close_range };
FIXTURE_VARIANT_ADD(close, old_kernel){ .function = fallback_close_listed };
FIXTURE_SETUP(close)
{
	open_some();
}
FIXTURE_TEARDOWN(close)
{
}

TEST_F(close, a_range_and_no_more)
{
	ASSERT_EQ(0, variant->function(FIRST, LAST, 0));
	EXPECT_EQ(0, count(FIRST, LAST, 0));
	EXPECT_EQ(1, count(FIRST - 1, FIRST - 1, 0));
	EXPECT_EQ(1, count(LAST + 1, LAST + 1, 0));
}

TEST_F(close, all_from_a_number_on)
{
	ASSERT_EQ(0, variant->function(FIRST, UINT_MAX, 0));
	EXPECT_EQ(0, count(FIRST, LAST + 1, 0));
	EXPECT_EQ(1, count(FIRST - 1, FIRST - 1, 0));
}

TEST_F(close, only_at_exec)
{
	ASSERT_EQ(0, variant->function(FIRST, LAST, CLOSE_RANGE_CLOEXEC));
	EXPECT_EQ(LAST - FIRST + 1, count(FIRST, LAST, FD_CLOEXEC));
	EXPECT_EQ(0, count(FIRST - 1, FIRST - 1, FD_CLOEXEC));
	EXPECT_EQ(0, count(LAST + 1, LAST + 1, FD_CLOEXEC));
}

static int on_ready(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	++*(int *)userdata;
	return 0;
}

/* Somebody else still has the source: it stays, but is silent. */
TEST(a_source_that_is_given_back_is_off)
{
	sd_event_source *source = NULL;
	sd_event *event = NULL;
	int called = 0, fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_LE(0, sd_event_new(&event));
	ASSERT_LE(0, sd_event_add_io(event, &source, fds[0], EPOLLIN, on_ready, &called));
	ASSERT_LT(0, sd_event_run(event, 0));
	EXPECT_EQ(1, called);
	sd_event_source_ref(source);
	EXPECT_EQ(NULL, sd_event_source_disable_unref(source));
	EXPECT_EQ(0, sd_event_run(event, 0));
	EXPECT_EQ(1, called);
	EXPECT_EQ(NULL, sd_event_source_disable_unref(NULL));
	sd_event_source_unref(source);
	sd_event_unref(event);
	close(fds[0]);
	close(fds[1]);
}

TEST(a_bus_that_is_given_back_is_closed)
{
	sd_bus *bus = NULL;
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	ASSERT_LE(0, sd_bus_new(&bus));
	ASSERT_LE(0, sd_bus_set_fd(bus, fds[0], fds[0]));
	ASSERT_LE(0, sd_bus_start(bus));
	sd_bus_ref(bus);
	EXPECT_EQ(NULL, sd_bus_close_unref(bus));
	EXPECT_EQ(0, sd_bus_is_open(bus));
	EXPECT_EQ(NULL, sd_bus_close_unref(NULL));
	sd_bus_unref(bus);
	close(fds[1]);
}

TEST_HARNESS_MAIN
