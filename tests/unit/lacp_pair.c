// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Two instances back to back. */
#include <criterion/criterion.h>

#include "lacp_rig.h"

static struct rig a, b;

static void teardown(void)
{
	rig_done(&a);
	rig_done(&b);
}

TestSuite(lacp_pair, .fini = teardown);

static struct lacp_config other_end(void)
{
	struct lacp_config config = rig_config();

	memcpy(config.system, switch_a, 6);
	config.key = 2;
	return config;
}

static void open_both(const struct lacp_config *one, const struct lacp_config *other,
		      uint16_t n_ports)
{
	rig_open(&a, one, n_ports);
	rig_open(&b, other, n_ports);
	pair_wire(&a, &b);
}

static bool all_up(uint16_t n_ports)
{
	for (uint16_t port = 1; port <= n_ports; port++) {
		if (!a.collecting[port] || !a.distributing[port] || !b.collecting[port] ||
		    !b.distributing[port])
			return false;
	}
	return true;
}

/* Each end's partner equals the other end's actor. */
static void expect_agreement(uint16_t n_ports, const char *what)
{
	for (uint16_t port = 1; port <= n_ports; port++) {
		struct lacp_port_info at_a = rig_info(&a, port), at_b = rig_info(&b, port);

		cr_assert_eq(at_a.partner.state, at_b.actor.state, "%s: port %u: %02x is %02x",
			     what, port, at_a.partner.state, at_b.actor.state);
		cr_assert_eq(at_b.partner.state, at_a.actor.state, "%s: port %u", what, port);
		cr_assert_eq(at_a.partner.key, 2, "%s", what);
		cr_assert_eq(at_b.partner.key, 1, "%s", what);
		cr_assert_eq(at_a.actor_churn, LACP_NO_CHURN, "%s", what);
		cr_assert_eq(at_a.partner_churn, LACP_NO_CHURN, "%s", what);
	}
}

/*
 * Activity, rate and mux of both ends: 64 combinations, each with links that come up at the same
 * time and half a second apart.
 */
Test(lacp_pair, every_combination_converges)
{
	for (unsigned int bits = 0; bits < 128; bits++) {
		struct lacp_config one = rig_config(), other = other_end();
		const bool passive = !(bits & 1) && !(bits & 2);
		char what[64];

		one.active = bits & 1;
		other.active = bits & 2;
		one.fast = bits & 4;
		other.fast = bits & 8;
		one.independent = bits & 16;
		other.independent = bits & 32;
		snprintf(what, sizeof(what), "combination %u", bits);
		rig_open(&a, &one, 2);
		rig_open(&b, &other, 2);
		pair_wire(&a, &b);
		if (bits & 64) {
			rig_link(&b, 1, false);
			rig_link(&b, 2, false);
			pair_pass(&a, &b, 500);
			rig_link(&b, 1, true);
			rig_link(&b, 2, true);
		}
		pair_pass(&a, &b, 2500);
		cr_assert_eq(all_up(2), !passive, "%s: %s / %s", what, rig_why(&a, 1),
			     rig_why(&b, 1));
		pair_pass(&a, &b, 200000);
		cr_assert_eq(all_up(2), !passive, "%s, later", what);
		if (!passive)
			expect_agreement(2, what);

		/* when settled only periodic LACPDUs, at the rate that the other end requests */
		rig_forget(&a);
		pair_pass(&a, &b, 10 * LACP_SLOW_PERIODIC_MS);
		if (!passive)
			cr_assert_eq(rig_sent(&a, 1),
				     other.fast ?
					     10 * LACP_SLOW_PERIODIC_MS / LACP_FAST_PERIODIC_MS :
					     10,
				     "%s: %zu", what, rig_sent(&a, 1));
		teardown();
	}
}

/*
 * P2*, silent loss and recovery, as in the OVS tests: 4.1 s to EXPIRED, then DEFAULTED, recovery
 * within 3 s (OVS: 30 s).
 */
Test(lacp_pair, silent_loss_and_recovery)
{
	struct lacp_config one = rig_config(), other = other_end();

	one.fast = other.fast = true;
	open_both(&one, &other, 2);
	pair_pass(&a, &b, 10000);
	cr_assert(all_up(2));
	a.cut[1] = true;
	pair_pass(&a, &b, 4100);
	cr_assert_eq(rig_info(&a, 1).receive_state, LACP_RX_EXPIRED);
	cr_assert_eq(rig_info(&b, 1).receive_state, LACP_RX_EXPIRED);
	cr_assert_not(a.distributing[1] || b.distributing[1]);
	cr_assert(a.distributing[2] && b.distributing[2]);
	pair_pass(&a, &b, 4100);
	cr_assert_eq(rig_info(&a, 1).receive_state, LACP_RX_DEFAULTED);
	pair_pass(&a, &b, 100000 + 333);
	a.cut[1] = false;
	pair_pass(&a, &b, 3000);
	cr_assert(all_up(2), "%s", rig_why(&a, 1));
}

Test(lacp_pair, one_link_flaps_the_other_stays_in_use)
{
	struct lacp_config one = rig_config(), other = other_end();

	open_both(&one, &other, 2);
	pair_pass(&a, &b, 5000);
	rig_forget(&a);
	for (int i = 0; i < 5; i++) {
		rig_link(&a, 1, false);
		rig_link(&b, 1, false);
		pair_pass(&a, &b, 700);
		rig_link(&a, 1, true);
		rig_link(&b, 1, true);
		pair_pass(&a, &b, 2500);
		cr_assert(all_up(2));
	}
	for (size_t i = 0; i < a.n_log; i++)
		cr_assert(a.log[i].kind != LOG_CHANGED || a.log[i].port == 1);
}

