// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The layout that the programs' BTF has (what bpftool shows, what other programs read) against the
 * one that C has: every member of every value. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <stddef.h>

#include "abi.h"
#include "common/util.h"
#include "match_table.h"
#include "uplinkd.skel.h"

TestSuite(abi, .timeout = 900);

struct member {
	const char *name;
	size_t offset, size;
};

struct layout {
	const char *name;
	size_t size;
	const struct member *members;
	size_t n;
};

#define M(type, member)                                                                    \
	{                                                                                  \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}
#define LAYOUT(type, ...) static const struct member members_of_##type[] = { __VA_ARGS__ }

LAYOUT(ul_meta, M(ul_meta, abi_version), M(ul_meta, n_uplinks), M(ul_meta, generation),
       M(ul_meta, lease_ns), M(ul_meta, name), M(ul_meta, channel), M(ul_meta, mtu),
       M(ul_meta, max_ports), M(ul_meta, max_groups), M(ul_meta, receive), M(ul_meta, programs),
       M(ul_meta, version), M(ul_meta, headless_ns), M(ul_meta, lacp_system),
       M(ul_meta, lacp_system_given), M(ul_meta, exchange), M(ul_meta, seed));
LAYOUT(ul_uplink, M(ul_uplink, ifindex), M(ul_uplink, flags), M(ul_uplink, netdev),
       M(ul_uplink, mac), M(ul_uplink, xdp_mode), M(ul_uplink, error), M(ul_uplink, reserved),
       M(ul_uplink, speed_mbps), M(ul_uplink, max_frame), M(ul_uplink, lacp_port),
       M(ul_uplink, problems), M(ul_uplink, name));
LAYOUT(ul_port, M(ul_port, ifindex), M(ul_port, flags), M(ul_port, vlan), M(ul_port, group),
       M(ul_port, number), M(ul_port, mac), M(ul_port, changed_from), M(ul_port, max_frame),
       M(ul_port, policy), M(ul_port, life), M(ul_port, seen), M(ul_port, name));
LAYOUT(ul_group, M(ul_group, flags), M(ul_group, vlan_mode), M(ul_group, vid), M(ul_group, policy),
       M(ul_group, reserved), M(ul_group, vlans), M(ul_group, name));
LAYOUT(ul_policy, M(ul_policy, method), M(ul_policy, flags), M(ul_policy, n_buckets),
       M(ul_policy, in_use), M(ul_policy, n_active), M(ul_policy, n_members),
       M(ul_policy, reserved), M(ul_policy, member), M(ul_policy, bucket));
LAYOUT(ul_vlan, M(ul_vlan, flags), M(ul_vlan, n_members));
LAYOUT(ul_member_key, M(ul_member_key, vid), M(ul_member_key, place));
LAYOUT(ul_match_row, M(ul_match_row, key), M(ul_match_row, value), M(ul_match_row, spilled),
       M(ul_match_row, reserved));
LAYOUT(ul_count, M(ul_count, packets), M(ul_count, bytes));
#define X(member, NAME, number, kind, help) M(ul_stats, member),
LAYOUT(ul_stats, UL_REASONS(X) M(ul_stats, unused));
#undef X
LAYOUT(ul_use_row, M(ul_use_row, here), M(ul_use_row, outside));
LAYOUT(ul_clock, M(ul_clock, jiffies));
LAYOUT(ul_netdev_query, M(ul_netdev_query, ifindex), M(ul_netdev_query, visible),
       M(ul_netdev_query, netdev));
LAYOUT(ul_carrier, M(ul_carrier, netdev), M(ul_carrier, ifindex), M(ul_carrier, state));
LAYOUT(ul_carrier_query, M(ul_carrier_query, uplink));
LAYOUT(ul_lacp_answer, M(ul_lacp_answer, answered), M(ul_lacp_answer, last_ns),
       M(ul_lacp_answer, excess), M(ul_lacp_answer, window_ns), M(ul_lacp_answer, taken));
#define X(member, help) M(ul_lacp_counters, member),
LAYOUT(ul_lacp_counters, LACP_COUNTERS(X));
#undef X
LAYOUT(ul_neighbour, M(ul_neighbour, seen_ms), M(ul_neighbour, protocol), M(ul_neighbour, pagp),
       M(ul_neighbour, vendor), M(ul_neighbour, duplex), M(ul_neighbour, native_vlan),
       M(ul_neighbour, reserved), M(ul_neighbour, pagp_ms), M(ul_neighbour, device),
       M(ul_neighbour, port));
