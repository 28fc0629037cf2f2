// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* TC ingress of a port: admission, then delivery to a port of this host or to an uplink. TC and not
 * XDP, because frames of a machine have unfinished checksums and come as GSO super-frames, which
 * only an skb can carry.
 *
 * Plain unicast, without copies and reports to the daemon, takes the fast path in port_tc(). All
 * other frames restart on the slow path, port_tc_slow(), which uses the same functions: admit() has
 * no side effects. It is entered by a tail call, so that the stack of the two paths does not add
 * up. */
#include "guest_control.bpf.h"
#include "select.bpf.h"
#include "skb.bpf.h"

/* A frame on its way from a port. */
struct sending {
	struct __sk_buff *skb;
	const struct ul_port *port;
	struct ul_port_vlan own; /* of the port */
	__u32 vlan_flags;	 /* of frame.vid: enum ul_vlan_flag */
	__u32 slot;
	/* vid: the VLAN that the frame belongs to, whether or not it carries a tag */
	struct frame frame;
	struct size size;
	bool tag_in_bytes; /* size counts the outer tag */
	bool carries_tag;  /* the skb has its VLAN's tag now, or in VLAN 0 its priority tag */
	bool strip_first;  /* a priority tag that the VLAN's tag replaces */
};

/* Where a frame leaves. Undefined unless the verdict is UL_DELIVER, so that drops need not set it.
 */
struct way_out {
	__u32 ifindex, endpoint;
};

static __always_inline __u32 endpoint_of_port(const struct sending *s)
{
	return UL_ENDPOINT_PORT0 + s->slot;
}

static __always_inline struct decision check_addresses(const struct sending *s)
{
	const struct frame *frame = &s->frame;
	enum ul_reason kind;

	if (is_group_address(frame->src) || !frame->src)
		return drop(UL_R_INVALID_SOURCE);
	if (is_no_guest_control(frame))
		return ok();
	kind = guest_control_kind(data_of(s->skb) + frame->l3_offset, end_of(s->skb), frame->dst,
				  frame->ethertype);
	if (kind == UL_R_SENT || (s->own.group_flags & UL_GROUP_CONTROL_OK && may_pass(kind)))
		return ok();
	return drop(kind);
}

/* The VLAN of the frame, by the mode of the port group. UL_OK: frame.vid and tci are the VLAN's. */
static __always_inline struct decision enter_vlan(struct sending *s)
{
	struct frame *frame = &s->frame;

	if (s->own.mode == UL_VLAN_VGT) {
		if (frame->vid == UL_VLAN_TRUNK || hides_tag(frame) || has_foreign_tag(frame) ||
		    (frame->service_tag && !(s->own.group_flags & UL_GROUP_QINQ)) ||
		    !port_has_vlan(s->port, frame->vid))
			return drop(UL_R_VLAN_NOT_ALLOWED);
		s->carries_tag = frame->tagged;
		return ok();
	}
	if (frame->vid || frame->service_tag || hides_tag(frame) || has_foreign_tag(frame))
		return drop(UL_R_VLAN_FROM_ACCESS);
	if (s->own.mode == UL_VLAN_VST) {
		/* A priority tag gives its priority to the tag that replaces it. */
		s->strip_first = frame->tagged;
		frame->vid = s->own.vid;
		frame->tci = (frame->tci & 0xf000) | frame->vid;
		frame->tagged = false;
	}
	s->carries_tag = frame->tagged;
	return ok();
}

/* The address and the two bytes behind it, in one load. */
static __always_inline bool is_own_source(const struct ul_port *port, __u64 src)
{
	return load_be64(port->mac) >> 16 == src;
}

/* The VID of the key of a foreign source. */
static __always_inline __u32 source_vid(const struct sending *s)
{
	if (s->own.mode == UL_VLAN_VGT && !(s->vlan_flags & UL_VLAN_EXACT))
		return UL_VLAN_TRUNK;
	return key_vid(s->frame.vid, s->frame.service_tag);
}

/* Notes the use of a source that the daemon has entered for this port, and reports any other. True:
 * learned here. */
