// SPDX-License-Identifier: GPL-2.0
/* TC ingress of a port: may it send this, is the destination on this host, else which uplink. TC
 * and not XDP, because a machine's frames come with unfinished checksums and as GSO super-frames,
 * which only an skb carries.
 *
 * The usual frame - unicast, without copies for others or news for the daemon - has a short way of
 * its own. The others begin anew in ul_send_unusual(), by the same functions: admit() changes,
 * counts and reports nothing. */
#include "select.bpf.h"
#include "skb.bpf.h"

/* A frame on its way from a port. */
struct sending {
	struct __sk_buff *skb;
	const struct ul_port *port;
	struct ul_port_vlan own; /* of the port */
	__u32 vlan_flags;	 /* of frame.vid: enum ul_vlan_flag */
	struct frame frame; /* vid: the VLAN that the frame belongs to, whether or not it carries a
			       tag */
	struct size size;
	__u32 slot;
	bool tag_in_bytes; /* size counts the outer tag */
	bool carries_tag;  /* a tag with a VID other than 0 is in the skb now */
	bool strip_first;  /* a priority tag that the VLAN's tag replaces */
	bool retagged;	   /* tags came or went since frame was read: layer 3 may have moved */
};

/* Out of line: seldom needed where the frame has come so far. */
static __noinline int drop_frame(__u32 object, __u32 reason, __u32 packets, __u32 bytes)
{
	struct size size = { packets, bytes };

	count(object, reason, &size);
	return TC_ACT_SHOT;
}

static __always_inline int drop(const struct sending *s, enum ul_reason reason)
{
	return drop_frame(UL_OBJECT_PORT0 + s->slot, reason, s->size.packets, s->size.bytes);
}

static __always_inline enum ul_reason check_addresses(const struct frame *frame)
{
	if (is_group_address(frame->src) || !frame->src)
		return UL_R_INVALID_SOURCE;
	if (!is_group_address(frame->dst))
		return UL_R_SENT;
	if (frame->dst == UL_MAC_STP || frame->dst == UL_MAC_PVST)
		return UL_R_GUEST_BPDU;
	if (is_reserved_address(frame->dst))
		return UL_R_RESERVED_ADDRESS;
	return UL_R_SENT;
}

/* A tag behind a priority tag would be the outer one for a switch that takes the priority tag off.
 */
static __always_inline bool hides_tag(const struct frame *frame)
{
	return frame->tagged && !frame->vid && is_tag(frame->ethertype);
}

/* Which VLAN the frame belongs to, by the port group's mode. UL_R_SENT: it may pass; frame.vid and
 * tci are then the VLAN's. */
static __always_inline enum ul_reason enter_vlan(struct sending *s)
{
	struct frame *frame = &s->frame;

	if (s->own.mode == UL_VLAN_VGT) {
		if (frame->vid == UL_VLAN_TRUNK || hides_tag(frame) ||
		    !port_has_vlan(s->port, frame->vid))
			return UL_R_VLAN_NOT_ALLOWED;
		s->carries_tag = frame->vid;
		return UL_R_SENT;
	}
	if (frame->vid || frame->service_tag || hides_tag(frame))
		return UL_R_VLAN_FROM_ACCESS;
	if (s->own.mode == UL_VLAN_VST) {
		/* A priority tag gives its priority to the tag that replaces it. */
		s->strip_first = frame->tagged;
		frame->vid = s->own.vid;
		frame->tci = (frame->tci & 0xf000) | frame->vid;
		frame->tagged = false;
	}
	return UL_R_SENT;
}

/* The address and the two bytes behind it, in one load. */
static __always_inline bool is_own_source(const struct ul_port *port, __u64 src)
{
	return load_be64(port->mac) >> 16 == src;
}

/* Tells the daemon of a source address that it does not know at this port. */
static __always_inline void report_source(const struct sending *s)
{
	__u32 vid = s->own.vid; /* VGT: UL_VLAN_TRUNK */
	struct ul_event *event;

	if (slot_of(vid, s->frame.src) == s->slot + 1)
		return;
	event = bpf_ringbuf_reserve(&ul_events, sizeof(*event), 0);
	if (!event) {
		count(UL_OBJECT_PORT0 + s->slot, UL_R_LEARN_OVERFLOW, &s->size);
		return;
	}
	event->kind = UL_EVENT_NEW_SOURCE;
	event->port = s->slot;
	event->vid = vid;
	for (int i = 0; i < 6; i++)
		event->mac[i] = s->frame.src >> (40 - 8 * i);
	bpf_ringbuf_submit(event, 0);
}

