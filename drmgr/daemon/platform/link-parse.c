// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns messages of the family "pmig" into structs, with one function for each nest. Every attribute is checked for type
 * and length before it is read, unknown ones are skipped, and lists have a bound. Nothing here keeps state, so a test can
 * pass anything to it.
 */
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/platform/link-parse.h"

#define REFUSALS_MAX 256

static bool take_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return false;
	*ret = mnl_attr_get_u32(attr);
	return true;
}

static bool take_u64(const struct nlattr *attr, uint64_t *ret)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U64) < 0)
		return false;
	*ret = mnl_attr_get_u64(attr);
	return true;
}

static bool take_text(const struct nlattr *attr, char *to, size_t size)
{
	size_t length = mnl_attr_get_payload_len(attr);
	const char *from = mnl_attr_get_payload(attr);

	if (length == 0 || from[length - 1])
		return false;
	text_copy(to, size, from, length);
	return true;
}

static void take_group(const struct nlattr *group, uint32_t *ret)
{
	char name[GENL_NAMSIZ] = "";
	const struct nlattr *attr;
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			take_text(attr, name, sizeof(name));
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
			take_u32(attr, &id);
	}
	if (strcmp(name, PMIG_MCGRP_EVENTS) == 0)
		*ret = id;
}

int link_family_check(const struct link_family *f)
{
	if (strcmp(f->name, PMIG_GENL_NAME) != 0 || !f->id || !f->group)
		return -ENOENT;
	return f->version == PMIG_GENL_VERSION ? 0 : -EPROTONOSUPPORT;
}

int link_parse_family(const struct nlmsghdr *nlh, struct link_family *ret)
{
	const struct nlattr *attr, *group;

	*ret = (struct link_family){ 0 };
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -ENOENT;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
				ret->id = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_FAMILY_NAME:
			take_text(attr, ret->name, sizeof(ret->name));
			break;
		case CTRL_ATTR_VERSION:
			take_u32(attr, &ret->version);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			mnl_attr_for_each_nested(group, attr)
				take_group(group, &ret->group);
			break;
		}
	}
	return link_family_check(ret);
}

static bool parse_refusal(const struct nlattr *nest, struct kernel_refusal *r)
{
	const struct nlattr *attr;
	bool ok = true;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case PMIG_A_REFUSAL_HANDLER:
			ok = ok && take_text(attr, r->handler, sizeof(r->handler));
			break;
		case PMIG_A_REFUSAL_PHASE:
			ok = ok && take_u32(attr, &r->phase);
			break;
		case PMIG_A_REFUSAL_ERRNO:
			ok = ok && take_u32(attr, &r->error);
			break;
		case PMIG_A_REFUSAL_REASON:
			ok = ok && take_text(attr, r->reason, sizeof(r->reason));
			break;
		}
	}
	return ok && r->handler[0] && r->error <= INT32_MAX;
}

static bool add_refusal(const struct nlattr *attr, struct kernel_state *s)
{
	struct kernel_refusal r = { 0 }, *v;

	if (s->nr_refusals >= REFUSALS_MAX || mnl_attr_validate(attr, MNL_TYPE_NESTED) < 0 ||
	    !parse_refusal(attr, &r))
		return false;
	v = reallocarray(s->refusals, s->nr_refusals + 1, sizeof(*v));
	if (!v)
		return false;
	s->refusals = v;
	v[s->nr_refusals++] = r;
	return true;
}

static bool take_session_attr(const struct nlattr *attr, struct kernel_state *s)
{
	switch (mnl_attr_get_type(attr)) {
	case PMIG_A_SESSION_STREAM:
		return take_u64(attr, &s->stream);
	case PMIG_A_SESSION_STATE:
		return take_u32(attr, &s->state);
	case PMIG_A_SESSION_VASI:
		return take_u32(attr, &s->vasi);
	case PMIG_A_SESSION_FLAGS:
		return take_u32(attr, &s->flags);
	case PMIG_A_SESSION_ENGINE:
		return take_text(attr, s->engine, sizeof(s->engine));
	case PMIG_A_SESSION_SEQ:
		return take_u32(attr, &s->seq);
	case PMIG_A_SESSION_ERRNO:
		return take_u32(attr, &s->error) && s->error <= INT32_MAX;
	case PMIG_A_SESSION_REASON:
		return take_text(attr, s->reason, sizeof(s->reason));
	case PMIG_A_SESSION_OWNER:
		return take_u32(attr, &s->owner);
	case PMIG_A_SESSION_BLACKOUT:
		return take_u64(attr, &s->blackout_us);
	case PMIG_A_SESSION_REFUSAL:
		return add_refusal(attr, s);
	case PMIG_A_SESSION_OPERATION:
		return take_u32(attr, &s->operation);
	case PMIG_A_SESSION_GENERATION:
		return take_u32(attr, &s->generation);
	default:
		return true;
	}
}

