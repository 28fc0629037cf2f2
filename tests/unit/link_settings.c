// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Settings against the kernel, each applied twice: the second call succeeds without a change. */
#include "link_testing.h"

#include <arpa/inet.h>
#include <ifaddrs.h>

#define TWICE(call)                                       \
	do {                                              \
		cr_assert_eq((call), 0, #call);           \
		cr_assert_eq((call), 0, "again: " #call); \
	} while (0)

#define GONE 12345

Test(link_settings, flags_mtu_and_mac, .timeout = 300)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 }, peer_mac[6] = { 2, 0, 0, 0, 0, 8 };
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	const struct link_info *info;
	uint32_t ifindex;

	cr_assert_eq(link_create_veth(m, "va", "vb", peer_mac), 0);
	cr_assert_arr_eq(info_of(m, "vb")->mac, peer_mac, 6);
	cr_assert_str_eq(info_of(m, "vb")->kind, "veth");
	cr_assert_eq(link_create_veth(m, "va", "vc", NULL), -EEXIST);
	cr_assert_eq(link_create_veth(m, "vc", "vb", NULL), -EEXIST);
	cr_assert(!has_link(m, "vc"), "no half of the pair remains");
	cr_assert_eq(link_create_veth(m, "", "vc", NULL), -EINVAL);
	cr_assert_eq(link_create_veth(m, "a234567890123456", "vc", NULL), -EINVAL);

	ifindex = info_of(m, "va")->ifindex;
	TWICE(link_set_up(m, ifindex, true));
	TWICE(link_set_promiscuous(m, ifindex, true));
	TWICE(link_set_arp(m, ifindex, false));
	TWICE(link_set_mtu(m, ifindex, 9000));
	TWICE(link_set_mac(m, ifindex, mac));
	info = info_of(m, "va");
	cr_assert(info->admin_up && info->promiscuous && !info->arp);
	cr_assert_eq(info->mtu, 9000);
	cr_assert_arr_eq(info->mac, mac, 6);

	TWICE(link_set_arp(m, ifindex, true));
	TWICE(link_set_promiscuous(m, ifindex, false));
	TWICE(link_set_up(m, ifindex, false));
	info = info_of(m, "va");
	cr_assert(!info->admin_up && !info->promiscuous && info->arp);

	cr_assert_eq(link_set_mtu(m, ifindex, 1), -EINVAL, "below the device's minimum");
	cr_assert_eq(info_of(m, "va")->mtu, 9000);
	TWICE(link_delete(m, ifindex));
	cr_assert(!has_link(m, "va"));
	cr_assert(!has_link(m, "vb"));
	record_free(t);
}

Test(link_settings, gone_interfaces, .timeout = 300)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	const struct address address = { .family = AF_INET,
					 .prefix_length = 24,
					 .bytes = { 192, 0, 2, 1 } };
	const char *feature = NULL;
	struct link_speed speed;
	uint32_t saved;
	bool on;

	for (uint32_t ifindex = 0; ifindex <= GONE; ifindex += GONE) {
		cr_assert_eq(link_set_up(m, ifindex, true), -ENODEV);
		cr_assert_eq(link_set_mtu(m, ifindex, 1500), -ENODEV);
		cr_assert_eq(link_set_arp(m, ifindex, true), -ENODEV);
		cr_assert_eq(link_set_promiscuous(m, ifindex, true), -ENODEV);
		cr_assert_eq(link_set_mac(m, ifindex, mac), -ENODEV);
		cr_assert_eq(link_set_ipv6(m, ifindex, false), -ENODEV);
		cr_assert_eq(link_get_ipv6(m, ifindex, &on), -ENODEV);
		cr_assert_eq(link_get_speed(m, ifindex, &speed), -ENODEV);
		cr_assert_eq(link_add_address(m, ifindex, &address, 0), -ENODEV);
		cr_assert_eq(link_prepare_offloads(m, ifindex, LINK_RX_OFFLOADS, &saved, &feature),
			     -ENODEV);
		cr_assert_eq(link_restore_offloads(m, ifindex, UL_SAVED_RX_VLAN), -ENODEV);
		cr_assert_eq(link_delete(m, ifindex), 0);
	}
	record_free(t);
}

