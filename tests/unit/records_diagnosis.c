// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings from maps with a situation that provokes each and an innocent one that differs by one
 * fact. A code without such a pair (finding_cases.h), or without a section in docs/findings.md,
 * fails. */
#include "finding_cases.h"
#include "lacp_fake.h"
#include "record_shapes.h"
#include "records/daemon_findings.h"
#include "records/finding_rows.h"
#include "records/findings.h"

TestSuite(diagnosis, .timeout = 300);

static struct fake fake;
static struct view view;
static uint64_t jiffies, backlog_limit, interval_jiffies;

#define PORT0 fake.stats[UL_ENDPOINT_PORT0]

/* A situation changes the fake before the first snapshot (second: false) and before the second one.
 * guilty: the finding must be reported; otherwise it must not. */
struct situation {
	const char *code;
	void (*make)(bool guilty, bool second);
	const char *with;	  /* all codes that are reported; NULL: only this one */
	const char *innocent;	  /* those of the innocent situation; NULL: none */
	uint32_t argument, other; /* of counter(), lacp() and problem() */
};

static uint32_t argument, other;
static bool former_stays;
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
	fake.uplinks[1].flags &= ~(guilty ? (uint32_t)UL_UP_ADMIN : 0);
}

static void no_carrier(bool guilty, bool second)
{
	fake_cut(&fake, 1);
	if (!guilty)
		fake.uplinks[1].flags |= UL_UP_SEND | UL_UP_CARRIER;
}

