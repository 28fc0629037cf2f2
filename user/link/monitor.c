// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The interface monitor: existence and state of all interfaces.
 *
 * It has two rtnetlink sockets, one for events and one for queries. All waiting events are applied
 * before the answer of a query, because they are older: applied later they would revert the table
 * for a moment. After dropped events or an interrupted dump a full dump follows; a partial dump
 * removes no interface.
 */
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/util.h"
#include "link/internal.h"

#define EVENT_BUFFER_BYTES (8 << 20) /* about 4,000 events while the daemon is busy */
#define RETRY_USEC 50000

void link_fail(const struct link_monitor *monitor, int error, const char *text)
{
	if (monitor->on_failure)
		monitor->on_failure(monitor->userdata, error, text);
}

void link_monitor_set_failure_handler(struct link_monitor *monitor,
				      void (*on_failure)(void *userdata, int error,
							 const char *text))
{
	monitor->on_failure = on_failure;
}

/* ---- messages into the table ---- */
static int on_bridge_event(struct link_monitor *monitor, const struct nlmsghdr *message)
{
	struct link_bridge_port port;

	/* A malformed one does not concern the table. */
	if (message->nlmsg_type != RTM_NEWLINK || link_parse_bridge_port(message, &port) < 0)
		return 0;
	return link_table_touch(&monitor->table, port.ifindex);
}

static int on_event(const struct nlmsghdr *message, void *userdata)
{
	struct link_monitor *monitor = userdata;
	struct link_info info;
	int r;

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return 0;
	r = link_parse(message, &info);
	if (r == -ENOMSG)
		return on_bridge_event(monitor, message);
	if (r < 0) /* malformed: dump everything */
		return -ENOBUFS;
	if (message->nlmsg_type == RTM_DELLINK)
		return link_table_remove(&monitor->table, info.ifindex);

	r = link_table_update(&monitor->table, &info);
	if (r > 0) /* new; the query fails if it is already gone */
		r = netdev_genl_fetch(&monitor->genl, &monitor->table, info.ifindex);
	return r == -ENOMEM ? r : 0;
}

static int on_dumped(const struct nlmsghdr *message, void *userdata)
{
	struct link_monitor *monitor = userdata;
	struct link_info info;
	int r;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	r = link_parse(message, &info);
	/* skipped, because a repeated query would return the same message */
	if (r < 0)
		return 0;
	r = link_table_update(&monitor->table, &info);
	return r < 0 ? r : 0;
}

int link_read_events(struct link_monitor *monitor)
{
	int r;

	do {
		r = netlink_read_events(&monitor->events, on_event, monitor);
		if (r < 0)
			monitor->lost = true;
	} while (r == 1 || r == -ENOBUFS || r == -ENOMEM);
	if (r < 0)
		return r;
	do {
		r = netdev_genl_read(&monitor->genl, &monitor->table);
		if (r < 0)
			monitor->lost = true;
	} while (r == 1 || r == -ENOBUFS || r == -ENOMEM);
	return r;
}

/* ---- queries ---- */
static struct nlmsghdr *getlink_request(void *buffer, uint32_t ifindex, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(request, sizeof(*ifi));

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = flags;
	ifi->ifi_index = (int)ifindex;
	/* Statistics would make the driver sum up its queues. */
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return request;
}

static int dump_links(struct link_monitor *monitor)
{
	uint8_t buffer[64];
	int r;

	monitor->dumped_ms = now_ms();

	for (int i = 0; i < NETLINK_DUMP_TRIES; i++) {
		monitor->table.round++;
		r = netlink_query(&monitor->query, getlink_request(buffer, 0, NLM_F_DUMP),
				  on_dumped, monitor);
		if (r == 0)
			return link_table_sweep(&monitor->table);
		if (r != -EINTR)
			return r;
	}
	return -EINTR;
}

