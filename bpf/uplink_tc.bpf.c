// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* TC ingress of an uplink: steers what uplink_xdp passed up, or every frame where there is no XDP:
 * TCP as GRO super-frames, broadcast and multicast, jumbo frames, and frames to ports that cannot
 * receive by XDP. */
#include "skb.bpf.h"

/* A frame from an uplink. */
struct receiving {
	struct __sk_buff *skb;
	const struct ul_vlan *vlan;
	const struct ul_uplink *uplink;
	struct destination to;
	struct frame frame;
	struct size size;
	__u32 endpoint;
	bool tag_in_bytes; /* size counts the outer tag */
};

#define UL_LOST_TAG 0xffffffff

/* Copies first to trunk ports, as the frame came, then without the tag to the access ports of the
 * VLAN. last: the frame itself is not needed afterwards. Returns the result of
 * ul_flood_from_uplink(), or UL_LOST_TAG: the kernel refused to change the tag, and the frame must
 * be dropped because it may have lost its VLAN. */
static __always_inline __u32 flood_from_uplink(struct receiving *r, struct flood *flood, bool last)
{
	const struct frame *frame = &r->frame;
	__u32 copies = 0;

	if (r->vlan->flags & UL_VLAN_TRUNKED) {
		flood->list = UL_VLAN_TRUNK;
		copies = flood_list(r->skb, flood, false);
	}
	if (!(r->vlan->flags & UL_VLAN_ACCESS) || frame->service_tag)
		return copies;
	if (frame->tagged && bpf_skb_vlan_pop(r->skb))
		return UL_LOST_TAG;
	flood->list = frame->vid;
	copies += flood_list(r->skb, flood, false);
	if (frame->tagged && !last && bpf_skb_vlan_push(r->skb, bpf_htons(ETH_P_8021Q), frame->tci))
		return UL_LOST_TAG;
	return copies;
}

/* account_source() in a global function, which parses the frame again instead of needing stack in
 * its caller. 1: a reflection. */
__u32 ul_account_source(struct __sk_buff *skb, __u32 endpoint)
{
	struct size size = size_of(skb);
	const struct ul_vlan *vlan;
	struct sighting seen;
	struct frame frame;
	bool ours;

	pull_digest(skb);
	if (!parse_skb(skb, &frame))
		return 0;
	vlan = vlan_at(frame.vid);
	if (!vlan)
		return 0;
	ours = account_source(vlan, data_of(skb), end_of(skb), &frame, &seen);
	if (seen.note != UL_R_SENT)
		count_sighting(endpoint, &seen, &size);
	return ours;
}

static __always_inline struct flood flood_of(const struct receiving *r)
{
	return (struct flood){ .vid = key_vid(r->frame.vid, r->frame.service_tag),
			       .from_uplink = r->endpoint,
			       .bytes = r->size.bytes };
}

/* UL_OK: no objection so far; r->vlan is filled. */
static __always_inline struct decision admit(struct receiving *r)
{
	struct decision decision = check_from_uplink(r->uplink, &r->frame);

	if (decision.verdict != UL_OK)
		return decision;
	r->vlan = vlan_at(r->frame.vid);
	return vlan_in_use(r->vlan, &r->frame) ? ok() : drop(UL_R_UNKNOWN_VLAN);
}

/* A group address: copies, or a control frame (UL_PASS_UP). */
static __always_inline struct decision receive_group(struct receiving *r)
{
	struct decision decision = decide(UL_PASS_UP, UL_R_CONTROL);
	bool control = is_control(&r->frame);
	struct flood flood;
	__u32 copies;

	if (!control) {
		if (is_reserved_address(r->frame.dst))
			return drop(UL_R_RESERVED_ADDRESS);
		decision = admit(r);
		if (decision.verdict != UL_OK)
			return decision;
	}
	if (ul_account_source(r->skb, r->endpoint))
		return drop(UL_R_REFLECTED);
	if (control)
		return decision;
	flood = flood_of(r);
	copies = flood_from_uplink(r, &flood, true);
	if (copies == UL_LOST_TAG)
		return drop(UL_R_FAILED);
	/* Only refusals: no member accepts it from this uplink. */
	if (copies && !(copies & 0xffff))
		return drop(UL_R_INACTIVE_UPLINK);
	return decide(UL_FLOOD, UL_R_FLOODED);
}

