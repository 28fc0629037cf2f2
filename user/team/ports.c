// SPDX-License-Identifier: GPL-2.0
/* One port: its slot, its interface, how frames are delivered to it. */
#include "team/vswitch.h"

#include "link/netdev_uapi.h"

int port_find(struct vswitch *vs, const char *name)
{
	uint32_t max = vs->dp->meta->max_ports;

	for (uint32_t i = 0; i < max; i++) {
		uint32_t slot = (vs->next_port + i) % max;
		const struct ul_port *port = &vs->dp->ports[slot];

		if (port->flags & UL_PORT_USED && strcmp(port->name, name) == 0) {
			vs->next_port = slot + 1;
			return (int)slot;
		}
	}
	return -ENOENT;
}

static int free_slot(const struct vswitch *vs)
{
	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++)
		if (!(vs->dp->ports[slot].flags & UL_PORT_USED))
			return (int)slot;
	return -ENOSPC;
}

bool port_has_mac(const struct ul_port *port)
{
	static const uint8_t unknown[6];

	return memcmp(port->mac, unknown, sizeof(unknown)) != 0;
}

int port_by_address(const struct vswitch *vs, uint16_t vid, const uint8_t mac[6])
{
	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++) {
		const struct ul_port *port = &vs->dp->ports[slot];

		if (port->flags & UL_PORT_USED && memcmp(port->mac, mac, 6) == 0 &&
		    vs->dp->groups[port->group].vid == vid)
			return (int)slot;
	}
	return -ENOENT;
}

void port_interface(const struct ul_port *port, char name[UL_NAME_LEN])
{
	if (port->flags & UL_PORT_HOST)
		host_port_far_end(port->name, name);
	else
		snprintf(name, UL_NAME_LEN, "%s", port->name);
}

#define FRAME_OVERHEAD 18 /* Ethernet header and one tag */
#define DELIVERY_FLAGS (UL_PORT_XDP | UL_PORT_XDP_TCP)

/* ---- delivery
 * ----------------------------------------------------------------------------------------------------------------------
 */
/* XDP_REDIRECT only where the driver takes the frames at this moment: others vanish without a
 * trace. Before 6.3 nobody tells; taps do since ever. */
static bool takes_xdp(const struct vswitch *vs, const struct ul_port *port,
		      const struct link_info *info)
{
	/* All of a port's frames take the same way, or they would overtake each other: a port for
	 * jumbo frames, which XDP cannot take, gets all by TC. */
	if (vs->cfg->receive == UL_RECEIVE_TC || port->max_frame > UL_MAX_XDP_FRAME)
		return false;
	if (info->xdp_features_known)
		return info->xdp_features & NETDEV_XDP_ACT_NDO_XMIT;
	return strcmp(info->kind, "tun") == 0;
}

static void set_xdp(struct vswitch *vs, uint32_t slot, const struct link_info *info)
{
	struct ul_port *port = &vs->dp->ports[slot];
	bool xdp = takes_xdp(vs, port, info) &&
		   dataplane_set_xdp_target(vs->dp, slot, info->ifindex) == 0;
	uint32_t flags = port->flags & ~(uint32_t)DELIVERY_FLAGS;

	if (xdp)
		flags |= UL_PORT_XDP | (vs->cfg->receive == UL_RECEIVE_XDP ? UL_PORT_XDP_TCP : 0);
	STORE(port->flags, flags);
	/* The devmap entry stays: a program that has just read the flag may still use it. */
}

/* How long its frames may be, and which way they take. Again whenever its interface changes. */
static void update_delivery(struct vswitch *vs, uint32_t slot, const struct link_info *info)
{
	uint32_t mtu = info->mtu < vs->cfg->mtu ? info->mtu : vs->cfg->mtu;

	STORE(vs->dp->ports[slot].max_frame, mtu + FRAME_OVERHEAD);
	set_xdp(vs, slot, info);
}

/* ---- addresses: in the table as long as there is an interface; afterwards the machine may be on
 * another host ---------------------------------------- */
static void add_address(struct vswitch *vs, uint32_t slot)
{
	const struct ul_port *port = &vs->dp->ports[slot];

	if (port_has_mac(port) &&
	    vswitch_set_address(vs, ul_fdb_key(port->vlan.vid, port->mac), slot) < 0)
		log_warning(0, "%s: the address table is full; port %s is not found", vs->name,
			    port->name);
}

