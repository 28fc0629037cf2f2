// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* How large the maps of a switch have to be. */
#include "vswitch/internal.h"

/* Learned addresses may fill rows of the table that own addresses leave free, so they need half a
 * row each; and no switch has room for all the addresses that its machines could invent. */
#define KEYS_PER_LEARNED_ADDRESSES 2
#define MAX_LEARNED_KEYS 65536

/* A trunk port with an address. */
struct trunk_owner {
	const uint8_t *mac;
	uint32_t n_vlans;
};

static int compare_owners(const void *a, const void *b)
{
	const struct trunk_owner *x = a, *y = b;
	int order = memcmp(x->mac, y->mac, 6);

	if (order)
		return order;
	return x->n_vlans > y->n_vlans ? -1 : x->n_vlans < y->n_vlans;
}

static uint32_t count_vlans(const struct group_cfg *group)
{
	uint32_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(group->vlans); i++)
		n += (uint32_t)__builtin_popcountll(group->vlans[i]);
	return n;
}

static size_t collect(const struct switch_cfg *cfg, struct trunk_owner *owners)
{
	size_t n = 0;

	for (size_t g = 0; g < cfg->n_groups; g++) {
		const struct group_cfg *group = &cfg->groups[g];
		uint32_t n_vlans = group->vlan_mode == UL_VLAN_VGT ? count_vlans(group) : 0;

		for (size_t p = 0; n_vlans && p < group->n_ports; p++)
			if (group->ports[p].has_mac)
				owners[n++] = (struct trunk_owner){ group->ports[p].mac, n_vlans };
	}
	return n;
}

/* Of trunk ports with one address, all but the one with the longest list have two keys for each
 * VLAN (port/addresses.h). */
static size_t shared_keys(struct trunk_owner *owners, size_t n)
{
	size_t keys = 0;

	qsort(owners, n, sizeof(*owners), compare_owners);
	for (size_t i = 1; i < n; i++)
		if (memcmp(owners[i].mac, owners[i - 1].mac, 6) == 0)
			keys += 2 * (size_t)owners[i].n_vlans;
	return keys;
}

int needs_of(const struct switch_cfg *cfg, struct dataplane_needs *ret)
{
	struct dataplane_needs needs = { .groups = (uint32_t)cfg->n_groups };
	_cleanup_free_ struct trunk_owner *owners = NULL;
	size_t n_learned = 0;

	for (size_t g = 0; g < cfg->n_groups; g++) {
		const struct group_cfg *group = &cfg->groups[g];

		needs.ports += (uint32_t)group->n_ports;
		if (group->security.mac_learning)
			n_learned += group->n_ports * group->security.learning.limit;
	}
	owners = calloc(needs.ports + 1, sizeof(*owners));
	if (!owners)
		return -ENOMEM;
	n_learned /= KEYS_PER_LEARNED_ADDRESSES;
	needs.fdb_keys = needs.ports + shared_keys(owners, collect(cfg, owners)) +
			 (n_learned < MAX_LEARNED_KEYS ? n_learned : MAX_LEARNED_KEYS);
	*ret = needs;
	return 0;
}
