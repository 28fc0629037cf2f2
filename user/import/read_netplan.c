// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * netplan: the YAML files of /etc/netplan, in the order of their names. The tree of the
 * configuration's parser is used, which limits size, depth and aliases.
 */
#include "common/util.h"
#include "config/tree.h"
#include "import/reader.h"

struct netplan {
	struct network *network;
	struct net_place place; /* line: of what is being read */
	struct mistakes mistakes;
	struct tree tree;
};

/* ---- nodes ---- */
/* Calls for each pair of a mapping. */
static void for_each(struct netplan *reader, const struct tree_node *map,
		     void (*call)(struct netplan *reader, const char *key,
				  const struct tree_node *value, void *userdata),
		     void *userdata)
{
	if (!map || map->type != TREE_MAPPING)
		return;
	for (size_t i = 0; i + 1 < map->n_children && !reader->network->failed; i += 2) {
		const char *key = tree_text(map->child[i]);

		if (!tree_visit(&reader->tree, map->child[i], &reader->mistakes)) {
			reader->network->failed = -E2BIG;
			return;
		}
		reader->place.line = map->child[i]->line;
		if (key)
			call(reader, key, map->child[i + 1], userdata);
	}
}

/* NULL: absent. The walk of a mapping's keys counts as one step. */
static const struct tree_node *find(struct netplan *reader, const struct tree_node *map,
				    const char *key)
{
	if (!map || map->type != TREE_MAPPING || !tree_visit(&reader->tree, map, &reader->mistakes))
		return NULL;
	for (size_t i = 0; i + 1 < map->n_children; i += 2) {
		const char *text = tree_text(map->child[i]);

		if (text && strcmp(text, key) == 0)
			return map->child[i + 1];
	}
	return NULL;
}

/* The next scalar of a list, or the only one of a scalar; NULL: the end. */
static const char *next_item(struct netplan *reader, const struct tree_node *node, size_t *i)
{
	const struct tree_node *item;

	while (node && node->type == TREE_LIST && *i < node->n_children) {
		item = node->child[(*i)++];
		if (!tree_visit(&reader->tree, item, &reader->mistakes)) {
			reader->network->failed = -E2BIG;
			return NULL;
		}
		reader->place.line = item->line;
		/* an address with a label is a mapping of one pair */
		if (item->type == TREE_MAPPING && item->n_children == 2)
			item = item->child[0];
		if (tree_text(item))
			return tree_text(item);
	}
	if (node && node->type == TREE_SCALAR && (*i)++ == 0)
		return tree_text(node);
	return NULL;
}

static const char *text_at(struct netplan *reader, const struct tree_node *map, const char *key)
{
	const struct tree_node *node = find(reader, map, key);

	if (node)
		reader->place.line = node->line;
	return node ? tree_text(node) : NULL;
}

static bool is_true(const char *text)
{
	return text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 ||
			strcasecmp(text, "on") == 0);
}

/* ---- what all kinds have ---- */
static void read_routes(struct netplan *reader, const struct tree_node *list, const char *name)
{
	for (size_t i = 0; list && list->type == TREE_LIST && i < list->n_children; i++) {
		const char *to = text_at(reader, list->child[i], "to"),
			   *via = text_at(reader, list->child[i], "via");

		if (reader->network->failed)
			return;
		if (to)
			network_add_route(reader->network, reader->place, name, to, via ? via : "",
					  0);
	}
}

static void read_mtu(struct netplan *reader, const struct tree_node *map,
		     struct net_interface *interface)
{
	const char *text = text_at(reader, map, "mtu");
	uint64_t mtu;

	if (!text)
		return;
	if (parse_u64(text, 68, 65535, &mtu) < 0)
		network_error(reader->network, reader->place, -EINVAL,
			      "%s: mtu %.40s: must be 68-65535", interface->name, text);
	else
		interface->mtu = (unsigned int)mtu;
}

static void read_common(struct netplan *reader, const struct tree_node *map,
			struct net_interface *interface)
{
	const struct tree_node *addresses = find(reader, map, "addresses"),
			       *servers =
				       find(reader, find(reader, map, "nameservers"), "addresses");
	const char *item, *gateways[] = { "gateway4", "gateway6" };
	size_t i = 0;

