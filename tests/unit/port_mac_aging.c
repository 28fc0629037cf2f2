// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "port/mac_aging.h"

#define AGE_MS 600000

static uint32_t n_gone, last_slot, n_asked;
static uint64_t last_key, used_ms;

static uint64_t last_used(void *userdata, uint32_t slot, uint64_t key)
{
	(void)userdata;
	(void)slot;
	(void)key;
	n_asked++;
	return used_ms;
}

static void on_expired(void *userdata, uint32_t slot, uint64_t key)
{
	(void)userdata;
	n_gone++;
	last_slot = slot;
	last_key = key;
}

static const struct mac_ages_callbacks callbacks = { last_used, on_expired, NULL };

static struct mac_ages *fresh(void)
{
	struct mac_ages *ages;

	cr_assert_eq(mac_ages_new(&ages), 0);
	n_gone = n_asked = 0;
	used_ms = 0;
	return ages;
}

/* Adds up to n addresses with keys from first on; returns how many were added. */
static uint32_t add_many(struct mac_ages *ages, uint32_t slot, uint64_t first, uint32_t n)
{
	uint32_t added = 0;

	for (uint64_t key = first; key < first + n; key++)
		added += mac_ages_add(ages, slot, key, 1000) == 0;
	return added;
}

Test(port_mac_aging, an_address_expires_ten_minutes_after_its_last_use)
{
	struct mac_ages *ages = fresh();

	cr_assert_eq(mac_ages_expire(ages, 1000, &callbacks), UINT64_MAX);
	cr_assert_eq(mac_ages_add(ages, 7, 0x100, 1000), 0);
	cr_assert_eq(mac_ages_add(ages, 4095, 0x200, 5000), 0);
	cr_assert_eq(mac_ages_expire(ages, 1000 + AGE_MS - 1, &callbacks), 1000 + AGE_MS);
	cr_assert(n_gone == 0 && n_asked == 0, "the data plane is not read before the time");
	used_ms = 400000;
	cr_assert_eq(mac_ages_expire(ages, 5000 + AGE_MS, &callbacks), 400000 + AGE_MS);
	cr_assert(n_gone == 0 && n_asked == 2, "both were used meanwhile");
	used_ms = 0;
	cr_assert_eq(mac_ages_expire(ages, 400000 + AGE_MS, &callbacks), UINT64_MAX);
	cr_assert(n_gone == 2 && last_slot == 4095 && last_key == 0x200);
	mac_ages_free(ages);
}

Test(port_mac_aging, each_port_has_its_age)
{
	struct mac_ages *ages = fresh();

	mac_ages_set_limit(ages, 1, 10, 10000);
	mac_ages_add(ages, 1, 0x100, 1000);
	mac_ages_add(ages, 2, 0x200, 1000);
	cr_assert_eq(mac_ages_expire(ages, 11000, &callbacks), 1000 + AGE_MS);
	cr_assert(n_gone == 1 && last_slot == 1);
	mac_ages_free(ages);
}

/* A reload reads all addresses from the table again. */
Test(port_mac_aging, a_known_address_keeps_its_age)
{
	struct mac_ages *ages = fresh();

	mac_ages_add(ages, 1, 0x100, 1000);
	cr_assert_eq(mac_ages_add(ages, 1, 0x100, 200000), 0);
	cr_assert_eq(mac_ages_adopt(ages, 1, 0x100, 200000), 0);
	cr_assert_eq(mac_ages_count(ages, 1), 1);
	cr_assert_eq(mac_ages_expire(ages, 0, &callbacks), 1000 + AGE_MS);
	mac_ages_free(ages);
}

Test(port_mac_aging, the_number_of_addresses_per_port_is_limited)
{
	struct mac_ages *ages = fresh();

	cr_assert_eq(add_many(ages, 3, 0, MAC_LIMIT_MAX + 10), MAC_LIMIT_MAX);
	cr_assert_eq(mac_ages_add(ages, 3, 5, 0), 0, "already there");
	cr_assert_eq(mac_ages_may_add(ages, 3), -EMFILE);
	cr_assert_eq(mac_ages_add(ages, 4, 99999, 0), 0, "another port");
	mac_ages_remove(ages, 3, 17);
	mac_ages_remove(ages, 3, 17);
	cr_assert_eq(add_many(ages, 3, 99999, 2), 1);
	mac_ages_set_limit(ages, 4, 1, AGE_MS);
	cr_assert_eq(mac_ages_add(ages, 4, 7, 0), -EMFILE);
	mac_ages_remove_port(ages, 3);
	mac_ages_expire(ages, UINT64_MAX / 2, &callbacks);
	cr_assert(n_gone == 1 && last_slot == 4, "only the other port's are left");
	mac_ages_free(ages);
}

/* Half of the capacity is shared equally, whatever one port takes. */
Test(port_mac_aging, every_port_gets_its_share_of_the_table)
{
	struct mac_ages *ages = fresh();

	mac_ages_set_capacity(ages, 1000, 5);
	cr_expect_eq(add_many(ages, 0, 0, 4000), 100 + 500, "its share and the pool");
	cr_expect_eq(mac_ages_may_add(ages, 0), -ENOSPC);
	for (uint32_t slot = 1; slot < 5; slot++)
		cr_expect_eq(add_many(ages, slot, 10000 * slot, 4000), 100, "port %u", slot);
	for (uint64_t key = 0; key < 20; key++)
		mac_ages_remove(ages, 0, key);
	cr_expect_eq(add_many(ages, 4, 90000, 4000), 20, "what is free in the pool again");
	cr_expect_eq(add_many(ages, 0, 0, 20), 0);
	mac_ages_remove_port(ages, 0);
	cr_expect_eq(add_many(ages, 3, 80000, 4000), 480);
	mac_ages_free(ages);
}

Test(port_mac_aging, a_smaller_capacity_removes_nothing)
{
	struct mac_ages *ages = fresh();

	mac_ages_set_capacity(ages, 1000, 1);
	cr_assert_eq(add_many(ages, 0, 0, 4000), 1000);
	mac_ages_set_capacity(ages, 100, 2);
	cr_expect_eq(mac_ages_count(ages, 0), 1000);
	cr_expect_eq(mac_ages_may_add(ages, 0), -ENOSPC);
	cr_expect_eq(add_many(ages, 1, 5000, 4000), 25, "its share");
	mac_ages_remove_port(ages, 0);
	cr_expect_eq(add_many(ages, 1, 9000, 4000), 50, "the pool");
	mac_ages_set_capacity(ages, 100, 0);
	cr_expect_eq(mac_ages_may_add(ages, 0), 0, "without learning ports all is pool");
	mac_ages_free(ages);
}

/* As announcements do: several steps with changes in between. */
Test(port_mac_aging, a_walk_from_the_end_misses_no_address_when_others_go)
{
	struct mac_ages *ages = fresh();
	uint32_t seen = 0, left;

	for (uint64_t key = 0; key < 8; key++)
		mac_ages_add(ages, 5, key, 1000);
	cr_assert_eq(mac_ages_count(ages, 5), 8);
	cr_assert_eq(mac_ages_count(ages, 6), 0);
	for (left = 8; left > 0; left--) {
		if (left > mac_ages_count(ages, 5))
			left = mac_ages_count(ages, 5);
		seen |= 1u << mac_ages_key(ages, 5, left - 1);
		if (left == 7)
			mac_ages_remove(ages, 5, 0);
		if (left == 4)
			mac_ages_remove(ages, 5, 2);
	}
	cr_expect_eq(seen & ~5u, 0xfau, "all but those that were removed: %#x", seen);
	mac_ages_free(ages);
}
