/* SPDX-License-Identifier: GPL-2.0 */
/* VLAN and destination address -> port, and what an uplink lets in: shared by the XDP and the TC
 * program, so that both decide alike. */
#ifndef UL_STEER_BPF_H
#define UL_STEER_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"

/* In select.bpf.h, linked from port_tc.bpf.c. */
extern __u32 ul_serving_uplinks(__u32 policy_index);
extern __u32 ul_uplink_of_port(__u32 slot);

/* Where a frame is to go. The rest is valid when slot_plus_1 is not 0. */
struct destination {
	__u32 slot_plus_1;
	const struct ul_port *port;
	struct ul_port_vlan own; /* VLAN of the port */
};

static __always_inline bool load_destination(struct destination *to)
{
	to->port = port_at(to->slot_plus_1 - 1);
	if (!to->port)
		return false;
	to->own = vlan_of(to->port);
	return true;
}

/* The port that owns mac in a VLAN: first one whose group sets that VLAN, then one that tags itself
 * and may use it. The port's VLAN is compared again although the key has it: whatever a table may
 * hold for a moment, a frame never leaves its VLAN. A service tag is not our VLAN tag, so only
 * ports that tag themselves can own such a frame. */
static __always_inline bool find_access_port(__u32 vid, __u64 mac, struct destination *to)
{
	to->slot_plus_1 = slot_of(vid, mac);
	return to->slot_plus_1 && load_destination(to) && to->own.mode != UL_VLAN_VGT &&
	       to->own.vid == vid;
}

static __always_inline bool find_trunk_port(__u32 vid, __u64 mac, struct destination *to)
{
	to->slot_plus_1 = slot_of(UL_VLAN_TRUNK, mac);
	return to->slot_plus_1 && load_destination(to) && to->own.mode == UL_VLAN_VGT &&
	       port_has_vlan(to->port, vid);
}

static __always_inline bool find_port(__u32 vlan_flags, __u32 vid, bool service_tag, __u64 mac,
				      struct destination *to)
{
	if (vlan_flags & UL_VLAN_ACCESS && !service_tag) {
		bool found = find_access_port(vid, mac, to);

		if (to->slot_plus_1)
			return found;
	}
	if (vlan_flags & UL_VLAN_TRUNKED) {
		bool found = find_trunk_port(vid, mac, to);

		if (to->slot_plus_1)
			return found;
	}
	to->slot_plus_1 = 0;
	return false;
}

/* Does the policy take frames from this uplink? in_use is right unless an uplink died that the
 * daemon has not heard of. */
static __always_inline bool accepts(__u32 policy_index, __u32 uplink)
{
	const struct ul_policy *policy = policy_at(policy_index);

	if (!policy)
		return false;
	if (policy->in_use >> uplink & 1)
		return true;
	return ul_serving_uplinks(policy_index) >> uplink & 1;
}

/* Length of a frame with one tag, which is what max_frame limits. */
static __always_inline bool too_big(__u32 bytes, bool tag_in_bytes, __u32 max_frame)
{
	return bytes + (tag_in_bytes ? 0 : UL_TAG_LEN) > max_frame;
}

/* Layer 2 checks that every frame from an uplink passes. UL_R_TO_PORT: unicast so far good;
 * UL_R_FLOODED: likewise for a group address; UL_R_CONTROL: for the daemon; else why it is dropped.
 */
static __always_inline enum ul_reason admit_from_uplink(const struct ul_uplink *uplink,
							const struct frame *frame)
{
	if (is_group_address(frame->dst)) {
		if (is_control(frame))
			return UL_R_CONTROL;
		if (is_reserved_address(frame->dst))
			return UL_R_RESERVED_ADDRESS;
	}
	if (is_group_address(frame->src) || !frame->src)
		return UL_R_INVALID_SOURCE;
	if (!(uplink->flags & UL_UP_RECEIVE))
		return UL_R_INACTIVE_UPLINK;
	return is_group_address(frame->dst) ? UL_R_FLOODED : UL_R_TO_PORT;
}

static __always_inline bool vlan_in_use(const struct ul_vlan *vlan, const struct frame *frame)
{
	__u32 wanted = frame->service_tag ? UL_VLAN_TRUNKED : UL_VLAN_ACCESS | UL_VLAN_TRUNKED;

	return vlan && frame->vid != UL_VLAN_TRUNK && vlan->flags & wanted;
}

/* Unicast from an uplink: UL_R_TO_PORT with *to filled, or why it is dropped. */
static __always_inline enum ul_reason steer_unicast(const struct ul_vlan *vlan,
						    const struct frame *frame, __u32 index,
						    const struct ul_uplink *uplink,
						    struct destination *to)
{
	if (!find_port(vlan->flags, frame->vid, frame->service_tag, frame->dst, to))
		return UL_R_UNKNOWN_UNICAST;
	if (!(uplink->flags & UL_UP_FOR_ALL) && !accepts(to->port->policy, index))
		return UL_R_INACTIVE_UPLINK;
	if (!to->port->ifindex)
		return UL_R_PORT_DOWN;
	return UL_R_TO_PORT;
}

/* A broadcast or multicast frame that one of our own ports has sent (ESX: reverse filter). */
static __always_inline bool is_reflected(const struct ul_vlan *vlan, const struct frame *frame)
{
	struct destination source;

	return find_port(vlan->flags, frame->vid, frame->service_tag, frame->src, &source);
}

#endif
