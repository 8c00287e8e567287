// SPDX-License-Identifier: GPL-2.0-or-later
/* Stream IDs and wire messages as a hostile peer would write them. */
#include "shared/streamid.h"
#include "shared/wiremsg.h"

#include "dr.h"
#include "kselftest_harness.h"

#include <errno.h>

static const struct {
	const char *text;
	int r;
	uint64_t stream;
} ids[] = {
	{ "0xd7a884f83d830e6d", 0, 0xd7a884f83d830e6d },
	{ "d7a884f83d830e6d", 0, 0xd7a884f83d830e6d },
	{ "0XD7A884F83D830E6D", 0, 0xd7a884f83d830e6d },
	{ "0", 0, 0 },
	{ "1", 0, 1 },
	{ "0x1", 0, 1 },
	{ "19", 0, 0x19 },
	{ "ffffffffffffffff", 0, UINT64_MAX },
	{ "0x0000000000000001", 0, 1 },
	{ NULL, -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "0x", -EINVAL, 0 },
	{ "x1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1\n", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ "0x-1", -EINVAL, 0 },
	{ "0x 1", -EINVAL, 0 },
	{ "0x0x1", -EINVAL, 0 },
	{ "1g", -EINVAL, 0 },
	{ "12.5", -EINVAL, 0 },
	{ "1,2", -EINVAL, 0 },
	{ "0x1h", -EINVAL, 0 },
	{ "\xff", -EINVAL, 0 },
	{ "0x00000000000000001", -ERANGE, 0 },
	{ "11111111111111111", -ERANGE, 0 },
	{ "11111111111111111z", -EINVAL, 0 },
};

TEST(parse_stream_ids)
{
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint64_t stream = 0xdead;

		EXPECT_EQ(ids[i].r, streamid_parse(ids[i].text, &stream))
		TH_LOG("\"%s\"", ids[i].text);
		EXPECT_EQ(ids[i].r ? 0xdead : ids[i].stream, stream);
	}
}

TEST(format_stream_ids)
{
	char buf[STREAMID_STR_MAX];

	EXPECT_STREQ("0xffffffffffffffff", streamid_format(UINT64_MAX, buf));
	EXPECT_STREQ("0x1234", streamid_format(0x1234, buf));
	EXPECT_STREQ("0x0", streamid_format(0, buf));
}

TEST(wire_event)
{
	struct wire_event e = { .phase = DR_PHASE_PRE };
	size_t with_two = sizeof(e) + 2 * sizeof(struct wire_change);

	EXPECT_EQ(0, wire_event_check(&e, sizeof(e)));
	EXPECT_EQ(0, wire_event_check(&e, sizeof(e) + 100));
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, sizeof(e) - 1));
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, 0));
	e.nr_changes = 2;
	EXPECT_EQ(0, wire_event_check(&e, with_two));
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, with_two - 1));
	e.nr_changes = WIRE_CHANGES_MAX + 1;
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, SIZE_MAX));
	e.nr_changes = UINT32_MAX;
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, SIZE_MAX));
	e.nr_changes = 0;
	e.phase = 0;
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, sizeof(e)));
	e.phase = DR_PHASE_CHANGED + 1;
	EXPECT_EQ(-EBADMSG, wire_event_check(&e, sizeof(e)));
}

TEST(wire_strings)
{
	struct wire_change c = { .name = "n" };
	struct wire_answer a = { .error = 16 };

	EXPECT_EQ(0, wire_change_check(&c));
	memset(c.new_value, 'x', sizeof(c.new_value));
	EXPECT_EQ(-EBADMSG, wire_change_check(&c));
	EXPECT_EQ(0, wire_answer_check(&a, sizeof(a)));
	EXPECT_EQ(-EBADMSG, wire_answer_check(&a, sizeof(a) - 1));
	a.error = UINT32_MAX;
	EXPECT_EQ(-EBADMSG, wire_answer_check(&a, sizeof(a)));
	a.error = 0;
	memset(a.reason, 'x', sizeof(a.reason));
	EXPECT_EQ(-EBADMSG, wire_answer_check(&a, sizeof(a)));
}

static const char *const texts[][2] = {
	{ "plain", "plain" },
	{ "gr\xc3\xbc\xc3\x9f dich", "gr\xc3\xbc\xc3\x9f dich" },
	{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "two\nlines\r\t", "two?lines??" },
	{ "\x1b[31mred", "?[31mred" },
	{ "\x7f", "?" },
	{ "\xc2\x9b", "??" },		/* C1: another way to write ESC [ */
	{ "\xc0\x80", "??" },		/* overlong */
	{ "\xed\xa0\x80", "???" },	/* surrogate */
	{ "\xf4\x90\x80\x80", "????" }, /* behind the last character */
	{ "cut \xe2\x82", "cut ??" },
	{ "\xff", "?" },
	{ "", "" },
};

TEST(make_text_harmless)
{
	char buf[64];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		strcpy(buf, texts[i][0]);
		EXPECT_STREQ(texts[i][1], wire_text(buf));
	}
}

TEST_HARNESS_MAIN
