// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Netlink messages to structs: valid ones and every kind of malformed one. Messages are in memory
 * of their exact size, so that AddressSanitizer detects reads beyond the end.
 */
#include <criterion/criterion.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "common/util.h"
#include "link/internal.h"
#include "link/netdev_uapi.h"

static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 }, permanent[6] = { 2, 6, 7, 8, 9, 10 };

static struct nlmsghdr *ifinfo(void *buffer, int family, int ifindex, unsigned int flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(message, sizeof(*ifi));

	message->nlmsg_type = RTM_NEWLINK;
	ifi->ifi_family = (unsigned char)family;
	ifi->ifi_type = ARPHRD_ETHER;
	ifi->ifi_index = ifindex;
	ifi->ifi_flags = flags;
	return message;
}

/* n values of the interface's settings, all others 1. */
static void put_ipv6(struct nlmsghdr *message, size_t n, int32_t disabled)
{
	struct nlattr *family = mnl_attr_nest_start(message, AF_INET6);
	int32_t values[DEVCONF_DISABLE_IPV6 + 1];

	for (size_t i = 0; i < DEVCONF_DISABLE_IPV6; i++)
		values[i] = 1;
	values[DEVCONF_DISABLE_IPV6] = disabled;
	mnl_attr_put(message, IFLA_INET6_CONF, n * sizeof(*values), values);
	mnl_attr_nest_end(message, family);
}

static struct nlmsghdr *full_message(void *buffer)
{
	struct nlmsghdr *message =
		ifinfo(buffer, AF_UNSPEC, 7, IFF_UP | IFF_LOWER_UP | IFF_PROMISC | IFF_NOARP);
	struct nlattr *nest;

	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(message, IFLA_MTU, 9000);
	mnl_attr_put_u32(message, IFLA_MAX_MTU, 9194);
	mnl_attr_put_u32(message, IFLA_LINK, 8);
	mnl_attr_put_u32(message, IFLA_MASTER, 3);
	mnl_attr_put(message, IFLA_ADDRESS, 6, mac);
	mnl_attr_put(message, IFLA_PERM_ADDRESS, 6, permanent);
	nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, IFLA_XDP);
	mnl_attr_put_u8(message, IFLA_XDP_ATTACHED, XDP_ATTACHED_DRV);
	mnl_attr_put_u32(message, IFLA_XDP_PROG_ID, 42);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, IFLA_PROP_LIST);
	mnl_attr_put_strz(message, IFLA_ALT_IFNAME, "enp1s0");
	mnl_attr_put_strz(message, IFLA_ALT_IFNAME, "a-name-that-is-too-long-for-us");
	mnl_attr_put_strz(message, IFLA_ALT_IFNAME, "enx020102030405");
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	put_ipv6(message, DEVCONF_DISABLE_IPV6 + 1, 0);
	mnl_attr_nest_end(message, nest);
	return message;
}

static struct nlmsghdr *genl_message(void *buffer)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	mnl_nlmsg_put_extra_header(message, sizeof(struct genlmsghdr));
	message->nlmsg_type = 0x20;
	return message;
}

static struct nlmsghdr *features_message(void *buffer)
{
	struct nlmsghdr *message = genl_message(buffer);

	mnl_attr_put_u32(message, NETDEV_A_DEV_IFINDEX, 9);
	mnl_attr_put_u64(message, NETDEV_A_DEV_XDP_FEATURES, 0x67);
	return message;
}

static struct nlmsghdr *family_message(void *buffer)
{
	static const char *const names[] = { "page-pool", "mgmt", "mgmtx" };
	struct nlmsghdr *message = genl_message(buffer);
	struct nlattr *groups, *group;

	mnl_attr_put_u16(message, CTRL_ATTR_FAMILY_ID, 0x21);
	groups = mnl_attr_nest_start(message, CTRL_ATTR_MCAST_GROUPS);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		group = mnl_attr_nest_start(message, (uint16_t)(i + 1));
		mnl_attr_put_u32(message, CTRL_ATTR_MCAST_GRP_ID, 100 + i);
		mnl_attr_put_strz(message, CTRL_ATTR_MCAST_GRP_NAME, names[i]);
		mnl_attr_nest_end(message, group);
	}
	mnl_attr_nest_end(message, groups);
	return message;
}

