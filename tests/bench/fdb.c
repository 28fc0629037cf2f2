// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* fdb OBJECTS N ROUNDS REPEAT: cost of finding a random key among N, in the table of the data plane
 * and in a kernel hash map, and the memory of each.
 */
#include <sys/mman.h>

#include <bpf/btf.h>

#include "abi.h"
#include "dataplane/table.h"
#include "match_table.h"
#include "testrun.h"

#define SEED 0x5bd1e995a3c59ac3ULL

static uint64_t nth_key(uint64_t n)
{
	return ul_fdb_key_of(100, (0x020000000000ULL | n * 0x9e3779b1) & 0xffffffffffffULL);
}

static void fill(struct bpf_object *object, uint32_t n, uint32_t buckets)
{
	size_t bytes = (size_t)buckets * sizeof(struct ul_match_row);
	struct table table = { .seed = SEED, .mask = buckets - 1 };

	table.rows =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(object, "table"), 0);
	if (table.rows == MAP_FAILED)
		die("mmap");
	for (uint32_t i = 0; i < n; i++) {
		uint64_t key = nth_key(i);

		errno = ENOSPC;
		if (table_set(&table, key, i))
			die("table_set");
		if (bpf_map_update_elem(map_fd(object, "hash"), &key, &i, BPF_ANY))
			die("hash map");
	}
	munmap(table.rows, bytes);
}

/* The order of the constants is the compiler's, so the type information says where they are. */
static void set_constants(struct bpf_object *object, uint32_t table_mask, uint32_t n_keys)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	const struct btf_var_secinfo *vars = btf_var_secinfos(section);
	const uint64_t seed = SEED;
	uint8_t image[16];

	for (int i = 0; i < 3; i++) {
		const char *name =
			btf__name_by_offset(btf, btf__type_by_id(btf, vars[i].type)->name_off);
		const void *value = &seed;

		if (strcmp(name, "table_seed") != 0)
			value = strcmp(name, "n_keys") ? &table_mask : &n_keys;
		memcpy(image + vars[i].offset, value, vars[i].size);
	}
	if (bpf_map__set_initial_value(map, image, sizeof(image)))
		die("constants");
}

int main(int argc, char **argv)
{
	const char *const names[] = { "look_nowhere", "look_in_table", "look_in_hash" };
	uint8_t frame[64] = { 0 };
	struct bpf_object *object;
	uint32_t n, buckets, retval;
	int rounds, repeat;

	if (argc != 5) {
		errno = EINVAL;
		die("usage: fdb OBJECTS N ROUNDS REPEAT");
	}
	n = (uint32_t)atoi(argv[2]);
	rounds = atoi(argv[3]);
	repeat = atoi(argv[4]);
	buckets = table_rows_for(n + n / 2);
	object = open_object(argv[1], "fdb");
	set_constants(object, buckets - 1, n);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "table"), buckets);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "hash"), n);
	if (bpf_object__load(object))
		die("fdb.bpf.o");
	fill(object, n, buckets);

	printf("{\"keys\":%u,\"table_bytes\":%zu,\"runs\":[", n,
	       (size_t)buckets * sizeof(struct ul_match_row));
	for (int round = 0; round < rounds; round++) {
		double ns[3];

		for (int i = 0; i < 3; i++) {
			ns[i] = test_run(program_fd(object, names[i]), 0, 0, frame, sizeof(frame),
					 repeat, &retval);
			if (retval != 1) {
				errno = ENOENT;
				die(names[i]);
			}
		}
		printf("%s[%.2f,%.2f]", round ? "," : "", ns[1] - ns[0], ns[2] - ns[0]);
	}
	printf("]}\n");
	return 0;
}
