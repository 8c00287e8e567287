// SPDX-License-Identifier: GPL-2.0
/*
 * PMIG_CMD_ROWS: facts of the machine, and how they differ, as a dump.
 *
 * Anyone may ask, so nothing here reads the machine: what it is now, and what the kernel believes
 * wrongly, is told from the engine's baseline. Nor does a dump hold anything between two messages,
 * but for how far it is: whoever does not read on keeps no snapshot alive. (Netlink itself keeps
 * the module loaded then.) What has gone meanwhile is an error, and what is another by then is
 * flagged (NLM_F_DUMP_INTR).
 */
#include <linux/netlink.h>
#include <linux/sched.h>

#include "engine.h"
#include "machine/diff.h"
#include "rows.h"

/**
 * struct walk - how far a dump is, in its netlink_callback
 * @begun: what follows is filled in
 * @bound: to @generation; else to whatever the baseline is
 * @kind: enum pmig_rows
 * @generation: which comparison
 * @i: how many facts are done, of the old snapshot
 * @j: of the new one
 */
struct walk {
	bool begun;
	bool bound;
	u32 kind;
	u32 generation;
	u32 i;
	u32 j;
};

/* What rows are made of, with references. */
struct source {
	const struct pmig_snapshot *old;
	const struct pmig_snapshot *new;
	u32 generation;
};

/* A side of a row: nothing, a number, or a text. */
struct side {
	bool there;
	u64 value;
	const char *text;
};

struct pair {
	const struct pmig_fact *fact;
	struct side old;
	struct side new;
	u32 flags;
};

static struct walk *walk_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct walk) > sizeof(cb->ctx));
	return (struct walk *)cb->ctx;
}

static struct nlattr *request_attr(struct netlink_callback *cb, int type)
{
	return pmig_dump_info(cb)->attrs[type];
}

static struct pmig_engine *find_engine(struct netlink_callback *cb)
{
	struct nlattr *name = request_attr(cb, PMIG_A_ENGINE);
	struct pmig_engine *engine = pmig_engine_get(name ? nla_data(name) : NULL);

	if (!engine)
		NL_SET_ERR_MSG(cb->extack, "there is no such engine here");
	return engine;
}

static int begin_walk(struct netlink_callback *cb, struct walk *walk)
{
	struct nlattr *kind = request_attr(cb, PMIG_A_ROWS);
	struct nlattr *generation = request_attr(cb, PMIG_A_GENERATION);
	struct pmig_changes *last;
	struct pmig_engine *engine;

	walk->kind = kind ? nla_get_u32(kind) : PMIG_ROWS_NOW;
	walk->generation = generation ? nla_get_u32(generation) : 0;
	walk->bound = generation;
	if (generation || walk->kind != PMIG_ROWS_CHANGED)
		return 0;
	engine = find_engine(cb);
	if (!engine)
		return -ENODEV;
	last = pmig_engine_last(engine);
	pmig_engine_put(engine);
	if (!last) {
		NL_SET_ERR_MSG(cb->extack, "nothing has changed since the module was loaded");
		return -ENOENT;
	}
	walk->generation = last->generation;
	walk->bound = true;
	pmig_changes_put(last);
	return 0;
}

static int get_compared(struct netlink_callback *cb, const struct walk *walk, struct source *src)
{
	struct pmig_changes *changes = pmig_changes_find(walk->generation);

	if (!changes) {
		NL_SET_ERR_MSG(cb->extack,
			       "this generation is not kept any more: ask for the last");
		return -ENOENT;
	}
	src->old = pmig_snapshot_get(changes->old);
	src->new = pmig_snapshot_get(changes->new);
	src->generation = walk->generation;
	pmig_changes_put(changes);
	return 0;
}

static int get_baseline(struct netlink_callback *cb, struct source *src)
{
	struct pmig_engine *engine = find_engine(cb);

	if (!engine)
		return -ENODEV;
	src->new = pmig_engine_baseline(engine, &src->generation);
	pmig_engine_put(engine);
	if (src->new)
		return 0;
	NL_SET_ERR_MSG(cb->extack, "the machine could not be read: see the kernel's log");
	return -ENOENT;
}

static void put_source(const struct source *src)
{
	if (src->old)
		pmig_snapshot_put(src->old);
	pmig_snapshot_put(src->new);
}

static struct side side_of(const struct pmig_snapshot *snap, const struct pmig_fact *fact)
{
	struct side side = { .there = fact };

	if (!fact)
		return side;
	if (pmig_field_is_text(fact->field))
		side.text = pmig_fact_text(snap, fact);
	else
		side.value = fact->value;
	return side;
}

static bool next_changed(const struct source *src, struct walk *walk, struct pair *pair)
{
	struct pmig_diff diff = { .old = src->old, .new = src->new, .i = walk->i, .j = walk->j };
	struct pmig_row row;

	if (!pmig_diff_next(&diff, &row))
		return false;
	walk->i = diff.i;
	walk->j = diff.j;
	pair->fact = row.new ?: row.old;
	pair->old = side_of(src->old, row.old);
	pair->new = side_of(src->new, row.new);
	pair->flags = pmig_fields[pair->fact->field].stays ? PMIG_ROW_F_UNEXPECTED : 0;
	return true;
}

