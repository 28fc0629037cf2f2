// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A bond's mode, hash policy and LACP settings as channel, load balancing and order of uplinks. */
#include "common/util.h"
#include "config/value.h"
#include "import/plan.h"

/* clang-format off */
static const struct {
	enum ul_channel channel;
	enum ul_method method;
	const char *lost; /* NULL: the mode has a counterpart */
} modes[] = {
	[NET_BOND_RR] = { UL_CHANNEL_STATIC, UL_M_SRC_DST_IP_PORT, "a flow keeps to one uplink" },
	[NET_BOND_ACTIVE_BACKUP] = { UL_CHANNEL_NONE, UL_M_FAILOVER_ORDER, NULL },
	[NET_BOND_XOR] = { UL_CHANNEL_STATIC, UL_M_SRC_DST_MAC, NULL },
	[NET_BOND_BROADCAST] = { UL_CHANNEL_NONE, UL_M_FAILOVER_ORDER, "a frame leaves by one uplink" },
	[NET_BOND_8023AD] = { UL_CHANNEL_LACP, UL_M_SRC_DST_MAC, NULL },
	[NET_BOND_TLB] = { UL_CHANNEL_NONE, UL_M_PORT_ID, "flows do not move by load; ports are spread over the uplinks" },
	[NET_BOND_ALB] = { UL_CHANNEL_NONE, UL_M_PORT_ID, "ARP replies do not choose the uplink; ports are spread over the uplinks" },
	[NET_BOND_SLB] = { UL_CHANNEL_NONE, UL_M_SRC_MAC, NULL },
	[NET_BOND_TCP] = { UL_CHANNEL_LACP, UL_M_SRC_DST_IP_PORT, NULL },
	[NET_BOND_UNREAD] = { UL_CHANNEL_NONE, UL_M_PORT_ID, "the source does not contain it" },
};

static const struct {
	enum ul_method method;
	bool unmapped;
	const char *differs; /* NULL: the same inputs */
} hashes[] = {
	[NET_HASH_LAYER2] = { UL_M_SRC_DST_MAC, false, "the packet type does not enter the hash" },
	[NET_HASH_LAYER34] = { UL_M_SRC_DST_IP_PORT, false, NULL },
	[NET_HASH_LAYER23] = { UL_M_SRC_DST_IP, false, "MAC addresses do not enter the hash" },
	[NET_HASH_ENCAP23] = { UL_M_SRC_DST_IP, true, "the outer addresses of a tunnel are hashed" },
	[NET_HASH_ENCAP34] = { UL_M_SRC_DST_IP_PORT, true, "the outer header of a tunnel is hashed" },
	[NET_HASH_VLAN_SRCMAC] = { UL_M_SRC_MAC, false, "the VLAN does not enter the hash" },
};
/* clang-format on */

static const char *method_text(const struct plan_switch *sw)
{
	return method_name(sw->method);
}

static void map_hash(struct network *network, const struct net_interface *bond,
		     struct plan_switch *sw)
{
	const struct net_bond *settings = &bond->bond;
	enum net_bond_hash hash = settings->hash;

	sw->method = hashes[hash].method;
	if (!hashes[hash].differs)
		return;
	(hashes[hash].unmapped ? network_unmapped : network_note)(
		network, bond->place, "%s: xmit_hash_policy %s: %s%s: %s", bond->name,
		net_bond_hash_name(hash),
		hashes[hash].unmapped ? "not mapped, the nearest is " : "", method_text(sw),
		hashes[hash].differs);
}

/* One member forwards. Without a primary, bonding stays with the member that works. */
static void map_order(struct network *network, const struct net_interface *bond,
		      struct plan_switch *sw)
{
	const struct net_bond *settings = &bond->bond;
	const char *first = settings->primary[0] ? settings->primary : settings->active;

