// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Whether the host itself uses an interface: addresses, routes, interfaces on top of it, SR-IOV
 * virtual functions. Addresses and routes that the kernel makes for each interface that is up (link
 * scope, fe80::/10, multicast) do not count.
 */
#include <dirent.h>
#include <limits.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"

#define REQUEST_BYTES 128

struct search {
	uint32_t ifindex;
	struct link_usage *usage;
};

static struct nlmsghdr *dump_request(void *buffer, uint16_t type, size_t size, void **ret_header)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_DUMP;
	*ret_header = mnl_nlmsg_put_extra_header(request, size);
	return request;
}

/* ---- addresses ---- */
static void prefix_text(unsigned int family, const void *bytes, unsigned int prefix_length,
			char text[LINK_USAGE_TEXT_LEN])
{
	struct address address = { .family = (int)family, .prefix_length = (uint8_t)prefix_length };

	memcpy(address.bytes, bytes, address_length(&address));
	address_to_text(&address, true, text);
}

static int on_address(const struct nlmsghdr *message, void *userdata)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *address = NULL;
	struct search *search = userdata;
	struct link_usage *usage = search->usage;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*ifa) ||
	    ifa->ifa_index != search->ifindex || ifa->ifa_scope >= RT_SCOPE_LINK ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	mnl_attr_for_each(attr, message, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (mnl_attr_get_payload_len(attr) != (ifa->ifa_family == AF_INET ? 4 : 16))
			continue;
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !address))
			address = attr;
	}
	if (address && usage->n_addresses++ == 0)
		prefix_text(ifa->ifa_family, mnl_attr_get_payload(address), ifa->ifa_prefixlen,
			    usage->address);
	return 0;
}

static int find_addresses(struct netlink *nl, struct search *search)
{
	uint8_t buffer[REQUEST_BYTES];
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		struct nlmsghdr *request;
		struct ifaddrmsg *ifa;

		request = dump_request(buffer, RTM_GETADDR, sizeof(*ifa), (void **)&ifa);
		ifa->ifa_family = AF_UNSPEC;
		search->usage->n_addresses = 0;
		r = netlink_query(nl, request, on_address, search);
	}
	return r;
}

/* ---- routes ---- */
static bool uses_interface(const struct nlattr *multipath, uint32_t ifindex)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	while (left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		if ((uint32_t)hop->rtnh_ifindex == ifindex)
			return true;
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return false;
}

static int on_route(const struct nlmsghdr *message, void *userdata)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct search *search = userdata;
	struct link_usage *usage = search->usage;
	const struct nlattr *attr, *target = NULL;
	bool used = false;

	/* RTPROT_KERNEL: the routes that come with an address or with IPv6 */
	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*rtm) ||
	    rtm->rtm_protocol == RTPROT_KERNEL || rtm->rtm_table == RT_TABLE_LOCAL ||
	    rtm->rtm_flags & RTM_F_CLONED ||
	    (rtm->rtm_type != RTN_UNICAST && rtm->rtm_type != RTN_UNSPEC))
		return 0;
	mnl_attr_for_each(attr, message, sizeof(*rtm))
	{
		uint16_t type = mnl_attr_get_type(attr), length = mnl_attr_get_payload_len(attr);

		if (type == RTA_OIF && length == sizeof(uint32_t))
			used = used || mnl_attr_get_u32(attr) == search->ifindex;
		else if (type == RTA_MULTIPATH)
			used = used || uses_interface(attr, search->ifindex);
		else if (type == RTA_DST && length == (rtm->rtm_family == AF_INET ? 4 : 16))
			target = attr;
	}
	if (!used || usage->n_routes++ > 0)
		return 0;
	if (target)
		prefix_text(rtm->rtm_family, mnl_attr_get_payload(target), rtm->rtm_dst_len,
			    usage->route);
	else
		snprintf(usage->route, sizeof(usage->route), "default");
	return 0;
}

/* The kernel filters by interface, so a large routing table costs nothing. */
static int find_routes(struct netlink *nl, struct search *search)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	uint8_t buffer[REQUEST_BYTES];
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		r = 0;
		search->usage->n_routes = 0;
		for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
			struct nlmsghdr *request;
			struct rtmsg *rtm;

			request = dump_request(buffer, RTM_GETROUTE, sizeof(*rtm), (void **)&rtm);
			rtm->rtm_family = families[f];
			mnl_attr_put_u32(request, RTA_OIF, search->ifindex);
			r = netlink_query(nl, request, on_route, search);
			if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT) /* a kernel without IPv6 */
				r = 0;
		}
	}
	return r;
}

/* ---- interfaces on top ---- */
static void find_uppers(const struct link_table *table, uint32_t ifindex, struct link_usage *usage)
{
	for (size_t b = 0; b < ARRAY_SIZE(table->by_ifindex); b++) {
		const struct link_entry *entry = table->by_ifindex[b];

		for (; entry; entry = entry->next_by_ifindex) {
			const struct link_info *info = &entry->info;

			/* The link of a veth or netkit pair is its other end. */
			if (info->peer != ifindex || info->ifindex == ifindex || !info->kind[0] ||
			    strcmp(info->kind, "veth") == 0 || strcmp(info->kind, "netkit") == 0)
				continue;
			usage->n_uppers_up += info->admin_up;
			if (usage->n_uppers++ == 0 || (info->admin_up && usage->n_uppers_up == 1))
				snprintf(usage->upper, sizeof(usage->upper), "%s %s", info->kind,
					 info->name);
		}
	}
}

/* ---- SR-IOV ---- */
static bool is_missing(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

int link_count_used_vfs(const char *device)
{
	_cleanup_(ul_closedirp) DIR *dir = opendir(device);
	struct dirent *entry;
	int n = 0, r;

	if (!dir)
		return is_missing(errno) ? 0 : -errno;
	while ((r = dir_next(dir, &entry)) > 0) {
		char path[PATH_MAX];

		if (strncmp(entry->d_name, "virtfn", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/driver", device, entry->d_name);
		if (access(path, F_OK) == 0)
			n++;
		else if (!is_missing(errno))
			return -errno;
	}
	return r < 0 ? r : n;
}

int link_find_usage(struct link_monitor *monitor, uint32_t ifindex, struct link_usage *ret)
{
	struct link_usage usage = { 0 };
	struct search search = { .ifindex = ifindex, .usage = &usage };
	char name[UL_NAME_LEN], device[64];
	int r;

	r = link_name(monitor, ifindex, name);
	if (r < 0)
		return r;
	r = find_addresses(&monitor->dump, &search);
	if (r == 0)
		r = find_routes(&monitor->dump, &search);
	if (r < 0)
		return r;
	find_uppers(&monitor->table, ifindex, &usage);
	snprintf(device, sizeof(device), "/sys/class/net/%s/device", name);
	r = link_count_used_vfs(device);
	if (r < 0)
		return r;
	usage.n_vfs = (uint32_t)r;
	*ret = usage;
	return 0;
}
