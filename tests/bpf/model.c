// SPDX-License-Identifier: GPL-2.0
/* Plain and slow on purpose: no tables, no buckets, ports are searched one after the other. Which
 * position takes over for a dead one is headers/flow_hash.h's own (tests/unit proves its
 * properties); everything else is written down here a second time. */
#include "model.h"

#include <string.h>

#include "flow_hash.h"

#define MAX_XDP_FRAME                                                                             \
	3000 /* ports for longer ones get everything by TC: they do not fit one buffer everywhere \
	      */

struct view { /* what the model sees of a frame */
	const uint8_t *dst, *src;
	bool tagged, service;
	uint16_t tci, vid;
	uint16_t type; /* behind the outer tag */
	uint32_t l3;
};

struct run {
	const struct sw *sw;
	const struct model_input *in;
	struct model_result *out;
	struct view f;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static bool tag_type(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

static bool is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

static bool is_zero(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, 6) == 0;
}

static bool is_reserved(const uint8_t *mac)
{
	static const uint8_t first[5] = { 0x01, 0x80, 0xc2, 0, 0 };

	return memcmp(mac, first, 5) == 0 && mac[5] < 16;
}

static void count(struct run *r, uint32_t object, enum ul_reason reason)
{
	r->out->count[r->out->n_counts++] = (struct model_count){ object, reason };
}

static void end(struct run *r, enum model_verdict verdict, enum ul_reason reason)
{
	count(r, r->in->object, reason);
	r->out->verdict = verdict;
}

static bool see(struct run *r)
{
	const uint8_t *d = r->in->data;
	struct view *f = &r->f;

	if (r->in->len < 14)
		return false;
	*f = (struct view){ .dst = d, .src = d + 6, .type = be16(d + 12), .l3 = 14 };
	if (tag_type(f->type)) {
		if (r->in->len < 18)
			return false;
		f->tagged = true;
		f->service = f->type == 0x88a8;
		f->tci = be16(d + 14);
		f->vid = f->tci & 0xfff;
		f->type = be16(d + 16);
		f->l3 = 18;
		/* With the outer tag apart, an inner one that is cut off is what the program meets
		 * first. */
		if (r->in->offloaded_tag && tag_type(f->type) && r->in->len < 22)
			return false;
	}
	return true;
}

/* ---- layer 3 ---- */
static void find_layer3(const struct run *r, uint16_t *type, uint32_t *l3)
{
	*type = r->f.type;
	*l3 = r->f.l3;
	if (tag_type(*type) && *l3 + 4 <= r->in->len) {
		*type = be16(r->in->data + *l3 + 2);
		*l3 += 4;
	}
}

static struct ul_flow flow_of(const struct run *r, bool with_ports)
{
	struct ul_flow flow = { 0 };
	uint16_t type;
	uint32_t l3, l4 = 0;
	const uint8_t *ip;
	uint8_t protocol = 0;

