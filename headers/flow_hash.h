/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Which bucket a frame belongs to, and which uplink serves a bucket whose own uplink is dead. Pure
 * arithmetic, one copy for the TC and XDP programs, the daemon, `uplinkctl which` and the tests. */
#ifndef UL_FLOW_HASH_H
#define UL_FLOW_HASH_H

#include "abi.h"

#define UL_INLINE static inline __attribute__((always_inline))

/* What selection looks at; the header cursor (bpf/parse.bpf.h) and uplinkctl fill it. All numbers
 * in host order. */
struct ul_flow {
	__u32 src, dst;		  /* IPv4: the address; IPv6: its four words XORed; 0 without IP */
	__u16 src_port, dst_port; /* TCP and UDP; 0 otherwise and in fragments */
	__u8 is_ip;		  /* src and dst are valid */
	__u8 reserved;
	__u8 src_mac[6], dst_mac[6]; /* wire order */
};

UL_INLINE __u32 ul_mac_tail(const __u8 mac[6])
{
	return (__u32)mac[4] << 8 | mac[5];
}

/* IPv6 has no rule by any vendor; ours folds the address to the width of IPv4. w: four words in
 * host order. */
UL_INLINE __u32 ul_fold_ipv6(__u32 w0, __u32 w1, __u32 w2, __u32 w3)
{
	return w0 ^ w1 ^ w2 ^ w3;
}

/* XOR of addresses and ports, folded, without its lowest bit. Linux takes even source ports for
 * connect(), so the lowest bit is the same for all connections of a pair of machines. Linux
 * bonding folds and shifts in the same way. */
UL_INLINE __u32 ul_fold_ports(__u32 hash)
{
	hash ^= hash >> 16;
	hash ^= hash >> 8;
	return hash >> 1;
}

/* The hash of a frame by a method. "Route based on IP hash" is (source XOR destination) mod n over
 * whole addresses in numeric order (VMware KB 1007371 as reported by F. Denneman, 2011; later
 * VMware documents take the last octet: UL_POLICY_LAST_OCTET). A frame without IP is hashed by the
 * last two bytes of its MAC addresses, as switches do. number: the port's, for port-id. */
UL_INLINE __u32 ul_hash(__u32 method, __u32 policy_flags, const struct ul_flow *flow, __u32 number)
{
	__u32 src = flow->is_ip ? flow->src : ul_mac_tail(flow->src_mac);
	__u32 dst = flow->is_ip ? flow->dst : ul_mac_tail(flow->dst_mac);
	__u32 octet = flow->is_ip && (policy_flags & UL_POLICY_LAST_OCTET) ? 0xff : 0xffffffff;

	switch (method) {
	case UL_M_SRC_DST_IP:
		return (src ^ dst) & octet;
	case UL_M_SRC_IP:
		return src & octet;
	case UL_M_DST_IP:
		return dst & octet;
	case UL_M_SRC_DST_IP_PORT:
		return ul_fold_ports(src ^ dst ^ flow->src_port ^ flow->dst_port);
	case UL_M_SRC_MAC:
		return flow->src_mac[5];
	case UL_M_DST_MAC:
		return flow->dst_mac[5];
	case UL_M_SRC_DST_MAC:
		return ul_mac_tail(flow->src_mac) ^ ul_mac_tail(flow->dst_mac);
	case UL_M_PORT_ID:
		return number;
	/* failover-order: one bucket is as good as another */
	default:
		return 0;
	}
}

/* n_active * k buckets for the largest k that fits: (h mod nk) mod n == h mod n, so the table keeps
 * the formula exact. n 1-24. */
UL_INLINE __u32 ul_n_buckets(__u32 n_active)
{
	return n_active * (UL_MAX_BUCKETS / n_active);
}

/* Bit arithmetic and few branches in what follows: the kernel's verifier walks through every path.
 */
UL_INLINE __u32 ul_lowest_bits(__u32 n)
{
	return (1u << (n & 31)) - 1;
}

