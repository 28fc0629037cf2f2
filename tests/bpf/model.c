// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Plain and slow on purpose: no tables, no buckets, linear search over the ports. The choice of the
 * position that takes over for a dead one is taken from headers/flow_hash.h (tests/unit proves its
 * properties); all other rules are written a second time here. */
#include "model.h"

#include <string.h>

#include "flow_hash.h"
#include "model_frame.h"
#include "model_ownership.h"

#define MAX_XDP_FRAME                                                                             \
	3000 /* ports for longer ones get everything by TC: they do not fit one buffer everywhere \
	      */

struct run {
	const struct sw *sw;
	const struct model_input *in;
	struct model_result *out;
	struct view f;
};

static void count(struct run *r, uint32_t endpoint, enum ul_reason reason)
{
	r->out->count[r->out->n_counts++] = (struct model_count){ endpoint, reason };
}

static void end(struct run *r, enum model_verdict verdict, enum ul_reason reason)
{
	count(r, r->in->endpoint, reason);
	r->out->verdict = verdict;
}

/* ---- teaming ---- */
static bool uplink_lives(const struct sw *sw, uint8_t uplink)
{
	const struct sw_uplink *u = &sw->uplink[uplink];

	return !u->absent && u->send && !u->cut;
}

static uint32_t living_positions(const struct sw *sw, const struct sw_policy *policy)
{
	uint32_t alive = 0;

	for (uint32_t p = 0; p < policy->n_members; p++)
		if (uplink_lives(sw, policy->member[p]))
			alive |= 1u << p;
	return alive;
}

static uint32_t hash_of(const struct sw_policy *policy, const struct ul_flow *flow, uint32_t number)
{
	uint32_t src = flow->is_ip ? flow->src : be16(flow->src_mac + 4),
		 dst = flow->is_ip ? flow->dst : be16(flow->dst_mac + 4), hash;

	/* iphash-octets applies to the formulas of ESX, which has none with ports. */
	if (policy->flags & UL_POLICY_LAST_OCTET && flow->is_ip &&
	    policy->method != UL_M_SRC_DST_IP_PORT) {
		src &= 255;
		dst &= 255;
	}
	switch (policy->method) {
	case UL_M_SRC_DST_IP:
		return src ^ dst;
	case UL_M_SRC_IP:
		return src;
	case UL_M_DST_IP:
		return dst;
	case UL_M_SRC_MAC:
		return flow->src_mac[5];
	case UL_M_DST_MAC:
		return flow->dst_mac[5];
	case UL_M_SRC_DST_MAC:
		return be16(flow->src_mac + 4) ^ be16(flow->dst_mac + 4);
	case UL_M_SRC_DST_IP_PORT:
		hash = src ^ dst ^ flow->src_port ^ flow->dst_port;
		hash = (hash ^ hash >> 16);
		return (hash ^ hash >> 8) / 2;
	case UL_M_PORT_ID:
		return number;
	default:
		return 0;
	}
}

/* rehash: modulo: as if the active uplinks that the daemon knows to be dead were not in the list,
 * unless all are. */
static struct sw_policy as_rehashed(const struct sw_policy *policy)
{
	struct sw_policy now = *policy;
	uint32_t alive = sw_known_alive(policy) & ((1u << policy->n_active) - 1);

	if (!policy->modulo || !alive)
		return now;
	now.n_active = now.n_members = 0;
	now.known_dead = 0;
	for (uint32_t p = 0; p < policy->n_members; p++) {
		if (p < policy->n_active && !(alive >> p & 1))
			continue;
		now.known_dead |= (policy->known_dead >> p & 1) << now.n_members;
		now.member[now.n_members++] = policy->member[p];
		now.n_active += p < policy->n_active;
	}
	return now;
}

/* Returns the uplink, or -1. *failover: the daemon meant another one. */
static int choose(const struct sw *sw, const struct sw_policy *configured,
		  const struct ul_flow *flow, uint32_t number, bool *failover)
{
	const struct sw_policy now = as_rehashed(configured), *policy = &now;
	uint32_t hash = hash_of(policy, flow, number), bucket;
	int position;

	*failover = false;
	if (!policy->n_active)
		return -1;
	bucket = hash % ul_n_buckets(policy->n_active);
	/* While all are up this is the published formula. */
	if (!policy->known_dead && !(policy->flags & UL_POLICY_ORDERED))
		position = (int)(hash % policy->n_active);
	else
		position = ul_serving_position(policy->flags, policy->n_active, policy->n_members,
					       bucket, sw_known_alive(policy));
	if (position >= 0 && uplink_lives(sw, policy->member[position]))
		return policy->member[position];

	position = ul_serving_position(policy->flags, policy->n_active, policy->n_members, bucket,
				       living_positions(sw, policy));
	if (position < 0)
		return -1;
	*failover = true;
	return policy->member[position];
}

