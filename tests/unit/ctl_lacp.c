// SPDX-License-Identifier: GPL-2.0
/* show lacp and what status says of LACP, from maps made by hand. */
#include <criterion/criterion.h>

#include "ctl/lacp.h"
#include "ctl/problems.h"
#include "ctl_run.h"
#include "lacp/lacp.h"
#include "view_fake.h"

TestSuite(ctl_lacp, .timeout = 30);

#define IN_USE 0x3f
static struct fake fake;
static struct view view;
static struct fake_fs fs;

static const struct lacp_saved_info us = { .system_priority = 65535,
					   .key = 1,
					   .port_priority = 255,
					   .port = 1,
					   .system = { 2, 0, 0, 0, 0, 1 },
					   .state = IN_USE };
static const struct lacp_saved_info switch_a = { .system_priority = 32768,
						 .key = 5,
						 .port_priority = 128,
						 .port = 9,
						 .system = { 0, 0x1c, 0x73, 0xaa, 0xbb, 0x01 },
						 .state = 0x3d };

/* eth0 and eth1 in use, heard 400 ms ago. */
static void start(void)
{
	fake_init(&fake, 2);
	fake.meta.channel = UL_CHANNEL_LACP;
	fake.meta.headless_ns = 300 * 1000000000ULL;
	for (uint32_t i = 0; i < 2; i++) {
		struct ul_lacp_port *port = &fake.lacp_ports[i];

		*port = (struct ul_lacp_port){ .updated_ms = now_ms(),
					       .last_rx_ms = now_ms() - 400,
					       .actor = us,
					       .partner = switch_a,
					       .receive_state = LACP_RX_CURRENT,
					       .selected = LACP_SELECTED,
					       .mux_state = LACP_MUX_COLLECTING_DISTRIBUTING,
					       .actor_churn = LACP_NO_CHURN,
					       .partner_churn = LACP_NO_CHURN,
					       .flags = UL_LACP_ENABLED,
					       .gaps = 7,
					       .gap_min_ms = 900,
					       .gap_avg_ms = 1000,
					       .gap_max_ms = 1130 };
		port->actor.port = (uint16_t)(i + 1);
		port->partner.port = (uint16_t)(i + 9);
		port->counters = (struct ul_lacp_counters){ .lacpdu_rx = 11,
							    .lacpdu_tx = 12,
							    .marker_rx = 13,
							    .marker_response_tx = 14,
							    .illegal_rx = 15,
							    .unknown_rx = 16,
							    .partner_changes = 17,
							    .excess_rx = 18 };
		strcpy(port->reason, "collecting and distributing");
	}
	fake.lacp_answers[0] = (struct ul_lacp_answer){ .answered = 3,
							.last_ns = now_ns() - 5000000000ULL,
							.excess = 100 };
}

/* eth1 is out of the channel, for this reason, with these findings. */
static void take_out(const char *reason, uint32_t findings)
{
	fake.uplinks[1].flags &= ~(uint32_t)(UL_UP_SEND | UL_UP_RECEIVE);
	fake.lacp_ports[1].flags |= UL_LACP_OUT;
	fake.lacp_ports[1].selected = LACP_UNSELECTED;
	fake.lacp_ports[1].mux_state = LACP_MUX_DETACHED;
	fake.lacp_ports[1].findings = findings;
	snprintf(fake.lacp_ports[1].reason, sizeof(fake.lacp_ports[1].reason), "%s", reason);
}

static struct snapshot *take(void)
{
	struct snapshot *snapshot = NULL;

	fake_view(&fake, &view);
	cr_assert_eq(snapshot_take(&view, &snapshot), 0);
	return snapshot;
}

