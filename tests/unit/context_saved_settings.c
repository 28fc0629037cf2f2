// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The rules of the settings journal, with interfaces of a network namespace. */
#include "context/saved_settings.h"
#include "vswitch_testing.h"

TestSuite(context_saved_settings);

#define SETTINGS (UL_SAVED_NOT_PROMISC | UL_SAVED_DOWN | UL_SAVED_MTU)

static struct link_info make_nic(struct fixture *fixture)
{
	make_veth(fixture->record, "nic", "peer");
	await(fixture->record, 0, "nic", LINK_ADDED);
	return link_now(fixture, "nic");
}

/* As a daemon does that is killed before the interface is a member. */
static void change(struct fixture *fixture, const struct link_info *info, enum saved_owner owner)
{
	struct link_monitor *links = fixture->record->monitor;

	cr_assert_eq(saved_settings_note(&fixture->context, info, owner, SETTINGS), 0);
	cr_assert_eq(link_set_promiscuous(links, info->ifindex, true), 0);
	cr_assert_eq(link_set_mtu(links, info->ifindex, 1400), 0);
	cr_assert_eq(link_set_up(links, info->ifindex, true), 0);
}

static void expect_restored(struct fixture *fixture, const char *name)
{
	struct link_info info = link_now(fixture, name);

	cr_expect_not(info.promiscuous);
	cr_expect_not(info.admin_up);
	cr_expect_eq(info.mtu, 1500);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
}

static struct link_info make_again(struct fixture *fixture, const struct link_info *before)
{
	struct record *record = fixture->record;
	size_t from = record->n;

	delete_link(record, "nic");
	await(record, from, "nic", LINK_REMOVED);
	saved_settings_restore(&fixture->context, before->ifindex, before->mac);
	from = record->n;
	make_veth(record, "other", "peer2");
	await(record, from, "other", LINK_ADDED);
	cr_assert_eq(link_set_mac(record->monitor, link_now(fixture, "other").ifindex, before->mac),
		     0);
	return link_now(fixture, "other");
}

Test(context_saved_settings, a_sweep_restores_what_is_no_member)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);
	struct dataplane *dp = &fixture->fake.dp;

	change(fixture, &info, SAVED_UPLINK);
	cr_assert_eq(table_set(&dp->ifaces, ul_iface_key(info.ifindex), 0), 0);
	saved_settings_sweep(&fixture->context);
	cr_expect(link_now(fixture, "nic").promiscuous, "a member");
	table_remove(&dp->ifaces, ul_iface_key(info.ifindex));
	saved_settings_sweep(&fixture->context);
	expect_restored(fixture, "nic");
	fixture_free(fixture);
}

Test(context_saved_settings, a_recorded_value_is_not_replaced)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	change(fixture, &info, SAVED_UPLINK);
	info = link_now(fixture, "nic");
	cr_assert_eq(saved_settings_note(&fixture->context, &info, SAVED_UPLINK,
					 SETTINGS | UL_SAVED_ARP),
		     0);
	cr_expect_eq(saved_of(fixture, info.ifindex)->mtu, 1500);
	cr_expect_eq(saved_of(fixture, info.ifindex)->settings, SETTINGS | UL_SAVED_ARP);
	cr_assert_eq(saved_settings_restore_all(&fixture->context), 0);
	expect_restored(fixture, "nic");
	fixture_free(fixture);
}

/* The settings of a tap end with it, so its record does not wait for an interface. */
Test(context_saved_settings, the_record_of_a_port_ends_with_its_interface)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	change(fixture, &info, SAVED_PORT);
	make_again(fixture, &info);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	fixture_free(fixture);
}

Test(context_saved_settings, an_uplink_that_returns_under_another_name_is_restored)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture), other;

	change(fixture, &info, SAVED_UPLINK);
	other = make_again(fixture, &info);
	cr_expect(saved_settings_has_missing(&fixture->context, "nic"));
	cr_assert_eq(link_set_promiscuous(fixture->record->monitor, other.ifindex, true), 0);
	saved_settings_returned(&fixture->context, &other);
	cr_expect_not(link_now(fixture, "other").promiscuous);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	fixture_free(fixture);
}

