// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "teaming_testing.h"

#include "flow_hash.h"

Test(teaming_policy, all_up_is_the_formula)
{
	for (uint32_t n = 1; n <= UL_MAX_UPLINKS; n++) {
		struct teaming t = teaming_of(UL_M_SRC_DST_IP, n, 0);
		struct ul_policy policy;

		policy_build(&t, UL_CHANNEL_STATIC, (1u << n) - 1, 0, &policy);
		cr_assert_eq(policy.n_buckets, n * (1024 / n));
		for (uint32_t b = 0; b < policy.n_buckets; b++)
			cr_assert_eq(policy.bucket[b], b % n, "n %u bucket %u", n, b);
		for (uint32_t b = policy.n_buckets; b < UL_MAX_BUCKETS; b++)
			cr_assert_eq(policy.bucket[b], UL_NO_UPLINK);
	}
}

Test(teaming_policy, flags)
{
	static const struct {
		enum ul_method method;
		bool last_octet;
		enum ul_channel channel;
		uint32_t flags;
		/* clang-format off */
	} rows[] = {
		{ UL_M_PORT_ID, false, UL_CHANNEL_NONE, 0 },
		{ UL_M_FAILOVER_ORDER, false, UL_CHANNEL_NONE, UL_POLICY_ORDERED },
		{ UL_M_SRC_IP, true, UL_CHANNEL_STATIC, UL_POLICY_LAST_OCTET | UL_POLICY_ANY_UPLINK },
		{ UL_M_SRC_IP, false, UL_CHANNEL_LACP, UL_POLICY_ANY_UPLINK },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct teaming t = teaming_of(rows[i].method, 1, 0);
		struct ul_policy policy;

		t.last_octet = rows[i].last_octet;
		policy_build(&t, rows[i].channel, 1, 0, &policy);
		cr_expect_eq(policy.flags, rows[i].flags, "row %zu: %#x", i, policy.flags);
		cr_expect_eq(policy.method, rows[i].method);
	}
}

Test(teaming_policy, without_an_active_uplink_there_is_no_bucket)
{
	struct teaming t = teaming_of(UL_M_PORT_ID, 0, 1);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0x1, 0, &policy);
	cr_expect_eq(policy.n_buckets, 0);
	cr_expect_eq(policy.n_members, 0);
	cr_expect_eq(policy.in_use, 0);
	cr_expect_eq(policy.bucket[0], UL_NO_UPLINK);
}

Test(teaming_policy, as_many_members_as_possible)
{
	struct teaming t = teaming_of(UL_M_PORT_ID, 23, 1);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_NONE, 1u << 23, 0, &policy);
	cr_expect_eq(policy.n_members, 24);
	cr_expect_eq(policy.member[23], 23);
	cr_expect_eq(policy.in_use, 1u << 23);
	t = teaming_of(UL_M_PORT_ID, 24, 1);
	policy_build(&t, UL_CHANNEL_NONE, 1u << 23, 0, &policy);
	cr_expect_eq(policy.n_members, 24, "a switch has no more uplinks");
}

Test(teaming_policy, uplinks_of_both_lists)
{
	struct teaming t = {
		.n_active = 2, .active = { 3, 1 }, .n_standby = 3, .standby = { 0, 5, 7 }
	};

	cr_expect_eq(teaming_uplinks(&t), 0xab);
}

