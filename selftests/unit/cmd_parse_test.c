// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line, as a pure function: what each form asks for, and for bad ones the status and that
 * there is one line. "refused" forms are the contract of cmd/exit.h with the people who type.
 */
#include "cmd/request.h"

#include "kselftest_harness.h"

#include <string.h>

#define MAX_ARGS 32

/* Splits @line at blanks; '' is an empty argument, ~ a blank inside one. Returns argc. */
static int split(char *line, char **argv)
{
	int argc = 0;
	char *s, *p;

	argv[argc++] = "drmgr";
	for (s = strtok(line, " "); s && argc < MAX_ARGS - 1; s = strtok(NULL, " ")) {
		if (!strcmp(s, "''"))
			s = "";
		for (p = s; *p; p++)
			if (*p == '~')
				*p = ' ';
		argv[argc++] = s;
	}
	argv[argc] = NULL;
	return argc;
}

static int parse(const char *text, struct request *req, struct errline *err)
{
	char *argv[MAX_ARGS], *before[MAX_ARGS];
	char line[512];
	int argc, r;

	strcpy(line, text);
	argc = split(line, argv);
	memcpy(before, argv, sizeof(before));
	memset(req, 0, sizeof(*req));
	err->text[0] = '\0';
	r = request_parse(argc, argv, req, err);
	/* the original gets them after us */
	if (memcmp(before, argv, (size_t)(argc + 1) * sizeof(*argv)))
		return -1;
	return r;
}

#define FIELD 0xd7a884f83d830e6dULL

/* The call seen in the field, and others like it: op, self_arp, and the rest is the same in all. */
static const struct {
	const char *line;
	enum request_op op;
	int self_arp; /* -1: not given */
} field[] = {
	{ "-m -c pmig -p pre -s 0xd7a884f83d830e6d -t 19 -n 5 -d 1", REQUEST_MIGRATE, 5 },
	{ "-m -c pmig -p pre -s 0xd7a884f83d830e6d -t 19 -n -d 1 5", REQUEST_MIGRATE, -1 },
	{ "-n 5 -d 1 -t 19 -s 0xd7a884f83d830e6d -p pre -c pmig -m", REQUEST_MIGRATE, 5 },
	{ "-d 1 -m -n 5 -c pmig -t 19 -p pre -s 0xd7a884f83d830e6d", REQUEST_MIGRATE, 5 },
	{ "5 -m -c pmig -p pre -s 0xd7a884f83d830e6d -t 19 -n -d 1", REQUEST_MIGRATE, -1 },
	{ "-m -p pre -s d7a884f83d830e6d -t 19 -d 1", REQUEST_MIGRATE, -1 },
	{ "-s d7a884f83d830e6d -p pre -t 19 -d 1 -m", REQUEST_MIGRATE, -1 },
	{ "-m -cpmig -ppre -s0xD7A884F83D830E6D -t19 -d1", REQUEST_MIGRATE, -1 },
	{ "-mc pmig -p pre -s 0xd7a884f83d830e6d -nt 19 -d 1", REQUEST_MIGRATE, -1 },
	{ "-m -c pmig -p check -s 0xd7a884f83d830e6d -t 19 -n 5 -d 1", REQUEST_CHECK, 5 },
	{ "-p check -n 0 -m -s 0xd7a884f83d830e6d -t 19 -d 1", REQUEST_CHECK, 0 },
	{ "-m -m -c pmig -c pmig -p check -p check -s 0xd7a884f83d830e6d -t 19 -d 1", REQUEST_CHECK,
	  -1 },
	{ "-m -c pmig -p pre -s 0xd7a884f83d830e6d -t 19 -d 1 -- 5", REQUEST_MIGRATE, -1 },
	{ "-m -c pmig -p pre -s 0xd7a884f83d830e6d -t 19 -d 1 --", REQUEST_MIGRATE, -1 },
};

TEST(as_in_the_field)
{
	struct request req;
	struct errline err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(field); i++) {
		ASSERT_EQ(0, parse(field[i].line, &req, &err))
		TH_LOG("%s: %s", field[i].line, err.text);
		EXPECT_EQ(field[i].op, req.op);
		EXPECT_EQ(FIELD, req.stream);
		EXPECT_EQ(1, req.has_stream);
		EXPECT_EQ(19, req.destination_lpar.value);
		EXPECT_EQ(1, req.detail.value);
		EXPECT_EQ(0, req.wait_min.set + req.force);
		EXPECT_EQ(field[i].self_arp, req.self_arp.set ? (int)req.self_arp.value : -1)
		TH_LOG("%s", field[i].line);
	}
}

