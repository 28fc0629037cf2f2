// SPDX-License-Identifier: GPL-2.0
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "config/model.h"

const struct choice choices_method[] = {
	{ "src-dst-ip", UL_M_SRC_DST_IP, NULL },
	{ "src-ip", UL_M_SRC_IP, NULL },
	{ "dst-ip", UL_M_DST_IP, NULL },
	{ "src-mac", UL_M_SRC_MAC, NULL },
	{ "dst-mac", UL_M_DST_MAC, NULL },
	{ "src-dst-mac", UL_M_SRC_DST_MAC, NULL },
	{ "src-dst-ip-port", UL_M_SRC_DST_IP_PORT, NULL },
	{ "port-id", UL_M_PORT_ID, NULL },
	{ "failover-order", UL_M_FAILOVER_ORDER, NULL },
	{ "load", -1, "not available in this version" },
	{ NULL, 0, NULL },
};
_Static_assert(ARRAY_SIZE(choices_method) == UL_N_METHODS + 2,
	       "a name per method, load, and the end");

const struct choice choices_channel[] = {
	{ "none", UL_CHANNEL_NONE, NULL },
	{ "static", UL_CHANNEL_STATIC, NULL },
	{ "lacp", UL_CHANNEL_LACP, NULL },
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
	{ "none", CFG_LACP_NONE, NULL },
	{ "individual", CFG_LACP_INDIVIDUAL, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_mux[] = {
	{ "coupled", CFG_LACP_COUPLED, NULL },
	{ "independent", CFG_LACP_INDEPENDENT, NULL },
	{ NULL, 0, NULL },
};

static const struct choice choices_selection[] = {
	{ "stable", CFG_LACP_STABLE, NULL },
	{ "bandwidth", CFG_LACP_BANDWIDTH, NULL },
	{ "count", CFG_LACP_COUNT, NULL },
	{ "port-priority", CFG_LACP_PORT_PRIORITY, NULL },
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

static const struct choice choices_detection[] = {
	{ "link", DETECT_LINK, NULL },
	{ "beacon", DETECT_BEACON, "this version detects failures by link state only" },
	{ NULL, 0, NULL },
};

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

/* The rows of a section stand together, and scalars before the lists and mappings whose checks need
 * them. */
const struct config_key config_keys[] = {
	LIST(SECTION_ROOT, KEY_LIST, "switches", 1, CONFIG_MAX_SWITCHES, "a list of 1-64 switches",
	     "the virtual switches; nothing crosses from one to another", REQUIRED),
	OTHER(SECTION_ROOT, KEY_SECTION, "control", "a mapping with socket and group",
	      "how uplinkctl reaches the daemon"),
	OTHER(SECTION_ROOT, KEY_UNAVAILABLE, "metrics", "absent",
	      "reserved for the metrics endpoint, which this version does not have"),

	TEXT(SECTION_SWITCH, KEY_SWITCH_NAME, "name", "1-15 of [a-z0-9-]", FIELD(switch_cfg, name),
	     "name of the switch, also of its folder of pinned maps", REQUIRED),
	UINT(SECTION_SWITCH, "mtu", 1280, 9216, "1500", FIELD(switch_cfg, mtu),
	     "bytes of payload; set on uplinks and host ports"),
	CHOICE(SECTION_SWITCH, "receive", choices_receive, "auto", FIELD(switch_cfg, receive),
	       "where frames from uplinks are steered: auto = TCP after GRO in TC, the rest in XDP; xdp or tc = everything there"),
	CHOICE(SECTION_SWITCH, "channel", choices_channel, "none", FIELD(switch_cfg, channel),
	       "how the physical switch bundles the links"),
	UINT(SECTION_SWITCH, "up-delay-ms", 0, 1800000, "100", FIELD(switch_cfg, up_delay_ms),
	     "how long a link must stay up before it is used beside others"),
	UINT(SECTION_SWITCH, "carrier-poll-ms", 0, 1000, "10", FIELD(switch_cfg, carrier_poll_ms),
	     "how often the daemon looks at the carrier; not more often than each 100 where the programs see it themselves (from Linux 6.2 on); 0 = events only"),
	LIST(SECTION_SWITCH, KEY_NAMES, "uplinks", 1, UL_MAX_UPLINKS,
	     "a list of 1-24 network interfaces",
	     "physical NICs; their order is the index order of the hash", REQUIRED),
	OTHER(SECTION_SWITCH, KEY_SECTION, "lacp", "a mapping",
	      "LACP settings, only with channel: lacp"),
	OTHER(SECTION_SWITCH, KEY_SECTION, "teaming", "a mapping",
	      "load balancing and failover; port groups inherit each item"),
	OTHER(SECTION_SWITCH, KEY_SECTION, "security", "a mapping",
	      "what ports may do; port groups inherit each item"),
	LIST(SECTION_SWITCH, KEY_LIST, "port-groups", 0, UL_MAX_GROUPS,
	     "a list of at most 4160 port groups", "the port groups of the switch"),

	CHOICE(SECTION_LACP, "activity", choices_activity, "active", FIELD(lacp_cfg, activity),
	       "active = send LACPDUs always; passive = only after the partner's"),
	CHOICE(SECTION_LACP, "rate", choices_rate, "slow", FIELD(lacp_cfg, rate),
	       "what is asked of the partner: slow = a LACPDU each 30 s, fast = each second"),
	UINT(SECTION_LACP, "system-priority", 1, 65535, "65535", FIELD(lacp_cfg, system_priority),
	     "priority of the host; the lower one decides"),
	TEXT(SECTION_LACP, KEY_MAC, "system-id", MAC_RULE, FIELD(lacp_cfg, system_id),
	     "system identifier of the host", NOTE("MAC of the first uplink")),
	UINT(SECTION_LACP, "key", 1, 65535, "1", FIELD(lacp_cfg, key),
	     "operational key of all uplinks of the switch"),
	UINT(SECTION_LACP, "port-priority", 1, 65535, "255", FIELD(lacp_cfg, port_priority),
	     "priority of each uplink"),
	UINT(SECTION_LACP, "min-links", 1, UL_MAX_UPLINKS, "1", FIELD(lacp_cfg, min_links),
	     "with fewer collecting and distributing links the whole channel is down; at most the number of uplinks, and max-links"),
	UINT(SECTION_LACP, "max-links", 0, UL_MAX_UPLINKS, "0", FIELD(lacp_cfg, max_links),
	     "most links that are used at once, the others wait as standby; 0 = all"),
	CHOICE(SECTION_LACP, "selection", choices_selection, "stable", FIELD(lacp_cfg, selection),
	       "which partner is taken when there are several: the one at hand, the most bandwidth, the most links, or the best port priority"),
	CHOICE(SECTION_LACP, "mux", choices_mux, "coupled", FIELD(lacp_cfg, mux),
	       "independent = a link sends only when the partner says that it receives there"),
	UINT(SECTION_LACP, "headless-s", 0, 86400, "300", FIELD(lacp_cfg, headless_s),
	     "how many seconds the data plane may answer LACPDUs while the daemon is stopped; 0 = not at all"),
	CHOICE(SECTION_LACP, "fallback", choices_fallback, "none", FIELD(lacp_cfg, fallback),
	       "individual = without any partner, one link keeps forwarding (PXE, a switch that is not set up)"),

	CHOICE(SECTION_TEAMING, "load-balancing", choices_method, NULL, FIELD(teaming, method),
	       "how an uplink is chosen", NOTE("src-dst-ip with a channel, port-id without")),
	CHOICE(SECTION_TEAMING, "rehash", choices_rehash, "minimal", FIELD(teaming, modulo),
	       "after a failure: minimal = only the failed uplink's flows move; modulo = all are hashed over what is left, as ESX does"),
	CHOICE(SECTION_TEAMING, "iphash-octets", choices_octets, "all", FIELD(teaming, last_octet),
	       "what of an IPv4 address enters the hash: all of it, or the last octet as in VMware's later documents"),
	CHOICE(SECTION_TEAMING, "failure-detection", choices_detection, "link",
	       FIELD(teaming, detection), "what counts as a failure: loss of the link"),
	BOOL(SECTION_TEAMING, "notify-switches", "true", FIELD(teaming, notify_switches),
	     "send RARP after ports move to another uplink; without a channel only"),
	BOOL(SECTION_TEAMING, "failback", "true", FIELD(teaming, failback),
	     "return to a recovered uplink; false = it waits as a spare until the one in use fails"),
	LIST(SECTION_TEAMING, KEY_NAMES, "active", 1, UL_MAX_UPLINKS,
	     "a list of 1-24 uplinks of the switch", "uplinks in use, in order",
	     NOTE("all uplinks that are not in standby, in order")),
	LIST(SECTION_TEAMING, KEY_NAMES, "standby", 0, UL_MAX_UPLINKS,
	     "a list of uplinks of the switch",
	     "uplinks that wait for the failure of active ones, in order; what is in neither list is unused",
	     NOTE("[]")),

	BOOL(SECTION_SECURITY, "promiscuous", "false", FIELD(security, promiscuous),
	     "ports see all frames of their VLAN"),
	BOOL(SECTION_SECURITY, "mac-changes", "false", FIELD(security, mac_changes),
	     "a port that changes its MAC address goes on receiving"),
	BOOL(SECTION_SECURITY, "forged-transmits", "false", FIELD(security, forged_transmits),
	     "ports may send with other source MAC addresses"),
	BOOL(SECTION_SECURITY, "mac-learning", "false", FIELD(security, mac_learning),
	     "MAC addresses are learned from what ports send"),

	TEXT(SECTION_GROUP, KEY_GROUP_NAME, "name",
	     "1-63 printable characters without '/' and quotes", FIELD(group_cfg, name),
	     "name of the port group, unique in its switch", REQUIRED),
	TEXT(SECTION_GROUP, KEY_VLAN, "vlan", "0-4095 or a list such as \"10,20-30\"",
	     FIELD(group_cfg, vlan_mode),
	     "0 = untagged, 1-4094 = the switch tags, 4095 or a list = the machines tag (trunk)",
	     PRESET("0")),
	OTHER(SECTION_GROUP, KEY_SECTION, "teaming", "a mapping",
	      "items that differ from the switch's", NOTE("the switch's")),
	OTHER(SECTION_GROUP, KEY_SECTION, "security", "a mapping",
	      "items that differ from the switch's", NOTE("the switch's")),
	LIST(SECTION_GROUP, KEY_LIST, "ports", 0, UL_MAX_PORTS, "a list of at most 4096 ports",
	     "the ports of the group"),

	TEXT(SECTION_PORT, KEY_INTERFACE, "interface", INTERFACE_RULE, FIELD(port_cfg, interface),
	     "tap or veth of a machine, or the name that the host port gets", REQUIRED),
	TEXT(SECTION_PORT, KEY_MAC, "mac", MAC_RULE, FIELD(port_cfg, mac),
	     "MAC address of the machine; not needed with host or with mac-learning"),
	BOOL(SECTION_PORT, "host", "false", FIELD(port_cfg, host),
	     "the host's own port: uplinkd makes the interface"),
	LIST(SECTION_PORT, KEY_NAMES, "address", 1, 64,
	     "a list of 1-64 addresses with prefix length such as [192.0.2.10/24]",
	     "IPv4 and IPv6 addresses of a host port"),

	TEXT(SECTION_CONTROL, KEY_PATH, "socket", "an absolute path of at most 107 characters",
	     FIELD(model, control_socket), "Unix socket of the daemon",
	     NOTE("uplinkd.sock in the run directory")),
	TEXT(SECTION_CONTROL, KEY_USER_GROUP, "group",
	     "the name of a group: 1-31 of [A-Za-z0-9_.-]", FIELD(model, control_group),
	     "members of this group may use the socket", NOTE("root only")),
};

const size_t n_config_keys = ARRAY_SIZE(config_keys);

const struct config_key *config_section_keys(enum config_section section, size_t *ret_n)
{
	const struct config_key *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < n_config_keys; i++) {
		if (config_keys[i].section != section)
			continue;
		if (!first)
			first = &config_keys[i];
		n++;
	}
	*ret_n = n;
	return first;
}

const struct config_key *config_key_find(enum config_section section, const char *name)
{
	for (size_t i = 0; i < n_config_keys; i++)
		if (config_keys[i].section == section && strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

const char *config_section_title(enum config_section section)
{
	static const char *const titles[] = {
		[SECTION_ROOT] = "Top level",
		[SECTION_SWITCH] = "switches[]",
		[SECTION_LACP] = "switches[].lacp",
		[SECTION_TEAMING] = "switches[].teaming and port-groups[].teaming",
		[SECTION_SECURITY] = "switches[].security and port-groups[].security",
		[SECTION_GROUP] = "switches[].port-groups[]",
		[SECTION_PORT] = "switches[].port-groups[].ports[]",
		[SECTION_CONTROL] = "control",
	};
	_Static_assert(ARRAY_SIZE(titles) == N_SECTIONS, "a title per section");

	return titles[section];
}

const char *key_type_name(enum key_type type)
{
	static const char *const names[] = {
		[KEY_UINT] = "number",	   [KEY_BOOL] = "boolean",
		[KEY_CHOICE] = "choice",   [KEY_SWITCH_NAME] = "text",
		[KEY_GROUP_NAME] = "text", [KEY_INTERFACE] = "text",
		[KEY_MAC] = "MAC address", [KEY_VLAN] = "VLAN",
		[KEY_PATH] = "text",	   [KEY_USER_GROUP] = "text",
		[KEY_NAMES] = "list",	   [KEY_LIST] = "list",
		[KEY_SECTION] = "mapping", [KEY_UNAVAILABLE] = "not available",
	};
	_Static_assert(ARRAY_SIZE(names) == N_KEY_TYPES, "a name per type");

	return names[type];
}

static void join_choices(const struct choice *choices, char *text, size_t size)
{
	const char *names[CONFIG_MAX_KEYS];
	size_t n = 0, used = 0;

	for (; choices->name; choices++)
		if (!choices->refusal && n < ARRAY_SIZE(names))
			names[n++] = choices->name;
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 i == 0	    ? "" :
					 i == n - 1 ? " or " :
						      ", ",
					 names[i]);
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
