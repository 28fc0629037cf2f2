// SPDX-License-Identifier: GPL-2.0
#include <criterion/criterion.h>

#include "team/learned.h"

static uint32_t n_gone, last_slot;
static uint64_t last_key;

static void gone(void *userdata, uint32_t slot, uint64_t key)
{
	(void)userdata;
	n_gone++;
	last_slot = slot;
	last_key = key;
}

static struct learned *fresh(void)
{
	struct learned *learned;

	cr_assert_eq(learned_new(&learned), 0);
	n_gone = 0;
	return learned;
}

Test(team_learned, five_minutes_after_it_was_learned_it_is_forgotten)
{
	struct learned *learned = fresh();

	cr_assert_eq(learned_expire(learned, 1000, gone, NULL), UINT64_MAX);
	cr_assert_eq(learned_add(learned, 7, 0x100, 1000), 0);
	cr_assert_eq(learned_add(learned, 4095, 0x200, 5000), 0);
	cr_assert_eq(learned_expire(learned, 300999, gone, NULL), 301000);
	cr_assert_eq(n_gone, 0);
	cr_assert_eq(learned_expire(learned, 301000, gone, NULL), 305000);
	cr_assert(n_gone == 1 && last_slot == 7 && last_key == 0x100);
	cr_assert_eq(learned_expire(learned, 999999, gone, NULL), UINT64_MAX);
	cr_assert(n_gone == 2 && last_slot == 4095 && last_key == 0x200);
	learned_free(learned);
}

/* What a reload finds in the table is not learned anew. */
Test(team_learned, what_is_there_keeps_its_age)
{
	struct learned *learned = fresh();

	learned_add(learned, 1, 0x100, 1000);
	cr_assert_eq(learned_add(learned, 1, 0x100, 200000), 0);
	cr_assert_eq(learned_expire(learned, 0, gone, NULL), 301000);
	learned_free(learned);
}

Test(team_learned, a_port_has_room_for_so_many)
{
	struct learned *learned = fresh();

	for (uint64_t i = 0; i < LEARNED_PER_PORT; i++)
		cr_assert_eq(learned_add(learned, 3, i, i), 0);
	cr_assert_eq(learned_add(learned, 3, 5, 0), 0, "that one it has");
	cr_assert_eq(learned_add(learned, 3, 99999, 0), -ENOSPC);
	cr_assert_eq(learned_add(learned, 4, 99999, 0), 0, "another port");
	learned_remove(learned, 3, 17);
	learned_remove(learned, 3, 17);
	cr_assert_eq(learned_add(learned, 3, 99999, 0), 0);
	learned_remove_port(learned, 3);
	learned_expire(learned, UINT64_MAX / 2, gone, NULL);
	cr_assert(n_gone == 1 && last_slot == 4, "only the other port's are left");
	learned_free(learned);
}