static uint32_t uplinks_at(const struct sw_policy *policy, uint32_t positions)
{
	uint32_t uplinks = 0;

	for (uint32_t p = 0; p < policy->n_members; p++)
		if (positions >> p & 1)
			uplinks |= 1u << policy->member[p];
	return uplinks;
}

/* May a frame of the policy's ports come in by this uplink? The switch sends by any link of a
 * channel, whatever we think of it, and by one that is being drained. Otherwise by those that
 * serve: as long as those that the daemon named all live, its word holds. */
static bool serves(const struct sw *sw, const struct sw_policy *configured, uint32_t uplink)
{
	const struct sw_policy now = as_rehashed(configured), *policy = &now;
	uint32_t living = living_positions(sw, policy);
	uint32_t named = ul_serving_positions(policy->flags, policy->n_active, policy->n_members,
					      sw_known_alive(policy));
	uint32_t expected = 0;
	bool member = uplinks_at(configured, (1u << configured->n_members) - 1) >> uplink & 1;

	if (!policy->n_active)
		return false;
	if (member && (policy->flags & UL_POLICY_ANY_UPLINK || sw->uplink[uplink].drained))
		return true;
	if (uplinks_at(policy, named) >> uplink & 1)
		return true;
	for (uint32_t p = 0; p < policy->n_members; p++)
		if (sw->uplink[policy->member[p]].drained)
			expected |= 1u << p;
	return (named & ~living & ~expected) &&
	       uplinks_at(policy, ul_serving_positions(policy->flags, policy->n_active,
						       policy->n_members, living)) >>
			       uplink &
		       1;
}

/* Does this port take group frames (and what was flooded to it) from this uplink? */
static bool takes_flood(const struct sw *sw, const struct sw_port *port, uint32_t uplink)
{
	const struct sw_policy *policy = &sw->policy[sw->group[port->group].policy];
	struct ul_flow flow = { 0 };
	bool failover;

	if (policy->flags & UL_POLICY_ANY_UPLINK)
		return serves(sw, policy, uplink);
	memcpy(flow.src_mac, port->mac, 6);
	return choose(sw, policy, &flow, port->number, &failover) == (int)uplink;
}

/* ---- ways out ---- */
/* vid: of the VLAN; has_tag: the frame came with a tag that names it; tci: what a tag that has to
 * be added says; strip_first: a priority tag that its VLAN's tag replaces. */
struct dress {
	uint16_t vid, tci;
	bool has_tag, strip_first;
};

static void leave(struct run *r, uint32_t endpoint, const struct dress *dress, bool wants_tag)
{
	struct model_copy *copy = &r->out->copy[r->out->n_copies++];

	*copy = (struct model_copy){ .endpoint = endpoint, .strip = dress->strip_first };
	if (dress->vid && wants_tag && !dress->has_tag) {
		copy->push = true;
		copy->tci = dress->tci;
	} else if (!wants_tag && dress->has_tag) {
		copy->strip = true;
	}
	count(r, endpoint, UL_R_SENT);
}

struct audience {
	int from_port, but_port; /* -1: none */
	int from_uplink;	 /* -1: from a port */
	uint32_t only_flags;	 /* of the groups; 0: all */
};

/* Copies to the members of the VLAN. Returns how many got one; *refused: how many do not take it
 * from this uplink. */
static int copy_to(struct run *r, const struct dress *dress, bool service,
		   const struct audience *audience, int *refused)
{
	int delivered = 0;

	for (uint32_t p = 0; p < r->sw->n_ports; p++) {
		const struct sw_port *port = &r->sw->port[p];
		const struct sw_group *group = &r->sw->group[port->group];

		if ((int)p == audience->from_port || (int)p == audience->but_port || port->absent)
			continue;
		if (!model_in_vlan(group, dress->vid, service))
			continue;
		if (audience->only_flags && !(group->flags & audience->only_flags))
			continue;
		/* A frame to another port came in by that port's uplink; promiscuous ports see it.
		 */
		if (audience->from_uplink >= 0 && audience->but_port < 0 &&
		    !takes_flood(r->sw, port, (uint32_t)audience->from_uplink)) {
			(*refused)++;
			continue;
		}
		if (port->unseen && port->no_carrier) {
			count(r, UL_ENDPOINT_PORT0 + p, UL_R_PORT_DOWN);
			continue;
		}
		leave(r, UL_ENDPOINT_PORT0 + p, dress, group->mode == UL_VLAN_VGT);
		delivered++;
	}
	return delivered;
}

