/* SPDX-License-Identifier: GPL-2.0 */
/* Every map key and value of the data plane: the one contract between the programs in bpf/, the
 * daemon, uplinkctl and the tests.
 *
 * Fixed-width types, explicit padding, an asserted size each. Numbers are in host byte order unless
 * the comment says wire order; addresses are byte arrays in wire order. Words that programs read
 * while the daemon writes are at most eight bytes wide and naturally aligned, so that a reader sees
 * the old or the new value and never a mixture. The daemon writes through mmap(), everybody may
 * read. Each switch has a set of these maps of its own, pinned at <bpffs>/uplinkd/<switch>/.
 *
 * Change anything here: raise UL_ABI_VERSION. A daemon that finds another version pinned builds its
 * own set beside and swaps the links. */
#ifndef UL_ABI_H
#define UL_ABI_H

#include <linux/types.h>

#include "lacp_abi.h"
#include "reasons.h"

#define UL_ABI_VERSION 2

#define UL_MAX_UPLINKS 24  /* of a switch; fits the bits of a __u32 */
#define UL_MAX_PORTS 4096  /* of a switch */
#define UL_MAX_GROUPS 4160 /* of a switch: one per VLAN and some trunks */
#define UL_MAX_POLICIES 64 /* different teaming settings of a switch */
#define UL_MAX_BUCKETS 1024
#define UL_N_VLANS 4096
#define UL_VLAN_TRUNK \
	4095 /* as VID in ul_fdb and ul_members: ports that tag their frames themselves (VGT) */
#define UL_NO_UPLINK 0xff
#define UL_MAX_XDP_FRAME                                                                         \
	3000 /* what fits a page beside headroom and skb_shared_info on every driver; a port for \
		longer ones takes none by XDP */
#define UL_NAME_LEN 16 /* interface and switch names with their NUL */
#define UL_GROUP_NAME_LEN 64

/* ---- ul_meta: array of 1. Writer: daemon.
 * ------------------------------------------------------------------------------- */
struct ul_meta {
	__u32 abi_version; /* UL_ABI_VERSION; written last when a set is made: 0 means unfinished */
	__u32 n_uplinks;
	__u64 generation; /* raised by each applied configuration */
	__u64 lease_ns;	  /* CLOCK_MONOTONIC until which the daemon has promised to be alive */
	char name[UL_NAME_LEN];	   /* of the switch */
	__u32 channel;		   /* enum ul_channel */
	__u32 mtu;		   /* bytes of payload, without Ethernet header and tag */
	__u32 max_ports;	   /* entries of ul_ports */
	__u32 max_groups;	   /* entries of ul_groups */
	__u32 receive;		   /* enum ul_receive, as configured */
	__u32 programs;		   /* checksum of the program objects that are attached */
	char version[UL_NAME_LEN]; /* of the daemon that wrote last */
	__u64 headless_ns;   /* LACP: how long after lease_ns the program may answer for the daemon;
				0: not at all */
	__u8 lacp_system[6]; /* our system id; zero: not chosen yet. Stays when the uplink that it
				is taken from leaves */
	__u8 lacp_system_given; /* 1: it is from the configuration, and goes when it is not there
				   any more */
	__u8 reserved;
};
_Static_assert(sizeof(struct ul_meta) == 96, "map ABI");

enum ul_channel { UL_CHANNEL_NONE, UL_CHANNEL_STATIC, UL_CHANNEL_LACP };
enum ul_receive { UL_RECEIVE_AUTO, UL_RECEIVE_XDP, UL_RECEIVE_TC };

/* ---- ul_uplinks: array of UL_MAX_UPLINKS, index = place in the configuration. Writer: team.
 * ------------------------------- */
