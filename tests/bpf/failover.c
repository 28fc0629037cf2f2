// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Cables that are really cut: the programs see the carrier themselves, and no daemon runs here. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "check.h"

/* The kernel is asked, not the programs: a fault of theirs must not skip what would find it. */
static void need_rdonly_cast(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512];
	bool found = false;

	cr_assert(file, "/proc/kallsyms");
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, " bpf_rdonly_cast");
	fclose(file);
	if (!found)
		cr_skip_test(
			"this kernel has no bpf_rdonly_cast (6.2): the carrier is the daemon's business");
}

TestSuite(failover, .init = need_rdonly_cast, .timeout = 900);

#define N_FLOWS 1024

static void cut(struct sw *sw, uint32_t uplink, bool cut)
{
	sw->uplink[uplink].cut = cut;
	world_command("ip link set w%u %s", uplink, cut ? "down" : "up");
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

/* Where each of the flows goes now; *notes: how many went by another uplink than the daemon said.
 */
static void where_flows_go(struct world *world, uint32_t uplinks[N_FLOWS], uint64_t *notes)
{
	static struct world_counters got;
	static struct world_run run;
	static struct frame_buf frame;
	char text[64];

	*notes = 0;
	for (uint32_t i = 0; i < N_FLOWS; i++) {
		snprintf(text, sizeof(text), "a0>x udp4:%u>0", i);
		frame_build(case_names, text, &frame);
		world_test_run(world, MODEL_PORT_TC, case_endpoint("a0"), &frame, &run);
		world_counters(world, &got);
		uplinks[i] = UL_NO_UPLINK;
		for (uint32_t u = 0; u < SW_UPLINKS; u++)
			if (got.at[u][UL_R_SENT].packets)
				uplinks[i] = u;
		*notes += got.at[case_endpoint("a0")][UL_R_FAILOVER].packets;
		cr_assert_eq(uplinks[i] == UL_NO_UPLINK,
			     got.at[case_endpoint("a0")][UL_R_NO_UPLINK].packets == 1);
	}
}

Test(failover, a_cut_cable_moves_its_own_flows_evenly)
{
	static uint32_t before[N_FLOWS], after[N_FLOWS], again[N_FLOWS];
	struct world *world = world_new(WORLD_NETDEV);
	uint32_t share[SW_UPLINKS] = { 0 };
	uint64_t notes;
	struct sw sw;

	four_uplinks(&sw);
	world_apply(world, &sw);
	where_flows_go(world, before, &notes);
	cr_assert_eq(notes, 0);
	cut(&sw, 1, true);
	where_flows_go(world, after, &notes);
	for (uint32_t i = 0; i < N_FLOWS; i++) {
		cr_assert_eq(before[i], i % 4, "flow %u went to u%u", i, before[i]);
		if (before[i] != 1)
			cr_assert_eq(after[i], before[i],
				     "flow %u moved from u%u to u%u though u1 was cut", i,
				     before[i], after[i]);
		else
			share[after[i]]++;
	}
	cr_assert_eq(notes, N_FLOWS / 4);
	for (uint32_t u = 0; u < SW_UPLINKS; u++)
		if (u != 1)
			cr_assert(share[u] >= 84 && share[u] <= 87, "u%u took over %u of 256 flows",
				  u, share[u]);
	cr_assert_eq(share[1], 0);

	/* The daemon's rewrite of the buckets moves nothing a second time, and ends the notes. */
	sw.policy[0].known_dead = 1 << 1;
	world_apply(world, &sw);
	where_flows_go(world, again, &notes);
	cr_assert_eq(memcmp(after, again, sizeof(after)), 0, "the rewrite moved flows");
	cr_assert_eq(notes, 0);

	/* A second cable. */
	cut(&sw, 2, true);
	where_flows_go(world, again, &notes);
	for (uint32_t i = 0; i < N_FLOWS; i++)
		cr_assert(after[i] == 2 ? again[i] == 0 || again[i] == 3 : again[i] == after[i],
			  "flow %u: u%u, then u%u", i, after[i], again[i]);

	/* All. */
	cut(&sw, 0, true);
	cut(&sw, 3, true);
	where_flows_go(world, again, &notes);
	for (uint32_t i = 0; i < N_FLOWS; i++)
		cr_assert_eq(again[i], UL_NO_UPLINK);

	/* And back, by itself. */
	sw.policy[0].known_dead = 0;
	for (uint32_t u = 0; u < 4; u++)
		cut(&sw, u, false);
	world_apply(world, &sw);
	where_flows_go(world, again, &notes);
	cr_assert_eq(memcmp(before, again, sizeof(before)), 0, "not all flows went home");
	world_free(world);
}

/* Failures other than a cut cable: set down, gone, and an address that belongs to another device
 * now.
 */
Test(failover, other_deaths)
{
	static uint32_t flows[N_FLOWS];
	struct world *world = world_new(WORLD_NETDEV);
	uint64_t notes;
	struct sw sw;

	four_uplinks(&sw);
	world_apply(world, &sw);
	world_command("ip link set u2 down");
	where_flows_go(world, flows, &notes);
	for (uint32_t i = 0; i < N_FLOWS; i++)
		cr_assert_neq(flows[i], 2, "flow %u to an uplink that is administratively down", i);
	world_command("ip link set u2 up");
	where_flows_go(world, flows, &notes);
	cr_assert_eq(notes, 0);

	/* The address of another, living device: its ifindex says so. */
	world->uplinks[2].netdev = world_find_netdev(world, world->uplink_if[0]);
	where_flows_go(world, flows, &notes);
	for (uint32_t i = 0; i < N_FLOWS; i++)
		cr_assert_neq(flows[i], 2, "flow %u to an uplink whose address is another's", i);

	world_apply(world, &sw);
	world_command("ip link del u2");
	where_flows_go(world, flows, &notes);
	for (uint32_t i = 0; i < N_FLOWS; i++)
		cr_assert_neq(flows[i], 2, "flow %u to an uplink that is gone", i);

	/* No address: the daemon's word has to do. */
	cut(&sw, 1, true);
	world->uplinks[1].netdev = 0;
	where_flows_go(world, flows, &notes);
	for (uint32_t i = 1; i < N_FLOWS; i += 4)
		cr_assert_eq(flows[i], 1);
	world_free(world);
}

Test(failover, netdev_find)
{
	struct world *world = world_new(0);
	uint64_t u0 = world_find_netdev(world, world->uplink_if[0]),
		 u1 = world_find_netdev(world, world->uplink_if[1]);

	cr_assert_neq(u0, 0);
	cr_assert_neq(u1, 0);
	cr_assert_neq(u0, u1);
	cr_assert_neq(world_find_netdev(world, 1), 0, "the loopback interface");
	cr_assert_eq(world_find_netdev(world, 99999), 0);
	cr_assert_eq(world_find_netdev(world, 0), 0);
	world_command("ip link del u1");
	cr_assert_eq(world_find_netdev(world, world->uplink_if[1]), 0);
	world_free(world);
}

static uint32_t carrier_of(struct world *world, uint64_t netdev, uint32_t ifindex)
{
	struct ul_carrier_query query = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &query, .ctx_size_in = sizeof(query));
	uint32_t last = UL_MAX_UPLINKS - 1;
	int r;

	query.uplink[last].netdev = netdev;
	query.uplink[last].ifindex = ifindex;
	r = bpf_prog_test_run_opts(bpf_program__fd(world->skel->progs.carrier_read), &opts);
	cr_assert_eq(r, 0, "carrier_read: %s", strerror(-r));
	for (uint32_t i = 0; i < last; i++)
		cr_assert_eq(query.uplink[i].state, 0);
	return query.uplink[last].state;
}

