/* SPDX-License-Identifier: GPL-2.0 */
/* Writer side of the exact-match table (headers/match_table.h): the only code that changes ul_fdb
 * and ul_ifaces. */
#ifndef UL_DATAPLANE_TABLE_H
#define UL_DATAPLANE_TABLE_H

#include "common/util.h"
#include "match_table.h"

struct table {
	struct ul_slot4 *buckets; /* the mapped array map, or plain memory in tests */
	uint32_t mask;		  /* number of buckets - 1; a power of two - 1 */
	bool dirty;		  /* a slot was freed since the last grace period */
};

/* Buckets for so many keys at a load where insertions do not fail; a power of two, at least 64. */
uint32_t table_buckets_for(size_t n_keys);

/* Inserts or changes: 0 or -ENOSPC. value < 0xffffffff. */
int table_set(struct table *table, uint64_t key, uint32_t value);
/* Frees a slot that key may take: of the keys in its way one goes for which may() is true. 0 or
 * -ENOENT. */
int table_evict(struct table *table, uint64_t key,
		bool (*may)(void *userdata, uint64_t key, uint32_t value), void *userdata);
/* 0 or -ENOENT. */
int table_remove(struct table *table, uint64_t key);
/* 0 or -ENOENT; *ret untouched then. Safe beside a writer in another process. */
int table_get(const struct table *table, uint64_t key, uint32_t *ret);
/* Calls each for every key; stops and returns its result when that is not 0. Removing the key at
 * hand is allowed. */
int table_foreach(const struct table *table,
		  int (*each)(void *userdata, uint64_t key, uint32_t value), void *userdata);

#endif