/* Full dump. A failure leaves `lost` set, so that the dump is repeated. */
static int dump_all(struct link_monitor *monitor)
{
	int r;

	r = link_read_events(monitor);
	if (r < 0)
		return r;
	monitor->lost = true;
	monitor->resyncs++;
	r = dump_links(monitor);
	if (r < 0)
		return r;
	for (int i = 0; i < NETLINK_DUMP_TRIES; i++) {
		r = netdev_genl_dump(&monitor->genl, &monitor->table);
		if (r != -EINTR)
			break;
	}
	if (r == 0)
		monitor->lost = false;
	return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/*
 * Restores the table after lost events; after a failure (memory, constant changes) again in
 * RETRY_USEC.
 */
void link_recover(struct link_monitor *monitor)
{
	int r;

	if (!monitor->lost)
		return;
	r = dump_all(monitor);
	if (!monitor->lost)
		return;
	if (r != -EINTR)
		link_fail(monitor, r, "interfaces: full dump failed, to be repeated");
	if (monitor->retry_source) {
		sd_event_source_set_time_relative(monitor->retry_source, RETRY_USEC);
		sd_event_source_set_enabled(monitor->retry_source, SD_EVENT_ONESHOT);
	} else {
		sd_event_add_time_relative(monitor->event, &monitor->retry_source, CLOCK_MONOTONIC,
					   RETRY_USEC, 0, on_retry, monitor);
	}
}

int link_monitor_resync(struct link_monitor *monitor)
{
	int r = dump_all(monitor);

	link_recover(monitor);
	link_deliver(monitor);
	return monitor->lost ? r : 0;
}

int link_ask(struct link_monitor *monitor, uint32_t ifindex)
{
	uint8_t buffer[64];
	int r = netlink_query(&monitor->query, getlink_request(buffer, ifindex, 0), on_event,
			      monitor);

	if (r == -ENODEV && link_table_remove(&monitor->table, ifindex) < 0)
		monitor->lost = true;
	return r;
}

int link_monitor_refresh(struct link_monitor *monitor, uint32_t ifindex)
{
	int r;

	if (ifindex == 0)
		return -ENODEV;
	r = link_read_events(monitor);
	if (r == 0)
		r = link_ask(monitor, ifindex);
	link_recover(monitor);
	link_deliver_later(monitor);
	return r;
}

int link_refresh_all(struct link_monitor *monitor, uint32_t max_age_ms)
{
	int r;

	if (now_ms() - monitor->dumped_ms <= max_age_ms)
		return 0;
	r = link_read_events(monitor);
	if (r == 0)
		r = dump_links(monitor);
	link_recover(monitor);
	link_deliver_later(monitor);
	return r == -EINTR ? 0 : r;
}

int link_name(struct link_monitor *monitor, uint32_t ifindex, char name[UL_NAME_LEN])
{
	struct ifreq ifr = { .ifr_ifindex = (int)ifindex };

	if (ioctl(monitor->ioctl_fd, SIOCGIFNAME, &ifr) < 0)
		return errno == ENXIO ? -ENODEV : -errno;
	memcpy(name, ifr.ifr_name, UL_NAME_LEN);
	name[UL_NAME_LEN - 1] = '\0';
	return 0;
}

int link_get(const struct link_monitor *monitor, uint32_t ifindex, struct link_info *ret)
{
	const struct link_entry *entry = link_table_by_ifindex(&monitor->table, ifindex);

	if (!entry)
		return -ENODEV;
	*ret = entry->info;
	return 0;
}

int link_find(const struct link_monitor *monitor,
	      bool (*matches)(const void *userdata, const struct link_info *info),
	      const void *userdata, struct link_info *ret)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		const struct link_entry *entry = monitor->table.by_ifindex[i];

		for (; entry; entry = entry->next_by_ifindex) {
			if (!matches(userdata, &entry->info))
				continue;
			*ret = entry->info;
			return 0;
		}
	}
	return -ENODEV;
}