static void uplink_flag(bool guilty, bool second)
{
	fake.uplinks[1].flags |= guilty ? argument : 0;
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

static void former_maps(bool guilty, bool second)
{
	former_stays = guilty;
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

/* Two machines that send all the time: the last frame came from outside. */
static void contested_by_turns(bool guilty, bool second)
{
	jiffies = 100000;
	interval_jiffies = 50;
	if (!second)
		fake_learned(&fake, 0, 100, 1, guilty ? 99980 : 99949, 99990);
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

/* Frames of a machine outside with the address of a port equal some of the port's. */
static void reflected_or_twin(bool guilty, bool second)
{
	if (!second)
		return;
	PORT0.flooded.packets += 20;
	fake.stats[1].reflected.packets += 20;
	fake.stats[1].address_outside.packets += guilty ? 0 : 5;
	PORT0.address_outside.packets += guilty ? 0 : 5;
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
	uint32_t reason = guilty ? argument : other;

	((struct ul_count *)&fake.stats[1])[reason].packets += 10;
	((struct ul_count *)&PORT0)[reason].packets += 10;
}

/* On independent links the switch floods to all of them. */
static void inactive_uplink(bool guilty, bool second)
{
	fake.meta.channel = guilty ? UL_CHANNEL_STATIC : UL_CHANNEL_NONE;
	fake.stats[1].inactive_uplink.packets += 10;
}

/* clang-format off */
static const struct situation situations[] = {
	{ .code = "daemon_stopped", .make = daemon_stopped, .with = "no_uplink daemon_stopped uplink_missing" },
	{ .code = "no_uplink", .make = cut, .with = "no_uplink uplink_no_carrier", .innocent = "uplink_no_carrier" },
	{ .code = "standby_in_use", .make = standby, .with = "standby_in_use uplink_no_carrier", .innocent = "uplink_no_carrier" },
	{ .code = "uplink_missing", .make = missing },
	{ .code = "uplink_failed", .make = failed },
	{ .code = "uplink_down", .make = down, .innocent = "uplink_no_carrier" },
	{ .code = "uplink_no_carrier", .make = no_carrier },
	{ .code = "uplink_drained", .make = uplink_flag, .argument = UL_UP_DRAINED },
	{ .code = "uplink_spare", .make = uplink_flag, .argument = UL_UP_SPARE },
	{ .code = "uplink_waiting", .make = waiting },
	{ .code = "uplink_silent", .make = silent },
	{ .code = "speed_mismatch", .make = speeds, .innocent = "uplink_no_carrier" },
	{ .code = "neighbours_differ", .make = neighbours },
	{ .code = "peer_bundles", .make = peer_bundles },
	{ .code = "imbalance", .make = imbalance },
	{ .code = "native_vlan", .make = native_vlan },
	{ .code = "native_vlan", .make = native_vlans_differ },
	{ .code = "half_duplex", .make = half_duplex },
	{ .code = "lacp_passive", .make = lacp, .argument = LACP_FIND_PASSIVE },
	{ .code = "lacp_no_lacpdu", .make = lacp, .argument = LACP_FIND_NO_PDU },
	{ .code = "lacp_two_partners", .make = lacp, .argument = LACP_FIND_TWO_PARTNERS },
	{ .code = "lacp_timeout_mismatch", .make = lacp, .argument = LACP_FIND_TIMEOUT, .with = "uplink_waiting lacp_timeout_mismatch" },
	{ .code = "lacp_late_lacpdus", .make = lacp, .argument = LACP_FIND_JITTER, .with = "uplink_waiting lacp_late_lacpdus" },
	{ .code = "lacp_loopback", .make = lacp, .argument = LACP_FIND_LOOPBACK },
	{ .code = "lacp_same_partner_port", .make = lacp, .argument = LACP_FIND_SAME_PORT, .with = "uplink_waiting lacp_same_partner_port" },
	{ .code = "lacp_min_links", .make = lacp, .argument = LACP_FIND_MIN_LINKS, .with = "lacp_min_links uplink_waiting" },
	{ .code = "lacp_lacp_unused", .make = lacp, .argument = UL_FIND_LACP_UNUSED, .with = "lacp_lacp_unused uplink_waiting" },
	{ .code = "lacp_pagp", .make = lacp, .argument = UL_FIND_PAGP, .with = "lacp_pagp uplink_waiting" },
	{ .code = "reflected", .make = reflected, .innocent = "address_outside" },
	{ .code = "reflected", .make = reflected_or_twin, .innocent = "address_outside" },
	{ .code = "address_outside", .make = address_outside, .innocent = "reflected" },
	{ .code = "address_contested", .make = contested },
	{ .code = "address_contested", .make = contested_by_turns, .innocent = "address_moved" },
	{ .code = "address_moved", .make = moved },
	{ .code = "sources_limited", .make = sources_limited },
	{ .code = "port_missing", .make = port_missing },
	{ .code = "port_failed", .make = port_failed },
	{ .code = "backlog_short", .make = backlog_short },
	{ .code = "not_ethernet", .make = problem, .argument = UL_PROBLEM_NOT_ETHERNET },
	{ .code = "enslaved", .make = problem, .argument = UL_PROBLEM_ENSLAVED },
	{ .code = "foreign_xdp", .make = problem, .argument = UL_PROBLEM_XDP },
	{ .code = "foreign_tc", .make = problem, .argument = UL_PROBLEM_TC },
	{ .code = "detached", .make = problem, .argument = UL_PROBLEM_DETACHED },
	{ .code = "setting", .make = problem, .argument = UL_PROBLEM_MTU },
	{ .code = "host_address", .make = port_problem, .argument = UL_PROBLEM_HOST_ADDRESS },
	{ .code = "stale_programs", .make = stale_programs },
	{ .code = "former_maps", .make = former_maps },
	{ .code = "inactive_uplink", .make = inactive_uplink },
	{ .code = "unknown_vlan", .make = counter, .argument = UL_R_UNKNOWN_VLAN, .other = UL_R_UNKNOWN_UNICAST },
	{ .code = "excess", .make = counter, .argument = UL_R_EXCESS, .other = UL_R_ANSWERED },
	{ .code = "too_big", .make = counter, .argument = UL_R_TOO_BIG, .other = UL_R_TRUNCATED },
	{ .code = "failed", .make = counter, .argument = UL_R_FAILED, .other = UL_R_PORT_DOWN },
	{ .code = "queue_full", .make = counter, .argument = UL_R_QUEUE_FULL, .other = UL_R_PORT_DOWN },
	{ .code = "no_slow_path", .make = counter, .argument = UL_R_NO_SLOW_PATH, .other = UL_R_HAIRPIN },
	{ .code = "forged_source", .make = counter, .argument = UL_R_FORGED_SOURCE, .other = UL_R_INVALID_SOURCE },
	{ .code = "vlan_from_access", .make = counter, .argument = UL_R_VLAN_FROM_ACCESS, .other = UL_R_TO_UPLINK },
	{ .code = "vlan_not_allowed", .make = counter, .argument = UL_R_VLAN_NOT_ALLOWED, .other = UL_R_TO_UPLINK },
	{ .code = "guest_bpdu", .make = counter, .argument = UL_R_GUEST_BPDU, .other = UL_R_GUEST_REGISTRATION },
	{ .code = "guest_lacp", .make = counter, .argument = UL_R_GUEST_LACP, .other = UL_R_CONTROL },
	{ .code = "guest_trunking", .make = counter, .argument = UL_R_GUEST_TRUNKING, .other = UL_R_GUEST_DISCOVERY },
	{ .code = "guest_pause", .make = counter, .argument = UL_R_GUEST_PAUSE, .other = UL_R_RESERVED_ADDRESS },
	{ .code = "learn_overflow", .make = counter, .argument = UL_R_LEARN_OVERFLOW, .other = UL_R_FLOODED },
	{ .code = "address_outside", .make = counter, .argument = UL_R_ADDRESS_OUTSIDE, .other = UL_R_BOTH_WAYS },
	{ .code = "learn_limit", .make = counter, .argument = UL_R_LEARN_LIMIT, .other = UL_R_TO_UPLINK },
	{ .code = "moved_here", .make = counter, .argument = UL_R_MOVED_HERE, .other = UL_R_MOVED_OUTSIDE },
};
/* clang-format on */

const char *diagnosis_case(size_t i)
{
	return i < ARRAY_SIZE(situations) ? situations[i].code : NULL;
}

/* ---- the daemon ---- */
static const struct {
	const char *code, *guilty, *innocent; /* members of the reply of Status */
					      /* clang-format off */
} daemons[] = {
#define CONFIGURATION(name) { "configuration_" name, "'problems': [{'severity': 'warning', 'code': 'configuration_" name "', 'message': 'm', 'remedy': 'r'}]", "'problems': []" }
	CONFIGURATION("copy"), CONFIGURATION("rolled_back"), CONFIGURATION("fallback"),
	CONFIGURATION("unconfirmed"), CONFIGURATION("incomplete"),
	{ "loop_stall", "'minute_loop_delay_us': 5000000", "'minute_loop_delay_us': 4999999, 'worst_loop_delay_us': 9000000" },
};
/* clang-format on */

const char *daemon_case(size_t i)
{
	return i < ARRAY_SIZE(daemons) ? daemons[i].code : NULL;
}

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
	jiffies = backlog_limit = interval_jiffies = 0;
	stale = 0;
	former_stays = false;
	argument = situation->argument;
	other = situation->other;
	situation->make(guilty, false);
	before = take_snapshot(&fake, &view);
	situation->make(guilty, true);
	now = take_snapshot(&fake, &view);
	view.has_stale_programs = has_stale_programs;
	view.former_stays = former_stays;
	now->jiffies = jiffies;
	before->jiffies = jiffies - interval_jiffies;
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

/* The codes in the order of the findings, each once: "no_uplink uplink_no_carrier". A reflection
 * that is only noted is "reflected:note". */
static void list_codes(json_t *findings, char text_of_codes[256])
{
	json_t *finding;
	size_t i, n = 0;

	text_of_codes[0] = '\0';
	json_array_foreach(findings, i, finding) {
		const char *code = text(finding, "code");
		bool noted = strcmp(code, "reflected") == 0 &&
			     strcmp(text(finding, "severity"), "note") == 0;

		if (!strstr(text_of_codes, code))
			n += (size_t)snprintf(text_of_codes + n, 256 - n, "%s%s%s", n ? " " : "",
					      code, noted ? ":note" : "");
	}
}

Test(diagnosis, each_situation_and_its_innocent_twin)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		const char *code = situations[i].code, *with = situations[i].with,
			   *innocent_codes = situations[i].innocent ?: "";
		json_auto_t *guilty = find_in(&situations[i], true),
			    *innocent = find_in(&situations[i], false);
		json_t *finding = with_code(guilty, code);
		char found[256], expected[256];

		list_codes(innocent, found);
		cr_expect_str_eq(found, innocent_codes, "%s: innocent: %s", code, found);
		cr_expect_not(with_code(innocent, code), "%s in the innocent situation", code);
		snprintf(expected, sizeof(expected), "%s", with ? with : code);
		list_codes(guilty, found);
		cr_expect_str_eq(found, expected, "%s: guilty: %s", code, found);
		if (!finding) {
			cr_expect_fail("%s is not reported", code);
			continue;
		}
		expect_keys(code, finding, FINDING_KEYS);
		cr_expect_gt(json_array_size(json_object_get(finding, "evidence")), 0, "%s", code);
		cr_expect(text(finding, "remedy")[0] && text(finding, "meaning")[0], "%s", code);
	}
}

static bool has_case(finding_case_code *cases, const char *code)
{
	for (size_t i = 0; cases(i); i++)
		if (strcmp(cases(i), code) == 0)
			return true;
	return false;
}

Test(diagnosis, each_code_has_a_situation_and_an_innocent_twin)
{
	static finding_case_code *const lists[] = { diagnosis_case, pagp_case, daemon_case,
						    probe_case, switch_output_case };
	size_t n;
	const struct finding_row *rows = finding_rows(&n);

	for (size_t i = 0; i < n; i++) {
		const char *code = rows[i].code;
		size_t found = 0;

		for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
			found += has_case(lists[k], code);
		cr_expect_gt(found, 0, "%s has no situation", code);
		cr_expect_eq(has_case(lacp_case, code), strncmp(code, "lacp_", 5) == 0,
			     "%s: findings of LACP, and no others, have one from frames, too",
			     code);
		cr_expect_eq(rows[i].decides != NULL, rows[i].certainty == CERTAINTY_LIKELY,
			     "%s: only a likely finding names a deciding test", code);
	}
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; lists[k](i); i++)
			cr_expect(finding_row(lists[k](i)), "%s is no code", lists[k](i));
	cr_expect_null(finding_row("no_such_code"));
}

