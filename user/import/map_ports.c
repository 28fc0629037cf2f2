// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Port groups and ports. A port group is a set of VLANs of a switch; a bridge without VLANs gives
 * it its name. Interfaces of machines become ports. An interface that carries addresses of the host
 * becomes a host port, named vmk0, vmk1 and so on.
 *
 * On a bridge with VLANs the tag of a port's frames on the wire depends on the uplink's membership:
 * a VLAN that the uplink sends without tag is VLAN 0 of uplinkd.
 */
#include <arpa/inet.h>

#include "common/util.h"
#include "config/value.h"
#include "import/plan.h"
#include "import/texts.h"

#define MAX_HOST_ADDRESSES 64

struct mapper {
	struct network *network;
	struct plan *plan;
	const struct attachment *at;
	bool failed; /* no memory */
};

static const struct attachment no_attachment;

static const struct attachment *attachment_of(const struct mapper *mapper, const char *name)
{
	const struct net_interface *interface = name[0] ? network_find(mapper->network, name) :
							  NULL;

	return interface ? &mapper->at[interface->order] : &no_attachment;
}

/* ---- groups ---- */
struct vlan_spec {
	enum ul_vlan_mode mode;
	uint16_t vid;
	uint64_t vlans[UL_N_VLANS / 64];
};

static struct vlan_spec single_vlan(unsigned int vid)
{
	return (struct vlan_spec){ vid ? UL_VLAN_VST : UL_VLAN_EST, (uint16_t)vid, {} };
}

static struct plan_group *find_group_name(const struct plan_switch *sw, const char *name)
{
	for (size_t i = 0; i < sw->n_groups; i++)
		if (strcmp(sw->groups[i].name, name) == 0)
			return &sw->groups[i];
	return NULL;
}

/* Names "NAME", "NAME-2", "NAME-3" until one is free. */
static void name_group(const struct plan_switch *sw, const char *name, const struct vlan_spec *spec,
		       char ret[UL_GROUP_NAME_LEN])
{
	char base[UL_GROUP_NAME_LEN - 8];

	if (name)
		snprintf(base, sizeof(base), "%s", name);
	else if (spec->mode == UL_VLAN_VGT)
		snprintf(base, sizeof(base), "trunk");
	else if (spec->vid)
		snprintf(base, sizeof(base), "vlan%u", spec->vid);
	else
		snprintf(base, sizeof(base), "untagged");
	snprintf(ret, UL_GROUP_NAME_LEN, "%s", base);
	for (unsigned int i = 2; find_group_name(sw, ret); i++)
		snprintf(ret, UL_GROUP_NAME_LEN, "%s-%u", base, i);
}

/* name: NULL: by its VLANs. NULL: no memory, or the switch is full, which is a remark. */
static struct plan_group *get_group(struct mapper *mapper, struct plan_switch *sw, const char *name,
				    const struct vlan_spec *spec, struct net_place place)
{
	struct plan_group *groups, *group;

	for (size_t i = 0; i < sw->n_groups; i++) {
		group = &sw->groups[i];
		if (group->vlan_mode == spec->mode && group->vid == spec->vid &&
		    memcmp(group->vlans, spec->vlans, sizeof(spec->vlans)) == 0)
			return group;
	}
	if (sw->n_groups == UL_MAX_GROUPS) {
		network_unmapped(mapper->network, place,
				 "VLAN %u: not mapped: a switch has at most %d port groups",
				 spec->vid, UL_MAX_GROUPS);
		return NULL;
	}
	groups = reallocarray(sw->groups, sw->n_groups + 1, sizeof(*groups));
	if (!groups) {
		mapper->failed = true;
		return NULL;
	}
	sw->groups = groups;
	group = &groups[sw->n_groups];
	*group = (struct plan_group){ .vlan_mode = spec->mode, .vid = spec->vid };
	memcpy(group->vlans, spec->vlans, sizeof(group->vlans));
	name_group(sw, name, spec, group->name);
	sw->n_groups++;
	return group;
}

