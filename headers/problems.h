/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Problems of an interface that other programs cause: bits of ul_uplink.problems, and
 * bits 0-7 in ul_port.flags (abi.h), found by the daemon. Each has a finding in `uplinkctl status`;
 * a bit is never reused.
 */
#ifndef UL_PROBLEMS_H
#define UL_PROBLEMS_H

/* X(NAME, bit, code of the finding, text) */
/* clang-format off */
#define UL_PROBLEMS(X) \
	X(NOT_ETHERNET, 0, "not_ethernet", "the interface carries no Ethernet frames and is not attached") \
	X(ENSLAVED,     1, "enslaved",     "the interface belongs to a bridge or bond, which exchanges frames with it around the port groups") \
	X(XDP,          2, "foreign_xdp",  "an XDP program of other software receives the frames first") \
	X(TC,           3, "foreign_tc",   "a TC program of other software receives the frames first") \
	X(DETACHED,     4, "detached",     "the programs of uplinkd were detached") \
	X(HOST_ADDRESS, 5, "host_address", "an address or route of the host port was removed or cannot be added") \
	X(PORT_MTU,     6, "setting",      "the MTU of the host port is not that of the switch") \
	X(PORT_IPV6,    7, "setting",      "IPv6 is on at the switch's end of the port, which then sends by itself") \
	X(PROMISC,      8, "setting",      "promiscuous mode is off") \
	X(OFFLOAD,      9, "setting",      "an offload that hides VLAN tags or merges frames is on") \
	X(MTU,         10, "setting",      "the MTU is not that of the switch") \
	X(ARP,         11, "setting",      "ARP is on") \
	X(IPV6,        12, "setting",      "IPv6 is on")
/* clang-format on */

enum ul_problem {
#define X(NAME, bit, code, text) UL_PROBLEM_##NAME = 1 << (bit),
	UL_PROBLEMS(X)
#undef X
};

/* For these an interface is not connected. */
#define UL_PROBLEM_UNSUITABLE (UL_PROBLEM_NOT_ETHERNET | UL_PROBLEM_ENSLAVED)
/* Settings of an uplink's NIC that the daemon sets again. */
#define UL_PROBLEM_SETTINGS                                                          \
	(UL_PROBLEM_PROMISC | UL_PROBLEM_OFFLOAD | UL_PROBLEM_MTU | UL_PROBLEM_ARP | \
	 UL_PROBLEM_IPV6)

#endif
