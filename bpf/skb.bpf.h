/* SPDX-License-Identifier: GPL-2.0 */
/* What the two TC programs have in common: reading layer 2 of an skb. */
#ifndef UL_SKB_BPF_H
#define UL_SKB_BPF_H

#include <linux/pkt_cls.h>

#include "flood.bpf.h"

#define UL_HEADERS                                                                             \
	122 /* Ethernet, two tags, the longest IPv4 header or that of IPv6, ports: all that is \
	       ever looked at */

/* Where the readable part of the frame begins and ends now. In assembler, because the compiler
 * takes the two for the 32-bit numbers as which they are declared, and where it moves them as such,
 * the verifier no longer knows that they are pointers. */
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

/* Makes the headers readable where they lie in pages, which costs a copy: only for a frame that
 * ended too early. false: there is no more of it. */
static __noinline bool pull_headers(struct __sk_buff *skb)
{
	__u32 readable = (__u32)(end_of(skb) - data_of(skb)), len = skb->len;

	if (readable >= UL_HEADERS || readable >= len)
		return false;
	return !bpf_skb_pull_data(skb, len < UL_HEADERS ? len : UL_HEADERS);
}

/* Layer 2 of the frame. The kernel keeps the outer tag of an ingress skb apart from the data.
 * false: the frame ends before. */
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

#endif
