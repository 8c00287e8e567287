// SPDX-License-Identifier: GPL-2.0
/*
 * What listeners are told: the session, and that the machine has changed. The room is counted
 * before a message is made, as 64 refusals are 22 KiB; a reader needs a buffer of 32 KiB.
 */
#include "message.h"

static struct genl_family *family; /* set once before the first session */

#define REFUSAL_SIZE                                                                 \
	(nla_total_size(0) + nla_total_size(PMIG_NAME_LEN) + 2 * nla_total_size(4) + \
	 nla_total_size(PMIG_REASON_LEN))
#define CHANGED_SIZE (nla_total_size(0) + nla_total_size(PMIG_NAME_LEN) + nla_total_size(4))
#define SESSION_SIZE                                                               \
	(nla_total_size(0) + 2 * nla_total_size_64bit(8) + 8 * nla_total_size(4) + \
	 nla_total_size(PMIG_NAME_LEN) + nla_total_size(PMIG_REASON_LEN) +         \
	 PMIG_NR_SECTIONS * CHANGED_SIZE)

static size_t session_size(const struct pmig_session *s)
{
	BUILD_BUG_ON(SESSION_SIZE + PMIG_HANDLERS_MAX * REFUSAL_SIZE > 32768 - 1024);
	return s ? SESSION_SIZE + s->refusals->nr * REFUSAL_SIZE : 0;
}

static int put_refusal(struct sk_buff *skb, const struct pmig_refusal *r)
{
	struct nlattr *nest = nla_nest_start(skb, PMIG_A_SESSION_REFUSAL);

	if (!nest || nla_put_string(skb, PMIG_A_REFUSAL_HANDLER, r->handler) ||
	    nla_put_u32(skb, PMIG_A_REFUSAL_PHASE, r->phase) ||
	    nla_put_u32(skb, PMIG_A_REFUSAL_ERRNO, r->err) ||
	    nla_put_string(skb, PMIG_A_REFUSAL_REASON, r->reason))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_section(struct sk_buff *skb, int type, enum pmig_section section, u32 rows)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || nla_put_string(skb, PMIG_A_CHANGED_SECTION, pmig_sections[section]) ||
	    nla_put_u32(skb, PMIG_A_CHANGED_ROWS, rows))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* How many rows differ, as attributes of this type; the rows themselves are in rows.c. */
static int put_changed(struct sk_buff *skb, int type, const struct pmig_changes *changes)
{
	unsigned int i;

	for (i = 0; i < PMIG_NR_SECTIONS; i++)
		if (changes->nr[i] && put_section(skb, type, i, changes->nr[i]))
			return -EMSGSIZE;
	return 0;
}

static int put_refusals(struct sk_buff *skb, const struct pmig_session *s)
{
	unsigned int i;

	for (i = 0; i < s->refusals->nr; i++)
		if (put_refusal(skb, &s->refusals->refusal[i]))
			return -EMSGSIZE;
	return 0;
}

static int put_comparison(struct sk_buff *skb, const struct pmig_changes *changes)
{
	if (!changes)
		return 0;
	return nla_put_u32(skb, PMIG_A_SESSION_GENERATION, changes->generation) ?:
		       put_changed(skb, PMIG_A_SESSION_CHANGED, changes);
}

static int put_session(struct sk_buff *skb, const struct pmig_session *s)
{
	struct nlattr *nest = nla_nest_start(skb, PMIG_A_SESSION);

	if (!nest || nla_put_u64_64bit(skb, PMIG_A_SESSION_STREAM, s->stream, PMIG_A_SESSION_PAD) ||
	    nla_put_u32(skb, PMIG_A_SESSION_STATE, s->state) ||
	    nla_put_u32(skb, PMIG_A_SESSION_VASI, s->vasi) ||
	    nla_put_u32(skb, PMIG_A_SESSION_FLAGS, s->flags) ||
	    nla_put_string(skb, PMIG_A_SESSION_ENGINE, s->engine_name) ||
	    nla_put_u32(skb, PMIG_A_SESSION_SEQ, pmig_session_seq()) ||
	    nla_put_u32(skb, PMIG_A_SESSION_ERRNO, s->err) ||
	    nla_put_string(skb, PMIG_A_SESSION_REASON, s->reason) ||
	    nla_put_u32(skb, PMIG_A_SESSION_OWNER, s->owner) ||
	    nla_put_u32(skb, PMIG_A_SESSION_OPERATION, s->operation))
		return -EMSGSIZE;
	if (s->has_blackout &&
	    nla_put_u64_64bit(skb, PMIG_A_SESSION_BLACKOUT, s->blackout_us, PMIG_A_SESSION_PAD))
		return -EMSGSIZE;
	if (put_refusals(skb, s) || put_comparison(skb, s->changes))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * pmig_message() - the session as it stands
 * @s: the session, or NULL for none
 * @portid: receiver
 * @seq: number of the request, 0 in a notification
 * @flags: NLM_F_*
 * @cmd: PMIG_CMD_*
 *
 * Return: the message, or an ERR_PTR().
 */
struct sk_buff *pmig_message(const struct pmig_session *s, u32 portid, u32 seq, int flags, u8 cmd)
{
	struct sk_buff *skb;
	void *hdr;

	lockdep_assert_held(&pmig_session_lock);
	skb = genlmsg_new(session_size(s), GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	hdr = genlmsg_put(skb, portid, seq, family, flags, cmd);
	if (WARN_ON_ONCE(!hdr || (s && put_session(skb, s)))) {
		nlmsg_free(skb);
		return ERR_PTR(-EMSGSIZE);
	}
	genlmsg_end(skb, hdr);
	return skb;
}

/*
 * Nobody may be listening, and memory may be short: then it is as if the listener's buffer had been
 * full, and it asks for what it has missed.
 */
static void multicast(struct sk_buff *skb)
{
	if (IS_ERR(skb))
		genl_set_err(family, &init_net, 0, 0, -ENOBUFS);
	else
		genlmsg_multicast(family, skb, 0, 0, GFP_KERNEL);
}

static bool somebody_listens(void)
{
	return genl_has_listeners(family, &init_net, 0);
}

static void multicast_session(struct pmig_session *s)
{
	if (somebody_listens())
		multicast(pmig_message(s->state == PMIG_STATE_NONE ? NULL : s, 0, 0, 0,
				       PMIG_CMD_EVENT));
}

static struct sk_buff *changed_message(const struct pmig_changes *changes)
{
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(nla_total_size(4) + nla_total_size(PMIG_NAME_LEN) +
				  PMIG_NR_SECTIONS * CHANGED_SIZE,
			  GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	hdr = genlmsg_put(skb, 0, 0, family, 0, PMIG_CMD_CHANGED);
	if (WARN_ON_ONCE(!hdr || nla_put_string(skb, PMIG_A_ENGINE, changes->new->engine) ||
			 nla_put_u32(skb, PMIG_A_GENERATION, changes->generation) ||
			 put_changed(skb, PMIG_A_CHANGED, changes))) {
		nlmsg_free(skb);
		return ERR_PTR(-EMSGSIZE);
	}
	genlmsg_end(skb, hdr);
	return skb;
}

/**
 * pmig_message_changed() - tell listeners that the machine has changed without a migration
 * @changes: the comparison
 */
void pmig_message_changed(const struct pmig_changes *changes)
{
	if (somebody_listens())
		multicast(changed_message(changes));
}

const struct pmig_session_listener pmig_message_listener = {
	.changed = multicast_session,
};

void pmig_message_init(struct genl_family *to)
{
	family = to;
}
