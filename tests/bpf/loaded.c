// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "loaded.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "dataplane/clock.h"
#include "world.h"

void *loaded_map_memory(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE),
	       size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *memory = mmap(NULL, (size + page - 1) / page * page, PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(map), 0);

	cr_assert_neq(memory, MAP_FAILED, "mmap of %s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, ap) : 0;
}

static struct uplinkd_bpf *load(bool limits_floods)
{
	struct uplinkd_bpf *skel = uplinkd_bpf__open();
	uint32_t slow = UL_SLOW_PORT_TC;
	int slow_fd;

	cr_assert(skel);
	bpf_map__set_max_entries(skel->maps.ul_ports, MAX_PORTS);
	bpf_map__set_max_entries(skel->maps.ul_groups, MAX_GROUPS);
	bpf_map__set_max_entries(skel->maps.ul_stats, WORLD_ENDPOINTS);
	bpf_map__set_max_entries(skel->maps.ul_devmap, MAX_PORTS);
	bpf_map__set_max_entries(skel->maps.ul_fdb, FDB_BUCKETS);
	bpf_map__set_max_entries(skel->maps.ul_ifaces, IFACE_BUCKETS);
	skel->rodata->ul_seed = SEED;
	skel->rodata->ul_fdb_mask = FDB_BUCKETS - 1;
	bpf_map__set_max_entries(skel->maps.ul_fdb_use, FDB_BUCKETS);
	skel->rodata->ul_ifaces_mask = IFACE_BUCKETS - 1;
	skel->rodata->ul_hz = kernel_hz();
	if (!limits_floods)
		skel->rodata->ul_flood_limit = UINT32_MAX;
	cr_assert_eq(uplinkd_bpf__load(skel), 0, "the programs do not load");
	slow_fd = bpf_program__fd(skel->progs.port_tc_slow);
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.ul_slow), &slow, &slow_fd, BPF_ANY),
		     0);
	return skel;
}

/* As after the load. */
static void empty_map(const struct bpf_map *map, int n_cpus)
{
	size_t size = bpf_map__value_size(map);
	uint32_t entries = bpf_map__max_entries(map);
	int fd = bpf_map__fd(map);
	char key[64];
	void *zeros;

	if (bpf_map__map_flags(map) & BPF_F_MMAPABLE) {
		void *memory = loaded_map_memory(map);

		memset(memory, 0, size * entries);
		munmap(memory, size * entries);
		return;
	}
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		zeros = calloc((size_t)n_cpus, (size + 7) / 8 * 8);
		cr_assert(zeros);
		for (uint32_t i = 0; i < entries; i++)
			cr_assert_eq(bpf_map_update_elem(fd, &i, zeros, BPF_ANY), 0);
		free(zeros);
		break;
	case BPF_MAP_TYPE_HASH:
		cr_assert_leq(bpf_map__key_size(map), sizeof(key));
		while (bpf_map_get_next_key(fd, NULL, key) == 0)
			cr_assert_eq(bpf_map_delete_elem(fd, key), 0);
		break;
	case BPF_MAP_TYPE_DEVMAP:
		for (uint32_t i = 0; i < entries; i++)
			(void)bpf_map_delete_elem(fd, &i);
		break;
	case BPF_MAP_TYPE_RINGBUF:    /* world_free() has consumed it */
	case BPF_MAP_TYPE_PROG_ARRAY: /* belongs to the load */
		break;
	default:
		cr_assert_fail("%s: unknown type of map", bpf_map__name(map));
	}
}

struct uplinkd_bpf *loaded_programs(bool limits_floods, int n_cpus)
{
	static struct uplinkd_bpf *loaded[2];
	struct uplinkd_bpf **ret = &loaded[limits_floods];
	struct bpf_map *map;

	libbpf_set_print(quiet);
	if (!*ret)
		return *ret = load(limits_floods);
	bpf_object__for_each_map(map, (*ret)->obj)
		if (map != (*ret)->maps.rodata)
			empty_map(map, n_cpus);
	return *ret;
}
