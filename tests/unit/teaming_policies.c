// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Slots of the teaming policies: assignment, restart, renumbering, failback: false. */
#include "teaming_testing.h"

#include "teaming/policies.h"

static struct policies policies;
static struct group_cfg groups[UL_MAX_POLICIES + 1];
static uint32_t slots[UL_MAX_POLICIES + 1];
static struct policies_input input;
static uint32_t held;

static void setup(void)
{
	memset(&policies, 0, sizeof(policies));
	input = (struct policies_input){ .channel = UL_CHANNEL_NONE, .usable = 0x7f };
	for (uint32_t i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i].teaming = teaming_over(i + 1);
}

TestSuite(teaming_policies, .init = setup);

static void assign(size_t n)
{
	memset(slots, 0xff, sizeof(slots));
	cr_assert_eq(policies_assign(&policies, &input, groups, n, slots), 0);
}

/* Only usable uplinks change; before: those of the last update. */
static uint64_t update(uint32_t usable)
{
	uint32_t before = input.usable;

	input.usable = usable;
	return policies_update(&policies, &input, before, &held);
}

static const struct ul_policy *record(uint32_t slot)
{
	return &policies.slot[slot].record;
}

/* ---- slots ---- */
Test(teaming_policies, equal_settings_share_a_slot)
{
	groups[2] = groups[0];
	assign(3);
	cr_expect_eq(slots[0], 0);
	cr_expect_eq(slots[1], 1);
	cr_expect_eq(slots[2], 0);
	cr_expect_eq(policies.changed, 0x3);
	cr_expect_eq(policies_used(&policies), 0x3);
	policies.changed = 0;
	assign(3);
	cr_expect_eq(slots[1], 1, "they stay where they are");
	cr_expect_eq(policies.changed, 0);
}

Test(teaming_policies, records_serve_from_the_beginning)
{
	input.usable = 0x2;
	assign(3);
	cr_expect_eq(serving(record(0)), 0);
	cr_expect_eq(record(0)->n_active, 1);
	cr_expect_eq(serving(record(2)), 0x2);
	cr_expect_eq(record(2)->in_use, 0x2);
	input.draining = 0x1;
	groups[0].teaming = teaming_over(0x13);
	assign(1);
	cr_expect_eq(record(slots[0])->in_use, 0x3);
	input.channel = UL_CHANNEL_STATIC;
	groups[0].teaming = teaming_over(0x17);
	assign(1);
	cr_expect_eq(record(slots[0])->in_use, 0x17);
}

Test(teaming_policies, unused_slots_are_cleared)
{
	assign(3);
	policies.changed = 0;
	policies_clear_unused(&policies, slots + 1, 2);
	cr_expect_eq(policies_used(&policies), 0x6);
	cr_expect_eq(policies.changed, 0x1);
	cr_expect_eq(record(0)->n_buckets, 0);
	cr_expect_neq(record(1)->n_buckets, 0);
	groups[0].teaming = teaming_over(0x40);
	assign(1);
	cr_expect_eq(slots[0], 0, "the first empty one");
	policies_clear_unused(&policies, slots, 0);
	cr_expect_eq(policies_used(&policies), 0);
}

Test(teaming_policies, slot_of_a_high_number_is_kept)
{
	assign(UL_MAX_POLICIES);
	cr_expect_eq(slots[UL_MAX_POLICIES - 1], UL_MAX_POLICIES - 1);
	cr_expect_eq(policies.changed, UINT64_MAX);
	cr_expect_eq(policies_used(&policies), UINT64_MAX);
	policies_clear_unused(&policies, slots + UL_MAX_POLICIES - 1, 1);
	cr_expect_eq(policies_used(&policies), UINT64_C(1) << 63);
}

Test(teaming_policies, more_settings_than_slots)
{
	cr_expect_eq(policies_assign(&policies, &input, groups, UL_MAX_POLICIES + 1, slots),
		     -ENOSPC);
}

