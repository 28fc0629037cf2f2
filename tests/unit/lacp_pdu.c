// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Wire format: conformance cases F, names, and the codec under random frames. */
#include <criterion/criterion.h>

#include "lacp_rig.h"

/* offsets 0 to 73 of the first LACPDU after link-up; the rest is zero */
static const uint8_t first_frame[74] = {
	0x01, 0x80, 0xc2, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x01, 0x03, 0x88, 0x09, 0x01,
	0x01, 0x01, 0x14, 0x12, 0x34, 0x02, 0x00, 0x00, 0x00, 0x00, 0x50, 0x00, 0x2a, 0x00, 0xff,
	0x00, 0x03, 0xc7, 0,	0,    0,    0x02, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0,    0,    0,	  0x03, 0x10, 0x00, 0x00,
	0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,	0x00, 0x00,
};

static void expect_frame(const uint8_t *frame, const uint8_t *head, size_t head_length)
{
	for (size_t i = 0; i < LACP_FRAME_LEN; i++) {
		uint8_t want = i < head_length ? head[i] : 0;

		cr_assert_eq(frame[i], want, "byte %zu is %02x, expected %02x", i, frame[i], want);
	}
}

Test(lacp_pdu, F_first_frame_whole)
{
	struct lacp_config config = rig_config();
	struct rig rig;

	config.system_priority = 0x1234;
	config.key = 42;
	config.fast = true;
	rig_init(&rig, &config);
	rig_add(&rig, 3);
	rig_link(&rig, 3, true);
	rig_run(&rig);
	cr_assert_eq(rig_sent(&rig, 3), 1);
	for (size_t i = 0; i < rig.n_log; i++) {
		if (rig.log[i].kind == LOG_SENT)
			expect_frame(rig.log[i].frame, first_frame, sizeof(first_frame));
	}
	rig_done(&rig);
}

Test(lacp_pdu, F_build_and_parse_are_inverse)
{
	static const uint8_t source[6] = { 2, 3, 4, 5, 6, 7 };
	struct lacp_info actor = { .system_priority = 0x0102,
				   .system = { 1, 2, 3, 4, 5, 6 },
				   .key = 0x0304,
				   .port_priority = 0x0506,
				   .port = 0x0708,
				   .state = 0x3d };
	struct lacp_info partner = { .system_priority = 0xf1f2,
				     .system = { 0xa, 0xb, 0xc, 0xd, 0xe, 0xf },
				     .key = 0xf3f4,
				     .port_priority = 0xf5f6,
				     .port = 0xf7f8,
				     .state = 0xc2 };
	uint8_t frame[LACP_FRAME_LEN], again[LACP_FRAME_LEN];
	struct lacp_pdu pdu;
	unsigned int value;
	const char *why;

	lacp_frame_build(frame, source, &actor, &partner);
	cr_assert_eq(lacp_frame_parse(frame, sizeof(frame), &pdu, &why, &value), LACP_FRAME_LACPDU);
	cr_assert_eq(pdu.version, 1);
	cr_assert_eq(pdu.collector_max_delay, 0);
	cr_assert_eq(pdu.actor.system_priority, 0x0102);
	cr_assert_eq(pdu.actor.key, 0x0304);
	cr_assert_eq(pdu.actor.port_priority, 0x0506);
	cr_assert_eq(pdu.actor.port, 0x0708);
	cr_assert_eq(pdu.actor.state, 0x3d);
	cr_assert_eq(memcmp(pdu.actor.system, actor.system, 6), 0);
	cr_assert_eq(pdu.partner.port, 0xf7f8);
	lacp_frame_build(again, source, &pdu.actor, &pdu.partner);
	cr_assert_eq(memcmp(frame, again, sizeof(frame)), 0);
}

/* One changed byte, another length, or bytes after 124: the result and the counter. */
struct frame_case {
	const char *name;
	int at; /* -1: nothing */
	uint8_t value;
	size_t length;
	int result;
	size_t counter;
	const char *why; /* NULL: not rejected */
};

