// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The funnel between two processes and between two configurations: restart, renumbering, and the
 * policies of the switch as a whole. */
#include <signal.h>

#include "teaming_rig.h"

TestSuite(teaming_restart, .fini = stop);

/* ---- restart ---- */
static struct ul_uplink found[UL_MAX_UPLINKS];
static struct ul_policy found_policies[UL_MAX_POLICIES];

#define FOUND_UP (UL_UP_CARRIER | UL_UP_ADMIN | UL_UP_RECEIVE | UL_UP_SEND)

/* A switch that a former process left: uplinks with these flags and one policy over them. */
static void restart(enum ul_channel channel, const struct teaming *teaming, const uint32_t *flags,
		    uint32_t n)
{
	uint32_t sending = 0;
	uint8_t to[UL_MAX_UPLINKS];

	memset(to, UL_NO_UPLINK, sizeof(to));
	for (uint8_t i = 0; i < n; i++) {
		found[i] = (struct ul_uplink){ .ifindex = i + 1u, .flags = flags[i] };
		if ((flags[i] & (UL_UP_SEND | UL_UP_SPARE)) == UL_UP_SEND)
			sending |= 1u << i;
		to[i] = i;
	}
	policy_build(teaming, channel, sending, 0, &found_policies[7]);
	now = T0;
	state = teaming_new();
	cr_assert_not_null(state);
	teaming_adopt(state, found, n, found_policies);
	teaming_configure(state, channel, DELAY, now);
	teaming_renumber(state, to, n);
	groups[0].teaming = *teaming;
}

Test(teaming_restart, restart_changes_nothing)
{
	const uint32_t flags[] = { FOUND_UP | UL_UP_FOR_ALL, UL_UP_ADMIN | UL_UP_FOR_ALL };
	struct teaming teaming = teaming_over(0x3);

	restart(UL_CHANNEL_LACP, &teaming, flags, 2);
	cr_expect_eq(usable(2), 0x1);
	cr_expect_not(teaming_set_link(state, 0, true, true, now));
	cr_expect_not(teaming_set_link(state, 1, false, true, now));
	apply_groups(1);
	cr_expect_eq(slots[0], 7);
	cr_expect_eq(changes.n_events, 0);
	cr_expect_eq(changes.policies, 0);
	cr_expect_eq(changes.moved, 0);
	cr_expect_eq(changes.used, UINT64_C(1) << 7);
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(teaming_flags(state, i), flags[i], "uplink %u: %#x", i,
			     teaming_flags(state, i));
}

Test(teaming_restart, restart_with_as_many_uplinks_as_possible)
{
	struct teaming teaming = teaming_over((1u << UL_MAX_UPLINKS) - 1);
	uint32_t flags[UL_MAX_UPLINKS];

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		flags[i] = FOUND_UP;
	restart(UL_CHANNEL_NONE, &teaming, flags, UL_MAX_UPLINKS);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		teaming_set_link(state, i, true, true, now);
	apply_groups(1);
	cr_expect_eq(changes.policies, 0);
	cr_expect_eq(changes.n_events, 0);
}

Test(teaming_restart, restart_with_a_link_that_was_lost_meanwhile)
{
	const uint32_t flags[] = { FOUND_UP, FOUND_UP };
	struct teaming teaming = teaming_over(0x3);

	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	cr_expect(teaming_set_link(state, 0, false, true, now));
	teaming_set_link(state, 1, true, true, now);
	apply_groups(1);
	expect_event(0, UL_VOTER_NONE, UL_VOTER_CARRIER);
	cr_expect_eq(changes.moved, UINT64_C(1) << 7);
}

Test(teaming_restart, restart_with_a_link_that_came_up_meanwhile)
{
	const uint32_t flags[] = { FOUND_UP, UL_UP_RECEIVE | UL_UP_ADMIN };
	struct teaming teaming = teaming_over(0x3);

	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_NONE);
	cr_expect_eq(teaming_voter(state, 1), UL_VOTER_CARRIER);
	teaming_set_link(state, 0, true, true, now);
	cr_expect(teaming_set_link(state, 1, true, true, now));
	apply_groups(1);
	expect_event(1, UL_VOTER_CARRIER, UL_VOTER_NONE);
}

