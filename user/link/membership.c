// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The place of an interface in a bridge or bond: read, left and restored. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"
#include "link/transfer.h"

#define REQUEST_BYTES 256
#define MAX_SETTINGS 2048 /* bytes */
#define MAX_VLANS 65000

void link_membership_done(struct link_membership *membership)
{
	free(membership->settings);
	free(membership->vlans);
	*membership = (struct link_membership){ 0 };
}

/* ---- reading ---- */
static struct nlmsghdr *bridge_request(void *buffer, uint16_t type, uint32_t ifindex)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *request = link_request(buffer, type, 0, ifindex, &ifi);

	ifi->ifi_family = AF_BRIDGE;
	return request;
}

struct reading {
	uint32_t ifindex;
	struct link_membership *membership;
};

static int keep(void **ret, size_t *ret_length, const void *bytes, size_t length)
{
	free(*ret);
	*ret = malloc(length + 1);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, bytes, length);
	*ret_length = length;
	return 0;
}

/* What an administrator may have set; the others report a state. */
static bool is_setting(uint16_t type)
{
	static const uint16_t types[] = {
		IFLA_BRPORT_PRIORITY,	    IFLA_BRPORT_COST,
		IFLA_BRPORT_MODE,	    IFLA_BRPORT_GUARD,
		IFLA_BRPORT_PROTECT,	    IFLA_BRPORT_FAST_LEAVE,
		IFLA_BRPORT_LEARNING,	    IFLA_BRPORT_UNICAST_FLOOD,
		IFLA_BRPORT_PROXYARP,	    IFLA_BRPORT_PROXYARP_WIFI,
		IFLA_BRPORT_MCAST_FLOOD,    IFLA_BRPORT_MCAST_TO_UCAST,
		IFLA_BRPORT_BCAST_FLOOD,    IFLA_BRPORT_MULTICAST_ROUTER,
		IFLA_BRPORT_VLAN_TUNNEL,    IFLA_BRPORT_GROUP_FWD_MASK,
		IFLA_BRPORT_NEIGH_SUPPRESS, IFLA_BRPORT_ISOLATED,
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static int keep_settings(struct link_membership *membership, const struct nlattr *data)
{
	uint8_t buffer[MAX_SETTINGS];
	const struct nlattr *attr;
	size_t n = 0;

	mnl_attr_for_each_nested(attr, data)
	{
		size_t size = MNL_ALIGN(attr->nla_len);

		if (!is_setting(mnl_attr_get_type(attr)) || n + size > sizeof(buffer))
			continue;
		memset(buffer + n, 0, size);
		memcpy(buffer + n, attr, attr->nla_len);
		n += size;
	}
	return keep(&membership->settings, &membership->n_settings, buffer, n);
}

static int on_link(const struct nlmsghdr *message, void *userdata)
{
	struct reading *reading = userdata;
	struct link_membership *membership = reading->membership;
	const struct nlattr *attr, *info, *kind = NULL, *data = NULL;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
		return 0;
	mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(info, attr)
		{
			if (mnl_attr_get_type(info) == IFLA_INFO_SLAVE_KIND)
				kind = info;
			else if (mnl_attr_get_type(info) == IFLA_INFO_SLAVE_DATA)
				data = info;
		}
	}
	if (!kind)
		return 0;
	snprintf(membership->kind, sizeof(membership->kind), "%.*s",
		 (int)mnl_attr_get_payload_len(kind), mnl_attr_get_str(kind));
	return data && strcmp(membership->kind, "bridge") == 0 ? keep_settings(membership, data) :
								 0;
}

static int on_bridge_port(const struct nlmsghdr *message, void *userdata)
{
	struct reading *reading = userdata;
	struct link_membership *membership = reading->membership;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*ifi) ||
	    (uint32_t)ifi->ifi_index != reading->ifindex)
		return 0;
	mnl_attr_for_each(attr, message, sizeof(*ifi))
	{
		size_t length = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == IFLA_AF_SPEC && length <= MAX_VLANS)
			return keep(&membership->vlans, &membership->n_vlans,
				    mnl_attr_get_payload(attr), length);
	}
	return 0;
}

static int read_vlans(struct netlink *nl, struct reading *reading)
{
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request = bridge_request(buffer, RTM_GETLINK, 0);

	request->nlmsg_flags = NLM_F_DUMP;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
	return netlink_query(nl, request, on_bridge_port, reading);
}

