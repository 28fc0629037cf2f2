/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Carrier and administrative state of an uplink, read from its net_device for each frame, so that
 * failover needs neither a round trip through user space nor a running daemon.
 *
 * Included by port_tc.bpf.c alone: bpftool's linker does not take the same kfunc from two
 * endpoints.
 */
#ifndef UL_CARRIER_BPF_H
#define UL_CARRIER_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>

#include "kernel_types.bpf.h"
#include "maps.bpf.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* Without the kfunc (before 6.2) or the address, UL_UP_SEND and the existence of the interface
 * decide. Reading a removed device faults safely (exception-handled load); comparing the ifindex,
 * which is never 0, detects a reused address. */
static __always_inline bool uplink_alive(const struct ul_uplink *uplink)
{
	const unsigned long mask = 1UL << UL_LINK_STATE_START | 1UL << UL_LINK_STATE_NOCARRIER;
	const struct net_device *dev;

	if (!(uplink->flags & UL_UP_SEND))
		return false;
	if (!bpf_rdonly_cast || !uplink->netdev)
		return uplink->ifindex;

	dev = bpf_rdonly_cast((void *)uplink->netdev, bpf_core_type_id_kernel(struct net_device));
	return (dev->state & mask) == 1UL << UL_LINK_STATE_START &&
	       dev->ifindex == (int)uplink->ifindex;
}

#endif
