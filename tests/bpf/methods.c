// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Which uplink each method chooses, on frames whose hash is worked out by hand. */
#include <criterion/criterion.h>

#include "cases.h"

TestSuite(methods, .timeout = 900);

/* src-dst-ip-port: h is the XOR of addresses and ports, of 16 bits in these rows. */
#define FOLDED(h) (((h) ^ (h) >> 8) >> 1)

/* tcp6:1>4 behind extension headers; letters: frames.h. The addresses differ in bits 0 and 2. */
#define EXTENDED(name, letters, h)                                          \
	{                                                                   \
		"IP and ports behind " name, UL_M_SRC_DST_IP_PORT, 0, "e0", \
			"e0>x " letters ".tcp6:1>4 len=200", FOLDED(h) % 4  \
	}

/* Over u0..u3: the uplink is the hash modulo 4. Ports: cases.h; e0 has MAC ..:01 and number 0, a1
 * ..:04 and 3, q0 ..:09 and 8; x ends in 00:11, y in 00:12. */
static const struct {
	const char *name;
	enum ul_method method;
	uint32_t flags;
	const char *from, *frame;
	uint32_t uplink;
	/* clang-format off */
} rows[] = {
	{ "IP hash", UL_M_SRC_DST_IP, 0, "e0", "e0>x udp4:1>2", 3 },
	{ "IP hash, both ways alike", UL_M_SRC_DST_IP, 0, "e0", "e0>x udp4:2>1", 3 },
	{ "IP hash, TCP alike", UL_M_SRC_DST_IP, 0, "e0", "e0>x tcp4:1>2", 3 },
	{ "IP hash, fragment alike", UL_M_SRC_DST_IP, 0, "e0", "e0>x frag4:1>2", 3 },
	{ "IP hash, VLAN pushed", UL_M_SRC_DST_IP, 0, "a1", "a1>x udp4:1>2", 3 },
	{ "IP hash through a priority tag", UL_M_SRC_DST_IP, 0, "a1", "a1>x v0 udp4:1>2", 3 },
	{ "IP hash through a guest's tag", UL_M_SRC_DST_IP, 0, "q0", "q0>x v7 udp4:1>2", 3 },
	{ "IP hash through two tags", UL_M_SRC_DST_IP, 0, "q0", "q0>x s7 v8 udp4:1>2", 3 },
	{ "IP hash, broadcast through a guest's tags", UL_M_SRC_DST_IP, 0, "q0", "q0>bcast v100 v8 udp4:1>2", 3 },
	{ "IP hash, IPv6", UL_M_SRC_DST_IP, 0, "e0", "e0>x udp6:1>4", 1 },
	{ "IP hash, IPv6 through tags", UL_M_SRC_DST_IP, 0, "q0", "q0>x v7 v8 udp6:1>4", 1 },
	{ "IP hash, ARP by MAC", UL_M_SRC_DST_IP, 0, "e0", "e0>x arp", 0 },
	{ "IP hash, ARP by MAC, another", UL_M_SRC_DST_IP, 0, "e0", "e0>y arp", 3 },
	{ "IP hash, IPX by MAC", UL_M_SRC_DST_IP, 0, "e0", "e0>x t8137", 0 },
	{ "IP hash of last octets", UL_M_SRC_DST_IP, UL_POLICY_LAST_OCTET, "e0", "e0>x udp4:257>258", 3 },
	{ "IP hash, three tags: by MAC", UL_M_SRC_DST_IP, 0, "q0", "q0>x v7 v8 v9 udp4:1>2", 0 },
	{ "source IP", UL_M_SRC_IP, 0, "e0", "e0>x udp4:6>1", 2 },
	{ "source IP, ARP by MAC", UL_M_SRC_IP, 0, "e0", "e0>x arp", 1 },
	{ "destination IP", UL_M_DST_IP, 0, "e0", "e0>x udp4:1>6", 2 },
	{ "destination IP, ARP by MAC", UL_M_DST_IP, 0, "e0", "e0>y arp", 2 },
	{ "source MAC", UL_M_SRC_MAC, 0, "a1", "a1>x udp4:1>2", 0 },
	{ "source MAC, another", UL_M_SRC_MAC, 0, "e0", "e0>x udp4:1>2", 1 },
	{ "destination MAC", UL_M_DST_MAC, 0, "e0", "e0>y", 2 },
	{ "both MACs", UL_M_SRC_DST_MAC, 0, "e0", "e0>y", 3 },
	{ "IP and ports", UL_M_SRC_DST_IP_PORT, 0, "e0", "e0>x udp4:1>2", FOLDED(1 ^ 2 ^ 40000 ^ 80) % 4 },
	{ "IP and ports, IPv6", UL_M_SRC_DST_IP_PORT, 0, "e0", "e0>x tcp6:1>4", FOLDED(1 ^ 4 ^ 40000 ^ 80) % 4 },
	{ "IP and ports, through a tag", UL_M_SRC_DST_IP_PORT, 0, "q0", "q0>x v7 tcp4:1>2", FOLDED(1 ^ 2 ^ 40000 ^ 80) % 4 },
	{ "IP and ports, fragment: IP", UL_M_SRC_DST_IP_PORT, 0, "e0", "e0>x frag4:1>6", FOLDED(7) },
	EXTENDED("hop-by-hop (BIG TCP)", "h", 1 ^ 4 ^ 40000 ^ 80),
	EXTENDED("destination options", "d", 1 ^ 4 ^ 40000 ^ 80),
	EXTENDED("routing", "r", 1 ^ 4 ^ 40000 ^ 80),
	EXTENDED("authentication", "a", 1 ^ 4 ^ 40000 ^ 80),
	EXTENDED("atomic fragment", "t", 1 ^ 4 ^ 40000 ^ 80),
	EXTENDED("six of them", "hdrtad", 1 ^ 4 ^ 40000 ^ 80),
	EXTENDED("fragment: IP", "f", 1 ^ 4),
	EXTENDED("fragment behind another: IP", "hf", 1 ^ 4),
	EXTENDED("seven of them: IP", "hdrtadd", 1 ^ 4),
	{ "port number", UL_M_PORT_ID, 0, "e0", "e0>x udp4:1>2", 0 },
	{ "port number, another", UL_M_PORT_ID, 0, "a1", "a1>x udp4:1>2", 3 },
	{ "order", UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, "a1", "a1>x udp4:1>2", 0 },
};
/* clang-format on */

