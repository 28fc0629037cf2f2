// SPDX-License-Identifier: GPL-2.0
/* Where the writer of an exact-match table waits for running programs, and what lies in the table
 * then. syscall() is taken over in this program, so that each wait is seen. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "table_testing.h"

TestSuite(table_grace, .timeout = 60);

#define MASK 63

bool no_grace_periods;

static void (*at_wait)(void);
static int n_waits;
static struct table table;

long syscall(long number, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == __NR_membarrier) {
		n_waits++;
		if (at_wait)
			at_wait();
		if (no_grace_periods)
			return 0;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void new_table(void)
{
	table = (struct table){
		.mask = MASK, .buckets = aligned_alloc(64, (MASK + 1) * sizeof(struct ul_slot4))
	};
	cr_assert(table.buckets);
	memset(table.buckets, 0, (MASK + 1) * sizeof(struct ul_slot4));
	n_waits = 0;
	at_wait = NULL;
}

static bool in_bucket(uint32_t bucket, uint64_t key)
{
	return ul_bucket_find(&table.buckets[bucket], key);
}

/* The n-th key whose two buckets are these. */
static uint64_t key_of(uint32_t first, uint32_t second, int n)
{
	for (uint64_t key = 1;; key++)
		if (ul_first_bucket(key, MASK) == first && ul_second_bucket(key, MASK) == second &&
		    n-- == 0)
			return key;
}

static uint64_t removed_key;

static void slot_is_free(void)
{
	cr_assert(!in_bucket(3, removed_key), "the wait came before the key was taken out");
	for (int slot = 0; slot < 4; slot++)
		cr_assert_eq(table.buckets[3].key[slot], 0,
			     "the slot was used again before the wait");
}

Test(table_grace, a_slot_rests_before_it_is_used_again)
{
	new_table();
	removed_key = key_of(3, 9, 0);
	cr_assert_eq(table_set(&table, removed_key, 1), 0);
	cr_assert_eq(table_set(&table, removed_key, 2), 0);
	cr_assert_eq(n_waits, 0, "nothing was freed yet");
	at_wait = slot_is_free;
	cr_assert_eq(table_remove(&table, removed_key), 0);
	cr_assert_eq(table_set(&table, key_of(3, 9, 1), 3), 0);
	cr_assert_eq(n_waits, 1);
	cr_assert_eq(table_set(&table, key_of(3, 9, 2), 3), 0);
	cr_assert_eq(n_waits, 1, "nothing was freed since the last wait");
	free(table.buckets);
}

static uint64_t moved_key, new_key;

static void move_states(void)
{
	cr_assert(!in_bucket(3, new_key) && !in_bucket(9, new_key),
		  "the new key is there before its slot has rested");
	cr_assert(in_bucket(20, moved_key), "wait %d: the copy is not in place", n_waits);
	cr_assert_eq(table.buckets[3].spilled, 5,
		     "wait %d: readers are not told of the second bucket", n_waits);
	cr_assert_eq(in_bucket(3, moved_key), n_waits == 1,
		     "wait %d: the old copy is in the wrong state", n_waits);
}

/* Both buckets of the new key are full; one key of them can go elsewhere. It is copied, then there
 * is a wait, then the old copy goes, then there is a wait, and then the new key takes the slot. */
Test(table_grace, a_move_waits_between_copy_and_removal)
{
	new_table();
	moved_key = key_of(3, 20, 0);
	new_key = key_of(3, 9, 10);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(table_set(&table, key_of(3, 9, i), 7), 0);
	cr_assert_eq(table_set(&table, moved_key, 8), 0);
	for (int i = 3; i < 7; i++)
		cr_assert_eq(table_set(&table, key_of(3, 9, i), 7), 0);
	cr_assert_eq(table.buckets[3].spilled, 4);
	cr_assert_eq(n_waits, 0);
	at_wait = move_states;
	cr_assert_eq(table_set(&table, new_key, 9), 0);
	cr_assert_eq(n_waits, 2);
	cr_assert(in_bucket(3, new_key));
	free(table.buckets);
}