Test(link_parse, all_fields)
{
	uint8_t buffer[1024];
	struct link_info info;

	cr_assert_eq(link_parse(full_message(buffer), &info), 0);
	cr_assert_str_eq(info.name, "eth0");
	cr_assert_str_eq(info.kind, "veth");
	cr_assert_eq(info.ifindex, 7);
	cr_assert_eq(info.mtu, 9000);
	cr_assert_eq(info.max_mtu, 9194);
	cr_assert_eq(info.peer, 8);
	cr_assert_eq(info.master, 3);
	cr_assert_arr_eq(info.mac, mac, 6);
	cr_assert_arr_eq(info.permanent_mac, permanent, 6);
	cr_assert(info.admin_up && info.carrier && info.promiscuous && !info.arp);
	cr_assert_eq(info.xdp_prog_id, 42);
	cr_assert_eq(info.xdp_attached, XDP_ATTACHED_DRV);
	cr_assert(!info.xdp_features_known);
	cr_assert(info.ipv6);
	cr_assert_eq(info.type, ARPHRD_ETHER);
	cr_assert(info.ethernet);
	cr_assert_str_eq(info.alt_names[0], "enp1s0");
	cr_assert_str_eq(info.alt_names[1], "enx020102030405");
	cr_assert_eq(info.alt_names[2][0], '\0');
	cr_assert(link_has_name(&info, "eth0") && link_has_name(&info, "enx020102030405"));
	cr_assert(!link_has_name(&info, "enp1s") && !link_has_name(&info, ""));
}

Test(link_parse, ipv6_is_on_if_the_kernel_says_so)
{
	static const struct {
		size_t n;
		int32_t disabled;
		bool on;
	} rows[] = {
		{ DEVCONF_DISABLE_IPV6 + 1, 0, true },
		{ DEVCONF_DISABLE_IPV6 + 1, 1, false },
		{ DEVCONF_DISABLE_IPV6, 0, false },
		{ 0, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t buffer[1024];
		struct nlmsghdr *message = ifinfo(buffer, AF_UNSPEC, 7, 0);
		struct link_info info;
		struct nlattr *nest;

		mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
		nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
		put_ipv6(message, rows[i].n, rows[i].disabled);
		mnl_attr_nest_end(message, nest);
		cr_assert_eq(link_parse(message, &info), 0);
		cr_expect_eq(info.ipv6, rows[i].on, "row %zu", i);
	}
}

Test(link_parse, more_alternative_names_than_there_is_room_for)
{
	uint8_t buffer[1024];
	struct nlmsghdr *message = ifinfo(buffer, AF_UNSPEC, 7, 0);
	struct link_info info;
	struct nlattr *nest;
	char name[UL_NAME_LEN];

	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	nest = mnl_attr_nest_start(message, IFLA_PROP_LIST);
	for (int i = 0; i < LINK_MAX_ALT_NAMES + 2; i++) {
		snprintf(name, sizeof(name), "alt%d", i);
		mnl_attr_put_strz(message, IFLA_ALT_IFNAME, name);
	}
	mnl_attr_nest_end(message, nest);
	cr_assert_eq(link_parse(message, &info), 0);
	cr_assert(link_has_name(&info, "alt7") && !link_has_name(&info, "alt8"));
}

Test(link_parse, only_ethernet_devices_are_ethernet)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned int flags;
		bool ethernet;
		/* clang-format off */
	} table[] = {
		{ "eth0", ARPHRD_ETHER, IFF_UP, true },
		{ "lo", ARPHRD_LOOPBACK, IFF_UP | IFF_LOOPBACK, false },
		{ "looped", ARPHRD_ETHER, IFF_UP | IFF_LOOPBACK, false },
		{ "tun0", ARPHRD_NONE, IFF_UP | IFF_POINTOPOINT | IFF_NOARP, false },
		{ "gre0", ARPHRD_IPGRE, IFF_NOARP, false },
		{ "ib0", ARPHRD_INFINIBAND, IFF_UP, false },
		{ "mon0", ARPHRD_IEEE80211_RADIOTAP, IFF_UP, false },
	};
	/* clang-format on */
	uint8_t buffer[256];
	struct link_info info;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct nlmsghdr *message = ifinfo(buffer, AF_UNSPEC, 7, table[i].flags);

		((struct ifinfomsg *)mnl_nlmsg_get_payload(message))->ifi_type = table[i].type;
		mnl_attr_put_strz(message, IFLA_IFNAME, table[i].name);
		cr_assert_eq(link_parse(message, &info), 0);
		cr_expect_eq(info.type, table[i].type, "%s", table[i].name);
		cr_expect_eq(info.ethernet, table[i].ethernet, "%s", table[i].name);
	}
}

