// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The forms that others send: RSCT on behalf of the HMC, scripts written for powerpc-utils, and AIX admins.
 *
 * Three languages share the letters, so the arguments are read twice. The first reading looks for what
 * decides whose they are and complains about nothing: -C and -P, or a -c other than pmig, are
 * powerpc-utils'; -m is ours; AIX's -i -u -l -R -b -S -D are AIX's only where none of these is there
 * (powerpc-utils' -i and -R always come with -c). The second reading, of a migration, is strict.
 *
 * Options come in any order, as getopt_long() permutes for powerpc-utils: -n takes no argument there, and
 * the number that RSCT writes behind it is left over. So numbers that belong to no option are accepted,
 * where the migration is concerned, and the one after -n is the self-ARP time. A leading '-' in the option
 * string hands out what is no option in its place, as option 1.
 */
#include "cmd/request.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* powerpc-utils' letters, then AIX's that are free there (-f -u -l -b -S -D) */
#define LETTERS	    "-:ac:d:Iimnp:P:Qq:Rrs:w:t:hCVHfulbS:D:"
#define AIX_LETTERS "iulRbSD"

enum {
	OPT_VERSION = 256,
	OPT_CAPABILITIES,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "capabilities", no_argument, NULL, OPT_CAPABILITIES },
	{ 0 },
};

/* What the first reading found. */
struct marks {
	bool m;
	bool help;
	bool version;
	bool original;
	bool action; /* -a -r -Q -q -I -V -H: powerpc-utils', but no home without -c */
	bool pmig;
	int aix; /* the first AIX letter */
};

static void mark(struct marks *marks, int c)
{
	if (c == 'm')
		marks->m = true;
	else if (c == 'h')
		marks->help = true;
	else if (c == OPT_VERSION)
		marks->version = true;
	else if (c == 'C' || c == OPT_CAPABILITIES || c == 'P')
		marks->original = true;
	else if (c == 'c' && !strcmp(optarg, "pmig"))
		marks->pmig = true;
	else if (c == 'c' && strcmp(optarg, "pmig"))
		marks->original = true;
	else if (c < 256 && c > 1 && strchr("arQqIVH", c))
		marks->action = true;
	else if (c < 256 && c > 1 && strchr(AIX_LETTERS, c) && !marks->aix)
		marks->aix = c;
}

static void find_marks(int argc, char **argv, struct marks *marks)
{
	int c;

	opterr = 0;
	optind = 0; /* glibc: start anew, with a new option string */
	while ((c = getopt_long(argc, argv, LETTERS, long_options, NULL)) != -1)
		mark(marks, c);
}

/* -c and -p may be given once, or twice the same. */
static int set_word(const char **word, const char *value, int letter, struct errline *err)
{
	if (*word && strcmp(*word, value))
		return fail(err, DR_EXIT_USAGE,
			    "-%c is given twice, \"%.20s\" and \"%.20s\": give one", letter, *word,
			    value);
	*word = value;
	return 0;
}

struct words {
	const char *type;
	const char *phase;
	const char *stream;
	int last; /* the option before this one */
};

/* What is no option: a number is RSCT's, from behind -n. */
static int stray(const char *s, const struct words *w, struct request *req, struct errline *err)
{
	struct opt_u32 number;

	if (!*s || s[strspn(s, "0123456789")])
		return fail(err, DR_EXIT_USAGE, "\"%.40s\" belongs to no option: leave it out", s);
	if (w->last != 'n')
		return 0;
	return parse_u32(s, "-n", &number, err) ?: (req->self_arp = number, 0);
}

