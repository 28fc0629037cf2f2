// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "config/model.h"

#define NOT_AVAILABLE "not available in this version"

/* clang-format off */
const struct choice choices_method[] = {
#define X(NAME, number, name, channels, inputs, help) { name, UL_M_##NAME, NULL },
	UL_METHODS(X)
#undef X
	{ "load", -1, NOT_AVAILABLE },
	{ "layer2", -1, NOT_AVAILABLE },
	{ "layer2+3", -1, NOT_AVAILABLE },
	{ "layer3+4", -1, NOT_AVAILABLE },
	{ "encap2+3", -1, NOT_AVAILABLE },
	{ "encap3+4", -1, NOT_AVAILABLE },
	{ "vlan+srcmac", -1, NOT_AVAILABLE },
	{ NULL, 0, NULL },
};

const struct choice choices_channel[] = {
#define X(NAME, number, name, help) { name, UL_CHANNEL_##NAME, NULL },
	UL_CHANNELS(X)
#undef X
	{ NULL, 0, NULL },
};

const struct choice choices_receive[] = {
	{ "auto", UL_RECEIVE_AUTO, NULL },
	{ "xdp", UL_RECEIVE_XDP, NULL },
	{ "tc", UL_RECEIVE_TC, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_activity[] = {
	{ "active", CFG_LACP_ACTIVE, NULL },
	{ "passive", CFG_LACP_PASSIVE, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_rate[] = {
	{ "slow", CFG_LACP_SLOW, NULL },
	{ "fast", CFG_LACP_FAST, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_fallback[] = {
	{ "none", LACP_FALLBACK_NONE, NULL },
	{ "individual", LACP_FALLBACK_INDIVIDUAL, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_pagp_mode[] = {
	{ "desirable", CFG_PAGP_DESIRABLE, NULL },
	{ "auto", CFG_PAGP_AUTO, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_pagp_fallback[] = {
	{ "none", PAGP_FALLBACK_NONE, NULL },
	{ "individual", PAGP_FALLBACK_INDIVIDUAL, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_mux[] = {
	{ "coupled", CFG_LACP_COUPLED, NULL },
	{ "independent", CFG_LACP_INDEPENDENT, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_selection[] = {
	{ "stable", LACP_STABLE, NULL },
	{ "bandwidth", LACP_BANDWIDTH, NULL },
	{ "count", LACP_COUNT, NULL },
	{ "port-priority", LACP_PORT_PRIORITY, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_rehash[] = {
	{ "minimal", false, NULL },
	{ "modulo", true, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_octets[] = {
	{ "all", false, NULL },
	{ "last", true, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_learning_policy[] = {
	{ "drop", LEARNING_DROP, NULL },
	{ "allow", LEARNING_ALLOW, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_guest_control[] = {
	{ "drop", false, NULL },
	{ "pass", true, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_group_may[] = {
	{ "read", true, NULL },
	{ "change", false, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_detection[] = {
	{ "link", DETECT_LINK, NULL },
	{ "beacon", DETECT_BEACON, NOT_AVAILABLE },
	{ NULL, 0, NULL },
};
/* clang-format on */

#define FIELD(type, member) \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
#define UINT(SECTION, key, low, high, preset, field, text)                                  \
	{                                                                                   \
		.section = SECTION, .type = KEY_UINT, .name = key, .min = low, .max = high, \
		.fallback = preset, field, .help = text                                     \
	}
#define BOOL(SECTION, key, preset, field, text)                                                \
	{                                                                                      \
		.section = SECTION, .type = KEY_BOOL, .name = key, .allowed = "true or false", \
		.fallback = preset, field, .help = text                                        \
	}
#define CHOICE(SECTION, key, list, preset, field, text, ...)                          \
	{                                                                             \
		.section = SECTION, .type = KEY_CHOICE, .name = key, .choices = list, \
		.fallback = preset, field, .help = text, ##__VA_ARGS__                \
	}
#define TEXT(SECTION, kind, key, what, field, text, ...)                               \
	{                                                                              \
		.section = SECTION, .type = kind, .name = key, .allowed = what, field, \
		.help = text, ##__VA_ARGS__                                            \
	}
#define LIST(SECTION, kind, key, low, high, what, text, ...)                            \
	{                                                                               \
		.section = SECTION, .type = kind, .name = key, .min = low, .max = high, \
		.allowed = what, .help = text, ##__VA_ARGS__                            \
	}
#define OTHER(SECTION, kind, key, what, text, ...)                                            \
	{                                                                                     \
		.section = SECTION, .type = kind, .name = key, .allowed = what, .help = text, \
		##__VA_ARGS__                                                                 \
	}
#define REQUIRED .required = true
#define PRESET(text) .fallback = text
#define NOTE(text) .default_note = text

#define INTERFACE_RULE "an interface name: 1-15 characters without '/', ':' and spaces"
#define MAC_RULE "a unicast MAC address such as 52:54:00:12:34:56"

#define RESERVED(SECTION, key)                                                                 \
	{                                                                                      \
		.section = SECTION, .type = KEY_UNAVAILABLE, .name = key, .allowed = "absent", \
		.help = "reserved; not available in this version"                              \
	}

/* The rows are sorted by section. Scalars come before the lists and mappings whose checks
 * depend on them, reserved keys last. */
/* clang-format off */
const struct config_key config_keys[] = {
	LIST(SECTION_ROOT, KEY_LIST, "switches", 0, CONFIG_MAX_SWITCHES, "a list of 0-64 switches",
	     "the virtual switches; no frame crosses from one to another", REQUIRED),
	OTHER(SECTION_ROOT, KEY_SECTION, "control", "a mapping with socket, group and group-may", "the control socket for uplinkctl"),
	RESERVED(SECTION_ROOT, "metrics"),

	TEXT(SECTION_SWITCH, KEY_SWITCH_NAME, "name", "1-15 of [a-z0-9-]", FIELD(switch_cfg, name),
	     "name of the switch and of its directory of pinned maps", REQUIRED),
	UINT(SECTION_SWITCH, "mtu", 1280, 9216, "1500", FIELD(switch_cfg, mtu), "bytes of payload; set on uplinks and host ports"),
	CHOICE(SECTION_SWITCH, "receive", choices_receive, "auto", FIELD(switch_cfg, receive),
	       "where frames from uplinks are switched: auto = TCP after GRO in TC, the rest in XDP; xdp or tc = all frames there"),
	CHOICE(SECTION_SWITCH, "channel", choices_channel, "none", FIELD(switch_cfg, channel), "how the physical switch bundles the links"),
	UINT(SECTION_SWITCH, "up-delay-ms", 0, 1800000, "100", FIELD(switch_cfg, up_delay_ms),
	     "how long a link must stay up before it is used while others are in use"),
	UINT(SECTION_SWITCH, "carrier-poll-ms", 0, 1000, "10", FIELD(switch_cfg, carrier_poll_ms),
	     "interval at which the daemon reads the carriers; 0 = link events only"),
	BOOL(SECTION_SWITCH, "take-addresses", "false", FIELD(switch_cfg, take_addresses),
	     "attach uplinks that the host itself uses (addresses, routes, VLAN or macvlan interfaces, SR-IOV virtual functions); false = refuse them"),
	TEXT(SECTION_SWITCH, KEY_INTERFACE, "bridge", INTERFACE_RULE, FIELD(switch_cfg, bridge),
	     "VLAN-aware attachment bridge: enslaved interfaces become ports of the group that has their PVID or tags", NOTE("none")),
	LIST(SECTION_SWITCH, KEY_NAMES, "uplinks", 1, UL_MAX_UPLINKS, "a list of 1-24 network interfaces",
	     "physical NICs; their order is the index order of the hash", REQUIRED),
	OTHER(SECTION_SWITCH, KEY_SECTION, "lacp", "a mapping", "LACP settings, only with channel: lacp"),
	OTHER(SECTION_SWITCH, KEY_SECTION, "pagp", "a mapping", "PAgP settings, only with channel: pagp"),
	OTHER(SECTION_SWITCH, KEY_SECTION, "teaming", "a mapping", "load balancing and failover; port groups inherit each item"),
	OTHER(SECTION_SWITCH, KEY_SECTION, "security", "a mapping", "permissions of ports; port groups inherit each item"),
	LIST(SECTION_SWITCH, KEY_LIST, "port-groups", 0, UL_MAX_GROUPS, "a list of at most 4160 port groups", "the port groups of the switch"),

	CHOICE(SECTION_LACP, "activity", choices_activity, "active", FIELD(lacp_cfg, activity),
	       "active = send LACPDUs always; passive = only in response to the partner's"),
	CHOICE(SECTION_LACP, "rate", choices_rate, "slow", FIELD(lacp_cfg, rate),
	       "LACPDU rate requested from the partner: slow = every 30 s, fast = every second"),
	UINT(SECTION_LACP, "system-priority", 1, 65535, "65535", FIELD(lacp_cfg, system_priority),
	     "priority of the host; the system with the lower value selects the links"),
	TEXT(SECTION_LACP, KEY_MAC, "system-id", MAC_RULE, FIELD(lacp_cfg, system_id), "system identifier of the host", NOTE("MAC of the first uplink")),
	UINT(SECTION_LACP, "key", 1, 65535, "1", FIELD(lacp_cfg, key), "operational key of all uplinks of the switch"),
	UINT(SECTION_LACP, "port-priority", 1, 65535, "255", FIELD(lacp_cfg, port_priority), "priority of each uplink"),
	UINT(SECTION_LACP, "min-links", 1, UL_MAX_UPLINKS, "1", FIELD(lacp_cfg, min_links),
	     "with fewer collecting and distributing links the whole channel is down; at most the number of uplinks, and max-links"),
	UINT(SECTION_LACP, "max-links", 0, UL_MAX_UPLINKS, "0", FIELD(lacp_cfg, max_links),
	     "most links in use at once, the others are standby; 0 = all"),
	CHOICE(SECTION_LACP, "selection", choices_selection, "stable", FIELD(lacp_cfg, selection),
	       "which of several partners is selected: the current one, the most bandwidth, the most links, or the best port priority"),
	CHOICE(SECTION_LACP, "mux", choices_mux, "coupled", FIELD(lacp_cfg, mux),
	       "independent = a link distributes only while the partner reports that it collects"),
	UINT(SECTION_LACP, "headless-s", 0, 86400, "300", FIELD(lacp_cfg, headless_s),
	     "for how many seconds the data plane may answer LACPDUs while the daemon is stopped; 0 = never"),
	CHOICE(SECTION_LACP, "fallback", choices_fallback, "none", FIELD(lacp_cfg, fallback),
	       "individual = without any partner, one link keeps forwarding (PXE, a switch without a channel configured)"),

	CHOICE(SECTION_PAGP, "mode", choices_pagp_mode, "desirable", FIELD(pagp_cfg, mode),
	       "desirable = negotiate with any partner; auto = only with one that is desirable"),
	CHOICE(SECTION_PAGP, "fallback", choices_pagp_fallback, "none", FIELD(pagp_cfg, fallback),
	       "individual = without any partner, one link keeps forwarding (PXE, a switch without a channel configured)"),

	CHOICE(SECTION_TEAMING, "load-balancing", choices_method, NULL, FIELD(teaming, method), "how an uplink is chosen",
	       NOTE("src-dst-ip with a channel, port-id without")),
	CHOICE(SECTION_TEAMING, "rehash", choices_rehash, "minimal", FIELD(teaming, modulo),
	       "after a failure: minimal = only flows of the failed uplink move; modulo = all flows are hashed over the remaining uplinks, as on ESX"),
	CHOICE(SECTION_TEAMING, "iphash-octets", choices_octets, "all", FIELD(teaming, last_octet),
	       "part of an IPv4 address that enters the hash: all octets, or the last one as in VMware's later documents"),
	CHOICE(SECTION_TEAMING, "failure-detection", choices_detection, "link", FIELD(teaming, detection), "failure criterion: loss of the link"),
	BOOL(SECTION_TEAMING, "notify-switches", "true", FIELD(teaming, notify_switches),
	     "after ports move to another uplink, send RARP and query their multicast memberships; without a channel only"),
	BOOL(SECTION_TEAMING, "failback", "true", FIELD(teaming, failback),
	     "return to a recovered uplink; false = it stays a spare until the uplink in use fails"),
	LIST(SECTION_TEAMING, KEY_NAMES, "active", 1, UL_MAX_UPLINKS, "a list of 1-24 uplinks of the switch", "uplinks in use, in order",
	     NOTE("all uplinks that are not in standby, in order")),
	LIST(SECTION_TEAMING, KEY_NAMES, "standby", 0, UL_MAX_UPLINKS, "a list of uplinks of the switch",
	     "uplinks that replace failed active ones, in order; uplinks in neither list are unused", NOTE("[]")),
	RESERVED(SECTION_TEAMING, "hash-inner"),
	RESERVED(SECTION_TEAMING, "rebalance"),
	RESERVED(SECTION_TEAMING, "load"),

	BOOL(SECTION_SECURITY, "promiscuous", "false", FIELD(security, promiscuous), "ports receive all frames of their VLAN"),
	BOOL(SECTION_SECURITY, "mac-changes", "false", FIELD(security, mac_changes), "a port that changes its MAC address continues to receive"),
	BOOL(SECTION_SECURITY, "forged-transmits", "false", FIELD(security, forged_transmits), "ports may send with other source MAC addresses"),
	{ .section = SECTION_SECURITY, .type = KEY_BOOL_OR_SECTION, .name = "mac-learning", .allowed = "true, false or a mapping",
	  .fallback = "false", FIELD(security, mac_learning), .help = "MAC addresses are learned from the frames that ports send" },
	CHOICE(SECTION_SECURITY, "guest-control-frames", choices_guest_control, "drop", FIELD(security, guest_control_pass),
	       "switch-to-switch frames that machines send, such as CDP, PAgP or MVRP"),
	RESERVED(SECTION_SECURITY, "isolated"),
	RESERVED(SECTION_SECURITY, "ip-guard"),
	RESERVED(SECTION_SECURITY, "dhcp-server"),
	RESERVED(SECTION_SECURITY, "router-advertisements"),

	UINT(SECTION_LEARNING, "limit", 1, 4096, "4096", FIELD(learning_cfg, limit), "learned addresses per port"),
	CHOICE(SECTION_LEARNING, "policy", choices_learning_policy, "drop", FIELD(learning_cfg, policy),
	       "frames from a source beyond the limit: drop them, or allow them without learning"),
	UINT(SECTION_LEARNING, "age-s", 10, 86400, "600", FIELD(learning_cfg, age_s), "seconds after its last use at which an address expires"),
	BOOL(SECTION_LEARNING, "unicast-flooding", "true", FIELD(learning_cfg, unicast_flooding),
	     "ports receive unicast frames from uplinks to unknown addresses of their VLAN"),

	TEXT(SECTION_GROUP, KEY_GROUP_NAME, "name", "1-63 printable characters without '/' and quotes", FIELD(group_cfg, name),
	     "name of the port group, unique in its switch", REQUIRED),
	TEXT(SECTION_GROUP, KEY_VLAN, "vlan", "0-4095 or a list such as \"10,20-30\"", FIELD(group_cfg, vlan_mode),
	     "0 = untagged, 1-4094 = the virtual switch tags, 4095 or a list = the machines tag (trunk)", PRESET("0")),
	BOOL(SECTION_GROUP, "qinq", "false", FIELD(group_cfg, qinq), "trunk: frames with an 802.1ad tag (88a8) of a VLAN in the list pass"),
	TEXT(SECTION_GROUP, KEY_INTERFACE, "bridge", INTERFACE_RULE, FIELD(group_cfg, bridge),
	     "attachment bridge: interfaces that are enslaved to it become ports of the group", NOTE("none")),
	OTHER(SECTION_GROUP, KEY_SECTION, "teaming", "a mapping", "items that differ from the switch's", NOTE("the switch's")),
	OTHER(SECTION_GROUP, KEY_SECTION, "security", "a mapping", "items that differ from the switch's", NOTE("the switch's")),
	LIST(SECTION_GROUP, KEY_LIST, "ports", 0, UL_MAX_PORTS, "a list of at most 4096 ports", "the ports of the group"),
	RESERVED(SECTION_GROUP, "private-vlan"),
	RESERVED(SECTION_GROUP, "shaping"),
	RESERVED(SECTION_GROUP, "storm"),

	TEXT(SECTION_PORT, KEY_INTERFACE, "interface", INTERFACE_RULE, FIELD(port_cfg, interface),
	     "tap or veth of a machine, or the name of the host port", REQUIRED),
	TEXT(SECTION_PORT, KEY_MAC, "mac", MAC_RULE, FIELD(port_cfg, mac),
	     "MAC address of the machine; optional with host or with mac-learning"),
	BOOL(SECTION_PORT, "host", "false", FIELD(port_cfg, host), "a port of the host itself: uplinkd creates the interface"),
	BOOL(SECTION_PORT, "dhcp", "false", FIELD(port_cfg, dhcp),
	     "IPv4 address, gateway and name servers of a host port by DHCP, through systemd-networkd or NetworkManager"),
	BOOL(SECTION_PORT, "ipv6-ra", "false", FIELD(port_cfg, ipv6_ra),
	     "IPv6 addresses, gateway and name servers of a host port by router advertisements and DHCPv6, through the same"),
	LIST(SECTION_PORT, KEY_NAMES, "address", 1, 64, "a list of 1-64 addresses with prefix length such as [192.0.2.10/24]",
	     "IPv4 and IPv6 addresses of a host port"),
	LIST(SECTION_PORT, KEY_NAMES_OR_ONE, "gateway", 1, 2, "an address such as 192.0.2.1, or a list of one IPv4 and one IPv6 address",
	     "default gateways of a host port"),
	LIST(SECTION_PORT, KEY_NAMES, "dns", 1, CONFIG_MAX_DNS, "a list of 1-8 addresses such as [192.0.2.53]",
	     "name servers that are used through a host port, set by systemd-networkd or NetworkManager"),
	LIST(SECTION_PORT, KEY_LIST, "routes", 0, CONFIG_MAX_ROUTES, "a list of at most 32 routes", "static routes of a host port"),
	RESERVED(SECTION_PORT, "addresses"),

	TEXT(SECTION_ROUTE, KEY_PREFIX, "to", "a network with prefix length such as 198.51.100.0/24, without host bits", FIELD(route, to),
	     "destination", REQUIRED),
	TEXT(SECTION_ROUTE, KEY_ADDRESS, "via", "a host address such as 192.0.2.1", FIELD(route, via),
	     "router", NOTE("none: the destination is on the link")),
	UINT(SECTION_ROUTE, "metric", 0, UINT32_MAX, "0", FIELD(route, metric), "priority, the lowest wins; 0 = the kernel's default"),

	TEXT(SECTION_CONTROL, KEY_PATH, "socket", "an absolute path of at most 107 characters", FIELD(model, control_socket),
	     "Unix socket of the daemon", NOTE("uplinkd.sock in the run directory")),
	TEXT(SECTION_CONTROL, KEY_USER_GROUP, "group", "the name of a group: 1-31 of [A-Za-z0-9_.-]", FIELD(model, control_group),
	     "members of this group may use the socket", NOTE("root only")),
	CHOICE(SECTION_CONTROL, "group-may", choices_group_may, "change", FIELD(model, control_group_reads),
	       "whether members of the group may change something, or only read"),
};
/* clang-format on */

const size_t n_config_keys = ARRAY_SIZE(config_keys);

/* The first row of the section or a later one; the rows are sorted by section. */
static size_t lower_bound(int section)
{
	size_t first = 0, end = n_config_keys;

	while (first < end) {
		size_t middle = (first + end) / 2;

		if ((int)config_keys[middle].section < section)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

const struct config_key *config_section_keys(enum config_section section, size_t *ret_n)
{
	size_t first = lower_bound((int)section);

	*ret_n = lower_bound((int)section + 1) - first;
	return &config_keys[first];
}

const char *config_section_title(enum config_section section)
{
	/* clang-format off */
	static const char *const titles[] = {
		[SECTION_ROOT] = "Top level",
		[SECTION_SWITCH] = "switches[]",
		[SECTION_LACP] = "switches[].lacp",
		[SECTION_PAGP] = "switches[].pagp",
		[SECTION_TEAMING] = "switches[].teaming and port-groups[].teaming",
		[SECTION_SECURITY] = "switches[].security and port-groups[].security",
		[SECTION_LEARNING] = "switches[].security.mac-learning and port-groups[].security.mac-learning",
		[SECTION_GROUP] = "switches[].port-groups[]",
		[SECTION_PORT] = "switches[].port-groups[].ports[]",
		[SECTION_ROUTE] = "switches[].port-groups[].ports[].routes[]",
		[SECTION_CONTROL] = "control",
	};
	/* clang-format on */
	_Static_assert(ARRAY_SIZE(titles) == N_SECTIONS, "a title per section");

	return titles[section];
}

const char *key_type_name(enum key_type type)
{
	/* clang-format off */
	static const char *const names[] = {
		[KEY_UINT] = "number",
		[KEY_BOOL] = "boolean",
		[KEY_CHOICE] = "choice",
		[KEY_SWITCH_NAME] = "text",
		[KEY_GROUP_NAME] = "text",
		[KEY_INTERFACE] = "text",
		[KEY_MAC] = "MAC address",
		[KEY_VLAN] = "VLAN",
		[KEY_PATH] = "text",
		[KEY_USER_GROUP] = "text",
		[KEY_ADDRESS] = "text",
		[KEY_PREFIX] = "text",
		[KEY_NAMES] = "list",
		[KEY_NAMES_OR_ONE] = "text or list",
		[KEY_LIST] = "list",
		[KEY_SECTION] = "mapping",
		[KEY_BOOL_OR_SECTION] = "boolean or mapping",
		[KEY_UNAVAILABLE] = "not available",
	};
	/* clang-format on */
	_Static_assert(ARRAY_SIZE(names) == N_KEY_TYPES, "a name per type");

	return names[type];
}

const char *join_names(const char *const *names, size_t n, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 i == 0	    ? "" :
					 i == n - 1 ? " or " :
						      ", ",
					 names[i]);
	return text;
}

static void join_choices(const struct choice *choices, char *text, size_t size)
{
	const char *names[CONFIG_MAX_CHOICES];
	size_t n = 0;

	for (; choices->name; choices++)
		if (!choices->refusal && n < ARRAY_SIZE(names))
			names[n++] = choices->name;
	join_names(names, n, text, size);
}

const char *config_key_allowed(const struct config_key *key, char *text, size_t size)
{
	if (key->choices)
		join_choices(key->choices, text, size);
	else if (key->allowed)
		snprintf(text, size, "%s", key->allowed);
	else
		snprintf(text, size, "%u-%u", key->min, key->max);
	return text;
}

const char *config_key_default(const struct config_key *key)
{
	return key->default_note ? key->default_note : key->fallback ? key->fallback : "";
}
