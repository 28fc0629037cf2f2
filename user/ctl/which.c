// SPDX-License-Identifier: GPL-2.0
#include "ctl/which.h"

#include <arpa/inet.h>
#include <stdarg.h>

#include "config/model.h"
#include "ctl/ctl.h"
#include "ctl/records.h"

/* ---- addresses
 * -----------------------------------------------------------------------------------------------------
 */
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

/* ---- what a method needs
 * --------------------------------------------------------------------------------------------- */
/* What takes part in the hash, so what has to be given. */
enum need {
	NEED_PAIR,
	NEED_SOURCE_MAC,
	NEED_DESTINATION_MAC,
	NEED_MAC_PAIR,
	NEED_PORT,
	NEED_NOTHING
};

static enum need need_of(uint32_t method)
{
	switch (method) {
	case UL_M_SRC_MAC:
		return NEED_SOURCE_MAC;
	case UL_M_DST_MAC:
		return NEED_DESTINATION_MAC;
	case UL_M_SRC_DST_MAC:
		return NEED_MAC_PAIR;
	case UL_M_PORT_ID:
		return NEED_PORT;
	case UL_M_FAILOVER_ORDER:
		return NEED_NOTHING;
	default:
		return NEED_PAIR;
	}
}

static int problem(char **ret_problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int problem(char **ret_problem, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(ret_problem, format, ap) < 0)
		*ret_problem = NULL;
	va_end(ap);
	return -EINVAL;
}

/* A port of the group by its interface name or its MAC; -1: none. */
static int find_port(const struct snapshot *snapshot, uint32_t group, const char *text)
{
	const struct view *view = snapshot->view;
	uint8_t mac[6];
	int slot;

	if (mac_parse(text, mac) == 0) {
		for (uint32_t i = 0; i < view->meta->max_ports; i++)
			if (view->ports[i].flags & UL_PORT_USED && view->ports[i].group == group &&
			    memcmp(view->ports[i].mac, mac, 6) == 0)
				return (int)i;
		return -1;
	}
	slot = port_by_name(snapshot, text);
	return slot >= 0 && view->ports[slot].group == group ? slot : -1;
}

/* A MAC, or the name of a port of the group, which stands for the port's MAC. */
static int mac_or_port(const struct snapshot *snapshot, uint32_t group, const char *text,
		       uint8_t mac[6])
{
	static const uint8_t unknown[6];
	int slot;

	if (!text)
		return -EINVAL;
	if (mac_parse(text, mac) == 0)
		return 0;
	slot = find_port(snapshot, group, text);
	if (slot < 0 || memcmp(snapshot->view->ports[slot].mac, unknown, 6) == 0)
		return -EINVAL;
	memcpy(mac, snapshot->view->ports[slot].mac, 6);
	return 0;
}

static int l4_port(const char *name, const char *text, uint16_t *ret, char **ret_problem)
{
	uint64_t value;

	if (!text)
		return 0;
	if (parse_u64(text, 0, 65535, &value) < 0)
		return problem(ret_problem, "--%s %s: must be 0-65535", name, text);
	*ret = (uint16_t)value;
	return 0;
}

static int pair(const struct snapshot *snapshot, uint32_t group, const struct which_query *query,
		struct ul_flow *flow, char **ret_problem)
{
	int r;

	if (!query->destination)
		return problem(
			ret_problem,
			"the destination is missing: two IPv4, two IPv6 or two MAC addresses");
	if (flow_parse(query->source, query->destination, flow) < 0) {
		memset(flow, 0, sizeof(*flow));
		if (mac_or_port(snapshot, group, query->source, flow->src_mac) < 0 ||
		    mac_or_port(snapshot, group, query->destination, flow->dst_mac) < 0)
			return problem(ret_problem,
				       "%s %s: must be two IPv4, two IPv6 or two MAC addresses",
				       query->source, query->destination);
	}
	r = l4_port("sport", query->source_port, &flow->src_port, ret_problem);
	if (r == 0)
		r = l4_port("dport", query->destination_port, &flow->dst_port, ret_problem);
	return r;
}

/* Fills what the group's method looks at. */
static int understand(const struct snapshot *snapshot, uint32_t group,
		      const struct ul_policy *policy, const struct which_query *query,
		      struct ul_flow *flow, uint32_t *number, char **ret_problem)
{
	const char *method = method_name(policy->method);
	int slot;

