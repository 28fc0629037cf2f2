/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Every map key and value of the data plane: the contract between the programs in bpf/, the daemon,
 * uplinkctl and the tests.
 *
 * Fixed-width types, explicit padding, a static assert per size. Numbers are in host byte order
 * unless the comment says wire order; addresses are byte arrays in wire order. Words that programs
 * read while the daemon writes are at most eight bytes wide and naturally aligned, so that a reader
 * sees the old or the new value and never a mixture. The daemon writes through mmap(). Each switch
 * has a separate set of these maps, pinned at <bpffs>/uplinkd/<switch>/.
 *
 * Every change here raises UL_ABI_VERSION. A daemon that finds another version pinned builds a new
 * set and swaps the programs in the links.
 *
 * Address ownership. Every field has one writer, so no field needs an atomic operation.
 *
 *   field                     writer           meaning
 *   ul_port.life              daemon           raised at each loss of carrier or interface
 *   ul_port.seen              port_tc          life at the last frame from the own address
 *   ul_port.flags & ABSENT    daemon           no interface, down, or no carrier
 *   ul_fdb value, LEARNED     daemon           the address was learned, not configured
 *   ul_use_row.here           port_tc          last frame from the port with a learned source
 *   ul_use_row.outside        uplink programs  last frame from outside with a learned source
 *   ul_sent                   port_tc, daemon  digests of frames to group addresses, and of foreign
 *                                              sources; the daemon notes its announcements
 *   ul_outside                uplink programs  sources that were heard from outside
 *   ul_flooded                port_tc          frames to unknown addresses that were copied
 *   ul_vlan.flags             daemon           EXACT, FOREIGN
 *   ul_port.flags & MUTED     daemon           unknown sources are not reported
 *
 * Own address of a port (entry in ul_fdb without UL_FDB_LEARNED):
 *   confirmed   seen == life
 *   absent      seen != life, with UL_PORT_ABSENT
 *   tentative   seen != life, without UL_PORT_ABSENT
 * Transitions: a frame from the address confirms it before the next frame is looked at (port_tc
 * stores the life that it has read into seen). Loss of carrier, of IFF_UP or of the interface: the
 * daemon sets UL_PORT_ABSENT, then raises life. Carrier that comes: the daemon clears
 * UL_PORT_ABSENT and leaves life alone, so that a frame which overtakes the link event confirms.
 * The daemon never stores into seen and never sets life back, not even when a slot is used again,
 * because a program may still hold an older life. life == seen == 0 is confirmed.
 *
 * A confirmed address that is announced from outside (RARP, gratuitous ARP, unsolicited neighbour
 * advertisement, no reflection by ul_sent): after UL_EVENT_OWN_OUTSIDE the daemon raises life, so
 * that the address is tentative until the machine's next frame here.
 *
 * Learned address (entry with UL_FDB_LEARNED), by the times here and outside, N = UL_CONTEST_S:
 *   absent      the port has UL_PORT_ABSENT
 *   elsewhere   outside is not 0 and not older than here
 *   contested   outside is older than here and younger than N
 *   here        otherwise
 * Transitions: port_tc stores here, an uplink program stores outside; the daemon stores both of a
 * cell before it puts a key there (a new key: here = now, outside = now after UL_EVENT_CONTESTED,
 * else 0).
 *
 * Treatment: confirmed and here, frames go to the port alone; absent, as if no port had the
 * address; otherwise both ways, to the port as a copy and out by an uplink. */
#ifndef UL_ABI_H
#define UL_ABI_H

#include <linux/types.h>

#include "channels.h"
#include "lacp_abi.h"
#include "methods.h"
#include "pagp_abi.h"
#include "problems.h"
#include "reasons.h"
#include "saved_abi.h"

#define UL_ABI_VERSION 3

#define UL_MAX_UPLINKS 24  /* of a switch; fits the bits of a __u32 */
#define UL_MAX_PORTS 4096  /* of a switch */
#define UL_MAX_GROUPS 4160 /* of a switch: one per VLAN and some trunks */
#define UL_MAX_POLICIES 64 /* different teaming settings of a switch */
#define UL_MAX_BUCKETS 1024
#define UL_N_VLANS 4096
/* as VID in ul_fdb: all VLANs of a trunk port (VGT); in ul_members: the trunk ports */
#define UL_VLAN_TRUNK 4095
/* bit of a VID in ul_fdb and in events: the tag is 802.1ad's, a separate address space */
#define UL_VID_SERVICE 0x1000
#define UL_NO_UPLINK 0xff
/* fits a page with headroom and skb_shared_info on every driver; a port for longer frames receives
 * none by XDP */
