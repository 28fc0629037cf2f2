/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Reasons of the packet and drop counters. Programs count by number, user space names them; struct
 * ul_stats in abi.h has one member per row, so `bpftool map dump` shows the names as well. A number
 * is never reused: an unused row stays, and new rows go to the end.
 *
 * A frame is counted at the endpoint where it came in (what was decided about it) and, when it was
 * forwarded, as `sent` at each endpoint where it left. Kinds: forward: the frame went on; drop: it
 * ended here; note: counted in addition to another reason. */
#ifndef UL_REASONS_H
#define UL_REASONS_H

/* X(member, NAME, number, kind, help) */
/* clang-format off */
#define UL_REASONS(X) \
	X(sent,             SENT,              0, FORWARD, "left by this uplink, or was handed to this port's interface") \
	X(to_uplink,        TO_UPLINK,         1, FORWARD, "came in here and went to an uplink") \
	X(to_port,          TO_PORT,           2, FORWARD, "came in here and went to a port") \
	X(flooded,          FLOODED,           3, FORWARD, "broadcast, multicast or unknown unicast that came in here and went to every member of its VLAN") \
	X(control,          CONTROL,           4, FORWARD, "LACP, LLDP, PAgP or CDP for the daemon, 802.1X or link-local PTP for the host") \
	X(truncated,        TRUNCATED,         5, DROP,    "shorter than its headers say") \
	X(unknown_port,     UNKNOWN_PORT,      6, DROP,    "the interface is not, or no longer, a member of the switch") \
	X(invalid_source,   INVALID_SOURCE,    7, DROP,    "the source address is a group address or zero") \
	X(forged_source,    FORGED_SOURCE,     8, DROP,    "the source address is not the port's (security: forged-transmits)") \
	X(reflected,        REFLECTED,         9, DROP,    "a frame of an own port came back from an uplink") \
	X(vlan_from_access, VLAN_FROM_ACCESS, 10, DROP,    "a VLAN tag from a port whose group sets the VLAN itself") \
	X(vlan_not_allowed, VLAN_NOT_ALLOWED, 11, DROP,    "a VLAN that is not in the port group's list, or a tag behind a priority tag") \
	X(unknown_vlan,     UNKNOWN_VLAN,     12, DROP,    "a VLAN that no port group of the switch has") \
	X(unknown_unicast,  UNKNOWN_UNICAST,  13, DROP,    "a destination address from an uplink that no port has in this VLAN") \
	X(inactive_uplink,  INACTIVE_UPLINK,  14, DROP,    "came in by an uplink that the port's group does not use now") \
	X(no_uplink,        NO_UPLINK,        15, DROP,    "no uplink of the policy is usable") \
	X(port_down,        PORT_DOWN,        16, DROP,    "the destination port is down, without carrier, or its interface is missing") \
	X(guest_bpdu,       GUEST_BPDU,       17, DROP,    "a spanning tree or ring protection frame from a port") \
	X(reserved_address, RESERVED_ADDRESS, 18, DROP,    "an address that bridges never forward (01:80:c2:00:00:0X)") \
	X(hairpin,          HAIRPIN,          19, DROP,    "the destination is the port that the frame came from") \
	X(too_big,          TOO_BIG,          20, DROP,    "longer than the MTU of the switch or of the port's interface") \
	X(failed,           FAILED,           21, DROP,    "the kernel refused to change or to redirect the frame") \
	X(failover,         FAILOVER,         22, NOTE,    "the uplink of the bucket was dead and the program chose another one") \
	X(learn_overflow,   LEARN_OVERFLOW,   23, NOTE,    "a new source address could not be reported to the daemon") \
	X(answered,         ANSWERED,         24, FORWARD, "an LACPDU that the program answered while the daemon was away") \
	X(excess,           EXCESS,           25, DROP,    "LACP and marker frames that came faster than any switch sends them") \
	X(no_slow_path,     NO_SLOW_PATH,     26, DROP,    "the program of the slow path cannot be entered") \
	X(both_ways,        BOTH_WAYS,        27, NOTE,    "unicast to an address that may be here or outside: copied to the port and sent to an uplink") \
	X(moved_outside,    MOVED_OUTSIDE,    28, NOTE,    "a learned address was heard from outside and is no longer taken as only here") \
	X(guest_lacp,       GUEST_LACP,       29, DROP,    "LACP, marker or another slow protocol (EtherType 8809) from a port") \
	X(guest_discovery,  GUEST_DISCOVERY,  30, DROP,    "LLDP, CDP, EDP, FDP or SONMP from a port") \
	X(guest_trunking,   GUEST_TRUNKING,   31, DROP,    "PAgP, UDLD, DTP, VTP, L2PT or another frame to an address of Cisco's from a port") \
	X(guest_registration, GUEST_REGISTRATION, 32, DROP, "MVRP, MMRP, GVRP or GMRP from a port") \
	X(guest_pause,      GUEST_PAUSE,      33, DROP,    "pause or priority flow control (EtherType 8808) from a port") \
	X(queue_full,       QUEUE_FULL,       34, DROP,    "the port's interface or the backlog of the kernel had no room for a copy") \
	X(learn_limit,      LEARN_LIMIT,      35, DROP,    "the source address exceeds the number of addresses that the port may have (security: mac-learning)") \
	X(moved_here,       MOVED_HERE,       36, NOTE,    "a source that was learned at another port came from this port") \
	X(address_outside,  ADDRESS_OUTSIDE,  37, NOTE,    "a frame to a group address from the address of a port, which this host did not send; also counted at that port")
/* clang-format on */

enum ul_reason {
#define X(member, NAME, number, kind, help) UL_R_##NAME = (number),
	UL_REASONS(X)
#undef X
		UL_N_REASONS = 38,
	/* room in struct ul_stats; new rows take it up without a change of layout */
	UL_REASON_SLOTS = 64,
};

enum ul_reason_kind { UL_KIND_FORWARD, UL_KIND_DROP, UL_KIND_NOTE };

#endif
