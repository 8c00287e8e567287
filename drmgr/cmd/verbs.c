// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verbs: `drmgr VERB [--option VALUE]...`. One table has their options and their help, so that no verb can have an
 * option that is not documented. All options have long names. All but switches take a value, as --name VALUE or
 * --name=VALUE.
 */
#include "cmd/verbs.h"

#include <stddef.h>
#include <string.h>

#define NR_OPTIONS 8

enum option_kind {
	OPTION_NONE,
	OPTION_NUMBER,
	OPTION_STREAM,
	OPTION_SWITCH,
	OPTION_TEXT,
};

struct verb_option {
	const char *name;
	const char *shorter;
	enum option_kind kind;
	size_t offset; /* in struct request: of a struct opt_u32, a bool, a const char * */
	const char *help;
};

struct verb {
	const char *name;
	enum request_op op;
	const char *help;
	struct verb_option options[NR_OPTIONS];
};

static const struct verb verbs[] = {
	{
		.name = "status",
		.op = REQUEST_STATUS,
		.help = "what is going on, and who is registered",
		.options = {
			{ "--stream", "-s", OPTION_STREAM, 0,
			  "how this migration ended, with the output and exit status that its drmgr had" },
		},
	},
	{
		.name = "migrate",
		.op = REQUEST_SIMULATE,
		.help = "one migration against a simulated hypervisor: everyone is told, nothing moves",
		.options = {
			{ "--simulate", NULL, OPTION_SWITCH, offsetof(struct request, simulate), "required: only the HMC can start a real one" },
			{ "--enabled-ms", NULL, OPTION_NUMBER, offsetof(struct request, enabled_ms),
			  "how long the memory is copied" },
			{ "--blackout-ms", NULL, OPTION_NUMBER, offsetof(struct request, blackout_ms),
			  "how long the partition stands still" },
		},
	},
	{
		.name = "platform",
		.op = REQUEST_PLATFORM,
		.help = "the machine: caches, processors, memory, adapters",
		.options = {
			{ "--diff", NULL, OPTION_SWITCH, offsetof(struct request, diff),
			  "what the last migration changed, or what has changed since without one" },
			{ "--stale", NULL, OPTION_SWITCH, offsetof(struct request, stale),
			  "what the kernel, or what it tells programs, has wrong" },
			{ "--json", NULL, OPTION_SWITCH, offsetof(struct request, json),
			  "for programs: an array of objects, one for each row; with --score or --pages one object" },
			{ "--get", NULL, OPTION_TEXT, offsetof(struct request, get),
			  "only the value with this name: cache.l2.size, cpu.0.home-node, identity.model" },
			{ "--score", NULL, OPTION_SWITCH, offsetof(struct request, score),
			  "how much of memory and processors is local, now and before" },
			{ "--moved", NULL, OPTION_SWITCH, offsetof(struct request, moved),
			  "has the partition moved since it was booted? The exit status says it, too" },
			{ "--pages", NULL, OPTION_NUMBER, offsetof(struct request, pages),
			  "in which domains the memory of the process with this number is; for root" },
		},
	},
	{
		.name = "log",
		.op = REQUEST_LOG,
		.help = "the DRMGR lines of the journal",
		.options = {
			{ "--lines", "-n", OPTION_NUMBER, offsetof(struct request, lines),
			  "how many of the newest lines: 100 by default, 0 for all" },
			{ "--stream", "-s", OPTION_STREAM, 0, "only those of this migration" },
		},
	},
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

/* Is @arg this option? With --name=VALUE, *@value is VALUE. */
static bool option_is(const struct verb_option *o, const char *arg, const char **value)
{
	size_t len = strlen(o->name);

	if (o->shorter && !strcmp(arg, o->shorter))
		return true;
	if (strncmp(arg, o->name, len))
		return false;
	if (arg[len] == '=')
		*value = arg + len + 1;
	return arg[len] == '=' || !arg[len];
}

static const struct verb_option *find_option(const struct verb *verb, const char *arg,
					     const char **value)
{
	size_t i;

	for (i = 0; i < NR_OPTIONS && verb->options[i].name; i++)
		if (option_is(&verb->options[i], arg, value))
			return &verb->options[i];
	return NULL;
}

static int take_option(const struct verb_option *o, const char *typed, const char *value,
		       struct request *req, struct errline *err)
{
	const char *name = o->shorter && !strcmp(typed, o->shorter) ? o->shorter : o->name;

	if (!value)
		return fail(err, DR_EXIT_USAGE, "%s needs a value", name);
	if (o->kind == OPTION_TEXT) {
		*(const char **)((char *)req + o->offset) = value;
		return 0;
	}
	if (o->kind == OPTION_NUMBER)
		return parse_u32(value, name, (struct opt_u32 *)((char *)req + o->offset), err);
	req->has_stream = true;
	return parse_stream(value, &req->stream, err);
}

/* What does not go together, or is missing. */
static int check_options(const struct request *req, struct errline *err)
{
	if (req->diff + req->stale + !!req->get + req->score + req->moved + req->pages.set > 1)
		return fail(
			err, DR_EXIT_USAGE,
			"give only one of --diff, --stale, --get, --score, --moved and --pages");
	if (req->json && (req->get || req->moved))
		return fail(err, DR_EXIT_USAGE, "%s has no JSON: leave out --json",
			    req->get ? "--get" : "--moved");
	if (req->op == REQUEST_SIMULATE && !req->simulate)
		return fail(
			err, DR_EXIT_USAGE,
			"only the HMC can start a migration: add --simulate to run one that moves nothing");
	return 0;
}

static int parse_options(const struct verb *verb, int argc, char *const argv[], struct request *req,
			 struct errline *err)
{
	int i, r;

	for (i = 2; i < argc; i++) {
		const char *typed = argv[i], *value = NULL;
		const struct verb_option *o;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			*req = (struct request){ .op = REQUEST_HELP, .verb = verb->name };
			return 0;
		}
		o = find_option(verb, argv[i], &value);
		if (!o || (o->kind == OPTION_SWITCH && value))
			return fail(err, DR_EXIT_USAGE,
				    "drmgr %s does not know \"%.40s\": see drmgr %s --help",
				    verb->name, argv[i], verb->name);
		if (o->kind == OPTION_SWITCH) {
			*(bool *)((char *)req + o->offset) = true;
			continue;
		}
		if (!value && ++i < argc)
			value = argv[i];
		r = take_option(o, typed, value, req, err);
		if (r)
			return r;
	}
	return check_options(req, err);
}

