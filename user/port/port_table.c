// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port/internal.h"

bool port_is_used(const struct ports *ports, uint32_t slot)
{
	return ports->context->dp->ports[slot].flags & UL_PORT_USED;
}

int port_free_slot(const struct ports *ports)
{
	for (uint32_t slot = 0; slot < ports->context->dp->max_ports; slot++)
		if (!port_is_used(ports, slot))
			return (int)slot;
	return -ENOSPC;
}

void port_interface(const struct ul_port *port, char name[UL_NAME_LEN])
{
	if (port->flags & UL_PORT_HOST)
		host_port_far_end(port->name, name);
	else
		snprintf(name, UL_NAME_LEN, "%s", port->name);
}

static bool has_interface(const struct ul_port *port, const char *name)
{
	char far_end[UL_NAME_LEN];

	if (strcmp(port->name, name) == 0)
		return true;
	if (!(port->flags & UL_PORT_HOST))
		return false;
	host_port_far_end(port->name, far_end);
	return strcmp(far_end, name) == 0;
}

int port_by_interface(struct ports *ports, const char *name)
{
	uint32_t max = ports->context->dp->max_ports;

	for (uint32_t i = 0; i < max; i++) {
		uint32_t slot = (ports->next_slot + i) % max;

		if (port_is_used(ports, slot) &&
		    has_interface(&ports->context->dp->ports[slot], name)) {
			ports->next_slot = slot + 1;
			return (int)slot;
		}
	}
	return -ENOENT;
}

int port_slot_by_name(struct ports *ports, const char *name)
{
	int slot = port_by_interface(ports, name);

	return slot >= 0 && strcmp(ports->context->dp->ports[slot].name, name) == 0 ? slot :
										      -ENOENT;
}

/* The position with the fewest ports, and there a bucket that no other port has if possible, so
 * that the ports of a failed uplink are spread as well. */
uint32_t port_choose_number(const struct ports *ports, uint32_t slot, uint32_t policy)
{
	const struct dataplane *dp = ports->context->dp;
	uint32_t ports_at[UL_MAX_UPLINKS] = {}, best = 0, n = dp->policies[policy].n_active;

	if (!n)
		return slot;
	for (uint32_t i = 0; i < dp->max_ports; i++)
		if (i != slot && port_is_used(ports, i) && dp->ports[i].policy == policy)
			ports_at[dp->ports[i].number % n]++;
	for (uint32_t position = 1; position < n; position++)
		if (ports_at[position] < ports_at[best])
			best = position;
	return best + n * (ports_at[best] % (UL_MAX_BUCKETS / n));
}