/* ---- ports ---- */
/* NULL: no memory, or the switch is full. */
static struct plan_port *add_port(struct mapper *mapper, struct plan_switch *sw,
				  struct plan_group *group, const struct net_interface *origin)
{
	struct plan_port *ports;

	if (sw->n_ports == UL_MAX_PORTS) {
		network_unmapped(mapper->network, origin->place,
				 "%s: not mapped: a switch has at most %d ports", origin->name,
				 UL_MAX_PORTS);
		return NULL;
	}
	ports = reallocarray(group->ports, group->n_ports + 1, sizeof(*ports));
	if (!ports) {
		mapper->failed = true;
		return NULL;
	}
	group->ports = ports;
	sw->n_ports++;
	ports[group->n_ports] = (struct plan_port){ .origin = origin };
	return &ports[group->n_ports++];
}

static bool mac_in_use(const struct plan_switch *sw, const uint8_t mac[6])
{
	for (size_t g = 0; g < sw->n_groups; g++)
		for (size_t p = 0; p < sw->groups[g].n_ports; p++)
			if (sw->groups[g].ports[p].has_mac &&
			    memcmp(sw->groups[g].ports[p].mac, mac, 6) == 0)
				return true;
	return false;
}

static void add_machine_port(struct mapper *mapper, struct plan_switch *sw,
			     struct plan_group *group, const struct net_interface *interface)
{
	struct plan_port *port;

	if (!interface_name_valid(interface->name)) {
		network_unmapped(mapper->network, interface->place,
				 "port %s: not mapped: must be the name of a kernel interface",
				 interface->name);
		return;
	}
	port = add_port(mapper, sw, group, interface);
	if (!port)
		return;
	snprintf(port->interface, sizeof(port->interface), "%.15s", interface->name);
	if (interface->has_guest_mac && mac_is_unicast(interface->guest_mac) &&
	    !mac_in_use(sw, interface->guest_mac)) {
		port->has_mac = true;
		memcpy(port->mac, interface->guest_mac, sizeof(port->mac));
	}
}

/* The next name that neither the host nor the far end of another host port has. */
static void name_host_port(struct mapper *mapper, char ret[UL_NAME_LEN])
{
	char far_end[UL_NAME_LEN];

	do {
		snprintf(ret, UL_NAME_LEN, "vmk%u", mapper->plan->n_host_ports++);
		host_port_far_end(ret, far_end);
	} while (network_find(mapper->network, ret) || network_find(mapper->network, far_end));
}

const char *route_command(const struct net_route *route, const char *verb, const char *interface,
			  char text[ROUTE_COMMAND_LEN])
{
	char metric[24] = "";

	if (route->metric)
		snprintf(metric, sizeof(metric), " metric %u", route->metric);
	snprintf(text, ROUTE_COMMAND_LEN, "ip%s route %s %s%s%s dev %s%s",
		 strchr(route->to, ':') || strchr(route->via, ':') ? " -6" : "", verb, route->to,
		 route->via[0] ? " via " : "", route->via, interface, metric);
	return text;
}

static bool group_has_vlan(const struct plan_group *group, const struct plan_group *single)
{
	unsigned int vid = single->vlan_mode == UL_VLAN_VST ? single->vid : 0;

	return group->vlan_mode == UL_VLAN_VGT ?
		       net_vlan_has(group->vlans, vid) :
		       group->vlan_mode == single->vlan_mode && group->vid == single->vid;
}

/* The host keeps its MAC address, which neighbours and DHCP servers know. An address is a port's in
 * a VLAN, so the VLAN devices of a bond may share one. */
static void keep_mac(const struct plan_switch *sw, const struct plan_group *group,
		     struct plan_port *port)
{
	const struct net_interface *origin = port->origin;

	if (!origin->has_mac || !mac_is_unicast(origin->mac))
		return;
	for (size_t g = 0; g < sw->n_groups; g++)
		for (size_t p = 0; p < sw->groups[g].n_ports; p++)
			if (group_has_vlan(&sw->groups[g], group) &&
			    sw->groups[g].ports[p].has_mac &&
			    memcmp(sw->groups[g].ports[p].mac, origin->mac, 6) == 0)
				return;
	port->has_mac = true;
	memcpy(port->mac, origin->mac, sizeof(port->mac));
}

