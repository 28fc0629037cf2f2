// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The frozen layout of map ABI 2 (headers/abi_v2.h) against the offsets of the released version,
 * as `bpftool btf dump` of its object lists them. */
#include <criterion/criterion.h>
#include <stddef.h>

#include "abi_v2.h"
#include "common/util.h"

TestSuite(abi_v2);

#define ROW(type, member, at, bytes)                                     \
	{                                                                \
#type "." #member, offsetof(struct type, member),        \
			sizeof(((struct type *)NULL)->member), at, bytes \
	}

/* clang-format off */
static const struct {
	const char *name;
	size_t offset, size, expected_offset, expected_size;
} members[] = {
	ROW(ul_meta_v2, abi_version, 0, 4),
	ROW(ul_meta_v2, n_uplinks, 4, 4),
	ROW(ul_meta_v2, generation, 8, 8),
	ROW(ul_meta_v2, lease_ns, 16, 8),
	ROW(ul_meta_v2, name, 24, 16),
	ROW(ul_meta_v2, channel, 40, 4),
	ROW(ul_meta_v2, mtu, 44, 4),
	ROW(ul_meta_v2, max_ports, 48, 4),
	ROW(ul_meta_v2, max_groups, 52, 4),
	ROW(ul_meta_v2, receive, 56, 4),
	ROW(ul_meta_v2, programs, 60, 4),
	ROW(ul_meta_v2, version, 64, 16),
	ROW(ul_meta_v2, headless_ns, 80, 8),
	ROW(ul_meta_v2, lacp_system, 88, 6),
	ROW(ul_meta_v2, lacp_system_given, 94, 1),
	ROW(ul_uplink_v2, ifindex, 0, 4),
	ROW(ul_uplink_v2, flags, 4, 4),
	ROW(ul_uplink_v2, netdev, 8, 8),
	ROW(ul_uplink_v2, mac, 16, 6),
	ROW(ul_uplink_v2, xdp_mode, 22, 1),
	ROW(ul_uplink_v2, saved, 24, 4),
	ROW(ul_uplink_v2, saved_mtu, 28, 4),
	ROW(ul_uplink_v2, speed_mbps, 32, 4),
	ROW(ul_uplink_v2, max_frame, 36, 4),
	ROW(ul_uplink_v2, lacp_port, 40, 4),
	ROW(ul_uplink_v2, name, 44, 16),
	ROW(ul_port_vlan_v2, mode, 0, 2),
	ROW(ul_port_vlan_v2, vid, 2, 2),
	ROW(ul_port_vlan_v2, group_flags, 4, 4),
	ROW(ul_port_v2, ifindex, 0, 4),
	ROW(ul_port_v2, flags, 4, 4),
	ROW(ul_port_v2, vlan, 8, 8),
	ROW(ul_port_v2, group, 16, 4),
	ROW(ul_port_v2, number, 20, 4),
	ROW(ul_port_v2, mac, 24, 6),
	ROW(ul_port_v2, max_frame, 32, 4),
	ROW(ul_port_v2, policy, 36, 4),
	ROW(ul_port_v2, name, 48, 16),
	ROW(ul_group_v2, flags, 0, 4),
	ROW(ul_group_v2, vlan_mode, 4, 2),
	ROW(ul_group_v2, vid, 6, 2),
	ROW(ul_group_v2, policy, 8, 4),
	ROW(ul_group_v2, vlans, 16, 512),
	ROW(ul_group_v2, name, 528, 64),
	ROW(ul_policy_v2, method, 0, 4),
	ROW(ul_policy_v2, flags, 4, 4),
	ROW(ul_policy_v2, n_buckets, 8, 4),
	ROW(ul_policy_v2, in_use, 12, 4),
	ROW(ul_policy_v2, n_active, 16, 1),
	ROW(ul_policy_v2, n_members, 17, 1),
	ROW(ul_policy_v2, member, 24, 32),
	ROW(ul_policy_v2, bucket, 56, 1024),
	ROW(ul_vlan_v2, flags, 0, 4),
	ROW(ul_vlan_v2, n_members, 4, 4),
	ROW(ul_match_row_v2, key, 0, 32),
	ROW(ul_match_row_v2, value, 32, 16),
	ROW(ul_match_row_v2, spilled, 48, 4),
	ROW(ul_count_v2, packets, 0, 8),
	ROW(ul_count_v2, bytes, 8, 8),
	ROW(ul_stats_v2, reason, 0, 512),
	ROW(ul_lacp_answer_v2, answered, 0, 8),
	ROW(ul_lacp_answer_v2, last_ns, 8, 8),
	ROW(ul_lacp_answer_v2, excess, 16, 8),
	ROW(ul_lacp_answer_v2, window_ns, 24, 16),
	ROW(ul_lacp_answer_v2, taken, 40, 8),
	ROW(lacp_saved_info_v2, system_priority, 0, 2),
	ROW(lacp_saved_info_v2, key, 2, 2),
	ROW(lacp_saved_info_v2, port_priority, 4, 2),
	ROW(lacp_saved_info_v2, port, 6, 2),
	ROW(lacp_saved_info_v2, system, 8, 6),
	ROW(lacp_saved_info_v2, state, 14, 1),
	ROW(lacp_saved_v2, version, 0, 4),
	ROW(lacp_saved_v2, flags, 4, 4),
	ROW(lacp_saved_v2, tx_ms, 8, 8),
	ROW(lacp_saved_v2, rx_ms, 16, 8),
	ROW(lacp_saved_v2, restore_at_ms, 24, 8),
	ROW(lacp_saved_v2, actor, 32, 16),
	ROW(lacp_saved_v2, partner, 48, 16),
	ROW(lacp_saved_v2, match, 64, 64),
	ROW(lacp_saved_v2, mask, 128, 64),
	ROW(lacp_saved_v2, pdu, 192, 124),
};
/* clang-format on */

Test(abi_v2, offsets_and_sizes)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		cr_expect(members[i].offset == members[i].expected_offset &&
				  members[i].size == members[i].expected_size,
			  "%s: %zu bytes at %zu, expected %zu at %zu", members[i].name,
			  members[i].size, members[i].offset, members[i].expected_size,
			  members[i].expected_offset);
}

Test(abi_v2, numbers)
{
	cr_expect_eq(UL_UP_FOR_ALL_V2, 64);
	cr_expect_eq(UL_SAVED_TX_VLAN_V2, 256);
	cr_expect_eq(UL_PORT_SAVED_IPV6_V2, 32);
	cr_expect_eq(UL_GROUP_CURIOUS_VLAN_V2, 32);
	cr_expect_eq(UL_VLAN_VGT_V2, 2);
	cr_expect_eq(UL_M_FAILOVER_ORDER_V2, 8);
	cr_expect_eq(UL_POLICY_ANY_UPLINK_V2, 4);
	cr_expect_eq(LACP_SAVED_INDIVIDUAL_V2, 8);
}
