// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Models of correct files: defaults, inheritance, resolved lists, VLANs, names, copies. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>

#include "common/util.h"
#include "config/model.h"
#include "config_text.h"

/* The example of the configuration's specification, with the channel that its lacp settings need
 * and without the metrics endpoint. */
static const char complete[] =
	"switches:\n"
	"  - name: vswitch0              # 1-15 of [a-z0-9-]; unique\n"
	"    mtu: 1500\n"
	"    receive: auto\n"
	"    uplinks: [eth0, eth1]\n"
	"    channel: lacp\n"
	"    lacp:\n"
	"      activity: active\n"
	"      rate: slow\n"
	"      system-priority: 65535\n"
	"      system-id: 02:00:00:00:00:01\n"
	"      key: 1\n"
	"      port-priority: 255\n"
	"      min-links: 1\n"
	"      fallback: none\n"
	"    teaming:\n"
	"      load-balancing: src-dst-ip\n"
	"      rehash: minimal\n"
	"      iphash-octets: all\n"
	"      failure-detection: link\n"
	"      notify-switches: true\n"
	"      failback: true\n"
	"      active: [eth0, eth1]\n"
	"      standby: []\n"
	"    up-delay-ms: 100\n"
	"    security: {promiscuous: false, mac-changes: false, forged-transmits: false, mac-learning: false}\n"
	"    port-groups:\n"
	"      - name: prod\n"
	"        vlan: 100\n"
	"        teaming: {}\n"
	"        security: {}\n"
	"        ports:\n"
	"          - {interface: vnet0, mac: \"52:54:00:12:34:56\"}\n"
	"          - {interface: vmk0, host: true, address: [192.0.2.10/24]}\n"
	"control: {socket: /run/uplinkd/uplinkd.sock, group: uplinkd, group-may: read}\n";

static struct model *parse(const char *text)
{
	struct errors errors = { 0 };
	struct model *model = NULL;
	int r = config_parse(text, strlen(text), "t.yaml", &model, &errors);

	cr_assert_eq(r, 0, "%s\n%s", text, errors.n ? errors.messages[0] : "no message");
	cr_assert_eq(errors.n, 0);
	errors_done(&errors);
	return model;
}

static void expect_list(const uint8_t *list, uint32_t n, const char *expected, const char *what)
{
	char text[64] = "";

	for (uint32_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "",
			 list[i]);
	cr_expect_str_eq(text, expected, "%s: %s, expected %s", what, text, expected);
}

static void expect_teaming(const struct teaming *teaming, const char *active, const char *standby)
{
	expect_list(teaming->active, teaming->n_active, active, "active");
	expect_list(teaming->standby, teaming->n_standby, standby, "standby");
}

