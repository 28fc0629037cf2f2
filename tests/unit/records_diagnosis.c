// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Every finding with a situation that provokes it and an innocent one that differs by one fact. A
 * code without a situation, or without a section in docs/findings.md, fails. */
#include "lacp_fake.h"
#include "record_shapes.h"
#include "records/daemon_findings.h"
#include "records/finding_rows.h"
#include "records/findings.h"

TestSuite(diagnosis, .timeout = 300);

static struct fake fake;
static struct view view;
static uint64_t jiffies, backlog_limit;

#define PORT0 fake.stats[UL_ENDPOINT_PORT0]

/* A situation changes the fake before the first snapshot (second: false) and before the second
 * one. guilty: the finding must be reported; otherwise it must not. */
struct situation {
	const char *code;
	void (*make)(bool guilty, bool second);
	uint32_t argument; /* of counter() and lacp() */
};

static uint32_t argument;
static uint32_t stale; /* ifindex with a program of another set; 0: none has */

static bool has_stale_programs(const struct view *of, uint32_t ifindex)
{
	(void)of;
	return stale && ifindex == stale;
}

/* ---- states ---- */
static void daemon_stopped(bool guilty, bool second)
{
	if (guilty)
		fake_stop_daemon(&fake, 2);
}

static void cut(bool guilty, bool second)
{
	fake_cut(&fake, 1);
	if (guilty) {
		fake_cut(&fake, 0);
		fake_cut(&fake, 2);
	}
}

static void standby(bool guilty, bool second)
{
	const uint8_t active[] = { 0 }, spare[] = { 1 };

	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, active, 1, spare, 1);
	fake_cut(&fake, guilty ? 0 : 1);
}

static void missing(bool guilty, bool second)
{
	fake.uplinks[1].ifindex = guilty ? 0 : 7;
}

static void failed(bool guilty, bool second)
{
	fake.uplinks[1].error = guilty ? EBUSY : 0;
}

static void down(bool guilty, bool second)
{
	fake_cut(&fake, 1);
	if (guilty)
		fake.uplinks[1].flags &= ~(uint32_t)UL_UP_ADMIN;
}

static void no_carrier(bool guilty, bool second)
{
	fake_cut(&fake, 1);
	if (!guilty)
		fake.uplinks[1].flags |= UL_UP_SEND | UL_UP_CARRIER;
}

static void drained(bool guilty, bool second)
{
	fake.uplinks[1].flags |= guilty ? UL_UP_DRAINED : 0;
}

static void spare(bool guilty, bool second)
{
	fake.uplinks[1].flags |= guilty ? UL_UP_SPARE : 0;
}

static void waiting(bool guilty, bool second)
{
	if (guilty)
		fake.uplinks[1].flags &= ~(uint32_t)UL_UP_SEND;
}

static void port_missing(bool guilty, bool second)
{
	fake.ports[0].ifindex = guilty ? 0 : 2000;
}

static void port_failed(bool guilty, bool second)
{
	fake.ports[0].flags |= guilty ? (uint32_t)ENOMEM << UL_PORT_ERROR_SHIFT : 0;
}

static void sources_limited(bool guilty, bool second)
{
	fake.ports[0].flags |= guilty ? UL_PORT_MUTED : 0;
}

static void backlog_short(bool guilty, bool second)
{
	fake.vlans[100] = (struct ul_vlan){ UL_VLAN_ACCESS, 1000 };
	backlog_limit = guilty ? 999 : 1000;
}

static void port_problem(bool guilty, bool second)
{
	fake.ports[0].flags |= guilty ? argument << UL_PORT_PROBLEM_SHIFT : 0;
}

static void problem(bool guilty, bool second)
{
	fake.uplinks[1].problems = guilty ? argument : 0;
}

static void stale_programs(bool guilty, bool second)
{
	stale = guilty ? fake.uplinks[1].ifindex : 0;
}

/* ---- LACP ---- */
static void lacp(bool guilty, bool second)
{
	fake_lacp(&fake);
	if (argument == UL_FIND_LACP_UNUSED || argument == UL_FIND_PAGP)
		fake.meta.channel = UL_CHANNEL_STATIC;
	if (guilty)
		fake_take_out(&fake, "1 link is ready, but min-links is 2", 1U << argument);
}

