// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The address table and the ports' own addresses, without a kernel. */
#include "dataplane/clock.h"
#include "port_testing.h"

#define AGE_MS 600000
#define LEARNING (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK)

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

/* Group 0: VLAN 100; group 1: VLAN 200, learning. */
static struct port_fixture *two_groups(void)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_group(fixture, 0, 100, 0, 0);
	put_group(fixture, 1, 200, LEARNING, 0);
	return fixture;
}

Test(port_addresses, an_own_address_leads_to_its_port_in_its_vlan_only)
{
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 0, mac_a, 7);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 3);
	cr_expect_eq(fdb_slot(fixture, 200, mac_a), -ENOENT);
	put_port(fixture, 4, 0, NULL, 8);
	cr_expect_eq(address_other_owner(fixture->ports, 4, 100, mac_a), 3);
	cr_expect_eq(address_other_owner(fixture->ports, 4, 200, mac_a), -ENOENT);
	cr_expect_eq(address_other_owner(fixture->ports, 3, 100, mac_a), -ENOENT, "its own");
	cr_expect(address_is_own(fixture->ports, 3, ul_fdb_key(100, mac_a)));
	cr_expect_not(address_is_own(fixture->ports, 3, ul_fdb_key(100, mac_b)));
	cr_expect_not(address_is_own(fixture->ports, UINT32_MAX, ul_fdb_key(100, mac_a)));
	port_fixture_free(fixture);
}

Test(port_addresses, a_port_without_address_owns_none)
{
	static const uint8_t zero[6];
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 0, NULL, 7);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	cr_expect_eq(fdb_slot(fixture, 100, zero), -ENOENT);
	cr_expect_not(address_is_own(fixture->ports, 3, ul_fdb_key(100, zero)));
	port_fixture_free(fixture);
}

Test(port_addresses, a_change_replaces_the_entry_and_the_mac)
{
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 0, mac_a, 7);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	cr_assert_eq(address_change_own(fixture->ports, 3, mac_b), 0);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), 3);
	cr_expect_arr_eq(fixture->dp->ports[3].mac, mac_b, 6);
	cr_assert_eq(address_change_own(fixture->ports, 3, fixture->dp->ports[3].mac), 0);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), 3, "a change to the present address");
	port_fixture_free(fixture);
}

/* The entry that was learned must not expire later: it is the port's own now. */
Test(port_addresses, a_change_to_a_learned_address_takes_it_over)
{
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 1, mac_a, 7);
	put_port(fixture, 4, 1, NULL, 8);
	cr_assert_eq(address_learn(fixture->ports, 4, ul_fdb_key(200, mac_b), false, 1000), 0);
	cr_assert_eq(address_change_own(fixture->ports, 3, mac_b), 0);
	cr_expect_eq(fdb_slot(fixture, 200, mac_b), 3);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 4), 0);
	cr_expect_eq(address_expire(fixture->ports, 1000 + 2 * AGE_MS), UINT64_MAX);
	cr_expect_eq(fdb_slot(fixture, 200, mac_b), 3);
	port_fixture_free(fixture);
}

Test(port_addresses, a_port_that_goes_loses_all_its_addresses)
{
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 1, mac_a, 7);
	put_port(fixture, 4, 1, NULL, 8);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	for (uint8_t i = 0; i < 10; i++)
		cr_assert_eq(address_learn(fixture->ports, i < 5 ? 3 : 4,
					   ul_fdb_key(200, (const uint8_t[6]){ 2, 0, 0, 0, 0, i }),
					   false, 1000),
			     0);
	address_remove_port(fixture->ports, 3);
	cr_expect_eq(fdb_slot(fixture, 200, mac_a), -ENOENT);
	for (uint8_t i = 0; i < 10; i++)
		cr_expect_eq(fdb_slot(fixture, 200, (const uint8_t[6]){ 2, 0, 0, 0, 0, i }),
			     i < 5 ? -ENOENT : 4);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 3), 0);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 4), 5);
	port_fixture_free(fixture);
}