#define COUNTER(member) offsetof(struct ul_lacp_counters, member)

/* clang-format off */
static const struct frame_case frame_cases[] = {
	{ "as it is",             -1, 0,    124, 0, COUNTER(lacpdu_rx), NULL },
	{ "version 2",            15, 2,    124, 0, COUNTER(lacpdu_rx), NULL },
	{ "version 0xf1",         15, 0xf1, 124, 0, COUNTER(lacpdu_rx), NULL },
	{ "padding behind",       -1, 0,    150, 0, COUNTER(lacpdu_rx), NULL },
	{ "reserved not zero",    33, 9,    124, 0, COUNTER(lacpdu_rx), NULL },
	{ "reserved at the end", 123, 9,    124, 0, COUNTER(lacpdu_rx), NULL },
	{ "terminator length",    73, 9,    124, 0, COUNTER(lacpdu_rx), NULL },
	{ "customer bridge",       5, 0x00, 124, 0, COUNTER(lacpdu_rx), NULL },
	{ "non-TPMR bridge",       5, 0x03, 124, 0, COUNTER(lacpdu_rx), NULL },
	{ "other group",           5, 0x0e, 124, -EBADMSG, COUNTER(illegal_rx), "last byte of the destination (14)" },
	{ "unicast",               0, 0x00, 124, -EBADMSG, COUNTER(illegal_rx), "destination" },
	{ "tagged",               12, 0x81, 124, -EBADMSG, COUNTER(illegal_rx), "EtherType (33033)" },
	{ "version 0",            15, 0,    124, -EBADMSG, COUNTER(illegal_rx), "version (0)" },
	{ "one byte short",       -1, 0,    123, -EBADMSG, COUNTER(illegal_rx), "frame length (123)" },
	{ "header only",          -1, 0,     14, -EBADMSG, COUNTER(illegal_rx), "frame length (14)" },
	{ "empty",                -1, 0,      0, -EBADMSG, COUNTER(illegal_rx), "frame length (0)" },
	{ "actor type",           16, 4,    124, -EBADMSG, COUNTER(illegal_rx), "actor TLV type (4)" },
	{ "actor length",         17, 19,   124, -EBADMSG, COUNTER(illegal_rx), "actor TLV length (19)" },
	{ "partner type",         36, 1,    124, -EBADMSG, COUNTER(illegal_rx), "partner TLV type (1)" },
	{ "partner length",       37, 0,    124, -EBADMSG, COUNTER(illegal_rx), "partner TLV length (0)" },
	{ "collector type",       56, 0,    124, -EBADMSG, COUNTER(illegal_rx), "collector TLV type (0)" },
	{ "collector length",     57, 15,   124, -EBADMSG, COUNTER(illegal_rx), "collector TLV length (15)" },
	{ "subtype OAM",          14, 3,    124, -EPROTONOSUPPORT, COUNTER(unknown_rx), NULL },
	{ "subtype OSSP",         14, 10,    60, -EPROTONOSUPPORT, COUNTER(unknown_rx), NULL },
	{ "subtype 0",            14, 0,    124, -EBADMSG, COUNTER(illegal_rx), "subtype (0)" },
	{ "subtype 11",           14, 11,   124, -EBADMSG, COUNTER(illegal_rx), "subtype (11)" },
};
/* clang-format on */