	memset(flow, 0, sizeof(*flow));
	switch (need_of(policy->method)) {
	case NEED_PAIR:
		return pair(snapshot, group, query, flow, ret_problem);
	case NEED_SOURCE_MAC:
		if (mac_or_port(snapshot, group, query->source, flow->src_mac) == 0)
			return 0;
		return problem(
			ret_problem,
			"%s: port group %s balances by %s: SRC must be a MAC address or a port of the group (see 'uplinkctl show ports'); "
			"DST does not matter",
			query->source, query->group, method);
	case NEED_DESTINATION_MAC:
		if (mac_or_port(snapshot, group, query->destination, flow->dst_mac) == 0)
			return 0;
		return problem(ret_problem,
			       "%s: port group %s balances by %s: DST must be a MAC address",
			       query->destination ? query->destination : "DST", query->group,
			       method);
	case NEED_MAC_PAIR:
		if (mac_or_port(snapshot, group, query->source, flow->src_mac) == 0 &&
		    mac_or_port(snapshot, group, query->destination, flow->dst_mac) == 0)
			return 0;
		return problem(ret_problem,
			       "port group %s balances by %s: SRC and DST must be MAC addresses",
			       query->group, method);
	case NEED_PORT:
		slot = find_port(snapshot, group, query->source);
		if (slot >= 0) {
			*number = snapshot->view->ports[slot].number;
			return 0;
		}
		return problem(
			ret_problem,
			"%s: port group %s balances by %s: SRC must be the interface or the MAC of one of its ports "
			"(see 'uplinkctl show ports'); DST does not matter",
			query->source, query->group, method);
	case NEED_NOTHING:
		break;
	}
	return 0;
}

/* ---- the answer
 * ------------------------------------------------------------------------------------------------------
 */
/* "eth0 is down": why an uplink does not serve its own bucket. */
static void describe_absence(const struct uplink_view *uplink, char *text, size_t size)
{
	static const char *const words[N_UPLINK_STATES] = {
		[UPLINK_SPARE] = "has recovered but waits as a spare (failback: false)",
		[UPLINK_WAITING] = "is not ready yet",
		[UPLINK_DRAINED] = "is drained",
		[UPLINK_NO_CARRIER] = "has no carrier",
		[UPLINK_DOWN] = "is down",
		[UPLINK_MISSING] = "is missing",
	};

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
			 home ? absence : "its own uplink is gone", uplink);
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
	       struct which_answer *ret, char **ret_problem)
{
	struct which_answer answer = { .home = UL_NO_UPLINK, .uplink = UL_NO_UPLINK };
	int group = group_by_name(snapshot, query->group), r;
	const struct ul_policy *policy;
	struct ul_flow flow;
	uint32_t number = 0;

	if (group < 0)
		return problem(ret_problem,
			       "%s: switch %s has no such port group (see 'uplinkctl show groups')",
			       query->group, snapshot->view->name);
	policy = policy_of(snapshot, &snapshot->view->groups[group]);
	if (!policy)
		return problem(ret_problem, "%s: has no teaming policy", query->group);
	r = understand(snapshot, (uint32_t)group, policy, query, &flow, &number, ret_problem);
	if (r < 0)
		return r;

	answer.group = (uint32_t)group;
	answer.method = policy->method;
	answer.hash = ul_hash(policy->method, policy->flags, &flow, number);
	answer.buckets = policy->n_buckets <= UL_MAX_BUCKETS ? policy->n_buckets : 0;
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

/* ---- the command ------------------------------------------------------------ */
/* 10.0.0.1 -> 10.0.0.2 in vswitch0/prod: eth1
 *   home uplink: hash 3 mod 2 = 1, which is eth1
 *   src-dst-ip hash 0x00000003, bucket 3 of 1024 */
static void print_answer(struct ctl *ctl, const struct snapshot *snapshot,
			 const struct which_query *query, const struct which_answer *answer)
{
	const char *arrow = ctl->style.utf8 ? "→" : "->",
		   *uplink = uplink_name(snapshot, answer->uplink);
	enum tint tint = !uplink			? TINT_BAD :
			 answer->uplink == answer->home ? TINT_GOOD :
							  TINT_WARN;

	fprintf(ctl->out, "%s", query->source);
	if (query->destination)
		fprintf(ctl->out, " %s %s", arrow, query->destination);
	fprintf(ctl->out, " in %s/%s: %s%s%s\n", snapshot->view->name, query->group,
		tint_start(&ctl->style, tint), uplink ? uplink : "dropped",
		tint_end(&ctl->style, tint));
	fprintf(ctl->out, "  %s\n", answer->reason);
	fprintf(ctl->out, "  %s%s hash 0x%08x, bucket %u of %u%s\n",
		tint_start(&ctl->style, TINT_DIM), method_name(answer->method), answer->hash,
		answer->bucket, answer->buckets, tint_end(&ctl->style, TINT_DIM));
}

int cmd_which(struct ctl *ctl)
{
	const struct which_query query = {
		.group = ctl->arguments[1],
		.source = ctl->arguments[2],
		.destination = ctl->arguments[3],
		.source_port = ctl->source_port,
		.destination_port = ctl->destination_port,
	};
	_cleanup_(switches_close) struct switches switches = {};
	_cleanup_free_ char *wrong = NULL;
	struct which_answer answer;
	int status;

	status = switches_open(ctl, ctl->arguments[0], &switches);
	if (status)
		return status;
	if (which_find(switches.snapshots[0], &query, &answer, &wrong) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s", wrong ? wrong : "out of memory");
	if (ctl->json)
		return ctl_print_json(ctl, which_record(switches.snapshots[0], &query, &answer));
	print_answer(ctl, switches.snapshots[0], &query, &answer);
	return CTL_DONE;
}