struct addresses_of {
	struct vswitch *vs;
	uint32_t slot;
};

static int remove_address(void *userdata, uint64_t key, uint32_t slot)
{
	const struct addresses_of *of = userdata;

	if (slot == of->slot)
		table_remove(&of->vs->dp->fdb, key);
	return 0;
}

static void remove_addresses(struct vswitch *vs, uint32_t slot)
{
	struct addresses_of of = { vs, slot };

	table_foreach(&vs->dp->fdb, remove_address, &of);
	learn_forget_port(vs, slot);
}

/* ---- interface
 * ----------------------------------------------------------------------------------------------------------------------
 */
/* The switch's end of a port has no life of its own: no neighbour discovery into the machine. */
static void switch_ipv6_off(struct vswitch *vs, struct ul_port *port, const struct link_info *info)
{
	bool on = false;
	int r = link_get_ipv6(vs->context.links, info->ifindex, &on);

	if (r == 0 && on) {
		port->flags |= UL_PORT_SAVED_IPV6;
		r = link_set_ipv6(vs->context.links, info->ifindex, false);
	}
	if (r < 0 && r != -EOPNOTSUPP)
		log_warning(r, "%s: cannot switch IPv6 off", info->name);
}

static void restore_ipv6(struct vswitch *vs, struct ul_port *port, uint32_t ifindex)
{
	if (port->flags & UL_PORT_SAVED_IPV6)
		link_set_ipv6(vs->context.links, ifindex, true); /* one that is gone needs nothing
								  */
	port->flags &= ~(uint32_t)UL_PORT_SAVED_IPV6;
}

static void port_disconnect(struct vswitch *vs, uint32_t slot)
{
	struct ul_port *port = &vs->dp->ports[slot];
	uint32_t ifindex = port->ifindex;

	if (!ifindex)
		return;
	/* First of all: what is on its way to the machine must not be sent where it was. */
	remove_addresses(vs, slot);
	if (vs->notifier)
		notifier_cancel(vs->notifier, slot);
	port->flags &= ~(uint32_t)DELIVERY_FLAGS;
	table_remove(&vs->dp->ifaces, ul_iface_key(ifindex));
	dataplane_detach(vs->dp, ifindex);
	dataplane_set_xdp_target(vs->dp, slot, 0);
	vs->port_attached[slot] = 0;
	STORE(port->ifindex, 0);
	restore_ipv6(vs, port, ifindex);
}

static void port_connect(struct vswitch *vs, uint32_t slot, const struct link_info *seen)
{
	struct ul_port *port = &vs->dp->ports[slot];
	struct link_info info = *seen;
	bool attached, fresh = port->ifindex != info.ifindex;
	int r;

	if (info.master) {
		log_error(
			-EBUSY,
			"%s: belongs to a bridge or bond; take it out with 'ip link set %s nomaster'",
			info.name, info.name);
		return;
	}
	if (port->ifindex && fresh)
		port_disconnect(vs, slot);
	attached = vs->port_attached[slot] == info.ifindex;
	if (!attached)
		switch_ipv6_off(vs, port, &info);
	if (port->flags & UL_PORT_HOST && info.mtu != vs->cfg->mtu)
		info.mtu = link_set_mtu(vs->context.links, info.ifindex, vs->cfg->mtu) < 0 ?
				   info.mtu :
				   vs->cfg->mtu;
	if (!info.admin_up && fresh) {
		r = link_set_up(vs->context.links, info.ifindex, true);
		if (r < 0)
			log_warning(r, "%s: cannot set it up", info.name);
	}
	r = table_set(&vs->dp->ifaces, ul_iface_key(info.ifindex), UL_OBJECT_PORT0 + slot);
	if (r < 0) {
		log_error(r, "%s: the interface table is full", info.name);
		restore_ipv6(vs, port, info.ifindex);
		return;
	}
	if (!attached && dataplane_attach_port(vs->dp, info.ifindex, info.name) < 0) {
		table_remove(&vs->dp->ifaces, ul_iface_key(info.ifindex));
		restore_ipv6(vs, port, info.ifindex);
		return;
	}
	vs->port_attached[slot] = info.ifindex;
	/* The table may wait for a grace period. A port that is seen to be there is also found. */
	add_address(vs, slot);
	STORE(port->ifindex, info.ifindex);
	update_delivery(vs, slot, &info);
}

