/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Fixture of the tests of user/link/: a network namespace per test process, a monitor with a record
 * of its notices, and requests through a separate socket, so that changes do not come from the code
 * under test.
 */
#ifndef UL_TESTS_LINK_TESTING_H
#define UL_TESTS_LINK_TESTING_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "common/util.h"
#include "link/internal.h"
#include "link/netdev_uapi.h"

#define DEADLINE_MS 10000

/* Whether the kernel permits what needs the capability, such as to change an interface. */
static inline void set_capability(unsigned int capability, bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	cr_assert_eq(syscall(SYS_capget, &header, data), 0);
	if (on)
		data[0].effective |= 1U << capability;
	else
		data[0].effective &= ~(1U << capability);
	cr_assert_eq(syscall(SYS_capset, &header, data), 0);
}

/*
 * Criterion runs each test in a separate process, which ends with its namespace. The process has
 * threads and cannot create a user namespace: unprivileged users start the whole binary with
 * `unshare --map-root-user --net`.
 */
static inline void enter_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip("needs root for a network namespace: %s", strerror(errno));
}

struct seen {
	struct link_info info;
	unsigned int changes;
};

struct record {
	sd_event *event;
	struct link_monitor *monitor;
	struct netlink own;
	struct seen seen[4096];
	size_t n;
	void (*hook)(struct record *record, const struct link_info *info, unsigned int changes);
	int depth, deepest;
	uint32_t hook_ifindex;
};

static inline void on_change(void *userdata, const struct link_info *info, unsigned int changes)
{
	struct record *record = userdata;

	cr_assert_lt(record->n, ARRAY_SIZE(record->seen));
	record->seen[record->n++] = (struct seen){ .info = *info, .changes = changes };
	record->depth++;
	if (record->depth > record->deepest)
		record->deepest = record->depth;
	if (record->hook)
		record->hook(record, info, changes);
	record->depth--;
}

static inline struct record *record_new(void)
{
	struct record *record;

	enter_namespace();
	record = calloc(1, sizeof(*record));
	cr_assert(record);
	cr_assert_eq(sd_event_new(&record->event), 0);
	cr_assert_eq(netlink_open(&record->own, NETLINK_ROUTE, false), 0);
	cr_assert_eq(link_monitor_new(record->event, on_change, record, &record->monitor), 0);
	return record;
}

static inline void record_free(struct record *record)
{
	link_monitor_free(record->monitor);
	netlink_close(&record->own);
	sd_event_unref(record->event);
	free(record);
}

/* The first notice from `from` on about `name` with one of these changes. */
static inline struct seen *find_seen(struct record *record, size_t from, const char *name,
				     unsigned int changes)
{
	for (size_t i = from; i < record->n; i++) {
		if ((record->seen[i].changes & changes) &&
		    strcmp(record->seen[i].info.name, name) == 0)
			return &record->seen[i];
	}
	return NULL;
}

/* A copy of the entry of this name, valid until the next call. */
static inline const struct link_info *info_of(const struct link_monitor *monitor, const char *name)
{
	static struct link_info info;

	cr_assert_eq(link_get_by_name(monitor, name, &info), 0, "%s: not in the table", name);
	return &info;
}

static inline bool has_link(const struct link_monitor *monitor, const char *name)
{
	struct link_info info;

	return link_get_by_name(monitor, name, &info) == 0;
}

static inline struct seen *await_ms(struct record *record, size_t from, const char *name,
				    unsigned int changes, uint64_t limit_ms)
{
	uint64_t end = now_ms() + limit_ms, now;
	struct seen *seen;

	while (!(seen = find_seen(record, from, name, changes)) && (now = now_ms()) < end)
		sd_event_run(record->event, (end - now) * 1000);
	/* arrived in time, but not processed yet */
	while (!seen && sd_event_run(record->event, 0) > 0)
		seen = find_seen(record, from, name, changes);
	return seen;
}

static inline struct seen *await(struct record *record, size_t from, const char *name,
				 unsigned int changes)
{
	struct seen *seen = await_ms(record, from, name, changes, DEADLINE_MS);

	if (!seen) {
		for (size_t i = from; i < record->n; i++)
			fprintf(stderr, "seen: %s changes %#x\n", record->seen[i].info.name,
				record->seen[i].changes);
	}
	cr_assert(seen, "%s: no notice with changes %#x within %d ms", name, changes, DEADLINE_MS);
	return seen;
}

/* Runs the loop until no source is pending. */
static inline void run_pending(struct record *record)
{
	while (sd_event_run(record->event, 0) > 0)
		;
}

