/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The exact-match table of the data plane: 64-bit key -> 32-bit value, in a plain array map of rows
 * of one cache line with four cells each.
 *
 * A look-up in a kernel hash map costs 25-30 ns hot, more than the rest of a program; here it is an
 * inlined array access and up to four compares in one cache line. Each key has two possible rows;
 * it is in the first unless that was full, which `spilled` of the first row then counts, so that a
 * miss usually costs one line as well.
 *
 * One writer (user/dataplane/table.c), any number of readers, no locks; an interrupted writer
 * leaves a consistent table. Insert: value, then key. Remove: key = 0, value = 0; the cell is not
 * used again before a grace period (membarrier) has passed. A move (both rows full) copies first,
 * waits, then removes. A reader that sees a key with value 0 treats it as absent. */
#ifndef UL_MATCH_TABLE_H
#define UL_MATCH_TABLE_H

#include "abi.h"

#define UL_KEY_HASHED 0x8000 /* in every key of ul_fdb, in none of ul_ifaces */

/* mac: the address as a 48-bit number, first byte highest; vid: 0-4095, with UL_VID_SERVICE */
static inline __attribute__((always_inline)) __u64 ul_fdb_key_of(__u32 vid, __u64 mac)
{
	return mac << 16 | UL_KEY_HASHED | (vid & (UL_VID_SERVICE | 0xfff));
}

/* The VID of such a key, with UL_VID_SERVICE */
static inline __attribute__((always_inline)) __u32 ul_fdb_key_vid(__u64 key)
{
	return key & (UL_VID_SERVICE | 0xfff);
}

/* mac in wire order */
static inline __attribute__((always_inline)) __u64 ul_fdb_key(__u32 vid, const __u8 mac[6])
{
	return ul_fdb_key_of(vid, (__u64)mac[0] << 40 | (__u64)mac[1] << 32 | (__u64)mac[2] << 24 |
					  (__u64)mac[3] << 16 | (__u64)mac[4] << 8 | mac[5]);
}

static inline __attribute__((always_inline)) __u64 ul_iface_key(__u32 ifindex)
{
	return 1ULL << 63 | (__u64)ifindex << 16;
}

/* Interface numbers spread without a hash. Otherwise multiplicative (Fibonacci) hashing, whose high
 * half is well mixed; the two rows use different bits. Machines choose addresses, so the hash is
 * keyed by the random seed of the set (ul_meta.seed): without it, a dozen frames would fill both
 * rows of a neighbour's address. The kind of key is a compile-time constant in programs. */
static inline __attribute__((always_inline)) __u32 ul_first_row(__u64 key, __u64 seed, __u32 mask)
{
	if (!(key & UL_KEY_HASHED))
		return (__u32)(key >> 16) & mask;
	return (__u32)(((key ^ seed) * 0x9e3779b97f4a7c15ULL) >> 40) & mask;
}

static inline __attribute__((always_inline)) __u32 ul_second_row(__u64 key, __u64 seed, __u32 mask)
{
	key ^= seed;
	return (__u32)(((key ^ key >> 29) * 0xbf58476d1ce4e5b9ULL) >> 36) & mask;
}

/* The value + 1 of key in this row, or 0. */
static inline __attribute__((always_inline)) __u32
ul_row_find(const volatile struct ul_match_row *row, __u64 key)
{
	if (row->key[0] == key)
		return row->value[0];
	if (row->key[1] == key)
		return row->value[1];
	if (row->key[2] == key)
		return row->value[2];
	if (row->key[3] == key)
		return row->value[3];
	return 0;
}

#endif