	memcpy(flow.src_mac, r->f.src, 6);
	memcpy(flow.dst_mac, r->f.dst, 6);
	find_layer3(r, &type, &l3);
	ip = r->in->data + l3;
	if (type == 0x0800 && l3 + 20 <= r->in->len) {
		flow.is_ip = 1;
		flow.src = be32(ip + 12);
		flow.dst = be32(ip + 16);
		if (!(be16(ip + 6) & 0x3fff)) {
			protocol = ip[9];
			l4 = l3 + (ip[0] & 15) * 4u;
		}
	} else if (type == 0x86dd && l3 + 40 <= r->in->len) {
		flow.is_ip = 1;
		for (int i = 0; i < 16; i += 4) {
			flow.src ^= be32(ip + 8 + i);
			flow.dst ^= be32(ip + 24 + i);
		}
		protocol = ip[6];
		l4 = l3 + 40;
	}
	if (with_ports && (protocol == 6 || protocol == 17) && l4 + 4 <= r->in->len) {
		flow.src_port = be16(r->in->data + l4);
		flow.dst_port = be16(r->in->data + l4 + 2);
	}
	return flow;
}

static bool is_tcp(const struct run *r)
{
	uint16_t type;
	uint32_t l3;

	find_layer3(r, &type, &l3);
	if (type == 0x0800 && l3 + 20 <= r->in->len)
		return r->in->data[l3 + 9] == 6;
	if (type == 0x86dd && l3 + 40 <= r->in->len)
		return r->in->data[l3 + 6] == 6;
	return false;
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
		 dst = flow->is_ip ? flow->dst : be16(flow->dst_mac + 4);

	/* iphash-octets is about the formulas that ESX has; with ports there is none of its own. */
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
		return src ^ dst ^ flow->src_port ^ flow->dst_port;
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

/* ---- VLANs and addresses ---- */
static uint16_t own_vid(const struct sw_group *group)
{
	return group->mode == UL_VLAN_VST ? group->vid : 0;
}

/* May a frame of this VLAN be delivered to the group? A service tag is only for those who tag
 * themselves. */
static bool in_vlan(const struct sw_group *group, uint16_t vid, bool service)
{
	if (group->mode == UL_VLAN_VGT)
		return vid != 4095 && sw_list_has(group, vid);
	return !service && own_vid(group) == vid;
}

static bool vlan_exists(const struct sw *sw, uint16_t vid, bool service)
{
	for (uint32_t g = 0; g < sw->n_groups; g++)
		if (in_vlan(&sw->group[g], vid, service))
			return true;
	return false;
}

/* A promiscuous or learning port sees this VLAN, in whatever form its frames come. */
static bool vlan_is_curious(const struct sw *sw, uint16_t vid)
{
	for (uint32_t p = 0; p < sw->n_ports; p++) {
		const struct sw_group *group = &sw->group[sw->port[p].group];

		if (group->flags & (UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING) &&
		    in_vlan(group, vid, false))
			return true;
	}
	return false;
}

static bool port_owns(const struct sw *sw, uint32_t port, const uint8_t *mac)
{
	if (sw->port[port].absent && !sw->port[port].leaving)
		return false;
	if (memcmp(sw->port[port].mac, mac, 6) == 0)
		return true;
	for (uint32_t i = 0; i < sw->n_learned; i++)
		if (sw->learned[i].port == port && memcmp(sw->learned[i].mac, mac, 6) == 0)
			return true;
	return false;
}

/* Ports whose group sets the VLAN come before those that tag themselves. */
static int owner_of(const struct sw *sw, uint16_t vid, bool service, const uint8_t *mac)
{
	for (int trunk = 0; trunk < 2; trunk++) {
		for (uint32_t p = 0; p < sw->n_ports; p++) {
			const struct sw_group *group = &sw->group[sw->port[p].group];

			if ((group->mode == UL_VLAN_VGT) == !!trunk &&
			    in_vlan(group, vid, service) && port_owns(sw, p, mac))
				return (int)p;
		}
	}
	return -1;
}

/* ---- ways out ---- */
/* vid: of the VLAN; has_tag: the frame came with a tag that names it; tci: what a tag that has to
 * be added says; strip_first: a priority tag that its VLAN's tag replaces. */
struct dress {
	uint16_t vid, tci;
	bool has_tag, strip_first;
};

static void leave(struct run *r, uint32_t object, const struct dress *dress, bool wants_tag)
{
	struct model_copy *copy = &r->out->copy[r->out->n_copies++];

	*copy = (struct model_copy){ .object = object, .strip = dress->strip_first };
	if (dress->vid && wants_tag && !dress->has_tag) {
		copy->push = true;
		copy->tci = dress->tci;
	} else if (dress->vid && !wants_tag && dress->has_tag) {
		copy->strip = true;
	}
	count(r, object, UL_R_SENT);
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
		if (!in_vlan(group, dress->vid, service))
			continue;
		if (audience->only_flags && !(group->flags & audience->only_flags))
			continue;
		/* What is another port's own came in by that port's uplink, and who is promiscuous
		 * sees it. */
		if (audience->from_uplink >= 0 && audience->but_port < 0 &&
		    !takes_flood(r->sw, port, (uint32_t)audience->from_uplink)) {
			(*refused)++;
			continue;
		}
		leave(r, UL_OBJECT_PORT0 + p, dress, group->mode == UL_VLAN_VGT);
		delivered++;
	}
	return delivered;
}

static void to_uplink(struct run *r, const struct sw_port *port, const struct sw_group *group,
		      const struct dress *dress, enum ul_reason reason)
{
	const struct sw_policy *policy = &r->sw->policy[group->policy];
	struct ul_flow flow = flow_of(r, policy->method == UL_M_SRC_DST_IP_PORT);
	bool failover;
	int uplink = choose(r->sw, policy, &flow, port->number, &failover);

	if (uplink < 0) {
		if (reason == UL_R_FLOODED)
			count(r, r->in->object, UL_R_FLOODED);
		end(r, MODEL_DROP, UL_R_NO_UPLINK);
		return;
	}
	if (failover)
		count(r, r->in->object, UL_R_FAILOVER);
	leave(r, (uint32_t)uplink, dress, true);
	end(r, MODEL_REDIRECT, reason);
}

/* ---- from a port ---- */
static bool source_is_allowed(struct run *r, uint32_t slot, const struct sw_group *group)
{
	const struct sw_port *port = &r->sw->port[slot];

	if (memcmp(port->mac, r->f.src, 6) == 0)
		return true;
	if (group->flags & (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES) &&
	    !port_owns(r->sw, slot, r->f.src)) {
		r->out->new_source = true;
		r->out->event_port = slot;
		r->out->event_vid = group->mode == UL_VLAN_VGT ? UL_VLAN_TRUNK : own_vid(group);
	}
	/* mac-changes: the daemon makes it the port's address first. */
	return group->flags & (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK);
}

static enum ul_reason address_fault(const struct view *f)
{
	static const uint8_t stp[6] = { 0x01, 0x80, 0xc2, 0, 0, 0 },
			     pvst[6] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd };

