// SPDX-License-Identifier: GPL-2.0
/* Filling a larger set from the one that it replaces. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/dataplane.h"

static int copy_stats(struct dataplane *to, const struct dataplane *from)
{
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats *stats = NULL;

	if (n_cpus < 0)
		return n_cpus;
	stats = calloc((size_t)n_cpus, sizeof(*stats));
	if (!stats)
		return -ENOMEM;
	for (uint32_t object = 0; object < UL_OBJECT_PORT0 + from->meta->max_ports; object++)
		if (bpf_map_lookup_elem(from->stats_fd, &object, stats) < 0 ||
		    bpf_map_update_elem(to->stats_fd, &object, stats, BPF_ANY) < 0)
			return -errno;
	return 0;
}

static int copy_key(void *userdata, uint64_t key, uint32_t value)
{
	return table_set(userdata, key, value);
}

int dataplane_copy(struct dataplane *to, struct dataplane *from)
{
	struct ul_meta *meta = to->meta;
	int r = 0;

	if (to->staged && to->old_lock_fd < 0)
		to->old_lock_fd = TAKE_FD(from->lock_fd);
	memcpy(to->uplinks, from->uplinks, sizeof(*from->uplinks) * UL_MAX_UPLINKS);
	memcpy(to->ports, from->ports, sizeof(*from->ports) * from->meta->max_ports);
	memcpy(to->groups, from->groups, sizeof(*from->groups) * from->meta->max_groups);
	memcpy(to->policies, from->policies, sizeof(*from->policies) * UL_MAX_POLICIES);
	memcpy(to->vlans, from->vlans, sizeof(*from->vlans) * UL_N_VLANS);
	meta->n_uplinks = from->meta->n_uplinks;
	meta->generation = from->meta->generation;
	meta->channel = from->meta->channel;
	meta->mtu = from->meta->mtu;
	meta->receive = from->meta->receive;
	meta->lease_ns = from->meta->lease_ns;
	meta->headless_ns = from->meta->headless_ns;
	memcpy(meta->lacp_system, from->meta->lacp_system, sizeof(meta->lacp_system));
	meta->lacp_system_given = from->meta->lacp_system_given;
	memcpy(to->mapping[MAP_LACP_ANSWERS], from->lacp_answers,
	       sizeof(*from->lacp_answers) * UL_MAX_UPLINKS);

	for (uint32_t i = 0; r == 0 && i < UL_MAX_UPLINKS; i++) {
		struct lacp_saved saved;

		r = dataplane_load_lacp(from, i, &saved);
		if (r == 0)
			r = dataplane_save_lacp(to, i, &saved);
	}
	if (r == 0)
		r = table_foreach(&from->ifaces, copy_key, &to->ifaces);
	if (r == 0)
		r = table_foreach(&from->fdb, copy_key, &to->fdb); /* learned addresses among them
								    */
	return r < 0 ? r : copy_stats(to, from);
}
