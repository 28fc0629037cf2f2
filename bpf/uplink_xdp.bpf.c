// SPDX-License-Identifier: GPL-2.0
/* XDP ingress of an uplink. Drops what must not enter, as early as can be; hands unicast that is
 * not TCP straight to its port; passes the rest up: control frames to the daemon, TCP to GRO and
 * then to uplink_tc, and what needs copies.
 *
 * The way of a frame depends only on its IP protocol and its port, so a flow never changes its way
 * and is not reordered. */
#include "headless.bpf.h"
#include "steer.bpf.h"

static __always_inline int drop(struct xdp_md *ctx, __u32 object, enum ul_reason reason)
{
	struct size size = { 1, bpf_xdp_get_buff_len(ctx) }; /* all its buffers */

	count(object, reason, &size);
	return XDP_DROP;
}

/* Removes the outer tag of a frame that has been found long enough for it. Nothing of the frame's
 * data may be used afterwards. */
static __always_inline bool pop_tag(struct xdp_md *ctx, const void *data)
{
	__u64 first = *(__u64 *)data; /* the addresses' twelve bytes */
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

/* A group address: for the daemon, for uplink_tc, which makes the copies, or for nobody. Out of
 * line, so that the way of unicast is short, and global, so that it is verified once. */
int ul_receive_group(struct xdp_md *ctx, __u32 object)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ul_uplink *uplink = uplink_at(object);
	struct size size = { 1, (__u32)(end - data) };
	const struct ul_vlan *vlan;
	enum ul_reason reason;
	struct frame frame;

	if (!uplink)
		return XDP_DROP; /* the caller has found it */
	if (!parse_layer2(data, end, &frame))
		return drop(ctx, object, UL_R_TRUNCATED);
	reason = admit_from_uplink(uplink, &frame);
	if (reason == UL_R_CONTROL)
		return frame.ethertype == UL_ETH_P_SLOW ?
			       answer_lacpdu(ctx, object, uplink, &size) :
			       XDP_PASS;
	if (reason == UL_R_FLOODED) {
		vlan = vlan_at(frame.vid);
		if (!vlan_in_use(vlan, &frame))
			reason = UL_R_UNKNOWN_VLAN;
		else if (is_reflected(vlan, &frame))
			reason = UL_R_REFLECTED;
		else
			return XDP_PASS;
	}
	return drop(ctx, object, reason);
}

/* Unicast of a VLAN to the port that owns the address there. UL_R_TO_PORT with *to filled;
 * UL_R_SENT: uplink_tc is to make copies of it; else why it is dropped. */
static __always_inline enum ul_reason find_destination(const struct frame *frame,
						       struct destination *to)
{
	const struct ul_vlan *vlan;

	/* The key has the VLAN, so a port that is found says all that ul_vlans could. */
	if (!frame->service_tag && find_access_port(frame->vid, frame->dst, to))
		return to->own.group_flags & UL_GROUP_CURIOUS_VLAN ? UL_R_SENT : UL_R_TO_PORT;
	vlan = vlan_at(frame->vid);
	if (!vlan_in_use(vlan, frame))
		return UL_R_UNKNOWN_VLAN;
	if (vlan->flags & UL_VLAN_CURIOUS)
		return UL_R_SENT;
	return vlan->flags & UL_VLAN_TRUNKED && find_trunk_port(frame->vid, frame->dst, to) ?
		       UL_R_TO_PORT :
		       UL_R_UNKNOWN_UNICAST;
}

/* Which way a port's frames take depends on nothing but the protocol. A port for jumbo frames has
 * no XDP flag, because the long ones would have to go by TC and the short ones would overtake them;
 * its length is looked at again for the moment in which the daemon changes both. */
static __always_inline bool goes_by_tc(const struct ul_port *port, const void *data,
				       const void *end, const struct frame *frame)
{
	__u32 flags = port->flags;

	if (!(flags & UL_PORT_XDP) || port->max_frame > UL_MAX_XDP_FRAME)
		return true;
	return !(flags & UL_PORT_XDP_TCP) &&
	       parse_ip_protocol(data, end, frame->l3_offset, frame->ethertype) == IPPROTO_TCP;
}

/* What becomes of unicast: as find_destination() says it. */
static __always_inline enum ul_reason steer(const struct ul_uplink *uplink, __u32 object,
					    const void *data, const void *end,
					    const struct frame *frame, struct destination *to)
{
	__u32 flags = uplink->flags;
	enum ul_reason reason;

	if (is_group_address(frame->src) || !frame->src)
		return UL_R_INVALID_SOURCE;
	if (!(flags & UL_UP_RECEIVE))
		return UL_R_INACTIVE_UPLINK;
	reason = find_destination(frame, to);
	if (reason != UL_R_TO_PORT)
		return reason;
	if (!(flags & UL_UP_FOR_ALL) && !accepts(to->port->policy, object))
		return UL_R_INACTIVE_UPLINK;
	if (goes_by_tc(to->port, data, end, frame))
		return UL_R_SENT;
	if (!to->port->ifindex)
		return UL_R_PORT_DOWN;
	return too_big((__u32)(end - data), frame->tagged, to->port->max_frame) ? UL_R_TOO_BIG :
										  UL_R_TO_PORT;
}

/* Inlined twice, for frames with a tag and without: most of what frame says is then known to the
 * compiler. */
static __always_inline int receive(struct xdp_md *ctx, __u32 object, const struct ul_uplink *uplink,
				   const void *data, const void *end, const struct frame *frame)
{
	struct size size = { 1, (__u32)(end - data) };
	struct destination to = {};
	enum ul_reason reason = steer(uplink, object, data, end, frame, &to);

	if (reason == UL_R_SENT)
		return XDP_PASS;
	if (reason == UL_R_TO_PORT && frame->tagged && frame->vid && to.own.mode != UL_VLAN_VGT &&
	    !pop_tag(ctx, data))
		reason = UL_R_FAILED;
	if (reason != UL_R_TO_PORT)
		return drop(ctx, object, reason);
	count(object, UL_R_TO_PORT, &size);
	count(UL_OBJECT_PORT0 + to.slot_plus_1 - 1, UL_R_SENT, &size);
	return bpf_redirect_map(&ul_devmap, to.slot_plus_1 - 1, XDP_DROP);
}

SEC("xdp.frags")
int uplink_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 object = object_of(ctx->ingress_ifindex) - 1;
	const struct ul_uplink *uplink = uplink_at(object);
	struct frame frame;

	if (!uplink)
		return drop(ctx, UL_OBJECT_NONE, UL_R_UNKNOWN_PORT);
	if (!parse_addresses(data, end, &frame))
		return drop(ctx, object, UL_R_TRUNCATED);
	if (is_group_address(frame.dst))
		return ul_receive_group(ctx, object);
	if (!is_tag(frame.ethertype))
		return receive(ctx, object, uplink, data, end, &frame);
	if (!parse_tag(data, end, &frame))
		return drop(ctx, object, UL_R_TRUNCATED);
	return receive(ctx, object, uplink, data, end, &frame);
}

char _license[] SEC("license") = "GPL";
