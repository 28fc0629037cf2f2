// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Netlink messages to plain structs. Pure; the length of every attribute is checked before it is
 * read.
 */
#include <linux/genetlink.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "common/util.h"
#include "link/internal.h"
#include "link/netdev_uapi.h"

/*
 * libmnl's iteration stops silently at an attribute that exceeds its buffer; `left` then stays
 * positive.
 */
#define ATTR_FOR_EACH(attr, left, start, length)                              \
	for ((left) = (int)(length), (attr) = (const struct nlattr *)(start); \
	     mnl_attr_ok((attr), (left));                                     \
	     (left) -= (int)MNL_ALIGN((attr)->nla_len), (attr) = mnl_attr_next(attr))

/* Padding after the last attribute may be missing, so left may end below zero. */
static int attrs_end(int left)
{
	return left > 0 ? -EBADMSG : 0;
}

static int get_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return 0;
}

/* A text of 1 to size - 1 characters with its NUL inside the attribute. */
static int get_text(const struct nlattr *attr, char *ret, size_t size)
{
	const char *text = mnl_attr_get_payload(attr);
	size_t length = strnlen(text, mnl_attr_get_payload_len(attr));

	if (length == 0 || length == mnl_attr_get_payload_len(attr) || length >= size)
		return -EBADMSG;
	memcpy(ret, text, length + 1);
	return 0;
}

/* Addresses of other lengths (tunnels, InfiniBand) are no MAC addresses: zero. */
static void get_mac(const struct nlattr *attr, uint8_t ret[6])
{
	if (mnl_attr_get_payload_len(attr) == 6)
		memcpy(ret, mnl_attr_get_payload(attr), 6);
}

static int get_kind(const struct nlattr *nest, char kind[16])
{
	const struct nlattr *attr;
	int left;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		/* Longer kinds are unknown ones. */
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND && get_text(attr, kind, 16) < 0)
			memcpy(kind, "?", 2);
	}
	return attrs_end(left);
}

static int get_xdp(const struct nlattr *nest, struct link_info *info)
{
	uint32_t driver = 0, generic = 0;
	const struct nlattr *attr;
	int left, r = 0;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_XDP_ATTACHED:
			if (mnl_attr_get_payload_len(attr) != 1)
				return -EBADMSG;
			info->xdp_attached = mnl_attr_get_u8(attr);
			break;
		case IFLA_XDP_PROG_ID:
			r = get_u32(attr, &info->xdp_prog_id);
			break;
		case IFLA_XDP_DRV_PROG_ID:
			r = get_u32(attr, &driver);
			break;
		case IFLA_XDP_SKB_PROG_ID:
			r = get_u32(attr, &generic);
			break;
		}
		if (r < 0)
			return r;
	}
	/* XDP_ATTACHED_MULTI has no IFLA_XDP_PROG_ID: use the program that runs first. */
	if (info->xdp_prog_id == 0)
		info->xdp_prog_id = driver ? driver : generic;
	return attrs_end(left);
}

/* An interface without IPv6 has no such attribute. */
static int get_ipv6(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;
	int left;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		const uint8_t *values = mnl_attr_get_payload(attr);
		int32_t disabled;

		if (mnl_attr_get_type(attr) != IFLA_INET6_CONF ||
		    mnl_attr_get_payload_len(attr) < (DEVCONF_DISABLE_IPV6 + 1) * sizeof(disabled))
			continue;
		memcpy(&disabled, values + DEVCONF_DISABLE_IPV6 * sizeof(disabled),
		       sizeof(disabled));
		info->ipv6 = !disabled;
	}
	return attrs_end(left);
}

static int get_families(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;
	int left, r = 0;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		if (mnl_attr_get_type(attr) == AF_INET6)
			r = get_ipv6(attr, info);
		if (r < 0)
			return r;
	}
	return attrs_end(left);
}

/* Names that no configuration can contain are skipped, see struct link_info. */
static int get_alt_names(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;
	size_t n = 0;
	int left;

	while (n < LINK_MAX_ALT_NAMES && info->alt_names[n][0])
		n++;
	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		if (mnl_attr_get_type(attr) == IFLA_ALT_IFNAME && n < LINK_MAX_ALT_NAMES &&
		    get_text(attr, info->alt_names[n], UL_NAME_LEN) == 0)
			n++;
	}
	return attrs_end(left);
}

/* elsewhere: the peer's ifindex belongs to another network namespace. */
static int get_attribute(const struct nlattr *attr, struct link_info *info, bool *elsewhere)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		return get_text(attr, info->name, sizeof(info->name));
	case IFLA_PROP_LIST:
		return get_alt_names(attr, info);
	case IFLA_MTU:
		return get_u32(attr, &info->mtu);
	case IFLA_MAX_MTU:
		return get_u32(attr, &info->max_mtu);
	case IFLA_LINK:
		return get_u32(attr, &info->peer);
	case IFLA_LINK_NETNSID:
		*elsewhere = true;
		return 0;
	case IFLA_MASTER:
		return get_u32(attr, &info->master);
	case IFLA_ADDRESS:
		get_mac(attr, info->mac);
		return 0;
	case IFLA_PERM_ADDRESS:
		get_mac(attr, info->permanent_mac);
		return 0;
	case IFLA_LINKINFO:
		return get_kind(attr, info->kind);
	case IFLA_XDP:
		return get_xdp(attr, info);
	case IFLA_AF_SPEC:
		return get_families(attr, info);
	default:
		return 0;
	}
}