Test(teaming_restart, restart_with_an_interface_that_cannot_be_connected)
{
	const uint32_t flags[] = { FOUND_UP, FOUND_UP };
	struct teaming teaming = teaming_over(0x3);

	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	teaming_set_link(state, 1, true, true, now);
	apply_groups(1);
	expect_event(0, UL_VOTER_NONE, UL_VOTER_UP_DELAY);
	cr_expect_eq(usable(2), 0x2, "its link has not been seen");
}

Test(teaming_restart, restart_without_an_interface)
{
	const uint32_t flags[] = { FOUND_UP, UL_UP_DRAINED };
	struct teaming teaming = teaming_over(0x3);

	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	teaming_free(TAKE_PTR(state));
	found[1].ifindex = 0;
	state = teaming_new();
	teaming_adopt(state, found, 2, found_policies);
	cr_expect_eq(teaming_voter(state, 1), UL_VOTER_INTERFACE);
	run();
	cr_expect_eq(teaming_flags(state, 1), UL_UP_DRAINED);
}

Test(teaming_restart, interface_that_disappeared_before_a_restart_needs_the_delay)
{
	const uint32_t flags[] = { FOUND_UP, FOUND_UP };
	struct teaming teaming = teaming_over(0x3);

	for (int detached_first = 0; detached_first < 2; detached_first++) {
		restart(UL_CHANNEL_NONE, &teaming, flags, 2);
		if (detached_first)
			teaming_detach(state, 0);
		teaming_set_gone(state, 0);
		teaming_set_link(state, 1, true, true, now);
		apply_groups(1);
		link_is(0, true);
		cr_expect_eq(usable(2), 0x2);
		teaming_free(TAKE_PTR(state));
	}
}

/* The writer was interrupted between the flags and the policies. */
Test(teaming_restart, restart_with_a_spare_that_does_not_send)
{
	const uint32_t flags[] = { UL_UP_SPARE, 0 };
	struct teaming teaming = teaming_over(0x3);

	teaming.failback = false;
	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	teaming_set_link(state, 0, true, true, now);
	teaming_set_link(state, 1, true, true, now);
	apply_groups(1);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x3);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_SPARE);
}

Test(teaming_restart, restart_before_the_configuration_holds_back_newcomers)
{
	const uint32_t flags[] = { 0, FOUND_UP };
	struct teaming teaming = teaming_over(0x3);

	teaming.failback = false;
	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	teaming_set_link(state, 0, true, true, now);
	teaming_set_link(state, 1, true, true, now);
	apply_groups(1);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect(teaming_flags(state, 0) & UL_UP_SPARE);
}

Test(teaming_restart, restart_keeps_the_agreements_of_lacp)
{
	const uint32_t flags[] = { FOUND_UP, FOUND_UP & ~(uint32_t)UL_UP_SEND,
				   FOUND_UP & ~(uint32_t)UL_UP_RECEIVE };
	struct teaming teaming = teaming_over(0x7);

	restart(UL_CHANNEL_LACP, &teaming, flags, 3);
	for (uint32_t i = 0; i < 3; i++)
		teaming_set_link(state, i, true, true, now);
	apply_groups(1);
	for (uint32_t i = 0; i < 3; i++)
		cr_expect_eq(teaming_flags(state, i), flags[i] | UL_UP_FOR_ALL, "uplink %u", i);
}