Test(link_settings, ipv6, .timeout = 300)
{
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	uint32_t ifindex;
	bool on = false;

	if (access("/proc/sys/net/ipv6/conf", F_OK) < 0)
		cr_skip("this kernel has no IPv6");
	cr_assert_eq(link_create_veth(m, "va", "vb", NULL), 0);
	ifindex = info_of(m, "va")->ifindex;
	TWICE(link_set_ipv6(m, ifindex, false));
	cr_assert_eq(link_get_ipv6(m, ifindex, &on), 0);
	cr_assert(!on);
	cr_assert_eq(link_get_ipv6(m, info_of(m, "vb")->ifindex, &on), 0);
	cr_assert(on, "only this interface");
	TWICE(link_set_ipv6(m, ifindex, true));
	cr_assert_eq(link_get_ipv6(m, ifindex, &on), 0);
	cr_assert(on);

	/*
	 * conf/all would set all interfaces. The kernel permits this name only for interfaces whose
	 * MTU is too small for IPv6.
	 */
	cr_assert_eq(link_set_mtu(m, ifindex, 1000), 0);
	cr_assert_eq(link_set_ipv6(m, ifindex, false), -EOPNOTSUPP);
	rename_link(t, "va", "all");
	cr_assert_eq(link_set_ipv6(m, ifindex, false), -EOPNOTSUPP);
	cr_assert_eq(link_get_ipv6(m, info_of(m, "vb")->ifindex, &on), 0);
	cr_assert(on);
	record_free(t);
}

static bool has_address(const char *name, int family, const void *bytes, size_t length)
{
	struct ifaddrs *list = NULL;
	bool found = false;

	cr_assert_eq(getifaddrs(&list), 0);
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    strcmp(i->ifa_name, name) != 0)
			continue;
		if (family == AF_INET)
			found |= memcmp(&((struct sockaddr_in *)i->ifa_addr)->sin_addr, bytes,
					length) == 0;
		else
			found |= memcmp(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, bytes,
					length) == 0;
	}
	freeifaddrs(list);
	return found;
}

/* Adds an address without the mark, as an administrator would. */
static void add_address(struct record *t, uint32_t ifindex, const uint8_t bytes[4])
{
	uint8_t buffer[128];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(request, sizeof(*ifa));

	request->nlmsg_type = RTM_NEWADDR;
	request->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	*ifa = (struct ifaddrmsg){ .ifa_family = AF_INET,
				   .ifa_prefixlen = 24,
				   .ifa_index = ifindex };
	mnl_attr_put(request, IFA_LOCAL, 4, bytes);
	mnl_attr_put(request, IFA_ADDRESS, 4, bytes);
	cr_assert_eq(netlink_query(&t->own, request, NULL, NULL), 0);
}