	while ((item = next_item(reader, addresses, &i)))
		network_add_address(reader->network, reader->place, interface, item);
	for (i = 0; (item = next_item(reader, servers, &i));)
		network_add_dns(reader->network, reader->place, interface->name, item);
	for (i = 0; i < ARRAY_SIZE(gateways); i++) {
		item = text_at(reader, map, gateways[i]);
		if (item)
			network_add_route(reader->network, reader->place, interface->name,
					  "default", item, 0);
	}
	read_routes(reader, find(reader, map, "routes"), interface->name);
	read_mtu(reader, map, interface);
	if (is_true(text_at(reader, map, "dhcp4")) || is_true(text_at(reader, map, "dhcp6")))
		interface->dhcp = true;
	if (find(reader, map, "openvswitch"))
		network_unmapped(reader->network, reader->place,
				 "%s: openvswitch: not mapped: import the source ovs",
				 interface->name);
}

static void read_members(struct netplan *reader, const struct tree_node *map,
			 struct net_interface *master, bool bond)
{
	const struct tree_node *list = find(reader, map, "interfaces");
	const char *name;
	size_t i = 0;

	while ((name = next_item(reader, list, &i))) {
		struct net_interface *member = network_get(reader->network, reader->place, name);

		if (!member)
			return;
		network_set_name(reader->network, reader->place, member->master, master->name);
		member->is_member = bond;
		member->is_declared = true;
	}
}

/* ---- kinds ---- */
static struct net_interface *get(struct netplan *reader, const char *name, enum net_kind kind)
{
	struct net_interface *interface = network_get(reader->network, reader->place, name);

	if (!interface)
		return NULL;
	net_set_kind(interface, kind);
	interface->place = reader->place;
	return interface;
}

/* The identifier is the name, unless the NIC is matched by something else. */
static void read_ethernet(struct netplan *reader, const char *id, const struct tree_node *map,
			  void *userdata)
{
	struct net_place place = reader->place;
	const struct tree_node *match = find(reader, map, "match");
	const char *set_name = text_at(reader, map, "set-name"),
		   *name = text_at(reader, match, "name");
	struct net_interface *interface;

	(void)userdata;
	reader->place = place;
	if (!set_name && match && (!name || strpbrk(name, "*?[")))
		network_unmapped(
			reader->network, place,
			"%s: match: the name of the NIC is not known: %s is used; replace it in the configuration",
			id, id);
	else if (!set_name && name)
		id = name;
	interface = get(reader, set_name ? set_name : id, NET_PHYSICAL);
	if (interface)
		read_common(reader, map, interface);
}

static void read_bond_parameter(struct netplan *reader, const char *key,
				const struct tree_node *value, void *userdata)
{
	/* clang-format off */
	static const char *const names[][2] = {
		{ "mode", "mode" },
		{ "lacp-rate", "lacp_rate" },
		{ "mii-monitor-interval", "miimon" },
		{ "min-links", "min_links" },
		{ "transmit-hash-policy", "xmit_hash_policy" },
		{ "ad-select", "ad_select" },
		{ "all-slaves-active", "all_slaves_active" },
		{ "all-members-active", "all_slaves_active" },
		{ "arp-interval", "arp_interval" },
		{ "arp-ip-targets", "arp_ip_target" },
		{ "arp-validate", "arp_validate" },
		{ "arp-all-targets", "arp_all_targets" },
		{ "up-delay", "updelay" },
		{ "down-delay", "downdelay" },
		{ "fail-over-mac-policy", "fail_over_mac" },
		{ "gratuitous-arp", "num_grat_arp" },
		{ "gratuitious-arp", "num_grat_arp" }, /* the documented spelling of old versions */
		{ "packets-per-slave", "packets_per_slave" },
		{ "packets-per-member", "packets_per_slave" },
		{ "primary-reselect-policy", "primary_reselect" },
		{ "resend-igmp", "resend_igmp" },
		{ "learn-packet-interval", "lp_interval" },
		{ "primary", "primary" },
	};
	/* clang-format on */
	struct net_interface *bond = userdata;
	const char *option = key, *item;
	char text[32];
	size_t i = 0;

	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		if (strcmp(names[n][0], key) == 0)
			option = names[n][1];
	while ((item = next_item(reader, value, &i))) {
		/* times may have a unit; without one they are milliseconds */
		if ((strcmp(option, "updelay") == 0 || strcmp(option, "downdelay") == 0) &&
		    strlen(item) < sizeof(text)) {
			snprintf(text, sizeof(text), "%s", item);
			text[strcspn(text, "m")] = '\0';
			item = strcmp(text, "0") == 0 || strstr(item, "ms") ? text : item;
		}
		if (is_true(item))
			item = "1";
		else if (strcasecmp(item, "false") == 0)
			item = "0";
		net_bond_set(reader->network, reader->place, bond, option, item);
	}
}