Test(failover, carrier_read)
{
	struct world *world = world_new(0);
	uint32_t ifindex = world->uplink_if[1];
	uint64_t netdev = world_find_netdev(world, ifindex), end = now_ms() + 20000;

	world_command("ip link set u1 up");
	world_command("ip link set w1 up");
	while (carrier_of(world, netdev, ifindex) !=
	       (UL_CARRIER_KNOWN | UL_CARRIER_ADMIN | UL_CARRIER_UP | UL_CARRIER_READY))
		cr_assert_lt(now_ms(), end, "u1 has no carrier");
	cr_expect_eq(carrier_of(world, netdev, ifindex + 1), 0, "another interface");
	cr_expect_eq(carrier_of(world, 0, ifindex), 0, "no address");
	cr_expect_eq(carrier_of(world, 8, ifindex), 0, "no memory there");
	world_command("ip link set w1 down");
	cr_expect_eq(carrier_of(world, netdev, ifindex), UL_CARRIER_KNOWN | UL_CARRIER_ADMIN);
	world_command("ip link set u1 down");
	cr_expect_eq(carrier_of(world, netdev, ifindex), UL_CARRIER_KNOWN);
	world_command("ip link del u1");
	cr_expect_eq(carrier_of(world, netdev, ifindex) & ~(uint32_t)UL_CARRIER_KNOWN, 0,
		     "its memory may still have what was there");
	world_free(world);
}

/* Random switches with random cables cut, over real interfaces, in both directions. */
Test(failover, random_cuts)
{
	enum { FRAMES = 200 };
	static struct frame_buf frames[FRAMES];
	static uint32_t endpoints[FRAMES];
	struct world *world = world_new(WORLD_TC | WORLD_XDP | WORLD_NETDEV);
	/* as many rounds as random frames elsewhere: a round is some `ip link set`, each a process
	 */
	uint64_t rounds = check_setting("UPLINKD_FRAMES", 100000) / 800 + 10;
	uint64_t seed = 99, state = 0x1234567 + seed;
	bool is_cut[SW_UPLINKS] = { 0 };
	struct sw sw;

	live_open(world);
	for (uint64_t round = 0; round < rounds; round++) {
		random_switch(&state, &sw);
		for (uint32_t u = 0; u < sw.n_uplinks; u++) {
			bool want = frame_random(&state) % 3 == 0;

			if (want != is_cut[u])
				cut(&sw, u, want);
			if (is_cut[u] && !want)
				live_wait_link(world, u);
			is_cut[u] = sw.uplink[u].cut = want;
		}
		world_apply(world, &sw);
		for (uint32_t i = 0; i < FRAMES; i++) {
			struct frame_hints hints = { .live = true,
						     .from_uplink = frame_random(&state) & 1,
						     .max_len = 2900 };
			uint32_t at = (uint32_t)(frame_random(&state) %
						 (hints.from_uplink ? sw.n_uplinks : sw.n_ports));

			hints.endpoint = UL_ENDPOINT_PORT0 + at;
			if (hints.from_uplink)
				hints.endpoint = at;
			/* Nothing comes in by a cut cable or a port that is away. */
			if (hints.from_uplink ? is_cut[at] : sw.port[at].absent) {
				hints.from_uplink = false;
				hints.endpoint = UL_ENDPOINT_NONE;
			}
			endpoints[i] = hints.endpoint;
			frame_make_random(&sw, &hints, &state, (uint32_t)(round * FRAMES + i),
					  &frames[i]);
		}
		check_live(world, &sw, endpoints, frames, FRAMES, seed);
	}
	world_free(world);
}
