// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_test [MOVES]: is the memory that arrives at another server the memory that was there?
 *
 * A page has a pattern of its number and of how often it was written, and is compared as a whole before it is written
 * again: what a copy lost is seen by the first pass behind the move, before it could be covered. Mainline's own path,
 * a bare write to sysfs; none of the project's code.
 */
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest.h"
#include "lab.h"

#define PAGE	  4096
#define PAGES	  8192
#define WORDS	  (PAGE / sizeof(uint64_t))
#define STREAM	  0xc09e
#define TOUCHED	  256
#define SCATTER	  4093 /* a prime: neighbours are not touched one after the other */
#define PATIENCE  60000
#define MIGRATION "/sys/kernel/mobility/migration"

static uint64_t (*area)[WORDS];
static uint64_t written[PAGES];
static char reply[LAB_LINE_MAX];

static uint64_t word(unsigned int page, unsigned int i)
{
	return (written[page] << 32 ^ (uint64_t)page << 12 ^ i) * 0x9e3779b97f4a7c15ULL;
}

static void write_page(unsigned int page)
{
	unsigned int i;

	written[page]++;
	for (i = 0; i < WORDS; i++)
		area[page][i] = word(page, i);
}

static unsigned int wrong_words(unsigned int page)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < WORDS; i++)
		wrong += area[page][i] != word(page, i);
	return wrong;
}

/* How many of the first so many pages, in scattered order, are not what was written last. */
static unsigned int wrong_pages(unsigned int count)
{
	unsigned int n, wrong = 0;

	for (n = 0; n < count; n++)
		wrong += wrong_words((n * SCATTER) % PAGES) != 0;
	return wrong;
}

static void hmc(const char *request)
{
	int r = lab_hmc(reply, sizeof(reply), "%s", request);

	if (r)
		ksft_exit_fail_msg("hmc %s: %d %s\n", request, r, reply);
}

static long long stat_of(const char *key)
{
	if (lab_hmc(reply, sizeof(reply), "stat 0x%x", STREAM))
		return -1;
	return lab_value(reply, key);
}

static bool wait_for(const char *key, long long at_least)
{
	int64_t until = lab_now_ms() + PATIENCE;

	while (stat_of(key) < at_least) {
		if (lab_now_ms() > until) {
			ksft_print_msg("waited in vain for %s=%lld: %s\n", key, at_least, reply);
			return false;
		}
		usleep(20000);
	}
	return true;
}

static void enable(const char *destination)
{
	char request[128];

	hmc(destination);
	snprintf(request, sizeof(request), "stream 0x%x enabled", STREAM);
	hmc(request);
}

/* In a process of its own, for it returns when the stream is Completed. `rounds` of pre-copy are over before. */
static pid_t move(int rounds)
{
	pid_t child = fork();
	char id[32];
	int fd, n;

	if (child)
		return child;
	n = snprintf(id, sizeof(id), "0x%x", STREAM);
	fd = open(MIGRATION, O_WRONLY);
	if (fd < 0 || !wait_for("rounds", rounds) ||
	    lab_hmc(NULL, 0, "after 100 stream %s suspending", id))
		_exit(1);
	_exit(write(fd, id, n) == n ? 0 : 2);
}