Test(lacp_pdu, F_received_frames)
{
	for (size_t i = 0; i < ARRAY_SIZE(frame_cases); i++) {
		const struct frame_case *c = &frame_cases[i];
		struct lacp_config config = rig_config();
		struct lacp_info actor = { .system = { 2, 0, 0, 0, 0, 9 },
					   .port = 5,
					   .state = SYNCED },
				 partner = { 0 };
		uint8_t frame[200] = { 0 };
		struct ul_lacp_counters stats;
		struct rig rig;
		int r;

		rig_open(&rig, &config, 1);
		rig_run(&rig);
		lacp_frame_build(frame, rig_system, &actor, &partner);
		if (c->at >= 0)
			frame[c->at] = c->value;
		r = rig_receive(&rig, 1, frame, c->length);
		cr_assert_eq(r, c->result, "%s: %d, expected %d", c->name, r, c->result);
		stats = rig_info(&rig, 1).stats;
		cr_assert_eq(*(__u64 *)((char *)&stats + c->counter), 1, "%s: not counted",
			     c->name);
		cr_assert_eq(stats.lacpdu_rx + stats.illegal_rx + stats.unknown_rx, 1,
			     "%s: counted twice", c->name);
		cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_REJECTED), c->why != NULL, "%s: event",
			     c->name);
		if (c->why)
			cr_assert(strstr(rig_event(&rig, 1, LACP_EVENT_REJECTED)->text, c->why),
				  "%s: '%s'", c->name,
				  rig_event(&rig, 1, LACP_EVENT_REJECTED)->text);
		cr_assert_eq(rig_info(&rig, 1).receive_state,
			     c->result ? LACP_RX_EXPIRED : LACP_RX_CURRENT, "%s: state", c->name);
		rig_done(&rig);
	}
}

/*
 * Bytes behind the collector's TLV belong to later versions and have no effect: TLVs of version 2
 * and of SONiC's 0xf1, malformed TLVs, and LACPDUs longer than version 1 allows, which may be
 * truncated.
 */
static const struct {
	const char *name;
	uint8_t version, bytes[12];
	size_t length;
	/* clang-format off */
} tlv_cases[] = {
	{ "version 2, port algorithm",     2,    { 0x04, 6, 0, 0x80, 0xc2, 1, 0, 0 },        124 },
	{ "version 0xf1, retry counts",    0xf1, { 0x80, 4, 3, 0, 0x81, 4, 3, 0, 0, 0 },     124 },
	{ "no terminator up to the end",   2,    { 0x20, 52 },                               124 },
	{ "version 2, length 1",           2,    { 0x04, 1 },                                124 },
	{ "version 2, length 0",           2,    { 0x04, 0 },                                124 },
	{ "version 2, beyond the frame",   2,    { 0x04, 53 },                               124 },
	{ "version 1",                     1,    { 0x04, 0 },                                124 },
	{ "version 2, long LACPDU",        2,    { 0x06, 130 },                              640 },
	{ "version 2, long LACPDU cut",    2,    { 0x06, 255 },                              140 },
};
/* clang-format on */

Test(lacp_pdu, F_further_tlvs)
{
	for (size_t i = 0; i < ARRAY_SIZE(tlv_cases); i++) {
		struct lacp_info actor = { .port = 5, .state = SYNCED }, partner = { 0 };
		uint8_t frame[640] = { 0 };
		struct lacp_pdu pdu;
		unsigned int value;
		const char *why;

		lacp_frame_build(frame, rig_system, &actor, &partner);
		frame[LACP_OFF_VERSION] = tlv_cases[i].version;
		memcpy(frame + LACP_OFF_MORE, tlv_cases[i].bytes, sizeof(tlv_cases[i].bytes));
		cr_assert_eq(lacp_frame_parse(frame, tlv_cases[i].length, &pdu, &why, &value),
			     LACP_FRAME_LACPDU, "%s: %s", tlv_cases[i].name, why);
		cr_assert_eq(pdu.version, tlv_cases[i].version);
		cr_assert_eq(pdu.actor.port, 5);
	}
}

/*
 * Random bytes, mutated valid frames and all truncations, each in an allocation of its exact length
 * for ASan: accepted frames are well-formed, and *ret is written only for them.
 */
