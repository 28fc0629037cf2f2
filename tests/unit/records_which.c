// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* `which` against the published vectors, and its reason for each state of an uplink. */
#include <criterion/criterion.h>

#include "records/which.h"
#include "view_fake.h"

#ifndef UNIT_DATA_DIR
#define UNIT_DATA_DIR "tests/unit/data"
#endif

TestSuite(records_which);

static struct fake fake;
static struct view view;

/* The answer for two addresses; fails the test when the query is refused. */
static struct which_answer ask(struct snapshot **snapshot, const char *group, const char *source,
			       const char *destination)
{
	const struct which_query query = { .group = group,
					   .source = source,
					   .destination = destination };
	struct which_answer answer;
	_cleanup_(errors_done) struct errors errors = {};

	fake_view(&fake, &view);
	cr_assert_eq(snapshot_take(&view, snapshot), 0);
	cr_assert_eq(which_find(*snapshot, &query, &answer, &errors), 0, "%s %s: %s", source,
		     destination, errors.n ? errors.messages[0] : "");
	return answer;
}

static uint32_t uplink_of(const char *source, const char *destination)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

	return ask(&snapshot, "prod", source, destination).uplink;
}

Test(records_which, published_vectors)
{
	_cleanup_fclose_ FILE *file = fopen(UNIT_DATA_DIR "/iphash.csv", "re");
	char line[256], source[64], destination[64];
	int n_vectors = 0;

	cr_assert(file, "%s: run from the top folder, or set UNIT_DATA_DIR",
		  UNIT_DATA_DIR "/iphash.csv");
	while (fgets(line, sizeof(line), file)) {
		unsigned int n, index;

		if (sscanf(line, "%63[^,],%63[^,],%u,%u,", source, destination, &n, &index) != 4)
			continue;
		fake_init(&fake, n);
		cr_expect_eq(uplink_of(source, destination), index,
			     "%s -> %s over %u: %u, published is %u", source, destination, n,
			     uplink_of(source, destination), index);
		cr_expect_eq(uplink_of(destination, source), index,
			     "the way back: %s -> %s over %u", destination, source, n);
		n_vectors++;
	}
	cr_expect_geq(n_vectors, 6, "only %d vectors were read", n_vectors);
}

/* The formula for every possible number of uplinks, also those that do not divide the table. */
Test(records_which, formula_for_1_to_24_uplinks)
{
	uint32_t random = 12345;

	for (uint32_t n = 1; n <= UL_MAX_UPLINKS; n++) {
		_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

		fake_init(&fake, n);
		fake_view(&fake, &view);
		cr_assert_eq(snapshot_take(&view, &snapshot), 0);
		for (int i = 0; i < 200; i++) {
			char source[32], destination[32];
			struct which_query query = { .group = "prod",
						     .source = source,
						     .destination = destination };
			struct which_answer answer;
			uint32_t a = random = random * 1664525 + 1013904223,
				 b = random = random * 1664525 + 1013904223;

			snprintf(source, sizeof(source), "%u.%u.%u.%u", a >> 24, a >> 16 & 255,
				 a >> 8 & 255, a & 255);
			snprintf(destination, sizeof(destination), "%u.%u.%u.%u", b >> 24,
				 b >> 16 & 255, b >> 8 & 255, b & 255);
			cr_assert_eq(which_find(snapshot, &query, &answer, NULL), 0);
			cr_assert_eq(answer.uplink, (a ^ b) % n, "%s -> %s over %u: %u", source,
				     destination, n, answer.uplink);
		}
	}
}

