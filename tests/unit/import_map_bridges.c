// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Which bridges of a host become attachment bridges. The golden files have whole configurations. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "import/import.h"
#include "import/plan.h"
#include "import/reader.h"

TestSuite(import_map_bridges, .timeout = 300);

/* clang-format off */
#define NIC(name, master) "{\"ifname\":\"" name "\",\"link_type\":\"ether\",\"master\":\"" master "\"},"
#define TAP(name, master) \
	"{\"ifname\":\"" name "\",\"link_type\":\"ether\",\"master\":\"" master "\"," \
	"\"linkinfo\":{\"info_kind\":\"tun\",\"info_data\":{\"type\":\"tap\"}}},"
#define BRIDGE(name, data) \
	"{\"ifname\":\"" name "\",\"link_type\":\"ether\",\"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{" data "}}},"
#define AWARE BRIDGE("vmbr0", "\"vlan_filtering\":1,\"vlan_default_pvid\":1")
#define VLANS(name, list) "{\"ifname\":\"" name "\",\"vlans\":[" list "]},"
#define OWN(vid) "{\"vlan\":" vid ",\"flags\":[\"PVID\",\"Egress Untagged\"]}"
#define END "{}"
#define UPLINK NIC("eth0", "vmbr0") VLANS("eth0", OWN("1") ",{\"vlan\":2,\"vlanEnd\":4094}")

/* of: bridges that the plan keeps, with '/' behind that of a switch; named: ports by their names */
static const struct {
	const char *text, *of, *named;
} rows[] = {
	{ NIC("eth0", "br0") BRIDGE("br0", "") END, "br0 ", "" },
	{ NIC("eth0", "br0") BRIDGE("br0", "") TAP("vnet0", "br0") END, "br0 ", "" },
	/* without a way out, a bridge is no part of a switch */
	{ NIC("eth0", "br0") BRIDGE("br0", "") BRIDGE("virbr0", "") TAP("vnet0", "virbr0") END, "br0 ", "" },
	/* a member that is not mapped */
	{ NIC("eth0", "br0") BRIDGE("br0", "") TAP("vnet0", "br0")
	  "{\"ifname\":\"vx0\",\"link_type\":\"ether\",\"master\":\"br0\",\"linkinfo\":{\"info_kind\":\"vxlan\"}}," END, "", "vnet0 " },
	/* PVID and tags choose the groups that the import makes */
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("1")) END, "vmbr0/ ", "" },
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("7")) END, "vmbr0/ ", "" },
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", "{\"vlan\":7},{\"vlan\":9}") END, "vmbr0/ ", "" },
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("1") ",{\"vlan\":7}") END, "vmbr0/ ", "" },
	{ AWARE UPLINK TAP("vnet0", "vmbr0") END, "vmbr0/ ", "" },
	/* the uplink sends the PVID of the port without tag, but it is not the default one */
	{ AWARE NIC("eth0", "vmbr0") VLANS("eth0", OWN("7")) TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("7")) END, "", "vnet0 " },
	{ BRIDGE("vmbr0", "\"vlan_filtering\":1,\"vlan_default_pvid\":7") NIC("eth0", "vmbr0") VLANS("eth0", OWN("7"))
	  TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("7")) END, "vmbr0/ ", "" },
	/* VLAN 1 with and without tag on the wire */
	{ AWARE NIC("eth0", "vmbr0") VLANS("eth0", "{\"vlan\":1},{\"vlan\":7}") TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("1")) END, "vmbr0/ ", "" },
	/* two VLANs without tag, and tags next to another PVID */
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("7") ",{\"vlan\":8,\"flags\":[\"Egress Untagged\"]}") END, "", "vnet0 " },
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", OWN("7") ",{\"vlan\":8}") END, "", "vnet0 " },
	/* trunks that differ in untagged frames only */
	{ AWARE UPLINK TAP("vnet0", "vmbr0") VLANS("vnet0", "{\"vlan\":7}") TAP("vnet1", "vmbr0") VLANS("vnet1", OWN("1") ",{\"vlan\":7}") END,
	  "", "vnet0 vnet1 " },
};
/* clang-format on */

static void append(char text[128], const char *name, const char *suffix)
{
	size_t n = strlen(text);

	snprintf(text + n, 128 - n, "%s%s ", name, suffix);
}

static void describe_group(const struct plan_group *group, char of[128], char named[128])
{
	if (group->bridge[0])
		append(of, group->bridge, "");
	for (size_t p = 0; p < group->n_ports; p++)
		if (!group->ports[p].host && !group->ports[p].by_bridge)
			append(named, group->ports[p].interface, "");
}

static void describe(const struct plan *plan, char of[128], char named[128])
{
	*of = *named = '\0';
	for (size_t s = 0; s < plan->n_switches; s++) {
		const struct plan_switch *sw = &plan->switches[s];

		if (sw->bridge[0])
			append(of, sw->bridge, "/");
		for (size_t g = 0; g < sw->n_groups; g++)
			describe_group(&sw->groups[g], of, named);
	}
}

Test(import_map_bridges, a_bridge_goes_on_where_its_members_choose_the_same_group)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = NULL;
		struct net_place place = { "t", 0 };
		char of[128], named[128];
		struct errors errors = {};
		struct network network;
		struct plan *plan = NULL;

		cr_assert_geq(asprintf(&text, "[%s]", rows[i].text), 0);
		network_init(&network, &errors);
		read_ip(&network, place, text);
		cr_assert_eq(import_map(&network, NULL, &plan), 0, "row %zu: %s", i,
			     errors.n ? errors.messages[0] : "");
		describe(plan, of, named);
		cr_expect_str_eq(of, rows[i].of, "row %zu: %s", i, of);
		cr_expect_str_eq(named, rows[i].named, "row %zu: %s", i, named);
		plan_free(plan);
		network_done(&network);
		errors_done(&errors);
	}
}

/* The members of its bonds and VLANs leave it; the bridge and its machines stay. */
Test(import_map_bridges, bonds_and_vlan_devices_leave)
{
	struct errors errors = {};
	struct network network;
	struct plan *plan = NULL;

	network_init(&network, &errors);
	cr_assert_eq(import_read(&network, "ip:tests/unit/data/import/bond-vlan-bridge"), 0);
	cr_assert_eq(import_map(&network, NULL, &plan), 0);
	cr_expect(plan_keeps_bridge(plan, "br100") && plan_keeps_bridge(plan, "br200"));
	cr_expect(!plan_keeps_bridge(plan, "bond0") && !plan_keeps_bridge(plan, ""));
	cr_expect_str_eq(plan_bridge_to_leave(plan, network_find(&network, "bond0.100")), "br100");
	cr_expect_null(plan_bridge_to_leave(plan, network_find(&network, "bond0.10")));
	cr_expect_null(plan_bridge_to_leave(plan, network_find(&network, "vnet0")));
	plan_free(plan);
	network_done(&network);
	errors_done(&errors);
}
