// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Bridges: creation, VLANs of their interfaces, isolation. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "common/util.h"
#include "link/internal.h"

/* ---- creation ---- */
static int create(struct link_monitor *monitor, const char *name, bool vlan_filtering)
{
	struct nlattr *info, *data;
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct nlmsghdr *request;

	if (!*name || strlen(name) >= UL_NAME_LEN)
		return -EINVAL;
	request = link_request(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, NULL);
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	mnl_attr_put_u32(request, IFLA_BR_STP_STATE, 0);
	mnl_attr_put_u32(request, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_put_u8(request, IFLA_BR_MCAST_SNOOPING, 0);
	if (vlan_filtering)
		mnl_attr_put_u8(request, IFLA_BR_VLAN_FILTERING, 1);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);
	return link_create(monitor, name, request);
}

/* The bridge adapts its MTU to its interfaces until the MTU is changed, so the first value differs
 * from the second. */
static int fix_mtu(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu)
{
	int r = link_set_mtu(monitor, ifindex, mtu - 1);

	return r < 0 ? r : link_set_mtu(monitor, ifindex, mtu);
}

int link_finish_bridge(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu,
		       bool vlan_filtering)
{
	struct link_bridge bridge;
	int r = fix_mtu(monitor, ifindex, mtu);

	if (r == 0)
		r = link_set_ipv6(monitor, ifindex, false);
	if (r == -EOPNOTSUPP) /* a kernel without IPv6 */
		r = 0;
	if (r == 0 && vlan_filtering) {
		r = link_get_bridge(monitor, ifindex, &bridge);
		if (r == 0 && (!bridge.has_vlans || !bridge.vlan_filtering))
			r = -EOPNOTSUPP;
	}
	return r;
}

int link_create_bridge(struct link_monitor *monitor, const char *name, uint32_t mtu,
		       bool vlan_filtering)
{
	struct link_info info;
	int r = create(monitor, name, vlan_filtering);

	if (r == 0)
		r = link_refresh_get_by_name(monitor, name, &info);
	if (r < 0)
		return r;
	r = link_finish_bridge(monitor, info.ifindex, mtu, vlan_filtering);
	if (r < 0)
		(void)link_delete(monitor, info.ifindex);
	return r;
}

/* ---- state ---- */
static int on_bridge(const struct nlmsghdr *message, void *userdata)
{
	return message->nlmsg_type == RTM_NEWLINK ? link_parse_bridge(message, userdata) : 0;
}

int link_get_bridge(struct link_monitor *monitor, uint32_t ifindex, struct link_bridge *ret)
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct nlmsghdr *request;

	if (!ifindex)
		return -ENODEV;
	request = link_request(buffer, RTM_GETLINK, 0, ifindex, NULL);
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_query(&monitor->query, request, on_bridge, ret);
}

struct port_list {
	struct link_bridge_port *ports;
	size_t n, room;
};

static int on_port(const struct nlmsghdr *message, void *userdata)
{
	struct port_list *list = userdata;
	struct link_bridge_port port, *ports;

	if (message->nlmsg_type != RTM_NEWLINK || link_parse_bridge_port(message, &port) < 0)
		return 0;
	if (list->n == list->room) {
		ports = reallocarray(list->ports, list->room * 2 + 16, sizeof(*ports));
		if (!ports)
			return -ENOMEM;
		list->ports = ports;
		list->room = list->room * 2 + 16;
	}
	list->ports[list->n++] = port;
	return 0;
}

int link_get_bridge_ports(struct link_monitor *monitor, struct link_bridge_port **ret,
			  size_t *ret_n)
{
	struct port_list list = { 0 };
	uint8_t buffer[LINK_REQUEST_BYTES];
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		struct nlmsghdr *request;
		struct ifinfomsg *ifi;

		list.n = 0;
		request = link_request(buffer, RTM_GETLINK, NLM_F_DUMP, 0, &ifi);
		ifi->ifi_family = AF_BRIDGE;
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
		r = netlink_query(&monitor->query, request, on_port, &list);
	}
	if (r < 0) {
		free(list.ports);
		return r;
	}
	*ret = list.ports;
	*ret_n = list.n;
	return 0;
}

/* ---- settings ---- */
int link_isolate_bridge_port(struct link_monitor *monitor, uint32_t ifindex, bool isolated)
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct ifinfomsg *ifi;
	struct nlmsghdr *request = link_request(buffer, RTM_SETLINK, 0, ifindex, &ifi);
	struct nlattr *info;

	ifi->ifi_family = AF_BRIDGE;
	info = mnl_attr_nest_start(request, IFLA_PROTINFO);
	mnl_attr_put_u8(request, IFLA_BRPORT_ISOLATED, isolated);
	mnl_attr_put_u8(request, IFLA_BRPORT_LEARNING, !isolated);
	mnl_attr_put_u8(request, IFLA_BRPORT_UNICAST_FLOOD, !isolated);
	mnl_attr_put_u8(request, IFLA_BRPORT_MCAST_FLOOD, !isolated);
	mnl_attr_put_u8(request, IFLA_BRPORT_BCAST_FLOOD, !isolated);
	mnl_attr_nest_end(request, info);
	return link_apply(monitor, ifindex, request);
}
