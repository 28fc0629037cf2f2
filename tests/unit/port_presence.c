// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* UL_PORT_ABSENT and life of a port, without a kernel; and with interfaces what leads to them. */
#include "dataplane/ownership.h"
#include "port_testing.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

static const struct link_info up = { .ifindex = 7, .name = "p3", .admin_up = true, .carrier = true };

static struct port_fixture *one_port(void)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_group(fixture, 0, 100, UL_GROUP_LEARNING, 0);
	put_port(fixture, 3, 0, mac_a, 7);
	return fixture;
}

static enum address_state state_of(const struct port_fixture *fixture, uint32_t slot)
{
	return own_address_state(&fixture->dp->ports[slot]);
}

/* What port_tc does at a frame from the own address. */
static void frame_from(struct port_fixture *fixture, uint32_t slot)
{
	port_set_seen(fixture->dp, slot, fixture->dp->ports[slot].life);
}

Test(port_presence, an_own_address_is_confirmed_by_a_frame_and_absent_without_carrier)
{
	struct port_fixture *fixture = one_port();
	struct link_info info = up;

	cr_expect_eq(state_of(fixture, 3), ADDRESS_CONFIRMED);
	info.carrier = false;
	cr_expect(ports_link_event(fixture->ports, &info, LINK_STATE));
	cr_expect_eq(state_of(fixture, 3), ADDRESS_ABSENT);
	ports_link_event(fixture->ports, &up, LINK_STATE);
	cr_expect_eq(state_of(fixture, 3), ADDRESS_TENTATIVE);
	frame_from(fixture, 3);
	cr_expect_eq(state_of(fixture, 3), ADDRESS_CONFIRMED);
	info.carrier = true;
	info.admin_up = false;
	ports_link_event(fixture->ports, &info, LINK_STATE);
	cr_expect_eq(state_of(fixture, 3), ADDRESS_ABSENT, "set down");
	port_fixture_free(fixture);
}

Test(port_presence, a_carrier_that_comes_does_not_withdraw_a_confirmation)
{
	struct port_fixture *fixture = one_port();
	struct link_info down = up;
	uint32_t life;

	down.carrier = false;
	ports_link_event(fixture->ports, &down, LINK_STATE);
	life = fixture->dp->ports[3].life;
	frame_from(fixture, 3); /* it overtakes the link event */
	cr_expect_eq(state_of(fixture, 3), ADDRESS_CONFIRMED);
	ports_link_event(fixture->ports, &up, LINK_STATE);
	ports_link_event(fixture->ports, &up, LINK_CHANGED);
	cr_expect_eq(fixture->dp->ports[3].life, life);
	cr_expect_eq(state_of(fixture, 3), ADDRESS_CONFIRMED);
	port_fixture_free(fixture);
}

/* A frame that waited in a queue when the carrier was lost. */
Test(port_presence, a_second_look_withdraws_what_a_late_frame_confirmed)
{
	struct port_fixture *fixture = one_port();
	struct link_info down = up;
	uint64_t now = now_ms();

	down.carrier = false;
	ports_link_event(fixture->ports, &down, LINK_STATE);
	frame_from(fixture, 3);
	cr_expect(presence_look_again(fixture->ports, now), "too early");
	cr_expect_eq(state_of(fixture, 3), ADDRESS_CONFIRMED);
	cr_expect_not(presence_look_again(fixture->ports, now_ms() + 1000));
	cr_expect_eq(state_of(fixture, 3), ADDRESS_ABSENT);
	cr_expect_not(presence_look_again(fixture->ports, now_ms() + 5000));
	port_fixture_free(fixture);
}

Test(port_presence, the_second_look_leaves_a_port_with_carrier_alone)
{
	struct port_fixture *fixture = one_port();
	struct link_info down = up;

	down.carrier = false;
	ports_link_event(fixture->ports, &down, LINK_STATE);
	ports_link_event(fixture->ports, &up, LINK_STATE);
	frame_from(fixture, 3);
	presence_look_again(fixture->ports, now_ms() + 1000);
	cr_expect_eq(state_of(fixture, 3), ADDRESS_CONFIRMED);
	port_fixture_free(fixture);
}

