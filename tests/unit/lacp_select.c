// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Selection logic: conformance cases S, fallback, wait-to-restore. */
#include <criterion/criterion.h>

#include "lacp_rig.h"

RIG_SUITE(lacp_select);

/* Bit n: port n distributes. */
static unsigned int in_use(void)
{
	unsigned int ports = 0;

	for (unsigned int port = 1; port < 32; port++)
		ports |= (unsigned int)rig.distributing[port] << port;
	return ports;
}

#define PORTS(...) ports_mask((const unsigned int[]){ __VA_ARGS__, 0 })

static unsigned int ports_mask(const unsigned int *port)
{
	unsigned int ports = 0;

	for (; *port; port++)
		ports |= 1U << *port;
	return ports;
}

#define EXPECT_IN_USE(...)                                                              \
	cr_assert_eq(in_use(), PORTS(__VA_ARGS__), "in use: %x, expected %x", in_use(), \
		     PORTS(__VA_ARGS__))

static void hear_all(uint16_t n_ports, uint64_t ms)
{
	rig_pass_hearing(&rig, ms, 500, n_ports, UP);
}

static void cable_to_b(uint16_t port)
{
	memcpy(rig.partner[port].system, switch_b, 6);
}

Test(lacp_select, S1_two_partner_systems)
{
	rig_open(&rig, &config, 3);
	cable_to_b(3);
	hear_all(3, 6000);
	EXPECT_IN_USE(1, 2);
	cr_assert_eq(rig_info(&rig, 3).selected, LACP_UNSELECTED);
	cr_assert_str_eq(
		rig_why(&rig, 3),
		"partner system 02:00:00:00:00:bb key 7 differs from the selected 02:00:00:00:00:0a key 7 "
		"(probably two switches without MLAG)");
	cr_assert_eq(rig_events(&rig, 3, LACP_EVENT_FINDING), 1);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_FINDING), 0);
	cr_assert_eq(rig_last(&rig, 3).actor.state & (LACP_SYNCHRONIZATION | LACP_AGGREGATION),
		     LACP_AGGREGATION);

	memcpy(rig.partner[3].system, switch_a, 6);
	hear_all(3, 3000);
	EXPECT_IN_USE(1, 2, 3);
	cr_assert_str_eq(rig_event(&rig, 3, LACP_EVENT_CLEARED)->text, "two_partners");
}

Test(lacp_select, S1_two_keys_of_one_system)
{
	rig_open(&rig, &config, 2);
	rig.partner[2].key = 9;
	hear_all(2, 6000);
	EXPECT_IN_USE(1);
	cr_assert(strstr(rig_why(&rig, 2), "key 9 differs from"));
	cr_assert(strstr(rig_why(&rig, 2), "two channels of one switch"));
}

/* 256 must not sort before 255, as a memcmp of little-endian numbers would have it. */
Test(lacp_select, S1_priorities_compare_as_numbers)
{
	config.policy = LACP_PORT_PRIORITY;
	rig_open(&rig, &config, 2);
	cable_to_b(2);
	lacp_port_configure(rig.lacp, &(struct lacp_port_config){ .number = 1, .priority = 256 });
	lacp_port_configure(rig.lacp, &(struct lacp_port_config){ .number = 2, .priority = 255 });
	hear_all(2, 6000);
	EXPECT_IN_USE(2);
}

/* ---- S2 min-links ---- */

Test(lacp_select, S2_min_links_keeps_the_whole_channel_down)
{
	config.min_links = 2;
	rig_open(&rig, &config, 2);
	rig_pass_hearing(&rig, 10000, 500, 1, UP);
	cr_assert_eq(in_use(), 0);
	cr_assert_eq(rig_info(&rig, 1).actor.state & LACP_SYNCHRONIZATION, 0,
		     "the partner must stop sending as well");
	cr_assert_str_eq(rig_why(&rig, 1),
			 "1 link is ready, but min-links is 2: the whole channel is held down");
	cr_assert_eq(rig_events(&rig, 0, LACP_EVENT_FINDING), 1);
	cr_assert(rig_info(&rig, 2).findings & 1 << LACP_FIND_MIN_LINKS);

	hear_all(2, 2500);
	EXPECT_IN_USE(1, 2);
	cr_assert_eq(rig_events(&rig, 0, LACP_EVENT_CLEARED), 1);

	rig_link(&rig, 2, false);
	rig_run(&rig);
	cr_assert_eq(in_use(), 0);
	cr_assert_eq(rig_info(&rig, 1).actor.state & LACP_SYNCHRONIZATION, 0);
	rig_link(&rig, 2, true);
	hear_all(2, 2500);
	EXPECT_IN_USE(1, 2);

	config.min_links = 1;
	rig_link(&rig, 2, false);
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_pass_hearing(&rig, 100, 100, 1, UP);
	EXPECT_IN_USE(1);
}

