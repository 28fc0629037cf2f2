// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Other software changes a connected uplink: what is repaired, how often, and what is reported. */
#include "uplink_testing.h"

TestSuite(uplink_guard);

#define T0 1000000

static struct uplink_test *connected(void)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "nic0" }, 1);
	struct link_info info;

	uplink_test_make(test, "nic0");
	info = link_now(test->fixture, "nic0");
	cr_assert_eq(uplink_connect(test->uplinks, 0, &info), 0);
	return test;
}

static uint32_t problems_of(const struct uplink_test *test)
{
	return test->fixture->fake.dp.uplinks[0].problems;
}

static void guard_at(struct uplink_test *test, uint64_t now)
{
	struct link_info info = link_now(test->fixture, "nic0");

	uplink_guard(test->uplinks, 0, &info, now);
}

static void disturb(struct uplink_test *test, enum ul_problem problem)
{
	struct link_monitor *links = test->fixture->record->monitor;
	uint32_t ifindex = link_now(test->fixture, "nic0").ifindex;
	int r = -EINVAL;

	switch (problem) {
	case UL_PROBLEM_PROMISC:
		r = link_set_promiscuous(links, ifindex, false);
		break;
	case UL_PROBLEM_OFFLOAD:
		r = link_restore_offloads(links, ifindex, UL_SAVED_RX_VLAN);
		break;
	case UL_PROBLEM_MTU:
		r = link_set_mtu(links, ifindex, 1300);
		break;
	case UL_PROBLEM_ARP:
		r = link_set_arp(links, ifindex, true);
		break;
	case UL_PROBLEM_IPV6:
		r = link_set_ipv6(links, ifindex, true);
		break;
	default:
		break;
	}
	if (r == -EOPNOTSUPP)
		cr_skip("no IPv6 here");
	cr_assert_eq(r, 0, "%u: %s", problem, strerror(-r));
}

static uint32_t deviations(struct uplink_test *test)
{
	struct link_info info = link_now(test->fixture, "nic0");

	return nic_settings_find_problems(&test->fixture->context, &info,
					  test->uplinks->uplink[0].fixed_offloads);
}

Test(uplink_guard, a_connected_uplink_has_no_problem)
{
	struct uplink_test *test = connected();

	guard_at(test, T0);
	cr_expect_eq(deviations(test), 0);
	cr_expect_eq(problems_of(test), 0);
	cr_expect_eq(count_events(test->fixture, EVENT_SETTING_CHANGED, NULL), 0);
	uplink_test_free(test);
}

Test(uplink_guard, every_setting_is_set_again)
{
	static const enum ul_problem settings[] = { UL_PROBLEM_PROMISC, UL_PROBLEM_OFFLOAD,
						    UL_PROBLEM_MTU, UL_PROBLEM_ARP,
						    UL_PROBLEM_IPV6 };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		struct uplink_test *test = connected();
		const struct journal *journal = test->fixture->context.journal;
		struct ul_saved_settings saved;

		cr_assert_eq(journal_count(journal), 1);
		saved = *journal_at(journal, 0);

		disturb(test, settings[i]);
		cr_expect_eq(deviations(test), settings[i]);
		guard_at(test, T0);
		cr_expect_eq(deviations(test), 0);
		cr_expect_eq(problems_of(test), 0);
		cr_expect_eq(count_events(test->fixture, EVENT_SETTING_CHANGED, "nic0"), 1);
		cr_expect_eq(memcmp(journal_at(journal, 0), &saved, sizeof(saved)), 0,
			     "the user's settings are those before uplinkd");
		uplink_test_free(test);
	}
}

Test(uplink_guard, tx_vlan_offload_of_a_veth_is_left_to_who_enables_it_later)
{
	struct uplink_test *test = connected();
	uint32_t ifindex = link_now(test->fixture, "nic0").ifindex, on;
	struct link_monitor *links = test->fixture->record->monitor;

	cr_assert_eq(link_get_offloads(links, ifindex, UL_SAVED_TX_VLAN, &on), 0);
	cr_expect_eq(on, 0, "disabled when the uplink was connected");
	cr_assert_eq(link_restore_offloads(links, ifindex, UL_SAVED_TX_VLAN), 0);
	cr_expect_eq(deviations(test), 0);
	guard_at(test, T0);
	cr_assert_eq(link_get_offloads(links, ifindex, UL_SAVED_TX_VLAN, &on), 0);
	cr_expect_eq(on, UL_SAVED_TX_VLAN);
	cr_expect_eq(count_events(test->fixture, EVENT_SETTING_CHANGED, NULL), 0);
	uplink_test_free(test);
}