static void remark_addresses(struct mapper *mapper, const struct net_interface *interface,
			     const char *port)
{
	struct network *network = mapper->network;

	if (interface->n_addresses > MAX_HOST_ADDRESSES)
		network_unmapped(network, interface->place,
				 "%s: %zu addresses: not mapped: %s has the first %d",
				 interface->name, interface->n_addresses, port, MAX_HOST_ADDRESSES);
	for (size_t i = 0; i < network->n_routes; i++) {
		const struct net_route *route = &network->routes[i];
		char command[ROUTE_COMMAND_LEN];
		struct route parsed;

		if (strcmp(route->interface, interface->name) != 0 ||
		    route_kind(network, interface, route, &parsed) != ROUTE_UNMAPPED)
			continue;
		if (route->is_dns)
			network_unmapped(network, route->place,
					 "%s: name server %s: not mapped: %s has the first %d",
					 interface->name, route->to, port, CONFIG_MAX_DNS);
		else
			network_moves(
				network, route->place,
				"%s: route to %s: not mapped: its router is in no network of an address of %s, or %s has another route to it; %s",
				interface->name, route->to, port, port,
				route_command(route, "add", port, command));
	}
}

static void add_host_port(struct mapper *mapper, struct plan_switch *sw, struct plan_group *group,
			  const struct net_interface *origin)
{
	struct plan_port *port = add_port(mapper, sw, group, origin);

	if (!port)
		return;
	port->host = true;
	name_host_port(mapper, port->interface);
	keep_mac(sw, group, port);
	remark_addresses(mapper, origin, port->interface);
}

/* ---- VLANs of a bridge port ---- */
/* Which tag a VLAN of the bridge has on the wire. */
enum wire { WIRE_TAGGED, WIRE_UNTAGGED, WIRE_ABSENT };

static enum wire on_wire(const struct net_interface *uplink, unsigned int vid)
{
	const struct net_vlans *vlans = &uplink->vlans;

	if (!vlans->given)
		return vid == 0 ? WIRE_UNTAGGED : WIRE_TAGGED;
	if (net_vlan_has(vlans->untagged, vid))
		return WIRE_UNTAGGED;
	if (net_vlan_has(vlans->tagged, vid))
		return WIRE_TAGGED;
	return vid == 0 ? WIRE_UNTAGGED : WIRE_ABSENT;
}

static unsigned int count_vlans(const uint64_t vlans[UL_N_VLANS / 64])
{
	unsigned int n = 0;

	for (size_t i = 0; i < UL_N_VLANS / 64; i++)
		n += (unsigned int)__builtin_popcountll(vlans[i]);
	return n;
}

static unsigned int vid_of(struct mapper *mapper, const struct net_interface *interface,
			   const struct net_interface *uplink, unsigned int vid)
{
	enum wire wire = on_wire(uplink, vid);

	if (wire == WIRE_ABSENT)
		network_note(
			mapper->network, interface->place,
			"%s: VLAN %u is not a VLAN of %s; uplinkd sends its frames by the uplinks with this tag",
			interface->name, vid, uplink->name);
	return wire == WIRE_UNTAGGED ? 0 : vid;
}

/* The trunk list of a port with tagged VLANs. */
static struct vlan_spec trunk_of(struct mapper *mapper, const struct net_interface *interface,
				 const struct net_interface *uplink)
{
	const struct net_vlans *vlans = &interface->vlans;
	struct vlan_spec spec = { .mode = UL_VLAN_VGT, .vid = UL_VLAN_TRUNK };

	for (unsigned int vid = 1; vid < UL_VLAN_TRUNK; vid++) {
		if (!net_vlan_has(vlans->tagged, vid))
			continue;
		net_vlan_set(spec.vlans, vid);
		if (on_wire(uplink, vid) == WIRE_UNTAGGED)
			network_unmapped(
				mapper->network, interface->place,
				"%s: VLAN %u with tag: not mapped: %s has it without tag, and a trunk keeps tags",
				interface->name, vid, uplink->name);
	}
	if (vlans->pvid < 0)
		return spec;
	if (on_wire(uplink, (unsigned int)vlans->pvid) == WIRE_UNTAGGED &&
	    net_vlan_has(vlans->untagged, (unsigned int)vlans->pvid))
		net_vlan_set(spec.vlans, 0);
	else
		network_unmapped(
			mapper->network, interface->place,
			"%s: native VLAN %d of a trunk: not mapped: a trunk passes untagged frames in the untagged VLAN of the uplink only",
			interface->name, vlans->pvid);
	return spec;
}

