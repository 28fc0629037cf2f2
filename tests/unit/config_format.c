// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* model_format(): one form per meaning, which reads back to the same model. */
#include <criterion/criterion.h>
#include <dirent.h>

#include "common/util.h"
#include "config/model.h"
#include "config/source.h"

static struct model *parse(const char *text)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct model *model = NULL;
	int r = config_parse(text, strlen(text), "t.yaml", &model, &errors);

	cr_assert_eq(r, 0, "%s\n%s", errors.n ? errors.messages[0] : strerror(-r), text);
	return model;
}

static char *format_of(const struct model *model, bool runtime)
{
	char *text = NULL;

	cr_assert_eq(model_format(model, runtime, &text), 0);
	return text;
}

static void expect_form(const char *text, const char *expected)
{
	struct model *model = parse(text), *again;
	_cleanup_free_ char *first = format_of(model, false), *second = NULL;

	cr_expect_str_eq(first, expected);
	again = parse(first);
	second = format_of(again, false);
	cr_expect_str_eq(second, first);
	model_free(again);
	model_free(model);
}

Test(config_format, defaults_are_left_out)
{
	expect_form("{control: {}, switches: [{name: vs, mtu: 1500, channel: none, receive: auto, "
		    "teaming: {load-balancing: port-id, active: [eth0, eth1], standby: []}, "
		    "uplinks: [eth0, eth1], port-groups: [{name: g, vlan: '0', ports: []}]}]}",
		    "switches:\n"
		    "  - name: vs\n"
		    "    uplinks: [eth0, eth1]\n"
		    "    port-groups:\n"
		    "      - name: g\n");
}

Test(config_format, a_configuration_without_switches_reads_back)
{
	expect_form("switches: []", "switches: []\n");
	expect_form("{switches: [], control: {group: admin}}",
		    "switches: []\ncontrol:\n  group: admin\n");
}

/* Each key with a value that is not the default. */
/* clang-format off */
#define EVERYTHING \
	"switches:\n" \
	"  - name: vs-1\n" \
	"    mtu: 9000\n" \
	"    receive: tc\n" \
	"    channel: lacp\n" \
	"    up-delay-ms: 0\n" \
	"    carrier-poll-ms: 1000\n" \
	"    take-addresses: true\n" \
	"    bridge: vmbr0\n" \
	"    uplinks: [eth0, eth1, eth2]\n" \
	"    lacp:\n" \
	"      activity: passive\n" \
	"      rate: fast\n" \
	"      system-priority: 1\n" \
	"      key: 7\n" \
	"      port-priority: 9\n" \
	"      min-links: 2\n" \
	"      max-links: 3\n" \
	"      selection: bandwidth\n" \
	"      mux: independent\n" \
	"      headless-s: 0\n" \
	"      fallback: individual\n" \
	"      system-id: \"02:00:00:00:00:01\"\n" \
	"    teaming:\n" \
	"      load-balancing: src-dst-ip-port\n" \
	"      rehash: modulo\n" \
	"      iphash-octets: last\n" \
	"      notify-switches: false\n" \
	"      failback: false\n" \
	"      active: [eth2, eth0, eth1]\n" \
	"    security:\n" \
	"      promiscuous: true\n" \
	"      mac-changes: true\n" \
	"      forged-transmits: true\n" \
	"      guest-control-frames: pass\n" \
	"      mac-learning:\n" \
	"        limit: 64\n" \
	"        policy: allow\n" \
	"        age-s: 10\n" \
	"        unicast-flooding: false\n" \
	"    port-groups:\n" \
	"      - name: \"trunk 1\"\n" \
	"        vlan: \"0,10,20-30\"\n" \
	"        qinq: true\n" \
	"        bridge: br-trunk\n" \
	"        security:\n" \
	"          promiscuous: false\n" \
	"          mac-learning: false\n" \
	"        ports:\n" \
	"          - {interface: vm0, mac: \"52:54:00:00:00:01\"}\n" \
	"          - {interface: vmk0, host: true, address: [\"192.0.2.1/24\", \"2001:db8::1/64\"]}\n" \
	"          - {interface: vmk1, host: true, address: [\"192.0.2.2/24\"], gateway: [\"192.0.2.254\", \"fe80::1\"], dns: [\"192.0.2.53\"], routes: [{to: \"198.51.100.0/24\", via: \"192.0.2.9\", metric: 5}, {to: \"10.0.0.0/8\"}]}\n" \
	"          - {interface: vmk2, host: true, dhcp: true, ipv6-ra: true, routes: [{to: \"10.1.0.0/16\", via: \"10.0.0.1\"}]}\n" \
	"      - name: g2\n" \
	"        vlan: \"10-10\"\n" \
	"        security:\n" \
	"          mac-learning:\n" \
	"            age-s: 600\n" \
	"      - name: g3\n" \
	"        vlan: 4095\n" \
	"  - name: \"2\"\n" \
	"    uplinks: [eth3, eth4, \"on\", \"7\"]\n" \
	"    teaming:\n" \
	"      load-balancing: failover-order\n" \
	"      standby: [eth4]\n" \
	"    port-groups:\n" \
	"      - name: a\n" \
	"        vlan: 7\n" \
	"        teaming:\n" \
	"          load-balancing: src-mac\n" \
	"          failback: false\n" \
	"          active: [eth4]\n" \
	"          standby: []\n" \
	"        security:\n" \
	"          mac-learning: true\n" \
	"        ports:\n" \
	"          - {interface: learner}\n" \
	"control:\n" \
	"  socket: \"/run/x/s.sock\"\n" \
	"  group: admins\n" \
	"  group-may: read\n"