Test(port_addresses, a_learned_address_moves_with_its_machine)
{
	struct port_fixture *fixture = two_groups();
	uint64_t key = ul_fdb_key(200, mac_b);

	put_port(fixture, 3, 1, NULL, 7);
	put_port(fixture, 4, 1, NULL, 8);
	cr_assert_eq(address_learn(fixture->ports, 3, key, false, 1000), 0);
	cr_expect_eq(address_learned_at(fixture->ports, key), 3);
	cr_assert_eq(address_learn(fixture->ports, 4, key, false, 2000), 0);
	cr_expect_eq(address_learned_at(fixture->ports, key), 4);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 3), 0);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 4), 1);
	port_fixture_free(fixture);
}

/* The time of use is the data plane's. */
Test(port_addresses, a_learned_address_expires_after_its_last_use)
{
	struct port_fixture *fixture = two_groups();
	uint64_t key = ul_fdb_key(200, mac_b), hz = kernel_hz(), at = 1000 + AGE_MS;

	put_port(fixture, 3, 1, NULL, 7);
	cr_assert_eq(address_learn(fixture->ports, 3, key, false, 1000), 0);
	fixture->base->fake.jiffies += hz * AGE_MS / 1000;
	table_set_use(&fixture->dp->fdb, key, fixture->base->fake.jiffies - 100 * hz, 0);
	cr_expect_eq(address_expire(fixture->ports, at), at - 100000 + AGE_MS);
	cr_expect_eq(fdb_slot(fixture, 200, mac_b), 3, "used 100 s ago");
	fixture->base->fake.jiffies += hz * 500;
	cr_expect_eq(address_expire(fixture->ports, at + 500000), UINT64_MAX);
	cr_expect_eq(fdb_slot(fixture, 200, mac_b), -ENOENT);
	port_fixture_free(fixture);
}

Test(port_addresses, a_contested_address_begins_with_the_time_outside)
{
	struct port_fixture *fixture = two_groups();
	uint64_t here, outside, now = fixture->base->fake.jiffies;

	put_port(fixture, 3, 1, NULL, 7);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(200, mac_a), false, 1000), 0);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(200, mac_b), true, 1000), 0);
	cr_assert_eq(table_get_use(&fixture->dp->fdb, ul_fdb_key(200, mac_a), &here, &outside), 0);
	cr_expect(here == now && outside == 0);
	cr_assert_eq(table_get_use(&fixture->dp->fdb, ul_fdb_key(200, mac_b), &here, &outside), 0);
	cr_expect(here == now && outside == now);
	port_fixture_free(fixture);
}

Test(port_addresses, an_own_address_is_never_learned)
{
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 1, mac_a, 7);
	put_port(fixture, 4, 1, NULL, 8);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	cr_expect_eq(address_learn(fixture->ports, 4, ul_fdb_key(200, mac_a), false, 1000),
		     -EEXIST);
	cr_expect_eq(fdb_slot(fixture, 200, mac_a), 3);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 4), 0);
	port_fixture_free(fixture);
}

Test(port_addresses, forgetting_keeps_the_own_address)
{
	struct port_fixture *fixture = two_groups();

	put_port(fixture, 3, 1, mac_a, 7);
	put_port(fixture, 4, 1, NULL, 8);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	for (uint8_t i = 0; i < 6; i++)
		cr_assert_eq(address_learn(fixture->ports, i < 3 ? 3 : 4,
					   ul_fdb_key(200, (const uint8_t[6]){ 2, 0, 0, 0, 0, i }),
					   false, 1000),
			     0);
	address_forget_learned(fixture->ports, 3);
	cr_expect_eq(fdb_slot(fixture, 200, mac_a), 3);
	for (uint8_t i = 0; i < 6; i++)
		cr_expect_eq(fdb_slot(fixture, 200, (const uint8_t[6]){ 2, 0, 0, 0, 0, i }),
			     i < 3 ? -ENOENT : 4);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 3), 0);
	port_fixture_free(fixture);
}