Test(teaming_restart, restart_keeps_the_spare)
{
	const uint32_t flags[] = { FOUND_UP | UL_UP_SPARE, FOUND_UP };
	struct teaming teaming = teaming_of(UL_M_FAILOVER_ORDER, 2, 0);

	teaming.failback = false;
	restart(UL_CHANNEL_NONE, &teaming, flags, 2);
	cr_expect_eq(serving(&found_policies[7]), 0x2);
	teaming_set_link(state, 0, true, true, now);
	teaming_set_link(state, 1, true, true, now);
	apply_groups(1);
	cr_expect_eq(changes.moved, 0);
	cr_expect_eq(changes.policies, 0);
	cr_expect(teaming_flags(state, 0) & UL_UP_SPARE);
	cr_expect_not(teaming_flags(state, 1) & UL_UP_SPARE);
	link_is(1, false);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x1);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_SPARE);
}

/* ---- renumbering ---- */
static void renumber(uint32_t n, uint8_t a, uint8_t b, uint8_t c)
{
	uint8_t to[UL_MAX_UPLINKS];

	memset(to, UL_NO_UPLINK, sizeof(to));
	to[0] = a;
	to[1] = b;
	to[2] = c;
	teaming_renumber(state, to, n);
}

Test(teaming_restart, renumbering_keeps_state_and_delay)
{
	start_up(UL_CHANNEL_NONE, 3);
	teaming_set_drained(state, 2, true);
	link_is(0, false);
	link_is(0, true);
	renumber(3, 2, 0, 1);
	cr_expect_eq(usable(3), 0x1);
	cr_expect(teaming_flags(state, 1) & UL_UP_DRAINED);
	cr_expect_eq(teaming_wait_ms(state, 2, now), DELAY);
	cr_expect_eq(teaming_take_policies(state), UINT64_C(1) << slots[0]);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x1);
	run_at(T0 + DELAY);
	cr_expect_eq(usable(3), 0x5);
	expect_event(2, UL_VOTER_UP_DELAY, UL_VOTER_NONE);
}

Test(teaming_restart, renumbering_without_a_move_leaves_the_policies)
{
	start_up(UL_CHANNEL_NONE, 3);
	renumber(2, 0, 1, UL_NO_UPLINK);
	cr_expect_eq(teaming_take_policies(state), 0);
	run();
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x3);
	cr_expect_eq(usable(2), 0x3);
}

Test(teaming_restart, new_uplink_in_the_place_of_another_has_no_state)
{
	start_up(UL_CHANNEL_NONE, 2);
	link_is(0, false);
	link_is(0, true);
	renumber(2, UL_NO_UPLINK, 1, UL_NO_UPLINK);
	cr_expect_eq(teaming_flags(state, 0), 0);
	cr_expect_eq(teaming_next_wakeup(state), TEAMING_NEVER);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_INTERFACE);
	link_is(0, true);
	cr_expect_eq(usable(2), 0x3);
}

Test(teaming_restart, uplink_that_leaves_the_configuration_did_not_fail)
{
	start_up(UL_CHANNEL_NONE, 3);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 2, 0);
	groups[0].teaming.failback = false;
	apply_groups(1);
	link_is(0, false);
	link_is(0, true);
	run_at(T0 + DELAY);
	cr_assert_eq(serving(teaming_policy(state, slots[0])), 0x2);
	teaming_detach(state, 2);
	renumber(2, 0, 1, UL_NO_UPLINK);
	run();
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect(teaming_flags(state, 0) & UL_UP_SPARE);
}

/* The slot has the same settings before and after: another uplink took the place of one of its. */
Test(teaming_restart, exchanged_uplink_did_not_fail)
{
	start_up(UL_CHANNEL_NONE, 3);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 3, 0);
	groups[0].teaming.failback = false;
	apply_groups(1);
	link_is(0, false);
	link_is(0, true);
	run_at(T0 + DELAY);
	cr_assert_eq(serving(teaming_policy(state, slots[0])), 0x2);
	renumber(3, 0, 1, UL_NO_UPLINK);
	apply_groups(1);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect(teaming_flags(state, 0) & UL_UP_SPARE);
}