/* false: the port has no VLAN, which is a remark. */
static bool spec_of(struct mapper *mapper, const struct net_interface *interface,
		    const struct net_interface *uplink, struct vlan_spec *ret)
{
	const struct net_vlans *vlans = &interface->vlans;

	if (!vlans->given || vlans->implicit) {
		*ret = single_vlan(0);
		return true;
	}
	if (count_vlans(vlans->tagged) > 0) {
		*ret = trunk_of(mapper, interface, uplink);
		return true;
	}
	if (count_vlans(vlans->untagged) > 1)
		network_unmapped(
			mapper->network, interface->place,
			"%s: several VLANs without tag: not mapped: a port is in one; VLAN %d is used",
			interface->name, vlans->pvid);
	if (vlans->pvid < 0) {
		network_unmapped(mapper->network, interface->place,
				 "%s: not mapped: the port has no VLAN", interface->name);
		return false;
	}
	*ret = single_vlan(vid_of(mapper, interface, uplink, (unsigned int)vlans->pvid));
	return true;
}

/* ---- bridges ---- */
static bool is_vlan_aware(const struct net_interface *bridge)
{
	return bridge->vlan_aware || bridge->is_ovs;
}

static void map_bridge_port(struct mapper *mapper, const struct net_interface *bridge,
			    const struct attachment *at, const struct net_interface *interface)
{
	bool tags = is_vlan_aware(bridge) && at->vid == 0;
	struct vlan_spec spec = single_vlan(at->vid);
	struct plan_group *group;

	/* as the local port of a bridge */
	if (interface->is_fake_bridge && !interface->n_addresses && !interface->dhcp)
		return;
	if (interface->kind == NET_OTHER || interface->kind == NET_BRIDGE) {
		network_unmapped(mapper->network, interface->place,
				 "%s: port of %s: not mapped: %s is not an interface of a machine",
				 interface->name, bridge->name,
				 interface->kind == NET_OTHER ? interface->kind_text : "a bridge");
		return;
	}
	if (tags && !spec_of(mapper, interface, at->port, &spec))
		return;
	group = get_group(mapper, at->sw, tags && spec.vid ? NULL : bridge->name, &spec,
			  interface->place);
	if (!group)
		return;
	if (interface->kind == NET_INTERNAL)
		add_host_port(mapper, at->sw, group, interface);
	else
		add_machine_port(mapper, at->sw, group, interface);
	if (interface->kind != NET_INTERNAL && at->vid == 0 && (!tags || interface->vlans.implicit))
		network_note(
			mapper->network, bridge->place,
			"%s: passes the tags of machines; with vlan: 0 a machine sends untagged frames only, with vlan: 4095 it may tag",
			bridge->name);
}

/* ---- addresses of the host ---- */
/* The VLAN of an interface's addresses; false: the interface is not a part of a switch. */
static bool host_vlan(struct mapper *mapper, const struct net_interface *interface,
		      struct attachment *ret, const char **ret_name)
{
	const struct attachment *at = &mapper->at[interface->order];
	const struct net_interface *below =
		interface->parent[0] ? network_find(mapper->network, interface->parent) : NULL;
	const struct net_interface *bridge = interface->kind == NET_BRIDGE ? interface : below;
	int pvid = interface->vlans.pvid;

	if (!at->sw)
		return false;
	*ret = *at;
	*ret_name = interface->kind == NET_BRIDGE ? interface->name : NULL;
	if (!bridge || bridge->kind != NET_BRIDGE || !is_vlan_aware(bridge))
		return true;
	/* a VLAN of the bridge, which the uplink may carry without tag */
	if (interface == bridge && interface->vlans.given && pvid >= 0) {
		ret->vid = vid_of(mapper, interface, at->port, (unsigned int)pvid);
		if (ret->vid)
			*ret_name = NULL;
	} else if (interface != bridge) {
		ret->port = mapper->at[bridge->order].port;
		ret->vid = vid_of(mapper, interface, ret->port, interface->vid);
	}
	return true;
}

