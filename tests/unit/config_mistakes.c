// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Each mistake that a file can have, with the whole text of its message. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "config/model.h"
#include "config_text.h"

struct mistake {
	const char *text;
	const char *messages; /* joined by newlines */
};

#define NAME_RULE "must be an interface name: 1-15 characters without '/', ':' and spaces"
#define MAC_RULE "must be a unicast MAC address such as 52:54:00:12:34:56"
#define VLAN_RULE "must be 0-4095 or a list such as \"10,20-30\""
#define GROUP_RULE "must be 1-63 printable characters without '/' and quotes"
#define METHOD_RULE \
	"must be src-dst-ip, src-ip, dst-ip, src-mac, dst-mac, src-dst-mac, src-dst-ip-port, port-id or failover-order"
#define ADDRESS_RULE \
	"must be a host address with prefix length such as 192.0.2.10/24 or 2001:db8::10/64"
#define SWITCH_KEYS \
	"must be one of name, mtu, receive, channel, up-delay-ms, carrier-poll-ms, take-addresses, bridge, uplinks, lacp, pagp, teaming, security or port-groups"

#define S0 "t.yaml:1: switches[0]."
#define G0 "t.yaml:1: switches[0].port-groups[0]."
#define P0 "t.yaml:1: switches[0].port-groups[0].ports[0]."
#define P1 "t.yaml:1: switches[0].port-groups[0].ports[1]."

/* clang-format off */
static const struct mistake syntax[] = {
	{ "switches: [\n", "t.yaml:2:1: did not find expected node content (while parsing a flow node, line 2)" },
	{ "switches:\n  - name: a\n name: b\n", "t.yaml:3:2: did not find expected key (while parsing a block mapping, line 1)" },
	{ "switches:\n\t- a\n", "t.yaml:2:1: found character that cannot start any token (while scanning for the next token, line 2)" },
	{ "switches: *missing\n", "t.yaml:1:11: alias missing: undefined: must be an anchor above it" },
	{ "a: &x 1\nb: &x 2\n", "t.yaml:2:4: anchor x: defined in line 1: must be another name" },
	{ "switches: 1\n# \xff\n", "t.yaml:2:3: invalid leading UTF-8 octet" },
	{ "switches: 'a\n", "t.yaml:2:1: found unexpected end of stream (while scanning a quoted scalar, line 1)" },
	{ SWITCHES(SWITCH("")) "---\na: 1\n", "t.yaml:2:1: a second document begins: must be one document" },
};
/* clang-format on */

/* clang-format off */
static const struct mistake shape[] = {
	{ "", "t.yaml:1: switches: missing: must be a list of 0-64 switches" },
	{ "# nothing\n", "t.yaml:1: switches: missing: must be a list of 0-64 switches" },
	{ "---\n...\n", "t.yaml:2: switches: missing: must be a list of 0-64 switches" },
	{ "hello", "t.yaml:1: hello: must be a mapping" },
	{ "[a, b]", "t.yaml:1: [a, b]: must be a mapping" },
	{ "switches: 5", "t.yaml:1: switches: 5: must be a list of 0-64 switches" },
	{ "switches:", "t.yaml:1: switches: no value: must be a list of 0-64 switches" },
	{ "switches: {name: a}", "t.yaml:1: switches: a mapping: must be a list of 0-64 switches" },
	{ "switches: [hello]", "t.yaml:1: switches[0]: hello: must be a mapping" },
	{ "switches: [~]", S0 "name: missing: must be 1-15 of [a-z0-9-]\n" S0 "uplinks: missing: must be a list of 1-24 network interfaces" },
	{ SWITCHES(SWITCH("")) "swithces: []", "t.yaml:2: swithces: unknown key: must be one of switches or control; the most similar is 'switches'" },
	{ SWITCHES(SWITCH("speed: 10")), S0 "speed: unknown key: " SWITCH_KEYS },
	{ SWITCHES(SWITCH("[a]: 10")), S0 "[a]: unknown key: " SWITCH_KEYS },
	{ SWITCHES(SWITCH("<<: {mtu: 1500}")),
	  S0 "<<: merge keys are not supported: write the keys out, or use an alias for a whole mapping" },
	{ SWITCHES(SWITCH("mtu: 1500, mtu: 9000")), S0 "mtu: 9000: is given twice: must be given once" },
	{ SWITCHES(SWITCH("teaming: yes")), S0 "teaming: yes: must be a mapping" },
	{ SWITCHES(SWITCH("security: [promiscuous]")), S0 "security: [promiscuous]: must be a mapping" },
	{ SWITCHES(SWITCH("port-groups: {name: g}")), S0 "port-groups: a mapping: must be a list of at most 4160 port groups" },
	{ SWITCHES(SWITCH("port-groups: [a]")), "t.yaml:1: switches[0].port-groups[0]: a: must be a mapping" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: vnet0")))), G0 "ports: vnet0: must be a list of at most 4096 ports" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [vnet0]")))), "t.yaml:1: switches[0].port-groups[0].ports[0]: vnet0: must be a mapping" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlans: 5")))), G0 "vlans: unknown key: must be one of name, vlan, qinq, bridge, teaming, security or ports; the most similar is 'vlan'" },
	{ SWITCHES(SWITCH("security: {promiscous: true}")),
	  S0 "security.promiscous: unknown key: must be one of promiscuous, mac-changes, forged-transmits, mac-learning or guest-control-frames; the most similar is 'promiscuous'" },
	{ SWITCHES(SWITCH("\"a\\tb\\e[31m\": 1")), S0 "a?b?[31m: unknown key: " SWITCH_KEYS },
};
/* clang-format on */

