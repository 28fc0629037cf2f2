// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Concurrent readers of an exact-match table, and writers that are killed at any instruction.
 * Shared memory takes the place of the map. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "dataplane_table_testing.h"

TestSuite(dataplane_table_concurrent, .timeout = 300);

/* 210 of 256 cells: keys move all the time */
enum { N_ROWS = 64, N_STABLE = 100, N_CHURN = 110 };

struct shared {
	struct ul_match_row rows[N_ROWS];
	uint64_t n_looked, n_wrong, n_lost, last_churn;
	bool stop;
};

static struct shared *new_shared(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(shared, MAP_FAILED);
	return shared;
}

/* Keys and values belong together, so that a reader recognises a foreign value. No churn key is
 * ever used twice. */
static uint64_t stable_key(uint64_t i)
{
	return (i + 1) << 32 | 0x8001;
}

static uint64_t churn_key(uint64_t i)
{
	return (i + 1) << 20 | 0x4002;
}

static uint32_t value_of(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15ULL >> 33);
}

static void *read_all(void *arg)
{
	struct shared *shared = arg;
	struct table table = { .rows = shared->rows, .mask = N_ROWS - 1 };

	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		uint64_t newest = __atomic_load_n(&shared->last_churn, __ATOMIC_ACQUIRE);

		for (uint64_t i = 0; i < N_STABLE; i++) {
			uint64_t key = stable_key(i);
			uint32_t value = 0;

			if (table_get(&table, key, &value) < 0)
				shared->n_lost++;
			else
				shared->n_wrong += value != value_of(key);
			key = churn_key(newest > i ? newest - i : 0);
			if (table_get(&table, key, &value) == 0)
				shared->n_wrong += value != value_of(key);
			shared->n_looked += 2;
		}
	}
	return NULL;
}

static void insert_stable(struct table *table)
{
	for (uint64_t i = 0; i < N_STABLE; i++)
		cr_assert_eq(table_set(table, stable_key(i), value_of(stable_key(i))), 0);
}

/* One step of the writer: the oldest churn key is replaced by a new one. */
static void churn(struct table *table, uint64_t i)
{
	if (i >= N_CHURN)
		table_remove(table, churn_key(i - N_CHURN));
	table_set(table, churn_key(i), value_of(churn_key(i)));
}

Test(dataplane_table_concurrent, reader_never_sees_a_wrong_value)
{
	struct shared *shared = new_shared();
	struct table table = { .rows = shared->rows, .mask = N_ROWS - 1 };
	uint64_t end = now_ms() + 2000, i = 0;
	pthread_t reader;

	no_grace_periods = true;
	insert_stable(&table);
	cr_assert_eq(pthread_create(&reader, NULL, read_all, shared), 0);
	while (now_ms() < end || __atomic_load_n(&shared->n_looked, __ATOMIC_RELAXED) < 100000) {
		churn(&table, i);
		__atomic_store_n(&shared->last_churn, i++, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);

	cr_assert_gt(i, N_CHURN * 2, "the writer made only %llu steps", (unsigned long long)i);
	cr_assert_eq(shared->n_wrong, 0, "%llu wrong values in %llu looks",
		     (unsigned long long)shared->n_wrong, (unsigned long long)shared->n_looked);
	cr_assert_eq(shared->n_lost, 0, "%llu stable keys not found in %llu looks",
		     (unsigned long long)shared->n_lost, (unsigned long long)shared->n_looked);
	munmap(shared, sizeof(*shared));
}

static int check_value(void *userdata, uint64_t key, uint32_t value)
{
	(*(size_t *)userdata)++;
	return value == value_of(key) ? 0 : -EILSEQ;
}

/* As the programs search: the second row only when the first one counts spilled keys. */
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

static void run_until_killed(struct shared *shared, uint64_t i)
{
	struct table table = { .rows = shared->rows, .mask = N_ROWS - 1, .dirty = true };

	for (;;) {
		churn(&table, i++);
		__atomic_store_n(&shared->last_churn, i, __ATOMIC_RELEASE);
	}
}

Test(dataplane_table_concurrent, a_killed_writer_leaves_a_valid_table)
{
	struct shared *shared = new_shared();
	struct table table = { .rows = shared->rows, .mask = N_ROWS - 1 };
	unsigned int seed = 1;

	no_grace_periods = true;
	insert_stable(&table);
	for (int round = 0; round < 300; round++) {
		uint64_t start = shared->last_churn;
		size_t n = 0;
		pid_t pid = fork();

		cr_assert_geq(pid, 0);
		if (pid == 0)
			run_until_killed(shared, start);
		while (__atomic_load_n(&shared->last_churn, __ATOMIC_ACQUIRE) < start + 5)
			sched_yield();
		/* at a random instruction of a step */
		for (volatile int spin = rand_r(&seed) % 20000; spin > 0; spin--)
			;
		kill(pid, SIGKILL);
		cr_assert_eq(waitpid(pid, NULL, 0), pid);

		cr_assert_eq(table_foreach(&table, check_value, &n), 0, "round %d: a foreign value",
			     round);
		cr_assert_geq(n, N_STABLE);
		for (uint64_t i = 0; i < N_STABLE; i++)
			cr_assert_eq(program_find(&table, stable_key(i)),
				     value_of(stable_key(i)) + 1, "round %d: stable key %llu",
				     round, (unsigned long long)i);
		/* The next writer continues: it removes what the killed one may have left of its
		 * last step. */
		table.dirty = true;
		for (uint64_t i = shared->last_churn >= N_CHURN + 2 ?
					  shared->last_churn - N_CHURN - 2 :
					  0,
			      k = i + 4;
		     i < k; i++)
			if (i + N_CHURN <= shared->last_churn)
				table_remove(&table, churn_key(i));
	}
	munmap(shared, sizeof(*shared));
}
