/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Hash -> bucket -> uplink that can send now. When the uplink of a bucket is dead, the programs use
 * the arithmetic of the daemon (flow_hash.h), so that the later rewrite of the buckets moves no
 * flow a second time.
 *
 * Other programs call the global functions (declared in steer.bpf.h). Only port_tc.bpf.c includes
 * this file; see carrier.bpf.h. */
#ifndef UL_SELECT_BPF_H
#define UL_SELECT_BPF_H

#include "carrier.bpf.h"
#include "flow_hash.h"

static __always_inline __u32 bucket_of(const struct ul_policy *policy, __u32 hash)
{
	__u32 n = policy->n_buckets;

	/* 1, 2, 4, 8 or 16 active uplinks: the same remainder without a division, which would be
	 * the largest part of the cost. */
	if (!(n & (n - 1)))
		return hash & (n - 1) & (UL_MAX_BUCKETS - 1);
	return hash % n & (UL_MAX_BUCKETS - 1);
}

/* 1 when this kernel lets programs read a carrier (6.2 and later), for netdev_find. */
__u32 ul_sees_carriers(void)
{
	return bpf_rdonly_cast ? 1 : 0;
}

/* Bit p: the uplink at position p of the policy is alive. Global, so that the verifier treats the
 * mask as an unknown number and does not follow each value. */
__u32 ul_alive_positions(__u32 policy_index)
{
	const struct ul_policy *policy = policy_at(policy_index);
	__u32 alive = 0;

	if (!policy)
		return 0;
	for (__u32 position = 0; position < UL_MAX_UPLINKS; position++) {
		const struct ul_uplink *uplink = uplink_at(policy->member[position]);

		if (position < policy->n_members && uplink && uplink_alive(uplink))
			alive |= 1u << position;
	}
	return alive;
}

/* The uplink that takes over a bucket whose own uplink is dead, or UL_NO_UPLINK. Inlined in both
 * callers, because the call chain of a flood has no stack for one more frame. */
static __always_inline __u32 spare_uplink(const struct ul_policy *policy, __u32 policy_index,
					  __u32 bucket)
{
	int position;

	position = ul_serving_position(policy->flags, policy->n_active, policy->n_members, bucket,
				       ul_alive_positions(policy_index));
	if (position < 0)
		return UL_NO_UPLINK;
	return policy->member[position & 31];
}

__u32 ul_spare_uplink(__u32 policy_index, __u32 bucket)
{
	const struct ul_policy *policy = policy_at(policy_index);

	return policy ? spare_uplink(policy, policy_index, bucket) : UL_NO_UPLINK;
}

/* Bit i: frames are accepted from uplink i now. The daemon's in_use holds as long as all its
 * uplinks are alive; a drained uplink is expected not to send. */
__u32 ul_serving_uplinks(__u32 policy_index)
{
	const struct ul_policy *policy = policy_at(policy_index);
	__u32 alive, serving, uplinks = 0, expected = 0;

	if (!policy)
		return 0;
	alive = ul_alive_positions(policy_index);
	serving = ul_serving_positions(policy->flags, policy->n_active, policy->n_members, alive);
	for (__u32 position = 0; position < UL_MAX_UPLINKS; position++) {
		__u32 uplink = policy->member[position] & 31, index = position;
		const struct ul_uplink *other = uplink_at(index);

		expected |= (alive >> position & 1) << uplink;
		uplinks |= (serving >> position & 1) << uplink;
		if (other && other->flags & UL_UP_DRAINED)
			expected |= 1u << position;
	}
	return policy->in_use & ~expected ? uplinks : policy->in_use;
}

/* The uplink that serves a port's own bucket: without a channel, the only one from which the port
 * accepts group addresses. UL_NO_UPLINK: none. */
__u32 ul_uplink_of_port(__u32 slot)
{
	const struct ul_port *port = port_at(slot);
	const struct ul_policy *policy;
	const struct ul_uplink *uplink;
	struct ul_flow flow = {};
	__u32 bucket, index;

	if (!port)
		return UL_NO_UPLINK;
	policy = policy_at(port->policy);
	if (!policy || !policy->n_buckets)
		return UL_NO_UPLINK;

	flow.src_mac[4] = port->mac[4];
	flow.src_mac[5] = port->mac[5];
	bucket = bucket_of(policy, ul_hash(policy->method, policy->flags, &flow, port->number));
	index = policy->bucket[bucket];
	uplink = uplink_at(index);
	if (uplink && uplink_alive(uplink))
		return index;
	return spare_uplink(policy, port->policy, bucket);
}

#endif
