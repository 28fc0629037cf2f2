// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "context/saved_settings.h"
#include "uplink/internal.h"
#include "vswitch_testing.h"

TestSuite(uplink_nic_settings);

#define OTHER_MTU 1400

/* A veth as the kernel makes it: down, ARP on, MTU 1500, not promiscuous. */
static struct link_info make_nic(struct fixture *fixture)
{
	make_veth(fixture->record, "nic", "peer");
	await(fixture->record, 0, "nic", LINK_ADDED);
	return link_now(fixture, "nic");
}

static bool ipv6_on(struct fixture *fixture, const struct link_info *info)
{
	bool on = false;
	int r = link_get_ipv6(fixture->record->monitor, info->ifindex, &on);

	cr_assert(r == 0 || r == -EOPNOTSUPP);
	return on;
}

Test(uplink_nic_settings, apply_and_restore)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info before = make_nic(fixture), during, after;
	bool ipv6 = ipv6_on(fixture, &before);
	uint32_t expected = UL_SAVED_NOT_PROMISC | UL_SAVED_ARP | UL_SAVED_DOWN | UL_SAVED_MTU |
			    (ipv6 ? UL_SAVED_IPV6 : 0);
	const struct ul_saved_settings *record;

	fixture->cfg.mtu = OTHER_MTU;
	cr_assert_geq(nic_settings_apply(&fixture->context, &before, true, true), 0);
	during = link_now(fixture, "nic");
	cr_expect(during.promiscuous && during.admin_up);
	cr_expect_not(during.arp);
	cr_expect_not(ipv6_on(fixture, &during));
	cr_expect_eq(during.mtu, OTHER_MTU);
	record = saved_of(fixture, before.ifindex);
	cr_assert(record);
	cr_expect_eq(record->settings & expected, expected);
	cr_expect_eq(record->mtu, before.mtu);

	saved_settings_restore(&fixture->context, before.ifindex, before.mac);
	after = link_now(fixture, "nic");
	cr_expect_not(after.promiscuous);
	cr_expect(after.arp);
	cr_expect_eq(ipv6_on(fixture, &after), ipv6);
	cr_expect_eq(after.mtu, before.mtu);
	cr_expect_not(after.admin_up);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	fixture_free(fixture);
}

/* The second daemon finds the settings of the first one, which are not the user's. */
Test(uplink_nic_settings, a_second_time_keeps_what_was_saved)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);
	struct ul_saved_settings first;

	fixture->cfg.mtu = OTHER_MTU;
	cr_assert_geq(nic_settings_apply(&fixture->context, &info, true, true), 0);
	first = *saved_of(fixture, info.ifindex);
	fixture->cfg.mtu = OTHER_MTU - 100;
	info = link_now(fixture, "nic");
	cr_assert_geq(nic_settings_apply(&fixture->context, &info, false, true), 0);
	cr_expect_eq(memcmp(saved_of(fixture, info.ifindex), &first, sizeof(first)), 0);
	cr_expect_eq(first.mtu, 1500);
	cr_expect_eq(link_now(fixture, "nic").mtu, OTHER_MTU - 100);
	fixture_free(fixture);
}

/* The MTU of the first configuration was the NIC's. */
Test(uplink_nic_settings, a_later_mtu_is_saved_when_it_is_first_changed)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	fixture->cfg.mtu = info.mtu;
	cr_assert_geq(nic_settings_apply(&fixture->context, &info, true, true), 0);
	cr_expect_not(saved_of(fixture, info.ifindex)->settings & UL_SAVED_MTU);
	fixture->cfg.mtu = OTHER_MTU;
	info = link_now(fixture, "nic");
	cr_assert_geq(nic_settings_apply(&fixture->context, &info, false, true), 0);
	cr_expect(saved_of(fixture, info.ifindex)->settings & UL_SAVED_MTU);
	cr_expect_eq(saved_of(fixture, info.ifindex)->mtu, 1500);
	fixture_free(fixture);
}

Test(uplink_nic_settings, what_the_user_has_set_is_not_restored)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	cr_assert_eq(link_set_promiscuous(fixture->record->monitor, info.ifindex, true), 0);
	cr_assert_eq(link_set_arp(fixture->record->monitor, info.ifindex, false), 0);
	cr_assert_eq(link_set_up(fixture->record->monitor, info.ifindex, true), 0);
	info = link_now(fixture, "nic");
	cr_assert_geq(nic_settings_apply(&fixture->context, &info, true, true), 0);
	cr_expect_eq(saved_of(fixture, info.ifindex)->settings &
			     (UL_SAVED_NOT_PROMISC | UL_SAVED_ARP | UL_SAVED_DOWN | UL_SAVED_MTU),
		     0);
	saved_settings_restore(&fixture->context, info.ifindex, info.mac);
	info = link_now(fixture, "nic");
	cr_expect(info.promiscuous && !info.arp && info.admin_up);
	fixture_free(fixture);
}

Test(uplink_nic_settings, an_interface_that_was_set_down_later_stays_down)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	cr_assert_geq(nic_settings_apply(&fixture->context, &info, false, true), 0);
	cr_expect_not(link_now(fixture, "nic").admin_up);
	cr_expect_not(saved_of(fixture, info.ifindex)->settings & UL_SAVED_DOWN);
	fixture_free(fixture);
}

/* Without a record a kill or a crash would leave the change for good. */
Test(uplink_nic_settings, nothing_is_changed_without_a_record)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info before = make_nic(fixture), after;

	fixture->journal_error = -ENOMEM;
	fixture->cfg.mtu = OTHER_MTU;
	cr_expect_eq(nic_settings_apply(&fixture->context, &before, true, true), -ENOMEM);
	cr_expect(has_error(fixture, "nic: cannot record its settings"));
	after = link_now(fixture, "nic");
	cr_expect(!after.promiscuous && after.arp && !after.admin_up);
	cr_expect_eq(after.mtu, before.mtu);
	fixture_free(fixture);
}

Test(uplink_nic_settings, a_refused_mtu_is_explained)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	fixture->cfg.mtu = 70000;
	cr_expect_eq(nic_settings_apply(&fixture->context, &info, true, true), -ERANGE);
	cr_expect(has_error(fixture, "sw: nic: cannot set the MTU to 70000"));
	fixture_free(fixture);
}

Test(uplink_nic_settings, an_interface_that_is_gone_is_a_failure_with_a_reason)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	delete_link(fixture->record, "nic");
	cr_expect_lt(nic_settings_apply(&fixture->context, &info, true, true), 0);
	cr_expect(has_error(fixture, "sw: nic: cannot "));
	fixture_free(fixture);
}
