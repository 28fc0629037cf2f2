// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "context/saved_settings.h"
#include "uplink_testing.h"

TestSuite(uplink_interface);

static struct uplink_test *test_with_nic(void)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "nic0" }, 1);

	uplink_test_make(test, "nic0");
	return test;
}

static const struct ul_uplink *record_of(const struct uplink_test *test)
{
	return &test->fixture->fake.dp.uplinks[0];
}

static int connect_nic(struct uplink_test *test)
{
	struct link_info info = link_now(test->fixture, "nic0");

	return uplink_connect(test->uplinks, 0, &info);
}

static void event_of_nic(struct uplink_test *test, unsigned int changes)
{
	struct link_info info = link_now(test->fixture, "nic0");

	uplinks_link_event(test->uplinks, 0, &info, changes);
}

Test(uplink_interface, connecting_fills_the_record)
{
	struct uplink_test *test = test_with_nic();
	const struct ul_uplink *record = record_of(test);
	struct link_info info = link_now(test->fixture, "nic0");
	uint32_t index;

	test->fixture->fake.netdev = 0xffff888012345678;
	cr_assert_eq(connect_nic(test), 0);
	cr_expect_eq(record->ifindex, info.ifindex);
	cr_expect_arr_eq(record->mac, info.mac, 6);
	cr_expect_eq(record->max_frame, TEST_MTU + 18);
	cr_expect_eq(record->netdev, 0xffff888012345678);
	cr_expect_eq(record->xdp_mode, UL_XDP_NATIVE);
	cr_expect(dataplane_fake_is_attached(&test->fixture->fake, info.ifindex));
	cr_expect_eq(table_get(&test->fixture->fake.dp.ifaces, ul_iface_key(info.ifindex), &index),
		     0);
	cr_expect_eq(index, 0);
	/* Its own settings are reported, too: it was set up. */
	cr_expect(test->admin_up && test->carrier);
	uplink_test_free(test);
}

Test(uplink_interface, connecting_again_changes_nothing)
{
	struct uplink_test *test = test_with_nic();
	struct ul_uplink before;

	cr_assert_eq(connect_nic(test), 0);
	before = *record_of(test);
	cr_assert_eq(connect_nic(test), 0);
	cr_expect_eq(memcmp(&before, record_of(test), sizeof(before)), 0);
	cr_expect_eq(test->n_detach, 0);
	cr_expect_not(uplinks_is_replaced(test->uplinks, 0));
	uplink_test_free(test);
}

Test(uplink_interface, a_failed_attachment_leaves_the_interface_as_it_was)
{
	struct uplink_test *test = test_with_nic();
	struct link_info before = link_now(test->fixture, "nic0"), after;

	test->fixture->cfg.mtu = 1400;
	test->fixture->fake.attach_uplink_error = -EOPNOTSUPP;
	cr_expect_eq(connect_nic(test), -EOPNOTSUPP);
	cr_expect_eq(record_of(test)->ifindex, 0);
	cr_expect_eq(journal_count(test->fixture->context.journal), 0);
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, before.ifindex));
	after = link_now(test->fixture, "nic0");
	cr_expect_eq(after.mtu, before.mtu);
	cr_expect_eq(after.admin_up, before.admin_up);
	cr_expect(after.arp && !after.promiscuous);
	cr_expect_str_eq(record_of(test)->name, "nic0");
	uplink_test_free(test);
}

Test(uplink_interface, another_xdp_program_is_found_before_anything_is_changed)
{
	struct uplink_test *test = test_with_nic();

	test->fixture->fake.check_xdp_error = -EBUSY;
	cr_expect_eq(connect_nic(test), -EBUSY);
	cr_expect_eq(test->n_detach, 0);
	cr_expect(link_now(test->fixture, "nic0").arp);
	/* receive: tc does not compete for XDP. */
	test->fixture->cfg.receive = UL_RECEIVE_TC;
	cr_expect_eq(connect_nic(test), 0);
	uplink_test_free(test);
}

