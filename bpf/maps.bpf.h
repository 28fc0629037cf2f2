/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* All maps of a switch, from the catalogue headers/maps.h, and their look-ups.
 * __weak: the objects that share this header are linked into one, which has each map once. */
#ifndef UL_MAPS_BPF_H
#define UL_MAPS_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "match_table.h"

/* One definition per kind; see headers/maps.h. */
#define UL_DEFINE_MAP(map_name, map_type, flags, key_type, value_type, entries) \
	struct {                                                                \
		__uint(type, map_type);                                         \
		__uint(map_flags, flags);                                       \
		__uint(max_entries, entries);                                   \
		__type(key, key_type);                                          \
		__type(value, value_type);                                      \
	} map_name SEC(".maps") __weak

#define UL_DEFINE_MAPPED(name, key, value, entries) \
	UL_DEFINE_MAP(name, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, key, value, entries)
#define UL_DEFINE_ARRAY(name, key, value, entries) \
	UL_DEFINE_MAP(name, BPF_MAP_TYPE_ARRAY, 0, key, value, entries)
#define UL_DEFINE_HASH(name, key, value, entries) \
	UL_DEFINE_MAP(name, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, key, value, entries)
#define UL_DEFINE_PERCPU_ARRAY(name, key, value, entries) \
	UL_DEFINE_MAP(name, BPF_MAP_TYPE_PERCPU_ARRAY, 0, key, value, entries)
#define UL_DEFINE_DEVMAP(name, key, value, entries) \
	UL_DEFINE_MAP(name, BPF_MAP_TYPE_DEVMAP, 0, key, value, entries)
#define UL_DEFINE_RINGBUF(name, key, value, entries) \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_RINGBUF);  \
		__uint(max_entries, entries);        \
	} name SEC(".maps") __weak

#define UL_DEFINE_PROG_ARRAY(name, key, value, entries) \
	UL_DEFINE_MAP(name, BPF_MAP_TYPE_PROG_ARRAY, 0, key, value, entries)

#define X(ID, name, kind, key, value, entries, count, writer, help) \
	UL_DEFINE_##kind(name, key, value, entries);
UL_MAPS(X)
#undef X

/* Number of rows - 1 of the two exact-match tables, a power of two - 1; set before loading. */
const volatile __u32 ul_fdb_mask __weak = 63;
const volatile __u32 ul_ifaces_mask __weak = 63;

/* ul_meta.seed; set before loading. */
const volatile __u64 ul_seed __weak = 0;

/* Jiffies per second; set before loading. */
const volatile __u32 ul_hz __weak = 250;

/* Value + 1 of a key in its second row, or 0. Few keys are there, so the search is not inlined. */
static __noinline __u32 find_spilled_address(__u64 key)
{
	__u32 index = ul_second_row(key, ul_seed, ul_fdb_mask);
	const struct ul_match_row *row = bpf_map_lookup_elem(&ul_fdb, &index);

	return row ? ul_row_find(row, key) : 0;
}

static __noinline __u32 find_spilled_interface(__u64 key)
{
	__u32 index = ul_second_row(key, ul_seed, ul_ifaces_mask);
	const struct ul_match_row *row = bpf_map_lookup_elem(&ul_ifaces, &index);

	return row ? ul_row_find(row, key) : 0;
}

/* Slot + 1 of an address in a VLAN, with UL_FDB_LEARNED; or 0. */
static __always_inline __u32 entry_of(__u32 vid, __u64 mac)
{
	__u64 key = ul_fdb_key_of(vid, mac);
	__u32 index = ul_first_row(key, ul_seed, ul_fdb_mask), found;
	const struct ul_match_row *row = bpf_map_lookup_elem(&ul_fdb, &index);

	if (!row)
		return 0;
	found = ul_row_find(row, key);
	if (!found && row->spilled)
		found = find_spilled_address(key);
	return found;
}

/* Endpoint + 1 of an interface, or 0. */
static __always_inline __u32 endpoint_of(__u32 ifindex)
{
	__u64 key = ul_iface_key(ifindex);
	/* The first row of such a key does not depend on the seed, which need not be loaded. */
	__u32 index = ul_first_row(key, 0, ul_ifaces_mask), found;
	const struct ul_match_row *row = bpf_map_lookup_elem(&ul_ifaces, &index);

	if (!row)
		return 0;
	found = ul_row_find(row, key);
	if (!found && row->spilled)
		found = find_spilled_interface(key);
	return found;
}

static __always_inline const struct ul_port *port_at(__u32 slot)
{
	return bpf_map_lookup_elem(&ul_ports, &slot);
}

static __always_inline const struct ul_group *group_at(__u32 index)
{
	return bpf_map_lookup_elem(&ul_groups, &index);
}

/* mode, vid and flags in one load, so that they are consistent */
static __always_inline struct ul_port_vlan vlan_of(const struct ul_port *port)
{
	union {
		__u64 word;
		struct ul_port_vlan vlan;
	} now = { .word = *(const volatile __u64 *)&port->vlan };

	return now.vlan;
}

static __always_inline const struct ul_policy *policy_at(__u32 index)
{
	return bpf_map_lookup_elem(&ul_policies, &index);
}

static __always_inline const struct ul_uplink *uplink_at(__u32 index)
{
	return bpf_map_lookup_elem(&ul_uplinks, &index);
}

static __always_inline const struct ul_vlan *vlan_at(__u32 vid)
{
	return bpf_map_lookup_elem(&ul_vlans, &vid);
}

/* True when the VLAN is in the list of the port's group. For trunk ports (VGT) only. */
static __always_inline bool port_has_vlan(const struct ul_port *port, __u32 vid)
{
	const struct ul_group *group = group_at(port->group);

	if (!group)
		return false;
	/* The compiler would drop the mask, because it knows that vid is below 4096; verifiers
	 * before 6.2 do not. */
	asm volatile("" : "+r"(vid));
	vid &= UL_N_VLANS - 1;
	return group->vlans[vid / 64] >> (vid & 63) & 1;
}

#endif