/* clang-format off */
static const struct mistake values[] = {
	{ SWITCHES("{name: Prod, uplinks: [eth0]}"), S0 "name: Prod: must be 1-15 of [a-z0-9-]" },
	{ SWITCHES("{name: a-name-too-long-x, uplinks: [eth0]}"), S0 "name: a-name-too-long-x: must be 1-15 of [a-z0-9-]" },
	{ SWITCHES("{name: '', uplinks: [eth0]}"), S0 "name: \"\": must be 1-15 of [a-z0-9-]" },
	{ SWITCHES("{name: , uplinks: [eth0]}"), S0 "name: no value: must be 1-15 of [a-z0-9-]" },
	{ SWITCHES("{name: [a], uplinks: [eth0]}"), S0 "name: [a]: must be 1-15 of [a-z0-9-]" },
	{ SWITCHES("{name: \"a\\0b\", uplinks: [eth0]}"), S0 "name: a?b: must be 1-15 of [a-z0-9-]" },
	{ SWITCHES(TWO("{name: s0, uplinks: [eth0]}", "{name: s0, uplinks: [eth1]}")),
	  "t.yaml:1: switches[1].name: s0: is already the name of switches[0]: must be unique" },
	{ SWITCHES(SWITCH("mtu: 1279")), S0 "mtu: 1279: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: 9217")), S0 "mtu: 9217: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: -1")), S0 "mtu: -1: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: 1500.0")), S0 "mtu: 1500.0: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: 0x5dc")), S0 "mtu: 0x5dc: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: 01500")), S0 "mtu: 01500: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: '1500'")), S0 "mtu: 1500: must be 1280-9216, not quoted" },
	{ SWITCHES(SWITCH("mtu: 99999999999999999999999999")), S0 "mtu: 99999999999999999999999999: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: !!int 1500")), S0 "mtu: a value with a tag: must be 1280-9216" },
	{ SWITCHES(SWITCH("mtu: ")), S0 "mtu: no value: must be 1280-9216" },
	{ SWITCHES(SWITCH("receive: fast")), S0 "receive: fast: must be auto, xdp or tc" },
	{ SWITCHES(SWITCH("channel: etherchannel")), S0 "channel: etherchannel: must be none, static, lacp or pagp" },
	{ SWITCHES(SWITCH("channel: true")), S0 "channel: true: must be none, static, lacp or pagp" },
	{ SWITCHES(SWITCH("up-delay-ms: 1800001")), S0 "up-delay-ms: 1800001: must be 0-1800000" },
	{ SWITCHES(SWITCH("carrier-poll-ms: 1001")), S0 "carrier-poll-ms: 1001: must be 0-1000" },
	{ SWITCHES(SWITCH("security: {promiscuous: yes}")), S0 "security.promiscuous: yes: must be true or false" },
	{ SWITCHES(SWITCH("security: {mac-changes: 'true'}")), S0 "security.mac-changes: true: must be true or false, not quoted" },
	{ SWITCHES(SWITCH("teaming: {rehash: all}")), S0 "teaming.rehash: all: must be minimal or modulo" },
	{ SWITCHES(SWITCH("teaming: {iphash-octets: 1}")), S0 "teaming.iphash-octets: 1: must be all or last" },
	{ SWITCHES(SWITCH("teaming: {load-balancing: iphash}")), S0 "teaming.load-balancing: iphash: " METHOD_RULE },
	{ SWITCHES(SWITCH("teaming: {failback: 1}")), S0 "teaming.failback: 1: must be true or false" },

	{ SWITCHES(SWITCH(GROUPS("{vlan: 5}"))), G0 "name: missing: " GROUP_RULE },
	{ SWITCHES(SWITCH(GROUPS("{name: a/b}"))), G0 "name: a/b: " GROUP_RULE },
	{ SWITCHES(SWITCH(GROUPS("{name: \"it's\"}"))), G0 "name: it's: " GROUP_RULE },
	{ SWITCHES(SWITCH(GROUPS("{name: ' a'}"))), G0 "name:  a: " GROUP_RULE },
	{ SWITCHES(SWITCH(GROUPS("{name: B\xc3\xbcro}"))), G0 "name: B??ro: " GROUP_RULE },
	{ SWITCHES(SWITCH(GROUPS("{name: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg}"))),
	  G0 "name: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg: " GROUP_RULE },
	{ SWITCHES(SWITCH(GROUPS(TWO("{name: a}", TWO("{name: b}", "{name: a}"))))),
	  "t.yaml:1: switches[0].port-groups[2].name: a: is already the name of port-groups[0]: must be unique in the switch" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("qinq: 1")))), G0 "qinq: 1: must be true or false" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: 100, qinq: true")))),
	  G0 "qinq: true: needs a trunk: set vlan to 4095 or a list, or remove qinq" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: 5000")))), G0 "vlan: 5000: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: ten")))), G0 "vlan: ten: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: '30-20'")))), G0 "vlan: 30-20: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: '10,,20'")))), G0 "vlan: 10,,20: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: '10,'")))), G0 "vlan: 10,: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: '10-4095'")))), G0 "vlan: 10-4095: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: '1-2-3'")))), G0 "vlan: 1-2-3: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: [10, 20]")))), G0 "vlan: [10, 20]: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: 1.5")))), G0 "vlan: 1.5: " VLAN_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("vlan: ")))), G0 "vlan: no value: " VLAN_RULE },

	{ SWITCHES(SWITCH("")) "control: {socket: run/sock}", "t.yaml:2: control.socket: run/sock: must be an absolute path of at most 107 characters" },
	{ SWITCHES(SWITCH("")) "control: {socket: /}", "t.yaml:2: control.socket: /: must be an absolute path of at most 107 characters" },
	{ SWITCHES(SWITCH("")) "control: {group: 'a b'}", "t.yaml:2: control.group: a b: must be the name of a group: 1-31 of [A-Za-z0-9_.-]" },
	{ SWITCHES(SWITCH("")) "control: {group: -x}", "t.yaml:2: control.group: -x: must be the name of a group: 1-31 of [A-Za-z0-9_.-]" },
	{ SWITCHES(SWITCH("")) "control: {mode: 1}", "t.yaml:2: control.mode: unknown key: must be one of socket, group or group-may" },
	{ SWITCHES(SWITCH("")) "control: {group-may: write}", "t.yaml:2: control.group-may: write: must be read or change" },
	{ SWITCHES(SWITCH("")) "metrics: {listen: '127.0.0.1:9786'}", "t.yaml:2: metrics: not available in this version" },
};
/* clang-format on */