static void expect_complete(const struct model *model)
{
	static const uint8_t system_id[6] = { 2, 0, 0, 0, 0, 1 },
			     mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	const struct switch_cfg *sw = &model->switches[0];
	const struct group_cfg *group = &sw->groups[0];

	cr_assert_eq(model->n_switches, 1);
	cr_expect_str_eq(sw->name, "vswitch0");
	cr_expect_eq(sw->mtu, 1500);
	cr_expect_eq(sw->receive, UL_RECEIVE_AUTO);
	cr_expect_eq(sw->channel, UL_CHANNEL_LACP);
	cr_expect_eq(sw->up_delay_ms, 100);
	cr_expect_eq(sw->carrier_poll_ms, 10);
	cr_assert_eq(sw->n_uplinks, 2);
	cr_expect_str_eq(sw->uplinks[0], "eth0");
	cr_expect_str_eq(sw->uplinks[1], "eth1");

	cr_expect_eq(sw->lacp.activity, CFG_LACP_ACTIVE);
	cr_expect_eq(sw->lacp.rate, CFG_LACP_SLOW);
	cr_expect_eq(sw->lacp.fallback, LACP_FALLBACK_NONE);
	cr_expect_eq(sw->lacp.system_priority, 65535);
	cr_expect_eq(sw->lacp.key, 1);
	cr_expect_eq(sw->lacp.port_priority, 255);
	cr_expect_eq(sw->lacp.min_links, 1);
	cr_expect(sw->lacp.has_system_id);
	cr_expect_arr_eq(sw->lacp.system_id, system_id, 6);

	cr_expect_eq(sw->teaming.method, UL_M_SRC_DST_IP);
	cr_expect(sw->teaming.notify_switches && sw->teaming.failback && !sw->teaming.modulo &&
		  !sw->teaming.last_octet);
	cr_expect_eq(sw->teaming.detection, DETECT_LINK);
	expect_teaming(&sw->teaming, "0 1", "");

	cr_assert_eq(sw->n_groups, 1);
	cr_expect_str_eq(group->name, "prod");
	cr_expect_eq(group->vlan_mode, UL_VLAN_VST);
	cr_expect_eq(group->vid, 100);
	cr_expect_eq(group->teaming.method, UL_M_SRC_DST_IP);
	expect_teaming(&group->teaming, "0 1", "");

	cr_assert_eq(group->n_ports, 2);
	cr_expect_str_eq(group->ports[0].interface, "vnet0");
	cr_expect(group->ports[0].has_mac && !group->ports[0].host && !group->ports[0].runtime);
	cr_expect_arr_eq(group->ports[0].mac, mac, 6);
	cr_expect_eq(group->ports[0].n_addresses, 0);
	cr_expect_str_eq(group->ports[1].interface, "vmk0");
	cr_expect(!group->ports[1].has_mac && group->ports[1].host);
	cr_assert_eq(group->ports[1].n_addresses, 1);
	cr_expect_eq(group->ports[1].addresses[0].family, AF_INET);
	cr_expect_eq(group->ports[1].addresses[0].prefix_length, 24);
	cr_expect_arr_eq(group->ports[1].addresses[0].bytes, ((uint8_t[]){ 192, 0, 2, 10 }), 4);

	cr_expect_str_eq(model->control_socket, "/run/uplinkd/uplinkd.sock");
	cr_expect_str_eq(model->control_group, "uplinkd");
	cr_expect(model->control_group_reads);
}

Test(config_model, complete_example)
{
	struct model *model = parse(complete);

	expect_complete(model);
	model_free(model);
}

/* As the specification prints it: a static channel with lacp settings, and the metrics endpoint
 * of a later version. */
