// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: records of the capture's ring buffer. A record: its length in two bytes, its
 * bytes. Each frame becomes a line of text and a block of pcapng, whose lengths agree.
 */
#include "capture/frame_text.h"
#include "capture/pcapng.h"
#include "common/util.h"
#include "dataplane/observer.h"
#include "fuzz.h"

struct out {
	FILE *file;
	size_t n;
};

static int on_frame(void *userdata, const struct ul_captured *header, const uint8_t *bytes)
{
	struct out *out = userdata;
	struct pcapng_frame frame = { .time_ns = header->time_ns };
	uint8_t *tagged;
	char text[FRAME_TEXT_LEN];

	CHECK(header->captured <= UL_CAPTURE_MAX_BYTES);
	tagged = malloc(header->captured + 4);
	CHECK(tagged);
	frame.captured = observer_add_tag(header, bytes, tagged);
	CHECK(frame.captured <= header->captured + 4);
	frame.length = header->length;
	frame.outbound = header->direction == UL_CAPTURE_OUT;
	frame.bytes = tagged;
	CHECK(pcapng_write(out->file, &frame) == 0);
	CHECK(frame_text(tagged, frame.captured, frame.length, text) == text && text[0]);
	CHECK(strlen(text) < FRAME_TEXT_LEN);
	free(tagged);
	out->n++;
	return 0;
}

static void check_blocks(const char *text, size_t size, size_t n_frames)
{
	size_t n = 0, at = 0;

	for (; at < size; n++) {
		uint32_t length, again;

		CHECK(size - at >= 12);
		memcpy(&length, text + at + 4, 4);
		CHECK(length >= 12 && length % 4 == 0 && length <= size - at);
		memcpy(&again, text + at + length - 4, 4);
		CHECK(again == length);
		at += length;
	}
	CHECK(n == n_frames + 3); /* section, interface, statistics */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	char *text = NULL;
	size_t text_size = 0;
	struct out out = { .file = open_memstream(&text, &text_size) };

	CHECK(out.file && pcapng_begin(out.file, "vnet0", "fuzz", 1500) == 0);
	while (input.left) {
		size_t most = take_u16(&input), length;
		uint8_t *record = take_exactly(&input, most, &length);

		CHECK(observer_parse(record, length, on_frame, &out) == 0);
		free(record);
	}
	CHECK(pcapng_end(out.file, 1, out.n, 0) == 0);
	fclose(out.file);
	check_blocks(text, text_size, out.n);
	free(text);
	return 0;
}