Test(uplink_interface, retries_back_off_up_to_a_minute)
{
	struct uplink_test *test = test_with_nic();
	struct uplink *uplink = &test->uplinks->uplink[0];
	uint32_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	uint64_t due, loop_now;

	test->fixture->fake.attach_uplink_error = -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		if (i == 0)
			connect_nic(test);
		else
			uplink_on_retry(uplink->retry_timer, 0, uplink);
		cr_assert(uplink->retry_timer);
		cr_assert_eq(sd_event_source_get_time(uplink->retry_timer, &due), 0);
		sd_event_now(test->fixture->context.event, CLOCK_MONOTONIC, &loop_now);
		cr_expect_eq(due, loop_now + expected[i] * 1000ULL);
		cr_expect_eq(uplink->retry_ms, expected[i]);
	}
	test->fixture->fake.attach_uplink_error = 0;
	uplink_on_retry(uplink->retry_timer, 0, uplink);
	cr_expect_neq(record_of(test)->ifindex, 0);
	cr_expect_null(uplink->retry_timer);
	cr_expect_eq(uplink->retry_ms, 0);
	uplink_test_free(test);
}

Test(uplink_interface, a_retry_ends_when_the_interface_of_the_name_is_another)
{
	struct uplink_test *test = test_with_nic();
	struct uplink *uplink = &test->uplinks->uplink[0];

	test->fixture->fake.attach_uplink_error = -EINVAL;
	connect_nic(test);
	delete_link(test->fixture->record, "nic0");
	await(test->fixture->record, 0, "nic0", LINK_REMOVED);
	uplink_test_make(test, "nic0");
	test->fixture->fake.attach_uplink_error = 0;
	uplink_on_retry(uplink->retry_timer, 0, uplink);
	cr_expect_null(uplink->retry_timer);
	cr_expect_eq(uplink->refused, 0);
	cr_expect_eq(record_of(test)->ifindex, 0);
	uplink_test_free(test);
}

/* Applying and restoring settings causes events about the interface. */
Test(uplink_interface, after_a_failure_a_change_is_no_reason_for_another_attempt)
{
	struct uplink_test *test = test_with_nic();

	test->fixture->fake.attach_uplink_error = -EINVAL;
	connect_nic(test);
	test->fixture->fake.attach_uplink_error = 0;
	event_of_nic(test, LINK_CHANGED | LINK_STATE);
	cr_expect_eq(record_of(test)->ifindex, 0);
	event_of_nic(test, LINK_ADDED);
	cr_expect_neq(record_of(test)->ifindex, 0);
	uplink_test_free(test);
}

Test(uplink_interface, a_member_of_a_bridge_is_refused_without_a_retry)
{
	struct uplink_test *test = test_with_nic();
	struct record *record = test->fixture->record;

	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	cr_assert_eq(set_u32(record, ifindex_of(record, "nic0"), IFLA_MASTER,
			     ifindex_of(record, "br0")),
		     0);
	cr_expect_eq(connect_nic(test), -EBUSY);
	cr_expect(has_error(test->fixture, "sw: nic0 belongs to a bridge or bond"));
	cr_expect_null(test->uplinks->uplink[0].retry_timer);
	cr_expect_eq(record_of(test)->ifindex, 0);
	/* Its event connects it when it has left the bridge. */
	cr_assert_eq(set_u32(record, ifindex_of(record, "nic0"), IFLA_MASTER, 0), 0);
	event_of_nic(test, LINK_CHANGED);
	cr_expect_neq(record_of(test)->ifindex, 0);
	uplink_test_free(test);
}