#define H0 "ports: [{interface: v0, host: true, address: [192.0.2.10/24], "
#define HOST_RULE "must be a host address such as 192.0.2.1 or 2001:db8::1"
#define NETWORK_RULE \
	"must be a network with prefix length such as 198.51.100.0/24, without host bits"
#define NEEDS_HOST ": needs host: true, but host is false: set host: true, or remove "
#define RESERVED ": not available in this version"

/* clang-format off */
static const struct mistake reserved[] = {
	{ SWITCHES(SWITCH("take-addresses: 1, bridge: a/b")),
	  S0 "take-addresses: 1: must be true or false\n" S0 "bridge: a/b: must be an interface name: 1-15 characters without '/', ':' and spaces" },
	{ SWITCHES(SWITCH("bridge: eth0")), S0 "bridge: eth0: is already an uplink (switches[0].uplinks[0]): must be another name" },
	{ SWITCHES(SWITCH("bridge: b, " GROUPS(GROUP("bridge: b")))), G0 "bridge: b: is already an attachment bridge (switches[0].bridge): must be another name" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("bridge: b, ports: [{interface: b, mac: 52:54:00:00:00:01}]")))),
	  P0 "interface: b: is already an attachment bridge (switches[0].port-groups[0].bridge): must be another name" },
	{ SWITCHES(SWITCH("teaming: {hash-inner: true, rebalance: true, load: {interval-s: 30}}")),
	  S0 "teaming.hash-inner" RESERVED "\n" S0 "teaming.rebalance" RESERVED "\n" S0 "teaming.load" RESERVED },
	{ SWITCHES(STATIC("teaming: {load-balancing: layer3+4}")), S0 "teaming.load-balancing: layer3+4" RESERVED ": " METHOD_RULE },
	{ SWITCHES(SWITCH("security: {isolated: true, ip-guard: true, dhcp-server: false, router-advertisements: false}")),
	  S0 "security.isolated" RESERVED "\n" S0 "security.ip-guard" RESERVED "\n"
	  S0 "security.dhcp-server" RESERVED "\n" S0 "security.router-advertisements" RESERVED },
	{ SWITCHES(SWITCH(GROUPS(GROUP("private-vlan: {}, shaping: {}, storm: {}")))),
	  G0 "private-vlan" RESERVED "\n" G0 "shaping" RESERVED "\n" G0 "storm" RESERVED },
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{interface: v0, host: true, addresses: []}]")))),
	  P0 "addresses" RESERVED },
};
/* clang-format on */

/* clang-format off */
static const struct mistake learning[] = {
	{ SWITCHES(SWITCH("security: {mac-learning: {limit: 0, policy: pass, age-s: 9, unicast-flooding: yes, max: 1}}")),
	  S0 "security.mac-learning.max: unknown key: must be one of limit, policy, age-s or unicast-flooding\n"
	  S0 "security.mac-learning.limit: 0: must be 1-4096\n"
	  S0 "security.mac-learning.policy: pass: must be drop or allow\n"
	  S0 "security.mac-learning.age-s: 9: must be 10-86400\n"
	  S0 "security.mac-learning.unicast-flooding: yes: must be true or false" },
	{ SWITCHES(SWITCH("security: {mac-learning: []}")), S0 "security.mac-learning: []: must be true, false or a mapping" },
	{ SWITCHES(SWITCH("security: {mac-learning: }")), S0 "security.mac-learning: no value: must be true, false or a mapping" },
	{ SWITCHES(SWITCH("security: {mac-learning: 'true'}")), S0 "security.mac-learning: true: must be true, false or a mapping, not quoted" },
	{ SWITCHES(SWITCH("security: {guest-control-frames: true}")), S0 "security.guest-control-frames: true: must be drop or pass" },
};
/* clang-format on */

