// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Sources with mistakes, contradictions and loops: an error with place and value, or a remark. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "import/import.h"
#include "import/plan.h"
#include "import/reader.h"

TestSuite(import_hostile, .timeout = 300);

struct result {
	char *text; /* configuration, or NULL */
	struct network network;
	struct errors errors;
};

static void read_ip_text(struct network *network, struct net_place place, const char *text)
{
	read_ip(network, place, text);
}

static void read_proc_text(struct network *network, struct net_place place, const char *text)
{
	read_proc_bonding(network, place, "bond0", text);
}

static struct result import_text(void (*read)(struct network *network, struct net_place place,
					      const char *text),
				 const char *text)
{
	struct net_place place = { "source", 0 };
	struct result result = {};
	struct plan *plan = NULL;
	size_t size;
	FILE *out;

	network_init(&result.network, &result.errors);
	read(&result.network, place, text);
	if (result.network.failed || import_map(&result.network, NULL, &plan) < 0)
		return result;
	out = open_memstream(&result.text, &size);
	cr_assert(out);
	import_write(plan, &result.network, "", out);
	fclose(out);
	plan_free(plan);
	return result;
}

static void result_done(struct result *result)
{
	network_done(&result->network);
	errors_done(&result->errors);
	free(result->text);
}

/* A source that is refused, and a part of the first message. */
static const struct {
	void (*read)(struct network *network, struct net_place place, const char *text);
	const char *text, *error;
	/* clang-format off */
} refused[] = {
	{ read_ip_text, "[{\"ifname\":", "source:1: no JSON: " },
	{ read_ip_text, "[\n\n{\"ifname\" 5}]", "source:3: no JSON: " },
	{ read_ip_text, "{}", "source: must be a list" },
	{ read_ip_text, "[5]", "source: [0].: 5: must be an object with ifname or dst" },
	{ read_ip_text, "[{}, {\"ifname\":7}]", "source: [1].ifname: 7: must be text" },
	{ read_ip_text, "[{\"ifname\":\"\"}]", "source: \"\": must be the name of an interface" },
	{ read_ip_text, "[{\"ifname\":\"a b\"}]", "source: \"a b\": must be the name of an interface" },
	{ read_ip_text, "[{\"ifname\":\"a\\nb\"}]", "source: \"a?b\": must be the name of an interface" },
	{ read_ip_text, "[{\"ifname\":\"0123456789012345678901234567890123456789012345678901234567890123\"}]", "must be the name of an interface, 1-63" },
	{ read_ip_text, "[{\"ifname\":\"e\",\"mtu\":-1}]", "source: [0].mtu: -1: must be a number 0-2147483647" },
	{ read_ip_text, "[{\"ifname\":\"e\",\"mtu\":\"big\"}]", "source: [0].mtu: \"big\": must be a number" },
	{ read_ip_text, "[{\"ifname\":\"b\",\"linkinfo\":{\"info_kind\":\"bond\",\"info_data\":{\"mode\":\"802.3bd\"}}}]", "source: b: mode 802.3bd: must be a mode of bonding" },
	{ read_ip_text, "[{\"ifname\":\"b\",\"linkinfo\":{\"info_kind\":\"bond\",\"info_data\":{\"min_links\":-3}}}]", "source: b: min_links -3: must be a number" },
	{ read_ip_text, "[{\"ifname\":\"b\",\"linkinfo\":{\"info_kind\":\"bond\",\"info_data\":{\"ad_actor_system\":\"1:2\"}}}]", "source: b: ad_actor_system 1:2: must be a MAC address" },
	{ read_ip_text, "[{\"ifname\":\"v\",\"linkinfo\":{\"info_kind\":\"vlan\",\"info_data\":{\"id\":4095}}}]", "source: [0].id: 4095: must be a number 0-4094" },
	{ read_ip_text, "[{\"ifname\":\"e\",\"addr_info\":[{\"local\":\"192.0.2.300\",\"prefixlen\":24}]}]", "source: e: address 192.0.2.300/24: must be an address" },
	{ read_ip_text, "[{\"ifname\":\"e\",\"addr_info\":[{\"local\":\"192.0.2.3\",\"prefixlen\":64}]}]", "source: e: address 192.0.2.3/64: must be an address" },
	{ read_ip_text, "[{\"dst\":\"nowhere\",\"dev\":\"e\"}]", "source: e: route to nowhere: must be IPv4 or IPv6 addresses" },
	{ read_ip_text, "[{\"ifname\":\"e\",\"vlans\":[{\"vlan\":5000}]}]", "source: [0].vlan: 5000: must be a number 0-4094" },
	{ read_ip_text, "[]", "nothing to map" },
	{ read_ip_text, "", "nothing to map" },
	{ read_proc_text, "", "source: no line \"Bonding Mode\"" },
	{ read_proc_text, "Bonding Mode: magic\n", "source:1: bond0: mode magic: must be a mode" },
	{ read_proc_text, "Bonding Mode: load balancing (xor)\nSlave Interface: a/b\n", "source:2: \"a/b\": must be the name of an interface" },
	{ read_ovs, "{\"caption\":\"Bridge table\",\"data\":[],\"headings\":[]}", "source: no \"Port table\": must be the output of `ovsdb-client -f json dump`" },
	{ read_ovs, "{}\n{}\n[}", "source:3: no JSON: " },
	{ read_ovs, "Bridge table\n", "source:1: no JSON: " },
};
/* clang-format on */

