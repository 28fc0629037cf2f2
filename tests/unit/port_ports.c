// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Life of a port: real interfaces in a namespace, the data plane in ordinary memory. */
#include "port_testing.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

static const struct ul_port *port_record(const struct port_fixture *fixture, const char *name)
{
	int slot = port_slot_by_name(fixture->ports, name);

	cr_assert_geq(slot, 0, "%s", name);
	return &fixture->dp->ports[slot];
}

/* The port p0 in VLAN 100 with the interface p0, a veth; its machine has the other end. */
static struct port_fixture *with_one_port(void)
{
	struct port_fixture *fixture = port_fixture_new(true);

	make_veth(fixture->base->record, "p0", "m0");
	set_up(fixture->base->record, "m0", true);
	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, "p0", mac_a);
	deliver_events(fixture);
	return fixture;
}

static void expect_disconnected(const struct port_fixture *fixture, uint32_t ifindex)
{
	uint32_t endpoint;

	cr_expect_not(dataplane_fake_is_attached(&fixture->base->fake, ifindex));
	cr_expect_eq(table_get(&fixture->dp->ifaces, ul_iface_key(ifindex), &endpoint), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), -ENOENT);
}

Test(port_ports, a_port_is_connected_to_its_interface, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0"), endpoint = 0;
	const struct ul_port *port;

	cr_assert_eq(apply_ports(fixture), 0);
	port = port_record(fixture, "p0");
	cr_expect_eq(port->ifindex, ifindex);
	cr_expect_eq(port->flags, UL_PORT_USED);
	cr_assert(saved_of(fixture->base, ifindex));
	cr_expect_eq(saved_of(fixture->base, ifindex)->settings, UL_SAVED_IPV6 | UL_SAVED_DOWN);
	cr_expect_eq(port->max_frame, TEST_MTU + 18);
	cr_expect_eq(port->vlan.vid, 100);
	cr_expect_eq(port->vlan.mode, UL_VLAN_VST);
	cr_expect_arr_eq(port->mac, mac_a, 6);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 0);
	cr_expect(dataplane_fake_is_attached(&fixture->base->fake, ifindex));
	cr_assert_eq(table_get(&fixture->dp->ifaces, ul_iface_key(ifindex), &endpoint), 0);
	cr_expect_eq(endpoint, UL_ENDPOINT_PORT0);
	cr_expect(link_now(fixture->base, "p0").admin_up);
	port_fixture_free(fixture);
}

Test(port_ports, a_second_apply_changes_nothing, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct ul_port before;

	cr_assert_eq(apply_ports(fixture), 0);
	before = *port_record(fixture, "p0");
	fixture->base->fake.n_calls = 0;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(memcmp(&before, port_record(fixture, "p0"), sizeof(before)), 0);
	cr_expect_eq(fixture->base->fake.n_calls, 0);
	port_fixture_free(fixture);
}

/* ---- failed attempts ---- */
static uint32_t error_of(const struct port_fixture *fixture)
{
	return port_record(fixture, "p0")->flags >> UL_PORT_ERROR_SHIFT;
}

/* An attempt when the back-off says so, and not before. */
static void retry_after(struct port_fixture *fixture, uint32_t delay_ms)
{
	const struct port_state *state = &fixture->ports->state[0];
	size_t before = fixture->base->fake.n_calls;

	cr_assert_eq(state->retry_ms, delay_ms);
	port_retry_due(fixture->ports, state->retry_due_ms - 1);
	cr_expect_eq(fixture->base->fake.n_calls, before, "too early");
	port_retry_due(fixture->ports, state->retry_due_ms);
}

Test(port_ports, an_attachment_that_fails_is_tried_again_with_back_off, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct dataplane_fake *fake = &fixture->base->fake;
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0");

	fake->attach_port_error = -ENOMEM;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, 0);
	cr_expect_eq(error_of(fixture), ENOMEM);
	expect_disconnected(fixture, ifindex);
	retry_after(fixture, 1000);
	retry_after(fixture, 2000);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_ATTACH_PORT, ifindex), 3);

	/* Events of the settings that an attempt undoes lead to no further attempt. */
	deliver_events(fixture);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_ATTACH_PORT, ifindex), 3);

	fake->attach_port_error = 0;
	retry_after(fixture, 4000);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex);
	cr_expect_eq(error_of(fixture), 0);
	cr_expect_eq(fixture->ports->state[0].refused, 0);
	port_fixture_free(fixture);
}