Test(records_which, ipv6_and_macs)
{
	fake_init(&fake, 4);
	/* 2001:db8::1 ^ 2001:db8::2 folds to 3; the prefixes cancel each other out */
	cr_expect_eq(uplink_of("2001:db8::1", "2001:db8::2"), 3);
	/* words XORed: 0x20010db8 ^ 1 with ::6 -> 0x20010db8 ^ 7, mod 4 = (0 ^ 7) & 3 */
	cr_expect_eq(uplink_of("2001:db8::1", "::6"), (0x20010db8u ^ 7) % 4);
	/* not IP: the last two bytes of each */
	cr_expect_eq(uplink_of("02:00:00:00:00:01", "02:ff:ff:ff:00:07"), 2);
	cr_expect_eq(uplink_of("02:00:00:00:01:00", "02:00:00:00:00:02"), 0x102 % 4);
	/* a port's name stands for its MAC: 52:54:00:00:00:01 */
	cr_expect_eq(uplink_of("vnet0", "02:00:00:00:00:03"), 2);
}

Test(records_which, last_octet)
{
	fake_init(&fake, 3);
	/* 10.1.0.1 ^ 10.0.0.2 = 0x00010003: mod 3 is 1; last octets: 3 mod 3 is 0 */
	cr_expect_eq(uplink_of("10.1.0.1", "10.0.0.2"), 1);
	fake.policies[0].flags |= UL_POLICY_LAST_OCTET;
	cr_expect_eq(uplink_of("10.1.0.1", "10.0.0.2"), 0);
}

Test(records_which, l4_ports)
{
	const struct which_query query = { .group = "prod",
					   .source = "10.0.0.1",
					   .destination = "10.0.0.2",
					   .source_port = "1024",
					   .destination_port = "443" };
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	struct which_answer answer;
	uint8_t all[] = { 0, 1, 2, 3 };
	_cleanup_(errors_done) struct errors errors = {};

	fake_init(&fake, 4);
	fake_policy(&fake, 0, UL_M_SRC_DST_IP_PORT, UL_POLICY_ANY_UPLINK, all, 4, NULL, 0);
	fake_view(&fake, &view);
	cr_assert_eq(snapshot_take(&view, &snapshot), 0);
	cr_assert_eq(which_find(snapshot, &query, &answer, &errors), 0, "%s",
		     errors.n ? errors.messages[0] : "");
	cr_expect_eq(answer.hash, ((3u ^ 1024u ^ 443u) ^ (3u ^ 1024u ^ 443u) >> 8) >> 1);
	cr_expect_eq(answer.uplink, answer.hash % 4);
}

/* ---- reasons ---- */
static void expect_reason(uint32_t uplink, const char *reason)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	struct which_answer answer = ask(&snapshot, "prod", "10.0.0.1", "10.0.0.3"); /* hash 2 */

	cr_expect_eq(answer.uplink, uplink, "uplink %u, expected %u", answer.uplink, uplink);
	cr_expect_str_eq(answer.reason, reason);
}

Test(records_which, home_and_moved)
{
	fake_init(&fake, 2);
	expect_reason(0, "home uplink: hash 2 mod 2 = 0, which is eth0");
	fake_cut(&fake, 0);
	expect_reason(1, "eth0 has no carrier: moved to eth1");
	fake.uplinks[0].flags &= ~(uint32_t)UL_UP_ADMIN;
	expect_reason(1, "eth0 is down: moved to eth1");
	fake.uplinks[0].flags |= UL_UP_ADMIN | UL_UP_CARRIER;
	expect_reason(1, "eth0 is not ready yet: moved to eth1");
	fake.uplinks[0].flags |= UL_UP_SPARE;
	expect_reason(1, "eth0 has recovered and is spare (failback: false): moved to eth1");
	fake.uplinks[0].flags |= UL_UP_DRAINED;
	expect_reason(1, "eth0 is drained: moved to eth1");
	fake.uplinks[0].ifindex = 0;
	expect_reason(1, "eth0 is missing: moved to eth1");
	fake_cut(&fake, 1);
	expect_reason(
		UL_NO_UPLINK,
		"eth0 is missing, and no uplink of the policy is usable: dropped (no_uplink)");
}

/* The bucket table still names the dead uplink (the daemon is stopped): the answer is the
 * fallback of the program. */
Test(records_which, before_the_daemon_has_rewritten_the_buckets)
{
	fake_init(&fake, 2);
	fake.uplinks[0].flags &= ~(uint32_t)(UL_UP_SEND | UL_UP_CARRIER);
	cr_assert_eq(fake.policies[0].bucket[2], 0, "the table was not rewritten");
	expect_reason(1, "eth0 has no carrier: moved to eth1");
}

