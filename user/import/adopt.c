// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "import/adopt.h"

#include <arpa/inet.h>
#include <stdarg.h>

#include "common/util.h"
#include "import/texts.h"

void text_list_done(struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->texts[i]);
	free(list->texts);
	*list = (struct text_list){ 0 };
}

void adoption_done(struct adoption *adoption)
{
	for (int i = 0; i < N_ADOPT_STEPS; i++)
		text_list_done(&adoption->steps[i]);
	text_list_done(&adoption->back);
	text_list_done(&adoption->bypassed);
	text_list_done(&adoption->unchecked);
}

bool adoption_is_complete(const struct adoption *adoption)
{
	for (int i = 0; i < N_ADOPT_STEPS; i++)
		if (adoption->steps[i].no_memory)
			return false;
	return !adoption->back.no_memory && !adoption->bypassed.no_memory &&
	       !adoption->unchecked.no_memory;
}

void text_add(struct text_list *list, const char *format, ...)
{
	char **texts = reallocarray(list->texts, list->n + 1, sizeof(*texts));
	char *text = NULL;
	va_list ap;

	if (texts)
		list->texts = texts;
	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!texts || !text) {
		list->no_memory = true;
		free(text);
		return;
	}
	texts[list->n++] = text_make_ascii(text);
}

const char *adopt_step_title(enum adopt_step step)
{
	static const char *const titles[] = {
		[ADOPT_WRITE] = "Write and check the configuration",
		[ADOPT_DETACH] = "Detach the machines from their bridges",
		[ADOPT_ADDRESSES] = "Remove the routes and addresses of the host",
		[ADOPT_RELEASE] = "Release the uplinks",
		[ADOPT_START] = "Start uplinkd",
		[ADOPT_ROUTES] = "Add the routes",
		[ADOPT_REMOVE] = "After a check: remove bridges, VLAN devices and bonds for good",
		[ADOPT_BOOT] = "Prepare the next boot",
	};

	return titles[step];
}

/* ---- what is in the plan ---- */
static bool is_in_plan(const struct plan *plan, const struct net_interface *interface)
{
	for (size_t s = 0; s < plan->n_switches; s++)
		for (size_t g = 0; g < plan->switches[s].n_groups; g++)
			for (size_t p = 0; p < plan->switches[s].groups[g].n_ports; p++)
				if (plan->switches[s].groups[g].ports[p].origin == interface)
					return true;
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (plan->replaced[i] == interface)
			return true;
	return false;
}

static bool is_uplink(const struct plan *plan, const struct net_interface *interface)
{
	for (size_t s = 0; s < plan->n_switches; s++)
		for (uint32_t u = 0; u < plan->switches[s].n_uplinks; u++)
			if (plan->switches[s].uplinks[u] == interface)
				return true;
	return false;
}

/* A port of the bridge that has no place in the plan; NULL: none. */
static const struct net_interface *foreign_port(const struct network *network,
						const struct plan *plan,
						const struct net_interface *bridge)
{
	for (size_t i = 0; i < network->n_interfaces; i++) {
		const struct net_interface *port = network->interfaces[i];

		if (strcmp(port->master, bridge->name) == 0 && !port->is_fake_bridge &&
		    !is_in_plan(plan, port) && !is_uplink(plan, port))
			return port;
	}
	return NULL;
}

/* ---- commands ---- */
static const struct net_interface *master_of(const struct network *network,
					     const struct net_interface *interface)
{
	return interface->master[0] ? network_find(network, interface->master) : NULL;
}

/* The next run of VLANs of a list from *vid on; false: none. */
static bool next_range(const uint64_t vlans[UL_N_VLANS / 64], unsigned int *vid, unsigned int *last)
{
	while (*vid < UL_VLAN_TRUNK && !net_vlan_has(vlans, *vid))
		(*vid)++;
	*last = *vid;
	while (*last + 1 < UL_VLAN_TRUNK && net_vlan_has(vlans, *last + 1))
		(*last)++;
	return *vid < UL_VLAN_TRUNK;
}

/* A port that returns to a bridge has the default VLAN 1 only. */
static void restore_vlans(const struct net_interface *port, struct text_list *back)
{
	const struct net_vlans *vlans = &port->vlans;
	unsigned int last;

	if (!vlans->given)
		return;
	if (!net_vlan_has(vlans->tagged, 1) && !net_vlan_has(vlans->untagged, 1))
		text_add(back, "bridge vlan del dev %s vid 1", port->name);
	for (unsigned int vid = 1; next_range(vlans->tagged, &vid, &last); vid = last + 1)
		text_add(back,
			 vid == last ? "bridge vlan add dev %s vid %u" :
				       "bridge vlan add dev %s vid %u-%u",
			 port->name, vid, last);
	for (unsigned int vid = 1; vid < UL_VLAN_TRUNK; vid++)
		if (net_vlan_has(vlans->untagged, vid))
			text_add(back, "bridge vlan add dev %s vid %u%s untagged", port->name, vid,
				 (int)vid == vlans->pvid ? " pvid" : "");
}

