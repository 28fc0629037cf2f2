// SPDX-License-Identifier: GPL-2.0
/* TC ingress of an uplink: the same steering as uplink_xdp for what that passed up (or for
 * everything, where there is no XDP): TCP as GRO super-frames, broadcast and multicast, jumbo
 * frames, and ports that cannot take XDP frames. */
#include "skb.bpf.h"

static __always_inline int drop(__u32 object, enum ul_reason reason, const struct size *size)
{
	count(object, reason, size);
	return TC_ACT_SHOT;
}

#define UL_LOST_TAG 0xffffffff

/* Ports that tag themselves get the frame as it came; then the tag goes, and the ports of the
 * VLAN's own groups get theirs. last: the frame itself is not needed any more. Returns what
 * ul_flood_from_uplink() does, or UL_LOST_TAG: the kernel refused to change the tag, and the frame
 * must go nowhere else, because it may have lost its VLAN. */
static __always_inline __u32 flood_from_uplink(struct __sk_buff *skb, struct flood *flood,
					       const struct ul_vlan *vlan,
					       const struct frame *frame, bool last)
{
	__u32 copies = 0;

	if (vlan->flags & UL_VLAN_TRUNKED) {
		flood->list = UL_VLAN_TRUNK;
		copies = flood_list(skb, flood, false);
	}
	if (!(vlan->flags & UL_VLAN_ACCESS) || frame->service_tag)
		return copies;
	if (frame->vid && bpf_skb_vlan_pop(skb))
		return UL_LOST_TAG;
	flood->list = frame->vid;
	copies += flood_list(skb, flood, false);
	if (frame->vid && !last && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), frame->tci))
		return UL_LOST_TAG;
	return copies;
}

SEC("tc")
int uplink_tc(struct __sk_buff *skb)
{
	struct size size = size_of(skb);
	__u32 object = object_of(skb->ifindex) - 1;
	const struct ul_uplink *uplink = uplink_at(object);
	struct flood flood = { .from_uplink = object, .bytes = size.bytes };
	const struct ul_vlan *vlan;
	struct destination to = {};
	enum ul_reason reason;
	struct frame frame;
	bool tag_in_bytes;
	__u32 copies;

	if (!uplink)
		return drop(UL_OBJECT_NONE, UL_R_UNKNOWN_PORT, &size);
	if (!parse_skb(skb, &frame))
		return drop(object, UL_R_TRUNCATED, &size);
	tag_in_bytes = frame.tagged && !skb->vlan_present;

	reason = admit_from_uplink(uplink, &frame);
	if (reason == UL_R_CONTROL) {
		count(object, reason, &size);
		return TC_ACT_OK;
	}
	if (reason != UL_R_TO_PORT && reason != UL_R_FLOODED)
		return drop(object, reason, &size);

	flood.vid = frame.vid;
	vlan = vlan_at(frame.vid);
	if (!vlan_in_use(vlan, &frame))
		return drop(object, UL_R_UNKNOWN_VLAN, &size);
	if (reason == UL_R_FLOODED) {
		if (is_reflected(vlan, &frame))
			return drop(object, UL_R_REFLECTED, &size);
		copies = flood_from_uplink(skb, &flood, vlan, &frame, true);
		if (copies == UL_LOST_TAG)
			return drop(object, UL_R_FAILED, &size);
		/* Only refusals: no member takes it from this uplink. */
		return drop(object,
			    copies && !(copies & 0xffff) ? UL_R_INACTIVE_UPLINK : UL_R_FLOODED,
			    &size);
	}

	reason = steer_unicast(vlan, &frame, object, uplink, &to);
	if (vlan->flags & UL_VLAN_CURIOUS &&
	    (reason == UL_R_TO_PORT || reason == UL_R_UNKNOWN_UNICAST)) {
		flood.only_flags = UL_GROUP_PROMISCUOUS |
				   (reason == UL_R_UNKNOWN_UNICAST ? UL_GROUP_LEARNING : 0);
		flood.also_skip = reason == UL_R_TO_PORT ? to.slot_plus_1 : 0;
		copies = flood_from_uplink(skb, &flood, vlan, &frame, reason != UL_R_TO_PORT);
		if (copies == UL_LOST_TAG)
			return drop(object, UL_R_FAILED, &size);
		if (reason != UL_R_TO_PORT && copies & 0xffff)
			reason = UL_R_FLOODED;
	}
	if (reason != UL_R_TO_PORT)
		return drop(object, reason, &size);
	if (is_too_big(skb, size.bytes, tag_in_bytes, to.port->max_frame))
		return drop(object, UL_R_TOO_BIG, &size);
	if (frame.vid && to.own.mode != UL_VLAN_VGT && bpf_skb_vlan_pop(skb))
		return drop(object, UL_R_FAILED, &size);

	count(object, UL_R_TO_PORT, &size);
	count(UL_OBJECT_PORT0 + to.slot_plus_1 - 1, UL_R_SENT, &size);
	return bpf_redirect(to.port->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