/* Without a daemon the flags are outdated: lo is an uplink with carrier, a name without an
 * interface one that is missing. */
Test(records_which, without_daemon_the_state_is_the_kernels)
{
	struct live_interface lo;

	cr_assert_eq(live_interface("lo", &lo), 0);
	cr_expect_eq(live_interface("ul-nothing", &lo), -ENODEV);
	cr_assert_eq(live_interface("lo", &lo), 0);
	if (!lo.admin_up)
		cr_skip_test("lo is down");
	fake_init(&fake, 2);
	strcpy(fake.uplinks[1].name, "lo");
	fake.uplinks[1].ifindex = lo.ifindex;
	fake_stop_daemon(&fake, 10);
	expect_reason(1, "eth0 is missing: moved to lo");
	/* an interface of that name, with another index than in the maps */
	fake.uplinks[1].ifindex = lo.ifindex + 1000;
	expect_reason(
		UL_NO_UPLINK,
		"eth0 is missing, and no uplink of the policy is usable: dropped (no_uplink)");
}

Test(records_which, one_uplink_and_failover_order)
{
	const uint8_t first[] = { 0 }, second[] = { 1 }, both[] = { 1, 0 };

	fake_init(&fake, 2);
	fake_policy(&fake, 0, UL_M_SRC_DST_IP, UL_POLICY_ANY_UPLINK, first, 1, NULL, 0);
	expect_reason(0, "eth0 is the only active uplink");
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, both, 2, NULL, 0);
	expect_reason(1, "eth1 is the first of the failover order");
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, first, 1, second, 1);
	fake_cut(&fake, 0);
	expect_reason(1, "eth0 has no carrier: moved to eth1");
}

/* ---- input of each method ---- */
static const struct {
	enum ul_method method;
	const char *source, *destination, *sport;
	int uplink; /* of 2; -1: refused */
	const char *wrong;
	/* clang-format off */
} needs[] = {
	{ UL_M_SRC_DST_IP, "10.0.0.1", NULL, NULL, -1, "DST: missing" },
	{ UL_M_SRC_DST_IP, "10.0.0.1", "2001:db8::1", NULL, -1, "must be two IPv4, two IPv6 or two MAC addresses" },
	{ UL_M_SRC_DST_IP, "10.0.0", "10.0.0.1", NULL, -1, "10.0.0 10.0.0.1: must be two IPv4" },
	{ UL_M_SRC_DST_IP, "10.0.0.256", "10.0.0.1", NULL, -1, "must be" },
	{ UL_M_SRC_DST_IP, "vnet9", "02:00:00:00:00:01", NULL, -1, "must be" },
	{ UL_M_SRC_DST_IP, "10.0.0.1", "10.0.0.2", "65536", -1, "--sport 65536: must be 0-65535" },
	{ UL_M_SRC_DST_IP, "10.0.0.1", "10.0.0.2", "x", -1, "--sport x: must be 0-65535" },
	{ UL_M_SRC_IP, "10.0.0.1", "10.0.0.2", NULL, 1, NULL },
	{ UL_M_DST_IP, "10.0.0.1", "10.0.0.2", NULL, 0, NULL },
	{ UL_M_SRC_MAC, "vnet0", NULL, NULL, 1, NULL },
	{ UL_M_SRC_MAC, "02:00:00:00:00:04", "whatever", NULL, 0, NULL },
	{ UL_M_SRC_MAC, "10.0.0.1", "10.0.0.2", NULL, -1, "10.0.0.1: port group prod uses src-mac: SRC must be a MAC address or a port of the group" },
	{ UL_M_SRC_MAC, "other0", NULL, NULL, -1, "SRC must be a MAC address or a port of the group" },
	{ UL_M_DST_MAC, "vnet0", "02:00:00:00:00:05", NULL, 1, NULL },
	{ UL_M_DST_MAC, "vnet0", NULL, NULL, -1, "DST must be a MAC address" },
	{ UL_M_SRC_DST_MAC, "vnet0", "02:00:00:00:00:05", NULL, 0, NULL },
	{ UL_M_SRC_DST_MAC, "10.0.0.1", "10.0.0.2", NULL, -1, "SRC and DST must be MAC addresses" },
	{ UL_M_PORT_ID, "vnet0", NULL, NULL, 0, NULL },
	{ UL_M_PORT_ID, "vnet1", NULL, NULL, 1, NULL },
	{ UL_M_PORT_ID, "52:54:00:00:00:02", "10.0.0.1", NULL, 1, NULL },
	{ UL_M_PORT_ID, "10.0.0.1", "10.0.0.2", NULL, -1, "port group prod uses port-id: SRC must be the interface or the MAC address of one of its ports" },
	{ UL_M_PORT_ID, "other0", NULL, NULL, -1, "SRC must be the interface" },
	{ UL_M_FAILOVER_ORDER, "whatever", NULL, NULL, 0, NULL },
};
/* clang-format on */

