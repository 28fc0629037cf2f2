/* SPDX-License-Identifier: GPL-2.0 */
/* Header cursor. Each function checks the bounds of what it reads, returns false or a zero result
 * when the frame ends before, and gives numbers in host order. None of them keeps a packet pointer.
 */
#ifndef UL_PARSE_BPF_H
#define UL_PARSE_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flow_hash.h"

#define UL_ETH_HLEN 14
#define UL_TAG_LEN 4
#define UL_IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */

#define UL_MAC_STP \
	0x0180c2000000ULL /* first of the sixteen that bridges never forward (802.1Q table 8-1) */
#define UL_MAC_CISCO 0x01000cccccccULL /* CDP, PAgP, UDLD, VTP */
#define UL_MAC_PVST 0x01000ccccccdULL
#define UL_ETH_P_SLOW 0x8809
#define UL_ETH_P_LLDP 0x88cc

/* Layer 2 of a frame. */
struct frame {
	__u64 dst, src;	  /* the MAC addresses as 48-bit numbers */
	__u16 ethertype;  /* behind the outer tag */
	__u16 tci;	  /* of the outer tag */
	__u16 vid;	  /* of the outer tag; 0: untagged or priority-tagged */
	bool tagged;	  /* there is an outer tag, VID 0 included */
	bool service_tag; /* its TPID is 802.1ad's */
	__u32 l3_offset;  /* from the start of the frame as it lies in memory */
};

struct tag {
	__be16 tci;
	__be16 ethertype;
};

/* Needs a machine that loads unaligned words, as all that run uplinkd do; the verifier would say so
 * on another. */
static __always_inline __u64 load_be64(const void *p)
{
	return bpf_be64_to_cpu(*(const __be64 *)p);
}

static __always_inline bool is_tag(__u32 ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD;
}

/* Addresses and EtherType, as of a frame without a tag. false: the frame ends before. */
static __always_inline bool parse_addresses(const void *data, const void *end, struct frame *frame)
{
	__u64 src_ethertype;

	if (data + UL_ETH_HLEN > end)
		return false;
	/* Two loads for fourteen bytes; by fields the compiler would load each byte, as nothing is
	 * aligned. */
	frame->dst = load_be64(data) >> 16;
	src_ethertype = load_be64(data + 6);
	frame->src = src_ethertype >> 16;
	frame->ethertype = (__u16)src_ethertype;
	frame->l3_offset = UL_ETH_HLEN;
	frame->tagged = false;
	frame->service_tag = false;
	frame->tci = 0;
	frame->vid = 0;
	return true;
}

/* The outer tag, when the EtherType in front of it says that there is one. */
static __always_inline bool parse_tag(const void *data, const void *end, struct frame *frame)
{
	const struct tag *tag = data + UL_ETH_HLEN;

	if ((const void *)(tag + 1) > end)
		return false;
	frame->tagged = true;
	frame->service_tag = frame->ethertype == ETH_P_8021AD;
	frame->tci = bpf_ntohs(tag->tci);
	frame->vid = frame->tci & 0xfff;
	frame->ethertype = bpf_ntohs(tag->ethertype);
	frame->l3_offset = UL_ETH_HLEN + UL_TAG_LEN;
	return true;
}

/* Both, of a tag that lies in the data. */
static __always_inline bool parse_layer2(const void *data, const void *end, struct frame *frame)
{
	return parse_addresses(data, end, frame) &&
	       (!is_tag(frame->ethertype) || parse_tag(data, end, frame));
}

/* Layer 3 offset and EtherType behind one more tag (QinQ). The offsets are bounded, which the
 * verifier wants to see. */
static __always_inline void skip_inner_tag(const void *data, const void *end, __u32 *offset,
					   __u32 *ethertype)
{
	const struct tag *tag = data + *offset;

	if (!is_tag(*ethertype) || (const void *)(tag + 1) > end)
		return;
	*ethertype = bpf_ntohs(tag->ethertype);
	*offset += UL_TAG_LEN;
}

