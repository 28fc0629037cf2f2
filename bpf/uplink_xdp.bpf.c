// SPDX-License-Identifier: GPL-2.0
/* XDP ingress of an uplink. Drops what must not enter, as early as can be; hands unicast that is not TCP straight to its port; passes the rest up: control
 * frames to the daemon, TCP to GRO and then to uplink_tc, and what needs copies.
 *
 * The way of a frame depends only on its IP protocol and its port, so a flow never changes its way and is not reordered. */
#include "headless.bpf.h"
#include "steer.bpf.h"

static __always_inline int drop(struct xdp_md *ctx, __u32 object, enum ul_reason reason)
{
	struct size size = { 1, bpf_xdp_get_buff_len(ctx) };	/* all its buffers */

	count(object, reason, &size);
	return XDP_DROP;
}

/* Removes the outer tag. Nothing of the frame's data may be used afterwards. */
static __always_inline bool pop_tag(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 first;	/* the addresses' twelve bytes */
	__u32 rest;

	if (data + UL_ETH_HLEN + UL_TAG_LEN > end)
		return false;
	first = *(__u64 *)data;
	rest = *(__u32 *)(data + 8);
	if (bpf_xdp_adjust_head(ctx, UL_TAG_LEN))
		return false;

	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + UL_ETH_HLEN > end)
		return false;
	*(__u64 *)data = first;
	*(__u32 *)(data + 8) = rest;
	return true;
}

/* Which way a port's frames take depends on nothing but the protocol. A port for jumbo frames has no XDP flag, because the long ones would have to go by TC and
 * the short ones would overtake them; its length is looked at again for the moment in which the daemon changes both. */
static __always_inline bool goes_by_xdp(const struct ul_port *port, const void *data, const void *end, const struct frame *frame)
{
	__u32 flags = port->flags;

	if (!(flags & UL_PORT_XDP) || port->max_frame > UL_MAX_XDP_FRAME)
		return false;
	return flags & UL_PORT_XDP_TCP || parse_ip_protocol(data, end, frame) != IPPROTO_TCP;
}

SEC("xdp.frags")
int uplink_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct size size = { 1, (__u32)(end - data) };
	__u32 object = object_of(ctx->ingress_ifindex) - 1;
	const struct ul_uplink *uplink = uplink_at(object);
	const struct ul_vlan *vlan;
	struct destination to;
	enum ul_reason reason;
	struct frame frame;

	if (!uplink)
		return drop(ctx, UL_OBJECT_NONE, UL_R_UNKNOWN_PORT);
	if (!parse_layer2(data, end, &frame))
		return drop(ctx, object, UL_R_TRUNCATED);

	reason = admit_from_uplink(uplink, &frame);
	if (reason == UL_R_CONTROL)
		return frame.ethertype == UL_ETH_P_SLOW ? answer_lacpdu(ctx, object, uplink, &size) : XDP_PASS;
	if (reason != UL_R_TO_PORT && reason != UL_R_FLOODED)
		return drop(ctx, object, reason);

	vlan = vlan_at(frame.vid);
	if (!vlan_in_use(vlan, &frame))
		return drop(ctx, object, UL_R_UNKNOWN_VLAN);
	if (reason == UL_R_FLOODED)
		return is_reflected(vlan, &frame) ? drop(ctx, object, UL_R_REFLECTED) : XDP_PASS;
	if (vlan->flags & UL_VLAN_CURIOUS)
		return XDP_PASS;

	reason = steer_unicast(vlan, &frame, object, uplink, &to);
	if (reason != UL_R_TO_PORT)
		return drop(ctx, object, reason);
	if (!goes_by_xdp(to.port, data, end, &frame))
		return XDP_PASS;
	if (too_big(size.bytes, frame.tagged, to.port->max_frame))
		return drop(ctx, object, UL_R_TOO_BIG);
	if (frame.vid && to.own.mode != UL_VLAN_VGT && !pop_tag(ctx))
		return drop(ctx, object, UL_R_FAILED);

	count(object, UL_R_TO_PORT, &size);
	count(UL_OBJECT_PORT0 + to.slot_plus_1 - 1, UL_R_SENT, &size);
	return bpf_redirect_map(&ul_devmap, to.slot_plus_1 - 1, XDP_DROP);
}

char _license[] SEC("license") = "GPL";
