/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Address look-up and admission, shared by the XDP and the TC programs so that both decide alike.
 */
#ifndef UL_STEER_BPF_H
#define UL_STEER_BPF_H

#include "count.bpf.h"
#include "ownership.bpf.h"

/* In select.bpf.h, linked from port_tc.bpf.c. */
extern __u32 ul_serving_uplinks(__u32 policy_index);
extern __u32 ul_uplink_of_port(__u32 slot);

/* Port that owns an address. The other members are valid when slot_plus_1 is not 0. */
struct destination {
	__u32 slot_plus_1;
	__u32 learned; /* UL_FDB_LEARNED or 0 */
	const struct ul_port *port;
	struct ul_port_vlan own; /* VLAN of the port */
};

static __always_inline bool load_destination(struct destination *to, __u32 entry)
{
	to->slot_plus_1 = entry & UL_FDB_SLOT;
	to->learned = entry & UL_FDB_LEARNED;
	if (!to->slot_plus_1)
		return false;
	to->port = port_at(to->slot_plus_1 - 1);
	if (!to->port)
		return false;
	to->own = vlan_of(to->port);
	return true;
}

/* Trunk ports have frames with a service tag where the group allows them. */
static __always_inline bool may_be_service(const struct destination *to, bool service_tag)
{
	return !service_tag || to->own.group_flags & UL_GROUP_QINQ;
}

/* The look-ups of an address in a VLAN. The port's VLAN is compared again although the key contains
 * it, so that a frame never leaves its VLAN while the table is updated. Frames with a service tag
 * belong to trunk ports only.
 *
 * find_access_port() and find_exact_trunk_port() have the same key. uplink_xdp uses them as two
 * functions, because clang 14 merges the branches of a common one in a way that 6.1 cannot verify.
 */
static __always_inline bool find_access_port(__u32 vid, __u64 mac, struct destination *to)
{
	return load_destination(to, entry_of(vid, mac)) && to->own.mode != UL_VLAN_VGT &&
	       to->own.vid == vid;
}

static __always_inline bool find_exact_trunk_port(__u32 vid, bool service_tag, __u64 mac,
						  struct destination *to)
{
	return load_destination(to, entry_of(key_vid(vid, service_tag), mac)) &&
	       to->own.mode == UL_VLAN_VGT && may_be_service(to, service_tag) &&
	       port_has_vlan(to->port, vid);
}

static __always_inline bool find_trunk_port(__u32 vid, bool service_tag, __u64 mac,
					    struct destination *to)
{
	return load_destination(to, entry_of(UL_VLAN_TRUNK, mac)) && to->own.mode == UL_VLAN_VGT &&
	       may_be_service(to, service_tag) && port_has_vlan(to->port, vid);
}

static __always_inline bool find_exact(__u32 vid, bool service_tag, __u64 mac,
				       struct destination *to)
{
	if (!load_destination(to, entry_of(key_vid(vid, service_tag), mac)))
		return false;
	if (to->own.mode != UL_VLAN_VGT)
		return to->own.vid == vid && !service_tag;
	return may_be_service(to, service_tag) && port_has_vlan(to->port, vid);
}

/* The key of this VLAN first, then the key that a trunk port has for all its VLANs. */
static __always_inline bool find_port(__u32 vlan_flags, __u32 vid, bool service_tag, __u64 mac,
				      struct destination *to)
{
	if (vlan_flags & (UL_VLAN_ACCESS | UL_VLAN_EXACT)) {
		bool found = find_exact(vid, service_tag, mac, to);

		if (to->slot_plus_1)
			return found;
	}
	if (vlan_flags & UL_VLAN_TRUNKED) {
		bool found = find_trunk_port(vid, service_tag, mac, to);

		if (to->slot_plus_1)
			return found;
	}
	to->slot_plus_1 = 0;
	return false;
}

/* The state absent: a frame from an uplink is dropped, a frame from a port leaves by an uplink. */
static __always_inline bool is_absent_at(const struct destination *to)
{
	return to->port->flags & UL_PORT_ABSENT && (to->learned || !is_confirmed(to->port));
}

/* True when the policy accepts frames from this uplink. in_use is exact unless an uplink failed
 * that the daemon has not noticed yet. */
static __always_inline bool accepts(__u32 policy_index, __u32 uplink)
{
	const struct ul_policy *policy = policy_at(policy_index);

	if (!policy)
		return false;
	if (policy->in_use >> uplink & 1)
		return true;
	return ul_serving_uplinks(policy_index) >> uplink & 1;
}

/* max_frame limits the length with one tag. */
static __always_inline bool too_big(__u32 bytes, bool tag_in_bytes, __u32 max_frame)
{
	return bytes + (tag_in_bytes ? 0 : UL_TAG_LEN) > max_frame;
}

/* Layer 2 checks of a frame from an uplink that is neither a control frame nor to a reserved
 * address. UL_OK: no objection so far. */
static __always_inline struct decision check_from_uplink(const struct ul_uplink *uplink,
							 const struct frame *frame)
{
	if (is_group_address(frame->src) || !frame->src)
		return drop(UL_R_INVALID_SOURCE);
	if (hides_tag(frame))
		return drop(UL_R_VLAN_NOT_ALLOWED);
	if (!(uplink->flags & UL_UP_RECEIVE))
		return drop(UL_R_INACTIVE_UPLINK);
	return ok();
}

