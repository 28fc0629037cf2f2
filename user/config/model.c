// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/model.h"

#include "common/util.h"

void port_cfg_done(struct port_cfg *port)
{
	free(port->addresses);
	free(port->dns);
	free(port->routes);
	port->addresses = port->dns = NULL;
	port->routes = NULL;
}

static void ports_free(struct port_cfg *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		port_cfg_done(&ports[i]);
	free(ports);
}

static void groups_free(struct group_cfg *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ports_free(groups[i].ports, groups[i].n_ports);
	free(groups);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->n_switches; i++)
		groups_free(model->switches[i].groups, model->switches[i].n_groups);
	free(model->switches);
	free(model->control_socket);
	free(model->control_group);
	free(model);
}

struct switch_cfg *model_find_switch(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_switches; i++)
		if (strcmp(model->switches[i].name, name) == 0)
			return &model->switches[i];
	return NULL;
}

int switch_uplink_index(const struct switch_cfg *sw, const char *name)
{
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		if (strcmp(sw->uplinks[i], name) == 0)
			return (int)i;
	return -ENOENT;
}

bool switch_has_uplink(const struct switch_cfg *sw, const char *name)
{
	return switch_uplink_index(sw, name) >= 0;
}

const struct port_cfg *switch_find_port_in(const struct switch_cfg *sw, const char *interface,
					   const struct group_cfg **ret_group)
{
	for (size_t g = 0; g < sw->n_groups; g++) {
		for (size_t p = 0; p < sw->groups[g].n_ports; p++) {
			if (strcmp(sw->groups[g].ports[p].interface, interface) != 0)
				continue;
			*ret_group = &sw->groups[g];
			return &sw->groups[g].ports[p];
		}
	}
	return NULL;
}

const struct port_cfg *switch_find_port(const struct switch_cfg *sw, const char *interface)
{
	const struct group_cfg *group;

	return switch_find_port_in(sw, interface, &group);
}

bool switch_has_bridge(const struct switch_cfg *sw, const char *name)
{
	if (sw->bridge[0] && strcmp(sw->bridge, name) == 0)
		return true;
	for (size_t g = 0; g < sw->n_groups; g++)
		if (sw->groups[g].bridge[0] && strcmp(sw->groups[g].bridge, name) == 0)
			return true;
	return false;
}

struct group_cfg *model_find_group(const struct switch_cfg *sw, const char *name)
{
	for (size_t i = 0; i < sw->n_groups; i++)
		if (strcmp(sw->groups[i].name, name) == 0)
			return &sw->groups[i];
	return NULL;
}

bool port_needs_manager(const struct port_cfg *port)
{
	return port->host && (port->dhcp || port->ipv6_ra || port->n_dns);
}

bool port_reaches(const struct port_cfg *port, const struct address *via)
{
	if (address_is_link_local(via))
		return true;
	for (size_t i = 0; i < port->n_addresses; i++)
		if (address_same_prefix(&port->addresses[i], via, port->addresses[i].prefix_length))
			return true;
	return false;
}

size_t port_routes(const struct port_cfg *port, bool all, struct route ret[PORT_MAX_ROUTES])
{
	size_t n = 0;

	for (size_t i = 0; i < port->n_gateways; i++)
		if (all || port_reaches(port, &port->gateways[i]))
			ret[n++] = (struct route){ .to = { .family = port->gateways[i].family },
						   .has_via = true,
						   .via = port->gateways[i] };
	for (size_t i = 0; i < port->n_routes; i++)
		if (all || !port->routes[i].has_via || port_reaches(port, &port->routes[i].via))
			ret[n++] = port->routes[i];
	return n;
}

void host_port_far_end(const char *interface, char ret[UL_NAME_LEN])
{
	snprintf(ret, UL_NAME_LEN, "%.12s-sw", interface);
}

/* ---- copies: the counts grow with what has been copied, so that a half copy can be freed ---- */
static int copy_string(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

/* NULL also for an empty array. */
static void *copy_array(const void *from, size_t n, size_t size, bool *failed)
{
	void *to = n ? calloc(n, size) : NULL;

	if (to)
		memcpy(to, from, n * size);
	*failed = *failed || (n && !to);
	return to;
}

int port_cfg_copy(const struct port_cfg *from, struct port_cfg *to)
{
	struct port_cfg copy = *from;
	bool failed = false;

	copy.addresses =
		copy_array(from->addresses, from->n_addresses, sizeof(*from->addresses), &failed);
	copy.dns = copy_array(from->dns, from->n_dns, sizeof(*from->dns), &failed);
	copy.routes = copy_array(from->routes, from->n_routes, sizeof(*from->routes), &failed);
	if (failed) {
		port_cfg_done(&copy);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

static int copy_ports(const struct group_cfg *from, struct group_cfg *to)
{
	to->ports = calloc(from->n_ports ? from->n_ports : 1, sizeof(*to->ports));
	if (!to->ports)
		return -ENOMEM;
	for (; to->n_ports < from->n_ports; to->n_ports++)
		if (port_cfg_copy(&from->ports[to->n_ports], &to->ports[to->n_ports]) < 0)
			return -ENOMEM;
	return 0;
}

static int copy_groups(const struct switch_cfg *from, struct switch_cfg *to)
{
	to->groups = calloc(from->n_groups ? from->n_groups : 1, sizeof(*to->groups));
	if (!to->groups)
		return -ENOMEM;
	while (to->n_groups < from->n_groups) {
		struct group_cfg *group = &to->groups[to->n_groups];

		*group = from->groups[to->n_groups++];
		group->ports = NULL;
		group->n_ports = 0;
		if (copy_ports(&from->groups[to->n_groups - 1], group) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int copy_switches(const struct model *from, struct model *to)
{
	to->switches = calloc(from->n_switches ? from->n_switches : 1, sizeof(*to->switches));
	if (!to->switches)
		return -ENOMEM;
	while (to->n_switches < from->n_switches) {
		struct switch_cfg *sw = &to->switches[to->n_switches];

		*sw = from->switches[to->n_switches++];
		sw->groups = NULL;
		sw->n_groups = 0;
		if (copy_groups(&from->switches[to->n_switches - 1], sw) < 0)
			return -ENOMEM;
	}
	return 0;
}

int model_copy(const struct model *model, struct model **ret)
{
	struct model *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	copy->restores = model->restores;
	copy->switch_over = model->switch_over;
	copy->control_group_reads = model->control_group_reads;
	if (copy_switches(model, copy) < 0 ||
	    copy_string(model->control_socket, &copy->control_socket) < 0 ||
	    copy_string(model->control_group, &copy->control_group) < 0) {
		model_free(copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

bool teaming_equal(const struct teaming *a, const struct teaming *b)
{
	return a->method == b->method && a->modulo == b->modulo && a->last_octet == b->last_octet &&
	       a->detection == b->detection && a->notify_switches == b->notify_switches &&
	       a->failback == b->failback && a->n_active == b->n_active &&
	       a->n_standby == b->n_standby && memcmp(a->active, b->active, a->n_active) == 0 &&
	       memcmp(a->standby, b->standby, a->n_standby) == 0;
}