Test(lacp_select, S2_min_links_counts_ports_with_the_partner_in_sync)
{
	config.min_links = 2;
	rig_open(&rig, &config, 2);
	hear_all(2, 3000);
	EXPECT_IN_USE(1, 2);
	rig_hear(&rig, 2, WILLING);
	cr_assert_eq(in_use(), 0);
	cr_assert_eq(rig_info(&rig, 1).actor.state & LACP_SYNCHRONIZATION, LACP_SYNCHRONIZATION,
		     "otherwise both sides would wait for each other");
	rig_hear(&rig, 2, UP);
	EXPECT_IN_USE(1, 2);
}

Test(lacp_select, S2_a_silent_or_draining_member_does_not_count)
{
	config.min_links = 2;
	config.fast = true;
	for (int drain = 0; drain <= 1; drain++) {
		rig_open(&rig, &config, 2);
		hear_all(2, 3000);
		EXPECT_IN_USE(1, 2);
		if (drain)
			lacp_port_set_drained(rig.lacp, 2, true, rig.now_ms);
		rig_pass_hearing(&rig, drain ? 500 : LACP_SHORT_TIMEOUT_MS, 500, 1, UP);
		cr_assert_eq(in_use(), 0);
		cr_assert_eq(rig_info(&rig, 1).actor.state & LACP_SYNCHRONIZATION, 0,
			     "the partner must stop sending on the other ports as well");
		rig_done(&rig);
	}
	rig_open(&rig, &config, 1);
}

/* ---- S3 policies ---- */

static const struct {
	enum lacp_policy policy;
	const char *name;
	/*
	 * Ports 1 and 2 are connected to switch A, 3 to 5 to B. A starts alone, then B appears,
	 * then port 1 is lost.
	 */
	uint32_t speed_a, speed_b;
	uint16_t priority_5;
	unsigned int first, both, without_1;
	/* clang-format off */
} policies[] = {
	{ LACP_STABLE, "stable stays", 1000, 10000, 255, 1 << 1 | 1 << 2, 1 << 1 | 1 << 2, 1 << 2 },
	{ LACP_BANDWIDTH, "bandwidth moves to the faster", 10000, 25000, 255, 1 << 1 | 1 << 2, 7 << 3, 7 << 3 },
	{ LACP_BANDWIDTH, "bandwidth does not count ports", 100000, 10000, 255, 1 << 1 | 1 << 2, 1 << 1 | 1 << 2, 1 << 2 },
	{ LACP_BANDWIDTH, "bandwidth falls", 20000, 10000, 255, 1 << 1 | 1 << 2, 1 << 1 | 1 << 2, 7 << 3 },
	{ LACP_COUNT, "count moves to the larger", 100000, 1000, 255, 1 << 1 | 1 << 2, 7 << 3, 7 << 3 },
	{ LACP_PORT_PRIORITY, "the best port wins", 1000, 1000, 10, 1 << 1 | 1 << 2, 7 << 3, 7 << 3 },
	{ LACP_PORT_PRIORITY, "equal priorities: the lowest number", 1000, 10000, 255, 1 << 1 | 1 << 2, 1 << 1 | 1 << 2, 1 << 2 },
};
/* clang-format on */

Test(lacp_select, S3_policies)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		config.policy = policies[i].policy;
		rig_init(&rig, &config);
		for (uint16_t port = 1; port <= 5; port++) {
			rig_add(&rig, port);
			if (port >= 3)
				cable_to_b(port);
		}
		lacp_port_configure(rig.lacp,
				    &(struct lacp_port_config){
					    .number = 5, .priority = policies[i].priority_5 });
		for (uint16_t port = 1; port <= 2; port++)
			lacp_port_set_link(rig.lacp, port, true, policies[i].speed_a, true,
					   rig.now_ms);
		hear_all(2, 3000);
		cr_assert_eq(in_use(), policies[i].first, "%s, first: %x", policies[i].name,
			     in_use());
		for (uint16_t port = 3; port <= 5; port++)
			lacp_port_set_link(rig.lacp, port, true, policies[i].speed_b, true,
					   rig.now_ms);
		hear_all(5, 3000);
		cr_assert_eq(in_use(), policies[i].both, "%s, both: %x", policies[i].name,
			     in_use());
		lacp_port_set_link(rig.lacp, 1, false, 0, false, rig.now_ms);
		for (int pass = 0; pass < 6; pass++) {
			for (uint16_t port = 2; port <= 5; port++)
				rig_hear(&rig, port, UP);
			rig_pass(&rig, 500);
		}
		cr_assert_eq(in_use(), policies[i].without_1, "%s, without port 1: %x",
			     policies[i].name, in_use());
		rig_done(&rig);
	}
}

