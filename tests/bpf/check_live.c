// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "live.h"

struct batch {
	const struct sw *sw;
	struct live_list expected, got;
	struct world_counters want, counted;
	uint32_t n_events;
	struct ul_event event[WORLD_MAX_EVENTS];
};

static void expect_result(struct batch *batch, const struct model_input *in,
			  const struct model_result *result)
{
	static uint8_t bytes[FRAME_MAX + 64];

	for (uint32_t i = 0; i < result->n_counts; i++)
		world_add_count(&batch->want, &result->count[i], result->packets, result->bytes);
	for (uint32_t i = 0; i < result->n_copies; i++)
		live_expect(&batch->expected, result->copy[i].endpoint, bytes,
			    model_materialize(in, &result->copy[i], bytes));
	if (result->event_kind) {
		struct ul_event *event = &batch->event[batch->n_events++];

		*event = (struct ul_event){
			result->event_kind, result->event_port, result->event_vid, { 0 }
		};
		memcpy(event->mac, in->data + 6, 6);
	}
}

static void expect_frame(struct world *world, struct batch *batch, uint32_t endpoint,
			 const struct frame_buf *frame)
{
	static struct model_result result;
	struct model_input in = { .endpoint = endpoint, .data = frame->data, .len = frame->len };

	/* Port programs are on the stranger as well. */
	if (endpoint >= UL_ENDPOINT_PORT0 || endpoint == UL_ENDPOINT_NONE) {
		in.program = MODEL_PORT_TC;
		in.offloaded_tag = true;
		model_run(batch->sw, &in, &result);
		expect_result(batch, &in, &result);
		return;
	}
	/* The interface exists, but the switch does not count it as a member now. */
	if (batch->sw->uplink[endpoint].absent)
		in.endpoint = UL_ENDPOINT_NONE;
	if (world->flags & WORLD_XDP) {
		in.program = MODEL_UPLINK_XDP;
		model_run(batch->sw, &in, &result);
		expect_result(batch, &in, &result);
		if (result.verdict != MODEL_PASS)
			return;
	}
	in.program = MODEL_UPLINK_TC;
	in.offloaded_tag = true;
	model_run(batch->sw, &in, &result);
	expect_result(batch, &in, &result);
}

static bool same_events(const struct world *world, const struct batch *batch)
{
	return world->n_events == batch->n_events &&
	       memcmp(world->event, batch->event, batch->n_events * sizeof(*batch->event)) == 0;
}

void check_live(struct world *world, const struct sw *sw, const uint32_t *endpoints,
		const struct frame_buf *frames, size_t n, uint64_t seed)
{
	check_live_judged(world, sw, endpoints, frames, n, seed, NULL, NULL);
}

void check_live_judged(struct world *world, const struct sw *sw, const uint32_t *endpoints,
		       const struct frame_buf *frames, size_t n, uint64_t seed,
		       void (*judge)(void *userdata, const struct live_frame *frame),
		       void *userdata)
{
	static char differences[6000], want[6000], got[6000];
	static struct batch batch;
	bool counted, same;

	memset(&batch, 0, sizeof(batch));
	batch.sw = sw;
	live_list_init(&batch.expected);
	live_list_init(&batch.got);
	for (size_t i = 0; i < n; i++)
		expect_frame(world, &batch, endpoints[i], &frames[i]);
	for (size_t i = 0; i < n; i++)
		live_send(world, endpoints[i], &frames[i]);

	live_collect(world, batch.expected.n, &batch.got);
	counted = live_wait_counters(world, &batch.want, &batch.counted);
	live_collect(world, 0, &batch.got);
	world_events(world);
	same = live_same(&batch.expected, &batch.got, differences, sizeof(differences));
	if (!same || !counted || !same_events(world, &batch)) {
		world_print_counters(&batch.want, want, sizeof(want));
		world_print_counters(&batch.counted, got, sizeof(got));
		if (n == 1)
			frame_dump(frames->data, frames->len, want + strlen(want),
				   sizeof(want) - strlen(want));
		cr_assert_fail(
			"seed %llu, %zu frames, first from endpoint %u: expected %zu frames, got %zu; expected %u events, got %u\n%s"
			"  expected counters%s\n  got      counters%s",
			(unsigned long long)seed, n, endpoints[0], batch.expected.n, batch.got.n,
			batch.n_events, world->n_events, differences, want, got);
	}
	for (size_t i = 0; judge && i < batch.got.n; i++)
		judge(userdata, &batch.got.frame[i]);
	live_list_free(&batch.expected);
	live_list_free(&batch.got);
}
