// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port_testing.h"

static void put_named(struct port_fixture *fixture, uint32_t slot, const char *name, bool host)
{
	port_write_name(fixture->dp, slot, name);
	port_write_flags(fixture->dp, slot, UL_PORT_USED | (host ? UL_PORT_HOST : 0));
}

Test(port_port_table, a_port_is_found_by_either_end_of_its_pair)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_named(fixture, 2, "vmk0", true);
	put_named(fixture, 5, "tap0", false);
	cr_expect_eq(port_by_interface(fixture->ports, "vmk0"), 2);
	cr_expect_eq(port_by_interface(fixture->ports, "vmk0-sw"), 2);
	cr_expect_eq(port_by_interface(fixture->ports, "tap0"), 5);
	cr_expect_eq(port_by_interface(fixture->ports, "tap0-sw"), -ENOENT);
	cr_expect_eq(port_by_interface(fixture->ports, "vmk0"), 2, "behind the last one found");
	port_write_flags(fixture->dp, 5, 0);
	cr_expect_eq(port_by_interface(fixture->ports, "tap0"), -ENOENT, "a free slot");
	port_fixture_free(fixture);
}

/* A configuration may replace the host port vmk0 by a port with the interface vmk0-sw. */
Test(port_port_table, the_name_of_a_far_end_is_not_the_name_of_the_port)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_named(fixture, 2, "vmk0", true);
	cr_expect_eq(port_slot_by_name(fixture->ports, "vmk0"), 2);
	cr_expect_eq(port_slot_by_name(fixture->ports, "vmk0-sw"), -ENOENT);
	port_fixture_free(fixture);
}

Test(port_port_table, the_first_free_slot)
{
	struct port_fixture *fixture = port_fixture_new(false);
	uint32_t max = fixture->dp->max_ports;

	for (uint32_t slot = 0; slot < max; slot++) {
		cr_assert_eq(port_free_slot(fixture->ports), (int)slot);
		port_write_flags(fixture->dp, slot, UL_PORT_USED);
	}
	cr_expect_eq(port_free_slot(fixture->ports), -ENOSPC);
	port_write_flags(fixture->dp, 17, 0);
	cr_expect_eq(port_free_slot(fixture->ports), 17);
	port_fixture_free(fixture);
}

/* port-id spreads the ports over the positions, and those of a position over its buckets. */
Test(port_port_table, numbers_spread_ports_evenly)
{
	struct port_fixture *fixture = port_fixture_new(false);
	struct ul_policy policy = { .n_active = 3, .n_members = 3, .n_buckets = 1023 };
	uint32_t ports_at[3] = {};
	bool seen[UL_MAX_BUCKETS] = {};

	policy_write(fixture->dp, 1, &policy);
	for (uint32_t slot = 0; slot < 30; slot++) {
		uint32_t number = port_choose_number(fixture->ports, slot, 1);

		cr_assert_lt(number, policy.n_buckets);
		cr_assert_not(seen[number], "slot %u: %u", slot, number);
		seen[number] = true;
		ports_at[number % 3]++;
		port_write_number(fixture->dp, slot, number);
		port_write_policy(fixture->dp, slot, 1);
		port_write_flags(fixture->dp, slot, UL_PORT_USED);
	}
	for (int position = 0; position < 3; position++)
		cr_expect_eq(ports_at[position], 10, "position %d", position);
	cr_expect_eq(port_choose_number(fixture->ports, 31, 0), 31, "a policy without uplinks");
	port_fixture_free(fixture);
}
