// SPDX-License-Identifier: GPL-2.0
/* The programs against the reference model: random switches, random frames, at least 100,000 per
 * program. The seed is fixed, so that a failure comes back; UPLINKD_SEED=N takes another one,
 * UPLINKD_FRAMES=N another number. */
#include <criterion/criterion.h>

#include "check.h"

TestSuite(random, .timeout = 300);

#define FRAMES_PER_SWITCH 500

static uint32_t random_object(const struct sw *sw, enum model_program program, uint64_t *state)
{
	uint32_t object;

	if (frame_random(state) % 200 == 0)
		return UL_OBJECT_NONE;
	if (program == MODEL_PORT_TC) {
		object = (uint32_t)(frame_random(state) % sw->n_ports);
		return sw->port[object].absent ? UL_OBJECT_NONE : UL_OBJECT_PORT0 + object;
	}
	object = (uint32_t)(frame_random(state) % sw->n_uplinks);
	return sw->uplink[object].absent ? UL_OBJECT_NONE : object;
}

/* TEST_RUN cannot make a super-frame that a device would take, so only frames without copies to
 * ports become one; live.c sends real ones. */
static void make_super_frame(const struct sw *sw, enum model_program program, uint32_t object,
			     uint32_t segments, struct frame_buf *frame)
{
	static struct model_result result;
	struct model_input in = { .program = program,
				  .object = object,
				  .data = frame->data,
				  .len = frame->len,
				  .segments = segments };

	model_run(sw, &in, &result);
	if (result.n_copies <= (result.verdict == MODEL_REDIRECT))
		frame->segments = segments;
}

static void compare(enum model_program program, const uint64_t *least)
{
	static struct frame_buf frame;
	static uint64_t reached[UL_REASON_SLOTS];
	struct world *world = world_new(program == MODEL_UPLINK_XDP ? WORLD_XDP : 0);
	uint64_t seed = check_setting("UPLINKD_SEED", 20240229),
		 n = check_setting("UPLINKD_FRAMES", 100000);
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL + program + 1;
	struct sw sw;

	/* n grows by the frames that TEST_RUN does not take. */
	for (uint64_t i = 0; i < n; i++) {
		const struct model_result *result;
		struct frame_hints hints = { .from_uplink = program != MODEL_PORT_TC,
					     .max_len = 3400 };

		if (i % FRAMES_PER_SWITCH == 0) {
			random_switch(&state, &sw);
			world_apply(world, &sw);
		}
		hints.object = random_object(&sw, program, &state);
		frame_make_random(&sw, &hints, &state, (uint32_t)i, &frame);
		if (program != MODEL_UPLINK_XDP && frame_random(&state) % 10 == 0)
			make_super_frame(&sw, program, hints.object,
					 (uint32_t)(2 + frame_random(&state) % 40), &frame);
		if (world_kernel_refuses(program, &frame)) {
			n++;
			continue;
		}
		result = check_test_run(world, &sw, program, hints.object, &frame, seed);
		for (uint32_t k = 0; k < result->n_counts; k++)
			reached[result->count[k].reason]++;
	}
	/* A generator that does not reach a reason proves nothing about it. */
	for (; n >= 100000 && *least != UL_REASON_SLOTS; least++)
		cr_expect_geq(reached[*least], n / 10000, "reason %llu was reached only %llu times",
			      (unsigned long long)*least, (unsigned long long)reached[*least]);
	world_free(world);
}

Test(random, port_tc)
{
	static const uint64_t least[] = {
		UL_R_SENT,
		UL_R_TO_UPLINK,
		UL_R_TO_PORT,
		UL_R_FLOODED,
		UL_R_TRUNCATED,
		UL_R_UNKNOWN_PORT,
		UL_R_INVALID_SOURCE,
		UL_R_FORGED_SOURCE,
		UL_R_VLAN_FROM_ACCESS,
		UL_R_VLAN_NOT_ALLOWED,
		UL_R_NO_UPLINK,
		UL_R_PORT_DOWN,
		UL_R_GUEST_BPDU,
		UL_R_RESERVED_ADDRESS,
		UL_R_HAIRPIN,
		UL_R_TOO_BIG,
		UL_R_FAILOVER,
		UL_REASON_SLOTS,
	};

	compare(MODEL_PORT_TC, least);
}

Test(random, uplink_xdp)
{
	static const uint64_t least[] = {
		UL_R_SENT,	   UL_R_TO_PORT,	  UL_R_TRUNCATED,
		UL_R_UNKNOWN_PORT, UL_R_INVALID_SOURCE,	  UL_R_REFLECTED,
		UL_R_UNKNOWN_VLAN, UL_R_UNKNOWN_UNICAST,  UL_R_INACTIVE_UPLINK,
		UL_R_PORT_DOWN,	   UL_R_RESERVED_ADDRESS, UL_R_TOO_BIG,
		UL_REASON_SLOTS,
	};

	compare(MODEL_UPLINK_XDP, least);
}

Test(random, uplink_tc)
{
	static const uint64_t least[] = {
		UL_R_SENT,
		UL_R_TO_PORT,
		UL_R_FLOODED,
		UL_R_CONTROL,
		UL_R_TRUNCATED,
		UL_R_UNKNOWN_PORT,
		UL_R_INVALID_SOURCE,
		UL_R_REFLECTED,
		UL_R_UNKNOWN_VLAN,
		UL_R_UNKNOWN_UNICAST,
		UL_R_INACTIVE_UPLINK,
		UL_R_PORT_DOWN,
		UL_R_RESERVED_ADDRESS,
		UL_R_TOO_BIG,
		UL_REASON_SLOTS,
	};

	compare(MODEL_UPLINK_TC, least);
}