LAYOUT(ul_lacp_port, M(ul_lacp_port, updated_ms), M(ul_lacp_port, last_rx_ms),
       M(ul_lacp_port, actor), M(ul_lacp_port, partner), M(ul_lacp_port, receive_state),
       M(ul_lacp_port, periodic_state), M(ul_lacp_port, selected), M(ul_lacp_port, mux_state),
       M(ul_lacp_port, actor_churn), M(ul_lacp_port, partner_churn), M(ul_lacp_port, flags),
       M(ul_lacp_port, reserved), M(ul_lacp_port, findings), M(ul_lacp_port, reserved2),
       M(ul_lacp_port, gaps), M(ul_lacp_port, gap_min_ms), M(ul_lacp_port, gap_avg_ms),
       M(ul_lacp_port, gap_max_ms), M(ul_lacp_port, counters), M(ul_lacp_port, neighbour),
       M(ul_lacp_port, reason));
#define X(member, help) M(ul_pagp_counters, member),
LAYOUT(ul_pagp_counters, PAGP_COUNTERS(X));
#undef X
LAYOUT(pagp_side, M(pagp_side, device), M(pagp_side, learn), M(pagp_side, priority),
       M(pagp_side, port), M(pagp_side, capability), M(pagp_side, group));
LAYOUT(ul_pagp_port, M(ul_pagp_port, version), M(ul_pagp_port, writing),
       M(ul_pagp_port, updated_ms), M(ul_pagp_port, tx_ms), M(ul_pagp_port, rx_ms),
       M(ul_pagp_port, actor), M(ul_pagp_port, partner), M(ul_pagp_port, actor_flags),
       M(ul_pagp_port, partner_flags), M(ul_pagp_port, state), M(ul_pagp_port, flags),
       M(ul_pagp_port, findings), M(ul_pagp_port, counters), M(ul_pagp_port, reason));
LAYOUT(lacp_saved_info, M(lacp_saved_info, system_priority), M(lacp_saved_info, key),
       M(lacp_saved_info, port_priority), M(lacp_saved_info, port), M(lacp_saved_info, system),
       M(lacp_saved_info, state), M(lacp_saved_info, reserved));
LAYOUT(lacp_saved, M(lacp_saved, version), M(lacp_saved, flags), M(lacp_saved, tx_ms),
       M(lacp_saved, rx_ms), M(lacp_saved, restore_at_ms), M(lacp_saved, actor),
       M(lacp_saved, partner), M(lacp_saved, match), M(lacp_saved, mask), M(lacp_saved, pdu),
       M(lacp_saved, reserved));

#define L(type)                                                                              \
	{                                                                                    \
#type, sizeof(struct type), members_of_##type, ARRAY_SIZE(members_of_##type) \
	}
/* clang-format off */
static const struct layout layouts[] = {
	L(ul_meta), L(ul_uplink), L(ul_port), L(ul_group), L(ul_policy), L(ul_vlan), L(ul_member_key), L(ul_match_row), L(ul_use_row), L(ul_clock), L(ul_count), L(ul_stats),
	L(ul_netdev_query), L(ul_carrier), L(ul_carrier_query), L(ul_lacp_answer), L(ul_lacp_counters), L(ul_neighbour), L(ul_lacp_port), L(lacp_saved_info),
	L(lacp_saved),
	L(pagp_side),
	L(ul_pagp_counters),
	L(ul_pagp_port),
};
/* clang-format on */

/* Each map: what it has for key and value. NULL: no type of ours. */
static const struct {
	const char *map, *key, *value;
	uint32_t key_size, value_size;
	/* clang-format off */
} maps[] = {
	{ "ul_meta", NULL, "ul_meta", 4, sizeof(struct ul_meta) },
	{ "ul_uplinks", NULL, "ul_uplink", 4, sizeof(struct ul_uplink) },
	{ "ul_ports", NULL, "ul_port", 4, sizeof(struct ul_port) },
	{ "ul_groups", NULL, "ul_group", 4, sizeof(struct ul_group) },
	{ "ul_policies", NULL, "ul_policy", 4, sizeof(struct ul_policy) },
	{ "ul_vlans", NULL, "ul_vlan", 4, sizeof(struct ul_vlan) },
	{ "ul_ifaces", NULL, "ul_match_row", 4, sizeof(struct ul_match_row) },
	{ "ul_fdb", NULL, "ul_match_row", 4, sizeof(struct ul_match_row) },
	{ "ul_members", "ul_member_key", NULL, sizeof(struct ul_member_key), 4 },
	{ "ul_stats", NULL, "ul_stats", 4, sizeof(struct ul_stats) },
	{ "ul_devmap", NULL, NULL, 4, 4 },
	{ "ul_lacp", NULL, "lacp_saved", 4, sizeof(struct lacp_saved) },
	{ "ul_lacp_answers", NULL, "ul_lacp_answer", 4, sizeof(struct ul_lacp_answer) },
	{ "ul_lacp_ports", NULL, "ul_lacp_port", 4, sizeof(struct ul_lacp_port) },
	{ "ul_pagp_ports", NULL, "ul_pagp_port", 4, sizeof(struct ul_pagp_port) },
	{ "ul_fdb_use", NULL, "ul_use_row", 4, sizeof(struct ul_use_row) },
	{ "ul_sent", NULL, NULL, 4, 8 },
	{ "ul_outside", NULL, NULL, 4, 8 },
	{ "ul_flooded", NULL, NULL, 4, 8 },
	{ "ul_events", NULL, NULL, 0, 0 },
	{ "ul_slow", NULL, NULL, 4, 4 },
};
/* clang-format on */

