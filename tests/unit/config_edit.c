// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Ports that are added to and removed from a model: the checks of the file, with names in place of
 * paths. */
#include <criterion/criterion.h>
#include <sys/socket.h>

#include "common/util.h"
#include "config/model.h"
#include "config_text.h"

static const char text[] = SWITCHES(
	TWO(SWITCH(GROUPS(TWO("{name: prod, vlan: 10, " PORTS(PORT("vnet0", MAC_A)) "}",
			      TWO("{name: trunk, vlan: '5,10-20', " PORTS(PORT("vnet1", MAC_B)) "}",
				  "{name: lab, security: {mac-learning: true}}")))),
	    "{name: s1, uplinks: [eth2, up-sw], " GROUPS(
		    "{name: prod, vlan: 10, " PORTS("{interface: vmk0, host: true}") "}") "}"));

static struct model *model;
static struct errors errors;

static void setup(void)
{
	cr_assert_eq(config_parse(text, strlen(text), "t.yaml", &model, &errors), 0);
}

static void teardown(void)
{
	errors_done(&errors);
	model_free(model);
}

TestSuite(config_edit, .init = setup, .fini = teardown);

#define MAC(last) .has_mac = true, .mac = { 0x52, 0x54, 0, 0, 0, last }

static const struct {
	const char *sw, *group;
	struct port_cfg port;
	int result;
	const char *message;
} refused[] = {
	{ "s9", "prod", { .interface = "new", MAC(1) }, -ENOENT, "new: s9: no such switch" },
	{ "s0",
	  "test",
	  { .interface = "new", MAC(1) },
	  -ENOENT,
	  "new: s0: no port group test in this switch" },
	{ "s0",
	  "prod",
	  { .interface = "vnet0", MAC(1) },
	  -EEXIST,
	  "vnet0.interface: vnet0: is already a port (s0, group prod)" },
	{ "s1",
	  "prod",
	  { .interface = "vnet1", MAC(1) },
	  -EEXIST,
	  "vnet1.interface: vnet1: is already a port (s0, group trunk)" },
	{ "s0",
	  "prod",
	  { .interface = "eth2", MAC(1) },
	  -EEXIST,
	  "eth2.interface: eth2: is already an uplink (s1): must be either an uplink or a port" },
	{ "s0",
	  "prod",
	  { .interface = "vmk0-sw", MAC(1) },
	  -EEXIST,
	  "vmk0-sw.interface: vmk0-sw: is already the far end of a host port (s1, group prod): must be another name" },
	{ "s0",
	  "prod",
	  { .interface = "up", .host = true },
	  -EEXIST,
	  "up.interface: up: its far end would be up-sw, which is already an uplink (s1): must be another name" },
	{ "s0",
	  "prod",
	  { .interface = "a/b", MAC(1) },
	  -EINVAL,
	  "a/b.interface: a/b: must be an interface name: 1-15 characters without '/', ':' and spaces" },
	{ "s0",
	  "prod",
	  { .interface = "", MAC(1) },
	  -EINVAL,
	  "interface: \"\": must be an interface name: 1-15 characters without '/', ':' and spaces" },
	{ "s0",
	  "prod",
	  { .interface = "new", MAC(0x0a) },
	  -EEXIST,
	  "new.mac: " MAC_A ": is already used in VLAN 10 (s0, group prod)" },
	{ "s0",
	  "prod",
	  { .interface = "new", MAC(0x0b) },
	  -EEXIST,
	  "new.mac: " MAC_B ": is already used in VLAN 10 (s0, group trunk)" },
	{ "s0",
	  "prod",
	  { .interface = "new" },
	  -EINVAL,
	  "new.mac: missing: must be given, or mac-learning: true for the group, or host: true" },
	{ "s0",
	  "prod",
	  { .interface = "new", .has_mac = true, .mac = { 1, 0, 0, 0, 0, 1 } },
	  -EINVAL,
	  "new.mac: 01:00:00:00:00:01: must be a unicast MAC address and not zero" },
	{ "s0",
	  "lab",
	  { .interface = "new", .has_mac = true },
	  -EINVAL,
	  "new.mac: 00:00:00:00:00:00: must be a unicast MAC address and not zero" },
	{ "s0",
	  "lab",
	  { .interface = "new",
	    .addresses = (struct address[]){ { AF_INET, 24, { 192, 0, 2, 1 } } },
	    .n_addresses = 1 },
	  -EINVAL,
	  "new.address: needs host: true, but host is false: set host: true, or remove address" },
};

