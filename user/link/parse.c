// SPDX-License-Identifier: GPL-2.0
/* From netlink messages to plain structs. Pure, and distrustful: every attribute is checked for its
 * length before it is read. */
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"
#include "link/netdev_uapi.h"

/* libmnl's iteration stops silently where an attribute claims more than there is; what remains
 * tells. */
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
		/* A kind that is too long for us is none that we know. */
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
	/* Several attached (XDP_ATTACHED_MULTI): no IFLA_XDP_PROG_ID; name the one that runs first.
	 */
	if (info->xdp_prog_id == 0)
		info->xdp_prog_id = driver ? driver : generic;
	return attrs_end(left);
}

/* elsewhere: the peer's number is of another network namespace. */
static int get_attribute(const struct nlattr *attr, struct link_info *info, bool *elsewhere)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		return get_text(attr, info->name, sizeof(info->name));
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
	/* A bridge reports its ports by messages of its own family: a DELLINK of that kind does not
	 * delete the interface. */
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
	if (!info.name[0]) /* events of wireless drivers carry nothing but IFLA_WIRELESS */
		return -ENOMSG;

	info.ifindex = (uint32_t)ifi->ifi_index;
	if (elsewhere)
		info.peer = 0;
	info.admin_up = ifi->ifi_flags & IFF_UP;
	info.carrier = ifi->ifi_flags & IFF_LOWER_UP; /* the carrier bit itself; IFF_RUNNING would
							 be the operational state, up to 1 s late */
	info.promiscuous = ifi->ifi_flags & IFF_PROMISC;
	info.arp = !(ifi->ifi_flags & IFF_NOARP);
	*ret = info;
	return 0;
}

/* The attributes of a generic netlink message; -EBADMSG where there is no room for its header. */
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

/* One entry of CTRL_ATTR_MCAST_GROUPS: sets *ret_id when it has the name looked for. */
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
