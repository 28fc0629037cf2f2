// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* What a switch-over moves, from the outputs of `ip` of the golden files, and the files of other
 * software that name it. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "config/value.h"
#include "import/adopt.h"
#include "import/import.h"
#include "import/texts.h"

TestSuite(import_moves, .timeout = 300);

#define DIR "tests/unit/data/import/"

struct fixture {
	struct network network;
	struct errors errors;
	struct plan *plan;
};

static void fixture_init(struct fixture *fixture, const char *source, const char *uplinks)
{
	*fixture = (struct fixture){};
	network_init(&fixture->network, &fixture->errors);
	cr_assert_eq(import_read(&fixture->network, source), 0);
	cr_assert_eq(import_map(&fixture->network, uplinks, &fixture->plan), 0);
}

static void fixture_done(struct fixture *fixture)
{
	plan_free(fixture->plan);
	network_done(&fixture->network);
	errors_done(&fixture->errors);
}

static void expect_moves(const struct fixture *fixture, const char *expected)
{
	json_auto_t *moves = adopt_moves(fixture->plan);
	char *text = json_dumps(moves, JSON_COMPACT);

	cr_assert(text);
	cr_expect_str_eq(text, expected);
	free(text);
}

Test(import_moves, one_member_of_a_bond_leaves_first)
{
	struct fixture fixture;

	fixture_init(&fixture, "ip:" DIR "bond-vlan-bridge", NULL);
	expect_moves(
		&fixture,
		"{\"links\":[{\"name\":\"nic0\",\"first\":false},{\"name\":\"nic1\",\"first\":true},"
		"{\"name\":\"vnet0\",\"bridge\":\"br100\",\"stays\":true},{\"name\":\"vnet1\",\"bridge\":\"br100\",\"stays\":true},"
		"{\"name\":\"vnet2\",\"bridge\":\"br200\",\"stays\":true},"
		"{\"name\":\"bond0.100\",\"bridge\":\"br100\",\"stays\":false},{\"name\":\"bond0.200\",\"bridge\":\"br200\",\"stays\":false}],"
		"\"owners\":[{\"name\":\"bond0.10\",\"to\":\"vmk1\"},{\"name\":\"br200\",\"to\":\"vmk0\"}],"
		"\"down\":[]}");
	fixture_done(&fixture);
}

