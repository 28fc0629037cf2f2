/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Layer 2 of an skb, for the TC programs. */
#ifndef UL_SKB_BPF_H
#define UL_SKB_BPF_H

#include <linux/pkt_cls.h>

#include "flood.bpf.h"

/* Ethernet, two tags, IPv6 header and extension headers, ports: all that is ever looked at */
#define UL_HEADERS (UL_ETH_HLEN + 2 * UL_TAG_LEN + 40 + UL_MAX_EXTENSION_LEN + 4)

/* Begin and end of the readable part of the frame. In assembler, because the compiler takes the two
 * for the 32-bit numbers as which they are declared; where it copies them in that form, the
 * verifier no longer treats them as pointers. */
static __always_inline void *data_of(const struct __sk_buff *skb)
{
	void *data;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(data)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data)));
	return data;
}

static __always_inline void *end_of(const struct __sk_buff *skb)
{
	void *end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data_end)));
	return end;
}

/* Copies headers that lie in pages to where they are readable; only for a frame that ended too
 * early. false: the frame has no more bytes. */
static __noinline bool pull_headers(struct __sk_buff *skb)
{
	__u32 readable = (__u32)(end_of(skb) - data_of(skb)), len = skb->len;

	if (readable >= UL_HEADERS || readable >= len)
		return false;
	return !bpf_skb_pull_data(skb, len < UL_HEADERS ? len : UL_HEADERS);
}

/* Parses layer 2. The kernel keeps the outer tag of an ingress skb outside the data. false: the
 * frame is too short. */
static __always_inline bool parse_skb(struct __sk_buff *skb, struct frame *frame)
{
	if (!parse_layer2(data_of(skb), end_of(skb), frame)) {
		if (!pull_headers(skb))
			return false;
		if (!parse_layer2(data_of(skb), end_of(skb), frame))
			return false;
	}
	if (skb->vlan_present) {
		/* A tag that parse_layer2() found in the data is then an inner one: payload. */
		if (frame->tagged) {
			frame->ethertype = frame->service_tag ? ETH_P_8021AD : ETH_P_8021Q;
			frame->l3_offset = UL_ETH_HLEN;
		}
		frame->tagged = true;
		frame->service_tag = skb->vlan_proto == bpf_htons(ETH_P_8021AD);
		frame->tci = skb->vlan_tci;
		frame->vid = frame->tci & 0xfff;
	}
	return true;
}

/* Makes the bytes of frame_digest() readable. */
static __always_inline void pull_digest(struct __sk_buff *skb)
{
	if (data_of(skb) + UL_ETH_HLEN + UL_TAG_LEN + UL_DIGEST_LEN > end_of(skb))
		pull_headers(skb);
}

#endif
