// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/what_if.h"

#include "config/model.h"
#include "flow_hash.h"
#include "records/finding_rows.h"
#include "records/names.h"
#include "records/records.h"

#define NOWHERE UL_MAX_UPLINKS /* frames that are dropped */

/* What goes from one uplink to another. */
struct move {
	uint32_t buckets;
	double bps;
	bool estimate;
	json_t *ports;
};

struct what_if {
	const struct snapshot *now, *before;
	const struct what_if_query *query;
	double seconds;
	double sent[UL_MAX_UPLINKS];	/* bit/s, measured */
	double by_port[UL_MAX_UPLINKS]; /* the part of it that policies by port explain */
	double ports[UL_MAX_POLICIES];	/* bit/s of the ports of a policy, measured */
	double then[UL_MAX_UPLINKS + 1];
	bool estimate;
	struct move moves[UL_MAX_UPLINKS + 1][UL_MAX_UPLINKS + 1];
};

/* ---- measured loads ---- */
static double rate(const struct what_if *what_if, uint64_t now, uint64_t before)
{
	return now > before ? record_rate(now - before, 8, what_if->seconds) : 0;
}

/* Frames of a port that left by an uplink: unicast, and one copy of each flooded frame. */
static double port_rate(const struct what_if *what_if, uint32_t slot)
{
	const struct ul_stats *now = &what_if->now->port_stats[slot],
			      *before = &what_if->before->port_stats[slot];

	return rate(what_if, now->to_uplink.bytes + now->flooded.bytes,
		    before->to_uplink.bytes + before->flooded.bytes);
}

static bool is_by_port(uint32_t method)
{
	return !(ul_method_inputs(method) & ~(uint32_t)(UL_INPUT_SRC_MAC | UL_INPUT_NUMBER));
}

/* src-mac of a machine that may send from other addresses as well */
static bool has_other_sources(const struct ul_group *group)
{
	return group->flags & (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK | UL_GROUP_MAC_CHANGES);
}

static uint32_t port_bucket(const struct ul_policy *policy, uint32_t method,
			    const struct ul_port *port)
{
	struct ul_flow flow = {};

	memcpy(flow.src_mac, port->mac, 6);
	return ul_hash(method, policy->flags, &flow, port->number) % policy->n_buckets;
}

/* ---- the choice of the programs ---- */
static bool may_serve(const struct what_if *what_if, uint32_t uplink)
{
	return uplink < what_if->now->n_uplinks && what_if->now->usable >> uplink & 1 &&
	       !(what_if->query->without >> uplink & 1);
}

static uint32_t uplink_now(const struct what_if *what_if, const struct ul_policy *policy,
			   uint32_t bucket)
{
	uint32_t uplink = policy_uplink(what_if->now, policy, bucket);

	return uplink < what_if->now->n_uplinks ? uplink : NOWHERE;
}

static uint32_t uplink_then(const struct what_if *what_if, const struct ul_policy *policy,
			    uint32_t bucket)
{
	uint32_t flags = policy->flags & ~(uint32_t)UL_POLICY_ORDERED, alive = 0;
	uint32_t stays = uplink_now(what_if, policy, bucket);
	int position;

	if (what_if->query->has_method)
		flags |= what_if->query->method == UL_M_FAILOVER_ORDER ? UL_POLICY_ORDERED : 0;
	else if (stays != NOWHERE && may_serve(what_if, stays))
		return stays;
	else
		flags = policy->flags;
	for (uint32_t p = 0; p < policy->n_members; p++)
		if (may_serve(what_if, policy->member[p]))
			alive |= 1u << p;
	position = ul_serving_position(flags, policy->n_active, policy->n_members, bucket, alive);
	return position < 0 ? NOWHERE : policy->member[position];
}

/* ---- the loads afterwards ---- */
static void put(struct what_if *what_if, uint32_t from, uint32_t to, double bps, bool estimate,
		const char *port)
{
	struct move *move = &what_if->moves[from][to];

	what_if->then[to] += bps;
	what_if->estimate |= estimate;
	if (from == to)
		return;
	move->bps += bps;
	move->estimate |= estimate;
	if (!port) {
		move->buckets++;
		return;
	}
	if (!move->ports)
		move->ports = json_array();
	json_array_append_new(move->ports, record_text(port, UL_NAME_LEN));
}

static uint32_t method_then(const struct what_if *what_if, const struct ul_policy *policy)
{
	return what_if->query->has_method ? what_if->query->method : policy->method;
}

static void add_port(struct what_if *what_if, uint32_t slot, bool measure)
{
	const struct view *view = what_if->now->view;
	const struct ul_port *port = &view->ports[slot];
	const struct ul_group *group = port->group < view->max_groups ? &view->groups[port->group] :
									NULL;
	const struct ul_policy *policy = group ? policy_of(what_if->now, group) : NULL;
	double bps = port_rate(what_if, slot);
	uint32_t from, to, method;

	if (!(port->flags & UL_PORT_USED) || !policy || !policy->n_buckets)
		return;
	method = method_then(what_if, policy);
	from = uplink_now(what_if, policy, port_bucket(policy, policy->method, port));
	if (measure) {
		what_if->ports[policy - what_if->now->policies] += bps;
		if (is_by_port(policy->method) && from != NOWHERE)
			what_if->by_port[from] += bps;
		return;
	}
	if (!is_by_port(policy->method) || !is_by_port(method))
		return;
	to = uplink_then(what_if, policy, port_bucket(policy, method, port));
	put(what_if, from, to, bps,
	    (policy->method == UL_M_SRC_MAC || method == UL_M_SRC_MAC) && has_other_sources(group),
	    port->name);
}

/* With another method nothing is known of the new buckets: the load of the ports is spread evenly.
 */