#define UL_MAX_XDP_FRAME 3000
#define UL_NAME_LEN 16 /* interface and switch names with their NUL */
#define UL_GROUP_NAME_LEN 64

/* ---- ul_meta: array of 1. Writer: daemon. ---- */
struct ul_meta {
	/* UL_ABI_VERSION; written last when a set is made: 0 means unfinished */
	__u32 abi_version;
	__u32 n_uplinks;
	__u64 generation; /* raised by each applied configuration */
	/* CLOCK_MONOTONIC until which the daemon has promised to be alive */
	__u64 lease_ns;
	char name[UL_NAME_LEN];	   /* of the switch */
	__u32 channel;		   /* enum ul_channel (channels.h) */
	__u32 mtu;		   /* bytes of payload, without Ethernet header and tag */
	__u32 max_ports;	   /* entries of ul_ports */
	__u32 max_groups;	   /* entries of ul_groups */
	__u32 receive;		   /* enum ul_receive, as configured */
	__u32 programs;		   /* checksum of the program objects that are attached */
	char version[UL_NAME_LEN]; /* of the daemon that wrote last */
	/* LACP: how long after lease_ns the program may answer for the daemon; 0: not at all */
	__u64 headless_ns;
	/* our system id; zero: not chosen yet. Stays when the uplink leaves that has its MAC */
	__u8 lacp_system[6];
	/* 1: it is from the configuration, and is cleared when it is no longer configured */
	__u8 lacp_system_given;
	__u8 exchange; /* enum ul_exchange; at this place in all versions from 2 on */
	__u64 seed;    /* random; of the rows of ul_fdb and ul_ifaces (match_table.h) */
};
_Static_assert(sizeof(struct ul_meta) == 104, "map ABI");

/* State of a set that replaces another one (user/dataplane/exchange.c). 0.1.0 writes none. */
enum ul_exchange {
	UL_EXCHANGE_FILLING, /* the other set serves; this one is taken back after a kill */
	UL_EXCHANGE_MOVING,  /* the programs in the links are being replaced: finished after a kill
			      */
	UL_EXCHANGE_SERVING, /* this set is the only one */
};

enum ul_receive { UL_RECEIVE_AUTO, UL_RECEIVE_XDP, UL_RECEIVE_TC };

/* ---- ul_uplinks: array of UL_MAX_UPLINKS, index = place in the configuration. Writer: daemon.
 * ---- */
struct ul_uplink {
	__u32 ifindex; /* 0: no such interface now */
	__u32 flags;   /* enum ul_uplink_flag */
	/* kernel address of its net_device; 0: the programs cannot check its carrier */
	__u64 netdev;
	__u8 mac[6];
	__u8 xdp_mode; /* enum ul_xdp_mode */
	/* errno: the last attempt to connect the interface or to attach XDP failed; 0: it did not
	 */
	__u8 error;
	__u32 reserved[2]; /* 0.1.0: saved NIC settings, now in the journal (saved_abi.h) */
	__u32 speed_mbps;  /* 0: unknown */
	__u32 max_frame;   /* bytes that may leave: MTU, Ethernet header and one tag */
	/* our LACP port number, 1-UL_MAX_UPLINKS, the same as long as the uplink is a member; 0:
	 * none yet */
	__u32 lacp_port;
	__u32 problems; /* enum ul_problem (problems.h) */
	char name[UL_NAME_LEN];
};
_Static_assert(sizeof(struct ul_uplink) == 64, "map ABI");

