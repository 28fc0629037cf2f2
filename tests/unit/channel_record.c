// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The record of an uplink as uplinkctl reads it, from a protocol core on a stopped clock. */
#include "channel/internal.h"
#include "lacp_rig.h"

#include <criterion/criterion.h>

RIG_SUITE(channel_record);

Test(channel_record, a_port_in_the_channel)
{
	struct ul_lacp_port record = {};
	struct lacp_port_info info;

	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	channel_record_lacp(rig.lacp, 2, rig.now_ms, &record);
	info = rig_info(&rig, 2);
	cr_expect_eq(record.updated_ms, rig.now_ms);
	cr_expect_eq(record.last_rx_ms, rig.now_ms - info.last_rx_age_ms);
	cr_expect_eq(record.actor.port, 2);
	cr_expect_arr_eq(record.actor.system, rig_system, 6);
	cr_expect_arr_eq(record.partner.system, switch_a, 6);
	cr_expect_eq(record.partner.key, 7);
	cr_expect_eq(record.receive_state, LACP_RX_CURRENT);
	cr_expect_eq(record.selected, LACP_SELECTED);
	cr_expect_eq(record.mux_state, info.mux_state);
	cr_expect_eq(record.flags, UL_LACP_ENABLED);
	cr_expect_eq(record.counters.lacpdu_rx, info.stats.lacpdu_rx);
	cr_expect_gt(record.counters.lacpdu_tx, 0);
	cr_expect_neq(record.reason[0], '\0');
}

Test(channel_record, a_port_that_is_out)
{
	struct ul_lacp_port record = {};

	rig_open(&rig, &config, 1);
	rig_run(&rig);
	channel_record_lacp(rig.lacp, 1, rig.now_ms, &record);
	cr_expect_eq(record.last_rx_ms, 0, "no LACPDU yet");
	cr_expect(record.flags & UL_LACP_OUT);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	rig_run(&rig);
	record = (struct ul_lacp_port){};
	channel_record_lacp(rig.lacp, 1, rig.now_ms, &record);
	cr_expect_eq(record.flags, UL_LACP_ENABLED | UL_LACP_DRAINED | UL_LACP_OUT);
}

Test(channel_record, no_such_port)
{
	static const struct ul_lacp_port empty;
	struct ul_lacp_port record = {};

	rig_open(&rig, &config, 1);
	channel_record_lacp(rig.lacp, 9, rig.now_ms, &record);
	cr_expect_eq(memcmp(&record, &empty, sizeof(record)), 0);
}

Test(channel_record, the_up_delay_is_rounded_up_to_seconds)
{
	char text[64] = "in the channel";

	channel_describe_delay(0, false, text, sizeof(text));
	cr_expect_str_eq(text, "in the channel");
	channel_describe_delay(1001, true, text, sizeof(text));
	cr_expect_str_eq(text, "in the channel", "the reason why it is out comes first");
	channel_describe_delay(1001, false, text, sizeof(text));
	cr_expect(strstr(text, " 2 s (up-delay-ms)"), "%s", text);
}

Test(channel_record, lacp_of_the_peer_on_a_switch_without_lacp)
{
	struct peer_mismatch mismatch = {
		.lacp_ms = 5000,
		.lacpdus = 3,
		.partner = { .key = 9, .port = 4 },
		.reported = 1U << UL_FIND_LACP_UNUSED,
	};
	struct ul_lacp_port record = {};

	channel_record_mismatch(&mismatch, UL_CHANNEL_STATIC, &record);
	cr_expect_eq(record.findings, 1U << UL_FIND_LACP_UNUSED);
	cr_expect_eq(record.last_rx_ms, 5000);
	cr_expect_eq(record.counters.lacpdu_rx, 3);
	cr_expect_eq(record.partner.key, 9);
	cr_expect_neq(record.reason[0], '\0');
	record = (struct ul_lacp_port){};
	channel_record_mismatch(&mismatch, UL_CHANNEL_LACP, &record);
	cr_expect_eq(record.last_rx_ms, 0, "the protocol core fills these");
	mismatch.reported = 1U << UL_FIND_PAGP;
	channel_record_mismatch(&mismatch, UL_CHANNEL_STATIC, &record);
	cr_expect_eq(record.findings, 1U << UL_FIND_LACP_UNUSED | 1U << UL_FIND_PAGP);
	cr_expect_eq(record.last_rx_ms, 0);
}
