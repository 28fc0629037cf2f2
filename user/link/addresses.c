// SPDX-License-Identifier: GPL-2.0
/* IP addresses of interfaces. Which of them are ours the kernel remembers (IFA_PROTO, 5.18), so
 * they are found again after a restart with another configuration, and what an administrator has
 * added is never touched. */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "config/model.h"
#include "link/internal.h"

#define REQUEST_BYTES 128
#define DUMP_TRIES 4
#define PROTO_UPLINKD 0x75 /* as `ip address add ... proto`; the kernel's own end at 3 */

struct found {
	uint32_t ifindex;
	struct address *addresses;
	size_t n;
};

static size_t address_length(const struct address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

static bool same_address(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->prefix_length == b->prefix_length &&
	       memcmp(a->bytes, b->bytes, address_length(a)) == 0;
}

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

int link_add_address(struct link_monitor *monitor, uint32_t ifindex, const struct address *address)
{
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request;
	int r;

	if ((address->family != AF_INET && address->family != AF_INET6) ||
	    address->prefix_length > 8 * address_length(address))
		return -EINVAL;
	request = address_request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);
	mnl_attr_put_u8(request, IFA_PROTO, PROTO_UPLINKD);
	r = netlink_query(&monitor->query, request, NULL, NULL);
	return r == -EEXIST ? 0 : r;
}

/* ---- which are there
 * -------------------------------------------------------------------------------------------------------------------
 */
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

/* Takes those that are ours; a message that cannot be read describes none. */
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
			ours = mnl_attr_get_u8(attr) == PROTO_UPLINKD;
		/* IFA_LOCAL, and where there is no peer IPv6 has it in IFA_ADDRESS alone. */
		if ((type == IFA_LOCAL || (type == IFA_ADDRESS && !local)) &&
		    length == address_length(&address)) {
			memcpy(address.bytes, mnl_attr_get_payload(attr), length);
			local = local || type == IFA_LOCAL;
		}
	}
	return ours ? add_found(found, &address) : 0;
}

static int find_addresses(struct link_monitor *monitor, struct found *found)
{
	uint8_t buffer[REQUEST_BYTES];
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++) {
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(request, sizeof(*ifa));

		request->nlmsg_type = RTM_GETADDR;
		request->nlmsg_flags = NLM_F_DUMP;
		ifa->ifa_family = AF_UNSPEC;
		found->n = 0;
		r = netlink_query(&monitor->query, request, on_address, found);
	}
	return r;
}

static bool is_among(const struct address *address, const struct address *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same_address(address, &list[i]))
			return true;
	return false;
}

int link_remove_addresses(struct link_monitor *monitor, uint32_t ifindex,
			  const struct address *keep, size_t n_keep)
{
	struct found found = { .ifindex = ifindex };
	int r = find_addresses(monitor, &found);

	for (size_t i = 0; r == 0 && i < found.n; i++) {
		uint8_t buffer[REQUEST_BYTES];

		if (is_among(&found.addresses[i], keep, n_keep))
			continue;
		r = netlink_query(&monitor->query,
				  address_request(buffer, RTM_DELADDR, 0, ifindex,
						  &found.addresses[i]),
				  NULL, NULL);
		if (r == -EADDRNOTAVAIL) /* went with another one of its subnet, or by somebody
					    else's hand */
			r = 0;
	}
	free(found.addresses);
	return r;
}