int link_get_membership(uint32_t ifindex, struct link_membership *ret)
{
	struct link_membership membership = { 0 };
	struct reading reading = { ifindex, &membership };
	uint8_t buffer[REQUEST_BYTES];
	struct netlink nl;
	int r = netlink_open(&nl, NETLINK_ROUTE, false);

	if (r < 0)
		return r;
	r = netlink_query(&nl, link_request(buffer, RTM_GETLINK, 0, ifindex, NULL), on_link,
			  &reading);
	if (r == 0 && strcmp(membership.kind, "bridge") == 0)
		r = read_vlans(&nl, &reading);
	netlink_close(&nl);
	if (r < 0) {
		link_membership_done(&membership);
		return r;
	}
	*ret = membership;
	return 0;
}

/* ---- changes ---- */
static int set_master(struct link_monitor *monitor, uint32_t ifindex, uint32_t master)
{
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);
	int r;

	mnl_attr_put_u32(request, IFLA_MASTER, master);
	r = netlink_query(&monitor->query, request, NULL, NULL);
	(void)link_monitor_refresh(monitor, ifindex);
	return r;
}

int link_release(struct link_monitor *monitor, uint32_t ifindex)
{
	struct link_info info;
	int r = link_refresh_get(monitor, ifindex, &info);

	return r < 0 || !info.master ? r : set_master(monitor, ifindex, 0);
}

static int put_settings(struct link_monitor *monitor, uint32_t ifindex,
			const struct link_membership *membership)
{
	uint8_t buffer[REQUEST_BYTES + MAX_SETTINGS];
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);
	struct nlattr *info = mnl_attr_nest_start(request, IFLA_LINKINFO);

	if (membership->n_settings == 0 || membership->n_settings > MAX_SETTINGS)
		return 0;
	mnl_attr_put_strz(request, IFLA_INFO_SLAVE_KIND, membership->kind);
	mnl_attr_put(request, IFLA_INFO_SLAVE_DATA | NLA_F_NESTED, membership->n_settings,
		     membership->settings);
	mnl_attr_nest_end(request, info);
	return netlink_query(&monitor->query, request, NULL, NULL);
}

static void put_vlan(struct nlmsghdr *request, uint16_t flags, uint16_t vid)
{
	const struct bridge_vlan_info info = { .flags = flags, .vid = vid };

	mnl_attr_put(request, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

/* A port that joins a bridge gets the bridge's default VLAN; these are removed first. */
static int put_vlans(struct link_monitor *monitor, uint32_t ifindex,
		     const struct link_membership *membership)
{
	_cleanup_free_ uint8_t *buffer = malloc(REQUEST_BYTES + MAX_VLANS);
	struct nlmsghdr *request;
	struct nlattr *spec;
	int r;

	if (membership->n_vlans == 0 || membership->n_vlans > MAX_VLANS)
		return 0;
	if (!buffer)
		return -ENOMEM;
	request = bridge_request(buffer, RTM_DELLINK, ifindex);
	spec = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	put_vlan(request, BRIDGE_VLAN_INFO_RANGE_BEGIN, 1);
	put_vlan(request, BRIDGE_VLAN_INFO_RANGE_END, UL_VLAN_TRUNK - 1);
	mnl_attr_nest_end(request, spec);
	r = netlink_query(&monitor->query, request, NULL, NULL);
	if (r < 0 && r != -ENOENT)
		return r;
	request = bridge_request(buffer, RTM_SETLINK, ifindex);
	mnl_attr_put(request, IFLA_AF_SPEC | NLA_F_NESTED, membership->n_vlans, membership->vlans);
	return netlink_query(&monitor->query, request, NULL, NULL);
}

int link_enslave(struct link_monitor *monitor, uint32_t ifindex, uint32_t master,
		 const struct link_membership *membership)
{
	struct link_info info;
	int r = link_refresh_get(monitor, ifindex, &info);

	if (r < 0)
		return r;
	if (info.master != master) {
		if (strcmp(membership->kind, "bridge") != 0 && info.admin_up)
			r = link_set_up(monitor, ifindex, false);
		if (r == 0)
			r = set_master(monitor, ifindex, master);
	}
	if (r == 0)
		r = put_settings(monitor, ifindex, membership);
	return r < 0 ? r : put_vlans(monitor, ifindex, membership);
}
