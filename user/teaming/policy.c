// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "teaming/policy.h"

#include <string.h>

#include "flow_hash.h"

static uint32_t policy_flags(const struct teaming *teaming, enum ul_channel channel)
{
	return (teaming->last_octet ? UL_POLICY_LAST_OCTET : 0) |
	       (teaming->method == UL_M_FAILOVER_ORDER ? UL_POLICY_ORDERED : 0) |
	       (channel != UL_CHANNEL_NONE ? UL_POLICY_ANY_UPLINK : 0);
}

/* Positions: first active, then standby uplinks. With rehash: modulo only the usable active uplinks
 * have a position, as on ESX; if none is usable, all have one. */
static void set_members(const struct teaming *teaming, uint32_t usable, struct ul_policy *policy)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < teaming->n_active; i++)
		live |= usable & 1u << teaming->active[i];
	for (uint32_t i = 0; i < teaming->n_active; i++)
		if (!teaming->modulo || !live || live >> teaming->active[i] & 1)
			policy->member[policy->n_active++] = teaming->active[i];
	policy->n_members = policy->n_active;
	for (uint32_t i = 0; i < teaming->n_standby && policy->n_members < UL_MAX_UPLINKS; i++)
		policy->member[policy->n_members++] = teaming->standby[i];
}

static uint32_t to_positions(const struct ul_policy *policy, uint32_t uplinks)
{
	uint32_t positions = 0;

	for (uint32_t p = 0; p < policy->n_members; p++)
		positions |= (uplinks >> policy->member[p] & 1) << p;
	return positions;
}

static uint32_t to_uplinks(const struct ul_policy *policy, uint32_t positions)
{
	uint32_t uplinks = 0;

	for (uint32_t p = 0; p < policy->n_members; p++)
		uplinks |= (positions >> p & 1) << policy->member[p];
	return uplinks;
}

uint32_t teaming_uplinks(const struct teaming *teaming)
{
	uint32_t uplinks = 0;

	for (uint32_t i = 0; i < teaming->n_active; i++)
		uplinks |= 1u << teaming->active[i];
	for (uint32_t i = 0; i < teaming->n_standby; i++)
		uplinks |= 1u << teaming->standby[i];
	return uplinks;
}

void policy_build(const struct teaming *teaming, enum ul_channel channel, uint32_t usable,
		  uint32_t draining, struct ul_policy *ret)
{
	uint32_t alive;

	memset(ret, 0, sizeof(*ret));
	memset(ret->bucket, UL_NO_UPLINK, sizeof(ret->bucket));
	ret->method = teaming->method;
	ret->flags = policy_flags(teaming, channel);
	if (!teaming->n_active)
		return;
	set_members(teaming, usable, ret);
	ret->n_buckets = ul_n_buckets(ret->n_active);

	alive = to_positions(ret, usable);
	/* The physical switch may send on every link of a channel. UL_UP_RECEIVE says which of them
	 * accept frames. */
	if (channel != UL_CHANNEL_NONE)
		ret->in_use = teaming_uplinks(teaming);
	else
		ret->in_use = to_uplinks(ret, ul_serving_positions(ret->flags, ret->n_active,
								   ret->n_members, alive)) |
			      (teaming_uplinks(teaming) & draining);

	for (uint32_t b = 0; b < ret->n_buckets; b++) {
		int position =
			ul_serving_position(ret->flags, ret->n_active, ret->n_members, b, alive);

		ret->bucket[b] = position < 0 ? UL_NO_UPLINK : ret->member[position];
	}
}

bool policy_same_settings(const struct ul_policy *a, const struct ul_policy *b)
{
	return a->method == b->method && a->flags == b->flags && a->n_active == b->n_active &&
	       a->n_members == b->n_members && memcmp(a->member, b->member, sizeof(a->member)) == 0;
}

int policy_bucket_of_port(const struct ul_policy *policy, const uint8_t mac[6], uint32_t number)
{
	struct ul_flow flow = {};

	if (!policy->n_buckets)
		return -1;
	memcpy(flow.src_mac, mac, sizeof(flow.src_mac));
	return (int)(ul_hash(policy->method, policy->flags, &flow, number) % policy->n_buckets);
}

uint8_t policy_uplink_of_port(const struct ul_policy *policy, const uint8_t mac[6], uint32_t number)
{
	int bucket = policy_bucket_of_port(policy, mac, number);

	return bucket < 0 ? UL_NO_UPLINK : policy->bucket[bucket];
}