#define UL_GROUP_REPORTS (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES)

/* An address that is neither the port's nor one that the group lets it use, nor one of which the
 * daemon is to hear. */
static __always_inline bool is_forged(const struct sending *s)
{
	return !is_own_source(s->port, s->frame.src) &&
	       !(s->own.group_flags & (UL_GROUP_REPORTS | UL_GROUP_FORGED_OK));
}

/* mac-changes lets nothing pass by itself: the daemon makes it the port's address first, unless it
 * is somebody else's. */
static __always_inline bool may_use_source(const struct sending *s)
{
	__u32 flags = s->own.group_flags;

	if (is_own_source(s->port, s->frame.src))
		return true;
	if (flags & UL_GROUP_REPORTS)
		report_source(s);
	return flags & (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK);
}

/* The hash of a frame of any kind. Global, like ul_send_unusual(), so that it is verified once.
 * With tags that were changed on the way here, with headers that lie in pages. */
__u32 ul_hash_again(struct __sk_buff *skb, __u32 policy_index, __u32 number)
{
	const struct ul_policy *policy = policy_at(policy_index);
	struct ul_flow flow = {};
	struct frame frame;
	bool want_ports;

	if (!policy || !parse_skb(skb, &frame))
		return 0;
	want_ports = policy->method == UL_M_SRC_DST_IP_PORT;
	if (!parse_flow(data_of(skb), end_of(skb), &frame, want_ports, &flow) && pull_headers(skb))
		parse_flow(data_of(skb), end_of(skb), &frame, want_ports, &flow);
	return ul_hash(policy->method, policy->flags, &flow, number);
}

/* The same without a call, as long as the headers can be read where they are. IPv4 by its addresses
 * before anything else. */
static __always_inline __u32 hash_of(struct sending *s, const struct ul_policy *policy)
{
	void *data = data_of(s->skb), *end = end_of(s->skb);
	__u32 offset = s->frame.l3_offset;
	struct ul_flow flow;

	if (s->retagged)
		return ul_hash_again(s->skb, s->port->policy, s->port->number);
	if (policy->method == UL_M_SRC_DST_IP && s->frame.ethertype == ETH_P_IP &&
	    data + offset + 20 <= end) {
		__u32 hash = bpf_ntohl(*(__be32 *)(data + offset + 12) ^
				       *(__be32 *)(data + offset + 16));

		return policy->flags & UL_POLICY_LAST_OCTET ? hash & 0xff : hash;
	}
	if (!parse_flow(data, end, &s->frame, policy->method == UL_M_SRC_DST_IP_PORT, &flow) &&
	    s->skb->len > (__u32)(end - data))
		return ul_hash_again(s->skb, s->port->policy, s->port->number);
	return ul_hash(policy->method, policy->flags, &flow, s->port->number);
}

/* The uplink for this frame, or NULL when none can send. */
static __always_inline const struct ul_uplink *choose_uplink(struct sending *s, bool usual,
							     __u32 *index)
{
	const struct ul_policy *policy = policy_at(s->port->policy);
	const struct ul_uplink *uplink;
	__u32 bucket;

	if (!policy || !policy->n_buckets)
		return NULL;
	bucket = bucket_of(policy, usual ? hash_of(s, policy) :
					   ul_hash_again(s->skb, s->port->policy, s->port->number));
	*index = policy->bucket[bucket];
	uplink = uplink_at(*index);
	if (uplink && uplink_alive(uplink))
		return uplink;

	*index = ul_spare_uplink(s->port->policy, bucket);
	uplink = uplink_at(*index);
	if (uplink)
		count(UL_OBJECT_PORT0 + s->slot, UL_R_FAILOVER, &s->size);
	return uplink;
}

/* The priority tag goes before another one comes, and before an access port of the VLAN gets the
 * frame. */
