// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/check.h"

#include "channels.h"
#include "common/util.h"
#include "methods.h"

bool check_name(const char *name, size_t size)
{
	size_t length = strnlen(name, size);

	for (size_t i = 0; i < length; i++)
		if (!is_printable_ascii(name[i]))
			return false;
	return length < size;
}

static bool check_meta(const struct ul_meta *meta, uint32_t n_ports, uint32_t n_groups)
{
	return meta->abi_version == UL_ABI_VERSION && meta->n_uplinks <= UL_MAX_UPLINKS &&
	       meta->max_ports <= n_ports && meta->max_ports <= UL_MAX_PORTS &&
	       meta->max_groups <= n_groups && meta->channel < UL_N_CHANNELS &&
	       meta->receive <= UL_RECEIVE_TC && check_name(meta->name, sizeof(meta->name)) &&
	       check_name(meta->version, sizeof(meta->version));
}

static bool check_uplink(const struct ul_uplink *uplink)
{
	return uplink->xdp_mode <= UL_XDP_GENERIC && uplink->lacp_port <= UL_MAX_UPLINKS &&
	       check_name(uplink->name, sizeof(uplink->name));
}

/* Free slots may have anything. */
static bool check_port(const struct ul_port *port, uint32_t slot, uint32_t max_groups)
{
	return !(port->flags & UL_PORT_USED) ||
	       (slot < UL_MAX_PORTS && port->group < max_groups && port->policy < UL_MAX_POLICIES &&
		port->vlan.mode <= UL_VLAN_VGT && port->vlan.vid <= UL_VLAN_TRUNK &&
		check_name(port->name, sizeof(port->name)));
}

bool check_group(const struct ul_group *group)
{
	return group->vlan_mode <= UL_VLAN_VGT && group->vid <= UL_VLAN_TRUNK &&
	       group->policy < UL_MAX_POLICIES && check_name(group->name, sizeof(group->name));
}

bool check_policy(const struct ul_policy *policy)
{
	if (policy->method >= UL_N_METHODS || policy->n_buckets > UL_MAX_BUCKETS ||
	    policy->n_active > UL_MAX_UPLINKS || policy->n_members > UL_MAX_UPLINKS)
		return false;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (policy->member[i] >= UL_MAX_UPLINKS && policy->member[i] != UL_NO_UPLINK)
			return false;
	for (uint32_t i = 0; i < UL_MAX_BUCKETS; i++)
		if (policy->bucket[i] >= UL_MAX_UPLINKS && policy->bucket[i] != UL_NO_UPLINK)
			return false;
	return true;
}

int check_records(const struct check_records *records)
{
	const struct ul_meta *meta = records->meta;

	if (!check_meta(meta, records->n_ports, records->n_groups))
		return -EPROTO;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (!check_uplink(&records->uplinks[i]))
			return -EPROTO;
	for (uint32_t i = 0; i < meta->max_ports; i++)
		if (!check_port(&records->ports[i], i, meta->max_groups))
			return -EPROTO;
	for (uint32_t i = 0; i < meta->max_groups; i++)
		if (!check_group(&records->groups[i]))
			return -EPROTO;
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		if (!check_policy(&records->policies[i]))
			return -EPROTO;
	for (uint32_t i = 0; i < UL_N_VLANS; i++)
		if (records->vlans[i].n_members > meta->max_ports)
			return -EPROTO;
	return 0;
}