/* ---- addresses ---- */
static void contested(bool guilty, bool second)
{
	jiffies = 100000;
	fake.meta.lease_ns = now_ns() + 3600000000000ULL;
	if (!second)
		fake_learned(&fake, 0, 100, 1, 100000, guilty ? 99999 : 0);
}

static void moved(bool guilty, bool second)
{
	jiffies = 100000;
	if (!second)
		fake_learned(&fake, 0, 100, 1, 5000, guilty ? 5001 : 0);
}

/* A router that moved has sent frames which ports never flooded. */
static void reflected(bool guilty, bool second)
{
	if (!second)
		return;
	PORT0.flooded.packets += guilty ? 20 : 0;
	fake.stats[1].reflected.packets += 20;
}

/* Frames that return one for one come from the switch. */
static void address_outside(bool guilty, bool second)
{
	if (!second)
		return;
	PORT0.flooded.packets += guilty ? 2 : 20;
	fake.stats[1].reflected.packets += 20;
}

/* ---- members of a channel ---- */
static void silent(bool guilty, bool second)
{
	if (!second)
		return;
	fake.stats[1].sent.packets += 100;
	fake.stats[0].to_port.packets += 100;
	fake.stats[1].to_port.packets += guilty ? 0 : 1;
}

static void speeds(bool guilty, bool second)
{
	fake.uplinks[1].speed_mbps = 1000;
	if (!guilty && !second)
		fake_cut(&fake, 1);
}

static void neighbours(bool guilty, bool second)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct ul_neighbour *neighbour = &fake.lacp_ports[i].neighbour;

		*neighbour =
			(struct ul_neighbour){ .seen_ms = now_ms(), .protocol = UL_NEIGHBOUR_LLDP };
		snprintf(neighbour->device, sizeof(neighbour->device), "leaf%u", guilty ? i : 0);
		snprintf(neighbour->port, sizeof(neighbour->port), "Eth1/%u", i);
	}
}

/* Also on independent links some frames arrive by the wrong uplink; broadcasts then return. */
static void peer_bundles(bool guilty, bool second)
{
	fake.meta.channel = UL_CHANNEL_NONE;
	if (!second)
		return;
	PORT0.flooded.packets += 10;
	fake.stats[1].inactive_uplink.packets += 100;
	fake.stats[2].reflected.packets += guilty ? 0 : 10;
}

/* 125 MB in a moment are above a hundredth of any speed. */
static void imbalance(bool guilty, bool second)
{
	if (!second)
		return;
	for (uint32_t i = 0; i < 3; i++)
		fake.stats[i].sent.bytes += i == 1 || !guilty ? 125000000 : 40000000;
}

static void native_vlan(bool guilty, bool second)
{
	neighbours(false, second);
	fake.lacp_ports[1].neighbour.native_vlan = guilty ? 100 : 99;
}

static void native_vlans_differ(bool guilty, bool second)
{
	neighbours(false, second);
	fake.groups[0].vlan_mode = UL_VLAN_EST;
	fake.groups[0].vid = 0;
	fake.lacp_ports[0].neighbour.native_vlan = 1;
	fake.lacp_ports[1].neighbour.native_vlan = guilty ? 2 : 1;
}

static void half_duplex(bool guilty, bool second)
{
	neighbours(false, second);
	fake.lacp_ports[1].neighbour.duplex = guilty ? UL_DUPLEX_HALF : UL_DUPLEX_FULL;
}

/* ---- counters ---- */
static void counter(bool guilty, bool second)
{
	if (!guilty)
		return;
	((struct ul_count *)&fake.stats[1])[argument].packets += 10;
	((struct ul_count *)&PORT0)[argument].packets += 10;
}