/* The port is connected and its machine waits for a link. */
Test(port_ports, an_interface_that_cannot_be_set_up_is_tried_again, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0");

	set_capability(CAP_NET_ADMIN, false);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex);
	cr_expect_eq(error_of(fixture), EPERM);
	cr_expect_eq(fixture->ports->state[0].refused, ifindex);
	cr_expect_not(link_now(fixture->base, "p0").admin_up);
	set_capability(CAP_NET_ADMIN, true);
	port_retry_due(fixture->ports, fixture->ports->state[0].retry_due_ms);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex);
	cr_expect_eq(error_of(fixture), 0);
	cr_expect_eq(fixture->ports->state[0].refused, 0);
	cr_expect(link_now(fixture->base, "p0").admin_up);
	/* Now it is the administrator who sets it down. */
	set_up(fixture->base->record, "p0", false);
	run_pending(fixture->base->record);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_not(link_now(fixture->base, "p0").admin_up);
	port_fixture_free(fixture);
}

/* The set that is to be replaced still has the port, so nothing of it is undone. */
Test(port_ports, a_failure_in_a_staged_set_restores_nothing, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();

	cr_assert_eq(apply_ports(fixture), 0);
	fixture->dp->staged = true;
	port_write_ifindex(fixture->dp, 0, 0);
	fixture->ports->state[0].attached = 0;
	run_pending(fixture->base->record);
	fixture->base->fake.attach_port_error = -ENOMEM;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(error_of(fixture), ENOMEM);
	cr_expect(link_now(fixture->base, "p0").admin_up);
	fixture->base->fake.attach_port_error = 0;
	port_retry_due(fixture->ports, fixture->ports->state[0].retry_due_ms);
	cr_expect_eq(error_of(fixture), 0);
	cr_expect_neq(port_record(fixture, "p0")->ifindex, 0);
	cr_expect(link_now(fixture->base, "p0").admin_up);
	port_fixture_free(fixture);
}

/* A restarted daemon that fails to adopt a port's link: the data plane forwards all the same. */
Test(port_ports, a_connected_port_survives_a_failed_attempt, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0"), endpoint;

	cr_assert_eq(apply_ports(fixture), 0);
	fixture->ports->state[0].attached = 0; /* as in a process that has just started */
	fixture->base->fake.attach_port_error = -EMFILE;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex);
	cr_expect(saved_of(fixture->base, ifindex));
	cr_expect_eq(table_get(&fixture->dp->ifaces, ul_iface_key(ifindex), &endpoint), 0);
	cr_expect(dataplane_fake_is_attached(&fixture->base->fake, ifindex));
	cr_expect_eq(error_of(fixture), EMFILE);
	fixture->base->fake.attach_port_error = 0;
	retry_after(fixture, 1000);
	cr_expect_eq(error_of(fixture), 0);
	port_fixture_free(fixture);
}

Test(port_ports, a_refused_interface_that_disappears_is_not_tried_again, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();

	fixture->base->fake.attach_port_error = -ENOMEM;
	cr_assert_eq(apply_ports(fixture), 0);
	delete_link(fixture->base->record, "p0");
	deliver_events(fixture);
	cr_expect_eq(error_of(fixture), 0);
	cr_expect_eq(fixture->ports->state[0].refused, 0);
	port_fixture_free(fixture);
}

Test(port_ports, a_missing_interface_is_connected_when_it_appears, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(true);

	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, "p0", mac_a);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, 0);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), -ENOENT);
	cr_expect_eq(count_events(fixture->base, EVENT_PORT_WAITING, "p0"), 1);
	make_veth(fixture->base->record, "p0", "m0");
	deliver_events(fixture);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex_of(fixture->base->record, "p0"));
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 0);
	cr_expect_eq(count_events(fixture->base, EVENT_PORT_PRESENT, "p0"), 1);
	port_fixture_free(fixture);
}