Test(records_which, input_of_each_method)
{
	const uint8_t both[] = { 0, 1 };

	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		const struct which_query query = { .group = "prod",
						   .source = needs[i].source,
						   .destination = needs[i].destination,
						   .source_port = needs[i].sport };
		_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
		_cleanup_(errors_done) struct errors errors = {};
		struct which_answer answer;
		int r;

		fake_init(&fake, 2);
		fake_policy(&fake, 0, needs[i].method, 0, both, 2, NULL, 0);
		fake_port(&fake, 1, "vnet1", 0, 2);
		fake_group(&fake, 1, "other", 200, 0);
		fake_port(&fake, 2, "other0", 1, 3);
		fake_view(&fake, &view);
		cr_assert_eq(snapshot_take(&view, &snapshot), 0);
		r = which_find(snapshot, &query, &answer, &errors);
		if (needs[i].uplink >= 0) {
			cr_expect_eq(r, 0, "row %zu: refused: %s", i,
				     errors.n ? errors.messages[0] : "");
			cr_expect_eq((int)answer.uplink, needs[i].uplink, "row %zu: uplink %u", i,
				     answer.uplink);
		} else {
			cr_assert_eq(r, -EINVAL, "row %zu: not refused", i);
			cr_assert_eq(errors.n, 1);
			cr_expect(strstr(errors.messages[0], needs[i].wrong),
				  "row %zu: '%s', expected '%s'", i, errors.messages[0],
				  needs[i].wrong);
		}
	}
}

Test(records_which, unknown_group)
{
	const struct which_query query = { .group = "pro",
					   .source = "10.0.0.1",
					   .destination = "10.0.0.2" };
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	_cleanup_(errors_done) struct errors errors = {};
	struct which_answer answer;

	fake_init(&fake, 2);
	fake_view(&fake, &view);
	cr_assert_eq(snapshot_take(&view, &snapshot), 0);
	cr_expect_eq(which_find(snapshot, &query, &answer, &errors), -EINVAL);
	cr_expect(strstr(errors.messages[0], "no such port group"), "%s", errors.messages[0]);
}

/* Random map contents never lead outside of the arrays. */
Test(records_which, random_maps)
{
	uint32_t random = 99;

	for (int round = 0; round < 200; round++) {
		const struct which_query query = { .group = "prod",
						   .source = "10.0.0.1",
						   .destination = "10.0.0.2" };
		_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
		_cleanup_(errors_done) struct errors errors = {};
		struct which_answer answer;

		fake_init(&fake, 2);
		for (size_t i = 0; i < sizeof(fake.policies[0]); i++)
			((uint8_t *)&fake.policies[0])[i] =
				(uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		fake.policies[0].method = UL_M_SRC_DST_IP;
		fake_view(&fake, &view);
		cr_assert_eq(snapshot_take(&view, &snapshot), 0);
		cr_expect_eq(which_find(snapshot, &query, &answer, &errors), 0);
		json_auto_t *record = which_record(snapshot, &query, &answer);

		cr_expect(record);
	}
}
