// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * XDP features of interfaces, from the kernel's netdev generic netlink family (6.3). Without it
 * these functions do nothing, and the features stay unknown.
 */
#include <linux/genetlink.h>

#include "common/util.h"
#include "link/internal.h"
#include "link/netdev_uapi.h"

struct family {
	uint16_t id;
	uint32_t group;
};

static int on_family(const struct nlmsghdr *message, void *userdata)
{
	struct family *family = userdata;

	return link_parse_family(message, NETDEV_MCGRP_MGMT, &family->id, &family->group);
}

static struct nlmsghdr *genl_request(void *buffer, uint16_t type, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(request, sizeof(*genl));

	request->nlmsg_type = type;
	request->nlmsg_flags = flags;
	genl->cmd = command;
	genl->version = NETDEV_FAMILY_VERSION;
	return request;
}

static int find_family(struct netlink *query, struct family *ret)
{
	uint8_t buffer[128];
	struct nlmsghdr *request = genl_request(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY_NAME);
	return netlink_query(query, request, on_family, ret);
}

int netdev_genl_open(struct netdev_genl *genl, int receive_bytes)
{
	struct family family = { 0 };
	int r;

	*genl = (struct netdev_genl){ 0 };
	r = netlink_open(&genl->query, NETLINK_GENERIC, false);
	if (r < 0)
		return r == -EPROTONOSUPPORT ? 0 : r;
	r = find_family(&genl->query, &family);
	if (r == -ENOENT) {
		netdev_genl_close(genl);
		return 0;
	}
	if (r < 0)
		goto fail;
	r = netlink_open_events(&genl->events, NETLINK_GENERIC, family.group, receive_bytes);
	if (r < 0)
		goto fail;
	genl->family = family.id;
	return 0;

fail:
	netdev_genl_close(genl);
	return r;
}

void netdev_genl_close(struct netdev_genl *genl)
{
	netlink_close(&genl->query);
	netlink_close(&genl->events);
	genl->family = 0;
}

static int on_features(const struct nlmsghdr *message, void *userdata)
{
	uint32_t ifindex, features;
	int r = link_parse_features(message, &ifindex, &features);

	/* A malformed message changes nothing and does not end the query. */
	return r < 0 ? 0 : link_table_set_features(userdata, ifindex, true, features);
}

struct notification {
	struct link_table *table;
	uint16_t family;
};

static int on_notification(const struct nlmsghdr *message, void *userdata)
{
	const struct notification *n = userdata;
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != n->family || mnl_nlmsg_get_payload_len(message) < sizeof(*genl))
		return 0;
	if (genl->cmd != NETDEV_CMD_DEV_ADD_NTF && genl->cmd != NETDEV_CMD_DEV_CHANGE_NTF)
		return 0;
	return on_features(message, n->table);
}

int netdev_genl_dump(struct netdev_genl *genl, struct link_table *table)
{
	uint8_t buffer[64];

	if (!genl->family)
		return 0;
	return netlink_query(&genl->query,
			     genl_request(buffer, genl->family, NETDEV_CMD_DEV_GET, NLM_F_DUMP),
			     on_features, table);
}

int netdev_genl_fetch(struct netdev_genl *genl, struct link_table *table, uint32_t ifindex)
{
	struct nlmsghdr *request;
	uint8_t buffer[64];

	if (!genl->family)
		return 0;
	request = genl_request(buffer, genl->family, NETDEV_CMD_DEV_GET, 0);
	mnl_attr_put_u32(request, NETDEV_A_DEV_IFINDEX, ifindex);
	return netlink_query(&genl->query, request, on_features, table);
}

int netdev_genl_read(struct netdev_genl *genl, struct link_table *table)
{
	struct notification n = { .table = table, .family = genl->family };

	return genl->family ? netlink_read_events(&genl->events, on_notification, &n) : 0;
}
