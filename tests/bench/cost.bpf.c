// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The program that BPF_PROG_TEST_RUN runs: a wrapper that restores the frame, which the kernel does
 * not do between repetitions, and then tail-calls the program under test or an empty one. Both
 * include the wrapper, so the difference is the cost of the program.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../../bpf/count.bpf.h" /* steps of the programs, on empty maps */

#define HEAD_BYTES 32 /* of the frame, which programs may have changed */

struct original {
	__u64 head[HEAD_BYTES / 8];
	__u32 bytes;	  /* XDP: length of the frame */
	__u32 tci_plus_1; /* TC: tag that the kernel stores outside the data; 0: none */
	/* flows - 1, a power of two - 1: the byte at flow_offset iterates over them */
	__u32 flow_mask;
	__u32 flow_offset; /* below 64 */
	__u32 next_flow;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct original);
} original SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_programs SEC(".maps");

SEC("xdp.frags")
int empty_xdp(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

/* adjust_head by zero bytes costs as much as removing a tag; the empty program includes it, too. */
SEC("xdp.frags")
int wrap_xdp(struct xdp_md *ctx)
{
	__u32 zero = 0;
	const struct original *before = bpf_map_lookup_elem(&original, &zero);
	long bytes = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
	__u64 *data;

	barrier_var(bytes); /* the verifier rejects 32-bit arithmetic on pointers */
	if (!before || bpf_xdp_adjust_head(ctx, (int)bytes - (int)before->bytes))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if ((void *)data + HEAD_BYTES > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	for (int i = 0; i < HEAD_BYTES / 8; i++)
		data[i] = before->head[i];
	bpf_tail_call(ctx, &xdp_programs, 0);
	return XDP_ABORTED;
}

/* The empty program includes it, too. */
static __always_inline void next_flow(struct original *original, void *data, void *end)
{
	__u8 *byte = data + (original->flow_offset & 63);

	if (original->flow_mask && (void *)(byte + 1) <= end)
		*byte = original->next_flow++ & original->flow_mask;
}

/* Popping without a tag costs as much as popping one. */
SEC("tc")
int wrap_tc(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct original *before = bpf_map_lookup_elem(&original, &zero);

	if (!before || bpf_skb_vlan_pop(skb))
		return -1;
	next_flow(before, (void *)(long)skb->data, (void *)(long)skb->data_end);
	if (before->tci_plus_1 && bpf_skb_vlan_push(skb, bpf_htons(0x8100), before->tci_plus_1 - 1))
		return -1;
	bpf_tail_call(skb, &tc_programs, 0);
	return -1;
}

/* ---- yardsticks: single steps, for the profile ---- */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

SEC("xdp.frags")
int step_redirect_map(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, 0, XDP_REDIRECT);
}

SEC("xdp.frags")
int step_adjust_head(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 4) ? XDP_ABORTED : XDP_DROP;
}

SEC("xdp.frags")
int step_count(struct xdp_md *ctx)
{
	struct size size = { 1, 64 };

	count(ctx->ingress_ifindex & 31, UL_R_SENT, &size);
	return XDP_DROP;
}

SEC("xdp.frags")
int step_find_interface(struct xdp_md *ctx)
{
	return endpoint_of(ctx->ingress_ifindex) ? XDP_PASS : XDP_DROP;
}

SEC("xdp.frags")
int step_look_up_uplink(struct xdp_md *ctx)
{
	const struct ul_uplink *uplink = uplink_at(ctx->ingress_ifindex & 15);

	return uplink && uplink->flags ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int step_redirect(struct __sk_buff *skb)
{
	return bpf_redirect(1, 0);
}

SEC("tc")
int step_vlan_push(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(0x8100), 5) ? -1 : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
