// SPDX-License-Identifier: GPL-2.0-or-later
/* What the next daemon knows of the last migrations: what is in the file, if that can be. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/manager.h"
#include "kselftest_harness.h"

/* where record.error of the first one is: behind the version, the moves and two numbers */
#define ERROR_AT 44

FIXTURE(results)
{
	char dir[32], path[64], temp[96];
};

FIXTURE_SETUP(results)
{
	strcpy(self->dir, "/tmp/dr-results-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	sprintf(self->path, "%s/results", self->dir);
	sprintf(self->temp, "%s.new", self->path);
}

FIXTURE_TEARDOWN(results)
{
	rmdir(self->temp);
	unlink(self->path);
	rmdir(self->dir);
}

static void add(const char *path, unsigned error, const char *text)
{
	struct session_result result = { 0 };
	struct results *r;

	if (results_new(&r, path) == 0) {
		results_add(r, 0x7001, error, text, &result);
		results_free(r);
	}
}

/* The error of 0x7001, as the next daemon has it; -1: it knows nothing of it. */
static int known(const char *path)
{
	const struct result *found;
	struct results *r;
	int error;

	if (results_new(&r, path) < 0)
		return -1;
	found = results_find(r, 0x7001);
	error = found ? (int)found->error : -1;
	results_free(r);
	return error;
}

TEST_F(results, one_that_cannot_be_is_not_taken)
{
	uint32_t error = _MANAGER_ERROR_MAX;
	int fd;

	add(self->path, MANAGER_FAILED, "why");
	EXPECT_EQ(MANAGER_FAILED, known(self->path));
	fd = open(self->path, O_WRONLY | O_CLOEXEC);
	EXPECT_EQ(sizeof(error), pwrite(fd, &error, sizeof(error), ERROR_AT));
	close(fd);
	EXPECT_EQ(-1, known(self->path));
}

TEST_F(results, what_differed_is_kept_within_a_bound)
{
	struct rows rows = { .dropped = 3 };
	struct row row = { .section = "cpu", .field = "f", .old = "1", .new = "2" };
	struct session_result result = { .rows = &rows };
	const struct result *found;
	struct results *r;

	for (int i = 0; i < ROWS_TOLD_MAX + 2; i++)
		ASSERT_EQ(0, rows_add(&rows, &row));
	/* the last one is what an operator has to see */
	rows.v[ROWS_TOLD_MAX + 1].flags = PMIG_ROW_F_UNEXPECTED;
	ASSERT_EQ(0, results_new(&r, self->path));
	results_add(r, 0x7001, MANAGER_OK, "", &result);
	results_free(r);
	ASSERT_EQ(0, results_new(&r, self->path));
	found = results_find(r, 0x7001);
	ASSERT_NE(NULL, found);
	EXPECT_EQ(ROWS_TOLD_MAX, found->rows.n);
	EXPECT_EQ(5, found->rows.dropped);
	EXPECT_EQ(PMIG_ROW_F_UNEXPECTED, found->rows.v[0].flags);
	EXPECT_EQ(0, found->rows.v[1].flags);
	EXPECT_STREQ("2", found->rows.v[1].new);
	results_free(r);
	rows_done(&rows);
}

TEST_F(results, none_is_better_than_an_old_one)
{
	add(self->path, MANAGER_STOPPED, "not today");
	EXPECT_EQ(MANAGER_STOPPED, known(self->path));
	ASSERT_EQ(0, mkdir(self->temp, 0700)) TH_LOG("so it cannot be written");
	add(self->path, MANAGER_OK, "");
	EXPECT_EQ(-1, known(self->path));
}

/* The same command again, when the platform has forgotten the stream: it says nothing of how that ended. */
TEST_F(results, a_stream_that_is_over)
{
	add(self->path, MANAGER_BAD_STREAM, "the platform does not know it");
	EXPECT_EQ(MANAGER_BAD_STREAM, known(self->path));
	add(self->path, MANAGER_OK, "");
	EXPECT_EQ(MANAGER_OK, known(self->path));
	add(self->path, MANAGER_BAD_STREAM, "the platform does not know it");
	EXPECT_EQ(MANAGER_OK, known(self->path));
	add(self->path, MANAGER_ABORTED, "by its operator");
	EXPECT_EQ(MANAGER_ABORTED, known(self->path));
}

/* The moves of this boot, by whichever daemon: none of a simulation, nor of one that failed. */
TEST_F(results, moves_are_counted)
{
	struct session_result moved = { .moved = true }, stayed = { 0 };
	struct results *r;
	usec_t since;

	ASSERT_EQ(0, results_new(&r, self->path));
	EXPECT_EQ(0, results_moves(r)->n);
	since = results_moves(r)->since;
	EXPECT_LT(0, since);
	EXPECT_LE(since, now_usec());
	results_free(r);
	ASSERT_EQ(0, results_new(&r, self->path));
	results_add(r, 0x7001, MANAGER_OK, "", &moved);
	results_add(r, 0x7002, MANAGER_OK, "", &stayed);
	results_add(r, 0, MANAGER_OK, "", &moved);
	results_free(r);
	ASSERT_EQ(0, results_new(&r, self->path));
	EXPECT_EQ(2, results_moves(r)->n);
	EXPECT_EQ(since, results_moves(r)->since);
	EXPECT_NE(NULL, results_find(r, 0x7002));
	results_free(r);
}

TEST_HARNESS_MAIN