enum ul_uplink_flag {
	/* may be used for sending: carrier and up-delay, LACP distributing, not drained */
	UL_UP_SEND = 1 << 0,
	/* arriving frames are accepted: LACP or PAgP collects, or there is neither */
	UL_UP_RECEIVE = 1 << 1,
	UL_UP_CARRIER = 1 << 2, /* as the daemon last saw it, for display */
	UL_UP_ADMIN = 1 << 3,	/* IFF_UP, likewise */
	UL_UP_DRAINED = 1 << 4, /* taken out by the operator; kept over restarts */
	/* recovered, but failback is off: waits until another one fails */
	UL_UP_SPARE = 1 << 5,
	/* every policy accepts frames from it: programs need not look it up */
	UL_UP_FOR_ALL = 1 << 6,
};

enum ul_xdp_mode { UL_XDP_NONE, UL_XDP_NATIVE, UL_XDP_GENERIC };

/* ---- ul_ports: array, index = slot, which a port keeps as long as it is a member. Writer: daemon.
 * ---- */
/* The part of the port's group that programs need for each frame, so that they seldom look up the
 * group. One word: programs load it at once, so that mode and VID always belong together. */
struct ul_port_vlan {
	__u16 mode;	   /* enum ul_vlan_mode */
	__u16 vid;	   /* as in struct ul_group */
	__u32 group_flags; /* enum ul_group_flag */
} __attribute__((aligned(8)));

struct ul_port {
	__u32 ifindex; /* 0: free slot, or the interface is missing now */
	__u32 flags;   /* enum ul_port_flag */
	struct ul_port_vlan vlan;
	__u32 group; /* index in ul_groups */
	/* port-id: what takes the place of the hash; spreads the ports of a policy evenly */
	__u32 number;
	__u8 mac[6]; /* zero: not known */
	/* digest of the configured address that the machine has changed (mac-changes); 0: mac is
	 * the configured one, or none is configured */
	__u16 changed_from;
	/* bytes of the longest frame that may come in or go out, one tag included; the second tag
	   of a trunk port's frame is added to it */
	__u32 max_frame;
	__u32 policy; /* index in ul_policies: the group's */
	__u32 life;   /* raised when the port loses its carrier or interface */
	__u32 seen;   /* written by port_tc: life at the last frame from the own address */
	char name[UL_NAME_LEN];
};
_Static_assert(sizeof(struct ul_port) == 64, "map ABI");

enum ul_port_flag {
	UL_PORT_USED = 1 << 0, /* the slot is taken */
	/* takes frames by XDP_REDIRECT; never with a max_frame above UL_MAX_XDP_FRAME */
	UL_PORT_XDP = 1 << 1,
	UL_PORT_HOST = 1 << 2,	  /* one end of a veth pair that uplinkd made */
	UL_PORT_RUNTIME = 1 << 3, /* added by uplinkctl, not in the file */
	UL_PORT_XDP_TCP = 1 << 4, /* with UL_PORT_XDP: TCP as well (receive: xdp) */
	/* 1 << 5 was used by 0.1.0 */
	/* no interface, down, or no carrier: its unconfirmed addresses are not on this host */
	UL_PORT_ABSENT = 1 << 6,
	/* its unknown sources are not reported: it has learned as many as it may, or has reported
	 * too many */
	UL_PORT_MUTED = 1 << 7,
	/* its unlearned sources are dropped: mac-learning with policy drop is at its limit */
	UL_PORT_LIMITED = 1 << 8,
	/* with UL_PORT_RUNTIME: its interface is enslaved to an attachment bridge */
	UL_PORT_ATTACHED = 1 << 9,
};

/* Bits 24-31 of ul_port.flags: the errno for which the interface was not connected at the last
 * attempt; 0: it was, or there is no interface. */
#define UL_PORT_ERROR_SHIFT 24
#define UL_PORT_ERROR_MASK (0xffu << UL_PORT_ERROR_SHIFT)

/* Bits 16-23 of ul_port.flags: bits 0-7 of enum ul_problem (problems.h). */
#define UL_PORT_PROBLEM_SHIFT 16
#define UL_PORT_PROBLEM_FLAGS (0xffU << UL_PORT_PROBLEM_SHIFT)

/* ---- ul_groups: array. Writer: daemon. ---- */
/* Whether a VLAN list of one bit per VID, such as ul_group.vlans, has vid (0-4095). */
#define UL_LIST_HAS(list, vid) ((list)[(vid) / 64] >> ((vid) % 64) & 1)