/* Copies of unicast for promiscuous ports, and for flooded ones when no port owns the address. A
 * reflection is not copied. */
static __always_inline struct decision copy_unicast(struct receiving *r, struct decision decision)
{
	struct flood flood = flood_of(r);
	bool known = decision.verdict == UL_DELIVER;
	__u32 copies;

	if (ul_account_source(r->skb, r->endpoint))
		return known ? decision : drop(UL_R_REFLECTED);
	flood.only_flags = UL_GROUP_PROMISCUOUS | (known ? 0 : UL_GROUP_FLOODED);
	flood.also_skip = known ? r->to.slot_plus_1 : 0;
	copies = flood_from_uplink(r, &flood, !known);
	if (copies == UL_LOST_TAG)
		return drop(UL_R_FAILED);
	return !known && copies & 0xffff ? decide(UL_FLOOD, UL_R_FLOODED) : decision;
}

static __always_inline struct decision receive_unicast(struct receiving *r)
{
	struct decision decision = admit(r);

	if (decision.verdict != UL_OK)
		return decision;
	decision = steer_unicast(r->vlan, &r->frame, r->endpoint, r->uplink, &r->to);
	if (r->vlan->flags & UL_VLAN_NEEDS_COPIES &&
	    (decision.verdict == UL_DELIVER || decision.reason == UL_R_UNKNOWN_UNICAST))
		decision = copy_unicast(r, decision);
	if (decision.verdict != UL_DELIVER)
		return decision;
	if (exceeds(r->skb, &r->frame, r->size.bytes, r->tag_in_bytes, r->to.port, r->to.own.mode))
		return drop(UL_R_TOO_BIG);
	if (r->frame.tagged && r->to.own.mode != UL_VLAN_VGT && bpf_skb_vlan_pop(r->skb))
		return drop(UL_R_FAILED);
	return decision;
}

/* The only exit. Where the verdict is a constant, the compiler reduces it to one branch. */
static __always_inline int finish(const struct receiving *r, __u32 endpoint,
				  struct decision decision)
{
	count(endpoint, decision.reason, &r->size);
	if (decision.verdict == UL_PASS_UP)
		return TC_ACT_OK;
	if (decision.verdict != UL_DELIVER)
		return TC_ACT_SHOT;
	count(UL_ENDPOINT_PORT0 + r->to.slot_plus_1 - 1, UL_R_SENT, &r->size);
	return bpf_redirect(r->to.port->ifindex, 0);
}

SEC("tc")
int uplink_tc(struct __sk_buff *skb)
{
	struct decision decision;
	struct receiving r;

	/* No initialiser for the structure: clang would clear several members together and keep
	 * them in one register. */
	r.skb = skb;
	r.size = size_of(skb);
	r.endpoint = endpoint_of(skb->ifindex) - 1;
	r.to = (struct destination){};
	r.uplink = uplink_at(r.endpoint);
	if (!r.uplink)
		return finish(&r, UL_ENDPOINT_NONE, drop(UL_R_UNKNOWN_PORT));
	if (!parse_skb(skb, &r.frame))
		return finish(&r, r.endpoint, drop(UL_R_TRUNCATED));
	r.tag_in_bytes = r.frame.tagged && !skb->vlan_present;
	if (is_group_address(r.frame.dst)) {
		decision = receive_group(&r);
		if (decision.verdict == UL_PASS_UP)
			return finish(&r, r.endpoint, decide(UL_PASS_UP, UL_R_CONTROL));
		return finish(&r, r.endpoint, drop(decision.reason));
	}
	decision = receive_unicast(&r);
	if (decision.verdict != UL_DELIVER)
		return finish(&r, r.endpoint, drop(decision.reason));
	return finish(&r, r.endpoint, decide(UL_DELIVER, UL_R_TO_PORT));
}

char _license[] SEC("license") = "GPL";
