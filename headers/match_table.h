/* SPDX-License-Identifier: GPL-2.0 */
/* The exact-match table of the data plane: 64-bit key -> 32-bit value, in a plain array map of
 * cache-line buckets.
 *
 * Why not a kernel hash map: a look-up there costs 25-30 ns hot, more than all the rest of a
 * program; here it is an inlined array access and up to four compares in one cache line. Each key
 * has two possible buckets; it lives in the first unless that was full, and the first then says so
 * in `spilled`, so that a miss usually costs one line as well.
 *
 * One writer (user/dataplane/table.c), any number of readers, no locks; a writer that is stopped
 * half-way leaves a table that is right: insert: value, then key. Remove: key = 0, value = 0; the
 * slot is not used again before a grace period (membarrier) has passed. A move (both buckets full)
 * copies first, waits, then removes. A reader that sees a key but value 0 treats it as absent. */
#ifndef UL_MATCH_TABLE_H
#define UL_MATCH_TABLE_H

#include "abi.h"

#define UL_KEY_HASHED 0x8000 /* in every key of ul_fdb, in none of ul_ifaces */

/* mac: the address as a 48-bit number, first byte highest; vid 0-4095 */
static inline __attribute__((always_inline)) __u64 ul_fdb_key_of(__u32 vid, __u64 mac)
{
	return mac << 16 | UL_KEY_HASHED | (vid & 0xfff);
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

/* Interface numbers are spread as they are. Else multiplicative (Fibonacci) hashing: the high half
 * is well mixed. The two buckets come from different bits. Programs know at compile time which kind
 * of key it is. */
static inline __attribute__((always_inline)) __u32 ul_first_bucket(__u64 key, __u32 mask)
{
	if (!(key & UL_KEY_HASHED))
		return (__u32)(key >> 16) & mask;
	return (__u32)((key * 0x9e3779b97f4a7c15ULL) >> 40) & mask;
}

static inline __attribute__((always_inline)) __u32 ul_second_bucket(__u64 key, __u32 mask)
{
	return (__u32)(((key ^ key >> 29) * 0xbf58476d1ce4e5b9ULL) >> 36) & mask;
}

/* The value + 1 of key in this bucket, or 0. */
static inline __attribute__((always_inline)) __u32
ul_bucket_find(const volatile struct ul_slot4 *bucket, __u64 key)
{
	if (bucket->key[0] == key)
		return bucket->value[0];
	if (bucket->key[1] == key)
		return bucket->value[1];
	if (bucket->key[2] == key)
		return bucket->value[2];
	if (bucket->key[3] == key)
		return bucket->value[3];
	return 0;
}

#endif