static bool ended_well(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Returns the pages that were lost, in a move during which every page is written again and again. */
static unsigned int written_throughout(const char *destination, bool *moved)
{
	unsigned int n, lost = 0;
	siginfo_t over = { 0 };
	pid_t child;

	enable(destination);
	child = move(2);
	while (!over.si_pid) {
		for (n = 0; n < PAGES; n++) {
			lost += wrong_words(n) != 0;
			write_page(n);
		}
		waitid(P_PID, child, &over, WEXITED | WNOHANG | WNOWAIT);
	}
	*moved = ended_well(child);
	return lost + wrong_pages(PAGES);
}

static void test_writes(int moves)
{
	unsigned int lost = 0;
	int i, arrived = 0;
	bool moved;

	for (i = 0; i < moves; i++) {
		/* in turn: all of it before the partition goes on, and the rest behind it */
		lost += written_throughout(i % 2 ? "destination bandwidth=64M postcopy=no" :
						   "destination bandwidth=64M",
					   &moved);
		arrived += moved;
		stat_of("state");
		ksft_print_msg("move %d: %u pages lost so far; %s\n", i + 1, lost, reply);
	}
	ksft_test_result(arrived == moves, "%d moves while %d pages were written all the time\n",
			 moves, PAGES);
	ksft_test_result(!lost, "none of the pages is another at the destination\n");
}

static void test_precopy_only(void)
{
	long long resumed_with;
	pid_t child;

	enable("destination bandwidth=256M postcopy=no resumed-ms=never");
	child = move(1);
	wait_for("state", 5);
	resumed_with = stat_of("remaining");
	ksft_test_result(
		strstr(reply, "kind=move mode=precopy") && resumed_with == 0 &&
			stat_of("pulled") == 0,
		"without post-copy the partition goes on when all of its memory is there\n");
	hmc("stream 0xc09e completed");
	ksft_test_result(ended_well(child) && !wrong_pages(PAGES), "and moves\n");
}

/* The request waits in the lab meanwhile. */
static bool stays_in_transit(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		if (stat_of("state") != 5 || lab_value(reply, "remaining") <= 0) {
			ksft_print_msg("no longer in transit: %s\n", reply);
			return false;
		}
		usleep(50000);
	}
	return true;
}

static void test_transit(void)
{
	long long pulled, remaining;
	unsigned int wrong;
	pid_t child;

	hmc("destination bandwidth=1M resumed-ms=never");
	if (!strstr(reply, "mode=postcopy")) {
		ksft_print_msg("%s\n", reply);
		ksft_test_result_skip("memory in transit: no post-copy on this machine\n");
		ksft_test_result_skip("it is not Completed before\n");
		ksft_test_result_skip("and arrives\n");
		return;
	}
	hmc("stream 0xc09e enabled");
	child = move(1);
	wait_for("state", 5);
	pulled = stat_of("pulled");
	wrong = wrong_pages(TOUCHED);
	pulled = stat_of("pulled") - pulled;
	remaining = lab_value(reply, "remaining");
	ksft_print_msg("%lld pages pulled by %d that were touched; %s\n", pulled, TOUCHED, reply);
	ksft_test_result(!wrong && pulled > TOUCHED / 4 && remaining > 0 &&
				 lab_value(reply, "state") == 5,
			 "memory that is touched in transit is pulled, and is right\n");
	hmc("bandwidth 64K");
	hmc("after 0 stream 0xc09e completed");
	ksft_test_result(stays_in_transit(),
			 "it is not Completed while memory is in transit, whoever asks for it\n");
	hmc("bandwidth 1024M");
	ksft_test_result(ended_well(child) && stat_of("remaining") == 0,
			 "it is Completed when all of it is there\n");
}

static void test_cancel(void)
{
	int64_t until = lab_now_ms() + PATIENCE;
	long long moves;

	enable("destination bandwidth=2M");
	moves = stat_of("moves");
	wait_for("bytes", 1);
	ksft_test_result(stat_of("converged") == 0,
			 "a copy that has just begun has not converged\n");
	hmc("stream 0xc09e aborted");
	do
		hmc("validate");
	while (!strstr(reply, "destination=none") && lab_now_ms() < until);
	ksft_test_result(strstr(reply, "destination=none") && lab_value(reply, "moves") == moves &&
				 !wrong_pages(PAGES),
			 "a copy that is cancelled leaves no destination\n");
}

int main(int argc, char **argv)
{
	int moves = argc > 1 ? atoi(argv[1]) : 2;
	cpu_set_t one;
	unsigned int n;

	ksft_print_header();
	ksft_set_plan(9);
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED || mlockall(MCL_CURRENT))
		ksft_exit_fail_msg("no memory\n");
	for (n = 0; n < PAGES; n++)
		write_page(n);

	test_cancel();
	test_transit();
	test_precopy_only();
	/* Stays on its CPU, whose TLB has the pages: that is what a copy can overlook. */
	CPU_ZERO(&one);
	CPU_SET(1, &one);
	sched_setaffinity(0, sizeof(one), &one);
	test_writes(moves);
	ksft_finished();
}
