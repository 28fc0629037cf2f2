// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The maps of a set: sizes, mapping, and those that are written by system call. */
#include "maps.h"

#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/check.h"
#include "dataplane/internal.h"

/* A ring buffer has neither keys nor values for the kernel. */
#define SIZE_IN(kind, type) (MAP_KIND_##kind == MAP_KIND_RINGBUF ? 0 : sizeof(type))

const struct map_row map_catalogue[N_UL_MAPS] = {
#define X(ID, map_name, map_kind, key, value, n_entries, map_count, writer, help) \
	[UL_MAP_##ID] = {                                                         \
		.name = #map_name,                                                \
		.kind = MAP_KIND_##map_kind,                                      \
		.count = MAP_COUNT_##map_count,                                   \
		.key_size = SIZE_IN(map_kind, key),                               \
		.value_size = SIZE_IN(map_kind, value),                           \
		.entries = n_entries,                                             \
	},
	UL_MAPS(X)
#undef X
};

/* clang-format off */
static const uint32_t types[] = {
	[MAP_KIND_MAPPED] = BPF_MAP_TYPE_ARRAY,
	[MAP_KIND_ARRAY] = BPF_MAP_TYPE_ARRAY,
	[MAP_KIND_HASH] = BPF_MAP_TYPE_HASH,
	[MAP_KIND_PERCPU_ARRAY] = BPF_MAP_TYPE_PERCPU_ARRAY,
	[MAP_KIND_DEVMAP] = BPF_MAP_TYPE_DEVMAP,
	[MAP_KIND_RINGBUF] = BPF_MAP_TYPE_RINGBUF,
	[MAP_KIND_PROG_ARRAY] = BPF_MAP_TYPE_PROG_ARRAY,
};
/* clang-format on */

/* ---- sizes ---- */
static uint32_t round_up(uint32_t wanted, uint32_t least)
{
	uint32_t size = least;

	while (size < wanted)
		size *= 2;
	return size;
}

static void enlarge(uint32_t *size, uint32_t least)
{
	if (*size < least)
		*size = least;
}

void map_sizes_for(const struct dataplane_needs *needs, struct map_sizes *ret)
{
	struct map_sizes former;

	*ret = (struct map_sizes){
		.ports = round_up(needs->ports + needs->ports / 2, 256),
		.groups = round_up(needs->groups + needs->groups / 2, 64),
		.fdb_rows = table_rows_for(needs->fdb_keys + needs->fdb_keys / 2 + 1024),
		.iface_rows =
			table_rows_for(UL_MAX_UPLINKS + needs->ports + needs->ports / 2 + 256),
	};
	/* tables of the daemon have an entry for each slot */
	if (ret->ports > UL_MAX_PORTS)
		ret->ports = UL_MAX_PORTS;
	if (!needs->former)
		return;
	map_sizes_of(needs->former, &former);
	enlarge(&ret->ports, former.ports);
	enlarge(&ret->groups, former.groups);
	enlarge(&ret->fdb_rows, former.fdb_rows);
	enlarge(&ret->iface_rows, former.iface_rows);
}

void map_sizes_of(const struct dataplane *dp, struct map_sizes *ret)
{
	*ret = (struct map_sizes){
		.seed = dp->meta->seed,
		.ports = dp->max_ports,
		.groups = dp->max_groups,
		.fdb_rows = dp->fdb.mask + 1,
		.iface_rows = dp->ifaces.mask + 1,
	};
}

bool dataplane_large_enough(const struct dataplane *dp, const struct dataplane_needs *needs)
{
	return dp->max_ports >= needs->ports && dp->max_groups >= needs->groups &&
	       dp->fdb.mask + 1 >= table_rows_for(needs->fdb_keys) &&
	       dp->ifaces.mask + 1 >= table_rows_for(UL_MAX_UPLINKS + needs->ports);
}