Test(lacp_pdu, fuzz_codec)
{
	uint64_t seed = 20140915;
	struct lacp_info actor = { .port = 5, .state = SYNCED }, partner = { .port = 9 };
	size_t accepted = 0, rejected = 0;

	for (int i = 0; i < 200000; i++) {
		uint64_t at = seed;
		size_t length = random_below(&seed, 4) ? LACP_FRAME_LEN + random_below(&seed, 3) :
							 random_below(&seed, 260);
		uint8_t *frame = malloc(length ? length : 1), good[LACP_FRAME_LEN];
		struct lacp_pdu pdu, untouched;
		unsigned int value;
		const char *why;
		enum lacp_frame_kind kind;

		cr_assert_not_null(frame);
		memset(&pdu, 0x5a, sizeof(pdu));
		memset(&untouched, 0x5a, sizeof(untouched));
		for (size_t j = 0; j < length; j++)
			frame[j] = (uint8_t)random_next(&seed);
		lacp_frame_build(good, rig_system, &actor, &partner);
		if (random_below(&seed, 8))
			memcpy(frame, good, length < sizeof(good) ? length : sizeof(good));
		for (uint32_t j = random_below(&seed, 4); j > 0 && length; j--)
			frame[random_below(&seed, (uint32_t)length)] = (uint8_t)random_next(&seed);

		kind = lacp_frame_parse(frame, length, &pdu, &why, &value);
		cr_assert_not_null(why);
		if (kind == LACP_FRAME_LACPDU) {
			accepted++;
			cr_assert(length >= LACP_FRAME_LEN && frame[14] == 1 && frame[15] >= 1 &&
					  frame[16] == 1 && frame[36] == 2,
				  "seed %llu", (unsigned long long)at);
			cr_assert_eq(pdu.actor.port, frame[30] << 8 | frame[31]);
		} else {
			rejected++;
			cr_assert_eq(memcmp(&pdu, &untouched, sizeof(pdu)), 0,
				     "written without success, seed %llu", (unsigned long long)at);
			if (kind == LACP_FRAME_MARKER || kind == LACP_FRAME_MARKER_RESPONSE)
				cr_assert(length >= LACP_FRAME_LEN && frame[14] == 2 &&
					  (frame[17] == 22 || frame[17] == 16));
		}
		free(frame);
	}
	cr_assert_gt(accepted, 20000);
	cr_assert_gt(rejected, 20000);
}

Test(lacp_pdu, each_value_has_a_name_and_no_two_share_one)
{
	static const struct {
		enum lacp_table table;
		unsigned int count;
		const char *first;
		/* clang-format off */
	} tables[] = {
		{ LACP_NAMES_STATE_BIT, 8, "activity" },	{ LACP_NAMES_RECEIVE, LACP_N_RX, "initialize" },
		{ LACP_NAMES_PERIODIC, LACP_N_PERIODIC, "no_periodic" }, { LACP_NAMES_SELECTED, LACP_N_SELECTED, "unselected" },
		{ LACP_NAMES_MUX, LACP_N_MUX, "detached" },	{ LACP_NAMES_CHURN, LACP_N_CHURN, "monitoring" },
		{ LACP_NAMES_EVENT, LACP_N_EVENTS, "receive" },	{ LACP_NAMES_FINDING, LACP_N_FINDINGS, "passive" },
	};
	/* clang-format on */

	cr_assert_eq(ARRAY_SIZE(tables), LACP_N_NAMES);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		cr_assert_str_eq(lacp_name(tables[i].table, 0), tables[i].first);
		for (unsigned int value = 0; value < tables[i].count; value++) {
			const char *name = lacp_name(tables[i].table, value);

			cr_assert_not_null(name, "table %zu has no name for %u", i, value);
			for (unsigned int other = 0; other < value; other++)
				cr_assert_str_neq(lacp_name(tables[i].table, other), name,
						  "values %u and %u", other, value);
		}
		cr_assert_null(lacp_name(tables[i].table, tables[i].count));
	}
}