struct ul_group {
	__u32 flags;	 /* enum ul_group_flag */
	__u16 vlan_mode; /* enum ul_vlan_mode */
	__u16 vid;	 /* VST: 1-4094; EST: 0; VGT: UL_VLAN_TRUNK */
	__u32 policy;	 /* index in ul_policies */
	__u32 reserved;
	/* VGT: bit v of word v / 64: VLAN v may pass; bit 0: untagged and priority-tagged */
	__u64 vlans[UL_N_VLANS / 64];
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
	/* only in struct ul_port_vlan, EST and VST: UL_VLAN_NEEDS_COPIES of the VLAN, derived, so
	   that XDP need not look there */
	UL_GROUP_VLAN_NEEDS_COPIES = 1 << 5,
	UL_GROUP_CONTROL_OK = 1 << 6, /* guest-control-frames: pass */
	UL_GROUP_QINQ = 1 << 7,	      /* VGT: frames with an 802.1ad tag pass */
	/* unknown unicast from uplinks is copied to it: learning with unicast-flooding */
	UL_GROUP_FLOODED = 1 << 8,
	/* an attachment bridge makes ports of the group, which take the address of their machine */
	UL_GROUP_ATTACHES = 1 << 9,
};

/* ---- ul_policies: array of UL_MAX_POLICIES. Writer: daemon. ----
 * A teaming policy. Its uplinks
 * have positions: first the active ones in their order, then the standby ones. Bucket i belongs to
 * active position i % n_active, so that the choice equals hash % n_active; bucket[i] names the
 * uplink that serves it now. */
struct ul_policy {
	__u32 method;	 /* enum ul_method (methods.h) */
	__u32 flags;	 /* enum ul_policy_flag */
	__u32 n_buckets; /* n_active * (UL_MAX_BUCKETS / n_active); 0: unused slot */
	__u32 in_use;	 /* bit i: uplink i serves now; frames are accepted from it */
	/* positions 0 .. n_active - 1; with rehash: modulo only the live ones count */
	__u8 n_active;
	__u8 n_members; /* n_active and the standby ones */
	__u8 reserved[6];
	__u8 member[32]; /* position -> uplink index */
	/* uplink index or UL_NO_UPLINK; one byte each, so a rewrite is never seen torn */
	__u8 bucket[UL_MAX_BUCKETS];
};
_Static_assert(sizeof(struct ul_policy) == 56 + UL_MAX_BUCKETS, "map ABI");

enum ul_policy_flag {
	UL_POLICY_LAST_OCTET = 1 << 0, /* iphash-octets: last */
	/* failover-order: the first live member serves everything */
	UL_POLICY_ORDERED = 1 << 1,
	/* a channel: broadcast and multicast are accepted from every uplink in use */
	UL_POLICY_ANY_UPLINK = 1 << 2,
};

/* ---- ul_vlans: array of UL_N_VLANS, index = VID; entry 0: untagged; entry UL_VLAN_TRUNK: the list
 * of VGT ports. Writer: daemon. ---- */
struct ul_vlan {
	__u32 flags; /* enum ul_vlan_flag */
	/* entries {vid, 0 .. n_members - 1} of ul_members; VGT ports are only in that of
	 * UL_VLAN_TRUNK */
	__u32 n_members;
};
_Static_assert(sizeof(struct ul_vlan) == 8, "map ABI");

enum ul_vlan_flag {
	UL_VLAN_ACCESS = 1 << 0,  /* an EST or VST group has it */
	UL_VLAN_TRUNKED = 1 << 1, /* a VGT group's list has it */
	/* a promiscuous or learning port is in it: unicast passes through TC for its copies */
	UL_VLAN_NEEDS_COPIES = 1 << 2,
	/* trunk ports have entries in ul_fdb for this VLAN alone: learned ones, and addresses that
	 * several trunk ports share */
	UL_VLAN_EXACT = 1 << 3,
	/* a port may send with foreign sources: ul_sent and ul_outside are used */
	UL_VLAN_FOREIGN = 1 << 4,
};

/* ---- ul_members: hash. Writer: daemon. Who gets broadcast, multicast and unknown unicast. ---- */
struct ul_member_key {
	__u16 vid;
	__u16 place; /* 0 .. n_members - 1 */
};
_Static_assert(sizeof(struct ul_member_key) == 4, "map ABI");
/* value: __u32 port slot */

