// SPDX-License-Identifier: GPL-2.0
/* The few settings of interfaces that uplinkd makes, by rtnetlink, and disable_ipv6, which only
 * /proc/sys has. */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "common/util.h"
#include "config/model.h"
#include "link/internal.h"

#define REQUEST_BYTES 512

static struct nlmsghdr *link_request(void *buffer, uint16_t type, uint16_t flags, uint32_t ifindex,
				     struct ifinfomsg **ret_ifi)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(request, sizeof(*ifi));

	request->nlmsg_type = type;
	request->nlmsg_flags = flags;
	ifi->ifi_index = (int)ifindex;
	if (ret_ifi)
		*ret_ifi = ifi;
	return request;
}

/* Sends a request about one interface and brings the table up to date. */
static int apply(struct link_monitor *monitor, uint32_t ifindex, struct nlmsghdr *request)
{
	int r;

	if (ifindex == 0) /* the kernel would look for a name instead */
		return -ENODEV;
	r = netlink_query(&monitor->query, request, NULL, NULL);
	/* Should it have gone in the meantime, its event tells. */
	(void)link_monitor_refresh(monitor, ifindex);
	return r;
}

static int set_flag(struct link_monitor *monitor, uint32_t ifindex, unsigned int flag, bool on)
{
	uint8_t buffer[REQUEST_BYTES];
	struct ifinfomsg *ifi;
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, &ifi);

	ifi->ifi_change = flag;
	ifi->ifi_flags = on ? flag : 0;
	return apply(monitor, ifindex, request);
}

int link_set_up(struct link_monitor *monitor, uint32_t ifindex, bool up)
{
	return set_flag(monitor, ifindex, IFF_UP, up);
}

int link_set_promiscuous(struct link_monitor *monitor, uint32_t ifindex, bool on)
{
	return set_flag(monitor, ifindex, IFF_PROMISC, on);
}

int link_set_arp(struct link_monitor *monitor, uint32_t ifindex, bool on)
{
	return set_flag(monitor, ifindex, IFF_NOARP, !on);
}

int link_set_mtu(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu)
{
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);

	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	return apply(monitor, ifindex, request);
}

int link_set_mac(struct link_monitor *monitor, uint32_t ifindex, const uint8_t mac[6])
{
	uint8_t buffer[REQUEST_BYTES];
	const struct link_info *info;
	struct nlmsghdr *request;
	int r;

	/* Many drivers refuse (EBUSY) while the interface is up, even the address that they have.
	 */
	r = link_monitor_refresh(monitor, ifindex);
	if (r < 0)
		return r;
	info = link_by_ifindex(monitor, ifindex);
	if (info && memcmp(info->mac, mac, 6) == 0)
		return 0;

	request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);
	mnl_attr_put(request, IFLA_ADDRESS, 6, mac);
	return apply(monitor, ifindex, request);
}

int link_create_veth(struct link_monitor *monitor, const char *name, const char *peer,
		     const uint8_t *peer_mac)
{
	struct nlattr *info, *data, *end;
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request;
	int r;

	if (!*name || !*peer || strlen(name) >= UL_NAME_LEN || strlen(peer) >= UL_NAME_LEN)
		return -EINVAL;
	request = link_request(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, NULL);
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	end = mnl_attr_nest_start(request, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, peer);
	if (peer_mac)
		mnl_attr_put(request, IFLA_ADDRESS, 6, peer_mac);
	mnl_attr_nest_end(request, end);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);

	r = netlink_query(&monitor->query, request, NULL, NULL);
	if (r < 0)
		return r;
	/* Both have sent their events by now. */
	r = link_read_events(monitor);
	link_recover(monitor);
	link_deliver_later(monitor);
	return r;
}

int link_delete(struct link_monitor *monitor, uint32_t ifindex)
{
	uint8_t buffer[REQUEST_BYTES];
	int r = apply(monitor, ifindex, link_request(buffer, RTM_DELLINK, 0, ifindex, NULL));

	return r == -ENODEV ? 0 : r;
}

/* ---- disable_ipv6
 * --------------------------------------------------------------------------------------------------------------------
 * /proc/sys/net shows the network namespace of the thread that opens it, so this must run in the
 * monitor's. */
static int try_open_disable_ipv6(struct link_monitor *monitor, uint32_t ifindex, int flags)
{
	char name[UL_NAME_LEN], path[sizeof("/proc/sys/net/ipv6/conf//disable_ipv6") + UL_NAME_LEN];
	int fd, r;

	r = link_name(monitor, ifindex, name);
	if (r < 0)
		return r;
	/* The kernel makes no folder for interfaces of these names: it would be the one that sets
	 * all interfaces. */
	if (strcmp(name, "all") == 0 || strcmp(name, "default") == 0)
		return -EOPNOTSUPP;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	return fd;
}

static int open_disable_ipv6(struct link_monitor *monitor, uint32_t ifindex, int flags)
{
	int fd = try_open_disable_ipv6(monitor, ifindex, flags);

	/* While an interface is being renamed it has no folder, but its event may be here already.
	 * A question about it waits for the end of that. */
	if (fd == -EOPNOTSUPP && link_monitor_refresh(monitor, ifindex) == 0)
		fd = try_open_disable_ipv6(monitor, ifindex, flags);
	return fd;
}

static int read_disabled(int fd, bool *ret)
{
	char value;
	ssize_t n = pread(fd, &value, 1, 0);

	if (n < 0)
		return -errno;
	if (n != 1 || (value != '0' && value != '1'))
		return -EIO;
	*ret = value == '1';
	return 0;
}

int link_get_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool *ret_on)
{
	_cleanup_close_ int fd = open_disable_ipv6(monitor, ifindex, O_RDONLY);
	bool disabled = false;
	int r;

	if (fd < 0)
		return fd;
	r = read_disabled(fd, &disabled);
	if (r < 0)
		return r;
	*ret_on = !disabled;
	return 0;
}

int link_set_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool on)
{
	_cleanup_close_ int fd = -1;
	bool is_on;
	int r;

	/* Read first: what is right already needs no right to write (/proc/sys is read-only in many
	 * containers). */
	r = link_get_ipv6(monitor, ifindex, &is_on);
	if (r < 0 || is_on == on)
		return r;
	fd = open_disable_ipv6(monitor, ifindex, O_WRONLY);
	if (fd < 0)
		return fd;
	return write(fd, on ? "0" : "1", 1) == 1 ? 0 : -errno;
}