Test(link_parse, peer_in_another_namespace)
{
	uint8_t buffer[1024];
	struct nlmsghdr *message = full_message(buffer);
	struct link_info info;

	mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 0);
	cr_assert_eq(link_parse(message, &info), 0);
	cr_assert_eq(info.peer, 0, "ifindex of another namespace");
}

Test(link_parse, running_is_not_carrier)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = ifinfo(buffer, AF_UNSPEC, 7, IFF_UP | IFF_RUNNING);
	struct link_info info;

	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	mnl_attr_put(message, IFLA_ADDRESS, 4, mac); /* a tunnel's */
	cr_assert_eq(link_parse(message, &info), 0);
	cr_assert(info.admin_up && !info.carrier && info.arp);
	cr_assert_arr_eq(info.mac, ((uint8_t[6]){ 0 }), 6);
}

Test(link_parse, two_programs)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = ifinfo(buffer, AF_UNSPEC, 7, 0);
	struct link_info info;
	struct nlattr *nest;

	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	nest = mnl_attr_nest_start(message, IFLA_XDP);
	mnl_attr_put_u8(message, IFLA_XDP_ATTACHED, XDP_ATTACHED_MULTI);
	mnl_attr_put_u32(message, IFLA_XDP_SKB_PROG_ID, 5);
	mnl_attr_put_u32(message, IFLA_XDP_DRV_PROG_ID, 6);
	mnl_attr_nest_end(message, nest);
	cr_assert_eq(link_parse(message, &info), 0);
	cr_assert_eq(info.xdp_attached, XDP_ATTACHED_MULTI);
	cr_assert_eq(info.xdp_prog_id, 6);
}

Test(link_parse, messages_without_an_interface)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = ifinfo(buffer, AF_BRIDGE, 7, 0);
	struct link_info info = { .ifindex = 99 };

	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	cr_expect_eq(link_parse(message, &info), -ENOMSG, "a bridge port's");
	message = ifinfo(buffer, AF_UNSPEC, 7, 0);
	mnl_attr_put(message, IFLA_WIRELESS, 4, mac);
	cr_expect_eq(link_parse(message, &info), -ENOMSG, "a wireless event");
	message = ifinfo(buffer, AF_UNSPEC, 0, 0);
	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	cr_expect_eq(link_parse(message, &info), -EBADMSG, "ifindex 0");
	message = ifinfo(buffer, AF_UNSPEC, -5, 0);
	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	cr_expect_eq(link_parse(message, &info), -EBADMSG, "ifindex below 0");
	cr_expect_eq(info.ifindex, 99, "untouched on failure");
}

Test(link_parse, wrong_attributes)
{
	static const struct {
		const char *what;
		uint16_t type;
		size_t length;
		const char *bytes;
		/* clang-format off */
	} table[] = {
		{ "name without its NUL", IFLA_IFNAME, 4, "eth0" },
		{ "empty name", IFLA_IFNAME, 1, "" },
		{ "no name at all", IFLA_IFNAME, 0, "" },
		{ "name of 16 characters", IFLA_IFNAME, 17, "a234567890123456" },
		{ "short MTU", IFLA_MTU, 2, "\1\1" },
		{ "long MTU", IFLA_MTU, 8, "\1\1\1\1\1\1\1" },
		{ "short master", IFLA_MASTER, 0, "" },
		{ "nest that is too long inside", IFLA_XDP, 4, "\x30\0\1" },
		{ "nest with an attribute below the least length", IFLA_XDP, 4, "\1\0\1" },
		{ "alternative name beyond its nest", IFLA_PROP_LIST, 4, "\x30\0\x35" },
		{ "nest of rubbish", IFLA_LINKINFO, 3, "abc" },
		{ "address family beyond its nest", IFLA_AF_SPEC, 4, "\x30\0\x0a" },
		{ "settings beyond their family", IFLA_AF_SPEC, 8, "\x08\0\x0a\0\x30\0\x02" },
	};
	/* clang-format on */
	uint8_t buffer[256];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct nlmsghdr *message = ifinfo(buffer, AF_UNSPEC, 7, 0);
		struct link_info info = { .ifindex = 99 };

		if (table[i].type != IFLA_IFNAME)
			mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
		mnl_attr_put(message, table[i].type, table[i].length, table[i].bytes);
		cr_expect_eq(link_parse(message, &info), -EBADMSG, "%s", table[i].what);
		cr_expect_eq(info.ifindex, 99, "%s: untouched", table[i].what);
	}
}

