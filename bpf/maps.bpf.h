/* SPDX-License-Identifier: GPL-2.0 */
/* All maps of a switch; keys and values are in headers/abi.h. The sizes marked "load" are set by
 * the daemon before it loads the set.
 * __weak: the objects that share this header are linked into one, and each map is there once. */
#ifndef UL_MAPS_BPF_H
#define UL_MAPS_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "match_table.h"

/* Arrays that the daemon writes through mmap() and the programs only read. */
#define UL_MAPPED_ARRAY(map_name, value_type, entries) \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);      \
		__uint(map_flags, BPF_F_MMAPABLE);     \
		__uint(max_entries, entries);          \
		__type(key, __u32);                    \
		__type(value, value_type);             \
	} map_name SEC(".maps") __weak

UL_MAPPED_ARRAY(ul_meta, struct ul_meta, 1);			 /* what this set is */
UL_MAPPED_ARRAY(ul_uplinks, struct ul_uplink, UL_MAX_UPLINKS);	 /* index in the configuration ->
								    uplink */
UL_MAPPED_ARRAY(ul_ports, struct ul_port, 256);			 /* slot -> port; load */
UL_MAPPED_ARRAY(ul_groups, struct ul_group, 64);		 /* index -> port group; load */
UL_MAPPED_ARRAY(ul_policies, struct ul_policy, UL_MAX_POLICIES); /* index -> teaming policy with its
								    bucket table */
UL_MAPPED_ARRAY(ul_vlans, struct ul_vlan, UL_N_VLANS);		 /* VID -> who is there */
UL_MAPPED_ARRAY(ul_ifaces, struct ul_slot4, 64); /* exact-match table: ifindex -> object; load */
UL_MAPPED_ARRAY(ul_fdb, struct ul_slot4, 64); /* exact-match table: {VID, MAC} -> port slot; load */

UL_MAPPED_ARRAY(ul_lacp_answers, struct ul_lacp_answer, UL_MAX_UPLINKS); /* uplink -> what
									    uplink_xdp answered for
									    the daemon */
UL_MAPPED_ARRAY(ul_lacp_ports, struct ul_lacp_port, UL_MAX_UPLINKS); /* uplink -> LACP as shown; no
									program reads it */

/* uplink -> LACP state that outlives the daemon; each record is written by one system call */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UL_MAX_UPLINKS);
	__type(key, __u32);
	__type(value, struct lacp_saved);
} ul_lacp SEC(".maps") __weak;

/* {VID, place} -> port slot: the flood lists */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, UL_MAX_PORTS);
	__type(key, struct ul_member_key);
	__type(value, __u32);
} ul_members SEC(".maps") __weak;

/* object -> counters; load */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UL_OBJECT_PORT0 + 256);
	__type(key, __u32);
	__type(value, struct ul_stats);
} ul_stats SEC(".maps") __weak;

/* slot -> interface of ports that take XDP frames; load */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} ul_devmap SEC(".maps") __weak;

/* struct ul_event to the daemon */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} ul_events SEC(".maps") __weak;

/* Number of buckets - 1 of the two exact-match tables, a power of two - 1; set before loading. */
const volatile __u32 ul_fdb_mask __weak = 63;
const volatile __u32 ul_ifaces_mask __weak = 63;

/* Few keys live in their second bucket: out of the way of the others. Value + 1, or 0. */
static __noinline __u32 find_spilled_address(__u64 key)
{
	__u32 index = ul_second_bucket(key, ul_fdb_mask);
	const struct ul_slot4 *bucket = bpf_map_lookup_elem(&ul_fdb, &index);

	return bucket ? ul_bucket_find(bucket, key) : 0;
}

static __noinline __u32 find_spilled_interface(__u64 key)
{
	__u32 index = ul_second_bucket(key, ul_ifaces_mask);
	const struct ul_slot4 *bucket = bpf_map_lookup_elem(&ul_ifaces, &index);

	return bucket ? ul_bucket_find(bucket, key) : 0;
}

/* Port slot + 1 of an address in a VLAN, or 0. */
static __always_inline __u32 slot_of(__u32 vid, __u64 mac)
{
	__u64 key = ul_fdb_key_of(vid, mac);
	__u32 index = ul_first_bucket(key, ul_fdb_mask), found;
	const struct ul_slot4 *bucket = bpf_map_lookup_elem(&ul_fdb, &index);

	if (!bucket)
		return 0;
	found = ul_bucket_find(bucket, key);
	if (!found && bucket->spilled)
		found = find_spilled_address(key);
	return found;
}

/* Object number + 1 of an interface, or 0. */
static __always_inline __u32 object_of(__u32 ifindex)
{
	__u64 key = ul_iface_key(ifindex);
	__u32 index = ul_first_bucket(key, ul_ifaces_mask), found;
	const struct ul_slot4 *bucket = bpf_map_lookup_elem(&ul_ifaces, &index);

	if (!bucket)
		return 0;
	found = ul_bucket_find(bucket, key);
	if (!found && bucket->spilled)
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

/* mode, vid and flags as they were at one moment */
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

/* Is the VLAN in the list of the port's group? Only of ports that tag themselves (VGT). */
static __always_inline bool port_has_vlan(const struct ul_port *port, __u32 vid)
{
	const struct ul_group *group = group_at(port->group);

	if (!group)
		return false;
	/* The compiler knows that vid is below 4096 and would drop the mask; verifiers before 6.2
	 * have forgotten it by then. */
	asm volatile("" : "+r"(vid));
	vid &= UL_N_VLANS - 1;
	return group->vlans[vid / 64] >> (vid & 63) & 1;
}

#endif
