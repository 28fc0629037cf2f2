/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Header cursor. Each function checks the bounds of what it reads, returns false or a zero result
 * when the frame ends before, and gives numbers in host order. None of them keeps a packet pointer.
 */
#ifndef UL_PARSE_BPF_H
#define UL_PARSE_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flow_hash.h"

#define UL_ETH_HLEN 14
#define UL_TAG_LEN 4
#define UL_IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */
#define UL_IPV6_FRAGMENT 0xfff9 /* likewise, in a fragment header */
/* IPv6 extension headers of a frame that are walked, and their bytes: what is behind has no ports
 */
#define UL_MAX_EXTENSIONS 6
#define UL_MAX_EXTENSION_LEN 256

#define UL_MAC_STP \
	0x0180c2000000ULL /* first of the sixteen that bridges never forward (802.1Q table 8-1) */
#define UL_MAC_CISCO 0x01000cccccccULL /* CDP, PAgP, UDLD, VTP */
#define UL_MAC_PVST 0x01000ccccccdULL
#define UL_ETH_P_SLOW 0x8809
#define UL_ETH_P_LLDP 0x88cc
#define UL_ETH_P_PTP 0x88f7
#define UL_MAC_PAE 0x0180c2000003ULL   /* 802.1X */
#define UL_NEIGHBOUR_ADVERTISEMENT 136 /* RFC 4861 4.4 */
#define UL_NA_SOLICITED 0x40	       /* in its flags */
#define UL_MAC_LLDP 0x0180c200000eULL  /* peer delay of PTP as well */

/* Layer 2 of a frame. Numbers of 16 bits are kept in 32, so that the compiler does not mask them
 * at each use. */
struct frame {
	__u64 dst, src;	  /* the MAC addresses as 48-bit numbers */
	__u32 ethertype;  /* behind the outer tag */
	__u32 tci;	  /* of the outer tag */
	__u32 vid;	  /* of the outer tag; 0: untagged or priority-tagged */
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

/* The tags of older provider switches, 0x9100, 0x9200 and 0x9300. They are not parsed: a frame with
 * such an outer tag belongs to no VLAN of a switch. The first comparison excludes IP and ARP. */
static __always_inline bool is_foreign_tag(__u32 ethertype)
{
	return ethertype > 0x9000 && (ethertype & 0xfcff) == 0x9000;
}

/* It is not in VLAN 0, although the parser finds no tag. */
static __always_inline bool has_foreign_tag(const struct frame *frame)
{
	return !frame->tagged && is_foreign_tag(frame->ethertype);
}

/* The inner one is payload of the VLAN. */
static __always_inline bool has_two_tags(const struct frame *frame)
{
	return frame->tagged && is_tag(frame->ethertype);
}

/* Whoever removes a priority tag would obey the tag behind it. */
static __always_inline bool hides_tag(const struct frame *frame)
{
	return frame->tagged && !frame->vid &&
	       (is_tag(frame->ethertype) || is_foreign_tag(frame->ethertype));
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
	frame->ethertype = src_ethertype & 0xffff;
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

/* An IPv6 extension header in front of the transport header. */
static __always_inline bool is_extension(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS: /* jumbo payload of BIG TCP, among others */
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139: /* host identity, RFC 7401 */
	case 140: /* shim6, RFC 5533 */
		return true;
	default:
		return false;
	}
}

#define UL_NO_TRANSPORT 0xffffffff /* the frame ends before */

/* Walks the extension headers behind an IPv6 header at offset, whose first is of type protocol.
 * Returns the protocol of the transport header in bits 0-7 and its distance from the IPv6 header
 * above; 0: a fragment, or more headers than are walked; or UL_NO_TRANSPORT. For global functions:
 * the verifier would check it once for each way to it, and hardly any frame has such headers. */
static __always_inline __u32 walk_extensions(const void *data, const void *end, __u32 offset,
					     __u32 protocol)
{
	__u32 length = 0;

	if (offset > UL_ETH_HLEN + 2 * UL_TAG_LEN + 40)
		return UL_NO_TRANSPORT;
	for (int i = 0; i < UL_MAX_EXTENSIONS; i++) {
		const __u8 *header = data + offset + length;

		if (!is_extension(protocol))
			break;
		if ((const void *)(header + 8) > end)
			return UL_NO_TRANSPORT;
		if (protocol == IPPROTO_FRAGMENT) {
			if (load_be16(header + 2) & UL_IPV6_FRAGMENT)
				return 0;
			length += 8;
		} else {
			length += protocol == IPPROTO_AH ? (header[1] + 2) * 4 :
							   (header[1] + 1) * 8;
		}
		protocol = header[0];
		if (length > UL_MAX_EXTENSION_LEN)
			return 0;
	}
	return is_extension(protocol) ? 0 : protocol | (40 + length) << 8;
}

/* walk_extensions() for the frame of skb; in port_tc.bpf.c. */
__u32 ul_walk_extensions(struct __sk_buff *skb, __u32 offset, __u32 protocol);

static __always_inline bool parse_ipv6_ports(const void *data, const void *end, __u32 offset,
					     __u32 protocol, struct __sk_buff *walked,
					     struct ul_flow *flow)
{
	__u32 transport;