/* All slots have settings of the old configuration: those that both have stay. */
Test(teaming_policies, full_table_is_exchanged)
{
	assign(UL_MAX_POLICIES);
	policies.slot[0].failback_held = 0x1;
	policies.changed = 0;
	groups[UL_MAX_POLICIES] = groups[0]; /* not of the new configuration */
	groups[0].teaming = groups[1].teaming;
	groups[1].teaming = teaming_over(0x41);
	groups[2].teaming.notify_switches = true;
	assign(UL_MAX_POLICIES);
	cr_expect_eq(slots[0], 1, "still wanted");
	cr_expect_eq(slots[1], 0);
	cr_expect_eq(slots[2], 2);
	cr_expect_eq(policies.changed, 0x1, "slot 2 has other settings and the same record");
	cr_expect_eq(policies.slot[0].failback_held, 0);
	cr_expect(policies.slot[2].teaming.notify_switches);
	cr_expect_eq(serving(record(0)), 0x41);
	for (uint32_t i = 3; i < UL_MAX_POLICIES; i++)
		cr_expect_eq(slots[i], i);
}

Test(teaming_policies, full_table_is_exchanged_as_a_whole)
{
	assign(UL_MAX_POLICIES);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		groups[i].teaming.notify_switches = true;
	assign(UL_MAX_POLICIES);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		cr_expect_eq(slots[i], i);
		cr_expect(policies.slot[i].teaming.notify_switches);
	}
}

/* ---- restart ---- */
static void adopt(uint32_t slot, const struct teaming *teaming, uint32_t usable)
{
	static struct ul_policy records[UL_MAX_POLICIES];

	policy_build(teaming, input.channel, usable, 0, &records[slot]);
	policies_adopt(&policies, records);
}

Test(teaming_policies, restart_finds_the_record_of_the_same_settings)
{
	adopt(0, &groups[3].teaming, 0x7);
	adopt(5, &groups[2].teaming, 0x1);
	adopt(9, &groups[4].teaming, 0x7);
	adopt(63, &groups[5].teaming, 0x7);
	cr_expect_eq(policies.changed, 0);
	cr_expect_eq(policies_used(&policies), 0);
	assign(6);
	cr_expect_eq(slots[2], 5);
	cr_expect_eq(slots[3], 0);
	cr_expect_eq(slots[4], 9);
	cr_expect_eq(slots[5], 63);
	cr_expect_eq(slots[0], 1, "the first empty one");
	cr_expect_eq(slots[1], 2);
	cr_expect_eq(policies.changed, 0x6 | 1 << 5, "the others are as they were");
	cr_expect_eq(serving(record(5)), 0x3);
}

Test(teaming_policies, restart_gives_a_record_to_one_group_only)
{
	adopt(5, &groups[2].teaming, 0x7);
	groups[0] = groups[2];
	groups[0].teaming.notify_switches = true;
	groups[1] = groups[2];
	assign(2);
	cr_expect_eq(slots[0], 5);
	cr_expect_eq(slots[1], 0);
}

Test(teaming_policies, restart_with_a_table_full_of_other_records)
{
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		adopt(i, &groups[i].teaming, 0x7f);
	groups[0].teaming = teaming_over(0x41);
	assign(2);
	cr_expect_eq(slots[0], 0, "nothing uses the records yet");
	cr_expect_eq(slots[1], 1);
	policies_clear_unused(&policies, slots, 2);
	cr_expect_eq(policies.changed, UINT64_MAX & ~UINT64_C(2));
	cr_expect_eq(record(2)->n_buckets, 0);
}

Test(teaming_policies, restart_keeps_the_spares_only_without_failback)
{
	input.usable = input.spare = 0x1;
	input.usable |= 0x2;
	groups[0].teaming = groups[1].teaming = teaming_over(0x3);
	groups[0].teaming.failback = false;
	assign(2);
	cr_expect_eq(policies.slot[slots[0]].failback_held, 0x1);
	cr_expect_eq(serving(record(slots[0])), 0x2);
	cr_expect_eq(policies.slot[slots[1]].failback_held, 0);
	cr_expect_eq(serving(record(slots[1])), 0x3);
}

