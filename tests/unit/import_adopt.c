// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * `uplinkctl adopt --dry-run`: the steps as golden files, and which packet filters are named. The
 * rules are output of nft; tests/netns/test_import.py executes the steps.
 */
#include <criterion/criterion.h>

#include "ctl_run.h"
#include "import/adopt.h"
#include "import/import.h"

TestSuite(import_adopt, .timeout = 300);

#define DIR "tests/unit/data/import/"

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	cr_assert(file && text, "%s: cannot be read", path);
	cr_assert_lt(fread(text, 1, (1 << 20) - 1, file), (size_t)(1 << 20) - 1);
	fclose(file);
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s: cannot be written",
		  path);
}

Test(import_adopt, each_source_results_in_its_steps)
{
	/* clang-format off */
	static const struct {
		const char *expected, *sources[4];
		bool complete;
	} cases[] = {
		{ DIR "adopt-bond-vlan-bridge.txt", { "ip:" DIR "bond-vlan-bridge" }, true },
		{ DIR "adopt-vlan-aware.txt", { "ip:" DIR "vlan-aware" }, false },
		{ DIR "adopt-ovs.txt", { "ip:" DIR "ovs/address.json", "ip:" DIR "ovs/route.json", "ovs:" DIR "ovs/ovs.json" }, false },
		{ DIR "adopt-ifupdown.txt", { "ifupdown:" DIR "ifupdown/interfaces" }, false },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const *source = cases[i].sources;
		struct run run =
			run_ctl("adopt", "--dry-run", source[0], source[1], source[2], NULL);
		_cleanup_free_ char *expected = NULL;

		if (getenv("UL_WRITE_GOLDEN"))
			write_file(cases[i].expected, run.out);
		expected = read_file(cases[i].expected);
		cr_expect_str_eq(run.out, expected, "%s differs: %s\n%s", cases[i].expected,
				 run.out, run.err);
		cr_expect_eq(run.status, cases[i].complete ? CTL_DONE : CTL_WRONG_REQUEST, "%s: %s",
			     cases[i].expected, run.err);
		run_done(&run);
	}
}

Test(import_adopt, json_has_steps_and_filters)
{
	struct run run =
		run_ctl("--json", "adopt", "--dry-run", "ip:" DIR "bond-vlan-bridge", NULL);
	json_auto_t *value = run_json(&run);
	json_t *steps = json_object_get(value, "steps");

	expect_keys("adopt", value,
		    "configuration:s steps:a back:a bypassed:a not_checked:a not_mapped:a notes:a");
	cr_expect_eq(json_array_size(steps), (size_t)N_ADOPT_STEPS);
	expect_keys("step", json_array_get(steps, 0), "title:s commands:a");
	run_done(&run);
}

/* ---- filters ---- */
struct fixture {
	struct network network;
	struct errors errors;
	struct plan *plan;
	struct adoption adoption;
};

/* The host with bond0, br100 and br200. */
static void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){};
	network_init(&fixture->network, &fixture->errors);
	cr_assert_eq(import_read(&fixture->network, "ip:" DIR "bond-vlan-bridge"), 0);
	cr_assert_eq(import_map(&fixture->network, NULL, &fixture->plan), 0);
}

static void fixture_done(struct fixture *fixture)
{
	adoption_done(&fixture->adoption);
	plan_free(fixture->plan);
	network_done(&fixture->network);
	errors_done(&fixture->errors);
}

static void expect_texts(const struct text_list *list, const char *const *expected, size_t n)
{
	cr_expect_eq(list->n, n, "%zu texts", list->n);
	for (size_t i = 0; i < list->n && i < n; i++)
		cr_expect_str_eq(list->texts[i], expected[i]);
}