/* Rows: members with a carrier, the active one; the member that leaves first, NULL: none. */
Test(import_moves, the_active_and_the_only_member_do_not_leave_first)
{
	static const struct {
		bool carrier[2];
		const char *active, *first;
	} rows[] = {
		{ { true, true }, "", "nic1" },	    { { true, true }, "nic0", "nic1" },
		{ { true, true }, "nic1", "nic0" }, { { true, false }, "", NULL },
		{ { false, true }, "nic1", NULL },  { { false, false }, "", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *moves = NULL;
		const char *first = NULL;
		struct fixture fixture;
		struct net_interface *bond;
		size_t n;
		json_t *link;

		fixture_init(&fixture, "ip:" DIR "bond-vlan-bridge", NULL);
		bond = network_find(&fixture.network, "bond0");
		snprintf(bond->bond.active, sizeof(bond->bond.active), "%s", rows[i].active);
		network_find(&fixture.network, "nic0")->carrier = rows[i].carrier[0];
		network_find(&fixture.network, "nic1")->carrier = rows[i].carrier[1];
		moves = adopt_moves(fixture.plan);
		json_array_foreach(json_object_get(moves, "links"), n, link)
			if (json_is_true(json_object_get(link, "first")))
				first = json_string_value(json_object_get(link, "name"));
		if (rows[i].first)
			cr_expect_str_eq(first ? first : "none", rows[i].first, "row %zu", i);
		else
			cr_expect_null(first, "row %zu: %s", i, first);
		fixture_done(&fixture);
	}
}

Test(import_moves, nics_of_a_bridge_leave_together)
{
	struct fixture fixture;

	fixture_init(&fixture, "ip:" DIR "veth/address.json", "eth0,eth1");
	expect_moves(
		&fixture,
		"{\"links\":[{\"name\":\"eth0\",\"first\":false},{\"name\":\"eth1\",\"first\":false},"
		"{\"name\":\"vm-web1\",\"bridge\":\"br0\",\"stays\":true},{\"name\":\"ct0\",\"bridge\":\"br0\",\"stays\":true}],"
		"\"owners\":[{\"name\":\"br0\",\"to\":\"vmk0\"}],\"down\":[]}");
	cr_expect_null(adopt_find_foreign(fixture.plan));
	fixture_done(&fixture);
}

Test(import_moves, a_vlan_device_of_a_nic_is_set_down)
{
	struct fixture fixture;
	json_auto_t *moves = NULL;
	struct net_interface *vlan;

	fixture_init(&fixture, "ip:" DIR "bond-vlan-bridge", NULL);
	vlan = network_find(&fixture.network, "bond0.10");
	snprintf(vlan->parent, sizeof(vlan->parent), "nic0");
	moves = adopt_moves(fixture.plan);
	cr_expect_eq(json_array_size(json_object_get(moves, "down")), 1u);
	fixture_done(&fixture);
}

Test(import_moves, a_vlan_device_of_an_attachment_bridge_is_set_down)
{
	struct fixture fixture;
	json_auto_t *moves = NULL;
	_cleanup_free_ char *down = NULL;

	fixture_init(&fixture, "ip:" DIR "vlan-aware", NULL);
	moves = adopt_moves(fixture.plan);
	down = json_dumps(json_object_get(moves, "down"), JSON_COMPACT);
	cr_expect_str_eq(down, "[\"v20\"]");
	fixture_done(&fixture);
}

Test(import_moves, open_vswitch_is_not_moved)
{
	struct fixture fixture;

	fixture_init(&fixture, "ovs:" DIR "ovs/ovs.json", NULL);
	cr_expect(adopt_find_foreign(fixture.plan));
	fixture_done(&fixture);
}

/* A host port has the address of what it replaces; twice in one VLAN it would be refused. */
Test(import_moves, host_ports_keep_the_mac_address)
{
	struct fixture fixture;
	size_t n_with = 0, n = 0;

	fixture_init(&fixture, "ip:" DIR "bond-vlan-bridge", NULL);
	for (size_t g = 0; g < fixture.plan->switches[0].n_groups; g++) {
		const struct plan_group *group = &fixture.plan->switches[0].groups[g];

		for (size_t p = 0; p < group->n_ports; p++) {
			const struct plan_port *port = &group->ports[p];

			if (!port->host)
				continue;
			n++;
			n_with += port->has_mac &&
				  memcmp(port->mac, port->origin->mac, sizeof(port->mac)) == 0;
		}
	}
	cr_expect_eq(n, 2u);
	cr_expect_eq(n_with, n);
	fixture_done(&fixture);
}

Test(import_moves, files_that_name_it_are_listed_with_their_lines)
{
	struct text_list list = {};
	struct fixture fixture;
	struct network files;
	struct errors errors = {};

	fixture_init(&fixture, "ifupdown:" DIR "ifupdown/interfaces", NULL);
	network_init(&files, &errors);
	cr_assert_eq(import_read(&files, "ifupdown:" DIR "ifupdown/interfaces"), 0);
	adopt_list_files(fixture.plan, &files, &list);
	cr_expect_geq(list.n, fixture.plan->n_replaced);
	for (size_t i = 0; i < list.n; i++)
		cr_expect(strncmp(list.texts[i], DIR "ifupdown/", strlen(DIR "ifupdown/")) == 0 &&
				  (strstr(list.texts[i], ": remove it") ||
				   strstr(list.texts[i], "leave it without addresses")),
			  "%s", list.texts[i]);
	text_list_done(&list);
	network_done(&files);
	errors_done(&errors);
	fixture_done(&fixture);
}

Test(import_moves, connections_of_networkmanager_are_listed)
{
	char folder[] = "/tmp/uplinkd-nm-XXXXXX", path[sizeof(folder) + 32];
	struct text_list list = {};
	struct fixture fixture;
	struct network files;
	struct errors errors = {};
	FILE *file;

	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/bond.nmconnection", folder);
	file = fopen(path, "we");
	cr_assert(file && fputs("[connection]\nid=x\ninterface-name=bond0\n", file) >= 0 &&
		  fclose(file) == 0);
	fixture_init(&fixture, "ip:" DIR "bond-vlan-bridge", NULL);
	network_init(&files, &errors);
	cr_expect_eq(import_read_nm(&files, folder), 0);
	adopt_list_files(fixture.plan, &files, &list);
	cr_assert_eq(list.n, 1u);
	cr_expect_str_eq(strstr(list.texts[0], "/bond."), "/bond.nmconnection:3: bond0: remove it");
	cr_expect_eq(import_read_nm(&files, "/nonexistent/folder"), -ENOENT);
	unlink(path);
	rmdir(folder);
	text_list_done(&list);
	network_done(&files);
	errors_done(&errors);
	fixture_done(&fixture);
}