Test(import_hostile, a_mistake_is_named_with_place_and_value)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct result result = import_text(refused[i].read, refused[i].text);
		const char *message = result.errors.n ? result.errors.messages[0] : "none";

		cr_expect_null(result.text, "row %zu is accepted: %s", i, result.text);
		cr_expect(strstr(message, refused[i].error), "row %zu: %s", i, message);
		result_done(&result);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s: cannot be written",
		  path);
}

/* Kind of source, name of its file in a new folder, text, whether the folder is the source, and a
 * part of the first error. */
static const struct {
	const char *kind, *file, *text;
	bool is_folder;
	const char *error;
	/* clang-format off */
} files[] = {
	{ "ifupdown", "interfaces", "address 192.0.2.1\n", false, "/interfaces:1: address: must be auto, iface, source" },
	{ "ifupdown", "interfaces", "\niface\n", false, "/interfaces:2: iface: the name is missing" },
	{ "ifupdown", "interfaces", "iface eth0 inet static\n address 192.0.2.1\n netmask 255.0.255.0\n", false, "/interfaces:2: eth0: netmask 255.0.255.0: must be such as 255.255.255.0 or 24" },
	{ "ifupdown", "interfaces", "iface eth0 inet static\n address 1.2.3\n", false, "/interfaces:2: eth0: address 1.2.3: must be an address" },
	{ "ifupdown", "interfaces", "iface eth0 inet static\n gateway  \n", false, "/interfaces:2: eth0: gateway: must be an address" },
	{ "ifupdown", "interfaces", "iface b inet manual\n bond-mode \\\n 9\n", false, "/interfaces:2: b: mode 9: must be a mode of bonding" },
	{ "ifupdown", "interfaces", "iface b inet manual\n bridge-access 0\n", false, "/interfaces:2: b: bridge-access 0: must be 1-4094" },
	{ "ifupdown", "interfaces", "source interfaces\n", false, "/interfaces: files source each other more than 8 times" },
	{ "netplan", "a.yaml", "network: [", false, "/a.yaml:2:1: " },
	{ "netplan", "a.yaml", "net: {}", false, "/a.yaml: no mapping \"network\"" },
	{ "netplan", "a.yaml", "network:\n  vlans:\n    v: {id: 5000, link: eth0}\n", false, "/a.yaml:3: v: id 5000: must be 0-4094" },
	{ "netplan", "a.yaml", "network:\n  bonds:\n    b:\n      parameters:\n        mode: x\n", false, "/a.yaml:5: b: mode x: must be a mode" },
	{ "netplan", "a.yaml", "network:\n  ethernets:\n    e: {mtu: 1}\n", false, "/a.yaml:3: e: mtu 1: must be 68-65535" },
	{ "netplan", "a.txt", "", true, ": contains no file *.yaml" },
	{ "networkd", "a.network", "Name=eth0\n", true, "/a.network:1: Name=eth0: must be [SECTION] or KEY=VALUE" },
	{ "networkd", "a.netdev", "[NetDev]\nName=v\nKind=vlan\n[VLAN]\nId=0\n", true, "/a.netdev:2: v: Id=0: must be 1-4094" },
	{ "networkd", "a.netdev", "[NetDev]\nName=b\nKind=bond\n[Bond]\nMode=y\n", true, "/a.netdev:5: b: mode y: must be a mode" },
	{ "networkd", "a.network", "[Match]\nName=e\n[BridgeVLAN]\nVLAN=20-10\n", true, "/a.network:4: e: VLAN=20-10: must be 1-4094" },
	{ "networkd", "a.network", "[Match]\nName=e\n[Network]\nAddress=x\n", true, "/a.network:4: e: address x: must be an address" },
	{ "networkd", "a.network", "", false, "/a.network: must be a folder" },
};
/* clang-format on */

