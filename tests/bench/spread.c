// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* spread MIX METHOD N: distribution of flows over N uplinks, by the arithmetic of the data plane
 * (flow_hash.h) and the bucket tables of the daemon, and by the formulas of Linux bonding. One JSON
 * object: shares of flows and of traffic, chi-square against uniform, and the share of flows that
 * move when the last uplink fails.
 *
 * MIX: lan     253 clients of one /24 with one server of the same network
 *      campus  65,536 clients of a /16, each with four of 64 servers behind a router
 *      zipf    50,000 pairs drawn from 2,000 clients and 200 servers behind a router by Zipf's law;
 *              the traffic of a pair is Zipf-distributed as well
 * METHOD: a load-balancing name, last-octet (src-dst-ip with iphash-octets: last), or
 *         bonding:layer2, bonding:layer2+3, bonding:layer3+4
 */
#include <stdbool.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_hash.h"
#include "teaming/policy.h"

#define MAX_FLOWS 300000
#define LAN 0x0a000000
#define ROUTER (LAN + 1)

struct flow {
	struct ul_flow address;
	double weight; /* of its traffic */
};

static struct flow flows[MAX_FLOWS];
static uint32_t n_flows;
static uint64_t seed = 88172645463325252ULL;

static double random_unit(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* A rank 0 .. n - 1 by Zipf's law with exponent 1, by inversion of the continuous law. */
static uint32_t zipf(uint32_t n)
{
	return (uint32_t)(pow((double)n + 1, random_unit())) - 1;
}

/* The MAC address of a station is independent of its IP address. */
static void set_mac(__u8 mac[6], uint32_t station)
{
	uint32_t mixed = station * 0x9e3779b1;

	mixed = (mixed ^ mixed >> 15) * 0x85ebca6b;
	mixed ^= mixed >> 13;
	for (int i = 0; i < 4; i++)
		mac[2 + i] = (__u8)(mixed >> (24 - 8 * i));
}

/* next_hop: the station that the frame is addressed to: the destination itself, or a router */
static void add_flow(uint32_t src, uint32_t dst, uint32_t next_hop, double weight)
{
	struct flow *flow = &flows[n_flows++];

	flow->address = (struct ul_flow){ .src = src, .dst = dst, .is_ip = 1, .dst_port = 443 };
	flow->address.src_port = (__u16)(32768 + (uint32_t)(random_unit() * 28232));
	set_mac(flow->address.src_mac, src);
	set_mac(flow->address.dst_mac, next_hop);
	flow->weight = weight;
}

static bool make_mix(const char *mix)
{
	uint32_t dst;

	if (!strcmp(mix, "lan")) {
		for (uint32_t i = 1; i < 254; i++)
			add_flow(LAN + i, LAN + 254, LAN + 254, 1);
	} else if (!strcmp(mix, "campus")) {
		for (uint32_t i = 0; i < 65536; i++)
			for (uint32_t s = 0; s < 4; s++) {
				dst = 0x0a640000 + 10 + (uint32_t)(random_unit() * 64);
				add_flow(0xac100000 + i, dst, ROUTER, 1);
			}
	} else if (!strcmp(mix, "zipf")) {
		for (uint32_t i = 0; i < 50000; i++) {
			dst = 0xcb007100 + zipf(200);
			add_flow(0xc0a80000 + zipf(2000), dst, ROUTER, 1.0 / (1 + zipf(50000)));
		}
	} else {
		return false;
	}
	return true;
}

/* Linux 6.x, drivers/net/bonding/bond_main.c: bond_xmit_hash() for IPv4 with ports; count is the
 * number of live ports. */
static uint32_t bonding(const char *policy, const struct ul_flow *flow, uint32_t count)
{
	uint32_t layer2 = flow->src_mac[5] ^ flow->dst_mac[5] ^ 0x0800, hash;

	if (!strcmp(policy, "layer2"))
		return layer2 % count;
	/* The kernel computes on network order; the folding below makes byte order matter. */
	hash = !strcmp(policy, "layer2+3") ?
		       layer2 :
		       __builtin_bswap32((uint32_t)flow->src_port << 16 | flow->dst_port);
	hash ^= __builtin_bswap32(flow->src) ^ __builtin_bswap32(flow->dst);
	hash ^= hash >> 16;
	hash ^= hash >> 8;
	return (!strcmp(policy, "layer3+4") ? hash >> 1 : hash) % count;
}

static uint32_t choose(const char *method, const struct ul_policy *policy,
		       const struct ul_flow *flow, uint32_t live)
{
	if (!strncmp(method, "bonding:", 8))
		return bonding(method + 8, flow, live);
	return policy->bucket[ul_hash(policy->method, policy->flags, flow, 0) % policy->n_buckets];
}

static void build(const char *method, uint32_t n, uint32_t usable, struct ul_policy *policy)
{
	static const struct {
		const char *name;
		enum ul_method method;
		/* clang-format off */
	} methods[] = {
#define X(NAME, number, name, channels, inputs, help) { name, UL_M_##NAME },
		UL_METHODS(X)
#undef X
		{ "last-octet", UL_M_SRC_DST_IP },
	};
	/* clang-format on */
	struct teaming teaming = { .n_active = (__u8)n,
				   .last_octet = !strcmp(method, "last-octet") };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, method))
			teaming.method = methods[i].method;
	for (uint32_t i = 0; i < n; i++)
		teaming.active[i] = (__u8)i;
	policy_build(&teaming, UL_CHANNEL_STATIC, usable, 0, policy);
}

int main(int argc, char **argv)
{
	double share[UL_MAX_UPLINKS] = {}, traffic[UL_MAX_UPLINKS] = {}, total = 0, chi_square = 0;
	struct ul_policy before, after;
	uint32_t n, moved = 0;

	if (argc != 4 || !make_mix(argv[1]) || atoi(argv[3]) < 2 ||
	    atoi(argv[3]) > UL_MAX_UPLINKS) {
		fprintf(stderr, "usage: spread lan|campus|zipf METHOD 2-24\n");
		return 2;
	}
	n = (uint32_t)atoi(argv[3]);
	build(argv[2], n, (1u << n) - 1, &before);
	build(argv[2], n, (1u << (n - 1)) - 1, &after);
	for (uint32_t i = 0; i < n_flows; i++) {
		uint32_t uplink = choose(argv[2], &before, &flows[i].address, n);

		share[uplink]++;
		traffic[uplink] += flows[i].weight;
		total += flows[i].weight;
		moved += choose(argv[2], &after, &flows[i].address, n - 1) != uplink;
	}
	for (uint32_t i = 0; i < n; i++)
		chi_square += (share[i] - (double)n_flows / n) * (share[i] - (double)n_flows / n) /
			      ((double)n_flows / n);
	printf("{\"flows\":%u,\"chi_square\":%.3f,\"degrees\":%u,\"moved\":%.5f,\"shares\":[",
	       n_flows, chi_square, n - 1, (double)moved / n_flows);
	for (uint32_t i = 0; i < n; i++)
		printf("%s%.5f", i ? "," : "", share[i] / n_flows);
	printf("],\"traffic\":[");
	for (uint32_t i = 0; i < n; i++)
		printf("%s%.5f", i ? "," : "", traffic[i] / total);
	printf("]}\n");
	return 0;
}
