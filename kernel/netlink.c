// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family "pmig": parses commands and calls the session. The policies below,
 * uapi/linux/pmig.h and Documentation/netlink/specs/pmig.yaml say the same; selftests/netlink-spec
 * compares them, so keep one attribute to a line.
 *
 * The core of generic netlink refuses other network namespaces (netnsok is not set), unknown
 * attributes and those not in the command's policy. Its own flags can ask for CAP_NET_ADMIN only,
 * which containers are given for their networks; so may_command() asks for CAP_SYS_ADMIN. Commands
 * may come at the same time: the session's lock orders them, and a BEGIN whose hypervisor is busy
 * holds up nobody else's family.
 */
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched/mm.h>

#include "command.h"
#include "message.h"
#include "netlink.h"
#include "rows.h"
#include "slot.h"

#define USER_FLAGS (PMIG_F_FORCE | PMIG_F_QUIESCE_NOW)

static struct netlink_range_validation errno_range = { .min = 1, .max = 0xffffff };
static struct netlink_range_validation fd_range = { .min = 0, .max = 0x7fffffff };
static struct netlink_range_validation rows_range = { .min = 0, .max = 2 };

static const struct nla_policy check_policy[PMIG_A_FD + 1] = {
	[PMIG_A_STREAM] = { .type = NLA_U64 },
	[PMIG_A_FLAGS] = NLA_POLICY_MASK(NLA_U32, USER_FLAGS),
	[PMIG_A_ENGINE] = { .type = NLA_NUL_STRING, .len = PMIG_NAME_LEN - 1 },
	[PMIG_A_FD] = NLA_POLICY_FULL_RANGE(NLA_U32, &fd_range),
};

static const struct nla_policy begin_policy[PMIG_A_FD + 1] = {
	[PMIG_A_STREAM] = { .type = NLA_U64 },
	[PMIG_A_FLAGS] = NLA_POLICY_MASK(NLA_U32, USER_FLAGS),
	[PMIG_A_ENGINE] = { .type = NLA_NUL_STRING, .len = PMIG_NAME_LEN - 1 },
	[PMIG_A_PRE_MS] = { .type = NLA_U32 },
	[PMIG_A_FD] = NLA_POLICY_FULL_RANGE(NLA_U32, &fd_range),
};

static const struct nla_policy cancel_policy[PMIG_A_ERRNO + 1] = {
	[PMIG_A_ERRNO] = NLA_POLICY_FULL_RANGE(NLA_U32, &errno_range),
};

static const struct nla_policy adopt_policy[PMIG_A_STREAM + 1] = {
	[PMIG_A_STREAM] = { .type = NLA_U64 },
};

static const struct nla_policy rows_policy[PMIG_A_GENERATION + 1] = {
	[PMIG_A_ENGINE] = { .type = NLA_NUL_STRING, .len = PMIG_NAME_LEN - 1 },
	[PMIG_A_ROWS] = NLA_POLICY_FULL_RANGE(NLA_U32, &rows_range),
	[PMIG_A_GENERATION] = { .type = NLA_U32 },
};

static struct pmig_request parse_request(struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;

	return (struct pmig_request){
		.stream = attrs[PMIG_A_STREAM] ? nla_get_u64(attrs[PMIG_A_STREAM]) : 0,
		.flags = attrs[PMIG_A_FLAGS] ? nla_get_u32(attrs[PMIG_A_FLAGS]) : 0,
		.engine = attrs[PMIG_A_ENGINE] ? nla_data(attrs[PMIG_A_ENGINE]) : NULL,
		.fd = attrs[PMIG_A_FD] ? (int)nla_get_u32(attrs[PMIG_A_FD]) : -1,
		.portid = info->snd_portid,
		.extack = info->extack,
	};
}

/* For a command without these attributes: its table is too short to look for them. */
static struct pmig_request bare_request(struct genl_info *info)
{
	return (struct pmig_request){
		.portid = info->snd_portid,
		.extack = info->extack,
	};
}

static int do_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	unsigned int noio;
	int err;

	/* Sent under the lock: "no session" has no number that could tell older from newer. */
	mutex_lock(&pmig_session_lock);
	noio = memalloc_noio_save();
	reply = pmig_message(pmig_slot_current(), info->snd_portid, info->snd_seq, 0, PMIG_CMD_GET);
	err = IS_ERR(reply) ? PTR_ERR(reply) : genlmsg_reply(reply, info);
	memalloc_noio_restore(noio);
	mutex_unlock(&pmig_session_lock);
	return err;
}

static int do_check(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = parse_request(info);

	return pmig_command_check(&rq);
}