static __always_inline bool note_source(const struct sending *s)
{
	__u32 vid = source_vid(s), cell = find_cell(ul_fdb_key_of(vid, s->frame.src)),
	      index = cell / 4;
	const volatile struct ul_match_row *row = bpf_map_lookup_elem(&ul_fdb, &index);
	__u32 entry = row ? row->value[cell & 3] : 0;
	enum ul_event_kind kind = UL_EVENT_NEW_SOURCE;

	if ((entry & UL_FDB_SLOT) == s->slot + 1) {
		if (entry & UL_FDB_LEARNED)
			ul_note_use_here(cell);
		return entry & UL_FDB_LEARNED;
	}
	if (entry & UL_FDB_LEARNED)
		count(endpoint_of_port(s), UL_R_MOVED_HERE, &s->size);
	if (s->port->flags & UL_PORT_MUTED)
		return false;
	if (s->vlan_flags & UL_VLAN_FOREIGN &&
	    ul_was_heard_outside(source_digest(&s->frame), UL_CONTEST_S))
		kind = UL_EVENT_CONTESTED;
	if (!report_address(kind, s->slot, vid, s->frame.src))
		count(endpoint_of_port(s), UL_R_LEARN_OVERFLOW, &s->size);
	return false;
}

#define UL_GROUP_REPORTS (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES)

/* A foreign source that the group neither accepts nor reports. */
static __always_inline bool is_forged(const struct sending *s)
{
	return !is_own_source(s->port, s->frame.src) &&
	       !(s->own.group_flags & (UL_GROUP_REPORTS | UL_GROUP_FORGED_OK));
}

/* Before the frame leaves, so that its reflection is distinguished from a frame from outside. */
static __always_inline void note_sent_group(const struct sending *s)
{
	pull_digest(s->skb);
	ul_note_sent(frame_digest(data_of(s->skb), end_of(s->skb), &s->frame));
}

/* mac-changes alone passes nothing: the daemon first makes the source the port's address, unless
 * another port owns it. */
static __always_inline bool may_use_source(const struct sending *s)
{
	__u32 flags = s->own.group_flags;
	bool passes = flags & (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK), learned = false;
	/* Before the report, after which the daemon may set it because of this source. */
	bool limited = s->port->flags & UL_PORT_LIMITED;

	if (is_own_source(s->port, s->frame.src)) {
		if (is_group_address(s->frame.dst))
			note_sent_group(s);
		return true;
	}
	if (flags & UL_GROUP_REPORTS)
		learned = note_source(s);
	if (!learned && limited)
		return false;
	if (!passes || !(s->vlan_flags & UL_VLAN_FOREIGN))
		return passes;
	/* Reflected unicast matters only where it would be copied. */
	if (is_group_address(s->frame.dst)) {
		note_sent_group(s);
	} else if (!learned && s->vlan_flags & UL_VLAN_NEEDS_COPIES) {
		ul_note_sent(source_digest(&s->frame));
	}
	return true;
}

/* Global, so that the verifier checks it once. */
__u32 ul_walk_extensions(struct __sk_buff *skb, __u32 offset, __u32 protocol)
{
	return walk_extensions(data_of(skb), end_of(skb), offset, protocol);
}

/* The hash of any frame: with changed tags, with headers in pages. Global, so that the verifier
 * checks it once. */
__u32 ul_hash_slow(struct __sk_buff *skb, __u32 policy_index, __u32 number)
{
	const struct ul_policy *policy = policy_at(policy_index);
	struct ul_flow flow = {};
	struct frame frame;
	bool want_ports;

	if (!policy || !parse_skb(skb, &frame))
		return 0;
	want_ports = policy->method == UL_M_SRC_DST_IP_PORT;
	if (!parse_flow(data_of(skb), end_of(skb), &frame, want_ports, skb, &flow) &&
	    pull_headers(skb))
		parse_flow(data_of(skb), end_of(skb), &frame, want_ports, skb, &flow);
	return ul_hash(policy->method, policy->flags, &flow, number);
}

/* The same without a call, for linear headers and a frame whose tags are as they were parsed: the
 * fast path changes them only afterwards. */
static __always_inline __u32 hash_of(struct sending *s, const struct ul_policy *policy)
{
	void *data = data_of(s->skb), *end = end_of(s->skb);
	__u32 offset = s->frame.l3_offset;
	struct ul_flow flow;

	if (policy->method == UL_M_SRC_DST_IP && s->frame.ethertype == ETH_P_IP &&
	    data + offset + 20 <= end) {
		__u32 hash = bpf_ntohl(*(__be32 *)(data + offset + 12) ^
				       *(__be32 *)(data + offset + 16));

		return policy->flags & UL_POLICY_LAST_OCTET ? hash & 0xff : hash;
	}
	if (!parse_flow(data, end, &s->frame, policy->method == UL_M_SRC_DST_IP_PORT, NULL, &flow))
		return ul_hash_slow(s->skb, s->port->policy, s->port->number);
	return ul_hash(policy->method, policy->flags, &flow, s->port->number);
}