static void compare_layout(const struct btf *btf, const struct layout *layout)
{
	int32_t id = btf__find_by_name_kind(btf, layout->name, BTF_KIND_STRUCT);
	const struct btf_type *type;
	const struct btf_member *members;

	cr_assert_gt(id, 0, "BTF has no struct %s", layout->name);
	type = btf__type_by_id(btf, (uint32_t)id);
	members = btf_members(type);
	cr_expect_eq(type->size, layout->size, "struct %s: %u bytes in BTF, %zu in C", layout->name,
		     type->size, layout->size);
	cr_expect_eq(btf_vlen(type), layout->n,
		     "struct %s: %u members in BTF, %zu are compared here", layout->name,
		     btf_vlen(type), layout->n);
	for (size_t i = 0; i < layout->n && i < btf_vlen(type); i++) {
		const struct member *want = &layout->members[i];
		const char *name = btf__name_by_offset(btf, members[i].name_off);

		cr_expect_str_eq(name, want->name, "struct %s, member %zu: %s in BTF, %s in C",
				 layout->name, i, name, want->name);
		cr_expect_eq(btf_member_bit_offset(type, (uint32_t)i), want->offset * 8,
			     "%s.%s is at bit %u", layout->name, name,
			     btf_member_bit_offset(type, (uint32_t)i));
		cr_expect_eq(btf__resolve_size(btf, members[i].type), (int64_t)want->size,
			     "%s.%s has %lld bytes", layout->name, name,
			     (long long)btf__resolve_size(btf, members[i].type));
	}
}

Test(abi, layouts)
{
	struct uplinkd_bpf *skel = uplinkd_bpf__open();

	cr_assert(skel);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		compare_layout(bpf_object__btf(skel->obj), &layouts[i]);
	uplinkd_bpf__destroy(skel);
}

static void expect_type(const struct btf *btf, const char *map, uint32_t id, const char *want)
{
	const struct btf_type *type = want ? btf__type_by_id(btf, id) : NULL;

	if (want)
		cr_expect_str_eq(type && id ? btf__name_by_offset(btf, type->name_off) : "", want,
				 "map %s", map);
}

/* Types and sizes in the kernel after loading, as `bpftool map dump` uses them. */
Test(abi, maps)
{
	struct uplinkd_bpf *skel = uplinkd_bpf__open();
	const struct bpf_map *map;
	size_t n = 0;

	cr_assert(skel);
	cr_assert_eq(uplinkd_bpf__load(skel), 0, "the programs do not load");
	bpf_object__for_each_map(map, skel->obj) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		size_t i = 0;

		if (bpf_map__is_internal(map))
			continue;
		while (i < ARRAY_SIZE(maps) && strcmp(maps[i].map, bpf_map__name(map)) != 0)
			i++;
		cr_assert_lt(i, ARRAY_SIZE(maps), "map %s is not compared here",
			     bpf_map__name(map));
		n++;
		cr_assert_eq(bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len), 0);
		cr_expect_str_eq(info.name, maps[i].map, "the kernel knows map %s as %s",
				 maps[i].map, info.name);
		cr_expect_eq(info.key_size, maps[i].key_size, "map %s", maps[i].map);
		cr_expect_eq(info.value_size, maps[i].value_size, "map %s", maps[i].map);
		if (maps[i].key || maps[i].value)
			cr_expect_neq(info.btf_id, 0, "the kernel has no types for map %s",
				      maps[i].map);
		expect_type(bpf_object__btf(skel->obj), maps[i].map, bpf_map__btf_key_type_id(map),
			    maps[i].key);
		expect_type(bpf_object__btf(skel->obj), maps[i].map,
			    bpf_map__btf_value_type_id(map), maps[i].value);
	}
	cr_assert_eq(n, ARRAY_SIZE(maps), "%zu maps are there, %zu expected", n, ARRAY_SIZE(maps));
	uplinkd_bpf__destroy(skel);
}
