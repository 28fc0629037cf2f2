// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * /etc/network/interfaces of ifupdown and ifupdown2, with the options of the packages bridge-utils,
 * ifenslave and vlan. A stanza starts with "iface NAME FAMILY METHOD"; its options follow. Lines
 * that end in '\' continue. "source" and "source-directory" read other files.
 */
#include <glob.h>
#include <limits.h>

#include "common/util.h"
#include "import/reader.h"

#define MAX_DEPTH 8
#define MAX_NAMES 1024 /* that a pattern of source matches */

struct ifupdown {
	struct network *network;
	int depth;
	struct net_place place;
	struct net_interface *interface; /* of the stanza; NULL: none, or it is left out */
	bool in_stanza;
	/* of the stanza: address and netmask may stand apart */
	char address[64], netmask[32];
	struct net_place address_place;
};

/* ---- names ---- */
/* "bond0.100" and "vlan100" with vlan-raw-device are VLAN devices. */
static void guess_vlan(struct ifupdown *reader, struct net_interface *interface)
{
	const char *dot = strrchr(interface->name, '.');
	char parent[NET_NAME_LEN];
	uint64_t vid;

	if (!dot || dot == interface->name || interface->kind != NET_UNKNOWN ||
	    parse_u64(dot + 1, 1, 4094, &vid) < 0)
		return;
	interface->kind = NET_VLAN;
	interface->vid = (unsigned int)vid;
	snprintf(parent, sizeof(parent), "%.*s", (int)(dot - interface->name), interface->name);
	network_set_name(reader->network, reader->place, interface->parent, parent);
	network_get(reader->network, reader->place, parent);
}

static struct net_interface *get_interface(struct ifupdown *reader, const char *name)
{
	struct net_interface *interface = network_get(reader->network, reader->place, name);

	if (interface)
		guess_vlan(reader, interface);
	return interface;
}

static void enslave(struct ifupdown *reader, const char *name, const char *master, bool member)
{
	struct net_interface *interface = get_interface(reader, name);

	if (!interface)
		return;
	network_set_name(reader->network, reader->place, interface->master, master);
	interface->is_member = member;
	interface->is_declared = true;
}

/* ---- options ---- */
static void set_bridge_ports(struct ifupdown *reader, char *value)
{
	char *word;

	net_set_kind(reader->interface, NET_BRIDGE);
	while ((word = next_word(&value))) {
		if (strcmp(word, "none") == 0)
			continue;
		if (strcmp(word, "all") == 0 || strcmp(word, "regex") == 0 ||
		    strpbrk(word, "*?[")) {
			network_unmapped(reader->network, reader->place,
					 "%s: bridge-ports %s: not mapped: name the interfaces",
					 reader->interface->name, word);
			return;
		}
		enslave(reader, word, reader->interface->name, false);
	}
}

static void set_bond_members(struct ifupdown *reader, char *value)
{
	char *word;

	net_set_kind(reader->interface, NET_BOND);
	while ((word = next_word(&value)))
		if (strcmp(word, "none") != 0)
			enslave(reader, word, reader->interface->name, true);
}

/* In the stanza of a member: "bond-master bond0". */
static void set_bond_master(struct ifupdown *reader, char *value)
{
	struct net_interface *bond = network_get(reader->network, reader->place, trim(value));

	if (!bond)
		return;
	net_set_kind(bond, NET_BOND);
	enslave(reader, reader->interface->name, bond->name, true);
}

static void set_vlan_parent(struct ifupdown *reader, char *value)
{
	struct net_interface *interface = reader->interface;
	const char *digits = interface->name + strcspn(interface->name, "0123456789");
	uint64_t vid;

	interface->kind = NET_VLAN;
	if (!network_set_name(reader->network, reader->place, interface->parent, trim(value)))
		return;
	network_get(reader->network, reader->place, interface->parent);
	if (!interface->vid && parse_u64(digits, 1, 4094, &vid) == 0)
		interface->vid = (unsigned int)vid;
}

static void set_vlan_id(struct ifupdown *reader, char *value)
{
	uint64_t vid;

	if (parse_u64(trim(value), 1, 4094, &vid) < 0)
		network_error(reader->network, reader->place, -EINVAL,
			      "%s: vlan-id %.40s: must be 1-4094", reader->interface->name, value);
	else
		reader->interface->vid = (unsigned int)vid;
}

static void set_address(struct ifupdown *reader, char *value)
{
	snprintf(reader->address, sizeof(reader->address), "%s", trim(value));
	reader->address_place = reader->place;
}

