// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "vswitch/internal.h"
#include "vswitch_testing.h"

TestSuite(vswitch_vlans);

static void put_group(struct fixture *fixture, uint32_t index, enum ul_vlan_mode mode, uint16_t vid,
		      uint32_t flags)
{
	group_write(&fixture->fake.dp, index,
		    &(struct ul_group){ .flags = UL_GROUP_USED | flags,
					.vlan_mode = (uint16_t)mode,
					.vid = vid });
}

static void put_port(struct fixture *fixture, uint32_t slot, uint32_t group)
{
	struct dataplane *dp = &fixture->fake.dp;

	port_write_group(dp, slot, group);
	port_write_vlan(dp, slot,
			(struct ul_port_vlan){ .mode = dp->groups[group].vlan_mode,
					       .vid = dp->groups[group].vid,
					       .group_flags = dp->groups[group].flags });
	port_write_flags(dp, slot, UL_PORT_USED);
}

static const uint64_t no_exact[UL_N_VLANS / 64];

Test(vswitch_vlans, flood_lists_are_in_the_order_of_slots)
{
	struct fixture *fixture = fixture_new(false);

	put_group(fixture, 0, UL_VLAN_VST, 100, 0);
	put_group(fixture, 1, UL_VLAN_VST, 200, 0);
	put_port(fixture, 7, 0);
	put_port(fixture, 2, 0);
	put_port(fixture, 4, 1);
	cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
	cr_expect_eq(fixture->fake.dp.vlans[100].n_members, 2);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 100, 0), 2);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 100, 1), 7);
	cr_expect_eq(fixture->fake.dp.vlans[200].n_members, 1);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 200, 0), 4);
	cr_expect_eq(fixture->fake.dp.vlans[100].flags, UL_VLAN_ACCESS);
	cr_expect_eq(fixture->fake.dp.vlans[101].flags, 0);
	fixture_free(fixture);
}

Test(vswitch_vlans, nothing_of_a_free_slot_is_used)
{
	struct fixture *fixture = fixture_new(false);
	struct ul_port *ports = fixture->fake.dp.mapping[UL_MAP_PORTS];

	put_group(fixture, 0, UL_VLAN_VST, 100, 0);
	put_port(fixture, 1, 0);
	memset(&ports[0], 0xff, sizeof(ports[0]));
	ports[0].flags &= ~(uint32_t)UL_PORT_USED;
	cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
	cr_expect_eq(fixture->fake.dp.vlans[100].n_members, 1);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 100, 0), 1);
	fixture_free(fixture);
}

Test(vswitch_vlans, a_list_that_shrinks_loses_its_last_entries)
{
	struct fixture *fixture = fixture_new(false);

	put_group(fixture, 0, UL_VLAN_VST, 100, 0);
	for (uint32_t slot = 0; slot < 3; slot++)
		put_port(fixture, slot, 0);
	cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
	port_write_flags(&fixture->fake.dp, 0, 0);
	port_write_flags(&fixture->fake.dp, 1, 0);
	cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
	cr_expect_eq(fixture->fake.dp.vlans[100].n_members, 1);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 100, 0), 2);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 100, 1), -ENOENT);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, 100, 2), -ENOENT);
	fixture_free(fixture);
}

Test(vswitch_vlans, trunk_ports_are_only_in_the_list_of_trunks)
{
	struct fixture *fixture = fixture_new(false);
	struct ul_group trunk = { .flags = UL_GROUP_USED,
				  .vlan_mode = UL_VLAN_VGT,
				  .vid = UL_VLAN_TRUNK };

	trunk.vlans[0] = 1ULL << 10 | 1;
	trunk.vlans[63] = 1ULL << 62;
	group_write(&fixture->fake.dp, 0, &trunk);
	put_port(fixture, 1, 0);
	cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
	cr_expect_eq(dataplane_fake_member(&fixture->fake, UL_VLAN_TRUNK, 0), 1);
	for (uint32_t vid = 0; vid < UL_VLAN_TRUNK; vid++) {
		bool listed = vid == 0 || vid == 10 || vid == 63 * 64 + 62;

		cr_assert_eq(fixture->fake.dp.vlans[vid].flags, listed ? UL_VLAN_TRUNKED : 0,
			     "VLAN %u", vid);
		cr_assert_eq(fixture->fake.dp.vlans[vid].n_members, 0);
	}
	fixture_free(fixture);
}

