// SPDX-License-Identifier: GPL-2.0
/*
 * What may follow what. The table itself, built here as it is, pair by pair; and in a session each command in
 * each state: what is not allowed there is refused, and changes nothing.
 */
#include "kfixture.h"

#define BIT(n) (1U << (n))
typedef uint32_t u32;
#include "../../kernel/state.c"

/* All there is; what is not here is forbidden. */
static const struct {
	uint32_t from;
	uint32_t to[5];
	unsigned int nr;
} allowed[] = {
	/* How it begins: asked, told of a stream, or seen. */
	{ PMIG_STATE_NONE, { PMIG_STATE_CHECK, PMIG_STATE_ENABLED, PMIG_STATE_SUSPENDING }, 3 },
	/* A question has an answer, or nobody waits for it. */
	{ PMIG_STATE_CHECK, { PMIG_STATE_CHECKED, PMIG_STATE_NONE }, 2 },
	{ PMIG_STATE_CHECKED, { PMIG_STATE_NONE }, 1 },
	/*
	 * Up to the suspension it can be cancelled, be over, or be overtaken by somebody else's; and left alone,
	 * until the first is told.
	 */
	{ PMIG_STATE_ENABLED,
	  { PMIG_STATE_QUIESCE, PMIG_STATE_CANCELLING, PMIG_STATE_UNDO, PMIG_STATE_SUSPENDING,
	    PMIG_STATE_NONE },
	  5 },
	{ PMIG_STATE_QUIESCE,
	  { PMIG_STATE_PRE, PMIG_STATE_CANCELLING, PMIG_STATE_UNDO, PMIG_STATE_SUSPENDING,
	    PMIG_STATE_NONE },
	  5 },
	{ PMIG_STATE_PRE,
	  { PMIG_STATE_READY, PMIG_STATE_CANCELLING, PMIG_STATE_UNDO, PMIG_STATE_SUSPENDING },
	  4 },
	{ PMIG_STATE_READY, { PMIG_STATE_SUSPENDING, PMIG_STATE_CANCELLING, PMIG_STATE_UNDO }, 3 },
	{ PMIG_STATE_SUSPENDING,
	  { PMIG_STATE_RESUMED, PMIG_STATE_POST, PMIG_STATE_CANCELLING, PMIG_STATE_UNDO },
	  4 },
	/* It has moved, or the write says otherwise: there is nothing left to cancel. */
	{ PMIG_STATE_RESUMED, { PMIG_STATE_POST, PMIG_STATE_UNDO }, 2 },
	/* Each end has one way to it, and one out of it. */
	{ PMIG_STATE_POST, { PMIG_STATE_COMPLETED }, 1 },
	{ PMIG_STATE_COMPLETED, { PMIG_STATE_NONE }, 1 },
	{ PMIG_STATE_CANCELLING, { PMIG_STATE_UNDO }, 1 },
	{ PMIG_STATE_UNDO, { PMIG_STATE_FAILED }, 1 },
	{ PMIG_STATE_FAILED, { PMIG_STATE_NONE }, 1 },
};

static bool is_allowed(uint32_t from, uint32_t to)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(allowed); i++)
		for (j = 0; allowed[i].from == from && j < allowed[i].nr; j++)
			if (allowed[i].to[j] == to)
				return true;
	return false;
}

TEST(each_pair)
{
	uint32_t from, to;

	for (from = 0; from < __PMIG_STATE_MAX; from++)
		for (to = 0; to < __PMIG_STATE_MAX; to++)
			EXPECT_EQ(is_allowed(from, to), pmig_state_may_follow(from, to))
			{
				TH_LOG("%s after %s", pmig_state_name(to), pmig_state_name(from));
			}
}

/* --- how each state is reached, and stays --- */

static bool sends(struct bench *b, uint8_t cmd)
{
	return !command(&b->l, cmd);
}

static bool in(struct bench *b, uint32_t state)
{
	return reaches(&b->l, &b->s, state);
}

static bool to_none(struct bench *b)
{
	return in(b, PMIG_STATE_NONE);
}

static bool to_check(struct bench *b)
{
	return !tell("block a check") && !start(&b->l, PMIG_CMD_CHECK, STREAM, 0, b->engine) &&
	       in(b, PMIG_STATE_CHECK);
}

static bool to_checked(struct bench *b)
{
	return !start(&b->l, PMIG_CMD_CHECK, STREAM, 0, b->engine) && in(b, PMIG_STATE_CHECKED);
}

static bool to_enabled(struct bench *b)
{
	return !start(&b->l, PMIG_CMD_BEGIN, STREAM, 0, b->engine) && in(b, PMIG_STATE_ENABLED);
}

/* The stream stays Enabled, so that a suspension waits. */
static bool to_quiesce(struct bench *b)
{
	return !start(&b->l, PMIG_CMD_BEGIN, STREAM, PMIG_F_QUIESCE_NOW, b->engine) &&
	       in(b, PMIG_STATE_QUIESCE);
}

static bool to_pre(struct bench *b)
{
	return !tell("block b pre") && to_quiesce(b) && sends(b, PMIG_CMD_PRE) &&
	       was_told("a pre,b pre,") && in(b, PMIG_STATE_PRE);
}

static bool to_ready(struct bench *b)
{
	return to_quiesce(b) && sends(b, PMIG_CMD_PRE) && in(b, PMIG_STATE_READY);
}