int link_parse(const struct nlmsghdr *message, struct link_info *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	struct link_info info = { 0 };
	const struct nlattr *attr;
	bool elsewhere = false;
	int left, r;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*ifi))
		return -EBADMSG;
	/*
	 * A bridge reports its ports by messages of AF_BRIDGE: such a DELLINK does not delete the
	 * interface.
	 */
	if (ifi->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (ifi->ifi_index <= 0)
		return -EBADMSG;

	ATTR_FOR_EACH(attr, left, mnl_nlmsg_get_payload_offset(message, sizeof(*ifi)),
		      mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(*ifi)))
	{
		r = get_attribute(attr, &info, &elsewhere);
		if (r < 0)
			return r;
	}
	if (attrs_end(left) < 0)
		return -EBADMSG;
	if (!info.name[0]) /* events of wireless drivers contain IFLA_WIRELESS only */
		return -ENOMSG;

	info.ifindex = (uint32_t)ifi->ifi_index;
	if (elsewhere)
		info.peer = 0;
	info.type = ifi->ifi_type;
	info.ethernet = ifi->ifi_type == ARPHRD_ETHER && !(ifi->ifi_flags & IFF_LOOPBACK);
	info.admin_up = ifi->ifi_flags & IFF_UP;
	/* the carrier bit; IFF_RUNNING is the operational state, up to 1 s late */
	info.carrier = ifi->ifi_flags & IFF_LOWER_UP;
	info.promiscuous = ifi->ifi_flags & IFF_PROMISC;
	info.arp = !(ifi->ifi_flags & IFF_NOARP);
	*ret = info;
	return 0;
}

/* ---- bridges ---- */
static int get_u8(const struct nlattr *attr, uint8_t *ret)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return -EBADMSG;
	*ret = mnl_attr_get_u8(attr);
	return 0;
}

static int get_u16(const struct nlattr *attr, uint16_t *ret)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return 0;
}

static int get_bridge_data(const struct nlattr *nest, struct link_bridge *bridge)
{
	const struct nlattr *attr;
	uint8_t filtering = 0;
	int left, r = 0;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		if (mnl_attr_get_type(attr) == IFLA_BR_VLAN_FILTERING) {
			r = get_u8(attr, &filtering);
		} else if (mnl_attr_get_type(attr) == IFLA_BR_VLAN_DEFAULT_PVID) {
			/* IFLA_BR_VLAN_FILTERING is 0 also in kernels without VLANs. */
			bridge->has_vlans = true;
			r = get_u16(attr, &bridge->default_pvid);
		}
		if (r < 0)
			return r;
	}
	bridge->vlan_filtering = filtering;
	return attrs_end(left);
}

static int get_bridge(const struct nlattr *nest, struct link_bridge *bridge)
{
	const struct nlattr *attr, *data = NULL;
	char kind[16] = "";
	int left;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    get_text(attr, kind, sizeof(kind)) < 0)
			return -EINVAL;
		if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
			data = attr;
	}
	if (attrs_end(left) < 0)
		return -EBADMSG;
	if (strcmp(kind, "bridge") != 0)
		return -EINVAL;
	return data ? get_bridge_data(data, bridge) : 0;
}

int link_parse_bridge(const struct nlmsghdr *message, struct link_bridge *ret)
{
	struct link_bridge bridge = { 0 };
	const struct nlattr *attr;
	int left, r = -EINVAL;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
		return -EBADMSG;
	ATTR_FOR_EACH(attr, left, mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg)),
		      mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct ifinfomsg)))
	{
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			r = get_bridge(attr, &bridge);
	}
	if (attrs_end(left) < 0)
		return -EBADMSG;
	if (r == 0)
		*ret = bridge;
	return r;
}

static void add_vlans(struct link_bridge_port *port, const struct bridge_vlan_info *first,
		      uint16_t last)
{
	uint64_t *list = first->flags & BRIDGE_VLAN_INFO_UNTAGGED ? port->untagged : port->tagged;

	if (first->flags & BRIDGE_VLAN_INFO_PVID)
		port->pvid = last;
	for (uint16_t vid = first->vid; vid <= last; vid++)
		list[vid / 64] |= 1ULL << (vid % 64);
}