	if (is_group(f->src) || is_zero(f->src))
		return UL_R_INVALID_SOURCE;
	if (memcmp(f->dst, stp, 6) == 0 || memcmp(f->dst, pvst, 6) == 0)
		return UL_R_GUEST_BPDU;
	return is_reserved(f->dst) ? UL_R_RESERVED_ADDRESS : UL_R_SENT;
}

/* The VLAN that the frame belongs to and how it is dressed for it; UL_R_SENT: nothing against it.
 */
static enum ul_reason vlan_fault(const struct view *f, const struct sw_group *group,
				 struct dress *dress)
{
	*dress = (struct dress){ .vid = f->vid, .has_tag = f->tagged, .tci = f->tci };
	if (group->mode == UL_VLAN_VGT) {
		/* A switch that takes a priority tag off would obey the one behind it. */
		if (f->tagged && !f->vid && tag_type(f->type))
			return UL_R_VLAN_NOT_ALLOWED;
		return in_vlan(group, f->vid, f->service) ? UL_R_SENT : UL_R_VLAN_NOT_ALLOWED;
	}
	if (f->tagged && (f->vid || f->service || tag_type(f->type)))
		return UL_R_VLAN_FROM_ACCESS;
	if (group->mode == UL_VLAN_VST) {
		dress->vid = group->vid;
		dress->strip_first = f->tagged;
		dress->has_tag = false;
		dress->tci = (uint16_t)((f->tci & 0xf000) | group->vid);
	}
	return UL_R_SENT;
}

/* max_frame allows for one tag, whether or not the frame has it. Of a super-frame each segment must
 * fit, whose headers are 28 bytes at least (IP and UDP). */
static bool is_too_big(const struct run *r, uint32_t max_frame)
{
	if (r->in->len + (r->f.tagged ? 0 : 4) <= max_frame)
		return false;
	return !r->in->segments || 18 + 28 + MODEL_GSO_SIZE > max_frame;
}