int request_parse(int argc, char *const argv[], struct request *ret, struct errline *err)
{
	const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
	struct request req = { .op = verb ? verb->op : 0 };
	int r;

	r = verb ? parse_options(verb, argc, argv, &req, err) : compat_parse(argc, argv, &req, err);
	if (r == 0)
		*ret = req;
	return r;
}

static void print_verb(FILE *f, const struct verb *verb)
{
	size_t i;

	fprintf(f, "  drmgr %-12s %s\n", verb->name, verb->help);
	for (i = 0; i < NR_OPTIONS && verb->options[i].name; i++) {
		const struct verb_option *o = &verb->options[i];

		fprintf(f, "    %s%s%s%s  %s\n", o->shorter ?: "", o->shorter ? ", " : "", o->name,
			o->kind == OPTION_SWITCH ? "" : " VALUE", o->help);
	}
}

void print_help(FILE *f, const char *verb)
{
	static const struct {
		int status;
		const char *text;
	} statuses[] = {
#define EXIT_ROW(name, status, text) { (status), (text) },
		EXIT_TABLE(EXIT_ROW)
#undef EXIT_ROW
	};
	size_t i;

	if (verb) {
		print_verb(f, find_verb(verb));
		return;
	}
	fputs("Tells everyone in this partition before and after it moves to another server.\n\nAs the HMC calls it:\n"
	      "  drmgr -m -c pmig -p check -s ID   may the partition move? Refusals are on stderr\n"
	      "  drmgr -m -c pmig -p pre -s ID     one migration, from the copy of the memory to its end\n"
	      "    -s ID    stream ID: 1 to 16 hexadecimal digits, with or without 0x\n"
	      "    -t LPAR  -n SECONDS  -d LEVEL  -w MINUTES  -f   as on AIX; in any order\n"
	      "\nFor people:\n",
	      f);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		print_verb(f, &verbs[i]);
	fputs("\nAll other operations of powerpc-utils (-C, -P, -c cpu, mem, pci, ...) go to its own drmgr.\n"
	      "Without powerpc-utils, -C answers for this partition: it can only migrate.\n"
	      "\nExit status:\n",
	      f);
	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		fprintf(f, "  %2d  %s\n", statuses[i].status, statuses[i].text);
}