/* Single VLANs, and ranges as two entries in succession. */
static int get_vlans(const struct nlattr *nest, struct link_bridge_port *port)
{
	struct bridge_vlan_info begin = { 0 }, entry;
	bool in_range = false;
	const struct nlattr *attr;
	int left;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		if (mnl_attr_get_type(attr) != IFLA_BRIDGE_VLAN_INFO)
			continue;
		if (mnl_attr_get_payload_len(attr) != sizeof(entry))
			return -EBADMSG;
		memcpy(&entry, mnl_attr_get_payload(attr), sizeof(entry));
		if (!entry.vid || entry.vid >= UL_VLAN_TRUNK ||
		    in_range != !!(entry.flags & BRIDGE_VLAN_INFO_RANGE_END) ||
		    (in_range && entry.vid <= begin.vid))
			return -EBADMSG;
		if (!in_range)
			begin = entry;
		in_range = entry.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN;
		if (!in_range)
			add_vlans(port, &begin, entry.vid);
	}
	return in_range ? -EBADMSG : attrs_end(left);
}

int link_parse_bridge_port(const struct nlmsghdr *message, struct link_bridge_port *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	struct link_bridge_port port = { 0 };
	const struct nlattr *attr;
	int left, r = 0;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*ifi))
		return -EBADMSG;
	if (ifi->ifi_family != AF_BRIDGE)
		return -ENOMSG;
	if (ifi->ifi_index <= 0)
		return -EBADMSG;
	ATTR_FOR_EACH(attr, left, mnl_nlmsg_get_payload_offset(message, sizeof(*ifi)),
		      mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(*ifi)))
	{
		if (mnl_attr_get_type(attr) == IFLA_MASTER)
			r = get_u32(attr, &port.master);
		else if (mnl_attr_get_type(attr) == IFLA_AF_SPEC)
			r = get_vlans(attr, &port);
		if (r < 0)
			return r;
	}
	if (attrs_end(left) < 0)
		return -EBADMSG;
	port.ifindex = (uint32_t)ifi->ifi_index;
	/* A bridge reports itself with its own number. */
	if (!port.master || port.master == port.ifindex)
		return -ENOMSG;
	*ret = port;
	return 0;
}

/* ---- generic netlink ---- */
/* The attributes of a generic netlink message; -EBADMSG: shorter than its header. */
static int genl_payload(const struct nlmsghdr *message, const void **ret, size_t *ret_length)
{
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	*ret = mnl_nlmsg_get_payload_offset(message, sizeof(struct genlmsghdr));
	*ret_length = mnl_nlmsg_get_payload_len(message) - sizeof(struct genlmsghdr);
	return 0;
}

int link_parse_features(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			uint32_t *ret_features)
{
	bool have_features = false;
	uint32_t ifindex = 0;
	uint64_t features = 0;
	const struct nlattr *attr;
	const void *payload;
	size_t length;
	int left, r;

	r = genl_payload(message, &payload, &length);
	if (r < 0)
		return r;
	ATTR_FOR_EACH(attr, left, payload, length)
	{
		if (mnl_attr_get_type(attr) == NETDEV_A_DEV_IFINDEX && get_u32(attr, &ifindex) < 0)
			return -EBADMSG;
		if (mnl_attr_get_type(attr) != NETDEV_A_DEV_XDP_FEATURES)
			continue;
		if (mnl_attr_get_payload_len(attr) != sizeof(features))
			return -EBADMSG;
		memcpy(&features, mnl_attr_get_payload(attr), sizeof(features));
		have_features = true;
	}
	if (attrs_end(left) < 0)
		return -EBADMSG;
	if (ifindex == 0 || !have_features)
		return -ENOMSG;
	*ret_ifindex = ifindex;
	*ret_features = (uint32_t)features;
	return 0;
}

/* One entry of CTRL_ATTR_MCAST_GROUPS: sets *ret_id if it has the name `wanted`. */
static int get_group(const struct nlattr *nest, const char *wanted, uint32_t *ret_id)
{
	char name[GENL_NAMSIZ] = "";
	const struct nlattr *attr;
	uint32_t id = 0;
	int left, r = 0;

	ATTR_FOR_EACH(attr, left, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			r = get_text(attr, name, sizeof(name));
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
			r = get_u32(attr, &id);
		if (r < 0)
			return r;
	}
	if (strcmp(name, wanted) == 0)
		*ret_id = id;
	return attrs_end(left);
}

int link_parse_family(const struct nlmsghdr *message, const char *group, uint16_t *ret_family,
		      uint32_t *ret_group)
{
	const struct nlattr *attr, *nested;
	uint16_t family = 0;
	uint32_t group_id = 0;
	const void *payload;
	size_t length;
	int left, nested_left, r;

	r = genl_payload(message, &payload, &length);
	if (r < 0)
		return r;
	ATTR_FOR_EACH(attr, left, payload, length)
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID) {
			if (mnl_attr_get_payload_len(attr) != sizeof(family))
				return -EBADMSG;
			family = mnl_attr_get_u16(attr);
		}
		if (mnl_attr_get_type(attr) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		ATTR_FOR_EACH(nested, nested_left, mnl_attr_get_payload(attr),
			      mnl_attr_get_payload_len(attr))
		{
			r = get_group(nested, group, &group_id);
			if (r < 0)
				return r;
		}
		if (attrs_end(nested_left) < 0)
			return -EBADMSG;
	}
	if (attrs_end(left) < 0)
		return -EBADMSG;
	if (family == 0)
		return -ENOMSG;
	*ret_family = family;
	*ret_group = group_id;
	return 0;
}
