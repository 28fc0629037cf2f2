// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The settings of interfaces that uplinkd changes by rtnetlink, and disable_ipv6, which exists in
 * /proc/sys only.
 */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"

#define DISABLE_IPV6 "ipv6/disable_ipv6"

struct nlmsghdr *link_request(void *buffer, uint16_t type, uint16_t flags, uint32_t ifindex,
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

int link_apply(struct link_monitor *monitor, uint32_t ifindex, struct nlmsghdr *request)
{
	int r;

	if (ifindex == 0) /* the kernel would search by name instead */
		return -ENODEV;
	r = netlink_query(&monitor->query, request, NULL, NULL);
	/* If it is gone by now, its event follows. */
	(void)link_monitor_refresh(monitor, ifindex);
	return r;
}

static int set_flag(struct link_monitor *monitor, uint32_t ifindex, unsigned int flag, bool on)
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct ifinfomsg *ifi;
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, &ifi);

	ifi->ifi_change = flag;
	ifi->ifi_flags = on ? flag : 0;
	return link_apply(monitor, ifindex, request);
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
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct nlmsghdr *request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);

	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	return link_apply(monitor, ifindex, request);
}

int link_set_mac(struct link_monitor *monitor, uint32_t ifindex, const uint8_t mac[6])
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	struct nlmsghdr *request;
	struct link_info info;
	int r;

	/* Many drivers return EBUSY while the interface is up, even for the current address. */
	r = link_refresh_get(monitor, ifindex, &info);
	if (r < 0)
		return r;
	if (memcmp(info.mac, mac, 6) == 0)
		return 0;

	request = link_request(buffer, RTM_NEWLINK, 0, ifindex, NULL);
	mnl_attr_put(request, IFLA_ADDRESS, 6, mac);
	return link_apply(monitor, ifindex, request);
}

int link_delete(struct link_monitor *monitor, uint32_t ifindex)
{
	uint8_t buffer[LINK_REQUEST_BYTES];
	int r = link_apply(monitor, ifindex, link_request(buffer, RTM_DELLINK, 0, ifindex, NULL));

	return r == -ENODEV ? 0 : r;
}

/*
 * ---- /proc/sys/net/ipv4|ipv6/conf/INTERFACE ----
 * /proc/sys/net shows the network namespace of the thread that opens it, so this must run in the
 * monitor's.
 */
static int try_open_conf(struct link_monitor *monitor, uint32_t ifindex, const char *setting,
			 int flags)
{
	char name[UL_NAME_LEN], path[128], family[8];
	int fd, r, n = (int)strcspn(setting, "/");

	r = link_name(monitor, ifindex, name);
	if (r < 0)
		return r;
	/* These names have no directory: conf/all and conf/default set all interfaces. */
	if (strcmp(name, "all") == 0 || strcmp(name, "default") == 0)
		return -EOPNOTSUPP;
	snprintf(family, sizeof(family), "%.*s", n, setting);
	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s%s", family, name, setting + n);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	return fd;
}

static int open_conf(struct link_monitor *monitor, uint32_t ifindex, const char *setting, int flags)
{
	int fd = try_open_conf(monitor, ifindex, setting, flags);

	/*
	 * During a rename the directory is missing, although the event may have arrived. A query
	 * waits for the end of the rename.
	 */
	if (fd == -EOPNOTSUPP && link_monitor_refresh(monitor, ifindex) == 0)
		fd = try_open_conf(monitor, ifindex, setting, flags);
	return fd;
}

int link_set_conf(struct link_monitor *monitor, uint32_t ifindex, const char *setting,
		  const char *value)
{
	_cleanup_close_ int fd = open_conf(monitor, ifindex, setting, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : -errno;
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
	_cleanup_close_ int fd = open_conf(monitor, ifindex, DISABLE_IPV6, O_RDONLY);
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
	bool is_on;
	int r;

	/*
	 * Read first: an unchanged value needs no write access (/proc/sys is read-only in many
	 * containers).
	 */
	r = link_get_ipv6(monitor, ifindex, &is_on);
	if (r < 0 || is_on == on)
		return r;
	return link_set_conf(monitor, ifindex, DISABLE_IPV6, on ? "0" : "1");
}
