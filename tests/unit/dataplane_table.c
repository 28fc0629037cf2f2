// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The exact-match table against a plain array that remembers what should be in it. */
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "dataplane_table_testing.h"

TestSuite(dataplane_table, .timeout = 300);

static uint64_t random_state = 0x2545f4914f6cdd1dULL;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static struct table new_table(uint32_t n_rows)
{
	struct table table = { .mask = n_rows - 1 };

	table.rows = aligned_alloc(64, n_rows * sizeof(struct ul_match_row));
	cr_assert(table.rows);
	memset(table.rows, 0, n_rows * sizeof(struct ul_match_row));
	return table;
}

/* As the programs search (bpf/maps.bpf.h): the second row only when the first one counts spilled
 * keys. Value + 1, or 0. */
static uint32_t program_find(const struct table *table, uint64_t key)
{
	const struct ul_match_row *first =
		&table->rows[ul_first_row(key, table->seed, table->mask)];
	uint32_t found = ul_row_find(first, key);

	if (!found && first->spilled)
		found = ul_row_find(&table->rows[ul_second_row(key, table->seed, table->mask)],
				    key);
	return found;
}

static void expect_value(const struct table *table, uint64_t key, uint32_t value)
{
	uint32_t got = 0xdeadbeef;

	cr_assert_eq(table_get(table, key, &got), 0, "key %#llx is absent",
		     (unsigned long long)key);
	cr_assert_eq(got, value, "key %#llx: expected %u, got %u", (unsigned long long)key, value,
		     got);
	cr_assert_eq(program_find(table, key), value + 1, "key %#llx: the programs see %u",
		     (unsigned long long)key, program_find(table, key));
}

static void expect_absent(const struct table *table, uint64_t key)
{
	uint32_t got = 0xdeadbeef;

	cr_assert_eq(table_get(table, key, &got), -ENOENT);
	cr_assert_eq(got, 0xdeadbeef, "the result was touched");
	cr_assert_eq(program_find(table, key), 0);
}

static int count_one(void *userdata, uint64_t key, uint32_t value)
{
	(*(size_t *)userdata)++;
	return 0;
}

static size_t count_keys(const struct table *table)
{
	size_t n = 0;

	cr_assert_eq(table_foreach(table, count_one, &n), 0);
	return n;
}

