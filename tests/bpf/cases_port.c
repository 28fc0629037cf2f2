// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Verdicts for frames from ports. cases.h describes the switch and the notation. */
#include <criterion/criterion.h>

#include "cases.h"

TestSuite(port_cases, .timeout = 900);

Test(port_cases, vlan_of_the_group)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("EST sends untagged", "e0", "e0>x udp4:1>2", "redirect u1[]", "e0.to_uplink u1.sent"),
		ROW("EST keeps a priority tag", "e0", "e0>x v0p5 udp4:1>2", "redirect u1[v0p5]", "e0.to_uplink u1.sent"),
		ROW("EST with a tag", "e0", "e0>x v100", "drop", "e0.vlan_from_access"),
		ROW("EST with a service tag", "e0", "e0>x s100", "drop", "e0.vlan_from_access"),
		ROW("EST with tag 4095", "e0", "e0>x v4095", "drop", "e0.vlan_from_access"),
		ROW("EST with two tags", "e0", "e0>x v100 v200", "drop", "e0.vlan_from_access"),
		ROW("VST pushes its tag", "a0", "a0>x udp4:1>2", "redirect u1[v100]", "a0.to_uplink u1.sent"),
		ROW("VST, the other uplink", "a0", "a0>x udp4:1>3", "redirect u0[v100]", "a0.to_uplink u0.sent"),
		ROW("VST keeps the priority", "a0", "a0>x v0p5 udp4:1>2", "redirect u1[v100p5]", "a0.to_uplink u1.sent"),
		ROW("VST keeps drop eligibility", "a0", "a0>x v0p1d udp4:1>2", "redirect u1[v100p1d]", "a0.to_uplink u1.sent"),
		ROW("VST with its own tag", "a0", "a0>x v100", "drop", "a0.vlan_from_access"),
		ROW("VST with another's tag", "a0", "a0>x v200", "drop", "a0.vlan_from_access"),
		ROW("VST with a service tag", "a0", "a0>x s100", "drop", "a0.vlan_from_access"),
		ROW("VST with two tags", "a0", "a0>x v100 v100", "drop", "a0.vlan_from_access"),
		ROW("VST hides a tag behind a priority tag", "a0", "a0>x v0 v200 udp4:1>2", "drop", "a0.vlan_from_access"),
		ROW("EST hides a tag behind a priority tag", "e0", "e0>x v0 v200 udp4:1>2", "drop", "e0.vlan_from_access"),
		ROW("VGT passes its VLAN", "t0", "t0>x v100p3 udp4:1>2", "redirect u1[v100p3]", "t0.to_uplink u1.sent"),
		ROW("VGT passes another of its list", "t0", "t0>x v300 udp4:1>3", "h0[] redirect u0[v300]", "t0.to_uplink h0.sent u0.sent"),
		ROW("VGT with 0 in its list passes untagged", "t0", "t0>x udp4:1>2", "redirect u1[]", "t0.to_uplink u1.sent"),
		ROW("VGT passes a priority tag as untagged", "t0", "t0>x v0p2 udp4:1>2", "redirect u1[v0p2]", "t0.to_uplink u1.sent"),
		ROW("VGT hides a tag behind a priority tag", "t0", "t0>x v0 v200 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("also one of its list", "t0", "t0>x v0p3 v100 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("also behind a service tag", "q0", "q0>x s0 v200 udp4:1>2", "drop", "q0.vlan_not_allowed"),
		ROW("VGT outside its list", "t0", "t0>x v200", "drop", "t0.vlan_not_allowed"),
		ROW("VGT with tag 4095", "t0", "t0>x v4095", "drop", "t0.vlan_not_allowed"),
		ROW("VGT passes QinQ", "t0", "t0>x s100 v7 udp4:1>2", "redirect u1[s100 v7]", "t0.to_uplink u1.sent"),
		ROW("VGT passes two tags", "t0", "t0>x v100 v200 udp4:1>2", "redirect u1[v100 v200]", "t0.to_uplink u1.sent"),
		ROW("VGT, service tag outside its list", "t0", "t0>x s200", "drop", "t0.vlan_not_allowed"),
		ROW("4095 passes any tag", "q0", "q0>x v4094 udp4:1>2", "redirect u1[v4094]", "q0.to_uplink u1.sent"),
		ROW("4095 passes untagged", "q0", "q0>x udp4:1>2", "redirect u1[]", "q0.to_uplink u1.sent"),
		ROW("4095 does not pass tag 4095", "q0", "q0>x v4095", "drop", "q0.vlan_not_allowed"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

Test(port_cases, local_switching)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("EST to EST", "e0", "e0>e1", "redirect e1[]", "e0.to_port e1.sent"),
		ROW("EST to EST loses a priority tag", "e0", "e0>e1 v0p6", "redirect e1[]", "e0.to_port e1.sent"),
		ROW("EST to VGT keeps a priority tag", "e0", "e0>t0 v0p6", "redirect t0[v0p6]", "e0.to_port t0.sent"),
		ROW("VGT to EST loses a priority tag", "t0", "t0>e0 v0p6", "redirect e0[]", "t0.to_port e0.sent"),
		ROW("VGT to VGT keeps a priority tag", "q0", "q0>t0 v0p6", "redirect t0[v0p6]", "q0.to_port t0.sent"),
		ROW("VST to VST", "a0", "a0>a1", "redirect a1[]", "a0.to_port a1.sent"),
		ROW("VST to VST of another group", "a0", "a0>f0", "redirect f0[]", "a0.to_port f0.sent"),
		ROW("VST to VGT", "a0", "a0>t0", "redirect t0[v100]", "a0.to_port t0.sent"),
		ROW("VST to VGT with priority", "a0", "a0>t0 v0p4", "redirect t0[v100p4]", "a0.to_port t0.sent"),
		ROW("VGT to VST", "t0", "t0>a0 v100p4", "redirect a0[]", "t0.to_port a0.sent"),
		ROW("VGT to VST with an inner tag", "t0", "t0>a0 v100 v7", "redirect a0[v7]", "t0.to_port a0.sent"),
		ROW("VGT to VGT", "q0", "q0>t0 v300", "redirect t0[v300]", "q0.to_port t0.sent"),
		ROW("VGT to VGT, QinQ", "q0", "q0>t0 s300 v5", "redirect t0[s300 v5]", "q0.to_port t0.sent"),
		ROW("EST to VGT", "e0", "e0>t0", "redirect t0[]", "e0.to_port t0.sent"),
		ROW("VGT to EST", "t0", "t0>e0", "redirect e0[]", "t0.to_port e0.sent"),
		ROW("QinQ does not reach VST", "q0", "q0>a0 s100 udp4:1>2", "redirect u1[s100]", "q0.to_uplink u1.sent"),
		ROW("an address of another VLAN is unknown", "a0", "a0>b0 udp4:1>2", "redirect u1[v100]", "a0.to_uplink u1.sent"),
		ROW("an EST address is unknown in VLAN 100", "a0", "a0>e0 udp4:1>2", "redirect u1[v100]", "a0.to_uplink u1.sent"),
		ROW("a VGT port outside its list is unknown", "b0", "b0>t0 udp4:1>2", "redirect u1[v200]", "b0.to_uplink u1.sent"),
		ROW("to itself", "a0", "a0>a0", "drop", "a0.hairpin"),
		ROW("a port without an interface is elsewhere", "a0", "a0>d0 udp4:1>2", "redirect u1[v100]", "a0.to_uplink u1.sent"),
	}, leaving[] = {
	/* clang-format on */
		ROW("its interface has just gone", "a0", "a0>d0", "drop", "a0.port_down"),
	};
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows));
	sw.port[P_D0].leaving = true;
	run_cases(&sw, leaving, ARRAY_SIZE(leaving));
}