static const struct mistake interfaces[] = {
	{ SWITCHES("{name: s0}"),
	  S0 "uplinks: missing: must be a list of 1-24 network interfaces" },
	{ SWITCHES("{name: s0, uplinks: eth0}"),
	  S0 "uplinks: eth0: must be a list of 1-24 network interfaces" },
	{ SWITCHES("{name: s0, uplinks: []}"),
	  S0 "uplinks: []: must be a list of 1-24 network interfaces" },
	{ SWITCHES("{name: s0, uplinks: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y]}"),
	  S0 "uplinks: 25 entries: must be a list of 1-24 network interfaces" },
	{ SWITCHES(
		  "{name: s0, uplinks: [eth0, an-interface-too, a/b, 'a b', '..', ~, [x], 'a:b', 'v%d']}"),
	  S0 "uplinks[1]: an-interface-too: " NAME_RULE "\n" S0 "uplinks[2]: a/b: " NAME_RULE
	     "\n" S0 "uplinks[3]: a b: " NAME_RULE "\n" S0 "uplinks[4]: ..: " NAME_RULE "\n" S0
	     "uplinks[5]: no value: " NAME_RULE "\n" S0 "uplinks[6]: [x]: " NAME_RULE "\n" S0
	     "uplinks[7]: a:b: " NAME_RULE "\n" S0 "uplinks[8]: v%d: " NAME_RULE },
	{ SWITCHES("{name: s0, uplinks: [eth0, eth1, eth0]}"),
	  S0 "uplinks[2]: eth0: is already an uplink (switches[0].uplinks[0])" },
	{ SWITCHES(TWO("{name: s0, uplinks: [eth0, eth1]}", "{name: s1, uplinks: [eth2, eth1]}")),
	  "t.yaml:1: switches[1].uplinks[1]: eth1: is already an uplink (switches[0].uplinks[1])" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("eth1", MAC_A)))))), P0
	  "interface: eth1: is already an uplink (switches[0].uplinks[1]): must be either an uplink or a port" },
	{ SWITCHES(TWO(SWITCH(GROUPS(GROUP(PORTS(PORT("vnet0", MAC_A))))),
		       "{name: s1, uplinks: [vnet0]}")),
	  "t.yaml:1: switches[1].uplinks[0]: vnet0: is already a port (switches[0].port-groups[0].ports[0]): must be either an uplink or a port" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(TWO(PORT("vnet0", MAC_A), PORT("vnet0", MAC_B))))))),
	  P1 "interface: vnet0: is already a port (switches[0].port-groups[0].ports[0])" },
	{ SWITCHES(TWO(
		  SWITCH(GROUPS(GROUP(PORTS(PORT("vnet0", MAC_A))))),
		  "{name: s1, uplinks: [eth2], port-groups: [{name: g, ports: [{interface: vnet0, mac: '" MAC_A
		  "'}]}]}")),
	  "t.yaml:1: switches[1].port-groups[0].ports[0].interface: vnet0: is already a port (switches[0].port-groups[0].ports[0])" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(TWO("{interface: vmk-storage-a1, host: true}",
						 "{interface: vmk-storage-a2, host: true}")))))),
	  P1
	  "interface: vmk-storage-a2: its far end would be vmk-storage--sw, which is already the far end of another host port (switches[0].port-groups[0].ports[0]): must be another name" },
	{ SWITCHES(SWITCH(GROUPS(
		  GROUP(PORTS(TWO("{interface: vmk0, host: true}", PORT("vmk0-sw", MAC_A))))))),
	  P1
	  "interface: vmk0-sw: is already the far end of a host port (switches[0].port-groups[0].ports[0]): must be another name" },
	{ SWITCHES(SWITCH(GROUPS(
		  GROUP(PORTS(TWO(PORT("vmk0-sw", MAC_A), "{interface: vmk0, host: true}")))))),
	  P1
	  "interface: vmk0: its far end would be vmk0-sw, which is already a port (switches[0].port-groups[0].ports[0]): must be another name" },
	{ SWITCHES("{name: s0, uplinks: [eth0-sw], " GROUPS(
		  GROUP(PORTS("{interface: eth0, host: true}"))) "}"),
	  P0
	  "interface: eth0: its far end would be eth0-sw, which is already an uplink (switches[0].uplinks[0]): must be another name" },
	{ SWITCHES(TWO(SWITCH(GROUPS(GROUP(PORTS("{interface: eth7, host: true}")))),
		       "{name: s1, uplinks: [eth7-sw]}")),
	  "t.yaml:1: switches[1].uplinks[0]: eth7-sw: is already the far end of a host port (switches[0].port-groups[0].ports[0]): must be another name" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS("{interface: abcdefghijkl-sw, host: true}"))))), P0
	  "interface: abcdefghijkl-sw: its far end would have the same name: must be another name" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{mac: '" MAC_A "'}]")))),
	  P0 "interface: missing: " NAME_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("'vnet 0'", MAC_A)))))),
	  P0 "interface: vnet 0: " NAME_RULE },

	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{interface: v0}]")))),
	  P0 "mac: missing: must be given, or mac-learning: true for the group, or host: true" },
	{ SWITCHES(SWITCH("security: {mac-learning: true}, " GROUPS(
		  GROUP("security: {mac-learning: false}, ports: [{interface: v0}]")))),
	  P0 "mac: missing: must be given, or mac-learning: true for the group, or host: true" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("v0", "52:54:00:12:34")))))),
	  P0 "mac: 52:54:00:12:34: " MAC_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("v0", "52-54-00-12-34-56")))))),
	  P0 "mac: 52-54-00-12-34-56: " MAC_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("v0", "01:00:5e:00:00:01")))))),
	  P0 "mac: 01:00:5e:00:00:01: " MAC_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("v0", "ff:ff:ff:ff:ff:ff")))))),
	  P0 "mac: ff:ff:ff:ff:ff:ff: " MAC_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(PORT("v0", "00:00:00:00:00:00")))))),
	  P0 "mac: 00:00:00:00:00:00: " MAC_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{interface: v0, mac: }]")))),
	  P0 "mac: no value: " MAC_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(PORTS(TWO(PORT("v0", MAC_A), PORT("v1", MAC_A))))))),
	  P1 "mac: " MAC_A
	     ": is already used in the untagged VLAN (switches[0].port-groups[0].ports[0])" },
	{ SWITCHES(SWITCH(GROUPS(
		  TWO("{name: a, vlan: 7, ports: [{interface: v0, mac: '" MAC_A "'}]}",
		      "{name: b, vlan: 7, ports: [{interface: v1, mac: '52:54:00:00:00:0A'}]}")))),
	  "t.yaml:1: switches[0].port-groups[1].ports[0].mac: " MAC_A
	  ": is already used in VLAN 7 (switches[0].port-groups[0].ports[0])" },
	{ SWITCHES(SWITCH(GROUPS(
		  TWO("{name: a, vlan: 25, ports: [{interface: v0, mac: '" MAC_A "'}]}",
		      "{name: b, vlan: '10,20-30', ports: [{interface: v1, mac: '" MAC_A "'}]}")))),
	  "t.yaml:1: switches[0].port-groups[1].ports[0].mac: " MAC_A
	  ": is already used in VLAN 25 (switches[0].port-groups[0].ports[0])" },
	{ SWITCHES(SWITCH(GROUPS(
		  TWO("{name: a, vlan: '64-100', ports: [{interface: v0, mac: '" MAC_A "'}]}",
		      "{name: b, vlan: '90-200', ports: [{interface: v1, mac: '" MAC_A "'}]}")))),
	  "t.yaml:1: switches[0].port-groups[1].ports[0].mac: " MAC_A
	  ": is already used in VLAN 90 (switches[0].port-groups[0].ports[0])" },
	{ SWITCHES(SWITCH(
		  GROUPS(TWO("{name: a, vlan: 4095, ports: [{interface: v0, mac: '" MAC_A "'}]}",
			     "{name: b, vlan: 0, ports: [{interface: v1, mac: '" MAC_A "'}]}")))),
	  "t.yaml:1: switches[0].port-groups[1].ports[0].mac: " MAC_A
	  ": is already used in the untagged VLAN (switches[0].port-groups[0].ports[0])" },

	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{interface: v0, host: maybe}]")))),
	  P0 "host: maybe: must be true or false" },
	{ SWITCHES(SWITCH(GROUPS(
		  GROUP("ports: [{interface: v0, mac: '" MAC_A "', address: [192.0.2.1/24]}]")))),
	  P0 "address: needs host: true, but host is false: set host: true, or remove address" },
	{ SWITCHES(SWITCH(
		  GROUPS(GROUP("ports: [{interface: v0, host: true, address: 192.0.2.1/24}]")))),
	  P0
	  "address: 192.0.2.1/24: must be a list of 1-64 addresses with prefix length such as [192.0.2.10/24]" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(
		  "ports: [{interface: v0, host: true, address: [192.0.2.1, 192.0.2.1/33, 192.0.2.300/24, '2001:db8::1/129', "
		  "224.0.0.1/4, 0.0.0.0/8, '::/64', 'ff02::1/64', 192.0.2.1/0, 192.0.2.1/ 24]}]")))),
	  P0
	  "address[0]: 192.0.2.1: " ADDRESS_RULE "\n" P0 "address[1]: 192.0.2.1/33: " ADDRESS_RULE
	  "\n" P0 "address[2]: 192.0.2.300/24: " ADDRESS_RULE "\n" P0
	  "address[3]: 2001:db8::1/129: " ADDRESS_RULE "\n" P0
	  "address[4]: 224.0.0.1/4: " ADDRESS_RULE "\n" P0 "address[5]: 0.0.0.0/8: " ADDRESS_RULE
	  "\n" P0 "address[6]: ::/64: " ADDRESS_RULE "\n" P0 "address[7]: ff02::1/64: " ADDRESS_RULE
	  "\n" P0 "address[8]: 192.0.2.1/0: " ADDRESS_RULE "\n" P0
	  "address[9]: 192.0.2.1/ 24: " ADDRESS_RULE },
	{ SWITCHES(SWITCH(GROUPS(GROUP(
		  "ports: [{interface: v0, host: true, address: [192.0.2.1/24, 192.0.2.1/24]}]")))),
	  P0 "address[1]: 192.0.2.1/24: is given twice: must be given once" },
};

