// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * From a network to switches. A root is an interface that leads out of the host: a bond, or a NIC
 * that belongs to none. A bridge is attached to the root below one of its ports, directly or
 * through VLAN devices; all bridges of a root share one switch. Each root that a bridge uses, and
 * each bond, becomes a switch. Other NICs keep their addresses, unless the network has neither.
 */
#include "common/util.h"
#include "config/value.h"
#include "import/plan.h"
#include "import/reader.h"

#define MAX_DEPTH 8 /* of VLAN devices and bridges on each other */
#define MAX_SWITCHES 64

struct mapper {
	struct network *network;
	struct plan *plan;
	struct attachment *at;
	const struct net_interface **root; /* of a bridge; NULL: none */
	const struct net_interface **port; /* the port of a bridge that leads to its root */
};

static const struct net_interface *master_of(const struct network *network,
					     const struct net_interface *interface)
{
	return interface->master[0] ? network_find(network, interface->master) : NULL;
}

static bool is_member(const struct network *network, const struct net_interface *interface)
{
	const struct net_interface *master = master_of(network, interface);

	return master && master->kind == NET_BOND;
}

/* NULL: the interface does not lead out of the host, or a mistake of the source makes a loop. */
static const struct net_interface *find_root(const struct mapper *mapper,
					     const struct net_interface *interface, int depth)
{
	const struct net_interface *below;

	if (depth > MAX_DEPTH)
		return NULL;
	if (interface->kind == NET_BOND)
		return interface;
	if (interface->kind == NET_PHYSICAL)
		return is_member(mapper->network, interface) ? NULL : interface;
	if (interface->kind == NET_BRIDGE)
		return mapper->root[interface->order];
	if (interface->kind != NET_VLAN || !interface->parent[0])
		return NULL;
	below = network_find(mapper->network, interface->parent);
	return below ? find_root(mapper, below, depth + 1) : NULL;
}

/* ---- kinds ---- */
/* An interface that sources only mention. */
static void guess_kinds(struct network *network)
{
	for (size_t i = 0; i < network->n_interfaces; i++) {
		struct net_interface *interface = network->interfaces[i];
		const struct net_interface *master = master_of(network, interface);

		if (interface->kind == NET_UNKNOWN)
			interface->kind = guess_kind(interface->name);
		/* whatever a bond bundles is an uplink; tests use veth */
		if (master && master->kind == NET_BOND)
			interface->kind = NET_PHYSICAL;
	}
}

static int set_uplinks(struct network *network, const char *names)
{
	_cleanup_free_ char *copy = names ? strdup(names) : NULL;
	char *rest = copy, *name;

	if (names && !copy)
		return network_error(network, (struct net_place){}, -ENOMEM, "no memory");
	while (rest && (name = strsep(&rest, ","))) {
		struct net_interface *interface = network_find(network, name);

		if (!interface)
			return network_error(network, (struct net_place){}, -ENODATA,
					     "--uplinks %s: must be interfaces of the source",
					     name);
		interface->kind = NET_PHYSICAL;
	}
	return 0;
}

/* ---- bridges ---- */
/* A second way out: a NIC joins the first one in the switch, others have no counterpart. */
static void add_way_out(struct mapper *mapper, const struct net_interface *bridge,
			const struct net_interface *port, const struct net_interface *root)
{
	size_t i = bridge->order;

	if (!mapper->root[i]) {
		mapper->root[i] = root;
		mapper->port[i] = port;
		return;
	}
	if (port->kind == NET_PHYSICAL && mapper->port[i]->kind == NET_PHYSICAL) {
		network_note(
			mapper->network, port->place,
			"%s: %s and %s become uplinks of one switch; no frame passes from one to the other",
			bridge->name, mapper->port[i]->name, port->name);
		return;
	}
	network_unmapped(
		mapper->network, port->place,
		"%s: second way out through %s: not mapped: a switch has one set of uplinks; %s is used",
		bridge->name, port->name, mapper->port[i]->name);
}

/* A bridge on a bridge's VLAN needs the root of the lower one first, hence the rounds. */
static void find_ways_out(struct mapper *mapper)
{
	const struct network *network = mapper->network;

	for (int round = 0; round < MAX_DEPTH; round++) {
		bool changed = false;

		for (size_t i = 0; i < network->n_interfaces; i++) {
			const struct net_interface *port = network->interfaces[i],
						   *bridge = master_of(network, port), *root;

			if (!bridge || bridge->kind != NET_BRIDGE || mapper->at[i].port)
				continue;
			root = find_root(mapper, port, 0);
			if (!root)
				continue;
			mapper->at[i].port = port; /* done */
			add_way_out(mapper, bridge, port, root);
			changed = true;
		}
		if (!changed)
			break;
	}
	for (size_t i = 0; i < network->n_interfaces; i++)
		mapper->at[i].port = NULL;
}

