// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The funnel on a stopped clock: which uplinks are usable, when, and by which voter's objection. */
#include "teaming_rig.h"

TestSuite(teaming_uplink_state, .fini = stop);

/* ---- voters and flags ---- */
Test(teaming_uplink_state, first_objection_in_the_order_of_the_table)
{
	start(UL_CHANNEL_LACP, 2);
	link_is(1, true);
	lacp_is(1, true);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_INTERFACE);
	teaming_set_drained(state, 0, true);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_INTERFACE);
	teaming_set_link(state, 0, false, false, now);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_DRAIN);
	teaming_set_drained(state, 0, false);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_ADMIN);
	teaming_set_link(state, 0, true, false, now);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_ADMIN);
	teaming_set_link(state, 0, false, true, now);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_CARRIER);
	link_is(0, true);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_LACP);
	cr_expect_eq(usable(2), 0x2);
	lacp_is(0, true);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_UP_DELAY);
	run_at(T0 + DELAY);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_NONE);
	cr_expect_eq(usable(2), 0x3);
}

Test(teaming_uplink_state, text_for_every_voter)
{
	state = NULL;
	for (int a = 0; a <= UL_N_VOTERS; a++)
		for (int b = 0; b < a; b++)
			cr_expect_str_neq(teaming_voter_text((enum ul_voter)a),
					  teaming_voter_text((enum ul_voter)b));
	cr_expect_str_eq(teaming_voter_text(UL_VOTER_NONE), "in use");
	cr_expect_str_eq(teaming_voter_text(UL_VOTER_CARRIER), "no carrier");
}

Test(teaming_uplink_state, flags_without_lacp)
{
	static const struct {
		const char *name;
		bool carrier, admin_up, drained;
		uint32_t flags;
		/* clang-format off */
	} rows[] = {
		{ "up", true, true, false, UL_UP_SEND | UL_UP_RECEIVE | UL_UP_CARRIER | UL_UP_ADMIN },
		{ "down", false, false, false, UL_UP_RECEIVE },
		{ "no carrier", false, true, false, UL_UP_RECEIVE | UL_UP_ADMIN },
		{ "administratively down", true, false, false, UL_UP_RECEIVE | UL_UP_CARRIER },
		{ "drained", true, true, true, UL_UP_RECEIVE | UL_UP_CARRIER | UL_UP_ADMIN | UL_UP_DRAINED },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		start(UL_CHANNEL_NONE, 1);
		cr_expect_eq(teaming_flags(state, 0), 0, "no interface");
		teaming_set_drained(state, 0, rows[i].drained);
		teaming_set_link(state, 0, rows[i].carrier, rows[i].admin_up, now);
		run();
		cr_expect_eq(teaming_flags(state, 0), rows[i].flags, "%s: %#x", rows[i].name,
			     teaming_flags(state, 0));
		teaming_free(TAKE_PTR(state));
	}
}

Test(teaming_uplink_state, flags_with_lacp)
{
	const uint32_t up = UL_UP_CARRIER | UL_UP_ADMIN | UL_UP_FOR_ALL;

	start_up(UL_CHANNEL_LACP, 1);
	cr_expect_eq(teaming_flags(state, 0), up);
	cr_expect(teaming_set_negotiated(state, 0, true, false, now));
	run();
	cr_expect_eq(teaming_flags(state, 0), up | UL_UP_RECEIVE);
	cr_expect(teaming_set_negotiated(state, 0, true, true, now));
	cr_expect_not(teaming_set_negotiated(state, 0, true, true, now), "no change");
	run();
	cr_expect_eq(teaming_flags(state, 0), up | UL_UP_RECEIVE | UL_UP_SEND);
	cr_expect(teaming_set_negotiated(state, 0, false, true, now));
	run();
	cr_expect_eq(teaming_flags(state, 0), up | UL_UP_SEND);
}

Test(teaming_uplink_state, lacp_counts_only_with_a_lacp_channel)
{
	start_up(UL_CHANNEL_STATIC, 1);
	cr_expect_not(teaming_set_negotiated(state, 0, true, true, now));
	cr_expect(is_usable(0));
	teaming_configure(state, UL_CHANNEL_LACP, DELAY, now);
	run();
	cr_expect_not(is_usable(0));
	cr_expect_not(teaming_flags(state, 0) & UL_UP_RECEIVE);
	lacp_is(0, true);
	cr_expect(is_usable(0));
	teaming_configure(state, UL_CHANNEL_NONE, DELAY, now);
	run();
	cr_expect(is_usable(0));
	teaming_configure(state, UL_CHANNEL_LACP, DELAY, now);
	run();
	cr_expect_not(is_usable(0), "the former agreement is forgotten");
	cr_expect_not(teaming_flags(state, 0) & UL_UP_RECEIVE);
}