Test(teaming_restart, spare_serves_when_the_uplink_in_use_leaves)
{
	start_up(UL_CHANNEL_NONE, 2);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 2, 0);
	groups[0].teaming.failback = false;
	apply_groups(1);
	link_is(0, false);
	link_is(0, true);
	run_at(T0 + DELAY);
	teaming_detach(state, 1);
	renumber(1, 0, UL_NO_UPLINK, UL_NO_UPLINK);
	run();
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x1);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_SPARE);
}

Test(teaming_restart, renumbered_spare_stays_a_spare)
{
	start_up(UL_CHANNEL_NONE, 2);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 2, 0);
	groups[0].teaming.failback = false;
	apply_groups(1);
	link_is(0, false);
	link_is(0, true);
	run_at(T0 + DELAY);
	renumber(2, 1, 0, UL_NO_UPLINK);
	groups[0].teaming.active[0] = 1;
	groups[0].teaming.active[1] = 0;
	apply_groups(1);
	cr_expect_eq(changes.moved, 0);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x1);
	cr_expect(teaming_flags(state, 1) & UL_UP_SPARE);
}

Test(teaming_restart, loss_between_two_configurations_is_not_forgotten_by_renumbering)
{
	start_up(UL_CHANNEL_NONE, 2);
	teaming_detach(state, 0);
	renumber(2, 1, 0, UL_NO_UPLINK);
	link_is(1, true);
	cr_expect_eq(usable(2), 0x3);
	expect_event(1, UL_VOTER_INTERFACE, UL_VOTER_NONE);
}

/* ---- misuse ---- */
Test(teaming_restart, flags_of_an_unknown_uplink, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	teaming_flags(state, 2);
}

Test(teaming_restart, input_for_an_unknown_uplink, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	teaming_detach(state, 2);
}

Test(teaming_restart, record_of_an_unknown_slot, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	teaming_policy(state, UL_MAX_POLICIES);
}

Test(teaming_restart, settings_of_an_unknown_slot, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	teaming_settings(state, UL_MAX_POLICIES);
}

Test(teaming_restart, text_of_an_unknown_voter, .signal = SIGABRT)
{
	state = NULL;
	teaming_voter_text((enum ul_voter)(UL_VOTER_NONE + 1));
}

Test(teaming_restart, adopted_twice, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	teaming_adopt(state, found, 2, found_policies);
}

Test(teaming_restart, too_many_adopted, .signal = SIGABRT)
{
	state = teaming_new();
	teaming_adopt(state, found, UL_MAX_UPLINKS + 1, found_policies);
}

Test(teaming_restart, too_many_after_renumbering, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	renumber(UL_MAX_UPLINKS + 1, 0, 1, UL_NO_UPLINK);
}

Test(teaming_restart, renumbered_beyond_the_end, .signal = SIGABRT)
{
	start(UL_CHANNEL_NONE, 2);
	renumber(1, 0, 1, UL_NO_UPLINK);
}

/* ---- policies of the switch ---- */
Test(teaming_restart, frames_are_accepted_from_all_when_every_policy_does)
{
	start_up(UL_CHANNEL_STATIC, 3);
	groups[0].teaming = teaming_over(0x3);
	groups[1].teaming = teaming_over(0x6);
	apply_groups(2);
	for (uint32_t i = 0; i < 3; i++)
		cr_expect_eq(!!(teaming_flags(state, i) & UL_UP_FOR_ALL), i == 1, "uplink %u", i);
	teaming_detach(state, 1);
	run();
	cr_expect_not(teaming_flags(state, 1) & UL_UP_FOR_ALL);
	link_is(1, true);
	cr_expect(teaming_flags(state, 1) & UL_UP_FOR_ALL);
	teaming_configure(state, UL_CHANNEL_NONE, DELAY, now);
	run();
	cr_expect_not(teaming_flags(state, 1) & UL_UP_FOR_ALL, "only with a channel");
}