static const struct mistake policies[] = {
	{ SWITCHES(SWITCH("teaming: {load-balancing: src-dst-ip}")), S0
	  "teaming.load-balancing: src-dst-ip needs a channel, but channel is none: set channel to static or lacp, or load-balancing to port-id" },
	{ SWITCHES(SWITCH("teaming: {load-balancing: dst-mac}")), S0
	  "teaming.load-balancing: dst-mac needs a channel, but channel is none: set channel to static or lacp, or load-balancing to port-id" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("teaming: {load-balancing: src-dst-ip-port}")))), G0
	  "teaming.load-balancing: src-dst-ip-port needs a channel, but channel is none: set channel to static or lacp, or load-balancing to port-id" },
	{ SWITCHES(STATIC("teaming: {load-balancing: port-id}")), S0
	  "teaming.load-balancing: port-id keeps a machine to one uplink, but channel is static: "
	  "set channel to none, or load-balancing to src-dst-ip" },
	{ SWITCHES(LACP("teaming: {load-balancing: failover-order}")), S0
	  "teaming.load-balancing: failover-order keeps a machine to one uplink, but channel is lacp: "
	  "set channel to none, or load-balancing to src-dst-ip" },
	{ SWITCHES(STATIC(GROUPS(GROUP("teaming: {load-balancing: port-id}")))), G0
	  "teaming.load-balancing: port-id keeps a machine to one uplink, but channel is static: "
	  "set channel to none, or load-balancing to src-dst-ip" },
	{ SWITCHES(SWITCH("teaming: {load-balancing: load}")),
	  S0 "teaming.load-balancing: load: not available in this version: " METHOD_RULE },
	{ SWITCHES(STATIC("teaming: {load-balancing: load}")),
	  S0 "teaming.load-balancing: load: not available in this version: " METHOD_RULE },
	{ SWITCHES(SWITCH("teaming: {failure-detection: beacon}")),
	  S0 "teaming.failure-detection: beacon: not available in this version: must be link" },
	{ SWITCHES(STATIC("teaming: {failure-detection: beacon}")),
	  S0 "teaming.failure-detection: beacon: not available in this version: must be link" },
	{ SWITCHES(STATIC("teaming: {active: [eth0], standby: [eth1]}")), S0
	  "teaming.standby: [eth1]: a channel has no standby uplinks, but channel is static: set channel to none, or standby to []" },
	{ SWITCHES(LACP(GROUPS(GROUP("teaming: {standby: [eth1]}")))), G0
	  "teaming.standby: [eth1]: a channel has no standby uplinks, but channel is lacp: set channel to none, or standby to []" },
	{ SWITCHES(STATIC(GROUPS(GROUP("teaming: {load-balancing: src-mac}")))), G0
	  "teaming.load-balancing: src-mac differs from the switch's teaming, but channel is static: "
	  "set channel to none, or load-balancing in the switch's teaming" },
	{ SWITCHES(LACP(GROUPS(GROUP(
		  "teaming: {rehash: modulo, iphash-octets: last, active: [eth0], failback: false}")))),
	  G0
	  "teaming.rehash: modulo differs from the switch's teaming, but channel is lacp: set channel to none, or rehash in the switch's teaming\n" G0
	  "teaming.iphash-octets: last differs from the switch's teaming, but channel is lacp: "
	  "set channel to none, or iphash-octets in the switch's teaming\n" G0
	  "teaming.failback: false differs from the switch's teaming, but channel is lacp: set channel to none, or failback in the switch's teaming\n" G0
	  "teaming.active: [eth0] differs from the switch's teaming, but channel is lacp: set channel to none, or active in the switch's teaming" },

	{ SWITCHES(SWITCH("teaming: {active: []}")),
	  S0 "teaming.active: []: must be a list of 1-24 uplinks of the switch" },
	{ SWITCHES(SWITCH("teaming: {active: eth0}")),
	  S0 "teaming.active: eth0: must be a list of 1-24 uplinks of the switch" },
	{ SWITCHES(SWITCH("teaming: {standby: }")),
	  S0 "teaming.standby: no value: must be a list of uplinks of the switch" },
	{ SWITCHES(SWITCH("teaming: {active: [eth0, eth9]}")),
	  S0 "teaming.active[1]: eth9: must be an uplink of the switch (eth0, eth1)" },
	{ SWITCHES(SWITCH("teaming: {active: [[eth0]]}")),
	  S0 "teaming.active[0]: [eth0]: must be an uplink of the switch (eth0, eth1)" },
	{ SWITCHES(SWITCH("teaming: {active: [eth0, eth0]}")),
	  S0 "teaming.active[1]: eth0: is given twice: must be given once" },
	{ SWITCHES(SWITCH("teaming: {active: [eth0], standby: [eth1, eth1]}")),
	  S0 "teaming.standby[1]: eth1: is given twice: must be given once" },
	{ SWITCHES(SWITCH("teaming: {active: [eth0, eth1], standby: [eth1]}")),
	  S0 "teaming.standby: eth1: is in active too: must be either active or standby" },
	{ SWITCHES(SWITCH("teaming: {standby: [eth1, eth0]}")),
	  S0 "teaming.standby: holds all uplinks: must leave at least one active" },
	{ SWITCHES(SWITCH("teaming: {active: [eth0], standby: [eth1]}, " GROUPS(
		  GROUP("teaming: {active: [eth1]}")))),
	  G0
	  "teaming.active: eth1: is in standby too (inherited from the switch): must be either active or standby" },
	{ SWITCHES(SWITCH(
		  "teaming: {active: [eth0, eth1]}, " GROUPS(GROUP("teaming: {standby: [eth1]}")))),
	  G0
	  "teaming.standby: eth1: is in active too (inherited from the switch): must be either active or standby" },

	{ SWITCHES(STATIC("lacp: {rate: fast}")), S0
	  "lacp: needs channel: lacp, but channel is static: set channel to lacp, or remove lacp" },
	{ SWITCHES(SWITCH("lacp: {}")), S0
	  "lacp: needs channel: lacp, but channel is none: set channel to lacp, or remove lacp" },
	{ SWITCHES(STATIC("pagp: {mode: auto}")), S0
	  "pagp: needs channel: pagp, but channel is static: set channel to pagp, or remove pagp" },
	{ SWITCHES(LACP("pagp: {}")), S0
	  "pagp: needs channel: pagp, but channel is lacp: set channel to pagp, or remove pagp" },
	{ SWITCHES(SWITCH("channel: pagp, lacp: {}")), S0
	  "lacp: needs channel: lacp, but channel is pagp: set channel to lacp, or remove lacp" },
	{ SWITCHES(SWITCH("channel: pagp, pagp: {mode: on, fallback: bundle}")),
	  S0 "pagp.mode: on: must be desirable or auto\n" S0
	     "pagp.fallback: bundle: must be none or individual" },
	{ SWITCHES(LACP("lacp: {min-links: 3}")),
	  S0 "lacp.min-links: 3: must be at most the number of uplinks, 2" },
	{ SWITCHES(LACP("lacp: {min-links: 2, max-links: 1}")), S0
	  "lacp.min-links: 2: is more than max-links, 1, so the channel would never come up: lower min-links, or raise max-links" },
	{ SWITCHES(LACP(
		  "lacp: {activity: on, rate: 1, system-priority: 0, key: 65536, port-priority: 0, min-links: 25, fallback: both, "
		  "system-id: '03:00:00:00:00:01', actor: 1}")),
	  S0
	  "lacp.actor: unknown key: must be one of activity, rate, system-priority, system-id, key, port-priority, min-links, "
	  "max-links, selection, mux, headless-s or fallback\n" S0
	  "lacp.activity: on: must be active or passive\n" S0
	  "lacp.rate: 1: must be slow or fast\n" S0 "lacp.system-priority: 0: must be 1-65535\n" S0
	  "lacp.system-id: 03:00:00:00:00:01: " MAC_RULE "\n" S0
	  "lacp.key: 65536: must be 1-65535\n" S0 "lacp.port-priority: 0: must be 1-65535\n" S0
	  "lacp.min-links: 25: must be 1-24\n" S0
	  "lacp.fallback: both: must be none or individual" },
};