	sw->n_active = 1;
	sw->failback = settings->primary[0] && !settings->failback_off;
	for (uint32_t i = 0; first[0] && i < sw->n_uplinks; i++) {
		const struct net_interface *uplink = sw->uplinks[i];

		if (strcmp(uplink->name, first) != 0)
			continue;
		memmove(&sw->uplinks[1], &sw->uplinks[0], i * sizeof(sw->uplinks[0]));
		sw->uplinks[0] = uplink;
		return;
	}
	if (first[0])
		network_unmapped(network, bond->place,
				 "%s: primary %s: not mapped: it is not a member of the bond",
				 bond->name, first);
}

/* The partner sees the same system and key as before, so it keeps its aggregator. */
static void map_actor(const struct net_interface *bond, struct plan_switch *sw)
{
	sw->key = bond->bond.key;
	sw->has_system_id = bond->bond.has_system_id;
	memcpy(sw->system_id, bond->bond.system_id, sizeof(sw->system_id));
	if (sw->has_system_id || bond->is_ovs || !bond->has_mac || !mac_is_unicast(bond->mac))
		return;
	sw->has_system_id = true;
	memcpy(sw->system_id, bond->mac, sizeof(sw->system_id));
}

static void map_lacp(const struct net_interface *bond, struct plan_switch *sw)
{
	const struct net_bond *settings = &bond->bond;

	sw->fast = settings->fast;
	sw->passive = settings->passive;
	sw->fallback = settings->fallback;
	sw->min_links = settings->min_links > sw->n_uplinks ? sw->n_uplinks : settings->min_links;
	sw->system_priority = settings->system_priority;
	sw->selection = settings->selection;
	map_actor(bond, sw);
}

/* Open vSwitch sets LACP independently of the mode. */
static void map_ovs_lacp(struct network *network, const struct net_interface *bond,
			 struct plan_switch *sw)
{
	const struct net_bond *settings = &bond->bond;

	if (settings->mode == NET_BOND_TCP && !settings->lacp) {
		network_unmapped(
			network, bond->place,
			"%s: bond_mode balance-tcp without lacp: not mapped, the nearest is failover-order: Open vSwitch does not balance without LACP either",
			bond->name);
		sw->channel = UL_CHANNEL_NONE;
		sw->method = UL_M_FAILOVER_ORDER;
		sw->n_active = 1;
	} else if (settings->lacp && settings->mode == NET_BOND_ACTIVE_BACKUP) {
		sw->channel = UL_CHANNEL_LACP;
		sw->method = UL_M_SRC_DST_IP;
		sw->n_active = sw->n_uplinks;
		sw->failback = true;
		sw->max_links = 1;
		network_note(network, bond->place,
			     "%s: active-backup with LACP: max-links: 1 keeps one link in use",
			     bond->name);
	} else if (settings->lacp) {
		sw->channel = UL_CHANNEL_LACP;
	}
}

void map_bond(struct network *network, const struct net_interface *bond, struct plan_switch *sw)
{
	const struct net_bond *settings = &bond->bond;
	enum net_bond_mode mode = settings->mode;

	sw->channel = modes[mode].channel;
	sw->method = modes[mode].method;
	if (sw->method == UL_M_FAILOVER_ORDER)
		map_order(network, bond, sw);
	if (mode == NET_BOND_8023AD || mode == NET_BOND_XOR)
		map_hash(network, bond, sw);
	if (modes[mode].lost)
		network_unmapped(network, bond->place,
				 "%s: %s %s: not mapped, the nearest is channel: %s with %s: %s",
				 bond->name, settings->is_team ? "team with runner" : "mode",
				 net_bond_mode_name(mode), channel_name(sw->channel),
				 method_text(sw), modes[mode].lost);
	if (bond->is_ovs)
		map_ovs_lacp(network, bond, sw);
	if (sw->channel == UL_CHANNEL_LACP)
		map_lacp(bond, sw);
	else if (settings->min_links > 1)
		network_unmapped(network, bond->place,
				 "%s: min_links %u: not mapped: channel: %s has no lower limit",
				 bond->name, settings->min_links, channel_name(sw->channel));
	sw->up_delay_ms = settings->up_delay_ms > 1800000 ? 1800000 : settings->up_delay_ms;
}