/* IP protocol of the outermost IP header, or 0 when it is not IP; behind an inner tag as well. */
static __always_inline __u32 parse_ip_protocol(const void *data, const void *end, __u32 offset,
					       __u32 ethertype)
{
	/* Nearly all, without the rest. */
	if (ethertype == ETH_P_IP && data + offset + 20 <= end)
		return *(const __u8 *)(data + offset + 9);

	skip_inner_tag(data, end, &offset, &ethertype);
	if (ethertype == ETH_P_IP && data + offset + 20 <= end)
		return *(const __u8 *)(data + offset + 9);
	if (ethertype == ETH_P_IPV6 && data + offset + 40 <= end)
		return *(const __u8 *)(data + offset + 6);
	return 0;
}

static __always_inline __u32 load_be32(const void *p)
{
	return bpf_ntohl(*(const __be32 *)p);
}

static __always_inline __u32 load_be16(const void *p)
{
	return bpf_ntohs(*(const __be16 *)p);
}

/* TCP or UDP ports at offset; both stay 0 when the frame ends before. */
static __always_inline bool parse_ports(const void *data, const void *end, __u32 offset,
					__u32 protocol, struct ul_flow *flow)
{
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return true;
	if (data + offset + 4 > end)
		return false;
	flow->src_port = load_be16(data + offset);
	flow->dst_port = load_be16(data + offset + 2);
	return true;
}

static __always_inline bool parse_ipv4(const void *data, const void *end, __u32 offset,
				       bool want_ports, struct ul_flow *flow)
{
	const __u8 *ip = data + offset;

	if ((const void *)(ip + 20) > end)
		return false;
	flow->is_ip = 1;
	flow->src = load_be32(ip + 12);
	flow->dst = load_be32(ip + 16);
	/* No port of a fragment counts, also not of the first one: all fragments of a datagram keep
	 * to one uplink. */
	if (want_ports && !(load_be16(ip + 6) & UL_IPV4_FRAGMENT))
		return parse_ports(data, end, offset + (ip[0] & 0xf) * 4, ip[9], flow);
	return true;
}

static __always_inline bool parse_ipv6(const void *data, const void *end, __u32 offset,
				       bool want_ports, struct ul_flow *flow)
{
	const __u8 *ip = data + offset;

	if ((const void *)(ip + 40) > end)
		return false;
	flow->is_ip = 1;
	flow->src = ul_fold_ipv6(load_be32(ip + 8), load_be32(ip + 12), load_be32(ip + 16),
				 load_be32(ip + 20));
	flow->dst = ul_fold_ipv6(load_be32(ip + 24), load_be32(ip + 28), load_be32(ip + 32),
				 load_be32(ip + 36));
	return !want_ports || parse_ports(data, end, offset + 40, ip[6], flow);
}

/* What uplink selection looks at. A frame that ends inside its IP header is hashed by its MAC
 * addresses; false: so it does, or before the ports that are wanted. */
static __always_inline bool parse_flow(const void *data, const void *end, const struct frame *frame,
				       bool want_ports, struct ul_flow *flow)
{
	__u32 offset = frame->l3_offset, ethertype = frame->ethertype;

	flow->src = flow->dst = 0;
	flow->src_port = flow->dst_port = 0;
	flow->is_ip = 0;
	flow->src_mac[4] = frame->src >> 8;
	flow->src_mac[5] = frame->src;
	flow->dst_mac[4] = frame->dst >> 8;
	flow->dst_mac[5] = frame->dst;

	skip_inner_tag(data, end, &offset, &ethertype);
	if (ethertype == ETH_P_IP)
		return parse_ipv4(data, end, offset, want_ports, flow);
	if (ethertype == ETH_P_IPV6)
		return parse_ipv6(data, end, offset, want_ports, flow);
	return !is_tag(ethertype);
}

static __always_inline bool is_group_address(__u64 mac)
{
	return mac >> 40 & 1;
}

static __always_inline bool is_reserved_address(__u64 mac)
{
	return (mac & ~0xfULL) == UL_MAC_STP;
}

/* LACP, LLDP, CDP and PAgP of the neighbour switch: for the daemon, never for a port. */
static __always_inline bool is_control(const struct frame *frame)
{
	if (frame->tagged)
		return false;
	if (is_reserved_address(frame->dst))
		return frame->ethertype == UL_ETH_P_SLOW || frame->ethertype == UL_ETH_P_LLDP;
	return frame->dst == UL_MAC_CISCO;
}

#endif