/* With max-links 2, three slow ports have less bandwidth than two fast ones. */
Test(lacp_select, S3_only_ports_within_max_links_count)
{
	config.max_links = 2;
	for (enum lacp_policy policy = LACP_BANDWIDTH; policy <= LACP_COUNT; policy++) {
		config.policy = policy;
		rig_open(&rig, &config, 5);
		for (uint16_t port = 1; port <= 5; port++)
			lacp_port_set_link(rig.lacp, port, true, port <= 3 ? 1000 : 1400, true,
					   rig.now_ms);
		cable_to_b(4);
		cable_to_b(5);
		hear_all(5, 5000);
		EXPECT_IN_USE(4, 5);
		rig_done(&rig);
	}
	rig_open(&rig, &config, 1);
}

Test(lacp_select, S3_selected_partner_lost_on_all_ports)
{
	rig_open(&rig, &config, 2);
	cable_to_b(2);
	hear_all(2, 3000);
	EXPECT_IN_USE(1);
	rig_link(&rig, 1, false);
	rig_hear(&rig, 2, UP);
	cr_assert_eq(in_use(), 0);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	EXPECT_IN_USE(2);
	rig_link(&rig, 1, true);
	hear_all(2, 5000);
	EXPECT_IN_USE(2);
}

/* ---- S4 max-links ---- */

Test(lacp_select, S4_standby_waits_without_sync_and_replaces)
{
	config.max_links = 2;
	config.system_priority = 1; /* the local port priorities apply */
	rig_open(&rig, &config, 4);
	hear_all(4, 3000);
	EXPECT_IN_USE(1, 2);
	cr_assert_eq(rig_info(&rig, 3).selected, LACP_STANDBY);
	cr_assert_eq(rig_info(&rig, 3).mux_state, LACP_MUX_WAITING);
	cr_assert_eq(rig_last(&rig, 3).actor.state & LACP_SYNCHRONIZATION, 0);
	cr_assert_str_eq(rig_why(&rig, 3), "standby: max-links 2 are in use");
	hear_all(4, 70000);
	cr_assert_eq(rig_info(&rig, 3).actor_churn, LACP_CHURN_MONITOR, "standby is not churned");

	rig_link(&rig, 1, false);
	rig_run(&rig);
	EXPECT_IN_USE(2, 3);
	rig_link(&rig, 1, true);
	hear_all(4, 5000);
	EXPECT_IN_USE(2, 3); /* stable: a returning port displaces none */
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_STANDBY);

	config.policy = LACP_PORT_PRIORITY;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	hear_all(4, 3000);
	EXPECT_IN_USE(1, 2);
}

Test(lacp_select, S4_silent_member_is_replaced)
{
	config.max_links = 1;
	config.fast = true;
	rig_open(&rig, &config, 2);
	hear_all(2, 3000);
	EXPECT_IN_USE(1);
	for (int i = 0; i < 7; i++) {
		rig_hear(&rig, 2, UP);
		rig_pass(&rig, 500);
	}
	EXPECT_IN_USE(2);
}

Test(lacp_select, S4_lower_system_decides_by_its_port_priorities)
{
	config.max_links = 1;
	for (int ours = 0; ours <= 1; ours++) {
		config.system_priority = ours ? 1 : 65535; /* the partner's is 32768 */
		rig_open(&rig, &config, 3);
		rig.partner[3].port_priority = 1;
		hear_all(3, 3000);
		cr_assert_eq(in_use(), ours ? 1U << 1 : 1U << 3);
		rig_done(&rig);
	}
	/* equal priorities: the lower address, compared as bytes */
	config.system_priority = 32768;
	rig_open(&rig, &config, 3);
	rig.partner[3].port_priority = 1;
	hear_all(3, 3000);
	EXPECT_IN_USE(3);
}

/* ---- fallback ---- */

Test(lacp_select, fallback_none_leaves_everything_down)
{
	rig_open(&rig, &config, 2);
	rig_pass(&rig, 20000);
	cr_assert_eq(in_use(), 0);
}