/* With max-links on both ends both select the same ports, also when a replaced port returns. */
Test(lacp_pair, max_links_on_both_ends)
{
	for (int decides = 0; decides < 2; decides++) {
		struct lacp_config one = rig_config(), other = other_end();

		one.max_links = other.max_links = 2;
		(decides ? &one : &other)->system_priority = 100;
		open_both(&one, &other, 4);
		pair_pass(&a, &b, 5000);
		cr_assert(a.distributing[1] && a.distributing[2] && !a.distributing[3] &&
			  !a.distributing[4]);
		rig_link(&a, 1, false);
		rig_link(&b, 1, false);
		pair_pass(&a, &b, 1000);
		cr_assert(a.distributing[2] && a.distributing[3] && b.distributing[2] &&
				  b.distributing[3],
			  "replaced within a second");
		rig_link(&a, 1, true);
		rig_link(&b, 1, true);
		pair_pass(&a, &b, 10000);
		cr_assert_eq(rig_links(&a), 2);
		cr_assert_eq(rig_links(&b), 2);
		for (uint16_t port = 1; port <= 4; port++)
			cr_assert_eq(a.distributing[port], b.distributing[port], "port %u", port);
		teardown();
	}
}

Test(lacp_pair, min_links_on_both_ends)
{
	struct lacp_config one = rig_config(), other = other_end();

	one.min_links = other.min_links = 2;
	open_both(&one, &other, 3);
	pair_pass(&a, &b, 3000);
	cr_assert(all_up(3), "SYNC must not wait for SYNC");
	rig_link(&a, 1, false);
	rig_link(&b, 1, false);
	pair_pass(&a, &b, 100);
	cr_assert_eq(rig_links(&a), 2);
	rig_link(&a, 2, false);
	rig_link(&b, 2, false);
	pair_pass(&a, &b, 100);
	cr_assert_eq(rig_links(&a), 0);
	cr_assert_eq(rig_links(&b), 0);
	rig_link(&a, 1, true);
	rig_link(&b, 1, true);
	pair_pass(&a, &b, 3000);
	cr_assert_eq(rig_links(&a), 2);
	cr_assert_eq(rig_links(&b), 2);
}

/* With min-links on one end the other end stops sending as well. */
Test(lacp_pair, min_links_of_one_end_stops_the_other)
{
	struct lacp_config one = rig_config(), other = other_end();

	one.min_links = 2;
	open_both(&one, &other, 2);
	pair_pass(&a, &b, 3000);
	cr_assert(all_up(2));
	rig_link(&a, 1, false);
	rig_link(&b, 1, false);
	pair_pass(&a, &b, 10);
	cr_assert_not(b.distributing[2]);
}

Test(lacp_pair, drain_loses_nothing)
{
	struct lacp_config one = rig_config(), other = other_end();

	open_both(&one, &other, 2);
	pair_pass(&a, &b, 5000);
	rig_forget(&a);
	rig_forget(&b);
	lacp_port_set_drained(a.lacp, 1, true, a.now_ms);
	lacp_run(a.lacp, a.now_ms);
	cr_assert(a.collecting[1] && !a.distributing[1]);
	pair_run(&a, &b);
	cr_assert_not(b.distributing[1]);
	cr_assert_not(a.collecting[1], "when the other end has stopped");
	cr_assert(a.distributing[2] && b.distributing[2]);
	lacp_port_set_drained(a.lacp, 1, false, a.now_ms);
	pair_pass(&a, &b, 2500);
	cr_assert(all_up(2));
}

/*
 * D1 from the partner's point of view: 100 restarts at random times at the fast rate, without a
 * change of its data plane.
 */
Test(lacp_pair, D1_restarts_do_not_affect_the_partner)
{
	struct lacp_config one = rig_config(), other = other_end();
	uint64_t seed = 7;

	one.fast = other.fast = true;
	open_both(&one, &other, 2);
	pair_pass(&a, &b, 10000);
	cr_assert(all_up(2));
	for (int i = 0; i < 100; i++) {
		uint64_t gap_ms = random_below(&seed, 2000), down_ms;
		struct lacp_saved saved[3];

		pair_pass(&a, &b, random_below(&seed, 5000) + 1500);
		rig_forget(&b);
		for (uint16_t port = 1; port <= 2; port++)
			cr_assert_eq(lacp_save(a.lacp, port, &saved[port]), 0);
		down_ms = a.now_ms;
		rig_done(&a);
		b.peer = NULL;
		rig_pass(&b, gap_ms);

		rig_init(&a, &one);
		a.now_ms = down_ms + gap_ms;
		for (uint16_t port = 1; port <= 2; port++) {
			rig_add(&a, port);
			cr_assert_eq(lacp_restore(a.lacp, port, &saved[port],
						  a.now_ms - saved[port].tx_ms),
				     0);
		}
		rig_link(&a, 1, true);
		rig_link(&a, 2, true);
		pair_wire(&a, &b);
		pair_pass(&a, &b, 3500);
		cr_assert(all_up(2));
		for (size_t j = 0; j < b.n_log; j++)
			cr_assert_neq(b.log[j].kind, LOG_CHANGED, "restart %d, %llu ms", i,
				      (unsigned long long)gap_ms);
		cr_assert_eq(rig_events(&b, 1, LACP_EVENT_RECEIVE), 0);
	}
}

/* A loop: two ports of one channel connected with each other, or a port with itself. */
Test(lacp_pair, looped_cable_carries_nothing)
{
	struct lacp_config one = rig_config(), same = rig_config();

	one.fallback = same.fallback = LACP_FALLBACK_INDIVIDUAL;
	open_both(&one, &same, 1);
	pair_pass(&a, &b, 60000);
	cr_assert_not(a.collecting[1] || b.collecting[1]);
	cr_assert(rig_info(&a, 1).loopback);
}