static void to_uplink(struct run *r, const struct sw_port *port, const struct sw_group *group,
		      const struct dress *dress, enum ul_reason reason)
{
	const struct sw_policy *policy = &r->sw->policy[group->policy];
	struct ul_flow flow = model_flow(r->in, &r->f, policy->method == UL_M_SRC_DST_IP_PORT);
	bool failover;
	int uplink = choose(r->sw, policy, &flow, port->number, &failover);

	if (uplink < 0) {
		if (reason == UL_R_FLOODED)
			count(r, r->in->endpoint, UL_R_FLOODED);
		end(r, MODEL_DROP, UL_R_NO_UPLINK);
		return;
	}
	if (failover)
		count(r, r->in->endpoint, UL_R_FAILOVER);
	leave(r, (uint32_t)uplink, dress, true);
	end(r, MODEL_REDIRECT, reason);
}

/* ---- from a port ---- */
/* vid: of the frame, in the VLAN of its port */
static bool source_is_allowed(struct run *r, uint32_t slot, const struct sw_group *group,
			      uint16_t vid)
{
	const struct sw_port *port = &r->sw->port[slot];
	const bool passes = group->flags & (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK),
		   foreign = model_vlan_is_foreign(r->sw, vid);

	if (memcmp(port->mac, r->f.src, 6) == 0) {
		r->out->confirms = true;
		r->out->notes_sent = is_group(r->f.dst);
		return true;
	}
	if (group->flags & (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES)) {
		const struct model_owner owner =
			model_source_owner(r->sw, slot, vid, r->f.service, r->f.src);

		if (owner.port != (int)slot) {
			if (owner.port >= 0 && owner.learned >= 0 && r->sw->ownership)
				count(r, UL_ENDPOINT_PORT0 + slot, UL_R_MOVED_HERE);
			r->out->event_kind = foreign && r->in->heard ? UL_EVENT_CONTESTED :
								       UL_EVENT_NEW_SOURCE;
			r->out->event_port = slot;
			r->out->event_vid = model_source_vid(r->sw, group, vid, r->f.service);
		} else if (r->sw->ownership) {
			r->out->used_here = owner.learned;
		}
	}
	/* Unicast from uplinks is copied in some VLANs only; there the time of a learned address is
	 * enough. */
	r->out->notes_sent = passes && foreign &&
			     (is_group(r->f.dst) ||
			      (r->out->used_here < 0 && model_vlan_needs_copies(r->sw, vid)));
	/* mac-changes: the daemon makes it the port's address first. */
	return passes;
}

static enum ul_reason address_fault(const struct run *r, const struct sw_group *group)
{
	enum ul_reason kind;

	if (is_group(r->f.src) || is_zero(r->f.src))
		return UL_R_INVALID_SOURCE;
	kind = model_switch_protocol(r->in, &r->f);
	if (group->flags & UL_GROUP_CONTROL_OK && kind != UL_R_GUEST_PAUSE &&
	    kind != UL_R_RESERVED_ADDRESS)
		return UL_R_SENT;
	return kind;
}

/* The VLAN that the frame belongs to and how it is dressed for it; UL_R_SENT: nothing against it.
 */
static enum ul_reason vlan_fault(const struct view *f, const struct sw_group *group,
				 struct dress *dress)
{
	*dress = (struct dress){ .vid = f->vid, .has_tag = f->tagged, .tci = f->tci };
	if (group->mode == UL_VLAN_VGT) {
		if (hides_tag(f) || has_foreign_tag(f))
			return UL_R_VLAN_NOT_ALLOWED;
		return model_in_vlan(group, f->vid, f->service) ? UL_R_SENT : UL_R_VLAN_NOT_ALLOWED;
	}
	if (f->vid || f->service || hides_tag(f) || has_foreign_tag(f))
		return UL_R_VLAN_FROM_ACCESS;
	if (group->mode == UL_VLAN_VST) {
		dress->vid = group->vid;
		dress->strip_first = f->tagged;
		dress->has_tag = false;
		dress->tci = (uint16_t)((f->tci & 0xf000) | group->vid);
	}
	return UL_R_SENT;
}

