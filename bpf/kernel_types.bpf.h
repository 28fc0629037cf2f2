/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The few kernel structures that the programs look into, as partial CO-RE types: libbpf finds the
 * real offsets at load time. */
#ifndef UL_KERNEL_TYPES_BPF_H
#define UL_KERNEL_TYPES_BPF_H

struct list_head {
	struct list_head *next;
} __attribute__((preserve_access_index));

struct Qdisc;

struct netdev_queue {
	struct net_device *dev;
	struct Qdisc *qdisc;
} __attribute__((preserve_access_index));

struct Qdisc {
	struct netdev_queue *dev_queue;
} __attribute__((preserve_access_index));

struct net_device {
	unsigned long state;
	int ifindex;
	struct netdev_queue *_tx;
	struct list_head dev_list;
} __attribute__((preserve_access_index));

struct net {
	struct list_head dev_base_head;
} __attribute__((preserve_access_index));

struct nsproxy {
	struct net *net_ns;
} __attribute__((preserve_access_index));

struct task_struct {
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

struct xdp_buff {
	unsigned int flags;
} __attribute__((preserve_access_index));

/* enum xdp_buff_flags; unchanged since it exists (5.18) */
#define UL_XDP_HAS_FRAGS 1

/* enum netdev_state_t: bits of net_device.state; unchanged since they exist */
#define UL_LINK_STATE_START 0
#define UL_LINK_STATE_NOCARRIER 2

#endif
