// SPDX-License-Identifier: GPL-2.0-or-later
/* How a migration goes on where drmgrd cannot be asked: who decides, and what is run or written. */
#include "cmd/exit.h"
#include "cmd/fallback.h"

#include "kselftest_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STREAM UINT64_C(0xd7a884f83d830e6d)

FIXTURE(fallback)
{
	char dir[32], config[64], journal[64], original[64], lock[64], migration[64], text[512];
	struct fallback f;
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static const char *get(FIXTURE_DATA(fallback) * self, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, self->text, sizeof(self->text) - 1);

	self->text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return self->text;
}

FIXTURE_SETUP(fallback)
{
	strcpy(self->dir, "/tmp/dr-fallback-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	sprintf(self->config, "%s/drmgr.conf", self->dir);
	sprintf(self->journal, "%s/session", self->dir);
	sprintf(self->original, "%s/original", self->dir);
	sprintf(self->lock, "%s/lock", self->dir);
	sprintf(self->migration, "%s/migration", self->dir);
	put(self->migration, "");
	self->f = (struct fallback){ self->config,
				     self->journal,
				     self->lock,
				     { self->original, "/nonexistent" },
				     self->migration };
	close(2);
	open("/dev/null", O_WRONLY | O_CLOEXEC);
}

FIXTURE_TEARDOWN(fallback)
{
	unlink(self->config);
	unlink(self->journal);
	unlink(self->original);
	unlink(self->lock);
	unlink(self->migration);
	rmdir(self->dir);
}

static const struct {
	const char *text;
	bool refuses;
} configs[] = {
	{ "", false },
	{ "[drmgr]\nFallback=refuse\n", true },
	{ "[drmgr]\n \tfallback : Refuse ; why\n", true },
	{ "LogLevel=info\nFallback = refuse", true },
	{ "#Fallback=refuse\n", false },
	{ "Fallback=refuse\nFallback=original\n", false },
	{ "Fallback=refused\n", false },
	{ "Fallback\n", false },
	{ "Fallbacks=refuse\n", false },
	{ "\x01\xff[[[\nFallback=\n", false },
};

TEST_F(fallback, who_decides)
{
	size_t i;

	EXPECT_EQ(0, fallback_check(&self->f, 69)) TH_LOG("no file");
	for (i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		int status = configs[i].refuses ? 69 : 0;

		put(self->config, configs[i].text);
		put(self->migration, "");
		EXPECT_EQ(status, fallback_check(&self->f, 69)) TH_LOG("%s", configs[i].text);
		EXPECT_EQ(status, fallback_migrate(&self->f, NULL, STREAM, 69));
		EXPECT_STREQ(status ? "" : "0xd7a884f83d830e6d\n", get(self, self->migration));
	}
}

static const struct {
	const char *text;
	int status;
} journals[] = {
	{ "", 0 },
	{ "12345678 open 1 d7a884f83d830e6d 0 sysfs - -\n", 0 },
	{ "12345678 open 1 d7a884f83d830e6d 0 sysfs - -\n12345678 tell scripts 3 1 0 0 10-one\n",
	  DR_EXIT_LOST },
	{ "12345678 open 1 d7a884f83d830e6d 0 sysfs - -\n12345678 outcome failed\n"
	  "12345678 tell applications 3 1 7 9 app\n12345678 over applications app\n",
	  DR_EXIT_LOST },
	{ "12345678 open 1 d7a884f83d830e6 0 sysfs - -\n12345678 tell scripts 3 1 0 0 10-one\n",
	  0 },
	{ "12345678 open 1 d7a884f83d830e6d 0 sysfs - -\n12345678 te", 0 },
	{ "no journal", 0 },
};

TEST_F(fallback, who_has_been_told)
{
	size_t i;

	for (i = 0; i < sizeof(journals) / sizeof(journals[0]); i++) {
		put(self->journal, journals[i].text);
		put(self->migration, "");
		EXPECT_EQ(journals[i].status, fallback_migrate(&self->f, NULL, STREAM, 69))
		TH_LOG("%s", journals[i].text);
		EXPECT_STREQ(journals[i].status ? "" : "0xd7a884f83d830e6d\n",
			     get(self, self->migration));
	}
}

TEST_F(fallback, small_and_large_streams)
{
	EXPECT_EQ(0, fallback_migrate(&self->f, NULL, 1, 69));
	EXPECT_STREQ("0x1\n", get(self, self->migration));
	EXPECT_EQ(0, fallback_migrate(&self->f, NULL, UINT64_MAX, 69));
	EXPECT_STREQ("0xffffffffffffffff\n", get(self, self->migration));
	self->f.migration = "/nonexistent";
	EXPECT_EQ(DR_EXIT_FAILED, fallback_migrate(&self->f, NULL, 1, 69));
}

/* Exit status of fallback_migrate() in a child, which may become another program. */
static int run(FIXTURE_DATA(fallback) * self, char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fallback_migrate(&self->f, argv, STREAM, 69));
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

TEST_F(fallback, becomes_the_original)
{
	char *const argv[] = { "drmgr", "-m", "-c", "pmig", "a b", "", NULL };

	put(self->original, "#!/bin/sh\n[ \"$*\" = '-m -c pmig a b ' ] && exit $#\n");
	EXPECT_EQ(0, run(self, argv)) TH_LOG("it cannot be run");
	EXPECT_STREQ("0xd7a884f83d830e6d\n", get(self, self->migration));
	put(self->migration, "");
	chmod(self->original, 0755);
	EXPECT_EQ(5, run(self, argv));
	EXPECT_STREQ("", get(self, self->migration));
	unlink(self->original);
	EXPECT_EQ(0, symlink("/proc/self/exe", self->original));
	ASSERT_EQ(NULL, fallback_original(&self->f)) TH_LOG("it would run us, for ever");
	EXPECT_EQ(0, run(self, argv)) TH_LOG("it is a link to us");
	EXPECT_STREQ("0xd7a884f83d830e6d\n", get(self, self->migration));
	unlink(self->original);
	put(self->original, "#!/bin/sh\nexit 5\n");
	chmod(self->original, 0755);
	setenv("DRMGR_FALLBACK", "1", 1);
	EXPECT_EQ(5, run(self, argv)) TH_LOG("what divert.sh keeps does not run us");
	self->f.originals[1] = self->f.originals[0];
	self->f.originals[0] = "/nonexistent";
	EXPECT_EQ(0, run(self, argv)) TH_LOG("it has run us");
}

TEST_F(fallback, lock_of_a_daemon_that_hangs)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *const argv[] = { "drmgr", NULL };
	int fd;

	put(self->original, "#!/bin/sh\nexit 5\n");
	chmod(self->original, 0755);
	fd = open(self->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_EQ(0, fcntl(fd, F_SETLK, &lock));
	EXPECT_EQ(5, run(self, argv)) TH_LOG("another process has it");
	prctl(PR_SET_NAME, "drmgrd");
	EXPECT_EQ(0, run(self, argv)) TH_LOG("the daemon has it");
	close(fd);
}

TEST_HARNESS_MAIN