/* The compilers' builtins for these do not exist for BPF everywhere (clang 14). */
UL_INLINE __u32 ul_count_bits(__u32 mask)
{
	mask -= mask >> 1 & 0x55555555;
	mask = (mask & 0x33333333) + (mask >> 2 & 0x33333333);
	mask = (mask + (mask >> 4)) & 0x0f0f0f0f;
	return mask * 0x01010101 >> 24;
}

/* Index of the lowest set bit; mask not 0. */
UL_INLINE __u32 ul_lowest_index(__u32 mask)
{
	return ul_count_bits((mask & -mask) - 1);
}

/* mask without its n lowest set bits */
UL_INLINE __u32 ul_drop_lowest(__u32 mask, __u32 n)
{
	for (__u32 i = 0; i < UL_MAX_UPLINKS; i++) {
		if (i >= n)
			break;
		mask &= mask - 1;
	}
	return mask;
}

/* How much position likes bucket when the bucket's own position is dead, at least 1: of the live
 * ones the highest wins (rendezvous hashing), so a further failure moves nothing else. The bucket's
 * quotient names the favourite, which spreads the dead position's buckets evenly over the others.
 */
UL_INLINE __u32 ul_affinity(__u32 bucket, __u32 n, __u32 position)
{
	__u32 home = bucket % n;
	__u32 favourite = n > 1 ? (home + 1 + bucket / n % (n - 1)) % n : home;
	__u32 mix = (bucket * 32 + position + 1) * 0x9e3779b1;

	if (position == favourite)
		return 0xffffffff;
	mix ^= mix >> 15;
	mix *= 0x85ebca6b;
	mix ^= mix >> 13;
	return (mix & 0x7fffffff) | 1;
}

struct ul_contest {
	__u32 bucket, n_active, alive, best, position;
};

static long __attribute__((unused)) ul_contest_round(__u32 position, struct ul_contest *contest)
{
	__u32 affinity = ul_affinity(contest->bucket, contest->n_active, position);

	if (contest->alive >> (position & 31) & 1 && affinity > contest->best) {
		contest->best = affinity;
		contest->position = position;
	}
	return 0;
}

/* The position that serves bucket now: its own if alive; else the standby that takes its place (the
 * first dead active one gets the first live standby, and so on); else a live active one by
 * affinity; else whoever lives. UL_POLICY_ORDERED: the first that lives. alive: bit p = the uplink
 * at position p can be used. n_active 1-24, n_members n_active-24. Returns a position, or -1 if
 * none lives. */
UL_INLINE int ul_serving_position(__u32 policy_flags, __u32 n_active, __u32 n_members, __u32 bucket,
				  __u32 alive)
{
	struct ul_contest contest = { .bucket = bucket, .n_active = n_active };
	__u32 home, standby;

	contest.alive = alive &= ul_lowest_bits(n_members);
	if (!alive || !n_active)
		return -1;
	if (policy_flags & UL_POLICY_ORDERED)
		return (int)ul_lowest_index(alive);

	home = bucket % n_active;
	if (alive >> home & 1)
		return (int)home;

	standby = alive & ~ul_lowest_bits(n_active);
	standby = ul_drop_lowest(standby, ul_count_bits(~alive & ul_lowest_bits(home)));
	if (standby)
		return (int)ul_lowest_index(standby);

#ifdef __bpf__
	bpf_loop(n_active, ul_contest_round, &contest, 0);
#else
	for (__u32 position = 0; position < n_active; position++)
		ul_contest_round(position, &contest);
#endif
	return contest.best ? (int)contest.position : (int)ul_lowest_index(alive);
}

/* Which positions serve at all: the live active ones and as many live standby ones as active ones
 * are dead; UL_POLICY_ORDERED: the first live one. */
UL_INLINE __u32 ul_serving_positions(__u32 policy_flags, __u32 n_active, __u32 n_members,
				     __u32 alive)
{
	__u32 wanted = policy_flags & UL_POLICY_ORDERED ? 1 : n_active;

	alive &= ul_lowest_bits(n_members);
	return alive & ~ul_drop_lowest(alive, wanted);
}

#endif