/* ---- trunk ports that share an address ---- */
/* Group index: a trunk of the VLANs first to last, below 64. */
static void put_trunk(struct port_fixture *fixture, uint32_t index, uint32_t first, uint32_t last)
{
	struct ul_group group = { .flags = UL_GROUP_USED,
				  .vlan_mode = UL_VLAN_VGT,
				  .vid = UL_VLAN_TRUNK };

	for (uint32_t vid = first; vid <= last; vid++)
		group.vlans[0] |= 1ULL << vid;
	group_write(fixture->dp, index, &group);
}

/* The slot to which a frame to the address goes, as the programs look it up. */
static int destination(const struct port_fixture *fixture, uint16_t vid, const uint8_t mac[6])
{
	int slot = fdb_slot(fixture, vid, mac);

	return slot >= 0 ? slot : fdb_slot(fixture, UL_VLAN_TRUNK, mac);
}

static void expect_trunk_owners(const struct port_fixture *fixture, int short_list, int long_list)
{
	for (uint16_t vid = 10; vid <= 12; vid++) {
		cr_expect_eq(destination(fixture, vid, mac_a), short_list, "VLAN %u", vid);
		cr_expect_eq(destination(fixture, vid | UL_VID_SERVICE, mac_a), short_list);
	}
	for (uint16_t vid = 20; vid <= 40; vid++)
		cr_expect_eq(destination(fixture, vid, mac_a), long_list, "VLAN %u", vid);
}

Test(port_addresses, trunk_ports_with_one_address_own_it_in_their_vlans)
{
	for (int order = 0; order < 2; order++) {
		struct port_fixture *fixture = port_fixture_new(false);
		uint64_t exact[UL_N_VLANS / 64];

		put_trunk(fixture, 0, 10, 12);
		put_trunk(fixture, 1, 20, 40);
		put_port(fixture, order ? 5 : 2, 0, mac_a, 7);
		put_port(fixture, 4, 1, mac_a, 8);
		cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
		expect_trunk_owners(fixture, order ? 5 : 2, 4);
		cr_expect_eq(fdb_slot(fixture, UL_VLAN_TRUNK, mac_a), 4, "the longest list");
		ports_exact_vlans(fixture->ports, exact);
		cr_expect_eq(exact[0], 7ULL << 10);
		cr_expect(address_is_own(fixture->ports, 4, ul_fdb_key(UL_VLAN_TRUNK, mac_a)));
		cr_expect_not(address_is_own(fixture->ports, 4, ul_fdb_key(20, mac_a)));

		/* One leaves: nothing of it stays, and the other one needs no exact keys. */
		port_write_flags(fixture->dp, 4, 0);
		cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
		cr_expect_eq(fdb_slot(fixture, UL_VLAN_TRUNK, mac_a), order ? 5 : 2);
		cr_expect_eq(fdb_slot(fixture, 10, mac_a), -ENOENT);
		ports_exact_vlans(fixture->ports, exact);
		cr_expect_eq(exact[0], 0);
		port_fixture_free(fixture);
	}
}

/* mac-changes: the new address of one trunk port is another one's, in other VLANs. */
Test(port_addresses, a_trunk_port_that_changes_to_a_shared_address_takes_nothing_away)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_trunk(fixture, 0, 10, 12);
	put_trunk(fixture, 1, 20, 40);
	put_port(fixture, 2, 0, mac_b, 7);
	put_port(fixture, 4, 1, mac_a, 8);
	cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
	cr_assert_eq(address_change_own(fixture->ports, 2, mac_a), 0);
	expect_trunk_owners(fixture, 2, 4);
	cr_expect_eq(destination(fixture, 10, mac_b), -ENOENT);
	cr_assert_eq(address_change_own(fixture->ports, 2, mac_b), 0);
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), -ENOENT);
	cr_expect_eq(destination(fixture, 10, mac_b), 2);
	expect_trunk_owners(fixture, 4, 4);
	port_fixture_free(fixture);
}

