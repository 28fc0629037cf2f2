// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/which.h"

#include <arpa/inet.h>

#include "config/model.h"

/* A refused query: the message stands alone, the result is -EINVAL. */
#define invalid(errors, ...) (errors_add((errors), 0, __VA_ARGS__), -EINVAL)

/* ---- addresses ---- */
static int parse_ip(const char *text, int *ret_family, uint32_t *ret)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1) {
		*ret_family = AF_INET;
		*ret = ntohl(four.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &six) == 1) {
		*ret_family = AF_INET6;
		*ret = ul_fold_ipv6(ntohl(six.s6_addr32[0]), ntohl(six.s6_addr32[1]),
				    ntohl(six.s6_addr32[2]), ntohl(six.s6_addr32[3]));
		return 0;
	}
	return -EINVAL;
}

int flow_parse(const char *source, const char *destination, struct ul_flow *ret)
{
	int source_family, destination_family;
	struct ul_flow flow = {};

	if (parse_ip(source, &source_family, &flow.src) == 0 &&
	    parse_ip(destination, &destination_family, &flow.dst) == 0 &&
	    source_family == destination_family) {
		flow.is_ip = 1;
		*ret = flow;
		return 0;
	}
	flow = (struct ul_flow){};
	if (mac_parse(source, flow.src_mac) < 0 || mac_parse(destination, flow.dst_mac) < 0)
		return -EINVAL;
	*ret = flow;
	return 0;
}

/* ---- input of a method ---- */
/* A port of the group by its interface name or its MAC; -1: none. */
static int find_port(const struct snapshot *snapshot, uint32_t group, const char *text)
{
	const struct view *view = snapshot->view;
	uint8_t mac[6];
	int slot;

	if (mac_parse(text, mac) == 0) {
		for (uint32_t i = 0; i < view->max_ports; i++)
			if (view->ports[i].flags & UL_PORT_USED && view->ports[i].group == group &&
			    memcmp(view->ports[i].mac, mac, 6) == 0)
				return (int)i;
		return -1;
	}
	slot = port_by_name(snapshot, text);
	return slot >= 0 && view->ports[slot].group == group ? slot : -1;
}

/* A MAC address, or a port of the group, for the address of that port. */
static int mac_or_port(const struct snapshot *snapshot, uint32_t group, const char *text,
		       uint8_t mac[6])
{
	int slot;

	if (!text)
		return -EINVAL;
	if (mac_parse(text, mac) == 0)
		return 0;
	slot = find_port(snapshot, group, text);
	if (slot < 0 || mac_is_zero(snapshot->view->ports[slot].mac))
		return -EINVAL;
	memcpy(mac, snapshot->view->ports[slot].mac, 6);
	return 0;
}

static int l4_port(const char *name, const char *text, uint16_t *ret, struct errors *errors)
{
	uint64_t value;

	if (!text)
		return 0;
	if (parse_u64(text, 0, 65535, &value) < 0)
		return invalid(errors, "--%s %s: must be 0-65535", name, text);
	*ret = (uint16_t)value;
	return 0;
}

static int pair(const struct snapshot *snapshot, uint32_t group, const struct which_query *query,
		struct ul_flow *flow, struct errors *errors)
{
	int r;

	if (!query->destination)
		return invalid(errors,
			       "DST: missing: must be two IPv4, two IPv6 or two MAC addresses");
	if (flow_parse(query->source, query->destination, flow) < 0) {
		memset(flow, 0, sizeof(*flow));
		if (mac_or_port(snapshot, group, query->source, flow->src_mac) < 0 ||
		    mac_or_port(snapshot, group, query->destination, flow->dst_mac) < 0)
			return invalid(errors,
				       "%s %s: must be two IPv4, two IPv6 or two MAC addresses",
				       query->source, query->destination);
	}
	r = l4_port("sport", query->source_port, &flow->src_port, errors);
	if (r == 0)
		r = l4_port("dport", query->destination_port, &flow->dst_port, errors);
	return r;
}

/* Fills the input of the group's method. */
static int fill_flow(const struct snapshot *snapshot, uint32_t group,
		     const struct ul_policy *policy, const struct which_query *query,
		     struct ul_flow *flow, uint32_t *number, struct errors *errors)
{
	const char *method = method_name(policy->method);
	int slot;

	memset(flow, 0, sizeof(*flow));
	switch (ul_method_inputs(policy->method)) {
	case 0:
		return 0;
	case UL_INPUT_SRC_MAC:
		if (mac_or_port(snapshot, group, query->source, flow->src_mac) == 0)
			return 0;
		return invalid(
			errors,
			"%s: port group %s uses %s: SRC must be a MAC address or a port of the group, see 'uplinkctl show ports'",
			query->source, query->group, method);
	case UL_INPUT_DST_MAC:
		if (mac_or_port(snapshot, group, query->destination, flow->dst_mac) == 0)
			return 0;
		return invalid(errors, "%s: port group %s uses %s: DST must be a MAC address",
			       query->destination ? query->destination : "DST", query->group,
			       method);
	case UL_INPUT_SRC_MAC | UL_INPUT_DST_MAC:
		if (mac_or_port(snapshot, group, query->source, flow->src_mac) == 0 &&
		    mac_or_port(snapshot, group, query->destination, flow->dst_mac) == 0)
			return 0;
		return invalid(errors, "%s: port group uses %s: SRC and DST must be MAC addresses",
			       query->group, method);
	case UL_INPUT_NUMBER:
		slot = find_port(snapshot, group, query->source);
		if (slot >= 0) {
			*number = snapshot->view->ports[slot].number;
			return 0;
		}
		return invalid(
			errors,
			"%s: port group %s uses %s: SRC must be the interface or the MAC address of one of its ports, see 'uplinkctl show ports'",
			query->source, query->group, method);
	default:
		return pair(snapshot, group, query, flow, errors);
	}
}