struct ul_uplink {
	__u32 ifindex; /* 0: no such interface now */
	__u32 flags;   /* enum ul_uplink_flag */
	__u64 netdev;  /* kernel address of its net_device; 0: the programs cannot check its carrier
			*/
	__u8 mac[6];
	__u8 xdp_mode; /* enum ul_xdp_mode */
	__u8 reserved;
	__u32 saved; /* enum ul_saved: settings of the NIC that were changed and are to be put back
		      */
	__u32 saved_mtu;  /* 0: was not changed */
	__u32 speed_mbps; /* 0: unknown */
	__u32 max_frame;  /* bytes that may leave: MTU, Ethernet header and one tag */
	__u32 lacp_port;  /* our LACP port number, the same as long as the uplink is a member; 0:
			     none yet */
	char name[UL_NAME_LEN];
};
_Static_assert(sizeof(struct ul_uplink) == 64, "map ABI");

enum ul_uplink_flag {
	UL_UP_SEND = 1 << 0,	/* may be used for sending: carrier and up-delay, LACP distributing,
				   not drained */
	UL_UP_RECEIVE = 1 << 1, /* what arrives is accepted: LACP collecting, or no LACP */
	UL_UP_CARRIER = 1 << 2, /* as the daemon last saw it, for display */
	UL_UP_ADMIN = 1 << 3,	/* IFF_UP, likewise */
	UL_UP_DRAINED = 1 << 4, /* taken out by the operator; kept over restarts */
	UL_UP_SPARE = 1 << 5,	/* recovered, but failback is off: waits until another one fails */
	UL_UP_FOR_ALL = 1 << 6, /* every policy accepts frames from it: programs need not look it up
				 */
};

enum ul_xdp_mode { UL_XDP_NONE, UL_XDP_NATIVE, UL_XDP_GENERIC };

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
};

/* ---- ul_ports: array, index = slot, which a port keeps as long as it is a member. Writer: daemon.
 * -------------------------- */
/* What the programs need of the port's group for each frame, kept in the port so that they look up
 * the group only for what is rare. One word: programs load it once, so mode and VID always belong
 * together. */
struct ul_port_vlan {
	__u16 mode;	   /* enum ul_vlan_mode */
	__u16 vid;	   /* as in struct ul_group */
	__u32 group_flags; /* enum ul_group_flag */
} __attribute__((aligned(8)));

struct ul_port {
	__u32 ifindex; /* 0: free slot, or the interface is missing now */
	__u32 flags;   /* enum ul_port_flag */
	struct ul_port_vlan vlan;
	__u32 group;  /* index in ul_groups */
	__u32 number; /* port-id: what takes the place of the hash; spreads the ports of a policy
			 evenly */
	__u8 mac[6];  /* zero: not known */
	__u8 reserved[2];
	__u32 max_frame; /* bytes of the longest frame that may come in or go out, one tag included
			  */
	__u32 policy;	 /* index in ul_policies: the group's */
	__u32 reserved2[2];
	char name[UL_NAME_LEN];
};
_Static_assert(sizeof(struct ul_port) == 64, "map ABI");

enum ul_port_flag {
	UL_PORT_USED = 1 << 0,	     /* the slot is taken */
	UL_PORT_XDP = 1 << 1,	     /* takes frames by XDP_REDIRECT; never with a max_frame above
					UL_MAX_XDP_FRAME */
	UL_PORT_HOST = 1 << 2,	     /* one end of a veth pair that uplinkd made */
	UL_PORT_RUNTIME = 1 << 3,    /* added by uplinkctl, not in the file */
	UL_PORT_XDP_TCP = 1 << 4,    /* with UL_PORT_XDP: TCP as well (receive: xdp) */
	UL_PORT_SAVED_IPV6 = 1 << 5, /* IPv6 was not disabled on its interface: to be put back */
};

/* ---- ul_groups: array. Writer: daemon.
 * --------------------------------------------------------------------------------- */