void port_link_event(struct vswitch *vs, uint32_t slot, const struct link_info *info,
		     unsigned int changes)
{
	struct ul_port *port = &vs->dp->ports[slot];
	char interface[UL_NAME_LEN];

	port_interface(port, interface);
	if (strcmp(info->name, interface) != 0) { /* the host's end */
		if (!(changes & LINK_REMOVED))
			host_port_changed(vs, slot, info);
		else if (!port->ifindex && !link_by_name(vs->context.links, port->name))
			host_port_gone(vs, slot); /* it was in the way, or the other end has told
						     already */
	} else if (changes & LINK_REMOVED) {
		if (port->ifindex && port->ifindex != info->ifindex) /* of a predecessor: one of the
									same name is in use already
								      */
			return;
		vswitch_report(vs, port->name, "the port's interface is gone");
		port_disconnect(vs, slot);
		if (port->flags & UL_PORT_HOST)
			host_port_gone(vs, slot);
	} else if (port->ifindex != info->ifindex) {
		vswitch_report(vs, port->name, "the port's interface is there");
		port_connect(vs, slot, info);
	} else if (changes & (LINK_ADDED | LINK_CHANGED)) {
		update_delivery(vs, slot, info);
	}
}

/* ---- slot
 * -------------------------------------------------------------------------------------------------------------------------------
 */
/* port-id: the position with the fewest ports, in a bucket of its own there, so that the ports of a
 * failed uplink are spread as well. */
static uint32_t choose_number(const struct vswitch *vs, uint32_t slot, uint32_t policy_slot)
{
	const struct ul_policy *policy = &vs->dp->policies[policy_slot];
	uint32_t ports_at[UL_MAX_UPLINKS] = {}, best = 0, n = policy->n_active;

	if (!n)
		return slot;
	for (uint32_t i = 0; i < vs->dp->meta->max_ports; i++) {
		const struct ul_port *port = &vs->dp->ports[i];

		if (i != slot && port->flags & UL_PORT_USED && port->policy == policy_slot)
			ports_at[port->number % n]++;
	}
	for (uint32_t p = 1; p < n; p++)
		if (ports_at[p] < ports_at[best])
			best = p;
	return best + n * (ports_at[best] % (UL_MAX_BUCKETS / n));
}

static void fill_slot(struct vswitch *vs, uint32_t slot, const struct port_cfg *cfg, uint32_t group,
		      bool fresh)
{
	struct ul_port *port = &vs->dp->ports[slot];
	const struct ul_group *to = &vs->dp->groups[group];
	struct ul_port_vlan vlan = { .mode = to->vlan_mode, .vid = to->vid };
	uint32_t flags = UL_PORT_USED | (cfg->host ? UL_PORT_HOST : 0) |
			 (cfg->runtime ? UL_PORT_RUNTIME : 0);

	/* The copy of the VLAN's flag follows with the VLANs. */
	vlan.group_flags = to->flags | (port->vlan.group_flags & UL_GROUP_CURIOUS_VLAN);
	snprintf(port->name, sizeof(port->name), "%s", cfg->interface);
	if (cfg->has_mac)
		memcpy(port->mac, cfg->mac, sizeof(port->mac));
	if (fresh || port->policy != to->policy)
		port->number = choose_number(vs, slot, to->policy);
	if (!port->ifindex)
		port->max_frame = vs->cfg->mtu + FRAME_OVERHEAD;
	STORE(port->group, group);
	STORE(port->policy, to->policy);
	__atomic_store(&port->vlan, &vlan, __ATOMIC_RELEASE);
	STORE(port->flags, flags | (port->flags & (DELIVERY_FLAGS | UL_PORT_SAVED_IPV6)));
	if (fresh)
		vs->port_uplink[slot] = UL_NO_UPLINK;
}

int port_apply(struct vswitch *vs, const struct port_cfg *cfg, uint32_t group)
{
	int slot = port_find(vs, cfg->interface);
	bool fresh = slot < 0;
	char interface[UL_NAME_LEN];
	const struct link_info *info;
	struct ul_port *port;

	if (fresh) {
		slot = free_slot(vs);
		if (slot < 0)
			return log_error(slot, "%s: no room for port %s", vs->name, cfg->interface);
		memset(&vs->dp->ports[slot], 0, sizeof(vs->dp->ports[slot]));
		dataplane_reset_stats(vs->dp, UL_OBJECT_PORT0 + (uint32_t)slot);
	}
	fill_slot(vs, (uint32_t)slot, cfg, group, fresh);
	port = &vs->dp->ports[slot];
	port_interface(port, interface);
	info = NULL;
	if (!cfg->host || host_port_make(vs, (uint32_t)slot, cfg) == 0)
		info = link_by_name(vs->context.links, interface);
	if (info)
		port_connect(vs, (uint32_t)slot, info);
	else
		port_disconnect(vs, (uint32_t)slot);
	if (!info && fresh && !cfg->host)
		log_info("%s: port %s is not there; waiting for it", vs->name, cfg->interface);
	return slot;
}

