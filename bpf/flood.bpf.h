/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of a frame to the members of a flood list; flood.bpf.c. */
#ifndef UL_FLOOD_BPF_H
#define UL_FLOOD_BPF_H

#include "steer.bpf.h"

/* Who gets a copy. Slots are slot + 1, 0: nobody. */
struct flood {
	__u16 list;	   /* VID of the list, UL_VLAN_TRUNK: the ports that tag themselves */
	__u16 vid;	   /* VLAN of the frame */
	__u16 skip;	   /* where it came from */
	__u16 also_skip;   /* who gets the frame itself */
	__u16 only_flags;  /* of the groups, enum ul_group_flag; 0: all members */
	__u16 from_uplink; /* not of frames from a port */
	__u32 bytes; /* what each copy counts for: the frame as it came in, whatever tag it wears
			now */
};

/* Global functions, so that each is verified once; the arguments are the fields of struct flood,
 * two in one. They return how many copies were delivered, and above bit 16 how many members refused
 * it because they do not take it from this uplink. Two, because only frames from an uplink need the
 * deep chain of calls that asks each member for its own uplink, and what port_tc and all that it
 * may call have on the stack must fit 512 bytes. */
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

/* A super-frame that comes from a machine by virtio has a segment size, but nobody has counted its
 * segments yet. */
static __always_inline bool is_super_frame(const struct __sk_buff *skb)
{
	return skb->gso_segs || skb->gso_size;
}

#define UL_LEAST_HEADERS 28 /* IPv4 and UDP: what a segment of a super-frame has at least */
#define UL_GSO_BY_FRAGS \
	0xffff /* as gso_size: segments of different lengths, cut by whoever made them (SCTP) */

/* Longer than max_frame; of a super-frame each of its segments counts. */
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