static void set_netmask(struct ifupdown *reader, char *value)
{
	snprintf(reader->netmask, sizeof(reader->netmask), "%s", trim(value));
}

static void set_gateway(struct ifupdown *reader, char *value)
{
	value = trim(value);
	if (!value[0])
		network_error(reader->network, reader->place, -EINVAL,
			      "%s: gateway: must be an address", reader->interface->name);
	else
		network_add_route(reader->network, reader->place, reader->interface->name,
				  "default", value, 0);
}

static void set_dns(struct ifupdown *reader, char *value)
{
	char *word;

	while ((word = next_word(&value)))
		network_add_dns(reader->network, reader->place, reader->interface->name, word);
}

static void set_mtu(struct ifupdown *reader, char *value)
{
	uint64_t mtu;

	if (parse_u64(trim(value), 68, 65535, &mtu) < 0)
		network_error(reader->network, reader->place, -EINVAL,
			      "%s: mtu %.40s: must be 68-65535", reader->interface->name, value);
	else
		reader->interface->mtu = (unsigned int)mtu;
}

static void set_vlan_aware(struct ifupdown *reader, char *value)
{
	reader->interface->vlan_aware = strcmp(trim(value), "yes") == 0 ||
					strcmp(trim(value), "on") == 0;
}

/* ifupdown2: "bridge-access 100" at a port */
static void set_access(struct ifupdown *reader, char *value)
{
	struct net_vlans *vlans = &reader->interface->vlans;
	uint64_t vid;

	if (parse_u64(trim(value), 1, 4094, &vid) < 0) {
		network_error(reader->network, reader->place, -EINVAL,
			      "%s: bridge-access %.40s: must be 1-4094", reader->interface->name,
			      value);
		return;
	}
	*vlans = (struct net_vlans){ .given = true, .pvid = (int)vid };
	net_vlan_set(vlans->untagged, (unsigned int)vid);
}

/* ifupdown2: "bridge-vids 10 20-30" at a bridge or port */
static void set_vids(struct ifupdown *reader, char *value)
{
	struct net_vlans *vlans = &reader->interface->vlans;
	char *word;

	if (reader->interface->kind == NET_BRIDGE || reader->interface->vlan_aware)
		return; /* the default of its ports: uplinks carry all VLANs */
	while ((word = next_word(&value))) {
		char *dash = strchr(word, '-');
		uint64_t first, last;

		if (dash)
			*dash = '\0';
		if (parse_u64(word, 1, 4094, &first) < 0 ||
		    (dash && parse_u64(dash + 1, first, 4094, &last) < 0)) {
			network_error(reader->network, reader->place, -EINVAL,
				      "%s: bridge-vids %.40s: must be VLANs such as 10 20-30",
				      reader->interface->name, word);
			return;
		}
		vlans->given = true;
		for (uint64_t vid = first; vid <= (dash ? last : first); vid++)
			net_vlan_set(vlans->tagged, (unsigned int)vid);
	}
}

/* An Open vSwitch of ifupdown has more in its database than here. */
static void refuse_ovs(struct ifupdown *reader, char *value)
{
	network_unmapped(reader->network, reader->place,
			 "%s: ovs_type %.40s: not mapped: import the source ovs",
			 reader->interface->name, trim(value));
}

static void ignore(struct ifupdown *reader, char *value)
{
	(void)reader;
	(void)value;
}

/* Names have '-' where the file may have '_'. NULL: named as not mapped. */
static const struct {
	const char *name;
	void (*set)(struct ifupdown *reader, char *value);
	/* clang-format off */
} options[] = {
	{ "address", set_address },
	{ "netmask", set_netmask },
	{ "gateway", set_gateway },
	{ "dns-nameservers", set_dns },
	{ "dns-nameserver", set_dns },
	{ "mtu", set_mtu },
	{ "bridge-ports", set_bridge_ports },
	{ "bridge-vlan-aware", set_vlan_aware },
	{ "bridge-access", set_access },
	{ "bridge-vids", set_vids },
	{ "bond-slaves", set_bond_members },
	{ "slaves", set_bond_members },
	{ "bond-master", set_bond_master },
	{ "vlan-raw-device", set_vlan_parent },
	{ "vlan-id", set_vlan_id },
	{ "ovs-type", refuse_ovs },
	/* without meaning for a configuration */
	{ "broadcast", ignore },
	{ "network", ignore },
	{ "scope", ignore },
	{ "label", ignore },
	{ "bond-lacp-bypass-allow", ignore },
	{ "bridge-stp", ignore },
	{ "bridge-fd", ignore },
	{ "bridge-waitport", ignore },
	{ "bridge-maxwait", ignore },
	{ "bridge-ageing", ignore },
	{ "bridge-hello", ignore },
	{ "bridge-maxage", ignore },
	{ "bridge-bridgeprio", ignore },
	{ "bridge-pathcost", ignore },
	{ "bridge-portprio", ignore },
	{ "dns-search", ignore },
	{ "dns-domain", ignore },
};
/* clang-format on */