static json_int_t number(json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

static const char *text(json_t *record, const char *key)
{
	const char *value = json_string_value(json_object_get(record, key));

	return value ? value : "(none)";
}

static json_t *find(json_t *problems, const char *code)
{
	json_t *problem;
	size_t i;

	json_array_foreach(problems, i, problem)
		if (strcmp(text(problem, "code"), code) == 0)
			return problem;
	return NULL;
}

Test(ctl_lacp, record_has_what_is_promised)
{
	static const char side[] =
		"system_priority:i system:s key:i port_priority:i port:i state:a";

	start();
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot);
	json_t *record = json_array_get(records, 0);

	cr_assert_eq(json_array_size(records), 2);
	expect_keys(
		"show lacp", record,
		"switch:s uplink:s actor:o partner:o receive_state:s mux_state:s selected:s churn:o stats:o partner_changes:i last_rx_age_ms:i "
		"channel:s running:b out:b reason:s findings:a individual:b drained:b gaps:o neighbour:n headless:o updated_age_ms:i periodic_state:s");
	expect_keys("actor", json_object_get(record, "actor"), side);
	expect_keys("partner", json_object_get(record, "partner"), side);
	expect_keys("churn", json_object_get(record, "churn"), "actor:s partner:s");
	expect_keys(
		"stats", json_object_get(record, "stats"),
		"lacpdu_rx:i lacpdu_tx:i marker_rx:i marker_response_tx:i illegal_rx:i unknown_rx:i excess_rx:i loopback_rx:i link_down_rx:i");
	expect_keys("gaps", json_object_get(record, "gaps"), "count:i min_ms:i avg_ms:i max_ms:i");

	cr_expect_str_eq(text(record, "uplink"), "eth0");
	cr_expect_str_eq(text(record, "mux_state"), "collecting_distributing");
	cr_expect_str_eq(text(record, "selected"), "selected");
	cr_expect_str_eq(text(record, "receive_state"), "current");
	cr_expect_str_eq(text(json_object_get(record, "partner"), "system"), "00:1c:73:aa:bb:01");
	cr_expect_eq(number(json_object_get(record, "partner"), "port"), 9);
	cr_expect_eq(json_array_size(json_object_get(json_object_get(record, "actor"), "state")),
		     6);
	cr_expect_str_eq(json_string_value(json_array_get(
				 json_object_get(json_object_get(record, "partner"), "state"), 1)),
			 "aggregation");
	cr_expect_eq(number(json_object_get(record, "stats"), "marker_response_tx"), 14);
	cr_expect_eq(number(json_object_get(record, "stats"), "excess_rx"), 118,
		     "dropped by the program and by the daemon");
	cr_expect_eq(number(record, "partner_changes"), 17);
	cr_expect(number(record, "last_rx_age_ms") >= 400 &&
		  number(record, "last_rx_age_ms") < 4000);
	cr_expect_eq(number(json_object_get(record, "headless"), "answered"), 3);
	cr_expect(number(json_object_get(record, "headless"), "last_age_ms") >= 5000);
}

/* Each name of the promise can be said: none of the states leads to null. */
Test(ctl_lacp, every_state_has_a_name)
{
	start();
	for (uint8_t i = 0; i < LACP_N_MUX; i++) {
		fake.lacp_ports[0].mux_state = i;
		fake.lacp_ports[0].receive_state = i % LACP_N_RX;
		fake.lacp_ports[0].selected = i % LACP_N_SELECTED;
		fake.lacp_ports[0].actor_churn = i % LACP_N_CHURN;
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *records = record_lacp(snapshot);
		json_t *record = json_array_get(records, 0);

		expect_keys("states", record, "mux_state:s receive_state:s selected:s");
		expect_keys("churn", json_object_get(record, "churn"), "actor:s partner:s");
	}
	/* What a newer daemon may write must not crash this one. */
	memset(&fake.lacp_ports[0], 0xff, sizeof(fake.lacp_ports[0]));
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot);

	expect_keys("strange", json_array_get(records, 0),
		    "mux_state:n receive_state:n selected:n uplink:s");
}

Test(ctl_lacp, what_was_answered_without_the_daemon_counts_as_heard)
{
	start();
	fake.lacp_answers[0].last_ns = now_ns() - 100000000;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot);

	cr_expect_lt(number(json_array_get(records, 0), "last_rx_age_ms"), 400);
}

Test(ctl_lacp, neighbour_and_findings)
{
	start();
	fake.lacp_ports[0].neighbour = (struct ul_neighbour){ .seen_ms = now_ms(),
							      .protocol = UL_NEIGHBOUR_LLDP,
							      .pagp = UL_PAGP_AUTO,
							      .pagp_ms = now_ms(),
							      .device = "tor-1",
							      .port = "Ethernet1/7" };
	fake.lacp_ports[0].findings = 1U << LACP_FIND_TIMEOUT | 1U << UL_FIND_PAGP | 1U << 30;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot);
	json_t *record = json_array_get(records, 0),
	       *neighbour = json_object_get(record, "neighbour"),
	       *findings = json_object_get(record, "findings");

	cr_expect_str_eq(text(neighbour, "device"), "tor-1");
	cr_expect_str_eq(text(neighbour, "port"), "Ethernet1/7");
	cr_expect_str_eq(text(neighbour, "protocol"), "lldp");
	cr_expect_str_eq(text(neighbour, "pagp"), "auto");
	cr_assert_eq(json_array_size(findings), 2, "an unknown one is left out");
	cr_expect_str_eq(json_string_value(json_array_get(findings, 0)), "timeout_mismatch");
	cr_expect_str_eq(json_string_value(json_array_get(findings, 1)), "pagp");
}