Test(import_hostile, a_mistake_in_a_file_is_named_with_its_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char folder[] = "/tmp/ul-import-XXXXXX", path[64], source[96];
		_cleanup_(errors_done) struct errors errors = {};
		struct network network;

		cr_assert(mkdtemp(folder));
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].file);
		write_file(path, files[i].text);
		snprintf(source, sizeof(source), "%s:%s", files[i].kind,
			 files[i].is_folder ? folder : path);
		network_init(&network, &errors);
		cr_expect_lt(import_read(&network, source), 0, "row %zu is accepted", i);
		cr_expect(errors.n > 0 && strstr(errors.messages[0], files[i].error), "row %zu: %s",
			  i, errors.n ? errors.messages[0] : "no message");
		network_done(&network);
		unlink(path);
		rmdir(folder);
	}
}

#define LINK(name, rest) "{\"ifname\":\"" name "\",\"link_type\":\"ether\"" rest "}"
#define KIND(kind) ",\"linkinfo\":{\"info_kind\":\"" kind "\"}"
#define MASTER(name) ",\"master\":\"" name "\""
#define VLAN(parent, id)                                                                          \
	",\"link\":\"" parent "\",\"linkinfo\":{\"info_kind\":\"vlan\",\"info_data\":{\"id\":" id \
	"}}"

/* A contradictory network that is mapped, and a part of the configuration. */
static const struct {
	const char *text, *part;
	/* clang-format off */
} mapped[] = {
	/* loops of masters and parents */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge") MASTER("br1")) "," LINK("br1", KIND("bridge") MASTER("br0")) "]", "uplinks: [eth0]" },
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge") MASTER("br0")) "]", "uplinks: [eth0]" },
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge")) "," LINK("v1", VLAN("v2", "1")) "," LINK("v2", VLAN("v1", "2")) "]", "uplinks: [eth0]" },
	/* a VLAN in a VLAN */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge")) "," LINK("v1", VLAN("eth0", "1")) "," LINK("v2", VLAN("v1", "2")) "]", "v2: VLAN 2 inside another VLAN: not mapped" },
	/* several ways out */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("eth1", MASTER("br0")) "," LINK("br0", KIND("bridge")) "]", "uplinks: [eth0, eth1]" },
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("eth1", "") "," LINK("v1", VLAN("eth1", "5") MASTER("br0")) "," LINK("br0", KIND("bridge")) "]", "br0: second way out through v1: not mapped" },
	/* names that YAML reads as something else, or that no kernel interface has */
	{ "[" LINK("123", MASTER("br0")) "," LINK("no", MASTER("br0")) "," LINK("br0", KIND("bridge")) "]", "uplinks: [\"123\", \"no\"]" },
	{ "[" LINK("eth0", MASTER("a-very-long-bridge-name")) "," LINK("a-very-long-bridge-name", KIND("bridge")) "]", "- name: a-very-long-bridge-name" },
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge")) "," LINK("a-very-long-tap-name", KIND("tun") MASTER("br0")) "]", "port a-very-long-tap-name: not mapped" },
	/* the name of a host port is taken */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("vmk0", MASTER("br0") KIND("veth")) "," LINK("br0", KIND("bridge") ",\"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24}]") "]", "{interface: vmk1, host: true" },
	/* a bond of nothing */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge")) "," LINK("bond0", KIND("bond")) "]", "bond0: not mapped: a switch must have an uplink" },
	{ "[" LINK("eth0", MASTER("br0") ",\"mtu\":65535") "," LINK("br0", KIND("bridge")) "]", "MTU 65535: not mapped: must be 1280-9216; 9216 is used" },
	/* the gateway's route once more, without a metric */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge") ",\"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24}]") ",{\"dst\":\"default\",\"dev\":\"br0\"},{\"dst\":\"default\",\"gateway\":\"192.0.2.2\",\"dev\":\"br0\"}]", "gateway: [\"192.0.2.2\"]}" },
	/* a lease is no configuration */
	{ "[" LINK("eth0", MASTER("br0")) "," LINK("br0", KIND("bridge") ",\"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24,\"dynamic\":true}]") "]", "{interface: vmk0, host: true, dhcp: true}" },
};
/* clang-format on */