TEST(other_options_of_a_migration)
{
	struct request req;
	struct errline err;

	ASSERT_EQ(0, parse("-f -m -p pre -w 5 -s 1 -d 5", &req, &err));
	EXPECT_EQ(1, req.force);
	EXPECT_EQ(5, req.wait_min.value);
	EXPECT_EQ(5, req.detail.value);
	EXPECT_EQ(0, req.destination_lpar.set);
	EXPECT_EQ(1, req.stream);
	ASSERT_EQ(0, parse("-m -p check -s 0 -t 4294967295", &req, &err));
	EXPECT_EQ(UINT32_MAX, req.destination_lpar.value);
}

static const struct {
	const char *line;
	enum request_op op;
} forms[] = {
	/* powerpc-utils' own */
	{ "-C", REQUEST_CAPABILITIES },
	{ "--capabilities", REQUEST_CAPABILITIES },
	{ "-m -C", REQUEST_CAPABILITIES },
	{ "-c cpu -C", REQUEST_CAPABILITIES },
	{ "-P /tmp/prrn.1234", REQUEST_ORIGINAL },
	{ "-c cpu -a -q 1", REQUEST_ORIGINAL },
	{ "-c cpu -r -s CPU~1", REQUEST_ORIGINAL },
	{ "-a -q 2 -p variable_weight -c mem", REQUEST_ORIGINAL },
	{ "-c pci -s U78D3.001.WZS0001-P1-C1 -i", REQUEST_ORIGINAL },
	{ "-c pci -s X -R -I -n -V -H", REQUEST_ORIGINAL },
	{ "-Q -c phb -s PHB~4096", REQUEST_ORIGINAL },
	{ "-c acc -t gzip -q 10", REQUEST_ORIGINAL },
	{ "-c phib -p check -s 0x1", REQUEST_ORIGINAL },
	{ "-m -c phib -p pre -s 0x1", REQUEST_ORIGINAL },
	{ "-c bogus", REQUEST_ORIGINAL },
	{ "-c slot -Q -s X --no-such-option", REQUEST_ORIGINAL },
	{ "-a -s HEA~1", REQUEST_ORIGINAL },
	{ "-Q", REQUEST_ORIGINAL },
	{ "-h -c cpu", REQUEST_ORIGINAL },
	{ "-m -c pmig -c phib -p pre -s 1", REQUEST_ORIGINAL },
	/* ours */
	{ "--help", REQUEST_HELP },
	{ "-h", REQUEST_HELP },
	{ "-m -h", REQUEST_HELP },
	{ "--version", REQUEST_VERSION },
	{ "status", REQUEST_STATUS },
	{ "status --help", REQUEST_HELP },
	{ "migrate --help", REQUEST_HELP },
	{ "migrate --simulate", REQUEST_SIMULATE },
	{ "migrate --simulate --enabled-ms 100 --blackout-ms=20", REQUEST_SIMULATE },
	{ "migrate --blackout-ms 20 --simulate", REQUEST_SIMULATE },
	{ "platform", REQUEST_PLATFORM },
	{ "platform --diff --json", REQUEST_PLATFORM },
	{ "platform --get cache.l2.size", REQUEST_PLATFORM },
	{ "platform --score --json", REQUEST_PLATFORM },
	{ "platform --moved", REQUEST_PLATFORM },
	{ "platform --pages 1", REQUEST_PLATFORM },
	{ "log", REQUEST_LOG },
	{ "log -n 5", REQUEST_LOG },
	{ "log --lines=0 --stream 0x12", REQUEST_LOG },
};

TEST(whose_form_it_is)
{
	struct request req;
	struct errline err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		EXPECT_EQ(0, parse(forms[i].line, &req, &err))
		TH_LOG("%s: %s", forms[i].line, err.text);
		EXPECT_EQ(forms[i].op, req.op) TH_LOG("%s", forms[i].line);
	}
}

TEST(options_of_verbs)
{
	struct request req;
	struct errline err;

	ASSERT_EQ(0, parse("migrate --simulate --enabled-ms 100 --blackout-ms=20", &req, &err));
	EXPECT_EQ(100, req.enabled_ms.value);
	EXPECT_EQ(20, req.blackout_ms.value);
	EXPECT_EQ(0, req.has_stream);
	ASSERT_EQ(0, parse("log -n 7 -s 12ab", &req, &err));
	EXPECT_EQ(7, req.lines.value);
	EXPECT_EQ(0x12ab, req.stream);
	ASSERT_EQ(0, parse("log --help", &req, &err));
	EXPECT_STREQ("log", req.verb);
}