Test(link_parse, features)
{
	uint8_t buffer[256];
	struct nlmsghdr *message;
	uint32_t ifindex = 1, features = 2;

	message = genl_message(buffer);
	mnl_attr_put_u32(message, NETDEV_A_DEV_IFINDEX, 9);
	cr_expect_eq(link_parse_features(message, &ifindex, &features), -ENOMSG, "no features");
	mnl_attr_put_u32(message, NETDEV_A_DEV_XDP_FEATURES, 7);
	cr_expect_eq(link_parse_features(message, &ifindex, &features), -EBADMSG,
		     "the attribute has 64 bits");
	cr_expect_eq(ifindex, 1);
	cr_expect_eq(features, 2);
	cr_expect_eq(link_parse_features(features_message(buffer), &ifindex, &features), 0);
	cr_expect_eq(ifindex, 9);
	cr_expect_eq(features, 0x67);
}

Test(link_parse, family)
{
	uint8_t buffer[512];
	uint16_t family = 0;
	uint32_t group = 0;

	cr_assert_eq(link_parse_family(family_message(buffer), "mgmt", &family, &group), 0);
	cr_assert_eq(family, 0x21);
	cr_assert_eq(group, 101);
	cr_assert_eq(link_parse_family(family_message(buffer), "other", &family, &group), 0);
	cr_assert_eq(group, 0);
}

/* Every parser on a message in memory of its exact size. Results must be consistent. */
static void try_all(const struct nlmsghdr *message, size_t length)
{
	struct nlmsghdr *copy = malloc(length);
	struct link_info info = { 0 };
	uint32_t a, b;
	uint16_t c;

	cr_assert(copy);
	memcpy(copy, message, length);
	copy->nlmsg_len = (uint32_t)length;
	if (link_parse(copy, &info) == 0) {
		cr_assert_neq(info.ifindex, 0);
		cr_assert_lt(strnlen(info.name, sizeof(info.name)), sizeof(info.name));
		cr_assert_neq(info.name[0], '\0');
		cr_assert_lt(strnlen(info.kind, sizeof(info.kind)), sizeof(info.kind));
	}
	(void)link_parse_features(copy, &a, &b);
	(void)link_parse_family(copy, "mgmt", &c, &a);
	free(copy);
}

typedef struct nlmsghdr *(*maker)(void *buffer);
static const maker makers[] = { full_message, features_message, family_message };

Test(link_parse, cut_anywhere)
{
	uint8_t buffer[1024];

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		const struct nlmsghdr *message = makers[i](buffer);

		for (size_t length = sizeof(*message); length <= message->nlmsg_len; length++)
			try_all(message, length);
	}
}

Test(link_parse, any_byte_of_any_value)
{
	uint8_t buffer[1024];

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		size_t length = makers[i](buffer)->nlmsg_len;

		for (size_t at = sizeof(struct nlmsghdr); at < length; at++) {
			uint8_t saved = buffer[at];

			for (unsigned int value = 0; value < 256; value++) {
				buffer[at] = (uint8_t)value;
				try_all((const struct nlmsghdr *)buffer, length);
			}
			buffer[at] = saved;
		}
	}
}

Test(link_parse, rubbish)
{
	uint64_t state = 88172645463325252ull; /* xorshift64, a fixed seed */
	uint8_t buffer[1024];
	size_t at;

	for (int round = 0; round < 20000; round++) {
		size_t length = makers[round % (int)ARRAY_SIZE(makers)](buffer)->nlmsg_len;

		for (int i = 0; i < 1 + round % 8; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			at = sizeof(struct nlmsghdr) + state % (length - sizeof(struct nlmsghdr));
			buffer[at] = (uint8_t)(state >> 32);
		}
		try_all((const struct nlmsghdr *)buffer, length);
	}
}

Test(link_parse, a_message_ends_within_its_datagram)
{
	/* clang-format off */
	static const struct { uint32_t length; int left; bool fits; } rows[] = {
		{ 16, 16, true }, { 16, 4096, true }, { 15, 4096, false }, { 0, 4096, false },
		{ 17, 16, false }, { 16, 15, false }, { 16, 0, false }, { 16, -4, false },
		{ 0x80000010, 4096, false }, { 0xffffffff, 4096, false },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct nlmsghdr message = { .nlmsg_len = rows[i].length };

		cr_expect_eq(netlink_fits(&message, rows[i].left), rows[i].fits, "row %zu", i);
	}
}