static size_t total(void)
{
	size_t n = 0;

	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			n += model->switches[s].groups[g].n_ports;
	return n;
}

Test(config_edit, refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int r = model_add_port(model, refused[i].sw, refused[i].group, &refused[i].port,
				       &errors);

		cr_expect_eq(r, refused[i].result, "row %zu: %d", i, r);
		cr_assert_eq(errors.n, 1, "row %zu: %zu messages", i, errors.n);
		cr_expect_str_eq(errors.messages[0], refused[i].message, "row %zu: %s", i,
				 errors.messages[0]);
		cr_expect_eq(total(), 3, "row %zu changed the model", i);
		errors_done(&errors);
	}
}

Test(config_edit, refused_without_a_list_of_errors)
{
	cr_expect_eq(model_add_port(model, "s0", "prod", &refused[2].port, NULL), -EEXIST);
}

Test(config_edit, all_mistakes_of_one_port)
{
	struct port_cfg port = { .interface = "vnet0", MAC(0x0b) };

	cr_expect_eq(model_add_port(model, "s0", "prod", &port, &errors), -EEXIST);
	cr_assert_eq(errors.n, 2);
}

/* The model keeps copies of the caller's addresses. */
Test(config_edit, add_and_remove)
{
	struct address *address = malloc(sizeof(*address));
	struct port_cfg port = { .interface = "new", MAC(1), .runtime = true };
	struct port_cfg host = {
		.interface = "vmk9", .host = true, .addresses = address, .n_addresses = 1
	};
	struct port_cfg learning = { .interface = "learned" };
	struct group_cfg *group = model_find_group(&model->switches[0], "prod");

	*address = (struct address){ AF_INET, 24, { 192, 0, 2, 1 } };
	cr_assert_eq(model_add_port(model, "s0", "prod", &port, &errors), 0);
	cr_assert_eq(model_add_port(model, "s0", "prod", &host, &errors), 0);
	cr_assert_eq(model_add_port(model, "s0", "lab", &learning, &errors), 0);
	free(address);
	cr_assert_eq(group->n_ports, 3);
	cr_expect_str_eq(group->ports[1].interface, "new");
	cr_expect(group->ports[1].runtime && group->ports[1].has_mac);
	cr_expect_eq(group->ports[2].addresses[0].prefix_length, 24);
	cr_expect_eq(model_add_port(model, "s1", "prod", &port, &errors), -EEXIST);
	errors_done(&errors);

	cr_expect_eq(model_remove_port(model, "vnet0", &errors), 0);
	cr_assert_eq(group->n_ports, 2);
	cr_expect_str_eq(group->ports[0].interface, "new");
	cr_expect_str_eq(group->ports[1].interface, "vmk9");
	cr_expect_eq(model_remove_port(model, "vmk9", &errors), 0);
	cr_expect_eq(model_remove_port(model, "vnet0", &errors), -ENOENT);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0], "vnet0: no such port");
	errors_done(&errors);
	cr_expect_eq(model_remove_port(model, "eth0", &errors), -ENOENT);

	/* A removed name is free. */
	cr_expect_eq(model_remove_port(model, "new", &errors), 0);
	cr_expect_eq(model_add_port(model, "s1", "prod", &port, &errors), 0);
}

/* The same MAC address in the same VLAN of another switch, and in another VLAN of the same one. */
Test(config_edit, same_mac_elsewhere)
{
	struct port_cfg port = { .interface = "x0", MAC(0x0a) };

	cr_expect_eq(model_add_port(model, "s1", "prod", &port, &errors), 0);
	snprintf(port.interface, sizeof(port.interface), "x1");
	cr_expect_eq(model_add_port(model, "s0", "lab", &port, &errors), 0);
	snprintf(port.interface, sizeof(port.interface), "x2");
	cr_expect_eq(model_add_port(model, "s0", "trunk", &port, &errors), -EEXIST);
}