static uint32_t entries_of(const struct map_row *row, const struct map_sizes *sizes)
{
	switch (row->count) {
	case MAP_COUNT_PORTS:
		return sizes->ports;
	case MAP_COUNT_GROUPS:
		return sizes->groups;
	case MAP_COUNT_ENDPOINTS:
		return UL_ENDPOINT_PORT0 + sizes->ports;
	case MAP_COUNT_FDB_ROWS:
		return sizes->fdb_rows;
	case MAP_COUNT_IFACE_ROWS:
		return sizes->iface_rows;
	case MAP_COUNT_FIXED:
		break;
	}
	return row->entries;
}

/* What programs and daemon rely on, whatever size the set was made with. */
static uint32_t least_entries(const struct map_row *row)
{
	static const struct map_sizes least = { 1, 1, 1, 1, 0 };

	return entries_of(row, &least);
}

int maps_resize(struct bpf_object *object, const struct map_sizes *sizes)
{
	for (size_t i = 0; i < N_UL_MAPS; i++) {
		const struct map_row *row = &map_catalogue[i];
		struct bpf_map *map = bpf_object__find_map_by_name(object, row->name);
		int r;

		if (!map)
			return -ENOENT;
		if (row->count == MAP_COUNT_FIXED)
			continue;
		r = bpf_map__set_max_entries(map, entries_of(row, sizes));
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- opening ---- */
int map_check(int fd, enum ul_map which, uint32_t *ret_entries)
{
	const struct map_row *row = &map_catalogue[which];
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	if (info.type != types[row->kind] || info.key_size != row->key_size ||
	    info.value_size != row->value_size || info.max_entries < least_entries(row))
		return -EPROTO;
	*ret_entries = info.max_entries;
	return 0;
}

/* 0; -EPROTO: it cannot be mapped; other negative errno. */
static int check_mappable(int fd)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	return info.map_flags & BPF_F_MMAPABLE ? 0 : -EPROTO;
}

static int map_array(struct dataplane *dp, enum ul_map which, uint32_t entries)
{
	/* the kernel rounds elements up to eight bytes */
	size_t size = (size_t)entries * ((map_catalogue[which].value_size + 7) & ~7U);
	void *mapping;
	int r = check_mappable(dp->map_fd[which]);

	if (r < 0)
		return r;
	mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dp->map_fd[which], 0);
	if (mapping == MAP_FAILED)
		return -errno;
	dp->mapping[which] = mapping;
	dp->mapping_size[which] = size;
	/* the mapping holds the map */
	ul_closep(&dp->map_fd[which]);
	dp->map_fd[which] = -1;
	return 0;
}

static void set_pointers(struct dataplane *dp, const uint32_t entries[N_UL_MAPS])
{
	dp->meta = dp->mapping[UL_MAP_META];
	dp->max_ports = dp->meta->max_ports;
	dp->max_groups = dp->meta->max_groups;
	dp->uplinks = dp->mapping[UL_MAP_UPLINKS];
	dp->ports = dp->mapping[UL_MAP_PORTS];
	dp->groups = dp->mapping[UL_MAP_GROUPS];
	dp->policies = dp->mapping[UL_MAP_POLICIES];
	dp->vlans = dp->mapping[UL_MAP_VLANS];
	dp->lacp_answers = dp->mapping[UL_MAP_LACP_ANSWERS];
	dp->lacp_ports = dp->mapping[UL_MAP_LACP_PORTS];
	dp->pagp_ports = dp->mapping[UL_MAP_PAGP_PORTS];
	/* dirty: the writer before this one may have freed cells without a grace period */
	dp->ifaces = (struct table){ .rows = dp->mapping[UL_MAP_IFACES],
				     .seed = dp->meta->seed,
				     .mask = entries[UL_MAP_IFACES] - 1,
				     .dirty = true };
	dp->fdb = (struct table){ .rows = dp->mapping[UL_MAP_FDB],
				  .use = dp->mapping[UL_MAP_FDB_USE],
				  .seed = dp->meta->seed,
				  .mask = entries[UL_MAP_FDB] - 1,
				  .dirty = true };
}

