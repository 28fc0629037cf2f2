// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "uplink/internal.h"
#include "uplink_testing.h"

TestSuite(uplink_uplinks);

Test(uplink_uplinks, look_ups_by_name_and_by_alternative_name)
{
	struct uplink_test *test =
		uplink_test_new(false, (const char *const[]){ "eth0", "eth1" }, 2);
	struct link_info info = { .name = "enp5s0", .alt_names = { "lan", "eth1" } };

	cr_expect_eq(uplinks_index(test->uplinks, "eth0"), 0);
	cr_expect_eq(uplinks_index(test->uplinks, "eth1"), 1);
	cr_expect_eq(uplinks_index(test->uplinks, "eth2"), -ENOENT);
	cr_expect_eq(uplinks_index(test->uplinks, ""), -ENOENT);
	cr_expect_eq(uplinks_index_of_link(test->uplinks, &info), 1);
	info.alt_names[1][0] = '\0';
	cr_expect_eq(uplinks_index_of_link(test->uplinks, &info), -ENOENT);
	uplink_test_free(test);
}

Test(uplink_uplinks, missing_interfaces_are_no_failure)
{
	struct uplink_test *test =
		uplink_test_new(true, (const char *const[]){ "eth0", "eth1" }, 2);

	cr_expect_eq(uplinks_connect(test->uplinks, true), 0);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_WAITING, "eth0"), 1);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_WAITING, "eth1"), 1);
	cr_expect_eq(test->fixture->fake.errors.n, 0);
	uplink_test_free(test);
}

/* At the start the other uplinks are better than none; later the configuration is refused. */
Test(uplink_uplinks, a_failure_counts_only_for_an_uplink_that_is_new_after_the_start)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "nic0" }, 1);

	uplink_test_make(test, "nic0");
	test->fixture->fake.attach_uplink_error = -EINVAL;
	cr_expect_eq(uplinks_connect(test->uplinks, false), 0);
	cr_expect_eq(uplinks_connect(test->uplinks, true), -EINVAL);
	/* It was unavailable before this configuration as well. */
	test->uplinks->uplink[0].known = true;
	cr_expect_eq(uplinks_connect(test->uplinks, true), 0);
	uplink_test_free(test);
}

Test(uplink_uplinks, release_clears_the_record_and_restores_the_interface)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "nic0" }, 1);
	const struct ul_uplink *record = &test->fixture->fake.dp.uplinks[0];
	struct link_info info;

	uplink_test_make(test, "nic0");
	cr_assert_eq(uplinks_connect(test->uplinks, false), 0);
	info = link_now(test->fixture, "nic0");
	cr_assert(info.promiscuous && !info.arp);
	uplinks_release(test->uplinks, 0);
	cr_expect_eq(test->n_detach, 1);
	cr_expect_eq(record->ifindex, 0);
	cr_expect_str_eq(record->name, "");
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, info.ifindex));
	info = link_now(test->fixture, "nic0");
	cr_expect(!info.promiscuous && info.arp);
	uplink_test_free(test);
}

Test(uplink_uplinks, events_beyond_the_burst_are_counted_and_added_to_the_next)
{
	struct uplink_test *test =
		uplink_test_new(false, (const char *const[]){ "eth0", "eth1" }, 2);
	struct rate_limit *limit = &test->uplinks->uplink[0].reports;

	for (int i = 0; i < REPORT_BURST + 7; i++)
		uplinks_report(test->uplinks, 0, EVENT_LACP, "event %d", i);
	cr_expect_eq(count_events(test->fixture, EVENT_LACP, "eth0"), REPORT_BURST);
	/* Each uplink has an allowance. */
	uplinks_report(test->uplinks, 1, EVENT_LACP, "other");
	cr_expect_eq(count_events(test->fixture, EVENT_LACP, "eth1"), 1);

	uplinks_report_suppressed(test->uplinks, 0, EVENT_UPLINK_STATE, "no carrier");
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_STATE, NULL), 0);
	limit->used_until_ms = 0;
	uplinks_report_suppressed(test->uplinks, 0, EVENT_UPLINK_STATE, "no carrier");
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_STATE, "eth0"), 1);
	cr_expect_str_eq(last_event(test->fixture)->text,
			 "no carrier (7 events before this were suppressed)");
	uplinks_report_suppressed(test->uplinks, 0, EVENT_UPLINK_STATE, "no carrier");
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_STATE, NULL), 1);
	uplink_test_free(test);
}
