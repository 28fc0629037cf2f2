// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The writer of the exact-match tables. headers/match_table.h describes the layout and what readers
 * may rely on: between any two instructions of this file a reader finds each key that is in the
 * table, and never the value of another key.
 *
 * A key in both of its rows is a move that is under way or that a killed writer left behind. The
 * copy in the first row counts, since readers look there first. */
#include "dataplane/table.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>

#include "dataplane/internal.h"

#define CELLS 4
#define MIN_ROWS 64
/* Rows that are searched for a way to make room; at the design load two or three are enough. */
#define MAX_SEARCH 256

struct cell {
	uint32_t row;
	uint32_t index;
};

/* A row that is reached by moving the key in a cell of the parent's row to its other row. */
struct step {
	uint32_t row;
	int parent;    /* index of a step, -1: one of the new key's own rows */
	uint32_t cell; /* index in the parent's row */
};

static uint64_t load_key(const struct table *table, struct cell at)
{
	return __atomic_load_n(&table->rows[at.row].key[at.index], __ATOMIC_ACQUIRE);
}

static uint32_t load_value(const struct table *table, struct cell at)
{
	return __atomic_load_n(&table->rows[at.row].value[at.index], __ATOMIC_ACQUIRE);
}

static void store_key(struct table *table, struct cell at, uint64_t key)
{
	__atomic_store_n(&table->rows[at.row].key[at.index], key, __ATOMIC_RELEASE);
}

static void store_value(struct table *table, struct cell at, uint32_t stored)
{
	__atomic_store_n(&table->rows[at.row].value[at.index], stored, __ATOMIC_RELEASE);
}

static void add_spilled(struct table *table, uint64_t key, int32_t by)
{
	uint32_t *spilled = &table->rows[ul_first_row(key, table->seed, table->mask)].spilled;
	uint32_t now = __atomic_load_n(spilled, __ATOMIC_RELAXED);

	/* Never below zero: a killed writer may have counted a key that it did not get to insert,
	 * but not the other way round. */
	if (by < 0 && now == 0)
		return;
	__atomic_store_n(spilled, now + (uint32_t)by, __ATOMIC_RELEASE);
}

/* Updating a map of maps waits for the programs that are running; for kernels that refuse the
 * membarrier command (nohz_full). */
static int grace_by_map(void)
{
	_cleanup_close_ int inner = -1, outer = -1;
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t zero = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ul_grace_in", 4, 4, 1, NULL);
	if (inner < 0)
		return inner;
	opts.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "ul_grace", 4, 4, 1, &opts);
	if (outer < 0)
		return outer;
	return bpf_map_update_elem(outer, &zero, &inner, BPF_ANY);
}

void wait_for_programs(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0 && grace_by_map() < 0) {
		/* Neither is permitted here: programs run for microseconds. */
		struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

		while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
			;
	}
}

/* After this no program holds what it read from a cell before the cell was freed. */
static void grace_period(struct table *table)
{
	wait_for_programs();
	table->dirty = false;
}