Test(ctl_lacp, without_lacp_only_where_something_is_heard)
{
	fake_init(&fake, 3);
	fake.lacp_ports[1].findings = 1U << UL_FIND_LACP_UNUSED;
	fake.lacp_ports[1].last_rx_ms = now_ms() - 10;
	fake.lacp_ports[1].partner = switch_a;
	fake.lacp_ports[2].neighbour.seen_ms = now_ms();
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot), *problems = problems_find(snapshot, NULL);
	json_t *record = json_array_get(records, 0), *problem = find(problems, "lacp_lacp_unused");

	cr_assert_eq(json_array_size(records), 2);
	cr_expect_str_eq(text(record, "uplink"), "eth1");
	expect_keys(
		"without LACP", record,
		"running:b mux_state:n selected:n receive_state:n churn:n actor:o partner:o findings:a");
	cr_expect(json_is_false(json_object_get(record, "running")));
	cr_assert_not_null(problem);
	cr_expect_str_eq(text(problem, "object"), "eth1");
	cr_expect(strstr(text(problem, "message"), "00:1c:73:aa:bb:01 key 5"), "%s",
		  text(problem, "message"));
}

/* ---- problems
 * ------------------------------------------------------------------------------------------------------------
 */
Test(ctl_lacp, every_finding_has_text_and_remedy)
{
	start();
	strcpy(fake.lacp_ports[0].reason,
	       "1 link is ready, but min-links is 2: the whole channel is held down");
	for (unsigned int finding = 0; finding < UL_N_FINDINGS; finding++) {
		char line[LACP_FINDING_TEXT_LEN];

		if (!lacp_finding_name(finding))
			continue;
		for (enum ul_channel channel = UL_CHANNEL_NONE; channel <= UL_CHANNEL_LACP;
		     channel++) {
			cr_expect_not_null(lacp_finding_remedy(finding, channel), "%s",
					   lacp_finding_name(finding));
			lacp_finding_text(&fake.lacp_ports[0], finding, channel, line,
					  sizeof(line));
			cr_expect_gt(strlen(line), 10, "%s", lacp_finding_name(finding));
		}
		fake.lacp_ports[0].findings = 1U << finding;
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);
		char code[64];

		snprintf(code, sizeof(code), "lacp_%s", lacp_finding_name(finding));
		cr_expect_not_null(find(problems, code), "%s", code);
	}
}

Test(ctl_lacp, a_port_that_is_out_says_why_once)
{
	const char *other =
		"partner system 00:1c:73:aa:bb:cc key 5 differs from the selected 00:1c:73:aa:bb:01 key 5 (two switches without MLAG?)";

	start();
	take_out("waiting 1 s more for other ports to join with it", 0);
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);

		cr_assert_eq(json_array_size(problems), 1);
		cr_expect_str_eq(
			text(find(problems, "uplink_waiting"), "message"),
			"eth1 is out of the channel: waiting 1 s more for other ports to join with it");
	}
	take_out(other, 1U << LACP_FIND_TWO_PARTNERS);
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);

		cr_assert_eq(json_array_size(problems), 1);
		cr_expect(strstr(text(find(problems, "lacp_two_partners"), "message"), other));
		cr_expect(strstr(text(find(problems, "lacp_two_partners"), "remedy"), "MLAG"));
	}
}

Test(ctl_lacp, min_links_is_the_switchs_problem_and_told_once)
{
	start();
	for (uint32_t i = 0; i < 2; i++)
		fake.lacp_ports[i].findings = 1U << LACP_FIND_MIN_LINKS;
	take_out("1 link is ready, but min-links is 2: the whole channel is held down",
		 1U << LACP_FIND_MIN_LINKS);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *problems = problems_find(snapshot, NULL);
	json_t *problem = find(problems, "lacp_min_links");

	cr_assert_not_null(problem);
	cr_expect_str_eq(text(problem, "object"), "vswitch0");
	cr_expect_str_eq(text(problem, "severity"), "error");
	cr_expect_eq(json_array_size(problems), 2, "and that eth1 is out");
}

Test(ctl_lacp, a_stopped_daemon_and_how_long_lacp_goes_on)
{
	start();
	take_out("no LACPDU for 4 s", 1U << LACP_FIND_NO_PDU);
	fake_stop_daemon(&fake, 10);
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);

		cr_expect_str_eq(text(find(problems, "daemon_stopped"), "severity"), "warning");
		cr_expect(strstr(text(find(problems, "daemon_stopped"), "message"),
				 "LACP is answered without it for 4 min "),
			  "%s", text(find(problems, "daemon_stopped"), "message"));
		cr_expect_null(find(problems, "lacp_no_lacpdu"), "may be over");
	}
	fake.meta.headless_ns = 5000000000; /* and not a longer stop: the clock may have begun only
					       minutes ago */
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);

		cr_expect_str_eq(text(find(problems, "daemon_stopped"), "severity"), "error");
		cr_expect(strstr(text(find(problems, "daemon_stopped"), "message"),
				 "not answered any more"));
	}
}