Test(uplink_interface, a_removed_interface_is_disconnected)
{
	struct uplink_test *test = test_with_nic();
	struct link_info info;
	uint32_t index;

	cr_assert_eq(connect_nic(test), 0);
	info = link_now(test->fixture, "nic0");
	delete_link(test->fixture->record, "nic0");
	await(test->fixture->record, 0, "nic0", LINK_REMOVED);
	uplinks_link_event(test->uplinks, 0, &info, LINK_REMOVED);
	cr_expect_eq(test->n_gone, 1);
	cr_expect_eq(test->n_detach, 1);
	cr_expect_eq(record_of(test)->ifindex, 0);
	cr_expect_eq(record_of(test)->netdev, 0);
	cr_expect_eq(table_get(&test->fixture->fake.dp.ifaces, ul_iface_key(info.ifindex), &index),
		     -ENOENT);
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, info.ifindex));
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_GONE, "nic0"), 1);
	uplink_test_free(test);
}

Test(uplink_interface, the_removal_of_a_predecessor_changes_nothing)
{
	struct uplink_test *test = test_with_nic();
	struct link_info info;

	cr_assert_eq(connect_nic(test), 0);
	info = link_now(test->fixture, "nic0");
	info.ifindex += 1000;
	uplinks_link_event(test->uplinks, 0, &info, LINK_REMOVED);
	cr_expect_eq(test->n_gone + test->n_detach, 0);
	cr_expect_neq(record_of(test)->ifindex, 0);
	uplink_test_free(test);
}

Test(uplink_interface, an_event_of_an_interface_with_another_name_by_now_is_ignored)
{
	struct uplink_test *test = test_with_nic();
	struct link_info info = link_now(test->fixture, "nic0");

	rename_link(test->fixture->record, "nic0", "other");
	uplinks_link_event(test->uplinks, 0, &info, LINK_ADDED);
	cr_expect_eq(record_of(test)->ifindex, 0);
	cr_expect_eq(test->n_link_state, 0);
	uplink_test_free(test);
}

Test(uplink_interface, another_interface_of_the_name_replaces_the_first)
{
	struct uplink_test *test = test_with_nic();
	uint32_t first, second;

	cr_assert_eq(connect_nic(test), 0);
	first = record_of(test)->ifindex;
	delete_link(test->fixture->record, "nic0");
	await(test->fixture->record, 0, "nic0", LINK_REMOVED);
	second = uplink_test_make(test, "nic0");
	cr_assert_eq(connect_nic(test), 0);
	cr_expect_neq(first, second);
	cr_expect_eq(record_of(test)->ifindex, second);
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, first));
	cr_expect(dataplane_fake_is_attached(&test->fixture->fake, second));
	cr_expect(uplinks_is_replaced(test->uplinks, 0));
	uplink_test_free(test);
}

Test(uplink_interface, a_lost_carrier_is_reported_as_it_is_now)
{
	struct uplink_test *test = test_with_nic();
	struct link_info stale;

	cr_assert_eq(connect_nic(test), 0);
	cr_assert(test->carrier);
	stale = link_now(test->fixture, "nic0");
	cr_assert(stale.carrier);
	set_up(test->fixture->record, "nic0-p", false);
	uplinks_link_event(test->uplinks, 0, &stale, LINK_STATE);
	cr_expect_not(test->carrier);
	cr_expect(test->admin_up);
	uplink_test_free(test);
}

Test(uplink_interface, what_is_no_ethernet_is_refused_once_without_a_retry)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "lo" }, 1);
	struct link_info before = link_now(test->fixture, "lo"), after;

	cr_expect_eq(uplink_connect(test->uplinks, 0, &before), -EMEDIUMTYPE);
	cr_expect(has_error(test->fixture, "sw: lo: cannot be an uplink or a port: it carries no "
					   "Ethernet frames"));
	cr_expect_null(test->uplinks->uplink[0].retry_timer);
	cr_expect_eq(record_of(test)->ifindex, 0);
	cr_expect_eq(record_of(test)->problems, UL_PROBLEM_NOT_ETHERNET);
	uplinks_link_event(test->uplinks, 0, &before, LINK_CHANGED | LINK_STATE);
	cr_expect_eq(test->fixture->fake.errors.n, 1, "one message for all its events");
	after = link_now(test->fixture, "lo");
	cr_expect_eq(after.arp, before.arp);
	cr_expect_eq(after.promiscuous, before.promiscuous);
	uplink_test_free(test);
}

