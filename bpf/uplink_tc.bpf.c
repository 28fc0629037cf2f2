// SPDX-License-Identifier: GPL-2.0
/* TC ingress of an uplink: the same steering as uplink_xdp for what that passed up (or for everything, where there is no XDP): TCP as GRO super-frames,
 * broadcast and multicast, jumbo frames, and ports that cannot take XDP frames. */
#include "skb.bpf.h"

static __always_inline int drop(__u32 object, enum ul_reason reason, const struct size *size)
{
	count(object, reason, size);
	return TC_ACT_SHOT;
}

/* Ports that tag themselves get the frame as it came; then the tag goes, and the ports of the VLAN's own groups get theirs. */
static __always_inline void flood_from_uplink(struct flood *flood, const struct ul_vlan *vlan, const struct frame *frame, bool last)
{
	if (vlan->flags & UL_VLAN_TRUNKED)
		flood_list(flood, UL_VLAN_TRUNK);
	if (!(vlan->flags & UL_VLAN_ACCESS) || frame->service_tag)
		return;
	if (frame->vid && bpf_skb_vlan_pop(flood->skb))
		return;
	flood_list(flood, frame->vid);
	if (frame->vid && !last)
		bpf_skb_vlan_push(flood->skb, bpf_htons(ETH_P_8021Q), frame->tci);
}

SEC("tc")
int uplink_tc(struct __sk_buff *skb)
{
	struct size size = size_of(skb);
	__u32 object = object_of(skb->ifindex) - 1;
	const struct ul_uplink *uplink = uplink_at(object);
	struct flood flood = { .skb = skb, .size = size, .from_uplink = object };
	const struct ul_vlan *vlan;
	struct destination to;
	enum ul_reason reason;
	struct frame frame;

	if (!uplink)
		return drop(UL_OBJECT_NONE, UL_R_UNKNOWN_PORT, &size);
	if (!parse_skb(skb, &frame))
		return drop(object, UL_R_TRUNCATED, &size);

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
		flood_from_uplink(&flood, vlan, &frame, true);
		return drop(object, flood.delivered || !flood.refused ? UL_R_FLOODED : UL_R_INACTIVE_UPLINK, &size);
	}

	reason = steer_unicast(vlan, &frame, object, &to);
	if (vlan->flags & UL_VLAN_CURIOUS && (reason == UL_R_TO_PORT || reason == UL_R_UNKNOWN_UNICAST)) {
		flood.only_flags = UL_GROUP_PROMISCUOUS | (reason == UL_R_UNKNOWN_UNICAST ? UL_GROUP_LEARNING : 0);
		flood.also_skip_plus_1 = reason == UL_R_TO_PORT ? to.slot_plus_1 : 0;
		flood_from_uplink(&flood, vlan, &frame, reason != UL_R_TO_PORT);
		if (reason != UL_R_TO_PORT && flood.delivered)
			reason = UL_R_FLOODED;
	}
	if (reason != UL_R_TO_PORT)
		return drop(object, reason, &size);
	if (!skb->gso_segs && too_big(size.bytes, frame.tagged && !skb->vlan_present, to.port->max_frame))
		return drop(object, UL_R_TOO_BIG, &size);
	if (frame.vid && to.group->vlan_mode != UL_VLAN_VGT && bpf_skb_vlan_pop(skb))
		return drop(object, UL_R_FAILED, &size);

	count(object, UL_R_TO_PORT, &size);
	count(UL_OBJECT_PORT0 + to.slot_plus_1 - 1, UL_R_SENT, &size);
	return bpf_redirect(to.port->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
