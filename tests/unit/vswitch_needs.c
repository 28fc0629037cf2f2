// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The room that a configuration needs in the maps. */
#include <criterion/criterion.h>

#include "vswitch/internal.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

static struct port_cfg ports[3];
static struct group_cfg groups[3];
static struct switch_cfg cfg;

/* Group i: a trunk of the n_vlans VLANs from 100 * i + 1 on; one port with the address. */
static void put_trunk(size_t i, uint32_t n_vlans, const uint8_t mac[6])
{
	ports[i] = (struct port_cfg){ .has_mac = true };
	memcpy(ports[i].mac, mac, 6);
	groups[i] = (struct group_cfg){
		.vlan_mode = UL_VLAN_VGT, .vid = UL_VLAN_TRUNK, .ports = &ports[i], .n_ports = 1
	};
	for (uint32_t vid = 100 * (uint32_t)i + 1; n_vlans > 0; vid++, n_vlans--)
		groups[i].vlans[vid / 64] |= 1ULL << (vid % 64);
	cfg.groups = groups;
	cfg.n_groups = i + 1;
}

static size_t fdb_keys(void)
{
	struct dataplane_needs needs;

	cr_assert_eq(needs_of(&cfg, &needs), 0);
	cr_assert_eq(needs.groups, cfg.n_groups);
	cr_assert_eq(needs.ports, cfg.n_groups);
	return needs.fdb_keys;
}

Test(vswitch_needs, a_port_needs_one_key)
{
	put_trunk(0, 50, mac_a);
	put_trunk(1, 60, mac_b);
	cr_expect_eq(fdb_keys(), 2);
}

/* All but the one with the longest list, each VLAN with both kinds of tags. */
Test(vswitch_needs, trunk_ports_with_one_address_need_keys_for_their_vlans)
{
	put_trunk(0, 50, mac_a);
	put_trunk(1, 60, mac_a);
	put_trunk(2, 10, mac_a);
	cr_expect_eq(fdb_keys(), 3 + 2 * (50 + 10));
}

Test(vswitch_needs, learned_addresses_have_room_up_to_a_limit)
{
	put_trunk(0, 1, mac_a);
	groups[0].security.learning.limit = 4096;
	cr_expect_eq(fdb_keys(), 1, "it does not learn");
	groups[0].security.mac_learning = true;
	cr_expect_eq(fdb_keys(), 1 + 2048);
	groups[0].security.learning.limit = 1000000;
	cr_expect_eq(fdb_keys(), 1 + 65536);
}