/* ---- ul_fdb and ul_ifaces: arrays of buckets, an exact-match table each (match_table.h). Writer:
 * daemon. ---------------------- ul_fdb:    ul_fdb_key(vid, mac) -> port slot.   ul_ifaces:
 * ul_iface_key(ifindex) -> endpoint. */
struct ul_match_row {
	__u64 key[4];	/* 0: free */
	__u32 value[4]; /* value + 1; 0: not readable yet */
	__u32 spilled;	/* keys that belong here first but live in their second bucket */
	__u32 reserved[3];
};
_Static_assert(sizeof(struct ul_match_row) == 64, "one cache line");

/* Value of ul_fdb. In a row value + 1 is stored, so bits 0-15 are slot + 1 there. */
#define UL_FDB_SLOT 0xffff
#define UL_FDB_LEARNED 0x10000 /* not configured: the cell of ul_fdb_use has its state */

/* ---- ul_fdb_use: array, parallel to ul_fdb: times of the learned address in the same cell, in
 * jiffies (64 bits); 0: never. Writers: here: port_tc; outside: the uplink programs. The daemon
 * stores both before it puts a key into the cell. ---- */
struct ul_use_row {
	__u64 here[4];
	__u64 outside[4];
};
_Static_assert(sizeof(struct ul_use_row) == 64, "one cache line");

/* ---- ul_sent, ul_outside: arrays of UL_RECENT words: upper half of a digest in bits 32-63,
 * jiffies in bits 0-31; 0: free. Direct-mapped by the lower half and lossy: a later entry replaces
 * an earlier one, so that a reflection may look like a frame from outside, but not the other way
 * round. ---- */
#define UL_RECENT 8192
#define UL_REFLECTION_MS 500 /* a frame that returns within this time is a reflection */
#define UL_CONTEST_S 5	     /* how long an address heard from outside stays contested */
#define UL_OUTSIDE_S 300     /* how long it is not flooded to learning ports */

/* ---- ul_flooded: an array like these, of unknown addresses that ports send to: upper half of the
 * digest in bits 32-63, second (jiffies / HZ) in bits 8-31, copied frames in this second in bits
 * 0-7. ---- */
#define UL_FLOODED_PER_S 16 /* frames to one unknown address that learning ports receive */

/* Endpoints have one number space: uplinks first, then port slots. It indexes ul_stats and is the
 * value of ul_ifaces. */
#define UL_ENDPOINT_PORT0 32
#define UL_ENDPOINT_NONE 31 /* frames of an interface that is not a member: unknown_port */

/* ---- ul_stats: per-CPU array, index = endpoint. Writer: programs. ---- */
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
 * ---- */

/* ---- ul_lacp: array of UL_MAX_UPLINKS of struct lacp_saved (lacp_abi.h). Writer: daemon. ---- */

/* ---- ul_lacp_answers: array of UL_MAX_UPLINKS: slow protocol frames as uplink_xdp deals with
 * them. Writer: uplink_xdp. ---- */
struct ul_lacp_answer {
	__u64 answered; /* LACPDUs, while the daemon's lease was stale */
	__u64 last_ns;	/* CLOCK_MONOTONIC of the last one */
	__u64 excess;	/* frames that were dropped because they came too fast */
	/* CLOCK_MONOTONIC since when is counted; 0: frames of any kind, 1: what the partner last
	 * said, again */
	__u64 window_ns[2];
	__u32 taken[2]; /* since then */
};
_Static_assert(sizeof(struct ul_lacp_answer) == 48, "map ABI");

/* ---- ul_lacp_ports: array of UL_MAX_UPLINKS of struct ul_lacp_port, for uplinkctl. Writer:
 * daemon. States are the enums of user/lacp/lacp.h, counters those of lacp_abi.h. ---- */

/* The switch port at the other end, as LLDP, CDP or PAgP describe it. Texts are printable and end
 * with a NUL. */
