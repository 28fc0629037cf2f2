// SPDX-License-Identifier: GPL-2.0
/* The settings that a NIC must have as an uplink. What was different before is noted in the
 * uplink's record, which outlives the daemon, and put back when the uplink is released. */
#include "team/vswitch.h"

static int prepare_flags(struct vswitch *vs, struct ul_uplink *uplink, const struct link_info *info)
{
	struct link_monitor *links = vs->context.links;
	bool ipv6;
	int r;

	/* Machines' addresses are not in the NIC's filter. */
	if (!info->promiscuous) {
		uplink->saved |= UL_SAVED_NOT_PROMISC;
		r = link_set_promiscuous(links, info->ifindex, true);
		if (r < 0)
			return log_error(r, "%s: cannot switch promiscuous mode on", info->name);
	}
	/* The host's own stack must not answer on a NIC that belongs to the machines. */
	if (info->arp) {
		uplink->saved |= UL_SAVED_ARP;
		r = link_set_arp(links, info->ifindex, false);
		if (r < 0)
			return log_error(r, "%s: cannot switch ARP off", info->name);
	}
	r = link_get_ipv6(links, info->ifindex, &ipv6);
	if (r == 0 && ipv6) {
		uplink->saved |= UL_SAVED_IPV6;
		r = link_set_ipv6(links, info->ifindex, false);
	}
	if (r < 0 && r != -EOPNOTSUPP)
		return log_error(r, "%s: cannot switch IPv6 off", info->name);
	return 0;
}

static int prepare_mtu(struct vswitch *vs, struct ul_uplink *uplink, const struct link_info *info)
{
	int r;

	if (info->mtu == vs->cfg->mtu)
		return 0;
	r = link_set_mtu(vs->context.links, info->ifindex, vs->cfg->mtu);
	if (r < 0) {
		log_error(r,
			  "%s: cannot set the MTU to %u; see 'ip -d link show %s' for its maximum",
			  info->name, vs->cfg->mtu, info->name);
		return r == -EINVAL ? -ERANGE : r; /* the file is not wrong: this driver, as it is
						      set up now, refuses */
	}
	if (!uplink->saved_mtu)
		uplink->saved_mtu = info->mtu;
	return 0;
}

int uplink_prepare(struct vswitch *vs, uint32_t index, const struct link_info *info, bool fresh)
{
	struct ul_uplink *uplink = &vs->dp->uplinks[index];
	uint32_t which = LINK_RX_OFFLOADS;
	const char *feature = NULL;
	bool tags_hidden = false;
	uint32_t offloads = 0;
	int r;

	/* A veth with tx VLAN offload hands its tags over beside the data, where no XDP program at
	 * the other end can see them. */
	if (strcmp(info->kind, "veth") == 0) {
		which |= UL_SAVED_TX_VLAN;
		log_debug("%s: a veth as uplink: its far end must have tx VLAN offload off, too",
			  info->name);
	}
	r = link_prepare_offloads(vs->context.links, info->ifindex, which, &offloads, &feature);
	uplink->saved |= offloads;
	if (r < 0 && r != -EOPNOTSUPP)
		return log_error(r, "%s: cannot change offloads; see 'ethtool -k %s'", info->name,
				 info->name);
	if (r < 0 && !feature) {
		tags_hidden = true;
		log_warning(
			r,
			"%s: its driver does not tell its offloads; tags may be invisible to XDP, so it receives by TC",
			info->name);
	} else if (r < 0) {
		/* Named first of those that stay on. A VLAN filter (fixed on virtio-net and e1000)
		 * is no obstacle: promiscuous mode opens it. */
		tags_hidden = strcmp(feature, "rx-vlan-hw-parse") == 0;
		if (strcmp(feature, "rx-vlan-filter") != 0)
			log_warning(
				0, "%s: %s is on and cannot be switched off%s", info->name, feature,
				tags_hidden ?
					"; tags are then invisible to XDP, so it receives by TC" :
					"");
	}
	r = prepare_flags(vs, uplink, info);
	if (r == 0)
		r = prepare_mtu(vs, uplink, info);
	if (r < 0)
		return r;
	/* Set up once, when it is taken; later an administrator may have set it down on purpose. */
	if (!info->admin_up && fresh) {
		uplink->saved |= UL_SAVED_DOWN;
		r = link_set_up(vs->context.links, info->ifindex, true);
		if (r < 0)
			return log_error(r, "%s: cannot set it up", info->name);
	}
	return tags_hidden;
}

void uplink_disconnect(struct vswitch *vs, struct ul_uplink *uplink)
{
	struct link_monitor *links = vs->context.links;
	uint32_t ifindex = uplink->ifindex, saved = uplink->saved, mtu = uplink->saved_mtu;

	if (!ifindex)
		return;
	/* The programs must not find it fit to send any more when its number goes. */
	STORE(uplink->flags, uplink->flags & UL_UP_DRAINED);
	table_remove(&vs->dp->ifaces, ul_iface_key(ifindex));
	dataplane_detach(vs->dp, ifindex);
	link_monitor_poll_carrier(links, ifindex, 0);
	STORE(uplink->ifindex, 0);
	uplink->netdev = 0;
	uplink->saved = 0;
	uplink->saved_mtu = 0;
	uplink->xdp_mode = UL_XDP_NONE;
	if (!link_by_ifindex(links, ifindex))
		return;
	link_restore_offloads(links, ifindex, saved);
	if (saved & UL_SAVED_NOT_PROMISC)
		link_set_promiscuous(links, ifindex, false);
	if (saved & UL_SAVED_ARP)
		link_set_arp(links, ifindex, true);
	if (saved & UL_SAVED_IPV6)
		link_set_ipv6(links, ifindex, true);
	if (mtu)
		link_set_mtu(links, ifindex, mtu);
	if (saved & UL_SAVED_DOWN)
		link_set_up(links, ifindex, false);
}
