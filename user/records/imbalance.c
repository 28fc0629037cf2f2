// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/imbalance.h"

#include <arpa/inet.h>
#include <net/ethernet.h>

#include "config/model.h"
#include "flow_hash.h"

#define MAX_FLOWS 4096
#define N_PAIRS 3 /* that are named */
/* A method helps when the busiest uplink gets at most this part of its present load. */
#define HELPS_BELOW 0.8

struct flow {
	struct ul_flow hash;
	uint8_t ip[2][16]; /* source and destination; IPv4: the first four bytes */
	uint16_t ethertype;
	uint32_t uplink;
	uint64_t bytes;
};

struct imbalance {
	const struct snapshot *snapshot;
	uint32_t n_flows;
	uint64_t total, other; /* bytes; of flows that found no room */
	struct flow flow[MAX_FLOWS];
};

int imbalance_new(const struct snapshot *snapshot, struct imbalance **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->snapshot = snapshot;
	return 0;
}

void imbalance_free(struct imbalance *imbalance)
{
	free(imbalance);
}

/* ---- frames ---- */
static uint32_t word_at(const uint8_t *at)
{
	return (uint32_t)get_be16(at) << 16 | get_be16(at + 2);
}

static void parse_ports(const uint8_t *at, size_t left, uint8_t protocol, struct flow *ret)
{
	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || left < 4)
		return;
	ret->hash.src_port = get_be16(at);
	ret->hash.dst_port = get_be16(at + 2);
}

static void parse_ipv4(const uint8_t *ip, size_t left, struct flow *ret)
{
	size_t header = left ? (size_t)(ip[0] & 0xf) * 4 : 0;

	if (left < 20 || header < 20)
		return;
	memcpy(ret->ip[0], ip + 12, 4);
	memcpy(ret->ip[1], ip + 16, 4);
	ret->hash.is_ip = 1;
	ret->hash.src = word_at(ip + 12);
	ret->hash.dst = word_at(ip + 16);
	/* no ports of fragments, as in the programs */
	if (!(get_be16(ip + 6) & 0x3fff) && left > header)
		parse_ports(ip + header, left - header, ip[9], ret);
}

static void parse_ipv6(const uint8_t *ip, size_t left, struct flow *ret)
{
	if (left < 40)
		return;
	memcpy(ret->ip[0], ip + 8, 16);
	memcpy(ret->ip[1], ip + 24, 16);
	ret->hash.is_ip = 1;
	ret->hash.src =
		ul_fold_ipv6(word_at(ip + 8), word_at(ip + 12), word_at(ip + 16), word_at(ip + 20));
	ret->hash.dst = ul_fold_ipv6(word_at(ip + 24), word_at(ip + 28), word_at(ip + 32),
				     word_at(ip + 36));
	parse_ports(ip + 40, left - 40, ip[6], ret);
}

static bool parse(const uint8_t *frame, size_t captured, struct flow *ret)
{
	size_t at = 12;

	*ret = (struct flow){};
	if (captured < 14)
		return false;
	memcpy(ret->hash.dst_mac, frame, 6);
	memcpy(ret->hash.src_mac, frame + 6, 6);
	/* an inner tag */
	if (get_be16(frame + at) == ETHERTYPE_VLAN && captured >= 18)
		at += 4;
	ret->ethertype = get_be16(frame + at);
	if (ret->ethertype == ETHERTYPE_IP)
		parse_ipv4(frame + at + 2, captured - at - 2, ret);
	else if (ret->ethertype == ETHERTYPE_IPV6)
		parse_ipv6(frame + at + 2, captured - at - 2, ret);
	return true;
}

static bool is_same(const struct flow *a, const struct flow *b)
{
	return a->uplink == b->uplink && a->ethertype == b->ethertype &&
	       memcmp(&a->hash, &b->hash, sizeof(a->hash)) == 0 &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* A table with open addressing, half full at most. */
void imbalance_add(struct imbalance *imbalance, uint32_t uplink, const uint8_t *frame,
		   size_t captured, uint32_t bytes)
{
	struct flow flow;
	uint32_t at;

	if (uplink >= imbalance->snapshot->n_uplinks || !parse(frame, captured, &flow))
		return;
	flow.uplink = uplink;
	imbalance->total += bytes;
	at = (flow.hash.src * 31 + flow.hash.dst + flow.hash.src_port * 7u + flow.hash.dst_port +
	      ul_mac_tail(flow.hash.src_mac) + ul_mac_tail(flow.hash.dst_mac)) *
		     0x9e3779b1u >>
	     20;
	while (imbalance->flow[at].bytes && !is_same(&imbalance->flow[at], &flow))
		at = (at + 1) % MAX_FLOWS;
	if (!imbalance->flow[at].bytes) {
		if (imbalance->n_flows == MAX_FLOWS / 2) {
			imbalance->other += bytes;
			return;
		}
		imbalance->n_flows++;
		imbalance->flow[at] = flow;
	}
	imbalance->flow[at].bytes += bytes;
}

/* ---- explanations ---- */
/* The policy of the groups; with a channel all have the same members. */
static const struct ul_policy *policy_in_use(const struct snapshot *snapshot)
{
	const struct view *view = snapshot->view;

	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_policy *policy = policy_of(snapshot, &view->groups[i]);

		if (view->groups[i].flags & UL_GROUP_USED && policy && policy->n_buckets)
			return policy;
	}
	return NULL;
}

