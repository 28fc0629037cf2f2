// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Inputs by commands and by the callbacks of channel/, outputs in the maps; no interfaces. */
#include "timely_testing.h"

TestSuite(timely_publish);

/* Attached uplinks without a carrier, one policy with all of them active. */
static struct switch_test *publish_test_new(uint32_t n_uplinks, enum ul_channel channel)
{
	struct switch_test *test = switch_test_new(false, n_uplinks, channel);
	uint32_t slots[2];

	for (uint32_t i = 0; i < n_uplinks; i++)
		uplink_write_ifindex(test->vs.context.dp, i, 100 + i);
	cr_assert_eq(timely_assign(test->vs.timely, slots), 0);
	cr_assert_eq(slots[0], 0);
	timely_publish(test->vs.timely);
	return test;
}

static void set_link(struct switch_test *test, uint32_t index, bool up)
{
	const struct timely_link link = { .uplink = index,
					  .ifindex = 100 + index,
					  .carrier = up,
					  .admin_up = true,
					  .fd = { -1, -1, -1 } };

	cr_assert_eq(timely_link(test->vs.timely, &link), 0);
	timely_publish(test->vs.timely);
}

static uint32_t flags_of(const struct switch_test *test, uint32_t index)
{
	return test->fixture->fake.dp.uplinks[index].flags;
}

static uint32_t buckets_of(const struct switch_test *test, uint8_t uplink)
{
	const struct ul_policy *policy = &test->fixture->fake.dp.policies[0];
	uint32_t n = 0;

	for (uint32_t i = 0; i < policy->n_buckets; i++)
		n += policy->bucket[i] == uplink;
	return n;
}

Test(timely_publish, flags_and_buckets_follow_the_links)
{
	struct switch_test *test = publish_test_new(2, UL_CHANNEL_NONE);

	cr_expect_eq(buckets_of(test, 0) + buckets_of(test, 1), 0);
	set_link(test, 0, true);
	cr_expect_eq(flags_of(test, 0), UL_UP_CARRIER | UL_UP_ADMIN | UL_UP_SEND | UL_UP_RECEIVE);
	cr_expect_eq(buckets_of(test, 0), test->fixture->fake.dp.policies[0].n_buckets);
	set_link(test, 1, true);
	cr_expect_eq(buckets_of(test, 1), buckets_of(test, 0));
	set_link(test, 0, false);
	cr_expect_eq(flags_of(test, 0), UL_UP_ADMIN | UL_UP_RECEIVE);
	cr_expect_eq(buckets_of(test, 0), 0);
	switch_test_free(test);
}

Test(timely_publish, events_name_the_link_and_the_reason)
{
	struct switch_test *test = publish_test_new(1, UL_CHANNEL_NONE);

	set_link(test, 0, true);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_LINK, "up0"), 1);
	cr_expect_eq(last_event(test->fixture)->code, EVENT_UPLINK_STATE);
	cr_expect_str_eq(last_event(test->fixture)->text, "in use");
	set_link(test, 0, true);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_LINK, "up0"), 1);
	set_link(test, 0, false);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_LINK, "up0"), 2);
	cr_expect_str_eq(last_event(test->fixture)->text, "no carrier");
	switch_test_free(test);
}

/* Before an interface is detached no program may send there; the policies follow later. */
Test(timely_publish, a_detached_interface_loses_its_flags_at_once)
{
	struct switch_test *test = publish_test_new(2, UL_CHANNEL_NONE);
	uint32_t served;

	set_link(test, 0, true);
	set_link(test, 1, true);
	served = buckets_of(test, 0);
	cr_assert_gt(served, 0);
	timely_detach(test->vs.timely, 0, false);
	cr_expect_eq(flags_of(test, 0), 0);
	cr_expect_eq(buckets_of(test, 0), served);
	timely_publish(test->vs.timely);
	cr_expect_eq(buckets_of(test, 0), 0);
	switch_test_free(test);
}

Test(timely_publish, a_drain_outlives_the_interface)
{
	struct switch_test *test = publish_test_new(2, UL_CHANNEL_NONE);

	set_link(test, 0, true);
	set_link(test, 1, true);
	cr_assert_eq(vswitch_drain(&test->vs, "up0", true), 0);
	cr_expect_eq(vswitch_drain(&test->vs, "up0", true), -EALREADY);
	cr_expect_eq(vswitch_drain(&test->vs, "up9", true), -ENOENT);
	cr_expect_eq(buckets_of(test, 0), 0);
	cr_expect_eq(flags_of(test, 0) & (UL_UP_SEND | UL_UP_DRAINED), UL_UP_DRAINED);
	timely_detach(test->vs.timely, 0, false);
	cr_expect_eq(flags_of(test, 0), UL_UP_DRAINED);
	switch_test_free(test);
}