Test(port_ports, an_interface_that_disappears_takes_the_address_along, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0");

	cr_assert_eq(apply_ports(fixture), 0);
	delete_link(fixture->base->record, "p0");
	deliver_events(fixture);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, 0);
	cr_expect_eq(port_record(fixture, "p0")->flags, UL_PORT_USED | UL_PORT_ABSENT);
	expect_disconnected(fixture, ifindex);
	cr_expect_eq(count_events(fixture->base, EVENT_PORT_GONE, "p0"), 1);
	port_fixture_free(fixture);
}

/* Events of another interface, and late ones of a predecessor. */
Test(port_ports, events_of_other_interfaces_are_ignored, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct link_info other = { .ifindex = 99, .name = "p0" };
	struct ul_port before;

	cr_assert_eq(apply_ports(fixture), 0);
	before = *port_record(fixture, "p0");
	cr_expect(ports_link_event(fixture->ports, &other, LINK_REMOVED));
	snprintf(other.name, sizeof(other.name), "m0");
	cr_expect_not(ports_link_event(fixture->ports, &other, LINK_REMOVED));
	cr_expect_eq(memcmp(&before, port_record(fixture, "p0"), sizeof(before)), 0);
	port_fixture_free(fixture);
}

/* Of a set that another program has written. */
Test(port_ports, an_interface_of_no_port_is_ignored)
{
	struct port_fixture *fixture = port_fixture_new(false);
	struct dataplane *dp = fixture->dp;
	const struct link_info info = { .ifindex = 77, .name = "other" };
	const uint32_t endpoints[] = { UL_ENDPOINT_PORT0 + 7, UL_ENDPOINT_PORT0 + dp->max_ports,
				       UL_ENDPOINT_PORT0 + UL_MAX_PORTS, 0x7fffffff,
				       UINT32_MAX - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		cr_assert_eq(table_set(&dp->ifaces, ul_iface_key(77), endpoints[i]), 0);
		cr_expect_not(ports_link_event(fixture->ports, &info, LINK_CHANGED), "%#x",
			      endpoints[i]);
	}
	port_fixture_free(fixture);
}

Test(port_ports, a_port_by_an_alternative_name_of_its_interface, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(false);
	struct link_info info = { .ifindex = 7, .name = "enp1s0", .alt_names = { "p0" } };

	put_group(fixture, 0, 100, 0, 0);
	put_port(fixture, 0, 0, mac_a, 7);
	port_write_flags(fixture->dp, 0, UL_PORT_USED);
	cr_expect(ports_link_event(fixture->ports, &info, LINK_REMOVED));
	cr_expect_eq(fixture->dp->ports[0].ifindex, 0);
	port_fixture_free(fixture);
}

Test(port_ports, the_frame_length_follows_the_mtu, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct record *record = fixture->base->record;

	cr_assert_eq(apply_ports(fixture), 0);
	cr_assert_eq(set_u32(record, ifindex_of(record, "p0"), IFLA_MTU, 1400), 0);
	deliver_events(fixture);
	cr_expect_eq(port_record(fixture, "p0")->max_frame, 1400 + 18);
	cr_assert_eq(set_u32(record, ifindex_of(record, "p0"), IFLA_MTU, 9000), 0);
	deliver_events(fixture);
	cr_expect_eq(port_record(fixture, "p0")->max_frame, TEST_MTU + 18, "that of the switch");
	port_fixture_free(fixture);
}