/* "bond-lacp-rate" is the kernel's "lacp_rate". */
static bool set_bond_option(struct ifupdown *reader, const char *name, char *value)
{
	/* clang-format off */
	static const char *const renamed[][2] = {
		{ "lacp_fast", "lacp_rate" },
		{ "ad_sys_priority", "ad_actor_sys_prio" },
		{ "ad_sys_mac_addr", "ad_actor_system" },
		{ "use_carrier", "use_carrier" },
	};
	/* clang-format on */
	char option[64];

	if (strncmp(name, "bond-", 5) != 0)
		return false;
	snprintf(option, sizeof(option), "%s", name + 5);
	for (char *c = option; *c; c++)
		if (*c == '-')
			*c = '_';
	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++)
		if (strcmp(option, renamed[i][0]) == 0)
			snprintf(option, sizeof(option), "%s", renamed[i][1]);
	value = trim(value);
	/* "bond-primary eth0 eth1": the first is preferred */
	if (strcmp(option, "primary") == 0)
		value[strcspn(value, " \t")] = '\0';
	/* a member may name its primary, too */
	if (reader->interface->kind == NET_BOND || strcmp(option, "primary") != 0)
		net_set_kind(reader->interface, NET_BOND);
	net_bond_set(reader->network, reader->place, reader->interface, option, value);
	return true;
}

static void set_option(struct ifupdown *reader, char *name, char *value)
{
	if (!reader->interface)
		return;
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, name) == 0) {
			options[i].set(reader, value);
			return;
		}
	}
	if (!set_bond_option(reader, name, value))
		network_unmapped(reader->network, reader->place, "%s: %.60s %.120s: not mapped: %s",
				 reader->interface->name, name, trim(value),
				 strcmp(name, "up") == 0 || strncmp(name, "pre-", 4) == 0 ||
						 strncmp(name, "post-", 5) == 0 ||
						 strcmp(name, "down") == 0 ?
					 "uplinkd runs no commands" :
					 "unknown option");
}

/* ---- stanzas ---- */
/* "255.255.255.0" or "24" */
static int prefix_length(const char *netmask)
{
	unsigned int a, b, c, d;
	uint32_t mask;
	uint64_t length;
	char rest;

	if (parse_u64(netmask, 0, 128, &length) == 0)
		return (int)length;
	if (sscanf(netmask, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) != 4 || a > 255 ||
	    b > 255 || c > 255 || d > 255)
		return -EINVAL;
	mask = a << 24 | b << 16 | c << 8 | d;
	/* ones, then zeros */
	if (~mask & (~mask + 1))
		return -EINVAL;
	return __builtin_popcount(mask);
}

static void end_stanza(struct ifupdown *reader)
{
	char text[sizeof(reader->address) + 16];
	int length;

	if (reader->interface && reader->address[0]) {
		length = reader->netmask[0] ? prefix_length(reader->netmask) : 0;
		if (length < 0) {
			network_error(reader->network, reader->address_place, -EINVAL,
				      "%s: netmask %s: must be such as 255.255.255.0 or 24",
				      reader->interface->name, reader->netmask);
			return;
		}
		if (strchr(reader->address, '/') || !reader->netmask[0])
			snprintf(text, sizeof(text), "%s", reader->address);
		else
			snprintf(text, sizeof(text), "%s/%d", reader->address, length);
		network_add_address(reader->network, reader->address_place, reader->interface,
				    text);
	}
	reader->interface = NULL;
	reader->in_stanza = false;
	reader->address[0] = reader->netmask[0] = '\0';
}

