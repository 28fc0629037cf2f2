// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Programs of the bench: the traffic generator, the sinks, and minimal forwarding programs, with
 * which those of uplinkd are compared.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEAD_BYTES 56 /* written into each frame */

struct generator {
	__u64 head[HEAD_BYTES / 8];
	__u32 action; /* XDP_TX: into the interface; XDP_PASS: as if received from it */
	/* flows - 1, a power of two - 1: the low byte of the IPv4 destination iterates over them */
	__u32 flow_mask;
	__u32 dst_offset; /* of that byte */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct generator);
} generator SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} passes SEC(".maps");

/* frames that the sink of this object has dropped */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sunk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target_map SEC(".maps");

const volatile __u32 target_ifindex;

/* Pages of live frames are reused with the changes of the receiver, so each pass writes the header
 * again.
 */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u64 *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	const struct generator *config = bpf_map_lookup_elem(&generator, &zero);
	__u64 *pass = bpf_map_lookup_elem(&passes, &zero);
	__u32 offset;

	if (!config || !pass || (void *)data + HEAD_BYTES > end)
		return XDP_ABORTED;
	for (int i = 0; i < HEAD_BYTES / 8; i++)
		data[i] = config->head[i];
	if (config->flow_mask) {
		offset = config->dst_offset & 63;
		if ((void *)data + offset + 1 > end)
			return XDP_ABORTED;
		*((__u8 *)data + offset) = (*pass)++ & config->flow_mask;
	}
	return config->action;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *frames = bpf_map_lookup_elem(&sunk, &zero);

	if (frames)
		++*frames;
	return XDP_DROP;
}

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int redirect_xdp(struct xdp_md *ctx)
{
	return bpf_redirect_map(&target_map, 0, 0);
}

SEC("tc")
int redirect_tc(struct __sk_buff *skb)
{
	return bpf_redirect(target_ifindex, 0);
}

SEC("tc")
int redirect_ingress(struct __sk_buff *skb)
{
	return bpf_redirect(target_ifindex, BPF_F_INGRESS);
}

/* Directly to the other end of a veth, which must be in another network namespace. */
SEC("tc")
int redirect_peer(struct __sk_buff *skb)
{
	return bpf_redirect_peer(target_ifindex, 0);
}

char _license[] SEC("license") = "GPL";
