// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Syscall program: carrier and administrative state of all uplinks of a switch, read from their
 * net_devices. The daemon runs it every few milliseconds. It takes no lock: while another task
 * holds the RTNL, netlink, ioctl and sysfs do not answer, and the kernel sends no link event.
 *
 * An address is read even where the programs of the data plane cannot check a carrier (before 6.2).
 * Reading a removed device fails, or finds it down, or another ifindex.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "kernel_types.bpf.h"

/* Without a carrier the queues have noop_qdisc, which drops. It belongs to no device. */
static __always_inline bool transmits(const struct net_device *dev)
{
	return BPF_CORE_READ(dev, _tx, qdisc, dev_queue, dev) == dev;
}

static __always_inline __u32 state_of(__u64 netdev, __u32 ifindex)
{
	const struct net_device *dev = (const void *)netdev;
	__u32 result = UL_CARRIER_KNOWN;
	unsigned long state;
	int found;

	if (!netdev || bpf_core_read(&state, sizeof(state), &dev->state) ||
	    bpf_core_read(&found, sizeof(found), &dev->ifindex) || found != (int)ifindex)
		return 0;
	if (!(state & 1UL << UL_LINK_STATE_START))
		return result;
	result |= UL_CARRIER_ADMIN;
	if (state & 1UL << UL_LINK_STATE_NOCARRIER)
		return result;
	result |= UL_CARRIER_UP;
	return transmits(dev) ? result | UL_CARRIER_READY : result;
}

SEC("syscall")
int carrier_read(struct ul_carrier_query *query)
{
	/* Unrolled: the verifier allows only constant offsets in the argument. */
#pragma unroll
	for (int i = 0; i < UL_MAX_UPLINKS; i++)
		query->uplink[i].state =
			state_of(query->uplink[i].netdev, query->uplink[i].ifindex);
	return 0;
}

char _license[] SEC("license") = "GPL";