void port_release(struct vswitch *vs, uint32_t slot)
{
	struct ul_port *port = &vs->dp->ports[slot];
	char interface[UL_NAME_LEN];
	const struct link_info *info;

	port_interface(port, interface);
	port_disconnect(vs, slot);
	info = link_by_name(vs->context.links, interface);
	if (info && port->flags & UL_PORT_HOST)
		link_delete(vs->context.links, info->ifindex);
	memset(port, 0, sizeof(*port));
	vs->port_uplink[slot] = UL_NO_UPLINK;
}

/* ---- notify switches
 * ----------------------------------------------------------------------------------------------------------------
 */
static void vlans_of(const struct vswitch *vs, const struct ul_port *port, struct notify_vlans *ret)
{
	notify_vlans_of(port->vlan.mode, port->vlan.vid, vs->dp->groups[port->group].vlans, ret);
}

struct learned {
	struct vswitch *vs;
	uint32_t policy_slot;
};

static int announce_learned(void *userdata, uint64_t key, uint32_t slot)
{
	const struct learned *learned = userdata;
	struct vswitch *vs = learned->vs;
	const struct ul_policy *policy = &vs->dp->policies[learned->policy_slot];
	const struct ul_port *port = slot < vs->dp->meta->max_ports ? &vs->dp->ports[slot] : NULL;
	struct notify_vlans vlans;
	uint8_t mac[6], uplink;

	if (!port || !(port->flags & UL_PORT_USED) || port->policy != learned->policy_slot)
		return 0;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(key >> (56 - 8 * i));
	uplink = policy_uplink_of_port(policy, mac, port->number);
	if (uplink == UL_NO_UPLINK || memcmp(mac, port->mac, sizeof(mac)) == 0)
		return 0;
	vlans_of(vs, port, &vlans);
	notifier_send(vs->notifier, vs->dp->uplinks[uplink].ifindex, mac, &vlans);
	return 0;
}

/* Ports of this policy that are served by another uplink than before: tell the physical switches
 * behind it. A channel is one link to them; nothing to tell. A port without any uplink is where it
 * was last, as far as the switches know. */
void port_notify_moves(struct vswitch *vs, uint32_t policy_slot, bool buckets_changed)
{
	const struct ul_policy *policy = &vs->dp->policies[policy_slot];
	bool notify = vs->cfg->channel == UL_CHANNEL_NONE &&
		      vs->policy[policy_slot].teaming.notify_switches;
	struct learned learned = { .vs = vs, .policy_slot = policy_slot };
	bool learning = false;

	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++) {
		const struct ul_port *port = &vs->dp->ports[slot];
		uint8_t before = vs->port_uplink[slot], now;
		struct notify_vlans vlans;

		if (!(port->flags & UL_PORT_USED) || port->policy != policy_slot)
			continue;
		learning = learning || port->vlan.group_flags & UL_GROUP_LEARNING;
		now = policy_uplink_of_port(policy, port->mac, port->number);
		if (now == UL_NO_UPLINK)
			continue;
		vs->port_uplink[slot] = now;
		/* A machine that is not here must not be announced here. */
		if (now == before || before == UL_NO_UPLINK || !notify || !port->ifindex)
			continue;
		vswitch_report(vs, port->name, "moved to uplink %s", vs->dp->uplinks[now].name);
		if (!port_has_mac(port))
			continue;
		vlans_of(vs, port, &vlans);
		notifier_start(vs->notifier, slot, vs->dp->uplinks[now].ifindex, port->mac, &vlans);
	}
	/* Learned addresses are told once, without repetitions, and wherever they are served: with
	 * src-mac each may have another uplink than its port. */
	if (notify && learning && buckets_changed)
		table_foreach(&vs->dp->fdb, announce_learned, &learned);
}