/* One wrong value is one message, without messages about its consequences. */
/* clang-format off */
static const struct mistake consequences[] = {
	{ SWITCHES(SWITCH("channel: statc, lacp: {rate: fast}, teaming: {load-balancing: src-ip, standby: [eth1]}")),
	  S0 "channel: statc: must be none, static, lacp or pagp; the most similar is 'static'" },
	{ SWITCHES("{name: s0, uplinks: [eth0, 'eth 1'], teaming: {active: [eth0], standby: [eth1]}}"), S0 "uplinks[1]: eth 1: " NAME_RULE },
	{ SWITCHES(SWITCH("security: {mac-learning: on}, " GROUPS(GROUP("ports: [{interface: v0}]")))),
	  S0 "security.mac-learning: on: must be true, false or a mapping" },
	{ SWITCHES(SWITCH(GROUPS(TWO("{name: a, vlan: 7, " PORTS(PORT("v0", MAC_A)) "}", "{name: b, vlan: x, " PORTS(PORT("v1", MAC_A)) "}")))),
	  "t.yaml:1: switches[0].port-groups[1].vlan: x: " VLAN_RULE },
	/* IP settings of host ports */
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{interface: v0, mac: '" MAC_A "', gateway: 192.0.2.1, dns: [192.0.2.1], "
		  "routes: [{to: 198.51.100.0/24}], dhcp: true, ipv6-ra: true}]")))),
	  P0 "gateway" NEEDS_HOST "gateway\n" P0 "dns" NEEDS_HOST "dns\n" P0 "routes" NEEDS_HOST "routes\n"
	  P0 "dhcp" NEEDS_HOST "dhcp\n" P0 "ipv6-ra" NEEDS_HOST "ipv6-ra" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "gateway: 192.0.2.1/24, dns: [192.0.2.53, ns1, 192.0.2.53], dhcp: 1}]")))),
	  P0 "dhcp: 1: must be true or false\n"
	  P0 "gateway: 192.0.2.1/24: " HOST_RULE "\n" P0 "dns[1]: ns1: " HOST_RULE "\n"
	  P0 "dns[2]: 192.0.2.53: is given twice: must be given once" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "gateway: [192.0.2.1, 192.0.2.2]}]")))),
	  P0 "gateway: 192.0.2.2: is the second one of its family: must be one IPv4 and one IPv6 address" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "gateway: [192.0.2.1, 'fe80::1', '2001:db8::1']}]")))),
	  P0 "gateway: 3 entries: must be an address such as 192.0.2.1, or a list of one IPv4 and one IPv6 address" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "gateway: [192.0.3.1, '2001:db8::1']}]")))),
	  P0 "gateway: 192.0.3.1: is in no network of the port: must be in that of an address\n"
	  P0 "gateway: 2001:db8::1: is in no network of the port: must be in that of an address" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "gateway: 192.0.2.1, dhcp: true}]")))),
	  P0 "gateway: 192.0.2.1: needs dhcp: false, because dhcp: true provides the gateway: remove one of them" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "routes: [{to: 198.51.100.7/24}, {via: 192.0.2.1}, {to: '::/0', via: 192.0.2.1}, 7]}]")))),
	  P0 "routes[0].to: 198.51.100.7/24: " NETWORK_RULE "\n" P0 "routes[1].to: missing: " NETWORK_RULE "\n"
	  P0 "routes[2].via: 192.0.2.1: must be of the family of the destination\n"
	  P0 "routes[3]: 7: must be a mapping" },
	{ SWITCHES(SWITCH(GROUPS(GROUP(H0 "gateway: 192.0.2.1, routes: [{to: 0.0.0.0/0, via: 192.0.2.9}, {to: 10.0.0.0/8, via: 192.0.3.1}, "
		  "{to: 10.0.0.0/8}, {to: 10.0.0.0/8, metric: 4294967296}]}]")))),
	  P0 "routes[0].to: 0.0.0.0/0: is the gateway's route: must have a metric\n"
	  P0 "routes[1].via: 192.0.3.1: is in no network of the port: must be in that of an address\n"
	  P0 "routes[2].to: 10.0.0.0/8: has the same metric as routes[1]: must be another metric\n"
	  P0 "routes[3].metric: 4294967296: must be 0-4294967295" },
	{ SWITCHES(SWITCH(GROUPS(GROUP("ports: [{interface: v0, host: 1, address: [192.0.2.1/24]}]")))), P0 "host: 1: must be true or false" },
	{ SWITCHES(SWITCH("teaming: {active: [eth7]}, " GROUPS(GROUP("teaming: {standby: [eth1]}")))),
	  S0 "teaming.active[0]: eth7: must be an uplink of the switch (eth0, eth1)" },
};
/* clang-format on */

