// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * iproute2's JSON: `ip -d -j address`, `ip -d -j link`, `ip -j route`, `bridge -j vlan`. Each is a
 * list of objects whose keys identify the command.
 */
#include <jansson.h>

#include "common/util.h"
#include "import/reader.h"

/* One source while it is read. */
struct ip_reader {
	struct network *network;
	struct net_place place;
	size_t index; /* of the object, for messages */
};

/* ---- values ---- */
static void wrong_type(struct ip_reader *reader, const char *key, const json_t *value,
		       const char *must)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	network_error(reader->network, reader->place, -EINVAL, "[%zu].%s: %.80s: must be %s",
		      reader->index, key, text ? text : "?", must);
}

/* NULL: absent, null, or no text, which is reported. */
static const char *get_text(struct ip_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return NULL;
	if (!json_is_string(value))
		wrong_type(reader, key, value, "text");
	return json_string_value(value);
}

/* false: absent, or no number in the range, which is reported. */
static bool get_number(struct ip_reader *reader, const json_t *object, const char *key, int64_t max,
		       unsigned int *ret)
{
	const json_t *value = json_object_get(object, key);
	char must[48];

	if (!value || json_is_null(value))
		return false;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max) {
		snprintf(must, sizeof(must), "a number 0-%lld", (long long)max);
		wrong_type(reader, key, value, must);
		return false;
	}
	*ret = (unsigned int)json_integer_value(value);
	return true;
}

/* Versions of iproute2 print flags as true, 1 or "on". */
static bool is_on(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_true(value) || (json_is_integer(value) && json_integer_value(value) != 0) ||
	       (json_is_string(value) && strcmp(json_string_value(value), "on") == 0);
}

static bool has_word(const json_t *list, const char *word)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

/* ---- links ---- */
static const char *bond_option_name(const char *key)
{
	static const char *const names[][2] = {
		{ "ad_lacp_active", "lacp_active" },
		{ "ad_lacp_rate", "lacp_rate" },
		{ "peer_notify_delay", "peer_notif_delay" },
		{ "num_peer_notif", "num_grat_arp" },
		{ "lacp_strict", NULL },
		{ "ad_info", NULL },
		{ "ns_ip6_target", "arp_ip_target" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i][0], key) == 0)
			return names[i][1];
	return key;
}

static void read_bond_value(struct ip_reader *reader, struct net_interface *bond, const char *name,
			    const json_t *value)
{
	char number[32];
	size_t i;
	json_t *item;

	if (json_is_string(value)) {
		net_bond_set(reader->network, reader->place, bond, name, json_string_value(value));
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		net_bond_set(reader->network, reader->place, bond, name, number);
	} else if (json_is_boolean(value)) {
		net_bond_set(reader->network, reader->place, bond, name,
			     json_is_true(value) ? "1" : "0");
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
			if (json_is_string(item))
				net_bond_set(reader->network, reader->place, bond, name,
					     json_string_value(item));
	}
}

static void read_bond(struct ip_reader *reader, struct net_interface *bond, json_t *data)
{
	const char *key;
	json_t *value;

	json_object_foreach(data, key, value) {
		const char *name = bond_option_name(key);

		if (name)
			read_bond_value(reader, bond, name, value);
	}
	get_number(reader, json_object_get(data, "ad_info"), "actor_key", UINT16_MAX,
		   &bond->bond.key);
}

static void read_bridge(struct ip_reader *reader, struct net_interface *bridge, json_t *data)
{
	const char *protocol = get_text(reader, data, "vlan_protocol");

	bridge->vlan_aware = is_on(data, "vlan_filtering");
	get_number(reader, data, "vlan_default_pvid", 4094, &bridge->default_pvid);
	if (is_on(data, "stp_state"))
		network_note(
			reader->network, reader->place,
			"%s: spanning tree is not needed: uplinkd forwards no frame from an uplink to an uplink",
			bridge->name);
	if (bridge->vlan_aware && protocol && strcmp(protocol, "802.1Q") != 0)
		network_unmapped(reader->network, reader->place,
				 "%s: vlan_protocol %s: not mapped: port groups use 802.1Q tags",
				 bridge->name, protocol);
}

