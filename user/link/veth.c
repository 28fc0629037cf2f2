// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* veth pairs, whose ends may be in two network namespaces. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "common/util.h"
#include "link/internal.h"

static void put_end(struct nlmsghdr *request, const struct link_veth_end *end)
{
	mnl_attr_put_strz(request, IFLA_IFNAME, end->name);
	if (end->mac)
		mnl_attr_put(request, IFLA_ADDRESS, 6, end->mac);
	if (end->mtu)
		mnl_attr_put_u32(request, IFLA_MTU, end->mtu);
	if (end->netns_fd >= 0)
		mnl_attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)end->netns_fd);
}

static bool is_name(const char *name)
{
	return *name && strlen(name) < UL_NAME_LEN;
}

int link_create(struct link_monitor *monitor, const char *name, struct nlmsghdr *request)
{
	struct link_info info;
	int r = netlink_query(&monitor->query, request, NULL, NULL);

	/* Without memory for its answer the kernel has created it all the same. */
	if (error_is_shortage(r) && link_refresh_get_by_name(monitor, name, &info) == 0)
		r = 0;
	if (r < 0)
		return r;
	/* The events of all that was created are waiting by now. */
	r = link_read_events(monitor);
	link_recover(monitor);
	link_deliver_later(monitor);
	return r;
}

int link_create_veth_pair(struct link_monitor *monitor, const struct link_veth_end *a,
			  const struct link_veth_end *b)
{
	struct nlattr *info, *data, *peer;
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct nlmsghdr *request;

	if (!is_name(a->name) || !is_name(b->name) || a->netns_fd >= 0)
		return -EINVAL;
	request = link_request(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, NULL);
	put_end(request, a);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(request, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	put_end(request, b);
	mnl_attr_nest_end(request, peer);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);

	return link_create(monitor, a->name, request);
}

int link_create_veth(struct link_monitor *monitor, const char *name, const char *peer,
		     const uint8_t *peer_mac)
{
	const struct link_veth_end a = { .name = name, .netns_fd = -1 },
				   b = { .name = peer, .mac = peer_mac, .netns_fd = -1 };

	return link_create_veth_pair(monitor, &a, &b);
}

struct description {
	struct link_veth veth;
	bool is_veth;
};

static int on_description(const struct nlmsghdr *message, void *userdata)
{
	struct description *found = userdata;
	const struct nlattr *attr;
	struct link_info info;
	int r = link_parse(message, &info);

	if (r < 0)
		return r;
	*found = (struct description){};
	found->is_veth = strcmp(info.kind, "veth") == 0;
	/* link_parse() has checked the lengths of all attributes */
	mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg))
	{
		uint16_t length = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == IFLA_LINK)
			found->veth.peer = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == IFLA_IFALIAS && length <= LINK_ALIAS_LEN)
			memcpy(found->veth.alias, mnl_attr_get_payload(attr), length);
	}
	return 0;
}

int link_get_veth(struct link_monitor *monitor, uint32_t ifindex, struct link_veth *ret)
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct description found = {};
	int r;

	if (ifindex == 0)
		return -ENODEV;
	r = netlink_query(&monitor->query, link_request(buffer, RTM_GETLINK, 0, ifindex, NULL),
			  on_description, &found);
	if (r < 0)
		return r;
	if (!found.is_veth)
		return -ENXIO;
	found.veth.alias[LINK_ALIAS_LEN - 1] = '\0';
	*ret = found.veth;
	return 0;
}

int link_set_alias(struct link_monitor *monitor, uint32_t ifindex, const char *alias)
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);

	if (strlen(alias) >= LINK_ALIAS_LEN)
		return -EINVAL;
	/* the kernel stores the length of the attribute, so without NUL */
	mnl_attr_put_str(request, IFLA_IFALIAS, alias);
	return link_apply(monitor, ifindex, request);
}