Test(port_presence, learned_addresses_are_forgotten_when_the_carrier_comes)
{
	struct port_fixture *fixture = one_port();
	struct link_info down = up;

	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(100, mac_b), false, 1000), 0);
	down.carrier = false;
	ports_link_event(fixture->ports, &down, LINK_STATE);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), 3, "absent by the flag of the port");
	ports_link_event(fixture->ports, &up, LINK_STATE);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 3);
	port_fixture_free(fixture);
}

/* ---- with interfaces ---- */
/* The port p0 in VLAN 100 with one end of a veth pair; its machine has the other end, m0. */
static struct port_fixture *with_veth(bool machine_up)
{
	struct port_fixture *fixture = port_fixture_new(true);

	make_veth(fixture->base->record, "p0", "m0");
	set_up(fixture->base->record, "m0", machine_up);
	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, "p0", mac_a);
	deliver_events(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	deliver_events(fixture);
	return fixture;
}

Test(port_presence, a_new_port_is_tentative_with_carrier_and_absent_without, .timeout = 30)
{
	struct port_fixture *fixture = with_veth(true);

	cr_expect_eq(state_of(fixture, 0), ADDRESS_TENTATIVE);
	port_fixture_free(fixture);
	fixture = with_veth(false);
	cr_expect_eq(state_of(fixture, 0), ADDRESS_ABSENT);
	set_up(fixture->base->record, "m0", true);
	/* The kernel may delay the event of a carrier. */
	for (int i = 0; i < 60 && state_of(fixture, 0) == ADDRESS_ABSENT; i++) {
		usleep(50000);
		deliver_events(fixture);
	}
	cr_expect_eq(state_of(fixture, 0), ADDRESS_TENTATIVE);
	port_fixture_free(fixture);
}

Test(port_presence, an_interface_that_is_gone_withdraws_the_confirmation, .timeout = 30)
{
	struct port_fixture *fixture = with_veth(true);

	frame_from(fixture, 0);
	delete_link(fixture->base->record, "p0");
	deliver_events(fixture);
	cr_expect_eq(state_of(fixture, 0), ADDRESS_ABSENT);
	make_veth(fixture->base->record, "p0", "m0");
	set_up(fixture->base->record, "m0", true);
	deliver_events(fixture);
	deliver_events(fixture);
	cr_expect_eq(state_of(fixture, 0), ADDRESS_TENTATIVE);
	port_fixture_free(fixture);
}

/* A program may still hold the life of the former port. */
Test(port_presence, a_slot_that_is_used_again_goes_on_with_its_life, .timeout = 30)
{
	struct port_fixture *fixture = with_veth(true);
	uint32_t life;

	frame_from(fixture, 0);
	life = fixture->dp->ports[0].life;
	make_veth(fixture->base->record, "p1", "m1");
	set_up(fixture->base->record, "m1", true);
	fixture->groups[0].n_ports = 0;
	add_port(fixture, 0, "p1", mac_b);
	deliver_events(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	deliver_events(fixture);
	cr_assert_str_eq(fixture->dp->ports[0].name, "p1");
	cr_expect_gt(fixture->dp->ports[0].life, life);
	cr_expect_eq(state_of(fixture, 0), ADDRESS_TENTATIVE);
	port_fixture_free(fixture);
}

/* ---- run-time ports without an interface ---- */
Test(port_presence, a_run_time_port_is_forgotten_an_hour_after_its_interface_went)
{
	struct port_fixture *fixture = port_fixture_new(false);
	char name[UL_NAME_LEN];

	put_group(fixture, 0, 100, 0, 0);
	put_port(fixture, 1, 0, mac_a, 0); /* of the file */
	put_port(fixture, 2, 0, mac_b, 0);
	port_write_flags(fixture->dp, 2, UL_PORT_USED | UL_PORT_RUNTIME);
	put_port(fixture, 3, 0, NULL, 9);
	port_write_flags(fixture->dp, 3, UL_PORT_USED | UL_PORT_RUNTIME);
	fixture->ports->state[1].gone_since_ms = 1000;
	fixture->ports->state[2].gone_since_ms = 1000;
	cr_expect_not(ports_next_forgotten(fixture->ports, 1000 + RUNTIME_PORT_KEPT_MS - 1, name));
	cr_assert(ports_next_forgotten(fixture->ports, 1000 + RUNTIME_PORT_KEPT_MS, name));
	cr_expect_str_eq(name, "p2");
	port_fixture_free(fixture);
}