struct ul_group {
	__u32 flags;	 /* enum ul_group_flag */
	__u16 vlan_mode; /* enum ul_vlan_mode */
	__u16 vid;	 /* VST: 1-4094; EST: 0; VGT: UL_VLAN_TRUNK */
	__u32 policy;	 /* index in ul_policies */
	__u32 reserved;
	__u64 vlans[UL_N_VLANS / 64]; /* VGT: bit v of word v / 64: VLAN v may pass; bit 0: untagged
					 and priority-tagged */
	char name[UL_GROUP_NAME_LEN];
};
_Static_assert(sizeof(struct ul_group) == 16 + 512 + 64, "map ABI");

enum ul_vlan_mode { UL_VLAN_EST, UL_VLAN_VST, UL_VLAN_VGT };

enum ul_group_flag {
	UL_GROUP_USED = 1 << 0,
	UL_GROUP_PROMISCUOUS = 1 << 1,
	UL_GROUP_MAC_CHANGES = 1 << 2,
	UL_GROUP_FORGED_OK = 1 << 3,
	UL_GROUP_LEARNING = 1 << 4,
	UL_GROUP_CURIOUS_VLAN = 1 << 5, /* only in struct ul_port_vlan, EST and VST: UL_VLAN_CURIOUS
					   of the VLAN, derived, so that XDP need not look there */
};

/* ---- ul_policies: array of UL_MAX_POLICIES. Writer: team.
 * ---------------------------------------------------------------- A teaming policy. Its uplinks
 * have positions: first the active ones in their order, then the standby ones. Bucket i belongs to
 * active position i % n_active, so that the choice equals hash % n_active; bucket[i] names the
 * uplink that serves it now. */
struct ul_policy {
	__u32 method;	 /* enum ul_method */
	__u32 flags;	 /* enum ul_policy_flag */
	__u32 n_buckets; /* n_active * (UL_MAX_BUCKETS / n_active); 0: unused slot */
	__u32 in_use;	 /* bit i: uplink i serves now; frames are accepted from it */
	__u8 n_active;	/* positions 0 .. n_active - 1; with rehash: modulo only the live ones count
			 */
	__u8 n_members; /* n_active and the standby ones */
	__u8 reserved[6];
	__u8 member[32];	     /* position -> uplink index */
	__u8 bucket[UL_MAX_BUCKETS]; /* uplink index or UL_NO_UPLINK; one byte each, so a rewrite is
					never seen torn */
};
_Static_assert(sizeof(struct ul_policy) == 56 + UL_MAX_BUCKETS, "map ABI");

enum ul_method {
	UL_M_SRC_DST_IP, /* "route based on IP hash" */
	UL_M_SRC_IP,
	UL_M_DST_IP,
	UL_M_SRC_MAC,
	UL_M_DST_MAC,
	UL_M_SRC_DST_MAC,
	UL_M_SRC_DST_IP_PORT,
	UL_M_PORT_ID,
	UL_M_FAILOVER_ORDER,
	UL_N_METHODS,
};

enum ul_policy_flag {
	UL_POLICY_LAST_OCTET = 1 << 0, /* iphash-octets: last */
	UL_POLICY_ORDERED = 1 << 1,    /* failover-order: the first live member serves everything */
	UL_POLICY_ANY_UPLINK = 1 << 2, /* a channel: broadcast and multicast are accepted from every
					  uplink in use */
};

/* ---- ul_vlans: array of UL_N_VLANS, index = VID; entry 0: untagged; entry UL_VLAN_TRUNK: the list
 * of VGT ports. Writer: daemon. */
struct ul_vlan {
	__u32 flags;	 /* enum ul_vlan_flag */
	__u32 n_members; /* entries {vid, 0 .. n_members - 1} of ul_members; VGT ports are only in
			    that of UL_VLAN_TRUNK */
};
_Static_assert(sizeof(struct ul_vlan) == 8, "map ABI");

enum ul_vlan_flag {
	UL_VLAN_ACCESS = 1 << 0,  /* an EST or VST group has it */
	UL_VLAN_TRUNKED = 1 << 1, /* a VGT group's list has it */
	UL_VLAN_CURIOUS = 1 << 2, /* a promiscuous or learning port sees it: unicast must pass
				     through TC for its copies */
};

