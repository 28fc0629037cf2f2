/* SPDX-License-Identifier: GPL-2.0 */
/* What became of a frame. The kernel counts by these numbers, user space names them; struct
 * ul_stats in abi.h has one member per row, so `bpftool map dump` shows the names as well. A number
 * is never used for anything else again: a row that is no longer needed stays, new rows go to the
 * end.
 *
 * A frame is counted at the object where it came in (what was decided about it) and, when it was
 * forwarded, as `sent` at each object where it left. Kinds: forward - the frame went on; drop - it
 * ended here; note - counted beside another reason. */
#ifndef UL_REASONS_H
#define UL_REASONS_H

/* X(member, NAME, number, kind, help) */
#define UL_REASONS(X)                                                                                       \
	X(sent, SENT, 0, FORWARD, "left by this uplink, or was handed to this port's interface")            \
	X(to_uplink, TO_UPLINK, 1, FORWARD, "came in here and went to an uplink")                           \
	X(to_port, TO_PORT, 2, FORWARD, "came in here and went to a port")                                  \
	X(flooded, FLOODED, 3, FORWARD,                                                                     \
	  "broadcast, multicast or unknown unicast that came in here and went to every member of its VLAN") \
	X(control, CONTROL, 4, FORWARD,                                                                     \
	  "LACP, LLDP, PAgP or CDP that came in here and went to the daemon")                               \
	X(truncated, TRUNCATED, 5, DROP, "shorter than its headers say")                                    \
	X(unknown_port, UNKNOWN_PORT, 6, DROP,                                                              \
	  "the interface is not, or no longer, a member of the switch")                                     \
	X(invalid_source, INVALID_SOURCE, 7, DROP,                                                          \
	  "the source address is a group address or zero")                                                  \
	X(forged_source, FORGED_SOURCE, 8, DROP,                                                            \
	  "the source address is not the port's (security: forged-transmits)")                              \
	X(reflected, REFLECTED, 9, DROP, "own broadcast or multicast came back from an uplink")             \
	X(vlan_from_access, VLAN_FROM_ACCESS, 10, DROP,                                                     \
	  "a VLAN tag from a port whose group sets the VLAN itself")                                        \
	X(vlan_not_allowed, VLAN_NOT_ALLOWED, 11, DROP,                                                     \
	  "a VLAN that is not in the port group's list")                                                    \
	X(unknown_vlan, UNKNOWN_VLAN, 12, DROP, "a VLAN that no port group of the switch has")              \
	X(unknown_unicast, UNKNOWN_UNICAST, 13, DROP,                                                       \
	  "a destination address from an uplink that no port has in this VLAN")                             \
	X(inactive_uplink, INACTIVE_UPLINK, 14, DROP,                                                       \
	  "came in by an uplink that the port's group does not use now")                                    \
	X(no_uplink, NO_UPLINK, 15, DROP, "no uplink of the policy is usable")                              \
	X(port_down, PORT_DOWN, 16, DROP, "the destination port's interface has just gone")                 \
	X(guest_bpdu, GUEST_BPDU, 17, DROP, "a spanning tree frame from a port")                            \
	X(reserved_address, RESERVED_ADDRESS, 18, DROP,                                                     \
	  "an address that bridges never forward (01:80:c2:00:00:0X)")                                      \
	X(hairpin, HAIRPIN, 19, DROP, "the destination is the port that the frame came from")               \
	X(too_big, TOO_BIG, 20, DROP,                                                                       \
	  "longer than the MTU of the switch or of the port's interface")                                   \
	X(failed, FAILED, 21, DROP, "the kernel refused to change or to redirect the frame")                \
	X(failover, FAILOVER, 22, NOTE,                                                                     \
	  "the uplink of the bucket was dead and the program itself took a spare")                          \
	X(learn_overflow, LEARN_OVERFLOW, 23, NOTE,                                                         \
	  "a new source address could not be told to the daemon")                                           \
	X(answered, ANSWERED, 24, FORWARD,                                                                  \
	  "an LACPDU that the program answered, because the daemon did not")                                \
	X(excess, EXCESS, 25, DROP,                                                                         \
	  "LACP and marker frames that came faster than any switch sends them")

enum ul_reason {
#define X(member, NAME, number, kind, help) UL_R_##NAME = (number),
	UL_REASONS(X)
#undef X
		UL_N_REASONS = 26,
	UL_REASON_SLOTS = 32, /* room in struct ul_stats; new rows take it up without a change of
				 layout */
};

enum ul_reason_kind { UL_KIND_FORWARD, UL_KIND_DROP, UL_KIND_NOTE };

#endif
