// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: a sequence of random LLDP, CDP and PAgP frames on one port. A frame: passing
 * time in seconds (1 byte), length (1 byte), bytes.
 */
#include <ctype.h>

#include "fuzz.h"
#include "lacp/neighbour.h"
#include "lacp/peer_mismatch.h"

static void check_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	CHECK(n < size);
	for (size_t i = 0; i < n; i++)
		CHECK(isprint((unsigned char)text[i]));
}

static void check(const struct ul_neighbour *neighbour, uint64_t now_ms)
{
	const struct peer_mismatch mismatch = { 0 };
	char text[LACP_TEXT_LEN];

	check_text(neighbour->device, sizeof(neighbour->device));
	check_text(neighbour->port, sizeof(neighbour->port));
	CHECK(neighbour->seen_ms <= now_ms && neighbour->pagp_ms <= now_ms &&
	      !neighbour->pagp == !neighbour->pagp_ms);
	CHECK(neighbour->seen_ms || (!neighbour->device[0] && !neighbour->port[0]));
	for (unsigned int channel = UL_CHANNEL_NONE; channel < UL_N_CHANNELS; channel++)
		if (peer_mismatch_findings(&mismatch, neighbour, channel, now_ms) &
		    1U << UL_FIND_PAGP)
			peer_mismatch_describe(&mismatch, neighbour, channel, UL_FIND_PAGP, text,
					       sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ul_neighbour neighbour = { 0 };
	uint64_t now_ms = 1000;

	while (size >= 2) {
		struct ul_neighbour before = neighbour;
		size_t length = data[1];
		uint8_t *frame;

		now_ms += data[0] * 1000ULL;
		data += 2;
		size -= 2;
		length = length < size ? length : size;
		frame = malloc(length ? length : 1); /* of the exact size, for ASan */
		CHECK(frame);
		if (length)
			memcpy(frame, data, length);
		if (neighbour_receive(&neighbour, frame, length, now_ms) < 0)
			CHECK(memcmp(&before, &neighbour, sizeof(before)) == 0);
		free(frame);
		check(&neighbour, now_ms);
		data += length;
		size -= length;
	}
	return 0;
}
