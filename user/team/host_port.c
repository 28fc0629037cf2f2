// SPDX-License-Identifier: GPL-2.0
/* The host's own ports: a veth pair each. The end with the port's name is the host's; the other one
 * (host_port_far_end()) belongs to the switch and is what the port is connected by. The pair is
 * ours: it is made when it is missing, also after somebody has deleted it, and deleted with the
 * port. */
#include "team/vswitch.h"

/* ---- the pair
 * ------------------------------------------------------------------------------------------------------------------------
 */
/* The interface as the kernel has it now: of a new pair the first end is told before it has a peer.
 */
static const struct link_info *look_up(struct link_monitor *links, const char *name)
{
	const struct link_info *info = link_by_name(links, name);

	if (info && link_monitor_refresh(links, info->ifindex) == 0)
		info = link_by_name(links, name);
	return info;
}

bool host_port_is_pair(struct link_monitor *links, const char *host_end, const char *far_end)
{
	const struct link_info *info = look_up(links, far_end);
	uint32_t far_index = info ? info->ifindex : 0, host_index;

	info = look_up(links, host_end);
	if (!info || !far_index || strcmp(info->kind, "veth") != 0 || info->peer != far_index)
		return false;
	host_index = info->ifindex;
	info = link_by_ifindex(links, far_index);
	return info && strcmp(info->kind, "veth") == 0 && info->peer == host_index;
}

/* 0: there is a pair of these names. 1: the switch's end is the one that this port has already, but
 * the host's is not in sight. */
static int make_pair(struct vswitch *vs, const struct ul_port *port, const struct port_cfg *cfg,
		     const char *far_end)
{
	struct link_monitor *links = vs->context.links;
	/* A pair that is made anew gets the address that it had: the neighbours know it. */
	const uint8_t *mac = cfg->has_mac ? cfg->mac : port_has_mac(port) ? port->mac : NULL;
	const struct link_info *info;
	int r = link_create_veth(links, far_end, cfg->interface, mac);

	if (r == 0 || (r == -EEXIST && host_port_is_pair(links, cfg->interface, far_end)))
		return 0;
	if (r != -EEXIST)
		return log_error(r, "%s: cannot make the veth pair", cfg->interface);
	info = link_by_name(links, far_end);
	if (info && info->ifindex == port->ifindex && !link_by_name(links, cfg->interface)) {
		log_warning(
			0,
			"%s: has another name now or is in another network namespace; it stays connected, but its settings are not made",
			cfg->interface);
		return 1;
	}
	return log_error(
		r,
		"%s: cannot make the veth pair %s and %s: a name belongs to another interface; rename that, or the port",
		cfg->interface, cfg->interface, far_end);
}

static void set_addresses(struct link_monitor *links, uint32_t ifindex, const struct port_cfg *cfg)
{
	/* Removed first: IPv6 takes no address a second time with another prefix length, and with
	 * the first IPv4 address of a subnet its others may go. */
	int r = link_remove_addresses(links, ifindex, cfg->addresses, cfg->n_addresses);

	if (r < 0)
		log_error(
			r,
			"%s: cannot remove an address that the configuration does not have any more",
			cfg->interface);
	for (size_t i = 0; i < cfg->n_addresses; i++) {
		r = link_add_address(links, ifindex, &cfg->addresses[i]);
		if (r < 0)
			log_error(r, "%s: cannot add an address", cfg->interface);
	}
}

int host_port_make(struct vswitch *vs, uint32_t slot, const struct port_cfg *cfg)
{
	struct link_monitor *links = vs->context.links;
	struct ul_port *port = &vs->dp->ports[slot];
	char far_end[UL_NAME_LEN];
	const struct link_info *info;
	uint32_t ifindex, mtu;
	bool up;
	int r;

	port_interface(port, far_end);
	r = make_pair(vs, port, cfg, far_end);
	if (r != 0)
		return r < 0 ? r : 0;
	info = link_by_name(links, cfg->interface);
	if (!info)
		return -ENODEV;
	ifindex = info->ifindex;
	mtu = info->mtu;
	up = info->admin_up;
	if (cfg->has_mac && memcmp(info->mac, cfg->mac, sizeof(info->mac)) != 0)
		link_set_mac(links, ifindex, cfg->mac);
	if (mtu != vs->cfg->mtu)
		link_set_mtu(links, ifindex, vs->cfg->mtu);
	if (!up)
		link_set_up(links, ifindex, true);
	set_addresses(links, ifindex, cfg);
	info = link_by_ifindex(links, ifindex);
	if (info)
		memcpy(port->mac, info->mac, sizeof(port->mac));
	return 0;
}

/* ---- events
 * ---------------------------------------------------------------------------------------------------------------------------
 */
static void set_address(struct vswitch *vs, uint32_t slot, const uint8_t mac[6])
{
	struct ul_port *port = &vs->dp->ports[slot];
	uint16_t vid = vs->dp->groups[port->group].vid;
	uint64_t old = ul_fdb_key(vid, port->mac), new = ul_fdb_key(vid, mac);

	if (vswitch_set_address(vs, new, slot) < 0)
		log_warning(0, "%s: the address table is full", vs->name);
	memmove(port->mac, mac, sizeof(port->mac)); /* perhaps its own */
	if (old != new)
		table_remove(&vs->dp->fdb, old);
}

void host_port_gone(struct vswitch *vs, uint32_t slot)
{
	struct ul_port *port = &vs->dp->ports[slot];
	const struct port_cfg *cfg = switch_find_port(vs->cfg, port->name);

	if (!cfg || !cfg->host || host_port_make(vs, slot, cfg) < 0)
		return;
	log_info("%s: port %s is made again", vs->name, port->name);
	/* The switch's end is connected when its event comes. */
	set_address(vs, slot, port->mac);
}

void host_port_changed(struct vswitch *vs, uint32_t slot, const struct link_info *info)
{
	struct ul_port *port = &vs->dp->ports[slot];
	const struct port_cfg *cfg = switch_find_port(vs->cfg, port->name);
	char mac[MAC_TEXT_LEN];
	int owner;

	if (!cfg || memcmp(port->mac, info->mac, sizeof(port->mac)) == 0)
		return;
	mac_format(info->mac, mac);
	owner = port_by_address(vs, vs->dp->groups[port->group].vid, info->mac);
	if (cfg->has_mac || owner >= 0) {
		log_warning(
			0,
			"%s: has the address %s now, which %s; its frames are dropped as forged_source",
			port->name, mac,
			owner >= 0 ? "is another port's" : "is not the one in the configuration");
		return;
	}
	vswitch_report(vs, port->name, "changed its address to %s", mac);
	set_address(vs, slot, info->mac);
}