Test(teaming_restart, changes_name_the_policies)
{
	start_up(UL_CHANNEL_NONE, 4);
	groups[0].teaming = teaming_over(0x3);
	groups[1].teaming = teaming_over(0xc);
	cr_assert_eq(teaming_assign(state, groups, 2, slots), 0);
	cr_expect_eq(teaming_take_policies(state), UINT64_C(1) << slots[0] | UINT64_C(1)
										     << slots[1]);
	cr_expect_eq(teaming_take_policies(state), 0, "taken once");
	cr_expect_eq(teaming_settings(state, slots[1])->active[0], 2);
	cr_expect_null(teaming_settings(state, UL_MAX_POLICIES - 1));
	cr_expect_eq(teaming_policy(state, UL_MAX_POLICIES - 1)->n_buckets, 0);
	teaming_prune(state, slots, 2);
	run();
	cr_expect_eq(changes.policies, 1, "slot 0 of the former configuration is cleared");
	cr_expect_eq(changes.moved, 0);
	cr_expect_null(teaming_settings(state, 0));
	cr_expect_eq(changes.used, UINT64_C(1) << slots[0] | UINT64_C(1) << slots[1]);
	link_is(2, false);
	cr_expect_eq(changes.policies, UINT64_C(1) << slots[1]);
	cr_expect_eq(changes.moved, UINT64_C(1) << slots[1]);
	cr_expect_eq(serving(teaming_policy(state, slots[1])), 0x8);
	run();
	cr_expect_eq(changes.policies, 0);
	cr_expect_eq(changes.moved, 0);
}

Test(teaming_restart, recovered_uplink_is_a_spare_without_failback)
{
	start_up(UL_CHANNEL_NONE, 3);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 2, 0);
	groups[0].teaming.failback = false;
	groups[1].teaming = teaming_over(0x7);
	apply_groups(2);
	link_is(0, false);
	link_is(0, true);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_SPARE, "it waits for its delay");
	run_at(T0 + DELAY);
	cr_expect(teaming_flags(state, 0) & UL_UP_SPARE);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect_eq(serving(teaming_policy(state, slots[1])), 0x7);
	link_is(1, false);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_SPARE);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x1);
}

Test(teaming_restart, new_policy_holds_back_the_spares)
{
	start_up(UL_CHANNEL_NONE, 2);
	groups[0].teaming = teaming_of(UL_M_FAILOVER_ORDER, 2, 0);
	groups[0].teaming.failback = false;
	apply_groups(1);
	link_is(0, false);
	link_is(0, true);
	run_at(T0 + DELAY);
	groups[0].teaming.notify_switches = true;
	apply_groups(1);
	cr_expect_eq(serving(teaming_policy(state, slots[0])), 0x2);
	cr_expect(teaming_flags(state, 0) & UL_UP_SPARE);
}

Test(teaming_restart, too_many_different_settings)
{
	start_up(UL_CHANNEL_NONE, 7);
	for (uint32_t i = 0; i <= UL_MAX_POLICIES; i++)
		groups[i].teaming = teaming_over(i + 1);
	cr_expect_eq(teaming_assign(state, groups, UL_MAX_POLICIES + 1, slots), -ENOSPC);
	cr_expect_eq(teaming_assign(state, groups, UL_MAX_POLICIES, slots), 0);
}

/* ---- from one protocol to another ---- */
Test(teaming_restart, pagp_counts_like_lacp_and_not_across_both)
{
	start_up(UL_CHANNEL_PAGP, 1);
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_PAGP);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_RECEIVE);
	lacp_is(0, true);
	cr_expect(is_usable(0));
	cr_expect(teaming_flags(state, 0) & UL_UP_RECEIVE);
	teaming_configure(state, UL_CHANNEL_PAGP, DELAY, now);
	run();
	cr_expect(is_usable(0), "the agreement stays");
	teaming_configure(state, UL_CHANNEL_LACP, DELAY, now);
	run();
	cr_expect_eq(teaming_voter(state, 0), UL_VOTER_LACP);
	cr_expect_not(teaming_flags(state, 0) & UL_UP_RECEIVE);
}
