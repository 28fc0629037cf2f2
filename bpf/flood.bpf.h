/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Copies of a frame to the members of a flood list; flood.bpf.c. */
#ifndef UL_FLOOD_BPF_H
#define UL_FLOOD_BPF_H

#include "steer.bpf.h"

/* Which ports receive a copy. skip and also_skip are slot + 1; 0: none. */
struct flood {
	/* VID of the flood list; UL_VLAN_TRUNK: the trunk ports */
	__u16 list;
	__u16 vid;	   /* VLAN of the frame, with UL_VID_SERVICE */
	__u16 skip;	   /* the port where the frame came in */
	__u16 also_skip;   /* the port that receives the frame itself */
	__u16 only_flags;  /* of the groups, enum ul_group_flag; 0: all members */
	__u16 from_uplink; /* valid for frames from an uplink */
	/* what each copy adds to counters: the length as the frame came in, whatever its tag now */
	__u32 bytes;
};

/* Global functions, so that the verifier checks each once; the arguments are the members of struct
 * flood, two in one. They return the number of copies in bits 0-15, and above the number of members
 * that do not accept frames from this uplink. Two functions, because only frames from an uplink
 * need the deep call chain that finds the uplink of each member, and the stack of a chain is
 * limited. */
extern __u32 ul_flood_from_port(struct __sk_buff *skb, __u32 list_vid, __u32 skips,
				__u32 only_flags, __u32 bytes);
extern __u32 ul_flood_from_uplink(struct __sk_buff *skb, __u32 list_vid, __u32 skips,
				  __u32 flags_uplink, __u32 bytes);

/* from_port: a constant */
static __always_inline __u32 flood_list(struct __sk_buff *skb, const struct flood *flood,
					bool from_port)
{
	__u32 list_vid = (__u32)flood->list << 16 | flood->vid,
	      skips = (__u32)flood->skip << 16 | flood->also_skip;

	if (from_port)
		return ul_flood_from_port(skb, list_vid, skips, flood->only_flags, flood->bytes);
	return ul_flood_from_uplink(skb, list_vid, skips,
				    (__u32)flood->only_flags << 16 | flood->from_uplink,
				    flood->bytes);
}

/* True: the port's interface took a copy. Counts at the port. A positive result is that of a queue:
 * the interface's, or for veth the kernel's backlog, which older kernels do not report. */
static __always_inline bool copy_frame(struct __sk_buff *skb, __u32 slot, __u32 ifindex,
				       const struct size *size)
{
	long result = bpf_clone_redirect(skb, ifindex, 0);

	count(UL_ENDPOINT_PORT0 + slot,
	      !result	 ? UL_R_SENT :
	      result > 0 ? UL_R_QUEUE_FULL :
			   UL_R_FAILED,
	      size);
	return !result;
}

/* A super-frame from a virtio machine has a segment size; its segments are not counted yet. */
static __always_inline bool is_super_frame(const struct __sk_buff *skb)
{
	return skb->gso_segs || skb->gso_size;
}

/* IPv4: the least that a segment has in front of gso_size, which for UFO, the fragments of old
 * guests, includes the UDP header */
#define UL_LEAST_HEADERS 20
#define UL_GSO_BY_FRAGS \
	0xffff /* as gso_size: segments of different lengths, cut by whoever made them (SCTP) */

/* Longer than max_frame; a super-frame is measured by its segments. */
static __always_inline bool is_too_big(const struct __sk_buff *skb, __u32 bytes, bool tag_in_bytes,
				       __u32 max_frame)
{
	__u32 segment = skb->gso_size;

	if (!too_big(bytes, tag_in_bytes, max_frame))
		return false;
	return !is_super_frame(skb) ||
	       (segment != UL_GSO_BY_FRAGS &&
		too_big(UL_ETH_HLEN + UL_LEAST_HEADERS + segment, false, max_frame));
}

/* is_too_big() for a port, whose mode is enum ul_vlan_mode. Trunk ports carry two tags at full MTU,
 * as the ports of a bridge do. */
static __always_inline bool exceeds(const struct __sk_buff *skb, const struct frame *frame,
				    __u32 bytes, bool tag_in_bytes, const struct ul_port *port,
				    __u32 mode)
{
	__u32 max_frame = port->max_frame;

	if (!too_big(bytes, tag_in_bytes, max_frame))
		return false;
	if (mode == UL_VLAN_VGT && has_two_tags(frame))
		max_frame += UL_TAG_LEN;
	return is_too_big(skb, bytes, tag_in_bytes, max_frame);
}

#define UL_TCP_HEADERS                                                                           \
	66 /* Ethernet, IPv4, TCP with time stamps: what each segment of a super-frame has again \
	    */

static __always_inline struct size size_of(const struct __sk_buff *skb)
{
	__u32 packets = skb->gso_segs, segment = skb->gso_size, len = skb->len;

	if (!packets && segment && len > UL_TCP_HEADERS)
		packets = (len - UL_TCP_HEADERS + segment - 1) / segment;
	return (struct size){ packets ? packets : 1, len };
}

#endif
