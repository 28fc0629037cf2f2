// SPDX-License-Identifier: GPL-2.0
#include <criterion/criterion.h>

#include "flow_hash.h"
#include "team/policy.h"

static struct teaming teaming(enum ul_method method, uint32_t n_active, uint32_t n_standby)
{
	struct teaming t = {
		.method = method, .failback = true, .n_active = n_active, .n_standby = n_standby
	};

	for (uint32_t i = 0; i < n_active; i++)
		t.active[i] = (uint8_t)i;
	for (uint32_t i = 0; i < n_standby; i++)
		t.standby[i] = (uint8_t)(n_active + i);
	return t;
}

static uint32_t count_buckets(const struct ul_policy *policy, uint8_t uplink)
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < policy->n_buckets; b++)
		n += policy->bucket[b] == uplink;
	return n;
}

Test(team_policy, all_up_is_the_formula)
{
	for (uint32_t n = 1; n <= UL_MAX_UPLINKS; n++) {
		struct teaming t = teaming(UL_M_SRC_DST_IP, n, 0);
		struct ul_policy policy;

		policy_build(&t, UL_CHANNEL_STATIC, (1u << n) - 1, 0, &policy);
		cr_assert_eq(policy.n_buckets, n * (1024 / n));
		for (uint32_t b = 0; b < policy.n_buckets; b++)
			cr_assert_eq(policy.bucket[b], b % n, "n %u bucket %u", n, b);
		for (uint32_t b = policy.n_buckets; b < UL_MAX_BUCKETS; b++)
			cr_assert_eq(policy.bucket[b], UL_NO_UPLINK);
	}
}

/* Active uplinks need not be 0, 1, 2: the position counts. */
Test(team_policy, order_of_the_active_list_is_the_order_of_the_hash)
{
	struct teaming t = { .method = UL_M_SRC_DST_IP, .n_active = 3, .active = { 2, 0, 5 } };
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0x25, 0, &policy);
	for (uint32_t b = 0; b < policy.n_buckets; b++)
		cr_assert_eq(policy.bucket[b], t.active[b % 3]);
	cr_assert_eq(policy.in_use, 0x25);
}

Test(team_policy, a_failure_moves_only_its_own_and_evenly)
{
	for (uint32_t n = 2; n <= UL_MAX_UPLINKS; n++) {
		struct teaming t = teaming(UL_M_SRC_DST_IP, n, 0);
		uint32_t all = (1u << n) - 1, least = UL_MAX_BUCKETS, most = 0, changed;
		struct ul_policy before, after;

		policy_build(&t, UL_CHANNEL_STATIC, all, 0, &before);
		policy_build(&t, UL_CHANNEL_STATIC, all & ~2u, 0, &after);
		for (uint32_t b = 0; b < before.n_buckets; b++)
			cr_assert(before.bucket[b] == 1 ? after.bucket[b] != 1 :
							  after.bucket[b] == before.bucket[b]);
		for (uint32_t u = 0; u < n; u++) {
			uint32_t got = count_buckets(&after, (uint8_t)u);

			if (u == 1)
				continue;
			least = got < least ? got : least;
			most = got > most ? got : most;
		}
		cr_assert_leq(most - least, 1, "n %u: %u to %u", n, least, most);
		changed = policy_publish(&before, &after);
		cr_assert_eq(changed, 1024 / n);
		cr_assert_eq(memcmp(before.bucket, after.bucket, sizeof(before.bucket)), 0);
	}
}

Test(team_policy, modulo_hashes_over_the_live_ones)
{
	struct teaming t = teaming(UL_M_SRC_DST_IP, 3, 0);
	struct ul_policy policy;

	t.modulo = true;
	policy_build(&t, UL_CHANNEL_STATIC, 0x5, 0, &policy);
	cr_assert_eq(policy.n_active, 2);
	for (uint32_t b = 0; b < policy.n_buckets; b++)
		cr_assert_eq(policy.bucket[b], b % 2 ? 2 : 0);
	cr_assert_eq(policy.in_use, 0x7, "the switch may send by any link of a channel");
}

Test(team_policy, modulo_without_a_channel_accepts_what_serves_and_what_is_drained)
{
	struct teaming t = teaming(UL_M_PORT_ID, 3, 1);
	struct ul_policy policy;

	t.modulo = true;
	policy_build(&t, UL_CHANNEL_NONE, 0xc, 0x2, &policy);
	cr_assert_eq(policy.in_use, 0x6);
	cr_assert_eq(count_buckets(&policy, 2), policy.n_buckets);
}

Test(team_policy, standby_takes_the_place_of_the_dead)
{
	struct teaming t = teaming(UL_M_PORT_ID, 2, 1);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_NONE, 0x7, 0, &policy);
	cr_assert_eq(policy.in_use, 0x3, "a standby does not serve while the active ones do");
	cr_assert_eq(count_buckets(&policy, 2), 0);
	policy_build(&t, UL_CHANNEL_NONE, 0x6, 0, &policy);
	cr_assert_eq(policy.in_use, 0x6);
	for (uint32_t b = 0; b < policy.n_buckets; b++)
		cr_assert_eq(policy.bucket[b], b % 2 ? 1 : 2);
}

Test(team_policy, failover_order_is_one_uplink_at_a_time)
{
	struct teaming t = teaming(UL_M_FAILOVER_ORDER, 2, 1);
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

/* What is drained sends nothing, but the switch may still send there. */
Test(team_policy, drained_uplinks_still_receive)
{
	struct teaming t = teaming(UL_M_PORT_ID, 2, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_NONE, 0x1, 0x2, &policy);
	cr_assert_eq(policy.in_use, 0x3);
	cr_assert_eq(count_buckets(&policy, 1), 0);
}

Test(team_policy, a_channel_is_open_on_all_its_links)
{
	struct teaming t = teaming(UL_M_SRC_DST_IP, 3, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0x1, 0, &policy);
	cr_assert_eq(policy.in_use, 0x7, "which are open is the uplinks' own flag");
	cr_assert(policy.flags & UL_POLICY_ANY_UPLINK);
}

Test(team_policy, nothing_usable_is_said_so)
{
	struct teaming t = teaming(UL_M_SRC_DST_IP, 2, 0);
	struct ul_policy policy;

	policy_build(&t, UL_CHANNEL_STATIC, 0, 0, &policy);
	cr_assert_eq(count_buckets(&policy, UL_NO_UPLINK), policy.n_buckets);
	cr_assert_eq(policy_uplink_of_port(&policy, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, 0),
		     UL_NO_UPLINK);
}
