// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Syscall program: the kernel address of an interface's net_device, for the carrier check
 * (carrier.bpf.h, carrier_read.bpf.c). The daemon runs it at start and when an interface appears,
 * in its network namespace. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "kernel_types.bpf.h"

#define UL_MAX_NETDEVS (1 << 20) /* bounds the walk */

extern __u32 ul_sees_carriers(void); /* select.bpf.h, linked from port_tc.bpf.c */

struct walk {
	struct list_head *head, *at;
	__u32 ifindex;
	__u64 found;
};

static long visit(__u32 round, struct walk *walk)
{
	struct net_device *dev =
		(void *)walk->at - bpf_core_field_offset(struct net_device, dev_list);

	if (walk->at == walk->head || !walk->at)
		return 1;
	if (BPF_CORE_READ(dev, ifindex) == (int)walk->ifindex) {
		walk->found = (__u64)dev;
		return 1;
	}
	walk->at = BPF_CORE_READ(dev, dev_list.next);
	return 0;
}

SEC("syscall")
int netdev_find(struct ul_netdev_query *query)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);
	struct walk walk = { .ifindex = query->ifindex };

	query->netdev = 0;
	query->visible = ul_sees_carriers();
	walk.head = (void *)net + bpf_core_field_offset(struct net, dev_base_head);
	walk.at = BPF_CORE_READ(net, dev_base_head.next);
	bpf_loop(UL_MAX_NETDEVS, visit, &walk, 0);
	query->netdev = walk.found;
	return 0;
}

char _license[] SEC("license") = "GPL";