static int compare_links(const void *a, const void *b)
{
	const struct link_info *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

int link_list(const struct link_monitor *monitor,
	      bool (*matches)(const void *userdata, const struct link_info *info),
	      const void *userdata, struct link_info **ret, size_t *ret_n)
{
	struct link_info *list = calloc(monitor->table.n + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		const struct link_entry *entry = monitor->table.by_ifindex[i];

		for (; entry; entry = entry->next_by_ifindex)
			if (matches(userdata, &entry->info))
				list[n++] = entry->info;
	}
	qsort(list, n, sizeof(*list), compare_links);
	*ret = list;
	*ret_n = n;
	return 0;
}

int link_get_by_name(const struct link_monitor *monitor, const char *name, struct link_info *ret)
{
	const struct link_entry *entry = link_table_find(&monitor->table, name);

	if (!entry)
		return -ENODEV;
	*ret = entry->info;
	return 0;
}

int link_refresh_get(struct link_monitor *monitor, uint32_t ifindex, struct link_info *ret)
{
	int r = link_monitor_refresh(monitor, ifindex);

	return r < 0 ? r : link_get(monitor, ifindex, ret);
}

/*
 * By name and not by the number in the table: an alternative name that was added while the
 * interface was down makes no event.
 */
int link_refresh_get_by_name(struct link_monitor *monitor, const char *name, struct link_info *ret)
{
	uint8_t buffer[64 + UL_NAME_LEN];
	struct nlmsghdr *request = getlink_request(buffer, 0, 0);
	int r;

	if (!name[0] || strlen(name) >= UL_NAME_LEN)
		return -ENODEV;
	mnl_attr_put_strz(request, IFLA_ALT_IFNAME, name);
	r = link_read_events(monitor);
	if (r == 0)
		r = netlink_query(&monitor->query, request, on_event, monitor);
	if (r == 0)
		r = link_get_by_name(monitor, name, ret);
	link_recover(monitor);
	link_deliver_later(monitor);
	return r;
}

/* ---- notices ---- */
void link_deliver(struct link_monitor *monitor)
{
	struct link_notice *notice;

	/* called from the handler: the outer loop delivers the new notices */
	if (monitor->delivering)
		return;
	monitor->delivering = true;
	while ((notice = link_table_pop(&monitor->table))) {
		monitor->handler(monitor->userdata, &notice->info, notice->changes);
		free(notice);
	}
	monitor->delivering = false;
}

void link_deliver_later(struct link_monitor *monitor)
{
	if (monitor->table.first && !monitor->delivering)
		sd_event_source_set_enabled(monitor->deliver_source, SD_EVENT_ONESHOT);
}

static int on_deliver(sd_event_source *source, void *userdata)
{
	link_deliver(userdata);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	link_recover(userdata);
	link_deliver(userdata);
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct link_monitor *monitor = userdata;
	int r = link_read_events(monitor);

	if (r < 0)
		link_fail(monitor, r, "interfaces: cannot read events");
	link_recover(monitor);
	link_deliver(monitor);
	return 0; /* an error would switch the source off */
}

/* ---- life cycle ---- */
static int add_sources(struct link_monitor *monitor)
{
	int r;

	r = sd_event_add_io(monitor->event, &monitor->events_source, netlink_fd(&monitor->events),
			    EPOLLIN, on_readable, monitor);
	if (r < 0)
		return r;
	sd_event_source_set_priority(monitor->events_source, SD_EVENT_PRIORITY_IMPORTANT);
	if (monitor->genl.family) {
		r = sd_event_add_io(monitor->event, &monitor->genl_source,
				    netlink_fd(&monitor->genl.events), EPOLLIN, on_readable,
				    monitor);
		if (r < 0)
			return r;
	}
	r = sd_event_add_defer(monitor->event, &monitor->deliver_source, on_deliver, monitor);
	if (r < 0)
		return r;
	sd_event_source_set_priority(monitor->deliver_source, SD_EVENT_PRIORITY_IMPORTANT);
	return sd_event_source_set_enabled(monitor->deliver_source, SD_EVENT_OFF);
}

static int start(struct link_monitor *monitor)
{
	int r, one = 1;

	monitor->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (monitor->ioctl_fd < 0)
		return -errno;
	r = netlink_open_events(&monitor->events, NETLINK_ROUTE, RTNLGRP_LINK, EVENT_BUFFER_BYTES);
	if (r < 0)
		return r;
	r = netlink_open(&monitor->query, NETLINK_ROUTE, false);
	if (r < 0)
		return r;
	r = netlink_open(&monitor->dump, NETLINK_ROUTE, false);
	if (r < 0)
		return r;
	/* Without it (before Linux 4.20) the kernel does not filter, and the handlers do. */
	(void)mnl_socket_setsockopt(monitor->dump.socket, NETLINK_GET_STRICT_CHK, &one,
				    sizeof(one));
	r = netdev_genl_open(&monitor->genl, EVENT_BUFFER_BYTES);
	if (r < 0)
		return r;
	r = add_sources(monitor);
	if (r < 0)
		return r;
	r = dump_all(monitor);
	return r == -EINTR ? 0 : r; /* constant changes: repeated from the loop */
}

int link_monitor_new(sd_event *event, link_handler handler, void *userdata,
		     struct link_monitor **ret)
{
	struct link_monitor *monitor = calloc(1, sizeof(*monitor));
	int r;

	if (!monitor)
		return -ENOMEM;
	monitor->event = sd_event_ref(event);
	monitor->handler = handler;
	monitor->userdata = userdata;
	monitor->ioctl_fd = -1;
	link_table_init(&monitor->table);
	r = start(monitor);
	if (r < 0) {
		link_monitor_free(monitor);
		return r;
	}
	*ret = monitor;
	link_recover(monitor);
	link_deliver(monitor);
	return 0;
}

void link_monitor_free(struct link_monitor *monitor)
{
	if (!monitor)
		return;
	link_poll_done(monitor);
	sd_event_source_disable_unref(monitor->retry_source);
	sd_event_source_disable_unref(monitor->deliver_source);
	sd_event_source_disable_unref(monitor->genl_source);
	sd_event_source_disable_unref(monitor->events_source);
	netdev_genl_close(&monitor->genl);
	netlink_close(&monitor->dump);
	netlink_close(&monitor->query);
	netlink_close(&monitor->events);
	ul_closep(&monitor->ioctl_fd);
	link_table_done(&monitor->table);
	sd_event_unref(monitor->event);
	free(monitor);
}
