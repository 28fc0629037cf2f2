// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The programs against the reference model: random switches, random frames, at least 100,000 per
 * program. The seed is fixed, so that a failure comes back; UPLINKD_SEED=N takes another one,
 * UPLINKD_FRAMES=N another number. */
#include <criterion/criterion.h>

#include "check.h"

TestSuite(random, .timeout = 900);

#define FRAMES_PER_SWITCH 500

static uint32_t random_endpoint(const struct sw *sw, enum model_program program, uint64_t *state)
{
	uint32_t endpoint;

	if (frame_random(state) % 200 == 0)
		return UL_ENDPOINT_NONE;
	if (program == MODEL_PORT_TC) {
		endpoint = (uint32_t)(frame_random(state) % sw->n_ports);
		return sw->port[endpoint].absent ? UL_ENDPOINT_NONE : UL_ENDPOINT_PORT0 + endpoint;
	}
	endpoint = (uint32_t)(frame_random(state) % sw->n_uplinks);
	return sw->uplink[endpoint].absent ? UL_ENDPOINT_NONE : endpoint;
}

/* TEST_RUN cannot make a super-frame that a device would take, so only frames without copies to
 * ports become one; live.c sends real ones. */
static void make_super_frame(const struct sw *sw, enum model_program program, uint32_t endpoint,
			     uint32_t segments, struct frame_buf *frame)
{
	static struct model_result result;
	struct model_input in = { .program = program,
				  .endpoint = endpoint,
				  .data = frame->data,
				  .len = frame->len,
				  .segments = segments };

	model_run(sw, &in, &result);
	if (result.n_copies <= (result.verdict == MODEL_REDIRECT))
		frame->segments = segments;
}

/* The frame from an uplink as one of the ports may have sent it. false: not this port. */
static bool as_from_port(const struct sw *sw, uint32_t slot, const struct frame_buf *frame,
			 struct frame_buf *ret)
{
	const struct sw_group *group = &sw->group[sw->port[slot].group];
	uint32_t type = (uint32_t)frame->data[12] << 8 | frame->data[13];
	bool tagged = type == 0x8100 || type == 0x88a8;
	uint32_t vid = tagged ? (frame->data[14] & 15u) << 8 | frame->data[15] : 0;

	*ret = *frame;
	ret->segments = 0;
	if (group->mode == UL_VLAN_VGT)
		return true;
	if (group->mode == UL_VLAN_EST)
		return !vid;
	if (type != 0x8100 || vid != group->vid || frame->len < 22)
		return false;
	memmove(ret->data + 12, ret->data + 16, ret->len - 16);
	ret->len -= 4;
	/* a priority tag would not leave behind the tag of the VLAN, but be merged into it */
	type = (uint32_t)ret->data[12] << 8 | ret->data[13];
	return type != 0x8100 || (ret->data[14] & 15) || ret->data[15];
}

/* A frame with the source of one from a port, as it may come from an uplink. */
static void from_outside(const struct sw *sw, uint32_t slot, const struct frame_buf *frame,
			 struct frame_buf *ret)
{
	const struct sw_group *group = &sw->group[sw->port[slot].group];
	uint32_t type = (uint32_t)frame->data[12] << 8 | frame->data[13];

	memset(ret, 0, sizeof(*ret));
	memset(ret->data, 0xff, 6);
	memcpy(ret->data + 6, frame->data + 6, 6);
	ret->len = 60;
	if (group->mode == UL_VLAN_VST) {
		ret->data[12] = 0x81;
		ret->data[14] = (uint8_t)(group->vid >> 8);
		ret->data[15] = (uint8_t)group->vid;
	} else if (group->mode == UL_VLAN_VGT && (type == 0x8100 || type == 0x88a8)) {
		memcpy(ret->data + 12, frame->data + 12, 4);
	}
}

/* Now and then the frame is a reflection, or its source was heard from outside: by a frame through
 * the program at the other side. */
static struct check_before prepare(struct world *world, const struct sw *sw,
				   enum model_program program, uint32_t endpoint,
				   const struct frame_buf *frame, uint64_t *state)
{
	static struct model_result result;
	static struct world_counters ignored;
	static struct world_run run;
	static struct frame_buf earlier;
	bool from_port = program != MODEL_PORT_TC;
	enum model_program other = from_port ? MODEL_PORT_TC : MODEL_UPLINK_TC;
	uint32_t at = random_endpoint(sw, other, state);
	struct model_input in = { .program = other, .endpoint = at, .data = earlier.data };
	struct check_before before = { false, false };

	if (at == UL_ENDPOINT_NONE || endpoint == UL_ENDPOINT_NONE || frame->len < 18)
		return before;
	if (!from_port)
		from_outside(sw, endpoint - UL_ENDPOINT_PORT0, frame, &earlier);
	else if (!as_from_port(sw, at - UL_ENDPOINT_PORT0, frame, &earlier))
		return before;
	in.len = earlier.len;
	if (world_kernel_refuses(other, &earlier))
		return before;
	model_run(sw, &in, &result);
	before = (struct check_before){ .sent = result.notes_sent, .heard = result.notes_outside };
	world_apply_ownership(world, sw);
	world_test_run(world, other, at, &earlier, &run);
	world_counters(world, &ignored);
	world_events(world);
	return before;
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
		struct check_before before;
		struct frame_hints hints = { .from_uplink = program != MODEL_PORT_TC,
					     .max_len = 3400 };

		if (i % FRAMES_PER_SWITCH == 0) {
			random_switch(&state, &sw);
			if (frame_random(&state) % 100 < 70)
				random_ownership(&state, &sw);
			world_apply(world, &sw);
		}
		hints.endpoint = random_endpoint(&sw, program, &state);
		frame_make_random(&sw, &hints, &state, (uint32_t)i, &frame);
		if (program != MODEL_UPLINK_XDP && frame_random(&state) % 10 == 0)
			make_super_frame(&sw, program, hints.endpoint,
					 (uint32_t)(2 + frame_random(&state) % 40), &frame);
		if (world_kernel_refuses(program, &frame)) {
			n++;
			continue;
		}
		before = (struct check_before){ false, false };
		if (sw.ownership && frame_random(&state) % 3 == 0)
			before = prepare(world, &sw, program, hints.endpoint, &frame, &state);
		result = check_test_run_after(world, &sw, program, hints.endpoint, &frame, seed,
					      before);
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
		UL_R_GUEST_LACP,
		UL_R_GUEST_DISCOVERY,
		UL_R_GUEST_TRUNKING,
		UL_R_GUEST_REGISTRATION,
		UL_R_GUEST_PAUSE,
		UL_R_RESERVED_ADDRESS,
		UL_R_HAIRPIN,
		UL_R_TOO_BIG,
		UL_R_FAILOVER,
		UL_R_BOTH_WAYS,
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
		UL_R_MOVED_OUTSIDE,
		UL_REASON_SLOTS,
	};

	compare(MODEL_UPLINK_TC, least);
}