static void detach_port(const struct network *network, const struct plan *plan,
			const struct plan_port *port, struct adoption *adoption)
{
	const struct net_interface *bridge = master_of(network, port->origin);
	struct text_list *list = &adoption->steps[ADOPT_DETACH];

	if (!bridge || plan_keeps_bridge(plan, bridge->name))
		return;
	if (bridge->is_ovs) {
		text_add(list, "ovs-vsctl del-port %s %s", bridge->name, port->interface);
		return;
	}
	text_add(list, "ip link set dev %s nomaster", port->interface);
	text_add(&adoption->back, "ip link set dev %s master %s", port->interface, bridge->name);
	restore_vlans(port->origin, &adoption->back);
}

static void move_addresses(const struct plan_port *port, struct adoption *adoption)
{
	const struct net_interface *origin = port->origin;
	char host[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < origin->n_addresses; i++) {
		const struct address *address = &origin->addresses[i];

		inet_ntop(address->family, address->bytes, host, sizeof(host));
		text_add(&adoption->steps[ADOPT_ADDRESSES],
			 "ip address del %s/%u dev %s # moves to %s", host, address->prefix_length,
			 origin->name, port->interface);
		text_add(&adoption->back, "ip address add %s/%u dev %s", host,
			 address->prefix_length, origin->name);
	}
	if (origin->dhcp)
		text_add(
			&adoption->steps[ADOPT_ADDRESSES],
			"# stop the DHCP client of %s; systemd-networkd or NetworkManager starts one on %s in step %d",
			origin->name, port->interface, ADOPT_START + 1);
}

/* IPv6 keeps a route when the address of its network goes, hence the removal. */
static void move_routes(const struct network *network, const struct plan_port *port,
			struct adoption *adoption)
{
	char command[ROUTE_COMMAND_LEN];
	struct route parsed;

	for (size_t i = 0; i < network->n_routes; i++) {
		const struct net_route *route = &network->routes[i];

		if (route->is_dns || strcmp(route->interface, port->origin->name) != 0)
			continue;
		text_add(&adoption->steps[ADOPT_ADDRESSES], "%s",
			 route_command(route, "del", port->origin->name, command));
		/* uplinkd adds those of the configuration. */
		if (route_kind(network, port->origin, route, &parsed) != ROUTE_UNMAPPED)
			continue;
		text_add(&adoption->steps[ADOPT_ROUTES], "%s",
			 route_command(route, "add", port->interface, command));
	}
}

/* Routes return after all addresses. */
static void return_routes(const struct network *network, const struct plan *plan,
			  struct text_list *back)
{
	char command[ROUTE_COMMAND_LEN];

	for (size_t i = 0; i < network->n_routes; i++) {
		const struct net_route *route = &network->routes[i];
		const struct net_interface *interface = network_find(network, route->interface);

		if (!route->is_dns && interface && is_in_plan(plan, interface))
			text_add(back, "%s", route_command(route, "add", interface->name, command));
	}
}

static void move_ports(const struct network *network, const struct plan *plan,
		       const struct plan_group *group, struct adoption *adoption)
{
	for (size_t i = 0; i < group->n_ports; i++) {
		const struct plan_port *port = &group->ports[i];

		if (!port->host) {
			detach_port(network, plan, port, adoption);
			continue;
		}
		move_routes(network, port, adoption);
		move_addresses(port, adoption);
	}
}

/* Bonds and bridges stay without their NICs, so that they can have them back. */
static void release_uplink(const struct network *network, const struct net_interface *uplink,
			   struct adoption *adoption)
{
	const struct net_interface *master = master_of(network, uplink);
	struct text_list *list = &adoption->steps[ADOPT_RELEASE];

	if (!master || master->is_ovs)
		return;
	text_add(list, "ip link set dev %s nomaster", uplink->name);
	text_add(&adoption->back, "ip link set dev %s down", uplink->name);
	text_add(&adoption->back, "ip link set dev %s master %s", uplink->name, master->name);
	text_add(&adoption->back, "ip link set dev %s up", uplink->name);
	if (master->kind == NET_BRIDGE)
		restore_vlans(uplink, &adoption->back);
}