Test(teaming_uplink_state, configuration_of_a_lacp_channel_keeps_the_agreement)
{
	start_up(UL_CHANNEL_LACP, 1);
	lacp_is(0, true);
	teaming_configure(state, UL_CHANNEL_LACP, 2 * DELAY, now);
	run();
	cr_expect(is_usable(0));
	cr_expect(teaming_flags(state, 0) & UL_UP_RECEIVE);
}

Test(teaming_uplink_state, link_changes_are_reported)
{
	start(UL_CHANNEL_NONE, 1);
	cr_expect_not(teaming_set_link(state, 0, false, false, now));
	cr_expect(teaming_set_link(state, 0, true, false, now));
	cr_expect(teaming_set_link(state, 0, true, true, now));
	cr_expect_not(teaming_set_link(state, 0, true, true, now));
	cr_expect(teaming_set_link(state, 0, false, true, now));
	cr_expect(teaming_set_link(state, 0, false, false, now));
}

Test(teaming_uplink_state, drain_is_idempotent_and_survives_the_interface)
{
	start_up(UL_CHANNEL_STATIC, 2);
	cr_expect_eq(teaming_set_drained(state, 0, false), -EALREADY);
	cr_expect_eq(teaming_set_drained(state, 0, true), 0);
	cr_expect_eq(teaming_set_drained(state, 0, true), -EALREADY);
	run();
	expect_event(0, UL_VOTER_NONE, UL_VOTER_DRAIN);
	cr_expect_eq(teaming_policy(state, slots[0])->in_use, 0x3, "it still receives");
	teaming_detach(state, 0);
	cr_expect_eq(teaming_flags(state, 0), UL_UP_DRAINED);
	run();
	cr_expect_eq(teaming_flags(state, 0), UL_UP_DRAINED);
	link_is(0, true);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_DRAIN);
	cr_expect_eq(teaming_set_drained(state, 0, false), 0);
	run();
	expect_event(0, UL_VOTER_DRAIN, UL_VOTER_NONE);
}

Test(teaming_uplink_state, drained_uplink_without_carrier_receives_nothing)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_set_drained(state, 0, true);
	run();
	cr_expect_eq(teaming_policy(state, slots[0])->in_use, 0x3);
	link_is(0, false);
	cr_expect_eq(teaming_policy(state, slots[0])->in_use, 0x2);
}

Test(teaming_uplink_state, detached_interface_is_out_before_the_run)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_detach(state, 0);
	cr_expect_eq(teaming_flags(state, 0), 0);
	run();
	cr_expect_eq(teaming_flags(state, 0), 0);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_INTERFACE);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect_eq(changes.n_events, 0, "the owner reports the interface itself");
}

Test(teaming_uplink_state, interface_that_replaces_another_needs_no_delay)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_detach(state, 0);
	link_is(0, true);
	cr_expect(is_usable(0));
	expect_event(0, UL_VOTER_INTERFACE, UL_VOTER_NONE);
}

Test(teaming_uplink_state, interface_that_disappeared_needs_the_delay)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_set_gone(state, 0);
	cr_expect_eq(teaming_flags(state, 0), 0);
	run();
	link_is(0, true);
	cr_expect_not(is_usable(0));
	cr_expect_eq(teaming_wait_ms(state, 0, now), DELAY);
	teaming_set_gone(state, 0);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

Test(teaming_uplink_state, interface_that_was_never_there_needs_no_delay)
{
	start(UL_CHANNEL_NONE, 2);
	link_is(1, true);
	teaming_set_gone(state, 0);
	run();
	link_is(0, true);
	cr_expect(is_usable(0));
}

