// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Copies of a frame: bpf_loop() over the flood list of a VLAN. Linked with both TC programs. */
#include "flood.bpf.h"

struct walk {
	struct __sk_buff *skb;
	struct flood flood;
	struct size size;
	__u32 delivered;
	__u32 refused;
};

/* Group addresses: accepted on a channel from every uplink in use, because the switch sends one
 * copy; otherwise only from the port's own uplink. */
static __always_inline bool accepts_group(__u32 slot, const struct ul_port *port, __u32 uplink)
{
	const struct ul_policy *policy = policy_at(port->policy);

	if (!policy)
		return false;
	if (policy->flags & UL_POLICY_ANY_UPLINK)
		return accepts(port->policy, uplink);
	return ul_uplink_of_port(slot) == uplink;
}

/* from_uplink: a constant */
static __always_inline long visit(__u32 place, struct walk *walk, bool from_uplink)
{
	struct ul_member_key key = { .vid = walk->flood.list, .place = place };
	const __u32 *slot = bpf_map_lookup_elem(&ul_members, &key);
	const struct ul_port *port;
	struct ul_port_vlan own;

	if (!slot || *slot + 1 == walk->flood.skip || *slot + 1 == walk->flood.also_skip)
		return 0;
	port = port_at(*slot);
	if (!port || !port->ifindex)
		return 0;
	own = vlan_of(port);
	if (walk->flood.only_flags && !(own.group_flags & walk->flood.only_flags))
		return 0;
	/* Compared again, so that a frame never leaves its VLAN while the list is updated. */
	if (own.mode == UL_VLAN_VGT ? !port_has_vlan(port, walk->flood.vid) :
				      own.vid != walk->flood.vid)
		return 0;
	if (walk->flood.vid & UL_VID_SERVICE && !(own.group_flags & UL_GROUP_QINQ))
		return 0;
	/* With also_skip the frame belongs to that port and came once, by that port's uplink;
	 * promiscuous ports see it whatever their own uplink is. */
	if (from_uplink && !walk->flood.also_skip &&
	    !accepts_group(*slot, port, walk->flood.from_uplink)) {
		walk->refused++;
		return 0;
	}
	if (is_absent(port)) {
		count(UL_ENDPOINT_PORT0 + *slot, UL_R_PORT_DOWN, &walk->size);
		return 0;
	}
	walk->delivered += copy_frame(walk->skb, *slot, port->ifindex, &walk->size);
	return 0;
}

static long visit_from_port(__u32 place, struct walk *walk)
{
	return visit(place, walk, false);
}

static long visit_from_uplink(__u32 place, struct walk *walk)
{
	return visit(place, walk, true);
}

static __always_inline struct walk begin(struct __sk_buff *skb, __u32 list_vid, __u32 skips,
					 __u32 bytes)
{
	return (struct walk){
		.skb = skb,
		.flood = {
			.list = list_vid >> 16,
			.vid = list_vid,
			.skip = skips >> 16,
			.also_skip = skips,
		},
		.size = { size_of(skb).packets, bytes },
	};
}

__u32 ul_flood_from_port(struct __sk_buff *skb, __u32 list_vid, __u32 skips, __u32 only_flags,
			 __u32 bytes)
{
	const struct ul_vlan *vlan = vlan_at(list_vid >> 16);
	struct walk walk = begin(skb, list_vid, skips, bytes);

	if (!vlan)
		return 0;
	walk.flood.only_flags = only_flags;
	bpf_loop(vlan->n_members, visit_from_port, &walk, 0);
	return walk.delivered & 0xffff;
}

__u32 ul_flood_from_uplink(struct __sk_buff *skb, __u32 list_vid, __u32 skips, __u32 flags_uplink,
			   __u32 bytes)
{
	const struct ul_vlan *vlan = vlan_at(list_vid >> 16);
	struct walk walk = begin(skb, list_vid, skips, bytes);

	if (!vlan)
		return 0;
	walk.flood.only_flags = flags_uplink >> 16;
	walk.flood.from_uplink = flags_uplink;
	bpf_loop(vlan->n_members, visit_from_uplink, &walk, 0);
	return walk.refused << 16 | (walk.delivered & 0xffff);
}

char _license[] SEC("license") = "GPL";
