// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: addresses of diagnose --probe, and frames that arrive as answers. Input: the
 * addresses up to a NUL, then frames. A frame: the step that sent (two bytes), the uplink it
 * arrives at, its VLAN (two bytes), a byte: 1: bytes as they are, whose number follows; else the
 * frame of the step with that many changed bytes (place and value), 0x80: as an ARP reply.
 */
#include "../unit/view_fake.h"
#include "fuzz.h"
#include "records/probe.h"

static const uint8_t nonce[PROBE_NONCE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static struct snapshot *make_snapshot(void)
{
	static struct fake fake;
	static struct view view;
	struct snapshot *snapshot = NULL;
	const uint8_t all[] = { 0, 1, 2 };

	fake_init(&fake, 3);
	fake_policy(&fake, 1, UL_M_PORT_ID, 0, all, 3, NULL, 0);
	fake_group(&fake, 1, "other", 10, 1);
	fake_port(&fake, 1, "vnet1", 1, 2);
	fake_view(&fake, &view);
	CHECK(snapshot_take(&view, &snapshot) == 0);
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		snapshot->uplinks[i].usable = true;
	return snapshot;
}

static size_t sent_frame(const struct probe *probe, const struct probe_step *step,
			 struct input *input, uint8_t what, uint8_t *frame)
{
	size_t length = probe_frame(probe, step, take(input) % PROBE_TRIES, frame);

	CHECK(length >= 60 && length <= PROBE_MAX_FRAME);
	if (what & 0x80 && length >= 42) {
		frame[21] = 2;
		memcpy(frame + 28, frame + 38, 4);
		memcpy(frame + 32, frame + 6, 6);
		memcpy(frame, frame + 6, 6);
	}
	for (uint8_t n = (what & 0x7f) >> 1 & 7; n; n--) {
		size_t at = take_u16(input) % length;

		frame[at] = take(input);
	}
	return length;
}

static void receive(struct probe *probe, struct input *input)
{
	static uint8_t sent[PROBE_MAX_FRAME];
	uint32_t number = take_u16(input), uplink, vid;
	struct probe_step step;
	uint32_t forged = probe->forged;
	size_t length;
	uint8_t what, *frame;
	bool answer;

	uplink = take(input) % (UL_MAX_UPLINKS + 2);
	vid = take_u16(input);
	what = take(input);
	if (!probe_step_at(probe, number, &step))
		return;
	if (what & 1) {
		frame = take_exactly(input, take(input), &length);
	} else {
		length = sent_frame(probe, &step, input, what, sent);
		frame = malloc(length);
		CHECK(frame);
		memcpy(frame, sent, length);
	}
	answer = probe_receive(probe, &step, uplink, vid, frame, length);
	CHECK(!answer || probe->forged == forged);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot *snapshot;
	static struct probe probe;
	struct input input = { .at = data, .left = size };
	char *targets = take_text(&input), bad[64];
	json_t *findings;
	char *text;

	if (!snapshot)
		snapshot = make_snapshot();
	probe_init(&probe, snapshot, nonce);
	if (probe_add_targets(&probe, targets, bad) < 0)
		CHECK(memchr(bad, 0, sizeof(bad)));
	CHECK(probe.n_targets <= PROBE_MAX_TARGETS);
	while (input.left)
		receive(&probe, &input);
	findings = probe_findings(&probe);
	text = json_dumps(findings, 0);
	CHECK(text);
	free(text);
	json_decref(findings);
	free(targets);
	return 0;
}