static __always_inline bool vlan_in_use(const struct ul_vlan *vlan, const struct frame *frame)
{
	__u32 wanted = frame->service_tag ? UL_VLAN_TRUNKED : UL_VLAN_ACCESS | UL_VLAN_TRUNKED;

	return vlan && frame->vid != UL_VLAN_TRUNK && vlan->flags & wanted &&
	       !has_foreign_tag(frame);
}

/* Unicast from an uplink. UL_DELIVER with *to filled, or a drop; *to is filled with
 * UL_R_PORT_DOWN too. */
static __always_inline struct decision steer_unicast(const struct ul_vlan *vlan,
						     const struct frame *frame, __u32 index,
						     const struct ul_uplink *uplink,
						     struct destination *to)
{
	if (!find_port(vlan->flags, frame->vid, frame->service_tag, frame->dst, to))
		return drop(UL_R_UNKNOWN_UNICAST);
	if (!(uplink->flags & UL_UP_FOR_ALL) && !accepts(to->port->policy, index))
		return drop(UL_R_INACTIVE_UPLINK);
	if (!to->port->ifindex || is_absent_at(to))
		return drop(UL_R_PORT_DOWN);
	return decide(UL_DELIVER, UL_R_TO_PORT);
}

/* True when the frame came from one of our ports less than UL_REFLECTION_MS ago. */
static __always_inline bool was_sent(const void *data, const void *end, const struct frame *frame,
				     bool learned)
{
	if (is_group_address(frame->dst))
		return ul_was_sent(frame_digest(data, end, frame));
	if (learned &&
	    ul_was_used_here(ul_fdb_key_of(key_vid(frame->vid, frame->service_tag), frame->src)))
		return true;
	return ul_was_sent(source_digest(frame));
}

/* A gratuitous ARP, a RARP or an unsolicited neighbour advertisement, with which a machine that has
 * moved makes itself known. */
static __always_inline bool is_announcement(const void *data, const void *end,
					    const struct frame *frame)
{
	const __u8 *at = data + frame->l3_offset;

	if (frame->ethertype == ETH_P_RARP)
		return true;
	if (frame->ethertype == ETH_P_ARP)
		return (const void *)(at + 28) <= end && load_be32(at + 14) == load_be32(at + 24);
	return frame->ethertype == ETH_P_IPV6 && (const void *)(at + 45) <= end &&
	       at[6] == IPPROTO_ICMPV6 && at[40] == UL_NEIGHBOUR_ADVERTISEMENT &&
	       !(at[44] & UL_NA_SOLICITED);
}

/* A frame to a group address whose source is the confirmed address of a port. False: the port sent
 * it. Announcements are reported to the daemon, at most once a second for each address. */
static __always_inline bool is_sent_outside(const void *data, const void *end,
					    const struct frame *frame, __u32 slot)
{
	__u64 digest;

	if (!is_group_address(frame->dst) || ul_was_sent(frame_digest(data, end, frame)))
		return false;
	digest = source_digest(frame);
	if (is_announcement(data, end, frame) && !ul_was_heard_outside(digest, 1)) {
		ul_note_outside(digest);
		report_address(UL_EVENT_OWN_OUTSIDE, slot, key_vid(frame->vid, frame->service_tag),
			       frame->src);
	}
	return true;
}

/* What account_source() found out about the source of a frame. */
struct sighting {
	enum ul_reason note; /* to be counted by count_sighting(); UL_R_SENT: none */
	__u32 slot;	     /* UL_R_ADDRESS_OUTSIDE: of the port with this address */
};

static __always_inline void count_sighting(__u32 endpoint, const struct sighting *seen,
					   const struct size *size)
{
	count(endpoint, seen->note, size);
	if (seen->note == UL_R_ADDRESS_OUTSIDE)
		count(UL_ENDPOINT_PORT0 + seen->slot, seen->note, size);
}

/* Accounts the source of a frame from an uplink. True: the frame is dropped as a reflection,
 * because its source is the confirmed address of a port, or because a port sent it. Otherwise the
 * source is outside: it is recorded, and a learned address moves. */
static __always_inline bool account_source(const struct ul_vlan *vlan, const void *data,
					   const void *end, const struct frame *frame,
					   struct sighting *seen)
{
	__u32 vid = key_vid(frame->vid, frame->service_tag);
	struct destination source = {};
	bool known = find_port(vlan->flags, frame->vid, frame->service_tag, frame->src, &source),
	     learned = known && source.learned;

	seen->note = UL_R_SENT;
	seen->slot = source.slot_plus_1 - 1;
	if (known && !learned && is_confirmed(source.port)) {
		if (is_sent_outside(data, end, frame, seen->slot))
			seen->note = UL_R_ADDRESS_OUTSIDE;
		return true;
	}
	if (!(vlan->flags & UL_VLAN_FOREIGN))
		return false;
	if (was_sent(data, end, frame, learned))
		return true;
	ul_note_outside(source_digest(frame));
	if (learned && ul_note_use_outside(ul_fdb_key_of(vid, frame->src))) {
		report_address(UL_EVENT_MOVED_OUTSIDE, seen->slot, vid, frame->src);
		seen->note = UL_R_MOVED_OUTSIDE;
	}
	return false;
}

#endif