static void from_port(struct run *r)
{
	uint32_t slot = r->in->object - UL_OBJECT_PORT0;
	const struct sw_port *port = &r->sw->port[slot];
	const struct sw_group *group = &r->sw->group[port->group];
	struct audience audience = { (int)slot, -1, -1, 0 };
	struct dress dress;
	enum ul_reason fault;
	int owner, refused;

	if (!see(r))
		return end(r, MODEL_DROP, UL_R_TRUNCATED);
	fault = address_fault(&r->f);
	if (fault == UL_R_SENT)
		fault = vlan_fault(&r->f, group, &dress);
	if (fault != UL_R_SENT)
		return end(r, MODEL_DROP, fault);
	if (!source_is_allowed(r, slot, group))
		return end(r, MODEL_DROP, UL_R_FORGED_SOURCE);
	if (is_too_big(r, port->max_frame))
		return end(r, MODEL_DROP, UL_R_TOO_BIG);

	if (is_group(r->f.dst)) {
		copy_to(r, &dress, r->f.service, &audience, &refused);
		return to_uplink(r, port, group, &dress, UL_R_FLOODED);
	}
	owner = owner_of(r->sw, dress.vid, r->f.service, r->f.dst);
	if (owner < 0) {
		audience.only_flags = UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING;
		copy_to(r, &dress, r->f.service, &audience, &refused);
		return to_uplink(r, port, group, &dress, UL_R_TO_UPLINK);
	}
	audience.but_port = owner;
	audience.only_flags = UL_GROUP_PROMISCUOUS;
	copy_to(r, &dress, r->f.service, &audience, &refused);
	if (owner == (int)slot)
		return end(r, MODEL_DROP, UL_R_HAIRPIN);
	if (r->sw->port[owner].absent)
		return end(r, MODEL_DROP, UL_R_PORT_DOWN);
	if (is_too_big(r, r->sw->port[owner].max_frame))
		return end(r, MODEL_DROP, UL_R_TOO_BIG);
	leave(r, UL_OBJECT_PORT0 + (uint32_t)owner, &dress,
	      r->sw->group[r->sw->port[owner].group].mode == UL_VLAN_VGT);
	end(r, MODEL_REDIRECT, UL_R_TO_PORT);
}

/* ---- from an uplink ---- */
static bool is_control(const struct view *f)
{
	static const uint8_t cisco[6] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc };

	if (f->tagged)
		return false;
	if (is_reserved(f->dst))
		return f->type == 0x8809 || f->type == 0x88cc;
	return memcmp(f->dst, cisco, 6) == 0;
}

static void pass(struct run *r)
{
	r->out->verdict = MODEL_PASS;
}

static void group_from_uplink(struct run *r, const struct dress *dress)
{
	struct audience audience = { -1, -1, (int)r->in->object, 0 };
	int refused = 0, delivered;

	if (owner_of(r->sw, r->f.vid, r->f.service, r->f.src) >= 0)
		return end(r, MODEL_DROP, UL_R_REFLECTED);
	if (r->in->program == MODEL_UPLINK_XDP)
		return pass(r);
	delivered = copy_to(r, dress, r->f.service, &audience, &refused);
	end(r, MODEL_DROP, refused && !delivered ? UL_R_INACTIVE_UPLINK : UL_R_FLOODED);
}

static void unknown_from_uplink(struct run *r, const struct dress *dress)
{
	struct audience audience = { -1, -1, (int)r->in->object,
				     UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING };
	int refused = 0, delivered = copy_to(r, dress, r->f.service, &audience, &refused);

	end(r, MODEL_DROP, delivered ? UL_R_FLOODED : UL_R_UNKNOWN_UNICAST);
}

