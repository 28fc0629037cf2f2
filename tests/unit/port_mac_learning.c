// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Events of the programs about unknown source addresses, without a kernel. */
#include "dataplane/ownership.h"
#include "port_testing.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 },
		     mac_c[6] = { 0x52, 0x54, 0, 0, 0, 3 };

enum { PLAIN, LEARNING, CHANGING, TRUNK };

static struct port_fixture *four_groups(void)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_group(fixture, PLAIN, 10, 0, 0);
	put_group(fixture, LEARNING, 10, UL_GROUP_LEARNING, 0);
	put_group(fixture, CHANGING, 10, UL_GROUP_MAC_CHANGES, 0);
	put_group(fixture, TRUNK, UL_VLAN_TRUNK, UL_GROUP_LEARNING, 0);
	put_port(fixture, 1, PLAIN, mac_a, 7);
	put_port(fixture, 2, LEARNING, NULL, 8);
	put_port(fixture, 3, CHANGING, mac_c, 9);
	put_port(fixture, 4, TRUNK, NULL, 10);
	address_add_own(fixture->ports, 1);
	address_add_own(fixture->ports, 3);
	return fixture;
}

static void new_source(struct port_fixture *fixture, uint32_t slot, uint16_t vid,
		       const uint8_t mac[6])
{
	struct ul_event event = { .kind = UL_EVENT_NEW_SOURCE, .port = slot, .vid = vid };

	memcpy(event.mac, mac, sizeof(event.mac));
	mac_learning_event(fixture->ports, &event);
}

Test(port_mac_learning, a_learning_port_gets_the_address)
{
	struct port_fixture *fixture = four_groups();

	new_source(fixture, 2, 10, mac_b);
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), 2);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 2), 1);
	cr_expect(mac_is_zero(fixture->dp->ports[2].mac), "it is not its own");
	new_source(fixture, 4, 20, mac_b);
	cr_expect_eq(fdb_slot(fixture, 20, mac_b), 4);
	cr_expect_eq(fdb_slot(fixture, UL_VLAN_TRUNK, mac_b), -ENOENT, "in its VLAN alone");
	new_source(fixture, 4, 20 | UL_VID_SERVICE, mac_c);
	cr_expect_eq(fdb_slot(fixture, 20 | UL_VID_SERVICE, mac_c), 4);
	cr_expect_eq(fdb_slot(fixture, 20, mac_c), -ENOENT);
	port_fixture_free(fixture);
}

Test(port_mac_learning, an_event_that_does_not_fit_the_present_ports_is_ignored)
{
	struct port_fixture *fixture = four_groups();

	new_source(fixture, 1, 10, mac_b);	      /* neither learns nor may change */
	new_source(fixture, 2, 11, mac_b);	      /* another VLAN than its group has now */
	new_source(fixture, 4, 30, mac_b);	      /* a VLAN that is not in its list */
	new_source(fixture, 4, UL_VLAN_TRUNK, mac_b); /* from before it learned by VLAN */
	new_source(fixture, 5, 10, mac_b);	      /* a free slot */
	new_source(fixture, 100000, 10, mac_b);
	mac_learning_event(fixture->ports, &(struct ul_event){ .kind = 99, .port = 2, .vid = 10 });
	port_write_ifindex(fixture->dp, 2, 0);
	new_source(fixture, 2, 10, mac_b); /* no interface */
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 11, mac_b), -ENOENT);
	for (uint32_t slot = 0; slot < 6; slot++)
		cr_expect_eq(mac_ages_count(fixture->ports->ages, slot), 0, "slot %u", slot);
	port_fixture_free(fixture);
}

/* Also not while the interface of that port is missing. */
Test(port_mac_learning, no_address_is_taken_from_the_port_that_owns_it)
{
	struct port_fixture *fixture = four_groups();

	new_source(fixture, 2, 10, mac_a);
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), 1);
	new_source(fixture, 3, 10, mac_a);
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), 1);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_c, 6);
	address_remove_port(fixture->ports, 1);
	port_write_ifindex(fixture->dp, 1, 0);
	new_source(fixture, 2, 10, mac_a);
	new_source(fixture, 4, 10, mac_a);
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), -ENOENT);
	new_source(fixture, 4, 20, mac_a);
	cr_expect_eq(fdb_slot(fixture, 20, mac_a), 4, "it is owned in VLAN 10 only");
	port_fixture_free(fixture);
}