/* ---- events ---- */
Test(teaming_uplink_state, events_only_when_usability_changes)
{
	start(UL_CHANNEL_NONE, 2);
	link_is(1, false);
	cr_expect_eq(changes.n_events, 0, "not usable before and after");
	link_is(0, true);
	expect_event(0, UL_VOTER_INTERFACE, UL_VOTER_NONE);
	run();
	cr_expect_eq(changes.n_events, 0, "reported once");
	link_is(0, false);
	expect_event(0, UL_VOTER_NONE, UL_VOTER_CARRIER);
	teaming_set_link(state, 0, false, false, now);
	run();
	cr_expect_eq(changes.n_events, 0, "another objection");
	teaming_set_link(state, 0, true, true, now);
	link_is(1, true);
	cr_assert_eq(changes.n_events, 2);
	cr_expect_eq(changes.events[0].from, UL_VOTER_ADMIN);
	cr_expect_eq(changes.events[1].uplink, 1);
	cr_expect_eq(changes.events[1].from, UL_VOTER_CARRIER);
}

/* ---- up-delay ---- */
Test(teaming_uplink_state, first_sight_needs_no_delay)
{
	start(UL_CHANNEL_NONE, 2);
	link_is(0, true);
	link_is(1, true);
	cr_expect_eq(usable(2), 0x3);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

Test(teaming_uplink_state, delay_runs_to_the_millisecond)
{
	start_up(UL_CHANNEL_NONE, 2);
	cr_expect_eq(teaming_wait_ms(state, 0, now), 0);
	link_is(0, false);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
	link_is(0, true);
	cr_expect_eq(teaming_next_wakeup(state), T0 + DELAY);
	cr_expect_eq(teaming_wait_ms(state, 0, now), DELAY);
	cr_expect_eq(teaming_wait_ms(state, 0, T0 + DELAY - 1), 1);
	cr_expect_eq(teaming_wait_ms(state, 0, T0 + DELAY), 1, "due, and not yet run");
	cr_expect_eq(teaming_wait_ms(state, 0, T0 + DELAY + 5), 1);
	run_at(T0 + DELAY - 1);
	cr_expect_eq(usable(2), 0x2);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_UP_DELAY);
	run_at(T0 + DELAY);
	cr_expect_eq(usable(2), 0x3);
	expect_event(0, UL_VOTER_UP_DELAY, UL_VOTER_NONE);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
	cr_expect_eq(teaming_wait_ms(state, 0, now), 0);
}

Test(teaming_uplink_state, another_event_does_not_restart_the_delay)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(0, true);
	now = T0 + 60;
	link_is(0, true);
	cr_expect_eq(teaming_next_wakeup(state), T0 + DELAY);
	run_at(T0 + DELAY);
	link_is(0, true);
	cr_expect(is_usable(0));
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

Test(teaming_uplink_state, lost_link_restarts_the_delay)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(0, true);
	now = T0 + 60;
	link_is(0, false);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
	cr_expect_eq(teaming_wait_ms(state, 0, now), 0);
	link_is(0, true);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 60 + DELAY);
	run_at(T0 + DELAY);
	cr_expect_not(is_usable(0));
	run_at(T0 + 60 + DELAY);
	cr_expect(is_usable(0));
}

Test(teaming_uplink_state, as_many_uplinks_as_possible)
{
	const uint32_t all = (1u << UL_MAX_UPLINKS) - 1;
	uint8_t to[UL_MAX_UPLINKS];

	start_up(UL_CHANNEL_STATIC, UL_MAX_UPLINKS);
	cr_expect_eq(usable(UL_MAX_UPLINKS), all);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		cr_expect(teaming_flags(state, i) & UL_UP_FOR_ALL);
		to[i] = (uint8_t)(UL_MAX_UPLINKS - 1 - i);
	}
	link_is(UL_MAX_UPLINKS - 1, false);
	link_is(UL_MAX_UPLINKS - 1, true);
	cr_expect_eq(usable(UL_MAX_UPLINKS), all >> 1);
	cr_expect_eq(teaming_next_wakeup(state), T0 + DELAY);
	teaming_configure(state, UL_CHANNEL_STATIC, 10, now);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 10);
	teaming_renumber(state, to, UL_MAX_UPLINKS);
	cr_expect_eq(usable(UL_MAX_UPLINKS), all & ~1u);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), all & ~1u);
	cr_expect_eq(teaming_policy(state, slots[0])->in_use, all);
	run_at(T0 + 10);
	cr_expect_eq(usable(UL_MAX_UPLINKS), all);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		link_is(i, false);
	cr_expect_eq(usable(UL_MAX_UPLINKS), 0);
	link_is(UL_MAX_UPLINKS - 1, true);
	cr_expect_eq(usable(UL_MAX_UPLINKS), 1u << (UL_MAX_UPLINKS - 1), "the only one");
}