/* Words separated by single blanks, without the marks of code; to be freed. */
static char *flatten(const char *text_of_words, size_t length)
{
	char *flat = calloc(1, length + 1), *to = flat;

	cr_assert(flat);
	for (size_t i = 0; i < length; i++) {
		char c = text_of_words[i] == '\n' ? ' ' : text_of_words[i];

		if (c != '`' && c != '\'' && (c != ' ' || (to > flat && to[-1] != ' ')))
			*to++ = c;
	}
	return flat;
}

static void expect_in_section(const char *section, const char *code, const char *title,
			      const char *sentence)
{
	_cleanup_free_ char *flat = NULL;
	char whole[640];

	if (!sentence)
		return;
	snprintf(whole, sizeof(whole), "%s%s", title, sentence);
	flat = flatten(whole, strlen(whole));
	cr_expect(strstr(section, flat), "%s: the section lacks \"%s\"", code, flat);
}

static char *read_doc(void)
{
	_cleanup_fclose_ FILE *file = fopen("docs/findings.md", "re");
	char *doc = calloc(1, 1 << 18);

	cr_assert(file && doc, "docs/findings.md: %s (the tests run in the top folder)",
		  strerror(errno));
	cr_assert_gt(fread(doc, 1, (1 << 18) - 1, file), 0);
	cr_assert(feof(file));
	return doc;
}