static bool redirects_in_xdp(const struct run *r, const struct sw_port *port)
{
	/* All of a port's frames take the same way; the longest must be able to. */
	return port->xdp && port->max_frame <= MAX_XDP_FRAME && (port->xdp_tcp || !is_tcp(r));
}

static void unicast_from_uplink(struct run *r, const struct dress *dress)
{
	int owner = owner_of(r->sw, r->f.vid, r->f.service, r->f.dst);
	struct audience audience = { -1, owner, (int)r->in->object, UL_GROUP_PROMISCUOUS };
	const struct sw_port *port;
	const struct sw_group *group;
	int refused = 0;

	if (owner < 0)
		return unknown_from_uplink(r, dress);
	port = &r->sw->port[owner];
	group = &r->sw->group[port->group];
	if (!serves(r->sw, &r->sw->policy[group->policy], r->in->object))
		return end(r, MODEL_DROP, UL_R_INACTIVE_UPLINK);
	if (r->in->program == MODEL_UPLINK_XDP && !redirects_in_xdp(r, port))
		return pass(r);
	if (port->absent)
		return end(r, MODEL_DROP, UL_R_PORT_DOWN);
	copy_to(r, dress, r->f.service, &audience, &refused);
	if (is_too_big(r, port->max_frame))
		return end(r, MODEL_DROP, UL_R_TOO_BIG);
	leave(r, UL_OBJECT_PORT0 + (uint32_t)owner, dress, group->mode == UL_VLAN_VGT);
	end(r, MODEL_REDIRECT, UL_R_TO_PORT);
}

static void from_uplink(struct run *r)
{
	struct dress dress;

	if (!see(r))
		return end(r, MODEL_DROP, UL_R_TRUNCATED);
	if (is_control(&r->f)) {
		if (r->in->program == MODEL_UPLINK_XDP)
			return pass(r);
		return end(r, MODEL_PASS, UL_R_CONTROL);
	}
	if (is_reserved(r->f.dst))
		return end(r, MODEL_DROP, UL_R_RESERVED_ADDRESS);
	if (is_group(r->f.src) || is_zero(r->f.src))
		return end(r, MODEL_DROP, UL_R_INVALID_SOURCE);
	if (!r->sw->uplink[r->in->object].receive)
		return end(r, MODEL_DROP, UL_R_INACTIVE_UPLINK);
	if (!vlan_exists(r->sw, r->f.vid, r->f.service))
		return end(r, MODEL_DROP, UL_R_UNKNOWN_VLAN);

	dress = (struct dress){ .vid = r->f.vid, .has_tag = r->f.tagged, .tci = r->f.tci };
	if (is_group(r->f.dst))
		return group_from_uplink(r, &dress);
	if (r->in->program == MODEL_UPLINK_XDP && vlan_is_curious(r->sw, r->f.vid))
		return pass(r);
	unicast_from_uplink(r, &dress);
}

void model_run(const struct sw *sw, const struct model_input *in, struct model_result *out)
{
	struct run r = { .sw = sw, .in = in, .out = out };

	memset(out, 0, sizeof(*out));
	out->packets = in->segments ? in->segments : 1;
	out->bytes = in->len;
	if (in->offloaded_tag && in->len >= 18 && tag_type(be16(in->data + 12)))
		out->bytes -= 4;

	if (in->object == UL_OBJECT_NONE)
		end(&r, MODEL_DROP, UL_R_UNKNOWN_PORT);
	else if (in->program == MODEL_PORT_TC)
		from_port(&r);
	else
		from_uplink(&r);
}

uint32_t model_materialize(const struct model_input *in, const struct model_copy *copy,
			   uint8_t *out)
{
	uint32_t from = copy->strip ? 16 : 12, to = 12;

	memcpy(out, in->data, 12);
	if (copy->push) {
		out[12] = 0x81;
		out[13] = 0x00;
		out[14] = (uint8_t)(copy->tci >> 8);
		out[15] = (uint8_t)copy->tci;
		to = 16;
	}
	memcpy(out + to, in->data + from, in->len - from);
	return to + in->len - from;
}
