// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The lines of each vendor. docs/switch-config.md lists what was taken from vendors' manuals, and
 * what depends on the platform. Where a method has no keyword, a comment says so, because a guess
 * would be applied by someone.
 */
#include "config/keys.h"
#include "records/switch_config.h"

#define ONCE false
#define PORT true

/* clang-format off */

/* ---- Cisco IOS and IOS-XE ---- */
static const struct config_line cisco_ios[] = {
	{ WHEN_CHANNEL | WHEN_METHOD, ONCE, "port-channel load-balance {method}" },
	{ WHEN_CHANNEL | WHEN_NO_METHOD, ONCE, "! no load-balance keyword for the method of this vSwitch" },
	{ WHEN_JUMBO, ONCE, "! MTU {mtu} on the host: system mtu 9198 (or mtu 9216 per interface)" },
	{ WHEN_TAGGED, ONCE, "! where ISL exists: 'switchport trunk encapsulation dot1q' before each 'switchport mode trunk'" },
	{ WHEN_TAGGED, ONCE, "vlan {vlans}" },
	{ WHEN_CHANNEL, ONCE, "interface Port-channel{id}" },
	{ WHEN_CHANNEL, ONCE, " description {switch}" },
	{ WHEN_CHANNEL, ONCE, " switchport" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, " switchport mode trunk" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, " switchport trunk native vlan NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, " switchport trunk allowed vlan {vlans}" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, " switchport trunk allowed vlan add NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, " switchport mode access" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, " switchport access vlan NATIVE-VLAN" },
	{ WHEN_CHANNEL, ONCE, " switchport nonegotiate" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, " spanning-tree portfast trunk" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, " spanning-tree portfast" },
	{ 0, PORT, "interface {port}" },
	{ 0, PORT, " description {switch} {uplink}" },
	{ 0, PORT, " switchport" },
	{ WHEN_TAGGED, PORT, " switchport mode trunk" },
	{ WHEN_TAGGED | WHEN_UNTAGGED, PORT, " switchport trunk native vlan NATIVE-VLAN" },
	{ WHEN_TAGGED, PORT, " switchport trunk allowed vlan {vlans}" },
	{ WHEN_TAGGED | WHEN_UNTAGGED, PORT, " switchport trunk allowed vlan add NATIVE-VLAN" },
	{ WHEN_ONLY_UNTAGGED, PORT, " switchport mode access" },
	{ WHEN_ONLY_UNTAGGED, PORT, " switchport access vlan NATIVE-VLAN" },
	{ 0, PORT, " switchport nonegotiate" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, " spanning-tree portfast trunk" },
	{ WHEN_NO_CHANNEL | WHEN_ONLY_UNTAGGED, PORT, " spanning-tree portfast" },
	{ WHEN_FAST, PORT, " lacp rate fast" },
	{ WHEN_STATIC, PORT, " channel-group {id} mode on" },
	{ WHEN_LACP, PORT, " channel-group {id} mode active" },
	{ 0, PORT, " no shutdown" },
	{ 0, ONCE, "end" },
};

