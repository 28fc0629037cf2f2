// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* XDP ingress of an uplink. Drops inadmissible frames early, redirects unicast other than TCP to
 * its port, and passes up the rest: control frames to the daemon, TCP to GRO and then uplink_tc,
 * and frames that need copies.
 *
 * The path of a frame depends only on its IP protocol and its port, so a flow never changes its
 * path and is not reordered. */
#include "headless.bpf.h"
#include "kernel_types.bpf.h"
#include "steer.bpf.h"

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* Length of the frame in all its buffers. The helper for it costs as much as a look-up, so it is
 * only called for a frame of several buffers, or where that cannot be seen (before 6.2). */
static __always_inline __u32 frame_bytes(struct xdp_md *ctx, const void *data, const void *end)
{
	const struct xdp_buff *buff;

	if (bpf_cast_to_kern_ctx) {
		buff = bpf_cast_to_kern_ctx(ctx);
		if (!(buff->flags & UL_XDP_HAS_FRAGS))
			return (__u32)(end - data);
	}
	return (__u32)bpf_xdp_get_buff_len(ctx);
}

/* Removes the outer tag of a frame that is long enough for it. Pointers into the frame are invalid
 * afterwards. */
static __always_inline bool pop_tag(struct xdp_md *ctx, const void *data)
{
	__u64 first = *(__u64 *)data; /* with the next four bytes: both addresses */
	__u32 rest = *(__u32 *)(data + 8);
	void *now, *end;

	if (bpf_xdp_adjust_head(ctx, UL_TAG_LEN))
		return false;
	now = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (now + UL_ETH_HLEN > end)
		return false;
	*(__u64 *)now = first;
	*(__u32 *)(now + 8) = rest;
	return true;
}

static __always_inline __u32 pack(struct decision decision)
{
	return (__u32)decision.verdict | (__u32)decision.reason << 8;
}

static __always_inline struct decision unpack(__u32 word)
{
	return decide(word & 0xff, word >> 8);
}

/* Accounts the source, as account_source() does, and counts what it found. True: a reflection. */
static __always_inline bool is_reflection(struct xdp_md *ctx, __u32 endpoint,
					  const struct ul_vlan *vlan, const void *data,
					  const void *end, const struct frame *frame)
{
	struct size size = { .packets = 1 };
	struct sighting seen;
	bool reflection = account_source(vlan, data, end, frame, &seen);

	if (seen.note != UL_R_SENT) {
		size.bytes = frame_bytes(ctx, data, end);
		count_sighting(endpoint, &seen, &size);
	}
	return reflection;
}

/* A control frame: for the daemon, or answered while no daemon runs. That of an own port that the
 * switch sent back is not the neighbour's. Returns a packed decision. Global, so that the verifier
 * checks it once. */
__u32 ul_receive_control(struct xdp_md *ctx, __u32 endpoint)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ul_uplink *uplink = uplink_at(endpoint);
	const struct ul_vlan *vlan = vlan_at(0);
	struct frame frame;
	__u32 bytes;

	if (!uplink || !vlan || !parse_layer2(data, end, &frame))
		return pack(drop(UL_R_TRUNCATED));
	if (is_reflection(ctx, endpoint, vlan, data, end, &frame))
		return pack(drop(UL_R_REFLECTED));
	if (frame.ethertype != UL_ETH_P_SLOW)
		return pack(decide(UL_PASS_UP, UL_R_CONTROL));
	bytes = frame_bytes(ctx, data, end);
	/* A priority tag goes, so that the offsets are those of an LACPDU. */
	if (frame.tagged && !pop_tag(ctx, data))
		return pack(drop(UL_R_FAILED));
	if (frame.tagged)
		bytes -= UL_TAG_LEN;
	return pack(answer_lacpdu(ctx, endpoint, uplink, bytes));
}

/* A group address: a control frame (UL_OK, for ul_receive_control()), for uplink_tc, which makes
 * the copies, or dropped. Returns a packed decision. Not inline, so that unicast stays short, and
 * global, so that the verifier checks it once. */
__u32 ul_receive_group(struct xdp_md *ctx, __u32 endpoint)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ul_uplink *uplink = uplink_at(endpoint);
	const struct ul_vlan *vlan;
	struct decision decision;
	struct frame frame;

	if (!uplink)
		return pack(drop(UL_R_UNKNOWN_PORT));
	if (!parse_layer2(data, end, &frame))
		return pack(drop(UL_R_TRUNCATED));
	if (is_control(&frame))
		return pack(ok());
	if (is_reserved_address(frame.dst))
		return pack(drop(UL_R_RESERVED_ADDRESS));
	decision = check_from_uplink(uplink, &frame);
	if (decision.verdict != UL_OK)
		return pack(decision);
	vlan = vlan_at(frame.vid);
	if (!vlan_in_use(vlan, &frame))
		return pack(drop(UL_R_UNKNOWN_VLAN));
	if (is_reflection(ctx, endpoint, vlan, data, end, &frame))
		return pack(drop(UL_R_REFLECTED));
	return pack(decide(UL_PASS_UP, UL_R_FLOODED));
}