static void fallback_to_the_best_port(uint32_t min_links)
{
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	config.min_links = min_links;
	rig_open(&rig, &config, 3);
	lacp_port_configure(rig.lacp, &(struct lacp_port_config){ .number = 3, .priority = 10 });
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS + LACP_AGGREGATE_WAIT_MS - 1);
	cr_assert_eq(in_use(), 0, "a partner has the full timeout");
	rig_pass(&rig, 1);
	EXPECT_IN_USE(3);
	cr_assert(rig_info(&rig, 3).individual);
	cr_assert_str_eq(rig_why(&rig, 3), "in use alone (fallback: individual)");
	cr_assert_eq(rig_last(&rig, 3).actor.state, UP | LACP_DEFAULTED);

	rig_link(&rig, 3, false);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	EXPECT_IN_USE(1);
	rig_link(&rig, 3, true);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS - 1);
	EXPECT_IN_USE(1);
	rig_pass(&rig, 1 + LACP_AGGREGATE_WAIT_MS);
	EXPECT_IN_USE(3);

	/* a partner on any port ends it */
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(in_use(), 0);
	hear_all(3, 3000);
	EXPECT_IN_USE(1, 2, 3);
	cr_assert_not(rig_info(&rig, 3).individual);
	cr_assert_eq(rig_info(&rig, 3).actor.state, UP);

	/* it returns when the last partner has expired */
	rig_pass(&rig, LACP_LONG_TIMEOUT_MS + LACP_SHORT_TIMEOUT_MS);
	cr_assert_eq(in_use(), 0);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	EXPECT_IN_USE(3);
}

Test(lacp_select, fallback_uses_the_best_port_alone)
{
	fallback_to_the_best_port(1);
	rig_done(&rig);
	fallback_to_the_best_port(2); /* irrelevant without a partner */
}

Test(lacp_select, fallback_prefers_an_individual_partner_and_needs_its_sync)
{
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	rig_open(&rig, &config, 2);
	rig_pass(&rig, 6000);
	EXPECT_IN_USE(1);
	rig_hear(&rig, 2, WILLING & ~LACP_AGGREGATION);
	cr_assert_eq(in_use(), 0);
	rig_pass(&rig, 3000);
	cr_assert_eq(in_use(), 0);
	cr_assert_eq(rig_info(&rig, 2).mux_state, LACP_MUX_ATTACHED);
	rig_hear(&rig, 2, UP & ~LACP_AGGREGATION);
	EXPECT_IN_USE(2);
}

Test(lacp_select, fallback_is_not_for_a_channel_with_a_partner)
{
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	rig_open(&rig, &config, 2);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	rig_pass_hearing(&rig, 20000, 1000, 1, WILLING);
	cr_assert_eq(rig_info(&rig, 2).receive_state, LACP_RX_DEFAULTED);
	cr_assert_eq(in_use(), 0, "the switch has LACP, even if only on the drained port");
}

Test(lacp_select, fallback_switched_at_run_time)
{
	rig_open(&rig, &config, 1);
	rig_pass(&rig, 6000);
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	EXPECT_IN_USE(1);
	config.fallback = LACP_FALLBACK_NONE;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(in_use(), 0);
	rig_hear(&rig, 1, SYNCED);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_pass(&rig, 10000);
	cr_assert_eq(in_use(), 0, "a drained port is never used");
}

/* ---- wait-to-restore ---- */

Test(lacp_select, wait_to_restore)
{
	config.wait_to_restore_ms = 10000;
	rig_open(&rig, &config, 2);
	hear_all(2, 2500);
	EXPECT_IN_USE(1, 2); /* not at first bring-up */
	rig_link(&rig, 1, false);
	rig_run(&rig);
	rig_link(&rig, 1, true);
	hear_all(2, 6000);
	EXPECT_IN_USE(2);
	cr_assert_str_eq(rig_why(&rig, 1), "waiting 4 s more after a failure (wait-to-restore)");
	rig_link(&rig, 1, false); /* another failure restarts the time */
	rig_run(&rig);
	rig_link(&rig, 1, true);
	hear_all(2, 10000 + LACP_AGGREGATE_WAIT_MS - 1);
	EXPECT_IN_USE(2);
	hear_all(2, 500);
	EXPECT_IN_USE(1, 2);
}