/* ---- many ports with one index ---- */
Test(config_edit, editor_counts_what_it_adds)
{
	struct model_editor *editor = NULL;
	struct port_cfg port = { .has_mac = true, .mac = { 0x52, 0x54, 0, 1 } };
	size_t added = 0;

	cr_assert_eq(model_editor_new(model, &editor), 0);
	for (unsigned int i = 0; i < UL_MAX_PORTS; i++) {
		snprintf(port.interface, sizeof(port.interface), "tap%u", i);
		port.mac[4] = (uint8_t)(i >> 8);
		port.mac[5] = (uint8_t)i;
		added += model_editor_add_port(editor, "s0", i % 2 ? "prod" : "lab", &port,
					       &errors) == 0;
	}
	/* s0 had two ports already. */
	cr_expect_eq(added, UL_MAX_PORTS - 2, "%zu", added);
	cr_assert_eq(errors.n, 2);
	cr_expect_str_eq(errors.messages[0],
			 "tap4094: s0 has 4096 ports already: must be at most 4096");
	model_editor_free(editor);
	cr_expect_eq(model_find_group(&model->switches[0], "lab")->n_ports, UL_MAX_PORTS / 2 - 1);
}

Test(config_edit, editor_sees_earlier_additions)
{
	struct model_editor *editor = NULL;
	struct port_cfg port = { .interface = "tap0", MAC(1) };
	struct port_cfg other = { .interface = "tap1", MAC(1) };

	cr_assert_eq(model_editor_new(model, &editor), 0);
	cr_assert_eq(model_editor_add_port(editor, "s0", "prod", &port, &errors), 0);
	cr_expect_eq(model_editor_add_port(editor, "s0", "prod", &port, NULL), -EEXIST);
	cr_expect_eq(model_editor_add_port(editor, "s0", "prod", &other, &errors), -EEXIST);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(
		errors.messages[0],
		"tap1.mac: 52:54:00:00:00:01: is already used in VLAN 10 (s0, group prod)");
	model_editor_free(editor);
}

Test(config_edit, refused_port_leaves_its_names_free)
{
	struct model_editor *editor = NULL;
	struct port_cfg port = { .interface = "tap0", MAC(0x0a), .host = true };

	cr_assert_eq(model_editor_new(model, &editor), 0);
	cr_expect_eq(model_editor_add_port(editor, "s0", "prod", &port, NULL), -EEXIST);
	port.mac[5] = 1;
	cr_expect_eq(model_editor_add_port(editor, "s0", "prod", &port, &errors), 0);
	model_editor_free(editor);
}

/* ---- reload ---- */
Test(config_edit, reload_keeps_runtime_ports)
{
	static const char changed[] = SWITCHES(SWITCH(
		GROUPS("{name: prod, vlan: 10, " PORTS(PORT("vnet0", MAC_A)) "}, {name: lab}")));
	struct port_cfg stays = { .interface = "tap0", MAC(1), .runtime = true };
	struct port_cfg learning = { .interface = "tap1", .runtime = true };
	struct port_cfg no_switch = { .interface = "tap2", MAC(2), .runtime = true };
	struct model *next = NULL;
	const struct port_cfg *kept;

	cr_assert_eq(model_add_port(model, "s0", "prod", &stays, &errors), 0);
	cr_assert_eq(model_add_port(model, "s0", "lab", &learning, &errors), 0);
	cr_assert_eq(model_add_port(model, "s1", "prod", &no_switch, &errors), 0);
	cr_assert_eq(config_parse(changed, strlen(changed), "t.yaml", &next, &errors), 0);
	cr_expect_eq(model_keep_runtime_ports(model, next, &errors), 0);
	cr_assert_eq(errors.n, 2);
	cr_expect_str_eq(
		errors.messages[0],
		"tap1.mac: missing: must be given, or mac-learning: true for the group, or host: true");
	cr_expect_str_eq(errors.messages[1], "tap2: s1: no such switch");
	kept = switch_find_port(&next->switches[0], "tap0");
	cr_assert_not_null(kept);
	cr_expect(kept->runtime);
	cr_expect_null(switch_find_port(&next->switches[0], "vnet1"), "a port of the file");
	model_free(next);
}