/* One learning or promiscuous group of a VLAN concerns the ports of its other groups, too. */
Test(vswitch_vlans, every_port_of_the_vlan_has_a_copy_of_the_flag)
{
	const uint32_t kinds[] = { UL_GROUP_PROMISCUOUS, UL_GROUP_LEARNING };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture *fixture = fixture_new(false);
		const struct ul_port *ports = fixture->fake.dp.ports;

		put_group(fixture, 0, UL_VLAN_VST, 100, 0);
		put_group(fixture, 1, UL_VLAN_VST, 100, kinds[i]);
		put_group(fixture, 2, UL_VLAN_VST, 200, 0);
		put_port(fixture, 0, 0);
		put_port(fixture, 1, 2);
		cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
		cr_expect(ports[0].vlan.group_flags & UL_GROUP_VLAN_NEEDS_COPIES);
		cr_expect_not(ports[1].vlan.group_flags & UL_GROUP_VLAN_NEEDS_COPIES);
		put_group(fixture, 1, UL_VLAN_VST, 100, 0);
		cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
		cr_expect_not(ports[0].vlan.group_flags & UL_GROUP_VLAN_NEEDS_COPIES);
		fixture_free(fixture);
	}
}

Test(vswitch_vlans, a_failure_names_the_vlan)
{
	struct fixture *fixture = fixture_new(false);

	put_group(fixture, 0, UL_VLAN_VST, 123, 0);
	put_port(fixture, 0, 0);
	fixture->fake.set_member_error = -E2BIG;
	cr_expect_eq(vlans_apply(&fixture->context, no_exact), -E2BIG);
	cr_expect(has_error(fixture, "sw: cannot write the flood list of VLAN 123"));
	/* The length must not cover an entry that does not exist. */
	cr_expect_eq(fixture->fake.dp.vlans[123].n_members, 0);
	fixture_free(fixture);
}

/* UL_VLAN_FOREIGN: a port may send from other sources; UL_VLAN_EXACT: a trunk port may have entries
 * for single VLANs. */
Test(vswitch_vlans, flags_follow_the_sources_that_groups_allow)
{
	static const struct {
		uint32_t group_flags, access, trunk;
	} table[] = {
		{ 0, 0, 0 },
		{ UL_GROUP_PROMISCUOUS, 0, 0 },
		{ UL_GROUP_FORGED_OK, UL_VLAN_FOREIGN, UL_VLAN_FOREIGN },
		{ UL_GROUP_MAC_CHANGES, UL_VLAN_FOREIGN, UL_VLAN_FOREIGN | UL_VLAN_EXACT },
		{ UL_GROUP_LEARNING, UL_VLAN_FOREIGN, UL_VLAN_FOREIGN | UL_VLAN_EXACT },
	};
	const uint32_t mask = UL_VLAN_FOREIGN | UL_VLAN_EXACT;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct fixture *fixture = fixture_new(false);
		struct ul_group trunk = { .flags = UL_GROUP_USED | table[i].group_flags,
					  .vlan_mode = UL_VLAN_VGT,
					  .vid = UL_VLAN_TRUNK };

		trunk.vlans[0] = 1ULL << 10;
		group_write(&fixture->fake.dp, 0, &trunk);
		put_group(fixture, 1, UL_VLAN_VST, 100, table[i].group_flags);
		cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
		cr_expect_eq(fixture->fake.dp.vlans[100].flags & mask, table[i].access, "%zu", i);
		cr_expect_eq(fixture->fake.dp.vlans[10].flags & mask, table[i].trunk, "%zu", i);
		cr_expect_eq(fixture->fake.dp.vlans[11].flags, 0, "%zu", i);
		fixture_free(fixture);
	}
}

Test(vswitch_vlans, vlans_of_ports_that_share_an_address_have_exact_keys)
{
	struct fixture *fixture = fixture_new(false);
	uint64_t exact[UL_N_VLANS / 64] = { 1ULL << 10, [63] = 1ULL << 62 };

	put_group(fixture, 0, UL_VLAN_VST, 10, 0);
	cr_assert_eq(vlans_apply(&fixture->context, exact), 0);
	cr_expect_eq(fixture->fake.dp.vlans[10].flags, UL_VLAN_ACCESS | UL_VLAN_EXACT);
	cr_expect_eq(fixture->fake.dp.vlans[63 * 64 + 62].flags, UL_VLAN_EXACT);
	cr_assert_eq(vlans_apply(&fixture->context, no_exact), 0);
	cr_expect_eq(fixture->fake.dp.vlans[10].flags, UL_VLAN_ACCESS);
	fixture_free(fixture);
}