#define L(line) "t.yaml:" #line ": switches[0]."

/* clang-format off */
static const struct mistake several[] = {
	{ "switches:\n"
	  "  - name: Prod\n"
	  "    mtu: 100\n"
	  "    uplinks: [eth0, eth0]\n"
	  "    color: red\n"
	  "    port-groups:\n"
	  "      - name: a\n"
	  "        vlan: 5000\n"
	  "        ports:\n"
	  "          - {interface: v0, mac: \"" MAC_A "\"}\n"
	  "          - {interface: v0}\n"
	  "      - {name: a, teaming: {failback: 7, active: [eth5]}}\n"
	  "  - uplinks: [eth0, eth2]\n"
	  "    channel: static\n"
	  "    teaming: {load-balancing: port-id, standby: [eth2]}\n"
	  "control: {socket: 5}\n",
	  L(5) "color: unknown key: " SWITCH_KEYS "\n"
	  L(2) "name: Prod: must be 1-15 of [a-z0-9-]\n"
	  L(3) "mtu: 100: must be 1280-9216\n"
	  L(4) "uplinks[1]: eth0: is already an uplink (switches[0].uplinks[0])\n"
	  L(8) "port-groups[0].vlan: 5000: " VLAN_RULE "\n"
	  L(11) "port-groups[0].ports[1].interface: v0: is already a port (switches[0].port-groups[0].ports[0])\n"
	  L(11) "port-groups[0].ports[1].mac: missing: must be given, or mac-learning: true for the group, or host: true\n"
	  L(12) "port-groups[1].name: a: is already the name of port-groups[0]: must be unique in the switch\n"
	  L(12) "port-groups[1].teaming.failback: 7: must be true or false\n"
	  L(12) "port-groups[1].teaming.active[0]: eth5: must be an uplink of the switch (eth0)\n"
	  "t.yaml:13: switches[1].name: missing: must be 1-15 of [a-z0-9-]\n"
	  "t.yaml:13: switches[1].uplinks[0]: eth0: is already an uplink (switches[0].uplinks[0])\n"
	  "t.yaml:15: switches[1].teaming.load-balancing: port-id keeps a machine to one uplink, but channel is static: "
	  "set channel to none, or load-balancing to src-dst-ip\n"
	  "t.yaml:15: switches[1].teaming.standby: [eth2]: a channel has no standby uplinks, but channel is static: set channel to none, or standby to []\n"
	  "t.yaml:16: control.socket: 5: must be an absolute path of at most 107 characters" },
};
/* clang-format on */

