// SPDX-License-Identifier: GPL-2.0
/*
 * The session as a message. The room is counted before the message is made, as 64 changes and 64
 * refusals are 44 KiB; a reader needs a buffer of 64 KiB.
 */
#include "message.h"

static struct genl_family *family; /* set once before the first session */

#define REFUSAL_SIZE                                                                 \
	(nla_total_size(0) + nla_total_size(PMIG_NAME_LEN) + 2 * nla_total_size(4) + \
	 nla_total_size(PMIG_REASON_LEN))
#define CHANGE_SIZE                                                                               \
	(nla_total_size(0) + nla_total_size(PMIG_NAME_LEN) + 2 * nla_total_size(PMIG_VALUE_LEN) + \
	 nla_total_size(4))
#define SESSION_SIZE                                                               \
	(nla_total_size(0) + 2 * nla_total_size_64bit(8) + 6 * nla_total_size(4) + \
	 nla_total_size(PMIG_NAME_LEN) + nla_total_size(PMIG_REASON_LEN))

static size_t session_size(const struct pmig_session *s)
{
	BUILD_BUG_ON(SESSION_SIZE + PMIG_HANDLERS_MAX * REFUSAL_SIZE +
			     PMIG_CHANGES_MAX * CHANGE_SIZE >
		     U16_MAX);
	if (!s)
		return 0;
	return SESSION_SIZE + s->refusals->nr * REFUSAL_SIZE +
	       (s->changes ? s->changes->nr : 0) * CHANGE_SIZE;
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

static int put_change(struct sk_buff *skb, const struct pmig_change *c)
{
	struct nlattr *nest = nla_nest_start(skb, PMIG_A_SESSION_CHANGE);

	if (!nest || nla_put_string(skb, PMIG_A_CHANGE_NAME, c->name) ||
	    nla_put_string(skb, PMIG_A_CHANGE_OLD, c->old) ||
	    nla_put_string(skb, PMIG_A_CHANGE_NEW, c->new) ||
	    nla_put_u32(skb, PMIG_A_CHANGE_FLAGS, c->flags))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_lists(struct sk_buff *skb, const struct pmig_session *s)
{
	unsigned int i;

	for (i = 0; i < s->refusals->nr; i++)
		if (put_refusal(skb, &s->refusals->refusal[i]))
			return -EMSGSIZE;
	for (i = 0; s->changes && i < s->changes->nr; i++)
		if (put_change(skb, &s->changes->change[i]))
			return -EMSGSIZE;
	return 0;
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
	    nla_put_u32(skb, PMIG_A_SESSION_OWNER, s->owner))
		return -EMSGSIZE;
	if (s->has_blackout &&
	    nla_put_u64_64bit(skb, PMIG_A_SESSION_BLACKOUT, s->blackout_us, PMIG_A_SESSION_PAD))
		return -EMSGSIZE;
	if (put_lists(skb, s))
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
 * Nobody may be listening, and memory may be short: the next message says all that this one does.
 */
static void multicast_session(struct pmig_session *s)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(family, &init_net, 0))
		return;
	skb = pmig_message(s->state == PMIG_STATE_NONE ? NULL : s, 0, 0, 0, PMIG_CMD_EVENT);
	/* As if the listener's buffer had been full: it asks for the state then. */
	if (IS_ERR(skb))
		genl_set_err(family, &init_net, 0, 0, -ENOBUFS);
	else
		genlmsg_multicast(family, skb, 0, 0, GFP_KERNEL);
}

const struct pmig_session_listener pmig_message_listener = {
	.changed = multicast_session,
};

void pmig_message_init(struct genl_family *to)
{
	family = to;
}