Test(teaming_policy, same_settings)
{
	struct teaming t = teaming_of(UL_M_PORT_ID, 2, 1), other;
	struct ul_policy a, b;

	policy_build(&t, UL_CHANNEL_NONE, 0x7, 0, &a);
	policy_build(&t, UL_CHANNEL_NONE, 0x1, 0x2, &b);
	cr_expect(policy_same_settings(&a, &b), "the state of the uplinks does not count");
	policy_build(&t, UL_CHANNEL_STATIC, 0x7, 0, &b);
	cr_expect_not(policy_same_settings(&a, &b), "flags");
	other = teaming_of(UL_M_SRC_MAC, 2, 1);
	policy_build(&other, UL_CHANNEL_NONE, 0x7, 0, &b);
	cr_expect_not(policy_same_settings(&a, &b), "method");
	other = teaming_of(UL_M_PORT_ID, 3, 0);
	policy_build(&other, UL_CHANNEL_NONE, 0x7, 0, &b);
	cr_expect_not(policy_same_settings(&a, &b), "number of active uplinks");
	other = teaming_of(UL_M_PORT_ID, 2, 1);
	other.standby[0] = 5;
	policy_build(&other, UL_CHANNEL_NONE, 0x7, 0, &b);
	cr_expect_not(policy_same_settings(&a, &b), "members");
	t = teaming_of(UL_M_PORT_ID, 2, 0);
	t.active[1] = 0;
	policy_build(&t, UL_CHANNEL_NONE, 0x1, 0, &a);
	other = teaming_of(UL_M_PORT_ID, 2, 1);
	other.active[1] = other.standby[0] = 0;
	policy_build(&other, UL_CHANNEL_NONE, 0x1, 0, &b);
	cr_expect_not(policy_same_settings(&a, &b), "number of members");
}

/* port-id: bucket = number of the port; src-mac: the last byte of its MAC address. */
Test(teaming_policy, uplink_of_a_port)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 6 };
	struct teaming t = teaming_of(UL_M_PORT_ID, 4, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_NONE, 0xf, 0, &policy);
	for (uint32_t number = 0; number < 8; number++)
		cr_expect_eq(policy_uplink_of_port(&policy, mac, number), number % 4);
	cr_expect_eq(policy_uplink_of_port(&policy, mac, 1024 + 3), 3);
	t.method = UL_M_SRC_MAC;
	policy_build(&t, UL_CHANNEL_NONE, 0xf, 0, &policy);
	cr_expect_eq(policy_uplink_of_port(&policy, mac, 1), 2);
	t.last_octet = true;
	t.method = UL_M_SRC_IP;
	policy_build(&t, UL_CHANNEL_STATIC, 0xf, 0, &policy);
	cr_expect_eq(policy_uplink_of_port(&policy, mac, 1), 2, "without IP: two bytes, mod 4");
	policy.n_buckets = 0;
	cr_expect_eq(policy_uplink_of_port(&policy, mac, 1), UL_NO_UPLINK);
}

/* Active uplinks need not be 0, 1, 2: the position counts. */
Test(teaming_policy, order_of_the_active_list_is_the_order_of_the_hash)
{
	struct teaming t = { .method = UL_M_SRC_DST_IP, .n_active = 3, .active = { 2, 0, 5 } };
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0x25, 0, &policy);
	for (uint32_t b = 0; b < policy.n_buckets; b++)
		cr_assert_eq(policy.bucket[b], t.active[b % 3]);
	cr_assert_eq(policy.in_use, 0x25);
}

Test(teaming_policy, a_failure_moves_only_its_own_and_evenly)
{
	for (uint32_t n = 2; n <= UL_MAX_UPLINKS; n++) {
		struct teaming t = teaming_of(UL_M_SRC_DST_IP, n, 0);
		uint32_t all = (1u << n) - 1, least = UL_MAX_BUCKETS, most = 0, changed = 0;
		struct ul_policy before, after;

		policy_build(&t, UL_CHANNEL_STATIC, all, 0, &before);
		policy_build(&t, UL_CHANNEL_STATIC, all & ~2u, 0, &after);
		for (uint32_t b = 0; b < before.n_buckets; b++) {
			changed += before.bucket[b] != after.bucket[b];
			cr_assert(before.bucket[b] == 1 ? after.bucket[b] != 1 :
							  after.bucket[b] == before.bucket[b]);
		}
		for (uint32_t u = 0; u < n; u++) {
			uint32_t got = count_buckets(&after, (uint8_t)u);

			if (u == 1)
				continue;
			least = got < least ? got : least;
			most = got > most ? got : most;
		}
		cr_assert_leq(most - least, 1, "n %u: %u to %u", n, least, most);
		cr_assert_eq(changed, 1024 / n);
	}
}