static void send_event(struct port_fixture *fixture, enum ul_event_kind kind, uint32_t slot,
		       uint16_t vid, const uint8_t mac[6])
{
	struct ul_event event = { .kind = kind, .port = slot, .vid = vid };

	memcpy(event.mac, mac, sizeof(event.mac));
	mac_learning_event(fixture->ports, &event);
}

Test(port_mac_learning, an_address_that_is_in_use_outside_is_learned_as_contested)
{
	struct port_fixture *fixture = four_groups();
	uint64_t here, outside;

	send_event(fixture, UL_EVENT_CONTESTED, 2, 10, mac_b);
	cr_assert_eq(fdb_slot(fixture, 10, mac_b), 2);
	cr_assert_eq(table_get_use(&fixture->dp->fdb, ul_fdb_key(10, mac_b), &here, &outside), 0);
	cr_expect_eq(outside, fixture->base->fake.jiffies);
	cr_expect_eq(last_event(fixture->base)->code, EVENT_ADDRESS_CONTESTED);
	cr_expect_str_eq(
		last_event(fixture->base)->text,
		"sends from 52:54:00:00:00:02 in VLAN 10, which is in use outside: frames to it go both ways");
	port_fixture_free(fixture);
}

/* As its own address it would be dropped as a reflection wherever it comes from outside. */
Test(port_mac_learning, a_port_does_not_change_to_an_address_that_is_in_use_outside)
{
	struct port_fixture *fixture = four_groups();

	send_event(fixture, UL_EVENT_CONTESTED, 3, 10, mac_b);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_c, 6);
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), -ENOENT);
	cr_expect_eq(count_events(fixture->base, EVENT_ADDRESS_CONTESTED, "p3"), 1);
	fixture->ports->state[3].may_change_ms = 0;
	new_source(fixture, 3, 10, mac_b);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_b, 6, "when it is silent there");
	port_fixture_free(fixture);
}

Test(port_mac_learning, a_move_to_the_outside_is_reported_and_keeps_the_entry)
{
	struct port_fixture *fixture = four_groups();

	send_event(fixture, UL_EVENT_MOVED_OUTSIDE, 2, 10, mac_b);
	cr_expect_eq(fixture->base->n_events, 0, "not learned");
	new_source(fixture, 2, 10, mac_b);
	send_event(fixture, UL_EVENT_MOVED_OUTSIDE, 4, 10, mac_b);
	send_event(fixture, UL_EVENT_MOVED_OUTSIDE, 100000, 10, mac_b);
	cr_expect_eq(fixture->base->n_events, 0, "learned at another port");
	send_event(fixture, UL_EVENT_MOVED_OUTSIDE, 2, 10, mac_b);
	cr_expect_eq(count_events(fixture->base, EVENT_ADDRESS_MOVED, "p2"), 1);
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), 2);
	port_fixture_free(fixture);
}

/* Each announcement from outside takes the confirmation back, and never more than that. */
Test(port_mac_learning, an_own_address_that_is_announced_outside_is_tentative)
{
	struct port_fixture *fixture = four_groups();
	struct ul_port *port = (struct ul_port *)&fixture->dp->ports[1];

	cr_assert_eq(own_address_state(port), ADDRESS_CONFIRMED);
	send_event(fixture, UL_EVENT_OWN_OUTSIDE, 1, 10, mac_b);
	send_event(fixture, UL_EVENT_OWN_OUTSIDE, 2, 10, mac_a);
	send_event(fixture, UL_EVENT_OWN_OUTSIDE, 100000, 10, mac_a);
	cr_expect_eq(own_address_state(port), ADDRESS_CONFIRMED, "of another port");
	send_event(fixture, UL_EVENT_OWN_OUTSIDE, 1, 10, mac_a);
	cr_expect_eq(own_address_state(port), ADDRESS_TENTATIVE);
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), 1);
	cr_expect_eq(count_events(fixture->base, EVENT_ADDRESS_CONTESTED, "p1"), 1);
	send_event(fixture, UL_EVENT_OWN_OUTSIDE, 1, 10, mac_a);
	cr_expect_eq(count_events(fixture->base, EVENT_ADDRESS_CONTESTED, "p1"), 1);
	port->seen = port->life; /* as port_tc confirms */
	send_event(fixture, UL_EVENT_OWN_OUTSIDE, 1, 10, mac_a);
	cr_expect_eq(own_address_state(port), ADDRESS_TENTATIVE);
	port_fixture_free(fixture);
}