/* ---- ul_members: hash. Writer: daemon. Who gets broadcast, multicast and unknown unicast.
 * -------------------------------- */
struct ul_member_key {
	__u16 vid;
	__u16 place; /* 0 .. n_members - 1 */
};
_Static_assert(sizeof(struct ul_member_key) == 4, "map ABI");
/* value: __u32 port slot */

/* ---- ul_fdb and ul_ifaces: arrays of buckets, an exact-match table each (match_table.h). Writer:
 * daemon. ---------------------- ul_fdb:    ul_fdb_key(vid, mac) -> port slot.   ul_ifaces:
 * ul_iface_key(ifindex) -> ul_object number. */
struct ul_slot4 {
	__u64 key[4];	/* 0: free */
	__u32 value[4]; /* value + 1; 0: not readable yet */
	__u32 spilled;	/* keys that belong here first but live in their second bucket */
	__u32 reserved[3];
};
_Static_assert(sizeof(struct ul_slot4) == 64, "one cache line");

/* Objects have one number space: uplinks first, then port slots. It indexes ul_stats and is the
 * value of ul_ifaces. */
#define UL_OBJECT_PORT0 32
#define UL_OBJECT_NONE 31 /* frames that belong to nobody: counted as unknown_port */

/* ---- ul_stats: per-CPU array, index = object. Writer: programs.
 * ------------------------------------------------------------- */
struct ul_count {
	__u64 packets; /* a GSO or GRO super-frame counts with its segments */
	__u64 bytes;   /* of the frame as the program saw it, without preamble and FCS */
};

