// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* One look-up of a random key among N: in the table of the data plane, and in a kernel hash map.
 * The three programs differ only in the look-up.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "match_table.h"

const volatile __u64 table_seed;
const volatile __u32 table_mask;
const volatile __u32 n_keys;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ul_match_row);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seed SEC(".maps");

/* The same formula in fdb.c. */
static __always_inline __u64 nth_key(__u64 n)
{
	return ul_fdb_key_of(100, (0x020000000000ULL | n * 0x9e3779b1) & 0xffffffffffffULL);
}

static __always_inline __u64 random_key(void)
{
	__u32 zero = 0;
	__u64 *state = bpf_map_lookup_elem(&seed, &zero);

	if (!state)
		return 0;
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return nth_key((*state >> 33) % n_keys);
}

SEC("tc")
int look_nowhere(struct __sk_buff *skb)
{
	return random_key() ? 1 : 0;
}

SEC("tc")
int look_in_table(struct __sk_buff *skb)
{
	__u64 key = random_key();
	__u32 index = ul_first_row(key, table_seed, table_mask), found = 0;
	const struct ul_match_row *bucket = bpf_map_lookup_elem(&table, &index);

	if (!bucket)
		return 0;
	found = ul_row_find(bucket, key);
	if (!found && bucket->spilled) {
		index = ul_second_row(key, table_seed, table_mask);
		bucket = bpf_map_lookup_elem(&table, &index);
		if (bucket)
			found = ul_row_find(bucket, key);
	}
	return found ? 1 : 0;
}

SEC("tc")
int look_in_hash(struct __sk_buff *skb)
{
	__u64 key = random_key();

	return bpf_map_lookup_elem(&hash, &key) ? 1 : 0;
}

char _license[] SEC("license") = "GPL";