Test(teaming_uplink_state, administratively_down_counts_as_lost_link)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_set_link(state, 0, true, false, now);
	run();
	cr_expect_eq(usable(2), 0x2);
	link_is(0, true);
	cr_expect_eq(teaming_wait_ms(state, 0, now), DELAY);
}

Test(teaming_uplink_state, next_wakeup_is_the_earliest_delay)
{
	for (uint32_t first = 0; first < 2; first++) {
		start_up(UL_CHANNEL_NONE, 3);
		link_is(0, false);
		link_is(1, false);
		link_is(first, true);
		now += 10;
		link_is(1 - first, true);
		cr_expect_eq(teaming_next_wakeup(state), T0 + DELAY);
		run_at(T0 + DELAY);
		cr_expect_eq(usable(3), 0x4 | 1u << first);
		cr_expect_eq(teaming_next_wakeup(state), T0 + DELAY + 10);
		teaming_free(TAKE_PTR(state));
	}
}

Test(teaming_uplink_state, delay_of_zero_is_none)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_configure(state, UL_CHANNEL_NONE, 0, now);
	link_is(0, false);
	link_is(0, true);
	cr_expect(is_usable(0));
}

Test(teaming_uplink_state, only_uplink_does_not_wait)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(1, false);
	link_is(0, true);
	cr_expect_eq(usable(2), 0x1);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
	link_is(1, true);
	cr_expect_eq(usable(2), 0x1, "the second one waits");
	link_is(0, false);
	cr_expect_eq(usable(2), 0x2, "until it is the only one");
}

Test(teaming_uplink_state, only_uplink_of_a_policy_does_not_wait)
{
	start_up(UL_CHANNEL_NONE, 4);
	groups[0].teaming = teaming_over(0x3);
	groups[1].teaming = teaming_over(0xc);
	apply_groups(2);
	link_is(2, false);
	link_is(3, false);
	link_is(0, false);
	link_is(0, true);
	link_is(2, true);
	cr_expect_eq(usable(4), 0x6, "1 serves group 0; nothing but 2 serves group 1");
	link_is(3, true);
	cr_expect_eq(usable(4), 0x6);
	run_at(T0 + DELAY);
	cr_expect_eq(usable(4), 0xf);
}

Test(teaming_uplink_state, drained_uplink_is_not_needed)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(0, true);
	teaming_set_drained(state, 0, true);
	link_is(1, false);
	cr_expect_eq(usable(2), 0);
	cr_expect_eq(teaming_wait_ms(state, 0, now), DELAY);
	teaming_set_drained(state, 0, false);
	run();
	cr_expect_eq(usable(2), 0x1);
}

Test(teaming_uplink_state, link_that_is_down_is_not_needed)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(1, false);
	run();
	cr_expect_eq(usable(2), 0);
	link_is(0, true);
	link_is(0, false);
	cr_expect_eq(usable(2), 0);
}

Test(teaming_uplink_state, shorter_delay_applies_to_those_that_wait)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(0, true);
	now += 10;
	teaming_configure(state, UL_CHANNEL_NONE, 2 * DELAY, now);
	cr_expect_eq(teaming_next_wakeup(state), T0 + DELAY, "a longer one does not");
	teaming_configure(state, UL_CHANNEL_NONE, 20, now);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 30);
	teaming_configure(state, UL_CHANNEL_NONE, 0, now);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 10);
	run();
	cr_expect(is_usable(0));
}

/* ---- LACP ---- */
Test(teaming_uplink_state, lacp_delay_starts_when_distributing_starts)
{
	start_up(UL_CHANNEL_LACP, 2);
	cr_expect_eq(usable(2), 0);
	lacp_is(0, true);
	cr_expect_eq(usable(2), 0x1, "there is no other");
	now += 50;
	lacp_is(1, true);
	cr_expect_eq(usable(2), 0x1);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 50 + DELAY);
	teaming_set_negotiated(state, 1, false, true, now + 20);
	run_at(T0 + 80);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 50 + DELAY, "the same agreement");
	run_at(T0 + 50 + DELAY);
	cr_expect_eq(usable(2), 0x3);
}