static __always_inline bool strip(struct sending *s)
{
	if (!s->strip_first)
		return true;
	if (bpf_skb_vlan_pop(s->skb))
		return false;
	s->strip_first = false;
	s->retagged = true;
	return true;
}

/* The tag that the frame's VLAN needs on the wire and towards ports that tag themselves. */
static __always_inline bool push_tag(struct sending *s)
{
	if (!strip(s))
		return false;
	if (!s->frame.vid || s->carries_tag)
		return true;
	if (bpf_skb_vlan_push(s->skb, bpf_htons(ETH_P_8021Q), s->frame.tci))
		return false;
	s->carries_tag = true;
	s->retagged = true;
	return true;
}

static __always_inline bool pop_tag(struct sending *s)
{
	if (!strip(s))
		return false;
	if (!s->carries_tag)
		return true;
	if (bpf_skb_vlan_pop(s->skb))
		return false;
	s->carries_tag = false;
	s->retagged = true;
	return true;
}

/* usual: a constant, whether it is worth while to have the hash inline */
static __always_inline int send_to_uplink(struct sending *s, enum ul_reason reason, bool usual)
{
	const struct ul_uplink *uplink;
	__u32 index = UL_NO_UPLINK;

	uplink = choose_uplink(s, usual, &index);
	if (!uplink) {
		if (reason == UL_R_FLOODED)
			count(UL_OBJECT_PORT0 + s->slot, reason, &s->size);
		return drop(s, UL_R_NO_UPLINK);
	}
	if (!push_tag(s))
		return drop(s, UL_R_FAILED);
	count(UL_OBJECT_PORT0 + s->slot, reason, &s->size);
	count(index, UL_R_SENT, &s->size);
	return bpf_redirect(uplink->ifindex, 0);
}

static __always_inline int deliver_locally(struct sending *s, const struct destination *to)
{
	if (to->slot_plus_1 == s->slot + 1)
		return drop(s, UL_R_HAIRPIN);
	if (!to->port->ifindex)
		return drop(s, UL_R_PORT_DOWN);
	if (is_too_big(s->skb, s->size.bytes, s->tag_in_bytes, to->port->max_frame))
		return drop(s, UL_R_TOO_BIG);
	if (to->own.mode == UL_VLAN_VGT ? !push_tag(s) : !pop_tag(s))
		return drop(s, UL_R_FAILED);
	count(UL_OBJECT_PORT0 + s->slot, UL_R_TO_PORT, &s->size);
	count(UL_OBJECT_PORT0 + to->slot_plus_1 - 1, UL_R_SENT, &s->size);
	return bpf_redirect(to->port->ifindex, 0);
}

/* Copies to members of the VLAN: to all of them, or to those that only_flags names. Access ports
 * get them untagged, the others tagged; the skb is left as push_tag() and pop_tag() know it. Frames
 * with a service tag are for ports that tag themselves. false: the kernel refused to change the
 * tag; the frame must go nowhere then, because it may have lost its VLAN. */
static __always_inline bool flood_from_port(struct sending *s, __u32 only_flags, __u32 also_skip)
{
	struct flood flood = {
		.vid = s->frame.vid,
		.skip = s->slot + 1,
		.also_skip = also_skip,
		.only_flags = only_flags,
		.bytes = s->size.bytes,
	};
	__u32 flags = s->vlan_flags;
	bool carried = s->carries_tag;

	flood.list = UL_VLAN_TRUNK;
	if (flags & UL_VLAN_TRUNKED && (s->carries_tag || !s->frame.vid))
		flood_list(s->skb, &flood, true);
	if (!(flags & UL_VLAN_ACCESS) || s->frame.service_tag)
		return true;
	if (!pop_tag(s))
		return false;
	flood.list = s->frame.vid;
	flood_list(s->skb, &flood, true);
	if (carried)
		return push_tag(s);
	if (s->frame.vid && flags & UL_VLAN_TRUNKED) {
		if (!push_tag(s))
			return false;
		flood.list = UL_VLAN_TRUNK;
		flood_list(s->skb, &flood, true);
	}
	return true;
}