static void spread(struct what_if *what_if, const struct ul_policy *policy, double total)
{
	for (uint32_t b = 0; b < policy->n_buckets; b++) {
		uint32_t to = uplink_then(what_if, policy, b);

		put(what_if, to, to, total / policy->n_buckets, true, NULL);
	}
}

/* What ports do not explain of the load of an uplink, divided among the policies by flow by the
 * load of their ports. */
static double flow_load(const struct what_if *what_if, uint32_t index, uint32_t uplink)
{
	double rest = what_if->sent[uplink] - what_if->by_port[uplink], all = 0;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		all += is_by_port(what_if->now->policies[i].method) ? 0 : what_if->ports[i];
	return rest > 0 && all > 0 ? rest * what_if->ports[index] / all : 0;
}

/* Policies in which a bucket is not a port, now or then. */
static void add_policy(struct what_if *what_if, uint32_t index)
{
	const struct ul_policy *policy = &what_if->now->policies[index];
	uint32_t buckets[UL_MAX_UPLINKS + 1] = {}, then = method_then(what_if, policy);

	if (is_by_port(policy->method) && is_by_port(then))
		return;
	if (then != policy->method) {
		spread(what_if, policy, what_if->ports[index]);
		return;
	}
	for (uint32_t b = 0; b < policy->n_buckets; b++)
		buckets[uplink_now(what_if, policy, b)]++;
	for (uint32_t b = 0; b < policy->n_buckets; b++) {
		uint32_t from = uplink_now(what_if, policy, b);
		double load = from == NOWHERE ? 0 : flow_load(what_if, index, from) / buckets[from];

		put(what_if, from, uplink_then(what_if, policy, b), load, true, NULL);
	}
}

static bool is_used(const struct view *view, uint32_t policy)
{
	for (uint32_t i = 0; i < view->max_groups; i++)
		if (view->groups[i].flags & UL_GROUP_USED && view->groups[i].policy == policy)
			return true;
	return false;
}

static void compute(struct what_if *what_if)
{
	const struct snapshot *now = what_if->now;
	uint32_t max_ports = now->view->max_ports;

	what_if->seconds = (double)(now->taken_ns - what_if->before->taken_ns) / 1e9;
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		what_if->sent[i] = rate(what_if, now->uplinks[i].stats.sent.bytes,
					what_if->before->uplinks[i].stats.sent.bytes);
	for (uint32_t slot = 0; slot < max_ports; slot++)
		add_port(what_if, slot, true);
	for (uint32_t slot = 0; slot < max_ports; slot++)
		add_port(what_if, slot, false);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		if (is_used(now->view, i))
			add_policy(what_if, i);
}

/* ---- the record ---- */
static json_t *name_or_null(const struct snapshot *snapshot, uint32_t uplink)
{
	const char *name = uplink_name(snapshot, uplink);

	return name ? json_string(name) : json_null();
}

static const char *certainty_of(bool estimate)
{
	return record_name(RECORD_CERTAINTIES, estimate ? CERTAINTY_LIKELY : CERTAINTY_PROVEN);
}

static json_t *uplinks_of(const struct what_if *what_if)
{
	json_t *uplinks = json_array();

	for (uint32_t i = 0; i < what_if->now->n_uplinks; i++) {
		double speed = (double)what_if->now->uplinks[i].raw.speed_mbps * 1e6,
		       then = what_if->then[i];

		json_array_append_new(uplinks,
				      json_pack("{s:o, s:i, s:b, s:I, s:I, s:o, s:b}", "uplink",
						name_or_null(what_if->now, i), "speed_mbps",
						(int)what_if->now->uplinks[i].raw.speed_mbps,
						"removed", what_if->query->without >> i & 1,
						"now_bps", (json_int_t)what_if->sent[i], "then_bps",
						(json_int_t)then, "use",
						speed > 0 ? json_real(then / speed) : json_null(),
						"exceeds", speed > 0 && then > speed));
	}
	return uplinks;
}

static json_t *moves_of(struct what_if *what_if)
{
	json_t *moves = json_array();

	for (uint32_t from = 0; from <= UL_MAX_UPLINKS; from++)
		for (uint32_t to = 0; to <= UL_MAX_UPLINKS; to++) {
			struct move *move = &what_if->moves[from][to];

			if (!move->buckets && !move->ports)
				continue;
			json_array_append_new(
				moves, json_pack("{s:o, s:o, s:i, s:o, s:I, s:s}", "from",
						 name_or_null(what_if->now, from), "to",
						 name_or_null(what_if->now, to), "buckets",
						 (int)move->buckets, "ports",
						 move->ports ? TAKE_PTR(move->ports) : json_array(),
						 "bps", (json_int_t)move->bps, "certainty",
						 certainty_of(move->estimate)));
		}
	return moves;
}

json_t *record_what_if(const struct snapshot *now, const struct snapshot *before,
		       const struct what_if_query *query)
{
	_cleanup_free_ struct what_if *what_if = calloc(1, sizeof(*what_if));

	if (!what_if || before->n_uplinks != now->n_uplinks)
		return NULL;
	what_if->now = now;
	what_if->before = before;
	what_if->query = query;
	compute(what_if);
	return json_pack("{s:o, s:I, s:s, s:o, s:s?, s:o, s:o}", "switch",
			 record_text(now->view->name, UL_NAME_LEN), "interval_ms",
			 (json_int_t)(what_if->seconds * 1000), "certainty",
			 certainty_of(what_if->estimate), "without",
			 record_uplink_names(now, query->without), "load_balancing",
			 query->has_method ? method_name(query->method) : NULL, "uplinks",
			 uplinks_of(what_if), "moves", moves_of(what_if));
}