/* "iface NAME FAMILY METHOD" */
static void start_stanza(struct ifupdown *reader, char *line)
{
	char *name = next_word(&line), *family = name ? next_word(&line) : NULL,
	     *method = family ? next_word(&line) : NULL;

	reader->in_stanza = true;
	if (!name) {
		network_error(reader->network, reader->place, -EINVAL,
			      "iface: the name is missing: must be iface NAME FAMILY METHOD");
		return;
	}
	if (strcmp(name, "lo") == 0 || (method && strcmp(method, "loopback") == 0))
		return;
	reader->interface = get_interface(reader, name);
	if (!reader->interface || !method)
		return;
	if (strcmp(method, "dhcp") == 0)
		reader->interface->dhcp = true;
	else if (strcmp(method, "static") != 0 && strcmp(method, "manual") != 0 &&
		 strcmp(method, "auto") != 0)
		network_unmapped(reader->network, reader->place, "%s: method %.40s: not mapped",
				 reader->interface->name, method);
}

/* ---- files ---- */
static void read_file(struct ifupdown *reader, const char *path);

/* Patterns are relative to the folder of the file. */
static void read_source(struct ifupdown *reader, const char *pattern, bool is_folder)
{
	const char *slash = strrchr(reader->place.file, '/');
	char path[PATH_MAX];
	glob_t found;
	int r;

	if (pattern[0] == '/' || !slash)
		r = snprintf(path, sizeof(path), "%s", pattern);
	else
		r = snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - reader->place.file),
			     reader->place.file, pattern);
	if (r >= (int)sizeof(path) - 2) {
		network_error(reader->network, reader->place, -ENAMETOOLONG,
			      "%.80s: is too long for a path", pattern);
		return;
	}
	if (is_folder)
		strcat(path, "/*");
	if (glob(path, 0, NULL, &found) != 0)
		return; /* no match is not a mistake */
	for (size_t i = 0; i < found.gl_pathc && i < MAX_NAMES && !reader->network->failed; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/');

		/* ifupdown: ^[a-zA-Z0-9_-]+$ in folders */
		if (is_folder && name &&
		    name[1 +
			 strspn(name + 1,
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
			continue;
		if (!source_is_folder(found.gl_pathv[i]))
			read_file(reader, found.gl_pathv[i]);
	}
	globfree(&found);
}

static void read_line(struct ifupdown *reader, char *line)
{
	static const char *const others[] = { "auto",	      "mapping",    "rename",
					      "no-auto-down", "no-scripts", "template" };
	char *word = next_word(&line), *pattern;
	bool is_folder;

	if (!word || word[0] == '#')
		return;
	is_folder = strcmp(word, "source-directory") == 0;
	if (is_folder || strcmp(word, "source") == 0) {
		end_stanza(reader);
		while ((pattern = next_word(&line)))
			read_source(reader, pattern, is_folder);
	} else if (strcmp(word, "iface") == 0) {
		end_stanza(reader);
		start_stanza(reader, line);
	} else if (strncmp(word, "allow-", 6) == 0) {
		end_stanza(reader);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			if (strcmp(others[i], word) == 0) {
				end_stanza(reader);
				return;
			}
		}
		if (reader->in_stanza)
			set_option(reader, word, line);
		else
			network_error(reader->network, reader->place, -EINVAL,
				      "%.40s: must be auto, iface, source or an option of an iface",
				      word);
	}
}

/* A line that ends in '\' continues. */
static char *next_line(char **rest, unsigned int *lines)
{
	char *line = *rest, *at = line, *end;

	*lines = 1;
	while ((end = strchr(at, '\n')) && end > line && end[-1] == '\\') {
		end[-1] = end[0] = ' ';
		at = end + 1;
		(*lines)++;
	}
	if (end)
		*end = '\0';
	*rest = end ? end + 1 : NULL;
	return line;
}

static void read_file(struct ifupdown *reader, const char *path)
{
	struct net_place outer = reader->place;
	_cleanup_free_ char *text = NULL;
	unsigned int lines = 0;
	char *rest;

	if (reader->depth == MAX_DEPTH) {
		network_error(reader->network, reader->place, -ELOOP,
			      "%.80s: files source each other more than %d times", path, MAX_DEPTH);
		return;
	}
	text = source_read_file(reader->network, path, &reader->place);
	if (!text)
		return;
	reader->depth++;
	reader->place.line = 1;
	for (rest = text; rest && !reader->network->failed;) {
		char *line = next_line(&rest, &lines);

		read_line(reader, line);
		reader->place.line += lines;
	}
	end_stanza(reader);
	reader->depth--;
	reader->place = outer;
}

void read_ifupdown(struct network *network, const char *path)
{
	struct ifupdown reader = { .network = network };

	read_file(&reader, path);
}
