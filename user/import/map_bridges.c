// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Bridges of the host that become attachment bridges, under their names: libvirt, Proxmox VE and
 * others that enslave a machine's interface to one need no change. The bridge without VLANs belongs
 * to its port group, the VLAN-aware one to the switch, where PVID and tags of a member choose the
 * group (vswitch/attachments.c). Machines stay in the bridge, and the configuration does not name
 * them, unless a file of the host does: names such as vnet0 are of another machine tomorrow.
 *
 * A bridge with a member that is not mapped, or whose VLANs would choose other groups, does not
 * become one: its machines are ports by their names.
 */
#include "common/util.h"
#include "config/value.h"
#include "import/plan.h"

struct mapper {
	struct network *network;
	struct plan *plan;
	const struct attachment *at;
};

/* ---- the plan ---- */
bool plan_keeps_bridge(const struct plan *plan, const char *name)
{
	for (size_t s = 0; name[0] && s < plan->n_switches; s++) {
		const struct plan_switch *sw = &plan->switches[s];

		if (strcmp(sw->bridge, name) == 0)
			return true;
		for (size_t g = 0; g < sw->n_groups; g++)
			if (strcmp(sw->groups[g].bridge, name) == 0)
				return true;
	}
	return false;
}

const char *plan_bridge_to_leave(const struct plan *plan, const struct net_interface *interface)
{
	if ((interface->kind != NET_BOND && interface->kind != NET_VLAN) ||
	    !plan_keeps_bridge(plan, interface->master))
		return NULL;
	return interface->master;
}

static struct plan_port *find_port(const struct plan_switch *sw,
				   const struct net_interface *interface,
				   const struct plan_group **ret_group)
{
	for (size_t g = 0; g < sw->n_groups; g++) {
		for (size_t p = 0; p < sw->groups[g].n_ports; p++) {
			if (sw->groups[g].ports[p].origin != interface)
				continue;
			*ret_group = &sw->groups[g];
			return &sw->groups[g].ports[p];
		}
	}
	return NULL;
}

/* ---- VLAN-aware bridges ---- */
static bool has_access_group(const struct plan_switch *sw, unsigned int vid)
{
	for (size_t g = 0; g < sw->n_groups; g++)
		if (sw->groups[g].vlan_mode == UL_VLAN_VST && sw->groups[g].vid == vid)
			return true;
	return false;
}

/* Another trunk group that differs in untagged frames only. */
static bool has_same_tags(const struct plan_switch *sw, const struct plan_group *group)
{
	for (size_t g = 0; g < sw->n_groups; g++) {
		const struct plan_group *other = &sw->groups[g];
		uint64_t difference = 0;

		if (other == group || other->vlan_mode != UL_VLAN_VGT)
			continue;
		for (size_t i = 0; i < UL_N_VLANS / 64; i++)
			difference |= (other->vlans[i] ^ group->vlans[i]) & ~(i ? 0ULL : 1ULL);
		if (!difference)
			return true;
	}
	return false;
}

/* Whether PVID and tags of the port lead to the group that it is mapped to. */
static bool chooses(const struct plan_switch *sw, const struct plan_group *group,
		    const struct net_interface *port, unsigned int default_pvid)
{
	unsigned int pvid = port->vlans.given ? (unsigned int)port->vlans.pvid : default_pvid;
	unsigned int n_untagged = 0;

	for (size_t i = 0; i < UL_N_VLANS / 64; i++)
		n_untagged += (unsigned int)__builtin_popcountll(port->vlans.untagged[i]);
	if (n_untagged > 1)
		return false;
	if (group->vlan_mode == UL_VLAN_VST)
		return group->vid == pvid;
	if (group->vlan_mode == UL_VLAN_EST)
		return pvid && pvid == default_pvid && !has_access_group(sw, pvid);
	return (port->vlans.pvid < 0 || pvid == default_pvid) && !has_same_tags(sw, group);
}

/* ---- one bridge ---- */
/* A port of the bridge that prevents it; NULL: none. */
static const struct net_interface *find_obstacle(const struct mapper *mapper,
						 const struct net_interface *bridge, bool by_vlan)
{
	const struct plan_switch *sw = mapper->at[bridge->order].sw;

	for (size_t i = 0; i < mapper->network->n_interfaces; i++) {
		const struct net_interface *port = mapper->network->interfaces[i];
		const struct plan_group *group;

		if (strcmp(port->master, bridge->name) != 0 || mapper->at[i].sw == sw)
			continue;
		if (!find_port(sw, port, &group) ||
		    (by_vlan && !chooses(sw, group, port, bridge->default_pvid)))
			return port;
	}
	return NULL;
}

static struct plan_group *find_group(struct plan_switch *sw, unsigned int vid)
{
	for (size_t g = 0; g < sw->n_groups; g++)
		if (sw->groups[g].vlan_mode == (vid ? UL_VLAN_VST : UL_VLAN_EST) &&
		    sw->groups[g].vid == vid)
			return &sw->groups[g];
	return NULL;
}

static void attach_ports(const struct mapper *mapper, const struct net_interface *bridge)
{
	struct plan_switch *sw = mapper->at[bridge->order].sw;

	for (size_t i = 0; i < mapper->network->n_interfaces; i++) {
		const struct net_interface *interface = mapper->network->interfaces[i];
		const struct plan_group *group;
		struct plan_port *port = strcmp(interface->master, bridge->name) == 0 ?
						 find_port(sw, interface, &group) :
						 NULL;

		if (port && !port->host)
			port->by_bridge = !interface->is_declared;
	}
}

static void map_bridge(const struct mapper *mapper, const struct net_interface *bridge)
{
	const struct attachment *at = &mapper->at[bridge->order];
	bool by_vlan = bridge->vlan_aware && at->vid == 0;
	struct plan_group *group = by_vlan ? NULL : find_group(at->sw, at->vid);
	char *place = by_vlan ? at->sw->bridge : group ? group->bridge : NULL;
	const struct net_interface *obstacle = find_obstacle(mapper, bridge, by_vlan);

	/* A switch that is full has no group for it. */
	if (!place || !interface_name_valid(bridge->name))
		return;
	if (obstacle || place[0]) {
		network_note(
			mapper->network, bridge->place,
			"%s: does not become an attachment bridge: %s%s; attach machines by the names of their interfaces",
			bridge->name, obstacle ? obstacle->name : place,
			!obstacle ? " is that of the same port group" :
			by_vlan	  ? " is not mapped, or its VLANs do not choose its port group" :
				    " is not mapped");
		return;
	}
	snprintf(place, UL_NAME_LEN, "%.15s", bridge->name);
	attach_ports(mapper, bridge);
	if (by_vlan)
		network_note(
			mapper->network, bridge->place,
			"%s: becomes a VLAN-aware attachment bridge: a machine with another VLAN needs a port group with that VLAN",
			bridge->name);
}

void map_bridges(struct network *network, struct plan *plan, const struct attachment *at)
{
	struct mapper mapper = { network, plan, at };

	for (size_t i = 0; i < network->n_interfaces; i++) {
		const struct net_interface *interface = network->interfaces[i];

		if (interface->kind == NET_BRIDGE && !interface->is_ovs && at[i].sw)
			map_bridge(&mapper, interface);
	}
}