Test(import_hostile, a_contradictory_network_results_in_a_valid_configuration)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapped); i++) {
		struct result result = import_text(read_ip_text, mapped[i].text);
		_cleanup_(errors_done) struct errors errors = {};
		_cleanup_free_ char *flat = NULL;
		struct model *model = NULL;

		cr_assert(result.text, "row %zu: %s", i,
			  result.errors.n ? result.errors.messages[0] : "");
		cr_expect_eq(config_parse(result.text, strlen(result.text), "row", &model, &errors),
			     0, "row %zu: %s", i, errors.n ? errors.messages[0] : "");
		/* comments are wrapped */
		flat = strdup(result.text);
		for (char *wrap; (wrap = strstr(flat, "\n#   "));)
			memmove(wrap, wrap + 4, strlen(wrap + 4) + 1);
		cr_expect(strstr(flat, mapped[i].part), "row %zu:\n%s", i, result.text);
		model_free(model);
		result_done(&result);
	}
}

Test(import_hostile, numbers_of_objects_are_limited)
{
	char *text, *at;
	struct result result;

	text = at = malloc(64 * (NET_MAX_INTERFACES + 2));
	cr_assert(text);
	*at++ = '[';
	for (int i = 0; i <= NET_MAX_INTERFACES; i++)
		at += sprintf(at, "%s{\"ifname\":\"e%d\"}", i ? "," : "", i);
	strcpy(at, "]");
	result = import_text(read_ip_text, text);
	cr_assert_gt(result.errors.n, 0u);
	cr_expect(strstr(result.errors.messages[0], "more than"), "%s", result.errors.messages[0]);
	result_done(&result);
	free(text);
}

Test(import_hostile, sources_are_named_when_they_are_wrong)
{
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "windows", "windows: unknown source: must be live, ip:PATH" },
		{ "live:/etc", "live:/etc: must be live" },
		{ "ip", "ip: the path is missing: must be ip:PATH" },
		{ "ip:/nonexistent/a.json", "/nonexistent/a.json: cannot be read: No such file" },
		{ "ip:/dev/zero", "/dev/zero: must be a file" },
		{ "ovs:/proc/self/environ", "/proc/self/environ: contains a NUL character" },
		{ "bonding:/etc/hostname", "/etc/hostname: no line \"Bonding Mode\"" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		struct network network;

		network_init(&network, &errors);
		cr_expect_lt(import_read(&network, rows[i][0]), 0, "%s", rows[i][0]);
		cr_assert_gt(errors.n, 0u, "%s", rows[i][0]);
		cr_expect(strstr(errors.messages[0], rows[i][1]), "%s", errors.messages[0]);
		network_done(&network);
	}
}