/* Only uplink_xdp answers; where frames are received by TC alone, nobody does. */
Test(ctl_lacp, a_stopped_daemon_where_no_xdp_runs)
{
	start();
	fake_stop_daemon(&fake, 10);
	fake.uplinks[1].xdp_mode = UL_XDP_NONE;
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);

		cr_expect_str_eq(text(find(problems, "daemon_stopped"), "severity"), "error");
		cr_expect(
			strstr(text(find(problems, "daemon_stopped"), "message"),
			       "LACP is not answered without it on eth1, where no XDP program runs"),
			"%s", text(find(problems, "daemon_stopped"), "message"));
	}
	take_out("no LACPDU for 4 s", 0);
	fake.lacp_ports[1].actor.state = 0x47;
	{
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
		json_auto_t *problems = problems_find(snapshot, NULL);

		cr_expect_str_eq(text(find(problems, "daemon_stopped"), "severity"), "warning",
				 "the partner has nothing to take out");
	}
}

Test(ctl_lacp, a_member_that_waits_for_its_up_delay)
{
	start();
	fake.uplinks[1].flags &= ~(uint32_t)UL_UP_SEND;
	strcpy(fake.lacp_ports[1].reason, "in the channel, but sends only in 12 s (up-delay-ms)");
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *problems = problems_find(snapshot, NULL);

	cr_expect_str_eq(text(find(problems, "uplink_waiting"), "message"),
			 "eth1 is in the channel, but sends only in 12 s (up-delay-ms)");
	cr_expect_str_eq(text(find(problems, "uplink_waiting"), "severity"), "note");
}

/* ---- text
 * ----------------------------------------------------------------------------------------------------------------
 */
static void expect_in(const char *out, const char *words)
{
	cr_expect(strstr(out, words), "'%s' is not in:\n%s", words, out);
}

Test(ctl_lacp, text)
{
	start();
	take_out("no LACPDU for 20 s: is the switch port without LACP, or a static channel?",
		 1U << LACP_FIND_NO_PDU);
	fake.lacp_ports[1].actor.state = 0x47;
	fake.lacp_ports[1].neighbour = (struct ul_neighbour){ .seen_ms = now_ms(),
							      .protocol = UL_NEIGHBOUR_CDP,
							      .device = "cat-1",
							      .port = "Te1/1" };
	fake_mount(&fs);
	fake_pin(&fs, &fake, "vswitch0");
	_cleanup_run_ struct run run = run_ctl("show", "lacp", "--bpffs", fs.directory, NULL);
	_cleanup_run_ struct run json =
		run_ctl("show", "lacp", "vswitch0", "--json", "--bpffs", fs.directory, NULL);
	json_auto_t *records = run_json(&json);

	cr_assert_eq(run.status, CTL_DONE, "%s", run.err);
	expect_in(run.out,
		  "vswitch0  LACP active, fast rate, system 65535,02:00:00:00:00:01 key 1\n");
	expect_in(run.out, "ATGSCD--");
	expect_in(run.out, "A-GSCD--");
	expect_in(run.out, "ATG---F-");
	expect_in(run.out, "32768,00:1c:73:aa:bb:01");
	expect_in(run.out, "128,9");
	expect_in(run.out, "0.9/1.0/1.1 s");
	expect_in(run.out, "none/none");
	expect_in(run.out, "cat-1 Te1/1 (cdp)");
	expect_in(run.out, "  eth0: collecting and distributing\n");
	expect_in(
		run.out,
		"  eth1: no LACPDU for 20 s: is the switch port without LACP, or a static channel?\n");
	expect_in(run.out, "no_lacpdu\n");
	expect_in(run.out, "set the switch ports to LACP");
	expect_in(run.out, "EXCESS");
	expect_in(run.out, "118");
	cr_expect_eq(json_array_size(records), 2);
	fake_unmount(&fs);
}

Test(ctl_lacp, text_without_daemon_and_without_lacp)
{
	start();
	fake_stop_daemon(&fake, 20);
	fake_mount(&fs);
	fake_pin(&fs, &fake, "vswitch0");
	fake_init(&fake, 1);
	fake_pin(&fs, &fake, "vswitch1");
	_cleanup_run_ struct run run = run_ctl("show", "lacp", "--bpffs", fs.directory, NULL);

	cr_assert_eq(run.status, CTL_DONE, "%s", run.err);
	expect_in(
		run.out,
		"uplinkd is not running: this is what it wrote last; LACPDUs are answered without it for 4 min");
	expect_in(run.out, "vswitch1  static channel, no LACP\n");
	fake_unmount(&fs);
}