/* The port that owns the destination. UL_DELIVER with *to filled; UL_PASS_UP: uplink_tc makes
 * copies; else a drop. */
static __always_inline struct decision find_destination(const struct frame *frame,
							struct destination *to)
{
	const struct decision deliver = decide(UL_DELIVER, UL_R_TO_PORT),
			      pass_up = decide(UL_PASS_UP, UL_R_TO_PORT);
	const struct ul_vlan *vlan;

	if (has_foreign_tag(frame))
		return drop(UL_R_UNKNOWN_VLAN);
	/* The key contains the VLAN, so a port that is found makes ul_vlans redundant. */
	if (!frame->service_tag && find_access_port(frame->vid, frame->dst, to))
		return to->own.group_flags & UL_GROUP_VLAN_NEEDS_COPIES ? pass_up : deliver;
	vlan = vlan_at(frame->vid);
	if (!vlan_in_use(vlan, frame))
		return drop(UL_R_UNKNOWN_VLAN);
	if (vlan->flags & UL_VLAN_NEEDS_COPIES)
		return pass_up;
	if (vlan->flags & UL_VLAN_EXACT) {
		if (find_exact_trunk_port(frame->vid, frame->service_tag, frame->dst, to))
			return deliver;
		if (to->slot_plus_1)
			return drop(UL_R_UNKNOWN_UNICAST);
	}
	return vlan->flags & UL_VLAN_TRUNKED &&
			       find_trunk_port(frame->vid, frame->service_tag, frame->dst, to) ?
		       deliver :
		       drop(UL_R_UNKNOWN_UNICAST);
}

/* Protocol of the transport header behind the IPv6 extension headers at offset, whose first is of
 * type protocol, or 0. This and the next one are global, so that the verifier checks them once. */
__u32 ul_protocol_behind(struct xdp_md *ctx, __u32 offset, __u32 protocol)
{
	__u32 transport = walk_extensions((void *)(long)ctx->data, (void *)(long)ctx->data_end,
					  offset, protocol);

	return transport == UL_NO_TRANSPORT ? 0 : transport & 0xff;
}

/* The same for any frame. */
__u32 ul_transport_protocol(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 offset, ethertype;
	struct frame frame;

	if (!parse_layer2(data, end, &frame))
		return 0;
	offset = frame.l3_offset;
	ethertype = frame.ethertype;
	skip_inner_tag(data, end, &offset, &ethertype);
	if (ethertype != ETH_P_IPV6 || data + offset + 40 > end)
		return 0;
	return ul_protocol_behind(ctx, offset + 40, *(__u8 *)(data + offset + 6));
}

/* A frame of a TCP connection that has extension headers takes the path of the others. */
static __always_inline bool is_tcp(struct xdp_md *ctx, const void *data, const void *end,
				   const struct frame *frame)
{
	__u32 protocol;

	/* Nearly all, without the rest, with which the compiler would merge this branch. */
	if (frame->ethertype == ETH_P_IP && data + frame->l3_offset + 20 <= end) {
		protocol = *(const __u8 *)(data + frame->l3_offset + 9);
		asm volatile("" : "+r"(protocol));
		return protocol == IPPROTO_TCP;
	}
	protocol = parse_ip_protocol(data, end, frame->l3_offset, frame->ethertype);
	if (protocol == IPPROTO_TCP)
		return true;
	return (frame->ethertype == ETH_P_IPV6 || is_tag(frame->ethertype)) &&
	       is_extension(protocol) && ul_transport_protocol(ctx) == IPPROTO_TCP;
}

/* A port for jumbo frames has no XDP flag: long frames would go by TC and short ones would overtake
 * them. max_frame is compared again for the moment in which the daemon changes both. The kernel
 * redirects no frame that is longer than the MTU and one tag, so frames with two tags that stay go
 * by TC. */
static __always_inline bool goes_by_tc(struct xdp_md *ctx, const struct destination *to,
				       const void *data, const void *end, const struct frame *frame)
{
	__u32 flags = to->port->flags;

	if (!(flags & UL_PORT_XDP) || to->port->max_frame > UL_MAX_XDP_FRAME)
		return true;
	if (to->own.mode == UL_VLAN_VGT && has_two_tags(frame))
		return true;
	return !(flags & UL_PORT_XDP_TCP) && is_tcp(ctx, data, end, frame);
}

/* Answers to the probes of uplinkctl; uplink_tc drops them behind its packet sockets. */
static __always_inline bool is_for_uplink(const struct ul_uplink *uplink, const struct frame *frame)
{
	return frame->dst && load_be64(uplink->mac) >> 16 == frame->dst;
}

