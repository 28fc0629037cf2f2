// SPDX-License-Identifier: GPL-2.0
/* The writer of the exact-match tables. headers/match_table.h says how a key is laid down; this
 * file keeps the promises made to the readers there: at every moment, also between any two
 * instructions of this file, a reader finds each key that is in the table, and never the value of
 * another key.
 *
 * A key that is in both of its buckets is a move that was under way, or that a killed writer left
 * behind: the copy in the first bucket counts, since readers look there first. */
#include "dataplane/table.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>

#define SLOTS 4
#define MIN_BUCKETS 64
#define MAX_SEARCH                                                                           \
	256 /* buckets looked at for a way to make room; at the design load two or three are \
	       enough */

struct place {
	uint32_t bucket;
	uint32_t slot;
};

/* A bucket that is reached by moving the key in `slot` of the bucket at `parent` to its other
 * bucket. */
struct step {
	uint32_t bucket;
	int parent; /* index of a step, -1: one of the new key's own buckets */
	uint32_t slot;
};

static uint64_t load_key(const struct table *table, struct place at)
{
	return __atomic_load_n(&table->buckets[at.bucket].key[at.slot], __ATOMIC_ACQUIRE);
}

static uint32_t load_value(const struct table *table, struct place at)
{
	return __atomic_load_n(&table->buckets[at.bucket].value[at.slot], __ATOMIC_ACQUIRE);
}

static void store_key(struct table *table, struct place at, uint64_t key)
{
	__atomic_store_n(&table->buckets[at.bucket].key[at.slot], key, __ATOMIC_RELEASE);
}

static void store_value(struct table *table, struct place at, uint32_t stored)
{
	__atomic_store_n(&table->buckets[at.bucket].value[at.slot], stored, __ATOMIC_RELEASE);
}

static void add_spilled(struct table *table, uint64_t key, int32_t by)
{
	uint32_t *spilled = &table->buckets[ul_first_bucket(key, table->mask)].spilled;
	uint32_t now = __atomic_load_n(spilled, __ATOMIC_RELAXED);

	/* Never below zero: a killed writer may have counted a key that it did not get to insert,
	 * but not the other way round. */
	if (by < 0 && now == 0)
		return;
	__atomic_store_n(spilled, now + (uint32_t)by, __ATOMIC_RELEASE);
}

/* Updating a map of maps waits for the programs that are running. For kernels that refuse the
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

/* After this no program still holds what it read from a slot before the slot was freed. */
static void grace_period(struct table *table)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0 && grace_by_map() < 0) {
		/* Neither is allowed here: outlast the programs, which run for microseconds. */
		struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

		while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
			;
	}
	table->dirty = false;
}