/* ---- switches ---- */
static struct plan_switch *find_switch(const struct mapper *mapper,
				       const struct net_interface *root)
{
	for (size_t s = 0; s < mapper->plan->n_switches; s++) {
		struct plan_switch *sw = &mapper->plan->switches[s];

		if (sw->bond == root)
			return sw;
		for (uint32_t u = 0; u < sw->n_uplinks; u++)
			if (sw->uplinks[u] == root)
				return sw;
	}
	return NULL;
}

static void add_uplink(struct mapper *mapper, struct plan_switch *sw,
		       const struct net_interface *uplink)
{
	if (!interface_name_valid(uplink->name))
		network_unmapped(mapper->network, uplink->place,
				 "uplink %s: not mapped: must be the name of a kernel interface",
				 uplink->name);
	else if (sw->n_uplinks == UL_MAX_UPLINKS)
		network_unmapped(mapper->network, uplink->place,
				 "uplink %s: not mapped: a switch has at most %d uplinks",
				 uplink->name, UL_MAX_UPLINKS);
	else
		sw->uplinks[sw->n_uplinks++] = uplink;
	if (uplink->mtu > sw->mtu)
		sw->mtu = uplink->mtu;
}

/* The NICs of the same bridge as the root. */
static void add_fellows(struct mapper *mapper, struct plan_switch *sw,
			const struct net_interface *root)
{
	const struct network *network = mapper->network;
	const struct net_interface *bridge = master_of(network, root);

	add_uplink(mapper, sw, root);
	if (!bridge || bridge->kind != NET_BRIDGE || mapper->root[bridge->order] != root)
		return;
	for (size_t i = 0; i < network->n_interfaces; i++) {
		const struct net_interface *other = network->interfaces[i];

		if (other != root && other->kind == NET_PHYSICAL &&
		    strcmp(other->master, bridge->name) == 0 && !find_switch(mapper, other))
			add_uplink(mapper, sw, other);
	}
}

static void limit_mtu(struct mapper *mapper, struct plan_switch *sw,
		      const struct net_interface *root)
{
	unsigned int mtu = sw->mtu < 1280 ? 1280 : sw->mtu > 9216 ? 9216 : sw->mtu;

	if (sw->mtu && mtu != sw->mtu) {
		network_unmapped(mapper->network, root->place,
				 "%s: MTU %u: not mapped: must be 1280-9216; %u is used",
				 root->name, sw->mtu, mtu);
		sw->mtu = mtu;
	}
}

static void add_switch(struct mapper *mapper, const struct net_interface *root)
{
	const struct network *network = mapper->network;
	struct plan *plan = mapper->plan;
	struct plan_switch *sw = &plan->switches[plan->n_switches];

	if (find_switch(mapper, root))
		return;
	if (plan->n_switches == MAX_SWITCHES) {
		network_unmapped(mapper->network, root->place,
				 "%s: not mapped: there are at most %d switches", root->name,
				 MAX_SWITCHES);
		return;
	}
	*sw = (struct plan_switch){ .channel = UL_CHANNEL_NONE,
				    .method = UL_M_PORT_ID,
				    .failback = true };
	if (root->kind == NET_BOND) {
		sw->bond = root;
		for (size_t i = 0; i < network->n_interfaces; i++)
			if (strcmp(network->interfaces[i]->master, root->name) == 0)
				add_uplink(mapper, sw, network->interfaces[i]);
	} else {
		add_fellows(mapper, sw, root);
	}
	if (sw->n_uplinks == 0) {
		network_unmapped(
			mapper->network, root->place,
			"%s: not mapped: a switch must have an uplink, and this has no member",
			root->name);
		return;
	}
	if (root->mtu > sw->mtu)
		sw->mtu = root->mtu;
	limit_mtu(mapper, sw, root);
	sw->n_active = sw->n_uplinks;
	if (sw->bond)
		map_bond(mapper->network, root, sw);
	snprintf(sw->name, sizeof(sw->name), "vswitch%zu", plan->n_switches);
	plan->n_switches++;
}

static void mark_used(const struct mapper *mapper, bool *wanted)
{
	for (size_t i = 0; i < mapper->network->n_interfaces; i++) {
		if (mapper->network->interfaces[i]->kind == NET_BOND)
			wanted[i] = true;
		if (mapper->root[i])
			wanted[mapper->root[i]->order] = true;
	}
}

/* NICs with addresses, for a network without bond and bridge. */
static void mark_addressed(const struct mapper *mapper, bool *wanted)
{
	for (size_t i = 0; i < mapper->network->n_interfaces; i++) {
		const struct net_interface *interface = mapper->network->interfaces[i],
					   *root = find_root(mapper, interface, 0);

		if (root && (interface->n_addresses || interface->dhcp))
			wanted[root->order] = true;
	}
}

static void add_wanted(struct mapper *mapper, const bool *wanted)
{
	for (size_t i = 0; i < mapper->network->n_interfaces; i++)
		if (wanted[i])
			add_switch(mapper, mapper->network->interfaces[i]);
}