Test(port_ports, a_tap_gets_frames_by_xdp_unless_receive_is_tc, .timeout = 300)
{
	static const struct {
		enum ul_receive receive;
		uint32_t mtu, flags;
	} table[] = {
		{ UL_RECEIVE_AUTO, 1500, UL_PORT_XDP },
		{ UL_RECEIVE_XDP, 1500, UL_PORT_XDP | UL_PORT_XDP_TCP },
		{ UL_RECEIVE_TC, 1500, 0 },
		{ UL_RECEIVE_XDP, 9000, 0 }, /* longer than a page */
	};
	struct port_fixture *fixture = port_fixture_new(true);
	struct record *record = fixture->base->record;
	_cleanup_close_ int tap = make_tap("p0");
	uint32_t ifindex;

	run_pending(record);
	ifindex = ifindex_of(record, "p0");
	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, "p0", mac_a);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		fixture->base->cfg.receive = table[i].receive;
		fixture->base->cfg.mtu = table[i].mtu;
		cr_assert_eq(set_u32(record, ifindex, IFLA_MTU, table[i].mtu), 0);
		run_pending(record);
		cr_assert_eq(apply_ports(fixture), 0);
		cr_expect_eq(port_record(fixture, "p0")->flags & (UL_PORT_XDP | UL_PORT_XDP_TCP),
			     table[i].flags, "row %zu", i);
		if (table[i].flags)
			cr_expect_eq(fixture->base->fake.xdp_target[0], ifindex, "row %zu", i);
	}
	fixture->base->fake.xdp_target_error = -EINVAL;
	fixture->base->cfg.mtu = 1500;
	cr_assert_eq(set_u32(record, ifindex, IFLA_MTU, 1500), 0);
	run_pending(record);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_record(fixture, "p0")->flags & UL_PORT_XDP, 0, "no devmap entry");
	cr_expect_eq(error_of(fixture), 0, "this interface cannot have one");
	fixture->base->fake.xdp_target_error = -ENOMEM;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(error_of(fixture), ENOMEM);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex);
	fixture->base->fake.xdp_target_error = 0;
	port_retry_due(fixture->ports, fixture->ports->state[0].retry_due_ms);
	cr_expect_eq(error_of(fixture), 0);
	cr_expect(port_record(fixture, "p0")->flags & UL_PORT_XDP);
	port_fixture_free(fixture);
}

Test(port_ports, a_member_of_a_bridge_is_not_connected, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct record *record = fixture->base->record;

	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	cr_assert_eq(set_u32(record, ifindex_of(record, "p0"), IFLA_MASTER,
			     ifindex_of(record, "br0")),
		     0);
	run_pending(record);
	cr_assert_eq(apply_ports(fixture), 0, "the others are better than none");
	cr_expect_eq(port_record(fixture, "p0")->ifindex, 0);
	cr_expect(has_error(fixture->base, "sw: p0 belongs to a bridge or bond"));
	record->n = 0;
	cr_assert_eq(set_u32(record, ifindex_of(record, "p0"), IFLA_MASTER, 0), 0);
	deliver_events(fixture);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, ifindex_of(record, "p0"));
	port_fixture_free(fixture);
}

Test(port_ports, an_isolation_in_a_bridge_that_failed_is_tried_again, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct record *record = fixture->base->record;
	struct port_state *state = &fixture->ports->state[0];
	uint32_t bridge;

	snprintf(fixture->groups[0].bridge, sizeof(fixture->groups[0].bridge), "br0");
	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	bridge = ifindex_of(record, "br0");
	cr_assert_eq(set_u32(record, ifindex_of(record, "p0"), IFLA_MASTER, bridge), 0);
	set_up(record, "p0", true);
	run_pending(record);
	set_capability(CAP_NET_ADMIN, false);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_neq(port_record(fixture, "p0")->ifindex, 0, "it is connected all the same");
	cr_expect_eq(error_of(fixture), EPERM);
	cr_expect_eq(state->isolated, 0);
	set_capability(CAP_NET_ADMIN, true);
	port_retry_due(fixture->ports, state->retry_due_ms);
	cr_expect_eq(error_of(fixture), 0);
	cr_expect_eq(state->isolated, bridge);
	port_fixture_free(fixture);
}