/* What powerpc-utils goes on with, we go on with. */
static const struct {
	const char *line, *ignored;
} lenient[] = {
	{ "-m -p pre -s 1 -x", "-x" },
	{ "-m -p pre -s 1 --bogus", "--bogus" },
	{ "-m -p pre -s 1 --bogus=2 -t 1", "--bogus=2" },
	{ "-m -p pre -s 1 --version", "--version" },
	{ "-m -p pre -s 1 --v", "--v" },
	{ "-m -p pre -s 1 --version=1", "--version=1" },
	{ "-m -c cpu -c pmig -p pre -s 1", "" },
	{ "-m -p pre -s 1 extra", "\"extra\"" },
	{ "word -m -p pre -s 1", "\"word\"" },
	{ "'' -m -p pre -s 1", "\"\"" },
	{ "-m -p pre -s 1 5x ''", "\"5x\", \"\"" },
	{ "-m -p pre -s 1 -- -5", "\"-5\"" },
	{ "-m -p pre -s 1 -t x", "-t x" },
	{ "-m -p pre -s 1 -t -1", "-t -1" },
	{ "-m -p pre -s 1 -w ''", "-w " },
	{ "-m -p pre -s 1 -w", "-w" },
	{ "-m -p pre -s 1 -a -R -V -l", "-a, -R, -V, -l" },
	{ "-m -p pre -s 1 -q 1", "-q 1" },
	{ "-m -p pre -s 1 -x\n\x1b", "-x, -?, -?" },
	{ "-m -p check -p pre -s 2 -s 1", "" },
	{ "-m -p pre -s 1 -d 14", "-d 14 (at most 5)" },
	{ "-m -p pre -s 1 -d 99999999999999999999999", "-d 99999999999999999999999 (at most 5)" },
	{ "-m -p pre -s 1 -w 1441", "-w 1441 (at most 1440)" },
	{ "-m -p pre -s 1 -n 99999999999", "-n 99999999999 (at most 4294967295)" },
};

TEST(as_lenient_as_powerpc_utils)
{
	struct request req;
	struct errline err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lenient); i++) {
		ASSERT_EQ(0, parse(lenient[i].line, &req, &err))
		TH_LOG("%s: %s", lenient[i].line, err.text);
		EXPECT_EQ(REQUEST_MIGRATE, req.op);
		EXPECT_EQ(1, req.stream) TH_LOG("%s", lenient[i].line);
		EXPECT_EQ(1, req.has_stream);
		EXPECT_STREQ(lenient[i].ignored, req.ignored);
	}
	ASSERT_EQ(0, parse("-m -p pre -s 1 -d 14 -w 1441 -t 4294967296", &req, &err));
	EXPECT_EQ(5, req.detail.value);
	EXPECT_EQ(1440, req.wait_min.value);
	EXPECT_EQ(UINT32_MAX, req.destination_lpar.value);
	ASSERT_EQ(0, parse("-m -p pre -s 1 -d x -w ''", &req, &err));
	EXPECT_EQ(0, req.detail.set + req.wait_min.set);
}

/* A check needs no stream. */
TEST(a_check_of_any_stream)
{
	static const char *const lines[] = { "-m -c pmig -p check", "-m -p check -s",
					     "-m -p check -s ''", "-m -p check -s garbage",
					     "-m -p check -s -t 19" };
	struct request req;
	struct errline err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		ASSERT_EQ(0, parse(lines[i], &req, &err)) TH_LOG("%s: %s", lines[i], err.text);
		EXPECT_EQ(REQUEST_CHECK, req.op);
		EXPECT_EQ(1, req.has_stream);
		EXPECT_EQ(0, req.stream);
		EXPECT_EQ(i > 0, req.ignored[0] != 0) TH_LOG("%s: %s", lines[i], req.ignored);
	}
}

/* However much there is to ignore, it is one line of bounded length. */
TEST(much_to_ignore)
{
	struct request req;
	struct errline err;
	char line[512] = "-m -p pre -s 1";

	while (strlen(line) < 480)
		strcat(line, strlen(line) < 200 ?
				     " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" :
				     " -x");
	ASSERT_EQ(0, parse(line, &req, &err));
	EXPECT_GT(sizeof(req.ignored), strlen(req.ignored));
	EXPECT_EQ(NULL, strpbrk(req.ignored, "\n\x1b"));
}

