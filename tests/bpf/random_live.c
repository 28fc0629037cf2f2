// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* As random.c, over real interfaces: here the outer tag lies where the kernel keeps it, redirects
 * arrive, and every copy is compared. */
#include <criterion/criterion.h>

#include "check.h"
#include "live.h"

TestSuite(random_live, .timeout = 900);

#define BATCH 250

/* Redirected frames above this are not in one buffer everywhere. */
#define LONGEST 2900

static uint32_t random_endpoint(const struct sw *sw, bool from_uplink, uint64_t *state)
{
	uint32_t endpoint;

	if (frame_random(state) % 200 == 0)
		return UL_ENDPOINT_NONE;
	if (from_uplink)
		return (uint32_t)(frame_random(state) % sw->n_uplinks);
	endpoint = (uint32_t)(frame_random(state) % sw->n_ports);
	return sw->port[endpoint].absent ? UL_ENDPOINT_NONE : UL_ENDPOINT_PORT0 + endpoint;
}

static void compare(uint32_t flags, bool from_uplink)
{
	static struct frame_buf frames[BATCH];
	static uint32_t endpoints[BATCH];
	struct world *world = world_new(flags);
	uint64_t seed = check_setting("UPLINKD_SEED", 20240229),
		 n = check_setting("UPLINKD_FRAMES", 100000);
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL + flags;
	struct sw sw;

	live_open(world);
	for (uint64_t i = 0; i < n; i += BATCH) {
		random_switch(&state, &sw);
		world_apply(world, &sw);
		for (uint32_t k = 0; k < BATCH; k++) {
			struct frame_hints hints = { .live = true,
						     .from_uplink = from_uplink,
						     .max_len = LONGEST };

			hints.endpoint = endpoints[k] = random_endpoint(&sw, from_uplink, &state);
			frame_make_random(&sw, &hints, &state, (uint32_t)i + k, &frames[k]);
		}
		check_live(world, &sw, endpoints, frames, BATCH, seed);
	}
	world_free(world);
}

Test(random_live, from_ports)
{
	compare(WORLD_TC | WORLD_NETDEV, false);
}

Test(random_live, from_uplinks_by_tc)
{
	compare(WORLD_TC, true);
}

Test(random_live, from_uplinks_by_xdp_and_tc)
{
	compare(WORLD_TC | WORLD_XDP, true);
}
