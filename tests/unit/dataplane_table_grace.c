// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The waits of the writer of an exact-match table for running programs, and the contents of the
 * table at each wait. This program replaces syscall(), so that it sees them. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "dataplane_table_testing.h"

TestSuite(dataplane_table_grace, .timeout = 300);

#define MASK 63

bool no_grace_periods;

static void (*at_wait)(void);
static int n_waits;
static struct table table;

/* Like the C library it reads six arguments, also those that the caller did not pass. */
__attribute__((no_sanitize("address"))) long syscall(long number, ...)
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
		.mask = MASK, .rows = aligned_alloc(64, (MASK + 1) * sizeof(struct ul_match_row))
	};
	cr_assert(table.rows);
	memset(table.rows, 0, (MASK + 1) * sizeof(struct ul_match_row));
	n_waits = 0;
	at_wait = NULL;
}

static bool in_row(uint32_t row, uint64_t key)
{
	return ul_row_find(&table.rows[row], key);
}

/* The n-th key whose two rows are these. */
static uint64_t key_of(uint32_t first, uint32_t second, int n)
{
	for (uint64_t key = 1;; key++)
		if (ul_first_row(key, 0, MASK) == first && ul_second_row(key, 0, MASK) == second &&
		    n-- == 0)
			return key;
}

static uint64_t removed_key;

static void cell_is_free(void)
{
	cr_assert(!in_row(3, removed_key), "the wait came before the key was removed");
	for (int cell = 0; cell < 4; cell++)
		cr_assert_eq(table.rows[3].key[cell], 0, "the cell was used again before the wait");
}

Test(dataplane_table_grace, a_freed_cell_is_used_after_a_grace_period)
{
	new_table();
	removed_key = key_of(3, 9, 0);
	cr_assert_eq(table_set(&table, removed_key, 1), 0);
	cr_assert_eq(table_set(&table, removed_key, 2), 0);
	cr_assert_eq(n_waits, 0, "nothing was freed yet");
	at_wait = cell_is_free;
	cr_assert_eq(table_remove(&table, removed_key), 0);
	cr_assert_eq(table_set(&table, key_of(3, 9, 1), 3), 0);
	cr_assert_eq(n_waits, 1);
	cr_assert_eq(table_set(&table, key_of(3, 9, 2), 3), 0);
	cr_assert_eq(n_waits, 1, "nothing was freed since the last wait");
	free(table.rows);
}

static uint64_t moved_key, new_key;

static void move_states(void)
{
	cr_assert(!in_row(3, new_key) && !in_row(9, new_key),
		  "the new key appears before the grace period");
	cr_assert(in_row(20, moved_key), "wait %d: the copy is not in place", n_waits);
	cr_assert_eq(table.rows[3].spilled, 5, "wait %d: the row does not count the spilled key",
		     n_waits);
	cr_assert_eq(in_row(3, moved_key), n_waits == 1,
		     "wait %d: the old copy is in the wrong state", n_waits);
}

/* Both rows of the new key are full; one key of them can go elsewhere. The writer copies it,
 * waits, removes the old copy, waits, and stores the new key in the free cell. */
Test(dataplane_table_grace, a_move_waits_between_copy_and_removal)
{
	new_table();
	moved_key = key_of(3, 20, 0);
	new_key = key_of(3, 9, 10);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(table_set(&table, key_of(3, 9, i), 7), 0);
	cr_assert_eq(table_set(&table, moved_key, 8), 0);
	for (int i = 3; i < 7; i++)
		cr_assert_eq(table_set(&table, key_of(3, 9, i), 7), 0);
	cr_assert_eq(table.rows[3].spilled, 4);
	cr_assert_eq(n_waits, 0);
	at_wait = move_states;
	cr_assert_eq(table_set(&table, new_key, 9), 0);
	cr_assert_eq(n_waits, 2);
	cr_assert(in_row(3, new_key));
	free(table.rows);
}