Test(port_addresses, an_access_port_and_a_trunk_port_may_share_an_address)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_trunk(fixture, 0, 20, 30);
	put_group(fixture, 1, 10, 0, 0);
	put_port(fixture, 2, 0, mac_a, 7);
	put_port(fixture, 4, 1, mac_a, 8);
	cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
	cr_expect_eq(destination(fixture, 10, mac_a), 4);
	cr_expect_eq(destination(fixture, 25, mac_a), 2);
	cr_expect_not(fixture->ports->state[2].exact_keys);
	port_fixture_free(fixture);
}

/* ---- a full table ---- */
/* Fills the table with addresses of slot until none fits. Learned ones, unless it is the own
 * address of the port. */
static void fill_table(struct port_fixture *fixture, uint32_t slot)
{
	uint64_t failures = 0;

	for (uint64_t i = 1; failures < 64; i++)
		failures += table_set(&fixture->dp->fdb, ul_fdb_key_of(200, i << 20),
				      slot | UL_FDB_LEARNED) < 0;
}

/* An address that the full table refuses. */
static void find_refused(struct port_fixture *fixture, uint32_t slot, uint8_t ret[6])
{
	for (uint32_t i = 0;; i++) {
		uint8_t mac[6] = {
			0x52, 0x54, 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i
		};
		uint64_t key = ul_fdb_key(200, mac);

		cr_assert_lt(i, 1u << 20);
		if (table_set(&fixture->dp->fdb, key, slot) < 0) {
			memcpy(ret, mac, sizeof(mac));
			return;
		}
		table_remove(&fixture->dp->fdb, key);
	}
}

Test(port_addresses, an_own_address_evicts_a_learned_one_from_the_full_table)
{
	struct port_fixture *fixture = two_groups();
	uint8_t refused[6];

	put_port(fixture, 3, 1, NULL, 7);
	put_port(fixture, 4, 1, NULL, 8);
	fill_table(fixture, 3);
	find_refused(fixture, 3, refused);
	cr_expect_eq(address_learn(fixture->ports, 3, ul_fdb_key(200, refused), false, 1000),
		     -ENOSPC);
	cr_expect_eq(mac_ages_count(fixture->ports->ages, 3), 0, "nothing is left of the attempt");
	cr_assert_eq(address_change_own(fixture->ports, 4, refused), 0);
	cr_expect_eq(fdb_slot(fixture, 200, refused), 4);
	port_fixture_free(fixture);
}

/* ---- after a configuration ---- */
Test(port_addresses, apply_removes_what_no_port_may_have)
{
	static const uint8_t stale[6] = { 2, 0, 0, 0, 0, 9 };
	struct port_fixture *fixture = two_groups();
	struct table *fdb = &fixture->dp->fdb;

	put_port(fixture, 3, 0, mac_a, 7); /* does not learn */
	put_port(fixture, 4, 1, NULL, 8);  /* learns */
	put_port(fixture, 5, 0, mac_b, 0); /* has no interface */
	table_set(fdb, ul_fdb_key(100, stale), 3 | UL_FDB_LEARNED);
	table_set(fdb, ul_fdb_key(200, stale), 4 | UL_FDB_LEARNED);
	table_set(fdb, ul_fdb_key(300, stale), 4 | UL_FDB_LEARNED); /* of the port's former VLAN */
	table_set(fdb, ul_fdb_key(100, mac_b), 5);
	table_set(fdb, ul_fdb_key(400, stale), 9 | UL_FDB_LEARNED); /* of a port that left */
	table_set(fdb, ul_fdb_key(500, stale), 60000);
	cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
	cr_expect_eq(fdb_slot(fixture, 100, stale), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 200, stale), 4);
	cr_expect_eq(fdb_slot(fixture, 300, stale), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), -ENOENT, "its machine may be elsewhere");
	cr_expect_eq(fdb_slot(fixture, 400, stale), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 500, stale), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 3, "the own address");
	port_fixture_free(fixture);
}

