// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Membership queries, byte by byte, and their checksums by the definition. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/util.h"
#include "port/membership.h"

TestSuite(port_membership, .timeout = 300);

static const uint8_t src[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

#define SRC 0x52, 0x54, 0, 0x12, 0x34, 0x56
/* clang-format off */
#define IGMP \
	0x08, 0, 0x46, 0xc0, 0, 36, 0, 0, 0, 0, 1, 2, 0x44, 0x13, 0, 0, 0, 0, 224, 0, 0, 1, 0x94, 4, 0, 0, \
	0x11, 10, 0xec, 0x78, 0, 0, 0, 0, 2, 125, 0, 0
#define MLD \
	0x86, 0xdd, 0x60, 0, 0, 0, 0, 36, 0, 1, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, \
	0xff, 0xff, 0xff, 0xfe, 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, \
	58, 0, 5, 2, 0, 0, 1, 0, 130, 0
/* clang-format on */

static uint16_t ones_complement_sum(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

Test(port_membership, igmp)
{
	static const uint8_t untagged[60] = { 0x01, 0, 0x5e, 0, 0, 1, SRC, IGMP },
			     tagged[64] = { 0x01, 0, 0x5e, 0, 0, 1, SRC, 0x81, 0, 0, 100, IGMP };
	uint8_t frame[MEMBERSHIP_FRAME_MAX];
	size_t length;

	memset(frame, 0xaa, sizeof(frame));
	membership_igmp_query(src, 0, frame, &length);
	cr_assert_eq(length, sizeof(untagged));
	cr_expect_arr_eq(frame, untagged, length);
	cr_expect_eq(ones_complement_sum(frame + 14, 24), 0xffff);
	cr_expect_eq(ones_complement_sum(frame + 14 + 24, 12), 0xffff);
	membership_igmp_query(src, 100, frame, &length);
	cr_assert_eq(length, sizeof(tagged));
	cr_expect_arr_eq(frame, tagged, length);
}

Test(port_membership, mld)
{
	static const uint8_t start[] = { 0x33, 0x33, 0, 0, 0, 1, SRC, MLD },
			     tagged[] = { 0x33, 0x33, 0, 0, 0, 1, SRC, 0x81, 0, 0x0f, 0xfe, MLD };
	/* source, destination, length, next header, message */
	uint8_t frame[MEMBERSHIP_FRAME_MAX], checked[32 + 8 + 28] = { 0 };
	size_t length;

	memset(frame, 0xaa, sizeof(frame));
	membership_mld_query(src, 0, frame, &length);
	cr_assert_eq(length, 14 + 40 + 8 + 28);
	cr_expect_arr_eq(frame, start, sizeof(start));
	memcpy(checked, frame + 14 + 8, 32);
	checked[35] = 28;
	checked[39] = 58;
	memcpy(checked + 40, frame + 14 + 48, 28);
	cr_expect_eq(ones_complement_sum(checked, sizeof(checked)), 0xffff);
	cr_expect_eq(get_be16(frame + 14 + 48 + 4), 1000, "milliseconds");
	for (int i = 8; i < 24; i++)
		cr_expect_eq(frame[14 + 48 + i], 0, "a general query");
	cr_expect_eq(frame[14 + 48 + 24], 2);
	cr_expect_eq(frame[14 + 48 + 25], 125);
	membership_mld_query(src, 4094, frame, &length);
	cr_assert_eq(length, 14 + 4 + 40 + 8 + 28);
	cr_expect_arr_eq(frame, tagged, sizeof(tagged));
}