/* Whose frame it is, and its layer 2. UL_R_SENT: so far good. */
static __always_inline enum ul_reason begin(struct sending *s, struct __sk_buff *skb)
{
	__u32 object = object_of(skb->ifindex);

	*s = (struct sending){ .skb = skb,
			       .size = size_of(skb),
			       .slot = object - 1 - UL_OBJECT_PORT0 };
	if (object > UL_OBJECT_PORT0)
		s->port = port_at(s->slot);
	if (!s->port)
		return UL_R_UNKNOWN_PORT;
	s->own = vlan_of(s->port);
	if (!parse_skb(skb, &s->frame))
		return UL_R_TRUNCATED;
	s->tag_in_bytes = s->frame.tagged && !skb->vlan_present;
	return UL_R_SENT;
}

static __always_inline bool load_vlan(struct sending *s)
{
	const struct ul_vlan *vlan = vlan_at(s->frame.vid);

	if (vlan)
		s->vlan_flags = vlan->flags;
	return vlan;
}

/* What can be said against a frame without doing anything about it. UL_R_SENT: so far good. */
static __always_inline enum ul_reason admit(struct sending *s, struct __sk_buff *skb)
{
	enum ul_reason reason = begin(s, skb);

	if (reason == UL_R_SENT)
		reason = check_addresses(&s->frame);
	if (reason == UL_R_SENT)
		reason = enter_vlan(s);
	if (reason != UL_R_SENT)
		return reason;
	if (!load_vlan(s))
		return UL_R_VLAN_NOT_ALLOWED;
	return is_forged(s) ? UL_R_FORGED_SOURCE : UL_R_SENT;
}

static __always_inline bool is_long(const struct sending *s)
{
	return is_too_big(s->skb, s->size.bytes, s->tag_in_bytes, s->port->max_frame);
}

int ul_send_unusual(struct __sk_buff *skb)
{
	struct destination to = {};
	struct sending s;

	if (admit(&s, skb) != UL_R_SENT)
		return TC_ACT_SHOT; /* port_tc has asked as well */
	if (!may_use_source(&s))
		return drop(&s, UL_R_FORGED_SOURCE);
	if (is_long(&s))
		return drop(&s, UL_R_TOO_BIG);
	if (!strip(&s))
		return drop(&s, UL_R_FAILED);

	if (is_group_address(s.frame.dst)) {
		if (!flood_from_port(&s, 0, 0))
			return drop(&s, UL_R_FAILED);
		return send_to_uplink(&s, UL_R_FLOODED, false);
	}
	if (!find_port(s.vlan_flags, s.frame.vid, s.frame.service_tag, s.frame.dst, &to))
		to.slot_plus_1 = 0;
	if (s.vlan_flags & UL_VLAN_CURIOUS &&
	    !flood_from_port(&s, UL_GROUP_PROMISCUOUS | (to.slot_plus_1 ? 0 : UL_GROUP_LEARNING),
			     to.slot_plus_1))
		return drop(&s, UL_R_FAILED);
	return to.slot_plus_1 ? deliver_locally(&s, &to) :
				send_to_uplink(&s, UL_R_TO_UPLINK, false);
}

/* Nothing to be done but to send it: see the top of the file. */
static __always_inline bool is_usual(const struct sending *s)
{
	if (is_group_address(s->frame.dst) || s->strip_first || s->vlan_flags & UL_VLAN_CURIOUS ||
	    is_long(s))
		return false;
	return is_own_source(s->port, s->frame.src) || !(s->own.group_flags & UL_GROUP_REPORTS);
}

SEC("tc")
int port_tc(struct __sk_buff *skb)
{
	struct destination to = {};
	struct sending s;
	enum ul_reason reason = admit(&s, skb);

	if (reason != UL_R_SENT) {
		count(s.port ? UL_OBJECT_PORT0 + s.slot : UL_OBJECT_NONE, reason, &s.size);
		return TC_ACT_SHOT;
	}
	if (!is_usual(&s))
		return ul_send_unusual(skb);
	if (find_port(s.vlan_flags, s.frame.vid, s.frame.service_tag, s.frame.dst, &to))
		return deliver_locally(&s, &to);
	return send_to_uplink(&s, UL_R_TO_UPLINK, true);
}

char _license[] SEC("license") = "GPL";