Test(uplink_guard, a_change_that_is_repeated_is_repaired_later_and_reported)
{
	struct uplink_test *test = connected();

	disturb(test, UL_PROBLEM_ARP);
	guard_at(test, T0);
	disturb(test, UL_PROBLEM_ARP);
	guard_at(test, T0 + 999);
	cr_expect_eq(problems_of(test), UL_PROBLEM_ARP);
	cr_expect(link_now(test->fixture, "nic0").arp);
	cr_expect_eq(count_events(test->fixture, EVENT_PROBLEM, "nic0"), 1);
	guard_at(test, T0 + 999);
	cr_expect_eq(count_events(test->fixture, EVENT_PROBLEM, "nic0"), 1, "once");
	/* Another setting has a separate back-off. */
	disturb(test, UL_PROBLEM_PROMISC);
	guard_at(test, T0 + 999);
	cr_expect_eq(problems_of(test), 0);
	cr_expect_eq(count_events(test->fixture, EVENT_PROBLEM_CLEARED, "nic0"), 1);
	uplink_test_free(test);
}

Test(uplink_guard, the_back_off_grows_to_a_minute_and_ends_after_a_quiet_time)
{
	struct repair repair = {};
	const uint32_t expected[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	uint64_t now = T0;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		cr_expect(repair_is_due(&repair, now));
		repair_made(&repair, now);
		cr_expect_eq(repair.interval_ms, expected[i] * 1000);
		now += repair.interval_ms;
		cr_expect_not(repair_is_due(&repair, now - 1));
	}
	now += 200000;
	repair_made(&repair, now);
	cr_expect_eq(repair.interval_ms, 1000);
}

Test(uplink_guard, an_uplink_in_a_bridge_is_reported_and_stays_connected)
{
	struct uplink_test *test = connected();
	struct record *record = test->fixture->record;
	struct link_info info;

	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	cr_assert_eq(set_u32(record, ifindex_of(record, "nic0"), IFLA_MASTER,
			     ifindex_of(record, "br0")),
		     0);
	info = link_now(test->fixture, "nic0");
	uplinks_link_event(test->uplinks, 0, &info, LINK_CHANGED);
	cr_expect_eq(problems_of(test), UL_PROBLEM_ENSLAVED);
	cr_expect_eq(test->fixture->fake.dp.uplinks[0].ifindex, info.ifindex);
	cr_expect_eq(count_events(test->fixture, EVENT_PROBLEM, "nic0"), 1);
	cr_assert_eq(set_u32(record, info.ifindex, IFLA_MASTER, 0), 0);
	info = link_now(test->fixture, "nic0");
	uplinks_link_event(test->uplinks, 0, &info, LINK_CHANGED);
	cr_expect_eq(problems_of(test), 0);
	cr_expect_eq(count_events(test->fixture, EVENT_PROBLEM_CLEARED, "nic0"), 1);
	uplink_test_free(test);
}

Test(uplink_guard, programs_in_front_are_reported_and_detached_ones_attached_again)
{
	struct uplink_test *test = connected();
	struct dataplane_fake *fake = &test->fixture->fake;
	uint32_t ifindex = fake->dp.uplinks[0].ifindex;

	fake->problems = UL_PROBLEM_XDP | UL_PROBLEM_TC;
	fake->n_calls = 0;
	guard_at(test, T0);
	cr_expect_eq(problems_of(test), UL_PROBLEM_XDP | UL_PROBLEM_TC);
	cr_expect_eq(count_events(test->fixture, EVENT_PROBLEM, "nic0"), 2);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_ATTACH_UPLINK, ifindex), 0,
		     "not at the expense of other software");
	fake->problems = UL_PROBLEM_DETACHED;
	guard_at(test, T0);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_ATTACH_UPLINK, ifindex), 1);
	uplink_test_free(test);
}

Test(uplink_guard, the_timer_finds_what_has_no_event)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "nic0" }, 1);
	uint64_t end;

	uplink_test_make(test, "nic0");
	cr_assert_eq(uplinks_connect(test->uplinks, false), 0);
	cr_assert_eq(deviations(test), 0);
	disturb(test, UL_PROBLEM_OFFLOAD);
	for (end = now_ms() + DEADLINE_MS; deviations(test) && now_ms() < end;)
		sd_event_run(test->fixture->context.event, 100000);
	cr_expect_eq(deviations(test), 0);
	uplink_test_free(test);
}

/* As after uplink_connect(). */
Test(uplink_guard, native_xdp_that_a_repair_could_not_attach_is_tried_again)
{
	struct uplink_test *test = connected();
	struct dataplane_fake *fake = &test->fixture->fake;
	struct uplink *uplink = &test->uplinks->uplink[0];

	disturb(test, UL_PROBLEM_PROMISC);
	fake->xdp_mode = UL_XDP_NONE;
	fake->xdp_retry = -EBUSY;
	guard_at(test, T0);
	cr_expect_eq(fake->dp.uplinks[0].error, EBUSY);
	cr_expect(uplink->retry_timer);
	cr_expect_eq(uplink->refused, fake->dp.uplinks[0].ifindex);
	fake->xdp_mode = UL_XDP_NATIVE;
	fake->xdp_retry = 0;
	uplink_on_retry(NULL, 0, uplink);
	cr_expect_eq(fake->dp.uplinks[0].xdp_mode, UL_XDP_NATIVE);
	cr_expect_eq(fake->dp.uplinks[0].error, 0);
	cr_expect_null(uplink->retry_timer);
	uplink_test_free(test);
}