/* ---- requests through a separate socket ---- */
static inline struct nlmsghdr *request_link(void *buffer, uint16_t type, uint16_t flags,
					    uint32_t ifindex)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(request, sizeof(*ifi));

	request->nlmsg_type = type;
	request->nlmsg_flags = flags;
	ifi->ifi_index = (int)ifindex;
	return request;
}

static inline uint32_t ifindex_of(struct record *record, const char *name)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	cr_assert_eq(ioctl(record->monitor->ioctl_fd, SIOCGIFINDEX, &ifr), 0, "%s: %s", name,
		     strerror(errno));
	return (uint32_t)ifr.ifr_ifindex;
}

static inline int try_make(struct record *record, const char *name, const char *kind,
			   const char *peer)
{
	uint8_t buffer[512];
	struct nlmsghdr *request = request_link(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info, *data, *end;

	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, kind);
	if (peer) {
		data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
		end = mnl_attr_nest_start(request, VETH_INFO_PEER);
		mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(request, IFLA_IFNAME, peer);
		mnl_attr_nest_end(request, end);
		mnl_attr_nest_end(request, data);
	}
	mnl_attr_nest_end(request, info);
	return netlink_query(&record->own, request, NULL, NULL);
}

static inline void make_veth(struct record *record, const char *name, const char *peer)
{
	int r = try_make(record, name, "veth", peer);

	cr_assert_eq(r, 0, "veth %s: %s", name, strerror(-r));
}

static inline int set_u32(struct record *record, uint32_t ifindex, uint16_t attribute,
			  uint32_t value)
{
	uint8_t buffer[128];
	struct nlmsghdr *request = request_link(buffer, RTM_NEWLINK, 0, ifindex);

	mnl_attr_put_u32(request, attribute, value);
	return netlink_query(&record->own, request, NULL, NULL);
}

static inline void change_alt_name(struct record *record, uint16_t type, uint16_t flags,
				   uint32_t ifindex, const char *name)
{
	uint8_t buffer[256];
	struct nlmsghdr *request = request_link(buffer, type, flags, ifindex);
	struct nlattr *nest = mnl_attr_nest_start(request, IFLA_PROP_LIST);

	mnl_attr_put_strz(request, IFLA_ALT_IFNAME, name);
	mnl_attr_nest_end(request, nest);
	cr_assert_eq(netlink_query(&record->own, request, NULL, NULL), 0);
}

static inline void add_alt_name(struct record *record, uint32_t ifindex, const char *name)
{
	change_alt_name(record, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, ifindex,
			name);
}

static inline void del_alt_name(struct record *record, uint32_t ifindex, const char *name)
{
	change_alt_name(record, RTM_DELLINKPROP, 0, ifindex, name);
}

static inline void set_up(struct record *record, const char *name, bool up)
{
	uint8_t buffer[128];
	struct nlmsghdr *request = request_link(buffer, RTM_NEWLINK, 0, ifindex_of(record, name));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(request);

	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	cr_assert_eq(netlink_query(&record->own, request, NULL, NULL), 0);
}

static inline void rename_link(struct record *record, const char *old, const char *new)
{
	uint8_t buffer[128];
	struct nlmsghdr *request = request_link(buffer, RTM_NEWLINK, 0, ifindex_of(record, old));

	mnl_attr_put_strz(request, IFLA_IFNAME, new);
	cr_assert_eq(netlink_query(&record->own, request, NULL, NULL), 0);
}

static inline void delete_link(struct record *record, const char *name)
{
	uint8_t buffer[128];

	cr_assert_eq(netlink_query(&record->own,
				   request_link(buffer, RTM_DELLINK, 0, ifindex_of(record, name)),
				   NULL, NULL),
		     0);
}

/* A tap that exists until the descriptor is closed. */
static inline int make_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		cr_skip("/dev/net/tun: %s", strerror(errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &ifr), 0, "%s: %s", name, strerror(errno));
	return fd;
}

static inline void tap_carrier(int fd, int carrier)
{
	cr_assert_eq(ioctl(fd, TUNSETCARRIER, &carrier), 0, "TUNSETCARRIER: %s", strerror(errno));
}

/* An entry of a VLAN interface on top of another one. Not every kernel has such interfaces, and the
 * table is what the code under test reads. */
static inline void put_vlan(struct link_monitor *monitor, const char *name, uint32_t lower)
{
	struct link_info info = {
		.ifindex = 9000 + lower, .kind = "vlan", .ethernet = true, .peer = lower
	};

	snprintf(info.name, sizeof(info.name), "%s", name);
	cr_assert_geq(link_table_update(&monitor->table, &info), 0);
}

#endif
