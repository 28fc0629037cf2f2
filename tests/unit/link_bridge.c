// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Messages of bridges: VLANs of their interfaces and every kind of malformed one; bridges of this
 * kernel in a network namespace. */
#include <criterion/criterion.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "link_testing.h"

#define PVID (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)
#define BEGIN BRIDGE_VLAN_INFO_RANGE_BEGIN
#define END BRIDGE_VLAN_INFO_RANGE_END

static struct nlmsghdr *bridge_message(void *buffer, int family, int ifindex, uint32_t master)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(message, sizeof(*ifi));

	message->nlmsg_type = RTM_NEWLINK;
	ifi->ifi_family = (unsigned char)family;
	ifi->ifi_index = ifindex;
	mnl_attr_put_strz(message, IFLA_IFNAME, "tap100i0");
	if (master)
		mnl_attr_put_u32(message, IFLA_MASTER, master);
	return message;
}

static void put_vlans(struct nlmsghdr *message, const struct bridge_vlan_info *vlans, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);

	for (size_t i = 0; i < n; i++)
		mnl_attr_put(message, IFLA_BRIDGE_VLAN_INFO, sizeof(*vlans), &vlans[i]);
	mnl_attr_nest_end(message, nest);
}

Test(link_bridge, vlans_of_a_port)
{
	static const struct bridge_vlan_info vlans[] = {
		{ PVID, 1 },
		{ BEGIN, 10 },
		{ END, 12 },
		{ 0, 4094 },
		{ BRIDGE_VLAN_INFO_UNTAGGED, 7 },
	};
	uint8_t buffer[512];
	struct nlmsghdr *message = bridge_message(buffer, AF_BRIDGE, 7, 3);
	struct link_bridge_port port;

	put_vlans(message, vlans, ARRAY_SIZE(vlans));
	cr_assert_eq(link_parse_bridge_port(message, &port), 0);
	cr_expect_eq(port.ifindex, 7);
	cr_expect_eq(port.master, 3);
	cr_expect_eq(port.pvid, 1);
	for (unsigned int vid = 0; vid < UL_N_VLANS; vid++) {
		bool tagged = (vid >= 10 && vid <= 12) || vid == 4094;

		cr_expect_eq(UL_LIST_HAS(port.tagged, vid), tagged, "VLAN %u", vid);
		cr_expect_eq(UL_LIST_HAS(port.untagged, vid), vid == 1 || vid == 7, "VLAN %u", vid);
	}
}

Test(link_bridge, other_messages)
{
	uint8_t buffer[512];
	struct link_bridge_port port;

	cr_expect_eq(link_parse_bridge_port(bridge_message(buffer, AF_UNSPEC, 7, 3), &port),
		     -ENOMSG);
	cr_expect_eq(link_parse_bridge_port(bridge_message(buffer, AF_BRIDGE, 3, 3), &port),
		     -ENOMSG, "the bridge itself");
	cr_expect_eq(link_parse_bridge_port(bridge_message(buffer, AF_BRIDGE, 7, 0), &port),
		     -ENOMSG);
	cr_expect_eq(link_parse_bridge_port(bridge_message(buffer, AF_BRIDGE, 0, 3), &port),
		     -EBADMSG);
}

Test(link_bridge, malformed_vlans)
{
	static const struct {
		struct bridge_vlan_info vlans[3];
		size_t n;
	} rows[] = {
		{ { { 0, 0 } }, 1 },
		{ { { 0, 4095 } }, 1 },
		{ { { 0, 65535 } }, 1 },
		{ { { BEGIN, 10 } }, 1 },
		{ { { END, 10 } }, 1 },
		{ { { BEGIN, 10 }, { END, 10 } }, 2 },
		{ { { BEGIN, 10 }, { END, 9 } }, 2 },
		{ { { BEGIN, 10 }, { 0, 12 } }, 2 },
		{ { { BEGIN, 10 }, { BEGIN, 12 }, { END, 14 } }, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t buffer[512];
		struct nlmsghdr *message = bridge_message(buffer, AF_BRIDGE, 7, 3);
		struct link_bridge_port port = { .pvid = 77 };

		put_vlans(message, rows[i].vlans, rows[i].n);
		cr_expect_eq(link_parse_bridge_port(message, &port), -EBADMSG, "row %zu", i);
		cr_expect_eq(port.pvid, 77, "row %zu: untouched", i);
	}
}

/* Each length of a valid message, in memory of exactly that size. */
Test(link_bridge, truncated)
{
	static const struct bridge_vlan_info vlans[] = { { PVID, 1 }, { 0, 10 } };
	uint8_t buffer[512];
	struct nlmsghdr *message = bridge_message(buffer, AF_BRIDGE, 7, 3);
	uint32_t length;

	put_vlans(message, vlans, ARRAY_SIZE(vlans));
	length = message->nlmsg_len;
	for (uint32_t n = sizeof(*message); n < length; n++) {
		uint8_t *copy = malloc(n);
		struct link_bridge_port port;
		struct link_bridge bridge;

		memcpy(copy, buffer, n);
		((struct nlmsghdr *)copy)->nlmsg_len = n;
		(void)link_parse_bridge_port((void *)copy, &port);
		(void)link_parse_bridge((void *)copy, &bridge);
		free(copy);
	}
}

Test(link_bridge, settings_of_a_bridge)
{
	uint8_t buffer[512];
	struct nlmsghdr *message = bridge_message(buffer, AF_UNSPEC, 3, 0);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO), *data;
	struct link_bridge bridge;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u8(message, IFLA_BR_VLAN_FILTERING, 1);
	mnl_attr_put_u16(message, IFLA_BR_VLAN_DEFAULT_PVID, 5);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	cr_assert_eq(link_parse_bridge(message, &bridge), 0);
	cr_expect(bridge.has_vlans && bridge.vlan_filtering && bridge.default_pvid == 5);
	cr_expect_eq(link_parse_bridge(bridge_message(buffer, AF_UNSPEC, 3, 0), &bridge), -EINVAL);
}

Test(link_bridge, bridge_of_this_kernel)
{
	struct record *record = record_new();
	struct link_monitor *monitor = record->monitor;
	struct link_bridge_port *ports = NULL;
	struct link_info info, veth;
	struct link_bridge bridge;
	size_t n = 0;

	cr_assert_eq(link_create_bridge(monitor, "br0", 1600, false), 0);
	cr_assert_eq(link_get_by_name(monitor, "br0", &info), 0);
	cr_expect_str_eq(info.kind, "bridge");
	cr_expect(info.mtu == 1600 && !info.admin_up);
	cr_expect_eq(link_create_bridge(monitor, "br0", 1600, false), -EEXIST);
	cr_expect_eq(link_get_bridge(monitor, info.ifindex, &bridge), 0);
	cr_expect_not(bridge.vlan_filtering);
	make_veth(record, "a", "b");
	await(record, 0, "a", LINK_ADDED);
	cr_assert_eq(link_get_by_name(monitor, "a", &veth), 0);
	cr_expect_eq(link_get_bridge(monitor, veth.ifindex, &bridge), -EINVAL);
	cr_expect_eq(link_isolate_bridge_port(monitor, veth.ifindex, true), -EOPNOTSUPP,
		     "it belongs to no bridge");
	cr_expect_eq(link_get_bridge_ports(monitor, &ports, &n), 0);
	cr_expect_eq(n, 0);
	free(ports);
	record_free(record);
}