int link_parse_session(const struct nlmsghdr *nlh, struct kernel_state *ret)
{
	const struct nlattr *attr, *nest = NULL;

	*ret = (struct kernel_state){ 0 };
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == PMIG_A_SESSION)
			nest = attr;
	if (!nest)
		return 0; /* no session */
	if (mnl_attr_validate(nest, MNL_TYPE_NESTED) < 0)
		return -EBADMSG;
	mnl_attr_for_each_nested(attr, nest)
		if (!take_session_attr(attr, ret))
			return -EBADMSG;
	if (ret->state == PMIG_STATE_NONE || ret->state > PMIG_STATE_MAX)
		return -EBADMSG;
	return 0;
}

/* ---- rows ---- */

static bool take_value(const struct nlattr *attr, char *number)
{
	uint64_t value;

	if (!take_u64(attr, &value))
		return false;
	/* The unit, which says how it is written, may come later. */
	snprintf(number, ROW_VALUE_LEN, "%" PRIu64, value);
	return true;
}

static bool take_row_attr(const struct nlattr *attr, struct row *row)
{
	switch (mnl_attr_get_type(attr)) {
	case PMIG_A_ROW_SECTION:
		return take_text(attr, row->section, sizeof(row->section));
	case PMIG_A_ROW_KEY:
		return take_text(attr, row->key, sizeof(row->key));
	case PMIG_A_ROW_FIELD:
		return take_text(attr, row->field, sizeof(row->field));
	case PMIG_A_ROW_UNIT:
		return take_u32(attr, &row->unit);
	case PMIG_A_ROW_FLAGS:
		return take_u32(attr, &row->flags);
	case PMIG_A_ROW_OLD:
		return take_value(attr, row->old);
	case PMIG_A_ROW_NEW:
		return take_value(attr, row->new);
	case PMIG_A_ROW_OLD_TEXT:
		return take_text(attr, row->old, sizeof(row->old));
	case PMIG_A_ROW_NEW_TEXT:
		return take_text(attr, row->new, sizeof(row->new));
	default:
		return true;
	}
}

static void to_hex(char *text)
{
	uint64_t value;

	if (parse_u64(text, 10, UINT64_MAX, &value) == 0)
		snprintf(text, ROW_VALUE_LEN, "0x%" PRIx64, value);
}

static bool parse_row(const struct nlattr *nest, struct row *row)
{
	const struct nlattr *attr;

	if (mnl_attr_validate(nest, MNL_TYPE_NESTED) < 0)
		return false;
	mnl_attr_for_each_nested(attr, nest)
		if (!take_row_attr(attr, row))
			return false;
	if (row->unit == PMIG_UNIT_PVR) {
		to_hex(row->old);
		to_hex(row->new);
	}
	row->flags &= PMIG_ROW_F_UNEXPECTED; /* the others are ours */
	return row->section[0] && row->field[0];
}

int link_parse_rows(const struct nlmsghdr *nlh, struct rows *ret, uint32_t *generation)
{
	const struct nlattr *attr;
	int r = 0;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		struct row row = { 0 };

		if (mnl_attr_get_type(attr) == PMIG_A_GENERATION && !take_u32(attr, generation))
			return -EBADMSG;
		if (mnl_attr_get_type(attr) != PMIG_A_ROW)
			continue;
		r = parse_row(attr, &row) ? rows_add(ret, &row) : -EBADMSG;
		if (r < 0)
			return r;
	}
	return 0;
}

int link_parse_changed(const struct nlmsghdr *nlh, struct kernel_change *ret)
{
	const struct nlattr *attr;
	bool ok = true;

	*ret = (struct kernel_change){ 0 };
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == PMIG_A_GENERATION)
			ok = ok && take_u32(attr, &ret->generation);
		else if (mnl_attr_get_type(attr) == PMIG_A_ENGINE)
			ok = ok && take_text(attr, ret->engine, sizeof(ret->engine));
	}
	return ok && ret->generation && ret->engine[0] ? 0 : -EBADMSG;
}

void link_parse_ack(const struct nlmsghdr *nlh, int *ret_error, char *text, size_t size)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t skip = sizeof(*err);

	text[0] = '\0';
	*ret_error = -EBADMSG;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return;
	*ret_error = err->error > 0 ? -err->error : err->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* An error carries the request that it is about, unless that was cut off. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (err->msg.nlmsg_len < sizeof(struct nlmsghdr))
			return;
		skip += MNL_ALIGN(err->msg.nlmsg_len - sizeof(struct nlmsghdr));
	}
	if (mnl_nlmsg_get_payload_len(nlh) < skip)
		return;
	mnl_attr_for_each(attr, nlh, skip)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			take_text(attr, text, size);
}