Test(teaming_policy, modulo_hashes_over_the_live_ones)
{
	struct teaming t = teaming_of(UL_M_SRC_DST_IP, 3, 0);
	struct ul_policy policy;

	t.modulo = true;
	policy_build(&t, UL_CHANNEL_STATIC, 0x5, 0, &policy);
	cr_assert_eq(policy.n_active, 2);
	for (uint32_t b = 0; b < policy.n_buckets; b++)
		cr_assert_eq(policy.bucket[b], b % 2 ? 2 : 0);
	cr_assert_eq(policy.in_use, 0x7, "the switch may send by any link of a channel");
}

Test(teaming_policy, modulo_without_a_channel_accepts_what_serves_and_what_is_drained)
{
	struct teaming t = teaming_of(UL_M_PORT_ID, 3, 1);
	struct ul_policy policy;

	t.modulo = true;
	policy_build(&t, UL_CHANNEL_NONE, 0xc, 0x2, &policy);
	cr_assert_eq(policy.in_use, 0x6);
	cr_assert_eq(count_buckets(&policy, 2), policy.n_buckets);
}

Test(teaming_policy, standby_takes_the_place_of_the_dead)
{
	struct teaming t = teaming_of(UL_M_PORT_ID, 2, 1);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_NONE, 0x7, 0, &policy);
	cr_assert_eq(policy.in_use, 0x3, "a standby does not serve while the active ones do");
	cr_assert_eq(count_buckets(&policy, 2), 0);
	policy_build(&t, UL_CHANNEL_NONE, 0x6, 0, &policy);
	cr_assert_eq(policy.in_use, 0x6);
	for (uint32_t b = 0; b < policy.n_buckets; b++)
		cr_assert_eq(policy.bucket[b], b % 2 ? 1 : 2);
}

Test(teaming_policy, failover_order_is_one_uplink_at_a_time)
{
	struct teaming t = teaming_of(UL_M_FAILOVER_ORDER, 2, 1);
	static const struct {
		uint32_t usable;
		uint8_t serves;
	} table[] = { { 0x7, 0 }, { 0x6, 1 }, { 0x4, 2 }, { 0x5, 0 }, { 0, UL_NO_UPLINK } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ul_policy policy;

		policy_build(&t, UL_CHANNEL_NONE, table[i].usable, 0, &policy);
		cr_assert_eq(count_buckets(&policy, table[i].serves), policy.n_buckets,
			     "usable %#x", table[i].usable);
		cr_assert_eq(policy.in_use,
			     table[i].serves == UL_NO_UPLINK ? 0 : 1u << table[i].serves);
	}
}

/* A drained uplink sends nothing, but the physical switch may still send there. */
Test(teaming_policy, drained_uplinks_still_receive)
{
	struct teaming t = teaming_of(UL_M_PORT_ID, 2, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_NONE, 0x1, 0x2, &policy);
	cr_assert_eq(policy.in_use, 0x3);
	cr_assert_eq(count_buckets(&policy, 1), 0);
}

Test(teaming_policy, a_channel_is_open_on_all_its_links)
{
	struct teaming t = teaming_of(UL_M_SRC_DST_IP, 3, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0x1, 0, &policy);
	cr_assert_eq(policy.in_use, 0x7, "UL_UP_RECEIVE of an uplink closes it");
	cr_assert(policy.flags & UL_POLICY_ANY_UPLINK);
}

Test(teaming_policy, without_a_usable_uplink_no_bucket_is_served)
{
	struct teaming t = teaming_of(UL_M_SRC_DST_IP, 2, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0, 0, &policy);
	cr_assert_eq(count_buckets(&policy, UL_NO_UPLINK), policy.n_buckets);
	cr_assert_eq(policy_uplink_of_port(&policy, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, 0),
		     UL_NO_UPLINK);
}
