// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The forms that others send: RSCT on behalf of the HMC, scripts written for powerpc-utils, and AIX admins.
 *
 * All three use the same letters, so the arguments are read twice. The first reading only finds out whose they are, and
 * complains about nothing: -C and -P, or a last -c other than pmig, belong to powerpc-utils; -m is ours; -i -u -l -R -b
 * -S -D belong to AIX if none of the others is there (powerpc-utils' -i and -R always come with -c). The second
 * reading, of a migration, is no stricter than powerpc-utils, because an unknown letter must not stop an operator who
 * evacuates a failing server. What is not understood is ignored and reported, and if an option is given twice the
 * last one counts. An error is only what could move the wrong thing: no phase, another phase, and in PRE a stream ID
 * that is not one.
 *
 * Options come in any order, as getopt_long() permutes them for powerpc-utils. There -n takes no argument, and the
 * number that RSCT writes after it is left over. So in a migration, numbers that belong to no option are accepted, and
 * the one after -n is the self-ARP time. The leading '-' in the option string returns an argument that is no option in
 * its place, as option 1.
 */
#include "cmd/request.h"
#include "shared/busnames.h"
#include "shared/wiremsg.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* powerpc-utils' letters, then those of AIX that powerpc-utils does not use (-f -u -l -b -S -D) */
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
	bool capabilities;
	const char *of; /* -c: the last one counts */
	bool action;	/* -a -r -Q -q -I -V -H: powerpc-utils', which needs -c with them */
	int aix;	/* the first AIX letter */
	int bad;    /* the first bad option: '?' if nobody knows it, ':' if its value is missing */
	int letter; /* of that option; 0: it has none */
	const char *typed; /* the word with that option */
};

static void mark(struct marks *marks, int c)
{
	if (c == 'm')
		marks->m = true;
	else if (c == 'h')
		marks->help = true;
	else if (c == OPT_VERSION)
		marks->version = true;
	else if (c == 'C' || c == OPT_CAPABILITIES)
		marks->capabilities = true;
	else if (c == 'P')
		marks->original = true;
	else if (c == 'c')
		marks->of = optarg;
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
	while ((c = getopt_long(argc, argv, LETTERS, long_options, NULL)) != -1) {
		if (c != '?' && c != ':') {
			mark(marks, c);
		} else if (!marks->bad) {
			marks->bad = c;
			marks->letter = optopt;
			marks->typed = argv[optind - 1];
		}
	}
}

struct words {
	const char *phase;
	const char *stream;
	int last; /* the option before this one */
};

/* Adds to the text of what is ignored, as far as there is room. */
static _printf_(2, 3) void ignore(struct request *req, const char *format, ...)
{
	size_t len = strlen(req->ignored);
	va_list ap;

	if (len && len + 3 < sizeof(req->ignored))
		len += (size_t)sprintf(req->ignored + len, ", ");
	va_start(ap, format);
	vsnprintf(req->ignored + len, sizeof(req->ignored) - len, format, ap);
	va_end(ap);
	wire_text(req->ignored);
}

static bool is_number(const char *s)
{
	return *s && !s[strspn(s, "0123456789")];
}

/* A number above @max counts as @max. */
static void take_number(struct request *req, struct opt_u32 *number, int letter, const char *s,
			uint32_t max)
{
	struct errline err;
	struct opt_u32 n;

	if (!is_number(s)) {
		ignore(req, "-%c %.40s", letter, s);
		return;
	}
	if (parse_u32(s, "", &n, &err) || n.value > max) {
		ignore(req, "-%c %.40s (at most %u)", letter, s, max);
		n = (struct opt_u32){ .set = true, .value = max };
	}
	*number = n;
}

/* An argument that is no option. After -n it is the number that RSCT writes there. */
static void stray(const char *s, const struct words *w, struct request *req)
{
	if (!is_number(s))
		ignore(req, "\"%.40s\"", s);
	else if (w->last == 'n')
		take_number(req, &req->self_arp, 'n', s, UINT32_MAX);
}