Test(link_settings, addresses, .timeout = 300)
{
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	struct address v4 = { .family = AF_INET, .prefix_length = 24, .bytes = { 192, 0, 2, 10 } };
	struct address v6 = { .family = AF_INET6,
			      .prefix_length = 64,
			      .bytes = { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
	const struct address second = { .family = AF_INET,
					.prefix_length = 24,
					.bytes = { 192, 0, 2, 11 } };
	const struct address others = { .family = AF_INET,
					.prefix_length = 24,
					.bytes = { 203, 0, 113, 1 } };
	uint32_t ifindex;

	cr_assert_eq(link_create_veth(m, "va", "vb", NULL), 0);
	ifindex = info_of(m, "va")->ifindex;
	TWICE(link_add_address(m, ifindex, &v4, 0));
	cr_assert(has_address("va", AF_INET, v4.bytes, 4));
	if (access("/proc/sys/net/ipv6", F_OK) == 0) {
		TWICE(link_add_address(m, ifindex, &v6, 0));
		cr_assert(has_address("va", AF_INET6, v6.bytes, 16));
	}
	/*
	 * Marked addresses are removed unless kept. Unmarked ones stay, also after an attempt to
	 * add them.
	 */
	add_address(t, ifindex, (const uint8_t[4]){ 203, 0, 113, 1 });
	TWICE(link_add_address(m, ifindex, &others, 0));
	TWICE(link_remove_addresses(m, ifindex, &v4, 1));
	cr_assert(has_address("va", AF_INET, v4.bytes, 4));
	cr_assert(!has_address("va", AF_INET6, v6.bytes, 16));
	v4.prefix_length = 25;
	TWICE(link_add_address(m, ifindex, &second, 0));
	TWICE(link_remove_addresses(m, ifindex, &v4, 1));
	cr_assert(!has_address("va", AF_INET, v4.bytes, 4),
		  "another prefix length is another address");
	cr_assert(!has_address("va", AF_INET, second.bytes, 4),
		  "removed with the primary address of its subnet");
	cr_assert(has_address("va", AF_INET, others.bytes, 4));
	cr_assert_eq(link_remove_addresses(m, GONE, NULL, 0), 0);

	v4.prefix_length = 33;
	cr_assert_eq(link_add_address(m, ifindex, &v4, 0), -EINVAL);
	v4.family = AF_UNIX;
	cr_assert_eq(link_add_address(m, ifindex, &v4, 0), -EINVAL);
	record_free(t);
}

Test(link_settings, speed, .timeout = 300)
{
	struct record *t = record_new();
	struct link_speed speed = { 0 };

	make_veth(t, "va", "vb");
	cr_assert_eq(link_get_speed(t->monitor, ifindex_of(t, "va"), &speed), 0);
	cr_assert_eq(speed.speed_mbps, 10000, "the fixed value of veth");
	cr_assert(speed.full_duplex);
	cr_assert_eq(link_get_speed(t->monitor, 1, &speed), 0);
	cr_assert_eq(speed.speed_mbps, 0, "lo has none");
	cr_assert(!speed.full_duplex);
	record_free(t);
}

/* The same bit through ETHTOOL_GFLAGS. */
static bool rx_vlan_is_on(struct record *t, uint32_t ifindex)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };

	cr_assert_eq(ethtool_call(t->monitor, ifindex, &flags), 0);
	return flags.data & ETH_FLAG_RXVLAN;
}

Test(link_settings, offloads_of_a_veth_are_prepared_and_restored, .timeout = 300)
{
	struct record *t = record_new();
	const char *feature = NULL;
	uint32_t ifindex, saved = 0;

	make_veth(t, "va", "vb");
	ifindex = ifindex_of(t, "va");
	cr_assert(rx_vlan_is_on(t, ifindex), "the default of veth");
	cr_assert_eq(link_prepare_offloads(t->monitor, ifindex, LINK_RX_OFFLOADS, &saved, &feature),
		     0);
	cr_assert_eq(saved, UL_SAVED_RX_VLAN);
	cr_assert(!rx_vlan_is_on(t, ifindex));
	cr_assert_eq(link_prepare_offloads(t->monitor, ifindex, LINK_RX_OFFLOADS, &saved, &feature),
		     0);
	cr_assert_eq(saved, 0);
	cr_assert_null(feature);
	cr_assert_eq(link_prepare_offloads(t->monitor, ifindex, LINK_RX_OFFLOADS | UL_SAVED_TX_VLAN,
					   &saved, &feature),
		     0);
	cr_assert_eq(saved, UL_SAVED_TX_VLAN, "only the requested offloads");

	/* Bits of other settings are ignored. */
	cr_assert_eq(link_restore_offloads(t->monitor, ifindex, UL_SAVED_ARP | UL_SAVED_DOWN), 0);
	cr_assert(!rx_vlan_is_on(t, ifindex));
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(link_restore_offloads(t->monitor, ifindex,
						   UL_SAVED_RX_VLAN | UL_SAVED_ARP),
			     0);
		cr_assert(rx_vlan_is_on(t, ifindex));
	}
	record_free(t);
}