static const struct {
	int status;
	const char *line;
} bad[] = {
	{ DR_EXIT_STREAM, "-m -p pre" },
	{ DR_EXIT_STREAM, "-m -p pre -s" },
	{ DR_EXIT_STREAM, "-m -p pre -s ''" },
	{ DR_EXIT_STREAM, "-m -p pre -s 0x" },
	{ DR_EXIT_STREAM, "-m -p pre -s 0x00000000000000001" },
	{ DR_EXIT_STREAM, "-m -p pre -s 12345678901234567" },
	{ DR_EXIT_STREAM, "-m -p pre -s -1" },
	{ DR_EXIT_STREAM, "-m -p pre -s +1" },
	{ DR_EXIT_STREAM, "-m -p pre -s garbage" },
	{ DR_EXIT_STREAM, "-m -p pre -s 0x12zz" },
	{ DR_EXIT_STREAM, "-m -p pre -s ~1" },
	{ DR_EXIT_STREAM, "-m -p pre -s 1~" },
	{ DR_EXIT_STREAM, "-m -p pre -s 1\n2" },
	{ DR_EXIT_STREAM, "log --stream x" },
	{ DR_EXIT_USAGE, "" },
	{ DR_EXIT_USAGE, "-m" },
	{ DR_EXIT_USAGE, "-m -s 1" },
	{ DR_EXIT_USAGE, "-m -p post -s 1" },
	{ DR_EXIT_USAGE, "-m -p '' -s 1" },
	{ DR_EXIT_USAGE, "-m -p CHECK -s 1" },
	{ DR_EXIT_USAGE, "-c pmig -p pre -s 1" },
	{ DR_EXIT_USAGE, "-p pre -s 1" },
	{ DR_EXIT_USAGE, "-x" },
	{ DR_EXIT_USAGE, "-c" },
	{ DR_EXIT_USAGE, "--bogus" },
	{ DR_EXIT_USAGE, "bogus" },
	{ DR_EXIT_USAGE, "migrat --simulate" },
	{ DR_EXIT_USAGE, "12" },
	{ DR_EXIT_USAGE, "''" },
	{ DR_EXIT_USAGE, "migrate" },
	{ DR_EXIT_USAGE, "migrate --simulate --enabled-ms" },
	{ DR_EXIT_USAGE, "migrate --simulate --enabled-ms x" },
	{ DR_EXIT_USAGE, "migrate --simulate --enabled-ms=" },
	{ DR_EXIT_USAGE, "migrate --simulate=1" },
	{ DR_EXIT_USAGE, "migrate --simulat" },
	{ DR_EXIT_USAGE, "status now" },
	{ DR_EXIT_USAGE, "platform --get" },
	{ DR_EXIT_USAGE, "platform --json=1" },
	{ DR_EXIT_USAGE, "platform --diff --stale" },
	{ DR_EXIT_USAGE, "platform --get x.y --stale" },
	{ DR_EXIT_USAGE, "platform --score --moved" },
	{ DR_EXIT_USAGE, "platform --moved --diff" },
	{ DR_EXIT_USAGE, "platform --score --pages 1" },
	{ DR_EXIT_USAGE, "platform --get x.y --json" },
	{ DR_EXIT_USAGE, "platform --json --moved" },
	{ DR_EXIT_USAGE, "platform --pages self" },
	{ DR_EXIT_USAGE, "platform --pages -1" },
	{ DR_EXIT_USAGE, "log -n" },
	{ DR_EXIT_USAGE, "log -n -5" },
	{ DR_EXIT_NOT_YET, "-l" },
	{ DR_EXIT_NOT_YET, "-i script -w 5 -f" },
	{ DR_EXIT_NOT_YET, "-i script -D host" },
	{ DR_EXIT_NOT_YET, "-u script" },
	{ DR_EXIT_NOT_YET, "-R /dir" },
	{ DR_EXIT_NOT_YET, "-b" },
	{ DR_EXIT_NOT_YET, "-S id" },
};

TEST(bad_input)
{
	struct request req, zero = { 0 };
	struct errline err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(bad[i].status, parse(bad[i].line, &req, &err))
		TH_LOG("%s: %s", bad[i].line, err.text);
		EXPECT_LT(10, strlen(err.text));
		EXPECT_EQ(NULL, strpbrk(err.text, "\n\x1b"));
		/* nothing half parsed is handed out */
		EXPECT_EQ(0, memcmp(&zero, &req, sizeof(req))) TH_LOG("%s", bad[i].line);
	}
}

TEST(an_option_is_named_as_it_was_typed)
{
	static const char *const lines[][2] = {
		{ "log -n x", "-n " },
		{ "log -n", "-n " },
		{ "log --lines x", "--lines " },
		{ "log --lines=x", "--lines " },
	};
	struct request req;
	struct errline err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		EXPECT_EQ(DR_EXIT_USAGE, parse(lines[i][0], &req, &err));
		EXPECT_EQ(0, strncmp(err.text, lines[i][1], strlen(lines[i][1])))
		TH_LOG("%s: %s", lines[i][0], err.text);
	}
}

TEST(long_arguments)
{
	char line[512] = "-m -p pre -s ";
	struct request req;
	struct errline err;

	memset(line + 13, 'a', 490);
	EXPECT_EQ(DR_EXIT_STREAM, parse(line, &req, &err));
	EXPECT_GT(ERRLINE_MAX, strlen(err.text));
}

TEST_HARNESS_MAIN