/* The tables have a power of two of rows, and one of times for each of the FDB's. */
static bool tables_fit(const uint32_t entries[N_UL_MAPS])
{
	return !(entries[UL_MAP_IFACES] & (entries[UL_MAP_IFACES] - 1)) &&
	       !(entries[UL_MAP_FDB] & (entries[UL_MAP_FDB] - 1)) &&
	       entries[UL_MAP_FDB_USE] == entries[UL_MAP_FDB];
}

int set_check(const struct dataplane *dp)
{
	struct ul_meta meta = *dp->meta;
	const struct check_records records = {
		.meta = &meta,
		.uplinks = dp->uplinks,
		.ports = dp->ports,
		.groups = dp->groups,
		.policies = dp->policies,
		.vlans = dp->vlans,
		.n_ports = (uint32_t)(dp->mapping_size[UL_MAP_PORTS] / sizeof(*dp->ports)),
		.n_groups = (uint32_t)(dp->mapping_size[UL_MAP_GROUPS] / sizeof(*dp->groups)),
	};

	/* those that are used, whatever was written since */
	meta.max_ports = dp->max_ports;
	meta.max_groups = dp->max_groups;
	return check_records(&records);
}

int maps_open(struct dataplane *dp)
{
	uint32_t entries[N_UL_MAPS] = {};

	for (int i = 0; i < N_UL_MAPS; i++) {
		int r;

		if (map_catalogue[i].kind == MAP_KIND_PROG_ARRAY)
			continue;
		dp->map_fd[i] = pin_open(dp->dir, map_catalogue[i].name);
		if (dp->map_fd[i] < 0)
			return dp->map_fd[i];
		r = map_check(dp->map_fd[i], i, &entries[i]);
		if (r == 0 && map_catalogue[i].kind == MAP_KIND_MAPPED)
			r = map_array(dp, i, entries[i]);
		if (r < 0)
			return r;
	}
	if (!tables_fit(entries))
		return -EPROTO;
	set_pointers(dp, entries);
	return 0;
}

void maps_close(struct dataplane *dp)
{
	for (int i = 0; i < N_UL_MAPS; i++) {
		if (dp->mapping[i])
			munmap(dp->mapping[i], dp->mapping_size[i]);
		dp->mapping[i] = NULL;
		ul_closep(&dp->map_fd[i]);
		dp->map_fd[i] = -1;
	}
}

/* ---- maps that are written by system call ---- */
int maps_load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret)
{
	return bpf_map_lookup_elem(dp->map_fd[UL_MAP_LACP], &uplink, ret) < 0 ? -errno : 0;
}

int maps_save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved)
{
	return bpf_map_update_elem(dp->map_fd[UL_MAP_LACP], &uplink, saved, BPF_ANY) < 0 ? -errno :
											   0;
}

int maps_set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot)
{
	struct ul_member_key key = { .vid = vid, .place = place };

	return bpf_map_update_elem(dp->map_fd[UL_MAP_MEMBERS], &key, &slot, BPF_ANY) < 0 ? -errno :
											   0;
}

void maps_remove_member(struct dataplane *dp, uint16_t vid, uint16_t place)
{
	struct ul_member_key key = { .vid = vid, .place = place };

	bpf_map_delete_elem(dp->map_fd[UL_MAP_MEMBERS], &key);
}

int maps_set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex)
{
	int fd = dp->map_fd[UL_MAP_DEVMAP];

	if (!ifindex) {
		bpf_map_delete_elem(fd, &slot);
		return 0;
	}
	return bpf_map_update_elem(fd, &slot, &ifindex, BPF_ANY) < 0 ? -errno : 0;
}

int maps_reset_stats(struct dataplane *dp, uint32_t endpoint)
{
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats *zero = NULL;

	if (n_cpus < 0)
		return n_cpus;
	zero = calloc((size_t)n_cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	return bpf_map_update_elem(dp->map_fd[UL_MAP_STATS], &endpoint, zero, BPF_ANY) < 0 ?
		       -errno :
		       0;
}
