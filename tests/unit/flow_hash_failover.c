// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Who takes over when uplinks die: promises of product.md about ul_serving_position() and
 * ul_serving_positions(), for all numbers of uplinks. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "flow_hash.h"

TestSuite(failover, .timeout = 300);

static uint32_t all(uint32_t n)
{
	return n == 32 ? 0xffffffff : (1u << n) - 1;
}

static int serving(uint32_t n_active, uint32_t n_members, uint32_t bucket, uint32_t alive)
{
	return ul_serving_position(0, n_active, n_members, bucket, alive);
}

Test(failover, everybody_serves_his_own)
{
	for (uint32_t n = 1; n <= UL_MAX_UPLINKS; n++)
		for (uint32_t standby = 0; n + standby <= UL_MAX_UPLINKS; standby += 3)
			for (uint32_t b = 0; b < ul_n_buckets(n); b++)
				cr_assert_eq(serving(n, n + standby, b, all(n + standby)),
					     (int)(b % n));
}

/* One failure: no other uplink's bucket moves, and the survivors get equal shares to within two
 * buckets. */
Test(failover, first_failure_is_minimal_and_even)
{
	for (uint32_t n = 2; n <= UL_MAX_UPLINKS; n++) {
		for (uint32_t dead = 0; dead < n; dead++) {
			uint32_t share[UL_MAX_UPLINKS] = { 0 }, least = UL_MAX_BUCKETS, most = 0;

			for (uint32_t b = 0; b < ul_n_buckets(n); b++) {
				int p = serving(n, n, b, all(n) & ~(1u << dead));

				if (b % n != dead) {
					cr_assert_eq(p, (int)(b % n),
						     "n %u: bucket %u moved though %u died", n, b,
						     dead);
					continue;
				}
				cr_assert(p >= 0 && p < (int)n && p != (int)dead);
				share[p]++;
			}
			for (uint32_t p = 0; p < n; p++) {
				if (p == dead)
					continue;
				least = share[p] < least ? share[p] : least;
				most = share[p] > most ? share[p] : most;
			}
			cr_assert_leq(most - least, 2, "n %u, %u dead: shares from %u to %u", n,
				      dead, least, most);
		}
	}
}

/* Each further failure, in any order: only the buckets that the new dead one served move, and each
 * dead one that comes back takes its own. */
Test(failover, further_failures_move_only_their_own)
{
	unsigned int seed = 7;

	for (uint32_t n = 2; n <= UL_MAX_UPLINKS; n++) {
		for (int trial = 0; trial < 10; trial++) {
			uint32_t alive = all(n);

			while (alive) {
				uint32_t victim = (uint32_t)rand_r(&seed) % n,
					 after = alive & ~(1u << victim);

				if (after == alive)
					continue;
				for (uint32_t b = 0; b < ul_n_buckets(n); b++) {
					int before_p = serving(n, n, b, alive),
					    after_p = serving(n, n, b, after);

					if (!after)
						cr_assert_eq(after_p, -1);
					else if (before_p != (int)victim)
						cr_assert_eq(
							after_p, before_p,
							"n %u alive %#x: bucket %u moved when %u died",
							n, alive, b, victim);
					else
						cr_assert(after_p >= 0 && after >> after_p & 1);
				}
				alive = after;
			}
		}
	}
}

/* Second failure: the flows of both dead ones are spread over all the others, none gets more than
 * twice its part. */
Test(failover, second_failure_is_spread)
{
	for (uint32_t n = 3; n <= 16; n++) {
		for (uint32_t a = 0; a < n; a++) {
			for (uint32_t b = 0; b < a; b++) {
				uint32_t share[UL_MAX_UPLINKS] = { 0 },
					 alive = all(n) & ~(1u << a) & ~(1u << b);

				for (uint32_t k = 0; k < ul_n_buckets(n); k++)
					share[serving(n, n, k, alive)]++;
				for (uint32_t p = 0; p < n; p++) {
					uint32_t fair = ul_n_buckets(n) / (n - 2);

					if (alive >> p & 1)
						cr_assert(
							share[p] * 2 > fair && share[p] < fair * 2,
							"n %u without %u, %u: position %u has %u buckets, fair is %u",
							n, a, b, p, share[p], fair);
				}
			}
		}
	}
}

/* The k-th dead active one is replaced by the k-th live standby, with all of its buckets. */
Test(failover, standby_takes_the_place)
{
	for (uint32_t n = 1; n <= 8; n++) {
		for (uint32_t standby = 1; standby <= 3; standby++) {
			uint32_t members = n + standby;

			for (uint32_t alive = 0; alive < 1u << members; alive++) {
				uint32_t dead = 0, spare_of[8];
				uint32_t next = n;

				for (uint32_t p = 0; p < n; p++) {
					if (alive >> p & 1)
						continue;
					while (next < members && !(alive >> next & 1))
						next++;
					spare_of[p] = next < members ? next++ : 99;
					dead++;
				}
				for (uint32_t b = 0; b < 3 * n; b++) {
					int p = serving(n, members, b, alive);

					if (alive >> b % n & 1)
						cr_assert_eq(p, (int)(b % n));
					else if (spare_of[b % n] != 99)
						cr_assert_eq(p, (int)spare_of[b % n],
							     "n %u+%u alive %#x bucket %u: %d", n,
							     standby, alive, b, p);
					else if (alive)
						cr_assert(p >= 0 && alive >> p & 1,
							  "n %u+%u alive %#x bucket %u: %d", n,
							  standby, alive, b, p);
					else
						cr_assert_eq(p, -1);
				}
				cr_assert_leq(dead, n);
			}
		}
	}
}

Test(failover, ordered_takes_the_first_live_one)
{
	for (uint32_t n = 1; n <= 4; n++)
		for (uint32_t members = n; members <= 7; members++)
			for (uint32_t alive = 0; alive < 1u << members; alive++)
				for (uint32_t b = 0; b < 2 * n; b++)
					cr_assert_eq(ul_serving_position(UL_POLICY_ORDERED, n,
									 members, b, alive),
						     alive ? __builtin_ctz(alive) : -1);
}

Test(failover, no_uplink)
{
	for (uint32_t n = 1; n <= UL_MAX_UPLINKS; n++) {
		cr_assert_eq(serving(n, n, n - 1, 0), -1);
		/* Bits beyond the members are not members. */
		cr_assert_eq(serving(n, n, 0, n < 32 ? ~all(n) : 0), -1);
	}
	cr_assert_eq(serving(0, 0, 0, 0xffffffff), -1);
	cr_assert_eq(serving(0, 2, 5, 3), -1);
}

/* The set of serving uplinks is exactly the image of all buckets. */
Test(failover, the_set_agrees_with_the_buckets)
{
	for (uint32_t flags = 0; flags <= UL_POLICY_ORDERED; flags += UL_POLICY_ORDERED) {
		for (uint32_t n = 1; n <= 6; n++) {
			for (uint32_t members = n; members <= 8; members++) {
				for (uint32_t alive = 0; alive < 1u << members; alive++) {
					uint32_t image = 0;

					for (uint32_t b = 0; b < ul_n_buckets(n); b++) {
						int p = ul_serving_position(flags, n, members, b,
									    alive);

						if (p >= 0)
							image |= 1u << p;
					}
					cr_assert_eq(
						ul_serving_positions(flags, n, members, alive),
						image,
						"flags %u n %u members %u alive %#x: set %#x, buckets %#x",
						flags, n, members, alive,
						ul_serving_positions(flags, n, members, alive),
						image);
				}
			}
		}
	}
}