Test(teaming_uplink_state, lacp_delay_ends_with_the_agreement)
{
	start_up(UL_CHANNEL_LACP, 2);
	lacp_is(0, true);
	lacp_is(1, true);
	cr_expect_eq(teaming_wait_ms(state, 1, now), DELAY);
	lacp_is(1, false);
	cr_expect_eq(teaming_voter(state, 1), UL_VOTER_LACP);
	cr_expect_eq(teaming_wait_ms(state, 1, now), 0);
	now += 70;
	lacp_is(1, true);
	cr_expect_eq(teaming_next_wakeup(state), T0 + 70 + DELAY);
}

Test(teaming_uplink_state, lacp_end_of_distributing_leaves_a_lost_link_down)
{
	start_up(UL_CHANNEL_LACP, 2);
	lacp_is(0, true);
	run();
	lacp_is(1, true);
	run_at(T0 + DELAY);
	link_is(1, false);
	lacp_is(1, false);
	lacp_is(1, true);
	cr_expect_eq(teaming_voter(state, 1), UL_VOTER_CARRIER);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER, "the link has to come up first");
}

Test(teaming_uplink_state, lacp_with_delay_of_zero)
{
	start_up(UL_CHANNEL_LACP, 2);
	teaming_configure(state, UL_CHANNEL_LACP, 0, now);
	lacp_is(0, true);
	lacp_is(1, true);
	cr_expect_eq(usable(2), 0x3);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

Test(teaming_uplink_state, lacp_uplink_is_no_alternative_to_itself)
{
	for (uint32_t i = 0; i < 2; i++) {
		start_up(UL_CHANNEL_LACP, 2);
		lacp_is(i, true);
		teaming_set_negotiated(state, i, false, false, now);
		teaming_set_negotiated(state, i, true, true, now);
		cr_expect_eq(teaming_wait_ms(state, i, now), 0, "uplink %u", i);
		teaming_free(TAKE_PTR(state));
	}
}

Test(teaming_uplink_state, lacp_link_needs_no_delay_of_its_own)
{
	start_up(UL_CHANNEL_LACP, 2);
	lacp_is(0, true);
	lacp_is(1, true);
	run_at(T0 + DELAY);
	link_is(1, false);
	cr_expect_eq(usable(2), 0x1);
	link_is(1, true);
	cr_expect_eq(usable(2), 0x3, "LACP decides");
}

Test(teaming_uplink_state, lacp_waiting_uplink_is_needed_only_when_distributing)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(0, true);
	teaming_configure(state, UL_CHANNEL_LACP, DELAY, now);
	run();
	cr_expect_eq(usable(2), 0);
	cr_expect_eq(teaming_wait_ms(state, 0, now), DELAY);
	teaming_set_negotiated(state, 0, true, true, now);
	run();
	cr_expect_eq(usable(2), 0x1);
}

/* ---- failback: frames still arrive by the uplink that served meanwhile ---- */
static uint32_t accepted(void)
{
	return teaming_policy(state, slots[0])->in_use;
}

/* Uplink 0 is active, 1 standby; 0 failed and has just come back. */
static void fail_back(void)
{
	start(UL_CHANNEL_NONE, 2);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 1, 1);
	apply_groups(1);
	link_is(0, true);
	link_is(1, true);
	cr_assert_eq(accepted(), 0x1);
	link_is(0, false);
	cr_assert_eq(accepted(), 0x2, "nothing arrives from an uplink that failed");
	link_is(0, true);
	run_at(now + DELAY);
	cr_assert_eq(serving(teaming_policy(state, slots[0])), 0x1);
}

