// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Observers of `uplinkctl capture`. They are loaded and attached only while it runs, and the data
 * plane does not contain them, so they have no cost otherwise. They cannot change or drop frames:
 * tracing programs and socket filters of packet sockets only read.
 *
 *   observe_xdp      fentry of uplink_xdp: frames that come in at an uplink, before any decision
 *   observe_redirect fentry of dev_map_enqueue(): frames that XDP sends to a port
 *   observe_generic  fentry of dev_map_generic_redirect(): the same with generic XDP
 *   observe_socket   filter of a packet socket: all other frames of the interface
 *
 * A record goes through a buffer of its CPU, because its length is not known to the verifier. All
 * hooks run with softirqs disabled, so one does not interrupt another.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "capture_abi.h"

#define PACKET_OUTGOING 4
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define MIN_FRAME 14

struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

struct xdp_rxq_info {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct xdp_buff {
	void *data, *data_end;
	struct xdp_rxq_info *rxq;
} __attribute__((preserve_access_index));

struct xdp_frame {
	void *data;
	__u32 len;
} __attribute__((preserve_access_index));

struct bpf_dtab_netdev {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned char *data;
	unsigned int len, data_len;
} __attribute__((preserve_access_index));

const volatile struct ul_capture_filter filter = {};
__u64 lost = 0; /* records that the ring had no room for */

struct record {
	struct ul_captured header;
	__u8 bytes[UL_CAPTURE_MAX_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct record);
	__uint(max_entries, 1); /* one per CPU, set when it is loaded */
} capture_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} capture_ring SEC(".maps");

static __always_inline struct record *scratch(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&capture_scratch, &cpu);
}

/* Bytes to copy of those that are in one piece. */
static __always_inline __u32 bound(__u64 available)
{
	__u32 n = available < filter.max_bytes ? (__u32)available : filter.max_bytes;

	return n < UL_CAPTURE_MAX_BYTES ? n : UL_CAPTURE_MAX_BYTES;
}

static __always_inline bool has_mac(const __u8 *bytes)
{
	for (int at = 0; at < 12; at += 6) {
		bool same = true;

		for (int i = 0; i < 6; i++)
			same &= bytes[at + i] == filter.mac[i];
		if (same)
			return true;
	}
	return false;
}

/* MIN_FRAME and, for the tag, 16 bytes are in the record or zero. */
static __always_inline bool is_selected(const struct record *record)
{
	__u32 tpid = record->header.tpid, tci = record->header.tci;

	if (!tpid) {
		tpid = record->bytes[12] << 8 | record->bytes[13];
		tci = record->bytes[14] << 8 | record->bytes[15];
		if (tpid != ETH_P_8021Q && tpid != ETH_P_8021AD)
			tci = 0;
	}
	if (filter.has_vlan && (tci & 0xfff) != filter.vlan)
		return false;
	return !filter.has_mac || has_mac(record->bytes);
}

static __always_inline void submit(struct record *record, __u32 captured, __u64 length,
				   enum ul_capture_direction direction)
{
	record->header.time_ns = bpf_ktime_get_ns();
	record->header.length = (__u32)length;
	record->header.captured = captured;
	record->header.direction = direction;
	if (!is_selected(record))
		return;
	if (bpf_ringbuf_output(&capture_ring, record, sizeof(record->header) + captured, 0) < 0)
		__sync_fetch_and_add(&lost, 1);
}

static __always_inline void observe_memory(const void *data, __u64 available, __u64 length,
					   enum ul_capture_direction direction)
{
	struct record *record = scratch();
	__u32 captured = bound(available);

	if (!record || captured < MIN_FRAME)
		return;
	record->header.tpid = 0;
	record->header.tci = 0;
	if (bpf_probe_read_kernel(record->bytes, captured, data))
		return;
	submit(record, captured, length, direction);
}

SEC("fentry")
int BPF_PROG(observe_xdp, struct xdp_buff *xdp)
{
	if (xdp->rxq->dev->ifindex != (int)filter.ifindex)
		return 0;
	observe_memory(xdp->data, xdp->data_end - xdp->data, bpf_xdp_get_buff_len((void *)xdp),
		       UL_CAPTURE_IN);
	return 0;
}

SEC("fentry/dev_map_enqueue")
int BPF_PROG(observe_redirect, struct bpf_dtab_netdev *to, struct xdp_frame *frame)
{
	if (to->dev->ifindex != (int)filter.ifindex)
		return 0;
	observe_memory(frame->data, frame->len, frame->len, UL_CAPTURE_OUT);
	return 0;
}

SEC("fentry/dev_map_generic_redirect")
int BPF_PROG(observe_generic, struct bpf_dtab_netdev *to, struct sk_buff *skb)
{
	if (to->dev->ifindex != (int)filter.ifindex)
		return 0;
	observe_memory(skb->data, skb->len - skb->data_len, skb->len, UL_CAPTURE_OUT);
	return 0;
}

SEC("socket")
int observe_socket(struct __sk_buff *skb)
{
	bool out = skb->pkt_type == PACKET_OUTGOING;
	__u32 captured = bound(skb->len);
	struct record *record;

	if (!out && filter.xdp_in)
		return 0;
	record = scratch();
	if (!record || captured < MIN_FRAME)
		return 0;
	record->header.tpid = skb->vlan_present ? bpf_ntohs(skb->vlan_proto) : 0;
	record->header.tci = skb->vlan_present ? skb->vlan_tci : 0;
	if (bpf_skb_load_bytes(skb, 0, record->bytes, captured))
		return 0;
	submit(record, captured, skb->len, out ? UL_CAPTURE_OUT : UL_CAPTURE_IN);
	return 0; /* nothing for the socket itself */
}

char _license[] SEC("license") = "GPL";