/* clang-format off */
static const struct situation situations[] = {
	{ "daemon_stopped", daemon_stopped, 0 }, { "no_uplink", cut, 0 }, { "standby_in_use", standby, 0 },
	{ "uplink_missing", missing, 0 }, { "uplink_failed", failed, 0 }, { "uplink_down", down, 0 },
	{ "uplink_no_carrier", no_carrier, 0 }, { "uplink_drained", drained, 0 }, { "uplink_spare", spare, 0 },
	{ "uplink_waiting", waiting, 0 }, { "uplink_silent", silent, 0 }, { "speed_mismatch", speeds, 0 },
	{ "neighbours_differ", neighbours, 0 }, { "peer_bundles", peer_bundles, 0 },
	{ "imbalance", imbalance, 0 }, { "native_vlan", native_vlan, 0 }, { "native_vlan", native_vlans_differ, 0 }, { "half_duplex", half_duplex, 0 },
	{ "lacp_passive", lacp, LACP_FIND_PASSIVE }, { "lacp_no_lacpdu", lacp, LACP_FIND_NO_PDU },
	{ "lacp_two_partners", lacp, LACP_FIND_TWO_PARTNERS }, { "lacp_timeout_mismatch", lacp, LACP_FIND_TIMEOUT },
	{ "lacp_late_lacpdus", lacp, LACP_FIND_JITTER }, { "lacp_loopback", lacp, LACP_FIND_LOOPBACK },
	{ "lacp_same_partner_port", lacp, LACP_FIND_SAME_PORT }, { "lacp_min_links", lacp, LACP_FIND_MIN_LINKS },
	{ "lacp_lacp_unused", lacp, UL_FIND_LACP_UNUSED }, { "lacp_pagp", lacp, UL_FIND_PAGP },
	{ "reflected", reflected, 0 }, { "address_outside", address_outside, 0 },
	{ "address_contested", contested, 0 }, { "address_moved", moved, 0 }, { "sources_limited", sources_limited, 0 },
	{ "port_missing", port_missing, 0 }, { "port_failed", port_failed, 0 }, { "backlog_short", backlog_short, 0 },
	{ "not_ethernet", problem, UL_PROBLEM_NOT_ETHERNET }, { "enslaved", problem, UL_PROBLEM_ENSLAVED },
	{ "foreign_xdp", problem, UL_PROBLEM_XDP }, { "foreign_tc", problem, UL_PROBLEM_TC },
	{ "detached", problem, UL_PROBLEM_DETACHED }, { "setting", problem, UL_PROBLEM_MTU },
	{ "host_address", port_problem, UL_PROBLEM_HOST_ADDRESS },
	{ "stale_programs", stale_programs, 0 },
	{ "inactive_uplink", counter, UL_R_INACTIVE_UPLINK }, { "unknown_vlan", counter, UL_R_UNKNOWN_VLAN },
	{ "excess", counter, UL_R_EXCESS }, { "too_big", counter, UL_R_TOO_BIG }, { "failed", counter, UL_R_FAILED },
	{ "queue_full", counter, UL_R_QUEUE_FULL }, { "no_slow_path", counter, UL_R_NO_SLOW_PATH },
	{ "forged_source", counter, UL_R_FORGED_SOURCE }, { "vlan_from_access", counter, UL_R_VLAN_FROM_ACCESS },
	{ "vlan_not_allowed", counter, UL_R_VLAN_NOT_ALLOWED }, { "guest_bpdu", counter, UL_R_GUEST_BPDU },
	{ "guest_lacp", counter, UL_R_GUEST_LACP }, { "guest_trunking", counter, UL_R_GUEST_TRUNKING },
	{ "guest_pause", counter, UL_R_GUEST_PAUSE }, { "learn_overflow", counter, UL_R_LEARN_OVERFLOW },
	{ "address_outside", counter, UL_R_ADDRESS_OUTSIDE }, { "learn_limit", counter, UL_R_LEARN_LIMIT }, { "moved_here", counter, UL_R_MOVED_HERE },
};
/* clang-format on */

/* ---- the daemon ---- */
static const struct {
	const char *code, *guilty, *innocent; /* members of the reply of Status */
					      /* clang-format off */
} daemons[] = {
#define CONFIGURATION(code) { code, "'problems': [{'severity': 'warning', 'code': '" code "', 'message': 'm', 'remedy': 'r'}]", "'problems': []" }
	CONFIGURATION("configuration_copy"), CONFIGURATION("configuration_rolled_back"),
	CONFIGURATION("configuration_fallback"), CONFIGURATION("configuration_unconfirmed"),
	{ "loop_stall", "'minute_loop_delay_us': 5000000", "'minute_loop_delay_us': 4999999, 'worst_loop_delay_us': 9000000" },
};
/* clang-format on */

