// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The records of `show lacp`, from maps built in memory. */
#include "lacp_fake.h"
#include "record_shapes.h"
#include "records/lacp_records.h"

TestSuite(lacp_records, .timeout = 300);

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

Test(lacp_records, record_has_what_is_promised)
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

Test(lacp_records, every_state_has_a_name)
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
	/* unknown values of a newer daemon are null */
	memset(&fake.lacp_ports[0], 0xff, sizeof(fake.lacp_ports[0]));
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot);

	expect_keys("strange", json_array_get(records, 0),
		    "mux_state:n receive_state:n selected:n uplink:s");
}

Test(lacp_records, answers_of_the_data_plane_count_as_received)
{
	start();
	fake.lacp_answers[0].last_ns = now_ns() - 100000000;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take();
	json_auto_t *records = record_lacp(snapshot);

	cr_expect_lt(number(json_array_get(records, 0), "last_rx_age_ms"), 400);
}

Test(lacp_records, neighbour_and_findings)
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
	cr_assert_eq(json_array_size(findings), 2, "an unknown finding is omitted");
	cr_expect_str_eq(json_string_value(json_array_get(findings, 0)), "timeout_mismatch");
	cr_expect_str_eq(json_string_value(json_array_get(findings, 1)), "pagp");
}