static bool find_in(const struct table *table, uint32_t row, uint64_t key, struct cell *ret)
{
	for (uint32_t cell = 0; cell < CELLS; cell++) {
		struct cell at = { row, cell };

		if (load_key(table, at) == key) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static bool is_second(const struct table *table, uint64_t key, uint32_t row)
{
	return row != ul_first_row(key, table->seed, table->mask);
}

static uint32_t other_row(const struct table *table, uint64_t key, uint32_t row)
{
	return is_second(table, key, row) ? ul_first_row(key, table->seed, table->mask) :
					    ul_second_row(key, table->seed, table->mask);
}

/* Frees a cell; it may be used again after a grace period. */
static void clear(struct table *table, struct cell at)
{
	store_key(table, at, 0);
	store_value(table, at, 0);
	table->dirty = true;
}

static void vacate(struct table *table, struct cell at)
{
	uint64_t key = load_key(table, at);

	clear(table, at);
	if (is_second(table, key, at.row))
		add_spilled(table, key, -1);
}

static void occupy(struct table *table, struct cell at, uint64_t key, uint32_t stored)
{
	if (table->dirty)
		grace_period(table);
	if (is_second(table, key, at.row))
		add_spilled(table, key, 1);
	store_value(table, at, stored);
	store_key(table, at, key);
}

static void store_use(struct table *table, struct cell at, uint64_t here, uint64_t outside)
{
	struct ul_use_row *row = &table->use[at.row];

	__atomic_store_n(&row->here[at.index], here, __ATOMIC_RELAXED);
	__atomic_store_n(&row->outside[at.index], outside, __ATOMIC_RELAXED);
}

static void load_use(const struct table *table, struct cell at, uint64_t *ret_here,
		     uint64_t *ret_outside)
{
	const struct ul_use_row *row = &table->use[at.row];

	*ret_here = __atomic_load_n(&row->here[at.index], __ATOMIC_RELAXED);
	*ret_outside = __atomic_load_n(&row->outside[at.index], __ATOMIC_RELAXED);
}

/* A time that a program stores in between is lost, which costs at most one repetition. */
static void copy_use(struct table *table, struct cell from, struct cell to)
{
	uint64_t here, outside;

	if (!table->use)
		return;
	load_use(table, from, &here, &outside);
	store_use(table, to, here, outside);
}

static void move(struct table *table, struct cell from, struct cell to)
{
	uint64_t key = load_key(table, from);

	/* Before the key: a program that finds it there must not read the times of another one. */
	copy_use(table, from, to);
	occupy(table, to, key, load_value(table, from));
	/* A program may have searched the new row before the copy was there: it must still find
	 * the old one. */
	grace_period(table);
	vacate(table, from);
}

/* Carries out the moves that lead to a free cell `at` of steps[i], from the far end, and leaves a
 * free cell in the new key's own row. */
static struct cell make_room(struct table *table, const struct step *steps, int i, struct cell at)
{
	for (; steps[i].parent >= 0; i = steps[i].parent) {
		struct cell from = { steps[steps[i].parent].row, steps[i].cell };

		move(table, from, at);
		at = from;
	}
	return at;
}

/* Breadth first, so that as few keys as possible move; a free cell in a row of the key itself
 * needs no move. */
static bool find_room(struct table *table, uint64_t key, struct cell *ret)
{
	uint32_t first = ul_first_row(key, table->seed, table->mask),
		 second = ul_second_row(key, table->seed, table->mask);
	struct step steps[MAX_SEARCH] = { { first, -1, 0 }, { second, -1, 0 } };
	int n = 2;

	for (int i = 0; i < n; i++) {
		uint32_t row = steps[i].row;
		struct cell at;

		if (find_in(table, row, 0, &at)) {
			*ret = make_room(table, steps, i, at);
			return true;
		}
		for (uint32_t cell = 0; cell < CELLS && n < MAX_SEARCH; cell++) {
			uint64_t there = load_key(table, (struct cell){ row, cell });
			uint32_t next = other_row(table, there, row);
			bool seen = false;

			for (int j = 0; j < n && !seen; j++)
				seen = steps[j].row == next;
			if (!seen)
				steps[n++] = (struct step){ next, i, cell };
		}
	}
	return false;
}

static bool find_key(const struct table *table, uint64_t key, struct cell *ret)
{
	return find_in(table, ul_first_row(key, table->seed, table->mask), key, ret) ||
	       find_in(table, ul_second_row(key, table->seed, table->mask), key, ret);
}

int table_get_use(const struct table *table, uint64_t key, uint64_t *ret_here,
		  uint64_t *ret_outside)
{
	struct cell at;

	if (!table->use || !find_key(table, key, &at))
		return -ENOENT;
	load_use(table, at, ret_here, ret_outside);
	return 0;
}

int table_set_use(struct table *table, uint64_t key, uint64_t here, uint64_t outside)
{
	struct cell at;

	if (!table->use || !find_key(table, key, &at))
		return -ENOENT;
	store_use(table, at, here, outside);
	return 0;
}

uint32_t table_rows_for(size_t n_keys)
{
	uint32_t n = MIN_ROWS;

	/* At one key per row of four (load 25 %) one key in fifty finds its first row full,
	 * and displacement is an exception. */
	while (n < n_keys && n < 1u << 24)
		n <<= 1;
	return n;
}

/* use: times here and outside of the key, before it gets its value; NULL: a new key has none, and a
 * known one keeps its times. */
static int set(struct table *table, uint64_t key, uint32_t value, const uint64_t use[2])
{
	uint32_t first = ul_first_row(key, table->seed, table->mask),
		 second = ul_second_row(key, table->seed, table->mask);
	struct cell at, copy;

	if (find_in(table, first, key, &at)) {
		if (use)
			store_use(table, at, use[0], use[1]);
		store_value(table, at, value + 1);
		if (second != first && find_in(table, second, key, &copy))
			vacate(table, copy);
		return 0;
	}
	if (find_in(table, second, key, &at)) {
		if (use)
			store_use(table, at, use[0], use[1]);
		store_value(table, at, value + 1);
		return 0;
	}
	if (!find_room(table, key, &at))
		return -ENOSPC;
	if (table->use)
		store_use(table, at, use ? use[0] : 0, use ? use[1] : 0);
	occupy(table, at, key, value + 1);
	return 0;
}

int table_set(struct table *table, uint64_t key, uint32_t value)
{
	return set(table, key, value, NULL);
}

int table_set_used(struct table *table, uint64_t key, uint32_t value, uint64_t here,
		   uint64_t outside)
{
	const uint64_t use[2] = { here, outside };

	return set(table, key, value, table->use ? use : NULL);
}

int table_remove(struct table *table, uint64_t key)
{
	uint32_t first = ul_first_row(key, table->seed, table->mask),
		 second = ul_second_row(key, table->seed, table->mask);
	struct cell at;
	int r = -ENOENT;

	/* The second row before the first: a key with two copies must not reappear with the
	 * stale value. */
	if (second != first && find_in(table, second, key, &at)) {
		vacate(table, at);
		r = 0;
	}
	if (find_in(table, first, key, &at)) {
		vacate(table, at);
		r = 0;
	}
	return r;
}

/* Grace periods do not wait for readers in user space, so these compare the key again after they
 * read the value. */
static uint32_t read_cell(const struct table *table, struct cell at, uint64_t key)
{
	uint32_t stored;

	if (load_key(table, at) != key)
		return 0;
	stored = load_value(table, at);
	return load_key(table, at) == key ? stored : 0;
}

int table_evict(struct table *table, uint64_t key,
		bool (*may)(void *userdata, uint64_t key, uint32_t value), void *userdata)
{
	uint32_t row[2] = { ul_first_row(key, table->seed, table->mask),
			    ul_second_row(key, table->seed, table->mask) };

	for (int b = 0; b < 2; b++) {
		for (uint32_t cell = 0; cell < CELLS; cell++) {
			uint64_t there = load_key(table, (struct cell){ row[b], cell });
			uint32_t value;

			if (there && table_get(table, there, &value) == 0 &&
			    may(userdata, there, value))
				return table_remove(table, there);
		}
	}
	return -ENOENT;
}

int table_get(const struct table *table, uint64_t key, uint32_t *ret)
{
	uint32_t row[2] = { ul_first_row(key, table->seed, table->mask),
			    ul_second_row(key, table->seed, table->mask) };

	/* Twice: the first pass may miss a key that is moved while it runs. */
	for (int pass = 0; pass < 2; pass++) {
		for (int b = 0; b < 2; b++) {
			for (uint32_t cell = 0; cell < CELLS; cell++) {
				uint32_t stored =
					read_cell(table, (struct cell){ row[b], cell }, key);

				if (stored) {
					*ret = stored - 1;
					return 0;
				}
			}
		}
	}
	return -ENOENT;
}

int table_foreach(const struct table *table,
		  int (*each)(void *userdata, uint64_t key, uint32_t value), void *userdata)
{
	for (uint32_t row = 0; row <= table->mask; row++) {
		for (uint32_t cell = 0; cell < CELLS; cell++) {
			struct cell at = { row, cell }, first;
			uint64_t key = load_key(table, at);
			uint32_t stored = key ? read_cell(table, at, key) : 0;
			int r;

			if (!stored)
				continue;
			if (is_second(table, key, row) &&
			    find_in(table, ul_first_row(key, table->seed, table->mask), key,
				    &first))
				continue;
			r = each(userdata, key, stored - 1);
			if (r)
				return r;
		}
	}
	return 0;
}

/* ---- repair ---- */
static bool is_misplaced(const struct table *table, struct cell at, uint64_t key)
{
	uint32_t first = ul_first_row(key, table->seed, table->mask),
		 second = ul_second_row(key, table->seed, table->mask);
	struct cell counts = at;

	if ((at.row != first && at.row != second) || !load_value(table, at))
		return true;
	/* Of several copies the one that readers find first counts. */
	if (!find_in(table, first, key, &counts))
		(void)find_in(table, at.row, key, &counts);
	return counts.row != at.row || counts.index != at.index;
}

int table_repair(struct table *table)
{
	_cleanup_free_ uint32_t *spilled = calloc((size_t)table->mask + 1, sizeof(*spilled));

	if (!spilled)
		return -ENOMEM;
	for (uint32_t row = 0; row <= table->mask; row++) {
		for (uint32_t cell = 0; cell < CELLS; cell++) {
			struct cell at = { row, cell };
			uint64_t key = load_key(table, at);

			if (key && is_misplaced(table, at, key))
				clear(table, at);
			else if (key && is_second(table, key, row))
				spilled[ul_first_row(key, table->seed, table->mask)]++;
		}
	}
	/* Not before: programs must not miss a spilled key meanwhile. */
	for (uint32_t row = 0; row <= table->mask; row++)
		if (__atomic_load_n(&table->rows[row].spilled, __ATOMIC_RELAXED) != spilled[row])
			__atomic_store_n(&table->rows[row].spilled, spilled[row], __ATOMIC_RELEASE);
	return 0;
}