Test(uplink_interface, an_alternative_name_connects_and_its_loss_disconnects)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "alt0" }, 1);
	struct record *record = test->fixture->record;
	struct link_info info;
	uint32_t ifindex = uplink_test_make(test, "nic0");

	/* The interface is down, so the kernel sends no event. */
	add_alt_name(record, ifindex, "alt0");
	cr_assert_eq(uplinks_connect(test->uplinks, true), 0);
	cr_expect_eq(record_of(test)->ifindex, ifindex);
	info = link_now(test->fixture, "nic0");
	cr_expect_eq(uplinks_index_of_link(test->uplinks, &info), 0);
	del_alt_name(record, ifindex, "alt0");
	info = link_now(test->fixture, "nic0");
	cr_expect_eq(uplinks_index_of_link(test->uplinks, &info), 0, "it is still connected");
	uplinks_link_event(test->uplinks, 0, &info, LINK_CHANGED);
	cr_expect_eq(record_of(test)->ifindex, 0);
	cr_expect_eq(uplinks_index_of_link(test->uplinks, &info), -ENOENT);
	info = link_now(test->fixture, "nic0");
	cr_expect(info.arp && !info.promiscuous, "its settings are restored");
	uplink_test_free(test);
}

/* The kernel deletes and creates the interface as this namespace sees it. */
static struct link_info leave_and_return(struct uplink_test *test, const uint8_t *mac)
{
	struct record *record = test->fixture->record;
	struct link_info gone = link_now(test->fixture, "nic0");
	uint32_t ifindex;

	delete_link(record, "nic0");
	await(record, 0, "nic0", LINK_REMOVED);
	uplinks_link_event(test->uplinks, 0, &gone, LINK_REMOVED);
	ifindex = uplink_test_make(test, "nic0");
	if (mac)
		cr_assert_eq(link_set_mac(record->monitor, ifindex, mac), 0);
	/* What a NIC keeps in another namespace. */
	cr_assert_eq(link_set_promiscuous(record->monitor, ifindex, true), 0);
	cr_assert_eq(link_set_arp(record->monitor, ifindex, false), 0);
	cr_assert_eq(link_set_mtu(record->monitor, ifindex, 1400), 0);
	return link_now(test->fixture, "nic0");
}

Test(uplink_interface, a_nic_that_was_away_gets_its_first_settings_back)
{
	struct uplink_test *test = test_with_nic();
	struct link_info before = link_now(test->fixture, "nic0"), after;

	test->fixture->cfg.mtu = 1400;
	cr_assert_eq(connect_nic(test), 0);
	leave_and_return(test, before.mac);
	cr_assert_eq(journal_count(test->fixture->context.journal), 1);
	cr_expect(journal_at(test->fixture->context.journal, 0)->settings & UL_SAVED_NOT_PROMISC,
		  "kept while it is away");
	cr_assert_eq(connect_nic(test), 0);
	uplinks_release(test->uplinks, 0);
	after = link_now(test->fixture, "nic0");
	cr_expect_not(after.promiscuous);
	cr_expect(after.arp);
	cr_expect_eq(after.mtu, before.mtu);
	uplink_test_free(test);
}

Test(uplink_interface, another_nic_of_the_name_does_not_get_the_settings_of_the_first)
{
	struct uplink_test *test = test_with_nic();
	struct link_info after;

	test->fixture->cfg.mtu = 1400;
	cr_assert_eq(connect_nic(test), 0);
	leave_and_return(test, NULL);
	cr_assert_eq(connect_nic(test), 0);
	uplinks_release(test->uplinks, 0);
	after = link_now(test->fixture, "nic0");
	cr_expect(after.promiscuous);
	cr_expect_not(after.arp);
	cr_expect_eq(after.mtu, 1400);
	uplink_test_free(test);
}