/* Decides about unicast, as find_destination() does. UL_DELIVER: *bytes is the length of the frame
 * in all its buffers. */
static __always_inline struct decision steer(struct xdp_md *ctx, const struct ul_uplink *uplink,
					     __u32 endpoint, const void *data, const void *end,
					     const struct frame *frame, struct destination *to,
					     __u32 *bytes)
{
	__u32 flags = uplink->flags;
	struct decision decision;

	if (is_group_address(frame->src) || !frame->src)
		return drop(UL_R_INVALID_SOURCE);
	if (hides_tag(frame))
		return drop(UL_R_VLAN_NOT_ALLOWED);
	if (!(flags & UL_UP_RECEIVE))
		return drop(UL_R_INACTIVE_UPLINK);
	decision = find_destination(frame, to);
	if (decision.verdict == UL_DROP && is_for_uplink(uplink, frame))
		return decide(UL_PASS_UP, UL_R_UNKNOWN_UNICAST);
	if (decision.verdict != UL_DELIVER)
		return decision;
	if (!(flags & UL_UP_FOR_ALL) && !accepts(to->port->policy, endpoint))
		return drop(UL_R_INACTIVE_UPLINK);
	if (goes_by_tc(ctx, to, data, end, frame))
		return decide(UL_PASS_UP, UL_R_TO_PORT);
	if (!to->port->ifindex || is_absent_at(to))
		return drop(UL_R_PORT_DOWN);
	*bytes = frame_bytes(ctx, data, end);
	if (too_big(*bytes, frame->tagged, to->port->max_frame))
		return drop(UL_R_TOO_BIG);
	return decision;
}

/* Inlined twice, for frames with and without a tag: the compiler then evaluates most tests of frame
 * at compile time. */
static __always_inline struct decision receive(struct xdp_md *ctx, __u32 endpoint,
					       const struct ul_uplink *uplink, const void *data,
					       const void *end, const struct frame *frame,
					       struct destination *to, __u32 *bytes)
{
	struct decision decision = steer(ctx, uplink, endpoint, data, end, frame, to, bytes);

	if (decision.verdict == UL_DELIVER && frame->tagged && to->own.mode != UL_VLAN_VGT &&
	    !pop_tag(ctx, data))
		return drop(UL_R_FAILED);
	return decision;
}

/* The only exit. bytes: length of the frame as it came in, except of a dropped one. */
static __always_inline int finish(struct xdp_md *ctx, __u32 endpoint, struct decision decision,
				  __u32 bytes, const struct destination *to)
{
	struct size size = { 1, bytes };

	if (decision.verdict == UL_PASS_UP)
		return XDP_PASS;
	if (decision.verdict == UL_DROP) {
		size.bytes = bpf_xdp_get_buff_len(ctx);
		count(endpoint, decision.reason, &size);
		return XDP_DROP;
	}
	count(endpoint, decision.reason, &size);
	if (decision.verdict == UL_ANSWER)
		return XDP_TX;
	count(UL_ENDPOINT_PORT0 + to->slot_plus_1 - 1, UL_R_SENT, &size);
	return bpf_redirect_map(&ul_devmap, to->slot_plus_1 - 1, XDP_DROP);
}

SEC("xdp.frags")
int uplink_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 endpoint = endpoint_of(ctx->ingress_ifindex) - 1, bytes = (__u32)(end - data);
	const struct ul_uplink *uplink = uplink_at(endpoint);
	struct destination to = {};
	struct decision decision;
	struct frame frame;

	if (!uplink)
		return finish(ctx, UL_ENDPOINT_NONE, drop(UL_R_UNKNOWN_PORT), bytes, &to);
	if (!parse_addresses(data, end, &frame))
		return finish(ctx, endpoint, drop(UL_R_TRUNCATED), bytes, &to);
	if (is_group_address(frame.dst)) {
		decision = unpack(ul_receive_group(ctx, endpoint));
		/* Called here, so that the stacks of the two do not add up. */
		if (decision.verdict == UL_OK)
			decision = unpack(ul_receive_control(ctx, endpoint));
		return finish(ctx, endpoint, decision, bytes, &to);
	}
	if (!is_tag(frame.ethertype)) {
		decision = receive(ctx, endpoint, uplink, data, end, &frame, &to, &bytes);
		return finish(ctx, endpoint, decision, bytes, &to);
	}
	if (!parse_tag(data, end, &frame))
		return finish(ctx, endpoint, drop(UL_R_TRUNCATED), bytes, &to);
	decision = receive(ctx, endpoint, uplink, data, end, &frame, &to, &bytes);
	return finish(ctx, endpoint, decision, bytes, &to);
}

char _license[] SEC("license") = "GPL";
