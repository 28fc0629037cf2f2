// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings about LACP and about the other end of the links, from maps built in memory. */
#include "lacp_fake.h"
#include "record_shapes.h"
#include "records/findings.h"
#include "records/lacp_records.h"

TestSuite(lacp_findings, .timeout = 300);

static struct fake fake;
static struct view view;

static struct snapshot *take(void)
{
	return take_snapshot(&fake, &view);
}

static void start(void)
{
	fake_lacp(&fake);
}

static void take_out(const char *reason, uint32_t findings)
{
	fake_take_out(&fake, reason, findings);
}

static json_t *find(json_t *findings, const char *code)
{
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding)
		if (strcmp(text(finding, "code"), code) == 0)
			return finding;
	return NULL;
}

Test(lacp_findings, without_lacp_only_uplinks_with_a_neighbour_or_finding)
{
	fake_init(&fake, 3);
	fake.lacp_ports[1].findings = 1U << UL_FIND_LACP_UNUSED;
	fake.lacp_ports[1].last_rx_ms = now_ms() - 10;
	fake.lacp_ports[1].partner = switch_a;
	fake.lacp_ports[2].neighbour.seen_ms = now_ms();
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot), *findings = findings_find(snapshot, NULL);
	json_t *record = json_array_get(records, 0), *finding = find(findings, "lacp_lacp_unused");

	cr_assert_eq(json_array_size(records), 2);
	cr_expect_str_eq(text(record, "uplink"), "eth1");
	expect_keys(
		"without LACP", record,
		"running:b mux_state:n selected:n receive_state:n churn:n actor:o partner:o findings:a");
	cr_expect(json_is_false(json_object_get(record, "running")));
	cr_assert_not_null(finding);
	cr_expect_str_eq(text(finding, "object"), "eth1");
	cr_expect(strstr(text(finding, "message"), "00:1c:73:aa:bb:01 key 5"), "%s",
		  text(finding, "message"));
}

Test(lacp_findings, every_finding_has_text_and_remedy)
{
	start();
	strcpy(fake.lacp_ports[0].reason,
	       "1 link is ready, but min-links is 2: the whole channel is held down");
	for (unsigned int finding = 0; finding < UL_N_FINDINGS; finding++) {
		char line[LACP_FINDING_TEXT_LEN];

		if (!lacp_finding_name(finding))
			continue;
		for (enum ul_channel channel = UL_CHANNEL_NONE; channel < UL_N_CHANNELS;
		     channel++) {
			cr_expect_not_null(lacp_finding_remedy(finding, channel), "%s",
					   lacp_finding_name(finding));
			lacp_finding_text(&fake.lacp_ports[0], finding, channel, line,
					  sizeof(line));
			cr_expect_gt(strlen(line), 10, "%s", lacp_finding_name(finding));
		}
		fake.lacp_ports[0].findings = 1U << finding;
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);
		char code[64];

		snprintf(code, sizeof(code), "lacp_%s", lacp_finding_name(finding));
		cr_expect_not_null(find(findings, code), "%s", code);
	}
}

Test(lacp_findings, a_port_out_of_the_channel_has_one_reason)
{
	const char *other =
		"partner system 00:1c:73:aa:bb:cc key 5 differs from the selected 00:1c:73:aa:bb:01 key 5 (probably two switches without MLAG)";

	start();
	take_out("waiting 1 s more for other ports to join with it", 0);
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);

		cr_assert_eq(json_array_size(findings), 1);
		cr_expect_str_eq(
			text(find(findings, "uplink_waiting"), "message"),
			"eth1 is out of the channel: waiting 1 s more for other ports to join with it");
	}
	take_out(other, 1U << LACP_FIND_TWO_PARTNERS);
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);

		cr_assert_eq(json_array_size(findings), 1);
		cr_expect(strstr(text(find(findings, "lacp_two_partners"), "message"), other));
		cr_expect(strstr(text(find(findings, "lacp_two_partners"), "remedy"), "MLAG"));
	}
}

Test(lacp_findings, min_links_is_reported_once_for_the_switch)
{
	start();
	for (uint32_t i = 0; i < 2; i++)
		fake.lacp_ports[i].findings = 1U << LACP_FIND_MIN_LINKS;
	take_out("1 link is ready, but min-links is 2: the whole channel is held down",
		 1U << LACP_FIND_MIN_LINKS);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *findings = findings_find(snapshot, NULL);
	json_t *finding = find(findings, "lacp_min_links");

	cr_assert_not_null(finding);
	cr_expect_str_eq(text(finding, "object"), "vswitch0");
	cr_expect_str_eq(text(finding, "severity"), "error");
	cr_expect_eq(json_array_size(findings), 2, "and that eth1 is out");
}

Test(lacp_findings, a_stopped_daemon_and_the_rest_of_headless_s)
{
	start();
	take_out("no LACPDU for 4 s", 1U << LACP_FIND_NO_PDU);
	fake_stop_daemon(&fake, 10);
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);

		cr_expect_str_eq(text(find(findings, "daemon_stopped"), "severity"), "warning");
		cr_expect(strstr(text(find(findings, "daemon_stopped"), "message"),
				 "uplink_xdp answers LACPDUs for another 4 min "),
			  "%s", text(find(findings, "daemon_stopped"), "message"));
		cr_expect_null(find(findings, "lacp_no_lacpdu"), "may be outdated");
	}
	/* a shorter limit, not a longer stop: CLOCK_MONOTONIC may have started minutes ago */
	fake.meta.headless_ns = 5000000000;
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);

		cr_expect_str_eq(text(find(findings, "daemon_stopped"), "severity"), "error");
		cr_expect(strstr(text(find(findings, "daemon_stopped"), "message"),
				 "LACPDUs are no longer answered"));
	}
}

/* Only uplink_xdp answers; uplinks that receive by TC are not answered. */
Test(lacp_findings, a_stopped_daemon_without_xdp)
{
	start();
	fake_stop_daemon(&fake, 10);
	fake.uplinks[1].xdp_mode = UL_XDP_NONE;
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);

		cr_expect_str_eq(text(find(findings, "daemon_stopped"), "severity"), "error");
		cr_expect(strstr(text(find(findings, "daemon_stopped"), "message"),
				 "LACPDUs are not answered on eth1 (no XDP program attached)"),
			  "%s", text(find(findings, "daemon_stopped"), "message"));
	}
	take_out("no LACPDU for 4 s", 0);
	fake.lacp_ports[1].actor.state = 0x47;
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *findings = findings_find(snapshot, NULL);

		cr_expect_str_eq(text(find(findings, "daemon_stopped"), "severity"), "warning",
				 "the partner has nothing to take out");
	}
}

Test(lacp_findings, a_member_that_waits_for_its_up_delay)
{
	start();
	fake.uplinks[1].flags &= ~(uint32_t)UL_UP_SEND;
	strcpy(fake.lacp_ports[1].reason, "in the channel, but sends only in 12 s (up-delay-ms)");
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *findings = findings_find(snapshot, NULL);

	cr_expect_str_eq(text(find(findings, "uplink_waiting"), "message"),
			 "eth1 is in the channel, but sends only in 12 s (up-delay-ms)");
	cr_expect_str_eq(text(find(findings, "uplink_waiting"), "severity"), "note");
}
