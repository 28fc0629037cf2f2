// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Results of ADD in the form of each version, and what is read of them. */
#include "integration/net/cni_result.h"

#include <criterion/criterion.h>

#include "common/util.h"

static const uint8_t host_mac[6] = { 2, 0, 0, 0, 0, 1 }, mac[6] = { 2, 0, 0, 0, 0, 2 };

static void read_text(const char *text, int interface, struct setup *setup)
{
	json_auto_t *result = json_loads(text, 0, NULL);
	struct failure failure = {};

	cr_assert(result, "%s", text);
	cr_assert_eq(cni_result_read(result, interface, setup, &failure), 0, "%s", failure.message);
}

static const char ipam[] =
	"{\"cniVersion\": \"1.1.0\", "
	"\"ips\": [{\"address\": \"192.0.2.10/24\", \"gateway\": \"192.0.2.1\"},"
	" {\"address\": \"2001:db8::10/64\"}], \"routes\": [{\"dst\": \"0.0.0.0/0\"},"
	" {\"dst\": \"2001:db8:1::/48\", \"gw\": \"2001:db8::9\", \"mtu\": 1400,"
	" \"advmss\": 1300, \"priority\": 7,"
	" \"table\": 100, \"scope\": 0}, {\"dst\": \"fd00::/8\"}],"
	" \"dns\": {\"domain\": \"example.org\"}}";

/* clang-format off */
#define INTERFACES(more) \
	"\"interfaces\": [{\"mac\": \"02:00:00:00:00:01\", " more "\"name\": \"ulx\"}, " \
	"{\"mac\": \"02:00:00:00:00:02\", " more \
	"\"name\": \"eth0\", \"sandbox\": \"/run/netns/c\"}]"
#define IPS(four, six) \
	"\"ips\": [{\"address\": \"192.0.2.10/24\", \"gateway\": \"192.0.2.1\", " \
	"\"interface\": 1" four "}, {\"address\": \"2001:db8::10/64\", \"interface\": 1" six "}]"
#define ROUTES(more) \
	"\"routes\": [{\"dst\": \"0.0.0.0/0\", \"gw\": \"192.0.2.1\"}, {" more \
	"\"dst\": \"2001:db8:1::/48\", \"gw\": \"2001:db8::9\"}, {\"dst\": \"fd00::/8\"}]"
#define DNS "\"dns\": {\"domain\": \"example.org\"}"
/* clang-format on */

static const char *const golden[CNI_N_VERSIONS] = {
	[CNI_0_3_1] = "{\"cniVersion\": \"0.3.1\", " DNS ", " INTERFACES(
		"") ", " IPS(", \"version\": \"4\"", ", \"version\": \"6\"") ", " ROUTES("") "}",
	[CNI_0_4_0] = "{\"cniVersion\": \"0.4.0\", " DNS ", " INTERFACES(
		"") ", " IPS(", \"version\": \"4\"", ", \"version\": \"6\"") ", " ROUTES("") "}",
	[CNI_1_0_0] = "{\"cniVersion\": \"1.0.0\", " DNS
		      ", " INTERFACES("") ", " IPS("", "") ", " ROUTES("") "}",
	[CNI_1_1_0] =
		"{\"cniVersion\": \"1.1.0\", " DNS
		", " INTERFACES("\"mtu\": 9000, ") ", " IPS("", "") ", " ROUTES(
			"\"mtu\": 1400, \"advmss\": 1300, \"priority\": 7, \"table\": 100, \"scope\": 0, ") "}",
};

static struct cni_result result_of(enum cni_version version, const json_t *plugin,
				   const struct setup *setup)
{
	return (struct cni_result){ .version = version,
				    .ipam = plugin,
				    .host_end = "ulx",
				    .ifname = "eth0",
				    .netns = "/run/netns/c",
				    .host_mac = host_mac,
				    .mac = mac,
				    .mtu = 9000,
				    .setup = setup };
}

Test(integration_net_result, each_version)
{
	json_auto_t *plugin = json_loads(ipam, 0, NULL);
	struct setup setup, again;

	read_text(ipam, -1, &setup);
	for (int version = 0; version < CNI_N_VERSIONS; version++) {
		const struct cni_result result =
			result_of((enum cni_version)version, plugin, &setup);
		json_auto_t *made = cni_result_make(&result),
			    *expected = json_loads(golden[version], 0, NULL);
		_cleanup_free_ char *text = json_dumps(made, JSON_SORT_KEYS);

		cr_assert(expected, "%s", golden[version]);
		cr_expect(json_equal(made, expected), "%s", text);
		cr_expect_eq(cni_result_find_interface(made, "eth0", "/run/netns/c"), 1);
		cr_expect_eq(cni_result_find_interface(made, "eth0", "/run/netns/d"), -1);
		cr_expect_eq(cni_result_find_interface(made, "ulx", "/run/netns/c"), -1);
		/* what CHECK reads is what ADD set */
		read_text(text, 1, &again);
		cr_expect_eq(again.n_addresses, setup.n_addresses);
		cr_expect_eq(again.n_routes, setup.n_routes);
		cr_expect_eq(again.routes[0].has_via, 1);
		read_text(text, 0, &again);
		cr_expect_eq(again.n_addresses, 0u, "addresses of another interface");
	}
}

Test(integration_net_result, dns_of_the_configuration_goes_first)
{
	json_auto_t *plugin = json_loads(ipam, 0, NULL),
		    *dns = json_loads("{\"nameservers\": [\"192.0.2.53\"]}", 0, NULL),
		    *empty = json_object();
	struct setup setup = {};
	struct cni_result result = result_of(CNI_1_0_0, plugin, &setup);
	json_auto_t *first = NULL, *second = NULL;

	result.dns = dns;
	first = cni_result_make(&result);
	cr_expect(json_equal(json_object_get(first, "dns"), dns));
	result.dns = empty;
	second = cni_result_make(&result);
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(second, "dns"), "domain")),
		"example.org");
}

Test(integration_net_result, previous_result_of_any_shape)
{
	static const char *const texts[] = {
		"{}",
		"{\"interfaces\": 7, \"ips\": \"x\", \"routes\": null, \"dns\": []}",
		"{\"interfaces\": [7, {}, {\"name\": 1}], \"ips\": [null]}",
	};
	struct setup setup = {};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_auto_t *previous = json_loads(texts[i], 0, NULL), *plugin = json_object();
		struct cni_result result = result_of(CNI_1_0_0, plugin, &setup);
		json_auto_t *made = NULL;

		result.previous = previous;
		made = cni_result_make(&result);
		cr_expect(json_is_object(json_object_get(made, "dns")));
		cr_expect_geq(cni_result_find_interface(made, "eth0", "/run/netns/c"), 1);
	}
}