/* max_frame allows for one tag, whether or not the frame has it, and at a trunk port for a second
 * one that is there. Of a super-frame each segment must fit, which has at least an IPv4 header in
 * front of gso_size: that of UFO includes the UDP header. */
static bool is_too_big(const struct run *r, const struct sw_port *port)
{
	uint32_t max_frame = port->max_frame;

	if (r->sw->group[port->group].mode == UL_VLAN_VGT && r->f.tagged && tag_type(r->f.type))
		max_frame += 4;
	if (r->in->len + (r->f.tagged ? 0 : 4) <= max_frame)
		return false;
	return !r->in->segments || 18 + 20 + MODEL_GSO_SIZE > max_frame;
}

static void deliver_locally(struct run *r, uint32_t slot, int owner, const struct dress *dress)
{
	if (owner == (int)slot)
		return end(r, MODEL_DROP, UL_R_HAIRPIN);
	if (r->sw->port[owner].absent)
		return end(r, MODEL_DROP, UL_R_PORT_DOWN);
	if (is_too_big(r, &r->sw->port[owner]))
		return end(r, MODEL_DROP, UL_R_TOO_BIG);
	leave(r, UL_ENDPOINT_PORT0 + (uint32_t)owner, dress,
	      r->sw->group[r->sw->port[owner].group].mode == UL_VLAN_VGT);
	end(r, MODEL_REDIRECT, UL_R_TO_PORT);
}

/* By the state of the destination: to the port, to an uplink, or both ways. */
static void unicast_from_port(struct run *r, uint32_t slot, const struct dress *dress)
{
	const struct sw_port *port = &r->sw->port[slot];
	const struct model_owner owner = model_owner_of(r->sw, dress->vid, r->f.service, r->f.dst);
	/* A frame to its own source counts as a frame from it. */
	enum model_state state = memcmp(r->f.src, r->f.dst, 6) == 0 && owner.port == (int)slot ?
					 model_state_after(r->sw, owner, r->out->used_here) :
					 model_state_of(r->sw, owner);
	/* An address that was heard from outside is not unknown. */
	bool outside = r->in->heard && memcmp(r->f.src, r->f.dst, 6) == 0;
	uint32_t flooded = owner.port < 0 && !outside ? UL_GROUP_FLOODED : 0;
	struct audience audience = { (int)slot, -1, -1, UL_GROUP_PROMISCUOUS | flooded };
	int refused;

	if (state == MODEL_CONFIRMED || state == MODEL_HERE) {
		audience.but_port = owner.port;
		copy_to(r, dress, r->f.service, &audience, &refused);
		return deliver_locally(r, slot, owner.port, dress);
	}
	if (state == MODEL_NOT_OURS || state == MODEL_ABSENT) {
		copy_to(r, dress, r->f.service, &audience, &refused);
	} else {
		const struct sw_port *to = &r->sw->port[owner.port];

		audience.but_port = owner.port;
		copy_to(r, dress, r->f.service, &audience, &refused);
		if (owner.port != (int)slot && !to->absent && !is_too_big(r, to)) {
			leave(r, UL_ENDPOINT_PORT0 + (uint32_t)owner.port, dress,
			      r->sw->group[to->group].mode == UL_VLAN_VGT);
			count(r, r->in->endpoint, UL_R_BOTH_WAYS);
		}
	}
	to_uplink(r, port, &r->sw->group[port->group], dress, UL_R_TO_UPLINK);
}

static void from_port(struct run *r)
{
	uint32_t slot = r->in->endpoint - UL_ENDPOINT_PORT0;
	const struct sw_port *port = &r->sw->port[slot];
	const struct sw_group *group = &r->sw->group[port->group];
	struct audience audience = { (int)slot, -1, -1, 0 };
	struct dress dress;
	enum ul_reason fault;
	int refused;

	if (!model_see(r->in, &r->f))
		return end(r, MODEL_DROP, UL_R_TRUNCATED);
	fault = address_fault(r, group);
	if (fault == UL_R_SENT)
		fault = vlan_fault(&r->f, group, &dress);
	if (fault != UL_R_SENT)
		return end(r, MODEL_DROP, fault);
	if (!source_is_allowed(r, slot, group, dress.vid))
		return end(r, MODEL_DROP, UL_R_FORGED_SOURCE);
	if (is_too_big(r, port))
		return end(r, MODEL_DROP, UL_R_TOO_BIG);

	if (is_group(r->f.dst)) {
		copy_to(r, &dress, r->f.service, &audience, &refused);
		return to_uplink(r, port, group, &dress, UL_R_FLOODED);
	}
	unicast_from_port(r, slot, &dress);
}