Test(config_model, complete_example_as_printed)
{
	_cleanup_free_ char *text = NULL;
	struct errors errors = { 0 };
	const char *channel = strstr(complete, "lacp\n");
	struct model *model = NULL;

	cr_assert_gt(asprintf(&text, "%.*sstatic\n%smetrics: {listen: \"127.0.0.1:9786\"}\n",
			      (int)(channel - complete), complete, channel + strlen("lacp\n")),
		     0);
	cr_expect_eq(config_parse(text, strlen(text), "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 2, "%zu: %s", errors.n, errors.n ? errors.messages[0] : "");
	cr_expect_str_eq(errors.messages[0], "t.yaml:36: metrics: not available in this version");
	cr_expect_str_eq(
		errors.messages[1],
		"t.yaml:7: switches[0].lacp: needs channel: lacp, but channel is static: set channel to lacp, or remove lacp");
	errors_done(&errors);
}

Test(config_model, defaults)
{
	struct model *model = parse(
		"switches: [{name: a, uplinks: [eth1, eth0], port-groups: [{name: g}]}, "
		"{name: b, uplinks: [eth2], channel: static, port-groups: , teaming: , security: }]\ncontrol:\n");
	const struct switch_cfg *a = &model->switches[0], *b = &model->switches[1];

	cr_expect_eq(a->mtu, 1500);
	cr_expect_eq(a->receive, UL_RECEIVE_AUTO);
	cr_expect_eq(a->channel, UL_CHANNEL_NONE);
	cr_expect_eq(a->up_delay_ms, 100);
	cr_expect_eq(a->carrier_poll_ms, 10);
	cr_expect_eq(a->teaming.method, UL_M_PORT_ID);
	cr_expect(a->teaming.notify_switches && a->teaming.failback && !a->teaming.modulo &&
		  !a->teaming.last_octet);
	expect_teaming(&a->teaming, "0 1", "");
	cr_expect(!a->security.promiscuous && !a->security.mac_changes &&
		  !a->security.forged_transmits && !a->security.mac_learning);
	cr_expect_eq(a->groups[0].vlan_mode, UL_VLAN_EST);
	cr_expect_eq(a->groups[0].vid, 0);
	cr_expect_eq(a->groups[0].n_ports, 0);
	cr_expect_eq(a->groups[0].teaming.method, UL_M_PORT_ID);
	cr_expect_eq(b->teaming.method, UL_M_SRC_DST_IP);
	cr_expect_eq(b->n_groups, 0);
	cr_expect_eq(b->lacp.activity, CFG_LACP_ACTIVE);
	cr_expect_eq(b->lacp.key, 1);
	cr_expect(!b->lacp.has_system_id);
	cr_expect_null(model->control_socket);
	cr_expect_not(model->control_group_reads, "the default is change");
	cr_expect_null(model->control_group);
	model_free(model);
}

Test(config_model, every_item_away_from_its_default)
{
	struct model *model = parse(
		"switches:\n"
		"  - {name: a, uplinks: [e0, e1, e2], mtu: 9216, receive: xdp, channel: lacp, up-delay-ms: 1800000, carrier-poll-ms: 0,\n"
		"     lacp: {activity: passive, rate: fast, system-priority: 1, key: 65535, port-priority: 1, min-links: 3, fallback: individual},\n"
		"     teaming: {load-balancing: src-dst-ip-port, rehash: modulo, iphash-octets: last, notify-switches: false,\n"
		"               failback: false, active: [e2, e0]},\n"
		"     security: {promiscuous: true, mac-changes: true, forged-transmits: true, mac-learning: true},\n"
		"     port-groups: [{name: 'a b, c', vlan: 4095, qinq: true, ports: [{interface: v0}]}]}\n");
	const struct switch_cfg *sw = &model->switches[0];
	const struct group_cfg *group = &sw->groups[0];

	cr_expect(group->qinq);
	cr_expect_eq(sw->mtu, 9216);
	cr_expect_eq(sw->receive, UL_RECEIVE_XDP);
	cr_expect_eq(sw->up_delay_ms, 1800000);
	cr_expect_eq(sw->carrier_poll_ms, 0);
	cr_expect_eq(sw->lacp.activity, CFG_LACP_PASSIVE);
	cr_expect_eq(sw->lacp.rate, CFG_LACP_FAST);
	cr_expect_eq(sw->lacp.system_priority, 1);
	cr_expect_eq(sw->lacp.key, 65535);
	cr_expect_eq(sw->lacp.port_priority, 1);
	cr_expect_eq(sw->lacp.min_links, 3);
	cr_expect_eq(sw->lacp.fallback, LACP_FALLBACK_INDIVIDUAL);
	cr_expect_eq(group->teaming.method, UL_M_SRC_DST_IP_PORT);
	cr_expect(group->teaming.modulo && group->teaming.last_octet &&
		  !group->teaming.notify_switches && !group->teaming.failback);
	expect_teaming(&group->teaming, "2 0", "");
	cr_expect(group->security.promiscuous && group->security.mac_changes &&
		  group->security.forged_transmits && group->security.mac_learning);
	cr_expect_str_eq(group->name, "a b, c");
	cr_expect(!group->ports[0].has_mac);
	model_free(model);
}

Test(config_model, inheritance_item_by_item)
{
	struct model *model = parse(
		"switches:\n"
		"  - name: a\n"
		"    port-groups:\n"
		"      - {name: same}\n"
		"      - {name: swapped, teaming: {active: [e1], standby: [e0]}}\n"
		"      - {name: method, teaming: {load-balancing: src-mac, notify-switches: true}}\n"
		"      - {name: no-standby, teaming: {standby: []}, security: {promiscuous: false}}\n"
		"      - {name: same-again, security: {mac-changes: true}}\n"
		"    teaming: {load-balancing: failover-order, active: [e0], standby: [e1, e2], notify-switches: false}\n"
		"    security: {promiscuous: true}\n"
		"    uplinks: [e0, e1, e2]\n");
	const struct group_cfg *g = model->switches[0].groups;

	expect_teaming(&model->switches[0].teaming, "0", "1 2");
	expect_teaming(&g[0].teaming, "0", "1 2");
	cr_expect_eq(g[0].teaming.method, UL_M_FAILOVER_ORDER);
	cr_expect(!g[0].teaming.notify_switches && g[0].security.promiscuous);
	expect_teaming(&g[1].teaming, "1", "0");
	cr_expect_eq(g[1].teaming.method, UL_M_FAILOVER_ORDER);
	expect_teaming(&g[2].teaming, "0", "1 2");
	cr_expect_eq(g[2].teaming.method, UL_M_SRC_MAC);
	cr_expect(g[2].teaming.notify_switches && !model->switches[0].teaming.notify_switches);
	expect_teaming(&g[3].teaming, "0", "");
	cr_expect(!g[3].security.promiscuous);
	cr_expect(g[4].security.promiscuous && g[4].security.mac_changes &&
		  !g[3].security.mac_changes);
	expect_teaming(&g[4].teaming, "0", "1 2");
	model_free(model);
}

static void expect_learning(const struct security *security, bool on, uint32_t limit,
			    enum learning_policy policy, uint32_t age_s, bool flooding)
{
	cr_expect_eq(security->mac_learning, on);
	cr_expect_eq(security->learning.limit, limit, "%u", security->learning.limit);
	cr_expect_eq(security->learning.policy, policy);
	cr_expect_eq(security->learning.age_s, age_s, "%u", security->learning.age_s);
	cr_expect_eq(security->learning.unicast_flooding, flooding);
}

Test(config_model, learning_defaults)
{
	struct model *model =
		parse(SWITCHES(SWITCH("security: {mac-learning: true}, " GROUPS(GROUP("")))));

	expect_learning(&model->switches[0].security, true, 4096, LEARNING_DROP, 600, true);
	expect_learning(&model->switches[0].groups[0].security, true, 4096, LEARNING_DROP, 600,
			true);
	cr_expect(!model->switches[0].security.guest_control_pass);
	model_free(model);
}

/* A group inherits the items of the mapping one by one, also where the switch does not learn. */
Test(config_model, learning_inheritance)
{
	struct model *model = parse(SWITCHES(SWITCH(
		"security: {guest-control-frames: pass, "
		"mac-learning: {limit: 8, policy: allow, age-s: 30, unicast-flooding: false}}, " GROUPS(
			"{name: a, security: {mac-learning: false}}, "
			"{name: b, security: {mac-learning: {limit: 9}}}, "
			"{name: c, security: {mac-learning: {}, guest-control-frames: drop}}, "
			"{name: d, security: {mac-learning: true}}"))));
	const struct group_cfg *groups = model->switches[0].groups;

	expect_learning(&model->switches[0].security, true, 8, LEARNING_ALLOW, 30, false);
	expect_learning(&groups[0].security, false, 8, LEARNING_ALLOW, 30, false);
	expect_learning(&groups[1].security, true, 9, LEARNING_ALLOW, 30, false);
	expect_learning(&groups[2].security, true, 8, LEARNING_ALLOW, 30, false);
	expect_learning(&groups[3].security, true, 8, LEARNING_ALLOW, 30, false);
	cr_expect(groups[1].security.guest_control_pass);
	cr_expect(!groups[2].security.guest_control_pass);
	model_free(model);
}

Test(config_model, default_active_leaves_out_standby)
{
	struct model *model =
		parse(SWITCHES("{name: a, uplinks: [e0, e1, e2], teaming: {standby: [e1]}, " GROUPS(
			TWO("{name: x}", "{name: y, teaming: {standby: [e2, e0]}}")) "}"));
	const struct group_cfg *g = model->switches[0].groups;

	expect_teaming(&model->switches[0].teaming, "0 2", "1");
	expect_teaming(&g[0].teaming, "0 2", "1");
	expect_teaming(&g[1].teaming, "1", "2 0");
	model_free(model);
}

/* Settings that a channel allows although they look like exceptions. */
Test(config_model, channel_accepts)
{
	/* clang-format off */
	static const char *const texts[] = {
		SWITCHES(STATIC("teaming: {standby: []}, " GROUPS(GROUP("teaming: {rehash: minimal, load-balancing: src-dst-ip}")))),
		SWITCHES(STATIC("teaming: {load-balancing: src-ip}")), SWITCHES(STATIC("teaming: {load-balancing: dst-ip}")),
		SWITCHES(STATIC("teaming: {load-balancing: src-mac}")), SWITCHES(LACP("teaming: {load-balancing: dst-mac}")),
		SWITCHES(LACP("teaming: {load-balancing: src-dst-mac}")), SWITCHES(LACP("teaming: {load-balancing: src-dst-ip-port}")),
		SWITCHES(LACP("lacp: ")), SWITCHES(SWITCH("teaming: {load-balancing: src-mac}")),
		SWITCHES(SWITCH("teaming: {load-balancing: failover-order}")), SWITCHES(SWITCH("teaming: {load-balancing: port-id}")),
		SWITCHES(STATIC("teaming: {rehash: modulo}, " GROUPS(GROUP("teaming: {rehash: modulo}")))),
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		model_free(parse(texts[i]));
}

/* The same MAC address in different VLANs and in different switches; the same group name in two
 * switches. */
Test(config_model, same_twice_where_it_does_not_matter)
{
	model_free(parse(SWITCHES(
		TWO(SWITCH(GROUPS(
			    TWO("{name: a, vlan: 1, " PORTS(PORT("v0", MAC_A)) "}",
				TWO("{name: b, vlan: 2, " PORTS(PORT("v1", MAC_A)) "}",
				    "{name: c, vlan: '0,3-4094', " PORTS(PORT("v2", MAC_A)) "}")))),
		    "{name: s1, uplinks: [eth2], " GROUPS(
			    "{name: a, vlan: 1, " PORTS(PORT("v3", MAC_A)) "}") "}"))));
}

Test(config_model, aliases)
{
	struct model *model = parse(
		"switches:\n"
		"  - {name: a, uplinks: [e0, e1], teaming: &t {failback: false, active: &l [e1], standby: [e0]}, port-groups: []}\n"
		"  - {name: b, uplinks: [e2, e3], security: &s {promiscuous: true}, port-groups: [{name: x, security: *s}]}\n");

	expect_teaming(&model->switches[0].teaming, "1", "0");
	cr_expect(model->switches[1].groups[0].security.promiscuous);
	model_free(model);
}

static const struct {
	const char *text, *described;
	enum ul_vlan_mode mode;
	uint16_t vid;
	int n_vlans;   /* bits of the list */
	uint16_t some; /* one of them */
		       /* clang-format off */
} vlans[] = {
	{ "0", "0", UL_VLAN_EST, 0, 0, 0 },
	{ "1", "1", UL_VLAN_VST, 1, 0, 0 },
	{ "'4094'", "4094", UL_VLAN_VST, 4094, 0, 0 },
	{ "4095", "4095", UL_VLAN_VGT, UL_VLAN_TRUNK, 4095, 0 },
	{ "'10,20-30'", "10,20-30", UL_VLAN_VGT, UL_VLAN_TRUNK, 12, 30 },
	{ "10,20-30", "10,20-30", UL_VLAN_VGT, UL_VLAN_TRUNK, 12, 20 },
	{ "'30-30, 5,6,7'", "5-7,30", UL_VLAN_VGT, UL_VLAN_TRUNK, 4, 30 },
	{ "'10-10'", "10-10", UL_VLAN_VGT, UL_VLAN_TRUNK, 1, 10 },
	{ "'0,4094'", "0,4094", UL_VLAN_VGT, UL_VLAN_TRUNK, 2, 4094 },
	{ "'0-4094'", "4095", UL_VLAN_VGT, UL_VLAN_TRUNK, 4095, 64 },
	{ "'63-64'", "63-64", UL_VLAN_VGT, UL_VLAN_TRUNK, 2, 64 },
};
/* clang-format on */

Test(config_model, vlans)
{
	for (size_t i = 0; i < ARRAY_SIZE(vlans); i++) {
		_cleanup_free_ char *text = NULL;
		char described[64];
		struct group_cfg *group;
		struct model *model;
		int n = 0;

		cr_assert_gt(
			asprintf(
				&text,
				"switches:\n- name: a\n  uplinks: [e0]\n  port-groups:\n  - name: g\n    vlan: %s\n",
				vlans[i].text),
			0);
		model = parse(text);
		group = &model->switches[0].groups[0];
		cr_expect_eq(group->vlan_mode, vlans[i].mode, "%s", vlans[i].text);
		cr_expect_eq(group->vid, vlans[i].vid, "%s: %u", vlans[i].text, group->vid);
		for (size_t w = 0; w < ARRAY_SIZE(group->vlans); w++)
			n += __builtin_popcountll(group->vlans[w]);
		cr_expect_eq(n, vlans[i].n_vlans, "%s: %d", vlans[i].text, n);
		if (n)
			cr_expect(group->vlans[vlans[i].some / 64] >> (vlans[i].some % 64) & 1,
				  "%s", vlans[i].text);
		vlan_describe(group->vlan_mode, group->vid, group->vlans, described,
			      sizeof(described));
		cr_expect_str_eq(described, vlans[i].described, "%s: %s", vlans[i].text, described);
		model_free(model);
	}
}

Test(config_model, vlan_describe_in_little_room)
{
	uint64_t every_other[UL_N_VLANS / 64];
	char text[8];

	memset(every_other, 0x55, sizeof(every_other));
	vlan_describe(UL_VLAN_VGT, UL_VLAN_TRUNK, every_other, text, sizeof(text));
	cr_expect_str_eq(text, "0,2,4,6");
	vlan_describe(UL_VLAN_VGT, UL_VLAN_TRUNK, every_other, text, 1);
	cr_expect_str_eq(text, "");
}

Test(config_model, names_both_ways)
{
#define X(NAME, number, name, channels, inputs, help) \
	cr_expect_str_eq(method_name(UL_M_##NAME), name);
	UL_METHODS(X)
#undef X
#define X(NAME, number, name, help) cr_expect_str_eq(channel_name(UL_CHANNEL_##NAME), name);
	UL_CHANNELS(X)
#undef X
	cr_expect_null(method_name(UL_N_METHODS));
	cr_expect_null(method_name((enum ul_method) - 1));
	cr_expect_null(channel_name(UL_N_CHANNELS));
	cr_expect_str_eq(receive_name(UL_RECEIVE_AUTO), "auto");
	cr_expect_str_eq(receive_name(UL_RECEIVE_XDP), "xdp");
	cr_expect_str_eq(receive_name(UL_RECEIVE_TC), "tc");
	cr_expect_null(receive_name((enum ul_receive)3));
}

/* Every method with every kind of channel: accepted or refused as the table of methods says. */
Test(config_model, methods_and_channels)
{
	for (int m = 0; m < UL_N_METHODS; m++) {
		for (int c = 0; c < UL_N_CHANNELS; c++) {
			_cleanup_free_ char *text = NULL;
			struct errors errors = { 0 };
			struct model *model = NULL;
			int r;

			cr_assert_gt(
				asprintf(
					&text,
					"switches: [{name: a, uplinks: [e0], channel: %s, teaming: {load-balancing: %s}}]",
					channel_name((enum ul_channel)c),
					method_name((enum ul_method)m)),
				0);
			r = config_parse(text, strlen(text), "test", &model, &errors);
			cr_expect_eq(r == 0, ul_method_fits((uint32_t)m, (uint32_t)c), "%s: %s",
				     text, errors.n ? errors.messages[0] : "accepted");
			if (model)
				cr_expect_eq(model->switches[0].teaming.method, (enum ul_method)m);
			errors_done(&errors);
			model_free(model);
		}
	}
}

Test(config_model, find)
{
	struct model *model = parse(complete);
	struct switch_cfg *sw = model_find_switch(model, "vswitch0");

	cr_assert_eq(sw, &model->switches[0]);
	cr_expect_null(model_find_switch(model, "vswitch1"));
	cr_expect_eq(model_find_group(sw, "prod"), &sw->groups[0]);
	cr_expect_null(model_find_group(sw, "Prod"));
	model_free(model);
}

/* The copy does not depend on the original. */
Test(config_model, copy)
{
	struct model *model = parse(complete), *copy = NULL;

	cr_assert_eq(model_copy(model, &copy), 0);
	model->switches[0].groups[0].ports[0].interface[0] = 'X';
	model->switches[0].groups[0].ports[1].addresses[0].prefix_length = 1;
	model->switches[0].groups[0].name[0] = 'X';
	model->control_socket[0] = 'X';
	model_free(model);
	expect_complete(copy);
	model_free(copy);
	model_free(NULL);
}

/* ---- file ---- */
/* systemd starts the daemon again after the second kind only. */
Test(config_load, mistakes_and_failures_that_may_pass)
{
	static const int permanent[] = { EINVAL, ENOENT, ENOTDIR, EISDIR, EACCES, ELOOP };
	static const int passing[] = { EIO, ENOMEM, EMFILE, ENFILE, EAGAIN, ESTALE };

	for (size_t i = 0; i < ARRAY_SIZE(permanent); i++)
		cr_expect(config_error_is_permanent(-permanent[i]), "%s", strerror(permanent[i]));
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		cr_expect_not(config_error_is_permanent(-passing[i]), "%s", strerror(passing[i]));
}

Test(config_load, file)
{
	char path[] = "/tmp/uplinkd-test-XXXXXX", *expected = NULL;
	struct errors errors = { 0 };
	struct model *model = NULL;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, complete, strlen(complete)), (ssize_t)strlen(complete));
	cr_expect_eq(config_load(path, &model, &errors), 0);
	expect_complete(model);
	model_free(model);
	model = NULL;

	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_expect_eq(config_load(path, &model, &errors), -EINVAL);
	cr_expect_null(model);
	cr_assert_gt(asprintf(&expected, "%s:1: switches: missing: must be a list of 0-64 switches",
			      path),
		     0);
	cr_expect_str_eq(errors.messages[0], expected);
	free(expected);
	errors_done(&errors);
	close(fd);
	unlink(path);

	cr_expect_eq(config_load("/nowhere/uplinkd.yaml", &model, &errors), -ENOENT);
	cr_expect_str_eq(errors.messages[0],
			 "/nowhere/uplinkd.yaml: cannot be read: No such file or directory");
	errors_done(&errors);
	cr_expect_eq(config_load("/", &model, &errors), -EISDIR);
	cr_expect_str_eq(errors.messages[0], "/: cannot be read: Is a directory");
	errors_done(&errors);
}