static void read_vlan(struct ip_reader *reader, struct net_interface *interface,
		      const json_t *object, const json_t *data)
{
	const char *parent = get_text(reader, object, "link"),
		   *protocol = get_text(reader, data, "protocol");

	if (parent)
		network_set_name(reader->network, reader->place, interface->parent, parent);
	get_number(reader, data, "id", 4094, &interface->vid);
	interface->service_tag = protocol && strcmp(protocol, "802.1ad") == 0;
}

static void read_kind(struct ip_reader *reader, struct net_interface *interface,
		      const json_t *object, const json_t *linkinfo)
{
	const char *kind = get_text(reader, linkinfo, "info_kind"),
		   *type = get_text(reader, object, "link_type");
	json_t *data = json_object_get(linkinfo, "info_data");
	const char *tun = data ? get_text(reader, data, "type") : NULL;

	if (!kind && (!type || strcmp(type, "ether") == 0)) {
		net_set_kind(interface, NET_PHYSICAL);
	} else if (!kind) {
		net_set_other(interface, type);
	} else if (strcmp(kind, "bond") == 0) {
		net_set_kind(interface, NET_BOND);
		read_bond(reader, interface, data);
	} else if (strcmp(kind, "team") == 0) {
		net_set_kind(interface, NET_BOND);
		interface->bond.is_team = true;
	} else if (strcmp(kind, "bridge") == 0) {
		net_set_kind(interface, NET_BRIDGE);
		read_bridge(reader, interface, data);
	} else if (strcmp(kind, "vlan") == 0) {
		net_set_kind(interface, NET_VLAN);
		read_vlan(reader, interface, object, data);
	} else if (strcmp(kind, "tun") == 0 && (!tun || strcmp(tun, "tap") == 0)) {
		net_set_kind(interface, NET_TAP);
	} else if (strcmp(kind, "veth") == 0) {
		net_set_kind(interface, NET_VETH);
	} else if (strcmp(kind, "openvswitch") == 0) {
		net_set_kind(interface, NET_INTERNAL);
	} else {
		net_set_other(interface, kind);
		read_vlan(reader, interface, object, NULL); /* the parent, of a macvlan */
	}
}

static void read_master(struct ip_reader *reader, struct net_interface *interface,
			const json_t *object, const json_t *linkinfo)
{
	const char *master = get_text(reader, object, "master"),
		   *kind = get_text(reader, linkinfo, "info_slave_kind");
	const json_t *data = json_object_get(linkinfo, "info_slave_data");

	if (kind && strcmp(kind, "openvswitch") == 0) {
		interface->in_ovs = true;
		return;
	}
	if (!master)
		return;
	if (kind && strcmp(kind, "vrf") == 0) {
		network_unmapped(reader->network, reader->place,
				 "%s: VRF %s: not mapped: a host port can be moved into it",
				 interface->name, master);
		return;
	}
	network_set_name(reader->network, reader->place, interface->master, master);
	interface->is_member = kind && (strcmp(kind, "bond") == 0 || strcmp(kind, "team") == 0);
	if (is_on(data, "isolated"))
		network_unmapped(reader->network, reader->place,
				 "%s: isolated: not mapped: not available in this version",
				 interface->name);
}

static void read_addresses(struct ip_reader *reader, struct net_interface *interface, json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) {
		const char *local = get_text(reader, item, "local"),
			   *peer = get_text(reader, item, "address");
		unsigned int length = 0;
		char text[80];

		if (!local || !get_number(reader, item, "prefixlen", 128, &length))
			continue;
		snprintf(text, sizeof(text), "%s/%u", local, length);
		if (is_on(item, "dynamic")) {
			if (!strchr(local, ':'))
				interface->dhcp = true;
			continue; /* a lease, or from a router advertisement */
		}
		if (peer)
			network_unmapped(reader->network, reader->place,
					 "%s: peer %s of %s: not mapped: a host port has no peer",
					 interface->name, peer, text);
		network_add_address(reader->network, reader->place, interface, text);
	}
}

