// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Carriers that the program reads, and those of the worker where it cannot. */
#include "timely_testing.h"

TestSuite(timely_carriers);

static uint32_t sends(const struct switch_test *test)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < test->vs.context.dp->meta->n_uplinks; i++)
		mask |= !!(uplink_of(test, i)->flags & UL_UP_SEND) << i;
	return mask;
}

/* At the next deadline. */
static void run(struct switch_test *test)
{
	uint64_t next = carriers_next_ms(side(test));

	timely_switch_run(side(test), next == UINT64_MAX ? now_ms() + 60000 : next, false);
}

Test(timely_carriers, a_lost_carrier_counts_with_the_next_reading)
{
	struct switch_test *test = timely_test_new(2, TEST_NETDEV);

	run(test);
	cr_expect_eq(sends(test), 3);
	test->fixture->fake.carriers[1] = CARRIER_DOWN;
	run(test);
	cr_expect_eq(sends(test), 1);
	cr_expect_eq(test->fixture->fake.dp.policies[0].in_use & 2, 0);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_LINK, "up1"), 2);
	cr_expect_str_eq(last_event(test->fixture)->text, "no carrier");
	run(test);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_LINK, "up1"), 2);
	switch_test_free(test);
}

/* Until linkwatch has run, the queues of the interface drop. */
Test(timely_carriers, a_new_carrier_counts_when_the_kernel_transmits)
{
	struct switch_test *test = timely_test_new(2, TEST_NETDEV);

	test->fixture->fake.carriers[1] = CARRIER_DOWN;
	run(test);
	test->fixture->fake.carriers[1] = CARRIER_NEW;
	run(test);
	cr_expect_eq(sends(test), 1);
	link_uplink(test, 1, TEST_NETDEV, true);
	cr_expect_eq(sends(test), 1, "nor when the worker has seen it");
	test->fixture->fake.carriers[1] = CARRIER_UP;
	run(test);
	cr_expect_eq(sends(test), 3);
	test->fixture->fake.carriers[1] = CARRIER_NEW;
	run(test);
	cr_expect_eq(sends(test), 3, "another qdisc is being attached");
	switch_test_free(test);
}

Test(timely_carriers, an_interface_that_is_not_there_any_longer_is_down)
{
	struct switch_test *test = timely_test_new(2, TEST_NETDEV);

	test->fixture->fake.carriers[0] = 0;
	run(test);
	cr_expect_eq(sends(test), 2);
	switch_test_free(test);
}

Test(timely_carriers, what_is_read_is_newer_than_what_the_worker_reports)
{
	struct switch_test *test = timely_test_new(2, TEST_NETDEV);

	link_uplink(test, 1, TEST_NETDEV, false);
	cr_expect_eq(sends(test), 3);
	switch_test_free(test);
}

Test(timely_carriers, without_the_program_the_carrier_is_that_of_the_worker)
{
	struct switch_test *test = timely_test_new(2, 0);

	test->fixture->fake.carriers[1] = CARRIER_DOWN;
	run(test);
	cr_expect_eq(sends(test), 3);
	link_uplink(test, 1, 0, false);
	cr_expect_eq(sends(test), 1);
	switch_test_free(test);
}

Test(timely_carriers, a_program_that_fails_changes_nothing)
{
	struct switch_test *test = timely_test_new(2, TEST_NETDEV);

	test->fixture->fake.carriers[1] = CARRIER_DOWN;
	test->fixture->fake.read_carriers_error = -ENOMEM;
	run(test);
	cr_expect_eq(sends(test), 3);
	link_uplink(test, 1, TEST_NETDEV, false);
	cr_expect_eq(sends(test), 1);
	switch_test_free(test);
}

Test(timely_carriers, an_interval_of_0_means_link_events_only)
{
	struct switch_test *test = timely_test_new(2, TEST_NETDEV);

	test->fixture->cfg.carrier_poll_ms = 0;
	order_uplinks(test);
	cr_expect_eq(carriers_next_ms(side(test)), UINT64_MAX);
	test->fixture->fake.carriers[1] = CARRIER_DOWN;
	run(test);
	cr_expect_eq(sends(test), 3);
	switch_test_free(test);
}