/* @typed: the word that getopt_long() is at; it names an option that has no letter. */
static void migrate_option(int c, const char *typed, struct words *w, struct request *req)
{
	switch (c) {
	case 1:
		stray(optarg, w, req);
		return;
	case 'm':
	case 'n':
	case 'c':
		return;
	case 'f':
		req->force = true;
		return;
	case 'p':
		w->phase = optarg;
		return;
	case 's':
		w->stream = optarg;
		return;
	case 't':
		take_number(req, &req->destination_lpar, c, optarg, UINT32_MAX);
		return;
	case 'd':
		take_number(req, &req->detail, c, optarg, DR_DETAIL_MAX);
		return;
	case 'w':
		take_number(req, &req->wait_min, c, optarg, DR_WAIT_MIN_MAX);
		return;
	case OPT_VERSION:
		ignore(req, "%.40s", typed);
		return;
	case ':':
	case '?':
		if (optopt > 0 && optopt < OPT_VERSION)
			ignore(req, "-%c", optopt);
		else
			ignore(req, "%.40s", typed);
		return;
	default:
		ignore(req, "-%c%s%.40s", c, optarg ? " " : "", optarg ?: "");
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
		return fail(err, DR_EXIT_USAGE, "\"%.20s\" is not a phase: give -p check or -p pre",
			    w->phase);
	return 0;
}

/* A check may be of any stream. PRE needs the one that moves the partition. */
static int set_stream(const struct words *w, struct request *req, struct errline *err)
{
	struct errline why;

	req->has_stream = true;
	if (req->op == REQUEST_CHECK) {
		if (w->stream && parse_stream(w->stream, &req->stream, &why))
			ignore(req, "-s %.40s", w->stream);
		return 0;
	}
	if (!w->stream)
		return fail(err, DR_EXIT_STREAM,
			    "-p pre needs the stream ID of the HMC: give it as in -s 0x1234abcd");
	return parse_stream(w->stream, &req->stream, err);
}

static int parse_migrate(int argc, char **argv, struct request *req, struct errline *err)
{
	struct words w = { 0 };
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, LETTERS, long_options, NULL)) != -1) {
		migrate_option(c, argv[optind - 1], &w, req);
		w.last = c;
	}
	for (; optind < argc; optind++)
		stray(argv[optind], &w, req);
	return set_phase(&w, req, err) ?: set_stream(&w, req, err);
}

/* @first: the first argument, NULL if there is none */
static int nothing_to_do(const struct marks *marks, const char *first, struct errline *err)
{
	if (first && *first != '-' && !is_number(first))
		return fail(err, DR_EXIT_USAGE, "there is no verb \"%.40s\": see drmgr --help",
			    first);
	if (!marks->bad)
		return fail(err, DR_EXIT_USAGE, "nothing to do: see drmgr --help");
	if (marks->bad == ':')
		return fail(err, DR_EXIT_USAGE, "-%c needs a value", marks->letter);
	if (marks->letter > ' ' && marks->letter < 127)
		return fail(err, DR_EXIT_USAGE, "there is no option -%c: see drmgr --help",
			    marks->letter);
	return fail(err, DR_EXIT_USAGE, "there is no option %.40s: see drmgr --help", marks->typed);
}

static int dispatch(int argc, char **argv, struct request *req, struct errline *err)
{
	struct marks marks = { 0 };
	const char *first = argc > 1 ? argv[1] : NULL;
	bool pmig;

	find_marks(argc, argv, &marks);
	if (marks.capabilities) {
		req->op = REQUEST_CAPABILITIES;
		return 0;
	}
	pmig = marks.of && !strcmp(marks.of, "pmig");
	if (marks.original || (marks.of && !pmig)) {
		req->op = REQUEST_ORIGINAL;
		return 0;
	}
	if (marks.help || (marks.version && !marks.m)) {
		req->op = marks.help ? REQUEST_HELP : REQUEST_VERSION;
		return 0;
	}
	if (marks.m)
		return parse_migrate(argc, argv, req, err);
	if (pmig)
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
	return nothing_to_do(&marks, first, err);
}

int compat_parse(int argc, char *const argv[], struct request *ret, struct errline *err)
{
	/* getopt_long() reorders its arguments, and the original has to get them as they were. */
	_cleanup_free_ char **copy = calloc((size_t)argc + 1, sizeof(*copy));

	if (!copy)
		return fail(err, DR_EXIT_ERROR, "out of memory");
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	return dispatch(argc, copy, ret, err);
}