Test(teaming_policies, spare_of_another_policy_is_not_held)
{
	input.usable = 0x3;
	input.spare = 0x1;
	groups[0].teaming = teaming_over(0x2);
	groups[0].teaming.failback = false;
	assign(1);
	update(0x3);
	cr_expect_eq(held, 0);
}

/* ---- renumbering ---- */
Test(teaming_policies, renumbering_moves_lists_masks_and_buckets)
{
	uint8_t to[UL_MAX_UPLINKS];

	memset(to, UL_NO_UPLINK, sizeof(to));
	to[0] = 2;
	to[2] = 0;
	to[3] = 1;
	groups[0].teaming = teaming_of(UL_M_PORT_ID, 3, 2);
	groups[1].teaming = teaming_over(0x8);
	input.usable = 0xf;
	assign(2);
	policies.slot[0].failback_held = 0x6;
	policies.changed = 0;
	policies_renumber(&policies, to);
	cr_expect_eq(policies.changed, 0x3);
	cr_expect_eq(policies.slot[0].teaming.n_active, 2);
	cr_expect_eq(policies.slot[0].teaming.active[0], 2);
	cr_expect_eq(policies.slot[0].teaming.active[1], 0);
	cr_expect_eq(policies.slot[0].teaming.n_standby, 1);
	cr_expect_eq(policies.slot[0].teaming.standby[0], 1);
	cr_expect_eq(policies.slot[0].failback_held, 0x1);
	cr_expect_eq(record(0)->in_use, 0x5);
	cr_expect_eq(record(0)->n_members, 5);
	for (uint32_t p = 0; p < 5; p++)
		cr_expect_eq(record(0)->member[p],
			     ((const uint8_t[]){ 2, UL_NO_UPLINK, 0, 1, UL_NO_UPLINK })[p]);
	cr_expect_eq(record(0)->member[5], 0, "no member");
	cr_expect_eq(record(0)->n_buckets, 1023);
	for (uint32_t b = 0; b < 1023; b++)
		cr_assert_eq(record(0)->bucket[b],
			     ((const uint8_t[]){ 2, UL_NO_UPLINK, 0 })[b % 3]);
	cr_expect_eq(record(1)->in_use, 0x2);
	cr_expect_eq(policies_used(&policies), 0x3);
}

Test(teaming_policies, renumbering_of_as_many_uplinks_as_possible)
{
	uint8_t to[UL_MAX_UPLINKS];

	for (uint8_t i = 0; i < UL_MAX_UPLINKS; i++)
		to[i] = (uint8_t)(UL_MAX_UPLINKS - 1 - i);
	groups[0].teaming = teaming_over((1u << UL_MAX_UPLINKS) - 1);
	input.usable = (1u << UL_MAX_UPLINKS) - 1;
	assign(1);
	policies_renumber(&policies, to);
	cr_expect_eq(record(0)->in_use, input.usable);
	for (uint32_t b = 0; b < record(0)->n_buckets; b++)
		cr_assert_eq(record(0)->bucket[b], UL_MAX_UPLINKS - 1 - b % UL_MAX_UPLINKS);
}

Test(teaming_policies, renumbering_keeps_buckets_without_an_uplink)
{
	uint8_t to[UL_MAX_UPLINKS];

	memset(to, UL_NO_UPLINK, sizeof(to));
	to[0] = 1;
	input.usable = 0;
	assign(1);
	policies_renumber(&policies, to);
	cr_expect_eq(serving(record(0)), 0);
	cr_expect_eq(count_buckets(record(0), UL_NO_UPLINK), record(0)->n_buckets);
	cr_expect_eq(record(0)->member[0], 1);
}