/* The uplink for this frame, or NULL when none can send. */
static __always_inline const struct ul_uplink *choose_uplink(struct sending *s, bool fast,
							     __u32 *index)
{
	const struct ul_policy *policy = policy_at(s->port->policy);
	const struct ul_uplink *uplink;
	__u32 bucket;

	if (!policy || !policy->n_buckets)
		return NULL;
	bucket = bucket_of(policy, fast ? hash_of(s, policy) :
					  ul_hash_slow(s->skb, s->port->policy, s->port->number));
	*index = policy->bucket[bucket];
	uplink = uplink_at(*index);
	if (uplink && uplink_alive(uplink))
		return uplink;

	*index = ul_spare_uplink(s->port->policy, bucket);
	uplink = uplink_at(*index);
	if (uplink)
		count(UL_ENDPOINT_PORT0 + s->slot, UL_R_FAILOVER, &s->size);
	return uplink;
}

/* Removes the priority tag before another tag is added, or an access port receives the frame. */
static __always_inline bool strip(struct sending *s)
{
	if (!s->strip_first)
		return true;
	if (bpf_skb_vlan_pop(s->skb))
		return false;
	s->strip_first = false;
	return true;
}

/* The tag of the frame's VLAN, or in VLAN 0 its priority tag, for uplinks and trunk ports. */
static __always_inline bool push_tag(struct sending *s)
{
	if (!strip(s))
		return false;
	if (s->carries_tag || !(s->frame.vid || s->frame.tagged))
		return true;
	if (bpf_skb_vlan_push(s->skb, bpf_htons(ETH_P_8021Q), s->frame.tci))
		return false;
	s->carries_tag = true;
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
	return true;
}

/* fast: a constant; the hash is inlined then */
static __always_inline struct decision send_to_uplink(struct sending *s, struct way_out *out,
						      enum ul_reason reason, bool fast)
{
	const struct ul_uplink *uplink;
	__u32 index = UL_NO_UPLINK;

	uplink = choose_uplink(s, fast, &index);
	if (!uplink) {
		if (reason == UL_R_FLOODED)
			count(endpoint_of_port(s), reason, &s->size);
		return drop(UL_R_NO_UPLINK);
	}
	if (!push_tag(s))
		return drop(UL_R_FAILED);
	out->ifindex = uplink->ifindex;
	out->endpoint = index;
	return decide(UL_DELIVER, reason);
}

static __always_inline struct decision deliver_locally(struct sending *s, struct way_out *out,
						       const struct destination *to)
{
	if (to->slot_plus_1 == s->slot + 1)
		return drop(UL_R_HAIRPIN);
	if (!to->port->ifindex)
		return drop(UL_R_PORT_DOWN);
	if (exceeds(s->skb, &s->frame, s->size.bytes, s->tag_in_bytes, to->port, to->own.mode))
		return drop(UL_R_TOO_BIG);
	if (to->own.mode == UL_VLAN_VGT ? !push_tag(s) : !pop_tag(s))
		return drop(UL_R_FAILED);
	out->ifindex = to->port->ifindex;
	out->endpoint = UL_ENDPOINT_PORT0 + to->slot_plus_1 - 1;
	return decide(UL_DELIVER, UL_R_TO_PORT);
}

/* Copies to members of the VLAN: to all, or to those of groups with only_flags. Access ports
 * receive them untagged, trunk ports tagged; frames with a service tag go to trunk ports only.
 * false: the kernel refused to change the tag, and the frame must be dropped because it may have
 * lost its VLAN. */
