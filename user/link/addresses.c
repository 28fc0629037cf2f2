// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * IP addresses of interfaces. The kernel stores the mark of uplinkd's addresses (IFA_PROTO, 5.18),
 * so that they are found after a restart with another configuration, and addresses of
 * administrators stay untouched.
 */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"

#define REQUEST_BYTES 128

struct found {
	uint32_t ifindex;
	bool all; /* also those without the mark */
	struct address *addresses;
	size_t n;
};

static struct nlmsghdr *address_request(void *buffer, uint16_t type, uint16_t flags,
					uint32_t ifindex, const struct address *address)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(request, sizeof(*ifa));

	request->nlmsg_type = type;
	request->nlmsg_flags = flags;
	ifa->ifa_family = (uint8_t)address->family;
	ifa->ifa_prefixlen = address->prefix_length;
	ifa->ifa_index = ifindex;
	mnl_attr_put(request, IFA_LOCAL, address_length(address), address->bytes);
	mnl_attr_put(request, IFA_ADDRESS, address_length(address), address->bytes);
	return request;
}

int link_add_address(struct link_monitor *monitor, uint32_t ifindex, const struct address *address,
		     uint8_t flags)
{
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request;
	int r;

	if ((address->family != AF_INET && address->family != AF_INET6) ||
	    address->prefix_length > 8 * address_length(address))
		return -EINVAL;
	request = address_request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(request))->ifa_flags = flags;
	mnl_attr_put_u8(request, IFA_PROTO, LINK_ROUTE_PROTOCOL);
	r = netlink_query(&monitor->query, request, NULL, NULL);
	return r == -EEXIST ? 0 : r;
}

/* ---- existing addresses ---- */
static int add_found(struct found *found, const struct address *address)
{
	struct address *addresses =
		reallocarray(found->addresses, found->n + 1, sizeof(*addresses));

	if (!addresses)
		return -ENOMEM;
	found->addresses = addresses;
	addresses[found->n++] = *address;
	return 0;
}

/* Collects the addresses; malformed messages are skipped. */
static int on_address(const struct nlmsghdr *message, void *userdata)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	struct found *found = userdata;
	struct address address = { 0 };
	const struct nlattr *attr;
	bool ours = false, local = false;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*ifa) || ifa->ifa_index != found->ifindex ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	address.family = ifa->ifa_family;
	address.prefix_length = ifa->ifa_prefixlen;
	mnl_attr_for_each(attr, message, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr), length = mnl_attr_get_payload_len(attr);

		if (type == IFA_PROTO && length == 1)
			ours = mnl_attr_get_u8(attr) == LINK_ROUTE_PROTOCOL;
		/* IFA_LOCAL; IPv6 without a peer address has IFA_ADDRESS only. */
		if ((type == IFA_LOCAL || (type == IFA_ADDRESS && !local)) &&
		    length == address_length(&address)) {
			memcpy(address.bytes, mnl_attr_get_payload(attr), length);
			local = local || type == IFA_LOCAL;
		}
	}
	return ours || found->all ? add_found(found, &address) : 0;
}

static int find_addresses(struct link_monitor *monitor, struct found *found)
{
	uint8_t buffer[REQUEST_BYTES];
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(request, sizeof(*ifa));

		request->nlmsg_type = RTM_GETADDR;
		request->nlmsg_flags = NLM_F_DUMP;
		ifa->ifa_family = AF_UNSPEC;
		ifa->ifa_index = found->ifindex;
		found->n = 0;
		r = netlink_query(&monitor->dump, request, on_address, found);
	}
	return r;
}

static bool is_among(const struct address *address, const struct address *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (address_equal(address, &list[i]))
			return true;
	return false;
}

int link_remove_addresses(struct link_monitor *monitor, uint32_t ifindex,
			  const struct address *keep, size_t n_keep)
{
	struct found found = { .ifindex = ifindex };
	int r = find_addresses(monitor, &found);

	if (r == -ENODEV)
		r = 0;
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		uint8_t buffer[REQUEST_BYTES];

		if (is_among(&found.addresses[i], keep, n_keep))
			continue;
		r = netlink_query(&monitor->query,
				  address_request(buffer, RTM_DELADDR, 0, ifindex,
						  &found.addresses[i]),
				  NULL, NULL);
		/* removed with the primary address of its subnet, or by another program */
		if (r == -EADDRNOTAVAIL)
			r = 0;
	}
	free(found.addresses);
	return r;
}

int link_find_missing_addresses(struct link_monitor *monitor, uint32_t ifindex,
				const struct address *wanted, size_t n, uint64_t *ret_missing)
{
	struct found found = { .ifindex = ifindex, .all = true };
	uint64_t missing = 0;
	int r = find_addresses(monitor, &found);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!is_among(&wanted[i], found.addresses, found.n))
			missing |= 1ULL << i;
	free(found.addresses);
	if (r == 0)
		*ret_missing = missing;
	return r;
}
