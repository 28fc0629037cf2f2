// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Settings that a NIC needs as an uplink: promiscuous mode, no ARP and no IPv6 of the host, the MTU
 * of the switch, offloads that hide VLAN tags or merge frames off, administratively up. The former
 * values of all settings that are going to be changed are recorded first (saved_settings.h).
 */
#include "context/saved_settings.h"
#include "uplink/internal.h"

/* 0 or negative errno with a reason. */
static int note(const struct switch_context *context, const struct link_info *info, bool fresh)
{
	uint32_t settings = 0;
	bool ipv6 = false;
	int r;

	/* A driver that does not report its offloads has none that can be changed. */
	r = link_get_changeable_offloads(context->links, info->ifindex, nic_settings_offloads(info),
					 &settings);
	if (r < 0 && r != -EOPNOTSUPP)
		return context_fail(context, r, "%s: cannot read offloads; see 'ethtool -k %s'",
				    info->name, info->name);
	r = link_get_ipv6(context->links, info->ifindex, &ipv6);
	if (r < 0 && r != -EOPNOTSUPP)
		return context_fail(context, r, "%s: cannot read disable_ipv6", info->name);
	settings |= ipv6 ? UL_SAVED_IPV6 : 0;
	settings |= info->promiscuous ? 0 : UL_SAVED_NOT_PROMISC;
	settings |= info->arp ? UL_SAVED_ARP : 0;
	settings |= info->mtu != context->cfg->mtu ? UL_SAVED_MTU : 0;
	settings |= fresh && !info->admin_up ? UL_SAVED_DOWN : 0;
	return saved_settings_note(context, info, SAVED_UPLINK, settings);
}

static int apply_flags(const struct switch_context *context, const struct link_info *info)
{
	struct link_monitor *links = context->links;
	bool ipv6 = false;
	int r;

	/* The NIC's filter does not have the addresses of the ports. */
	if (!info->promiscuous) {
		r = link_set_promiscuous(links, info->ifindex, true);
		if (r < 0)
			return context_fail(context, r, "%s: cannot set promiscuous mode",
					    info->name);
	}
	/* The host's own stack must not answer on a NIC that serves the ports. */
	if (info->arp) {
		r = link_set_arp(links, info->ifindex, false);
		if (r < 0)
			return context_fail(context, r, "%s: cannot disable ARP", info->name);
	}
	r = link_get_ipv6(links, info->ifindex, &ipv6);
	if (r == 0 && ipv6)
		r = link_set_ipv6(links, info->ifindex, false);
	if (r < 0 && r != -EOPNOTSUPP)
		return context_fail(context, r, "%s: cannot disable IPv6", info->name);
	return 0;
}

static int apply_mtu(const struct switch_context *context, const struct link_info *info)
{
	uint32_t mtu = context->cfg->mtu;
	int r;

	if (info->mtu == mtu)
		return 0;
	r = link_set_mtu(context->links, info->ifindex, mtu);
	if (r < 0) {
		context_fail(
			context, r,
			"%s: cannot set the MTU to %u; see 'ip -d link show %s' for its maximum",
			info->name, mtu, info->name);
		/* The configuration is valid; the driver refuses the value in its present state. */
		return r == -EINVAL ? -ERANGE : r;
	}
	return 0;
}

uint32_t nic_settings_offloads(const struct link_info *info)
{
	/* With tx VLAN offload a veth passes its tags outside the frame, where an XDP program at
	 * the other end cannot see them. */
	return LINK_RX_OFFLOADS | (strcmp(info->kind, "veth") == 0 ? UL_SAVED_TX_VLAN : 0);
}

/*
 * Disables the offloads that an uplink must not have. 0; 1: VLAN tags stay invisible to XDP; or
 * negative errno.
 */
static int apply_offloads(const struct switch_context *context, const struct link_info *info)
{
	uint32_t changed = 0; /* a part of what is recorded */
	const char *feature = NULL;
	bool hidden;
	int r;

	r = link_prepare_offloads(context->links, info->ifindex, nic_settings_offloads(info),
				  &changed, &feature);
	if (r >= 0)
		return 0;
	if (r != -EOPNOTSUPP)
		return context_fail(context, r, "%s: cannot change offloads; see 'ethtool -k %s'",
				    info->name, info->name);
	if (!feature) {
		context_report(
			context, EVENT_UPLINK_SETTING, info->name,
			"the driver does not report its offloads; XDP may not see VLAN tags, so frames are received by TC");
		return 1;
	}
	/* The first of those that stay on. A VLAN filter (fixed on virtio-net and e1000) does no
	 * harm, because promiscuous mode opens it. */
	hidden = strcmp(feature, "rx-vlan-hw-parse") == 0;
	if (strcmp(feature, "rx-vlan-filter") != 0)
		context_report(
			context, EVENT_UPLINK_SETTING, info->name,
			"%s is on and cannot be disabled%s", feature,
			hidden ? "; XDP does not see VLAN tags, so frames are received by TC" : "");
	return hidden;
}

int nic_settings_apply(const struct switch_context *context, const struct link_info *info,
		       bool fresh, bool with_note)
{
	int r = with_note ? note(context, info, fresh) : 0, hidden;

	if (r < 0)
		return r;
	r = hidden = apply_offloads(context, info);
	if (r >= 0)
		r = apply_flags(context, info);
	if (r >= 0)
		r = apply_mtu(context, info);
	if (r < 0)
		return r;
	/* Only on the first connection: later an administrator may have set it down on purpose. */
	if (!info->admin_up && fresh) {
		r = link_set_up(context->links, info->ifindex, true);
		if (r < 0)
			return context_fail(context, r, "%s: cannot set the interface up",
					    info->name);
	}
	return hidden;
}

uint32_t nic_settings_find_problems(const struct switch_context *context,
				    const struct link_info *info, uint32_t fixed_offloads)
{
	uint32_t problems = 0, on = 0;
	bool ipv6 = false;

	if (!info->promiscuous)
		problems |= UL_PROBLEM_PROMISC;
	if (info->arp)
		problems |= UL_PROBLEM_ARP;
	if (info->mtu != context->cfg->mtu)
		problems |= UL_PROBLEM_MTU;
	if (link_get_ipv6(context->links, info->ifindex, &ipv6) == 0 && ipv6)
		problems |= UL_PROBLEM_IPV6;
	/* Tx VLAN offload of a veth is left to who enables it later: it changes only what an XDP
	 * program at the other end sees, and a frame costs less with it. */
	if (link_get_offloads(context->links, info->ifindex, LINK_RX_OFFLOADS & ~fixed_offloads,
			      &on) == 0 &&
	    on)
		problems |= UL_PROBLEM_OFFLOAD;
	return problems;
}
