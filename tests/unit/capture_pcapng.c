// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The blocks of a pcapng file. tests/netns/test_capture.py reads whole files with tshark. */
#include "capture/pcapng.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/util.h"

static uint32_t word_at(const char *data, size_t at)
{
	uint32_t word;

	memcpy(&word, data + at, sizeof(word));
	return word;
}

Test(capture_pcapng, blocks_have_equal_lengths_at_both_ends)
{
	static const uint32_t types[] = { 0x0a0d0d0a, 1, 6, 6, 5 };
	const uint8_t bytes[61] = { 1, 2, 3 };
	struct pcapng_frame frame = { .time_ns = 0x123456789abcdef0,
				      .length = 1500,
				      .captured = 61,
				      .outbound = 1,
				      .bytes = bytes };
	_cleanup_free_ char *data = NULL;
	size_t size = 0, at = 0, n = 0;
	FILE *out = open_memstream(&data, &size);

	cr_assert_eq(pcapng_begin(out, "eth0", "uplinkctl 1.0", 16384), 0);
	cr_assert_eq(pcapng_write(out, &frame), 0);
	frame.captured = 64;
	frame.bytes = (const uint8_t[64]){};
	cr_assert_eq(pcapng_write(out, &frame), 0);
	cr_assert_eq(pcapng_end(out, 1, 2, 3), 0);
	fclose(out);
	for (; at < size; n++) {
		uint32_t length = word_at(data, at + 4);

		cr_assert_lt(n, ARRAY_SIZE(types));
		cr_expect_eq(word_at(data, at), types[n]);
		cr_assert(length % 4 == 0 && at + length <= size);
		cr_expect_eq(word_at(data, at + length - 4), length);
		if (n == 2) {
			cr_expect_eq(word_at(data, at + 12), 0x12345678);
			cr_expect_eq(word_at(data, at + 16), 0x9abcdef0);
			cr_expect_eq(word_at(data, at + 20), 61);
			cr_expect_eq(word_at(data, at + 24), 1500);
			cr_expect_eq(data[at + 28], 1);
			/* after 61 bytes and 3 of padding: epb_flags, outbound */
			cr_expect_eq(word_at(data, at + 28 + 64 + 4), 2);
		}
		at += length;
	}
	cr_expect_eq(n, ARRAY_SIZE(types));
}

Test(capture_pcapng, a_full_disk_is_an_error)
{
	_cleanup_fclose_ FILE *out = fopen("/dev/full", "w");

	cr_assert(out);
	setvbuf(out, NULL, _IONBF, 0);
	cr_expect_eq(pcapng_begin(out, "eth0", "x", 64), -ENOSPC);
}
