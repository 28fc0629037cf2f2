// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The contents of a set into a larger one that is going to replace it. No program uses that one
 * yet, so the order of the stores does not matter. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/internal.h"

static int copy_stats(struct dataplane *to, const struct dataplane *from)
{
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats *stats = NULL;

	if (n_cpus < 0)
		return n_cpus;
	stats = calloc((size_t)n_cpus, sizeof(*stats));
	if (!stats)
		return -ENOMEM;
	for (uint32_t i = 0; i < UL_ENDPOINT_PORT0 + from->max_ports; i++)
		if (bpf_map_lookup_elem(from->map_fd[UL_MAP_STATS], &i, stats) < 0 ||
		    bpf_map_update_elem(to->map_fd[UL_MAP_STATS], &i, stats, BPF_ANY) < 0)
			return -errno;
	return 0;
}

struct tables {
	struct table *to;
	const struct table *from;
};

static int copy_key(void *userdata, uint64_t key, uint32_t value)
{
	const struct tables *tables = userdata;
	uint64_t here, outside;
	int r = table_set(tables->to, key, value);

	if (r == 0 && table_get_use(tables->from, key, &here, &outside) == 0)
		table_set_use(tables->to, key, here, outside);
	return r;
}

static int copy_table(struct table *to, const struct table *from)
{
	struct tables tables = { to, from };

	return table_foreach(from, copy_key, &tables);
}

/* -E2BIG: the set has less room. */
static int copy_records(struct dataplane *to, const struct dataplane *from)
{
	static const enum ul_map maps[] = {
		UL_MAP_UPLINKS, UL_MAP_PORTS, UL_MAP_GROUPS,  UL_MAP_POLICIES,
		UL_MAP_VLANS,	UL_MAP_SENT,  UL_MAP_OUTSIDE, UL_MAP_LACP_ANSWERS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (to->mapping_size[maps[i]] < from->mapping_size[maps[i]])
			return -E2BIG;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		memcpy(to->mapping[maps[i]], from->mapping[maps[i]], from->mapping_size[maps[i]]);
	return 0;
}

static void copy_meta(struct ul_meta *to, const struct ul_meta *from)
{
	to->n_uplinks = from->n_uplinks;
	to->generation = from->generation;
	to->channel = from->channel;
	to->mtu = from->mtu;
	to->receive = from->receive;
	to->lease_ns = from->lease_ns;
	to->headless_ns = from->headless_ns;
	memcpy(to->lacp_system, from->lacp_system, sizeof(to->lacp_system));
	to->lacp_system_given = from->lacp_system_given;
}

int dataplane_copy(struct dataplane *to, struct dataplane *from)
{
	int r = copy_records(to, from);

	if (r < 0)
		return r;
	copy_meta(to->mapping[UL_MAP_META], from->meta);

	for (uint32_t i = 0; r == 0 && i < UL_MAX_UPLINKS; i++) {
		struct lacp_saved saved;

		r = dataplane_load_lacp(from, i, &saved);
		if (r == 0)
			r = dataplane_save_lacp(to, i, &saved);
	}
	if (r == 0)
		r = copy_table(&to->ifaces, &from->ifaces);
	if (r == 0)
		r = copy_table(&to->fdb, &from->fdb); /* with learned addresses */
	if (r == 0)
		r = copy_stats(to, from);
	if (r == 0 && to->staged && to->old_lock_fd < 0)
		to->old_lock_fd = TAKE_FD(from->lock_fd);
	return r;
}