Test(teaming_policies, renumbering_reaches_records_of_a_former_process)
{
	uint8_t to[UL_MAX_UPLINKS];

	memset(to, UL_NO_UPLINK, sizeof(to));
	to[0] = 1;
	to[1] = 0;
	adopt(3, &groups[0].teaming, 0x1);
	adopt(63, &groups[0].teaming, 0x1);
	policies_renumber(&policies, to);
	cr_expect_eq(serving(record(3)), 0x2);
	cr_expect_eq(serving(record(63)), 0x2);
	cr_expect_eq(policies.changed, UINT64_C(1) << 63 | 1 << 3);
}

/* ---- update ---- */
Test(teaming_policies, update_returns_the_slots_with_moved_buckets)
{
	groups[0].teaming = teaming_over(0x3);
	groups[1].teaming = teaming_over(0x4);
	assign(2);
	policies.changed = 0;
	cr_expect_eq(update(0x6), 0x1);
	cr_expect_eq(policies.changed, 0x1);
	cr_expect_eq(held, 0);
	cr_expect_eq(update(0x6), 0);
	policies.changed = 0;
	input.draining = 0x1;
	cr_expect_eq(update(0x6), 0, "accepting frames moves no bucket");
	cr_expect_eq(policies.changed, 0x1);
	cr_expect_eq(record(0)->in_use, 0x3);
}

Test(teaming_policies, update_reaches_all_slots)
{
	input.usable = 0;
	assign(UL_MAX_POLICIES);
	cr_expect_eq(update(0x7f), UINT64_MAX);
	cr_expect_eq(serving(record(63)), 0x40);
	cr_expect_eq(serving(record(0)), 0x1);
}

Test(teaming_policies, first_and_last_slot_take_part_in_decisions)
{
	input.channel = UL_CHANNEL_STATIC;
	groups[0].teaming = teaming_over(0x3);
	groups[63].teaming = teaming_over(0x5);
	groups[0].teaming.notify_switches = groups[63].teaming.notify_switches = true;
	assign(UL_MAX_POLICIES);
	for (uint32_t i = 1; i < 63; i++)
		policies.slot[i] = (struct policy_slot){};
	cr_expect_eq(policies_accepted(&policies), 0x1);
	cr_expect_eq(policies_needed(&policies, 0x8, 0x6), 0x6);
	cr_expect_eq(policies_needed(&policies, 0x4, 0x2), 0x2, "the first");
	cr_expect_eq(policies_needed(&policies, 0x2, 0x4), 0x4, "the last");
}

Test(teaming_policies, update_leaves_unused_slots)
{
	adopt(3, &groups[2].teaming, 0x3);
	cr_expect_eq(update(0x1), 0);
	cr_expect_eq(serving(record(3)), 0x3);
}

Test(teaming_policies, accepted_are_those_of_every_policy)
{
	cr_expect_eq(policies_accepted(&policies), UINT32_MAX, "no policy refuses any");
	input.channel = UL_CHANNEL_STATIC;
	groups[0].teaming = teaming_over(0x7);
	groups[1].teaming = teaming_over(0xe);
	assign(2);
	cr_expect_eq(policies_accepted(&policies), 0x6);
	policies_clear_unused(&policies, slots, 1);
	cr_expect_eq(policies_accepted(&policies), 0x7);
}

Test(teaming_policies, needed_are_the_waiting_where_none_sends)
{
	groups[0].teaming = teaming_over(0x3);
	groups[1].teaming = teaming_over(0xc);
	assign(2);
	cr_expect_eq(policies_needed(&policies, 0, 0x11), 0x11, "none sends at all");
	cr_expect_eq(policies_needed(&policies, 0x1, 0x2), 0);
	cr_expect_eq(policies_needed(&policies, 0x1, 0x16), 0x4);
	cr_expect_eq(policies_needed(&policies, 0x5, 0xa), 0);
	policies_clear_unused(&policies, slots, 1);
	cr_expect_eq(policies_needed(&policies, 0x1, 0x4), 0, "no group needs it");
}

/* ---- failback: false ---- */
struct hold_step {
	uint32_t usable, serving, held;
	const char *what;
};

