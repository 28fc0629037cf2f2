// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Verdicts for frames from uplinks: by uplink_tc, by uplink_xdp, and by both in sequence. cases.h
 * describes the switch and the notation. */
#include <criterion/criterion.h>

#include "cases.h"

TestSuite(uplink_cases, .timeout = 900);

Test(uplink_cases, unicast)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("to EST", "u0", "x>e0", "pass", "redirect e0[]", "u0.to_port e0.sent"),
		UPLINK_ROW("to EST with a priority tag", "u0", "x>e0 v0p3", "pass", "redirect e0[]", "u0.to_port e0.sent"),
		UPLINK_ROW("to an EST port that takes XDP", "u1", "x>e1", "redirect", "redirect e1[]", "u1.to_port e1.sent"),
		UPLINK_ROW("XDP removes a priority tag", "u1", "x>e1 v0p3", "redirect", "redirect e1[]", "u1.to_port e1.sent"),
		UPLINK_ROW("to EST with a priority tag, TCP", "u1", "x>e1 v0p3 tcp4:1>2", "pass", "redirect e1[]", "u1.to_port e1.sent"),
		UPLINK_ROW("to VGT with a priority tag", "u0", "x>t0 v0p3", "pass", "redirect t0[v0p3]", "u0.to_port t0.sent"),
		UPLINK_ROW("a tag behind a priority tag, to EST", "u1", "x>e1 v0 v200", "drop", "drop", "u1.vlan_not_allowed"),
		UPLINK_ROW("a tag behind a priority tag, to VGT", "u0", "x>t0 v0 v100", "drop", "drop", "u0.vlan_not_allowed"),
		UPLINK_ROW("behind two priority tags", "u0", "x>t0 v0 v0 v200", "drop", "drop", "u0.vlan_not_allowed"),
		UPLINK_ROW("a service tag behind a priority tag", "u0", "x>q0 v0 s200", "drop", "drop", "u0.vlan_not_allowed"),
		UPLINK_ROW("a tag behind a service tag without a VLAN", "u0", "x>q0 s0 v200", "drop", "drop", "u0.vlan_not_allowed"),
		UPLINK_ROW("to VST", "u0", "x>a0 v100", "pass", "redirect a0[]", "u0.to_port a0.sent"),
		UPLINK_ROW("to VST by XDP", "u0", "x>a1 v100p7", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("to VST by XDP, IPv6", "u0", "x>a1 v100 udp6:1>2", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("to VST by XDP, ARP", "u0", "x>a1 v100 arp", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("to VST by XDP, fragment", "u0", "x>a1 v100 frag4:1>2", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("TCP goes through TC", "u0", "x>a1 v100 tcp4:1>2", "pass", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("TCP over IPv6 goes through TC", "u0", "x>a1 v100 tcp6:1>2", "pass", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("TCP behind two tags goes through TC", "u0", "x>a1 v100 v7 tcp4:1>2", "pass", "redirect a1[v7]", "u0.to_port a1.sent"),
		UPLINK_ROW("an inner tag is payload", "u0", "x>a1 v100 v7 udp4:1>2", "redirect", "redirect a1[v7]", "u0.to_port a1.sent"),
		UPLINK_ROW("to VST in the other group", "u0", "x>f0 v100", "pass", "redirect f0[]", "u0.to_port f0.sent"),
		UPLINK_ROW("to VGT", "u0", "x>t0 v100p2", "pass", "redirect t0[v100p2]", "u0.to_port t0.sent"),
		UPLINK_ROW("to VGT, untagged", "u0", "x>t0", "pass", "redirect t0[]", "u0.to_port t0.sent"),
		UPLINK_ROW("to VGT, QinQ", "u0", "x>t0 s100 v200", "pass", "redirect t0[s100 v200]", "u0.to_port t0.sent"),
		UPLINK_ROW("to 4095", "u0", "x>q0 v4094", "pass", "redirect q0[v4094]", "u0.to_port q0.sent"),
		UPLINK_ROW("a learning port's VLAN goes through TC", "u0", "x>h0 v300", "pass", "redirect h0[]", "u0.to_port h0.sent"),
		UPLINK_ROW("unknown address", "u0", "x>y v100", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("unknown address, untagged", "u0", "x>y", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("the address lives in another VLAN", "u0", "x>a0 v200", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("a VST address untagged", "u0", "x>a0", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("an EST address with a tag", "u0", "x>e0 v100", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("a VGT address outside its list", "u0", "x>t0 v200", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("QinQ never reaches VST", "u0", "x>a0 s100", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("QinQ never reaches VST by XDP", "u0", "x>a1 s100", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("tag 4095", "u0", "x>q0 v4095", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("unknown address goes to the learning port", "u0", "x>y v300", "pass", "h0[] drop", "u0.flooded h0.sent"),
		UPLINK_ROW("a port without an interface is elsewhere", "u0", "x>d0 v100", "drop", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("an uplink that the policy does not use", "u2", "x>a0 v100", "drop", "drop", "u2.inactive_uplink"),
		UPLINK_ROW("our own address as source, unicast", "u0", "a0>a1 v100", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
	}, leaving[] = {
	/* clang-format on */
		UPLINK_ROW("its interface has just gone", "u0", "x>d0 v100", "pass", "drop", "u0.port_down"),
	};
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows));
	sw.port[P_D0].leaving = true;
	run_cases(&sw, leaving, ARRAY_SIZE(leaving));
}

Test(uplink_cases, groups_of_receivers)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("broadcast, untagged", "u0", "x>bcast arp", "pass", "e0[] e1[] t0[] q0[] drop",
			   "u0.flooded e0.sent e1.sent t0.sent q0.sent"),
		UPLINK_ROW("broadcast with a priority tag", "u0", "x>bcast v0p3 arp", "pass", "e0[] e1[] t0[v0p3] q0[v0p3] drop",
			   "u0.flooded e0.sent e1.sent t0.sent q0.sent"),
		UPLINK_ROW("broadcast, a tag behind a priority tag", "u0", "x>bcast v0 v200", "drop", "drop", "u0.vlan_not_allowed"),
		UPLINK_ROW("broadcast, VLAN 100", "u1", "x>bcast v100p1 arp", "pass", "a0[] a1[] f0[] t0[v100p1] q0[v100p1] drop",
			   "u1.flooded a0.sent a1.sent f0.sent t0.sent q0.sent"),
		UPLINK_ROW("broadcast with an inner tag", "u1", "x>bcast v100 v9", "pass", "a0[v9] a1[v9] f0[v9] t0[v100 v9] q0[v100 v9] drop",
			   "u1.flooded a0.sent a1.sent f0.sent t0.sent q0.sent"),
		UPLINK_ROW("broadcast, QinQ", "u1", "x>bcast s100 v9", "pass", "t0[s100 v9] q0[s100 v9] drop", "u1.flooded t0.sent q0.sent"),
		UPLINK_ROW("multicast", "u0", "x>mcast v200", "pass", "b0[] q0[v200] drop", "u0.flooded b0.sent q0.sent"),
		UPLINK_ROW("PVST of the neighbour is a multicast", "u0", "x>pvst v200", "pass", "b0[] q0[v200] drop",
			   "u0.flooded b0.sent q0.sent"),
		UPLINK_ROW("broadcast by an uplink that the policy does not use", "u2", "x>bcast v100", "pass", "drop", "u2.inactive_uplink"),
		UPLINK_ROW("reflected", "u0", "a0>bcast v100", "drop", "drop", "u0.reflected u0.address_outside a0.address_outside"),
		UPLINK_ROW("reflected from a VGT port", "u0", "t0>bcast v100", "drop", "drop", "u0.reflected u0.address_outside t0.address_outside"),
		UPLINK_ROW("reflected, untagged", "u0", "e0>mcast", "drop", "drop", "u0.reflected u0.address_outside e0.address_outside"),
		UPLINK_ROW("from a machine that was here", "u0", "d0>bcast v100", "pass", "a0[] a1[] f0[] t0[v100] q0[v100] drop",
			   "u0.flooded a0.sent a1.sent f0.sent t0.sent q0.sent"),
		UPLINK_ROW("our address in another VLAN is a stranger's", "u0", "a0>bcast v200", "pass", "b0[] q0[v200] drop",
			   "u0.flooded b0.sent q0.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

Test(uplink_cases, control_and_refusals)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("LACP", "u0", "x>slow t8809", "pass", "pass", "u0.control"),
		UPLINK_ROW("LACP on an unused uplink", "u2", "x>slow t8809", "pass", "pass", "u2.control"),
		UPLINK_ROW("LLDP", "u1", "x>lldp t88cc", "pass", "pass", "u1.control"),
		UPLINK_ROW("LLDP to another of its addresses", "u1", "x>stp t88cc", "pass", "pass", "u1.control"),
		UPLINK_ROW("PAgP, CDP", "u0", "x>cisco t0032", "pass", "pass", "u0.control"),
		UPLINK_ROW("LACP from a group address is still for the daemon", "u0", "group>slow t8809", "pass", "pass", "u0.control"),
		UPLINK_ROW("LACP with a tag", "u0", "x>slow v100 t8809", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("LACP with a priority tag", "u0", "x>slow v0p6 t8809", "pass", "pass", "u0.control"),
		UPLINK_ROW("LLDP with a priority tag", "u0", "x>lldp v0 t88cc", "pass", "pass", "u0.control"),
		UPLINK_ROW("CDP with a priority tag", "u0", "x>cisco v0p7 t0032", "pass", "pass", "u0.control"),
		UPLINK_ROW("a port's LLDP that the switch sent back", "u0", "e0>lldp t88cc", "drop", "drop", "u0.reflected u0.address_outside e0.address_outside"),
		UPLINK_ROW("a port's CDP that the switch sent back", "u1", "t0>cisco snap2000", "drop", "drop", "u1.reflected u1.address_outside t0.address_outside"),
		UPLINK_ROW("LACP behind two priority tags", "u0", "x>slow v0 v0 t8809", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("CDP behind a hidden tag", "u0", "x>cisco v0 v200 t0032", "drop", "drop", "u0.vlan_not_allowed"),
		UPLINK_ROW("802.1X", "u0", "x>pae t888e", "pass", "pass", "u0.control"),
		UPLINK_ROW("802.1X with a priority tag", "u0", "x>pae v0 t888e", "pass", "pass", "u0.control"),
		UPLINK_ROW("802.1X with a tag", "u0", "x>pae v100 t888e", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("802.1X to another address", "u0", "x>r5 t888e", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("something else to the address of 802.1X", "u0", "x>pae udp4:1>2", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("peer delay of PTP", "u1", "x>lldp t88f7", "pass", "pass", "u1.control"),
		UPLINK_ROW("PTP to another address", "u1", "x>r5 t88f7", "drop", "drop", "u1.reserved_address"),
		UPLINK_ROW("spanning tree", "u0", "x>stp t0026", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("a reserved address", "u0", "x>r5", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("tagged CDP is a multicast", "u0", "x>cisco v200 t0032", "pass", "b0[] q0[v200] drop", "u0.flooded b0.sent q0.sent"),
		UPLINK_ROW("source is a group", "u0", "group>a0 v100", "drop", "drop", "u0.invalid_source"),
		UPLINK_ROW("source is zero", "u0", "zero>bcast v100", "drop", "drop", "u0.invalid_source"),
		UPLINK_ROW("reserved before source", "u0", "zero>r5", "drop", "drop", "u0.reserved_address"),
		UPLINK_ROW("the longest frame", "u0", "x>a1 v100 len=1518", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("too big by one", "u0", "x>a1 v100 len=1519", "drop", "drop", "u0.too_big"),
		UPLINK_ROW("the longest untagged frame", "u0", "x>e1 len=1514", "redirect", "redirect e1[]", "u0.to_port e1.sent"),
		UPLINK_ROW("untagged, too big by one", "u0", "x>e1 len=1515", "drop", "drop", "u0.too_big"),
		UPLINK_ROW("too big by one, TCP", "u0", "x>a1 v100 tcp4:1>2 len=1519", "pass", "drop", "u0.too_big"),
		UPLINK_ROW("the longest with two tags, to VGT", "u0", "x>q0 v100 v7 udp4:1>2 len=1522", "pass", "redirect q0[v100 v7]", "u0.to_port q0.sent"),
		UPLINK_ROW("with two tags, too big by one, to VGT", "u0", "x>q0 v100 v7 udp4:1>2 len=1523", "pass", "drop", "u0.too_big"),
		UPLINK_ROW("with two tags, too big by one, to VST", "u0", "x>a1 v100 v7 udp4:1>2 len=1519", "drop", "drop", "u0.too_big"),
		UPLINK_ROW("super-frame", "u0", "x>a0 v100 tcp4:1>2 len=3000 gso=3", "pass", "redirect a0[]", "u0.to_port a0.sent"),
		UPLINK_ROW("an uplink that is gone", "u1", "x>a0 v100", "drop", "drop", "?.unknown_port"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	run_cases(&sw, rows, ARRAY_SIZE(rows) - 1);
	sw.uplink[1].absent = true;
	run_cases(&sw, rows + ARRAY_SIZE(rows) - 1, 1);
}

/* Segments of 1448 bytes behind an IPv4 header need an MTU of 1468 at least. */
Test(uplink_cases, super_frames_are_measured_by_their_segments)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("they fit", "u0", "x>e1 tcp4:1>2 len=3000 gso=3", "pass", "redirect e1[]", "u0.to_port e1.sent"),
		UPLINK_ROW("they do not", "u0", "x>a1 v100 tcp4:1>2 len=3000 gso=3", "pass", "drop", "u0.too_big"),
		ROW("they fit the port", "e1", "e1>x tcp4:1>2 len=3000 gso=3", "redirect u1[]", "e1.to_uplink u1.sent"),
		ROW("they do not fit the port", "a1", "a1>x tcp4:1>2 len=3000 gso=3", "drop", "a1.too_big"),
		ROW("they do not fit the other port", "a0", "a0>a1 tcp4:1>2 len=3000 gso=3", "drop", "a0.too_big"),
		ROW("a frame that does not fit the other port", "a0", "a0>a1 len=1500", "drop", "a0.too_big"),
		ROW("one that does", "a0", "a0>a1 len=1400", "redirect a1[]", "a0.to_port a1.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.port[P_E1].max_frame = 1468 + 18;
	sw.port[P_A1].max_frame = 1467 + 18;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

Test(uplink_cases, unknown_vlan)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("no group has it", "u0", "x>a0 v7", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("broadcast that no group has", "u0", "x>bcast v7", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("QinQ with a VLAN of VST groups only", "u0", "x>b0 s200", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("QinQ with a VLAN of a VGT list", "u0", "x>t0 s300", "pass", "redirect t0[s300]", "u0.to_port t0.sent"),
		UPLINK_ROW("tag 4095", "u0", "x>bcast v4095", "drop", "drop", "u0.unknown_vlan"),
		UPLINK_ROW("VLAN before address", "u0", "x>y v4094", "drop", "drop", "u0.unknown_vlan"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	/* without the group that has them all */
	memset(sw.group[sw.port[P_Q0].group].vlans, 0, sizeof(sw.group[0].vlans));
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

Test(uplink_cases, not_receiving)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("unicast", "u0", "x>a0 v100", "drop", "drop", "u0.inactive_uplink"),
		UPLINK_ROW("broadcast", "u0", "x>bcast v100", "drop", "drop", "u0.inactive_uplink"),
		UPLINK_ROW("before the VLAN", "u0", "x>y v4095", "drop", "drop", "u0.inactive_uplink"),
		UPLINK_ROW("control frames go on", "u0", "x>slow t8809", "pass", "pass", "u0.control"),
		UPLINK_ROW("the other uplink receives", "u1", "x>a0 v100", "pass", "redirect a0[]", "u1.to_port a0.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.uplink[0].receive = false;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* Without a channel a port receives broadcasts by its own uplink only, and unicast by each that
 * serves. */
Test(uplink_cases, without_channel)
{
	/* port-id: e0, a0, b0, d0, q0 (even numbers) on u0; e1, a1, f0, t0, h0 on u1; u2 stands by
	 */
	/* clang-format off */
	static const struct case_row all_up[] = {
		UPLINK_ROW("broadcast by u0", "u0", "x>bcast v100", "pass", "a0[] q0[v100] drop", "u0.flooded a0.sent q0.sent"),
		UPLINK_ROW("broadcast by u1", "u1", "x>bcast v100", "pass", "a1[] f0[] t0[v100] drop", "u1.flooded a1.sent f0.sent t0.sent"),
		UPLINK_ROW("broadcast by the standby", "u2", "x>bcast v100", "pass", "drop", "u2.inactive_uplink"),
		UPLINK_ROW("unicast by the other uplink", "u1", "x>a0 v100", "pass", "redirect a0[]", "u1.to_port a0.sent"),
		UPLINK_ROW("unicast by the standby", "u2", "x>a0 v100", "drop", "drop", "u2.inactive_uplink"),
	}, watched[] = {
	/* clang-format on */
		UPLINK_ROW("unicast to another port, by its uplink", "u0", "x>a0 v100", "pass", "f0[] redirect a0[]", "u0.to_port f0.sent a0.sent"),
		UPLINK_ROW("unicast to another port, by the watcher's uplink", "u1", "x>a0 v100", "pass", "f0[] redirect a0[]", "u1.to_port f0.sent a0.sent"),
		UPLINK_ROW("unknown unicast by the other uplink", "u0", "x>y v100", "pass", "drop", "u0.unknown_unicast"),
		UPLINK_ROW("unknown unicast by its own", "u1", "x>y v100", "pass", "f0[] drop", "u1.flooded f0.sent"),
		UPLINK_ROW("by an uplink that no group uses", "u2", "x>a0 v100", "pass", "drop", "u2.inactive_uplink"),
	/* clang-format off */
	}, u1_died[] = {
		UPLINK_ROW("the standby has taken the place", "u2", "x>bcast v100", "pass", "a1[] f0[] t0[v100] drop",
			   "u2.flooded a1.sent f0.sent t0.sent"),
		UPLINK_ROW("the others receive from u0 as before", "u0", "x>bcast v100", "pass", "a0[] q0[v100] drop", "u0.flooded a0.sent q0.sent"),
		UPLINK_ROW("unicast by the standby", "u2", "x>a0 v100", "pass", "redirect a0[]", "u2.to_port a0.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	for (int i = 0; i < sw.n_groups; i++)
		sw.group[i].policy = 1;
	run_cases(&sw, all_up, ARRAY_SIZE(all_up));
	/* A promiscuous port on u1 sees what comes to a0 by a0's uplink, and no flooded frame
	 * twice. */
	sw.group[sw.port[P_F0].group].flags |= UL_GROUP_PROMISCUOUS;
	run_cases(&sw, watched, ARRAY_SIZE(watched));
	sw.group[sw.port[P_F0].group].flags = 0;
	sw.uplink[1].send = false;
	run_cases(&sw, u1_died, ARRAY_SIZE(u1_died));
	sw.policy[1].known_dead = 1 << 1;
	run_cases(&sw, u1_died, ARRAY_SIZE(u1_died));
}

/* The switch sends by any link of its channel, whatever the hash here is over: also by one in its
 * up-delay, and one being drained. */
Test(uplink_cases, rehash_modulo)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("unicast by the one that sends", "u0", "x>a1 v100", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("unicast by the other", "u1", "x>a1 v100", "redirect", "redirect a1[]", "u1.to_port a1.sent"),
		UPLINK_ROW("TCP by the other", "u1", "x>a0 v100 tcp4:1>2", "pass", "redirect a0[]", "u1.to_port a0.sent"),
		UPLINK_ROW("broadcast by the other", "u1", "x>bcast v200", "pass", "b0[] q0[v200] drop", "u1.flooded b0.sent q0.sent"),
		ROW("both flows by the one that sends", "a0", "a0>x udp4:1>2", "redirect u0[v100]", "a0.to_uplink u0.sent"),
	}, drained[] = {
	/* clang-format on */
		UPLINK_ROW("unicast", "u1", "x>a1 v100", "redirect", "redirect a1[]", "u1.to_port a1.sent"),
		UPLINK_ROW("unicast by the standby", "u2", "x>a1 v100", "redirect", "redirect a1[]", "u2.to_port a1.sent"),
	};
	struct sw sw;

	cases_switch(&sw);
	sw.policy[0].modulo = true;
	sw.policy[0].known_dead = 1 << 1;
	sw.uplink[1].send = false;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
	sw.uplink[1].drained = true;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
	/* Without a channel: what is being drained still receives; u0, the last active one, has
	 * failed, so the standby serves. */
	for (int i = 0; i < sw.n_groups; i++)
		sw.group[i].policy = 1;
	sw.policy[1].modulo = true;
	sw.policy[1].known_dead = 3;
	sw.uplink[0].send = false;
	run_cases(&sw, drained, ARRAY_SIZE(drained));
	sw.policy[1].known_dead = 2;
	sw.uplink[0].send = true;
	run_cases(&sw, drained, 1);
}

/* receive: xdp */
Test(uplink_cases, tcp_by_xdp)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("TCP", "u0", "x>a1 v100 tcp4:1>2", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("TCP over IPv6", "u0", "x>a1 v100 tcp6:1>2", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("TCP, EST", "u0", "x>e1 tcp4:1>2", "pass", "redirect e1[]", "u0.to_port e1.sent"),
		UPLINK_ROW("TCP to a port that takes no XDP frames", "u0", "x>a0 v100 tcp4:1>2", "pass", "redirect a0[]", "u0.to_port a0.sent"),
		UPLINK_ROW("UDP", "u0", "x>a1 v100", "redirect", "redirect a1[]", "u0.to_port a1.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.port[P_A1].xdp_tcp = sw.port[P_A0].xdp_tcp = true;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* A port that may get frames which do not fit one XDP buffer gets all of its frames by TC, so that
 * they stay in order. */
Test(uplink_cases, jumbo_port)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("a short frame", "u0", "x>a1 v100", "pass", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("a long frame", "u0", "x>a1 v100 len=3001", "pass", "redirect a1[]", "u0.to_port a1.sent"),
		UPLINK_ROW("the longest that fits XDP", "u0", "x>e1 len=2996", "redirect", "redirect e1[]", "u0.to_port e1.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.port[P_A1].max_frame = 9018;
	sw.port[P_E1].max_frame = 3000;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* A trunk port that takes XDP frames gets those with two tags by TC, whatever their length. */
Test(uplink_cases, two_tags_to_a_trunk_port)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("one tag", "u0", "x>t0 v100", "redirect", "redirect t0[v100]", "u0.to_port t0.sent"),
		UPLINK_ROW("two tags", "u0", "x>t0 v100 v7", "pass", "redirect t0[v100 v7]", "u0.to_port t0.sent"),
		UPLINK_ROW("two tags at full MTU", "u0", "x>t0 v100 v7 len=1522", "pass", "redirect t0[v100 v7]", "u0.to_port t0.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.port[P_T0].xdp = true;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* A frame in several buffers is measured and counted as a whole. */
Test(uplink_cases, frame_in_several_buffers)
{
	static struct world_counters want, got;
	static struct frame_buf frame;
	static struct world_run run;
	struct world *world = world_new(WORLD_XDP);
	const struct model_count too_big = { 0, UL_R_TOO_BIG }, to_port = { 0, UL_R_TO_PORT },
				 sent = { UL_ENDPOINT_PORT0 + P_E1, UL_R_SENT };
	struct sw sw;

	cases_switch(&sw);
	for (uint32_t first = 300; first <= 2900; first += 1300) {
		sw.port[P_E1].max_frame = 3000;
		world_apply(world, &sw);
		for (uint32_t len = 2996; len <= 2997; len++) {
			memset(&want, 0, sizeof(want));
			if (len == 2996) {
				world_add_count(&want, &to_port, 1, len);
				world_add_count(&want, &sent, 1, len);
			} else {
				world_add_count(&want, &too_big, 1, len);
			}
			frame_build(case_names, "x>e1", &frame);
			frame.len = len;
			if (!world_test_run_buffers(world, 0, &frame, first, &run))
				cr_skip_test("TEST_RUN with several buffers needs Linux 6.18");
			world_counters(world, &got);
			cr_expect_eq(run.verdict, len == 2996 ? XDP_REDIRECT : XDP_DROP,
				     "%u bytes, %u in the first buffer: %u", len, first,
				     run.verdict);
			cr_expect(world_same_counters(&want, &got));
		}
	}
	world_free(world);
}

Test(uplink_cases, promiscuous)
{
	/* clang-format off */
	static const struct case_row rows[] = {
		UPLINK_ROW("unicast to another port", "u0", "x>a0 v100", "pass", "f0[] redirect a0[]", "u0.to_port f0.sent a0.sent"),
		UPLINK_ROW("unicast to a VGT port", "u0", "x>t0 v100p1", "pass", "f0[] redirect t0[v100p1]", "u0.to_port f0.sent t0.sent"),
		UPLINK_ROW("unicast to itself comes once", "u0", "x>f0 v100", "pass", "redirect f0[]", "u0.to_port f0.sent"),
		UPLINK_ROW("unknown unicast", "u0", "x>y v100", "pass", "f0[] drop", "u0.flooded f0.sent"),
		UPLINK_ROW("not of another VLAN", "u0", "x>b0 v200", "pass", "redirect b0[]", "u0.to_port b0.sent"),
		ROW("between ports", "a0", "a0>a1", "f0[] redirect a1[]", "a0.to_port f0.sent a1.sent"),
		ROW("from VGT to VST", "t0", "t0>a1 v100p2", "f0[] redirect a1[]", "t0.to_port f0.sent a1.sent"),
		ROW("from VGT to VGT", "t0", "t0>q0 v100p2", "f0[] redirect q0[v100p2]", "t0.to_port f0.sent q0.sent"),
		ROW("to an uplink", "a0", "a0>x udp4:1>2", "f0[] redirect u1[v100]", "a0.to_uplink f0.sent u1.sent"),
		ROW("from VGT to an uplink", "t0", "t0>x v100p6 v5 udp4:1>2", "f0[v5] redirect u1[v100p6 v5]", "t0.to_uplink f0.sent u1.sent"),
		ROW("its own frames do not come back", "f0", "f0>a0", "redirect a0[]", "f0.to_port a0.sent"),
	};
	/* clang-format on */
	struct sw sw;

	cases_switch(&sw);
	sw.group[3].flags |= UL_GROUP_PROMISCUOUS;
	run_cases(&sw, rows, ARRAY_SIZE(rows));
}

/* Every length from 14 to 80. */
Test(uplink_cases, cut_frames)
{
	enum { FIRST = 14, LAST = 80 };
	static struct case_row rows[3 * (LAST - FIRST + 1)];
	static char texts[ARRAY_SIZE(rows)][64];
	struct sw sw;
	size_t n = 0;

	cases_switch(&sw);
	for (int len = FIRST; len <= LAST; len++) {
		snprintf(texts[n], sizeof(texts[n]), "x>e1 udp4:1>2 len=%d", len);
		rows[n] = (struct case_row)UPLINK_ROW("untagged", "u0", texts[n], "redirect",
						      "redirect e1[]", "u0.to_port e1.sent");
		rows[n++].no_wire = len < 15;
		snprintf(texts[n], sizeof(texts[n]), "x>a1 v100 udp4:1>2 len=%d", len);
		rows[n] = (struct case_row)UPLINK_ROW("tagged", "u0", texts[n], "redirect",
						      "redirect a1[]", "u0.to_port a1.sent");
		if (len < 18) {
			rows[n].way = rows[n].xdp = "drop";
			rows[n].counters = "u0.truncated";
		}
		rows[n++].no_wire = len < 20;
		/* Whether it is TCP stands in the IP header; where that is cut, XDP takes it. */
		snprintf(texts[n], sizeof(texts[n]), "x>a1 v100 tcp4:1>2 len=%d", len);
		rows[n] = rows[n - 1];
		rows[n].frame = texts[n];
		if (len >= 18 + 20)
			rows[n].xdp = "pass";
		n++;
	}
	run_cases(&sw, rows, n);
}
