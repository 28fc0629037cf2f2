/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The maps of version 2 of the map ABI (0.1.0), as far as a daemon of a later version takes their
 * contents over. This file never changes. Meanings are those of the structs in abi.h of the same
 * name; the constants are listed because later versions may number them differently.
 *
 * Not taken over: ul_devmap, ul_members and ul_ifaces (made from the configuration),
 * ul_lacp_ports (written again within a second), ul_events.
 *
 * Pinned at <bpffs>/uplinkd/<switch>/ under the map's name; ul_meta.abi_version is
 * UL_ABI_VERSION_V2 and lies at offset 0 in every version.
 */
#ifndef UL_ABI_V2_H
#define UL_ABI_V2_H

#include <linux/types.h>

#define UL_ABI_VERSION_V2 2

#define UL_MAX_UPLINKS_V2 24
#define UL_MAX_POLICIES_V2 64
#define UL_MAX_BUCKETS_V2 1024
#define UL_N_VLANS_V2 4096
#define UL_VLAN_TRUNK_V2 4095
#define UL_NO_UPLINK_V2 0xff
#define UL_NAME_LEN_V2 16
#define UL_GROUP_NAME_LEN_V2 64
#define UL_ENDPOINT_PORT0_V2 32
#define UL_REASON_SLOTS_V2 32

/* ---- ul_meta: array of 1 ---- */
struct ul_meta_v2 {
	__u32 abi_version;
	__u32 n_uplinks;
	__u64 generation;
	__u64 lease_ns;
	char name[UL_NAME_LEN_V2];
	__u32 channel; /* 0: none, 1: static, 2: lacp */
	__u32 mtu;
	__u32 max_ports;
	__u32 max_groups;
	__u32 receive; /* 0: auto, 1: xdp, 2: tc */
	__u32 programs;
	char version[UL_NAME_LEN_V2];
	__u64 headless_ns;
	__u8 lacp_system[6];
	__u8 lacp_system_given;
	__u8 reserved;
};
_Static_assert(sizeof(struct ul_meta_v2) == 96, "frozen");

/* ---- ul_uplinks: array of UL_MAX_UPLINKS_V2 ---- */
struct ul_uplink_v2 {
	__u32 ifindex;
	__u32 flags; /* enum ul_uplink_flag_v2 */
	__u64 netdev;
	__u8 mac[6];
	__u8 xdp_mode; /* 0: none, 1: native, 2: generic */
	__u8 reserved;
	__u32 saved; /* enum ul_saved_v2 */
	__u32 saved_mtu;
	__u32 speed_mbps;
	__u32 max_frame;
	__u32 lacp_port;
	char name[UL_NAME_LEN_V2];
};
_Static_assert(sizeof(struct ul_uplink_v2) == 64, "frozen");

enum ul_uplink_flag_v2 {
	UL_UP_SEND_V2 = 1 << 0,
	UL_UP_RECEIVE_V2 = 1 << 1,
	UL_UP_CARRIER_V2 = 1 << 2,
	UL_UP_ADMIN_V2 = 1 << 3,
	UL_UP_DRAINED_V2 = 1 << 4,
	UL_UP_SPARE_V2 = 1 << 5,
	UL_UP_FOR_ALL_V2 = 1 << 6,
};

enum ul_saved_v2 {
	UL_SAVED_RX_VLAN_V2 = 1 << 0,
	UL_SAVED_RX_VLAN_FILTER_V2 = 1 << 1,
	UL_SAVED_LRO_V2 = 1 << 2,
	UL_SAVED_GRO_HW_V2 = 1 << 3,
	UL_SAVED_NOT_PROMISC_V2 = 1 << 4,
	UL_SAVED_ARP_V2 = 1 << 5,
	UL_SAVED_IPV6_V2 = 1 << 6,
	UL_SAVED_DOWN_V2 = 1 << 7,
	UL_SAVED_TX_VLAN_V2 = 1 << 8,
};

/* ---- ul_ports: array of ul_meta.max_ports ---- */
struct ul_port_vlan_v2 {
	__u16 mode; /* enum ul_vlan_mode_v2 */
	__u16 vid;
	__u32 group_flags; /* enum ul_group_flag_v2 */
} __attribute__((aligned(8)));

struct ul_port_v2 {
	__u32 ifindex;
	__u32 flags; /* enum ul_port_flag_v2 */
	struct ul_port_vlan_v2 vlan;
	__u32 group;
	__u32 number;
	__u8 mac[6];
	__u8 reserved[2];
	__u32 max_frame;
	__u32 policy;
	__u32 reserved2[2];
	char name[UL_NAME_LEN_V2];
};
_Static_assert(sizeof(struct ul_port_v2) == 64, "frozen");

enum ul_port_flag_v2 {
	UL_PORT_USED_V2 = 1 << 0,
	UL_PORT_XDP_V2 = 1 << 1,
	UL_PORT_HOST_V2 = 1 << 2,
	UL_PORT_RUNTIME_V2 = 1 << 3,
	UL_PORT_XDP_TCP_V2 = 1 << 4,
	UL_PORT_SAVED_IPV6_V2 = 1 << 5,
};