/* ---- Cisco NX-OS ---- */
static const struct config_line cisco_nxos[] = {
	{ WHEN_LACP, ONCE, "feature lacp" },
	{ WHEN_MLAG, ONCE, "! the vPC domain and its peer link must exist" },
	{ WHEN_CHANNEL | WHEN_METHOD, ONCE, "port-channel load-balance {method}" },
	{ WHEN_CHANNEL | WHEN_NO_METHOD, ONCE, "! no load-balance keyword for the method of this vSwitch" },
	{ WHEN_TAGGED, ONCE, "vlan {vlans}" },
	{ WHEN_CHANNEL, ONCE, "interface port-channel{id}" },
	{ WHEN_CHANNEL, ONCE, "  description {switch}" },
	{ WHEN_CHANNEL, ONCE, "  switchport" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "  switchport mode trunk" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "  switchport trunk native vlan NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "  switchport trunk allowed vlan {vlans}" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "  switchport trunk allowed vlan add NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "  spanning-tree port type edge trunk" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, "  switchport mode access" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, "  switchport access vlan NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, "  spanning-tree port type edge" },
	{ WHEN_CHANNEL | WHEN_JUMBO, ONCE, "  mtu 9216" },
	{ WHEN_MLAG, ONCE, "  vpc {id}" },
	{ 0, PORT, "interface {port}" },
	{ 0, PORT, "  description {switch} {uplink}" },
	{ 0, PORT, "  switchport" },
	{ WHEN_TAGGED, PORT, "  switchport mode trunk" },
	{ WHEN_TAGGED | WHEN_UNTAGGED, PORT, "  switchport trunk native vlan NATIVE-VLAN" },
	{ WHEN_TAGGED, PORT, "  switchport trunk allowed vlan {vlans}" },
	{ WHEN_TAGGED | WHEN_UNTAGGED, PORT, "  switchport trunk allowed vlan add NATIVE-VLAN" },
	{ WHEN_ONLY_UNTAGGED, PORT, "  switchport mode access" },
	{ WHEN_ONLY_UNTAGGED, PORT, "  switchport access vlan NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, "  spanning-tree port type edge trunk" },
	{ WHEN_NO_CHANNEL | WHEN_ONLY_UNTAGGED, PORT, "  spanning-tree port type edge" },
	{ WHEN_JUMBO, PORT, "  mtu 9216" },
	{ WHEN_FAST, PORT, "  lacp rate fast" },
	{ WHEN_STATIC, PORT, "  channel-group {id} mode on" },
	{ WHEN_LACP, PORT, "  channel-group {id} mode active" },
	{ 0, PORT, "  no shutdown" },
	{ 0, ONCE, "end" },
};

/* ---- Arista EOS ---- */
static const struct config_line arista_eos[] = {
	{ WHEN_MLAG, ONCE, "! the MLAG domain and its peer link must exist" },
	{ WHEN_CHANNEL, ONCE, "! the hash of a port-channel depends on the platform: see port-channel load-balance" },
	{ WHEN_TAGGED, ONCE, "vlan {vlans}" },
	{ WHEN_CHANNEL, ONCE, "interface Port-Channel{id}" },
	{ WHEN_CHANNEL, ONCE, "   description {switch}" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "   switchport mode trunk" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "   switchport trunk native vlan NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "   switchport trunk allowed vlan {vlans}" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "   switchport trunk allowed vlan add NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, "   switchport access vlan NATIVE-VLAN" },
	{ WHEN_CHANNEL, ONCE, "   spanning-tree portfast" },
	{ WHEN_MLAG, ONCE, "   mlag {id}" },
	{ 0, PORT, "interface {port}" },
	{ 0, PORT, "   description {switch} {uplink}" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, "   switchport mode trunk" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, PORT, "   switchport trunk native vlan NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, "   switchport trunk allowed vlan {vlans}" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, PORT, "   switchport trunk allowed vlan add NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_ONLY_UNTAGGED, PORT, "   switchport access vlan NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL, PORT, "   spanning-tree portfast" },
	{ WHEN_STATIC, PORT, "   channel-group {id} mode on" },
	{ WHEN_LACP, PORT, "   channel-group {id} mode active" },
	{ WHEN_FAST, PORT, "   lacp timer fast" },
	{ 0, PORT, "   no shutdown" },
	{ 0, ONCE, "end" },
};

/* ---- Juniper Junos (EX and QFX with ELS) ---- */
static const struct config_line juniper_junos[] = {
	{ WHEN_CHANNEL, ONCE, "# device-count must cover all aggregated interfaces of the switch" },
	{ WHEN_CHANNEL, ONCE, "set chassis aggregated-devices ethernet device-count 1" },
	{ WHEN_CHANNEL, ONCE, "# the hash of a bundle depends on the platform: see forwarding-options" },
	{ WHEN_CHANNEL, ONCE, "set interfaces ae0 description {switch}" },
	{ WHEN_LACP, ONCE, "set interfaces ae0 aggregated-ether-options lacp active" },
	{ WHEN_FAST, ONCE, "set interfaces ae0 aggregated-ether-options lacp periodic fast" },
	{ WHEN_SLOW, ONCE, "set interfaces ae0 aggregated-ether-options lacp periodic slow" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "set interfaces ae0 unit 0 family ethernet-switching interface-mode trunk" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "set interfaces ae0 unit 0 family ethernet-switching vlan members [ {vlans-blank} ]" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "set interfaces ae0 native-vlan-id NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_UNTAGGED, ONCE, "set interfaces ae0 unit 0 family ethernet-switching vlan members NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, "set interfaces ae0 unit 0 family ethernet-switching interface-mode access" },
	{ WHEN_CHANNEL | WHEN_JUMBO, ONCE, "set interfaces ae0 mtu 9216" },
	{ WHEN_CHANNEL, ONCE, "set protocols rstp interface ae0 edge" },
	{ WHEN_CHANNEL, PORT, "delete interfaces {port} unit 0" },
	{ 0, PORT, "set interfaces {port} description {switch}-{uplink}" },
	{ WHEN_CHANNEL, PORT, "set interfaces {port} ether-options 802.3ad ae0" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, "set interfaces {port} unit 0 family ethernet-switching interface-mode trunk" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, "set interfaces {port} unit 0 family ethernet-switching vlan members [ {vlans-blank} ]" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, PORT, "set interfaces {port} native-vlan-id NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_UNTAGGED, PORT, "set interfaces {port} unit 0 family ethernet-switching vlan members NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_ONLY_UNTAGGED, PORT, "set interfaces {port} unit 0 family ethernet-switching interface-mode access" },
	{ WHEN_NO_CHANNEL | WHEN_JUMBO, PORT, "set interfaces {port} mtu 9216" },
	{ WHEN_NO_CHANNEL, PORT, "set protocols rstp interface {port} edge" },
	{ 0, ONCE, "# the VLANs must be defined below [edit vlans]" },
};

/* ---- Aruba AOS-CX ---- */
static const struct config_line aruba_cx[] = {
	{ WHEN_MLAG, ONCE, "! VSX and its inter-switch link must be configured" },
	{ WHEN_TAGGED, ONCE, "vlan {vlans}" },
	{ WHEN_MLAG | WHEN_LACP, ONCE, "interface lag {id} multi-chassis" },
	{ WHEN_MLAG | WHEN_STATIC, ONCE, "interface lag {id} multi-chassis static" },
	{ WHEN_CHANNEL | WHEN_ONE_DEVICE, ONCE, "interface lag {id}" },
	{ WHEN_CHANNEL, ONCE, "    description {switch}" },
	{ WHEN_CHANNEL, ONCE, "    no routing" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "    vlan trunk native NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "    vlan trunk allowed {vlans}" },
	{ WHEN_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, ONCE, "    vlan trunk allowed NATIVE-VLAN" },
	{ WHEN_CHANNEL | WHEN_ONLY_UNTAGGED, ONCE, "    vlan access NATIVE-VLAN" },
	{ WHEN_LACP, ONCE, "    lacp mode active" },
	{ WHEN_FAST, ONCE, "    lacp rate fast" },
	{ WHEN_CHANNEL | WHEN_METHOD, ONCE, "    hash {method}" },
	{ WHEN_CHANNEL | WHEN_NO_METHOD, ONCE, "    ! no hash keyword for the method of this vSwitch" },
	{ WHEN_CHANNEL, ONCE, "    spanning-tree port-type admin-edge" },
	{ WHEN_CHANNEL, ONCE, "    no shutdown" },
	{ 0, PORT, "interface {port}" },
	{ 0, PORT, "    description {switch} {uplink}" },
	{ WHEN_JUMBO, PORT, "    mtu 9198" },
	{ WHEN_NO_CHANNEL, PORT, "    no routing" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, PORT, "    vlan trunk native NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, PORT, "    vlan trunk allowed {vlans}" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED | WHEN_UNTAGGED, PORT, "    vlan trunk allowed NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_ONLY_UNTAGGED, PORT, "    vlan access NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL, PORT, "    spanning-tree port-type admin-edge" },
	{ WHEN_CHANNEL, PORT, "    lag {id}" },
	{ 0, PORT, "    no shutdown" },
	{ 0, ONCE, "end" },
};

/* ---- MikroTik RouterOS 7 ---- */
static const struct config_line mikrotik[] = {
	{ WHEN_MLAG | WHEN_LACP, ONCE, "# /interface bridge mlag must name the bridge and the peer port" },
	{ WHEN_MLAG | WHEN_STATIC, ONCE, "# MLAG needs LACP: use 'channel: lacp', or one device" },
	{ WHEN_TAGGED, ONCE, "# BRIDGE needs vlan-filtering=yes" },
	{ WHEN_CHANNEL | WHEN_NO_METHOD, ONCE, "# no transmit-hash-policy for the method of this vSwitch: layer-2-and-3 is the nearest" },
	{ WHEN_STATIC | WHEN_METHOD, ONCE, "/interface bonding add name={switch} mode=balance-xor slaves={ports} transmit-hash-policy={method}" },
	{ WHEN_STATIC | WHEN_NO_METHOD, ONCE, "/interface bonding add name={switch} mode=balance-xor slaves={ports} transmit-hash-policy=layer-2-and-3" },
	{ WHEN_FAST | WHEN_METHOD, ONCE, "/interface bonding add name={switch} mode=802.3ad slaves={ports} lacp-rate=1sec transmit-hash-policy={method}" },
	{ WHEN_FAST | WHEN_NO_METHOD, ONCE, "/interface bonding add name={switch} mode=802.3ad slaves={ports} lacp-rate=1sec transmit-hash-policy=layer-2-and-3" },
	{ WHEN_SLOW | WHEN_METHOD, ONCE, "/interface bonding add name={switch} mode=802.3ad slaves={ports} lacp-rate=30secs transmit-hash-policy={method}" },
	{ WHEN_SLOW | WHEN_NO_METHOD, ONCE, "/interface bonding add name={switch} mode=802.3ad slaves={ports} lacp-rate=30secs transmit-hash-policy=layer-2-and-3" },
	{ WHEN_MLAG | WHEN_LACP, ONCE, "/interface bonding set {switch} mlag-id={id}" },
	{ WHEN_JUMBO, ONCE, "# MTU {mtu} on the host: raise l2mtu and mtu of the ports" },
	{ WHEN_CHANNEL, ONCE, "/interface bridge port add bridge=BRIDGE interface={switch} edge=yes" },
	{ WHEN_CHANNEL | WHEN_TAGGED, ONCE, "/interface bridge vlan add bridge=BRIDGE tagged={switch} vlan-ids={vlans}" },
	{ WHEN_CHANNEL | WHEN_UNTAGGED, ONCE, "/interface bridge port set [find interface={switch}] pvid=NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL, PORT, "/interface bridge port add bridge=BRIDGE interface={port} edge=yes" },
	{ WHEN_NO_CHANNEL | WHEN_UNTAGGED, PORT, "/interface bridge port set [find interface={port}] pvid=NATIVE-VLAN" },
	{ WHEN_NO_CHANNEL | WHEN_TAGGED, ONCE, "/interface bridge vlan add bridge=BRIDGE tagged={ports} vlan-ids={vlans}" },
};

#define LINES(name) .lines = name, .n_lines = ARRAY_SIZE(name)

static const struct vendor table[] = {
	{ .name = "cisco-ios", .comment = "!", LINES(cisco_ios),
	  .no_mlag = "the devices must be one stack or StackWise Virtual pair, else there is no channel",
	  .methods = { [UL_M_SRC_DST_IP] = "src-dst-ip", [UL_M_SRC_IP] = "src-ip", [UL_M_DST_IP] = "dst-ip",
		       [UL_M_SRC_MAC] = "src-mac", [UL_M_DST_MAC] = "dst-mac", [UL_M_SRC_DST_MAC] = "src-dst-mac",
		       [UL_M_SRC_DST_IP_PORT] = "src-dst-mixed-ip-port" } },
	{ .name = "cisco-nxos", .comment = "!", LINES(cisco_nxos),
	  .methods = { [UL_M_SRC_DST_IP] = "src-dst ip", [UL_M_SRC_IP] = "src ip", [UL_M_DST_IP] = "dst ip",
		       [UL_M_SRC_MAC] = "src mac", [UL_M_DST_MAC] = "dst mac", [UL_M_SRC_DST_MAC] = "src-dst mac",
		       [UL_M_SRC_DST_IP_PORT] = "src-dst ip-l4port" } },
	{ .name = "arista-eos", .comment = "!", LINES(arista_eos) },
	{ .name = "juniper-junos", .comment = "#", LINES(juniper_junos),
	  .no_mlag = "the devices must be one Virtual Chassis; MC-LAG needs further statements" },
	{ .name = "aruba-cx", .comment = "!", LINES(aruba_cx),
	  .methods = { [UL_M_SRC_DST_IP] = "l3-src-dst", [UL_M_SRC_DST_MAC] = "l2-src-dst",
		       [UL_M_SRC_DST_IP_PORT] = "l4-src-dst" } },
	{ .name = "mikrotik", .comment = "#", LINES(mikrotik),
	  .methods = { [UL_M_SRC_DST_MAC] = "layer-2", [UL_M_SRC_DST_IP] = "layer-2-and-3",
		       [UL_M_SRC_DST_IP_PORT] = "layer-3-and-4" } },
};
/* clang-format on */

const struct vendor *vendors(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(table);
	return table;
}

const struct vendor *vendor_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const char *vendor_names(char *text, size_t size)
{
	const char *names[ARRAY_SIZE(table)];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		names[i] = table[i].name;
	return join_names(names, ARRAY_SIZE(table), text, size);
}