static void check_steps(const struct teaming *teaming, const struct hold_step *steps, size_t n)
{
	groups[0].teaming = *teaming;
	input.usable = steps[0].usable;
	assign(1);
	for (size_t i = 0; i < n; i++) {
		update(steps[i].usable);
		cr_expect_eq(serving(record(0)), steps[i].serving, "step %zu, %s: %#x serve", i,
			     steps[i].what, serving(record(0)));
		cr_expect_eq(held, steps[i].held, "step %zu, %s: %#x held", i, steps[i].what, held);
	}
}

Test(teaming_policies, recovered_uplink_waits_until_another_fails)
{
	struct teaming teaming = teaming_of(UL_M_PORT_ID, 3, 0);
	static const struct hold_step steps[] = {
		{ 0x7, 0x7, 0, "all" },
		{ 0x6, 0x6, 0, "0 fails" },
		{ 0xe, 0x6, 0, "an uplink of another policy" },
		{ 0xf, 0x6, 0x1, "0 recovers" },
		{ 0xf, 0x6, 0x1, "and goes on waiting" },
		{ 0x7, 0x6, 0x1, "a failure of no member" },
		{ 0x6, 0x6, 0, "the spare fails" },
		{ 0x7, 0x6, 0x1, "and recovers" },
		{ 0x5, 0x5, 0, "1 fails" },
		{ 0x7, 0x5, 0x2, "1 recovers" },
		{ 0x4, 0x4, 0, "the spare fails with another" },
		{ 0, 0, 0, "all fail" },
		{ 0x3, 0x3, 0, "two recover while none serves" },
	};

	teaming.failback = false;
	check_steps(&teaming, steps, ARRAY_SIZE(steps));
}

Test(teaming_policies, recovered_uplinks_wait_together)
{
	struct teaming teaming = teaming_of(UL_M_PORT_ID, 3, 0);
	static const struct hold_step steps[] = {
		{ 0x1, 0x1, 0, "one" },
		{ 0x3, 0x1, 0x2, "a second" },
		{ 0x7, 0x1, 0x6, "a third" },
		{ 0x5, 0x1, 0x4, "the second fails" },
		{ 0x4, 0x4, 0, "the one in use fails" },
		{ 0x6, 0x4, 0x2, "the second recovers" },
		{ 0x1, 0x1, 0, "both fail when the first recovers" },
	};

	teaming.failback = false;
	check_steps(&teaming, steps, ARRAY_SIZE(steps));
}

Test(teaming_policies, standby_keeps_serving_without_failback)
{
	struct teaming teaming = teaming_of(UL_M_FAILOVER_ORDER, 1, 1);
	static const struct hold_step steps[] = {
		{ 0x3, 0x1, 0, "all" },
		{ 0x2, 0x2, 0, "the active one fails" },
		{ 0x3, 0x2, 0x1, "and recovers" },
		{ 0x1, 0x1, 0, "the standby one fails" },
	};

	teaming.failback = false;
	check_steps(&teaming, steps, ARRAY_SIZE(steps));
}

Test(teaming_policies, recovered_uplink_serves_at_once_with_failback)
{
	struct teaming teaming = teaming_of(UL_M_PORT_ID, 2, 0);
	static const struct hold_step steps[] = {
		{ 0x3, 0x3, 0, "all" },
		{ 0x2, 0x2, 0, "0 fails" },
		{ 0x3, 0x3, 0, "0 recovers" },
	};

	check_steps(&teaming, steps, ARRAY_SIZE(steps));
	policies.slot[0].failback_held = 0x1;
	update(0x3);
	cr_expect_eq(held, 0);
}

Test(teaming_policies, update_returns_the_held_uplinks_of_all_policies)
{
	groups[0].teaming = teaming_over(0x3);
	groups[1].teaming = teaming_over(0xc);
	groups[0].teaming.failback = groups[1].teaming.failback = false;
	input.usable = 0xa;
	assign(2);
	update(0xf);
	cr_expect_eq(held, 0x5);
}