Test(port_ports, a_port_whose_program_cannot_be_attached_stays_as_it_was, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0");
	bool ipv6 = false;

	fixture->base->fake.attach_port_error = -EBUSY;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_record(fixture, "p0")->ifindex, 0);
	cr_expect_eq(port_record(fixture, "p0")->flags,
		     UL_PORT_USED | UL_PORT_ABSENT | EBUSY << UL_PORT_ERROR_SHIFT);
	expect_disconnected(fixture, ifindex);
	cr_expect(has_error(fixture->base, "p0: cannot attach"));
	cr_assert_eq(link_get_ipv6(fixture->base->record->monitor, ifindex, &ipv6), 0);
	cr_expect(ipv6);
	port_fixture_free(fixture);
}

Test(port_ports, ipv6_is_disabled_while_the_port_is_a_member, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct link_monitor *links = fixture->base->record->monitor;
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0");
	bool on = true;

	cr_assert_eq(apply_ports(fixture), 0);
	cr_assert_eq(link_get_ipv6(links, ifindex, &on), 0);
	cr_expect_not(on);
	ports_release_all(fixture->ports);
	cr_assert_eq(link_get_ipv6(links, ifindex, &on), 0);
	cr_expect(on);
	port_fixture_free(fixture);
}

Test(port_ports, a_removed_port_leaves_its_slot_empty, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	struct ul_port empty = {};
	uint32_t ifindex = ifindex_of(fixture->base->record, "p0");

	add_port(fixture, 0, "p1", mac_b);
	cr_assert_eq(apply_ports(fixture), 0);
	fixture->groups[0].n_ports = 0;
	add_port(fixture, 0, "p1", mac_b);
	cr_assert_eq(ports_release_removed(fixture->ports, &fixture->base->cfg), 0);
	empty.life = fixture->dp->ports[0].life; /* goes on */
	cr_expect_eq(memcmp(&fixture->dp->ports[0], &empty, sizeof(empty)), 0);
	cr_expect_eq(port_slot_by_name(fixture->ports, "p1"), 1, "it keeps its slot");
	expect_disconnected(fixture, ifindex);
	add_port(fixture, 0, "p2", mac_a);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(port_slot_by_name(fixture->ports, "p2"), 0);
	cr_expect_eq(
		dataplane_fake_count(&fixture->base->fake, FAKE_RESET_STATS, UL_ENDPOINT_PORT0), 2);
	port_fixture_free(fixture);
}

Test(port_ports, a_port_moves_to_another_group, .timeout = 300)
{
	struct port_fixture *fixture = with_one_port();
	const struct ul_port *port;

	cr_assert_eq(apply_ports(fixture), 0);
	put_group(fixture, 1, 200, UL_GROUP_FORGED_OK, 3);
	fixture->groups[0].n_ports = 0;
	add_port(fixture, 1, "p0", mac_b);
	cr_assert_eq(apply_ports(fixture), 0);
	port = port_record(fixture, "p0");
	cr_expect_eq(port->group, 1);
	cr_expect_eq(port->policy, 3);
	cr_expect_eq(port->vlan.vid, 200);
	cr_expect_eq(port->vlan.group_flags, UL_GROUP_USED | UL_GROUP_FORGED_OK);
	cr_expect_eq(fdb_slot(fixture, 200, mac_b), 0);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), -ENOENT);
	port_fixture_free(fixture);
}

Test(port_ports, a_port_more_than_there_are_slots_is_an_error, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(true);

	fixture->dp->max_ports = 1;
	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, "p0", mac_a);
	cr_assert_eq(apply_ports(fixture), 0);
	add_port(fixture, 0, "p1", mac_b);
	cr_expect_eq(apply_ports(fixture), -ENOSPC);
	cr_expect(has_error(fixture->base, "sw: port p1: no free slot"));
	port_fixture_free(fixture);
}

/* ---- mac-changes ---- */
/* p0 with the configured address mac_a, whose machine has changed it to mac_b. */
static struct port_fixture *with_changed_address(void)
{
	struct port_fixture *fixture = with_one_port();

	put_group(fixture, 0, 100, UL_GROUP_MAC_CHANGES, 0);
	fixture->groups[0].vid = 100;
	fixture->groups[0].vlan_mode = UL_VLAN_VST;
	fixture->groups[0].security.mac_changes = true;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_assert_eq(address_change_own(fixture->ports, 0, mac_b), 0);
	port_note_change(fixture->ports, 0);
	return fixture;
}

