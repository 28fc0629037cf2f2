/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Writer side of the exact-match tables (headers/match_table.h): the only code that changes ul_fdb
 * and ul_ifaces. One writer; it may sleep for a grace period, up to 20 ms. */
#ifndef UL_DATAPLANE_TABLE_H
#define UL_DATAPLANE_TABLE_H

#include "common/util.h"
#include "match_table.h"

struct table {
	struct ul_match_row *rows; /* the mapped array map, or plain memory in tests */
	struct ul_use_row *use;	   /* parallel rows of times; NULL: no times */
	uint64_t seed;		   /* of the hash of the set; may be 0 in tests */
	uint32_t mask;		   /* number of rows - 1; a power of two - 1 */
	bool dirty;		   /* a cell was freed since the last grace period */
};

/* Rows for n_keys at a load where insertions do not fail; a power of two, at least 64. */
uint32_t table_rows_for(size_t n_keys);

/* Inserts or changes: 0 or -ENOSPC. value < 0xffffffff. */
int table_set(struct table *table, uint64_t key, uint32_t value);
/* The same with the times of a learned address (table_set_use()), which a program that finds the
 * key or its new value sees. */
int table_set_used(struct table *table, uint64_t key, uint32_t value, uint64_t here,
		   uint64_t outside);
/* Frees a cell for key: removes one of the keys in its rows for which may() is true. 0; -ENOENT:
 * there is none. */
int table_evict(struct table *table, uint64_t key,
		bool (*may)(void *userdata, uint64_t key, uint32_t value), void *userdata);
/* Times of a learned address, here and outside, in jiffies. 0 or -ENOENT. */
int table_get_use(const struct table *table, uint64_t key, uint64_t *ret_here,
		  uint64_t *ret_outside);
/* The same, stored into the cell of a key that is in the table. 0 or -ENOENT. */
int table_set_use(struct table *table, uint64_t key, uint64_t here, uint64_t outside);
/* 0 or -ENOENT. */
int table_remove(struct table *table, uint64_t key);
/* 0 or -ENOENT; *ret untouched then. Safe while another process writes. */
int table_get(const struct table *table, uint64_t key, uint32_t *ret);
/* Calls each for every key; stops and returns its result when that is not 0. each may remove the
 * key that it was called for. */
int table_foreach(const struct table *table,
		  int (*each)(void *userdata, uint64_t key, uint32_t value), void *userdata);
/* Removes the cells that cannot be in a table: in a row that is none of the key's, copies of a key,
 * without a value; and counts the spilled keys again. For a table that another process has written.
 * 0 or -ENOMEM. */
int table_repair(struct table *table);

#endif