Test(port_addresses, apply_adopts_the_addresses_that_an_earlier_daemon_learned)
{
	struct port_fixture *fixture = two_groups();
	uint64_t key = ul_fdb_key(200, mac_b), hz = kernel_hz(), before = now_ms();

	put_port(fixture, 4, 1, mac_a, 8);
	table_set_used(&fixture->dp->fdb, key, 4 | UL_FDB_LEARNED,
		       fixture->base->fake.jiffies - hz * 2, 0);
	cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
	cr_assert_eq(mac_ages_count(fixture->ports->ages, 4), 1, "not the own one");
	cr_expect_eq(mac_ages_key(fixture->ports->ages, 4, 0), key);
	cr_expect_leq(address_expire(fixture->ports, now_ms()), now_ms() + AGE_MS - 2000,
		      "its age goes on");
	cr_expect_geq(address_expire(fixture->ports, now_ms()), before + AGE_MS - 2000);
	cr_expect_eq(fdb_slot(fixture, 200, mac_a), 4);
	port_fixture_free(fixture);
}

Test(port_addresses, apply_removes_a_learned_address_that_is_configured_elsewhere_now)
{
	struct port_fixture *fixture = port_fixture_new(false);
	struct table *fdb = &fixture->dp->fdb;

	put_trunk(fixture, 0, 10, 12);
	put_group(fixture, 1, 10, LEARNING, 0);
	put_group(fixture, 2, 20, LEARNING, 0);
	put_port(fixture, 2, 0, mac_a, 0); /* its interface is missing */
	put_port(fixture, 4, 1, NULL, 8);
	put_port(fixture, 5, 2, NULL, 9);
	table_set(fdb, ul_fdb_key(10, mac_a), 4 | UL_FDB_LEARNED);
	table_set(fdb, ul_fdb_key(20, mac_a), 5 | UL_FDB_LEARNED);
	cr_assert_eq(ports_apply_addresses(fixture->ports), 0);
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), -ENOENT);
	cr_expect_eq(fdb_slot(fixture, 20, mac_a), 5, "VLAN 20 is not in the list");
	port_fixture_free(fixture);
}

/* Ports of one slot range with more addresses than the table holds: the reason names the port. */
Test(port_addresses, apply_reports_an_own_address_that_does_not_fit)
{
	struct port_fixture *fixture = two_groups();
	struct table *fdb = &fixture->dp->fdb;
	uint32_t slot = 0;
	int r = 0;

	fdb->mask = 0; /* one bucket, four cells */
	for (; slot < 6 && r == 0; slot++) {
		put_port(fixture, slot, 0, (const uint8_t[6]){ 2, 0, 0, 0, 1, (uint8_t)slot },
			 10 + slot);
		r = ports_apply_addresses(fixture->ports);
	}
	cr_expect_eq(r, -ENOSPC);
	cr_expect_eq(slot, 5);
	cr_expect(has_error(fixture->base, "sw: port p4: cannot add its MAC to the address table"));
	port_fixture_free(fixture);
}

/* Of a set that another program has written. */
Test(port_addresses, an_address_of_a_slot_behind_the_last_one_is_not_learned)
{
	struct port_fixture *fixture = two_groups();
	uint64_t key = ul_fdb_key(200, mac_a);
	uint32_t slot = fixture->dp->max_ports;

	cr_assert_eq(table_set(&fixture->dp->fdb, key, slot | UL_FDB_LEARNED), 0);
	cr_expect_eq(address_learned_at(fixture->ports, key), -ENOENT);
	cr_assert_eq(table_set(&fixture->dp->fdb, key, (slot - 1) | UL_FDB_LEARNED), 0);
	cr_expect_eq(address_learned_at(fixture->ports, key), (int)slot - 1);
	port_fixture_free(fixture);
}