/* An attachment bridge has neither a way out nor interfaces of the host. */
static void clear_bridges(const struct plan *plan, struct adoption *adoption)
{
	struct text_list *list = &adoption->steps[ADOPT_RELEASE];

	for (size_t i = 0; i < plan->n_replaced; i++) {
		const struct net_interface *interface = plan->replaced[i];
		const char *bridge = plan_bridge_to_leave(plan, interface);

		if (bridge) {
			text_add(list, "ip link set dev %s nomaster", interface->name);
			text_add(&adoption->back, "ip link set dev %s master %s", interface->name,
				 bridge);
			restore_vlans(interface, &adoption->back);
		}
		if (interface->kind == NET_VLAN && plan_keeps_bridge(plan, interface->parent)) {
			text_add(list, "ip link set dev %s down", interface->name);
			text_add(&adoption->back, "ip link set dev %s up", interface->name);
		}
	}
}

static void release_uplinks(const struct network *network, const struct plan *plan,
			    struct adoption *adoption)
{
	for (size_t s = 0; s < plan->n_switches; s++) {
		const struct plan_switch *sw = &plan->switches[s];
		const struct net_interface *port = sw->bond ? sw->bond : sw->uplinks[0],
					   *bridge = master_of(network, port);

		if (bridge && bridge->is_ovs)
			text_add(&adoption->steps[ADOPT_RELEASE], "ovs-vsctl del-port %s %s",
				 bridge->name, port->name);
		for (uint32_t u = 0; u < sw->n_uplinks; u++)
			release_uplink(network, sw->uplinks[u], adoption);
	}
}

static void remove_interface(const struct network *network, const struct plan *plan,
			     const struct net_interface *interface, struct text_list *list)
{
	const struct net_interface *foreign =
		interface->kind == NET_BRIDGE ? foreign_port(network, plan, interface) : NULL;

	if (foreign)
		text_add(list, "# %s stays: its port %s is not mapped", interface->name,
			 foreign->name);
	else if (plan_keeps_bridge(plan, interface->name))
		text_add(list, "# %s stays: it is an attachment bridge", interface->name);
	else if (interface->is_ovs && interface->kind == NET_BRIDGE)
		text_add(list, "ovs-vsctl del-br %s", interface->name);
	else if (!interface->is_ovs)
		text_add(list, "ip link del dev %s", interface->name);
}

static void remove_interfaces(const struct network *network, const struct plan *plan,
			      struct text_list *list)
{
	/* a VLAN device goes with the bridge or bond that it stands on */
	static const enum net_kind order[] = { NET_VLAN, NET_BRIDGE, NET_BOND };

	for (size_t k = 0; k < ARRAY_SIZE(order); k++)
		for (size_t i = 0; i < plan->n_replaced; i++)
			if (plan->replaced[i]->kind == order[k])
				remove_interface(network, plan, plan->replaced[i], list);
}

static bool has_ovs(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (plan->replaced[i]->is_ovs)
			return true;
	return false;
}

static void prepare_boot(const struct plan *plan, struct text_list *list)
{
	for (size_t i = 0; i < plan->n_replaced; i++)
		if (!plan->replaced[i]->is_ovs)
			text_add(list,
				 "# remove %s from the configuration of the network manager%s",
				 plan->replaced[i]->name,
				 plan_keeps_bridge(plan, plan->replaced[i]->name) ?
					 "; uplinkd creates this bridge" :
					 "");
	for (size_t s = 0; s < plan->n_switches; s++)
		for (uint32_t u = 0; u < plan->switches[s].n_uplinks; u++)
			text_add(list, "# leave %s without addresses there",
				 plan->switches[s].uplinks[u]->name);
	text_add(list, "systemctl enable uplinkd");
}

#define OVS_BACKUP "/etc/uplinkd/openvswitch.backup"

void adopt_plan(const struct network *network, const struct plan *plan, const char *source,
		struct adoption *adoption)
{
	struct text_list *steps = adoption->steps;

	text_add(&steps[ADOPT_WRITE], "uplinkctl import%s%s > /etc/uplinkd/uplinkd.yaml",
		 source[0] ? " " : "", source);
	text_add(&steps[ADOPT_WRITE], "uplinkctl check /etc/uplinkd/uplinkd.yaml");
	text_add(&adoption->back, "systemctl stop uplinkd");
	text_add(&adoption->back, "uplinkd --teardown");
	if (has_ovs(plan)) {
		text_add(&steps[ADOPT_WRITE], "ovsdb-client backup > " OVS_BACKUP);
		text_add(&adoption->back, "ovsdb-client restore < " OVS_BACKUP);
	}
	release_uplinks(network, plan, adoption);
	clear_bridges(plan, adoption);
	for (size_t s = 0; s < plan->n_switches; s++)
		for (size_t g = 0; g < plan->switches[s].n_groups; g++)
			move_ports(network, plan, &plan->switches[s].groups[g], adoption);
	return_routes(network, plan, &adoption->back);
	remove_interfaces(network, plan, &steps[ADOPT_REMOVE]);
	text_add(&steps[ADOPT_START], "systemctl start uplinkd");
	text_add(&steps[ADOPT_START], "uplinkctl status");
	prepare_boot(plan, &steps[ADOPT_BOOT]);
}