/* Set up by an administrator meanwhile: that is not undone. */
Test(context_saved_settings, a_returned_uplink_that_is_up_stays_up)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture), other;

	change(fixture, &info, SAVED_UPLINK);
	other = make_again(fixture, &info);
	cr_assert_eq(link_set_up(fixture->record->monitor, other.ifindex, true), 0);
	other = link_now(fixture, "other");
	cr_assert_eq(saved_settings_note(&fixture->context, &other, SAVED_UPLINK, 0), 0);
	cr_expect_eq(saved_of(fixture, other.ifindex)->settings, SETTINGS & ~UL_SAVED_DOWN);
	cr_expect_not(saved_settings_has_missing(&fixture->context, "nic"));
	fixture_free(fixture);
}

Test(context_saved_settings, a_teardown_reports_an_interface_that_is_missing)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	change(fixture, &info, SAVED_UPLINK);
	delete_link(fixture->record, "nic");
	await(fixture->record, 0, "nic", LINK_REMOVED);
	cr_expect_eq(saved_settings_restore_all(&fixture->context), 0);
	cr_expect_eq(count_events(fixture, EVENT_UPLINK_SETTING, "nic"), 1);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	fixture_free(fixture);
}

/* The record goes last: a failure leaves it to the next start or teardown. */
Test(context_saved_settings, a_record_that_cannot_be_erased_stays)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	change(fixture, &info, SAVED_UPLINK);
	fixture->journal_error = -ENOMEM;
	cr_expect_eq(saved_settings_restore_all(&fixture->context), -EIO);
	cr_expect_eq(journal_count(fixture->context.journal), 1);
	fixture->journal_error = 0;
	cr_expect_eq(saved_settings_restore_all(&fixture->context), 0);
	expect_restored(fixture, "nic");
	fixture_free(fixture);
}

/* The set that had the host port was taken back. */
Test(context_saved_settings, the_pair_of_a_host_port_without_a_port_is_deleted)
{
	struct fixture *fixture = fixture_new(true);
	struct dataplane *dp = &fixture->fake.dp;
	struct link_info info;

	cr_assert_eq(saved_settings_note_made(&fixture->context, SAVED_PAIR, "nic", 0), 0);
	info = make_nic(fixture);
	cr_assert_eq(saved_settings_note_made(&fixture->context, SAVED_PAIR, "nic", info.ifindex),
		     0);
	cr_expect_eq(journal_count(fixture->context.journal), 1);
	port_write_name(dp, 0, "nic");
	port_write_flags(dp, 0, UL_PORT_USED | UL_PORT_HOST);
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(journal_count(fixture->context.journal), 1, "its port exists");
	cr_expect_eq(link_now(fixture, "nic").ifindex, info.ifindex);
	port_clear(dp, 0);
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	cr_expect_eq(link_refresh_get_by_name(fixture->record->monitor, "nic", &info), -ENODEV);
	fixture_free(fixture);
}

/* Of a set that another program has written. */
Test(context_saved_settings, the_name_in_a_free_slot_keeps_no_pair)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	cr_assert_eq(saved_settings_note_made(&fixture->context, SAVED_PAIR, "nic", info.ifindex),
		     0);
	port_write_name(&fixture->fake.dp, 0, "nic");
	port_write_flags(&fixture->fake.dp, 0, UL_PORT_HOST);
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	cr_expect_eq(link_refresh_get_by_name(fixture->record->monitor, "nic", &info), -ENODEV);
	fixture_free(fixture);
}

Test(context_saved_settings, another_interface_of_the_name_is_not_deleted)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_nic(fixture);

	cr_assert_eq(saved_settings_note_made(&fixture->context, SAVED_PAIR, "nic",
					      info.ifindex + 1000),
		     0);
	cr_expect_eq(saved_settings_restore_all(&fixture->context), 0);
	cr_expect_eq(link_now(fixture, "nic").ifindex, info.ifindex);
	fixture_free(fixture);
}