Test(lacp_select, wait_to_restore_is_over_once_a_port_was_selected)
{
	config.wait_to_restore_ms = 5000;
	rig_open(&rig, &config, 2);
	rig_link(&rig, 2, false);
	rig_pass_hearing(&rig, 2500, 500, 1, UP);
	rig_link(&rig, 1, false);
	rig_run(&rig);
	rig_link(&rig, 1, true);
	rig_link(&rig, 2, true);
	rig_hear(&rig, 1, UP); /* no other port in use */
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_SELECTED);
	hear_all(2, 2500);
	EXPECT_IN_USE(1, 2);
	rig.partner[1].port = 9; /* out, without a failure */
	hear_all(2, 2100);
	EXPECT_IN_USE(1, 2);
}

Test(lacp_select, wait_to_restore_is_for_failures_in_use)
{
	config.wait_to_restore_ms = 10000;
	rig_open(&rig, &config, 2);
	hear_all(2, 2500);
	rig_link(&rig, 1, false);
	rig_run(&rig);
	rig_link(&rig, 1, true);
	hear_all(2, 13000);
	EXPECT_IN_USE(1, 2);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	hear_all(2, 2000);
	rig_link(&rig, 1, false); /* the cable is changed while it is drained */
	rig_run(&rig);
	rig_link(&rig, 1, true);
	hear_all(2, 1000);
	lacp_port_set_drained(rig.lacp, 1, false, rig.now_ms);
	hear_all(2, 2100);
	EXPECT_IN_USE(1, 2);
}

Test(lacp_select, wait_to_restore_shortened)
{
	config.wait_to_restore_ms = 1000000;
	rig_open(&rig, &config, 2);
	hear_all(2, 2500);
	rig_link(&rig, 1, false);
	rig_run(&rig);
	rig_link(&rig, 1, true);
	hear_all(2, 6000);
	EXPECT_IN_USE(2);
	config.wait_to_restore_ms = 0;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	hear_all(2, 2500);
	EXPECT_IN_USE(1, 2);
}

Test(lacp_select, wait_to_restore_protects_only_ports_in_use)
{
	config.wait_to_restore_ms = 60000;
	rig_open(&rig, &config, 2);
	hear_all(2, 2500);
	rig_link(&rig, 1, false);
	rig_link(&rig, 2, false);
	rig_run(&rig);
	rig_link(&rig, 1, true);
	rig_pass_hearing(&rig, 2500, 500, 1, UP);
	EXPECT_IN_USE(1);
	rig_link(&rig, 2, true);
	hear_all(2, 5000);
	EXPECT_IN_USE(1);
	rig_link(&rig, 1, false);
	rig_hear(&rig, 2, UP);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	EXPECT_IN_USE(2);
}

/* Waiting ports do not count for their aggregation. */
Test(lacp_select, wait_to_restore_protects_the_other_aggregation)
{
	for (enum lacp_policy policy = LACP_BANDWIDTH; policy < LACP_N_POLICIES; policy++) {
		config.policy = policy;
		config.wait_to_restore_ms = 10000;
		rig_open(&rig, &config, 3);
		cable_to_b(3);
		hear_all(3, 2500);
		EXPECT_IN_USE(1, 2);
		rig_link(&rig, 1, false);
		rig_link(&rig, 2, false);
		for (int i = 0; i < 5; i++) {
			rig_hear(&rig, 3, UP);
			rig_pass(&rig, 500);
		}
		EXPECT_IN_USE(3);
		rig_link(&rig, 1, true);
		rig_link(&rig, 2, true);
		hear_all(3, 9000);
		EXPECT_IN_USE(3);
		hear_all(3, 4000);
		EXPECT_IN_USE(1, 2);
		rig_done(&rig);
	}
	rig_open(&rig, &config, 1);
}

/* The last port in use fails while its sibling waits: the wait ends, and the aggregation stays. */
Test(lacp_select, wait_to_restore_does_not_make_stable_move)
{
	for (int loss = 0; loss < 3; loss++) {
		config.wait_to_restore_ms = 60000;
		config.fast = true;
		rig_open(&rig, &config, 3);
		cable_to_b(3);
		hear_all(3, 2500);
		rig_link(&rig, 2, false);
		rig_run(&rig);
		rig_link(&rig, 2, true);
		hear_all(3, 2500);
		EXPECT_IN_USE(1);
		if (loss == 0)
			rig_link(&rig, 1, false);
		if (loss == 1)
			lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
		for (int i = 0; i < 12; i++) {
			rig_hear(&rig, 2, UP);
			rig_hear(&rig, 3, UP);
			rig_pass(&rig, 500);
		}
		EXPECT_IN_USE(2);
		rig_done(&rig);
	}
	rig_open(&rig, &config, 1);
}