static int migrate_option(int c, struct words *w, struct request *req, struct errline *err)
{
	switch (c) {
	case 1:
		return stray(optarg, w, req, err);
	case 'm':
	case 'n':
		return 0;
	case 'f':
		req->force = true;
		return 0;
	case 'c':
		return set_word(&w->type, optarg, c, err);
	case 'p':
		return set_word(&w->phase, optarg, c, err);
	case 's':
		return set_word(&w->stream, optarg, c, err);
	case 't':
		return parse_u32(optarg, "-t (LPAR ID)", &req->destination_lpar, err);
	case 'd':
		return parse_u32(optarg, "-d (detail level)", &req->detail, err);
	case 'w':
		return parse_u32(optarg, "-w (minutes)", &req->wait_min, err);
	case ':':
		if (optopt == 's')
			return fail(err, DR_EXIT_STREAM,
				    "-s needs the stream ID of the HMC, as in -s 0x1234abcd");
		return fail(err, DR_EXIT_USAGE, "-%c needs a value behind it", optopt);
	case '?':
		if (optopt > ' ' && optopt < 127)
			return fail(err, DR_EXIT_USAGE, "there is no option -%c: see drmgr --help",
				    optopt);
		return fail(err, DR_EXIT_USAGE, "unknown option: see drmgr --help");
	default:
		return fail(err, DR_EXIT_USAGE, "-%c does not go with -m: leave it out", c);
	}
}

static int set_phase(const struct words *w, struct request *req, struct errline *err)
{
	if (!w->phase)
		return fail(err, DR_EXIT_USAGE, "-m needs a phase: give -p check or -p pre");
	if (!strcmp(w->phase, "check"))
		req->op = REQUEST_CHECK;
	else if (!strcmp(w->phase, "pre"))
		req->op = REQUEST_MIGRATE;
	else
		return fail(err, DR_EXIT_USAGE,
			    "there is no phase \"%.20s\": give -p check or -p pre", w->phase);
	return 0;
}

static int parse_migrate(int argc, char **argv, struct request *req, struct errline *err)
{
	struct words w = { 0 };
	int c, r;

	optind = 0;
	while ((c = getopt_long(argc, argv, LETTERS, long_options, NULL)) != -1) {
		r = migrate_option(c, &w, req, err);
		if (r)
			return r;
		w.last = c;
	}
	for (; optind < argc; optind++) {
		r = stray(argv[optind], &w, req, err);
		if (r)
			return r;
	}
	r = set_phase(&w, req, err);
	if (r)
		return r;
	if (!w.stream)
		return fail(err, DR_EXIT_STREAM,
			    "-m needs the stream ID of the HMC: give it as in -s 0x1234abcd");
	req->has_stream = true;
	return parse_stream(w.stream, &req->stream, err);
}

static int dispatch(int argc, char **argv, struct request *req, struct errline *err)
{
	struct marks marks = { 0 };

	find_marks(argc, argv, &marks);
	if (marks.original) {
		req->op = REQUEST_ORIGINAL;
		return 0;
	}
	if (marks.help || marks.version) {
		req->op = marks.help ? REQUEST_HELP : REQUEST_VERSION;
		return 0;
	}
	if (marks.m)
		return parse_migrate(argc, argv, req, err);
	if (marks.pmig)
		return fail(err, DR_EXIT_USAGE,
			    "-c pmig needs -m: drmgr -m -c pmig -p check|pre -s ID");
	if (marks.action) {
		req->op = REQUEST_ORIGINAL;
		return 0;
	}
	if (marks.aix)
		return fail(
			err, DR_EXIT_NOT_YET,
			"-%c of AIX is not in this version: copy scripts to /usr/lib/dr/scripts/all yourself",
			marks.aix);
	return fail(err, DR_EXIT_USAGE, "nothing to do: see drmgr --help");
}

int compat_parse(int argc, char *const argv[], struct request *ret, struct errline *err)
{
	/* getopt permutes, and the original may still need its arguments as they were */
	_cleanup_free_ char **copy = calloc((size_t)argc + 1, sizeof(*copy));

	if (!copy)
		return fail(err, DR_EXIT_ERROR, "out of memory");
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	return dispatch(argc, copy, ret, err);
}