static struct link_info make_bridge(struct fixture *fixture)
{
	cr_assert_eq(saved_settings_note_made(&fixture->context, SAVED_BRIDGE, "br-g", 0), 0);
	cr_assert_eq(link_create_bridge(fixture->record->monitor, "br-g", 1500, false), 0);
	return link_now(fixture, "br-g");
}

Test(context_saved_settings, an_attachment_bridge_goes_with_its_group)
{
	struct group_cfg group = { .bridge = "br-g" };
	struct fixture *fixture = fixture_new(true);
	struct link_info info = make_bridge(fixture);

	cr_expect_not(
		saved_settings_has_made(&fixture->context, SAVED_BRIDGE, "br-g", info.ifindex));
	cr_assert_eq(
		saved_settings_note_made(&fixture->context, SAVED_BRIDGE, "br-g", info.ifindex), 0);
	cr_expect(saved_settings_has_made(&fixture->context, SAVED_BRIDGE, "br-g", info.ifindex));
	fixture->cfg.groups = &group;
	fixture->cfg.n_groups = 1;
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(link_now(fixture, "br-g").ifindex, info.ifindex);
	fixture->cfg.n_groups = 0;
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(link_refresh_get_by_name(fixture->record->monitor, "br-g", &info), -ENODEV);
	cr_expect_eq(journal_count(fixture->context.journal), 0);
	fixture_free(fixture);
}

Test(context_saved_settings, the_isolation_in_a_bridge_is_restored)
{
	struct fixture *fixture = fixture_new(true);
	struct link_monitor *links = fixture->record->monitor;
	struct link_info bridge = make_bridge(fixture), info = make_nic(fixture);

	/* A killed daemon: the interface has left its bridge meanwhile. */
	cr_assert_eq(saved_settings_note(&fixture->context, &info, SAVED_PORT,
					 UL_SAVED_NOT_ISOLATED),
		     0);
	cr_expect_eq(saved_settings_restore_all(&fixture->context), 0);
	cr_assert_eq(saved_settings_note(&fixture->context, &info, SAVED_PORT,
					 UL_SAVED_NOT_ISOLATED),
		     0);
	bridge = make_bridge(fixture);
	cr_assert_eq(set_u32(fixture->record, info.ifindex, IFLA_MASTER, bridge.ifindex), 0);
	cr_assert_eq(link_isolate_bridge_port(links, info.ifindex, true), 0);
	saved_settings_restore(&fixture->context, info.ifindex, NULL);
	cr_expect_eq(journal_count(fixture->context.journal), 1, "the bridge is left");
	cr_expect_eq(link_delete(links, bridge.ifindex), 0);
	fixture_free(fixture);
}

static void count_unreleased(void *userdata)
{
	++*(unsigned int *)userdata;
}

Test(context_saved_settings, another_attempt_is_requested_for_what_failed)
{
	struct fixture *fixture = fixture_new(true);
	struct link_info bridge = make_bridge(fixture), info = make_nic(fixture);
	unsigned int n = 0;

	fixture->context.on_unreleased = count_unreleased;
	fixture->context.unreleased_userdata = &n;
	change(fixture, &info, SAVED_UPLINK);
	set_capability(CAP_NET_ADMIN, false);
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(n, 2, "the bridge and the NIC: %u", n);
	set_capability(CAP_NET_ADMIN, true);
	fixture->journal_error = -ENOMEM;
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(n, 4, "their records: %u", n);
	fixture->journal_error = 0;
	saved_settings_sweep(&fixture->context);
	cr_expect_eq(n, 4);
	expect_restored(fixture, "nic");
	cr_expect_eq(link_refresh_get_by_name(fixture->record->monitor, "br-g", &bridge), -ENODEV);
	fixture_free(fixture);
}