static bool to_suspending(struct bench *b)
{
	return to_ready(b) && sends(b, PMIG_CMD_SUSPEND) && in(b, PMIG_STATE_SUSPENDING);
}

static bool to_resumed(struct bench *b)
{
	put(SIM "streams/0xabcd1234/live", "0");
	return !put(SIM "streams/0xabcd1234/script", "enabled suspending resumed") &&
	       !put(SIM "streams/0xabcd1234/live", "1") && to_suspending(b) &&
	       !stream_set(true, STREAM, "suspending") && in(b, PMIG_STATE_RESUMED);
}

static bool to_post(struct bench *b)
{
	return !tell("block b post") && to_suspending(b) &&
	       !stream_set(true, STREAM, "suspending") && in(b, PMIG_STATE_POST);
}

static bool to_completed(struct bench *b)
{
	return to_suspending(b) && !stream_set(true, STREAM, "suspending") &&
	       in(b, PMIG_STATE_COMPLETED);
}

static bool to_cancelling(struct bench *b)
{
	return to_pre(b) && !cancel(&b->l, 0) && in(b, PMIG_STATE_CANCELLING);
}

static bool to_undo(struct bench *b)
{
	return !tell("block b post-error") && to_ready(b) && !cancel(&b->l, 0) &&
	       in(b, PMIG_STATE_UNDO);
}

static bool to_failed(struct bench *b)
{
	return to_ready(b) && !cancel(&b->l, 0) && in(b, PMIG_STATE_FAILED);
}

#define CMD(cmd) BIT(PMIG_CMD_##cmd)

/* What its owner may send in each state. The owner may always send ADOPT, which changes nothing. */
static const struct {
	uint32_t state;
	bool (*reach)(struct bench *b);
	uint32_t may;
} states[] = {
	{ PMIG_STATE_NONE, to_none, CMD(CHECK) | CMD(BEGIN) },
	{ PMIG_STATE_CHECK, to_check, 0 },
	{ PMIG_STATE_CHECKED, to_checked, CMD(END) },
	{ PMIG_STATE_ENABLED, to_enabled, CMD(CANCEL) | CMD(END) },
	{ PMIG_STATE_QUIESCE, to_quiesce, CMD(PRE) | CMD(CANCEL) | CMD(END) },
	{ PMIG_STATE_PRE, to_pre, CMD(CANCEL) },
	{ PMIG_STATE_READY, to_ready, CMD(SUSPEND) | CMD(CANCEL) },
	{ PMIG_STATE_SUSPENDING, to_suspending, CMD(CANCEL) },
	{ PMIG_STATE_RESUMED, to_resumed, 0 },
	{ PMIG_STATE_POST, to_post, 0 },
	{ PMIG_STATE_COMPLETED, to_completed, CMD(END) },
	{ PMIG_STATE_CANCELLING, to_cancelling, 0 },
	{ PMIG_STATE_UNDO, to_undo, 0 },
	{ PMIG_STATE_FAILED, to_failed, CMD(END) },
};

static int send_any(struct bench *b, struct link *l, uint32_t cmd)
{
	if (cmd == PMIG_CMD_CHECK || cmd == PMIG_CMD_BEGIN)
		return start(l, cmd, STREAM, 0, b->engine);
	return command(l, cmd);
}

/* Everything that may not be sent over this socket; @err is the answer. */
static void refused(struct __test_metadata *_metadata, struct bench *self, struct link *l,
		    uint32_t state, uint32_t may, int err)
{
	struct session s;
	uint32_t cmd;

	for (cmd = PMIG_CMD_CHECK; cmd <= PMIG_CMD_END; cmd++) {
		int want = err;

		if (may & BIT(cmd))
			continue;
		if (state == PMIG_STATE_NONE)
			want = -ENOENT;
		else if (cmd == PMIG_CMD_CHECK || cmd == PMIG_CMD_BEGIN || cmd == PMIG_CMD_ADOPT)
			want = -EBUSY;
		EXPECT_EQ(want, send_any(self, l, cmd))
		{
			TH_LOG("command %u in state %s", cmd, pmig_state_name(state));
		}
		EXPECT_STRNE("", l->ext);
		ASSERT_EQ(0, get_session(&self->l, &s));
		EXPECT_EQ(state, s.state);
		EXPECT_EQ(self->s.seq, s.seq);
	}
}

TEST_F(sim, each_command_in_each_state)
{
	struct link other;
	unsigned int i;

	ASSERT_EQ(0, link_open(&other));
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		ASSERT_TRUE(states[i].reach(&self->bench))
		{
			TH_LOG("state %s is not reached", pmig_state_name(states[i].state));
		}
		refused(_metadata, &self->bench, &self->l, states[i].state,
			states[i].may | CMD(ADOPT) * (states[i].state != PMIG_STATE_NONE), -EBUSY);
		refused(_metadata, &self->bench, &other, states[i].state,
			states[i].state == PMIG_STATE_NONE ? states[i].may : 0, -EPERM);
		ASSERT_EQ(0, tell("clear"));
		stream_set(true, STREAM, "aborted");
		ASSERT_TRUE(quiet(&self->l));
		ASSERT_EQ(0, tell("clear"));
		put(SIM "streams/0xabcd1234/live", "0");
		put(SIM "streams/0xabcd1234/script", "enabled suspending resumed:200 completed");
		ASSERT_EQ(0, put(SIM "streams/0xabcd1234/live", "1"));
	}
	link_close(&other);
}

TEST_HARNESS_MAIN