static char *join(const struct errors *errors)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < errors->n; i++)
		fprintf(f, "%s%s", i ? "\n" : "", errors->messages[i]);
	fclose(f);
	return text;
}

static void check_all(const struct mistake *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct model *const untouched = (struct model *)&rows[i], *model = untouched;
		struct errors errors = { 0 };
		_cleanup_free_ char *messages = NULL;
		int r = config_parse(rows[i].text, strlen(rows[i].text), "t.yaml", &model, &errors);

		messages = join(&errors);
		cr_expect_eq(r, -EINVAL, "row %zu returned %d for:\n%s", i, r, rows[i].text);
		cr_expect_eq(model, untouched, "row %zu set *ret", i);
		cr_expect_str_eq(messages, rows[i].messages,
				 "row %zu:\n%s\nexpected:\n%s\ncame:\n%s\n", i, rows[i].text,
				 rows[i].messages, messages);
		errors_done(&errors);
		cr_expect_null(errors.messages);
	}
}

Test(config_mistakes, syntax)
{
	check_all(syntax, ARRAY_SIZE(syntax));
}
Test(config_mistakes, shape)
{
	check_all(shape, ARRAY_SIZE(shape));
}
Test(config_mistakes, values)
{
	check_all(values, ARRAY_SIZE(values));
}
Test(config_mistakes, reserved)
{
	check_all(reserved, ARRAY_SIZE(reserved));
}
Test(config_mistakes, learning)
{
	check_all(learning, ARRAY_SIZE(learning));
}
Test(config_mistakes, interfaces)
{
	check_all(interfaces, ARRAY_SIZE(interfaces));
}
Test(config_mistakes, policies)
{
	check_all(policies, ARRAY_SIZE(policies));
}
Test(config_mistakes, consequences)
{
	check_all(consequences, ARRAY_SIZE(consequences));
}
Test(config_mistakes, several)
{
	check_all(several, ARRAY_SIZE(several));
}