static uint64_t mac_key(uint32_t i)
{
	uint8_t mac[6] = { 0x52, 0x54, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

	return ul_fdb_key(i % 4095, mac);
}

Test(dataplane_table, sizes)
{
	cr_assert_eq(table_rows_for(0), 64);
	cr_assert_eq(table_rows_for(64), 64);
	cr_assert_eq(table_rows_for(65), 128);
	for (size_t n = 1; n < 200000; n = n * 3 + 1) {
		uint32_t rows = table_rows_for(n);

		cr_assert_eq(rows & (rows - 1), 0, "%u is not a power of two", rows);
		cr_assert_geq((size_t)rows * 4, n);
	}
}

Test(dataplane_table, set_get_change_remove)
{
	struct table table = new_table(64);
	uint64_t key = ul_iface_key(7);

	expect_absent(&table, key);
	cr_assert_eq(table_remove(&table, key), -ENOENT);
	cr_assert_eq(table_set(&table, key, 0), 0);
	expect_value(&table, key, 0);
	cr_assert_eq(table_set(&table, key, 0xfffffffe), 0);
	expect_value(&table, key, 0xfffffffe);
	cr_assert_eq(count_keys(&table), 1);
	cr_assert_eq(table_remove(&table, key), 0);
	expect_absent(&table, key);
	cr_assert_eq(count_keys(&table), 0);
	free(table.rows);
}

/* A hundred thousand neighbouring MAC addresses, and then as many random keys, at the load that
 * table_rows_for() promises. */
Test(dataplane_table, holds_the_design_load)
{
	const uint32_t n = 100000;
	struct table table = new_table(table_rows_for(n));

	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(table_set(&table, mac_key(i), i), 0, "insertion %u failed", i);
	cr_assert_eq(count_keys(&table), n);
	for (uint32_t i = 0; i < n; i++)
		expect_value(&table, mac_key(i), i);
	for (uint32_t i = n; i < 2 * n; i++)
		expect_absent(&table, mac_key(i));
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(table_remove(&table, mac_key(i)), 0);
	cr_assert_eq(count_keys(&table), 0);
	for (uint32_t b = 0; b <= table.mask; b++)
		cr_assert_eq(table.rows[b].spilled, 0, "row %u still claims %u spilled keys", b,
			     table.rows[b].spilled);

	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(table_set(&table, random_u64() | 1, i), 0,
			     "random insertion %u failed", i);
	cr_assert_eq(count_keys(&table), n);
	free(table.rows);
}

/* Random operations on few keys in a small table that is often nearly full, so that keys spill and
 * are displaced. */
Test(dataplane_table, random_operations)
{
	enum { N_KEYS = 400 };
	struct table table = new_table(64); /* 256 cells */
	static uint64_t keys[N_KEYS];
	static uint32_t model[N_KEYS]; /* value + 1, 0: absent */
	size_t present = 0, refused = 0, spilled = 0;

	no_grace_periods = true;
	for (int i = 0; i < N_KEYS; i++)
		keys[i] = random_u64() | 1;

	for (int round = 0; round < 60000; round++) {
		size_t i = random_u64() % N_KEYS;
		/* Drift between empty and overfull. */
		bool insert = random_u64() % 100 < (round / 6000 % 2 ? 25 : 75);

		if (insert) {
			uint32_t value = (uint32_t)random_u64() % 1000000;
			int r = table_set(&table, keys[i], value);

			if (r == -ENOSPC) {
				cr_assert_eq(model[i], 0, "a present key could not be changed");
				cr_assert_gt(present, 180, "refused with %zu of 256 cells in use",
					     present);
				refused++;
			} else {
				cr_assert_eq(r, 0);
				present += !model[i];
				model[i] = value + 1;
			}
		} else {
			cr_assert_eq(table_remove(&table, keys[i]), model[i] ? 0 : -ENOENT);
			present -= !!model[i];
			model[i] = 0;
		}

		if (round % 97)
			continue;
		cr_assert_eq(count_keys(&table), present);
		for (int k = 0; k < N_KEYS; k++) {
			if (model[k])
				expect_value(&table, keys[k], model[k] - 1);
			else
				expect_absent(&table, keys[k]);
		}
		for (uint32_t b = 0; b <= table.mask; b++)
			spilled += table.rows[b].spilled;
	}
	cr_assert_gt(refused, 0, "the table was never full");
	cr_assert_gt(spilled, 0, "no key ever spilled");
	free(table.rows);
}

/* The times of a learned address lie in the cell of its key, so they move with the key. */
Test(dataplane_table, times_follow_their_key)
{
	enum { N_KEYS = 400 };
	struct table table = new_table(64);
	static uint64_t keys[N_KEYS], here[N_KEYS];
	static bool present[N_KEYS];
	uint64_t got, outside;

	no_grace_periods = true;
	table.use = aligned_alloc(64, 64 * sizeof(struct ul_use_row));
	cr_assert(table.use);
	/* of keys that were there before */
	memset(table.use, 0xff, 64 * sizeof(struct ul_use_row));
	for (int i = 0; i < N_KEYS; i++)
		keys[i] = random_u64() | 1;
	for (uint64_t round = 1; round < 20000; round++) {
		size_t i = random_u64() % N_KEYS;

		if (random_u64() % 3 == 0) {
			cr_assert_eq(table_remove(&table, keys[i]), present[i] ? 0 : -ENOENT);
			present[i] = false;
		} else if (table_set(&table, keys[i], 5) == 0) {
			cr_assert_eq(table_get_use(&table, keys[i], &got, &outside), 0);
			cr_assert_eq(got, present[i] ? here[i] : 0, "times of another key");
			cr_assert_eq(outside, present[i] ? ~here[i] : 0);
			present[i] = true;
			here[i] = round;
			cr_assert_eq(table_set_use(&table, keys[i], round, ~round), 0);
		}
		for (int k = 0; round % 97 == 0 && k < N_KEYS; k++) {
			cr_assert_eq(table_get_use(&table, keys[k], &got, &outside),
				     present[k] ? 0 : -ENOENT);
			if (present[k])
				cr_assert(got == here[k] && outside == ~here[k], "key %d", k);
		}
	}
	cr_expect_eq(table_set_use(&table, 2, 1, 1), -ENOENT);
	free(table.use);
	table.use = NULL;
	cr_expect_eq(table_get_use(&table, keys[0], &got, &outside), -ENOENT, "no times");
	free(table.rows);
}

/* A killed writer may leave both copies of a key that it was moving. */
Test(dataplane_table, two_copies_are_one_key)
{
	struct table table = new_table(64);
	uint64_t key = 1;

	while (ul_first_row(key, table.seed, 63) == ul_second_row(key, table.seed, 63))
		key++;
	for (int remove = 0; remove < 2; remove++) {
		struct ul_match_row *first = &table.rows[ul_first_row(key, table.seed, 63)],
				    *second = &table.rows[ul_second_row(key, table.seed, 63)];

		memset(table.rows, 0, 64 * sizeof(*table.rows));
		first->key[2] = second->key[1] = key;
		first->value[2] = second->value[1] = 5 + 1;
		first->spilled = 1;
		cr_assert_eq(count_keys(&table), 1);
		expect_value(&table, key, 5);
		if (remove) {
			cr_assert_eq(table_remove(&table, key), 0);
			expect_absent(&table, key);
			cr_assert_eq(count_keys(&table), 0);
		} else {
			cr_assert_eq(table_set(&table, key, 6), 0);
			expect_value(&table, key, 6);
			cr_assert_eq(second->key[1], 0);
		}
		cr_assert_eq(first->spilled, 0);
	}
	free(table.rows);
}

static int remove_odd(void *userdata, uint64_t key, uint32_t value)
{
	return value % 2 ? table_remove(userdata, key) : 0;
}

static int stop_at_ten(void *userdata, uint64_t key, uint32_t value)
{
	return ++*(int *)userdata == 10 ? -ECANCELED : 0;
}

static bool may_go(void *userdata, uint64_t key, uint32_t value)
{
	(void)key;
	return value == *(const uint32_t *)userdata;
}

/* In a full table one of the keys that may be removed makes room; the others stay. */
Test(dataplane_table, evict_makes_room)
{
	enum { LEARNED = 1, OWN = 2, N = 4 * 64 };
	struct table table = new_table(64);
	uint32_t goes = LEARNED, none = 9, value, i = 0;
	uint64_t mine = mac_key(1 << 20);
	size_t n = 0, left = 0;

	no_grace_periods = true;
	for (; n < N; i++) {
		cr_assert_lt(i, 1 << 20, "%zu of %d places are taken", n, N);
		n += table_set(&table, mac_key(i), i % 2 ? LEARNED : OWN) == 0;
	}
	cr_assert_eq(table_set(&table, mine, OWN), -ENOSPC);
	cr_expect_eq(table_evict(&table, mine, may_go, &none), -ENOENT);
	cr_expect_eq(count_keys(&table), N);
	cr_assert_eq(table_evict(&table, mine, may_go, &goes), 0);
	cr_assert_eq(table_set(&table, mine, OWN), 0);
	expect_value(&table, mine, OWN);
	for (uint32_t k = 0; k < i; k++)
		if (table_get(&table, mac_key(k), &value) == 0)
			left += value == (k % 2 ? LEARNED : OWN);
	cr_expect_eq(left, N - 1, "%zu of %d are left", left, N);
	free(table.rows);
}

Test(dataplane_table, foreach_may_remove_and_stop)
{
	struct table table = new_table(1024);
	int seen = 0;

	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(table_set(&table, mac_key(i), i), 0);
	cr_assert_eq(table_foreach(&table, remove_odd, &table), 0);
	cr_assert_eq(count_keys(&table), 500);
	for (uint32_t i = 0; i < 1000; i += 2)
		expect_value(&table, mac_key(i), i);
	cr_assert_eq(table_foreach(&table, stop_at_ten, &seen), -ECANCELED);
	cr_assert_eq(seen, 10);
	free(table.rows);
}

/* ---- repair ---- */
Test(dataplane_table, repair_leaves_a_sound_table_as_it_is)
{
	struct table table = new_table(64);
	struct ul_match_row before[64];

	no_grace_periods = true;
	for (uint32_t i = 0; i < 200; i++)
		cr_assert_eq(table_set(&table, mac_key(i), i), 0);
	memcpy(before, table.rows, sizeof(before));
	cr_assert_eq(table_repair(&table), 0);
	cr_expect_eq(memcmp(before, table.rows, sizeof(before)), 0);
	/* Of a killed writer, and of another program. */
	for (uint32_t row = 0; row < 64; row++)
		table.rows[row].spilled = row % 2 ? before[row].spilled + 1 : 0;
	cr_assert_eq(table_repair(&table), 0);
	cr_expect_eq(memcmp(before, table.rows, sizeof(before)), 0);
	free(table.rows);
}

static void put_cell(struct table *table, uint32_t row, uint32_t cell, uint64_t key, uint32_t value)
{
	table->rows[row].key[cell] = key;
	table->rows[row].value[cell] = value + 1;
}

/* Of the keys from *key on, the first one whose rows are not in the set. */
static uint64_t next_key(uint64_t key, uint64_t *rows, uint32_t *ret_first, uint32_t *ret_second)
{
	uint64_t both;

	do {
		key++;
		*ret_first = ul_first_row(key | UL_KEY_HASHED, 0, 63);
		*ret_second = ul_second_row(key | UL_KEY_HASHED, 0, 63);
		both = 1ULL << *ret_first | 1ULL << *ret_second;
	} while (*ret_first == *ret_second || both & *rows);
	*rows |= both;
	return key | UL_KEY_HASHED;
}

/* Maps that another program has written. */
Test(dataplane_table, repair_removes_what_is_in_the_wrong_place)
{
	struct table table = new_table(64);
	uint64_t rows = 1, a, b, c;
	uint32_t first[3], second[3], n = 0;

	a = next_key(1 << 20, &rows, &first[0], &second[0]);
	b = next_key(2 << 20, &rows, &first[1], &second[1]);
	c = next_key(3 << 20, &rows, &first[2], &second[2]);
	put_cell(&table, first[0], 1, a, 5);
	put_cell(&table, first[0], 3, a, 6);
	put_cell(&table, second[0], 0, a, 7);
	put_cell(&table, 0, 2, a, 8); /* neither of its rows */
	put_cell(&table, second[1], 1, b, 3);
	put_cell(&table, second[1], 2, b, 4);
	put_cell(&table, first[2], 0, c, UINT32_MAX); /* no value */
	put_cell(&table, 0, 0, c, 1);
	table.rows[first[0]].spilled = 77;
	cr_assert_eq(table_repair(&table), 0);
	cr_expect(table.dirty);
	expect_value(&table, a, 5);
	expect_value(&table, b, 3);
	expect_absent(&table, c);
	for (uint32_t row = 0; row < 64; row++) {
		cr_expect_eq(table.rows[row].spilled, row == first[1], "row %u", row);
		for (int i = 0; i < 4; i++) {
			n += table.rows[row].key[i] != 0;
			cr_expect_eq(!table.rows[row].key[i], !table.rows[row].value[i]);
		}
	}
	cr_expect_eq(n, 2);
	free(table.rows);
}

/* Both rows of a key are known to a machine that knows the hash. The seed of the set makes them
 * unpredictable. */
Test(dataplane_table, chosen_keys_do_not_fill_a_row)
{
	struct table table = new_table(64);
	uint64_t keys[9], key = 0;
	size_t n = 0;

	while (n < ARRAY_SIZE(keys)) {
		uint64_t next = ++key << 16 | UL_KEY_HASHED;

		if (ul_first_row(next, 0, 63) == 5 && ul_second_row(next, 0, 63) == 9)
			keys[n++] = next;
	}
	for (size_t i = 0; i < 8; i++)
		cr_assert_eq(table_set(&table, keys[i], 1), 0);
	cr_expect_eq(table_set(&table, keys[8], 1), -ENOSPC, "the rows are full");
	free(table.rows);

	table = new_table(64);
	table.seed = 0x5bd1e995a3c59ac3;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		cr_expect_eq(table_set(&table, keys[i], 1), 0);
	free(table.rows);
}