	if (!is_extension(protocol))
		return parse_ports(data, end, offset + 40, protocol, flow);
	if (!walked)
		return false;
	transport = ul_walk_extensions(walked, offset + 40, protocol);
	if (transport == UL_NO_TRANSPORT)
		return false;
	return parse_ports(data, end, offset + (transport >> 8 & 0x1ff), transport & 0xff, flow);
}

static __always_inline bool parse_ipv6(const void *data, const void *end, __u32 offset,
				       bool want_ports, struct __sk_buff *walked,
				       struct ul_flow *flow)
{
	const __u8 *ip = data + offset;

	if ((const void *)(ip + 40) > end)
		return false;
	flow->is_ip = 1;
	flow->src = ul_fold_ipv6(load_be32(ip + 8), load_be32(ip + 12), load_be32(ip + 16),
				 load_be32(ip + 20));
	flow->dst = ul_fold_ipv6(load_be32(ip + 24), load_be32(ip + 28), load_be32(ip + 32),
				 load_be32(ip + 36));
	return !want_ports || parse_ipv6_ports(data, end, offset, ip[6], walked, flow);
}

/* IP protocol of the outermost IP header, or 0 when it is not IP; behind an inner tag as well. Of
 * IPv6 it may be that of an extension header. */
static __always_inline __u32 parse_ip_protocol(const void *data, const void *end, __u32 offset,
					       __u32 ethertype)
{
	skip_inner_tag(data, end, &offset, &ethertype);
	if (ethertype == ETH_P_IP && data + offset + 20 <= end)
		return *(const __u8 *)(data + offset + 9);
	if (ethertype == ETH_P_IPV6 && data + offset + 40 <= end)
		return *(const __u8 *)(data + offset + 6);
	return 0;
}

/* What uplink selection reads. A frame that ends inside its IP header is hashed by its MAC
 * addresses; false: so it does, or before the ports that are wanted, or they are behind extension
 * headers. walked: the skb of the frame, in which these are walked, or NULL. */
static __always_inline bool parse_flow(const void *data, const void *end, const struct frame *frame,
				       bool want_ports, struct __sk_buff *walked,
				       struct ul_flow *flow)
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
		return parse_ipv6(data, end, offset, want_ports, walked, flow);
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

/* Not inline: few frames get here, and clang merges the branches with those of its callers. */
static __noinline bool is_control_kind(__u64 dst, __u32 ethertype)
{
	if (!is_reserved_address(dst))
		return dst == UL_MAC_CISCO;
	return ethertype == UL_ETH_P_SLOW || ethertype == UL_ETH_P_LLDP ||
	       (ethertype == ETH_P_PAE && dst == UL_MAC_PAE) ||
	       (ethertype == UL_ETH_P_PTP && dst == UL_MAC_LLDP);
}

/* For the daemon and the stack of the host, never for a port: LACP, LLDP, CDP and PAgP of the
 * neighbour switch, 802.1X, and PTP to the link-local address. A priority tag does not matter. */
static __always_inline bool is_control(const struct frame *frame)
{
	return !frame->vid && !frame->service_tag && !hides_tag(frame) &&
	       is_control_kind(frame->dst, frame->ethertype);
}

#endif