Test(uplink_interface, a_nic_that_left_the_configuration_while_it_was_away_is_restored)
{
	struct uplink_test *test = test_with_nic();
	struct link_info before = link_now(test->fixture, "nic0"), returned, after;
	struct link_info gone = before;

	test->fixture->cfg.mtu = 1400;
	cr_assert_eq(connect_nic(test), 0);
	returned = leave_and_return(test, before.mac);
	gone.mac[5] ^= 1;
	uplinks_release(test->uplinks, 0);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_SETTING, "nic0"), 1);
	saved_settings_returned(&test->fixture->context, &gone);
	cr_expect(link_now(test->fixture, "nic0").promiscuous, "not that one");
	saved_settings_returned(&test->fixture->context, &returned);
	after = link_now(test->fixture, "nic0");
	cr_expect_not(after.promiscuous);
	cr_expect(after.arp);
	cr_expect_eq(after.mtu, before.mtu);
	uplink_test_free(test);
}

/* The interface may go while no daemon runs. */
Test(uplink_interface, a_missing_interface_has_no_problem)
{
	struct uplink_test *test = uplink_test_new(true, (const char *const[]){ "nic0" }, 1);

	uplink_write_problems(&test->fixture->fake.dp, 0, UL_PROBLEM_ENSLAVED);
	cr_assert_eq(uplinks_connect(test->uplinks, true), 0);
	cr_expect_eq(record_of(test)->problems, 0);
	uplink_test_free(test);
}

/* XDP that fails for a reason that may pass: TC serves the uplink until an attempt succeeds. */
Test(uplink_interface, native_xdp_is_tried_again)
{
	struct uplink_test *test = test_with_nic();
	struct dataplane_fake *fake = &test->fixture->fake;

	fake->xdp_mode = UL_XDP_NONE;
	fake->xdp_retry = -ENOMEM;
	cr_assert_eq(connect_nic(test), 0);
	cr_expect_eq(record_of(test)->error, ENOMEM);
	cr_expect_eq(test->uplinks->uplink[0].retry_ms, 1000);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_SETTING, "nic0"), 1);
	uplink_on_retry(NULL, 0, &test->uplinks->uplink[0]);
	cr_expect_eq(test->uplinks->uplink[0].retry_ms, 2000);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_SETTING, "nic0"), 1,
		     "the same reason is not reported again");

	fake->xdp_mode = UL_XDP_NATIVE;
	fake->xdp_retry = 0;
	uplink_on_retry(NULL, 0, &test->uplinks->uplink[0]);
	cr_expect_eq(record_of(test)->xdp_mode, UL_XDP_NATIVE);
	cr_expect_eq(record_of(test)->error, 0);
	cr_expect_null(test->uplinks->uplink[0].retry_timer);
	uplink_test_free(test);
}

/* Without it frames go to a cable without carrier, so it is not left at that. */
Test(uplink_interface, a_look_up_that_fails_at_first_is_tried_again)
{
	struct uplink_test *test = test_with_nic();

	test->fixture->fake.netdev = 0xffff888012345678;
	test->fixture->fake.find_netdev_error = -ENOMEM;
	cr_assert_eq(connect_nic(test), 0);
	cr_expect_neq(record_of(test)->ifindex, 0);
	cr_expect_eq(record_of(test)->netdev, 0);
	cr_expect_eq(record_of(test)->error, ENOMEM);
	cr_expect(has_error(test->fixture, "nic0: its carrier cannot be checked"));
	test->fixture->fake.find_netdev_error = 0;
	uplink_on_retry(NULL, 0, &test->uplinks->uplink[0]);
	cr_expect_eq(record_of(test)->netdev, 0xffff888012345678);
	cr_expect_eq(record_of(test)->error, 0);
	cr_expect_null(test->uplinks->uplink[0].retry_timer);
	uplink_test_free(test);
}