static bool find_in(const struct table *table, uint32_t bucket, uint64_t key, struct place *ret)
{
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		struct place at = { bucket, slot };

		if (load_key(table, at) == key) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static bool is_second(const struct table *table, uint64_t key, uint32_t bucket)
{
	return bucket != ul_first_bucket(key, table->mask);
}

static uint32_t other_bucket(const struct table *table, uint64_t key, uint32_t bucket)
{
	return is_second(table, key, bucket) ? ul_first_bucket(key, table->mask) :
					       ul_second_bucket(key, table->mask);
}

/* Frees a slot; it may be used again after a grace period. */
static void vacate(struct table *table, struct place at)
{
	uint64_t key = load_key(table, at);

	store_key(table, at, 0);
	store_value(table, at, 0);
	table->dirty = true;
	if (is_second(table, key, at.bucket))
		add_spilled(table, key, -1);
}

static void occupy(struct table *table, struct place at, uint64_t key, uint32_t stored)
{
	if (table->dirty)
		grace_period(table);
	if (is_second(table, key, at.bucket))
		add_spilled(table, key, 1);
	store_value(table, at, stored);
	store_key(table, at, key);
}

static void move(struct table *table, struct place from, struct place to)
{
	uint64_t key = load_key(table, from);

	occupy(table, to, key, load_value(table, from));
	/* A program may have looked into the new place before the copy was there: it must still
	 * find the old one. */
	grace_period(table);
	vacate(table, from);
}

/* Carries out the moves that lead to a free slot `at` of steps[i], from the far end, and leaves a
 * free slot in the new key's own bucket. */
static struct place make_room(struct table *table, const struct step *steps, int i, struct place at)
{
	for (; steps[i].parent >= 0; i = steps[i].parent) {
		struct place from = { steps[steps[i].parent].bucket, steps[i].slot };

		move(table, from, at);
		at = from;
	}
	return at;
}

/* Breadth first, so that as few keys as possible move; a free slot in a bucket of the key itself is
 * a way without moves. */
static bool find_room(struct table *table, uint64_t key, struct place *ret)
{
	uint32_t first = ul_first_bucket(key, table->mask),
		 second = ul_second_bucket(key, table->mask);
	struct step steps[MAX_SEARCH] = { { first, -1, 0 }, { second, -1, 0 } };
	int n = 2;

	for (int i = 0; i < n; i++) {
		uint32_t bucket = steps[i].bucket;
		struct place at;

		if (find_in(table, bucket, 0, &at)) {
			*ret = make_room(table, steps, i, at);
			return true;
		}
		for (uint32_t slot = 0; slot < SLOTS && n < MAX_SEARCH; slot++) {
			uint64_t there = load_key(table, (struct place){ bucket, slot });
			uint32_t next = other_bucket(table, there, bucket);
			bool seen = false;

			for (int j = 0; j < n && !seen; j++)
				seen = steps[j].bucket == next;
			if (!seen)
				steps[n++] = (struct step){ next, i, slot };
		}
	}
	return false;
}

uint32_t table_buckets_for(size_t n_keys)
{
	uint32_t n = MIN_BUCKETS;

	/* At one key per bucket of four (load 25 %) one key in fifty finds its first bucket full,
	 * and displacement is an exception. */
	while (n < n_keys && n < 1u << 24)
		n <<= 1;
	return n;
}

int table_set(struct table *table, uint64_t key, uint32_t value)
{
	uint32_t first = ul_first_bucket(key, table->mask),
		 second = ul_second_bucket(key, table->mask);
	struct place at, copy;

	if (find_in(table, first, key, &at)) {
		store_value(table, at, value + 1);
		if (second != first && find_in(table, second, key, &copy))
			vacate(table, copy);
		return 0;
	}
	if (find_in(table, second, key, &at)) {
		store_value(table, at, value + 1);
		return 0;
	}
	if (!find_room(table, key, &at))
		return -ENOSPC;
	occupy(table, at, key, value + 1);
	return 0;
}

int table_remove(struct table *table, uint64_t key)
{
	uint32_t first = ul_first_bucket(key, table->mask),
		 second = ul_second_bucket(key, table->mask);
	struct place at;
	int r = -ENOENT;

	/* The second bucket before the first: a key with two copies must not reappear with the
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

/* A reader of user space is not waited for by grace periods, so it looks at the key again after it
 * took the value. */
static uint32_t read_slot(const struct table *table, struct place at, uint64_t key)
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
	uint32_t bucket[2] = { ul_first_bucket(key, table->mask),
			       ul_second_bucket(key, table->mask) };

	for (int b = 0; b < 2; b++) {
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			uint64_t there = load_key(table, (struct place){ bucket[b], slot });
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
	uint32_t bucket[2] = { ul_first_bucket(key, table->mask),
			       ul_second_bucket(key, table->mask) };

	/* Twice: the first pass may miss a key that is moved between its two looks. */
	for (int pass = 0; pass < 2; pass++) {
		for (int b = 0; b < 2; b++) {
			for (uint32_t slot = 0; slot < SLOTS; slot++) {
				uint32_t stored =
					read_slot(table, (struct place){ bucket[b], slot }, key);

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
	for (uint32_t bucket = 0; bucket <= table->mask; bucket++) {
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			struct place at = { bucket, slot }, first;
			uint64_t key = load_key(table, at);
			uint32_t stored = key ? read_slot(table, at, key) : 0;
			int r;

			if (!stored)
				continue;
			if (is_second(table, key, bucket) &&
			    find_in(table, ul_first_bucket(key, table->mask), key, &first))
				continue;
			r = each(userdata, key, stored - 1);
			if (r)
				return r;
		}
	}
	return 0;
}
