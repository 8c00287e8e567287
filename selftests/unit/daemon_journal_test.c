// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal: what was written comes back; what is cut short, changed or made up ends the replay and harms nobody. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/session/journal.h"
#include "kselftest_harness.h"
#include <sanitizer/lsan_interface.h>

FIXTURE(journal)
{
	char path[64];
	struct journal *j;
	struct replay r;
};

FIXTURE_SETUP(journal)
{
	log_max_level = LOG_CRIT;
	strcpy(self->path, "/tmp/daemon_journal_test.XXXXXX");
	ASSERT_LE(0, mkstemp(self->path));
	ASSERT_EQ(0, journal_new(&self->j, self->path));
}

FIXTURE_TEARDOWN(journal)
{
	replay_clear(&self->r);
	journal_free(self->j);
	unlink(self->path);
	strcat(self->path, ".spare");
	unlink(self->path);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

static int fill(struct journal *j)
{
	struct journal_session s = {
		.stream = 0xd7a884f83d830e6d, .flags = 1, .boot_id = "boot", .identity = "IBM,02"
	};

	return journal_open_session(j, &s)					    ?:
		       journal_tell(j, "signals", DR_PHASE_BEGIN, 7, 0, 0, "app-1") ?:
		       journal_tell(j, "scripts", DR_PHASE_PRE, 8, 4711, 99, "script/10 with blanks") ?:
		       journal_tell(j, "scripts", DR_PHASE_PRE, 8, 4712, 100, "script/20") ?:
		       journal_outcome(j, OUTCOME_COMPLETED)				   ?:
		       journal_tell(j, "signals", DR_PHASE_POST, 9, 0, 0, "app-1")	   ?:
		       journal_over(j, "signals", "app-1")				   ?:
		       journal_tell(j, "scripts", DR_PHASE_POST, 9, 4713, 101,
				    "script/10 with blanks");
}

static struct told *told_of(struct replay *r, const char *name)
{
	for (int i = 0; i < REPLAY_AUDIENCES_MAX; i++)
		if (strcmp(r->audiences[i].name, name) == 0)
			return &r->audiences[i].told;
	return NULL;
}

TEST_F(journal, comes_back)
{
	struct told_entry *e;
	struct told *t;

	ASSERT_EQ(0, fill(self->j));
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	EXPECT_TRUE(self->r.open);
	EXPECT_EQ(0xd7a884f83d830e6d, self->r.session.stream);
	EXPECT_EQ(1, self->r.session.flags);
	EXPECT_STREQ("boot", self->r.session.boot_id);
	EXPECT_STREQ("IBM,02", self->r.session.identity);
	EXPECT_STREQ("", self->r.session.engine);
	EXPECT_EQ(OUTCOME_COMPLETED, self->r.outcome);
	t = told_of(&self->r, "scripts");
	ASSERT_NE(NULL, t);
	ASSERT_EQ(2, t->n);
	e = &t->v[0];
	EXPECT_STREQ("script/10 with blanks", e->name);
	EXPECT_EQ(TOLD_ENDING, e->state);
	EXPECT_EQ(9, e->gen);
	EXPECT_EQ(4713, e->pid);
	EXPECT_EQ(101, e->start);
	EXPECT_EQ(TOLD_READY, t->v[1].state);
	t = told_of(&self->r, "signals");
	ASSERT_NE(NULL, t);
	EXPECT_EQ(TOLD_OVER, t->v[0].state);
}

TEST_F(journal, goes_on_after_a_restart)
{
	ASSERT_EQ(0, fill(self->j));
	journal_free(self->j);
	ASSERT_EQ(0, journal_new(&self->j, self->path));
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	ASSERT_EQ(0, journal_continue(self->j, &self->r));
	replay_clear(&self->r);
	ASSERT_EQ(0, journal_over(self->j, "scripts", "script/20"));
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	EXPECT_EQ(TOLD_OVER, told_of(&self->r, "scripts")->v[1].state);
}

TEST_F(journal, a_torn_record_does_not_hide_the_next_daemons)
{
	struct stat st;

	ASSERT_EQ(0, fill(self->j));
	ASSERT_EQ(0, stat(self->path, &st));
	ASSERT_EQ(0, truncate(self->path, st.st_size - 4));
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	ASSERT_EQ(0, journal_continue(self->j, &self->r));
	replay_clear(&self->r);
	ASSERT_EQ(0, journal_over(self->j, "scripts", "script/20"));
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	EXPECT_TRUE(self->r.open);
	/* What the dead daemon had not finished writing had not been done. */
	EXPECT_EQ(TOLD_READY, told_of(&self->r, "scripts")->v[0].state);
	EXPECT_EQ(TOLD_OVER, told_of(&self->r, "scripts")->v[1].state);
}

TEST_F(journal, missing_or_empty)
{
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	EXPECT_FALSE(self->r.open);
	ASSERT_EQ(0, journal_replay("/nonexistent/journal", &self->r));
	EXPECT_FALSE(self->r.open);
}

/* The room of a session is there before it begins, is all of it again afterwards, and grows for those who have none of their own. */
TEST_F(journal, room_is_kept)
{
	char spare[80];
	struct stat st;
	blkcnt_t before;

	snprintf(spare, sizeof(spare), "%s.spare", self->path);
	ASSERT_EQ(0, stat(spare, &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_LE(1 << 20, st.st_blocks * 512);
	ASSERT_EQ(0, fill(self->j));
	EXPECT_NE(0, access(spare, F_OK));
	ASSERT_EQ(0, stat(self->path, &st));
	before = st.st_blocks;
	EXPECT_LE(1 << 20, before * 512);
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(0, journal_make_room(self->j));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_LT(before, st.st_blocks);
	journal_close_session(self->j);
	ASSERT_EQ(0, stat(spare, &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(before, st.st_blocks);
}

TEST_F(journal, closed_is_gone)
{
	ASSERT_EQ(0, fill(self->j));
	journal_close_session(self->j);
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	EXPECT_FALSE(self->r.open);
	EXPECT_GT(0, journal_over(self->j, "scripts", "script/20"));
}

/* Cut after each byte: never more than was written, never a crash. */
TEST_F(journal, truncated_anywhere)
{
	struct stat st;

	ASSERT_EQ(0, fill(self->j));
	ASSERT_EQ(0, stat(self->path, &st));
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		struct told *t;

		ASSERT_EQ(0, truncate(self->path, size));
		ASSERT_EQ(0, journal_replay(self->path, &self->r));
		t = told_of(&self->r, "scripts");
		ASSERT_EQ(1, !t || t->n <= 2);
		if (t && t->n)
			ASSERT_NE(TOLD_ENDING, t->v[0].state);
		replay_clear(&self->r);
	}
}

/* Change each byte: no record that was changed is taken. */
TEST_F(journal, corrupted_anywhere)
{
	char whole[4096], bad[4096];
	FILE *f;
	size_t n;

	ASSERT_EQ(0, fill(self->j));
	f = fopen(self->path, "r");
	n = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	for (size_t i = 0; i < n; i++) {
		size_t lines = 0, told = 0;

		memcpy(bad, whole, n);
		bad[i] ^= 0x15;
		f = fopen(self->path, "w");
		ASSERT_EQ(n, fwrite(bad, 1, n, f));
		fclose(f);
		ASSERT_EQ(0, journal_replay(self->path, &self->r));
		for (size_t k = 0; k < i; k++)
			lines += whole[k] == '\n';
		for (int k = 0; k < REPLAY_AUDIENCES_MAX; k++)
			told += self->r.audiences[k].told.n;
		if (lines == 0)
			EXPECT_FALSE(self->r.open);
		EXPECT_LE(told, lines);
		replay_clear(&self->r);
	}
}

static void put_line(FILE *f, const char *text)
{
	fprintf(f, "%08x %s\n", crc32_of(text, strlen(text)), text);
}

/* Nonsense with a good sum, as an attacker would write it. */
TEST_F(journal, hostile_records)
{
	static const char open[] = "open 1 12 0 - - boot";
	static const char *const hostile[] = {
		"",
		"open",
		"open 2 12 0 - - boot",
		"open 1 12 0 - - boot surplus",
		"open 1 zz 0 - - boot",
		"tell",
		"tell scripts 2 1 0 0",
		"tell scripts 2 1 0 0 ",
		"tell scripts 99 1 0 0 x",
		"tell scripts -1 1 0 0 x",
		"tell scripts 2 1 -5 0 x",
		"tell aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 2 1 0 0 x",
		"tell five 2 1 0 0 x\001y",
		"over",
		"over scripts",
		"outcome",
		"outcome perhaps",
		"%s%s%s%n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		FILE *f = fopen(self->path, "w");

		put_line(f, open);
		put_line(f, hostile[i]);
		put_line(f, "tell scripts 2 1 0 0 script/later");
		fclose(f);
		ASSERT_EQ(0, journal_replay(self->path, &self->r));
		EXPECT_TRUE(self->r.open);
		EXPECT_EQ(1, !told_of(&self->r, "scripts") || !told_of(&self->r, "scripts")->n)
		TH_LOG("\"%s\"", hostile[i]);
		replay_clear(&self->r);
	}
}

/* A script that could not even be started for POST is over without having been told; those behind it still count. */
TEST_F(journal, over_without_being_told)
{
	FILE *f = fopen(self->path, "w");

	put_line(f, "open 1 12 0 - - boot");
	put_line(f, "over scripts script/gone");
	put_line(f, "tell scripts 3 1 0 0 script/later");
	put_line(f, "over scripts script/later");
	fclose(f);
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	ASSERT_NE(NULL, told_of(&self->r, "scripts"));
	ASSERT_EQ(2, told_of(&self->r, "scripts")->n);
	EXPECT_EQ(TOLD_OVER, told_of(&self->r, "scripts")->v[0].state);
	EXPECT_EQ(TOLD_OVER, told_of(&self->r, "scripts")->v[1].state);
}

TEST_F(journal, too_long_to_be_written)
{
	char name[2000];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ASSERT_EQ(0, fill(self->j));
	EXPECT_EQ(-ENAMETOOLONG, journal_tell(self->j, "scripts", DR_PHASE_PRE, 1, 0, 0, name));
	ASSERT_EQ(0, journal_replay(self->path, &self->r));
	EXPECT_EQ(2, told_of(&self->r, "scripts")->n);
}

TEST_F(journal, is_no_link)
{
	char other[80];

	snprintf(other, sizeof(other), "%s.link", self->path);
	ASSERT_EQ(0, symlink(self->path, other));
	EXPECT_GT(0, journal_replay(other, &self->r));
	unlink(other);
}

TEST_HARNESS_MAIN