Test(link_settings, offloads_of_a_tap_need_nothing, .timeout = 300)
{
	struct record *t = record_new();
	_cleanup_close_ int tap = make_tap("t0");
	const char *feature = NULL;
	uint32_t saved = 77;

	cr_assert_eq(link_prepare_offloads(t->monitor, ifindex_of(t, "t0"), LINK_RX_OFFLOADS,
					   &saved, &feature),
		     0);
	cr_assert_eq(saved, 0);
	cr_assert_null(feature);
	cr_assert_eq(link_restore_offloads(t->monitor, ifindex_of(t, "t0"), 0), 0);
	record_free(t);
}

/* Drivers without a virtual counterpart, by their answers. */
Test(link_settings, which_offloads_are_on_and_can_be_changed)
{
	static const struct {
		const char *what;
		uint32_t available, requested, active, never_changed;
		uint32_t on, changeable;
		/* clang-format off */
	} table[] = {
		{ "all off and fixed", 0, 0, 0, 0, 0, 0 },
		{ "on and changeable", 1, 1, 1, 0, UL_SAVED_RX_VLAN, UL_SAVED_RX_VLAN },
		{ "off and changeable", 1, 0, 0, 0, 0, UL_SAVED_RX_VLAN },
		{ "on [fixed]", 0, 0, 1, 0, UL_SAVED_RX_VLAN, 0 },
		{ "on, never changed", 1, 1, 1, 1, UL_SAVED_RX_VLAN, 0 },
		{ "off [requested on]", 1, 1, 0, 0, UL_SAVED_RX_VLAN, UL_SAVED_RX_VLAN },
		{ "requested, but fixed off", 0, 1, 0, 0, 0, 0 },
		{ "on [requested off]", 1, 0, 1, 0, UL_SAVED_RX_VLAN, UL_SAVED_RX_VLAN },
	};
	/* clang-format on */
	struct link_features features;
	uint32_t on, changeable;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		/* in the third word; of the other offloads two are unknown and two are off */
		features = (struct link_features){ .n_words = 3, .bit = { 64, 3, -1, 40, -1 } };
		features.block[2] = (struct ethtool_get_features_block){
			.available = table[i].available,
			.requested = table[i].requested,
			.active = table[i].active,
			.never_changed = table[i].never_changed,
		};
		features.block[0].available = ~(1u << 3);
		features.block[0].active = ~(1u << 3);
		link_summarize_offloads(&features, &on, &changeable);
		cr_expect_eq(on, table[i].on, "%s: on %#x", table[i].what, on);
		cr_expect_eq(changeable, table[i].changeable, "%s: changeable %#x", table[i].what,
			     changeable);
	}
	features = (struct link_features){ .n_words = 2, .bit = { 0, 1, 31, 32, -1 } };
	features.block[0].active = 0x80000002;
	features.block[1].active = 1;
	link_summarize_offloads(&features, &on, &changeable);
	cr_expect_eq(on, UL_SAVED_RX_VLAN_FILTER | UL_SAVED_LRO | UL_SAVED_GRO_HW);
	cr_expect_eq(changeable, 0);
}

Test(link_settings, offloads_that_are_on)
{
	struct record *record = record_new();
	uint32_t ifindex, on = 0, saved = 0;
	const char *feature;

	make_veth(record, "a", "b");
	ifindex = ifindex_of(record, "a");
	cr_assert_eq(link_get_offloads(record->monitor, ifindex,
				       UL_SAVED_TX_VLAN | UL_SAVED_RX_VLAN, &on),
		     0);
	cr_expect_eq(on, UL_SAVED_TX_VLAN | UL_SAVED_RX_VLAN);
	cr_assert_eq(link_prepare_offloads(record->monitor, ifindex, UL_SAVED_RX_VLAN, &saved,
					   &feature),
		     0);
	cr_assert_eq(link_get_offloads(record->monitor, ifindex,
				       UL_SAVED_TX_VLAN | UL_SAVED_RX_VLAN, &on),
		     0);
	cr_expect_eq(on, UL_SAVED_TX_VLAN);
	cr_assert_eq(link_get_offloads(record->monitor, ifindex, UL_SAVED_RX_VLAN, &on), 0);
	cr_expect_eq(on, 0);
	delete_link(record, "a");
	cr_expect_eq(link_get_offloads(record->monitor, ifindex, UL_SAVED_RX_VLAN, &on), -ENODEV);
	record_free(record);
}