Test(port_mac_learning, an_address_moves_between_access_and_trunk_ports)
{
	struct port_fixture *fixture = four_groups();

	new_source(fixture, 2, 10, mac_b);
	new_source(fixture, 4, 10, mac_b);
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), 4);
	cr_expect_str_eq(last_event(fixture->base)->text,
			 "52:54:00:00:00:02 in VLAN 10 moved here from port p2");
	new_source(fixture, 2, 10, mac_b);
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), 2);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 4), 0);
	port_fixture_free(fixture);
}

/* Two machines with one address: the entry does not follow every frame without end. */
Test(port_mac_learning, moves_between_ports_are_limited)
{
	struct port_fixture *fixture = four_groups();
	uint32_t n = 0;

	for (int i = 0; i < 1500; i++) {
		int before = fdb_slot(fixture, 10, mac_b);

		new_source(fixture, i % 2 ? 2 : 4, 10, mac_b);
		n += fdb_slot(fixture, 10, mac_b) != before;
	}
	cr_expect_leq(n, 1400);
	cr_expect_leq(count_events(fixture->base, EVENT_ADDRESS_MOVED, NULL), 2 * REPORT_BURST);
	port_fixture_free(fixture);
}

/* ---- limits ---- */
static void flood(struct port_fixture *fixture, uint32_t slot, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		new_source(fixture, slot, 10,
			   (const uint8_t[6]){ 2, 0, (uint8_t)slot, 0, (uint8_t)(i >> 8),
					       (uint8_t)i });
}

Test(port_mac_learning, a_port_at_its_limit_is_muted)
{
	static const struct {
		enum learning_policy policy;
		uint32_t flags;
	} table[] = {
		{ LEARNING_DROP, UL_PORT_MUTED | UL_PORT_LIMITED },
		{ LEARNING_ALLOW, UL_PORT_MUTED },
	};
	const uint32_t mask = UL_PORT_MUTED | UL_PORT_LIMITED;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct port_fixture *fixture = four_groups();

		fixture->ports->state[2].learning_policy = table[i].policy;
		mac_ages_set_limit(fixture->ports->ages, 2, 8, 600000);
		flood(fixture, 2, 0, 7);
		cr_expect_eq(fixture->dp->ports[2].flags & mask, 0);
		flood(fixture, 2, 7, 20);
		cr_expect_eq(mac_ages_count(fixture->ports->ages, 2), 8);
		cr_expect_eq(fixture->dp->ports[2].flags & mask, table[i].flags);
		cr_expect_eq(count_events(fixture->base, EVENT_LEARN_LIMIT, "p2"), 1);
		cr_expect_eq(fixture->dp->ports[4].flags & mask, 0, "another port");
		address_forget_learned(fixture->ports, 2);
		cr_expect_eq(fixture->dp->ports[2].flags & mask, 0);
		port_fixture_free(fixture);
	}
}

/* The pool of the table is used up by one port: each other one still gets its share. */
Test(port_mac_learning, a_flood_takes_no_entry_from_other_ports)
{
	struct port_fixture *fixture = four_groups();

	mac_ages_set_capacity(fixture->ports->ages, 100, 2);
	flood(fixture, 2, 0, 1000);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 2), 75);
	cr_expect(fixture->dp->ports[2].flags & UL_PORT_LIMITED);
	flood(fixture, 4, 0, 1000);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 4), 25);
	address_remove_port(fixture->ports, 4);
	cr_expect(fixture->dp->ports[2].flags & UL_PORT_LIMITED, "a share is not part of the pool");
	port_fixture_free(fixture);
}

/* A machine with mac-changes that invents addresses does not reach the limit of learning. */
Test(port_mac_learning, a_port_with_too_many_events_is_muted_for_a_second)
{
	struct port_fixture *fixture = four_groups();
	uint64_t now = now_ms();

	flood(fixture, 3, 0, 20000);
	cr_expect(fixture->dp->ports[3].flags & UL_PORT_MUTED);
	cr_expect_not(fixture->dp->ports[3].flags & UL_PORT_LIMITED);
	cr_expect(presence_look_again(fixture->ports, now + 500));
	cr_expect(fixture->dp->ports[3].flags & UL_PORT_MUTED);
	cr_expect_not(presence_look_again(fixture->ports, now_ms() + 1000));
	cr_expect_not(fixture->dp->ports[3].flags & UL_PORT_MUTED);
	port_fixture_free(fixture);
}