/* The share of the busiest uplink, 0-1, if all flows were hashed by the method. */
static double worst_share(const struct imbalance *imbalance, const struct ul_policy *policy,
			  uint32_t method)
{
	uint64_t load[UL_MAX_UPLINKS] = {}, most = 0;

	for (uint32_t i = 0; i < MAX_FLOWS; i++) {
		const struct flow *flow = &imbalance->flow[i];
		uint32_t bucket, uplink;

		if (!flow->bytes)
			continue;
		bucket = ul_hash(method, policy->flags, &flow->hash, 0) % policy->n_buckets;
		uplink = policy_uplink(imbalance->snapshot, policy, bucket);
		if (uplink < UL_MAX_UPLINKS)
			load[uplink] += flow->bytes;
	}
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		most = load[i] > most ? load[i] : most;
	return imbalance->total ? (double)(most + imbalance->other) / (double)imbalance->total : 1;
}

static void add_sentence(json_t *record, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_sentence(json_t *record, const char *format, ...)
{
	char sentence[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	json_array_append_new(json_object_get(record, "evidence"), json_string(sentence));
}

static void address_text(const struct flow *flow, int side, char text[INET6_ADDRSTRLEN])
{
	if (!flow->hash.is_ip)
		mac_format(side ? flow->hash.dst_mac : flow->hash.src_mac, text);
	else
		inet_ntop(flow->ethertype == ETHERTYPE_IP ? AF_INET : AF_INET6, flow->ip[side],
			  text, INET6_ADDRSTRLEN);
}

/* Connections of one pair of addresses are one for the methods without ports. */
static bool is_same_pair(const struct flow *a, const struct flow *b)
{
	if (a->uplink != b->uplink || a->ethertype != b->ethertype)
		return false;
	if (a->hash.is_ip)
		return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
	return memcmp(a->hash.src_mac, b->hash.src_mac, 6) == 0 &&
	       memcmp(a->hash.dst_mac, b->hash.dst_mac, 6) == 0;
}

/* The pair with the most bytes on the uplink but for those named before. */
static const struct flow *next_pair(const struct imbalance *imbalance, uint32_t uplink,
				    const struct flow *const *named, size_t n, uint64_t *ret_bytes)
{
	const struct flow *found = NULL;

	*ret_bytes = 0;
	for (uint32_t i = 0; i < MAX_FLOWS; i++) {
		const struct flow *flow = &imbalance->flow[i];
		uint64_t bytes = 0;
		size_t k = 0;

		/* A pair without a flow of a hundredth of the load is not among the first. */
		if (flow->uplink != uplink || flow->bytes <= imbalance->total / 100)
			continue;
		while (k < n && !is_same_pair(named[k], flow))
			k++;
		if (k < n)
			continue;
		for (uint32_t j = 0; j < MAX_FLOWS; j++)
			if (imbalance->flow[j].bytes && is_same_pair(&imbalance->flow[j], flow))
				bytes += imbalance->flow[j].bytes;
		if (bytes > *ret_bytes) {
			*ret_bytes = bytes;
			found = flow;
		}
	}
	return found;
}

static void name_pairs(const struct imbalance *imbalance, uint32_t uplink, json_t *record)
{
	const struct flow *named[N_PAIRS];
	uint64_t bytes;

	for (size_t n = 0; n < N_PAIRS; n++) {
		char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

		named[n] = next_pair(imbalance, uplink, named, n, &bytes);
		if (!named[n])
			return;
		address_text(named[n], 0, src);
		address_text(named[n], 1, dst);
		add_sentence(record, "%s to %s: %.0f %% of all bytes", src, dst,
			     100.0 * (double)bytes / (double)imbalance->total);
	}
}

void imbalance_explain(const struct imbalance *imbalance, const char *name, json_t *record)
{
	const struct snapshot *snapshot = imbalance->snapshot;
	const struct ul_policy *policy = policy_in_use(snapshot);
	int uplink = uplink_by_name(snapshot, name);
	double now, best = 1;
	uint32_t choice = UL_N_METHODS;
	char remedy[160];

	if (uplink < 0 || !policy || !imbalance->total)
		return;
	name_pairs(imbalance, (uint32_t)uplink, record);
	now = worst_share(imbalance, policy, policy->method);
	for (uint32_t method = 0; method < UL_N_METHODS; method++) {
		double share = worst_share(imbalance, policy, method);

		if (!ul_method_fits(method, snapshot->view->meta->channel) || share >= best)
			continue;
		best = share;
		choice = method;
	}
	add_sentence(record, "share of the busiest uplink in a sample: %s %.0f %%%s%s %.0f %%",
		     method_name(policy->method), 100 * now, choice < UL_N_METHODS ? ", best " : "",
		     choice < UL_N_METHODS ? method_name(choice) : "", 100 * best);
	if (choice < UL_N_METHODS && best <= HELPS_BELOW * now)
		snprintf(
			remedy, sizeof(remedy),
			"set 'load-balancing: %s': the busiest uplink would have %.0f %% instead of %.0f %%",
			method_name(choice), 100 * best, 100 * now);
	else
		snprintf(remedy, sizeof(remedy),
			 "no method spreads these flows: one of them is larger than a share");
	json_object_set_new(record, "remedy", json_string(remedy));
}