struct ul_neighbour {
	__u64 seen_ms; /* CLOCK_MONOTONIC of the last frame; 0: none */
	__u8 protocol; /* enum ul_neighbour_protocol: of the names below */
	/* enum ul_pagp_mode: what the switch port is set to, when PAgP is heard */
	__u8 pagp;
	__u8 vendor;	   /* enum ul_neighbour_vendor */
	__u8 duplex;	   /* enum ul_duplex */
	__u16 native_vlan; /* of the switch port (LLDP: port VLAN id); 0: not reported */
	__u16 reserved;
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
/* Recognised by the description in LLDP or the platform in CDP. */
enum ul_neighbour_vendor {
	UL_VENDOR_OTHER,
	UL_VENDOR_HP_SWITCH, /* ProCurve and ArubaOS-Switch: their 'trunk' is a static channel */
	UL_VENDOR_ARUBA_CX,
	UL_VENDOR_COMWARE,
};
enum ul_duplex { UL_DUPLEX_UNKNOWN, UL_DUPLEX_HALF, UL_DUPLEX_FULL };
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
	/* LACP is heard, but the switch has no channel: lacp; partner and last_rx_ms are filled,
	   the rest is not */
	UL_FIND_LACP_UNUSED = 16,
	/* PAgP is heard: the switch port is set to desirable or auto */
	UL_FIND_PAGP,
	UL_N_FINDINGS,
};

enum ul_lacp_flag {
	UL_LACP_ENABLED = 1 << 0,
	UL_LACP_DRAINED = 1 << 1,
	UL_LACP_LOOPBACK = 1 << 2,
	UL_LACP_INDIVIDUAL = 1 << 3,
	UL_LACP_OUT = 1 << 4
};

/* ---- ul_pagp_ports: array of UL_MAX_UPLINKS of struct ul_pagp_port (pagp_abi.h). Writer: daemon.
 * ---- */

/* ---- ul_events: ring buffer from the programs to the daemon. ---- */
struct ul_event {
	__u32 kind; /* enum ul_event_kind */
	__u32 port; /* slot */
	/* of the frame, with UL_VID_SERVICE; UL_VLAN_TRUNK for a trunk port in a VLAN without
	 * UL_VLAN_EXACT */
	__u16 vid;
	__u8 mac[6];
};
_Static_assert(sizeof(struct ul_event) == 16, "map ABI");

enum ul_event_kind {
	UL_EVENT_NEW_SOURCE = 1, /* the daemon does not know this source at the port */
	UL_EVENT_CONTESTED = 2,	 /* the same, and it was heard from outside within UL_CONTEST_S */
	UL_EVENT_MOVED_OUTSIDE = 3, /* a learned address of the port was heard from outside */
	/* the port's own address, confirmed, was announced from outside; at most once a second */
	UL_EVENT_OWN_OUTSIDE = 4,
};

/* ---- argument of the syscall program netdev_find ---- */
struct ul_netdev_query {
	__u32 ifindex;
	__u32 visible; /* answer: 1: the programs of the data plane can check a carrier (6.2) */
	/* answer; 0: no such interface in the caller's network namespace */
	__u64 netdev;
};
_Static_assert(sizeof(struct ul_netdev_query) == 16, "program ABI");

/* ---- argument of the syscall program carrier_read ---- */
struct ul_carrier {
	__u64 netdev;  /* answer of netdev_find; 0: none */
	__u32 ifindex; /* of the interface at that address */
	__u32 state;   /* answer: enum ul_carrier_state */
};

enum ul_carrier_state {
	UL_CARRIER_KNOWN = 1 << 0, /* the interface is still at its address */
	UL_CARRIER_ADMIN = 1 << 1, /* IFF_UP */
	UL_CARRIER_UP = 1 << 2,	   /* carrier; never without ADMIN */
	/* the kernel transmits: between a new carrier and the end of linkwatch it drops */
	UL_CARRIER_READY = 1 << 3,
};

struct ul_carrier_query {
	struct ul_carrier uplink[UL_MAX_UPLINKS];
};
_Static_assert(sizeof(struct ul_carrier_query) == 16 * UL_MAX_UPLINKS, "program ABI");

/* ---- argument of the syscall program clock_read ---- */
struct ul_clock {
	__u64 jiffies; /* answer: the clock of ul_fdb_use */
};
_Static_assert(sizeof(struct ul_clock) == 8, "program ABI");

/* ---- ul_slow: program array with one entry, the program port_tc_slow. port_tc enters it by a tail
 * call. Each load of the programs has a separate array. ---- */
#define UL_SLOW_PORT_TC 0

#endif