static void expect_uplink(struct world *world, const char *name, uint32_t from,
			  const struct frame_buf *frame, uint32_t uplink)
{
	static struct world_counters got;
	static struct world_run run;
	char text[1000];

	world_test_run(world, MODEL_PORT_TC, from, frame, &run);
	world_counters(world, &got);
	world_print_counters(&got, text, sizeof(text));
	for (uint32_t u = 0; u < SW_UPLINKS; u++)
		cr_expect_eq(got.at[u][UL_R_SENT].packets, u == uplink, "%s: expected u%u, got%s",
			     name, uplink, text);
}

static void four_uplinks(struct sw *sw)
{
	cases_switch(sw);
	sw->n_uplinks = 4;
	sw->uplink[3] = (struct sw_uplink){ .send = true, .receive = true };
	sw->policy[0] = (struct sw_policy){
		UL_M_SRC_DST_IP, UL_POLICY_ANY_UPLINK, 4, 4, { 0, 1, 2, 3 }, 0, false
	};
}

Test(methods, table)
{
	static struct frame_buf frame;
	struct world *world = world_new(0);
	uint32_t covered = 0;
	struct sw sw;

	four_uplinks(&sw);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		covered |= 1u << rows[i].method;
		sw.policy[0].method = rows[i].method;
		sw.policy[0].flags = rows[i].flags | UL_POLICY_ANY_UPLINK;
		world_apply(world, &sw);
		frame_build(case_names, rows[i].frame, &frame);
		expect_uplink(world, rows[i].name, case_endpoint(rows[i].from), &frame,
			      rows[i].uplink);
	}
	cr_expect_eq(covered, (1u << UL_N_METHODS) - 1, "a row for every method");
	world_free(world);
}

/* The formula itself in the program, over 1 to 4 uplinks in any order of the active list. */
Test(methods, formula_for_each_number_of_uplinks)
{
	static const uint8_t order[4] = { 2, 0, 3, 1 };
	static struct frame_buf frame;
	struct world *world = world_new(0);
	char text[64];
	struct sw sw;

	four_uplinks(&sw);
	for (uint8_t n = 1; n <= 4; n++) {
		sw.policy[0].n_active = sw.policy[0].n_members = n;
		memcpy(sw.policy[0].member, order, n);
		world_apply(world, &sw);
		for (uint32_t i = 0; i < 300; i++) {
			uint32_t src = i * 7919 % 65536, dst = i * 104729 % 65536;

			snprintf(text, sizeof(text), "e0>x udp4:%u>%u", src, dst);
			frame_build(case_names, text, &frame);
			expect_uplink(world, text, case_endpoint("e0"), &frame,
				      order[(src ^ dst) % n]);
		}
	}
	world_free(world);
}