/* As a restarted daemon: only the maps have the state. */
static void restart(struct port_fixture *fixture)
{
	const struct ports_callbacks callbacks = { port_fixture_left, fixture };

	ports_free(fixture->ports);
	cr_assert_eq(ports_new(&fixture->base->context, &callbacks, &fixture->ports), 0);
	cr_assert_eq(mac_ages_new(&fixture->ports->ages), 0);
}

Test(port_ports, an_address_that_the_machine_changed_survives_reload_and_restart, .timeout = 30)
{
	struct port_fixture *fixture = with_changed_address();
	uint32_t life = fixture->dp->ports[0].life;

	for (int i = 0; i < 4; i++) {
		if (i % 2)
			restart(fixture);
		cr_assert_eq(apply_ports(fixture), 0);
		cr_expect_arr_eq(fixture->dp->ports[0].mac, mac_b, 6, "%d", i);
		cr_expect_eq(fdb_slot(fixture, 100, mac_b), 0);
		cr_expect_eq(fdb_slot(fixture, 100, mac_a), -ENOENT);
		cr_expect_eq(fixture->dp->ports[0].life, life);
	}
	port_fixture_free(fixture);
}

Test(port_ports, a_changed_address_ends_with_its_reason, .timeout = 30)
{
	static const uint8_t mac_c[6] = { 0x52, 0x54, 0, 0, 0, 3 };
	struct port_fixture *fixture = with_changed_address();

	/* another configured address */
	memcpy(fixture->port_cfgs[0][0].mac, mac_c, 6);
	restart(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_arr_eq(fixture->dp->ports[0].mac, mac_c, 6);
	cr_expect_neq(fixture->dp->ports[0].life, fixture->dp->ports[0].seen, "not confirmed yet");
	/* mac-changes is off */
	cr_assert_eq(address_change_own(fixture->ports, 0, mac_b), 0);
	port_note_change(fixture->ports, 0);
	fixture->groups[0].security.mac_changes = false;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_arr_eq(fixture->dp->ports[0].mac, mac_c, 6);
	/* the machine has returned to the configured one */
	fixture->groups[0].security.mac_changes = true;
	cr_assert_eq(address_change_own(fixture->ports, 0, mac_c), 0);
	port_note_change(fixture->ports, 0);
	cr_expect_eq(fixture->dp->ports[0].changed_from, 0);
	/* another port is configured with it */
	cr_assert_eq(address_change_own(fixture->ports, 0, mac_b), 0);
	port_note_change(fixture->ports, 0);
	add_port(fixture, 0, "p1", mac_b);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_arr_eq(port_record(fixture, "p0")->mac, mac_c, 6);
	cr_expect_arr_eq(port_record(fixture, "p1")->mac, mac_b, 6);
	port_fixture_free(fixture);
}

/* ---- reports ---- */
/* Hundreds of machines that restart again and again. */
Test(port_ports, reports_of_all_ports_together_are_limited)
{
	struct port_fixture *fixture = port_fixture_new(false);
	size_t n = 0;

	put_group(fixture, 0, 100, 0, 0);
	fixture->ports->all_reports = RATE_LIMIT(100, ALL_REPORT_INTERVAL_MS);
	for (uint32_t slot = 0; slot < 64; slot++)
		put_port(fixture, slot, 0, NULL, 0);
	for (int i = 0; i < 40; i++) {
		for (uint32_t slot = 0; slot < 64; slot++)
			port_report(fixture->ports, slot, EVENT_PORT_GONE, "gone");
		n += 64;
	}
	cr_expect_geq(fixture->base->n_events, 100);
	cr_expect_lt(fixture->base->n_events, 200, "%zu reports, %zu events", n,
		     fixture->base->n_events);
	/* No report is lost from the count. */
	fixture->ports->all_reports = RATE_LIMIT(1, ALL_REPORT_INTERVAL_MS);
	port_report(fixture->ports, 63, EVENT_PORT_GONE, "gone");
	cr_expect(strstr(last_event(fixture->base)->text, "events before this were suppressed"));
	port_fixture_free(fixture);
}