Test(import_adopt, chains_and_rules_of_nftables_are_named)
{
	static const char *const expected[] = {
		"nftables: table bridge filter, chain forward, hook forward, 2 rules: redirected frames pass no bridge",
		"nftables: table netdev guard, chain in_vnet1, hook ingress, 1 rule: TC redirects frames in front of this hook",
		"nftables: table inet host, chain input, handle 2 names br200: the addresses of br200 move to vmk0",
		"nftables: table inet host, chain input, handle 4 names bond0.10: the addresses of bond0.10 move to vmk1",
	};
	_cleanup_free_ char *text = read_file(DIR "filters/nft.json");
	struct net_place place = { "nft", 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	adopt_nft_rules(&fixture.network, fixture.plan, place, text, &fixture.adoption);
	expect_texts(&fixture.adoption.bypassed, expected, ARRAY_SIZE(expected));
	fixture_done(&fixture);
}

/* Rows of nft's list, and the only filter that is named; NULL: none. */
Test(import_adopt, only_rules_that_concern_the_plan_are_named)
{
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "", NULL },
		{ "{\"chain\":{\"family\":\"bridge\",\"table\":\"t\",\"name\":\"c\",\"hook\":\"forward\",\"policy\":\"accept\"}}", NULL },
		{ "{\"chain\":{\"family\":\"bridge\",\"table\":\"t\",\"name\":\"c\",\"hook\":\"forward\",\"policy\":\"drop\"}}",
		  "nftables: table bridge t, chain c, hook forward, 0 rules: redirected frames pass no bridge" },
		{ "{\"chain\":{\"family\":\"netdev\",\"table\":\"t\",\"name\":\"c\",\"hook\":\"ingress\",\"dev\":\"eth9\",\"policy\":\"drop\"}}", NULL },
		{ "{\"chain\":{\"family\":\"netdev\",\"table\":\"t\",\"name\":\"c\",\"hook\":\"ingress\",\"dev\":[\"eth9\",\"vnet2\"],\"policy\":\"drop\"}}",
		  "nftables: table netdev t, chain c, hook ingress, 0 rules: TC redirects frames in front of this hook" },
		{ "{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"c\",\"handle\":7,\"expr\":[{\"match\":{\"right\":\"eth9\"}}]}}", NULL },
		{ "{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"c\",\"handle\":7,\"expr\":[{\"match\":{\"right\":\"vnet*\"}}]}}",
		  "nftables: table ip t, chain c, handle 7 names vnet*: frames of vnet0 do not pass the host" },
		{ "{\"rule\":{\"family\":\"ip6\",\"table\":\"t\",\"chain\":\"c\",\"handle\":7,\"expr\":[{\"match\":{\"right\":\"nic1\"}}]}}",
		  "nftables: table ip6 t, chain c, handle 7 names nic1: the host receives no packets from uplink nic1" },
		{ "{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"handle\":7,\"expr\":[{\"match\":{\"right\":\"br100\"}}]}}",
		  "nftables: table inet t, chain c, handle 7 names br100: no frame passes br100, an attachment bridge" },
		{ "{\"set\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"trusted\",\"elem\":[\"lo\",\"bond0\"]}}",
		  "nftables: table inet t, set trusted names bond0: bond0 is removed" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct net_place place = { "nft", 0 };
		struct fixture fixture;
		char text[512];

		fixture_init(&fixture);
		snprintf(text, sizeof(text), "{\"nftables\": [%s]}", rows[i][0]);
		adopt_nft_rules(&fixture.network, fixture.plan, place, text, &fixture.adoption);
		cr_expect_eq(fixture.network.failed, 0, "row %zu", i);
		expect_texts(&fixture.adoption.bypassed, &rows[i][1], rows[i][1] ? 1 : 0);
		fixture_done(&fixture);
	}
}

Test(import_adopt, output_that_is_not_nfts_is_refused)
{
	static const char *const rows[] = { "", "[]", "{\"nftables\": 5}", "{\n\"nftables\": [}" };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct net_place place = { "nft", 0 };
		struct fixture fixture;

		fixture_init(&fixture);
		adopt_nft_rules(&fixture.network, fixture.plan, place, rows[i], &fixture.adoption);
		cr_expect_eq(fixture.network.failed, -EINVAL, "row %zu", i);
		fixture_done(&fixture);
	}
}

Test(import_adopt, ebtables_and_libvirt_are_named)
{
	static const char *const expected[] = {
		"ebtables: table filter, 2 rules: redirected frames pass no bridge",
		"ebtables: table nat, 1 rule: redirected frames pass no bridge",
		"libvirt: filter clean-traffic of vnet0: it is made of ebtables rules; redirected frames pass no bridge",
	};
	struct adoption adoption = {};

	adopt_ebtables_rules("*filter\n:FORWARD ACCEPT\n-A FORWARD -i vnet0 -j DROP\n"
			     "-A FORWARD -j ACCEPT\n\n*broute\n:BROUTING ACCEPT\n\n*nat\n"
			     "-A PREROUTING -i vnet0 -j ACCEPT\n",
			     &adoption);
	adopt_libvirt_binding("vnet0.xml",
			      "<filterbinding>\n  <owner><name>web1</name></owner>\n"
			      "  <portdev name='vnet0'/>\n  <mac address='52:54:00:00:00:01'/>\n"
			      "  <filterref filter='clean-traffic'>\n  </filterref>\n"
			      "</filterbinding>\n",
			      &adoption);
	adopt_libvirt_binding("vnet1.xml", "<filterbinding/>", &adoption);
	expect_texts(&adoption.bypassed, expected, ARRAY_SIZE(expected));
	adoption_done(&adoption);
}
