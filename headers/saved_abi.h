/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The settings journal: what interfaces of a switch had before uplinkd changed it. A pinned hash
 * <bpffs>/uplinkd/<switch>_saved, outside the set of maps, so that it survives sets that are
 * replaced, taken back or removed. Writer: daemon; each record is written by one
 * BPF_MAP_UPDATE_ELEM. Programs do not use it.
 *
 * Order. A record is written before the first setting of its interface is changed, and deleted
 * after the last one is restored. A value that is recorded is never replaced.
 *
 * The layout does not depend on UL_ABI_VERSION: later versions only give a meaning to reserved
 * bytes, which are zero in older records.
 */
#ifndef UL_SAVED_ABI_H
#define UL_SAVED_ABI_H

#include <linux/types.h>

#define UL_SAVED_RECORDS 8192
#define UL_SAVED_NAME_LEN 16 /* UL_NAME_LEN */

/* Key: __u32, an arbitrary number. */
struct ul_saved_settings {
	__u32 ifindex;	/* when the record was written or its interface returned */
	__u32 settings; /* enum ul_saved: those to be restored */
	__u32 mtu;	/* bytes, with UL_SAVED_MTU */
	__u32 flags;	/* enum ul_saved_flag */
	__u8 mac[6];
	__u8 permanent_mac[6]; /* zero: unknown */
	__u32 reserved;
	char name[UL_SAVED_NAME_LEN];
	__u32 reserved2[20];
};
_Static_assert(sizeof(struct ul_saved_settings) == 128, "layout of the journal");

enum ul_saved_flag {
	UL_SAVED_OF_PORT = 1 << 0, /* else of an uplink */
	/* The interface disappeared, perhaps to another network namespace. Only of uplinks: a
	 * port's settings do not survive that. */
	UL_SAVED_AWAY = 1 << 1,
};

enum ul_saved {
	UL_SAVED_RX_VLAN = 1 << 0, /* rx VLAN offload was on */
	UL_SAVED_RX_VLAN_FILTER = 1 << 1,
	UL_SAVED_LRO = 1 << 2,
	UL_SAVED_GRO_HW = 1 << 3,
	UL_SAVED_NOT_PROMISC = 1 << 4, /* was not promiscuous */
	UL_SAVED_ARP = 1 << 5,	       /* ARP was on */
	UL_SAVED_IPV6 = 1 << 6,	       /* IPv6 was not disabled */
	UL_SAVED_DOWN = 1 << 7,	       /* was administratively down */
	UL_SAVED_TX_VLAN = 1 << 8,     /* tx VLAN offload was on (veth) */
	UL_SAVED_MTU = 1 << 9,	       /* had another MTU */
	/* did not exist: the veth pair of a host port, which is to be deleted. name: the host's
	 * end; ifindex 0: not created yet */
	UL_SAVED_ABSENT = 1 << 10,
	/* did not exist: an attachment bridge, which is to be deleted. name and ifindex as with
	 * UL_SAVED_ABSENT */
	UL_SAVED_NO_BRIDGE = 1 << 11,
	UL_SAVED_NOT_ISOLATED = 1 << 12, /* had the kernel's defaults in its bridge */
};

#endif
