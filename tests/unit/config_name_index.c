// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The index of names in use: interfaces, port groups, and MAC addresses by VLAN. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "config/name_index.h"
#include "config/value.h"

#define N_GROUPS 300

static struct group_cfg groups[N_GROUPS];
static struct switch_cfg switches[2] = { { .name = "s0", .groups = groups },
					 { .name = "s1", .groups = groups } };
static struct name_index names;
static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };

static void setup(void)
{
	for (size_t i = 0; i < N_GROUPS; i++)
		snprintf(groups[i].name, sizeof(groups[i].name), "group %zu", i);
}

static void teardown(void)
{
	name_index_done(&names);
}

TestSuite(config_name_index, .init = setup, .fini = teardown);

static struct location at(size_t sw, size_t group)
{
	return (struct location){ .sw = &switches[sw], .group = &groups[group] };
}

static const struct location *find_mac(size_t sw, size_t group, unsigned int *ret_vid)
{
	struct location location = at(sw, group);

	return name_index_find_mac(&names, mac, &location, ret_vid);
}

static void add_mac(size_t sw, size_t group)
{
	struct location location = at(sw, group);

	cr_assert_eq(name_index_add_mac(&names, mac, &location), 0);
}

Test(config_name_index, empty)
{
	unsigned int vid;

	cr_expect_null(name_index_find_interface(&names, "eth0"));
	cr_expect_null(name_index_find_group(&names, &switches[0], "group 0"));
	cr_expect_null(find_mac(0, 0, &vid));
}

/* One name of an interface in the whole model; the first use stays. */
Test(config_name_index, interfaces)
{
	for (size_t i = 0; i < 1000; i++) {
		struct location location = { .sw = &switches[i % 2], .at = i };
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "eth%zu", i / 2);
		cr_assert_eq(name_index_add_interface(&names, name, &location), 0);
	}
	for (size_t i = 0; i < 500; i++) {
		const struct location *location;
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "eth%zu", i);
		location = name_index_find_interface(&names, name);
		cr_assert_not_null(location, "%s", name);
		cr_expect_eq(location->at, i * 2);
	}
	cr_expect_null(name_index_find_interface(&names, "eth500"));
	cr_expect_eq(names.n, 500);
}

/* Group names are unique in their switch only, and are no interfaces. */
Test(config_name_index, groups_of_each_switch)
{
	for (size_t i = 0; i < N_GROUPS; i++) {
		struct location location = at(0, i);

		cr_assert_eq(name_index_add_group(&names, &location), 0);
	}
	cr_expect_eq(name_index_find_group(&names, &switches[0], "group 299")->group, &groups[299]);
	cr_expect_null(name_index_find_group(&names, &switches[0], "group 300"));
	cr_expect_null(name_index_find_group(&names, &switches[1], "group 299"));
	cr_expect_null(name_index_find_interface(&names, "group 299"));
}

/* One address may be used in many VLANs, and each of them is found again. */
Test(config_name_index, mac_in_many_vlans)
{
	unsigned int vid = 0;

	for (unsigned int i = 1; i < N_GROUPS; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%u", i);
		cr_assert_eq(vlan_parse(text, &groups[i]), 0);
		cr_assert_null(find_mac(0, i, &vid), "VLAN %u", i);
		add_mac(0, i);
	}
	for (unsigned int i = 1; i < N_GROUPS; i++) {
		const struct location *location = find_mac(0, i, &vid);

		cr_assert_not_null(location, "VLAN %u", i);
		cr_expect_eq(location->group, &groups[i]);
		cr_expect_eq(vid, i);
	}
	cr_expect_null(find_mac(1, 1, &vid), "another switch");
	cr_assert_eq(vlan_parse("300", &groups[0]), 0);
	cr_expect_null(find_mac(0, 0, &vid), "another VLAN");
	cr_assert_eq(vlan_parse("150-400", &groups[0]), 0);
	cr_expect_eq(find_mac(0, 0, &vid)->group, &groups[150]);
	cr_expect_eq(vid, 150);
}

Test(config_name_index, mac_on_disjoint_trunks)
{
	static const char *const lists[] = { "10-20", "30,40", "0,50-60" };
	unsigned int vid = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cr_assert_eq(vlan_parse(lists[i], &groups[i]), 0);
		cr_assert_null(find_mac(0, i, &vid), "%s", lists[i]);
		add_mac(0, i);
	}
	cr_assert_eq(vlan_parse("40", &groups[9]), 0);
	cr_expect_eq(find_mac(0, 9, &vid)->group, &groups[1]);
	cr_assert_eq(vlan_parse("0", &groups[9]), 0);
	cr_expect_eq(find_mac(0, 9, &vid)->group, &groups[2]);
	cr_expect_eq(vid, 0);
	cr_assert_eq(vlan_parse("21-29", &groups[9]), 0);
	cr_expect_null(find_mac(0, 9, &vid));
}

/* A finished model: uplinks, ports, both ends of a host port. */
Test(config_name_index, fill)
{
	struct port_cfg ports[2] = { { .interface = "vmk0", .host = true },
				     { .interface = "tap0", .has_mac = true } };
	struct group_cfg group = { .name = "g", .ports = ports, .n_ports = 2 };
	struct switch_cfg sw = {
		.uplinks = { "eth0", "eth1" }, .n_uplinks = 2, .groups = &group, .n_groups = 1
	};
	struct model model = { .switches = &sw, .n_switches = 1 };
	struct location location = { .sw = &sw, .group = &group };
	unsigned int vid;

	memcpy(ports[1].mac, mac, sizeof(mac));
	cr_assert_eq(name_index_fill(&names, &model), 0);
	cr_expect_eq(name_index_find_interface(&names, "eth1")->at, 1);
	cr_expect_null(name_index_find_interface(&names, "eth1")->group);
	cr_expect(!name_index_find_interface(&names, "vmk0")->far_end);
	cr_expect(name_index_find_interface(&names, "vmk0-sw")->far_end);
	cr_expect_eq(name_index_find_mac(&names, mac, &location, &vid)->at, 1);
	cr_expect_eq(name_index_find_group(&names, &sw, "g")->group, &group);
}