static int add_switches(struct mapper *mapper)
{
	_cleanup_free_ bool *wanted = calloc(mapper->network->n_interfaces + 1, sizeof(*wanted));

	if (!wanted)
		return network_error(mapper->network, (struct net_place){}, -ENOMEM, "no memory");
	mark_used(mapper, wanted);
	add_wanted(mapper, wanted);
	if (mapper->plan->n_switches == 0) {
		mark_addressed(mapper, wanted);
		add_wanted(mapper, wanted);
	}
	if (mapper->plan->n_switches == 0)
		return network_error(
			mapper->network, (struct net_place){}, -ENODATA,
			"nothing to map: no bond, no bridge with a NIC, and no NIC with an address");
	return 0;
}

/* ---- attachments ---- */
static struct attachment attach(struct mapper *mapper, const struct net_interface *interface,
				int depth)
{
	const struct net_interface *root = find_root(mapper, interface, depth), *below;
	struct attachment at = { .port = interface };

	if (!root || depth > MAX_DEPTH)
		return (struct attachment){};
	if (interface == root) {
		at.sw = find_switch(mapper, root);
		return at;
	}
	if (interface->kind == NET_BRIDGE)
		return attach(mapper, mapper->port[interface->order], depth + 1);
	below = network_find(mapper->network, interface->parent);
	at = attach(mapper, below, depth + 1);
	if (!at.sw)
		return at;
	if (at.vid || interface->service_tag) {
		network_unmapped(
			mapper->network, interface->place,
			"%s: VLAN %u %s: not mapped: a port group has one 802.1Q tag; let a machine tag itself (vlan: 4095)",
			interface->name, interface->vid,
			at.vid ? "inside another VLAN" : "with 802.1ad's tag");
		return (struct attachment){};
	}
	at.vid = interface->vid;
	return at;
}

static int list_replaced(struct mapper *mapper)
{
	const struct network *network = mapper->network;
	struct plan *plan = mapper->plan;

	plan->replaced = calloc(network->n_interfaces, sizeof(struct net_interface *));
	if (!plan->replaced)
		return network_error(mapper->network, (struct net_place){}, -ENOMEM, "no memory");
	for (size_t i = 0; i < network->n_interfaces; i++) {
		enum net_kind kind = network->interfaces[i]->kind;

		if (mapper->at[i].sw &&
		    (kind == NET_BOND || kind == NET_BRIDGE || kind == NET_VLAN))
			plan->replaced[plan->n_replaced++] = network->interfaces[i];
	}
	return 0;
}

/* Only the source ovs has its bridge. */
static void note_ovs_ports(struct network *network)
{
	for (size_t i = 0; i < network->n_interfaces; i++) {
		const struct net_interface *interface = network->interfaces[i];

		if (interface->in_ovs && !interface->master[0])
			network_note(
				network, interface->place,
				"%s: is a port of Open vSwitch and stays as it is; the source ovs maps it",
				interface->name);
	}
}

int import_map(struct network *network, const char *uplinks, struct plan **ret)
{
	_cleanup_free_ struct attachment *at = calloc(network->n_interfaces + 1, sizeof(*at));
	_cleanup_free_ const struct net_interface **root =
		calloc(network->n_interfaces + 1, sizeof(struct net_interface *));
	_cleanup_free_ const struct net_interface **port =
		calloc(network->n_interfaces + 1, sizeof(struct net_interface *));
	struct plan *plan = calloc(1, sizeof(*plan));
	struct mapper mapper = { network, plan, at, root, port };
	int r;

	if (plan)
		plan->switches = calloc(MAX_SWITCHES, sizeof(*plan->switches));
	if (!at || !root || !port || !plan || !plan->switches) {
		plan_free(plan);
		return network_error(network, (struct net_place){}, -ENOMEM, "no memory");
	}
	r = set_uplinks(network, uplinks);
	if (r == 0) {
		guess_kinds(network);
		find_ways_out(&mapper);
		r = add_switches(&mapper);
	}
	for (size_t i = 0; r == 0 && i < network->n_interfaces; i++)
		at[i] = attach(&mapper, network->interfaces[i], 0);
	if (r == 0)
		r = list_replaced(&mapper);
	if (r == 0)
		r = map_ports(network, plan, at);
	if (r == 0) {
		map_bridges(network, plan, at);
		note_ovs_ports(network);
	}
	if (r < 0 || network->failed) {
		plan_free(plan);
		return r < 0 ? r : network->failed;
	}
	*ret = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t s = 0; plan->switches && s < plan->n_switches; s++) {
		for (size_t g = 0; g < plan->switches[s].n_groups; g++)
			free(plan->switches[s].groups[g].ports);
		free(plan->switches[s].groups);
	}
	free(plan->switches);
	free(plan->replaced);
	free(plan);
}
