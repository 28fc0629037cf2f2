// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The wire format of PAgP, and what is refused. */
#include <criterion/criterion.h>

#include "pagp_rig.h"

TestSuite(pagp_frames);

/* A steady information PDU between two Catalysts, as published captures show it. */
static const struct pagp_pdu steady = {
	.flags = PAGP_SLOW_HELLO | PAGP_CONSISTENT_STATE,
	.local = { .device = { 0, 0xa, 0x8a, 0x45, 0x43, 0x60 },
		   .learn = 2,
		   .priority = 128,
		   .port = 5,
		   .capability = 0x00010001,
		   .group = 29 },
	.partner = { .device = { 0, 0xa, 0xb7, 0x5f, 0x31, 0x30 },
		     .learn = 2,
		     .priority = 128,
		     .port = 5,
		     .capability = 0x00010001,
		     .group = 29 },
	.count = 1,
};

static const uint8_t source[6] = { 2, 0, 0, 0, 1, 1 };

static enum pagp_frame_kind parse(const uint8_t *frame, size_t length, union pagp_frame *ret,
				  const char **why, unsigned int *value)
{
	/* of the exact size, for ASan */
	uint8_t *copy = malloc(length ? length : 1);
	enum pagp_frame_kind kind;

	cr_assert(copy);
	memcpy(copy, frame, length);
	kind = pagp_frame_parse(copy, length, ret, why, value);
	free(copy);
	return kind;
}

Test(pagp_frames, layout_of_an_information_pdu)
{
	static const uint8_t expected[] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc, 2, 0, 0, 0, 1, 1, 0,
					    73, 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x01, 0x04,
					    /* version, flags */
					    1, 5,
					    /* local */
					    0x00, 0x0a, 0x8a, 0x45, 0x43, 0x60, 2, 128, 0, 0, 0, 5,
					    0, 1, 0, 1, 0, 0, 0, 29,
					    /* partner */
					    0x00, 0x0a, 0xb7, 0x5f, 0x31, 0x30, 2, 128, 0, 0, 0, 5,
					    0, 1, 0, 1, 0, 0, 0, 29,
					    /* partner count, TLVs, device name, port name */
					    0, 1, 0, 2, 0, 1, 0, 8, 'h', 'o', 's', 't', 0, 2, 0, 11,
					    'v', 'm', 'n', 'i', 'c', '0', '0' };
	uint8_t frame[PAGP_MAX_FRAME];

	cr_assert_eq(pagp_frame_build(frame, source, &steady, "host", "vmnic00"), sizeof(expected));
	cr_assert_arr_eq(frame, expected, sizeof(expected));
}

Test(pagp_frames, longest_names_fit_and_are_cut)
{
	static const char name[] = "a name that is longer than any interface may have";
	uint8_t frame[PAGP_MAX_FRAME];
	union pagp_frame parsed;
	unsigned int value;
	const char *why;
	size_t length = pagp_frame_build(frame, source, &steady, name, name);

	cr_assert_leq(length, PAGP_MAX_FRAME);
	cr_assert_eq(parse(frame, length, &parsed, &why, &value), PAGP_FRAME_INFO);
	cr_assert(pagp_pdu_equal(&parsed.info, &steady));
}

Test(pagp_frames, round_trip_with_and_without_names_and_padding)
{
	static const char *const names[] = { "", "eth0" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint8_t frame[PAGP_MAX_FRAME + 8] = {};
		union pagp_frame parsed;
		unsigned int value;
		const char *why;
		size_t length = pagp_frame_build(frame, source, &steady, names[i], "");

		for (size_t padding = 0; padding <= 8; padding++) {
			cr_assert_eq(parse(frame, length + padding, &parsed, &why, &value),
				     PAGP_FRAME_INFO);
			cr_assert(pagp_pdu_equal(&parsed.info, &steady));
		}
	}
}

Test(pagp_frames, every_truncation_is_refused)
{
	uint8_t frame[PAGP_MAX_FRAME];
	size_t length = pagp_frame_build(frame, source, &steady, "host", "eth0");

	for (size_t n = 0; n < length; n++) {
		union pagp_frame parsed;
		unsigned int value;
		const char *why;
		enum pagp_frame_kind kind = parse(frame, n, &parsed, &why, &value);

		cr_assert_eq(kind, n < PAGP_OFF_PDU ? PAGP_FRAME_OTHER : PAGP_FRAME_ILLEGAL, "%zu",
			     n);
	}
}

struct bad {
	const char *what;
	size_t at;     /* of the frame */
	uint8_t value; /* in its place */
	enum pagp_frame_kind kind;
};

static const struct bad bad_frames[] = {
	{ "destination", 5, 0xcd, PAGP_FRAME_OTHER },
	{ "CDP", 20, 0x20, PAGP_FRAME_OTHER },
	{ "OUI", 19, 0x0d, PAGP_FRAME_OTHER },
	{ "EtherType", 12, 8, PAGP_FRAME_ILLEGAL },
	{ "802.3 length of 8", 13, 8, PAGP_FRAME_ILLEGAL },
	{ "802.3 length beyond the frame", 13, 200, PAGP_FRAME_ILLEGAL },
	{ "version 0", 22, 0, PAGP_FRAME_ILLEGAL },
	{ "version 3", 22, 3, PAGP_FRAME_ILLEGAL },
	{ "group address as device", 24, 1, PAGP_FRAME_ILLEGAL },
	{ "more TLVs than there are", 67, 3, PAGP_FRAME_ILLEGAL },
	{ "very many TLVs", 66, 0xff, PAGP_FRAME_ILLEGAL },
	{ "TLV of length 3", 71, 3, PAGP_FRAME_ILLEGAL },
	{ "TLV of length 0", 71, 0, PAGP_FRAME_ILLEGAL },
	{ "TLV beyond the PDU", 71, 40, PAGP_FRAME_ILLEGAL },
	{ "fewer TLVs", 67, 1, PAGP_FRAME_INFO },
	{ "unknown TLV", 69, 9, PAGP_FRAME_INFO },
	{ "unknown flags", 23, 0xff, PAGP_FRAME_INFO },
};

Test(pagp_frames, damaged)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_frames); i++) {
		const struct bad *bad = &bad_frames[i];
		uint8_t frame[PAGP_MAX_FRAME];
		union pagp_frame parsed;
		unsigned int value;
		const char *why;
		size_t length = pagp_frame_build(frame, source, &steady, "host", "eth0");

		frame[bad->at] = bad->value;
		cr_expect_eq(parse(frame, length, &parsed, &why, &value), bad->kind, "%s",
			     bad->what);
	}
}

Test(pagp_frames, a_device_id_of_zeros_is_refused)
{
	struct pagp_pdu pdu = steady;
	uint8_t frame[PAGP_MAX_FRAME];
	union pagp_frame parsed;
	unsigned int value;
	const char *why;

	memset(pdu.local.device, 0, 6);
	cr_assert_eq(parse(frame, pagp_frame_build(frame, source, &pdu, "", ""), &parsed, &why,
			   &value),
		     PAGP_FRAME_ILLEGAL);
	cr_assert_str_eq(why, "device id");
}