/* ---- from an uplink ---- */
static void pass(struct run *r)
{
	r->out->verdict = MODEL_PASS;
}

/* By RFC 5227 (gratuitous ARP), RFC 903 and RFC 4861 4.4 (S flag). */
static bool is_announcement(const struct run *r)
{
	const uint8_t *at = r->in->data + r->f.l3;
	uint32_t left = r->in->len - r->f.l3;

	switch (r->f.type) {
	case 0x8035:
		return true;
	case 0x0806:
		return left >= 28 && memcmp(at + 14, at + 24, 4) == 0;
	case 0x86dd:
		return left >= 45 && at[6] == 58 && at[40] == 136 && !(at[44] & 0x40);
	default:
		return false;
	}
}

/* Of the confirmed address of a port. */
static void used_outside(struct run *r, uint32_t slot)
{
	count(r, r->in->endpoint, UL_R_ADDRESS_OUTSIDE);
	count(r, UL_ENDPOINT_PORT0 + slot, UL_R_ADDRESS_OUTSIDE);
	if (!is_announcement(r) || r->in->heard)
		return;
	r->out->notes_outside = true;
	r->out->event_kind = UL_EVENT_OWN_OUTSIDE;
	r->out->event_port = slot;
	r->out->event_vid = (uint16_t)(r->f.vid | (r->f.service ? UL_VID_SERVICE : 0));
}

/* True: the frame is our own. Otherwise its source is outside, and a learned address moves. */
static bool is_reflection(struct run *r)
{
	const struct model_owner owner = model_owner_of(r->sw, r->f.vid, r->f.service, r->f.src);
	enum model_state state = model_state_of(r->sw, owner);

	if (state == MODEL_CONFIRMED) {
		if (is_group(r->f.dst) && !r->in->sent)
			used_outside(r, (uint32_t)owner.port);
		return true;
	}
	if (!model_vlan_is_foreign(r->sw, r->f.vid))
		return false;
	if (r->in->sent)
		return true;
	if (!is_group(r->f.dst) && owner.learned >= 0 &&
	    r->sw->learned[owner.learned].here == SW_JUST_NOW)
		return true;
	r->out->notes_outside = true;
	if (owner.learned < 0)
		return false;
	r->out->used_outside = owner.learned;
	if (model_is_here_only(&r->sw->learned[owner.learned])) {
		count(r, r->in->endpoint, UL_R_MOVED_OUTSIDE);
		r->out->event_kind = UL_EVENT_MOVED_OUTSIDE;
		r->out->event_port = (uint32_t)owner.port;
		r->out->event_vid = (uint16_t)(r->f.vid | (r->f.service ? UL_VID_SERVICE : 0));
	}
	return false;
}

static void group_from_uplink(struct run *r, const struct dress *dress)
{
	struct audience audience = { -1, -1, (int)r->in->endpoint, 0 };
	int refused = 0, delivered;

	if (is_reflection(r))
		return end(r, MODEL_DROP, UL_R_REFLECTED);
	if (r->in->program == MODEL_UPLINK_XDP)
		return pass(r);
	delivered = copy_to(r, dress, r->f.service, &audience, &refused);
	end(r, MODEL_DROP, refused && !delivered ? UL_R_INACTIVE_UPLINK : UL_R_FLOODED);
}

static void unknown_from_uplink(struct run *r, const struct dress *dress)
{
	struct audience audience = { -1, -1, (int)r->in->endpoint,
				     UL_GROUP_PROMISCUOUS | UL_GROUP_FLOODED };
	int refused = 0, delivered;

	if (model_vlan_needs_copies(r->sw, r->f.vid) && is_reflection(r))
		return end(r, MODEL_DROP, UL_R_REFLECTED);
	delivered = copy_to(r, dress, r->f.service, &audience, &refused);
	end(r, MODEL_DROP, delivered ? UL_R_FLOODED : UL_R_UNKNOWN_UNICAST);
}