/* docs/findings.md: "## CODE" in the order of the table, and in each section severity, certainty
 * and the texts of the row. */
Test(diagnosis, each_code_has_a_section_with_its_texts)
{
	_cleanup_free_ char *doc = read_doc();
	const char *at = strstr(doc, "\n## ");
	size_t n, i = 0;
	const struct finding_row *rows = finding_rows(&n);

	/* sections that are not about a code have another title */
	for (; at && at[4] >= 'a' && at[4] <= 'z'; i++) {
		const char *next = strstr(at + 1, "\n## ");
		size_t length = next ? (size_t)(next - at) : strlen(at);
		_cleanup_free_ char *section = flatten(at, length);
		const struct finding_row *row = &rows[i];
		char start[96], certainty[40];

		cr_assert_lt(i, n, "a section too many: %.40s", section);
		snprintf(start, sizeof(start), "## %s Severity: ", row->code);
		cr_expect_eq(strncmp(section, start, strlen(start)), 0, "section %zu: %.60s", i,
			     section);
		snprintf(certainty, sizeof(certainty), "Certainty: %s.",
			 row->certainty == CERTAINTY_LIKELY ? "likely" : "proven");
		expect_in_section(section, row->code, "", certainty);
		expect_in_section(section, row->code, "", row->meaning);
		expect_in_section(section, row->code, "On the switch: ", row->on_switch);
		expect_in_section(section, row->code, "To decide: ", row->decides);
		at = next;
	}
	cr_expect_eq(i, n, "%zu of %zu sections", i, n);
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