Test(timely_publish, an_up_delay_is_a_deadline)
{
	struct switch_test *test = publish_test_new(2, UL_CHANNEL_NONE);
	uint64_t due;

	set_link(test, 0, true);
	set_link(test, 1, true);
	teaming_configure(side(test)->teaming, UL_CHANNEL_NONE, 3600000, now_ms());
	set_link(test, 0, false);
	cr_expect_eq(teaming_next_wakeup(side(test)->teaming), TEAMING_NEVER);
	set_link(test, 0, true);
	cr_expect_eq(flags_of(test, 0) & UL_UP_SEND, 0);
	cr_expect_eq(buckets_of(test, 0), 0);
	due = teaming_next_wakeup(side(test)->teaming);
	cr_expect(due > now_ms() && due <= now_ms() + 3600000);
	cr_expect_gt(publish_channel_callbacks.uplink_wait_ms(side(test), 0), 0);

	/* A shorter delay of a new configuration is in force with the next run. */
	teaming_configure(side(test)->teaming, UL_CHANNEL_NONE, 0, now_ms());
	timely_publish(test->vs.timely);
	cr_expect(flags_of(test, 0) & UL_UP_SEND);
	cr_expect_eq(buckets_of(test, 0), buckets_of(test, 1));
	cr_expect_eq(teaming_next_wakeup(side(test)->teaming), TEAMING_NEVER);
	switch_test_free(test);
}

Test(timely_publish, lacp_states_are_in_the_maps_when_the_callback_returns)
{
	struct switch_test *test = publish_test_new(2, UL_CHANNEL_LACP);

	set_link(test, 0, true);
	cr_expect_eq(flags_of(test, 0), UL_UP_CARRIER | UL_UP_ADMIN | UL_UP_FOR_ALL);
	publish_channel_callbacks.on_negotiated(side(test), 0, true, false);
	cr_expect_eq(flags_of(test, 0) & (UL_UP_RECEIVE | UL_UP_SEND), UL_UP_RECEIVE);
	publish_channel_callbacks.on_negotiated(side(test), 0, true, true);
	cr_expect(flags_of(test, 0) & UL_UP_SEND);
	cr_expect_gt(buckets_of(test, 0), 0);
	publish_channel_callbacks.on_negotiated(side(test), 0, false, false);
	cr_expect_eq(flags_of(test, 0) & (UL_UP_RECEIVE | UL_UP_SEND), 0);
	cr_expect_eq(buckets_of(test, 0), 0);
	switch_test_free(test);
}

Test(timely_publish, reports_of_the_channel_are_limited_and_caught_up_with_the_state)
{
	struct switch_test *test = publish_test_new(1, UL_CHANNEL_LACP);
	struct fixture *fixture = test->fixture;
	size_t n;

	for (int i = 0; i < 100; i++)
		publish_channel_callbacks.on_report(side(test), 0, EVENT_LACP, "flapping");
	n = count_events(fixture, EVENT_LACP, "up0");
	cr_expect_lt(n, 100);
	test->vs.context.cfg = &fixture->cfg;
	publish_channel_callbacks.on_recorded(side(test));
	cr_expect_eq(count_events(fixture, EVENT_LACP, "up0"), n);
	switch_test_free(test);
}

/* A frame that was sent to the old index of an uplink may be accepted under the new one. */
Test(timely_publish, between_two_orders_both_are_accepted)
{
	struct switch_test *test = publish_test_new(3, UL_CHANNEL_STATIC);
	const uint8_t to[UL_MAX_UPLINKS] = { 2, UL_NO_UPLINK, 0 };
	const struct ul_policy *policy = &test->fixture->fake.dp.policies[0];

	for (uint32_t i = 0; i < 3; i++)
		set_link(test, i, true);
	cr_assert_eq(policy->in_use, 0x7);
	policy_write_in_use(test->vs.context.dp, 0, 0x3);
	teaming_renumber(side(test)->teaming, to, 3);
	publish_both_orders(side(test));
	cr_expect_eq(policy->in_use, 0x7);
	publish_policies(side(test));
	cr_expect_eq(policy->in_use, 0x5);
	cr_expect_eq(policy->member[0], 2);
	cr_expect_eq(policy->member[1], UL_NO_UPLINK);
	cr_expect_eq(policy->member[2], 0);
	switch_test_free(test);
}

Test(timely_publish, without_a_channel_no_uplink_is_accepted_by_every_policy)
{
	struct switch_test *none = publish_test_new(2, UL_CHANNEL_NONE);

	set_link(none, 0, true);
	cr_expect_eq(flags_of(none, 0) & UL_UP_FOR_ALL, 0);
	switch_test_free(none);
}

Test(timely_publish, with_a_channel_every_uplink_is_accepted_by_every_policy)
{
	struct switch_test *test = publish_test_new(2, UL_CHANNEL_STATIC);

	set_link(test, 0, true);
	cr_expect(flags_of(test, 0) & UL_UP_FOR_ALL);
	set_link(test, 0, false);
	cr_expect(flags_of(test, 0) & UL_UP_FOR_ALL);
	switch_test_free(test);
}