struct ul_stats {
#define X(member, NAME, number, kind, help) struct ul_count member;
	UL_REASONS(X)
#undef X
	struct ul_count unused[UL_REASON_SLOTS - UL_N_REASONS];
};
_Static_assert(sizeof(struct ul_stats) == UL_REASON_SLOTS * sizeof(struct ul_count), "map ABI");
#define X(member, NAME, number, kind, help)                           \
	_Static_assert(__builtin_offsetof(struct ul_stats, member) == \
			       (number) * sizeof(struct ul_count),    \
		       #member);
UL_REASONS(X)
#undef X

/* ---- ul_devmap: devmap, slot of the port -> ifindex, for ports with UL_PORT_XDP. Writer: daemon.
 * --------------------------- */

/* ---- ul_lacp: array of UL_MAX_UPLINKS of struct lacp_saved (lacp_abi.h). Writer: daemon.
 * ------------------------------------ */

/* ---- ul_lacp_answers: array of UL_MAX_UPLINKS: slow protocol frames as uplink_xdp deals with
 * them. Writer: uplink_xdp. --------- */
struct ul_lacp_answer {
	__u64 answered;	    /* LACPDUs, while the daemon's lease was stale */
	__u64 last_ns;	    /* CLOCK_MONOTONIC of the last one */
	__u64 excess;	    /* frames that were dropped because they came too fast */
	__u64 window_ns[2]; /* CLOCK_MONOTONIC since when is counted; 0: frames of any kind, 1: what
			       the partner last said, again */
	__u32 taken[2];	    /* since then */
};
_Static_assert(sizeof(struct ul_lacp_answer) == 48, "map ABI");

/* ---- ul_lacp_ports: array of UL_MAX_UPLINKS: what uplinkctl shows. Writer: daemon.
 * -------------------------------------------- States are the enums of user/lacp/lacp.h; counters
 * have their names in 802.1AX there. */
struct ul_lacp_counters {
	__u64 lacpdu_rx, marker_rx, marker_response_rx, unknown_rx, illegal_rx;
	__u64 lacpdu_tx, marker_tx, marker_response_tx;
	__u64 actor_churn_count, partner_churn_count;
	__u64 actor_sync_transitions, partner_sync_transitions;
	__u64 actor_changes, partner_changes;
	__u64 link_down_rx, excess_rx, loopback_rx, answered;
};
_Static_assert(sizeof(struct ul_lacp_counters) == 18 * 8, "map ABI");

/* What LLDP, CDP or PAgP say of the switch port at the other end. Texts end with a NUL and are
 * printable. */
struct ul_neighbour {
	__u64 seen_ms; /* CLOCK_MONOTONIC of the last frame; 0: none */
	__u8 protocol; /* enum ul_neighbour_protocol: of the names below */
	__u8 pagp;     /* enum ul_pagp_mode: what the switch port is set to, when PAgP is heard */
	__u8 reserved[6];
	__u64 pagp_ms; /* CLOCK_MONOTONIC of the last PAgP frame; 0: none */
	char device[64];
	char port[64];
};
_Static_assert(sizeof(struct ul_neighbour) == 152, "map ABI");

enum ul_neighbour_protocol {
	UL_NEIGHBOUR_NONE,
	UL_NEIGHBOUR_LLDP,
	UL_NEIGHBOUR_CDP,
	UL_NEIGHBOUR_PAGP
};
enum ul_pagp_mode { UL_PAGP_NONE, UL_PAGP_DESIRABLE, UL_PAGP_AUTO };

struct ul_lacp_port {
	__u64 updated_ms; /* CLOCK_MONOTONIC; 0: LACP does not run on this uplink */
	__u64 last_rx_ms; /* CLOCK_MONOTONIC of the last LACPDU received; 0: none yet */
	struct lacp_saved_info actor, partner;
	__u8 receive_state, periodic_state, selected, mux_state, actor_churn, partner_churn;
	__u8 flags; /* enum ul_lacp_flag */
	__u8 reserved;
	__u32 findings; /* bit n: enum lacp_finding n */
	__u32 reserved2;
	__u64 gaps, gap_min_ms, gap_avg_ms, gap_max_ms; /* between received LACPDUs */
	struct ul_lacp_counters counters;
	struct ul_neighbour neighbour;
	char reason[256]; /* one sentence: why the port is out, or that it is in */
};
_Static_assert(sizeof(struct ul_lacp_port) == 16 + 32 + 8 + 8 + 32 + 144 + 152 + 256, "map ABI");

/* Findings of a switch port that is set up for another kind of channel: bits of
 * ul_lacp_port.findings above those of enum lacp_finding. */
enum ul_setup_finding {
	UL_FIND_LACP_UNUSED = 16, /* LACP is heard, but the switch has no channel: lacp; partner and
				     last_rx_ms are filled, the rest is not */
	UL_FIND_PAGP,		  /* PAgP is heard: the switch port is set to desirable or auto */
	UL_N_FINDINGS,
};

enum ul_lacp_flag {
	UL_LACP_ENABLED = 1 << 0,
	UL_LACP_DRAINED = 1 << 1,
	UL_LACP_LOOPBACK = 1 << 2,
	UL_LACP_INDIVIDUAL = 1 << 3,
	UL_LACP_OUT = 1 << 4
};

/* ---- ul_events: ring buffer from the programs to the daemon.
 * ------------------------------------------------------------ */
struct ul_event {
	__u32 kind; /* enum ul_event_kind */
	__u32 port; /* slot */
	__u16 vid;  /* UL_VLAN_TRUNK for VGT ports */
	__u8 mac[6];
};
_Static_assert(sizeof(struct ul_event) == 16, "map ABI");

enum ul_event_kind { UL_EVENT_NEW_SOURCE = 1 };

/* ---- argument of the syscall program netdev_find
 * ----------------------------------------------------------------------------- */
struct ul_netdev_query {
	__u32 ifindex;
	__u32 reserved;
	__u64 netdev; /* answer; 0: no such interface in the caller's network namespace */
};
_Static_assert(sizeof(struct ul_netdev_query) == 16, "program ABI");

#endif