static void read_bond(struct netplan *reader, const char *id, const struct tree_node *map,
		      void *userdata)
{
	struct net_interface *bond = get(reader, id, NET_BOND);

	(void)userdata;
	if (!bond)
		return;
	bond->bond.mode = NET_BOND_RR; /* the kernel's default */
	read_members(reader, map, bond, true);
	read_common(reader, map, bond);
	for_each(reader, find(reader, map, "parameters"), read_bond_parameter, bond);
}

static void read_bridge(struct netplan *reader, const char *id, const struct tree_node *map,
			void *userdata)
{
	struct net_interface *bridge = get(reader, id, NET_BRIDGE);

	(void)userdata;
	if (!bridge)
		return;
	read_members(reader, map, bridge, false);
	read_common(reader, map, bridge);
}

static void read_vlan(struct netplan *reader, const char *name, const struct tree_node *map,
		      void *userdata)
{
	struct net_interface *vlan = get(reader, name, NET_VLAN);
	const char *id = text_at(reader, map, "id"), *link = text_at(reader, map, "link");
	uint64_t vid;

	(void)userdata;
	if (!vlan)
		return;
	if (!id || !link || parse_u64(id, 0, 4094, &vid) < 0) {
		network_error(reader->network, reader->place, -EINVAL,
			      "%s: id %.40s: must be 0-4094, and link the name of an interface",
			      name, id ? id : "missing");
		return;
	}
	vlan->vid = (unsigned int)vid;
	if (network_set_name(reader->network, reader->place, vlan->parent, link))
		network_get(reader->network, reader->place, link);
	read_common(reader, map, vlan);
}

static void read_other(struct netplan *reader, const char *id, const struct tree_node *map,
		       void *userdata)
{
	struct net_interface *interface = network_get(reader->network, reader->place, id);

	(void)map;
	if (interface)
		net_set_other(interface, userdata);
}

/* ---- the file ---- */
static void read_section(struct netplan *reader, const char *key, const struct tree_node *value,
			 void *userdata)
{
	/* clang-format off */
	static const struct {
		const char *name;
		void (*read)(struct netplan *reader, const char *id, const struct tree_node *map, void *userdata);
		const char *kind; /* for read_other() */
	} sections[] = {
		{ "ethernets", read_ethernet, NULL },
		{ "bonds", read_bond, NULL },
		{ "bridges", read_bridge, NULL },
		{ "vlans", read_vlan, NULL },
		{ "tunnels", read_other, "tunnel" },
		{ "dummy-devices", read_other, "dummy" },
		{ "wifis", read_other, "wifi" },
		{ "modems", read_other, "modem" },
		{ "vrfs", read_other, "vrf" },
	};
	/* clang-format on */

	(void)userdata;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i].name, key) == 0)
			for_each(reader, value, sections[i].read, (void *)sections[i].kind);
}

void read_netplan(struct network *network, struct net_place place, const char *text)
{
	struct netplan reader = { .network = network, .place = place };
	const struct tree_node *root;
	int r;

	reader.mistakes.errors = network->errors;
	reader.mistakes.file = place.file;
	r = tree_load(&reader.tree, text, strlen(text), &reader.mistakes);
	if (r < 0) {
		network->failed = network->failed ?: r;
	} else if (reader.tree.root) {
		root = find(&reader, reader.tree.root, "network");
		if (root && root->type == TREE_MAPPING)
			for_each(&reader, root, read_section, NULL);
		else
			network_error(network, place, -EINVAL,
				      "no mapping \"network\": must be a file of netplan");
	}
	tree_done(&reader.tree);
}