/* ---- the answer ---- */
/* "eth0 is down": why an uplink does not serve its home bucket. */
static void describe_absence(const struct uplink_view *uplink, char *text, size_t size)
{
	/* clang-format off */
	static const char *const words[N_UPLINK_STATES] = {
		[UPLINK_SPARE] = "has recovered and is spare (failback: false)",
		[UPLINK_WAITING] = "is not ready yet",
		[UPLINK_DRAINED] = "is drained",
		[UPLINK_NO_CARRIER] = "has no carrier",
		[UPLINK_DOWN] = "is down",
		[UPLINK_MISSING] = "is missing",
		[UPLINK_FAILED] = "could not be connected",
	};
	/* clang-format on */

	snprintf(text, size, "%s %s", uplink->raw.name,
		 words[uplink->state] ? words[uplink->state] : "does not serve it");
}

static void explain(const struct snapshot *snapshot, const struct ul_policy *policy,
		    struct which_answer *answer)
{
	const char *home = uplink_name(snapshot, answer->home),
		   *uplink = uplink_name(snapshot, answer->uplink);
	char absence[128] = "";

	if (home && home != uplink)
		describe_absence(&snapshot->uplinks[answer->home], absence, sizeof(absence));
	if (!uplink)
		snprintf(answer->reason, sizeof(answer->reason),
			 "%s%sno uplink of the policy is usable: dropped (no_uplink)", absence,
			 absence[0] ? ", and " : "");
	else if (home != uplink)
		snprintf(answer->reason, sizeof(answer->reason), "%s: moved to %s",
			 home ? absence : "its home uplink does not exist", uplink);
	else if (policy->flags & UL_POLICY_ORDERED)
		snprintf(answer->reason, sizeof(answer->reason),
			 "%s is the first of the failover order", uplink);
	else if (policy->n_active == 1)
		snprintf(answer->reason, sizeof(answer->reason), "%s is the only active uplink",
			 uplink);
	else
		snprintf(answer->reason, sizeof(answer->reason),
			 "home uplink: hash %u mod %u = %u, which is %s", answer->hash,
			 policy->n_active, answer->hash % policy->n_active, uplink);
}

int which_find(const struct snapshot *snapshot, const struct which_query *query,
	       struct which_answer *ret, struct errors *errors)
{
	struct which_answer answer = { .home = UL_NO_UPLINK, .uplink = UL_NO_UPLINK };
	int group = group_by_name(snapshot, query->group), r;
	const struct ul_policy *policy;
	struct ul_flow flow;
	uint32_t number = 0;

	if (group < 0)
		return invalid(errors,
			       "%s: no such port group in switch %s; see 'uplinkctl show groups'",
			       query->group, snapshot->view->name);
	policy = policy_of(snapshot, &snapshot->view->groups[group]);
	if (!policy)
		return invalid(errors, "%s: port group has no teaming policy", query->group);
	r = fill_flow(snapshot, (uint32_t)group, policy, query, &flow, &number, errors);
	if (r < 0)
		return r;

	answer.group = (uint32_t)group;
	answer.method = policy->method;
	answer.hash = ul_hash(policy->method, policy->flags, &flow, number);
	answer.buckets = policy->n_buckets;
	if (answer.buckets) {
		answer.bucket = answer.hash % answer.buckets;
		answer.home = policy_home(policy, answer.bucket);
		answer.uplink = policy_uplink(snapshot, policy, answer.bucket);
	}
	explain(snapshot, policy, &answer);
	*ret = answer;
	return 0;
}

json_t *which_record(const struct snapshot *snapshot, const struct which_query *query,
		     const struct which_answer *answer)
{
	const char *uplink = uplink_name(snapshot, answer->uplink),
		   *home = uplink_name(snapshot, answer->home);

	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:I, s:i, s:i, s:s?, s:i, s:s?, s:s}",
			 "switch", snapshot->view->name, "group", query->group, "source",
			 query->source, "destination", query->destination, "load_balancing",
			 method_name(answer->method), "hash", (json_int_t)answer->hash, "bucket",
			 (int)answer->bucket, "buckets", (int)answer->buckets, "uplink", uplink,
			 "ifindex", uplink ? (int)snapshot->uplinks[answer->uplink].raw.ifindex : 0,
			 "home", home, "reason", answer->reason);
}