static __always_inline bool flood_from_port(struct sending *s, __u32 only_flags, __u32 also_skip)
{
	struct flood flood = {
		.vid = key_vid(s->frame.vid, s->frame.service_tag),
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

static __always_inline struct decision begin(struct sending *s, struct __sk_buff *skb)
{
	__u32 found = endpoint_of(skb->ifindex);

	/* No initialiser for the structure: clang would clear the flags together, keep them in one
	 * register, and pay for each access to one of them. */
	s->skb = skb;
	s->size = size_of(skb);
	s->slot = found - 1 - UL_ENDPOINT_PORT0;
	s->tag_in_bytes = s->carries_tag = s->strip_first = false;
	s->port = found > UL_ENDPOINT_PORT0 ? port_at(s->slot) : NULL;
	if (!s->port)
		return drop(UL_R_UNKNOWN_PORT);
	s->own = vlan_of(s->port);
	if (!parse_skb(skb, &s->frame))
		return drop(UL_R_TRUNCATED);
	s->tag_in_bytes = s->frame.tagged && !skb->vlan_present;
	return ok();
}

static __always_inline bool load_vlan(struct sending *s)
{
	const struct ul_vlan *vlan = vlan_at(s->frame.vid);

	if (vlan)
		s->vlan_flags = vlan->flags;
	return vlan;
}

/* Side-effect-free admission checks. */
static __always_inline struct decision admit(struct sending *s, struct __sk_buff *skb)
{
	struct decision decision = begin(s, skb);

	if (decision.verdict == UL_OK)
		decision = check_addresses(s);
	if (decision.verdict == UL_OK)
		decision = enter_vlan(s);
	if (decision.verdict != UL_OK)
		return decision;
	if (!load_vlan(s))
		return drop(UL_R_VLAN_NOT_ALLOWED);
	return is_forged(s) ? drop(UL_R_FORGED_SOURCE) : ok();
}

static __always_inline bool is_long(const struct sending *s)
{
	return exceeds(s->skb, &s->frame, s->size.bytes, s->tag_in_bytes, s->port, s->own.mode);
}

static __always_inline int refuse(const struct sending *s, enum ul_reason reason)
{
	count(s->port ? endpoint_of_port(s) : UL_ENDPOINT_NONE, reason, &s->size);
	return TC_ACT_SHOT;
}

/* A drop behind the admission: rare, so that not inlining it keeps registers free. */
static __noinline int refuse_late(__u32 slot, __u32 reason, __u32 packets, __u32 bytes)
{
	struct size size = { packets, bytes };

	count(UL_ENDPOINT_PORT0 + slot, reason, &size);
	return TC_ACT_SHOT;
}

/* The only exit of an admitted frame, on both paths. */
static __always_inline int finish(const struct sending *s, struct decision decision,
				  const struct way_out *out)
{
	if (decision.verdict != UL_DELIVER)
		return refuse_late(s->slot, decision.reason, s->size.packets, s->size.bytes);
	count(endpoint_of_port(s), decision.reason, &s->size);
	count(out->endpoint, UL_R_SENT, &s->size);
	return bpf_redirect(out->ifindex, 0);
}

/* Where the owner of the destination is: here only, possibly outside too, or not here. */
enum whereabouts { UL_HERE, UL_BOTH, UL_AWAY };

static __always_inline enum whereabouts where_is(const struct sending *s,
						 const struct destination *to)
{
	__u32 vid = key_vid(s->frame.vid, s->frame.service_tag);

	if (is_absent_at(to))
		return UL_AWAY;
	if (to->learned)
		return ul_is_used_outside(ul_fdb_key_of(vid, s->frame.dst)) ? UL_BOTH : UL_HERE;
	return is_confirmed(to->port) ? UL_HERE : UL_BOTH;
}

/* The copy for a port whose address may be outside too. false: the kernel refused to change the
 * tag. */
static __always_inline bool copy_to_port(struct sending *s, const struct destination *to)
{
	bool carried = s->carries_tag;

	if (to->slot_plus_1 == s->slot + 1 || !to->port->ifindex ||
	    exceeds(s->skb, &s->frame, s->size.bytes, s->tag_in_bytes, to->port, to->own.mode))
		return true;
	if (to->own.mode == UL_VLAN_VGT ? !push_tag(s) : !pop_tag(s))
		return false;
	if (copy_frame(s->skb, to->slot_plus_1 - 1, to->port->ifindex, &s->size))
		count(endpoint_of_port(s), UL_R_BOTH_WAYS, &s->size);
	return carried ? push_tag(s) : true;
}

/* The address was not heard from outside, so a machine behind a learning port may have it, and some
 * frames per second are copied there. Its answer makes it known. Without the limit a flow to a
 * machine outside that never answers would be copied completely. */
static __always_inline bool may_flood(const struct sending *s)
{
	__u64 digest = ul_source_digest(key_vid(s->frame.vid, s->frame.service_tag), s->frame.dst);

	return !ul_was_heard_outside(digest, UL_OUTSIDE_S) && ul_may_flood(digest);
}

static __always_inline struct decision send_unicast(struct sending *s, struct way_out *out)
{
	__u32 copies = UL_GROUP_PROMISCUOUS;
	enum whereabouts where = UL_AWAY;
	struct destination to = {};

	if (find_port(s->vlan_flags, s->frame.vid, s->frame.service_tag, s->frame.dst, &to))
		where = where_is(s, &to);
	else if (s->vlan_flags & UL_VLAN_NEEDS_COPIES && may_flood(s))
		copies |= UL_GROUP_FLOODED;
	if (where == UL_AWAY)
		to.slot_plus_1 = 0;
	if (s->vlan_flags & UL_VLAN_NEEDS_COPIES && !flood_from_port(s, copies, to.slot_plus_1))
		return drop(UL_R_FAILED);
	if (where == UL_HERE)
		return deliver_locally(s, out, &to);
	if (where == UL_BOTH && !copy_to_port(s, &to))
		return drop(UL_R_FAILED);
	return send_to_uplink(s, out, UL_R_TO_UPLINK, false);
}

static __always_inline struct decision send_slow(struct sending *s, struct way_out *out)
{
	if (!may_use_source(s))
		return drop(s->port->flags & UL_PORT_LIMITED ? UL_R_LEARN_LIMIT :
							       UL_R_FORGED_SOURCE);
	if (is_long(s))
		return drop(UL_R_TOO_BIG);
	if (!strip(s))
		return drop(UL_R_FAILED);
	if (!is_group_address(s->frame.dst))
		return send_unicast(s, out);
	if (!flood_from_port(s, 0, 0))
		return drop(UL_R_FAILED);
	return send_to_uplink(s, out, UL_R_FLOODED, false);
}

/* The verifier checks a global function separately and assumes that it changes the memory behind
 * its argument. It therefore verifies the slow path behind this call once, and not again for each
 * way through the admission, which would take more than the million instructions that Linux 6.1
 * allows.
 */
__u32 __weak ul_forget_frame(struct frame *frame)
{
	return frame ? 0 : 1;
}

SEC("tc")
int port_tc_slow(struct __sk_buff *skb)
{
	struct way_out out;
	struct sending s;
	struct decision decision = admit(&s, skb);

	if (decision.verdict != UL_OK)
		return refuse(&s, decision.reason);
	ul_forget_frame(&s.frame);
	decision = send_slow(&s, &out);
	return finish(&s, decision, &out);
}

/* Returns only when the tail call failed. */
static __always_inline int port_tc_slow_path(const struct sending *s, struct __sk_buff *skb)
{
	bpf_tail_call(skb, &ul_slow, UL_SLOW_PORT_TC);
	return refuse_late(s->slot, UL_R_NO_SLOW_PATH, s->size.packets, s->size.bytes);
}

/* Plain unicast; see the top of the file. */
static __always_inline bool is_fast_path(const struct sending *s)
{
	if (is_group_address(s->frame.dst) || s->strip_first ||
	    s->vlan_flags & UL_VLAN_NEEDS_COPIES || is_long(s))
		return false;
	return is_own_source(s->port, s->frame.src) || !(s->own.group_flags & UL_GROUP_REPORTS);
}

/* The first frame from the port's own address confirms it. */
static __always_inline void confirm(const struct sending *s)
{
	volatile struct ul_port *port = (volatile struct ul_port *)s->port;
	__u32 life = port->life;

	if (port->seen != life && is_own_source(s->port, s->frame.src))
		port->seen = life;
}

/* finish() is called for each destination, so that the compiler knows the reason that it counts. */
static __always_inline int send_fast(struct sending *s, struct __sk_buff *skb)
{
	struct destination to = {};
	struct way_out out;

	if (!is_fast_path(s))
		return port_tc_slow_path(s, skb);
	if (!find_port(s->vlan_flags, s->frame.vid, s->frame.service_tag, s->frame.dst, &to))
		return finish(s, send_to_uplink(s, &out, UL_R_TO_UPLINK, true), &out);
	if (to.learned || !is_confirmed(to.port))
		return port_tc_slow_path(s, skb);
	return finish(s, deliver_locally(s, &out, &to), &out);
}

SEC("tc")
int port_tc(struct __sk_buff *skb)
{
	struct sending s;
	struct decision decision = admit(&s, skb);

	if (decision.verdict != UL_OK)
		return refuse(&s, decision.reason);
	confirm(&s);
	return send_fast(&s, skb);
}

char _license[] SEC("license") = "GPL";