static void read_link(struct ip_reader *reader, const json_t *object, const char *name)
{
	const char *type = get_text(reader, object, "link_type");
	const json_t *linkinfo = json_object_get(object, "linkinfo");
	struct net_interface *interface;
	const char *mac;

	if (type && strcmp(type, "loopback") == 0)
		return;
	interface = network_get(reader->network, reader->place, name);
	if (!interface)
		return;
	get_number(reader, object, "mtu", INT32_MAX, &interface->mtu);
	mac = get_text(reader, object, "address");
	interface->has_mac = mac && mac_parse(mac, interface->mac) == 0;
	interface->carrier = has_word(json_object_get(object, "flags"), "LOWER_UP");
	read_kind(reader, interface, object, linkinfo);
	read_master(reader, interface, object, linkinfo);
	read_addresses(reader, interface, json_object_get(object, "addr_info"));
}

/* ---- bridge vlan ---- */
static void read_vlans(struct ip_reader *reader, const char *name, json_t *list)
{
	struct net_interface *interface = network_get(reader->network, reader->place, name);
	size_t i;
	json_t *item;

	if (!interface)
		return;
	interface->vlans.given = true;
	json_array_foreach(list, i, item) {
		const json_t *flags = json_object_get(item, "flags");
		bool untagged = has_word(flags, "Egress Untagged");
		unsigned int first, last;

		if (!get_number(reader, item, "vlan", 4094, &first))
			continue;
		last = first;
		get_number(reader, item, "vlanEnd", 4094, &last);
		if (has_word(flags, "PVID"))
			interface->vlans.pvid = (int)first;
		for (unsigned int vid = first; vid <= last; vid++)
			net_vlan_set(untagged ? interface->vlans.untagged : interface->vlans.tagged,
				     vid);
	}
}

/* ---- routes ---- */
static void read_route(struct ip_reader *reader, const json_t *object)
{
	const char *to = get_text(reader, object, "dst"),
		   *via = get_text(reader, object, "gateway"),
		   *interface = get_text(reader, object, "dev"),
		   *protocol = get_text(reader, object, "protocol"),
		   *type = get_text(reader, object, "type");
	unsigned int metric = 0;
	size_t i;
	json_t *hop;

	/* others come back by themselves: from the kernel, a router, a routing daemon */
	if (protocol && strcmp(protocol, "static") != 0 && strcmp(protocol, "boot") != 0 &&
	    strcmp(protocol, "dhcp") != 0)
		return;
	if (type && strcmp(type, "unicast") != 0)
		return;
	get_number(reader, object, "metric", UINT32_MAX, &metric);
	if (to && interface)
		network_add_route(reader->network, reader->place, interface, to, via ? via : "",
				  metric);
	json_array_foreach(json_object_get(object, "nexthops"), i, hop) {
		via = get_text(reader, hop, "gateway");
		interface = get_text(reader, hop, "dev");
		if (to && interface)
			network_add_route(reader->network, reader->place, interface, to,
					  via ? via : "", metric);
	}
}

void read_ip(struct network *network, struct net_place place, const char *text)
{
	struct ip_reader reader = { .network = network, .place = place };
	json_error_t error;
	json_auto_t *root = NULL;
	json_t *object;

	/* `bridge -j vlan` of a host without bridges prints nothing in some versions */
	if (text[strspn(text, " \t\r\n")] == '\0')
		return;
	root = json_loads(text, 0, &error);
	if (!root) {
		place.line = (unsigned int)(error.line > 0 ? error.line : 0);
		network_error(network, place, -EINVAL, "no JSON: %s", error.text);
		return;
	}
	if (!json_is_array(root)) {
		network_error(network, place, -EINVAL, "must be a list as `ip -j` prints it");
		return;
	}
	json_array_foreach(root, reader.index, object) {
		const char *name = get_text(&reader, object, "ifname");

		if (name && json_object_get(object, "vlans"))
			read_vlans(&reader, name, json_object_get(object, "vlans"));
		else if (name)
			read_link(&reader, object, name);
		else if (json_object_get(object, "dst"))
			read_route(&reader, object);
		else if (!json_is_object(object) || json_object_size(object) > 0)
			wrong_type(&reader, "", object, "an object with ifname or dst");
	}
}