Test(teaming_uplink_state, after_a_failback_the_standby_is_accepted_for_a_while)
{
	uint64_t end;

	fail_back();
	end = now + 8000;
	cr_expect_eq(accepted(), 0x3);
	cr_expect_eq(teaming_next_wakeup(state), end);
	run_at(end - 1);
	cr_expect_eq(accepted(), 0x3);
	cr_expect_eq(teaming_next_wakeup(state), end, "other runs do not extend it");
	run_at(end);
	cr_expect_eq(accepted(), 0x1);
	cr_expect_eq(changes.policies, UINT64_C(1) << slots[0], "the record is to be written");
	cr_expect_eq(changes.moved, 0);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

Test(teaming_uplink_state, a_standby_that_fails_is_no_longer_accepted)
{
	fail_back();
	link_is(1, false);
	cr_expect_eq(accepted(), 0x1);
	link_is(1, true);
	run_at(now + DELAY);
	cr_expect_eq(accepted(), 0x1);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

Test(teaming_uplink_state, a_standby_that_serves_again_needs_no_time_of_grace)
{
	fail_back();
	link_is(0, false);
	cr_expect_eq(accepted(), 0x2);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
	run_at(now + 20000);
	cr_expect_eq(accepted(), 0x2);
}

Test(teaming_uplink_state, the_time_of_grace_follows_a_renumbered_uplink)
{
	uint8_t to[UL_MAX_UPLINKS];

	fail_back();
	memset(to, UL_NO_UPLINK, sizeof(to));
	to[0] = 1;
	to[1] = 0;
	teaming_renumber(state, to, 2);
	groups[0].teaming.active[0] = 1;
	groups[0].teaming.standby[0] = 0;
	apply_groups(1);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect_eq(accepted(), 0x3);
	run_at(now + 8000);
	cr_expect_eq(accepted(), 0x2);
}

/* The next process has the record alone. */
Test(teaming_uplink_state, a_restart_does_not_end_the_time_of_grace)
{
	struct ul_uplink uplinks[2] = { { .ifindex = 1 }, { .ifindex = 2 } };
	static struct ul_policy records[UL_MAX_POLICIES];
	uint8_t to[UL_MAX_UPLINKS];

	fail_back();
	records[0] = *teaming_policy(state, slots[0]);
	memset(to, UL_NO_UPLINK, sizeof(to));
	for (uint32_t i = 0; i < 2; i++) {
		to[i] = (uint8_t)i;
		uplinks[i].flags = teaming_flags(state, i);
	}
	teaming_free(state);
	state = teaming_new();
	teaming_adopt(state, uplinks, 2, records);
	teaming_configure(state, UL_CHANNEL_NONE, DELAY, now);
	teaming_renumber(state, to, 2);
	for (uint32_t i = 0; i < 2; i++)
		teaming_set_link(state, i, true, true, now);
	apply_groups(1);
	cr_expect_eq(accepted(), 0x3);
	run_at(now + 8000);
	cr_expect_eq(accepted(), 0x1);
}

Test(teaming_uplink_state, a_channel_needs_no_time_of_grace)
{
	start_up(UL_CHANNEL_STATIC, 2);
	link_is(0, false);
	link_is(0, true);
	run_at(now + DELAY);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
}

/* ---- failovers ---- */
Test(teaming_uplink_state, a_lost_uplink_that_served_fails_over_once)
{
	start_up(UL_CHANNEL_STATIC, 3);
	cr_expect_eq(changes.failed_over, 0, "at the start");
	link_is(1, false);
	cr_expect_eq(changes.failed_over, 0x2);
	run();
	cr_expect_eq(changes.failed_over, 0, "the same loss again");
	link_is(1, true);
	cr_expect_eq(changes.failed_over, 0);
	teaming_set_gone(state, 0);
	run();
	cr_expect_eq(changes.failed_over, 0x1, "its interface disappeared");
}

Test(teaming_uplink_state, a_drain_is_no_failover)
{
	start_up(UL_CHANNEL_STATIC, 2);
	teaming_set_drained(state, 0, true);
	run();
	cr_expect_eq(changes.failed_over, 0);
	link_is(0, false);
	cr_expect_eq(changes.failed_over, 0, "it was drained before");
}

Test(teaming_uplink_state, the_last_uplink_cannot_fail_over)
{
	start_up(UL_CHANNEL_STATIC, 2);
	link_is(0, false);
	cr_expect_eq(changes.failed_over, 0x1);
	link_is(1, false);
	cr_expect_eq(changes.failed_over, 0);
}

Test(teaming_uplink_state, a_standby_uplink_does_not_fail_over)
{
	start(UL_CHANNEL_NONE, 2);
	groups[0].teaming.n_active = 1;
	groups[0].teaming.n_standby = 1;
	groups[0].teaming.active[0] = 0;
	groups[0].teaming.standby[0] = 1;
	apply_groups(1);
	link_is(0, true);
	link_is(1, true);
	link_is(1, false);
	cr_expect_eq(changes.failed_over, 0);
	link_is(1, true);
	now += DELAY;
	run();
	link_is(0, false);
	cr_expect_eq(changes.failed_over, 0x1);
}