static void map_host_addresses(struct mapper *mapper, const struct net_interface *interface)
{
	struct attachment at;
	struct vlan_spec spec;
	struct plan_group *group;
	const char *name;

	if (!host_vlan(mapper, interface, &at, &name))
		return;
	spec = single_vlan(at.vid);
	group = get_group(mapper, at.sw, name, &spec, interface->place);
	if (group)
		add_host_port(mapper, at.sw, group, interface);
}

static bool is_way_out(const struct mapper *mapper, const struct net_interface *interface)
{
	return mapper->at[interface->order].sw != NULL || interface->kind == NET_PHYSICAL ||
	       interface->kind == NET_BOND;
}

static void map_interface(struct mapper *mapper, const struct net_interface *interface)
{
	const struct net_interface *master =
		interface->master[0] ? network_find(mapper->network, interface->master) : NULL;
	bool in_bridge = master && master->kind == NET_BRIDGE;

	if (in_bridge && !is_way_out(mapper, interface)) {
		const struct attachment *at = &mapper->at[master->order];

		if (at->sw)
			map_bridge_port(mapper, master, at, interface);
		return;
	}
	if (interface->kind == NET_OTHER && attachment_of(mapper, interface->parent)->sw)
		network_unmapped(mapper->network, interface->place,
				 "%s: %s on %s: not mapped: a machine is attached by a tap or veth",
				 interface->name, interface->kind_text, interface->parent);
	if ((interface->n_addresses || interface->dhcp) && !in_bridge &&
	    !(master && master->kind == NET_BOND))
		map_host_addresses(mapper, interface);
}

static void map_bridge(struct mapper *mapper, const struct net_interface *bridge)
{
	const struct attachment *at = &mapper->at[bridge->order];
	struct vlan_spec spec = single_vlan(at->vid);

	if (!at->sw) {
		network_note(mapper->network, bridge->place,
			     "%s: has no way out of the host and stays as it is", bridge->name);
		return;
	}
	at->sw->learning = true;
	if (!is_vlan_aware(bridge))
		get_group(mapper, at->sw, bridge->name, &spec, bridge->place);
}

/* A fake bridge of Open vSwitch gives the group of its VLAN its name. */
static void map_fake_bridge(struct mapper *mapper, const struct net_interface *fake)
{
	const struct attachment *at = attachment_of(mapper, fake->master);
	struct vlan_spec spec;

	if (at->sw && spec_of(mapper, fake, at->port, &spec))
		get_group(mapper, at->sw, fake->name, &spec, fake->place);
}

/* By VLAN, trunks last. */
static int compare_groups(const void *a, const void *b)
{
	const struct plan_group *x = a, *y = b;
	int difference = (int)x->vid - (int)y->vid;

	return difference ? difference : strverscmp(x->name, y->name);
}

int map_ports(struct network *network, struct plan *plan, const struct attachment *at)
{
	struct mapper mapper = { network, plan, at, false };

	for (size_t i = 0; i < network->n_interfaces; i++) {
		if (network->interfaces[i]->kind == NET_BRIDGE)
			map_bridge(&mapper, network->interfaces[i]);
		else if (network->interfaces[i]->is_fake_bridge)
			map_fake_bridge(&mapper, network->interfaces[i]);
	}
	for (size_t i = 0; i < network->n_interfaces && !mapper.failed; i++)
		map_interface(&mapper, network->interfaces[i]);
	if (mapper.failed)
		return network_error(network, (struct net_place){}, -ENOMEM, "no memory");
	for (size_t s = 0; s < plan->n_switches; s++)
		if (plan->switches[s].n_groups)
			qsort(plan->switches[s].groups, plan->switches[s].n_groups,
			      sizeof(struct plan_group), compare_groups);
	return 0;
}