/* ---- ul_groups: array of ul_meta.max_groups ---- */
struct ul_group_v2 {
	__u32 flags;	 /* enum ul_group_flag_v2 */
	__u16 vlan_mode; /* enum ul_vlan_mode_v2 */
	__u16 vid;
	__u32 policy;
	__u32 reserved;
	__u64 vlans[UL_N_VLANS_V2 / 64];
	char name[UL_GROUP_NAME_LEN_V2];
};
_Static_assert(sizeof(struct ul_group_v2) == 592, "frozen");

enum ul_vlan_mode_v2 { UL_VLAN_EST_V2, UL_VLAN_VST_V2, UL_VLAN_VGT_V2 };

enum ul_group_flag_v2 {
	UL_GROUP_USED_V2 = 1 << 0,
	UL_GROUP_PROMISCUOUS_V2 = 1 << 1,
	UL_GROUP_MAC_CHANGES_V2 = 1 << 2,
	UL_GROUP_FORGED_OK_V2 = 1 << 3,
	UL_GROUP_LEARNING_V2 = 1 << 4,
	UL_GROUP_CURIOUS_VLAN_V2 = 1 << 5, /* only in struct ul_port_vlan_v2 */
};

/* ---- ul_policies: array of UL_MAX_POLICIES_V2 ---- */
struct ul_policy_v2 {
	__u32 method; /* enum ul_method_v2 */
	__u32 flags;  /* enum ul_policy_flag_v2 */
	__u32 n_buckets;
	__u32 in_use;
	__u8 n_active;
	__u8 n_members;
	__u8 reserved[6];
	__u8 member[32];
	__u8 bucket[UL_MAX_BUCKETS_V2];
};
_Static_assert(sizeof(struct ul_policy_v2) == 1080, "frozen");

enum ul_method_v2 {
	UL_M_SRC_DST_IP_V2,
	UL_M_SRC_IP_V2,
	UL_M_DST_IP_V2,
	UL_M_SRC_MAC_V2,
	UL_M_DST_MAC_V2,
	UL_M_SRC_DST_MAC_V2,
	UL_M_SRC_DST_IP_PORT_V2,
	UL_M_PORT_ID_V2,
	UL_M_FAILOVER_ORDER_V2,
};

enum ul_policy_flag_v2 {
	UL_POLICY_LAST_OCTET_V2 = 1 << 0,
	UL_POLICY_ORDERED_V2 = 1 << 1,
	UL_POLICY_ANY_UPLINK_V2 = 1 << 2,
};

/* ---- ul_vlans: array of UL_N_VLANS_V2; n_members is the length of the flood list ---- */
struct ul_vlan_v2 {
	__u32 flags;
	__u32 n_members;
};
_Static_assert(sizeof(struct ul_vlan_v2) == 8, "frozen");

/* ---- ul_fdb: array of rows, a power of two. The keys and the two rows of a key are computed as in
 * match_table.h; a value is the port slot, stored + 1, and does not say whether it was learned: an
 * address that is not the port's was. ---- */
struct ul_match_row_v2 {
	__u64 key[4];
	__u32 value[4];
	__u32 spilled;
	__u32 reserved[3];
};
_Static_assert(sizeof(struct ul_match_row_v2) == 64, "frozen");

/* ---- ul_stats: per-CPU array, index = endpoint. The numbers of the reasons are never reused, so
 * slot n of version 2 is slot n of every later version. ---- */
struct ul_count_v2 {
	__u64 packets;
	__u64 bytes;
};

struct ul_stats_v2 {
	struct ul_count_v2 reason[UL_REASON_SLOTS_V2];
};
_Static_assert(sizeof(struct ul_stats_v2) == 512, "frozen");

/* ---- ul_lacp_answers: array of UL_MAX_UPLINKS_V2 ---- */
struct ul_lacp_answer_v2 {
	__u64 answered;
	__u64 last_ns;
	__u64 excess;
	__u64 window_ns[2];
	__u32 taken[2];
};
_Static_assert(sizeof(struct ul_lacp_answer_v2) == 48, "frozen");

/* ---- ul_lacp: array of UL_MAX_UPLINKS_V2, version 1 of struct lacp_saved ---- */
#define LACP_SAVED_VERSION_V2 1

struct lacp_saved_info_v2 {
	__u16 system_priority;
	__u16 key;
	__u16 port_priority;
	__u16 port;
	__u8 system[6];
	__u8 state;
	__u8 reserved;
};
_Static_assert(sizeof(struct lacp_saved_info_v2) == 16, "frozen");

struct lacp_saved_v2 {
	__u32 version; /* LACP_SAVED_VERSION_V2; 0: nothing saved */
	__u32 flags;   /* enum lacp_saved_flag_v2 */
	__u64 tx_ms;
	__u64 rx_ms;
	__u64 restore_at_ms;
	struct lacp_saved_info_v2 actor;
	struct lacp_saved_info_v2 partner;
	__u8 match[64];
	__u8 mask[64];
	__u8 pdu[124];
	__u8 reserved[4];
};
_Static_assert(sizeof(struct lacp_saved_v2) == 320, "frozen");

enum lacp_saved_flag_v2 {
	LACP_SAVED_SELECTED_V2 = 1 << 0,
	LACP_SAVED_STANDBY_V2 = 1 << 1,
	LACP_SAVED_HEALTHY_V2 = 1 << 2,
	LACP_SAVED_INDIVIDUAL_V2 = 1 << 3,
};

#endif
