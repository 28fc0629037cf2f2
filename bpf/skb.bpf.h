/* SPDX-License-Identifier: GPL-2.0 */
/* What the two TC programs have in common: reading layer 2 of an skb. */
#ifndef UL_SKB_BPF_H
#define UL_SKB_BPF_H

#include <linux/pkt_cls.h>

#include "flood.bpf.h"

#define UL_HEADERS 78	/* Ethernet, two tags, IPv6 header, ports and some */

/* Layer 2 of the frame. The kernel keeps the outer tag of an ingress skb apart from the data. false: the frame ends before. */
static __always_inline bool parse_skb(struct __sk_buff *skb, struct frame *frame)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + UL_HEADERS > end && skb->len > (__u32)(end - data)) {
		bpf_skb_pull_data(skb, skb->len < UL_HEADERS ? skb->len : UL_HEADERS);
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
	}
	if (!parse_layer2(data, end, frame))
		return false;
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
