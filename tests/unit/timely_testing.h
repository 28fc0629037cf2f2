/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For the tests of user/timely/: a switch whose commands the test executes. Uplink i has the
 * interface 100 + i. */
#ifndef UL_TESTS_TIMELY_TESTING_H
#define UL_TESTS_TIMELY_TESTING_H

#include "switch_testing.h"
#include "timely/client.h"

#define TEST_NETDEV 0xffff888000001000ULL
#define CARRIER_DOWN (UL_CARRIER_KNOWN | UL_CARRIER_ADMIN)
#define CARRIER_NEW (CARRIER_DOWN | UL_CARRIER_UP)
#define CARRIER_UP (CARRIER_NEW | UL_CARRIER_READY)

static inline struct timely_switch *side(const struct switch_test *test)
{
	return test->vs.timely->local;
}

static inline const struct ul_uplink *uplink_of(const struct switch_test *test, uint32_t index)
{
	return &test->vs.context.dp->uplinks[index];
}

/* netdev 0: the carrier is the one of the command. */
static inline void link_uplink(struct switch_test *test, uint32_t index, uint64_t netdev, bool up)
{
	const struct timely_link link = { .uplink = index,
					  .ifindex = 100 + index,
					  .netdev = netdev,
					  .carrier = up,
					  .admin_up = true,
					  .fd = { -1, -1, -1 } };

	cr_assert_eq(timely_link(test->vs.timely, &link), 0);
}

/* Of context.cfg, in the same order. */
static inline void order_uplinks(struct switch_test *test)
{
	uint8_t to[UL_MAX_UPLINKS];

	uplinks_new_order(test->vs.uplinks, to);
	cr_assert_eq(timely_order(test->vs.timely, to), 0);
	uplinks_renumber(test->vs.uplinks, to);
}

/* Without a channel, with a carrier at every uplink, and started. */
static inline struct switch_test *timely_test_new(uint32_t n, uint64_t netdev)
{
	struct switch_test *test = switch_test_new(false, n, UL_CHANNEL_NONE);
	uint32_t slots[2];

	test->fixture->cfg.carrier_poll_ms = 10;
	order_uplinks(test);
	for (uint32_t i = 0; i < n; i++) {
		uplink_write_ifindex(test->vs.context.dp, i, 100 + i);
		test->fixture->fake.carriers[i] = CARRIER_UP;
		link_uplink(test, i, netdev, true);
	}
	cr_assert_eq(timely_start(test->vs.timely), 0);
	cr_assert_eq(timely_assign(test->vs.timely, slots), 0);
	timely_prune(test->vs.timely, slots);
	timely_publish(test->vs.timely);
	for (uint32_t i = 0; i < n; i++)
		cr_assert(uplink_of(test, i)->flags & UL_UP_SEND);
	return test;
}

#endif
