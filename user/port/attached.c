// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The own address of an attached port. The port waits for the machine's first source: its group
 * flags have UL_GROUP_MAC_CHANGES, so the programs report and drop frames from other sources, and
 * the daemon makes the first one the own address. The port waits again after its machine left
 * (no carrier, another interface), because another machine may be there then; meanwhile it keeps
 * the address, which is tentative. An address that the machine has confirmed ends the waiting.
 */
#include "dataplane/ownership.h"
#include "dataplane/records.h"
#include "port/internal.h"

/* ---- the bridge ---- */
uint32_t attached_master(const struct ports *ports, uint32_t slot, const struct link_info *info)
{
	const struct switch_context *context = ports->context;
	const struct dataplane *dp = context->dp;
	const struct group_cfg *group;
	struct link_info master;

	if (!info->master || link_get(context->links, info->master, &master) < 0)
		return 0;
	group = model_find_group(context->cfg, dp->groups[dp->ports[slot].group].name);
	if ((group && strcmp(group->bridge, master.name) == 0) ||
	    strcmp(context->cfg->bridge, master.name) == 0)
		return info->master;
	return 0;
}

bool attached_hide_master(const struct ports *ports, uint32_t slot, struct link_info *info)
{
	/* A port that left its bridge leaves the switch a moment later. */
	bool hidden = ports->context->dp->ports[slot].flags & UL_PORT_ATTACHED ||
		      attached_master(ports, slot, info);

	if (hidden)
		info->master = 0;
	return hidden;
}

/* ---- the hint ---- */
bool attached_hint(const struct link_info *info, uint8_t ret[6])
{
	/* The first byte is lost: those of the usual prefixes (KVM, Xen and Incus). */
	static const uint8_t prefixes[][3] = { { 0x52, 0x54, 0x00 }, { 0x00, 0x16, 0x3e } };

	if (strcmp(info->kind, "tun") != 0 || info->mac[0] != 0xfe)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (memcmp(&info->mac[1], &prefixes[i][1], 2) != 0)
			continue;
		memcpy(ret, info->mac, 6);
		ret[0] = prefixes[i][0];
		return true;
	}
	return false;
}

static bool fits_hint(const struct ports *ports, uint32_t slot, const uint8_t mac[6])
{
	const struct switch_context *context = ports->context;
	struct link_info info;

	return link_get(context->links, context->dp->ports[slot].ifindex, &info) == 0 &&
	       strcmp(info.kind, "tun") == 0 && info.mac[0] == 0xfe &&
	       memcmp(&info.mac[1], &mac[1], 5) == 0;
}

/* ---- waiting ---- */
static void set_waiting(struct ports *ports, uint32_t slot, bool waiting)
{
	struct dataplane *dp = ports->context->dp;
	const struct ul_group *group = &dp->groups[dp->ports[slot].group];
	struct ul_port_vlan vlan = dp->ports[slot].vlan;

	vlan.group_flags &= ~(uint32_t)UL_GROUP_MAC_CHANGES;
	if ((waiting && !(group->flags & UL_GROUP_LEARNING)) || group->flags & UL_GROUP_MAC_CHANGES)
		vlan.group_flags |= UL_GROUP_MAC_CHANGES;
	if (vlan.group_flags != dp->ports[slot].vlan.group_flags)
		port_write_vlan(dp, slot, vlan);
}

static bool is_attached(const struct ports *ports, uint32_t slot)
{
	return ports->context->dp->ports[slot].flags & UL_PORT_ATTACHED;
}

bool attached_waits(const struct ul_port *port, const struct ul_group *group, bool fresh)
{
	if (group->flags & UL_GROUP_LEARNING)
		return false;
	return fresh || !(port->flags & UL_PORT_ATTACHED) || mac_is_zero(port->mac) ||
	       port->vlan.group_flags & UL_GROUP_MAC_CHANGES;
}

void attached_begin(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	uint8_t mac[6];

	if (!is_attached(ports, slot))
		return;
	if (!attached_hint(info, mac) || address_other_owner(ports, slot, UL_VLAN_TRUNK, mac) >= 0)
		memset(mac, 0, sizeof(mac));
	address_write_mac(ports, slot, mac);
	address_assign_keys_of(ports, slot);
	set_waiting(ports, slot, true);
}

void attached_restart(struct ports *ports, uint32_t slot)
{
	if (is_attached(ports, slot))
		set_waiting(ports, slot, true);
}

void attached_settle(struct ports *ports, uint32_t slot)
{
	const struct ul_port *port = &ports->context->dp->ports[slot];

	if (is_attached(ports, slot) && !mac_is_zero(port->mac) &&
	    own_address_state(port) == ADDRESS_CONFIRMED)
		set_waiting(ports, slot, false);
}

/* ---- the first source ---- */
bool attached_refuses(struct ports *ports, uint32_t slot)
{
	const struct dataplane *dp = ports->context->dp;

	if (!is_attached(ports, slot) ||
	    dp->groups[dp->ports[slot].group].flags & UL_GROUP_MAC_CHANGES)
		return false;
	attached_settle(ports, slot);
	return !(dp->ports[slot].vlan.group_flags & UL_GROUP_MAC_CHANGES);
}

bool attached_may_contest(const struct ports *ports, uint32_t slot, const uint8_t mac[6])
{
	return is_attached(ports, slot) && fits_hint(ports, slot, mac);
}

void attached_took_address(struct ports *ports, uint32_t slot)
{
	if (is_attached(ports, slot))
		set_waiting(ports, slot, false);
}