Test(port_mac_learning, a_machine_may_change_the_address_of_its_port_now_and_then)
{
	struct port_fixture *fixture = four_groups();

	new_source(fixture, 3, 10, mac_b);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_b, 6);
	cr_expect_eq(fdb_slot(fixture, 10, mac_b), 3);
	cr_expect_eq(fdb_slot(fixture, 10, mac_c), -ENOENT);
	cr_expect_str_eq(last_event(fixture->base)->object, "p3");
	cr_expect_str_eq(last_event(fixture->base)->text,
			 "changed its address to 52:54:00:00:00:02");
	new_source(fixture, 3, 10, mac_c);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_b, 6, "too soon");
	fixture->ports->state[3].may_change_ms = 0;
	new_source(fixture, 3, 10, mac_c);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_c, 6);
	cr_expect_eq(count_events(fixture->base, EVENT_PORT_ADDRESS, "p3"), 2);
	port_fixture_free(fixture);
}

/* A machine that changes its address for hours does not fill the log. */
Test(port_mac_learning, reports_of_changes_are_limited)
{
	struct port_fixture *fixture = four_groups();
	char expected[64];

	for (uint32_t i = 0; i < REPORT_BURST + 40; i++) {
		fixture->ports->state[3].may_change_ms = 0;
		new_source(fixture, 3, 10, i % 2 ? mac_c : mac_b);
	}
	cr_expect_eq(count_events(fixture->base, EVENT_PORT_ADDRESS, "p3"), REPORT_BURST);
	fixture->ports->state[3].reports.used_until_ms = 0;
	fixture->ports->state[3].may_change_ms = 0;
	new_source(fixture, 3, 10, mac_b);
	snprintf(expected, sizeof(expected), " (%d events before this were suppressed)", 40);
	cr_expect(strstr(last_event(fixture->base)->text, expected), "%s",
		  last_event(fixture->base)->text);
	port_fixture_free(fixture);
}

Test(port_mac_learning, a_full_table_is_reported_once)
{
	struct port_fixture *fixture = four_groups();

	fixture->dp->fdb.mask = 0; /* one bucket, four cells */
	for (uint8_t i = 0; i < 10; i++)
		new_source(fixture, 2, 10, (const uint8_t[6]){ 2, 0, 0, 0, 0, i });
	cr_expect_lt(mac_ages_count(fixture->ports->ages, 2), 5);
	cr_assert_eq(count_events(fixture->base, EVENT_TABLE_FULL, NULL), 1);
	cr_expect_eq(fixture->ports->full_reports.suppressed,
		     10 - 1 - mac_ages_count(fixture->ports->ages, 2));
	port_fixture_free(fixture);
}

/* The timer is the real one; only its time is looked at. */
Test(port_mac_learning, the_age_timer_starts_with_the_first_address)
{
	struct port_fixture *fixture = four_groups();
	uint64_t before, at_us = 0;
	int enabled = 0;

	cr_assert_eq(sd_event_add_time(fixture->base->context.event, &fixture->ports->age_timer,
				       CLOCK_MONOTONIC, 0, 0, NULL, NULL),
		     0);
	sd_event_source_set_enabled(fixture->ports->age_timer, SD_EVENT_OFF);
	before = now_ms();
	new_source(fixture, 2, 10, mac_b);
	sd_event_source_get_enabled(fixture->ports->age_timer, &enabled);
	sd_event_source_get_time(fixture->ports->age_timer, &at_us);
	cr_expect_eq(enabled, SD_EVENT_ONESHOT);
	cr_expect_geq(at_us / 1000, before + 10000);
	cr_expect_leq(at_us / 1000, now_ms() + 10000);
	sd_event_source_set_time(fixture->ports->age_timer, 5000);
	new_source(fixture, 2, 10, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 });
	sd_event_source_get_time(fixture->ports->age_timer, &at_us);
	cr_expect_eq(at_us, 5000, "it runs already");
	port_fixture_free(fixture);
}