static json_t *find_of_daemon(const char *members)
{
	char reply[512];

	snprintf(reply, sizeof(reply), "{'configuration': {'state': 'files', 'file': 'f'}, %s}",
		 members);
	for (char *at = reply; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	json_auto_t *daemon = json_loads(reply, 0, NULL);

	cr_assert_not_null(daemon, "%s", reply);
	return daemon_findings(daemon);
}

Test(diagnosis, each_situation_of_the_daemon_and_its_innocent_twin)
{
	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
		json_auto_t *guilty = find_of_daemon(daemons[i].guilty),
			    *innocent = find_of_daemon(daemons[i].innocent);
		json_t *finding = json_array_get(guilty, 0);

		cr_expect_eq(json_array_size(innocent), 0, "%s", daemons[i].code);
		cr_assert_eq(json_array_size(guilty), 1, "%s", daemons[i].code);
		cr_expect_str_eq(text(finding, "code"), daemons[i].code);
		cr_expect_gt(json_array_size(json_object_get(finding, "evidence")), 0);
		cr_expect(json_is_null(json_object_get(finding, "switch")));
	}
}

Test(diagnosis, replies_of_another_shape_are_no_finding)
{
	static const char *const replies[] = { "'problems': 7", "'problems': [1, {}, {'code': 3}]",
					       "'problems': [{'code': 'reflected'}, {'code': 'no'}]",
					       "'minute_loop_delay_us': 'x'", "'problems': null" };
	json_auto_t *absent = daemon_findings(NULL);

	cr_expect_eq(json_array_size(absent), 0);
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		json_auto_t *found = find_of_daemon(replies[i]);

		cr_expect_eq(json_array_size(found), i == 2, "%s", replies[i]);
	}
}

static json_t *find_in(const struct situation *situation, bool guilty)
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL, *now = NULL;

	fake_init(&fake, 3);
	jiffies = backlog_limit = 0;
	stale = 0;
	argument = situation->argument;
	situation->make(guilty, false);
	before = take_snapshot(&fake, &view);
	situation->make(guilty, true);
	now = take_snapshot(&fake, &view);
	view.has_stale_programs = has_stale_programs;
	now->jiffies = before->jiffies = jiffies;
	if (backlog_limit)
		now->backlog = (struct backlog){ backlog_limit, 0 };
	return findings_find(now, before);
}

static json_t *with_code(json_t *findings, const char *code)
{
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding)
		if (strcmp(text(finding, "code"), code) == 0 &&
		    (strcmp(code, "reflected") != 0 ||
		     strcmp(text(finding, "severity"), "note") != 0))
			return finding;
	return NULL;
}

Test(diagnosis, each_situation_and_its_innocent_twin)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		const char *code = situations[i].code;
		json_auto_t *guilty = find_in(&situations[i], true),
			    *innocent = find_in(&situations[i], false);
		json_t *finding = with_code(guilty, code);

		cr_expect_not(with_code(innocent, code), "%s in the innocent situation", code);
		if (!finding) {
			cr_expect_fail("%s is not reported", code);
			continue;
		}
		expect_keys(code, finding, FINDING_KEYS);
		cr_expect_gt(json_array_size(json_object_get(finding, "evidence")), 0, "%s", code);
		cr_expect(text(finding, "remedy")[0] && text(finding, "meaning")[0], "%s", code);
	}
}

