// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Pairs across network namespaces, their descriptions, and GRO. */
#include "link_testing.h"

/* A second namespace; the process stays in the first one. */
static int other_namespace(void)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other;

	cr_assert_geq(own, 0);
	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	cr_assert_geq(other, 0);
	cr_assert_eq(setns(own, CLONE_NEWNET), 0);
	close(own);
	return other;
}

static struct link_monitor *monitor_in(struct record *t, int netns_fd)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct link_monitor *monitor = NULL;

	cr_assert_eq(setns(netns_fd, CLONE_NEWNET), 0);
	cr_assert_eq(link_monitor_new(t->event, on_change, t, &monitor), 0);
	cr_assert_eq(setns(own, CLONE_NEWNET), 0);
	close(own);
	return monitor;
}

Test(link_veth, a_pair_in_two_namespaces, .timeout = 300)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 }, peer_mac[6] = { 2, 0, 0, 0, 0, 8 };
	struct record *t = record_new();
	_cleanup_close_ int other = other_namespace();
	const struct link_veth_end here = { "va", mac, 1400, -1 },
				   there = { "eth0", peer_mac, 1300, other },
				   same = { "vb", peer_mac, 1300, other };
	struct link_monitor *container;
	struct link_veth veth, far;
	struct link_info info;

	cr_assert_eq(link_create_veth_pair(t->monitor, &here, &there), 0);
	container = monitor_in(t, other);
	cr_assert(!has_link(t->monitor, "eth0"));
	info = *info_of(container, "eth0");
	cr_assert_eq(info.mtu, 1300);
	cr_assert_arr_eq(info.mac, peer_mac, 6);
	cr_assert_eq(info_of(t->monitor, "va")->mtu, 1400);
	cr_assert_arr_eq(info_of(t->monitor, "va")->mac, mac, 6);

	cr_assert_eq(link_get_veth(container, info.ifindex, &far), 0);
	cr_assert_eq(link_get_veth(t->monitor, info_of(t->monitor, "va")->ifindex, &veth), 0);
	cr_assert_eq(veth.peer, info.ifindex);
	cr_assert_eq(far.peer, info_of(t->monitor, "va")->ifindex);

	cr_assert_eq(link_create_veth_pair(t->monitor, &here, &same), -EEXIST);
	cr_assert_eq(link_create_veth_pair(t->monitor, &same, &here), -EINVAL,
		     "the first end is created here");
	cr_assert_eq(link_monitor_resync(container), 0);
	cr_assert(!has_link(container, "vb"), "no half of the pair remains");
	cr_assert_eq(link_delete(t->monitor, info_of(t->monitor, "va")->ifindex), 0);
	cr_assert_eq(link_refresh_get_by_name(container, "eth0", &info), -ENODEV);
	link_monitor_free(container);
	record_free(t);
}

Test(link_veth, alias, .timeout = 300)
{
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	char text[LINK_ALIAS_LEN + 1];
	struct link_veth veth;
	uint32_t ifindex;

	cr_assert_eq(link_create_veth(m, "va", "vb", NULL), 0);
	ifindex = info_of(m, "va")->ifindex;
	cr_assert_eq(link_get_veth(m, ifindex, &veth), 0);
	cr_assert_str_eq(veth.alias, "");
	cr_assert_eq(veth.peer, info_of(m, "vb")->ifindex);
	memset(text, 'x', sizeof(text));
	text[LINK_ALIAS_LEN] = '\0';
	cr_assert_eq(link_set_alias(m, ifindex, text), -EINVAL);
	text[LINK_ALIAS_LEN - 1] = '\0';
	cr_assert_eq(link_set_alias(m, ifindex, text), 0);
	cr_assert_eq(link_get_veth(m, ifindex, &veth), 0);
	cr_assert_str_eq(veth.alias, text);
	cr_assert_eq(link_set_alias(m, ifindex, "short"), 0);
	cr_assert_eq(link_get_veth(m, ifindex, &veth), 0);
	cr_assert_str_eq(veth.alias, "short");
	cr_assert_eq(link_get_veth(m, 12345, &veth), -ENODEV);
	cr_assert_eq(link_get_veth(m, info_of(m, "lo")->ifindex, &veth), -ENXIO);
	cr_assert_eq(link_set_alias(m, 12345, "short"), -ENODEV);
	record_free(t);
}

static uint32_t gro_of(struct record *t, uint32_t ifindex)
{
	struct ethtool_value query = { .cmd = ETHTOOL_GGRO };

	cr_assert_eq(ethtool_call(t->monitor, ifindex, &query), 0);
	return query.data;
}

Test(link_veth, gro, .timeout = 300)
{
	struct record *t = record_new();
	uint32_t ifindex;

	cr_assert_eq(link_create_veth(t->monitor, "va", "vb", NULL), 0);
	ifindex = info_of(t->monitor, "va")->ifindex;
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(link_set_gro(t->monitor, ifindex, true), 0);
		cr_assert_eq(gro_of(t, ifindex), 1);
	}
	cr_assert_eq(link_set_gro(t->monitor, ifindex, false), 0);
	cr_assert_eq(gro_of(t, ifindex), 0);
	cr_assert_eq(link_set_gro(t->monitor, 12345, true), -ENODEV);
	record_free(t);
}