/* The owner opens packet sockets, at the first report and at the event of a connected uplink. */
Test(uplink_interface, what_the_owner_could_not_do_is_tried_again)
{
	struct uplink_test *test = test_with_nic();
	unsigned int reports;

	test->link_state_error = -ENOBUFS;
	cr_assert_eq(connect_nic(test), 0);
	cr_expect_neq(record_of(test)->ifindex, 0);
	cr_expect_eq(record_of(test)->error, ENOBUFS);
	cr_expect_eq(test->uplinks->uplink[0].retry_ms, 1000);
	event_of_nic(test, LINK_STATE);
	cr_expect_eq(test->uplinks->uplink[0].retry_ms, 1000, "events do not delay the attempt");
	test->link_state_error = 0;
	reports = test->n_link_state;
	uplink_on_retry(NULL, 0, &test->uplinks->uplink[0]);
	cr_expect_eq(test->n_link_state, reports + 1);
	cr_expect_eq(record_of(test)->error, 0);
	cr_expect_null(test->uplinks->uplink[0].retry_timer);

	test->link_state_error = -ENOMEM;
	event_of_nic(test, LINK_STATE);
	cr_expect_eq(record_of(test)->error, ENOMEM);
	cr_expect_eq(test->uplinks->uplink[0].retry_ms, 1000);
	uplink_test_free(test);
}

/* The set that is to be replaced still has the uplink, so nothing of it is undone. */
Test(uplink_interface, a_failure_in_a_staged_set_restores_nothing)
{
	struct uplink_test *test = test_with_nic();
	struct dataplane_fake *fake = &test->fixture->fake;
	uint32_t ifindex;

	cr_assert_eq(connect_nic(test), 0);
	ifindex = record_of(test)->ifindex;
	fake->dp.staged = true;
	uplink_write_ifindex(&fake->dp, 0, 0);
	fake->attach_uplink_error = -ENOMEM;
	cr_expect_eq(connect_nic(test), -ENOMEM);
	cr_expect_eq(record_of(test)->error, ENOMEM);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_DETACH, ifindex), 0);
	cr_expect(link_now(test->fixture, "nic0").admin_up);
	cr_expect_eq(link_now(test->fixture, "nic0").mtu, TEST_MTU);
	fake->attach_uplink_error = 0;
	uplink_on_retry(NULL, 0, &test->uplinks->uplink[0]);
	cr_expect_eq(record_of(test)->error, 0);
	cr_expect_eq(record_of(test)->ifindex, ifindex);
	uplink_test_free(test);
}

/* EBUSY of a TC hook does not say that another program has attached XDP. */
Test(uplink_interface, a_busy_hook_does_not_cost_the_xdp_program)
{
	struct uplink_test *test = test_with_nic();
	struct dataplane_fake *fake = &test->fixture->fake;

	cr_assert_eq(connect_nic(test), 0);
	fake->attach_uplink_error = -EBUSY;
	fake->n_calls = 0;
	cr_expect_eq(connect_nic(test), -EBUSY);
	cr_expect_eq(record_of(test)->xdp_mode, UL_XDP_NATIVE);
	cr_expect_eq(record_of(test)->error, EBUSY);
	cr_expect_eq(fake->n_calls, 1, "no attempt without XDP");
	uplink_test_free(test);
}

/* The uplink stays connected: only the attempt to update it failed. */
Test(uplink_interface, a_failed_look_up_keeps_the_carrier_check)
{
	struct uplink_test *test = test_with_nic();

	test->fixture->fake.netdev = 0xffff888012345678;
	cr_assert_eq(connect_nic(test), 0);
	test->fixture->fake.netdev = 0;
	test->fixture->fake.attach_uplink_error = -ENOMEM;
	cr_expect_eq(connect_nic(test), -ENOMEM);
	cr_expect_eq(record_of(test)->netdev, 0xffff888012345678);
	cr_expect_neq(record_of(test)->ifindex, 0);
	cr_expect_eq(record_of(test)->error, ENOMEM);
	uplink_test_free(test);
}
