// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* An exchange of sets: both have the decisions until no link runs the former programs. */
#include "timely_testing.h"

TestSuite(timely_switch);

/* The second set is a copy; the worker's context has it afterwards. */
static struct dataplane_fake *exchange(struct switch_test *test)
{
	struct dataplane_fake *second = calloc(1, sizeof(*second));
	const struct dataplane *first = test->vs.context.dp;

	cr_assert(second);
	dataplane_fake_init(second, 512, 64);
	meta_write_n_uplinks(&second->dp, first->meta->n_uplinks);
	for (uint32_t i = 0; i < first->meta->n_uplinks; i++)
		uplink_write(&second->dp, i, &first->uplinks[i]);
	/* the flags changed after the copy was made */
	uplink_write_flags(&second->dp, 0, 0);
	test->vs.context.dp = &second->dp;
	cr_assert_eq(timely_exchange(test->vs.timely), 0);
	return second;
}

static void end(struct switch_test *test, struct dataplane_fake *second)
{
	switch_test_free(test);
	dataplane_fake_done(second);
	free(second);
}

static bool may_send(const struct dataplane_fake *fake, uint32_t index)
{
	return fake->dp.uplinks[index].flags & UL_UP_SEND;
}

Test(timely_switch, flags_and_policies_are_written_to_both_sets)
{
	struct switch_test *test = timely_test_new(2, 0);
	struct dataplane_fake *first = &test->fixture->fake, *second = exchange(test);

	cr_expect(may_send(second, 0), "brought up to date");
	cr_expect_eq(second->dp.policies[0].in_use, first->dp.policies[0].in_use);
	link_uplink(test, 0, 0, false);
	cr_expect_not(may_send(first, 0));
	cr_expect_not(may_send(second, 0));
	cr_expect_eq(first->dp.policies[0].in_use & 1, 0);
	cr_expect_eq(second->dp.policies[0].in_use & 1, 0);
	timely_exchanged(test->vs.timely);
	link_uplink(test, 0, 0, true);
	cr_expect_not(may_send(first, 0), "no link uses it any longer");
	cr_expect(may_send(second, 0));
	end(test, second);
}

Test(timely_switch, a_set_with_another_order_has_the_flags_at_its_own_indexes)
{
	struct switch_test *test = timely_test_new(3, 0);
	struct dataplane_fake *first = &test->fixture->fake, *second = exchange(test);

	switch_test_set_uplinks(test, (const char *const[]){ "up2", "up0", "up1" }, 3);
	order_uplinks(test);
	cr_expect_str_eq(second->dp.uplinks[0].name, "up2");
	cr_expect_str_eq(first->dp.uplinks[0].name, "up0");
	link_uplink(test, 0, 0, true);
	timely_detach(test->vs.timely, 0, true);
	cr_expect_not(may_send(second, 0));
	cr_expect_not(may_send(first, 2));
	cr_expect(may_send(first, 0) && may_send(first, 1));
	cr_expect_eq(first->dp.policies[0].member[0], 0, "in the order of that set");
	end(test, second);
}

Test(timely_switch, nothing_is_decided_before_the_start)
{
	struct switch_test *test = switch_test_new(false, 2, UL_CHANNEL_LACP);

	uplink_write_ifindex(test->vs.context.dp, 0, 100);
	link_uplink(test, 0, 0, true);
	timely_switch_run(side(test), now_ms(), true);
	cr_expect_eq(uplink_of(test, 0)->flags, 0);
	cr_expect_eq(timely_switch_next_ms(side(test)), UINT64_MAX);
	cr_assert_eq(timely_start(test->vs.timely), 0);
	cr_expect_lt(timely_switch_next_ms(side(test)), UINT64_MAX);
	switch_test_free(test);
}

Test(timely_switch, an_uplink_that_leaves_is_neither_used_nor_drained)
{
	struct switch_test *test = timely_test_new(2, 0);

	cr_assert_eq(timely_drain(test->vs.timely, 1, true), 0);
	cr_expect_eq(timely_drain(test->vs.timely, 1, true), -EALREADY);
	timely_leave(test->vs.timely, 1);
	cr_expect_eq(uplink_of(test, 1)->flags, 0);
	cr_expect_eq(side(test)->member[1].link.ifindex, 0);
	switch_test_free(test);
}