Test(port_cases, groups_of_receivers)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("broadcast, untagged", "e0", "e0>bcast arp", "e1[] t0[] q0[] redirect u0[]", "e0.flooded e1.sent t0.sent q0.sent u0.sent"),
		ROW("broadcast with a priority tag from EST", "e0", "e0>bcast v0p5 arp", "e1[] t0[v0p5] q0[v0p5] redirect u0[v0p5]",
		  "e0.flooded e1.sent t0.sent q0.sent u0.sent"),
		ROW("broadcast with a priority tag from VGT", "t0", "t0>bcast v0p5 udp4:1>3", "e0[] e1[] q0[v0p5] redirect u0[v0p5]",
		  "t0.flooded e0.sent e1.sent q0.sent u0.sent"),
		ROW("broadcast, VLAN 100", "a0", "a0>bcast arp", "a1[] f0[] t0[v100] q0[v100] redirect u0[v100]",
		  "a0.flooded a1.sent f0.sent t0.sent q0.sent u0.sent"),
		ROW("broadcast with priority", "a0", "a0>bcast v0p7 arp", "a1[] f0[] t0[v100p7] q0[v100p7] redirect u0[v100p7]",
		  "a0.flooded a1.sent f0.sent t0.sent q0.sent u0.sent"),
		ROW("multicast", "a0", "a0>mcast udp4:1>2", "a1[] f0[] t0[v100] q0[v100] redirect u1[v100]",
		  "a0.flooded a1.sent f0.sent t0.sent q0.sent u1.sent"),
		ROW("broadcast from VGT", "t0", "t0>bcast v100p2 udp4:1>3", "a0[] a1[] f0[] q0[v100p2] redirect u0[v100p2]",
		  "t0.flooded a0.sent a1.sent f0.sent q0.sent u0.sent"),
		ROW("broadcast from VGT with an inner tag", "t0", "t0>bcast v100 v9 udp4:1>3", "a0[v9] a1[v9] f0[v9] q0[v100 v9] redirect u0[v100 v9]",
		  "t0.flooded a0.sent a1.sent f0.sent q0.sent u0.sent"),
		ROW("broadcast from VGT, untagged", "t0", "t0>bcast udp4:1>3", "e0[] e1[] q0[] redirect u0[]",
		  "t0.flooded e0.sent e1.sent q0.sent u0.sent"),
		ROW("broadcast, QinQ, stays with those that tag", "t0", "t0>bcast s100 v9 udp4:1>3", "q0[s100 v9] redirect u0[s100 v9]",
		  "t0.flooded q0.sent u0.sent"),
		ROW("broadcast in a VLAN that only 4095 has", "q0", "q0>bcast v7 udp4:1>3", "redirect u0[v7]", "q0.flooded u0.sent"),
		ROW("spanning tree", "a0", "a0>stp t0026", "drop", "a0.guest_bpdu"),
		ROW("spanning tree with a tag", "t0", "t0>stp v100 t0026", "drop", "t0.guest_bpdu"),
		ROW("PVST", "a0", "a0>pvst t0032", "drop", "a0.guest_bpdu"),
		ROW("PVST with a tag", "t0", "t0>pvst v300 t0032", "drop", "t0.guest_bpdu"),
		ROW("802.1X", "e0", "e0>pae t888e", "drop", "e0.reserved_address"),
		ROW("peer delay of PTP", "e0", "e0>lldp t88f7", "drop", "e0.reserved_address"),
		ROW("a reserved address", "a0", "a0>r5", "drop", "a0.reserved_address"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* Switch-to-switch frames of machines, from each kind of port. */
static const struct {
	const char *name, *to; /* destination and payload */
	const char *reason;
	/* clang-format off */
} guest_kinds[] = {
	{ "spanning tree", "stp t0026", "guest_bpdu" },
	{ "spanning tree of providers", "pstp t0026", "guest_bpdu" },
	{ "PVST+", "pvst snap010b", "guest_bpdu" },
	{ "UplinkFast", "uplinkfast snap200a", "guest_bpdu" },
	{ "EAPS", "eaps t0032", "guest_bpdu" },
	{ "ERPS", "erps t8902", "guest_bpdu" },
	{ "MRP ring", "ring t88e3", "guest_bpdu" },
	{ "Foundry ring", "fring t0032", "guest_bpdu" },
	{ "LACP", "slow t8809", "guest_lacp" },
	{ "LACP to a machine outside", "x t8809", "guest_lacp" },
	{ "LACP to a neighbour", "a1 t8809", "guest_lacp" },
	{ "LACP to all", "bcast t8809", "guest_lacp" },
	{ "LLDP", "lldp t88cc", "guest_discovery" },
	{ "LLDP to a machine outside", "x t88cc", "guest_discovery" },
	{ "LLDP to another group", "mcast t88cc", "guest_discovery" },
	{ "CDP", "cisco snap2000", "guest_discovery" },
	{ "EDP", "edp t0032", "guest_discovery" },
	{ "FDP", "fdp t0032", "guest_discovery" },
	{ "SONMP", "sonmp t0032", "guest_discovery" },
	{ "PAgP", "cisco snap0104", "guest_trunking" },
	{ "UDLD", "cisco snap0111", "guest_trunking" },
	{ "DTP", "cisco snap2004", "guest_trunking" },
	{ "VTP", "cisco snap2003", "guest_trunking" },
	{ "L2PT", "l2pt snap2000", "guest_trunking" },
	{ "anything to Cisco's address", "cisco udp4:1>2", "guest_trunking" },
	{ "MMRP", "mmrp t88f6", "guest_registration" },
	{ "MVRP", "mvrp t88f5", "guest_registration" },
	{ "GVRP", "mvrp t0026", "guest_registration" },
	{ "MVRP to all", "bcast t88f5", "guest_registration" },
	{ "pause to all", "bcast t8808", "guest_pause" },
	{ "pause to a machine outside", "x t8808", "guest_pause" },
	{ "pause to its address", "r1 t8808", "guest_pause" },
};
/* clang-format on */

/* tag of the machine, and which way the frame takes where the group lets it pass */
static const struct {
	enum case_port port;
	const char *name, *tag;
} guest_ports[] = {
	{ P_E0, "e0", "" },	 { P_E0, "e0", "v0p7 " }, { P_A0, "a0", "" },
	{ P_A0, "a0", "v0p7 " }, { P_T0, "t0", "v100 " }, { P_T0, "t0", "" },
};

Test(port_cases, guest_control_frames_do_not_leave)
{
	enum { N = ARRAY_SIZE(guest_kinds) * ARRAY_SIZE(guest_ports) };
	static struct case_row rows[N];
	static char frames[N][64], counters[N][40];
	struct sw sw;

	cases_switch(&sw);
	for (size_t i = 0; i < N; i++) {
		size_t kind = i / ARRAY_SIZE(guest_ports), port = i % ARRAY_SIZE(guest_ports);
		const char *space = strchr(guest_kinds[kind].to, ' ');

		snprintf(frames[i], sizeof(frames[i]), "%s>%.*s %s%s", guest_ports[port].name,
			 (int)(space - guest_kinds[kind].to), guest_kinds[kind].to,
			 guest_ports[port].tag, space + 1);
		snprintf(counters[i], sizeof(counters[i]), "%s.%s", guest_ports[port].name,
			 guest_kinds[kind].reason);
		rows[i] = (struct case_row)ROW(guest_kinds[kind].name, guest_ports[port].name,
					       frames[i], "drop", counters[i]);
	}
	run_cases(&sw, rows, N);
}

/* guest-control-frames: pass. Pause never leaves, and neither do addresses of other protocols. */
Test(port_cases, guest_control_frames_pass)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("CDP", "b0", "b0>cisco snap2000", "q0[v200] redirect u1[v200]", "b0.flooded q0.sent u1.sent"),
		ROW("spanning tree", "b0", "b0>stp t0026", "q0[v200] redirect u1[v200]", "b0.flooded q0.sent u1.sent"),
		ROW("LACP", "b0", "b0>slow t8809", "q0[v200] redirect u1[v200]", "b0.flooded q0.sent u1.sent"),
		ROW("LLDP to a machine outside", "b0", "b0>x t88cc", "redirect u0[v200]", "b0.to_uplink u0.sent"),
		ROW("pause", "b0", "b0>bcast t8808", "drop", "b0.guest_pause"),
		ROW("802.1X", "b0", "b0>pae t888e", "drop", "b0.reserved_address"),
		ROW("not of another group", "a0", "a0>cisco snap2000", "drop", "a0.guest_discovery"),
		ROW("not what is like it: IP multicast", "a0", "a0>mcast udp4:1>3", "a1[] f0[] t0[v100] q0[v100] redirect u0[v100]",
		  "a0.flooded a1.sent f0.sent t0.sent q0.sent u0.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.group[sw.port[P_B0].group].flags |= UL_GROUP_CONTROL_OK;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* A tag that is not 802.1Q's does not make a frame untagged: on a switch that does not know it, it
 * would be in the native VLAN. */
Test(port_cases, outer_tags_that_are_not_802_1q)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("802.1ad, allowed", "q0", "q0>x s100 udp4:1>2", "redirect u1[s100]", "q0.to_uplink u1.sent"),
		ROW("802.1ad, not allowed", "t0", "t0>x s100 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("802.1ad, not allowed, without a VLAN", "t0", "t0>x s0 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("9100", "t0", "t0>x n100 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("9200", "t0", "t0>x o100 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("9300", "t0", "t0>x p100 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("9100, broadcast", "t0", "t0>bcast n100 arp", "drop", "t0.vlan_not_allowed"),
		ROW("9100 where 802.1ad is allowed", "q0", "q0>x n100 udp4:1>2", "drop", "q0.vlan_not_allowed"),
		ROW("9100 from EST", "e0", "e0>x n100 udp4:1>2", "drop", "e0.vlan_from_access"),
		ROW("9200 from VST", "a0", "a0>x o100 udp4:1>2", "drop", "a0.vlan_from_access"),
		ROW("9100 behind a priority tag", "t0", "t0>x v0 n100 udp4:1>2", "drop", "t0.vlan_not_allowed"),
		ROW("9100 in a VLAN is payload", "t0", "t0>x v100 n200 udp4:1>2 len=80", "redirect u1[v100 n200]", "t0.to_uplink u1.sent"),
		ROW("a neighbour does not get 802.1ad", "q0", "q0>t0 s100 udp4:1>2", "redirect u1[s100]", "q0.to_uplink u1.sent"),
		ROW("nor as a broadcast", "q0", "q0>bcast s100 udp4:1>2", "redirect u1[s100]", "q0.flooded u1.sent"),
		UPLINK_ROW("nor from an uplink", "u0", "x>t0 s100", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("nor as a broadcast from an uplink", "u0", "x>bcast s100", "pass", "q0[s100] drop", "u0.flooded q0.sent"),
		UPLINK_ROW("9100 from an uplink", "u0", "x>e1 n100", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("9200 from an uplink, to VGT", "u0", "x>t0 o100", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("9300 from an uplink, broadcast", "u0", "x>bcast p100", "drop", "drop", "u0.unknown_vlan"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.group[sw.port[P_T0].group].flags = 0;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

Test(port_cases, sources_and_sizes)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("forged", "a0", "x>y", "drop", "a0.forged_source"),
		ROW("forged with a neighbour's address", "a0", "a1>x", "drop", "a0.forged_source"),
		ROW("forged broadcast", "a0", "x>bcast", "drop", "a0.forged_source"),
		ROW("forged to a local port", "a0", "x>a1", "drop", "a0.forged_source"),
		ROW("forging accepted", "f0", "x>y udp4:1>2", "redirect u1[v100]", "f0.to_uplink u1.sent"),
		ROW("learning goes on", "h0", "x>y udp4:1>2", "redirect u1[v300]", "h0.to_uplink u1.sent"),
		ROW("source is a group", "f0", "group>x", "drop", "f0.invalid_source"),
		ROW("source is broadcast", "f0", "bcast>x", "drop", "f0.invalid_source"),
		ROW("source is zero", "f0", "zero>x", "drop", "f0.invalid_source"),
		ROW("invalid source before reserved address", "a0", "zero>stp", "drop", "a0.invalid_source"),
		ROW("guest BPDU before VLAN", "a0", "a0>stp v7", "drop", "a0.guest_bpdu"),
		ROW("VLAN before forged source", "a0", "x>y v7", "drop", "a0.vlan_from_access"),
		ROW("forged before too big", "a0", "x>y len=1515", "drop", "a0.forged_source"),
		ROW("the longest untagged frame", "a0", "a0>x udp4:1>2 len=1514", "redirect u1[v100]", "a0.to_uplink u1.sent"),
		ROW("too big by one", "a0", "a0>x len=1515", "drop", "a0.too_big"),
		ROW("the longest tagged frame", "t0", "t0>x v100 udp4:1>2 len=1518", "redirect u1[v100]", "t0.to_uplink u1.sent"),
		ROW("tagged, too big by one", "t0", "t0>x v100 len=1519", "drop", "t0.too_big"),
		ROW("the longest with priority tag", "a0", "a0>x v0 udp4:1>2 len=1518", "redirect u1[v100]", "a0.to_uplink u1.sent"),
		ROW("the longest with two tags", "t0", "t0>x v100 v7 udp4:1>2 len=1522", "redirect u1[v100 v7]", "t0.to_uplink u1.sent"),
		ROW("with two tags, too big by one", "t0", "t0>x v100 v7 len=1523", "drop", "t0.too_big"),
		ROW("the longest with two tags, to VGT", "t0", "t0>q0 v100 v7 len=1522", "redirect q0[v100 v7]", "t0.to_port q0.sent"),
		ROW("the longest with two tags is too long for VST", "t0", "t0>a0 v100 v7 len=1522", "drop", "t0.too_big"),
		ROW("too big for a local port", "a0", "a0>a1 len=1515", "drop", "a0.too_big"),
		ROW("super-frames are not measured", "a0", "a0>x tcp4:1>2 len=3000 gso=3", "redirect u1[v100]", "a0.to_uplink u1.sent"),
		ROW("super-frame to a port", "a0", "a0>f0 tcp4:1>2 len=3000 gso=3", "redirect f0[]", "a0.to_port f0.sent"),
		ROW("unknown interface", "?", "a0>x", "drop", "?.unknown_port"),
		ROW("the interface of a port that is gone", "d0", "d0>x", "drop", "?.unknown_port"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* mac-changes alone: the daemon is asked to make it the port's address, and until it has, nothing
 * leaves. */
Test(port_cases, changing_address)
{
	/* clang-format off */
	static const struct case_row refused[] = {
		ROW("a new address", "f0", "x>y", "drop", "f0.forged_source"),
		ROW("a neighbour's", "f0", "a0>y", "drop", "f0.forged_source"),
		ROW("a new address, broadcast", "f0", "x>bcast", "drop", "f0.forged_source"),
		ROW("its own", "f0", "f0>x udp4:1>2", "redirect u1[v100]", "f0.to_uplink u1.sent"),
	}, accepted[] = {
	/* clang-format on */
		ROW("a new address", "f0", "x>y udp4:1>2", "redirect u1[v100]", "f0.to_uplink u1.sent"),
	};
	struct sw sw;

	cases_switch(&sw);
	sw.group[3].flags = UL_GROUP_MAC_CHANGES;
	run_cases(&sw, refused, ARRAY_SIZE(refused));
	sw.group[3].flags = UL_GROUP_MAC_CHANGES | UL_GROUP_FORGED_OK;
	run_cases(&sw, accepted, ARRAY_SIZE(accepted));
}

/* A copy that the interface refuses, here because the machine's end is down, is not counted as an
 * error; kernels that do not report it count it as sent. */
Test(port_cases, copy_without_room)
{
	static struct world_counters got;
	static struct frame_buf frame;
	struct world *world = world_new(WORLD_TC);
	const struct ul_count *at = got.at[UL_ENDPOINT_PORT0 + P_A1];
	struct live_list list;
	struct sw sw;

	cases_switch(&sw);
	sw.port[P_A1].xdp = false;
	world_apply(world, &sw);
	live_open(world);
	world_command("ip link set m%d down", P_A1);
	live_list_init(&list);
	frame_build(case_names, "a0>bcast udp4:1>3", &frame);
	live_send(world, case_endpoint("a0"), &frame);
	live_collect(world, 4, &list);
	world_counters(world, &got);
	cr_expect_eq(list.n, 4, "f0, t0, q0 and u0 receive it: %zu", list.n);
	cr_expect_eq(at[UL_R_SENT].packets + at[UL_R_QUEUE_FULL].packets, 1);
	cr_expect_eq(at[UL_R_FAILED].packets, 0);
	live_list_free(&list);
	world_free(world);
}

/* Every length that TEST_RUN takes, 14 to 80, untagged and tagged: the answer changes where a
 * header is complete, and nowhere else. */
Test(port_cases, cut_frames)
{
	enum { FIRST = 14, LAST = 80 };
	static struct case_row rows[4 * (LAST - FIRST + 1)];
	static char texts[ARRAY_SIZE(rows)][64];
	struct sw sw;
	size_t n = 0;

	cases_switch(&sw);
	for (int len = FIRST; len <= LAST; len++) {
		struct case_row *row = &rows[n];

		/* 4 ^ 7 and f0's 6 ^ x's 0x11 are both odd: u1, with and without a whole IP header
		 */
		snprintf(texts[n], sizeof(texts[n]), "f0>x udp4:4>7 len=%d", len);
		*row = (struct case_row){ "untagged",
					  "f0",
					  texts[n],
					  "redirect u1[v100]",
					  "f0.to_uplink u1.sent",
					  .no_wire = len < 15 };
		row = &rows[++n];
		/* with the header 1 ^ 3: u0; without, t0's 8 ^ 0x11: u1 */
		snprintf(texts[n], sizeof(texts[n]), "t0>x v100 udp4:1>3 len=%d", len);
		*row = (struct case_row){ "tagged",
					  "t0",
					  texts[n],
					  "redirect u0[v100]",
					  "t0.to_uplink u0.sent",
					  .no_wire = len < 20 };
		if (len < 18) {
			row->way = "drop";
			row->counters = "t0.truncated";
		} else if (len < 18 + 20) {
			row->way = "redirect u1[v100]";
			row->counters = "t0.to_uplink u1.sent";
		}
		row = &rows[++n];
		snprintf(texts[n], sizeof(texts[n]), "t0>x v100 udp6:1>3 len=%d", len);
		*row = rows[n - 1];
		row->frame = texts[n];
		if (len >= 18) {
			row->way = len < 18 + 40 ? "redirect u1[v100]" : "redirect u0[v100]";
			row->counters = len < 18 + 40 ? "t0.to_uplink u1.sent" :
							"t0.to_uplink u0.sent";
		}
		row = &rows[++n];
		snprintf(texts[n], sizeof(texts[n]), "t0>x s100 v7 udp4:1>3 len=%d", len);
		*row = rows[n - 2];
		row->frame = texts[n];
		row->no_wire = len < 22;
		if (len >= 18) {
			row->way = len < 20	 ? "redirect u1[s100]" :
				   len < 22 + 20 ? "redirect u1[s100 v7]" :
						   "redirect u0[s100 v7]";
			row->counters = len < 22 + 20 ? "t0.to_uplink u1.sent" :
							"t0.to_uplink u0.sent";
		}
		n++;
	}
	run_cases(&sw, rows, n);
}

Test(port_cases, no_uplink)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		ROW("unicast", "a0", "a0>x", "drop", "a0.no_uplink"),
		ROW("broadcast still reaches local ports", "a0", "a0>bcast arp", "a1[] f0[] t0[v100] q0[v100] drop",
		  "a0.flooded a0.no_uplink a1.sent f0.sent t0.sent q0.sent"),
		ROW("local traffic goes on", "a0", "a0>a1", "redirect a1[]", "a0.to_port a1.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	for (int i = 0; i < 3; i++)
		sw.uplink[i].send = false;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
	/* and when the daemon knows */
	sw.policy[0].known_dead = 3;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* u1 died; at first the programs alone know, then the buckets say so, and the notes stop. */
Test(port_cases, one_uplink_left)
{
	/* clang-format off */
	static const struct case_row before[] = {
		ROW("its flow moves", "a0", "a0>x udp4:1>2", "redirect u0[v100]", "a0.to_uplink a0.failover u0.sent"),
		ROW("the other flow stays", "a0", "a0>x udp4:1>3", "redirect u0[v100]", "a0.to_uplink u0.sent"),
		ROW("broadcast", "b0", "b0>bcast udp4:1>2", "q0[v200] redirect u0[v200]", "b0.flooded b0.failover q0.sent u0.sent"),
	}, after[] = {
	/* clang-format on */
		ROW("its flow has moved", "a0", "a0>x udp4:1>2", "redirect u0[v100]", "a0.to_uplink u0.sent"),
		ROW("the other flow stays", "a0", "a0>x udp4:1>3", "redirect u0[v100]", "a0.to_uplink u0.sent"),
		ROW("broadcast", "b0", "b0>bcast udp4:1>2", "q0[v200] redirect u0[v200]", "b0.flooded q0.sent u0.sent"),
	};
	struct sw sw;

	cases_switch(&sw);
	sw.uplink[1].send = false;
	run_cases(&sw, before, ARRAY_SIZE(before));
	/* Its interface is gone, and the flags do not say so yet. */
	sw.uplink[1].send = sw.uplink[1].absent = true;
	run_cases(&sw, before, ARRAY_SIZE(before));
	sw.policy[0].known_dead = 1 << 1;
	run_cases(&sw, after, ARRAY_SIZE(after));
}