static int do_begin(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = parse_request(info);

	if (info->attrs[PMIG_A_PRE_MS])
		rq.pre_ms = nla_get_u32(info->attrs[PMIG_A_PRE_MS]);
	if (!rq.stream) {
		pmig_say(info->extack, "a stream ID other than 0 is needed");
		return -EINVAL;
	}
	return pmig_command_begin(&rq);
}

static int do_pre(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = bare_request(info);

	return pmig_command_pre(&rq);
}

static int do_suspend(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = bare_request(info);

	return pmig_command_suspend(&rq);
}

static int do_cancel(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = bare_request(info);

	if (info->attrs[PMIG_A_ERRNO])
		rq.err = nla_get_u32(info->attrs[PMIG_A_ERRNO]);
	return pmig_command_cancel(&rq);
}

static int do_adopt(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = bare_request(info);

	if (info->attrs[PMIG_A_STREAM])
		rq.stream = nla_get_u64(info->attrs[PMIG_A_STREAM]);
	return pmig_command_adopt(&rq);
}

static int do_end(struct sk_buff *skb, struct genl_info *info)
{
	struct pmig_request rq = bare_request(info);

	return pmig_command_end(&rq);
}

/* For commands without a policy of their own; kernels before 6.1 do not look without one. */
static const struct nla_policy no_attributes[PMIG_A_STREAM + 1];

static const struct genl_ops ops[] = {
	{
		.cmd = PMIG_CMD_GET,
		.doit = do_get,
	},
	{
		.cmd = PMIG_CMD_CHECK,
		.doit = do_check,
		.policy = check_policy,
		.maxattr = ARRAY_SIZE(check_policy) - 1,
	},
	{
		.cmd = PMIG_CMD_BEGIN,
		.doit = do_begin,
		.policy = begin_policy,
		.maxattr = ARRAY_SIZE(begin_policy) - 1,
	},
	{
		.cmd = PMIG_CMD_PRE,
		.doit = do_pre,
	},
	{
		.cmd = PMIG_CMD_SUSPEND,
		.doit = do_suspend,
	},
	{
		.cmd = PMIG_CMD_CANCEL,
		.doit = do_cancel,
		.policy = cancel_policy,
		.maxattr = ARRAY_SIZE(cancel_policy) - 1,
	},
	{
		.cmd = PMIG_CMD_ADOPT,
		.doit = do_adopt,
		.policy = adopt_policy,
		.maxattr = ARRAY_SIZE(adopt_policy) - 1,
	},
	{
		.cmd = PMIG_CMD_END,
		.doit = do_end,
	},
	{
		.cmd = PMIG_CMD_ROWS,
		.dumpit = pmig_rows_dump,
		.policy = rows_policy,
		.maxattr = ARRAY_SIZE(rows_policy) - 1,
	},
};

/*
 * Called before each command, but not before a dump, which anyone may ask for. Both the sender and
 * whoever opened the socket need the capability, in the initial user namespace. A command that is
 * added later needs it, too, unless it is named here.
 */
static int may_command(pmig_genl_op *op, struct sk_buff *skb, struct genl_info *info)
{
	if (op->cmd == PMIG_CMD_GET || netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	pmig_say(info->extack, "CAP_SYS_ADMIN is needed: nobody else may do more than look");
	return -EPERM;
}

static const struct genl_multicast_group groups[] = {
	{ .name = PMIG_MCGRP_EVENTS },
};

/*
 * resv_start_op stays 0, as in all new families: reserved fields are checked from the first
 * command on.
 */
static struct genl_family family __ro_after_init = {
	.name = PMIG_GENL_NAME,
	.version = PMIG_GENL_VERSION,
	.policy = no_attributes,
	.maxattr = ARRAY_SIZE(no_attributes) - 1,
	.module = THIS_MODULE,
	.parallel_ops = true,
	.pre_doit = may_command,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

/* A socket is gone, perhaps with its process. A process may have several: the port says which. */
static int socket_closed(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *n = data;

	if (event == NETLINK_URELEASE && n->protocol == NETLINK_GENERIC &&
	    net_eq(n->net, &init_net))
		pmig_command_orphan(n->portid);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = socket_closed };

int pmig_netlink_init(void)
{
	int err;

	pmig_message_init(&family);
	err = netlink_register_notifier(&notifier);
	if (err)
		return err;
	err = genl_register_family(&family);
	if (err)
		netlink_unregister_notifier(&notifier);
	return err;
}

/* Both wait for calls that are under way. */
void pmig_netlink_exit(void)
{
	genl_unregister_family(&family);
	netlink_unregister_notifier(&notifier);
}
