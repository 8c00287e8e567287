// SPDX-License-Identifier: GPL-2.0-or-later
/* drmgr.conf: what is good is taken, what is not is one line with its number, and changes nothing. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/config.h"
#include "kselftest_harness.h"
#include <sanitizer/lsan_interface.h>

FIXTURE(config)
{
	char path[64];
	char log[4096];
	struct config c;
};

FIXTURE_SETUP(config)
{
	log_max_level = LOG_INFO;
	strcpy(self->path, "/tmp/daemon_config_test.XXXXXX");
	ASSERT_LE(0, mkstemp(self->path));
}

FIXTURE_TEARDOWN(config)
{
	config_clear(&self->c);
	unlink(self->path);
	EXPECT_EQ(0, __lsan_do_recoverable_leak_check());
}

/* Loads @text; what is said meanwhile goes to self->log. */
static int load(FIXTURE_DATA(config) * self, const char *text)
{
	FILE *f = fopen(self->path, "w"), *said = tmpfile();
	int saved = dup(STDERR_FILENO), r;
	size_t n;

	fputs(text, f);
	fclose(f);
	dup2(fileno(said), STDERR_FILENO);
	config_clear(&self->c);
	r = config_load(&self->c, self->path);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(said);
	n = fread(self->log, 1, sizeof(self->log) - 1, said);
	self->log[n] = '\0';
	fclose(said);
	return r;
}

TEST_F(config, without_a_file)
{
	ASSERT_EQ(0, config_load(&self->c, "/nonexistent"));
	EXPECT_STREQ("/usr/lib/dr/scripts/all", self->c.script_directory);
	EXPECT_EQ(10 * USEC_PER_SEC, self->c.application_timeout);
	EXPECT_EQ(60 * USEC_PER_SEC, self->c.pre_timeout);
	EXPECT_EQ(300 * USEC_PER_SEC, self->c.hook_timeout);
	EXPECT_EQ(1024, self->c.max_applications_per_user);
	EXPECT_FALSE(self->c.hooks_at_pre);
	EXPECT_FALSE(self->c.post_alone);
	EXPECT_FALSE(self->c.observe);
	EXPECT_EQ(2 * USEC_PER_SEC, self->c.grace);
}

TEST_F(config, good_values)
{
	ASSERT_EQ(
		0,
		load(self,
		     "# a comment\n[drmgr]\nScriptDirectory=/opt/dr\nhooksat = pre\nPreTimeoutSec=5 ; why\n"
		     "CheckEngine=advice\nMode=observe\nWithoutModule=post\nMayRefuse=root, daemon @root\nMayRefuse=bin\n"));
	EXPECT_STREQ("", self->log);
	EXPECT_STREQ("/opt/dr", self->c.script_directory);
	EXPECT_TRUE(self->c.hooks_at_pre);
	EXPECT_EQ(5 * USEC_PER_SEC, self->c.pre_timeout);
	EXPECT_EQ(CHECK_ADVICE, self->c.check_engine);
	EXPECT_TRUE(self->c.post_alone);
	EXPECT_TRUE(self->c.observe);
	EXPECT_STREQ(" root, daemon @root bin", self->c.may_refuse);
}

TEST_F(config, bad_values_keep_the_default)
{
	static const char *const lines[] = {
		"PreTimeoutSec=0",     "PreTimeoutSec=-1",    "PreTimeoutSec=1x",
		"PreTimeoutSec=",      "PreTimeoutSec=99999", "PreTimeoutSec=18446744073709551617",
		"GraceSec=0",	       "GraceSec=61",	      "HooksAt=never",
		"CheckEngine=perhaps", "Mode=passive",	      "ScriptDirectory=relative",
		"WithoutModule=error", "Fallback=never",      "LogLevel=loud",
		"NoSuchSetting=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char text[256], where[128];

		snprintf(text, sizeof(text), "[drmgr]\n\n%s\nSlowNoticeSec=7\n", lines[i]);
		snprintf(where, sizeof(where), "%s:3: ", self->path);
		ASSERT_EQ(0, load(self, text));
		EXPECT_NE(NULL, strstr(self->log, where))
		TH_LOG("%s: \"%s\"", lines[i], self->log);
		EXPECT_EQ(strchr(self->log, '\n'), strrchr(self->log, '\n'));
		EXPECT_EQ(60 * USEC_PER_SEC, self->c.pre_timeout);
		EXPECT_FALSE(self->c.hooks_at_pre);
		EXPECT_EQ(7 * USEC_PER_SEC,
			  self->c.slow_notice); /* the rest is read all the same */
	}
}

TEST_F(config, units_with_affinity)
{
	static const char *const bad[] = {
		"db.service",	   "db.service:",
		":restore",	   ".service:restore",
		"db:restore",	   "db.socket:restore",
		"db.service:move", "db/x.service:keep",
		"db.SERVICE:keep", "a.service:keep x:restore",
	};
	char text[256], many[64 + 32 * (UNITS_MAX + 1)];

	ASSERT_EQ(0, load(self, "[drmgr]\nAffinity=db@a:b.service:recompute, x.slice:restore\n"
				"Affinity=y\\x2d.scope:Keep\n"));
	EXPECT_STREQ("", self->log);
	ASSERT_EQ(3, self->c.nr_units);
	EXPECT_STREQ("db@a:b.service", self->c.units[0].name);
	EXPECT_EQ(AFFINITY_RECOMPUTE, self->c.units[0].mode);
	EXPECT_STREQ("x.slice", self->c.units[1].name);
	EXPECT_EQ(AFFINITY_RESTORE, self->c.units[1].mode);
	EXPECT_STREQ("y\\x2d.scope", self->c.units[2].name);
	EXPECT_EQ(AFFINITY_KEEP, self->c.units[2].mode);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[drmgr]\nAffinity=%s\n", bad[i]);
		ASSERT_EQ(0, load(self, text));
		EXPECT_NE(NULL, strstr(self->log, ":2: "))
		TH_LOG("%s: \"%s\"", bad[i], self->log);
		EXPECT_EQ(strchr(self->log, '\n'), strrchr(self->log, '\n'));
		EXPECT_EQ(0, self->c.nr_units);
	}
	/* There is room for 64. */
	strcpy(many, "[drmgr]\n");
	for (int i = 0; i <= UNITS_MAX; i++)
		sprintf(many + strlen(many), "Affinity=u%d.slice:keep\n", i);
	ASSERT_EQ(0, load(self, many));
	EXPECT_EQ(UNITS_MAX, self->c.nr_units);
	EXPECT_STREQ("u63.slice", self->c.units[63].name);
	EXPECT_NE(NULL, strstr(self->log, ":66: "));
}

TEST_F(config, cannot_be_read)
{
	EXPECT_EQ(-EISDIR, config_load(&self->c, "/tmp"));
	config_clear(&self->c);
	EXPECT_EQ(-ENOTDIR, config_load(&self->c, "/dev/null/drmgr.conf"));
}

TEST_F(config, nonsense)
{
	ASSERT_EQ(0, load(self, "\xff\xfe\n]][[\n=\n[drmgr\nx\n[other]\nPreTimeoutSec=1\n"));
	EXPECT_STRNE("", self->log);
	EXPECT_EQ(60 * USEC_PER_SEC, self->c.pre_timeout);
}

TEST_HARNESS_MAIN