static bool is_stale(const struct pmig_fact *fact)
{
	return fact->has_kernel && fact->kernel != fact->value;
}

static bool next_fact(const struct source *src, struct walk *walk, struct pair *pair)
{
	const struct pmig_fact *fact;

	while (walk->j < src->new->nr) {
		cond_resched();
		fact = &src->new->fact[walk->j++];
		if (walk->kind == PMIG_ROWS_STALE && !is_stale(fact))
			continue;
		pair->fact = fact;
		pair->old = (struct side){ .there = fact->has_kernel, .value = fact->kernel };
		pair->new = side_of(src->new, fact);
		pair->flags = 0;
		return true;
	}
	return false;
}

static bool next_pair(const struct source *src, struct walk *walk, struct pair *pair)
{
	return walk->kind == PMIG_ROWS_CHANGED ? next_changed(src, walk, pair) :
						 next_fact(src, walk, pair);
}

static const char *const cache_types[] = {
	[PMIG_CACHE_UNIFIED] = "",
	[PMIG_CACHE_DATA] = "d",
	[PMIG_CACHE_INSTRUCTION] = "i",
};

static const char *cache_type(u64 key)
{
	unsigned int type = PMIG_CACHE_TYPE(key);

	return type < ARRAY_SIZE(cache_types) ? cache_types[type] : "?";
}

static int put_key(struct sk_buff *skb, const struct pmig_fact *fact)
{
	char text[PMIG_NAME_LEN];

	if (fact->key == PMIG_KEY_NONE)
		return 0;
	switch (pmig_fields[fact->field].section) {
	case PMIG_SECTION_CACHE:
		scnprintf(text, sizeof(text), "l%u%s@%u", PMIG_CACHE_LEVEL(fact->key),
			  cache_type(fact->key), PMIG_CACHE_CPU(fact->key));
		break;
	case PMIG_SECTION_MEMORY:
		scnprintf(text, sizeof(text), "0x%llx", fact->key);
		break;
	default:
		scnprintf(text, sizeof(text), "%llu", fact->key);
	}
	return nla_put_string(skb, PMIG_A_ROW_KEY, text);
}

static int put_side(struct sk_buff *skb, int number, int text, const struct side *side)
{
	if (!side->there)
		return 0;
	return side->text ? nla_put_string(skb, text, side->text) :
			    nla_put_u64_64bit(skb, number, side->value, PMIG_A_ROW_PAD);
}

/* Returns -EMSGSIZE where it does not fit, and then has put nothing. */
static int put_row(struct sk_buff *skb, const struct pair *pair)
{
	const struct pmig_field_info *info = &pmig_fields[pair->fact->field];
	struct nlattr *nest = nla_nest_start(skb, PMIG_A_ROW);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_string(skb, PMIG_A_ROW_SECTION, pmig_sections[info->section]) ||
	    put_key(skb, pair->fact) || nla_put_string(skb, PMIG_A_ROW_FIELD, info->name) ||
	    nla_put_u32(skb, PMIG_A_ROW_UNIT, info->unit) ||
	    nla_put_u32(skb, PMIG_A_ROW_FLAGS, pair->flags) ||
	    put_side(skb, PMIG_A_ROW_OLD, PMIG_A_ROW_OLD_TEXT, &pair->old) ||
	    put_side(skb, PMIG_A_ROW_NEW, PMIG_A_ROW_NEW_TEXT, &pair->new)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* As many as fit. Returns how many. */
static unsigned int put_rows(struct sk_buff *skb, const struct source *src, struct walk *walk)
{
	struct walk before = *walk;
	unsigned int n = 0;
	struct pair pair;

	while (next_pair(src, walk, &pair)) {
		if (put_row(skb, &pair)) {
			*walk = before;
			break;
		}
		before = *walk;
		n++;
	}
	return n;
}

/* The first one is there even where there is no row; behind the last row comes none. */
static int put_message(struct sk_buff *skb, struct netlink_callback *cb, const struct source *src,
		       struct walk *walk)
{
	bool first = !walk->begun;
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  pmig_dump_info(cb)->family, NLM_F_MULTI, PMIG_CMD_ROWS);
	if (!hdr)
		return -EMSGSIZE;
	cb->seq = src->new->number;
	walk->begun = true;
	if (nla_put_u32(skb, PMIG_A_GENERATION, src->generation) ||
	    nla_put_string(skb, PMIG_A_ENGINE, src->new->engine) ||
	    (!put_rows(skb, src, walk) && !first)) {
		genlmsg_cancel(skb, hdr);
		return 0;
	}
	/* Where none is left of another machine than before, the end of the dump has the flag. */
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return skb->len;
}

/**
 * pmig_rows_dump() - the next message of a dump
 * @skb: where to
 * @cb: of this dump
 *
 * An error is told by the message that ends the dump, with a sentence.
 *
 * Return: the length of the message, 0 behind the last one, or a negative errno.
 */
int pmig_rows_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct walk *walk = walk_of(cb);
	struct source src = {};
	int err;

	err = walk->begun ? 0 : begin_walk(cb, walk);
	if (!err)
		err = walk->bound ? get_compared(cb, walk, &src) : get_baseline(cb, &src);
	if (err)
		return err;
	err = put_message(skb, cb, &src, walk);
	put_source(&src);
	return err;
}