static bool is_of_probe(const char *code)
{
	static const char *const codes[] = { "not_bundled", "vlan_missing", "path_mtu",
					     "address_unreachable" };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

Test(diagnosis, each_code_has_a_situation)
{
	size_t n;
	const struct finding_row *rows = finding_rows(&n);

	for (size_t i = 0; i < n; i++) {
		size_t s = 0;

		while (s < ARRAY_SIZE(situations) && strcmp(situations[s].code, rows[i].code) != 0)
			s++;
		for (size_t d = 0; d < ARRAY_SIZE(daemons); d++)
			if (strcmp(daemons[d].code, rows[i].code) == 0)
				s = 0;
		/* those of switch_findings.c: records_switch_output.c; of a probe: records_probe.c
		 */
		cr_expect(s < ARRAY_SIZE(situations) || strncmp(rows[i].code, "switch_", 7) == 0 ||
				  is_of_probe(rows[i].code),
			  "%s has no situation", rows[i].code);
		cr_expect_eq(rows[i].decides != NULL, rows[i].certainty == CERTAINTY_LIKELY,
			     "%s: only a likely finding names a deciding test", rows[i].code);
	}
	cr_expect_null(finding_row("no_such_code"));
}

/* docs/findings.md: "## CODE", then "Severity: ... Certainty: proven." in the order of the table.
 */
Test(diagnosis, each_code_has_a_section)
{
	_cleanup_fclose_ FILE *file = fopen("docs/findings.md", "re");
	char line[1024], code[64], certainty[16] = "";
	size_t n, at = 0;
	const struct finding_row *rows = finding_rows(&n);

	cr_assert_not_null(file, "docs/findings.md: %s (the tests run in the top folder)",
			   strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		const char *found = strstr(line, "Certainty: ");

		if (found && sscanf(found, "Certainty: %15[a-z]", certainty) == 1 && at)
			cr_expect_str_eq(certainty,
					 rows[at - 1].certainty == CERTAINTY_LIKELY ? "likely" :
										      "proven",
					 "%s", rows[at - 1].code);
		if (sscanf(line, "## %63[a-z_]\n", code) != 1)
			continue;
		cr_assert_lt(at, n, "%s: a section too many", code);
		cr_expect_str_eq(code, rows[at].code, "section %zu is %s, not %s", at, code,
				 rows[at].code);
		at++;
	}
	cr_expect_eq(at, n, "%zu of %zu sections", at, n);
}

/* ---- what the innocent twins do not cover ---- */
static size_t count(void (*make)(void))
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL, *now = NULL;

	before = take_snapshot(&fake, &view);
	make();
	now = take_snapshot(&fake, &view);
	json_auto_t *findings = findings_find(now, before);

	return json_array_size(findings);
}

static void hardly_any_traffic(void)
{
	fake.stats[1].sent.packets += 19;
	fake.stats[0].to_port.packets += 100;
}

static void no_replies_at_all(void)
{
	fake.stats[0].sent.packets += 100;
	fake.stats[1].sent.packets += 100;
}

static void counters_reset(void)
{
	memset(fake.stats, 0, sizeof(fake.stats));
}

Test(diagnosis, silence_that_proves_nothing)
{
	fake_init(&fake, 2);
	cr_expect_eq(count(hardly_any_traffic), 0);
	cr_expect_eq(count(no_replies_at_all), 0);
	cr_expect_eq(count(counters_reset), 0);
}

/* HP's trunk without a protocol is a static channel; other vendors need no translation. */
static bool explains_trunk(enum ul_neighbour_vendor vendor)
{
	_cleanup_(snapshot_freep) struct snapshot *now = NULL;
	json_t *sentence;
	size_t i;

	fake_lacp(&fake);
	neighbours(false, false);
	fake.lacp_ports[1].neighbour.vendor = vendor;
	fake_take_out(&fake, "silent", 1U << LACP_FIND_NO_PDU);
	now = take_snapshot(&fake, &view);
	json_auto_t *findings = findings_find(now, NULL);
	json_t *finding = with_code(findings, "lacp_no_lacpdu");

	cr_assert_not_null(finding);
	json_array_foreach(json_object_get(finding, "evidence"), i, sentence)
		if (strstr(json_string_value(sentence), "'trunk PORTS trk1 lacp' matches"))
			return true;
	return false;
}

Test(diagnosis, findings_about_the_channel_speak_hp)
{
	cr_expect(explains_trunk(UL_VENDOR_HP_SWITCH));
	cr_expect_not(explains_trunk(UL_VENDOR_OTHER));
	cr_expect_not(explains_trunk(UL_VENDOR_COMWARE));
}

Test(diagnosis, two_devices_behind_one_lacp_system_are_one_switch)
{
	fake_lacp(&fake);
	neighbours(true, false);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *findings = findings_find(now, NULL);

	cr_expect_null(with_code(findings, "neighbours_differ"));
}

Test(diagnosis, a_neighbour_that_was_replaced_is_not_compared)
{
	fake_init(&fake, 2);
	neighbours(true, false);
	fake.lacp_ports[0].neighbour.seen_ms -= 200000;
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *findings = findings_find(now, NULL);

	cr_expect_null(with_code(findings, "neighbours_differ"));
}