static bool redirects_in_xdp(const struct run *r, const struct sw_port *port)
{
	/* All of a port's frames take the same way; the longest must be able to, and the kernel
	 * redirects none with two tags at full MTU. */
	if (r->sw->group[port->group].mode == UL_VLAN_VGT && r->f.tagged && tag_type(r->f.type))
		return false;
	return port->xdp && port->max_frame <= MAX_XDP_FRAME &&
	       (port->xdp_tcp || !model_is_tcp(r->in, &r->f));
}

static void unicast_from_uplink(struct run *r, const struct dress *dress)
{
	const struct model_owner found = model_owner_of(r->sw, r->f.vid, r->f.service, r->f.dst);
	int owner = found.port;
	struct audience audience = { -1, owner, (int)r->in->endpoint, UL_GROUP_PROMISCUOUS };
	const struct sw_port *port;
	const struct sw_group *group;
	int refused = 0;

	if (owner < 0)
		return unknown_from_uplink(r, dress);
	port = &r->sw->port[owner];
	group = &r->sw->group[port->group];
	if (!serves(r->sw, &r->sw->policy[group->policy], r->in->endpoint))
		return end(r, MODEL_DROP, UL_R_INACTIVE_UPLINK);
	if (r->in->program == MODEL_UPLINK_XDP && !redirects_in_xdp(r, port))
		return pass(r);
	if (port->absent || model_state_of(r->sw, found) == MODEL_ABSENT)
		return end(r, MODEL_DROP, UL_R_PORT_DOWN);
	if (model_vlan_needs_copies(r->sw, r->f.vid) && !is_reflection(r))
		copy_to(r, dress, r->f.service, &audience, &refused);
	if (is_too_big(r, port))
		return end(r, MODEL_DROP, UL_R_TOO_BIG);
	leave(r, UL_ENDPOINT_PORT0 + (uint32_t)owner, dress, group->mode == UL_VLAN_VGT);
	end(r, MODEL_REDIRECT, UL_R_TO_PORT);
}

static void from_uplink(struct run *r)
{
	struct dress dress;

	if (!model_see(r->in, &r->f))
		return end(r, MODEL_DROP, UL_R_TRUNCATED);
	if (is_control(&r->f)) {
		if (is_reflection(r))
			return end(r, MODEL_DROP, UL_R_REFLECTED);
		/* for the offsets of an LACPDU */
		r->out->strips = r->in->program == MODEL_UPLINK_XDP && r->f.tagged &&
				 r->f.type == 0x8809;
		if (r->in->program == MODEL_UPLINK_XDP)
			return pass(r);
		return end(r, MODEL_PASS, UL_R_CONTROL);
	}
	if (is_reserved(r->f.dst))
		return end(r, MODEL_DROP, UL_R_RESERVED_ADDRESS);
	if (is_group(r->f.src) || is_zero(r->f.src))
		return end(r, MODEL_DROP, UL_R_INVALID_SOURCE);
	if (hides_tag(&r->f))
		return end(r, MODEL_DROP, UL_R_VLAN_NOT_ALLOWED);
	if (!r->sw->uplink[r->in->endpoint].receive)
		return end(r, MODEL_DROP, UL_R_INACTIVE_UPLINK);
	if (has_foreign_tag(&r->f) || !model_vlan_exists(r->sw, r->f.vid, r->f.service))
		return end(r, MODEL_DROP, UL_R_UNKNOWN_VLAN);

	dress = (struct dress){ .vid = r->f.vid, .has_tag = r->f.tagged, .tci = r->f.tci };
	if (is_group(r->f.dst))
		return group_from_uplink(r, &dress);
	if (r->in->program == MODEL_UPLINK_XDP && model_vlan_needs_copies(r->sw, r->f.vid))
		return pass(r);
	unicast_from_uplink(r, &dress);
}

void model_run(const struct sw *sw, const struct model_input *in, struct model_result *out)
{
	struct run r = { .sw = sw, .in = in, .out = out };

	memset(out, 0, sizeof(*out));
	out->used_here = out->used_outside = -1;
	out->packets = in->segments ? in->segments : 1;
	out->bytes = in->len;
	if (in->offloaded_tag && in->len >= 18 && tag_type(be16(in->data + 12)))
		out->bytes -= 4;

	if (in->endpoint == UL_ENDPOINT_NONE)
		end(&r, MODEL_DROP, UL_R_UNKNOWN_PORT);
	else if (in->program == MODEL_PORT_TC)
		from_port(&r);
	else
		from_uplink(&r);
}
