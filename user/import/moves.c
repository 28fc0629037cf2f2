// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* What the daemon has to move in a switch-over (daemon/switch_over.h). */
#include "common/util.h"
#include "import/texts.h"

static void add_release(json_t *links, const struct net_interface *interface, bool first)
{
	json_array_append_new(links,
			      json_pack("{s:s, s:b}", "name", interface->name, "first", first));
}

/* What belongs to an attachment bridge: a machine stays in it, a bond or VLAN device leaves it. */
static void add_member(json_t *links, const struct net_interface *interface, bool stays)
{
	json_array_append_new(links, json_pack("{s:s, s:s, s:b}", "name", interface->name, "bridge",
					       interface->master, "stays", stays));
}

/* The member of a bond that leaves first: the last one with a carrier that is not the only one, and
 * not the one that an active-backup bond uses. NULL: all leave together. */
static const struct net_interface *first_to_leave(const struct plan_switch *sw)
{
	const struct net_interface *found = NULL;
	uint32_t n = 0;

	for (uint32_t u = 0; sw->bond && u < sw->n_uplinks; u++) {
		const struct net_interface *uplink = sw->uplinks[u];

		if (!uplink->carrier)
			continue;
		n++;
		if (strcmp(uplink->name, sw->bond->bond.active) != 0)
			found = uplink;
	}
	return n > 1 ? found : NULL;
}

static void add_switch(const struct plan_switch *sw, json_t *links, json_t *owners)
{
	const struct net_interface *first = first_to_leave(sw);

	for (uint32_t u = 0; u < sw->n_uplinks; u++)
		add_release(links, sw->uplinks[u], sw->uplinks[u] == first);
	for (size_t g = 0; g < sw->n_groups; g++) {
		for (size_t p = 0; p < sw->groups[g].n_ports; p++) {
			const struct plan_port *port = &sw->groups[g].ports[p];

			if (port->by_bridge)
				add_member(links, port->origin, true);
			else if (!port->host)
				add_release(links, port->origin, false);
			else
				json_array_append_new(owners, json_pack("{s:s, s:s}", "name",
									port->origin->name, "to",
									port->interface));
		}
	}
}

static bool is_uplink(const struct plan *plan, const char *name)
{
	for (size_t s = 0; s < plan->n_switches; s++)
		for (uint32_t u = 0; u < plan->switches[s].n_uplinks; u++)
			if (strcmp(plan->switches[s].uplinks[u]->name, name) == 0)
				return true;
	return false;
}

/* A VLAN device of a NIC would still send by it, and one of an attachment bridge would use the
 * bridge. Those of bonds and other bridges have no way out. */
static void add_down(const struct plan *plan, json_t *down)
{
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (plan->replaced[i]->kind == NET_VLAN &&
		    (is_uplink(plan, plan->replaced[i]->parent) ||
		     plan_keeps_bridge(plan, plan->replaced[i]->parent)))
			json_array_append_new(down, json_string(plan->replaced[i]->name));
}

/* Bonds and VLAN devices, which stay otherwise. */
static void add_leaving(const struct plan *plan, json_t *links)
{
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (plan_bridge_to_leave(plan, plan->replaced[i]))
			add_member(links, plan->replaced[i], false);
}

json_t *adopt_moves(const struct plan *plan)
{
	json_t *links = json_array(), *owners = json_array(), *down = json_array();

	for (size_t s = 0; s < plan->n_switches; s++)
		add_switch(&plan->switches[s], links, owners);
	add_leaving(plan, links);
	add_down(plan, down);
	return json_pack("{s:o, s:o, s:o}", "links", links, "owners", owners, "down", down);
}

const char *adopt_find_foreign(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (plan->replaced[i]->is_ovs)
			return plan->replaced[i]->name;
	return NULL;
}

/* ---- persistent configuration ---- */
static bool is_replaced(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (strcmp(plan->replaced[i]->name, name) == 0)
			return true;
	return false;
}

void adopt_list_files(const struct plan *plan, const struct network *files, struct text_list *list)
{
	for (size_t i = 0; i < files->n_interfaces; i++) {
		const struct net_interface *interface = files->interfaces[i];
		const struct net_place *place = &interface->place;
		char line[24] = "";

		if (!place->file)
			continue;
		if (place->line)
			snprintf(line, sizeof(line), ":%u", place->line);
		if (is_replaced(plan, interface->name))
			text_add(list, "%s%s: %s: remove it%s", place->file, line, interface->name,
				 plan_keeps_bridge(plan, interface->name) ?
					 "; uplinkd creates this bridge" :
					 "");
		else if (is_uplink(plan, interface->name))
			text_add(
				list,
				"%s%s: %s: leave it without addresses, bond and bridge, or remove it",
				place->file, line, interface->name);
	}
}