/* clang-format on */

Test(config_format, each_key_survives)
{
	expect_form(EVERYTHING, EVERYTHING);
}

Test(config_format, run_time_ports_are_marked)
{
	struct port_cfg port = { .interface = "tap0",
				 .runtime = true,
				 .has_mac = true,
				 .mac = { 0x52, 0x54, 0, 0, 0, 2 } };
	_cleanup_free_ char *with = NULL, *without = NULL;
	struct model *model = parse("{switches: [{name: vs, uplinks: [eth0], "
				    "port-groups: [{name: g}]}]}");

	cr_assert_eq(model_add_port(model, "vs", "g", &port, NULL), 0);
	with = format_of(model, true);
	without = format_of(model, false);
	cr_expect(strstr(with, "        ports:\n          - {interface: tap0, "
			       "mac: \"52:54:00:00:00:02\"}  # run-time port\n"),
		  "%s", with);
	cr_expect_not(strstr(without, "ports:"), "%s", without);
	model_free(parse(with));
	model_free(model);
}

Test(config_format, attached_ports_are_comments)
{
	struct port_cfg port = { .interface = "tap0", .runtime = true, .attached = true };
	_cleanup_free_ char *with = NULL, *without = NULL;
	struct model *model = parse("{switches: [{name: vs, uplinks: [eth0], "
				    "port-groups: [{name: g, bridge: br-g}]}]}");

	cr_assert_eq(model_add_port(model, "vs", "g", &port, NULL), 0);
	with = format_of(model, true);
	without = format_of(model, false);
	cr_expect(strstr(with, "        bridge: br-g\n"
			       "          # {interface: tap0} by the attachment bridge\n"),
		  "%s", with);
	cr_expect_not(strstr(without, "tap0"), "%s", without);
	model_free(parse(with));
	model_free(model);
}

/* The examples of the fuzzer that are valid. */
Test(config_format, all_valid_inputs_of_the_corpus_read_back)
{
	DIR *dir = opendir("tests/fuzz/corpus/config_fuzz");
	const struct dirent *entry;
	size_t n = 0;

	cr_assert(dir);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *first = NULL, *second = NULL;
		struct model *model = NULL, *again;
		char path[512];

		snprintf(path, sizeof(path), "tests/fuzz/corpus/config_fuzz/%s", entry->d_name);
		if (entry->d_name[0] == '.' || config_load(path, &model, NULL) < 0)
			continue;
		n++;
		first = format_of(model, false);
		again = parse(first);
		second = format_of(again, false);
		cr_expect_str_eq(second, first, "%s", path);
		model_free(again);
		model_free(model);
	}
	closedir(dir);
	cr_expect_gt(n, 2);
}
